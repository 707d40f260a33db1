//! One Engine.IO session: which transport it is on, and every transition.
//!
//! ```text
//!              2probe, 5                       server closes, no GET pending
//!  Polling ⇄ Upgrading ──▶ WebSocket      Polling, Upgrading ──▶ Closing ──▶ (next GET, or timeout) gone
//!     ▲ socket closed, wrong packet, timeout
//! ```
//!
//! A session never ends itself. A method that finds it over returns the [`Reason`]; the engine takes the session out and
//! calls [`Session::end`], which tells the client.
//!
//! Heartbeats come in two kinds. A polling session, and a WebSocket whose pongs are delivered, has its own timers: a ping
//! is due, or a pong is (HB1, HB3). WebSockets whose pongs the runtime absorbs have none: the engine pings them all at
//! once and compares the times of their last pongs ([`Session::beat`]).

use std::collections::HashMap;

use super::packet::Packet;
use super::{Message, Reason, http, payload};
use crate::config::Config;
use crate::ids::{ConnId, Millis, Sid};
use crate::outbox::{Effect, Frame, Outbox, Reply};
use crate::timers::Timers;

/// The name of a transport.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// HTTP long-polling.
    Polling,
    /// WebSocket.
    WebSocket,
}

/// What a session waits for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) enum Timer {
    /// It is pinged then (HB1).
    Ping,
    /// A pong must have come by then (HB1).
    Pong,
    /// The upgrade must be complete by then (U6).
    Upgrade,
    /// It is forgotten then, told or not (P11).
    Close,
    /// Its client fetches too slowly: it is closed at once.
    Overflow,
}

/// What a transition may use besides the session itself.
pub(super) struct Scope<'a> {
    pub now: Millis,
    pub config: &'a Config,
    pub timers: &'a mut Timers<(Sid, Timer)>,
    /// The sessions of WebSockets and of requests without an answer.
    pub conns: &'a mut HashMap<ConnId, Sid>,
    pub out: &'a mut Outbox,
}

impl Scope<'_> {
    fn respond(&mut self, conn: ConnId, reply: Reply) {
        self.conns.remove(&conn);
        self.out.respond(conn, reply);
    }

    fn close_socket(&mut self, conn: ConnId, code: Option<u16>) {
        self.conns.remove(&conn);
        self.out.push(Effect::Close { conn, code });
    }
}

/// A session.
#[derive(Debug)]
pub(super) struct Session {
    sid: Sid,
    transport: Transport,
    /// The POST whose body is still arriving; it may outlive an upgrade that overtakes it.
    post: Option<ConnId>,
}

#[derive(Debug)]
enum Transport {
    Polling(Polling),
    /// Still polling while a WebSocket is tried out.
    Upgrading {
        polling: Polling,
        socket: ConnId,
        /// Whether the client has sent `2probe`: polls are answered at once from then on (U1).
        probed: bool,
    },
    WebSocket {
        conn: ConnId,
        /// When the client was last heard of, as far as the object itself was told.
        heard: Millis,
    },
    /// Closed by the server while no GET was pending: the next one is told (P11).
    Closing(Vec<Frame>),
}

/// Where a GET is pending, nothing is buffered.
#[derive(Debug, Default)]
struct Polling {
    get: Option<ConnId>,
    buffer: Vec<Frame>,
    /// The bytes in `buffer`.
    buffered: usize,
}

impl Polling {
    /// Answers the pending GET with one packet; `false` where there is none.
    fn answer(&mut self, packet: &Packet<'_>, scope: &mut Scope<'_>) -> bool {
        let Some(get) = self.get.take() else {
            return false;
        };
        scope.respond(get, http::payload(payload::encode(&[packet.encode()])));
        true
    }

    /// Takes out what waits for the next GET.
    fn take_buffer(&mut self) -> Vec<Frame> {
        self.buffered = 0;
        std::mem::take(&mut self.buffer)
    }
}

impl Session {
    /// A session that starts with the GET `conn`.
    pub(super) fn polling(sid: Sid, conn: ConnId, scope: &mut Scope<'_>) -> Self {
        let session =
            Self { sid, transport: Transport::Polling(Polling { get: Some(conn), ..Polling::default() }), post: None };
        session.schedule_ping(scope);
        session
    }

