//! What an app may do in a hook.

mod fetch;
mod kept;
mod timer;

use std::cell::{RefCell, RefMut};
use std::rc::Rc;

use serde::Serialize;

use super::ack::Ack;
use super::error::Result;
use super::lend::Lend;
use super::operator::BroadcastOperator;
use super::state::RoomState;
use crate::ids::{Millis, SocketId};
use crate::socket_io::{Args, Handshake, Selection, ServerPacket};
pub use fetch::FetchOperator;
pub use timer::TimerOperator;

/// One namespace of the room, at the moment of a hook: the reference's `io`.
///
/// ```
/// use roomcast::app::prelude::*;
///
/// fn shout(socket: &mut Socket, text: String) -> Result<usize> {
///     let io = &socket.io;
///     io.emit("shout", &(socket.id, text.to_uppercase()))?;
///     io.of("/admin").to("watchers").emit("shouted", &socket.id)?;
///     Ok(io.sockets().len())
/// }
/// # let _: Handlers = Handlers::new().on("shout", shout);
/// ```
#[derive(Clone)]
pub struct Io<'a> {
    room: &'a dyn Lend,
    namespace: Rc<str>,
}

impl RoomState {
    /// Has a hook of the app called, with this namespace of the room.
    pub(crate) fn enter<T>(&mut self, namespace: &Rc<str>, hook: impl FnOnce(&Io<'_>) -> T) -> T {
        hook(&Io { room: &RefCell::new(self), namespace: namespace.clone() })
    }
}

impl<'a> Io<'a> {
    /// The room, for as long as one method of the API needs it.
    pub(super) fn room(&self) -> RefMut<'a, RoomState> {
        self.room.lend()
    }

    /// The time of this hook.
    pub fn now(&self) -> Millis {
        self.room().now
    }

    /// The namespace that this is about.
    pub fn namespace(&self) -> &str {
        &self.namespace
    }

    /// Another namespace of the room. A name without its slash is given one, so `""` is `/` (C10).
    pub fn of(&self, namespace: &str) -> Self {
        let namespace = if namespace.starts_with('/') { namespace.into() } else { format!("/{namespace}").into() };
        Self { room: self.room, namespace }
    }

    /// Everybody in the namespace.
    pub fn all(&self) -> BroadcastOperator<'a> {
        BroadcastOperator::new(self.room, self.namespace.clone())
    }

    /// Those in a room; a socket's id is a room with just that socket.
    pub fn to(&self, room: impl AsRef<str>) -> BroadcastOperator<'a> {
        self.all().to(room)
    }

    /// Everybody but those in a room.
    pub fn except(&self, room: impl AsRef<str>) -> BroadcastOperator<'a> {
        self.all().except(room)
    }

    /// Sends an event to everybody in the namespace.
    ///
    /// # Errors
    /// As [`BroadcastOperator::emit`].
    pub fn emit(&self, event: &str, value: &(impl Serialize + ?Sized)) -> Result {
        self.all().emit(event, value)
    }

    /// Answers an event: with several arguments where the value is a tuple, with none where it is `()`, and else with this one.
    /// An answer to a socket that is gone is dropped.
    ///
    /// # Errors
    /// [`Error::NotJson`](super::Error::NotJson).
    pub fn answer(&self, ack: Ack, value: &(impl Serialize + ?Sized)) -> Result {
        self.answer_args(ack, &Args::of(value).map_err(super::error::not_json)?)
    }

    /// Answers an event with arguments that were read elsewhere.
    ///
    /// # Errors
    /// As [`answer`](Self::answer).
    #[allow(clippy::needless_pass_by_value, reason = "an event is answered once")]
    pub fn answer_args(&self, ack: Ack, args: &Args<'_>) -> Result {
        let packet = ServerPacket::Ack { id: ack.id, args };
        self.room().send_to_socket(&self.namespace, &ack.socket, &packet)
    }

    /// The sockets in the namespace, by id.
    pub fn sockets(&self) -> Vec<SocketId> {
        let room = self.room();
        room.receivers(&Selection::all(self.namespace.clone()))
    }

    /// How many sockets are in the namespace.
    pub fn sockets_count(&self) -> usize {
        self.room().namespace(&self.namespace).map_or(0, |joined| joined.sockets.len())
    }

    /// Whether a socket is in the namespace.
    pub fn is_connected(&self, socket: &SocketId) -> bool {
        self.room().namespace(&self.namespace).is_some_and(|joined| joined.sockets.contains_key(socket))
    }

    /// The rooms of the namespace with the number of sockets in each, in no order. Each socket is in a room of its own.
    pub fn rooms(&self) -> Vec<(String, usize)> {
        let room = self.room();
        let joined = room.namespace(&self.namespace);
        joined
            .into_iter()
            .flat_map(|joined| joined.rooms.iter())
            .map(|(name, count)| (name.to_owned(), count))
            .collect()
    }

    /// The rooms that a socket is in: that of its own id too.
    pub fn rooms_of(&self, socket: &SocketId) -> Vec<String> {
        let room = self.room();
        let joined = room.namespace(&self.namespace);
        joined.into_iter().flat_map(|joined| joined.rooms.of(socket)).map(str::to_owned).collect()
    }

    /// The namespaces that somebody has joined.
    pub fn namespaces(&self) -> Vec<Rc<str>> {
        self.room().sockets.namespaces.keys().cloned().collect()
    }

    /// How many clients are connected to the room, whatever namespaces they have joined.
    pub fn clients_count(&self) -> usize {
        self.room().sockets.clients.len()
    }

    /// What the first request of the socket's client said; `None` where the socket is gone.
    pub fn handshake(&self, socket: &SocketId) -> Option<Rc<Handshake>> {
        self.room().handshake(&self.namespace, socket).cloned()
    }

    /// Puts a socket into a room. Beyond [`max_rooms_per_socket`](crate::config::Config::max_rooms_per_socket), or with a name
    /// of more than [`max_name_bytes`](crate::config::Config::max_name_bytes), it doesn't join and the operator is warned.
    pub fn join(&self, socket: &SocketId, room: &str) {
        self.room().join(&self.namespace, socket, room);
    }

    /// Takes a socket out of a room.
    pub fn leave(&self, socket: &SocketId, room: &str) {
        self.room().leave_room(&self.namespace, socket, room);
    }

    /// Takes a socket out of the namespace; with `close`, the client's whole connection ends (C11). The app's own
    /// `disconnected` follows when this hook is done.
    pub fn disconnect(&self, socket: &SocketId, close: bool) {
        self.room().disconnect(&self.namespace, socket, close);
    }

    /// The namespace's name, to be kept.
    pub(super) fn name(&self) -> &Rc<str> {
        &self.namespace
    }

    /// Tells the operator of a fault that no client can be told of.
    pub fn warn(&self, sentence: &str) {
        self.room().host.warn(sentence);
    }
}
