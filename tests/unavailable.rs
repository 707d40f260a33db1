//! Storage that fails for a while: what needs none goes on, what can't be kept is answered 503, and the room works again as soon
//! as the storage does.

#![allow(clippy::expect_used, clippy::indexing_slicing, reason = "what goes wrong in here fails the test that uses it")]

mod support;

use std::rc::Rc;

use roomcast::api::Command;
use roomcast::app::{Handlers, TimerName};
use roomcast::config::Config;
use roomcast::ids::{ConnId, Millis};
use roomcast::outbox::{Effect, Input, Outbox, Request};
use roomcast::server::Server;
use serde_json::{Value, json};
use support::{Fault, Memory, POLLING, Room, Stock, Transport, WEBSOCKET, fast};

/// What a backend is answered where the turn is lost.
const LOST_COMMAND: u16 = 503;

fn app() -> Handlers {
    Handlers::new()
        .on("echo", |_, value: Value| Ok(value))
        .on("say", |socket, text: String| socket.io.emit("said", &text))
        .on("later", |socket, (): ()| socket.io.timer(TimerName::new("timer")).schedule(Millis(1_000)))
        .on_timer(TimerName::new("timer"), |room, ()| room.io.emit("said", "timer"))
}

fn recovering() -> Config {
    Config { recovery: Millis(120_000), ..Config::default() }
}

fn client(room: &mut Room, transport: Transport) -> Stock {
    Stock::new(room, transport, json!({}))
}

#[test]
fn who_only_reads_notices_nothing_while_no_statement_can_write() {
    let mut room = Room::new(recovering(), app);
    let mut clients = [client(&mut room, Transport::WebSocket), client(&mut room, Transport::Polling)];
    room.memory().fail(Fault::Writes);
    for second in 0..100 {
        room.pass(1_000);
        for client in &mut clients {
            assert_eq!(client.call(&mut room, "echo", &json!(second)), json!(second));
        }
    }
    let failure = clients[0].call(&mut room, "say", &json!("hello"));
    assert_eq!(failure["code"], "storage", "{failure}");
    let mut newcomer = Stock::disconnected(Transport::WebSocket, json!({}));
    assert!(newcomer.try_connect(&mut room), "clients join; they are not recovered after a crash");
    room.memory().fail(Fault::None);
    clients[0].call(&mut room, "say", &json!("hello"));
    for client in &mut clients {
        assert_eq!(client.events(&mut room), [json!(["said", "hello"])]);
        assert_eq!((client.sockets, client.recoveries, client.unavailable), (1, 0, 0));
    }
}

#[test]
fn a_timer_waits_longer_and_longer_for_a_disk_that_is_full_and_the_operator_is_told_once() {
    let mut room = Room::new(Config { ping_interval: Millis(3_600_000), ..recovering() }, app);
    let mut ada = client(&mut room, Transport::WebSocket);
    ada.call(&mut room, "later", &Value::Null);
    room.memory().fail(Fault::Writes);
    room.memory().warnings();
    let rings = room.pass(600_000);
    assert!((8..20).contains(&rings), "the alarm rang {rings} times in ten minutes");
    let warnings = room.memory().warnings();
    assert_eq!(warnings.iter().filter(|warning| warning.contains("callbacks wait")).count(), 1, "{warnings:?}");
    room.memory().fail(Fault::None);
    room.pass(60_000);
    assert_eq!(ada.events(&mut room), [json!(["said", "timer"])]);
}

