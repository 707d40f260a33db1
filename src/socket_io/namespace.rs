//! Clients, namespaces, and each client's socket in each namespace that it joined.

use std::rc::Rc;

use rustc_hash::FxHashMap;

use super::decoder::Decoder;
use super::handshake::Handshake;
use super::recovery::{ClientRecovery, SocketState};
use super::rooms::Rooms;
use crate::ids::{Millis, Pid, Sid, SocketId};
use crate::sorted::{SortedMap, SortedSet};

/// One Engine.IO session, as this layer sees it.
#[derive(Debug)]
pub struct Client {
    /// Puts its messages together.
    pub decoder: Decoder,
    /// Its socket in each namespace that it joined.
    pub joined: SortedMap<Rc<str>, SocketId>,
    /// The namespaces that it was taken out of by the server, and hasn't joined again. What it says to them was on its
    /// way, and is ignored (E12).
    pub dismissed: SortedSet<Rc<str>>,
    /// What its first request said.
    pub handshake: Rc<Handshake>,
    /// Whether its sockets recover.
    pub recovery: ClientRecovery,
    /// When it must have joined a namespace; `None` once it has joined its first (C7).
    pub connect_by: Option<Millis>,
}

/// One client in one namespace.
#[derive(Debug)]
pub struct Socket {
    /// The session that carries it.
    pub sid: Sid,
    /// What it is, whichever session carries it.
    pub state: SocketState,
    /// Whether it has a row because it doesn't fit what the runtime keeps beside a WebSocket.
    pub spilled: bool,
}

impl Socket {
    /// Whether it is to have a row: its client may come back to it, or there is no other place for what it is. Where clients
    /// recover (`is_on`), all have one: so the app learns also of those that are lost with the object's memory.
    pub fn has_row(&self, is_on: bool) -> bool {
        is_on || self.state.told || self.spilled
    }
}

/// A namespace that somebody has joined.
#[derive(Debug, Default)]
pub struct Namespace {
    /// The sockets in it.
    pub sockets: FxHashMap<SocketId, Socket>,
    /// The rooms in it.
    pub rooms: Rooms,
    pub(super) pids: SortedMap<Pid, SocketId>,
}

impl Namespace {
    /// The connected socket with this pid.
    pub fn by_pid(&self, pid: &Pid) -> Option<(&SocketId, &Socket)> {
        let id = self.pids.get(pid)?;
        Some((id, self.sockets.get(id)?))
    }

    pub(super) fn insert(&mut self, id: SocketId, socket: Socket) {
        self.pids.insert(socket.state.pid.clone(), id.clone());
        self.sockets.insert(id, socket);
    }
}
