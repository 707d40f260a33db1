//! What an app sees of a client's first request: all of it at the door, and what was kept of it after the room has slept.

mod support;

use roomcast::app::prelude::*;
use roomcast::app::{Handlers, NotKept};
use roomcast::config::Config;
use roomcast::ids::ConnId;
use roomcast::outbox::{Headers, Request};
use serde_json::{Value, json};
use support::{Log, POLLING, Room, WEBSOCKET, logging, note, plain};

/// Longer than what is kept.
const LONG: usize = 9_000;

/// How long a value is that is known.
fn told(found: Result<Option<&str>, NotKept>) -> Value {
    match found {
        Ok(value) => json!(value.map(str::len)),
        Err(error) => json!(format!("{} isn't kept", error.name)),
    }
}

/// The token's length is noted at each door; `about` is answered with a parameter, a header, what is missing, and whether all
/// is there.
fn doors(app: Handlers<Log>) -> Handlers<Log> {
    let doors = |app: Handlers<Log>| {
        app.middleware(|room, joining| {
            let token = joining.handshake.parameter("token")?.map(str::len);
            note(room.app, format!("check {token:?}"));
            Ok(())
        })
        .on_connection(|socket| {
            let token = socket.handshake().map(|handshake| handshake.query.get("token").map(String::len));
            note(socket.app, format!("connection {token:?}"));
        })
        .on("about", |socket, (parameter, header): (String, String)| {
            let Some(handshake) = socket.handshake() else { return Ok(json!(null)) };
            let (parameter, header) = (told(handshake.parameter(&parameter)), told(handshake.header(&header)));
            let missing: Vec<_> = handshake.missing().collect();
            Ok(json!([parameter, header, missing, handshake.is_complete()]))
        })
    };
    let app = app.keep_headers(&["X-Short", "X-Long", "X-Absent"]).allow_request(|request| {
        assert!(request.query.len() < 200_000 && !request.headers.entries().is_empty());
        Ok(())
    });
    doors(doors(app).of("/n"))
}

fn room() -> (Log, Room) {
    logging(Config { allow_eio3: true, ..plain() }, doors)
}

