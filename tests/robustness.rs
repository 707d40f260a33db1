//! Whatever comes in, in whatever order: the room doesn't panic, keeps to its limits and forgets who is gone. The input
//! is pseudo-random, and the same in each run.

#![allow(clippy::indexing_slicing, clippy::panic, reason = "what goes wrong in a helper fails the test that uses it")]

mod support;

use std::collections::BTreeMap;
use std::rc::Rc;

use roomcast::chat::chat_that_keeps;
use roomcast::config::Config;
use roomcast::ids::{ConnId, Millis};
use roomcast::outbox::{BodyError, Effect, Frame, Input, Outbox, Request};
use roomcast::server::Server;
use support::{Memory, POLLING, Random, Room, START, WEBSOCKET, plain};

/// What clients send, good and bad.
const PACKETS: &str = r#"
    40 40{} 40/a, 40[] 41 41/a 42["join",{"name":"Ada"}] 420["join",{"name":"Bob"}] 421["message",{"text":"hi"}]
    42["createdMessage",{"author":"Eve","message":"é😀"}] 42 430[] 43 44{"message":""} 450-["a"] 461-1[] 4 47 42[1e999]
    451-["a",{"_placeholder":true,"num":0}] 42["\ud800"] 2 2probe 3 5 6 1 0{} bAQID b*
"#;

/// Some of the above, with some of their bytes changed.
fn bytes(random: &mut Random) -> Vec<u8> {
    let packets: Vec<_> = PACKETS.split_whitespace().collect();
    let mut bytes = Vec::new();
    for _ in 0..=random.below(3) {
        if !bytes.is_empty() {
            bytes.push(0x1e);
        }
        bytes.extend_from_slice(random.of(&packets).as_bytes());
    }
    for _ in 0..[0, 0, 0, 1, 2, 8][random.below(6)] {
        random.damage(&mut bytes);
    }
    bytes
}

fn text(random: &mut Random) -> String {
    String::from_utf8_lossy(&bytes(random)).into_owned()
}

fn small() -> Config {
    Config { max_connections: 6, max_buffered: 2_000, max_payload: 300, ..Config::default() }
}

fn start(memory: &Memory) -> Server {
    let server = Server::start(small(), Box::new(|| Ok(Box::new(chat_that_keeps(10_000)))), Rc::new(memory.clone()));
    server.unwrap_or_else(|error| panic!("{error}"))
}

/// A server without a shell, whose effects are only looked at.
struct Bare {
    server: Server,
    memory: Memory,
    random: Random,
    now: Millis,
    /// Ids of sessions that were ever opened.
    sids: Vec<String>,
    /// What recovers sockets.
    pids: Vec<String>,
    attachments: BTreeMap<ConnId, String>,
}

impl Bare {
    fn new(seed: u64) -> Self {
        let random = Random::new(seed);
        let memory = Memory::default();
        let server = start(&memory);
        Self {
            server,
            memory,
            random,
            now: START,
            sids: vec!["nobody".to_owned()],
            pids: vec!["nothing".to_owned()],
            attachments: BTreeMap::new(),
        }
    }

    fn look_at(&mut self, outbox: Outbox) {
        for effect in outbox {
            let said = match effect {
                Effect::Respond { reply, .. } => {
                    // A few bytes are added to each packet, but no more than doubles it.
                    assert!(reply.body.len() <= 2 * small().max_buffered, "{} bytes at once", reply.body.len());
                    reply.text().to_owned()
                }
                Effect::Send { frame: Frame::Text(text), .. } => text.to_string(),
                Effect::Attach { conn, state } => {
                    self.attachments.insert(conn, state);
                    continue;
                }
                Effect::Close { conn, .. } => {
                    self.attachments.remove(&conn);
                    continue;
                }
                Effect::Fetch { .. } => panic!("no app here fetches"),
                Effect::Restart { .. } => panic!("no turn is lost"),
                Effect::Send { .. } | Effect::Accept { .. } => continue,
            };
            if let Some((sid, _)) = said.strip_prefix("0{\"sid\":\"").and_then(|rest| rest.split_once('"')) {
                self.sids.push(sid.to_owned());
            }
            if let Some((pid, _)) = said.split_once(r#""pid":""#).and_then(|(_, rest)| rest.split_once('"')) {
                self.pids.push(pid.to_owned());
            }
        }
    }

