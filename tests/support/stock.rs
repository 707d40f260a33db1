//! A client that does by itself what the stock one does: it connects again where its connection ends, shows its pid and its
//! offset, and sends again what wasn't acknowledged.

#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "what goes wrong in here fails the test that uses it"
)]

use std::collections::BTreeMap;

use roomcast::ids::ConnId;
use roomcast::outbox::{HttpResponse, Input};
use serde_json::{Value, json};

use super::{POLLING, Room, WEBSOCKET};

/// How long it waits before it connects again, in ms.
const RECONNECTION_DELAY: u64 = 1_000;

/// How often it tries something before the test fails.
const MOST_ATTEMPTS: usize = 20;

/// What a client connects by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Transport {
    Polling,
    WebSocket,
}

#[derive(Debug)]
enum Link {
    Down,
    WebSocket(ConnId),
    /// With the GET that waits.
    Polling {
        sid: String,
        get: Option<ConnId>,
    },
}

/// The client; it joins `/`.
#[derive(Debug)]
pub(crate) struct Stock {
    transport: Transport,
    link: Link,
    /// What it sends with its CONNECT.
    auth: Value,
    /// Its socket's id.
    pub(crate) id: String,
    pid: String,
    offset: Option<String>,
    joined: bool,
    /// How often it has come back to its socket.
    pub(crate) recoveries: usize,
    /// How often it got a new socket.
    pub(crate) sockets: usize,
    /// How many requests were answered 503.
    pub(crate) unavailable: usize,
    heard: Vec<Value>,
    next_ack: u64,
    unacked: BTreeMap<u64, String>,
    acks: BTreeMap<u64, Value>,
}

impl Stock {
    /// A client that connects now.
    pub(crate) fn new(room: &mut Room, transport: Transport, auth: Value) -> Self {
        let mut own = Self::disconnected(transport, auth);
        own.connect(room);
        own
    }

    /// A client that doesn't connect yet.
    pub(crate) fn disconnected(transport: Transport, auth: Value) -> Self {
        Self {
            transport,
            link: Link::Down,
            auth,
            id: String::new(),
            pid: String::new(),
            offset: None,
            joined: false,
            recoveries: 0,
            sockets: 0,
            unavailable: 0,
            heard: Vec::new(),
            next_ack: 0,
            unacked: BTreeMap::new(),
            acks: BTreeMap::new(),
        }
    }

    /// Connects, and tries again until it has joined.
    pub(crate) fn connect(&mut self, room: &mut Room) {
        for _ in 0..MOST_ATTEMPTS {
            if self.try_connect(room) {
                for packet in self.unacked.values().cloned().collect::<Vec<_>>() {
                    self.send(room, &packet);
                }
                return;
            }
            room.pass(RECONNECTION_DELAY);
        }
        panic!("{:?} couldn't connect", self.auth);
    }

    /// Tries once to connect and to join.
    pub(crate) fn try_connect(&mut self, room: &mut Room) -> bool {
        self.joined = false;
        self.link = match self.transport {
            Transport::WebSocket => {
                let conn = room.websocket(WEBSOCKET);
                if let Some(reply) = room.answer(conn) {
                    return self.refused(&reply);
                }
                Link::WebSocket(conn)
            }
            Transport::Polling => {
                let conn = room.http("GET", POLLING);
                let reply = room.answer(conn).expect("an answer to a handshake");
                if reply.status != 200 {
                    return self.refused(&reply);
                }
                let open: Value = serde_json::from_str(&reply.text()[1..]).expect("the open packet");
                Link::Polling { sid: open["sid"].as_str().expect("a sid").to_owned(), get: None }
            }
        };
        let mut auth = self.auth.clone();
        if !self.pid.is_empty() {
            auth["pid"] = json!(self.pid);
            if let Some(offset) = &self.offset {
                auth["offset"] = json!(offset);
            }
        }
        self.send(room, &format!("40{auth}"));
        self.receive(room);
        self.joined
    }

    /// Sends an event and gives its answer, however often it must be sent for that.
    pub(crate) fn call(&mut self, room: &mut Room, event: &str, payload: &Value) -> Value {
        let id = self.next_ack;
        self.next_ack += 1;
        let packet = format!("42{id}{}", json!([event, payload]));
        self.unacked.insert(id, packet.clone());
        if self.is_up() {
            self.send(room, &packet);
        }
        for _ in 0..MOST_ATTEMPTS {
            self.receive(room);
            if let Some(answer) = self.acks.remove(&id) {
                return answer;
            }
            room.pass(RECONNECTION_DELAY);
            if self.is_up() {
                // Its time for an answer is over.
                self.send(room, &packet);
            } else {
                self.connect(room);
            }
        }
        panic!("{event} was never acknowledged");
    }

    /// The events that came since last asked, without their offsets. Where its connection has ended, it comes back first.
    pub(crate) fn events(&mut self, room: &mut Room) -> Vec<Value> {
        self.receive(room);
        while !self.is_up() {
            room.pass(RECONNECTION_DELAY);
            self.connect(room);
            self.receive(room);
        }
        self.heard(room)
    }

    /// The same, without coming back.
    pub(crate) fn heard(&mut self, room: &mut Room) -> Vec<Value> {
        self.receive(room);
        std::mem::take(&mut self.heard)
    }

