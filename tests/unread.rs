//! How much clients may leave unread: one of them, and all of a room together. Beyond it, the greediest are closed.

mod support;

use roomcast::config::Config;
use roomcast::ids::{ConnId, Millis};
use roomcast::outbox::Input;
use serde_json::json;
use support::{Log, Room, Traveller, logging, note, plain};

/// What all may leave unread together.
const ROOM: usize = 100_000;
/// What one may.
const CLIENT: usize = 60_000;
/// The least event: its header, its name and what stands around them.
const FRAME: usize = r#"42["fill",""]"#.len();

fn config() -> Config {
    Config { max_room_buffered: ROOM, max_buffered: CLIENT, ..plain() }
}

/// Somebody who leaves unread what it is sent.
struct Hoarder {
    id: String,
    /// Its WebSocket; `None` where it polls.
    conn: Option<ConnId>,
    sid: Option<String>,
}

struct Scene {
    log: Log,
    room: Room,
    /// Has somebody be sent something, and reads what comes.
    teller: ConnId,
}

fn scene(config: Config) -> Scene {
    let (log, mut room) = logging(config, |app| {
        app.on("fill", |socket, (whom, bytes): (String, usize)| socket.io.to(whom).emit("fill", &"x".repeat(bytes)))
            .on("fill-others", |socket, bytes: usize| socket.broadcast().emit("fill", &"x".repeat(bytes)))
            .on("kick", |socket, (whom, close): (String, bool)| {
                socket.io.to(whom).disconnect_sockets(close);
            })
            .on_disconnect(|room, departed| {
                note(room.app, format!("{} {}", departed.id, departed.reason.as_str()));
                Ok(())
            })
    });
    room.sleep(1_000);
    let (teller, _) = room.client();
    Scene { log, room, teller }
}

impl Scene {
    fn polling(&mut self) -> Hoarder {
        let sid = self.room.open_polling();
        let id = self.room.join_polling(&sid);
        Hoarder { id, conn: None, sid: Some(sid) }
    }

    fn websocket(&mut self) -> Hoarder {
        let (conn, id) = self.room.client();
        self.read(&Hoarder { id: id.clone(), conn: Some(conn), sid: None });
        Hoarder { id, conn: Some(conn), sid: None }
    }

    fn hoarders(&mut self, websockets: bool, count: usize) -> Vec<Hoarder> {
        (0..count).map(|_| if websockets { self.websocket() } else { self.polling() }).collect()
    }

    /// Sends so many bytes to somebody, who doesn't read them.
    fn fill(&mut self, hoarder: &Hoarder, bytes: usize) {
        self.room.sleep(1);
        self.room.emit(self.teller, &json!(["fill", hoarder.id, bytes - FRAME]));
        // Closing is left to a turn of its own, which is due at once.
        self.room.pass(0);
    }

    /// A WebSocket's client reads all, and answers what pings are in it.
    fn read(&mut self, hoarder: &Hoarder) {
        if let Some(conn) = hoarder.conn {
            self.room.sleep(1);
            if self.room.frames(conn).iter().any(|frame| frame == "2") {
                self.room.text(conn, "3");
            }
        } else if let Some(sid) = &hoarder.sid {
            self.room.poll(sid);
        }
    }

    /// Who was closed since last asked.
    fn closed(&self) -> Vec<String> {
        let log = self.log.take();
        log.iter().map(|line| line.strip_suffix(" transport error").unwrap_or(line).to_owned()).collect()
    }
}

#[test]
fn the_greediest_are_closed_when_all_together_leave_too_much_and_the_others_stay() {
    for websockets in [false, true] {
        let mut s = scene(config());
        let hoarders = s.hoarders(websockets, 5);
        for (hoarder, thousands) in hoarders.iter().zip([30, 25, 20, 15, 9]) {
            s.fill(hoarder, thousands * 1_000);
        }
        assert_eq!(s.closed(), [""; 0], "99 kB of 100");
        s.fill(&hoarders[4], 500);
        assert_eq!(s.closed(), [""; 0], "99.5 kB");
        s.fill(&hoarders[4], 5_000);
        assert_eq!(s.closed(), [hoarders[0].id.clone()], "104.5 kB: the one with 30 goes");
        // 74.5 kB are left.
        s.fill(&hoarders[3], 25_000);
        assert_eq!(s.closed(), [""; 0]);
        s.fill(&hoarders[4], 2_000);
        assert_eq!(s.closed(), [hoarders[3].id.clone()], "101.5 kB: now it is the one with 40");
        s.fill(&hoarders[2], 20_000);
        assert_eq!(s.closed(), [""; 0]);
    }
}

