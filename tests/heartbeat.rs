//! Heartbeats where each session has its own deadlines: short intervals, pongs that are delivered (HB1–HB3, HB6).

mod support;

use roomcast::config::Config;
use roomcast::ids::Millis;
use support::{Recorder, Room, fast, plain};

fn room(config: Config) -> (Recorder, Room) {
    let app = Recorder::default();
    (app.clone(), app.room(config))
}

#[test]
fn hb1_a_ping_comes_an_interval_after_the_open_and_silence_ends_the_session() {
    let (app, mut room) = room(fast());
    let (conn, id) = room.client();
    app.log();
    room.pass(299);
    assert_eq!(room.frames(conn), [""; 0]);
    room.pass(1);
    assert_eq!(room.frames(conn), ["2"]);
    room.pass(199);
    assert!(room.is_open(conn));
    room.pass(1);
    assert_eq!((room.close_code(conn), room.frames(conn)), (Some(None), vec![]));
    assert_eq!(app.log(), [format!("disconnected / {id} ping timeout")]);
}

#[test]
fn hb1_the_next_ping_follows_from_the_pong() {
    let (_, mut room) = room(fast());
    let (conn, _) = room.client();
    for _ in 0..5 {
        room.pass(300);
        assert_eq!(room.frames(conn), ["2"]);
        room.pass(150);
        room.text(conn, "3");
        room.pass(299);
        assert_eq!(room.frames(conn), [""; 0]);
        room.pass(1);
        assert_eq!(room.frames(conn), ["2"]);
        room.text(conn, "3");
    }
}

#[test]
fn hb2_only_a_pong_counts_as_a_sign_of_life() {
    let (app, mut room) = room(fast());
    let (conn, id) = room.client();
    app.log();
    for _ in 0..4 {
        room.pass(120);
        room.text(conn, r#"42["busy"]"#);
        room.text(conn, "6");
    }
    room.pass(20);
    assert_eq!(room.close_code(conn), Some(None), "at 500 as ever");
    assert_eq!(app.log().last(), Some(&format!("disconnected / {id} ping timeout")));
}

#[test]
fn hb2_a_pong_that_nobody_asked_for_starts_the_interval_anew_and_no_second_heartbeat() {
    let (_, mut room) = room(fast());
    let (conn, _) = room.client();
    for _ in 0..10 {
        room.pass(100);
        room.text(conn, "3");
    }
    assert_eq!(room.frames(conn), [""; 0]);
    room.pass(300);
    assert_eq!(room.frames(conn), ["2"], "one ping, however many pongs");
    room.pass(200);
    assert_eq!(room.close_code(conn), Some(None));
}

#[test]
fn hb3_a_polling_session_dies_in_time_whether_it_fetches_the_ping_or_not() {
    for fetches in [true, false] {
        let (app, mut room) = room(fast());
        let sid = room.open_polling();
        let id = room.join_polling(&sid);
        app.log();
        let get = fetches.then(|| room.get(&sid));
        room.pass(300);
        if let Some(get) = get {
            assert_eq!(room.packets(get), "2");
        }
        room.pass(199);
        assert!(room.knows(&sid));
        room.pass(1);
        assert!(!room.knows(&sid));
        assert_eq!(app.log(), [format!("disconnected / {id} ping timeout")]);
    }
}

#[test]
fn hb3_the_ping_waits_in_the_buffer_and_a_pong_by_post_keeps_the_session() {
    let (_, mut room) = room(fast());
    let sid = room.open_polling();
    for _ in 0..5 {
        room.pass(450);
        assert_eq!(room.poll(&sid), "2");
        assert_eq!(room.post(&sid, "3").status, 200);
    }
}

#[test]
fn hb3_a_pending_get_is_told_of_the_ping_timeout() {
    let (_, mut room) = room(fast());
    let sid = room.open_polling();
    room.pass(300);
    assert_eq!(room.poll(&sid), "2");
    let get = room.get(&sid);
    room.pass(200);
    assert_eq!(room.packets(get), "1");
}

#[test]
fn hb6_deadlines_hold_on_any_input_however_late_the_alarm_is() {
    let (app, mut room) = room(fast());
    let sid = room.open_polling();
    let (conn, id) = room.client();
    room.sleep(300);
    room.http("GET", "unrelated");
    assert_eq!((room.poll(&sid).as_str(), room.frames(conn)), ("2", vec!["2".to_owned()]));
    app.log();
    room.sleep(200);
    let get = room.get(&sid);
    assert_eq!(room.answer(get).unwrap().text(), r#"{"code":1,"message":"Session ID unknown"}"#);
    assert_eq!(room.close_code(conn), Some(None));
    assert_eq!(app.log(), [format!("disconnected / {id} ping timeout")]);
}

#[test]
fn hb6_who_was_pinged_late_has_the_whole_timeout_to_answer() {
    let (_, mut room) = room(fast());
    let (conn, _) = room.client();
    let sid = room.open_polling();
    room.join_polling(&sid);
    let get = room.get(&sid);
    room.sleep(60_000);
    room.ring();
    assert_eq!(room.frames(conn), ["2"]);
    assert_eq!(room.packets(get), "2");
    room.pass(199);
    assert!(room.is_open(conn) && room.knows(&sid));
    room.pass(1);
    assert!(!room.is_open(conn) && !room.knows(&sid));
}

#[test]
fn hb6_a_late_alarm_is_no_excuse_for_who_fetched_nothing() {
    let (_, mut room) = room(fast());
    let [absent, slow] = [room.open_polling(), room.open_polling()];
    for sid in [&absent, &slow] {
        room.join_polling(sid);
    }
    room.sleep(499);
    assert_eq!(room.poll(&slow), "2", "there is 1 ms left to answer");
    room.post(&slow, "3");
    room.sleep(1);
    let get = room.get(&absent);
    assert_eq!(room.answer(get).unwrap().text(), r#"{"code":1,"message":"Session ID unknown"}"#);
    assert!(room.knows(&slow));
}

#[test]
fn an_alarm_that_nobody_needs_does_nothing() {
    let (app, mut room) = room(fast());
    let (conn, _) = room.client();
    let sid = room.open_polling();
    let get = room.get(&sid);
    app.log();
    for _ in 0..29 {
        room.sleep(10);
        room.ring();
        room.ring();
    }
    assert_eq!((room.frames(conn), room.answer(get), app.log()), (vec![], None, vec![]));
    room.pass(10);
    assert_eq!(room.frames(conn), ["2"]);
}

#[test]
fn a_room_without_sessions_is_never_woken() {
    for config in [fast(), plain(), Config { connect_timeout: Millis(1_000_000), ..plain() }] {
        let (_, mut room) = room(config);
        let sid = room.open_polling();
        let (conn, _) = room.client();
        room.post(&sid, "1");
        room.hang_up(conn, false);
        // What was set already may still ring, once.
        assert!(room.pass(10_000_000) <= 1);
        assert_eq!(room.pass(10_000_000), 0);
    }
}
