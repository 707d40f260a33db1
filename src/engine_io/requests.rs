//! Requests over HTTP, from their checks to a session: a new one, one that polls, or one that moves to a WebSocket.

use std::borrow::Cow;

use super::engine::Engine;
use super::event::Event;
use super::handshake::{self, Opening, Purpose, Query};
use super::protocol::{Kind, Revision};
use super::refusal::{Fault, Refusal};
use super::session::{Session, SessionState};
use super::transport::Encoding;
use super::{hibernated, http, payload};
use crate::ids::{ConnId, Sid};
use crate::outbox::{Effect, HttpResponse, Request};

impl Engine {
    /// Lets the request of [`Event::Handshake`] in, with these headers for its answer (H8). It may still be refused: for its
    /// revision, or where the room is full; in the reference's order.
    pub fn admit(&mut self, headers: Vec<(String, String)>) {
        let Some(opening) = self.opening.take() else {
            return;
        };
        let allowed = opening.revision.filter(|revision| *revision == Revision::V4 || self.config.allow_eio3);
        match allowed {
            None => self.refuse(opening.conn, opening.upgrade, Refusal::UnsupportedProtocol),
            Some(_) if self.sessions.len() >= self.config.max_connections => {
                self.refuse(opening.conn, opening.upgrade, Refusal::Forbidden("The room is full.".into()));
            }
            Some(revision) => self.open(&opening, revision, headers),
        }
    }

    /// Refuses the request of [`Event::Handshake`] with this sentence: 403 and code 4 (R6).
    pub fn deny(&mut self, sentence: Cow<'static, str>) {
        if let Some(Opening { conn, upgrade, .. }) = self.opening.take() {
            self.refuse(conn, upgrade, Refusal::Forbidden(sentence));
        }
    }

    pub(super) fn request(&mut self, conn: ConnId, request: &Request<'_>) {
        let current = |sid: &Sid| self.sessions.get(sid).map(|session| (session.kind(), session.revision()));
        match handshake::verify(request, &Query::parse(request.query), self.config.transports, current) {
            Err(refusal) => self.refuse(conn, request.upgrade, refusal),
            Ok(Purpose::Open { kind, revision, base64 }) => {
                self.opening = Some(Opening { conn, kind, revision, base64, upgrade: request.upgrade });
                self.events.push_back(Event::Handshake { conn });
            }
            Ok(Purpose::Poll(sid)) => self.poll_request(conn, &sid, request),
            Ok(Purpose::Upgrade { sid, base64 }) => self.upgrade(conn, &sid, base64),
        }
    }

    fn upgrade(&mut self, conn: ConnId, sid: &Sid, base64: bool) {
        let taken = self.sessions.get(sid).filter(|session| session.takes_upgrade());
        let Some(revision) = taken.map(Session::revision) else {
            return self.refuse(conn, true, Refusal::BadRequest(Fault::SecondUpgrade));
        };
        self.accept(conn, Vec::new(), revision);
        if let (Some(session), mut scope) = self.split(sid) {
            session.handle_upgrade(conn, base64, &mut scope);
        }
    }

    fn accept(&mut self, conn: ConnId, headers: Vec<(String, String)>, revision: Revision) {
        let tag = hibernated::tag(revision, self.now);
        self.out.push(Effect::Accept { conn, headers, tag });
    }

    fn refuse(&mut self, conn: ConnId, upgrade: bool, refusal: Refusal) {
        self.out.respond(conn, refusal.reply(upgrade));
        self.events.push_back(Event::Refused { refusal });
    }

    fn open(&mut self, opening: &Opening, revision: Revision, mut headers: Vec<(String, String)>) {
        let Opening { conn, kind, base64, .. } = *opening;
        let sid = Sid::random(self.host.as_ref());
        let open = handshake::open_packet(&sid, kind, &self.config);
        let cookie = self.config.cookie.as_deref().filter(|_| kind == Kind::Polling);
        headers.extend(cookie.map(|name| http::cookie(name, &sid)));
        let session = match kind {
            Kind::Polling => {
                let reply = http::payload(payload::encode(revision, base64, &[open]));
                self.out.respond(conn, HttpResponse { headers, ..reply });
                Session::polling(sid.clone(), revision, base64, &mut self.split(&sid).1)
            }
            Kind::WebSocket => {
                self.accept(conn, headers, revision);
                self.out.send(conn, open);
                let state = SessionState { revision, base64, heard: self.now };
                Session::websocket(sid.clone(), state, conn, &mut self.split(&sid).1)
            }
        };
        self.sessions.insert(sid.clone(), session);
        self.events.push_back(Event::Opened { sid, revision });
    }

    /// A request of an open session over HTTP.
    fn poll_request(&mut self, conn: ConnId, sid: &Sid, request: &Request<'_>) {
        let (Some(session), mut scope) = self.split(sid) else {
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
                scope.respond(conn, Fault::Method.reply());
                Ok(())
            }
        };
        self.settle(sid, verdict);
    }
}
