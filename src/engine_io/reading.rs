//! What clients send, packet by packet: bodies of POSTs, and frames of WebSockets.
//!
//! A turn reads a bounded number of packets. A session whose packets are more than that goes on in later turns, in order and
//! before anything newer of it; other sessions get their turns in between.

use super::engine::Engine;
use super::event::{Event, Reason};
use super::http;
use super::packet::{Packet, ParseError};
use super::payload::{Body, Payload};
use super::protocol::{Kind, Revision};
use super::refusal::Fault;
use super::session::{Backlog, MESSAGE_COST, Packets};
use super::transport::Encoding;
use crate::ids::{ConnId, Sid};
use crate::outbox::BodyError;

impl Engine {
    /// The body of a POST is there, or won't come.
    pub(super) fn body(&mut self, conn: ConnId, body: Result<&[u8], BodyError>) {
        // Without an entry, the session ended meanwhile and has answered its POST.
        let Some(sid) = self.conns.get(&conn).cloned() else {
            return;
        };
        let (session, mut scope) = self.split(&sid);
        let Some(session) = session else {
            return;
        };
        match body {
            Ok(bytes) => {
                let binary = session.finish_post(conn) == Some(Encoding::Binary);
                let payload = Payload::new(session.revision(), Body::new(bytes, binary));
                self.queue(&sid, Backlog { post: Some(conn), packets: Packets::Body(payload) });
            }
            // The session stays open (1.2).
            Err(BodyError::TooLarge) => {
                session.finish_post(conn);
                scope.respond(conn, Fault::TooLarge.reply());
            }
            Err(BodyError::Aborted) => {
                let verdict = session.handle_gone(conn, Reason::TransportError, &mut scope);
                scope.respond(conn, Fault::NoBody.reply());
                self.settle(&sid, verdict);
            }
        }
    }

    /// A WebSocket received a frame of `size` bytes.
    pub(super) fn frame<'p>(
        &mut self,
        conn: ConnId,
        size: usize,
        decode: impl FnOnce(Revision) -> Result<Packet<'p>, ParseError>,
    ) {
        let too_large = size > self.config.max_payload;
        let Some(sid) = self.conns.get(&conn).cloned() else {
            // A socket that no session has: it lost its upgrade, or its session.
            return self.drop_socket(conn);
        };
        let (Some(session), mut scope) = self.split(&sid) else {
            return;
        };
        if session.is_probing(conn) {
            let packet = decode(session.revision()).ok().filter(|_| !too_large);
            if session.handle_probe(packet.as_ref(), &mut scope) {
                self.events.push_back(Event::Changed { sid });
            }
        } else if too_large {
            self.settle(&sid, Err(Reason::FrameTooLarge));
        } else {
            let packet = decode(session.revision()).map(Packet::into_owned);
            self.queue(&sid, Backlog { post: None, packets: Packets::Frame(Some(packet)) });
        }
    }

    /// Packets wait to be read, behind older ones of their session. They come before those that others left for later: who
    /// sends little isn't kept waiting by who sent much, and a frame is read before the end of its connection is known.
    fn queue(&mut self, sid: &Sid, backlog: Backlog) {
        if let Some(session) = self.sessions.get_mut(sid) {
            if session.backlog.is_empty() {
                self.reading.push_front(sid.clone());
            }
            session.backlog.push_back(backlog);
        }
    }

    /// Reads one packet, or answers a POST whose packets are all read. `false` where there is nothing to do in this turn.
    pub(super) fn read_packet(&mut self) -> bool {
        let Some(sid) = self.reading.front().cloned() else {
            return false;
        };
        let spent = self.budget == 0;
        let (session, mut scope) = self.split(&sid);
        // A session that ended has answered what waited.
        let Some(session) = session.filter(|session| !session.backlog.is_empty()) else {
            self.reading.pop_front();
            return true;
        };
        if session.has_unread_packets() {
            if spent {
                return false;
            }
            if let Some(packet) = session.backlog.front_mut().and_then(|backlog| backlog.packets.next()) {
                let has_message = matches!(packet, Ok(Packet::Message(_) | Packet::Binary(_)));
                self.budget = self.budget.saturating_sub(if has_message { MESSAGE_COST } else { 1 });
                self.packet(&sid, packet);
                return true;
            }
        }
        if let Some(post) = session.backlog.pop_front().and_then(|backlog| backlog.post) {
            scope.respond(post, http::ok());
        }
        true
    }

    /// One packet of an open session.
    fn packet(&mut self, sid: &Sid, packet: Result<Packet<'static>, ParseError>) {
        let (Some(session), mut scope) = self.split(sid) else {
            return;
        };
        // The next ping of a client that pings by itself must be known after hibernation.
        let changed = matches!(packet, Ok(Packet::Ping(_))) && session.kind() == Kind::WebSocket;
        let packet = packet.map_err(|ParseError| Reason::ParseError);
        match packet.and_then(|packet| session.handle_packet(packet, &mut scope)) {
            Ok(Some(message)) => self.events.push_back(Event::Message { sid: sid.clone(), message }),
            Ok(None) if changed => self.events.push_back(Event::Changed { sid: sid.clone() }),
            Ok(None) => {}
            Err(reason) => self.end_reading(sid, reason),
        }
    }

    /// A packet ended its session. A client that closes with a POST may have a GET on its way, which is to be told (P7).
    fn end_reading(&mut self, sid: &Sid, reason: Reason) {
        let (Some(session), mut scope) = self.split(sid) else {
            return;
        };
        if reason == Reason::TransportClose
            && let Some(post) = session.backlog.front().and_then(|backlog| backlog.post)
            && session.linger(post, &mut scope)
        {
            session.backlog.clear();
            self.events.push_back(Event::Closed { sid: sid.clone(), reason });
            return;
        }
        let fault = match reason {
            Reason::ParseError => Some(Fault::Packet),
            Reason::TransportError => Some(Fault::Direction),
            _ => None,
        };
        if let Some(fault) = fault
            && let Some(post) = session.backlog.front_mut().and_then(|backlog| backlog.post.take())
        {
            scope.respond(post, fault.reply());
        }
        self.settle(sid, Err(reason));
    }

    /// Other sessions come first for the next input.
    pub(super) fn share_reading(&mut self) {
        if self.reading.len() > 1 {
            self.reading.rotate_left(1);
        }
    }
}
