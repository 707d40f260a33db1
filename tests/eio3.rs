//! Engine.IO 3, the revision of Socket.IO 2's clients, through the raw server: framing, heartbeats, the upgrade.

#![allow(clippy::unwrap_used, reason = "what goes wrong in here fails the test")]

mod support;

use std::rc::Rc;

use roomcast::config::Config;
use roomcast::ids::{ConnId, Millis};
use roomcast::outbox::{Effect, Frame, HttpResponse, Input, Request};
use roomcast::raw::RawServer;
use support::{Memory, fast};

fn config(allow_eio3: bool) -> Config {
    Config { allow_eio3, ..fast() }
}

/// A raw server, and what it did since last asked.
struct Raw {
    server: RawServer,
    now: Millis,
    next: u64,
    effects: Vec<Effect>,
}

impl Raw {
    fn new(allow_eio3: bool) -> Self {
        let server = RawServer::new(config(allow_eio3), Rc::new(Memory::default()));
        Self { server, now: Millis(1_000), next: 0, effects: Vec::new() }
    }

    fn input(&mut self, input: Input<'_>) {
        self.effects.extend(self.server.handle_all(self.now, &[input]));
    }

    fn pass(&mut self, millis: u64) {
        self.now = self.now + Millis(millis);
        self.input(Input::Tick);
    }

    fn request(&mut self, request: Request<'_>) -> ConnId {
        self.next += 1;
        let conn = ConnId(self.next);
        self.input(Input::Request { conn, request });
        conn
    }

    fn get(&mut self, query: &str) -> ConnId {
        self.request(Request { method: "GET", query, ..Request::default() })
    }

    fn websocket(&mut self, query: &str) -> ConnId {
        self.request(Request { method: "GET", query, upgrade: true, ..Request::default() })
    }

    fn post(&mut self, query: &str, content_type: &str, body: &[u8]) -> Option<HttpResponse> {
        let content_type = Some(content_type);
        let conn = self.request(Request { method: "POST", query, content_type, ..Request::default() });
        self.input(Input::Body { conn, body: Ok(body) });
        self.reply(conn)
    }

    fn reply(&mut self, conn: ConnId) -> Option<HttpResponse> {
        let index = self.effects.iter().position(|e| matches!(e, Effect::Respond { conn: c, .. } if *c == conn))?;
        match self.effects.remove(index) {
            Effect::Respond { reply, .. } => Some(reply),
            _ => None,
        }
    }

    fn body(&mut self, conn: ConnId) -> Option<Frame> {
        self.reply(conn).filter(|reply| reply.status == 200).map(|reply| reply.body)
    }

    /// The frames that a WebSocket received, and whether it was closed.
    fn socket(&mut self, conn: ConnId) -> (Vec<Frame>, bool) {
        let (mut frames, mut closed) = (Vec::new(), false);
        self.effects.retain_mut(|effect| match effect {
            Effect::Send { to, frame } if to.contains(&conn) => {
                frames.push(frame.clone());
                to.retain(|other| *other != conn);
                !to.is_empty()
            }
            Effect::Close { conn: c, .. } if *c == conn => {
                closed = true;
                false
            }
            _ => true,
        });
        (frames, closed)
    }

    fn open(&mut self, query: &str) -> String {
        let conn = self.get(&format!("EIO=3&transport=polling{query}"));
        let body = self.reply(conn).unwrap().text().to_owned();
        let (length, packet) = body.split_once(':').unwrap();
        assert_eq!(length.parse(), Ok(packet.len()));
        format!("EIO=3&transport=polling&sid={}", packet.split('"').nth(3).unwrap())
    }
}

fn text(text: &str) -> Frame {
    Frame::Text(text.into())
}

#[test]
fn r3_only_who_may_speaks_revision_3_and_must_say_so() {
    for (allowed, query, status) in [
        (false, "EIO=3&", 400),
        (true, "EIO=3&", 200),
        (true, "EIO=4&", 200),
        (false, "", 400),
        (true, "", 200),
        (true, "EIO=&", 400),
        (true, "EIO=abc&", 400),
    ] {
        let mut raw = Raw::new(allowed);
        let conn = raw.get(&format!("{query}transport=polling"));
        assert_eq!(raw.reply(conn).unwrap().status, status, "{query}");
    }
}

#[test]
fn text_and_base64_come_back_as_counted_packets() {
    let mut raw = Raw::new(true);
    let query = raw.open("&b64=1");
    let posted = raw.post(&query, "text/plain;charset=UTF-8", "6:4hello3:4😀10:b4AQIDBA==".as_bytes());
    assert_eq!(posted.unwrap().text(), "ok");
    let get = raw.get(&query);
    assert_eq!(raw.body(get), Some(text("6:4hello3:4😀10:b4AQIDBA==")));
}

#[test]
fn a_client_that_takes_bytes_gets_bytes_where_a_packet_is_binary() {
    let mut raw = Raw::new(true);
    let query = raw.open("");
    let bytes = [0, 6, 255, 52, 104, 101, 108, 108, 111, 1, 5, 255, 4, 1, 2, 3, 4];
    assert_eq!(raw.post(&query, "application/octet-stream", &bytes).unwrap().status, 200);
    let get = raw.get(&query);
    let reply = raw.reply(get).unwrap();
    assert_eq!((reply.content_type, reply.body), (Some("application/octet-stream"), Frame::Binary(bytes[..].into())));
    raw.post(&query, "text/plain", b"2:4a");
    let get = raw.get(&query);
    assert_eq!(raw.body(get), Some(text("2:4a")), "and text where none is");
}

