//! A pseudo-random walk through all that changes what clients have left unread: the sum that [`Engine`] keeps is that of its
//! sessions after each turn, and stays within its bound.

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::rc::Rc;

use super::session::Session;
use super::{Engine, Event, Reason};
use crate::config::Config;
use crate::database::{Database, DatabaseError, Row, Value};
use crate::host::{HibernatedSocket, Host};
use crate::ids::{ConnId, Entropy, Millis, Sid};
use crate::outbox::{BodyError, Effect, Frame, Input, Request};

const INTERVAL: Millis = Millis(25_000);

/// A runtime that knows when pongs came.
#[derive(Default)]
struct Pongs {
    drawn: Cell<u64>,
    last: RefCell<BTreeMap<ConnId, Millis>>,
}

impl Entropy for Pongs {
    fn fill(&self, bytes: &mut [u8]) {
        self.drawn.set(self.drawn.get() + 1);
        for (byte, digit) in bytes.iter_mut().zip(self.drawn.get().to_be_bytes().into_iter().rev()) {
            *byte = digit;
        }
    }
}

impl Database for Pongs {
    fn query(&self, _: &str, _: &[Value<'_>]) -> Result<Vec<Row>, DatabaseError> {
        Ok(Vec::new())
    }

    fn execute_batch(&self, _: &str) -> Result<(), DatabaseError> {
        Ok(())
    }

    fn atomically(&self, run: &mut dyn FnMut() -> bool) -> Result<(), DatabaseError> {
        run();
        Ok(())
    }
}

impl Host for Pongs {
    fn hibernated(&self) -> Vec<HibernatedSocket> {
        Vec::new()
    }

    fn last_pong(&self, conn: ConnId) -> Option<Millis> {
        self.last.borrow().get(&conn).copied()
    }

    fn attachment(&self, _: ConnId) -> Option<String> {
        None
    }

    fn warn(&self, _: &str) {}
}

/// The walk.
struct Walk {
    config: Config,
    engine: Engine,
    host: Rc<Pongs>,
    now: Millis,
    random: u64,
    conns: u64,
    /// The sessions that were opened, of which many have ended.
    sids: Vec<Sid>,
    /// Requests that wait, and WebSockets.
    open: Vec<ConnId>,
    /// What happened how often.
    counts: BTreeMap<&'static str, usize>,
}

impl Walk {
    fn new(seed: u64, absorbing: bool) -> Self {
        let config = Config {
            ping_interval: if absorbing { INTERVAL } else { Millis(900) },
            ping_timeout: Millis(5_000),
            max_buffered: 20_000,
            max_room_buffered: 60_000,
            max_turn_packets: 8,
            allow_eio3: true,
            ..Config::default()
        };
        let host = Rc::new(Pongs::default());
        let engine = Engine::new(config.clone(), host.clone());
        let (sids, open, counts) = Default::default();
        let random = 0x9e37_79b9_7f4a_7c15 ^ seed;
        Self { config, engine, host, now: Millis(1_700_000_000_000), random, conns: 0, sids, open, counts }
    }

    /// Marsaglia's xorshift64, below `end`.
    fn below(&mut self, end: usize) -> usize {
        self.random ^= self.random << 13;
        self.random ^= self.random >> 7;
        self.random ^= self.random << 17;
        usize::try_from(self.random >> 33).unwrap_or_default() % end.max(1)
    }

    fn sid(&mut self) -> Option<Sid> {
        let at = self.below(self.sids.len());
        self.sids.get(at).cloned()
    }

    fn conn(&mut self) -> Option<ConnId> {
        let at = self.below(self.open.len());
        self.open.get(at).copied()
    }

    fn count(&mut self, what: &'static str) {
        *self.counts.entry(what).or_default() += 1;
    }

    fn sum(&self) -> usize {
        self.engine.sessions.values().map(Session::unread).sum()
    }

    /// One turn. What the layer above sends, and whom it closes, depends on chance.
    fn turn(&mut self, input: Option<Input<'_>>) {
        self.engine.begin(self.now);
        self.engine.handle(input.unwrap_or(Input::Tick));
        while let Some(event) = self.engine.poll() {
            match event {
                Event::Handshake { .. } => self.engine.admit(Vec::new()),
                Event::Opened { sid, .. } => self.sids.push(sid),
                Event::Message { sid, .. } if self.below(40) == 0 => _ = self.engine.close(&sid),
                Event::Message { sid, .. } => self.send(&sid),
                Event::Closed { reason: Reason::TransportError, .. } => self.count("transport error"),
                Event::Closed { .. } => self.count("closed"),
                Event::Changed { .. } => self.count("upgraded"),
                Event::Refused { .. } => {}
            }
        }
        if input.is_some() {
            self.command();
        }
        for effect in self.engine.finish() {
            match effect {
                Effect::Respond { conn, .. } | Effect::Close { conn, .. } => self.open.retain(|open| *open != conn),
                _ => {}
            }
        }
        assert_eq!(self.engine.unread(), self.sum(), "after {:?}", self.counts);
    }

    /// A turn, and those that are due at once.
    fn input(&mut self, input: Input<'_>) {
        self.turn(Some(input));
        for _ in 0..100 {
            let wanted = [self.engine.next_tick(), self.engine.next_wake(self.now)].into_iter().flatten().min();
            if wanted.is_none_or(|at| at > self.now) {
                let most = self.config.max_room_buffered;
                assert!(self.engine.unread() <= most, "{} of {most}", self.engine.unread());
                return;
            }
            self.turn(None);
        }
        unreachable!("the engine wants turns without an end");
    }

