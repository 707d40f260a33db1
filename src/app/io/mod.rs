//! What an app may do in a hook.

mod deliver;
mod kept;

use std::rc::Rc;

use serde::Serialize;

use super::{BroadcastOperator, IoError, RemoteSocket, Services};
use crate::engine_io::{Engine, Turn};
use crate::ids::{Millis, Sid, SocketId};
use crate::socket_io::{DisconnectReason, Handshake, Namespace, Reply, Sockets};
pub(crate) use deliver::send;
pub(super) use kept::parse_data;

/// One namespace of the room, at the moment of a hook.
pub struct Io<'a> {
    engine: &'a mut Engine,
    pub(super) sockets: &'a mut Sockets,
    services: &'a mut Services,
    turn: Turn<'a>,
    namespace: Rc<str>,
}

impl<'a> Io<'a> {
    pub(crate) fn new(
        engine: &'a mut Engine,
        sockets: &'a mut Sockets,
        services: &'a mut Services,
        turn: Turn<'a>,
        namespace: Rc<str>,
    ) -> Self {
        Self { engine, sockets, services, turn, namespace }
    }

    /// The time of this hook.
    pub fn now(&self) -> Millis {
        self.turn.now
    }

    /// The namespace that this is about.
    pub fn namespace(&self) -> &str {
        &self.namespace
    }

    /// Another namespace of the room. A name without its slash is given one, so `""` is `/` (C10).
    pub fn of(&mut self, namespace: &str) -> Io<'_> {
        let namespace = if namespace.starts_with('/') { namespace.into() } else { format!("/{namespace}").into() };
        let Self { engine, sockets, services, turn, .. } = self;
        Io { engine, sockets, services, turn: turn.reborrow(), namespace }
    }

    /// Everybody in the namespace.
    pub fn all(&mut self) -> BroadcastOperator<'_, 'a> {
        BroadcastOperator::new(self)
    }

    /// Those in a room; a socket's id is a room with just that socket.
    pub fn to(&mut self, room: impl AsRef<str>) -> BroadcastOperator<'_, 'a> {
        self.all().to(room)
    }

    /// Everybody but those in a room.
    pub fn except(&mut self, room: impl AsRef<str>) -> BroadcastOperator<'_, 'a> {
        self.all().except(room)
    }

    /// Sends an event to everybody in the namespace.
    ///
    /// # Errors
    /// As [`BroadcastOperator::emit`].
    pub fn emit(&mut self, event: &str, value: &(impl Serialize + ?Sized)) -> Result<(), IoError> {
        self.all().emit(event, value)
    }

    /// The sockets in the namespace, by id.
    pub fn sockets(&self) -> impl Iterator<Item = &SocketId> {
        self.place().into_iter().flat_map(|place| place.sockets.keys())
    }

    /// Whether a socket is in the namespace.
    pub fn is_connected(&self, socket: &SocketId) -> bool {
        self.place().is_some_and(|place| place.sockets.contains_key(socket))
    }

    /// The rooms of the namespace with the number of sockets in each, in no order. Each socket is in a room of its own.
    pub fn rooms(&self) -> impl Iterator<Item = (&str, usize)> {
        self.place().into_iter().flat_map(|place| place.rooms.iter())
    }

    /// The rooms that a socket is in: that of its own id too.
    pub fn rooms_of(&self, socket: &SocketId) -> impl Iterator<Item = &str> {
        self.place().into_iter().flat_map(|place| place.rooms.of(socket))
    }

    /// The namespaces that somebody has joined.
    pub fn namespaces(&self) -> impl Iterator<Item = &str> {
        self.sockets.namespaces.keys().map(AsRef::as_ref)
    }

    /// How many clients are connected to the room, whatever namespaces they have joined.
    pub fn clients_count(&self) -> usize {
        self.sockets.clients.len()
    }

    /// What the first request of the socket's client said; `None` where the socket is gone.
    pub fn handshake(&self, socket: &SocketId) -> Option<&Rc<Handshake>> {
        let sid = &self.place()?.sockets.get(socket)?.sid;
        Some(&self.sockets.clients.get(sid)?.handshake)
    }

    /// Puts a socket into a room. Beyond [`max_rooms_per_socket`](crate::config::Config::max_rooms_per_socket), or with a name
    /// of more than [`max_name_bytes`](crate::config::Config::max_name_bytes), it doesn't join and the operator is warned.
    pub fn join(&mut self, socket: &SocketId, room: &str) {
        if let Err(sentence) = self.sockets.enter_room(&self.namespace, socket, room) {
            self.warn(&format!("the socket {socket} didn't join a room: {sentence}"));
        }
    }

    /// Takes a socket out of a room.
    pub fn leave(&mut self, socket: &SocketId, room: &str) {
        self.sockets.leave_room(&self.namespace, socket, room, self.turn.now);
    }

    /// Takes a socket out of the namespace; with `close`, the client's whole connection ends (C11). The app's own
    /// `disconnected` follows when this hook is done.
    pub fn disconnect(&mut self, socket: &SocketId, close: bool) {
        let reason = DisconnectReason::ServerNamespaceDisconnect;
        let namespace = self.namespace.clone();
        let Some(sid) = self.sockets.leave(&namespace, socket, reason, self.turn.now) else {
            return;
        };
        self.say_goodbye(&sid, &namespace);
        if close {
            let others = self.sockets.clients.get(&sid).map(|client| client.joined.clone());
            for (namespace, _) in others.unwrap_or_default() {
                self.say_goodbye(&sid, &namespace);
            }
            self.sockets.remove_client(&sid, reason, self.turn.now);
            self.engine.close(&mut self.turn, &sid);
        }
    }

    fn say_goodbye(&mut self, sid: &Sid, namespace: &str) {
        send(self.engine, &mut self.turn, self.sockets, sid, namespace, &Reply::Disconnect);
    }

    pub(super) fn place(&self) -> Option<&Namespace> {
        self.sockets.namespaces.get(&self.namespace)
    }

    pub(super) fn place_mut(&mut self) -> Option<&mut Namespace> {
        self.sockets.namespaces.get_mut(&self.namespace)
    }

    /// Tells the operator of something that went wrong and that no client can be told of.
    pub fn warn(&self, sentence: &str) {
        self.turn.runtime.warn(sentence);
    }

    /// A socket as it is now.
    pub(super) fn remote(&self, id: SocketId) -> Option<RemoteSocket> {
        let rooms = self.rooms_of(&id).map(str::to_owned).collect();
        let data = self.place()?.sockets.get(&id)?.profile.data.clone();
        let handshake = self.handshake(&id)?.clone();
        Some(RemoteSocket { id, rooms, handshake, data })
    }
}