#[test]
fn p8_a_body_that_cannot_be_read_ends_the_session() {
    let mut raw = Raw::new(true);
    let query = raw.open("");
    assert_eq!(raw.post(&query, "text/plain", b"abc").unwrap().status, 400);
    let get = raw.get(&query);
    assert_eq!(raw.reply(get).unwrap().text(), r#"{"code":1,"message":"Session ID unknown"}"#);
}

#[test]
fn w1_a_binary_frame_has_its_type_in_front_and_p13_is_text_where_the_client_wants_it() {
    let mut raw = Raw::new(true);
    let socket = raw.websocket("EIO=3&transport=websocket");
    raw.socket(socket);
    raw.input(Input::Binary { conn: socket, bytes: &[4, 1, 2] });
    assert_eq!(raw.socket(socket), (vec![Frame::Binary([4, 1, 2][..].into())], false));
    for (query, sent, back) in
        [("EIO=3&transport=websocket&b64=1", "b4AQI=", "b4AQI="), ("EIO=4&transport=websocket&b64=1", "bAQI=", "bAQI=")]
    {
        let socket = raw.websocket(query);
        raw.socket(socket);
        raw.input(Input::Text { conn: socket, text: sent });
        assert_eq!(raw.socket(socket), (vec![text(back)], false), "{query}");
    }
}

#[test]
fn hb5_the_client_pings_and_is_closed_where_it_stops() {
    let mut raw = Raw::new(true);
    let query = raw.open("");
    let socket = raw.websocket("EIO=3&transport=websocket");
    raw.socket(socket);
    for _ in 0..3 {
        raw.pass(400);
        raw.input(Input::Text { conn: socket, text: "2" });
        assert_eq!(raw.socket(socket), (vec![text("3")], false));
        if let Some(reply) = raw.post(&query, "text/plain", b"1:2") {
            assert_eq!(reply.text(), "ok");
        }
        let get = raw.get(&query);
        assert_eq!(raw.body(get), Some(text("1:3")));
    }
    raw.pass(499);
    assert!(!raw.socket(socket).1, "the deadline is interval and timeout after the last ping");
    raw.pass(1);
    assert!(raw.socket(socket).1);
    let get = raw.get(&query);
    assert_eq!(raw.reply(get).unwrap().status, 400);
}

#[test]
fn p9_a_pong_goes_the_wrong_way() {
    let mut raw = Raw::new(true);
    let socket = raw.websocket("EIO=3&transport=websocket");
    raw.socket(socket);
    raw.input(Input::Text { conn: socket, text: "3" });
    assert!(raw.socket(socket).1);
}

#[test]
fn u1_u9_the_upgrade_is_that_of_revision_4_and_u10_keeps_the_revision() {
    let mut raw = Raw::new(true);
    let polling = raw.open("");
    let sid = polling.split_once("sid=").unwrap().1.to_owned();
    let wrong = raw.websocket(&format!("EIO=4&transport=websocket&sid={sid}"));
    assert_eq!(
        raw.reply(wrong).unwrap().text(),
        "Bad request. The session began with another EIO than the request has."
    );
    let socket = raw.websocket(&format!("EIO=3&transport=websocket&sid={sid}"));
    let get = raw.get(&polling);
    raw.input(Input::Text { conn: socket, text: "2probe" });
    assert_eq!(raw.socket(socket), (vec![text("3probe")], false));
    raw.pass(100);
    assert_eq!(raw.body(get), Some(text("1:6")));
    raw.post(&polling, "text/plain", b"10:b4AQIDBA==");
    raw.input(Input::Text { conn: socket, text: "5" });
    assert_eq!(raw.socket(socket), (vec![Frame::Binary([4, 1, 2, 3, 4][..].into())], false));
    raw.pass(499);
    assert!(!raw.socket(socket).1);
    raw.pass(1);
    assert!(raw.socket(socket).1, "the client's pings are due on the WebSocket too");
}

#[test]
fn a_raw_session_survives_a_restart() {
    let mut raw = Raw::new(true);
    let socket = raw.websocket("EIO=3&transport=websocket");
    let state = raw.effects.iter().find_map(|effect| match effect {
        Effect::Attach { state, .. } => Some(state.clone()),
        _ => None,
    });
    let other = ConnId(77);
    let memory = Memory::default();
    memory.attach(socket, state);
    memory.attach(other, Some("{}".to_owned()));
    [socket, other].into_iter().for_each(|conn| memory.open_socket(conn, None));
    let mut again = Raw { server: RawServer::new(config(true), Rc::new(memory)), ..raw };
    again.effects.clear();
    again.now = Millis(1_400);
    again.input(Input::Binary { conn: socket, bytes: &[4, 9] });
    assert_eq!(again.socket(other), (vec![], true), "one that can't be read is closed");
    assert_eq!(again.socket(socket), (vec![Frame::Binary([4, 9][..].into())], false));
    again.pass(99);
    assert!(!again.socket(socket).1);
    again.pass(1);
    assert!(again.socket(socket).1, "its client's next ping is due, whatever the object forgot");
}
