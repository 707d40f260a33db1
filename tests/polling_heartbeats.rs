//! Heartbeats of clients that poll, where the runtime absorbs the pongs of WebSockets: all are pinged together, and what a
//! room of them costs grows with their number (HB1, HB3, HB4).

#![allow(clippy::indexing_slicing, reason = "an index out of bounds here is a failed test")]

mod support;

use roomcast::config::Config;
use roomcast::ids::{ConnId, Millis};
use support::{Recorder, Room, plain};

const INTERVAL: u64 = 25_000;
const TIMEOUT: u64 = 60_000;

/// Clients that do nothing but answer pings.
#[derive(Default)]
struct Idle {
    /// Session and pending GET, and when the client last heard of the server.
    polling: Vec<(String, ConnId, Millis)>,
    websockets: Vec<(ConnId, Millis)>,
}

fn config(interval: u64, timeout: u64) -> Config {
    Config { ping_interval: Millis(interval), ping_timeout: Millis(timeout), ..plain() }
}

fn room_in(config: Config) -> (Recorder, Room) {
    let app = Recorder::default();
    let mut room = app.room(config);
    room.sleep(1_000);
    (app, room)
}

impl Idle {
    fn join(room: &mut Room, polling: usize, websockets: usize) -> Self {
        let mut own = Self::default();
        for _ in 0..polling {
            own.add_polling(room);
        }
        for _ in 0..websockets {
            let conn = room.client().0;
            own.websockets.push((conn, room.now()));
        }
        own
    }

    fn add_polling(&mut self, room: &mut Room) -> String {
        let sid = room.open_polling();
        let id = room.join_polling(&sid);
        let get = room.get(&sid);
        self.polling.push((sid, get, room.now()));
        id
    }

    /// Each client answers what has come, as the stock client does: first it polls again, then it sends its pong. Gives how
    /// many pings there were.
    fn answer(&mut self, room: &mut Room) -> usize {
        let now = room.now();
        let mut pings = 0;
        for (sid, get, heard) in &mut self.polling {
            let Some(reply) = room.answer(*get) else {
                continue;
            };
            assert_eq!(reply.text(), "2", "a session that is pinged, and not closed");
            *get = room.get(sid);
            assert_eq!(room.post(sid, "3").status, 200);
            *heard = now;
            pings += 1;
        }
        for (conn, heard) in &mut self.websockets {
            let frames = room.frames(*conn);
            if frames.iter().any(|frame| frame == "2") {
                room.text(*conn, "3");
                *heard = now;
                pings += frames.len();
            }
        }
        pings
    }

    /// Nobody has waited for longer than this for a ping.
    fn assert_patient(&self, room: &Room, most: u64, what: &str) {
        let heard = self.polling.iter().map(|(.., heard)| heard).chain(self.websockets.iter().map(|(_, heard)| heard));
        for heard in heard {
            assert!(room.now().0 - heard.0 <= most, "{what}: a client waits for {} ms", room.now().0 - heard.0);
        }
    }
}

/// Lets so much time pass in small steps, with all answering at once; gives how often the alarm rang.
fn live(room: &mut Room, idle: &mut Idle, millis: u64) -> usize {
    const STEP: u64 = 500;
    (0..millis / STEP)
        .map(|_| {
            let rings = room.pass(STEP);
            idle.answer(room);
            rings
        })
        .sum()
}

#[test]
fn the_turns_of_an_interval_grow_with_the_number_of_idle_clients() {
    let turns = |polling, websockets| {
        let (_, mut room) = room_in(config(INTERVAL, TIMEOUT));
        let mut idle = Idle::join(&mut room, polling, websockets);
        live(&mut room, &mut idle, INTERVAL);
        let before = room.turns();
        let rings = live(&mut room, &mut idle, 4 * INTERVAL);
        assert_eq!(rings, 4, "{polling} and {websockets}: the room is woken once an interval");
        (room.turns() - before) / 4
    };
    // The alarm; and for each that polls the GET, the POST and its body. WebSockets cost no turn.
    for polling in [1, 50, 100, 400] {
        assert_eq!(turns(polling, 0), 1 + 3 * polling as u64, "{polling} polling clients");
    }
    assert_eq!(turns(0, 100), 1);
    assert_eq!(turns(50, 50), 1 + 3 * 50);
}

#[test]
fn clients_that_came_at_any_time_are_pinged_together() {
    let (_, mut room) = room_in(config(INTERVAL, TIMEOUT));
    let mut idle = Idle::default();
    for _ in 0..20 {
        idle.add_polling(&mut room);
        room.pass(1_000);
        assert_eq!(idle.answer(&mut room), 0);
    }
    room.pass(3_999);
    assert_eq!(idle.answer(&mut room), 0);
    for _ in 0..3 {
        assert_eq!(room.pass(1), 1);
        assert_eq!(idle.answer(&mut room), 20);
        assert_eq!(room.pass(INTERVAL - 1), 0, "one wake-up for all");
    }
}

/// Intervals and timeouts: the defaults, one and a half intervals, the reference's, and timeouts far below and far above the interval.
const SETTINGS: [(u64, u64); 7] = [
    (INTERVAL, TIMEOUT),
    (25_000, 40_000),
    (25_000, 20_000),
    (25_000, 24_000),
    (25_000, 1_000),
    (10_000, 500),
    (2_000, 30_000),
];

