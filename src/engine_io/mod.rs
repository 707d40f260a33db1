//! Engine.IO 4: sessions over HTTP long-polling and WebSocket, the upgrade between them, heartbeats.
//!
//! The layer carries opaque messages and knows nothing of what is in them. What happens is told to a [`Listener`], which
//! may answer at once through the [`Engine`] it is handed: so a message that closes the session is seen before the next
//! one of the same payload.
//!
//! Start reading at `session`, which has every transition.

mod asleep;
mod handshake;
mod http;
mod listener;
mod packet;
pub mod payload;
mod session;
mod transport;

use std::collections::HashMap;

pub use asleep::Asleep;
pub use handshake::{Query, Refusal};
pub use http::needs_xss_header;
pub use listener::{Listener, Message, Reason, Revision, Turn};
pub use packet::{Packet, ParseError};
pub use session::{Kind, SocketState};

use crate::config::Config;
use crate::ids::{ConnId, Millis, Sid};
use crate::outbox::{BodyError, Effect, Frame, Input, Reply, Request};
use crate::runtime::Sleeper;
use crate::timers::Timers;
use handshake::Purpose;
use payload::Body;
use session::{Scope, Session, Timer};
use transport::Encoding;

/// What a new session starts with.
#[derive(Clone, Copy)]
struct Opening<'a> {
    request: &'a Request<'a>,
    revision: Revision,
    base64: bool,
}

/// All sessions of a room.
#[derive(Debug)]
pub struct Engine {
    config: Config,
    sessions: HashMap<Sid, Session>,
    conns: HashMap<ConnId, Sid>,
    timers: Timers<(Sid, Timer)>,
    /// Sessions with a GET to be answered at the end of the turn.
    ready: Vec<Sid>,
    /// The number of this turn.
    turns: u64,
    /// When the WebSockets whose pongs are absorbed are pinged next. `None` while it isn't known whether the alarm that
    /// is about to ring is the one for it: after a restore.
    beat_at: Option<Millis>,
}

impl Engine {
    /// An engine without sessions.
    pub fn new(config: Config) -> Self {
        Self {
            config,
            sessions: HashMap::new(),
            conns: HashMap::new(),
            timers: Timers::default(),
            ready: Vec::new(),
            // 0 is what those have who were sent nothing yet.
            turns: 1,
            beat_at: None,
        }
    }

    /// How many sessions there are.
    pub fn session_count(&self) -> usize {
        self.sessions.len()
    }

    /// The WebSocket that carries a session, and what must be known to take it up again by [`restore`](Self::restore).
    pub fn socket(&self, sid: &Sid) -> Option<(ConnId, SocketState)> {
        self.sessions.get(sid)?.socket()
    }

    /// The protocol's revision that a session speaks.
    pub fn revision(&self, sid: &Sid) -> Option<Revision> {
        self.sessions.get(sid).map(Session::revision)
    }

    /// When [`Input::Alarm`] is wanted; later or earlier does no harm.
    pub fn next_wake(&self, now: Millis) -> Option<Millis> {
        let beat = self.beats().then(|| self.beat_at.unwrap_or_else(|| self.next_beat(now)));
        [beat, self.timers.next()].into_iter().flatten().min()
    }

    /// Whether there are WebSockets that have no timers of their own.
    fn beats(&self) -> bool {
        self.config.absorbs_pongs() && self.sessions.values().any(Session::has_common_beat)
    }

    /// All who round like this ping at the same moments, so that one alarm serves them all, and an object that forgot
    /// the last one knows the next.
    pub fn next_beat(&self, now: Millis) -> Millis {
        now.next_multiple_of(self.config.ping_interval)
    }

    /// Handles one input.
    pub fn handle(&mut self, turn: &mut Turn<'_>, input: Input<'_>, listener: &mut impl Listener) {
        self.expire(turn, listener);
        match input {
            Input::Request { conn, request } => self.request(turn, conn, &request, listener),
            Input::Body { conn, body } => self.body(turn, conn, body, listener),
            Input::Text { conn, text } => {
                self.frame(turn, conn, text.len(), |revision| Packet::decode(revision, text), listener);
            }
            Input::Binary { conn, bytes } => {
                self.frame(turn, conn, bytes.len(), |revision| Packet::decode_binary(revision, bytes), listener);
            }
            Input::Aborted { conn } => self.gone(turn, conn, Reason::TransportError, listener),
            Input::Closed { conn, failed: true } => self.gone(turn, conn, Reason::TransportError, listener),
            Input::Closed { conn, failed: false } => self.gone(turn, conn, Reason::TransportClose, listener),
            Input::Tick => {}
            Input::Alarm => self.beat(turn, listener),
        }
    }

