//! Steps that may still fail, and the way back from them.

use std::collections::VecDeque;

use super::journal::{Mark, Undo};
use super::sockets::Sockets;

impl Sockets {
    /// A step that may fail begins. Steps may be nested.
    pub fn begin_step(&mut self) -> Mark {
        self.steps += 1;
        let changes = self.changes.as_ref().map_or(0, VecDeque::len);
        let data_changes = self.data_changes.as_ref().map_or(0, VecDeque::len);
        Mark { undos: self.undos.len(), departed: self.departed.len(), changes, data_changes }
    }

    /// The step ends: what it has changed stays, or is undone.
    pub fn end_step(&mut self, mark: Mark, keep: bool) {
        self.steps = self.steps.saturating_sub(1);
        if !keep {
            self.departed.truncate(mark.departed);
            if let Some(changes) = &mut self.changes {
                changes.truncate(mark.changes);
            }
            if let Some(changes) = &mut self.data_changes {
                changes.truncate(mark.data_changes);
            }
            // What is undone is noted nowhere.
            let noted = std::mem::replace(&mut self.steps, 0);
            while self.undos.len() > mark.undos
                && let Some(undo) = self.undos.pop()
            {
                self.undo(undo);
            }
            self.steps = noted;
        }
        if self.steps == 0 {
            self.undos.clear();
        }
    }

    /// Notes how a change can be undone, if the step that makes it may fail.
    pub(super) fn note_undo(&mut self, undo: impl FnOnce() -> Undo) {
        if self.steps > 0 {
            self.undos.push(undo());
        }
    }

    fn undo(&mut self, undo: Undo) {
        match undo {
            Undo::State { namespace, id, state } => {
                if let Some(socket) = self.socket_mut(&namespace, &id) {
                    socket.state = state;
                }
            }
            Undo::LeaveRoom { namespace, id, room } => {
                if let Some(found) = self.namespaces.get_mut(&namespace) {
                    found.rooms.leave(&id, &room);
                }
            }
            Undo::JoinRoom { namespace, id, room } => {
                self.namespaces.change(namespace, |joined| joined.rooms.join(&id, &room));
            }
            Undo::Rejoin { namespace, id, socket } => {
                self.recovery.take(&socket.state.pid);
                if let Some(client) = self.clients.get_mut(&socket.sid) {
                    client.joined.insert(namespace.clone(), id.clone());
                    client.dismissed.remove(&namespace);
                }
                self.namespaces.change(namespace, |joined| joined.insert(id, socket));
            }
            Undo::Client { sid, client } => {
                // What has changed of it before the step is still to be kept.
                self.changed.insert(sid.clone());
                self.clients.insert(sid, *client);
            }
        }
    }
}
