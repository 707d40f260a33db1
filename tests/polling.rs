//! The polling transport: payloads, pending GETs, what ends a session and what doesn't (P1–P11).

mod support;

use roomcast::config::Config;
use roomcast::engine_io::Fault;
use roomcast::ids::Millis;
use roomcast::outbox::{BodyError, Frame, HttpResponse, Input, Request};
use support::{POLLING, Recorder, Room, bad_request, payload, plain};

/// A session by polling that has joined, in a room that writes down what happens.
fn joined() -> (Recorder, Room, String, String) {
    let app = Recorder::default();
    let mut room = app.room(plain());
    let sid = room.open_polling();
    let id = room.join_polling(&sid);
    app.log();
    (app, room, sid, id)
}

fn ok() -> HttpResponse {
    HttpResponse {
        content_type: Some("text/html"),
        no_store: true,
        body: Frame::Text("ok".into()),
        ..HttpResponse::empty(200)
    }
}

#[test]
fn p1_p2_packets_are_joined_by_the_record_separator_both_ways() {
    let (app, mut room, sid, id) = joined();
    assert_eq!(room.post(&sid, "42[\"say\",1]\u{1e}42[\"say\",\"\u{e9}\u{1f600}\"]\u{1e}42[\"quiet\"]"), ok());
    let event = |what: &str| format!("event / {id} {what}");
    assert_eq!(app.log(), [event("say 1"), event("say \"\u{e9}\u{1f600}\""), event("quiet")]);
    assert_eq!(room.poll(&sid), "42[\"said\",[1]]\u{1e}42[\"said\",[\"\u{e9}\u{1f600}\"]]");
}

#[test]
fn p1_binary_is_b_and_base64() {
    // Read as a binary message, it is the Socket.IO layer that has no use for it yet.
    let (app, mut room, sid, id) = joined();
    assert_eq!(room.post(&sid, "bAQID"), ok());
    assert_eq!(app.log(), [format!("disconnected / {id} forced close")]);
}

#[test]
fn p2_a_get_without_packets_waits_for_the_first_one() {
    let (_, mut room, sid, _) = joined();
    let get = room.get(&sid);
    room.pass(20_000);
    assert_eq!(room.answer(get), None);
    room.post(&sid, "42[\"say\",1]\u{1e}42[\"say\",2]");
    let together = "42[\"said\",[1]]\u{1e}42[\"said\",[2]]";
    assert_eq!(room.packets(get), together, "what belongs together is lost together or not at all");
    let get = room.get(&sid);
    assert_eq!(room.answer(get), None, "nothing is sent twice");
}

#[test]
fn p3_a_post_is_answered_ok() {
    let (_, mut room, sid, _) = joined();
    let post = room.start_post(&sid);
    assert_eq!(room.answer(post), None, "not before its body is there");
    assert_eq!(room.finish_post(post, Ok(b"3")), ok());
    assert_eq!(room.post(&sid, "42[\"quiet\"]"), ok());
}