#[test]
fn hb4_nobody_waits_for_a_ping_for_longer_than_interval_and_timeout() {
    for (interval, timeout) in SETTINGS {
        let (_, mut room) = room_in(config(interval, timeout));
        let mut idle = Idle::default();
        let what = format!("{interval}/{timeout}");
        for step in 0..8 * interval / 100 {
            if step % 7 == 0 && step < 2 * interval / 100 {
                idle.add_polling(&mut room);
                let conn = room.client().0;
                idle.websockets.push((conn, room.now()));
            }
            room.pass(100);
            idle.answer(&mut room);
            idle.assert_patient(&room, interval + timeout, &what);
        }
        assert!(idle.websockets.iter().all(|(conn, _)| room.is_open(*conn)), "{what}");
        assert!(idle.polling.iter().all(|(sid, ..)| room.knows(sid)), "{what}");
    }
}

#[test]
fn hb4_a_client_whose_pongs_are_slow_is_pinged_in_time_too() {
    const STEP: u64 = 50;
    for (interval, timeout) in SETTINGS {
        for delay in [4, 8, 12, 14, 16, 17, 18, 19].map(|part| timeout * part / 20 / STEP * STEP) {
            let (_, mut room) = room_in(config(interval, timeout));
            let sid = room.open_polling();
            room.join_polling(&sid);
            let socket = room.client().0;
            let mut get = room.get(&sid);
            // When each was pinged last, and when their pongs arrive.
            let mut pinged = [room.now(); 2];
            let mut pongs: [Vec<Millis>; 2] = Default::default();
            let what = format!("{interval}/{timeout}, pongs after {delay}");
            for _ in 0..(6 * (interval + timeout)) / STEP {
                room.pass(STEP);
                let now = room.now();
                if let Some(reply) = room.answer(get) {
                    assert_eq!(reply.text(), "2", "{what}");
                    get = room.get(&sid);
                    pinged[0] = now;
                    pongs[0].push(now + Millis(delay));
                }
                if !room.frames(socket).is_empty() {
                    pinged[1] = now;
                    pongs[1].push(now + Millis(delay));
                }
                let due = |pongs: &mut Vec<Millis>| pongs.extract_if(.., |at| *at <= now).count();
                if due(&mut pongs[0]) > 0 {
                    assert_eq!(room.post(&sid, "3").status, 200, "{what}");
                }
                if due(&mut pongs[1]) > 0 {
                    room.text(socket, "3");
                }
                for (at, kind) in pinged.iter().zip(["polling", "WebSocket"]) {
                    assert!(now.0 - at.0 <= interval + timeout, "{what}: {kind} waits for {} ms", now.0 - at.0);
                }
            }
            assert!(room.is_open(socket) && room.knows(&sid), "{what}");
        }
    }
}

#[test]
fn hb3_a_silent_client_is_closed_when_its_time_is_over_and_the_others_stay() {
    for (interval, timeout) in SETTINGS {
        let (app, mut room) = room_in(config(interval, timeout));
        let mut idle = Idle::join(&mut room, 5, 5);
        let sid = room.open_polling();
        let silent = room.join_polling(&sid);
        app.log();
        // It fetches its ping and then waits.
        let what = format!("{interval}/{timeout}");
        let get = room.get(&sid);
        let mut waited = 0;
        while room.answer(get).is_none() {
            room.pass(100);
            idle.answer(&mut room);
            waited += 100;
            assert!(waited <= interval, "{what}");
        }
        let mut left = timeout;
        while left > 100 {
            room.pass(100);
            idle.answer(&mut room);
            left -= 100;
            assert_eq!(app.log(), [""; 0], "{what}: {left} ms are left");
        }
        room.pass(100);
        assert_eq!(app.log(), [format!("disconnected / {silent} ping timeout")], "{what}");
        idle.answer(&mut room);
        assert!(!room.knows(&sid) && idle.polling.iter().all(|(sid, ..)| room.knows(sid)), "{what}");
    }
}

#[test]
fn hb3_a_client_that_fetches_nothing_is_closed_as_soon_as_one_that_does() {
    let (app, mut room) = room_in(config(INTERVAL, TIMEOUT));
    let sid = room.open_polling();
    let id = room.join_polling(&sid);
    app.log();
    room.pass(INTERVAL - 1_000 + TIMEOUT - 1);
    assert_eq!(app.log(), [""; 0]);
    room.pass(1);
    assert_eq!(app.log(), [format!("disconnected / {id} ping timeout")]);
}

#[test]
fn wake_ups_are_one_an_interval_or_two_where_the_timeout_is_shorter() {
    for (interval, timeout) in SETTINGS {
        let (_, mut room) = room_in(config(interval, timeout));
        let mut idle = Idle::join(&mut room, 20, 20);
        live(&mut room, &mut idle, 2 * interval);
        let rings = live(&mut room, &mut idle, 10 * interval);
        // The pong that was due by then has come; the alarm that was set for it rings nevertheless.
        let most = if timeout < interval { 20 } else { 10 };
        assert!((10..=most).contains(&rings), "{interval}/{timeout}: {rings}");
    }
}
