//! One Engine.IO session: which transport it is on, and every transition.
//!
//! ```text
//!              2probe, 5                       server closes, no GET pending
//!  Polling ⇄ Upgrading ──▶ WebSocket      Polling, Upgrading ──▶ Closing ──▶ (next GET, or timeout) gone
//!     ▲ socket closed, wrong packet, timeout      client closes, no GET pending
//!                                              Polling, Upgrading ──▶ Leaving ──▶ (GET, or a moment later) gone
//! ```
//!
//! A session never ends itself. A method that finds it over returns the [`Reason`]; the engine takes the session out and
//! calls [`Session::end`], which tells the client.
//!
//! Heartbeats come in three kinds. A polling session, and a WebSocket whose pongs are delivered, has its own timers: a ping
//! is due, or a pong is (HB1, HB3). WebSockets whose pongs the runtime absorbs have none: the engine pings them all at
//! once and compares the times of their last pongs ([`Session::beat`]). In revision 3 it is the client that pings, and its
//! next ping is due (HB5).
//!
//! What a client sends over two connections at the same time may arrive in either order. So a GET that may have been
//! overtaken by a close, and one that may have overtaken the end of an upgrade, get a moment's grace.

use std::collections::HashMap;

use serde::{Deserialize, Serialize};

use super::asleep::{is_dead, wants_ping};
use super::handshake::Refusal;
use super::packet::Packet;
use super::transport::{Encoding, Flight, Polling, Transport, Wire};
use super::{Message, Reason, Revision, http};
use crate::config::Config;
use crate::ids::{ConnId, Millis, Sid};
use crate::outbox::{Effect, Frame, Outbox, Reply};
use crate::runtime::Runtime;
use crate::timers::Timers;

/// How long a GET that arrives about when the probe does is kept: the client's `5` may be on its way, and then the GET was
/// sent after the upgrade (U5). Else it is released, as the reference does from a timer of the same length (U1).
const RELEASE_AFTER: Millis = Millis(100);

/// How long the answer to a client's close waits for a GET that was sent at the same time and is to be told (P7).
const LEAVE_AFTER: Millis = Millis(50);

/// The name of a transport.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// HTTP long-polling.
    Polling,
    /// WebSocket.
    WebSocket,
}

/// What must be known of a session on a WebSocket to take it up again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct SocketState {
    /// The revision of the protocol that it speaks.
    pub revision: Revision,
    /// Whether the client takes text only.
    pub base64: bool,
    /// When the client was last heard of, as far as the object itself was told.
    pub heard: Millis,
}

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
    /// Its client fetches too slowly: it is closed at once.
    Overflow,
}

/// What a transition may use besides the session itself.
pub(super) struct Scope<'a> {
    pub now: Millis,
    pub config: &'a Config,
    pub timers: &'a mut Timers<(Sid, Timer)>,
    /// The number of this turn: what is sent in one leaves together.
    pub turn: u64,
    /// The sessions of WebSockets and of requests without an answer.
    pub conns: &'a mut HashMap<ConnId, Sid>,
    /// Sessions with a GET to be answered at the end of the turn.
    pub ready: &'a mut Vec<Sid>,
    pub runtime: &'a dyn Runtime,
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
    revision: Revision,
    /// Whether the client takes text only on its transport (P13).
    base64: bool,
    transport: Transport,
    /// The last turn in which something was sent over the WebSocket.
    wrote: u64,
    /// The POST whose body is still arriving; it may outlive an upgrade that overtakes it.
    post: Option<(ConnId, Encoding)>,
}

impl Session {
    /// A session that starts by polling; the GET that asked for it has its answer.
    pub(super) fn polling(sid: Sid, revision: Revision, base64: bool, scope: &mut Scope<'_>) -> Self {
        let transport = Transport::Polling(Polling::default());
        let session = Self { sid, revision, base64, transport, wrote: 0, post: None };
        session.schedule_heartbeat(scope.now, scope);
        session
    }