    fn input(&mut self, input: Input<'_>) {
        let outbox = self.server.handle(self.now, input);
        self.look_at(outbox);
    }

    /// An input that a shell might hand over, or might not.
    fn step(&mut self) {
        let random = &mut self.random;
        let conn = ConnId(random.next() % 20);
        self.now = self.now + Millis(if random.below(40) == 0 { 40_000 } else { [0, 1, 50, 900][random.below(4)] });
        match random.below(12) {
            0..=2 => {
                let sid = &self.sids[self.sids.len() - 1 - random.below(self.sids.len().min(12))];
                let (upgrade, garbage) = (random.below(2) == 0, text(random));
                let mut query = random.of(&[if upgrade { WEBSOCKET } else { POLLING }, POLLING, &garbage]).to_owned();
                if random.below(2) == 0 {
                    query = format!("{query}&sid={sid}");
                }
                let request = Request {
                    method: random.of(&["GET", "GET", "GET", "GET", "POST", "POST", "PUT"]),
                    query: &query,
                    upgrade,
                    origin: random.of(&[&None, &None, &Some("https://example.com"), &Some("\u{0}")]).to_owned(),
                    content_type: random.of(&[&None, &None, &Some("application/octet-stream")]).to_owned(),
                    ..Request::default()
                };
                self.input(Input::Request { conn, request });
            }
            3 | 4 => {
                let body = bytes(random);
                let error = *random.of(&[&BodyError::TooLarge, &BodyError::Aborted]);
                let body = if random.below(5) == 0 { Err(error) } else { Ok(body.as_slice()) };
                self.input(Input::Body { conn, body });
            }
            5..=7 => {
                let text = if random.below(6) == 0 { self.claim() } else { text(random) };
                self.input(Input::Text { conn, text: &text });
            }
            8 => {
                let bytes = bytes(random);
                self.input(Input::Binary { conn, bytes: &bytes });
            }
            9 => match random.below(3) {
                0 => self.input(Input::Aborted { conn }),
                n => self.input(Input::Closed { conn, failed: n == 1 }),
            },
            10 => {
                for n in 0..20 {
                    self.memory.pong(ConnId(n), Millis(self.now.0 - random.next() % 90_000));
                }
                self.input(Input::Alarm);
            }
            _ if random.below(20) == 0 => self.restart(),
            _ => self.input(Input::Alarm),
        }
        assert!(self.server.next_wake(self.now).is_none_or(|at| at.0 <= self.now.0 + 1_000_000), "{:?}", self.now);
    }