/// A WebSocket whose first request has this query besides, and these headers.
fn open(room: &mut Room, query: &str, headers: &[(&'static str, usize)]) -> ConnId {
    let headers: Vec<_> =
        headers.iter().map(|(name, length)| (*name, "h".repeat(*length))).chain([("Host", "x".into())]).collect();
    let query = format!("{WEBSOCKET}&{query}");
    let headers = Headers::new(&headers);
    let conn = room.request(Request { method: "GET", query: &query, upgrade: true, headers, ..Request::default() });
    assert_eq!(room.frames(conn).len(), 1, "the open packet");
    conn
}

fn token(length: usize) -> String {
    format!("token={}", "x".repeat(length))
}

fn about(room: &mut Room, conn: ConnId, parameter: &str, header: &str) -> Value {
    room.text(conn, &format!("427{}", json!(["about", parameter, header])));
    let frames = room.frames(conn);
    let answer = frames.last().and_then(|frame| frame.strip_prefix("437")).unwrap_or_default();
    let answer: Vec<Value> = serde_json::from_str(answer).unwrap_or_default();
    answer.into_iter().next().unwrap_or_default()
}

#[test]
fn a_long_token_is_there_at_each_door_of_the_same_wake() {
    for length in [4_000, 4_100, LONG, 16_000] {
        let (log, mut room) = room();
        let conn = open(&mut room, &token(length), &[("Cookie", 16_000)]);
        room.join(conn, "/");
        room.join(conn, "/n");
        assert_eq!(
            log.take(),
            ["check", "connection", "check", "connection"].map(|at| match at {
                "check" => format!("check Some({length})"),
                _ => format!("connection Some(Some({length}))"),
            })
        );
        assert_eq!(about(&mut room, conn, "token", "COOKIE"), json!([length, 16_000, [], true]));
        assert_eq!(about(&mut room, conn, "none", "x-none"), json!([null, null, [], true]));
    }
}

#[test]
fn a_check_after_a_sleep_is_told_that_the_token_is_not_kept_and_refuses() {
    let (log, mut room) = room();
    let (long, short) = (open(&mut room, &token(LONG), &[]), open(&mut room, &token(8_000), &[]));
    room.restart();
    room.text(long, "40");
    let refusal = room.frames(long).concat();
    assert!(refusal.starts_with("44") && refusal.contains(r#""code":"handshake_not_kept""#), "{refusal}");
    room.join(short, "/");
    assert_eq!(log.take(), ["check Some(8000)", "connection Some(Some(8000))"]);
}

#[test]
fn after_a_sleep_what_is_missing_is_named_and_the_rest_is_known() {
    let (_, mut room) = room();
    let query = format!("{}&lang=en&lang=de&half=%ED%A0%BD", token(LONG));
    let conn = open(&mut room, &query, &[("x-SHORT", 10), ("X-Long", LONG), ("Cookie", 10)]);
    room.join(conn, "/");
    let warnings = room.memory().warnings();
    assert!(
        matches!(warnings.as_slice(), [one] if one.contains(r#"2 of its parameters and headers, such as ["token", "x-long"]"#)),
        "{warnings:?}"
    );
    assert_eq!(about(&mut room, conn, "lang", "x-long"), json!([2, LONG, [], true]));
    for _ in 0..2 {
        room.restart();
        let missing = json!(["token", "x-long"]);
        let table = [
            (("token", "X-Long"), (json!("token isn't kept"), json!("x-long isn't kept"))),
            (("lang", "X-Short"), (json!(2), json!(10))),
            (("half", "X-Absent"), (json!(9), json!(null))),
            (("EIO", "Cookie"), (json!(1), json!("cookie isn't kept"))),
            (("transport", "x-never"), (json!(9), json!("x-never isn't kept"))),
            (("none", "host"), (json!(null), json!("host isn't kept"))),
        ];
        for ((parameter, header), (value, of_header)) in table {
            assert_eq!(
                about(&mut room, conn, parameter, header),
                json!([value, of_header, missing, false]),
                "{parameter}"
            );
        }
    }
    room.text(conn, "40/n,");
    assert!(room.frames(conn).concat().starts_with("44/n,"), "another namespace is asked too");
}

#[test]
fn a_handshake_that_fits_is_complete_after_a_sleep() {
    let (_, mut room) = room();
    let conn = open(&mut room, &token(8_000), &[("x-short", 10), ("Cookie", 9_000)]);
    room.join(conn, "/");
    assert_eq!(room.memory().warnings(), [""; 0]);
    room.restart();
    assert_eq!(about(&mut room, conn, "token", "x-short"), json!([8_000, 10, [], true]));
    assert_eq!(about(&mut room, conn, "none", "cookie"), json!([null, "cookie isn't kept", [], true]));
}

#[test]
fn the_query_that_opened_a_polling_session_counts_after_its_upgrade_and_a_sleep() {
    let (log, mut room) = room();
    let opened = room.http("GET", &format!("{POLLING}&t=abc&{}", token(LONG)));
    let sid = room.packets(opened).split('"').nth(3).unwrap().to_owned();
    room.join_polling(&sid);
    assert_eq!(log.take(), [format!("check Some({LONG})"), format!("connection Some(Some({LONG}))")]);
    let conn = room.upgrade(&sid);
    room.frames(conn);
    assert_eq!(about(&mut room, conn, "transport", "user-agent"), json!([7, 19, [], true]));
    room.restart();
    assert_eq!(
        about(&mut room, conn, "transport", "user-agent"),
        json!([7, "user-agent isn't kept", ["token"], false])
    );
    assert_eq!(about(&mut room, conn, "t", "x-absent"), json!([3, null, ["token"], false]));
    assert_eq!(about(&mut room, conn, "sid", "x-absent"), json!([null, null, ["token"], false]), "there was none yet");
}

#[test]
fn c12_a_socket_io_2_client_is_let_in_by_a_long_query() {
    let (log, mut room) = room();
    room.websocket(&format!("EIO=3&transport=websocket&{}", token(LONG)));
    assert_eq!(log.take(), [format!("check Some({LONG})"), format!("connection Some(Some({LONG}))")]);
}

#[test]
fn whatever_the_query_has_a_part_of_it_is_kept_beside_the_websocket_without_a_row() {
    let table = [
        ("control characters", format!("a=1&token={}", "%01".repeat(5_000))),
        ("wide characters", format!("a=%E2%82%AC&token={}&b={}", "%E2%82%AC".repeat(4_000), "x".repeat(3_900))),
        ("emoji", format!("a=1&token={}", "%F0%9F%98%80".repeat(4_000))),
        ("quotes", format!("a=1&token={}", "%22%5C".repeat(4_000))),
        (
            "many parameters",
            format!("a=1&{}token={}", (0..3_000).map(|n| format!("p{n}={n}&")).collect::<String>(), "x".repeat(LONG)),
        ),
        ("long names", format!("a=1&{}={}&token={}", "n".repeat(8_200), "y", "x".repeat(LONG))),
        ("a wide name", format!("a=1&{}=1&token={}", "%E2%82%AC".repeat(5_000), "x".repeat(LONG))),
    ];
    for (what, query) in table {
        let (_, mut room) = room();
        let conn = open(&mut room, &query, &[]);
        room.join(conn, "/");
        let attachment = room.attachment(conn).unwrap();
        assert!(support::attached_size(&attachment) <= 16_000 && !attachment.contains("\"row\""), "{what}");
        room.restart();
        let answer = about(&mut room, conn, "token", "x-absent");
        assert_eq!(json!([answer[0], answer[1], answer[3]]), json!(["token isn't kept", null, false]), "{what}");
        let named = answer[2].as_array().unwrap().iter().map(|name| name.as_str().unwrap().len() + 6).sum::<usize>();
        assert!(named <= 1_024, "{what}: {named} bytes of names");
        assert!(about(&mut room, conn, "a", "x-absent")[0].is_number(), "{what}: the short ones are kept");
    }
    // Names that have no room either: nothing can be said of what isn't there.
    let (_, mut room) = room();
    let conn = open(&mut room, &format!("{}=1", "n".repeat(LONG)), &[]);
    room.join(conn, "/");
    room.restart();
    assert_eq!(about(&mut room, conn, "none", "x-absent"), json!(["none isn't kept", null, [], false]));
}

#[test]
fn the_oldest_handshakes_are_reduced_where_all_of_them_are_too_much_and_the_newest_is_whole() {
    let (_, mut room) = room();
    let conns: Vec<_> = (0..120)
        .map(|_| {
            let conn = open(&mut room, "a=1", &[("x-short", 10), ("Cookie", 100_000)]);
            room.join(conn, "/");
            assert_eq!(about(&mut room, conn, "a", "cookie")[1], 100_000);
            conn
        })
        .collect();
    let whole = |room: &mut Room| conns.iter().filter(|conn| about(room, **conn, "a", "cookie")[1].is_number()).count();
    let first = whole(&mut room);
    assert!((60..=83).contains(&first), "{first} are whole");
    assert_eq!(about(&mut room, conns[0], "a", "X-Short"), json!([1, 10, [], true]));
    assert_eq!(about(&mut room, conns[0], "a", "cookie"), json!([1, "cookie isn't kept", [], true]));
    // Those that have gone make room.
    for conn in conns.iter().skip(40) {
        room.hang_up(*conn, false);
    }
    let others: Vec<_> = (0..60).map(|_| open(&mut room, "a=1", &[("Cookie", 100_000)])).collect();
    for conn in others {
        room.join(conn, "/");
        assert_eq!(about(&mut room, conn, "a", "cookie")[1], 100_000);
    }
}