    /// A session that starts, or goes on after the object slept, on the WebSocket `conn`.
    pub(super) fn websocket(sid: Sid, state: SocketState, conn: ConnId, scope: &mut Scope<'_>) -> Self {
        scope.conns.insert(conn, sid.clone());
        let SocketState { revision, base64, heard } = state;
        let transport = Transport::WebSocket { conn, heard, flight: Flight::default() };
        let session = Self { sid, revision, base64, transport, wrote: 0, post: None };
        // A client of revision 3 pings by itself; any other is pinged anew.
        let from = if revision == Revision::V3 { heard } else { scope.now };
        session.schedule_heartbeat(from, scope);
        session
    }

    fn wire(&self) -> Wire {
        Wire { revision: self.revision, base64: self.base64 }
    }

    /// The revision of the protocol that it speaks.
    pub(super) fn revision(&self) -> Revision {
        self.revision
    }

    /// The transport that requests must name (R4).
    pub(super) fn kind(&self) -> Kind {
        match self.transport {
            Transport::WebSocket { .. } => Kind::WebSocket,
            _ => Kind::Polling,
        }
    }

    /// Whether the layer above knows already that it is over.
    pub(super) fn is_over(&self) -> bool {
        matches!(self.transport, Transport::Closing(_) | Transport::Leaving(_))
    }

    /// The WebSocket that carries the session, and what must be known to take it up again.
    pub(super) fn socket(&self) -> Option<(ConnId, SocketState)> {
        let Transport::WebSocket { conn, heard, .. } = self.transport else {
            return None;
        };
        Some((conn, SocketState { revision: self.revision, base64: self.base64, heard }))
    }

    /// Whether it is pinged together with all others, where pongs are absorbed: else it has timers of its own.
    pub(super) fn has_common_beat(&self) -> bool {
        self.kind() == Kind::WebSocket && self.revision == Revision::V4
    }

    /// Whether a frame would reach the client at once.
    fn is_listening(&self) -> bool {
        match &self.transport {
            Transport::Polling(polling) | Transport::Upgrading { polling, .. } => polling.get.is_some(),
            Transport::WebSocket { .. } => true,
            Transport::Closing(_) | Transport::Leaving(_) => false,
        }
    }

    /// Sends frames that make one message, if the client takes them at once; else drops them all (1.12). Over a WebSocket,
    /// what was sent in the same turn counts as still on its way.
    pub(super) fn send_volatile(&mut self, frames: &[Frame], scope: &mut Scope<'_>) -> bool {
        let writable = self.is_listening() && self.wrote != scope.turn;
        if writable {
            for frame in frames {
                self.send(frame.clone(), scope);
            }
        }
        writable
    }

    /// Sends a frame now, or keeps it for the next GET.
    pub(super) fn send(&mut self, frame: Frame, scope: &mut Scope<'_>) {
        let wire = self.wire();
        let polling = match &mut self.transport {
            Transport::WebSocket { conn, .. } => {
                self.wrote = scope.turn;
                let size = frame.len();
                scope.out.send(*conn, wire.frame(frame));
                return self.watch_flight(size, scope);
            }
            Transport::Polling(polling) | Transport::Upgrading { polling, .. } => polling,
            Transport::Closing(_) | Transport::Leaving(_) => return,
        };
        if let Some((get, _)) = polling.get.take() {
            polling.answering = Some(get);
            scope.ready.push(self.sid.clone());
        }
        if polling.buffered.saturating_add(frame.len()) > scope.config.max_buffered {
            scope.timers.set((self.sid.clone(), Timer::Overflow), scope.now);
        } else {
            polling.buffered += frame.len();
            polling.buffer.push(frame);
        }
    }

    /// A client that doesn't read what it is sent is closed before too much of it piles up. Halfway there a ping tells how
    /// far the client has come: it answers when it has read all before it. Clients of revision 3 aren't pinged.
    fn watch_flight(&mut self, size: usize, scope: &mut Scope<'_>) {
        let Transport::WebSocket { conn, heard, flight } = &mut self.transport else {
            return;
        };
        if self.revision == Revision::V3 {
            return;
        }
        let heard = || scope.runtime.last_pong(*conn).unwrap_or_default().max(*heard);
        if flight.add(size, heard) > scope.config.max_buffered {
            scope.timers.set((self.sid.clone(), Timer::Overflow), scope.now);
        } else if flight.wants_mark(scope.config.max_buffered / 2) {
            scope.out.send(*conn, Packet::Ping("".into()).encode());
            flight.mark(scope.now);
        }
    }

