//! Bodies of more packets than a turn takes: they are read some at a time, and others get their turns in between.

#![allow(clippy::indexing_slicing, reason = "an index out of bounds here is a failed test")]

mod support;

use roomcast::config::Config;
use roomcast::engine_io::Fault;
use roomcast::ids::ConnId;
use roomcast::outbox::{BodyError, Input, Request};
use support::{Recorder, Room, bad_request, fast, plain};

/// `MAX_TURN_PACKETS`
const MOST: usize = 64;

/// A room with sessions that have joined by polling: their session ids and their sockets' ids.
fn scene<const N: usize>() -> (Recorder, Room, [(String, String); N]) {
    scene_in(plain())
}

fn scene_in<const N: usize>(config: Config) -> (Recorder, Room, [(String, String); N]) {
    assert_eq!(config.max_turn_packets, MOST);
    let app = Recorder::default();
    let mut room = app.room(config);
    let clients = [(); N].map(|()| {
        let sid = room.open_polling();
        let id = room.join_polling(&sid);
        (sid, id)
    });
    app.log();
    (app, room, clients)
}

/// The packets of these events, as many as there are numbers.
fn events(numbers: impl IntoIterator<Item = usize>) -> Vec<String> {
    numbers.into_iter().map(|number| format!(r#"42["n",{number}]"#)).collect()
}

/// A body of these packets.
fn body(packets: &[String]) -> String {
    packets.join("\u{1e}")
}

/// What the app writes down of these events.
fn told(id: &str, numbers: impl IntoIterator<Item = usize>) -> Vec<String> {
    numbers.into_iter().map(|number| format!("event / {id} n {number}")).collect()
}

/// The body of a POST arrives, and only the turn of its arrival is done.
fn arrive(room: &mut Room, sid: &str, packets: &[String]) -> ConnId {
    let conn = room.start_post(sid);
    room.one_input(Input::Body { conn, body: Ok(body(packets).as_bytes()) });
    conn
}

fn one_tick(room: &mut Room) {
    room.one_input(Input::Tick);
}

#[test]
fn a_post_of_1000_packets_is_read_64_a_turn_in_order_and_answered_after_the_last() {
    let (app, mut room, [(sid, id)]) = scene();
    let post = arrive(&mut room, &sid, &events(0..1_000));
    let mut read = 0;
    while read < 1_000 {
        let next = (read + MOST).min(1_000);
        assert_eq!(app.log(), told(&id, read..next));
        read = next;
        if read < 1_000 {
            assert_eq!(room.answer(post), None, "{read} are read");
            one_tick(&mut room);
        }
    }
    assert_eq!(room.answer(post).map(|reply| (reply.status, reply.text().to_owned())), Some((200, "ok".to_owned())));
    let turns = room.turns();
    room.tick();
    assert_eq!(room.turns(), turns, "nothing is left to do");
}

#[test]
fn a_turn_takes_exactly_64_packets_and_the_65th_waits() {
    for (count, turns) in [(63, 1), (64, 1), (65, 2), (128, 2), (129, 3)] {
        let (app, mut room, [(sid, id)]) = scene();
        let post = room.start_post(&sid);
        let before = room.turns();
        room.input(Input::Body { conn: post, body: Ok(body(&events(0..count)).as_bytes()) });
        assert_eq!(room.turns() - before, turns, "{count} packets");
        assert_eq!(app.log(), told(&id, 0..count));
        assert_eq!(room.answer(post).map(|reply| reply.status), Some(200));
    }
}

#[test]
fn a_smaller_setting_takes_fewer_packets_a_turn() {
    let app = Recorder::default();
    let mut room = app.room(Config { max_turn_packets: 1, ..plain() });
    let sid = room.open_polling();
    let id = room.join_polling(&sid);
    app.log();
    arrive(&mut room, &sid, &events(0..3));
    for number in 0..3 {
        assert_eq!(app.log(), told(&id, [number]));
        one_tick(&mut room);
    }
}

#[test]
fn a_frame_of_another_session_is_handled_in_its_own_turn() {
    let (app, mut room, [(sid, id)]) = scene();
    let (socket, other) = room.client();
    app.log();
    let post = arrive(&mut room, &sid, &events(0..1_000));
    app.log();
    room.one_input(Input::Text { conn: socket, text: r#"42["say",1]"# });
    assert_eq!(app.log()[0], format!("event / {other} say 1"), "it comes before what the POST has left");
    assert_eq!(room.frames(socket), [r#"42["said",[1]]"#]);
    // What it says last isn't lost either.
    room.one_input(Input::Text { conn: socket, text: r#"42["bye"]"# });
    room.one_input(Input::Closed { conn: socket, failed: false });
    let log = app.log();
    let bye = log.iter().position(|line| *line == format!("event / {other} bye"));
    let gone = log.iter().position(|line| *line == format!("disconnected / {other} transport close"));
    assert!(bye.is_some() && bye < gone, "{log:?}");
    room.tick();
    assert_eq!(app.log().last(), told(&id, [999]).last());
    assert_eq!(room.answer(post).map(|reply| reply.status), Some(200));
}

#[test]
fn a_get_and_a_handshake_are_answered_while_a_long_post_is_read() {
    let (app, mut room, [(sid, _)]) = scene();
    let post = arrive(&mut room, &sid, &[vec![r#"42["say",7]"#.to_owned()], events(0..500)].concat());
    assert_eq!(room.answer(post), None);
    assert_eq!(room.poll(&sid), r#"42["said",[7]]"#);
    room.client();
    assert_eq!(room.answer(post).map(|reply| reply.status), Some(200));
    assert_eq!(app.log().iter().filter(|line| line.contains(" n ")).count(), 500);
}

#[test]
fn two_long_posts_alternate() {
    let (app, mut room, [(first, one), (second, two)]) = scene();
    let posts = [room.start_post(&first), room.start_post(&second)];
    for conn in posts {
        room.one_input(Input::Body { conn, body: Ok(body(&events(0..200)).as_bytes()) });
    }
    let mut answered = [false; 2];
    for _ in 0..10 {
        one_tick(&mut room);
        for (post, answered) in posts.iter().zip(&mut answered) {
            *answered |= room.answer(*post).is_some();
        }
    }
    assert_eq!(answered, [true; 2]);
    let log = app.log();
    let of = |id: &str| log.iter().filter(|line| line.contains(id)).cloned().collect::<Vec<_>>();
    assert_eq!((of(&one), of(&two)), (told(&one, 0..200), told(&two, 0..200)), "each in its own order");
    // Nobody is two turns ahead of the other while both have something left.
    let (mut ahead, mut most) = (0_i64, 0);
    for line in &log[..3 * 2 * MOST] {
        ahead += if line.contains(&one) { 1 } else { -1 };
        most = most.max(ahead.abs());
    }
    assert_eq!(most, 64, "one turn of the other's is the most that anybody waits for");
}

#[test]
fn a_packet_that_closes_the_session_ends_the_rest() {
    for (packet, reason) in [
        ("1", "transport close"),
        ("41", "client namespace disconnect"),
        (r#"42["kick"]"#, "server namespace disconnect"),
        ("2", "transport error"),
    ] {
        for at in [10, 100] {
            let (app, mut room, [(sid, id)]) = scene();
            let mut packets = events(0..300);
            packets.insert(at, packet.to_owned());
            let expected = if packet == "2" { 400 } else { 200 };
            assert_eq!(room.post(&sid, &body(&packets)).status, expected);
            let what = format!("{packet} after {at}");
            let mut log = app.log();
            if packet.contains("kick") {
                assert_eq!(log.remove(at), format!("event / {id} kick"), "{what}");
            }
            assert_eq!(log[..at], told(&id, 0..at), "{what}");
            assert_eq!(log[at], format!("disconnected / {id} {reason}"), "{what}");
            assert_eq!(log.len(), at + 1, "{what}: nothing is read behind it");
        }
    }
}

#[test]
fn a_bad_packet_in_the_middle_ends_the_session_with_400() {
    for at in [10, 64, 100] {
        let (app, mut room, [(sid, id)]) = scene();
        let mut packets = events(0..300);
        packets.insert(at, "x".to_owned());
        assert_eq!(room.post(&sid, &body(&packets)).status, 400);
        let mut log = app.log();
        assert_eq!(log.pop(), Some(format!("disconnected / {id} parse error")));
        assert_eq!(log, told(&id, 0..at), "those before it were read");
        assert!(!room.knows(&sid));
    }
}

#[test]
fn a_client_that_aborts_its_post_in_the_middle_ends_the_session() {
    let (app, mut room, [(sid, id), (other, _)]) = scene();
    let post = arrive(&mut room, &sid, &events(0..300));
    assert_eq!(app.log(), told(&id, 0..64));
    room.abort(post);
    let log = app.log();
    assert_eq!(log.last(), Some(&format!("disconnected / {id} transport error")));
    assert!(log.len() <= 1 + 64, "the rest is dropped");
    assert_eq!(room.answer(post), None);
    assert_eq!(room.post(&other, r#"42["n",1]"#).status, 200, "nothing of it holds up the others");
}

#[test]
fn a_second_post_meanwhile_overlaps() {
    let (app, mut room, [(sid, id)]) = scene();
    let first = arrive(&mut room, &sid, &events(0..300));
    app.log();
    let second = room.start_post(&sid);
    assert_eq!(room.answer(second), Some(bad_request(Fault::SecondPost)), "P5");
    assert_eq!(room.answer(first), Some(bad_request(Fault::Ended)), "the rest of it isn't read");
    let log = app.log();
    assert_eq!(log.last(), Some(&format!("disconnected / {id} transport error")));
    assert!(!room.knows(&sid));
}

#[test]
fn a_post_after_the_answer_of_a_long_one_is_fine() {
    let (app, mut room, [(sid, id)]) = scene();
    assert_eq!(room.post(&sid, &body(&events(0..300))).status, 200);
    assert_eq!(room.post(&sid, &body(&events(300..310))).status, 200);
    assert_eq!(app.log(), told(&id, 0..310));
}

#[test]
fn frames_wait_behind_the_older_packets_of_an_upgrade_in_the_middle() {
    let (app, mut room, [(sid, id)]) = scene();
    let socket = room.try_websocket(&sid);
    let post = arrive(&mut room, &sid, &events(0..300));
    for text in ["2probe", "5", r#"42["n",300]"#, r#"42["n",301]"#] {
        room.one_input(Input::Text { conn: socket, text });
    }
    assert_eq!(room.frames(socket), ["3probe"], "a probe waits for nothing");
    assert_eq!(room.answer(post).map(|reply| reply.status), Some(200), "five turns have read it");
    room.tick();
    assert_eq!(app.log(), told(&id, 0..302));
    assert!(room.is_open(socket));
}

#[test]
fn an_upgrade_with_more_left_than_it_takes_loses_nothing_either() {
    let (app, mut room, [(sid, id)]) = scene();
    let socket = room.try_websocket(&sid);
    let post = arrive(&mut room, &sid, &events(0..1_000));
    room.one_input(Input::Text { conn: socket, text: "2probe" });
    room.one_input(Input::Text { conn: socket, text: "5" });
    // The client no longer needs the answer to a POST that its upgrade has overtaken.
    room.abort(post);
    room.text(socket, r#"42["n",1000]"#);
    assert_eq!(app.log(), told(&id, 0..1_001));
    assert!(room.is_open(socket));
}

#[test]
fn a_session_that_times_out_meanwhile_answers_its_post() {
    let (app, mut room, [(sid, id)]) = scene_in(fast());
    let post = arrive(&mut room, &sid, &events(0..300));
    room.sleep(600);
    one_tick(&mut room);
    assert!(room.answer(post).is_some());
    // The app is told in a turn of its own.
    room.tick();
    assert_eq!(app.log().last(), Some(&format!("disconnected / {id} ping timeout")));
}

#[test]
fn bodies_of_revision_3_are_read_some_at_a_time_too() {
    let text =
        |packets: &[String]| packets.iter().map(|packet| format!("{}:{packet}", packet.len())).collect::<String>();
    let bytes = |packets: &[String]| {
        let one = |packet: &String| {
            let digits: Vec<u8> = packet.len().to_string().bytes().map(|digit| digit - b'0').collect();
            [vec![0], digits, vec![255], packet.clone().into_bytes()].concat()
        };
        packets.iter().flat_map(one).collect::<Vec<u8>>()
    };
    for binary in [false, true] {
        let app = Recorder::default();
        let mut room = app.room(Config { allow_eio3: true, ..plain() });
        let open = room.http("GET", "EIO=3&transport=polling");
        let open = room.answer(open).unwrap().text().to_owned();
        let sid = open.split(r#""sid":""#).nth(1).and_then(|rest| rest.split('"').next()).unwrap().to_owned();
        app.log();
        let query = format!("EIO=3&transport=polling&sid={sid}");
        let content_type = binary.then_some("application/octet-stream");
        let post = room.request(Request { method: "POST", query: &query, content_type, ..Request::default() });
        let packets = events(0..150);
        let body = if binary { bytes(&packets) } else { text(&packets).into_bytes() };
        room.one_input(Input::Body { conn: post, body: Ok(&body) });
        for expected in [0..64, 64..128, 128..150] {
            let log: Vec<_> = app.log().iter().map(|line| line.rsplit(' ').next().unwrap().to_owned()).collect();
            assert_eq!(log, expected.clone().map(|n| n.to_string()).collect::<Vec<_>>(), "binary: {binary}");
            assert_eq!(room.answer(post).is_some(), expected.end == 150);
            one_tick(&mut room);
        }
    }
}

#[test]
fn a_body_that_never_comes_holds_up_nobody() {
    let (app, mut room, [(first, _), (second, id)]) = scene();
    let late = room.start_post(&first);
    assert_eq!(room.post(&second, &body(&events(0..300))).status, 200);
    assert_eq!(app.log(), told(&id, 0..300));
    assert_eq!(room.finish_post(late, Err(BodyError::TooLarge)).status, 413);
}
