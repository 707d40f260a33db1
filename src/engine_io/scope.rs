//! What a transition of a session may use besides the session itself.

use rustc_hash::FxHashMap;

use crate::config::Config;
use crate::host::Host;
use crate::ids::{ConnId, Millis, Sid};
use crate::outbox::{Effect, Frame, HttpResponse, Outbox};
use crate::timers::Timers;

/// What a session waits for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) enum Timer {
    /// It is pinged then (HB1).
    Ping,
    /// A pong must have come by then (HB1), or the client's next ping (HB5).
    Pong,
    /// The upgrade must be complete by then (U6).
    Upgrade,
    /// A GET that came after the probe is released then (U1).
    Release,
    /// It is forgotten then, told or not (P7, P11).
    Close,
    /// Its client leaves too much unread: it is closed at once.
    Overflow,
}

/// The parts of the engine that all sessions share, for the time of one transition.
pub(super) struct Scope<'a> {
    pub now: Millis,
    pub config: &'a Config,
    pub timers: &'a mut Timers<(Sid, Timer)>,
    /// The number of this input: what is sent because of one leaves together.
    pub input: u64,
    /// The sessions of WebSockets and of requests without an answer.
    pub conns: &'a mut FxHashMap<ConnId, Sid>,
    /// Sessions with a GET to be answered at the end of the turn.
    pub ready: &'a mut Vec<Sid>,
    /// The bytes that all clients together have left unread.
    pub unread: &'a mut usize,
    pub host: &'a dyn Host,
    pub out: &'a mut Outbox,
}

impl Scope<'_> {
    /// Answers a request, which is no session's any more.
    pub(super) fn respond(&mut self, conn: ConnId, reply: HttpResponse) {
        self.conns.remove(&conn);
        self.out.respond(conn, reply);
    }

    /// Sends a frame over a WebSocket.
    pub(super) fn transmit(&mut self, conn: ConnId, frame: Frame) {
        self.out.send(conn, frame);
    }

    /// Closes a WebSocket, which is no session's any more.
    pub(super) fn close_socket(&mut self, conn: ConnId, code: Option<u16>) {
        self.conns.remove(&conn);
        self.out.push(Effect::Close { conn, code });
    }
}
