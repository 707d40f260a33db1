//! A clock that goes back or jumps ahead, and timers that lie far away.
//!
//! [`Clocked`] stands in for the room of the other tests, whose clock only goes on.

#![allow(
    clippy::indexing_slicing,
    clippy::expect_used,
    clippy::unwrap_used,
    clippy::panic,
    reason = "what goes wrong in here fails the test"
)]

mod support;

use std::collections::BTreeMap;
use std::rc::Rc;

use roomcast::app::{Handlers, TimerName};
use roomcast::config::Config;
use roomcast::ids::{ConnId, Millis};
use roomcast::outbox::{Effect, Frame, HttpResponse, Input, Request};
use roomcast::server::Server;
use support::{Log, Memory, POLLING, START, WEBSOCKET, fast, note, plain};

const HOUR: u64 = 3_600_000;
const INTERVAL: u64 = 25_000;
const TIMEOUT: u64 = 60_000;

/// A room whose clock goes wherever a test wants it.
struct Clocked {
    config: Config,
    memory: Memory,
    log: Log,
    server: Server,
    now: Millis,
    next_conn: u64,
    frames: BTreeMap<ConnId, Vec<String>>,
    replies: BTreeMap<ConnId, HttpResponse>,
    closed: Vec<ConnId>,
    turns: u64,
}

/// `timeout` and `schedule` set a timer named `rung`, with the time as the argument; `more` is answered at length.
fn server(config: &Config, memory: &Memory, log: &Log) -> Server {
    let log = log.clone();
    let make = move || {
        let app = Handlers::with(log.clone())
            .on("timeout", |socket, after: u64| socket.io.timer(TimerName::new("rung")).set_timeout(Millis(after)))
            .on("more", |socket, (): ()| socket.emit("said", &"x".repeat(1_000)))
            .on("schedule", |socket, after: u64| socket.io.timer(TimerName::new("rung")).schedule(Millis(after)))
            .on_timer(TimerName::new("rung"), |room, ()| {
                note(room.app, format!("rung at {}", room.io.now().0));
                Ok(())
            })
            .on_disconnect(|room, departed| note(room.app, departed.reason.as_str()));
        Ok(Box::new(app) as Box<dyn roomcast::app::App>)
    };
    Server::start(config.clone(), Box::new(make), Rc::new(memory.clone())).expect("a database that can be read")
}

impl Clocked {
    fn new(config: Config) -> Self {
        let (memory, log) = (Memory::default(), Log::default());
        let server = server(&config, &memory, &log);
        let (frames, replies, closed) = Default::default();
        Self { config, memory, log, server, now: START, next_conn: 1, frames, replies, closed, turns: 0 }
    }

    fn input(&mut self, input: Input<'_>) {
        let mut input = Some(input);
        loop {
            self.turns += 1;
            for effect in self.server.handle(self.now, input.take().unwrap_or(Input::Tick)) {
                self.run(effect);
            }
            if self.server.next_tick().is_none_or(|at| at > self.now) {
                return;
            }
        }
    }

    fn run(&mut self, effect: Effect) {
        match effect {
            Effect::Respond { conn, reply } => _ = self.replies.insert(conn, reply),
            Effect::Accept { conn, tag, .. } => {
                self.frames.insert(conn, Vec::new());
                self.memory.open_socket(conn, Some(tag));
            }
            Effect::Send { to, frame: Frame::Text(text) } => {
                for conn in to {
                    self.frames.get_mut(&conn).expect("a WebSocket").push(text.to_string());
                }
            }
            Effect::Close { conn, .. } => {
                self.memory.close_socket(conn);
                self.closed.push(conn);
            }
            Effect::Attach { conn, state } => self.memory.attach(conn, Some(state)),
            other => panic!("{other:?}"),
        }
    }

    /// The object loses its memory. Its WebSockets are looked at again when somebody needs them.
    fn restart(&mut self) {
        self.server = server(&self.config, &self.memory, &self.log);
    }

    /// Lets time go on, with the alarm and the ticks coming when they are wanted; gives how many inputs that were.
    fn pass(&mut self, millis: u64) -> usize {
        let end = self.now + Millis(millis);
        for count in 0..1_000 {
            let tick = self.server.next_tick();
            let wanted = [self.server.next_wake(self.now), tick].into_iter().flatten().min();
            let Some(at) = wanted.filter(|at| *at <= end) else {
                self.now = end;
                return count;
            };
            self.now = self.now.max(at);
            self.input(if tick == Some(at) { Input::Tick } else { Input::Alarm });
        }
        panic!("the core wants to be woken without an end");
    }