    fn send(&mut self, sid: &Sid) {
        let frame = Frame::Text("x".repeat(1 + self.below(4_000)).into());
        self.engine.send(sid, frame);
    }

    /// Something that the layer above does by itself.
    fn command(&mut self) {
        let Some(sid) = self.sid() else {
            return;
        };
        match self.below(30) {
            0 => _ = self.engine.close(&sid),
            1..4 => _ = self.engine.send_volatile(&sid, &[Frame::Text("volatile".into())]),
            4..12 => self.send(&sid),
            12 => {
                for sid in self.sids.clone() {
                    self.send(&sid);
                }
            }
            _ => {}
        }
    }

    fn request(&mut self, method: &str, query: &str, upgrade: bool) -> ConnId {
        self.conns += 1;
        let conn = ConnId(self.conns);
        self.open.push(conn);
        self.input(Input::Request { conn, request: Request { method, query, upgrade, ..Request::default() } });
        conn
    }

    fn step(&mut self) {
        let revision = if self.below(6) == 0 { 3 } else { 4 };
        match self.below(22) {
            0 | 1 => _ = self.request("GET", &format!("EIO={revision}&transport=polling"), false),
            2 => _ = self.request("GET", &format!("EIO={revision}&transport=websocket"), true),
            3..8 => self.of_session("GET", "polling"),
            8 | 9 => self.of_session("POST", "polling"),
            10 | 11 => self.of_session("GET", "websocket"),
            12..14 => self.text(),
            14 => self.gone(),
            15..18 => self.pong(),
            18 => self.restore(),
            19 => {
                self.now = self.now + Millis(1 + self.below(9_000) as u64);
                self.input(Input::Alarm);
            }
            20 if self.below(20) == 0 => {
                self.now = self.now.before(Millis(3_600_000));
                self.input(Input::Tick);
            }
            _ => {
                self.now = self.now + Millis(1);
                self.input(Input::Tick);
            }
        }
    }

    /// A request of a session; a WebSocket goes on with its upgrade, or only with a part of it.
    fn of_session(&mut self, method: &str, transport: &str) {
        let Some(sid) = self.sid() else {
            return;
        };
        let revision =
            self.engine.revision(&sid).map_or(4, |revision| if revision == super::Revision::V3 { 3 } else { 4 });
        let query = format!("EIO={revision}&transport={transport}&sid={}", sid.as_str());
        let conn = self.request(method, &query, transport == "websocket");
        if transport == "websocket" {
            for text in ["2probe", "5"].into_iter().take(self.below(8)) {
                self.input(Input::Text { conn, text });
            }
        } else if method == "POST" {
            let packets: Vec<_> = (0..1 + self.below(30)).map(|_| "4message").collect();
            let body = match self.below(10) {
                0 => "1".to_owned(),
                1 => "nonsense".to_owned(),
                2 | 3 => "3".to_owned(),
                _ if revision == 3 => packets.iter().map(|packet| format!("8:{packet}")).collect(),
                _ => packets.join("\u{1e}"),
            };
            let body = if self.below(20) == 0 { Err(BodyError::Aborted) } else { Ok(body.as_bytes()) };
            self.input(Input::Body { conn, body });
        }
    }

    fn text(&mut self) {
        let texts = ["4message", "3x", "3", "2", "4more"];
        let (Some(conn), at) = (self.conn(), self.below(texts.len())) else {
            return;
        };
        self.input(Input::Text { conn, text: texts[at] });
    }

    fn gone(&mut self) {
        if let Some(conn) = self.conn() {
            self.open.retain(|open| *open != conn);
            self.input(Input::Aborted { conn });
        }
    }

    fn pong(&mut self) {
        if let Some(conn) = self.conn() {
            self.host.last.borrow_mut().insert(conn, self.now);
        }
    }

    /// The object loses its memory: WebSockets are restored, and nothing of what is in flight is known.
    fn restore(&mut self) {
        if self.below(10) > 0 {
            return;
        }
        let sockets: Vec<_> =
            self.sids.iter().filter_map(|sid| Some((sid.clone(), self.engine.socket(sid)?))).collect();
        self.engine = Engine::new(self.config.clone(), self.host.clone());
        self.engine.begin(self.now);
        self.open = sockets.iter().map(|(_, (conn, _))| *conn).collect();
        for (sid, (conn, state)) in sockets {
            self.engine.restore(sid, conn, state);
        }
        self.input(Input::Tick);
        self.count("restored");
    }
}

#[test]
fn the_sum_of_what_is_unread_is_right_and_within_its_bound_whatever_happens() {
    let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
    for seed in 0..40 {
        let mut walk = Walk::new(seed, seed % 4 > 0);
        for _ in 0..600 {
            walk.step();
        }
        // In the end all leave, those that were closed and not told as well.
        for sid in walk.sids.clone() {
            walk.engine.begin(walk.now);
            walk.engine.close(&sid);
            walk.turn(None);
        }
        walk.now = walk.now + walk.config.close_timeout;
        walk.input(Input::Alarm);
        assert_eq!((walk.engine.session_count(), walk.engine.unread()), (0, 0), "seed {seed}");
        for (what, count) in walk.counts {
            *counts.entry(what).or_default() += count;
        }
    }
    for what in ["transport error", "closed", "upgraded", "restored"] {
        assert!(counts.get(what).is_some_and(|count| *count > 20), "too few of {what:?} in {counts:?}");
    }
}
