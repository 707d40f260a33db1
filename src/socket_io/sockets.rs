//! Who is connected: all clients and sockets of a room object, and what becomes of them.

use std::collections::VecDeque;
use std::rc::Rc;

use rustc_hash::FxHashMap;

use super::departed::{DataChange, Departed, DisconnectReason};
use super::handshake::WholeHandshakes;
use super::journal::Undo;
use super::limits::Limits;
use super::namespace::{Client, Namespace, Socket};
use super::recovery::{AwaySocket, Recovery, SocketState};
use super::rooms::{RoomChange, RoomEvent};
use crate::config::{Config, Parser};
use crate::ids::{Millis, Pid, Sid, SocketId};
use crate::sorted::{SortedMap, SortedSet};

/// All clients and sockets of a room object.
#[derive(Debug)]
pub struct Sockets {
    /// How their packets are written.
    pub parser: Parser,
    /// How long names may be, and how many namespaces and rooms may be joined.
    pub limits: Limits,
    /// The namespaces that somebody has joined.
    pub namespaces: SortedMap<Rc<str>, Namespace>,
    /// The clients by session.
    pub clients: FxHashMap<Sid, Client>,
    /// Whose handshakes are whole.
    pub(super) whole: WholeHandshakes,
    /// Sessions whose state has changed and isn't kept yet.
    pub changed: SortedSet<Sid>,
    /// Sockets, by namespace, whose row isn't what they are.
    pub unsaved: SortedSet<(Rc<str>, Pid)>,
    /// Sockets that are gone and that the app wasn't told about yet.
    pub departed: VecDeque<Departed>,
    /// What happened to rooms and the app wasn't told about yet; `None` where it doesn't want to know.
    pub changes: Option<VecDeque<RoomChange>>,
    /// Sockets whose data has changed, of which the app wasn't told yet; `None` where it doesn't want to know.
    pub data_changes: Option<VecDeque<DataChange>>,
    /// The log, and who may come back.
    pub recovery: Recovery,
    /// How many steps that may still fail are going on, one within the other.
    pub(super) steps: usize,
    /// How to undo what they have changed, the last change last.
    pub(super) undos: Vec<Undo>,
}

impl Sockets {
    /// Nobody yet.
    pub fn new(config: &Config) -> Self {
        Self {
            parser: config.parser,
            limits: Limits::new(config),
            namespaces: SortedMap::new(),
            clients: FxHashMap::default(),
            whole: WholeHandshakes::default(),
            changed: SortedSet::new(),
            unsaved: SortedSet::new(),
            departed: VecDeque::new(),
            changes: None,
            data_changes: None,
            recovery: Recovery::new(config),
            steps: 0,
            undos: Vec::new(),
        }
    }

    /// The socket of a client in a namespace.
    pub fn find(&self, sid: &Sid, namespace: &str) -> Option<SocketId> {
        self.clients.get(sid)?.joined.get(namespace).cloned()
    }

    /// Holds the handshake of a new client as a whole. Where all of them are too much, those of the oldest clients are reduced
    /// to what a sleep of the room would leave of them.
    pub fn hold_handshake(&mut self, sid: &Sid) {
        let Some(client) = self.clients.get(sid) else {
            return;
        };
        for sid in self.whole.add(sid, &client.handshake) {
            if let Some(client) = self.clients.get_mut(&sid) {
                client.handshake = Rc::new(client.handshake.after_sleep());
            }
        }
    }

    /// Puts a client into a namespace, and into its rooms, of which one has the name of its own id (C8).
    pub fn join(&mut self, sid: &Sid, namespace: &Rc<str>, id: &SocketId, state: SocketState) {
        let Some(client) = self.clients.get_mut(sid) else {
            return;
        };
        client.joined.insert(namespace.clone(), id.clone());
        client.dismissed.remove(namespace);
        client.connect_by = None;
        self.namespaces.change(namespace.clone(), |_| ());
        self.put(namespace, id, id.as_str());
        for room in state.rooms() {
            self.put(namespace, id, room);
        }
        let socket = Socket { sid: sid.clone(), state, spilled: false };
        self.namespaces.change(namespace.clone(), |joined| joined.insert(id.clone(), socket));
        self.touch(namespace, id);
    }

    /// What a socket is has changed, and must be kept.
    pub fn touch(&mut self, namespace: &Rc<str>, id: &SocketId) {
        let socket = self.namespaces.get(namespace).and_then(|found| found.sockets.get(id));
        if let Some(socket) = socket {
            if socket.has_row(self.recovery.is_on()) {
                self.unsaved.insert((namespace.clone(), socket.state.pid.clone()));
            }
            self.changed.insert(socket.sid.clone());
        }
    }

    /// Puts a socket into a room.
    ///
    /// # Errors
    /// The sentence of the limit that it would exceed: then nothing has changed.
    pub fn enter_room(&mut self, namespace: &Rc<str>, id: &SocketId, room: &str) -> Result<(), String> {
        let last = self.recovery.log.last();
        let joined = self.namespaces.get(namespace).filter(|joined| !joined.rooms.contains(id, room));
        if let Some(socket) = joined.and_then(|joined| joined.sockets.get(id)) {
            self.limits.check_room(room, socket.state.rooms().count())?;
            self.put(namespace, id, room);
            self.change_state(namespace, id, |state| state.enter(room, last));
        }
        Ok(())
    }

