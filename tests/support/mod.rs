//! A room without a runtime: [`Room`] stands in for the object's shell, with a clock that only tests move.
//!
//! It runs the effects as the shell does and is stricter about them: a second answer to a request, a frame for a closed
//! WebSocket or an attachment that the runtime wouldn't keep fails the test.

#![allow(dead_code, unused_imports, reason = "each test file uses a part of this")]
#![allow(clippy::expect_used, clippy::panic, reason = "what goes wrong in here fails the test that uses it")]

mod clients;
mod comebacks;
mod crash;
mod logging;
mod memory;
pub(crate) mod people;
mod random;
mod recorder;
mod stock;
pub(crate) mod trouble;

use std::collections::BTreeMap;

use roomcast::api::Command;
use roomcast::app::App;
use roomcast::config::Config;
use roomcast::database::DatabaseError;
use roomcast::fetch::FetchRequest;
use roomcast::ids::{ConnId, Millis};
use roomcast::outbox::{Effect, Frame, HttpResponse, Input, Outbox, Request};
use roomcast::server::Server;
use std::rc::Rc;

pub(crate) use clients::{POLLING, WEBSOCKET, bad_request, payload};
pub(crate) use comebacks::Traveller;
pub(crate) use crash::crash;
pub(crate) use logging::{Log, logging, note};
pub(crate) use memory::{Fault, Memory};
pub(crate) use random::Random;
pub(crate) use recorder::Recorder;
pub(crate) use stock::{Stock, Transport};

/// When each test begins: at one of the moments at which a room with absorbed pongs pings.
pub(crate) const START: Millis = Millis(1_700_000_000_000);

/// What the runtime keeps beside a WebSocket, in bytes.
const MOST_ATTACHED: usize = 16_384;

/// The defaults, but for recovery: events are what they are without it.
pub(crate) fn plain() -> Config {
    Config { recovery: Millis(0), ..Config::default() }
}

/// A room in which pongs are delivered and each session has deadlines of its own.
pub(crate) fn fast() -> Config {
    Config { ping_interval: Millis(300), ping_timeout: Millis(200), ..plain() }
}

/// A WebSocket, as its client and the runtime see it.
#[derive(Default)]
struct Socket {
    /// What arrived and wasn't looked at yet.
    frames: Vec<String>,
    /// Set once the server closed it, with the code if there was one.
    closed: Option<Option<u16>>,
}

/// A room: the server, and everybody who is connected to it.
pub(crate) struct Room {
    config: Config,
    make: Rc<dyn Fn() -> Box<dyn App>>,
    server: Server,
    /// What outlives the object's memory.
    memory: Memory,
    now: Millis,
    /// The object's one alarm, which outlives its memory.
    alarm: Option<Millis>,
    next_conn: u64,
    /// Requests without an answer; `true` where a WebSocket was asked for.
    waiting: BTreeMap<ConnId, bool>,
    replies: BTreeMap<ConnId, HttpResponse>,
    sockets: BTreeMap<ConnId, Socket>,
    /// Requests to other servers, in the order in which they were sent.
    pub(crate) fetches: Vec<(u64, FetchRequest)>,
    turns: u64,
    /// How often the object has crashed.
    crashes: u64,
}

/// How soon the runtime rings again where the object has crashed while the alarm rang.
const ALARM_RETRY: Millis = Millis(2_000);

fn start(config: &Config, make: &Rc<dyn Fn() -> Box<dyn App>>, memory: &Memory) -> Result<Server, DatabaseError> {
    let make = make.clone();
    Server::start(config.clone(), Box::new(move || Ok(make())), Rc::new(memory.clone()))
}

/// The same, which reads what is stored when the first input comes.
fn start_later(config: &Config, make: &Rc<dyn Fn() -> Box<dyn App>>, memory: &Memory) -> Server {
    let make = make.clone();
    Server::new(config.clone(), Box::new(move || Ok(make())), Rc::new(memory.clone()))
}

