//! What clients leave unread: how much that is, and what becomes of those who leave too much.
//!
//! What waits for a GET is known. What was sent over a WebSocket the runtime queues without a bound, and tells nobody how far
//! its client has read. So a ping is sent as a mark: the client answers it when it has read all before it.

use super::engine::Engine;
use super::packet::Packet;
use super::protocol::Revision;
use super::scope::{Scope, Timer};
use super::session::Session;
use super::transport::Transport;
use crate::ids::{Millis, Sid};

/// How often all clients are looked at, at most, while what they leave unread grows from nothing to its limit.
const LOOKS: usize = 32;

impl Session {
    /// A client that doesn't read what it is sent is closed before too much of it piles up. Halfway there a ping shows how
    /// far the client has come: it answers when it has read all before it. A client of revision 3 can't be asked, and shows by
    /// its own pings alone how far it has come, so only what all clients leave together bounds it.
    pub(super) fn watch_in_flight(&mut self, size: usize, scope: &mut Scope<'_>) {
        let most = scope.config.max_buffered;
        *scope.unread += size;
        if let Transport::WebSocket { in_flight, .. } = &mut self.transport {
            in_flight.add(size);
        }
        if self.revision() == Revision::V3 || self.unread() <= most / 2 {
            return;
        }
        self.confirm(scope);
        let bytes = self.unread();
        if bytes > most {
            scope.timers.set(self.timer(Timer::Overflow), scope.now);
        } else if bytes > most / 2 {
            self.mark(scope);
        }
    }

    /// Takes off what the client has read, as far as the runtime knows. A pong that reached the object itself shows only
    /// that the client is there: it can be sent at any time.
    pub(super) fn confirm(&mut self, scope: &mut Scope<'_>) {
        if self.revision() == Revision::V3 {
            return;
        }
        let heard = if scope.config.absorbs_pongs() { Millis::default() } else { self.heard };
        let Transport::WebSocket { conn, in_flight } = &mut self.transport else {
            return;
        };
        let read = in_flight.confirm(scope.now, || scope.host.last_pong(*conn).unwrap_or_default().max(heard));
        *scope.unread = scope.unread.saturating_sub(read);
    }

    /// A client of revision 3 pings, and is about to get its pong. A stock client pings an interval after the last pong that it
    /// has read, so it has read all before that one; pings that come much sooner show nothing.
    pub(super) fn confirm_by_ping(&mut self, scope: &mut Scope<'_>) {
        let earlier = scope.now.before(Millis(scope.config.ping_interval.0 / 2));
        if let Transport::WebSocket { in_flight, .. } = &mut self.transport {
            let read = in_flight.confirm(earlier, || earlier);
            *scope.unread = scope.unread.saturating_sub(read);
            if !in_flight.is_marked() {
                in_flight.mark(scope.now);
            }
        }
    }

    /// Asks the client how far it has read, unless it was asked already.
    pub(super) fn mark(&mut self, scope: &mut Scope<'_>) {
        let revision = self.revision();
        if let Transport::WebSocket { conn, in_flight } = &mut self.transport
            && revision == Revision::V4
            && !in_flight.is_marked()
        {
            in_flight.mark(scope.now);
            scope.transmit(*conn, Packet::Ping("".into()).encode());
        }
    }

    /// Bytes that the client has left unread.
    pub(super) fn unread(&self) -> usize {
        match &self.transport {
            Transport::Polling(polling) | Transport::Upgrading { polling, .. } | Transport::Closing(polling) => {
                polling.buffered
            }
            Transport::WebSocket { in_flight, .. } => in_flight.bytes(),
            Transport::Leaving(_) => 0,
        }
    }
}

impl Engine {
    /// Keeps what all clients together leave unread within [`super::Config::max_room_buffered`]. Halfway there, those who may have
    /// most of it are asked how far they have read, until the others have a quarter: a turn may send much before the answers
    /// count. Beyond it, the greediest are closed, and recover.
    pub(super) fn bound_unread(&mut self) {
        let most = self.config.max_room_buffered;
        if self.unread <= most / 2 {
            self.look_at = most / 2;
            return;
        }
        if self.unread <= self.look_at {
            return;
        }
        let mut greediest: Vec<(usize, Sid)> = Vec::new();
        for sid in self.sessions.keys().cloned().collect::<Vec<_>>() {
            if let (Some(session), mut scope) = self.split(&sid) {
                session.confirm(&mut scope);
                greediest.push((session.unread(), sid));
            }
        }
        // They are looked at again only when much more is unread.
        self.look_at = (self.unread + most / LOOKS).clamp(most / 2, most);
        greediest.sort_unstable_by(|one, other| other.cmp(one));
        let mut left = self.unread;
        for (unread, sid) in greediest {
            if left > most {
                left = left.saturating_sub(unread);
                self.timers.set((sid, Timer::Overflow), self.now);
            } else if left > most / 4 {
                left = left.saturating_sub(unread);
                if let (Some(session), mut scope) = self.split(&sid) {
                    session.mark(&mut scope);
                }
            } else {
                return;
            }
        }
    }
}