    /// Takes a socket out of a room.
    pub fn leave_room(&mut self, namespace: &Rc<str>, id: &SocketId, room: &str, now: Millis) {
        let (last, oldest) = (self.recovery.log.last(), self.recovery.log.oldest(now));
        if self.take_out(namespace, id, room) {
            self.change_state(namespace, id, |state| state.exit(room, last, oldest));
        }
    }

    /// Keeps a JSON text with a socket, in place of what was kept. Where it is the same, nothing is written.
    pub fn set_data(&mut self, namespace: &Rc<str>, id: &SocketId, data: Rc<str>) {
        let Some(socket) = self.socket_mut(namespace, id).filter(|socket| socket.state.data.as_ref() != Some(&data))
        else {
            return;
        };
        let before = socket.state.data.clone();
        self.change_state(namespace, id, |state| state.data = Some(data));
        if let Some(changes) = &mut self.data_changes {
            changes.push_back(DataChange { namespace: namespace.clone(), socket: id.clone(), before });
        }
    }

    fn change_state(&mut self, namespace: &Rc<str>, id: &SocketId, change: impl FnOnce(&mut SocketState)) {
        let Some(socket) = self.socket_mut(namespace, id) else {
            return;
        };
        let before = socket.state.clone();
        change(&mut socket.state);
        self.note_undo(|| Undo::State { namespace: namespace.clone(), id: id.clone(), state: before });
        self.touch(namespace, id);
    }

    pub(super) fn socket_mut(&mut self, namespace: &str, id: &SocketId) -> Option<&mut Socket> {
        self.namespaces.get_mut(namespace)?.sockets.get_mut(id)
    }

    /// Puts a socket into the table of rooms; `false` where it was there.
    fn put(&mut self, namespace: &Rc<str>, id: &SocketId, room: &str) -> bool {
        let Some(found) = self.namespaces.get_mut(namespace) else {
            return false;
        };
        let created = !found.rooms.has(room);
        let joined = found.rooms.join(id, room);
        if created {
            self.note(namespace, id, room, RoomEvent::Created);
        }
        if joined {
            self.note(namespace, id, room, RoomEvent::Joined);
            let undo = || Undo::LeaveRoom { namespace: namespace.clone(), id: id.clone(), room: room.into() };
            self.note_undo(undo);
        }
        joined
    }

    /// Takes a socket out of the table of rooms; `false` where it wasn't there.
    fn take_out(&mut self, namespace: &Rc<str>, id: &SocketId, room: &str) -> bool {
        let Some(found) = self.namespaces.get_mut(namespace) else {
            return false;
        };
        let left = found.rooms.leave(id, room);
        let deleted = left && !found.rooms.has(room);
        if left {
            self.note(namespace, id, room, RoomEvent::Left);
            let undo = || Undo::JoinRoom { namespace: namespace.clone(), id: id.clone(), room: room.into() };
            self.note_undo(undo);
        }
        if deleted {
            self.note(namespace, id, room, RoomEvent::Deleted);
        }
        left
    }

    fn note(&mut self, namespace: &Rc<str>, socket: &SocketId, room: &str, event: RoomEvent) {
        if let Some(changes) = &mut self.changes {
            changes.push_back(RoomChange {
                namespace: namespace.clone(),
                room: room.into(),
                socket: socket.clone(),
                event,
            });
        }
    }

    /// Takes a socket out of its namespace; the app is told later. Gives the session that carried it.
    pub fn leave(&mut self, namespace: &Rc<str>, id: &SocketId, reason: DisconnectReason, now: Millis) -> Option<Sid> {
        self.touch(namespace, id);
        let found = self.namespaces.get_mut(namespace)?;
        let socket = found.sockets.remove(id)?;
        found.pids.remove(&socket.state.pid);
        let rooms: Vec<_> = found.rooms.of(id).map(str::to_owned).collect();
        for room in &rooms {
            self.take_out(namespace, id, room);
        }
        if let Some(found) = self.namespaces.get_mut(namespace) {
            found.rooms.forget(id);
        }
        if self.namespaces.get(namespace).is_some_and(|found| found.sockets.is_empty()) {
            self.namespaces.remove(namespace);
        }
        if let Some(client) = self.clients.get_mut(&socket.sid) {
            client.joined.remove(namespace);
            let is_remembered = client.dismissed.len() < self.limits.dismissed();
            if reason == DisconnectReason::ServerNamespaceDisconnect && is_remembered {
                client.dismissed.insert(namespace.clone());
            }
        }
        let (namespace, id) = (namespace.clone(), id.clone());
        let (sid, state) = (socket.sid.clone(), socket.state.clone());
        let (data, extensions) = (state.data.clone(), state.extensions.clone());
        self.note_undo(|| Undo::Rejoin { namespace: namespace.clone(), id: id.clone(), socket });
        let recoverable = state.told && self.recovery.is_on() && reason.is_recoverable();
        if recoverable {
            self.recovery.insert(AwaySocket { id: id.clone(), namespace: namespace.clone(), state, gone: now });
        }
        self.departed.push_back(Departed { namespace, id, data, extensions, rooms, reason, recoverable });
        Some(sid)
    }

    /// Takes a client out, and so its sockets out of their namespaces.
    pub fn remove_client(&mut self, sid: &Sid, reason: DisconnectReason, now: Millis) {
        let joined = self.clients.get(sid).map(|client| client.joined.clone());
        for (namespace, id) in joined.unwrap_or_default() {
            self.leave(&namespace, &id, reason, now);
        }
        if let Some(client) = self.clients.remove(sid) {
            self.note_undo(|| Undo::Client { sid: sid.clone(), client: Box::new(client) });
        }
        self.changed.remove(sid);
    }
}
