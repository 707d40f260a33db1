//! Heartbeats of a room that sleeps: the runtime answers pongs in its stead, one alarm pings everybody (HB1, HB3, HB6).

mod support;

use roomcast::config::Config;
use roomcast::ids::{ConnId, Millis};
use roomcast::outbox::Input;
use support::{Recorder, Room, START, plain};

const INTERVAL: u64 = 25_000;
const TIMEOUT: u64 = 60_000;

/// A room in which the clock is a second past the common moment of pings.
fn room() -> (Recorder, Room) {
    let config = Config { ping_interval: Millis(INTERVAL), ping_timeout: Millis(TIMEOUT), ..plain() };
    let app = Recorder::default();
    let mut room = app.room(config);
    room.sleep(1_000);
    (app, room)
}

/// An interval in which these clients answer.
fn interval(room: &mut Room, alive: &[ConnId]) -> usize {
    let rings = room.pass(INTERVAL);
    for conn in alive {
        room.text(*conn, "3");
    }
    rings
}

#[test]
fn hb1_all_websockets_are_pinged_at_the_same_moment_but_for_those_just_heard_of() {
    let (_, mut room) = room();
    let mut conns = Vec::new();
    for _ in 0..5 {
        conns.push(room.client().0);
        room.pass(3_000);
    }
    // They came 1, 4, 7, 10 and 13 s after the last common moment; it is 16 s past it now.
    room.pass(8_999);
    assert!(conns.iter().all(|conn| room.frames(*conn).is_empty()));
    room.pass(1);
    assert!(conns[..4].iter().all(|conn| room.frames(*conn) == ["2"]));
    assert_eq!(room.frames(conns[4]), [""; 0], "it came less than half an interval ago");
    room.pass(INTERVAL);
    assert!(conns.iter().all(|conn| room.frames(*conn) == ["2"]));
}

#[test]
fn hb1_nobody_waits_much_longer_than_an_interval_for_a_ping() {
    // A client gives up after interval and timeout.
    for offset in (0..INTERVAL).step_by(500) {
        let (_, mut room) = room();
        room.pass(offset);
        let (conn, _) = room.client();
        for _ in 0..3 {
            room.pass(INTERVAL * 3 / 2);
            assert!(!room.frames(conn).is_empty(), "{offset} ms");
            room.text(conn, "3");
        }
    }
}

#[test]
fn an_idle_room_wakes_once_an_interval_however_many_are_in_it() {
    let (_, mut room) = room();
    let mut conns = Vec::new();
    let mut rings = 0;
    for _ in 0..40 {
        conns.push(room.client().0);
        rings += room.pass(100);
    }
    for _ in 0..20 {
        rings += interval(&mut room, &conns);
    }
    assert_eq!(rings, 20);
    assert!(conns.iter().all(|conn| room.is_open(*conn)));
}

#[test]
fn hb1_silence_is_noticed_by_the_times_of_pongs() {
    let (app, mut room) = room();
    let (silent, id) = room.client();
    let (alive, _) = room.client();
    for _ in 0..4 {
        interval(&mut room, &[silent, alive]);
    }
    app.log();
    // Its last pong came a second after a ping: two intervals and the timeout are over at the fifth ping from then.
    for _ in 0..4 {
        interval(&mut room, &[alive]);
        assert!(room.is_open(silent));
    }
    interval(&mut room, &[alive]);
    assert_eq!(room.close_code(silent), Some(None));
    assert_eq!(app.log(), [format!("disconnected / {id} ping timeout")]);
    assert!(room.is_open(alive));
}

#[test]
fn hb1_who_never_answers_at_all_is_noticed_too() {
    let (app, mut room) = room();
    let (conn, id) = room.client();
    app.log();
    room.pass(2 * INTERVAL + TIMEOUT - 1);
    assert!(room.is_open(conn));
    room.pass(INTERVAL);
    assert_eq!(room.close_code(conn), Some(None));
    assert_eq!(app.log(), [format!("disconnected / {id} ping timeout")]);
}