    /// The turn is over: answers the GETs that its packets are for.
    pub fn flush(&mut self, turn: &mut Turn<'_>) {
        for sid in std::mem::take(&mut self.ready) {
            if let (Some(session), mut scope) = self.split(turn, &sid) {
                session.flush(&mut scope);
            }
        }
        self.turns = self.turns.wrapping_add(1);
    }

    /// Sends a frame to a session; one that is gone is passed over.
    pub fn send(&mut self, turn: &mut Turn<'_>, sid: &Sid, frame: Frame) {
        if let (Some(session), mut scope) = self.split(turn, sid) {
            session.send(frame, &mut scope);
        }
    }

    /// Sends the frames of one message to a session if its client takes them at once; else drops them all (1.12). `false`
    /// where they were dropped.
    pub fn send_volatile(&mut self, turn: &mut Turn<'_>, sid: &Sid, frames: &[Frame]) -> bool {
        let (session, mut scope) = self.split(turn, sid);
        session.is_some_and(|session| session.send_volatile(frames, &mut scope))
    }

    /// Closes a session without telling the listener. `false` where the client will be told later, by its next GET (P11).
    pub fn close(&mut self, turn: &mut Turn<'_>, sid: &Sid) -> bool {
        let (Some(session), mut scope) = self.split(turn, sid) else {
            return true;
        };
        let done = session.close(&mut scope);
        if done {
            self.remove(turn, sid, Reason::ForcedClose);
        }
        done
    }

    /// Takes a session up again whose WebSocket outlived the object's memory.
    pub fn restore(&mut self, turn: &mut Turn<'_>, sid: Sid, conn: ConnId, state: SocketState) {
        let (_, mut scope) = self.split(turn, &sid);
        let session = Session::websocket(sid.clone(), state, conn, &mut scope);
        self.sessions.insert(sid, session);
    }

    /// Closes those of the WebSockets that outlived the object's memory whose clients may have lost something with it.
    pub fn close_lagging(&mut self, turn: &mut Turn<'_>, sleepers: &[Sleeper], listener: &mut impl Listener) {
        if !self.config.absorbs_pongs() {
            return;
        }
        for conn in asleep::lagging(&self.config, turn, sleepers) {
            if let Some(sid) = self.conns.get(&conn).cloned() {
                self.settle(turn, &sid, Err(Reason::PingTimeout), listener);
            }
        }
    }

