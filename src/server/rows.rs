//! Sockets that nobody comes back to, and the rows of those that somebody may come back to.

use std::rc::Rc;

use super::live::Live;
use crate::database::DatabaseError;
use crate::ids::Pid;
use crate::socket_io::DisconnectReason;
use crate::socket_io::recovery::{AwaySocket, SocketRows};

impl Live {
    /// The time of a socket is over: nobody comes back to it.
    pub(super) fn expire_away(&mut self, pid: &Pid) {
        self.forget_orphan(pid);
        if let Some(away) = self.state.sockets.recovery.take(pid) {
            self.state.sockets.unsaved.insert((away.namespace.clone(), pid.clone()));
            self.tell_expired(&away);
        }
    }

    /// Tells the app of a socket that nobody will come back to.
    pub(super) fn tell_expired(&mut self, away: &AwaySocket) {
        let departed = away.departed(DisconnectReason::Transport("transport close"), false);
        self.state.owes_nothing(&departed.namespace, &departed.id);
        self.call(&departed.namespace, |app, io| app.expired(io, &departed));
    }

    /// Sockets that were asked before the object lost its memory, and are neither connected now nor may come back, answer no
    /// more.
    pub(super) fn forget_answers_of_strangers(&mut self) {
        for (namespace, socket) in self.state.pending_acks.owing() {
            let joined = self.state.namespace(&namespace);
            let connected = joined.is_some_and(|joined| joined.sockets.contains_key(&socket));
            if !connected && !self.state.sockets.recovery.away(&namespace).any(|away| *away.id == socket) {
                self.state.pending_acks.gone_with_memory(&namespace, &socket, self.state.now);
            }
        }
    }

    /// Writes the rows that are out of date.
    pub(super) fn save_rows(&mut self) {
        for (namespace, pid) in std::mem::take(&mut self.state.sockets.unsaved) {
            if let Err(error) = self.save_row(&namespace, &pid) {
                self.state.host.warn(&format!("a socket won't be recovered after a crash: {error}"));
            }
        }
    }

    fn save_row(&self, namespace: &Rc<str>, pid: &Pid) -> Result<(), DatabaseError> {
        let rows = SocketRows(self.state.host.as_ref());
        if let Some(AwaySocket { id, state, gone, .. }) = self.state.sockets.recovery.find(pid) {
            return rows.save(id, namespace, state, Some(*gone));
        }
        let is_on = self.state.sockets.recovery.is_on();
        let found = self.state.sockets.namespaces.get(namespace);
        match found.and_then(|found| found.by_pid(pid)) {
            Some((id, socket)) if socket.has_row(is_on) => rows.save(id, namespace, &socket.state, None),
            _ => rows.delete(pid),
        }
    }
}