#[test]
fn as_many_are_closed_as_it_takes_and_no_more() {
    let mut s = scene(Config { max_buffered: ROOM, ..config() });
    let hoarders = s.hoarders(false, 4);
    for (hoarder, thousands) in hoarders.iter().zip([10, 40, 45]) {
        s.fill(hoarder, thousands * 1_000);
    }
    s.fill(&hoarders[3], 95_000);
    assert_eq!(s.closed(), [hoarders[3].id.clone()], "without it, 95 kB are left");
}

#[test]
fn who_takes_what_it_is_sent_is_never_closed_for_others() {
    for websockets in [false, true] {
        let mut s = scene(config());
        let [reader, hoarder] = [s.polling(), if websockets { s.websocket() } else { s.polling() }];
        s.fill(&hoarder, 45_000);
        for _ in 0..20 {
            s.fill(&reader, 50_000);
            s.read(&reader);
        }
        assert_eq!(s.closed(), [""; 0]);
    }
}

#[test]
fn websockets_are_asked_how_far_they_have_read_when_half_is_in_flight() {
    let mut s = scene(config());
    let hoarders = s.hoarders(true, 3);
    let pings = |s: &mut Scene, hoarder: &Hoarder| {
        let frames = s.room.frames(hoarder.conn.unwrap());
        frames.iter().filter(|frame| *frame == "2").count()
    };
    s.fill(&hoarders[0], 25_000);
    s.fill(&hoarders[1], 24_000);
    assert_eq!(hoarders.iter().map(|hoarder| pings(&mut s, hoarder)).sum::<usize>(), 0, "49 kB: less than half");
    s.fill(&hoarders[2], 5_000);
    let asked: Vec<_> = hoarders.iter().map(|hoarder| pings(&mut s, hoarder)).collect();
    assert_eq!(asked, [1, 1, 0], "who has most, until the others have a quarter");
    s.fill(&hoarders[2], 1_000);
    let asked: Vec<_> = hoarders.iter().map(|hoarder| pings(&mut s, hoarder)).collect();
    assert_eq!(asked, [0, 0, 0], "they were asked already");
    // They answer, and the room is as good as empty: others may leave much.
    for hoarder in &hoarders[..2] {
        s.room.sleep(1);
        s.room.text(hoarder.conn.unwrap(), "3");
    }
    let more = s.hoarders(false, 2);
    s.fill(&more[0], 45_000);
    s.fill(&more[1], 45_000);
    assert_eq!(s.closed(), [""; 0], "6 kB and 90");
    s.fill(&hoarders[2], 6_000);
    assert_eq!(s.closed().len(), 1);
}

#[test]
fn websockets_that_read_are_never_closed_however_much_they_get() {
    let mut s = scene(config());
    let readers = s.hoarders(true, 6);
    for round in 0..60 {
        s.fill(&readers[round % 6], 14_000);
        for reader in &readers {
            s.read(reader);
        }
    }
    assert_eq!(s.closed(), [""; 0]);
}

#[test]
fn the_limit_of_a_client_still_holds() {
    for websockets in [false, true] {
        let mut s = scene(Config { max_room_buffered: 1_000_000, ..config() });
        let [greedy, other] = [(); 2].map(|()| if websockets { s.websocket() } else { s.polling() });
        // The CONNECT packet of a WebSocket counts too.
        s.fill(&other, CLIENT - 300);
        for _ in 0..6 {
            s.fill(&greedy, (CLIENT - 300) / 6);
        }
        assert_eq!(s.closed(), [""; 0], "as much as a client may leave");
        s.fill(&greedy, 301);
        assert_eq!(s.closed(), [greedy.id]);
    }
}

#[test]
fn a_pong_that_reaches_the_object_proves_nothing_where_the_runtime_absorbs_them() {
    for lie in ["3x", "3", "3probe"] {
        let mut s = scene(config());
        let [liar, honest] = [s.websocket(), s.websocket()];
        let conn = liar.conn.unwrap();
        for _ in 0..12 {
            s.fill(&liar, 6_000);
            s.fill(&honest, 4_000);
            s.room.sleep(1);
            // Not by `text`, which has the runtime keep a `3`.
            s.room.input(Input::Text { conn, text: lie });
            s.read(&honest);
        }
        assert_eq!(s.closed(), [liar.id], "{lie:?}");
    }
}

#[test]
fn a_pong_proves_what_was_read_where_the_object_gets_them() {
    let mut s = scene(Config { ping_interval: Millis(900), ping_timeout: Millis(5_000), ..config() });
    let reader = s.websocket();
    for _ in 0..30 {
        s.fill(&reader, 14_000);
        s.read(&reader);
    }
    assert_eq!(s.closed(), [""; 0]);
    for _ in 0..5 {
        s.fill(&reader, 14_000);
    }
    assert_eq!(s.closed(), [reader.id]);
}