    fn split<'s>(&'s mut self, turn: &'s mut Turn<'_>, sid: &Sid) -> (Option<&'s mut Session>, Scope<'s>) {
        let scope = Scope {
            now: turn.now,
            turn: self.turns,
            config: &self.config,
            timers: &mut self.timers,
            conns: &mut self.conns,
            ready: &mut self.ready,
            runtime: turn.runtime,
            out: turn.out,
        };
        (self.sessions.get_mut(sid), scope)
    }

    /// Deadlines are looked at on each input, not only when the alarm rings: it may be late (HB6).
    fn expire(&mut self, turn: &mut Turn<'_>, listener: &mut impl Listener) {
        while let Some(((sid, timer), due)) = self.timers.pop_due(turn.now) {
            if let (Some(session), mut scope) = self.split(turn, &sid) {
                let verdict = session.handle_timer(timer, due, &mut scope);
                self.settle(turn, &sid, verdict, listener);
            }
        }
    }

    fn request(&mut self, turn: &mut Turn<'_>, conn: ConnId, request: &Request<'_>, listener: &mut impl Listener) {
        let current = |sid: &Sid| self.sessions.get(sid).map(|session| (session.kind(), session.revision()));
        let outcome = match handshake::verify(request, current) {
            Err(refusal) => Err(refusal),
            Ok(Purpose::Open { kind, revision, base64 }) => {
                let admitted = self.admit(request, revision, listener);
                admitted.map(|revision| self.open(turn, conn, kind, Opening { request, revision, base64 }, listener))
            }
            Ok(Purpose::Poll(sid)) => {
                self.poll(turn, conn, &sid, request, listener);
                Ok(())
            }
            Ok(Purpose::Upgrade { sid, base64 }) => {
                let revision = self.revision(&sid).unwrap_or(Revision::V4);
                turn.out.push(Effect::Accept { conn, headers: Vec::new(), tag: asleep::tag(revision, turn.now) });
                if let (Some(session), mut scope) = self.split(turn, &sid) {
                    session.handle_upgrade(conn, base64, &mut scope);
                }
                Ok(())
            }
            Ok(Purpose::Nothing) => {
                let tag = asleep::tag(Revision::V4, turn.now);
                turn.out.push(Effect::Accept { conn, headers: Vec::new(), tag });
                turn.out.push(Effect::Close { conn, code: None });
                Ok(())
            }
        };
        if let Err(refusal) = outcome {
            listener.refused(&refusal, request);
            turn.out.respond(conn, refusal.reply(request.upgrade));
        }
    }

    /// The last checks of a new session, in the reference's order: the app's, then the revision. Gives the revision.
    fn admit(
        &self,
        request: &Request<'_>,
        revision: Option<Revision>,
        listener: &mut impl Listener,
    ) -> Result<Revision, Refusal> {
        listener.admit(request).map_err(Refusal::Forbidden)?;
        let allowed = revision.filter(|revision| *revision == Revision::V4 || self.config.allow_eio3);
        let revision = allowed.ok_or(Refusal::UnsupportedProtocol)?;
        if self.sessions.len() >= self.config.max_connections {
            return Err(Refusal::Forbidden("The room is full.".into()));
        }
        Ok(revision)
    }

    fn open(
        &mut self,
        turn: &mut Turn<'_>,
        conn: ConnId,
        kind: Kind,
        opening: Opening<'_>,
        listener: &mut impl Listener,
    ) {
        let Opening { request, revision, base64 } = opening;
        let sid = Sid::random(turn.runtime);
        let open = handshake::open_packet(&sid, kind, &self.config);
        if !self.beats() {
            self.beat_at = Some(self.next_beat(turn.now));
        }
        let mut headers = listener.initial_headers(&sid, request);
        let cookie = self.config.cookie.clone().filter(|_| kind == Kind::Polling);
        headers.extend(cookie.map(|name| http::cookie(&name, &sid)));
        let (_, mut scope) = self.split(turn, &sid);
        let session = match kind {
            Kind::Polling => {
                let mut reply = http::payload(payload::encode(revision, base64, &[open]));
                reply.headers = headers;
                scope.out.respond(conn, reply);
                Session::polling(sid.clone(), revision, base64, &mut scope)
            }
            Kind::WebSocket => {
                scope.out.push(Effect::Accept { conn, headers, tag: asleep::tag(revision, scope.now) });
                scope.out.send(conn, open);
                let state = SocketState { revision, base64, heard: scope.now };
                Session::websocket(sid.clone(), state, conn, &mut scope)
            }
        };
        self.sessions.insert(sid.clone(), session);
        listener.opened(self, turn, &sid, request);
    }

    fn poll(
        &mut self,
        turn: &mut Turn<'_>,
        conn: ConnId,
        sid: &Sid,
        request: &Request<'_>,
        listener: &mut impl Listener,
    ) {
        let (Some(session), mut scope) = self.split(turn, sid) else {
            return;
        };
        let verdict = match request.method {
            "GET" => session.handle_get(conn, &mut scope),
            "POST" => {
                let binary = request.content_type == Some("application/octet-stream");
                let encoding = if binary { Encoding::Binary } else { Encoding::Text };
                session.handle_post(conn, encoding, &mut scope)
            }
            _ => {
                turn.out.respond(conn, Reply::empty(500));
                Ok(())
            }
        };
        self.settle(turn, sid, verdict, listener);
    }

    fn body(
        &mut self,
        turn: &mut Turn<'_>,
        conn: ConnId,
        body: Result<&[u8], BodyError>,
        listener: &mut impl Listener,
    ) {
        // Without an entry, the session ended meanwhile and has answered its POST.
        let Some(sid) = self.conns.remove(&conn) else {
            return;
        };
        // An aborted one is still the session's, which is over for it.
        let binary = match self.sessions.get_mut(&sid) {
            Some(session) if body != Err(BodyError::Aborted) => session.finish_post(conn) == Some(Encoding::Binary),
            _ => false,
        };
        let reply = match body {
            Ok(bytes) => match self.payload(turn, &sid, bytes, binary, listener) {
                Err(Reason::TransportClose) if self.linger(turn, conn, &sid) => {
                    listener.closed(self, turn, &sid, Reason::TransportClose);
                    return;
                }
                Err(reason) => {
                    self.settle(turn, &sid, Err(reason), listener);
                    // A client whose packets can't be read learns of it.
                    if reason == Reason::ParseError { Reply::empty(400) } else { http::ok() }
                }
                Ok(()) => http::ok(),
            },
            // The session stays open (1.2).
            Err(BodyError::TooLarge) => Reply::empty(413),
            Err(BodyError::Aborted) => {
                let mut verdict = Ok(());
                if let (Some(session), mut scope) = self.split(turn, &sid) {
                    verdict = session.handle_gone(conn, Reason::TransportError, &mut scope);
                }
                self.settle(turn, &sid, verdict, listener);
                Reply::empty(400)
            }
        };
        turn.out.respond(conn, reply);
    }

    fn linger(&mut self, turn: &mut Turn<'_>, conn: ConnId, sid: &Sid) -> bool {
        let (session, mut scope) = self.split(turn, sid);
        session.is_some_and(|session| session.linger(conn, &mut scope))
    }

    fn payload(
        &mut self,
        turn: &mut Turn<'_>,
        sid: &Sid,
        bytes: &[u8],
        binary: bool,
        listener: &mut impl Listener,
    ) -> Result<(), Reason> {
        let Some(revision) = self.revision(sid) else {
            return Ok(());
        };
        let body = if binary { Body::Binary(bytes) } else { Body::Text(String::from_utf8_lossy(bytes)) };
        for packet in payload::decode(revision, &body) {
            self.packet(turn, sid, packet, listener)?;
        }
        Ok(())
    }

    fn frame<'p>(
        &mut self,
        turn: &mut Turn<'_>,
        conn: ConnId,
        size: usize,
        decode: impl FnOnce(Revision) -> Result<Packet<'p>, ParseError>,
        listener: &mut impl Listener,
    ) {
        let Some(sid) = self.conns.get(&conn).cloned() else {
            // A socket that no session has: it lost its upgrade, or its session.
            turn.out.push(Effect::Close { conn, code: None });
            return;
        };
        let too_large = size > self.config.max_payload;
        let (Some(session), mut scope) = self.split(turn, &sid) else {
            return;
        };
        let revision = session.revision();
        if session.is_probing(conn) {
            let packet = decode(revision).ok().filter(|_| !too_large);
            if session.handle_probe(packet.as_ref(), &mut scope) {
                listener.changed(self, turn, &sid);
            }
            return;
        }
        let verdict =
            if too_large { Err(Reason::FrameTooLarge) } else { self.packet(turn, &sid, decode(revision), listener) };
        self.settle(turn, &sid, verdict, listener);
    }

    /// One packet of an open session; one whose session is gone is passed over.
    fn packet(
        &mut self,
        turn: &mut Turn<'_>,
        sid: &Sid,
        packet: Result<Packet<'_>, ParseError>,
        listener: &mut impl Listener,
    ) -> Result<(), Reason> {
        let (Some(session), mut scope) = self.split(turn, sid) else {
            return Ok(());
        };
        let packet = packet.map_err(|ParseError| Reason::ParseError)?;
        // A client that pings has its next ping due, whatever the object forgets meanwhile.
        let changed = matches!(packet, Packet::Ping(_)) && session.kind() == Kind::WebSocket;
        if let Some(message) = session.handle_packet(packet, &mut scope)? {
            listener.message(self, turn, sid, message);
        } else if changed {
            listener.changed(self, turn, sid);
        }
        Ok(())
    }

    fn gone(&mut self, turn: &mut Turn<'_>, conn: ConnId, reason: Reason, listener: &mut impl Listener) {
        let Some(sid) = self.conns.remove(&conn) else {
            return;
        };
        if let (Some(session), mut scope) = self.split(turn, &sid) {
            let verdict = session.handle_gone(conn, reason, &mut scope);
            self.settle(turn, &sid, verdict, listener);
        }
    }

    /// The common heartbeat: pings all WebSockets whose pongs are absorbed, and ends those who stayed silent.
    fn beat(&mut self, turn: &mut Turn<'_>, listener: &mut impl Listener) {
        if !self.config.absorbs_pongs() || self.beat_at.is_some_and(|at| turn.now < at) {
            return;
        }
        self.beat_at = Some(self.next_beat(turn.now));
        let ping = Packet::Ping("".into()).encode();
        for sid in self.sessions.keys().cloned().collect::<Vec<_>>() {
            if let (Some(session), mut scope) = self.split(turn, &sid) {
                let verdict = session.beat(&ping, &mut scope);
                self.settle(turn, &sid, verdict, listener);
            }
        }
    }

    /// Carries out what a transition found: a session that is over is taken out, its client and the listener are told.
    fn settle(&mut self, turn: &mut Turn<'_>, sid: &Sid, verdict: Result<(), Reason>, listener: &mut impl Listener) {
        if let Err(reason) = verdict
            && self.remove(turn, sid, reason)
        {
            listener.closed(self, turn, sid, reason);
        }
    }

    /// `true` where the listener doesn't know yet that the session is over.
    fn remove(&mut self, turn: &mut Turn<'_>, sid: &Sid, reason: Reason) -> bool {
        let Some(session) = self.sessions.remove(sid) else {
            return false;
        };
        let news = !session.is_over();
        let (_, mut scope) = self.split(turn, sid);
        session.end(reason, &mut scope);
        news
    }
}
