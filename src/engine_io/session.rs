//! One Engine.IO session: which transport it is on, and its transitions. Those of an upgrade are in `upgrade`, heartbeats
//! and deadlines in `heartbeat`, its end in `ending`, and what clients leave unread in `unread`.
//!
//! ```text
//!             (2probe,) 5                      server closes, no GET pending
//!  Polling ⇄ Upgrading ──▶ WebSocket      Polling, Upgrading ──▶ Closing ──▶ (next GET, or timeout) gone
//!     ▲ socket closed, wrong packet, timeout      client closes, no GET pending
//!                                              Polling, Upgrading ──▶ Leaving ──▶ (GET, or a moment later) gone
//! ```
//!
//! A session never ends itself. A method that finds it over returns the [`Reason`]; the engine takes the session out and
//! calls [`Session::end`], which tells the client.
//!
//! What a client sends over two connections at the same time may arrive in either order. So a GET that may have been
//! overtaken by a close, and one that may have overtaken the end of an upgrade, get a moment's grace.

use std::collections::VecDeque;

use serde::{Deserialize, Serialize};

use super::event::{Message, Reason};
use super::packet::{Packet, ParseError};
use super::payload::Payload;
use super::protocol::{Kind, Revision};
use super::refusal::Fault;
use super::scope::{Scope, Timer};
use super::transport::{Encoding, InFlight, Polling, RELEASE_AFTER, Transport, Wire};
use crate::ids::{ConnId, Millis, Sid};
use crate::outbox::Frame;

/// What must be known of a session on a WebSocket to restore it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct SessionState {
    /// The revision of the protocol that it speaks.
    pub revision: Revision,
    /// Whether the client takes text only.
    pub base64: bool,
    /// When the client was last heard of, as far as the object itself was told.
    pub heard: Millis,
}

/// How many packets that are only read cost as much as one with a message, which the app handles.
pub(super) const MESSAGE_COST: usize = 64;

/// Packets that have arrived and wait for their turn.
#[derive(Debug)]
pub(super) struct Backlog {
    /// The POST that brought them, which is answered when they are all read.
    pub post: Option<ConnId>,
    pub packets: Packets,
}

/// Where the packets of a [`Backlog`] come from.
#[derive(Debug)]
pub(super) enum Packets {
    Body(Payload),
    /// One packet of a WebSocket, until it is read.
    Frame(Option<Result<Packet<'static>, ParseError>>),
}

impl Packets {
    pub(super) fn next(&mut self) -> Option<Result<Packet<'static>, ParseError>> {
        match self {
            Self::Body(payload) => payload.next(),
            Self::Frame(packet) => packet.take(),
        }
    }

    /// Whether all are known to be read.
    fn is_done(&self) -> bool {
        match self {
            Self::Body(payload) => payload.is_done(),
            Self::Frame(packet) => packet.is_none(),
        }
    }
}

/// A session.
#[derive(Debug)]
pub(super) struct Session {
    sid: Sid,
    revision: Revision,
    /// Whether the client takes text only on its transport (P13).
    pub(super) base64: bool,
    pub(super) transport: Transport,
    /// When the client was last heard of, as far as the object itself was told.
    pub(super) heard: Millis,
    /// The last input for which something was sent over the WebSocket.
    wrote: u64,
    /// The POST whose body is still arriving; it may outlive an upgrade that overtakes it.
    pub(super) post: Option<(ConnId, Encoding)>,
    /// What has arrived and isn't read yet, the oldest first.
    pub(super) backlog: VecDeque<Backlog>,
}

impl Session {
    /// A session that starts by polling; the GET that asked for it has its answer.
    pub(super) fn polling(sid: Sid, revision: Revision, base64: bool, scope: &mut Scope<'_>) -> Self {
        let state = SessionState { revision, base64, heard: scope.now };
        let session = Self::new(sid, state, Transport::Polling(Polling::default()));
        session.schedule_heartbeat(scope.now, scope);
        session
    }

    /// A session that starts, or goes on after hibernation, on the WebSocket `conn`.
    pub(super) fn websocket(sid: Sid, state: SessionState, conn: ConnId, scope: &mut Scope<'_>) -> Self {
        scope.conns.insert(conn, sid.clone());
        let session = Self::new(sid, state, Transport::WebSocket { conn, in_flight: InFlight::default() });
        // A client of revision 3 pings by itself; any other is pinged anew.
        let from = if state.revision == Revision::V3 { state.heard } else { scope.now };
        session.schedule_heartbeat(from, scope);
        session
    }

