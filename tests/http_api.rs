//! What backends ask of a room over HTTP: emits, counts, and taking sockets out.

#![allow(clippy::expect_used, clippy::panic, reason = "what goes wrong in here fails the test that uses it")]

mod support;

use roomcast::api::{Call, Problem};
use roomcast::config::{Config, Parser};
use roomcast::ids::{ConnId, Millis};
use serde_json::{Value, json};
use support::{Random, Recorder, Room, Traveller, plain};

/// A room whose clients may come back, and whose pings don't get in the way.
fn recovering() -> Config {
    Config { ping_interval: Millis(600_000), recovery: Millis(60_000), ..Config::default() }
}

/// An app whose sockets join the room that they name; in its namespaces, of which `/a` and `/b` are others.
fn app() -> Recorder {
    Recorder {
        on_event: |io, event| io.join(event.socket, &event.args.get::<String>(0).unwrap_or_default()),
        ..Recorder::default()
    }
}

/// A whole request to the API, from its first line to the answer's status and JSON.
fn call(room: &mut Room, line: &str, body: &[u8]) -> (u16, Value) {
    let (method, url) = line.split_once(' ').expect("a method and a URL");
    let (path, query) = url.split_once('?').unwrap_or((url, ""));
    let path = format!("/api/rooms/tea{path}");
    let command = Call::parse(method, &path, query).and_then(|call| call.command(Ok(body)));
    let reply = command.map_or_else(|problem| problem.reply(), |command| room.command(&command));
    assert_eq!(reply.content_type, Some("application/json"));
    (reply.status, serde_json::from_str(reply.text()).expect("JSON"))
}

fn emit(room: &mut Room, body: &Value) -> (u16, Value) {
    call(room, "POST /emit", body.to_string().as_bytes())
}

fn kick(room: &mut Room, id: &str, query: &str) -> (u16, Value) {
    call(room, &format!("DELETE /sockets/{id}{query}"), b"")
}

fn count(room: &mut Room) -> Value {
    let (status, json) = call(room, "GET ", b"");
    assert_eq!(status, 200);
    json
}

/// The answer that tells of a problem.
fn refused(problem: &Problem) -> (u16, Value) {
    let reply = problem.reply();
    (reply.status, serde_json::from_str(reply.text()).expect("JSON"))
}

fn kicked(id: &str) -> (u16, Value) {
    (200, json!({ "disconnected": id }))
}

/// Puts a socket of `/` into a room.
fn enter(room: &mut Room, conn: ConnId, name: &str) {
    room.text(conn, &format!("42{}", json!(["join", name])));
}