#[test]
fn hb6_a_late_alarm_blames_nobody() {
    let (app, mut room) = room();
    let (conn, _) = room.client();
    interval(&mut room, &[conn]);
    app.log();
    // The runtime may ring up to a minute late, and time and again.
    for _ in 0..10 {
        room.sleep(INTERVAL + 59_000);
        room.ring();
        assert_eq!(room.frames(conn).last().map(String::as_str), Some("2"));
        room.text(conn, "3");
    }
    assert!(room.is_open(conn));
    assert_eq!(app.log(), [""; 0]);
}

#[test]
fn hb6_messages_do_not_bring_the_ping_forward_nor_put_it_off() {
    let (_, mut room) = room();
    let (conn, _) = room.client();
    interval(&mut room, &[conn]);
    room.frames(conn);
    for _ in 0..23 {
        room.pass(1_000);
        room.text(conn, r#"42["busy"]"#);
    }
    assert_eq!(room.frames(conn), [""; 0]);
    room.pass(1_000);
    assert_eq!(room.frames(conn), ["2"]);
}

#[test]
fn a_pong_that_is_delivered_after_all_counts() {
    let (_, mut room) = room();
    let (conn, _) = room.client();
    for _ in 0..20 {
        room.pass(INTERVAL);
        room.input(Input::Text { conn, text: "3" });
    }
    assert!(room.is_open(conn));
}

#[test]
fn hb3_polling_sessions_are_pinged_together_and_each_has_a_deadline_for_its_pong() {
    let (app, mut room) = room();
    let (silent, alive) = (room.open_polling(), room.open_polling());
    let id = room.join_polling(&silent);
    room.join_polling(&alive);
    app.log();
    let get = room.get(&silent);
    // The room began 1 s after a heartbeat.
    room.pass(INTERVAL - 1_001);
    assert_eq!(room.answer(get), None);
    room.pass(1);
    assert_eq!(room.packets(get), "2");
    assert_eq!(room.poll(&alive), "2");
    room.post(&alive, "3");
    room.pass(TIMEOUT - 1);
    assert!(room.knows(&silent));
    room.pass(1);
    assert!(!room.knows(&silent));
    assert!(room.knows(&alive), "it was pinged at 50 s, and its pong is due at 110 s");
    assert_eq!(app.log(), [format!("disconnected / {id} ping timeout")]);
}

#[test]
fn an_early_alarm_pings_nobody() {
    let (_, mut room) = room();
    let (conn, _) = room.client();
    interval(&mut room, &[conn]);
    room.frames(conn);
    for _ in 0..23 {
        room.sleep(1_000);
        room.ring();
        room.ring();
    }
    assert_eq!(room.frames(conn), [""; 0]);
    room.pass(1_000);
    assert_eq!(room.frames(conn), ["2"], "and takes nothing away from the one that is due");
}

#[test]
fn an_early_alarm_pings_nobody_in_a_young_room() {
    let (_, mut room) = room();
    let (conn, _) = room.client();
    room.ring();
    assert_eq!(room.frames(conn), [""; 0]);
}

#[test]
fn who_comes_after_all_others_left_is_pinged_at_the_common_moment_and_not_before() {
    let (_, mut room) = room();
    let (first, _) = room.client();
    interval(&mut room, &[first]);
    room.hang_up(first, false);
    // Somebody who polls keeps the object in memory meanwhile.
    let sid = room.open_polling();
    room.join_polling(&sid);
    for _ in 0..4 {
        room.pass(INTERVAL);
        room.poll(&sid);
        room.post(&sid, "3");
    }
    let (second, _) = room.client();
    assert_eq!(room.pass(1_000), 0, "nothing is due");
    assert_eq!(room.frames(second), [""; 0]);
    assert_eq!(room.now().0 - START.0, 5 * INTERVAL + 2_000);
    room.pass(INTERVAL - 2_000);
    assert_eq!(room.frames(second), ["2"]);
}

#[test]
fn who_upgrades_long_after_opening_is_pinged_at_the_common_moment_and_not_before() {
    let (_, mut room) = room();
    let sid = room.open_polling();
    room.join_polling(&sid);
    for _ in 0..4 {
        room.pass(INTERVAL);
        room.poll(&sid);
        room.post(&sid, "3");
    }
    let conn = room.upgrade(&sid);
    assert_eq!(room.pass(1_000), 0, "nothing is due");
    room.pass(INTERVAL - 2_000);
    assert_eq!(room.frames(conn), ["2"]);
}
