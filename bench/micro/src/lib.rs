//! Benchmarks of the core on this machine's own target, with SQLite in memory: they depend on no network and no other process.
//!
//! `cargo bench --manifest-path bench/micro/Cargo.toml` measures time. `npm run bench -- --only instructions` has valgrind count
//! the instructions of the example `turns`.

#[path = "../../../tests/support/memory.rs"]
#[allow(dead_code, clippy::expect_used, reason = "made for the tests, which use all of it")]
mod memory;

use std::rc::Rc;

use memory::Memory;
use roomcast::app::App;
use roomcast::chat::chat_that_keeps;
use roomcast::config::Config;
use roomcast::examples::tutorial;
use roomcast::ids::{ConnId, Millis};
use roomcast::outbox::{Effect, Frame, Input, Request};
use roomcast::server::Server;

const START: Millis = Millis(1_700_000_000_000);
/// As a deployment keeps by default.
const HISTORY: u64 = 10_000;
const TEXT: &str = "A message of sixty-four bytes, which is about as long as most.";

/// What runs in the room.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Subject {
    /// The chat with its history, and recovery.
    Chat,
    /// The tutorial's app without recovery: nothing is stored for a message.
    Tutorial,
}

impl Subject {
    /// By its name on the command line.
    pub fn parse(name: &str) -> Option<Self> {
        match name {
            "chat" => Some(Self::Chat),
            "tutorial" => Some(Self::Tutorial),
            _ => None,
        }
    }

    fn config(self) -> Config {
        match self {
            Self::Chat => Config::default(),
            Self::Tutorial => Config { recovery: Millis(0), ..Config::default() },
        }
    }

    fn app(self) -> Box<dyn App> {
        match self {
            Self::Chat => Box::new(chat_that_keeps(HISTORY)),
            Self::Tutorial => Box::new(tutorial()),
        }
    }

    fn connect(self, n: u64) -> String {
        match self {
            Self::Chat => format!(r#"40{{"name":"Person {n}","key":"key-of-person-number-{n}"}}"#),
            Self::Tutorial => "40".to_owned(),
        }
    }

    fn message(self, n: u64) -> String {
        match self {
            Self::Chat => format!(r#"42["message",{{"text":"{TEXT}","id":"m{n}"}}]"#),
            Self::Tutorial => format!(r#"42["createdMessage",{{"author":"Ada","message":"{TEXT}"}}]"#),
        }
    }
}

/// A room with people on WebSockets, without a runtime around it.
pub struct Room {
    server: Server,
    memory: Memory,
    subject: Subject,
    now: Millis,
    people: u64,
    said: u64,
    /// Frames that left the room.
    sent: usize,
}

impl Room {
    /// A room in which so many people are.
    pub fn of(people: u64, subject: Subject) -> Self {
        let memory = Memory::default();
        let make = Box::new(move || Ok(subject.app()));
        let server = Server::new(subject.config(), make, Rc::new(memory.clone()));
        let mut room = Self { server, memory, subject, now: START, people, said: 0, sent: 0 };
        for n in 1..=people {
            let conn = ConnId(n);
            let request = Request {
                method: "GET",
                query: "EIO=4&transport=websocket&recovery=1",
                upgrade: true,
                ..Request::default()
            };
            room.input(Input::Request { conn, request });
            room.input(Input::Text { conn, text: &subject.connect(n) });
        }
        room
    }

    /// One person says something. Tells how many frames that has sent.
    pub fn say(&mut self) -> usize {
        self.said += 1;
        let before = self.sent;
        let text = self.subject.message(self.said);
        self.input(Input::Text { conn: ConnId(self.said % self.people + 1), text: &text });
        self.sent - before
    }

    fn input(&mut self, input: Input<'_>) {
        self.now = self.now + Millis(1);
        for effect in self.server.handle(self.now, input) {
            match effect {
                Effect::Accept { conn, tag, .. } => self.memory.open_socket(conn, Some(tag)),
                Effect::Attach { conn, state } => self.memory.attach(conn, Some(state)),
                // A ping asks how far the client has read, and the runtime keeps when it answered.
                Effect::Send { to, frame: Frame::Text(text) } if text.as_ref() == "2" => {
                    to.into_iter().for_each(|conn| self.memory.pong(conn, self.now));
                }
                Effect::Send { to, .. } => self.sent += to.len(),
                _ => {}
            }
        }
    }
}