#[test]
fn an_emit_reaches_whom_it_names_and_says_how_many() {
    let mut room = app().room(plain());
    let clients: [(ConnId, String); 3] = std::array::from_fn(|_| room.client());
    let [a, b, c] = &clients;
    for (client, name) in [(a, "x"), (a, "y"), (b, "y"), (c, "z")] {
        enter(&mut room, client.0, name);
    }
    let table = [
        (json!({}), [1, 1, 1]),
        (json!({"to": "x"}), [1, 0, 0]),
        (json!({"to": ["x", "y"]}), [1, 1, 0]),
        (json!({"to": "y", "except": "x"}), [0, 1, 0]),
        (json!({"except": ["x", "z"]}), [0, 1, 0]),
        (json!({"except": []}), [1, 1, 1]),
        (json!({"to": b.1}), [0, 1, 0]),
        (json!({"to": [a.1, "z"], "except": [b.1]}), [1, 0, 1]),
        (json!({"except": a.1}), [0, 1, 1]),
        (json!({"to": "nobody"}), [0, 0, 0]),
        (json!({"namespace": "/a"}), [0, 0, 0]),
    ];
    for (mut body, expected) in table {
        body["event"] = json!("m");
        body["args"] = json!([1, {"a": "é"}, null]);
        let sockets: usize = expected.iter().sum();
        assert_eq!(emit(&mut room, &body), (200, json!({ "sockets": sockets })), "{body}");
        let got = clients.each_ref().map(|client| room.frames(client.0));
        assert_eq!(got.each_ref().map(Vec::len), expected, "{body}");
        assert!(got.iter().flatten().all(|frame| frame == r#"42["m",1,{"a":"é"},null]"#), "{got:?}");
    }
}

#[test]
fn an_emit_stays_in_its_namespace_which_must_be_there() {
    let mut room = app().room(plain());
    let (conn, _) = room.client();
    let in_a = room.join(conn, "/a");
    assert_eq!(emit(&mut room, &json!({"event": "m", "namespace": "/a"})), (200, json!({"sockets": 1})));
    assert_eq!(room.frames(conn), [r#"42/a,["m"]"#]);
    assert_eq!(emit(&mut room, &json!({"event": "m", "to": in_a})), (200, json!({"sockets": 0})));
    for namespace in ["/c", "a", ""] {
        let body = json!({"event": "m", "namespace": namespace});
        assert_eq!(emit(&mut room, &body), refused(&Problem::UnknownNamespace));
    }
    assert_eq!(room.frames(conn), [""; 0]);
}

#[test]
fn the_arguments_arrive_as_they_were_written() {
    let mut room = app().room(plain());
    let (conn, _) = room.client();
    let body = br#"{"args": [1.0, 1e999, 12345678901234567890123, {"_placeholder":true,"num":0}, "\u00e9\ud800"], "event":"\"\n"}"#;
    assert_eq!(call(&mut room, "POST /emit", body), (200, json!({"sockets": 1})));
    let packet = r#"42["\"\n",1.0,1e999,12345678901234567890123,{"_placeholder":true,"num":0},"\u00e9\ud800"]"#;
    assert_eq!(room.frames(conn), [packet]);
}

#[test]
fn reserved_names_are_refused_and_nobody_gets_anything() {
    let mut room = app().room(recovering());
    let mut client = Traveller::new(&mut room);
    for name in ["connect", "connect_error", "disconnect", "disconnecting", "newListener", "removeListener"] {
        assert_eq!(emit(&mut room, &json!({"event": name})), refused(&Problem::ReservedName));
    }
    assert_eq!(client.events(&mut room), Vec::<Value>::new());
    assert_eq!(client.blink(&mut room), Vec::<Value>::new());
}

#[test]
fn what_a_parser_has_no_words_for_is_refused() {
    let mut room = app().room(Config { parser: Parser::Msgpack, ..plain() });
    let deep = format!("{}{}", "[".repeat(10_000), "]".repeat(10_000));
    let body = format!(r#"{{"event":"m","args":[{deep}]}}"#);
    assert_eq!(call(&mut room, "POST /emit", body.as_bytes()), refused(&Problem::InvalidArgs));
}

#[test]
fn who_is_away_gets_it_on_coming_back_and_is_not_counted() {
    let mut room = app().room(recovering());
    let mut client = Traveller::new(&mut room);
    enter(&mut room, client.conn, "x");
    assert_eq!(emit(&mut room, &json!({"event": "m", "args": [1], "to": "x"})), (200, json!({"sockets": 1})));
    assert_eq!(client.events(&mut room), [json!(["m", 1])]);
    room.hang_up(client.conn, true);
    assert_eq!(emit(&mut room, &json!({"event": "m", "args": [2], "to": "x"})), (200, json!({"sockets": 0})));
    assert_eq!(emit(&mut room, &json!({"event": "m", "args": [3], "to": "y"})), (200, json!({"sockets": 0})));
    room.crash();
    assert_eq!(emit(&mut room, &json!({"event": "m", "args": [4]})), (200, json!({"sockets": 0})));
    assert_eq!(client.come_back(&mut room), [json!(["m", 2]), json!(["m", 4])]);
    assert!(client.recovered);
}

#[test]
fn what_can_not_be_stored_is_sent_to_nobody() {
    let mut room = app().room(recovering());
    let mut client = Traveller::new(&mut room);
    room.fail_writes(true);
    let (status, json) = emit(&mut room, &json!({"event": "m"}));
    assert_eq!((status, &json["error"]["code"]), (507, &json!("storage")));
    room.fail_writes(false);
    let large = json!({"event": "m", "args": ["x".repeat(2_000_000)]});
    let (status, json) = emit(&mut room, &large);
    assert_eq!((status, &json["error"]["code"]), (507, &json!("storage")));
    assert_eq!(client.events(&mut room), Vec::<Value>::new());
    assert_eq!(emit(&mut room, &json!({"event": "n"})), (200, json!({"sockets": 1})));
    assert_eq!(client.events(&mut room), [json!(["n"])]);
}

#[test]
fn an_empty_room_counts_nobody() {
    let mut room = app().room(Config::default());
    assert_eq!(count(&mut room), json!({"connections": 0, "namespaces": {}}));
    assert_eq!(emit(&mut room, &json!({"event": "m"})), (200, json!({"sockets": 0})));
    assert_eq!(kick(&mut room, "x", ""), refused(&Problem::UnknownSocket));
}

#[test]
fn counts_tell_who_is_there_and_who_is_away() {
    let mut room = app().room(recovering());
    let (a, b) = (Traveller::new(&mut room), Traveller::new(&mut room));
    room.open_socket();
    room.open_polling();
    let in_b = Traveller::in_namespace(&mut room, "/b");
    room.join(a.conn, "/a");
    for conn in [a.conn, b.conn] {
        enter(&mut room, conn, "x");
    }
    enter(&mut room, a.conn, "y");
    // A room that has the name of somebody's socket is that socket's own, whoever joins it.
    enter(&mut room, b.conn, &a.id);
    let there = json!({
        "connections": 5,
        "namespaces": {
            "/": {"sockets": 2, "away": 0, "rooms": {"x": 2, "y": 1}},
            "/a": {"sockets": 1, "away": 0, "rooms": {}},
            "/b": {"sockets": 1, "away": 0, "rooms": {}},
        },
    });
    assert_eq!(count(&mut room), there);
    room.hang_up(a.conn, true);
    room.hang_up(in_b.conn, true);
    let some = json!({
        "connections": 3,
        "namespaces": {
            "/": {"sockets": 1, "away": 1, "rooms": {"x": 1, a.id.as_str(): 1}},
            "/a": {"sockets": 0, "away": 1, "rooms": {}},
            "/b": {"sockets": 0, "away": 1, "rooms": {}},
        },
    });
    assert_eq!(count(&mut room), some);
    room.pass(60_000);
    assert_eq!(count(&mut room)["namespaces"]["/"]["away"], 0);
}

#[test]
fn a_sleeping_room_wakes_for_a_backend() {
    let mut room = app().room(Config::default());
    let mut client = Traveller::new(&mut room);
    enter(&mut room, client.conn, "x");
    room.restart();
    assert_eq!(count(&mut room)["namespaces"]["/"], json!({"sockets": 1, "away": 0, "rooms": {"x": 1}}));
    room.restart();
    assert_eq!(emit(&mut room, &json!({"event": "m", "to": "x"})), (200, json!({"sockets": 1})));
    assert_eq!(client.events(&mut room), [json!(["m"])]);
    room.restart();
    assert_eq!(kick(&mut room, &client.id, "?close=true"), kicked(&client.id));
    assert!(!room.is_open(client.conn));
}

#[test]
fn who_is_taken_out_is_told_so_as_is_the_app() {
    let app = app();
    let mut room = app.room(plain());
    let (conn, id) = room.client();
    let in_a = room.join(conn, "/a");
    app.log();
    assert_eq!(kick(&mut room, &in_a, ""), kicked(&in_a));
    assert_eq!((room.frames(conn), room.is_open(conn)), (vec!["41/a,".to_owned()], true));
    assert_eq!(app.log(), [format!("disconnected /a {in_a} server namespace disconnect")]);
    assert_eq!(kick(&mut room, &in_a, ""), refused(&Problem::UnknownSocket));

    let in_b = room.join(conn, "/b");
    app.log();
    assert_eq!(kick(&mut room, &in_b, "?close=true"), kicked(&in_b));
    assert_eq!((room.frames(conn), room.close_code(conn)), (vec!["41/b,".to_owned(), "41".to_owned()], Some(None)));
    let gone = ["/b", "/"].map(|name| {
        format!("disconnected {name} {} server namespace disconnect", if name == "/" { &id } else { &in_b })
    });
    assert_eq!(app.log(), gone);
    assert_eq!(count(&mut room)["connections"], 0);
}

#[test]
fn a_poller_is_taken_out_too() {
    let mut room = app().room(plain());
    let sid = room.open_polling();
    let id = room.join_polling(&sid);
    let waiting = room.get(&sid);
    assert_eq!(kick(&mut room, &id, "?close=true"), kicked(&id));
    assert_eq!(room.packets(waiting), "41");
    assert_eq!(room.poll(&sid), "6\u{1e}1");
    assert_eq!(count(&mut room)["connections"], 0);
}

#[test]
fn nobody_comes_back_to_a_socket_that_was_taken_out() {
    for crash in [false, true] {
        let app = app();
        let mut room = app.room(recovering());
        let (mut there, mut away) = (Traveller::new(&mut room), Traveller::new(&mut room));
        room.hang_up(away.conn, true);
        app.log();
        assert_eq!(kick(&mut room, &there.id, ""), kicked(&there.id));
        assert_eq!(kick(&mut room, &away.id, "?close=true"), kicked(&away.id));
        let told =
            [format!("disconnected / {} server namespace disconnect", there.id), format!("expired / {}", away.id)];
        assert_eq!(app.log(), told);
        assert_eq!(kick(&mut room, &away.id, ""), refused(&Problem::UnknownSocket));
        if crash {
            room.crash();
        }
        for client in [&mut there, &mut away] {
            let before = client.id.clone();
            client.come_back(&mut room);
            assert!(!client.recovered && client.id != before);
        }
    }
}

#[test]
fn whatever_is_asked_for_the_room_goes_on() {
    let mut random = Random::new(13);
    let mut room = app().room(recovering());
    let mut client = Traveller::new(&mut room);
    let bodies = [
        r#"{"event":"m","args":[1,"a",{"b":[null]}],"to":["x","y"],"except":"z","namespace":"/"}"#,
        r#"{"event":"m","to":"x","namespace":"/a","args":[{"_placeholder":true,"num":0}]}"#,
        r#"{"event":"","args":[],"except":[]}"#,
    ];
    let lines = ["POST /emit", "GET ", "DELETE /sockets/x?close=true", "DELETE /sockets/?close", "PUT /emit"];
    for _ in 0..5_000 {
        let mut line = random.of(&lines).as_bytes().to_vec();
        let mut body = random.of(&bodies).as_bytes().to_vec();
        for _ in 0..random.below(4) {
            random.damage(&mut body);
        }
        if random.below(3) == 0 {
            random.damage(&mut line);
        }
        let line = String::from_utf8_lossy(&line).into_owned();
        let line = if line.contains(' ') { line } else { format!("GET {line}") };
        let (status, _) = call(&mut room, &line, &body);
        assert!(matches!(status, 200 | 400 | 404 | 405), "{line} {status}");
    }
    client.events(&mut room);
    assert_eq!(emit(&mut room, &json!({"event": "still here", "to": client.id})), (200, json!({"sockets": 1})));
    assert_eq!(client.events(&mut room), [json!(["still here"])]);
}