    /// A session that starts, or goes on after the object slept, on the WebSocket `conn`.
    pub(super) fn websocket(sid: Sid, conn: ConnId, heard: Millis, scope: &mut Scope<'_>) -> Self {
        scope.conns.insert(conn, sid.clone());
        let session = Self { sid, transport: Transport::WebSocket { conn, heard }, post: None };
        session.schedule_ping(scope);
        session
    }

    /// The transport that requests must name (R4).
    pub(super) fn kind(&self) -> Kind {
        match self.transport {
            Transport::WebSocket { .. } => Kind::WebSocket,
            _ => Kind::Polling,
        }
    }

    /// Whether the server has closed it and the client wasn't told yet.
    pub(super) fn is_closing(&self) -> bool {
        matches!(self.transport, Transport::Closing(_))
    }

    /// The WebSocket that carries the session, and when the client was last heard of.
    pub(super) fn socket(&self) -> Option<(ConnId, Millis)> {
        match self.transport {
            Transport::WebSocket { conn, heard } => Some((conn, heard)),
            _ => None,
        }
    }

    /// Whether a frame would reach the client at once.
    fn is_listening(&self) -> bool {
        match &self.transport {
            Transport::Polling(polling) | Transport::Upgrading { polling, .. } => polling.get.is_some(),
            Transport::WebSocket { .. } => true,
            Transport::Closing(_) => false,
        }
    }

    /// Sends a frame now, or keeps it for the next GET.
    pub(super) fn send(&mut self, frame: Frame, scope: &mut Scope<'_>) {
        let polling = match &mut self.transport {
            Transport::WebSocket { conn, .. } => return scope.out.send(*conn, frame),
            Transport::Polling(polling) | Transport::Upgrading { polling, .. } => polling,
            Transport::Closing(_) => return,
        };
        if let Some(get) = polling.get.take() {
            scope.respond(get, http::payload(payload::encode(&[frame])));
        } else if polling.buffered.saturating_add(frame.len()) > scope.config.max_buffered {
            scope.timers.set((self.sid.clone(), Timer::Overflow), scope.now);
        } else {
            polling.buffered += frame.len();
            polling.buffer.push(frame);
        }
    }

    /// A GET arrived: it takes what is buffered, or waits (P2).
    ///
    /// # Errors
    /// The session is over: two GETs at once (P4), or this one was told of the close (P11).
    pub(super) fn handle_get(&mut self, conn: ConnId, scope: &mut Scope<'_>) -> Result<(), Reason> {
        let (polling, release) = match &mut self.transport {
            Transport::Polling(polling) => (polling, false),
            Transport::Upgrading { polling, probed, .. } => (polling, *probed),
            Transport::Closing(buffer) => {
                let mut frames = std::mem::take(buffer);
                if frames.is_empty() {
                    frames.push(Packet::Noop.encode());
                }
                frames.push(Packet::Close.encode());
                scope.respond(conn, http::payload(payload::encode(&frames)));
                return Err(Reason::ForcedClose);
            }
            Transport::WebSocket { .. } => {
                scope.respond(conn, Reply::empty(400));
                return Ok(());
            }
        };
        if polling.get.is_some() {
            scope.respond(conn, Reply::empty(400));
            return Err(Reason::TransportError);
        }
        let mut frames = polling.take_buffer();
        if frames.is_empty() && release {
            frames.push(Packet::Noop.encode());
        }
        if frames.is_empty() {
            scope.conns.insert(conn, self.sid.clone());
            polling.get = Some(conn);
        } else {
            scope.respond(conn, http::payload(payload::encode(&frames)));
        }
        Ok(())
    }

    /// A POST arrived; its body comes later.
    ///
    /// # Errors
    /// The session is over: a second POST while the first one's body is arriving (P5), or a body of the wrong kind.
    pub(super) fn handle_post(&mut self, conn: ConnId, binary: bool, scope: &mut Scope<'_>) -> Result<(), Reason> {
        if binary || self.post.is_some() {
            scope.respond(conn, Reply::empty(400));
            return Err(Reason::TransportError);
        }
        scope.conns.insert(conn, self.sid.clone());
        self.post = Some(conn);
        Ok(())
    }

    /// The POST whose body was arriving has it all, or never will; `false` where it isn't this session's.
    pub(super) fn finish_post(&mut self, conn: ConnId) -> bool {
        self.post.take_if(|post| *post == conn).is_some()
    }

