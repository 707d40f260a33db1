//! How a session ends, and who is told.

use super::event::Reason;
use super::http;
use super::packet::Packet;
use super::refusal::Fault;
use super::scope::{Scope, Timer};
use super::session::Session;
use super::transport::Transport;
use crate::ids::{ConnId, Millis};

/// How long the answer to a client's close waits for a GET that was sent at the same time and is to be told (P7).
const LEAVE_AFTER: Millis = Millis(50);

impl Session {
    /// The server closes the session. `true` where that is done; else the next GET will be told (P11).
    pub(super) fn close(&mut self, scope: &mut Scope<'_>) -> bool {
        self.flush(scope);
        self.cancel_upgrade(scope);
        match &mut self.transport {
            Transport::Polling(polling) if polling.get.is_none() => {
                self.transport = Transport::Closing(std::mem::take(polling));
            }
            Transport::Closing(_) => return false,
            Transport::Polling(_)
            | Transport::Upgrading { .. }
            | Transport::WebSocket { .. }
            | Transport::Leaving(_) => return true,
        }
        self.clear_timers(scope);
        scope.timers.set(self.timer(Timer::Close), scope.now + scope.config.close_timeout);
        false
    }

    /// The client closes the session with the POST `conn`. `true` where its answer has to wait for a GET that may be on its
    /// way, and that would else find no session (P7).
    pub(super) fn linger(&mut self, conn: ConnId, scope: &mut Scope<'_>) -> bool {
        self.flush(scope);
        self.cancel_upgrade(scope);
        if !matches!(&self.transport, Transport::Polling(polling) if polling.get.is_none()) {
            return false;
        }
        self.take_buffer(scope);
        self.transport = Transport::Leaving(conn);
        self.clear_timers(scope);
        scope.conns.insert(conn, self.sid().clone());
        scope.timers.set(self.timer(Timer::Close), scope.now + LEAVE_AFTER);
        true
    }

    /// The last words: whoever still waits for this session is answered, its WebSockets are closed, its timers cleared.
    pub(super) fn end(mut self, reason: Reason, scope: &mut Scope<'_>) {
        self.flush(scope);
        self.cancel_upgrade(scope);
        // A client that closed by itself only needs its poll back (P7).
        let farewell = if reason == Reason::TransportClose { Packet::Noop } else { Packet::Close };
        self.release_get(&farewell, scope);
        *scope.unread = scope.unread.saturating_sub(self.unread());
        self.clear_timers(scope);
        match self.transport {
            Transport::WebSocket { conn, .. } => scope.close_socket(conn, reason.close_code()),
            Transport::Leaving(post) => scope.respond(post, http::ok()),
            Transport::Polling(_) | Transport::Upgrading { .. } | Transport::Closing(_) => {}
        }
        if let Some((post, _)) = self.post {
            scope.respond(post, Fault::Ended.reply());
        }
        // What is left of it isn't read; only who closes, or is closed by the app, knows that.
        let is_wanted = matches!(reason, Reason::TransportClose | Reason::ForcedClose);
        for post in self.backlog.iter().filter_map(|backlog| backlog.post) {
            scope.respond(post, if is_wanted { http::ok() } else { Fault::Ended.reply() });
        }
    }
}