    fn new(sid: Sid, SessionState { revision, base64, heard }: SessionState, transport: Transport) -> Self {
        Self { sid, revision, base64, transport, heard, wrote: 0, post: None, backlog: VecDeque::new() }
    }

    fn wire(&self) -> Wire {
        Wire { revision: self.revision, base64: self.base64 }
    }

    /// The key of one of its timers.
    pub(super) fn timer(&self, timer: Timer) -> (Sid, Timer) {
        (self.sid.clone(), timer)
    }

    /// Its id.
    pub(super) fn sid(&self) -> &Sid {
        &self.sid
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

    /// The WebSocket that carries the session, and what must be known to restore it.
    pub(super) fn socket(&self) -> Option<(ConnId, SessionState)> {
        let Transport::WebSocket { conn, .. } = self.transport else {
            return None;
        };
        Some((conn, SessionState { revision: self.revision, base64: self.base64, heard: self.heard }))
    }

    fn polling_mut(&mut self) -> Option<&mut Polling> {
        match &mut self.transport {
            Transport::Polling(polling) | Transport::Upgrading { polling, .. } => Some(polling),
            Transport::WebSocket { .. } | Transport::Closing(_) | Transport::Leaving(_) => None,
        }
    }

    /// Whether a frame would reach the client at once.
    pub(super) fn is_listening(&self) -> bool {
        match &self.transport {
            Transport::Polling(polling) | Transport::Upgrading { polling, .. } => polling.get.is_some(),
            Transport::WebSocket { .. } => true,
            Transport::Closing(_) | Transport::Leaving(_) => false,
        }
    }

    /// Sends frames that make one message, if the client takes them at once; else drops them all (1.12). Over a WebSocket,
    /// what was sent because of the same input counts as still on its way.
    pub(super) fn send_volatile(&mut self, frames: &[Frame], scope: &mut Scope<'_>) -> bool {
        let writable = self.is_listening() && self.wrote != scope.input;
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
        if let Transport::WebSocket { conn, .. } = self.transport {
            self.wrote = scope.input;
            let size = frame.len();
            scope.transmit(conn, wire.frame(frame));
            return self.watch_in_flight(size, scope);
        }
        let sid = &self.sid;
        let (Transport::Polling(polling) | Transport::Upgrading { polling, .. }) = &mut self.transport else {
            return;
        };
        if let Some((get, _)) = polling.get.take() {
            polling.answering = Some(get);
            scope.ready.push(sid.clone());
        }
        if polling.buffered.saturating_add(frame.len()) > scope.config.max_buffered {
            scope.timers.set(self.timer(Timer::Overflow), scope.now);
        } else {
            polling.buffered += frame.len();
            *scope.unread += frame.len();
            polling.buffer.push(frame);
        }
    }

    /// Takes out what waits for the next GET.
    pub(super) fn take_buffer(&mut self, scope: &mut Scope<'_>) -> Vec<Frame> {
        let Some(polling) = self.polling_mut() else {
            return Vec::new();
        };
        *scope.unread = scope.unread.saturating_sub(std::mem::take(&mut polling.buffered));
        std::mem::take(&mut polling.buffer)
    }

    /// Answers the GET that this turn's packets are for, if there is one.
    pub(super) fn flush(&mut self, scope: &mut Scope<'_>) {
        if let Some(get) = self.polling_mut().and_then(|polling| polling.answering.take()) {
            let frames = self.take_buffer(scope);
            scope.respond(get, self.wire().payload(&frames));
        }
    }

    /// Answers the pending GET with one packet, if there is one.
    pub(super) fn release_get(&mut self, packet: &Packet<'_>, scope: &mut Scope<'_>) {
        if let Some((get, _)) = self.polling_mut().and_then(|polling| polling.get.take()) {
            scope.respond(get, self.wire().payload(&[packet.encode()]));
        }
    }

    /// A GET arrived: it takes what is buffered, or waits (P2).
    ///
    /// # Errors
    /// The session is over: two GETs at once (P4), or this one was told of the close (P7, P11).
    pub(super) fn handle_get(&mut self, conn: ConnId, scope: &mut Scope<'_>) -> Result<(), Reason> {
        match &mut self.transport {
            Transport::Polling(_) | Transport::Upgrading { .. } => {}
            Transport::Closing(polling) => {
                let mut frames = std::mem::take(&mut polling.buffer);
                if frames.is_empty() {
                    frames.push(Packet::Noop.encode());
                }
                frames.push(Packet::Close.encode());
                scope.respond(conn, self.wire().payload(&frames));
                return Err(Reason::ForcedClose);
            }
            Transport::Leaving(_) => {
                scope.respond(conn, self.wire().payload(&[Packet::Noop.encode()]));
                return Err(Reason::TransportClose);
            }
            Transport::WebSocket { .. } => {
                scope.respond(conn, Fault::Transport.reply());
                return Ok(());
            }
        }
        if self.is_listening() {
            scope.respond(conn, Fault::SecondGet.reply());
            return Err(Reason::TransportError);
        }
        let frames = self.take_buffer(scope);
        if frames.is_empty() {
            self.hold_get(conn, scope);
        } else {
            scope.respond(conn, self.wire().payload(&frames));
        }
        Ok(())
    }

    /// Nothing is there for a GET: it waits.
    fn hold_get(&mut self, conn: ConnId, scope: &mut Scope<'_>) {
        scope.conns.insert(conn, self.sid.clone());
        if let Transport::Upgrading { probed: true, .. } = self.transport {
            scope.timers.set(self.timer(Timer::Release), scope.now + RELEASE_AFTER);
        }
        if let Some(polling) = self.polling_mut() {
            polling.get = Some((conn, scope.now));
        }
    }

    /// A POST arrived; its body comes later.
    ///
    /// # Errors
    /// The session is over: a second POST while the first one isn't read yet (P5), or a body of the wrong kind.
    pub(super) fn handle_post(
        &mut self,
        conn: ConnId,
        encoding: Encoding,
        scope: &mut Scope<'_>,
    ) -> Result<(), Reason> {
        let is_second = self.post.is_some() || !self.backlog.is_empty();
        let is_wrong = encoding == Encoding::Binary && self.revision == Revision::V4;
        if is_second || is_wrong {
            let fault = if is_second { Fault::SecondPost } else { Fault::Bytes };
            let first = self.post.take().map(|(first, _)| first);
            [Some(conn), first].into_iter().flatten().for_each(|post| scope.respond(post, fault.reply()));
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
    pub(super) fn handle_packet(
        &mut self,
        packet: Packet<'static>,
        scope: &mut Scope<'_>,
    ) -> Result<Option<Message>, Reason> {
        if self.is_over() {
            return Ok(None);
        }
        match (packet, self.revision) {
            (Packet::Message(text), _) => return Ok(Some(Message::Text(text.into_owned()))),
            (Packet::Binary(bytes), _) => return Ok(Some(Message::Binary(bytes.into_owned()))),
            (Packet::Close, _) => return Err(Reason::TransportClose),
            (Packet::Pong(_), Revision::V4) => self.handle_sign_of_life(scope),
            (Packet::Ping(data), Revision::V3) => {
                self.handle_sign_of_life(scope);
                self.confirm_by_ping(scope);
                self.send(Packet::Pong(data).encode(), scope);
            }
            // The wrong direction.
            (Packet::Ping(_), Revision::V4) | (Packet::Pong(_), Revision::V3) => return Err(Reason::TransportError),
            // Ignored on an open session (P10).
            (Packet::Open(_) | Packet::Upgrade | Packet::Noop, _) => {}
        }
        Ok(None)
    }

    /// Whether packets of it wait to be read.
    pub(super) fn has_unread_packets(&self) -> bool {
        !self.is_over() && self.backlog.front().is_some_and(|backlog| !backlog.packets.is_done())
    }

    /// The client of a pending request went away, or a WebSocket closed.
    ///
    /// # Errors
    /// The session is over: it can't do without that connection (P6); a WebSocket that was only tried out it can.
    pub(super) fn handle_gone(&mut self, conn: ConnId, reason: Reason, scope: &mut Scope<'_>) -> Result<(), Reason> {
        let unread = self.backlog.iter_mut().filter_map(|backlog| backlog.post.take_if(|post| *post == conn)).count();
        let was_post = self.finish_post(conn).is_some() || unread > 0;
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

    /// Forgets all deadlines.
    pub(super) fn clear_timers(&self, scope: &mut Scope<'_>) {
        let all = [Timer::Ping, Timer::Pong, Timer::Upgrade, Timer::Release, Timer::Close, Timer::Overflow];
        for timer in all {
            scope.timers.clear(&self.timer(timer));
        }
    }
}