    /// Somebody wants a socket back, perhaps one that somebody else has.
    fn claim(&mut self) -> String {
        let pid = &self.pids[self.pids.len() - 1 - self.random.below(self.pids.len().min(8))];
        let offset = self.now.0 * 1_000 - self.random.next() % 100_000_000;
        let offset = [String::new(), format!(r#","offset":"{offset}""#), r#","offset":1"#.to_owned()]
            [self.random.below(3)]
        .clone();
        format!(r#"40{{"pid":"{pid}"{offset}}}"#)
    }

    /// A new object finds attachments, some of which somebody has spoilt.
    fn restart(&mut self) {
        let found = std::mem::take(&mut self.attachments);
        self.memory.forget_sockets();
        for (conn, mut state) in found {
            let at = self.random.below(4 * state.len());
            if state.is_char_boundary(at) {
                state.insert_str(at, self.random.of(&["1", "\"", "}", "null", "\u{0}"]));
            }
            let tag = (self.random.below(2) == 0).then(|| self.random.of(&["4.1", "3.1", "4.x", ""]).to_owned());
            self.memory.attach(conn, Some(state.clone()));
            self.attachments.insert(conn, state);
            self.memory.open_socket(conn, tag);
        }
        self.server = start(&self.memory);
        self.input(Input::Tick);
    }

    /// Everybody falls silent; the alarm rings until nobody is left.
    fn die_out(&mut self) {
        for _ in 0..1_000 {
            let (wake, tick) = (self.server.next_wake(self.now), self.server.next_tick());
            let Some(at) = [wake, tick].into_iter().flatten().min() else {
                return;
            };
            self.now = self.now.max(at);
            self.input(if tick == Some(at) { Input::Tick } else { Input::Alarm });
        }
        panic!("somebody lives on");
    }
}

#[test]
fn any_input_in_any_order_is_survived_and_nobody_is_left_behind() {
    for seed in 1..=30 {
        let mut bare = Bare::new(seed);
        for _ in 0..1_000 {
            bare.step();
        }
        assert!(bare.sids.len() > 10, "the sessions of seed {seed}: {}", bare.sids.len());
        bare.die_out();
        // All places are free again, and no more than those.
        let before = bare.sids.len();
        for conn in 1_000..1_010 {
            let request = Request { method: "GET", query: POLLING, ..Request::default() };
            bare.input(Input::Request { conn: ConnId(conn), request });
        }
        assert_eq!(bare.sids.len() - before, small().max_connections);
    }
}

/// Here the shell does its part, so that the room must do its own: one answer a request, no frame for a closed socket.
#[test]
fn whatever_clients_send_each_request_has_one_answer_and_others_are_not_disturbed() {
    for seed in 1..=20 {
        let mut random = Random::new(seed);
        let mut room = Room::new(Config { max_connections: 500, ..small() }, || chat_that_keeps(10_000));
        let (witness, _) = room.client();
        let (mut sids, mut conns, mut gets) = (vec![], vec![], vec![]);
        for _ in 0..500 {
            let pick = random.next();
            let any = |list: &[ConnId]| {
                list.get(usize::try_from(pick % 1_000).unwrap_or_default() % list.len().max(1)).copied()
            };
            let sid: Option<&String> = sids.get(random.below(sids.len()));
            let input = text(&mut random);
            match (random.below(9), sid, any(&conns), any(&gets)) {
                (0, ..) => sids.push(room.open_polling()),
                (1, ..) => conns.push(room.open_socket()),
                (2, Some(sid), ..) => conns.push(room.try_websocket(sid)),
                (3, Some(sid), ..) => gets.push(room.get(sid)),
                (4, Some(sid), ..) => {
                    let post = room.start_post(sid);
                    if room.answer(post).is_none() {
                        room.finish_post(post, Ok(input.as_bytes()));
                    }
                }
                (5, _, Some(conn), _) if room.is_open(conn) && pick.is_multiple_of(10) => {
                    room.hang_up(conn, pick.is_multiple_of(20));
                }
                (6 | 7, _, Some(conn), _) if room.is_open(conn) => room.text(conn, &input),
                (8, ..) => _ = room.pass(pick % 5_000),
                _ => {}
            }
            room.text(witness, "3");
        }
        room.frames(witness);
        room.text(witness, r#"421["createdMessage",{"author":"W","message":"still here"}]"#);
        assert_eq!(room.frames(witness), ["431[{}]"], "seed {seed}");
    }
}

#[test]
fn json_nested_as_deep_as_a_frame_allows_does_not_exhaust_the_stack() {
    let mut room = Room::new(plain(), || chat_that_keeps(10_000));
    let depth = 400_000;
    for (open, close) in [("[", "]"), ("{\"a\":", "}")] {
        let depth = depth / open.len();
        let deep = format!("{}1{}", open.repeat(depth), close.repeat(depth));
        let (conn, _) = room.client();
        for frame in [
            format!(r#"421["join",{deep}]"#),
            format!(r#"422["join",{{"name":"Ada","more":{deep}}}]"#),
            format!(r#"423["join",{{"name":{deep}}}]"#),
            format!(r#"424["createdMessage",{{"author":"Eve","message":"x","more":{deep}}}]"#),
            format!("4399{deep}"),
            format!(r#"40/a,{{"auth":{deep}}}"#),
        ] {
            room.text(conn, &frame);
        }
        room.frames(conn);
        let (conn, _) = room.client();
        room.text(conn, &format!("42[{deep}]"));
        assert!(!room.is_open(conn), "a name it is not");
    }
}

#[test]
fn long_prefixes_and_huge_counts_cost_no_memory() {
    for prefix in ["42", "43", "45", "46", "40/", "42/", "4"] {
        let mut room = Room::new(plain(), || chat_that_keeps(10_000));
        let (conn, _) = room.client();
        for digit in ["9", "1", " ", "-", "é"] {
            let (conn, _) = room.client();
            room.text(conn, &format!("{prefix}{}", digit.repeat(900_000 / digit.len())));
        }
        room.text(conn, "459999999999-[\"a\"]");
        assert!(!room.is_open(conn), "and no attachment is waited for");
    }
}