    /// Answers the GET that this turn's packets are for, if there is one.
    pub(super) fn flush(&mut self, scope: &mut Scope<'_>) {
        let wire = self.wire();
        if let Transport::Polling(polling) | Transport::Upgrading { polling, .. } = &mut self.transport
            && let Some(get) = polling.answering.take()
        {
            scope.respond(get, wire.payload(&polling.take_buffer()));
        }
    }

    /// Answers the pending GET with one packet, if there is one.
    fn release_get(&mut self, packet: &Packet<'_>, scope: &mut Scope<'_>) {
        let wire = self.wire();
        if let Transport::Polling(polling) | Transport::Upgrading { polling, .. } = &mut self.transport
            && let Some((get, _)) = polling.get.take()
        {
            scope.respond(get, wire.payload(&[packet.encode()]));
        }
    }

    /// A GET arrived: it takes what is buffered, or waits (P2).
    ///
    /// # Errors
    /// The session is over: two GETs at once (P4), or this one was told of the close (P7, P11).
    pub(super) fn handle_get(&mut self, conn: ConnId, scope: &mut Scope<'_>) -> Result<(), Reason> {
        let wire = self.wire();
        let (polling, probed) = match &mut self.transport {
            Transport::Polling(polling) => (polling, false),
            Transport::Upgrading { polling, probed, .. } => (polling, *probed),
            Transport::Closing(buffer) => {
                let mut frames = std::mem::take(buffer);
                if frames.is_empty() {
                    frames.push(Packet::Noop.encode());
                }
                frames.push(Packet::Close.encode());
                scope.respond(conn, wire.payload(&frames));
                return Err(Reason::ForcedClose);
            }
            Transport::Leaving(_) => {
                scope.respond(conn, wire.payload(&[Packet::Noop.encode()]));
                return Err(Reason::TransportClose);
            }
            Transport::WebSocket { .. } => {
                scope.respond(conn, Refusal::BadRequest.reply(false));
                return Ok(());
            }
        };
        if polling.get.is_some() {
            scope.respond(conn, Reply::empty(400));
            return Err(Reason::TransportError);
        }
        let frames = polling.take_buffer();
        if !frames.is_empty() {
            scope.respond(conn, wire.payload(&frames));
            return Ok(());
        }
        scope.conns.insert(conn, self.sid.clone());
        polling.get = Some((conn, scope.now));
        if probed {
            scope.timers.set((self.sid.clone(), Timer::Release), scope.now + RELEASE_AFTER);
        }
        Ok(())
    }

    /// A POST arrived; its body comes later.
    ///
    /// # Errors
    /// The session is over: a second POST while the first one's body is arriving (P5), or a body of the wrong kind.
    pub(super) fn handle_post(
        &mut self,
        conn: ConnId,
        encoding: Encoding,
        scope: &mut Scope<'_>,
    ) -> Result<(), Reason> {
        let wrong = encoding == Encoding::Binary && self.revision == Revision::V4;
        if wrong || self.post.is_some() {
            scope.respond(conn, Reply::empty(400));
            return Err(Reason::TransportError);
        }
        scope.conns.insert(conn, self.sid.clone());
        self.post = Some((conn, encoding));
        Ok(())
    }

    /// The POST whose body was arriving has it all, or never will; gives its encoding, if it is this session's.
    pub(super) fn finish_post(&mut self, conn: ConnId) -> Option<Encoding> {
        self.post.take_if(|(post, _)| *post == conn).map(|(_, encoding)| encoding)
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
        if self.is_over() {
            return Ok(None);
        }
        match (packet, self.revision) {
            (Packet::Message(text), _) => return Ok(Some(Message::Text(text))),
            (Packet::Binary(bytes), _) => return Ok(Some(Message::Binary(bytes))),
            (Packet::Close, _) => return Err(Reason::TransportClose),
            (Packet::Pong(_), Revision::V4) => self.handle_sign_of_life(scope),
            (Packet::Ping(data), Revision::V3) => {
                self.handle_sign_of_life(scope);
                self.send(Packet::Pong(data).encode(), scope);
            }
            // The wrong direction.
            (Packet::Ping(_), Revision::V4) | (Packet::Pong(_), Revision::V3) => return Err(Reason::TransportError),
            // Ignored on an open session (P10).
            (Packet::Open(_) | Packet::Upgrade | Packet::Noop, _) => {}
        }
        Ok(None)
    }