    /// Loses its connection without a word.
    pub(crate) fn vanish(&mut self, room: &mut Room) {
        match std::mem::replace(&mut self.link, Link::Down) {
            Link::WebSocket(conn) if room.is_open(conn) => room.hang_up(conn, true),
            Link::Polling { get: Some(get), .. } if room.waits(get) => room.abort(get),
            _ => {}
        }
    }

    /// Whether it is connected, as far as it knows.
    pub(crate) fn is_up(&self) -> bool {
        !matches!(self.link, Link::Down)
    }

    /// Its WebSocket.
    pub(crate) fn conn(&self) -> Option<ConnId> {
        match self.link {
            Link::WebSocket(conn) => Some(conn),
            _ => None,
        }
    }

    /// Its request that waits for an answer.
    pub(crate) fn get(&self) -> Option<ConnId> {
        match self.link {
            Link::Polling { get, .. } => get,
            _ => None,
        }
    }

    /// Sends a packet; it may be lost.
    pub(crate) fn send(&mut self, room: &mut Room, packet: &str) {
        match &self.link {
            Link::Down => {}
            Link::WebSocket(conn) => {
                if room.is_open(*conn) {
                    room.text(*conn, packet);
                }
            }
            Link::Polling { sid, .. } => {
                let conn = room.start_post(sid);
                let mut reply = room.answer(conn);
                if reply.is_none() {
                    room.input(Input::Body { conn, body: Ok(packet.as_bytes()) });
                    reply = room.answer(conn);
                }
                let reply = reply.expect("an answer to a POST");
                if reply.status != 200 {
                    self.refused(&reply);
                    self.end(room);
                }
            }
        }
    }

    /// Takes what has come. Packets that have come are read even where the connection has ended behind them.
    pub(crate) fn receive(&mut self, room: &mut Room) {
        loop {
            let packets: Vec<String> = match &self.link {
                Link::Down => return,
                Link::WebSocket(conn) => room.drain(*conn),
                Link::Polling { sid, get } => {
                    let conn = get.unwrap_or_else(|| room.get(sid));
                    let sid = sid.clone();
                    let Some(reply) = room.answer(conn) else {
                        self.link = Link::Polling { sid, get: Some(conn) };
                        return;
                    };
                    self.link = Link::Polling { sid, get: None };
                    if reply.status != 200 {
                        self.refused(&reply);
                        return self.end(room);
                    }
                    reply.text().split('\x1e').map(str::to_owned).collect()
                }
            };
            let done = packets.is_empty();
            for packet in packets {
                self.read(room, &packet);
            }
            if let Link::WebSocket(conn) = self.link
                && !room.is_open(conn)
            {
                return self.end(room);
            }
            if done {
                return;
            }
        }
    }

    fn read(&mut self, room: &mut Room, packet: &str) {
        match packet.get(..2).unwrap_or(packet) {
            "2" => self.send(room, "3"),
            "1" => self.end(room),
            "6" => {}
            "40" => self.connected(&serde_json::from_str(&packet[2..]).expect("JSON")),
            // One that asks for an answer gets none.
            "42" => {
                let list = packet[2..].trim_start_matches(|digit: char| digit.is_ascii_digit());
                self.event(serde_json::from_str(list).expect("JSON"));
            }
            "44" => {
                let refusal: Value = serde_json::from_str(&packet[2..]).expect("JSON");
                self.heard.push(json!(["connect_error", refusal]));
            }
            "43" => {
                let at = packet.find('[').expect("a list");
                let id = packet[2..at].parse().expect("a number");
                let args: Value = serde_json::from_str(&packet[at..]).expect("JSON");
                self.unacked.remove(&id);
                self.acks.insert(id, args[0].clone());
            }
            open if open.starts_with('0') => {}
            _ => panic!("the client doesn't expect {packet}"),
        }
    }

    fn connected(&mut self, connect: &Value) {
        let text = |name| connect[name].as_str().unwrap_or_default().to_owned();
        self.joined = true;
        if !self.pid.is_empty() && self.pid == text("pid") {
            self.recoveries += 1;
        } else {
            self.sockets += 1;
        }
        (self.id, self.pid) = (text("sid"), text("pid"));
    }

    fn event(&mut self, mut event: Vec<Value>) {
        // An offset stands behind the one argument that events have here.
        if event.len() > 2
            && let Some(Value::String(offset)) = event.last()
        {
            self.offset = Some(offset.clone());
            event.pop();
        }
        self.heard.push(event.into());
    }

    /// Its connection has ended: no request of it may wait for ever.
    fn end(&mut self, room: &mut Room) {
        if let Link::Polling { get: Some(get), .. } = std::mem::replace(&mut self.link, Link::Down)
            && let Some(reply) = room.answer(get)
        {
            for packet in reply.text().split('\x1e').filter(|_| reply.status == 200) {
                self.read(room, packet);
            }
        }
    }

    /// A request was answered with something else than was asked for.
    fn refused(&mut self, reply: &HttpResponse) -> bool {
        match reply.status {
            503 => {
                let json: Value = serde_json::from_str(reply.text()).expect("JSON");
                assert_eq!(json["code"], "unavailable");
                assert_eq!(reply.content_type, Some("application/json"));
                assert_eq!(reply.headers, [("retry-after".to_owned(), "1".to_owned())]);
                self.unavailable += 1;
            }
            // The object has lost its memory, or it has crashed with this request.
            400 => assert!(reply.text().contains("Session ID unknown"), "{reply:?}"),
            500 => {}
            _ => panic!("the client doesn't expect {reply:?}"),
        }
        false
    }
}