#[test]
fn what_a_closed_session_keeps_for_its_last_get_counts_too() {
    let mut s = scene(config());
    let hoarders = s.hoarders(false, 3);
    for hoarder in &hoarders[..2] {
        s.fill(hoarder, 45_000);
        s.room.emit(s.teller, &json!(["kick", hoarder.id, true]));
    }
    assert_eq!(s.closed().len(), 2);
    let sids: Vec<_> = hoarders.iter().map(|hoarder| hoarder.sid.clone().unwrap()).collect();
    assert!(sids.iter().all(|sid| s.room.knows(sid)), "the next GETs will be told");
    s.fill(&hoarders[2], 20_000);
    let known: Vec<_> = sids.iter().map(|sid| s.room.knows(sid)).collect();
    assert_eq!(known, [true, false, true], "one of the two makes room");
    assert_eq!(s.closed(), [""; 0], "and it isn't told twice that it is gone");
    assert!(s.room.poll(&sids[0]).ends_with("\u{1e}1"), "the other is told as ever");
}

#[test]
fn nothing_stays_counted_when_clients_leave_upgrade_come_back_or_are_closed() {
    let mut s = scene(Config { recovery: Millis(60_000), ..config() });
    for round in 0..30 {
        let hoarder = s.polling();
        s.fill(&hoarder, 30_000);
        let sid = hoarder.sid.clone().unwrap();
        match round % 6 {
            0 => assert_eq!(s.room.post(&sid, "1").status, 200),
            1 => _ = s.room.poll(&sid),
            2 => assert_eq!(s.room.post(&sid, "nonsense").status, 400),
            3 => {
                let conn = s.room.upgrade(&sid);
                s.room.hang_up(conn, true);
            }
            4 => {
                s.room.emit(s.teller, &json!(["kick", hoarder.id, true]));
                s.room.poll(&sid);
            }
            _ => {
                let mut traveller = Traveller::new(&mut s.room);
                s.fill(&Hoarder { id: traveller.id.clone(), conn: None, sid: None }, 20_000);
                traveller.blink(&mut s.room);
                s.room.hang_up(traveller.conn, false);
                assert_eq!(s.room.post(&sid, "1").status, 200);
            }
        }
    }
    s.log.take();
    let hoarders = s.hoarders(false, 2);
    s.fill(&hoarders[0], 49_000);
    s.fill(&hoarders[1], 50_000);
    assert_eq!(s.closed(), [""; 0], "the whole budget is there");
    s.fill(&hoarders[1], 2_000);
    assert_eq!(s.closed(), [hoarders[1].id.clone()], "and no more than that");
}

#[test]
fn what_is_in_flight_is_forgotten_with_the_objects_memory() {
    let mut s = scene(config());
    let hoarder = s.websocket();
    s.fill(&hoarder, 40_000);
    s.room.restart();
    s.fill(&hoarder, 55_000);
    assert_eq!(s.closed(), [""; 0]);
}

#[test]
fn who_was_closed_for_others_recovers_and_has_missed_nothing() {
    let mut s = scene(Config { recovery: Millis(60_000), ..config() });
    let mut travellers = [(); 5].map(|()| Traveller::new(&mut s.room));
    for traveller in &mut travellers {
        let hoarder = Hoarder { id: traveller.id.clone(), conn: None, sid: None };
        s.fill(&hoarder, 1_000);
        assert_eq!(traveller.events(&mut s.room).len(), 1);
        s.fill(&hoarder, 22_000);
    }
    let closed = s.closed();
    assert_eq!(closed.len(), 1, "115 kB");
    for traveller in &mut travellers {
        let was_closed = !s.room.is_open(traveller.conn);
        assert_eq!(was_closed, closed.contains(&traveller.id));
        if was_closed {
            // The runtime drops what was queued.
            assert_eq!(traveller.come_back(&mut s.room).len(), 1);
            assert!(traveller.recovered);
        }
    }
}

#[test]
fn a_client_of_revision_3_that_pings_and_reads_nothing_is_bounded_by_the_room() {
    let mut s = scene(Config { allow_eio3: true, ..config() });
    let conn = s.room.websocket("EIO=3&transport=websocket");
    let tell = |s: &mut Scene| {
        s.room.sleep(1);
        s.room.emit(s.teller, &json!(["fill-others", 40_000]));
        s.room.pass(0);
    };
    // One that reads all of it pings an interval after its last pong.
    for _ in 0..4 {
        tell(&mut s);
        s.room.pass(25_000);
        s.room.text(conn, "2");
    }
    assert!(s.room.is_open(conn), "what was sent before its last pong is read");
    // One that doesn't may ping as often as it likes.
    for _ in 0..8 {
        s.room.text(conn, "2");
        tell(&mut s);
    }
    assert!(!s.room.is_open(conn));
}
