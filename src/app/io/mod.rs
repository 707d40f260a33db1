//! What an app may do in a hook.

mod kept;

use std::rc::Rc;

use serde::Serialize;

use super::ack::Ack;
use super::error::IoError;
use super::operator::BroadcastOperator;
use super::state::RoomState;
use crate::ids::{Millis, SocketId};
use crate::socket_io::{Args, Handshake, Namespace, ServerPacket};

/// One namespace of the room, at the moment of a hook.
pub struct Io<'a> {
    pub(super) room: &'a mut RoomState,
    namespace: Rc<str>,
}

impl<'a> Io<'a> {
    pub(crate) fn new(room: &'a mut RoomState, namespace: Rc<str>) -> Self {
        Self { room, namespace }
    }

    /// The time of this hook.
    pub fn now(&self) -> Millis {
        self.room.now
    }

    /// The namespace that this is about.
    pub fn namespace(&self) -> &str {
        &self.namespace
    }

    /// Another namespace of the room. A name without its slash is given one, so `""` is `/` (C10).
    pub fn of(&mut self, namespace: &str) -> Io<'_> {
        let namespace = if namespace.starts_with('/') { namespace.into() } else { format!("/{namespace}").into() };
        Io { room: self.room, namespace }
    }

    /// Everybody in the namespace.
    pub fn all(&mut self) -> BroadcastOperator<'_> {
        BroadcastOperator::new(self.room, self.namespace.clone())
    }

    /// Those in a room; a socket's id is a room with just that socket.
    pub fn to(&mut self, room: impl AsRef<str>) -> BroadcastOperator<'_> {
        self.all().to(room)
    }

    /// Everybody but those in a room.
    pub fn except(&mut self, room: impl AsRef<str>) -> BroadcastOperator<'_> {
        self.all().except(room)
    }

    /// Sends an event to everybody in the namespace.
    ///
    /// # Errors
    /// As [`BroadcastOperator::emit`].
    pub fn emit(&mut self, event: &str, value: &(impl Serialize + ?Sized)) -> Result<(), IoError> {
        self.all().emit(event, value)
    }

    /// Answers an event. An answer to a socket that is gone is dropped.
    ///
    /// # Errors
    /// [`IoError::NotJson`].
    pub fn answer(&mut self, ack: Ack, value: &impl Serialize) -> Result<(), IoError> {
        self.answer_args(ack, &Args::of(value)?)
    }

    /// Answers an event with any number of arguments.
    ///
    /// # Errors
    /// As [`answer`](Self::answer).
    #[allow(clippy::needless_pass_by_value, reason = "an event is answered once")]
    pub fn answer_args(&mut self, ack: Ack, args: &Args<'_>) -> Result<(), IoError> {
        self.room.send_to_socket(&self.namespace, &ack.socket, &ServerPacket::Ack { id: ack.id, args })
    }

    /// The sockets in the namespace, by id.
    pub fn sockets(&self) -> impl Iterator<Item = &SocketId> {
        self.joined().into_iter().flat_map(|joined| joined.sockets.keys())
    }

    /// Whether a socket is in the namespace.
    pub fn is_connected(&self, socket: &SocketId) -> bool {
        self.joined().is_some_and(|joined| joined.sockets.contains_key(socket))
    }

    /// The rooms of the namespace with the number of sockets in each, in no order. Each socket is in a room of its own.
    pub fn rooms(&self) -> impl Iterator<Item = (&str, usize)> {
        self.joined().into_iter().flat_map(|joined| joined.rooms.iter())
    }

    /// The rooms that a socket is in: that of its own id too.
    pub fn rooms_of(&self, socket: &SocketId) -> impl Iterator<Item = &str> {
        self.joined().into_iter().flat_map(|joined| joined.rooms.of(socket))
    }

    /// The namespaces that somebody has joined.
    pub fn namespaces(&self) -> impl Iterator<Item = &str> {
        self.room.sockets.namespaces.keys().map(AsRef::as_ref)
    }

    /// How many clients are connected to the room, whatever namespaces they have joined.
    pub fn clients_count(&self) -> usize {
        self.room.sockets.clients.len()
    }

    /// What the first request of the socket's client said; `None` where the socket is gone.
    pub fn handshake(&self, socket: &SocketId) -> Option<&Rc<Handshake>> {
        self.room.handshake(&self.namespace, socket)
    }

    /// Puts a socket into a room. Beyond [`max_rooms_per_socket`](crate::config::Config::max_rooms_per_socket), or with a name
    /// of more than [`max_name_bytes`](crate::config::Config::max_name_bytes), it doesn't join and the operator is warned.
    pub fn join(&mut self, socket: &SocketId, room: &str) {
        self.room.join(&self.namespace, socket, room);
    }

    /// Takes a socket out of a room.
    pub fn leave(&mut self, socket: &SocketId, room: &str) {
        self.room.leave_room(&self.namespace, socket, room);
    }

    /// Takes a socket out of the namespace; with `close`, the client's whole connection ends (C11). The app's own
    /// `disconnected` follows when this hook is done.
    pub fn disconnect(&mut self, socket: &SocketId, close: bool) {
        self.room.disconnect(&self.namespace, socket, close);
    }

    /// The namespace, if anybody has joined it.
    pub(super) fn joined(&self) -> Option<&Namespace> {
        self.room.namespace(&self.namespace)
    }

    /// Tells the operator of a fault that no client can be told of.
    pub fn warn(&self, sentence: &str) {
        self.room.host.warn(sentence);
    }
}