impl Room {
    /// An empty room. `make` is called again after each restart: an app's fields don't outlive the object's memory.
    pub(crate) fn new<A: App + 'static>(config: Config, make: impl Fn() -> A + 'static) -> Self {
        Self::on(Memory::default(), config, make).expect("a database that can be read")
    }

    /// A room that finds what another one has left in its database.
    pub(crate) fn on<A: App + 'static>(
        memory: Memory,
        config: Config,
        make: impl Fn() -> A + 'static,
    ) -> Result<Self, DatabaseError> {
        memory.forget_sockets();
        let make: Rc<dyn Fn() -> Box<dyn App>> = Rc::new(move || Box::new(make()));
        Ok(Self {
            server: start(&config, &make, &memory)?,
            config,
            make,
            memory,
            now: START,
            alarm: None,
            next_conn: 1,
            waiting: BTreeMap::new(),
            replies: BTreeMap::new(),
            sockets: BTreeMap::new(),
            fetches: Vec::new(),
            turns: 0,
            crashes: 0,
        })
    }

    pub(crate) fn now(&self) -> Millis {
        self.now
    }

    /// Hands over one input now, and then the ticks that the core wants at once.
    pub(crate) fn input(&mut self, input: Input<'_>) {
        self.one_input(input);
        self.tick();
    }

    /// Hands over one input now, and nothing else.
    pub(crate) fn one_input(&mut self, input: Input<'_>) {
        self.turns += 1;
        let now = self.now;
        if let Some(outbox) = self.attempt(|server| server.handle(now, input)) {
            self.run(outbox);
        }
    }

    /// Hands over frames that have come together: who sent each, and what.
    pub(crate) fn together(&mut self, frames: &[(ConnId, &str)]) {
        self.turns += 1;
        let now = self.now;
        let inputs: Vec<_> = frames.iter().map(|(conn, text)| Input::Text { conn: *conn, text }).collect();
        if let Some(outbox) = self.attempt(|server| server.handle_all(now, &inputs)) {
            self.run(outbox);
        }
        self.tick();
    }

    /// Has the core have its ticks, as long as it wants some at once.
    pub(crate) fn tick(&mut self) {
        let before = self.turns;
        while self.server.next_tick().is_some_and(|at| at <= self.now) {
            self.one_input(Input::Tick);
            assert!(self.turns < before + 10_000, "the core wants ticks without an end");
        }
    }

    /// How many turns there were.
    pub(crate) fn turns(&self) -> u64 {
        self.turns
    }

    /// Has the room do what a backend asks for; gives the answer.
    pub(crate) fn command(&mut self, command: &Command) -> HttpResponse {
        let now = self.now;
        let Some((reply, outbox)) = self.attempt(|server| server.command(now, command)) else {
            return HttpResponse::empty(500);
        };
        self.run(outbox);
        self.tick();
        reply
    }

    /// Lets time pass while the alarm doesn't ring: it may be late.
    pub(crate) fn sleep(&mut self, millis: u64) {
        self.now = self.now + Millis(millis);
    }

    /// Lets time pass, with the alarm ringing whenever it is due, and the core told of the time when it wants that; gives
    /// how often the alarm rang.
    pub(crate) fn pass(&mut self, millis: u64) -> usize {
        let end = self.now + Millis(millis);
        let mut rings = 0;
        loop {
            let tick = self.server.next_tick().filter(|at| *at <= end);
            let Some(at) = [self.alarm, tick].into_iter().flatten().min().filter(|at| *at <= end) else {
                break;
            };
            self.now = self.now.max(at);
            if tick == Some(at) {
                self.input(Input::Tick);
                continue;
            }
            self.ring();
            rings += 1;
            let overdue = self.alarm.filter(|at| *at <= self.now);
            assert_eq!(overdue, None, "an alarm leaves nothing to be done at once");
        }
        self.now = end;
        rings
    }

    /// The alarm rings now, asked for or not. Where the object crashes meanwhile, the runtime tries again.
    pub(crate) fn ring(&mut self) {
        let before = self.crashes;
        self.alarm = None;
        self.input(Input::Alarm);
        if self.crashes > before {
            self.alarm = [self.alarm, Some(self.now + ALARM_RETRY)].into_iter().flatten().min();
        }
    }

    /// The alarm rings now, and the ticks that the core wants then don't come.
    pub(crate) fn ring_without_ticks(&mut self) {
        self.alarm = None;
        self.one_input(Input::Alarm);
    }

    /// The object loses its memory and comes back with its database and what is attached to its WebSockets. Who waits for
    /// an answer to a request loses the connection.
    pub(crate) fn restart(&mut self) {
        self.waiting.clear();
        self.server = start_later(&self.config, &self.make, &self.memory);
    }

    /// The process dies: only the database is left. The alarm rings as soon as there is an object again.
    pub(crate) fn crash(&mut self) {
        self.sockets.clear();
        self.memory.forget_sockets();
        self.restart();
        self.ring();
    }

    /// From now on each write fails, or none.
    pub(crate) fn fail_writes(&mut self, fail: bool) {
        self.memory.fail_writes(fail);
    }

    /// What outlives the object's memory.
    pub(crate) fn memory(&self) -> &Memory {
        &self.memory
    }

    /// An HTTP request; what becomes of it is asked with [`answer`](Self::answer), or with its number as a WebSocket's.
    pub(crate) fn request(&mut self, request: Request<'_>) -> ConnId {
        let conn = ConnId(self.next_conn);
        self.next_conn += 1;
        self.waiting.insert(conn, request.upgrade);
        self.input(Input::Request { conn, request });
        conn
    }

    /// The answer to a request, if it is there; each is given once.
    pub(crate) fn answer(&mut self, conn: ConnId) -> Option<HttpResponse> {
        self.replies.remove(&conn)
    }

    /// Whether a request waits for its answer.
    pub(crate) fn waits(&self, conn: ConnId) -> bool {
        self.waiting.contains_key(&conn)
    }

    /// The requests that wait for an answer.
    pub(crate) fn waiting(&self) -> Vec<ConnId> {
        self.waiting.keys().copied().collect()
    }

    /// The client of a request gives it up.
    pub(crate) fn abort(&mut self, conn: ConnId) {
        assert!(self.waiting.remove(&conn).is_some(), "{conn:?} has its answer");
        self.input(Input::Aborted { conn });
    }

    /// A client sends a text frame. Where the runtime answers pongs by itself, they don't reach the room.
    pub(crate) fn text(&mut self, conn: ConnId, text: &str) {
        if text == "3" && self.config.absorbs_pongs() {
            self.memory.pong(conn, self.now);
            return;
        }
        self.input(Input::Text { conn, text });
    }

    /// A client sends a binary frame.
    pub(crate) fn binary(&mut self, conn: ConnId, bytes: &[u8]) {
        self.input(Input::Binary { conn, bytes });
    }

    /// A client closes its WebSocket, or loses it.
    pub(crate) fn hang_up(&mut self, conn: ConnId, failed: bool) {
        self.sockets.remove(&conn).expect("an open WebSocket");
        self.input(Input::Closed { conn, failed });
        self.memory.close_socket(conn);
    }

    /// What a client's WebSocket received since last asked.
    pub(crate) fn frames(&mut self, conn: ConnId) -> Vec<String> {
        std::mem::take(&mut self.socket(conn).frames)
    }

    /// The same; nothing where the WebSocket is gone.
    pub(crate) fn drain(&mut self, conn: ConnId) -> Vec<String> {
        self.sockets.get_mut(&conn).map(|socket| std::mem::take(&mut socket.frames)).unwrap_or_default()
    }

    /// Whether the request has become a WebSocket that is open.
    pub(crate) fn is_open(&self, conn: ConnId) -> bool {
        self.sockets.get(&conn).is_some_and(|socket| socket.closed.is_none())
    }

    /// The code of the server's close frame: `None` while the WebSocket is open, `Some(None)` for one without a code.
    pub(crate) fn close_code(&self, conn: ConnId) -> Option<Option<u16>> {
        self.sockets.get(&conn)?.closed
    }

    /// What is kept beside a WebSocket.
    pub(crate) fn attachment(&mut self, conn: ConnId) -> Option<String> {
        self.memory.attached(conn)
    }

    /// Has a WebSocket count as accepted by a release that gave no tags.
    pub(crate) fn untag(&mut self, conn: ConnId) {
        self.memory.open_socket(conn, None);
    }

    /// Puts something else there.
    pub(crate) fn tamper(&mut self, conn: ConnId, attachment: Option<String>) {
        self.memory.attach(conn, attachment);
    }

    /// The memory is lost: every request that waits gets this answer, and WebSockets that don't outlive the memory are closed.
    fn answer_all(&mut self, reply: &HttpResponse) {
        for conn in std::mem::take(&mut self.waiting).into_keys() {
            self.replies.insert(conn, reply.clone());
        }
        if !self.config.absorbs_pongs() {
            self.sockets.values_mut().for_each(|socket| _ = socket.closed.get_or_insert(None));
            self.memory.forget_sockets();
        }
    }

    fn socket(&mut self, conn: ConnId) -> &mut Socket {
        self.sockets.get_mut(&conn).unwrap_or_else(|| panic!("{conn:?} is no WebSocket"))
    }

    fn open_socket_of(&mut self, conn: ConnId) -> &mut Socket {
        let socket = self.socket(conn);
        assert_eq!(socket.closed, None, "{conn:?} is closed");
        socket
    }

    fn run(&mut self, outbox: Outbox) {
        for effect in outbox {
            match effect {
                Effect::Respond { conn, reply } => {
                    assert!(self.waiting.remove(&conn).is_some(), "{conn:?} doesn't wait for {reply:?}");
                    self.replies.insert(conn, reply);
                }
                Effect::Accept { conn, tag, .. } => {
                    assert_eq!(self.waiting.remove(&conn), Some(true), "{conn:?} asked for no WebSocket");
                    self.sockets.insert(conn, Socket::default());
                    self.memory.open_socket(conn, Some(tag));
                }
                Effect::Send { to, frame } => {
                    let text = match &frame {
                        Frame::Text(text) => text.to_string(),
                        Frame::Binary(bytes) => format!("{bytes:?}"),
                    };
                    for conn in to {
                        self.open_socket_of(conn).frames.push(text.clone());
                    }
                }
                Effect::Close { conn, code } => {
                    // The client may have been quicker.
                    self.memory.close_socket(conn);
                    if let Some(socket) = self.sockets.get_mut(&conn) {
                        socket.closed.get_or_insert(code);
                    }
                }
                Effect::Fetch { id, request } => self.fetches.push((id, request)),
                Effect::Restart { reply } => self.answer_all(&reply),
                Effect::Attach { conn, state } => {
                    assert!(attached_size(&state) <= MOST_ATTACHED, "the runtime wouldn't keep {state}");
                    self.open_socket_of(conn);
                    self.memory.attach(conn, Some(state));
                }
            }
        }
        let wanted = self.server.next_wake(self.now);
        // The shell only ever brings the alarm forward, so one may ring that nobody wants any more.
        self.alarm = [self.alarm, wanted].into_iter().flatten().min();
    }
}

/// The runtime writes a string with a byte a character, or with two where one of them needs it; and a short header.
pub(crate) fn attached_size(text: &str) -> usize {
    const HEADER: usize = 8;
    let wide = text.chars().any(|c| c > '\u{ff}');
    HEADER + text.encode_utf16().count() * if wide { 2 } else { 1 }
}