    /// Only a heartbeat counts as a sign of life, asked for or not (HB2).
    fn handle_sign_of_life(&mut self, scope: &mut Scope<'_>) {
        if let Transport::WebSocket { heard, .. } = &mut self.transport {
            *heard = scope.now;
        }
        scope.timers.clear(&(self.sid.clone(), Timer::Pong));
        self.schedule_heartbeat(scope.now, scope);
    }

    /// The next ping follows from when the client was heard of last (HB1, HB5).
    fn schedule_heartbeat(&self, heard: Millis, scope: &mut Scope<'_>) {
        let Config { ping_interval, ping_timeout, .. } = *scope.config;
        let (timer, wait) = match self.revision {
            Revision::V3 => (Timer::Pong, ping_interval + ping_timeout),
            Revision::V4 if self.has_common_beat() && scope.config.absorbs_pongs() => return,
            Revision::V4 => (Timer::Ping, ping_interval),
        };
        scope.timers.set((self.sid.clone(), timer), heard + wait);
    }

    /// A WebSocket for this session: it is tried out beside the polling transport (1.6). One at a time, and none after
    /// an upgrade: any other is closed and disturbs nothing (U4).
    pub(super) fn handle_upgrade(&mut self, socket: ConnId, base64: bool, scope: &mut Scope<'_>) {
        let Transport::Polling(polling) = &mut self.transport else {
            scope.close_socket(socket, None);
            return;
        };
        let polling = std::mem::take(polling);
        self.transport = Transport::Upgrading { polling, socket, base64, probed: false };
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
        let Transport::Upgrading { polling, socket, probed, .. } = &mut self.transport else {
            return false;
        };
        match packet {
            Some(Packet::Ping(data)) if data == "probe" => {
                *probed = true;
                scope.out.send(*socket, Packet::Pong("probe".into()).encode());
                match polling.get.map(|(_, arrived)| arrived + RELEASE_AFTER) {
                    Some(at) if at > scope.now => scope.timers.set((self.sid.clone(), Timer::Release), at),
                    _ => self.release_get(&Packet::Noop, scope),
                }
                false
            }
            Some(Packet::Upgrade) if *probed => {
                self.complete_upgrade(scope);
                true
            }
            _ => {
                self.cancel_upgrade(scope);
                false
            }
        }
    }

    /// What waited for a GET goes over the WebSocket, in order (U9). A GET that waits came too late (U5).
    fn complete_upgrade(&mut self, scope: &mut Scope<'_>) {
        self.flush(scope);
        let Transport::Upgrading { polling, socket, base64, .. } = &mut self.transport else {
            return;
        };
        let (mut polling, socket) = (std::mem::take(polling), *socket);
        self.base64 = *base64;
        self.transport = Transport::WebSocket { conn: socket, heard: scope.now, flight: Flight::default() };
        if let Some((get, _)) = polling.get {
            scope.respond(get, Refusal::BadRequest.reply(false));
        }
        for frame in polling.take_buffer() {
            self.send(frame, scope);
        }
        self.clear_timers(scope);
        self.schedule_heartbeat(scope.now, scope);
    }

    /// The upgrade won't be: the session stays on polling (U3, U6).
    pub(super) fn cancel_upgrade(&mut self, scope: &mut Scope<'_>) {
        if let Transport::Upgrading { polling, socket, .. } = &mut self.transport {
            let socket = *socket;
            self.transport = Transport::Polling(std::mem::take(polling));
            scope.timers.clear(&(self.sid.clone(), Timer::Upgrade));
            scope.timers.clear(&(self.sid.clone(), Timer::Release));
            scope.close_socket(socket, None);
        }
    }