#[test]
fn p4_second_get_while_one_is_pending_closes_the_session() {
    let (app, mut room, sid, id) = joined();
    let first = room.get(&sid);
    let second = room.get(&sid);
    assert_eq!(room.packets(first), "1");
    assert_eq!(room.answer(second), Some(bad_request(Fault::SecondGet)));
    assert_eq!(app.log(), [format!("disconnected / {id} transport error")]);
    let third = room.get(&sid);
    assert_eq!(room.answer(third).unwrap().text(), r#"{"code":1,"message":"Session ID unknown"}"#);
}

#[test]
fn p5_second_post_while_a_body_is_arriving_closes_the_session() {
    let (app, mut room, sid, id) = joined();
    let get = room.get(&sid);
    let first = room.start_post(&sid);
    let second = room.start_post(&sid);
    assert_eq!(room.answer(second), Some(bad_request(Fault::SecondPost)));
    assert_eq!(room.answer(first), Some(bad_request(Fault::SecondPost)));
    assert_eq!(room.packets(get), "1");
    assert_eq!(app.log(), [format!("disconnected / {id} transport error")]);
    // The first body may still come in; nobody waits for what becomes of it.
    room.input(roomcast::outbox::Input::Body { conn: first, body: Ok(b"42[\"say\"]") });
    assert_eq!((app.log(), room.answer(first)), (vec![], None));
}

#[test]
fn p6_a_client_that_goes_away_from_its_get_or_post_closes_the_session() {
    let (app, mut room, sid, id) = joined();
    let get = room.get(&sid);
    room.abort(get);
    assert_eq!(app.log(), [format!("disconnected / {id} transport error")]);
    assert!(!room.knows(&sid));

    let (app, mut room, sid, id) = joined();
    let post = room.start_post(&sid);
    assert_eq!(room.finish_post(post, Err(BodyError::Aborted)), bad_request(Fault::NoBody));
    assert_eq!(app.log(), [format!("disconnected / {id} transport error")]);
    assert!(!room.knows(&sid));
}

#[test]
fn p7_close_ends_the_session_and_the_rest_of_the_payload_is_dropped() {
    let (app, mut room, sid, id) = joined();
    let get = room.get(&sid);
    assert_eq!(room.post(&sid, "42[\"a\"]\u{1e}1\u{1e}42[\"b\"]"), ok());
    assert_eq!(room.packets(get), "6");
    assert_eq!(app.log(), [format!("event / {id} a"), format!("disconnected / {id} transport close")]);
    assert!(!room.knows(&sid));
}

#[test]
fn p8_an_invalid_packet_closes_the_session_after_those_before_it() {
    for (body, before) in [("", 0), ("7", 0), ("42[\"a\"]\u{1e}\u{1e}42[\"b\"]", 1), ("42[\"a\"]\u{1e}x", 1)] {
        let (app, mut room, sid, id) = joined();
        let get = room.get(&sid);
        assert_eq!(room.post(&sid, body), bad_request(Fault::Packet), "{body:?}");
        assert_eq!(room.packets(get), "1");
        let mut log = vec![format!("event / {id} a"); before];
        log.push(format!("disconnected / {id} parse error"));
        assert_eq!(app.log(), log, "{body:?}");
        assert!(!room.knows(&sid));
    }
}

#[test]
fn p9_a_ping_from_the_client_closes_the_session() {
    let (app, mut room, sid, id) = joined();
    let get = room.get(&sid);
    assert_eq!(room.post(&sid, "2"), bad_request(Fault::Direction));
    assert_eq!(room.packets(get), "1");
    assert_eq!(app.log(), [format!("disconnected / {id} transport error")]);
    assert!(!room.knows(&sid));
}

#[test]
fn p10_what_only_a_server_says_is_ignored() {
    let (app, mut room, sid, id) = joined();
    assert_eq!(room.post(&sid, "0{}\u{1e}5\u{1e}6\u{1e}42[\"still here\"]"), ok());
    assert_eq!(app.log(), [format!("event / {id} still here")]);
}

#[test]
fn p11_a_close_by_the_server_is_told_to_the_pending_get_or_to_the_next_one() {
    let (_, mut room, sid, _) = joined();
    let get = room.get(&sid);
    room.post(&sid, "4abc");
    assert_eq!(room.packets(get), "1");
    assert!(!room.knows(&sid));

    let (_, mut room, sid, _) = joined();
    room.post(&sid, "4abc");
    room.pass(29_999);
    assert!(room.knows(&sid));
    assert_eq!(room.poll(&sid), "6\u{1e}1");
    assert!(!room.knows(&sid));

    let (_, mut room, sid, _) = joined();
    room.post(&sid, "42[\"say\",1]\u{1e}42[\"kick\"]");
    assert_eq!(room.poll(&sid), "42[\"said\",[1]]\u{1e}41\u{1e}1", "nothing said before is lost");
    assert!(!room.knows(&sid));
}

#[test]
fn p11_a_closing_session_hears_nothing_and_is_forgotten_in_time() {
    let app = Recorder::default();
    let mut room = app.room(Config { close_timeout: Millis(700), ..plain() });
    let sid = room.open_polling();
    let id = room.join_polling(&sid);
    app.log();
    assert_eq!(room.post(&sid, "4abc\u{1e}42[\"a\"]"), ok());
    assert_eq!(app.log(), [format!("disconnected / {id} forced close")]);
    assert_eq!(room.post(&sid, "42[\"b\"]\u{1e}1"), ok());
    let socket = room.try_websocket(&sid);
    assert_eq!(room.answer(socket).unwrap().status, 400, "and can't be upgraded");
    room.pass(699);
    assert!(room.knows(&sid));
    room.pass(1);
    assert!(!room.knows(&sid));
    assert_eq!(app.log(), [""; 0]);
}

#[test]
fn a_body_that_is_too_large_is_answered_413_and_the_session_stays() {
    let (app, mut room, sid, id) = joined();
    let post = room.start_post(&sid);
    assert_eq!(room.finish_post(post, Err(BodyError::TooLarge)), bad_request(Fault::TooLarge));
    assert_eq!(room.post(&sid, "42[\"still here\"]"), ok());
    assert_eq!(app.log(), [format!("event / {id} still here")]);
}

#[test]
fn an_octet_stream_is_answered_400_and_closes_the_session() {
    let (app, mut room, sid, id) = joined();
    let query = format!("{POLLING}&sid={sid}");
    let content_type = Some("application/octet-stream");
    let post = room.request(Request { method: "POST", query: &query, content_type, ..Request::default() });
    assert_eq!(room.answer(post), Some(bad_request(Fault::Bytes)), "without waiting for the body");
    assert_eq!(app.log(), [format!("disconnected / {id} transport error")]);
    assert!(!room.knows(&sid));
}

#[test]
fn other_methods_are_answered_405_and_the_session_stays() {
    let (app, mut room, sid, _) = joined();
    let get = room.get(&sid);
    for method in ["PUT", "DELETE", "OPTIONS", "PATCH", "HEAD", "PROPFIND", "get"] {
        let conn = room.http(method, &format!("{POLLING}&sid={sid}"));
        assert_eq!(room.answer(conn), Some(bad_request(Fault::Method)), "{method}");
    }
    room.post(&sid, "42[\"say\",1]");
    assert_eq!(room.answer(get), Some(payload(r#"42["said",[1]]"#)));
    assert_eq!(app.log().len(), 1);
}

#[test]
fn a_client_that_does_not_fetch_what_is_said_is_closed_before_it_fills_the_memory() {
    let app = Recorder::default();
    let mut room = app.room(Config { max_buffered: 1_000, ..plain() });
    let sid = room.open_polling();
    let id = room.join_polling(&sid);
    app.log();
    let say = format!("42[\"say\",\"{}\"]", "x".repeat(85));
    let one = format!("42[\"said\",[\"{}\"]]", "x".repeat(85));
    assert_eq!(one.len(), 100);
    room.post(&sid, &[say.as_str(); 10].join("\u{1e}"));
    room.pass(1);
    assert_eq!(app.log().len(), 10, "the limit itself is no fault");
    assert_eq!(room.poll(&sid), [one.as_str(); 10].join("\u{1e}"));

    room.post(&sid, &[say.as_str(); 11].join("\u{1e}"));
    room.pass(0);
    assert_eq!(app.log().last(), Some(&format!("disconnected / {id} transport error")));
    assert!(!room.knows(&sid));
}

#[test]
fn p7_a_close_and_a_get_sent_at_once_end_well_in_either_order() {
    let mut room = Recorder::default().room(plain());
    // The GET comes first.
    let sid = room.open_polling();
    let get = room.get(&sid);
    assert_eq!(room.post(&sid, "1"), ok());
    assert_eq!(room.packets(get), "6");
    assert!(!room.knows(&sid));
    // The POST comes first: its answer waits for the GET.
    let sid = room.open_polling();
    let post = room.start_post(&sid);
    room.input(Input::Body { conn: post, body: Ok(b"1") });
    assert_eq!(room.answer(post), None);
    assert_eq!(room.poll(&sid), "6");
    assert_eq!(room.answer(post), Some(ok()));
    assert!(!room.knows(&sid));
    // No GET comes.
    let sid = room.open_polling();
    let post = room.start_post(&sid);
    room.input(Input::Body { conn: post, body: Ok(b"1") });
    room.pass(50);
    assert_eq!(room.answer(post), Some(ok()));
    assert!(!room.knows(&sid));
}
