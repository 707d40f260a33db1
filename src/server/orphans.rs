//! Sockets without a connection of which the app was not told yet: those that were lost with the object's memory, and those
//! whose time was over.

use std::collections::HashMap;

use super::claims::{Callback, Orphan};
use super::live::Live;
use crate::database::DatabaseError;
use crate::ids::Pid;
use crate::socket_io::DisconnectReason;
use crate::socket_io::recovery::{AwaySocket, SocketRows};
use crate::sorted::SortedSet;

impl Live {
    /// Finds the sockets that count as connected and whose connection is gone together with the object's memory.
    ///
    /// # Errors
    /// [`DatabaseError`] where they can't be looked for.
    pub(super) fn find_orphans(&mut self) -> Result<(), DatabaseError> {
        let sockets = &self.state.sockets;
        let is_on = sockets.recovery.is_on();
        let joined = sockets.namespaces.values().flat_map(|namespace| namespace.sockets.values());
        let rows = joined.filter(|socket| socket.has_row(is_on));
        let connected: SortedSet<Pid> = rows.map(|socket| socket.state.pid.clone()).collect();
        for away in SocketRows(self.state.host.as_ref()).orphans(&connected, self.state.now)? {
            if is_on && away.state.told {
                self.state.sockets.recovery.insert(away.clone());
            }
            self.add_orphan(away);
        }
        Ok(())
    }

    /// Tells the app of a socket whose connection was lost with the object's memory, if it wasn't told yet.
    pub(super) fn tell_orphan(&mut self, pid: &Pid) {
        // This turn may be the one that closed it.
        self.tell_waiting();
        let Some(Orphan { away, reason, .. }) = self.deferred.orphans.remove(pid) else {
            return self.forget_orphan(pid);
        };
        // Until now its row said that it is connected: so another life would have found it again.
        self.state.sockets.unsaved.insert((away.namespace.clone(), pid.clone()));
        let recoverable = self.state.sockets.recovery.find(pid).is_some();
        let departed = away.departed(reason, recoverable);
        self.state.sockets.departed.push_back(departed);
        self.settle();
    }

    /// A socket that was lost with the object's memory: the app is told in a turn of its own.
    fn add_orphan(&mut self, away: AwaySocket) {
        let pid = away.state.pid.clone();
        let callback = Callback::orphan(&pid);
        if self.deferred.was_set_aside(&callback) {
            self.deferred.aside.insert(callback);
            return;
        }
        let reason = DisconnectReason::Transport("transport error");
        self.deferred.orphans.insert(pid, Orphan { away, reason, is_fresh: false });
    }

    /// A socket of which the app could not be told is back, or gone for good: what is told of it from now on is something else.
    pub(super) fn forget_orphan(&mut self, pid: &Pid) {
        if self.deferred.forget_aside(&Callback::orphan(pid)) {
            self.rewrite_claims();
        }
    }

    /// Keeps the sockets that have left in this turn for the tick that tells of them, where news waits for it.
    pub(super) fn keep_departures(&mut self) {
        if !self.news.waits {
            return;
        }
        let sockets = &mut self.state.sockets;
        let away: HashMap<_, _> = sockets.recovery.all_away().map(|away| (away.id.clone(), away.clone())).collect();
        sockets.departed.retain(|departed| {
            let Some(away) = away.get(&departed.id).filter(|_| departed.recoverable) else {
                return true;
            };
            let pid = away.state.pid.clone();
            sockets.unsaved.remove(&(departed.namespace.clone(), pid.clone()));
            let orphan = Orphan { away: away.clone(), reason: departed.reason, is_fresh: true };
            self.deferred.orphans.insert(pid, orphan);
            false
        });
    }

    /// Tells the app the news that waited for this tick.
    pub(super) fn tell_waiting(&mut self) {
        if !std::mem::take(&mut self.news.waits) {
            return;
        }
        let orphans = self.deferred.orphans.iter();
        let fresh: Vec<_> = orphans.filter(|(_, orphan)| orphan.is_fresh).map(|(pid, _)| pid.clone()).collect();
        for pid in &fresh {
            self.tell_orphan(pid);
        }
        self.settle();
    }
}