    /// The client of a pending request went away, or a WebSocket closed.
    ///
    /// # Errors
    /// The session is over: it can't do without that connection (P6); a WebSocket that was only tried out it can.
    pub(super) fn handle_gone(&mut self, conn: ConnId, reason: Reason, scope: &mut Scope<'_>) -> Result<(), Reason> {
        let was_post = self.finish_post(conn).is_some();
        let over = match &mut self.transport {
            // A POST that the upgrade has overtaken is no longer needed.
            Transport::WebSocket { conn: own, .. } => *own == conn,
            Transport::Upgrading { socket, .. } if *socket == conn => {
                self.cancel_upgrade(scope);
                false
            }
            Transport::Polling(polling) | Transport::Upgrading { polling, .. } => {
                was_post || polling.get.take_if(|(get, _)| *get == conn).is_some()
            }
            Transport::Closing(_) => false,
            Transport::Leaving(post) => *post == conn,
        };
        if over { Err(reason) } else { Ok(()) }
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
            Timer::Release => {
                self.release_get(&Packet::Noop, scope);
                Ok(())
            }
            Timer::Pong => Err(Reason::PingTimeout),
            Timer::Close => Err(Reason::ForcedClose),
            Timer::Overflow => Err(Reason::TransportError),
        }
    }

    /// The common heartbeat of the WebSockets whose pongs are absorbed: a ping, unless the client is gone, or was heard of
    /// so lately that the next one will do.
    ///
    /// # Errors
    /// The session is over: the client has been silent for too long.
    pub(super) fn beat(&mut self, ping: &Frame, scope: &mut Scope<'_>) -> Result<(), Reason> {
        if !self.has_common_beat() {
            return Ok(());
        }
        let Transport::WebSocket { conn, heard, .. } = &mut self.transport else {
            return Ok(());
        };
        *heard = (*heard).max(scope.runtime.last_pong(*conn).unwrap_or_default());
        if is_dead(scope.config, *heard, scope.now) {
            return Err(Reason::PingTimeout);
        }
        if wants_ping(scope.config, *heard, scope.now) {
            scope.out.send(*conn, ping.clone());
        }
        Ok(())
    }

    /// The server closes the session. `true` where that is done; else the next GET will be told (P11).
    pub(super) fn close(&mut self, scope: &mut Scope<'_>) -> bool {
        self.flush(scope);
        self.cancel_upgrade(scope);
        let polling = match &mut self.transport {
            Transport::Polling(polling) if polling.get.is_none() => polling,
            Transport::Closing(_) => return false,
            Transport::Polling(_)
            | Transport::Upgrading { .. }
            | Transport::WebSocket { .. }
            | Transport::Leaving(_) => return true,
        };
        let buffer = polling.take_buffer();
        self.transport = Transport::Closing(buffer);
        self.clear_timers(scope);
        let deadline = scope.now + scope.config.close_timeout;
        scope.timers.set((self.sid.clone(), Timer::Close), deadline);
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
        self.transport = Transport::Leaving(conn);
        self.clear_timers(scope);
        scope.conns.insert(conn, self.sid.clone());
        scope.timers.set((self.sid.clone(), Timer::Close), scope.now + LEAVE_AFTER);
        true
    }

    /// The last words: whoever still waits for this session is answered, its WebSockets are closed, its timers cleared.
    pub(super) fn end(mut self, reason: Reason, scope: &mut Scope<'_>) {
        self.flush(scope);
        self.cancel_upgrade(scope);
        // A client that closed by itself only needs its poll back (P7).
        let farewell = if reason == Reason::TransportClose { Packet::Noop } else { Packet::Close };
        self.release_get(&farewell, scope);
        match self.transport {
            Transport::WebSocket { conn, .. } => scope.close_socket(conn, reason.close_code()),
            Transport::Leaving(post) => scope.respond(post, http::ok()),
            Transport::Polling(_) | Transport::Upgrading { .. } | Transport::Closing(_) => {}
        }
        if let Some((post, _)) = self.post {
            scope.respond(post, Reply::empty(400));
        }
        self.clear_timers(scope);
    }

    fn clear_timers(&self, scope: &mut Scope<'_>) {
        let all = [Timer::Ping, Timer::Pong, Timer::Upgrade, Timer::Release, Timer::Close, Timer::Overflow];
        for timer in all {
            scope.timers.clear(&(self.sid.clone(), timer));
        }
    }
}