    /// The clock goes back between two inputs. The core can't know of time that passed between the last one and the change.
    fn back(&mut self, millis: u64) {
        self.input(Input::Tick);
        self.set_back(millis);
        self.input(Input::Tick);
    }

    /// The clock goes back, and nobody tells the core.
    fn set_back(&mut self, millis: u64) {
        self.now = self.now.before(Millis(millis));
    }

    fn request(&mut self, method: &str, query: &str, upgrade: bool) -> ConnId {
        let conn = ConnId(self.next_conn);
        self.next_conn += 1;
        self.input(Input::Request { conn, request: Request { method, query, upgrade, ..Request::default() } });
        conn
    }

    /// A client that has joined by WebSocket.
    fn client(&mut self) -> ConnId {
        let conn = self.request("GET", WEBSOCKET, true);
        self.input(Input::Text { conn, text: "40" });
        self.frames(conn);
        conn
    }

    /// A client that has joined by polling, with a GET pending; its session id.
    fn polling(&mut self) -> (String, ConnId) {
        let open = self.request("GET", POLLING, false);
        let open = self.replies.remove(&open).expect("an answer").text().to_owned();
        let sid = open.split('"').nth(3).expect("a sid").to_owned();
        self.post(&sid, "40");
        let connect = self.get(&sid);
        assert!(self.replies.remove(&connect).expect("an answer").text().starts_with("40"));
        let get = self.get(&sid);
        (sid, get)
    }

    fn get(&mut self, sid: &str) -> ConnId {
        self.request("GET", &format!("{POLLING}&sid={sid}"), false)
    }

    fn post(&mut self, sid: &str, body: &str) {
        let conn = self.request("POST", &format!("{POLLING}&sid={sid}"), false);
        self.input(Input::Body { conn, body: Ok(body.as_bytes()) });
        assert_eq!(self.replies.remove(&conn).map(|reply| reply.status), Some(200));
    }

    fn frames(&mut self, conn: ConnId) -> Vec<String> {
        std::mem::take(self.frames.get_mut(&conn).expect("a WebSocket"))
    }

    /// The pings that a WebSocket got, each answered now.
    fn pings(&mut self, conn: ConnId) -> usize {
        let pings = self.frames(conn).iter().filter(|frame| *frame == "2").count();
        if pings > 0 && self.config.absorbs_pongs() {
            self.memory.pong(conn, self.now);
        } else if pings > 0 {
            self.input(Input::Text { conn, text: "3" });
        }
        pings
    }
}

fn absorbing() -> Config {
    Config { ping_interval: Millis(INTERVAL), ping_timeout: Millis(TIMEOUT), ..plain() }
}

/// What becomes of the object's memory when the clock goes back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Life {
    /// It stays.
    Awake,
    /// It is lost, and comes back with an input before the next heartbeat.
    Restored,
    /// It is lost, and the next input is the alarm of the heartbeat.
    Hibernated,
}

const LIVES: [Life; 3] = [Life::Awake, Life::Restored, Life::Hibernated];