    /// A packet arrived on the session's transport. What it hands back is for the layer above.
    ///
    /// # Errors
    /// The session is over: the client closed it (P7, W5) or sent what only a server sends (P9).
    pub(super) fn handle_packet<'p>(
        &mut self,
        packet: Packet<'p>,
        scope: &mut Scope<'_>,
    ) -> Result<Option<Message<'p>>, Reason> {
        if matches!(self.transport, Transport::Closing(_)) {
            return Ok(None);
        }
        match packet {
            Packet::Message(text) => return Ok(Some(Message::Text(text))),
            Packet::Binary(bytes) => return Ok(Some(Message::Binary(bytes))),
            Packet::Close => return Err(Reason::TransportClose),
            Packet::Ping(_) => return Err(Reason::TransportError),
            Packet::Pong(_) => self.handle_pong(scope),
            // Ignored on an open session (P10).
            Packet::Open(_) | Packet::Upgrade | Packet::Noop => {}
        }
        Ok(None)
    }

    /// Only a pong counts as a sign of life, asked for or not (HB2).
    fn handle_pong(&mut self, scope: &mut Scope<'_>) {
        if let Transport::WebSocket { heard, .. } = &mut self.transport {
            *heard = scope.now;
        }
        scope.timers.clear(&(self.sid.clone(), Timer::Pong));
        self.schedule_ping(scope);
    }

    /// The next ping follows from the pong, or from the open (HB1).
    fn schedule_ping(&self, scope: &mut Scope<'_>) {
        if self.kind() == Kind::Polling || !scope.config.absorbs_pongs() {
            let at = scope.now + scope.config.ping_interval;
            scope.timers.set((self.sid.clone(), Timer::Ping), at);
        }
    }

    /// A WebSocket for this session: it is tried out beside the polling transport (1.6). One at a time, and none after
    /// an upgrade: any other is closed and disturbs nothing (U4).
    pub(super) fn handle_upgrade(&mut self, socket: ConnId, scope: &mut Scope<'_>) {
        let Transport::Polling(polling) = &mut self.transport else {
            scope.close_socket(socket, None);
            return;
        };
        let polling = std::mem::take(polling);
        self.transport = Transport::Upgrading { polling, socket, probed: false };
        scope.conns.insert(socket, self.sid.clone());
        let deadline = scope.now + scope.config.upgrade_timeout;
        scope.timers.set((self.sid.clone(), Timer::Upgrade), deadline);
    }

    /// Whether this WebSocket is being tried out.
    pub(super) fn is_probing(&self, conn: ConnId) -> bool {
        matches!(self.transport, Transport::Upgrading { socket, .. } if socket == conn)
    }

    /// A frame on the WebSocket that is being tried out: `2probe`, then `5`; all else ends the attempt (U3). `true` where
    /// the session has moved.
    pub(super) fn handle_probe(&mut self, packet: Option<&Packet<'_>>, scope: &mut Scope<'_>) -> bool {
        let Transport::Upgrading { polling, socket, probed } = &mut self.transport else {
            return false;
        };
        match packet {
            Some(Packet::Ping(data)) if data == "probe" => {
                *probed = true;
                scope.out.send(*socket, Packet::Pong("probe".into()).encode());
                polling.answer(&Packet::Noop, scope);
            }
            Some(Packet::Upgrade) if *probed => {
                let socket = *socket;
                let mut polling = std::mem::take(polling);
                self.transport = Transport::WebSocket { conn: socket, heard: scope.now };
                // The client waits for its poll before it sends `5`; another client need not.
                polling.answer(&Packet::Noop, scope);
                for frame in polling.take_buffer() {
                    scope.out.send(socket, frame);
                }
                self.clear_timers(scope);
                self.schedule_ping(scope);
                return true;
            }
            _ => self.cancel_upgrade(scope),
        }
        false
    }

    /// The upgrade won't be: the session stays on polling (U3, U6).
    pub(super) fn cancel_upgrade(&mut self, scope: &mut Scope<'_>) {
        if let Transport::Upgrading { polling, socket, .. } = &mut self.transport {
            let socket = *socket;
            self.transport = Transport::Polling(std::mem::take(polling));
            scope.timers.clear(&(self.sid.clone(), Timer::Upgrade));
            scope.close_socket(socket, None);
        }
    }

    /// The client of a pending request went away, or a WebSocket closed.
    ///
    /// # Errors
    /// The session is over: it can't do without that connection (P6); a WebSocket that was only tried out it can.
    pub(super) fn handle_gone(&mut self, conn: ConnId, reason: Reason, scope: &mut Scope<'_>) -> Result<(), Reason> {
        let over = match &mut self.transport {
            Transport::WebSocket { conn: own, .. } => *own == conn,
            Transport::Upgrading { socket, .. } if *socket == conn => {
                self.cancel_upgrade(scope);
                false
            }
            Transport::Polling(polling) | Transport::Upgrading { polling, .. } => {
                polling.get.take_if(|get| *get == conn).is_some()
            }
            Transport::Closing(_) => false,
        };
        if over || self.finish_post(conn) { Err(reason) } else { Ok(()) }
    }

    /// One of the session's timers fired.
    ///
    /// # Errors
    /// The session is over: no pong came in time, or nobody fetched what it had to say.
    pub(super) fn handle_timer(&mut self, timer: Timer, due: Millis, scope: &mut Scope<'_>) -> Result<(), Reason> {
        match timer {
            Timer::Ping => {
                // The pong is due even if no GET fetches the ping (HB3), and then a late timer is no excuse (HB6). Who
                // was there for the ping has all the time to answer it.
                let pinged = if self.is_listening() { scope.now } else { due };
                let deadline = pinged + scope.config.ping_timeout;
                scope.timers.set((self.sid.clone(), Timer::Pong), deadline);
                self.send(Packet::Ping("".into()).encode(), scope);
                Ok(())
            }
            Timer::Upgrade => {
                self.cancel_upgrade(scope);
                Ok(())
            }
            Timer::Pong => Err(Reason::PingTimeout),
            Timer::Close => Err(Reason::ForcedClose),
            Timer::Overflow => Err(Reason::TransportError),
        }
    }

    /// The common heartbeat of the WebSockets whose pongs are absorbed: a ping, unless the client is gone, or was heard of
    /// so lately that the next one will do. `pong` is when the runtime last answered one of its pongs.
    ///
    /// An alarm may be late, so a client isn't blamed for a ping that came late: it has answered none in two intervals
    /// and the timeout.
    ///
    /// # Errors
    /// The session is over: the client has been silent for too long.
    pub(super) fn beat(&mut self, pong: Option<Millis>, ping: &Frame, scope: &mut Scope<'_>) -> Result<(), Reason> {
        let Transport::WebSocket { conn, heard } = &mut self.transport else {
            return Ok(());
        };
        *heard = (*heard).max(pong.unwrap_or_default());
        let Config { ping_interval, ping_timeout, .. } = *scope.config;
        if scope.now >= *heard + ping_interval + ping_interval + ping_timeout {
            return Err(Reason::PingTimeout);
        }
        if scope.now >= *heard + Millis(ping_interval.0 / 2) {
            scope.out.send(*conn, ping.clone());
        }
        Ok(())
    }

    /// The server closes the session. `true` where that is done; else the next GET will be told (P11).
    pub(super) fn close(&mut self, scope: &mut Scope<'_>) -> bool {
        self.cancel_upgrade(scope);
        let polling = match &mut self.transport {
            Transport::Polling(polling) if polling.get.is_none() => polling,
            Transport::Closing(_) => return false,
            Transport::Polling(_) | Transport::Upgrading { .. } | Transport::WebSocket { .. } => return true,
        };
        let buffer = polling.take_buffer();
        self.transport = Transport::Closing(buffer);
        self.clear_timers(scope);
        let deadline = scope.now + scope.config.close_timeout;
        scope.timers.set((self.sid.clone(), Timer::Close), deadline);
        false
    }

    /// The last words: whoever still waits for this session is answered, its WebSockets are closed, its timers cleared.
    pub(super) fn end(mut self, reason: Reason, scope: &mut Scope<'_>) {
        self.cancel_upgrade(scope);
        match &mut self.transport {
            Transport::Polling(polling) | Transport::Upgrading { polling, .. } => {
                // A client that closed by itself only needs its poll back (P7).
                let farewell = match reason {
                    Reason::TransportClose => Packet::Noop,
                    _ => Packet::Close,
                };
                polling.answer(&farewell, scope);
            }
            Transport::WebSocket { conn, .. } => scope.close_socket(*conn, reason.close_code()),
            Transport::Closing(_) => {}
        }
        if let Some(post) = self.post {
            scope.respond(post, Reply::empty(400));
        }
        self.clear_timers(scope);
    }

    fn clear_timers(&self, scope: &mut Scope<'_>) {
        for timer in [Timer::Ping, Timer::Pong, Timer::Upgrade, Timer::Close, Timer::Overflow] {
            scope.timers.clear(&(self.sid.clone(), timer));
        }
    }
}