#[test]
fn where_nothing_can_be_kept_requests_are_answered_503_and_frames_close_their_socket() {
    let mut room = Room::new(recovering(), app);
    let (mut ada, mut bob) = (client(&mut room, Transport::WebSocket), client(&mut room, Transport::Polling));
    let mut eve = client(&mut room, Transport::WebSocket);
    bob.receive(&mut room);
    let waiting = bob.get().expect("a GET that waits");
    room.memory().fail(Fault::Commits);
    let conn = ada.conn().expect("a WebSocket");
    ada.send(&mut room, r#"42["say","lost"]"#);
    assert!(!room.is_open(conn), "its frame was lost, so it has to come back");
    assert!(!room.waits(waiting), "a GET that waits is answered too");
    assert!(room.is_open(eve.conn().expect("a WebSocket")), "who sent nothing stays");
    for transport in [Transport::WebSocket, Transport::Polling] {
        let mut newcomer = Stock::disconnected(transport, json!({}));
        assert!(!newcomer.try_connect(&mut room));
        assert_eq!(newcomer.unavailable, 1, "{transport:?}");
    }
    let reply = room.command(&Command::Count);
    assert_eq!(reply.status, LOST_COMMAND, "{reply:?}");
    assert_eq!(room.waiting(), [], "no request hangs");

    room.memory().fail(Fault::None);
    for client in [&mut ada, &mut bob, &mut eve] {
        assert_eq!(client.events(&mut room), Vec::<Value>::new());
        assert_eq!(client.call(&mut room, "echo", &json!(1)), 1);
    }
    assert_eq!((ada.recoveries, bob.recoveries, eve.recoveries), (1, 1, 0));
    ada.call(&mut room, "say", &json!("hello"));
    for client in [&mut ada, &mut bob, &mut eve] {
        assert_eq!(client.events(&mut room), [json!(["said", "hello"])]);
    }
}

#[test]
fn a_room_that_wakes_while_nothing_can_be_read_closes_nobody_and_goes_on_afterwards() {
    let mut room = Room::new(recovering(), app);
    let mut clients = [client(&mut room, Transport::WebSocket), client(&mut room, Transport::WebSocket)];
    room.restart();
    room.memory().fail(Fault::All);
    room.ring();
    room.pass(10_000);
    let mut newcomer = Stock::disconnected(Transport::Polling, json!({}));
    assert!(!newcomer.try_connect(&mut room));
    assert_eq!(newcomer.unavailable, 1);
    room.memory().fail(Fault::None);
    assert!(newcomer.try_connect(&mut room), "the room works as soon as the storage does");
    for client in &mut clients {
        assert_eq!(client.call(&mut room, "echo", &json!(1)), 1);
        assert_eq!((client.sockets, client.recoveries), (1, 0));
    }
}

#[test]
fn sockets_whose_rows_can_not_be_read_for_once_are_there_the_next_time() {
    // More than fits beside a WebSocket.
    let mut room = Room::new(recovering(), || app().on_connection(|socket| socket.set_data(&"x".repeat(30_000))));
    let mut ada = client(&mut room, Transport::WebSocket);
    for table in ["roomcast_sockets", "roomcast_sessions"] {
        room.restart();
        // Reading it fails once: when the room opens, or when it looks for what doesn't fit beside its WebSockets.
        room.memory().script(&format!("ALTER TABLE {table} RENAME TO hidden"));
        let conn = room.http("GET", POLLING);
        assert_eq!(room.answer(conn).expect("an answer").status, 503, "{table}");
        room.memory().script(&format!("ALTER TABLE hidden RENAME TO {table}"));
        assert_eq!(ada.call(&mut room, "echo", &json!(1)), 1);
        assert_eq!((ada.sockets, ada.recoveries), (1, 0), "{table}");
    }
}

/// The answers and the closed WebSockets among the effects.
fn outcome(outbox: Outbox) -> (Vec<u16>, Vec<ConnId>) {
    let (mut answers, mut closed) = (Vec::new(), Vec::new());
    for effect in outbox {
        match effect {
            Effect::Restart { reply } | Effect::Respond { reply, .. } => answers.push(reply.status),
            Effect::Close { conn, .. } => closed.push(conn),
            _ => {}
        }
    }
    (answers, closed)
}

#[test]
fn a_room_that_can_not_be_started_waits_longer_and_longer_and_answers_503() {
    let memory = Memory::default();
    memory.fail(Fault::All);
    let mut server = Server::new(recovering(), Box::new(|| Ok(Box::new(app()))), Rc::new(memory.clone()));
    let mut now = support::START;
    for seconds in [1, 2, 4, 8, 16, 32, 60, 60] {
        assert_eq!(outcome(server.handle(now, Input::Alarm)), (vec![503], vec![]));
        let wake = server.next_wake(now).expect("it is tried again");
        assert_eq!(wake, now + Millis(seconds * 1_000));
        assert_eq!(server.next_tick(), None);
        now = wake;
    }
    for query in [POLLING, WEBSOCKET] {
        let request = Request { method: "GET", query, upgrade: query == WEBSOCKET, ..Request::default() };
        assert_eq!(outcome(server.handle(now, Input::Request { conn: ConnId(1), request })).0, [503]);
    }
    assert_eq!(outcome(server.handle(now, Input::Text { conn: ConnId(2), text: "2" })), (vec![503], vec![ConnId(2)]));
    assert_eq!(server.command(now, &Command::Count).0.status, LOST_COMMAND);

    memory.fail(Fault::None);
    let request = Request { method: "GET", query: POLLING, ..Request::default() };
    assert_eq!(outcome(server.handle(now, Input::Request { conn: ConnId(3), request })).0, [200]);
    assert_eq!(server.command(now, &Command::Count).0.status, 200);
    let wake = server.next_wake(now).expect("the session's ping");
    assert!(wake < now + Millis(60_000), "what is due is not put off any more");
}

#[test]
fn in_a_room_that_never_hibernates_a_lost_turn_closes_the_websockets() {
    let mut room = Room::new(Config { recovery: Millis(60_000), ..fast() }, app);
    let mut clients = [client(&mut room, Transport::WebSocket), client(&mut room, Transport::WebSocket)];
    room.memory().fail_commits(1..2);
    clients[0].send(&mut room, r#"42["say","lost"]"#);
    for client in &mut clients {
        assert!(!room.is_open(client.conn().expect("a WebSocket")), "nobody would hear of it any more");
        client.events(&mut room);
        assert_eq!((client.sockets, client.recoveries), (1, 1));
    }
    assert_eq!(clients[1].call(&mut room, "echo", &json!(1)), 1);
}