/// A room with a WebSocket and with one that goes silent, an hour after which the clock goes back.
fn went_back(life: Life, by: u64) -> (Clocked, ConnId, ConnId) {
    let mut room = Clocked::new(absorbing());
    let (alive, silent) = (room.client(), room.client());
    for _ in 0..10 {
        room.pass(INTERVAL);
        room.now = room.now + Millis(500);
        assert_eq!((room.pings(alive), room.pings(silent)), (1, 1));
        room.now = room.now.before(Millis(500));
    }
    room.now = room.now + Millis(12_000);
    if life == Life::Awake {
        room.back(by);
    } else {
        room.set_back(by);
        room.restart();
    }
    if life != Life::Hibernated {
        room.input(Input::Text { conn: alive, text: r#"42["hello"]"# });
    }
    (room, alive, silent)
}

#[test]
fn heartbeats_go_on_when_the_clock_goes_back() {
    for life in LIVES {
        for by in [101, 700, 10_000, 30_000, HOUR] {
            let (mut room, alive, _) = went_back(life, by);
            let mut pings = 0;
            for round in 0..10 {
                let woken = room.pass(INTERVAL);
                assert!((1..=2).contains(&woken), "{life:?} {by}: {woken} wake-ups in an interval");
                let now = room.pings(alive);
                assert!(now <= 1, "{life:?} {by}: no flood");
                assert!(now == 1 || round == 0, "{life:?} {by}: silence in interval {round}");
                pings += now;
            }
            assert!(pings >= 9 && !room.closed.contains(&alive), "{life:?} {by}");
        }
    }
}

#[test]
fn who_is_silent_after_the_clock_went_back_is_closed_in_time() {
    for life in [Life::Awake, Life::Restored] {
        for by in [700, 30_000, HOUR] {
            let (mut room, alive, silent) = went_back(life, by);
            // Two intervals and the timeout after the last pong, and up to an interval until the next heartbeat. The time of a
            // pong may seem later than it was by as much as the clock went back, if it isn't taken for one that lies ahead.
            for _ in 0..(2 * INTERVAL + TIMEOUT) / INTERVAL + 1 + 2 {
                room.pass(INTERVAL);
                room.pings(alive);
            }
            assert_eq!(room.closed, [silent], "{life:?} {by}");
            assert_eq!(room.log.take(), ["ping timeout"], "{life:?} {by}");
        }
    }
}

#[test]
fn a_polling_client_is_pinged_and_given_up_in_time_when_the_clock_goes_back() {
    for by in [700, 30_000, HOUR] {
        let mut room = Clocked::new(absorbing());
        room.now = room.now + Millis(1_000);
        let (sid, mut get) = room.polling();
        for _ in 0..10 {
            room.pass(INTERVAL);
            assert_eq!(room.replies.remove(&get).map(|reply| reply.text().to_owned()), Some("2".to_owned()), "{by}");
            room.post(&sid, "3");
            get = room.get(&sid);
            room.back(by);
        }
        // It fetches the next ping and says no more.
        while !room.replies.contains_key(&get) {
            room.pass(10);
        }
        room.back(by);
        room.pass(TIMEOUT - 10);
        assert_eq!(room.log.take(), [""; 0], "{by}");
        room.pass(10);
        assert_eq!(room.log.take(), ["ping timeout"], "{by}");
    }
}

#[test]
fn sessions_with_deadlines_of_their_own_keep_them_when_the_clock_goes_back() {
    let mut room = Clocked::new(fast());
    let conn = room.client();
    room.pass(200);
    room.back(HOUR);
    room.pass(99);
    assert_eq!(room.frames(conn), [""; 0]);
    room.pass(1);
    assert_eq!(room.frames(conn), ["2"], "300 ms after the open");
    room.back(HOUR);
    room.pass(199);
    assert_eq!(room.closed, []);
    room.pass(1);
    assert_eq!(room.closed, [conn], "200 ms after the ping");
}

#[test]
fn a_client_of_revision_3_keeps_its_deadline_when_the_clock_goes_back_during_a_nap() {
    let mut room = Clocked::new(Config { allow_eio3: true, ..absorbing() });
    let conn = room.request("GET", "EIO=3&transport=websocket", true);
    room.pass(10_000);
    room.set_back(HOUR);
    room.restart();
    room.pass(1);
    room.input(Input::Alarm);
    room.pass(INTERVAL + TIMEOUT);
    assert_eq!(room.closed, [conn], "it hasn't pinged for an interval and the timeout");
}

#[test]
fn the_connect_timeout_is_kept_when_the_clock_goes_back() {
    let mut room = Clocked::new(plain());
    let conn = room.request("GET", WEBSOCKET, true);
    room.pass(40_000);
    room.back(HOUR);
    room.pass(4_999);
    assert_eq!(room.closed, []);
    room.pass(1);
    assert_eq!(room.closed, [conn], "C7: 45 s");
}

#[test]
fn a_timeout_of_the_app_is_kept_when_the_clock_goes_back() {
    for by in [101, 5_000, HOUR] {
        let mut room = Clocked::new(plain());
        let conn = room.client();
        room.input(Input::Text { conn, text: r#"42["timeout",10000]"# });
        room.pass(4_000);
        room.back(by);
        room.pass(5_999);
        assert_eq!(room.log.take(), [""; 0], "{by}");
        room.pass(1);
        assert_eq!(room.log.take(), [format!("rung at {}", room.now.0)], "{by}");
        room.pass(HOUR / 60);
        assert_eq!(room.log.borrow().iter().filter(|line| line.contains("rung")).count(), 0, "{by}: once");
    }
}

#[test]
fn a_stored_timer_keeps_to_the_clock() {
    let mut room = Clocked::new(plain());
    let conn = room.client();
    room.input(Input::Text { conn, text: r#"42["schedule",10000]"# });
    let at = room.now + Millis(10_000);
    room.pass(4_000);
    room.back(30_000);
    room.pass(36_000);
    assert_eq!(room.log.take(), [format!("rung at {}", at.0)]);
}

#[test]
fn a_client_that_reads_is_not_taken_for_one_that_does_not_when_the_clock_goes_back() {
    let mut room = Clocked::new(Config { max_buffered: 10_000, ..absorbing() });
    let conn = room.client();
    for round in 0..60 {
        room.input(Input::Text { conn, text: r#"42["more"]"# });
        if round % 2 == 0 {
            room.back(HOUR);
        }
        room.now = room.now + Millis(100);
        room.pings(conn);
    }
    assert_eq!(room.closed, []);
}

#[test]
fn a_clock_that_jumps_ahead_by_an_hour_leaves_nothing_undone_and_does_nothing_twice() {
    for life in LIVES {
        let mut room = Clocked::new(Config { recovery: Millis(120_000), ..absorbing() });
        let conn = room.client();
        // A restart would lose its GET.
        let get = (life == Life::Awake).then(|| room.polling().1);
        room.input(Input::Text { conn, text: r#"42["schedule",10000]"# });
        room.log.take();
        if life != Life::Awake {
            room.restart();
        }
        if life == Life::Restored {
            room.input(Input::Text { conn, text: r#"42["hello"]"# });
        }
        room.now = room.now + Millis(HOUR);
        room.pass(0);
        room.pass(TIMEOUT + 2 * INTERVAL);
        assert_eq!(room.closed, [conn], "{life:?}: who hasn't answered for an hour is gone");
        assert!(get.is_none_or(|get| room.replies.contains_key(&get)), "nobody's GET waits for ever");
        let rung = room.log.take().iter().filter(|line| line.starts_with("rung")).count();
        assert_eq!(rung, 1, "{life:?}");
        // The room goes on as ever.
        let next = room.client();
        for _ in 0..4 {
            assert!(room.pass(INTERVAL) <= 2, "{life:?}");
            assert!(room.pings(next) <= 1, "{life:?}");
        }
        assert_eq!(room.closed, [conn], "{life:?}");
    }
}

/// More than 31 bits of milliseconds: what a timer of JavaScript takes for 1 ms.
const FAR: u64 = 3_000_000_000;

#[test]
fn a_timer_of_3_000_000_000_ms_comes_then_and_not_before() {
    for kind in ["timeout", "schedule"] {
        let mut room = Clocked::new(plain());
        let conn = room.client();
        let text = format!(r#"42["{kind}",{FAR}]"#);
        room.input(Input::Text { conn, text: &text });
        let at = room.now + Millis(FAR);
        room.input(Input::Closed { conn, failed: false });
        room.memory.close_socket(conn);
        room.log.take();
        let wanted = if kind == "timeout" { room.server.next_tick() } else { room.server.next_wake(room.now) };
        assert_eq!(wanted, Some(at), "{kind}");
        // Whoever can't wait for so long comes early, time and again.
        for _ in 0..10 {
            room.now = room.now + Millis(1 << 28);
            let turns = room.turns;
            room.input(Input::Tick);
            room.input(Input::Alarm);
            assert_eq!(room.turns, turns + 2, "{kind}: no more turns than inputs");
        }
        assert_eq!(room.log.take(), [""; 0], "{kind}");
        let left = at.0 - room.now.0;
        assert!(room.pass(left) <= 3, "{kind}");
        assert_eq!(room.log.take(), [format!("rung at {}", at.0)], "{kind}");
    }
}

#[test]
fn a_timer_beyond_all_time_is_never_due() {
    for kind in ["timeout", "schedule"] {
        let mut room = Clocked::new(plain());
        let conn = room.client();
        let text = format!(r#"42["{kind}",{}]"#, u64::MAX);
        room.input(Input::Text { conn, text: &text });
        room.pass(HOUR / 100);
        assert_eq!(room.log.take(), [""; 0], "{kind}");
        room.restart();
        room.input(Input::Tick);
        assert_eq!(room.log.take(), [""; 0], "{kind}");
    }
}
