//! The state of a room that an app acts on: sessions, sockets, timers, pending acks, fetches.

use std::collections::VecDeque;
use std::rc::Rc;

use super::error::Result;
use super::fetches::Fetches;
use super::names::{Name, Names};
use super::outgoing::{Outgoing, Output};
use super::pending_acks::PendingAcks;
use super::remote::RemoteSocket;
use super::schedule::Schedule;
use crate::config::Config;
use crate::database::DatabaseError;
use crate::engine_io::Engine;
use crate::host::Host;
use crate::ids::{Millis, SocketId};
use crate::socket_io::{Handshake, Namespace, Sockets};

/// All of a room but its app.
pub(crate) struct RoomState {
    pub(crate) host: Rc<dyn Host>,
    /// The time of this turn.
    pub(crate) now: Millis,
    pub(crate) engine: Engine,
    pub(crate) sockets: Sockets,
    pub(crate) schedule: Schedule,
    pub(crate) pending_acks: PendingAcks,
    pub(crate) fetches: Fetches,
    /// What was sent and the app wasn't told of; `None` where it doesn't want to know.
    pub(crate) sent: Option<VecDeque<Outgoing>>,
    /// What leaves when a step that may still fail is done; `None` outside of such a step.
    pub(super) held: Option<Vec<Output>>,
    /// The names under which the app may be called later; `None` where any may be its.
    pub(super) names: Option<Names>,
    /// The name of the app, for its own values.
    pub(super) app: &'static str,
    /// How long answers are waited for unless the app says otherwise.
    pub(super) ack_timeout: Millis,
}

impl RoomState {
    /// The state of an empty room, for the app of this name; it may want to know what it has sent.
    pub(crate) fn new(
        config: &Config,
        app: &'static str,
        names: Option<Names>,
        notes_outgoing: bool,
        host: Rc<dyn Host>,
    ) -> Self {
        Self {
            engine: Engine::new(config.clone(), host.clone()),
            host,
            now: Millis::default(),
            sockets: Sockets::new(config),
            schedule: Schedule::default(),
            pending_acks: PendingAcks::default(),
            fetches: Fetches::new(config),
            sent: notes_outgoing.then(VecDeque::new),
            held: None,
            names,
            app,
            ack_timeout: config.ack_timeout,
        }
    }

    /// Reads what an earlier life of the object has stored.
    #[inline(never)] // The runtime compiles a function when it is first called: a new room never calls this one.
    pub(crate) fn open(&mut self) -> Result<(), DatabaseError> {
        let database = self.host.as_ref();
        self.sockets.recovery.open(database)?;
        self.schedule.open(database)?;
        self.pending_acks.open(database)?;
        self.fetches.open(database)
    }

    /// A namespace that somebody has joined.
    pub(crate) fn namespace(&self, name: &str) -> Option<&Namespace> {
        self.sockets.namespaces.get(name)
    }

    /// A socket is gone for good, and with it the answers that it owes.
    pub(crate) fn owes_nothing(&mut self, namespace: &str, socket: &SocketId) {
        self.pending_acks.gone(self.host.as_ref(), namespace, socket);
    }

    /// Makes sure that the app has a handler of this name.
    ///
    /// # Errors
    /// [`Error::NoHandler`](super::Error::NoHandler).
    pub(super) fn check_name(&self, namespace: &str, name: impl Into<Name>) -> Result {
        self.names.as_ref().map_or(Ok(()), |names| names.check(namespace, name.into()))
    }

    /// Puts a socket into a room; the operator is told where a limit forbids it.
    pub(super) fn join(&mut self, namespace: &Rc<str>, socket: &SocketId, room: &str) {
        if let Err(sentence) = self.sockets.enter_room(namespace, socket, room) {
            self.host.warn(&format!("the socket {socket} didn't join a room: {sentence}"));
        }
    }

    /// Takes a socket out of a room.
    pub(super) fn leave_room(&mut self, namespace: &Rc<str>, socket: &SocketId, room: &str) {
        self.sockets.leave_room(namespace, socket, room, self.now);
    }

    /// What the first request of a socket's client said.
    pub(super) fn handshake(&self, namespace: &str, socket: &SocketId) -> Option<&Rc<Handshake>> {
        let sid = &self.namespace(namespace)?.sockets.get(socket)?.sid;
        Some(&self.sockets.clients.get(sid)?.handshake)
    }

    /// A socket as it is now.
    pub(super) fn remote(&self, namespace: &str, id: SocketId) -> Option<RemoteSocket> {
        let joined = self.namespace(namespace)?;
        let rooms = joined.rooms.of(&id).map(str::to_owned).collect();
        let data = joined.sockets.get(&id)?.state.data.clone();
        let handshake = self.handshake(namespace, &id)?.clone();
        Some(RemoteSocket { id, rooms, handshake, data })
    }
}
