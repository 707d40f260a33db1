//! Limits on names, on rooms and on namespaces, and sessions that are too much for what the runtime keeps beside a WebSocket.

#![allow(clippy::unwrap_used, reason = "what goes wrong in here fails the test")]

mod support;

use roomcast::app::{App, Event, Handlers, Io};
use roomcast::config::Config;
use roomcast::ids::ConnId;
use roomcast::outbox::Input;
use serde_json::json;
use support::{Memory, Recorder, Room, attached_size, plain};

/// An app that has every namespace, and answers each event with the id of its socket.
struct Everywhere;

impl App for Everywhere {
    fn has_namespace(&self, _: &str) -> bool {
        true
    }

    fn event(&mut self, io: &mut Io<'_>, event: Event<'_>) {
        if let Some(ack) = event.ack {
            assert_eq!(io.answer(ack, event.socket), Ok(()));
        }
    }
}

fn namespace(number: usize) -> String {
    format!("/{number}{}", "é".repeat(120))
}

/// Asks for the id of the client's socket in a namespace, which must be this one.
fn assert_joined(room: &mut Room, conn: ConnId, number: usize, id: &str) {
    let namespace = namespace(number);
    room.text(conn, &format!(r#"42{namespace},7["id"]"#));
    assert_eq!(room.frames(conn), [format!(r#"43{namespace},7["{id}"]"#)]);
}

const SESSIONS: &str = "SELECT count(*) FROM roomcast_sessions";

/// A client that has joined many namespaces, and its sockets' ids.
fn many_namespaces(config: Config, count: usize) -> (Room, ConnId, Vec<String>) {
    let mut room = Room::new(Config { max_namespaces: 1_000, ..config }, || Everywhere);
    let conn = room.open_socket();
    let ids = (0..count).map(|number| room.join(conn, &namespace(number))).collect();
    (room, conn, ids)
}

#[test]
fn two_hundred_namespaces_on_one_websocket_outlive_the_objects_memory_in_a_row() {
    for config in [Config::default(), plain()] {
        let (mut room, conn, ids) = many_namespaces(config, 200);
        assert!(room.memory().rows_written() < 1_000, "a join writes its own row and the session's");
        let state = room.attachment(conn).unwrap();
        assert!(attached_size(&state) < 100, "{state}");
        assert_eq!(room.memory().number(SESSIONS), 1);
        for _ in 0..2 {
            room.restart();
            for number in [0, 100, 199] {
                assert_joined(&mut room, conn, number, &ids[number]);
            }
        }
        assert_eq!(room.memory().number(SESSIONS), 1);
        for number in 0..195 {
            room.text(conn, &format!("41{},", namespace(number)));
        }
        assert_eq!(room.memory().number(SESSIONS), 0, "it fits again");
        room.restart();
        assert_joined(&mut room, conn, 199, &ids[199]);
    }
}

#[test]
fn the_row_of_a_session_goes_with_the_session() {
    let endings: [fn(&mut Room, ConnId); 3] =
        [|room, conn| room.hang_up(conn, true), |room, conn| room.text(conn, "1"), |room, _| room.crash()];
    for end in endings {
        let (mut room, conn, _) = many_namespaces(Config::default(), 100);
        assert_eq!(room.memory().number(SESSIONS), 1);
        end(&mut room, conn);
        assert_eq!(room.memory().number(SESSIONS), 0);
    }
}

#[test]
fn a_session_whose_row_can_not_be_written_is_closed_once_with_a_warning() {
    let (mut room, conn, ids) = many_namespaces(plain(), 100);
    let (other, _) = room.client();
    room.memory().warnings();
    room.fail_writes(true);
    room.text(conn, &format!("40{},", namespace(100)));
    assert!(!room.is_open(conn) && room.is_open(other));
    let warnings = room.memory().warnings();
    let closed = warnings.iter().filter(|warning| warning.starts_with("a connection is closed")).count();
    assert_eq!(closed, 1, "{warnings:?}");
    room.fail_writes(false);
    let conn = room.open_socket();
    let id = room.join(conn, &namespace(0));
    assert_ne!(id, ids[0]);
    assert_joined(&mut room, conn, 0, &id);
    assert_eq!(room.memory().number(SESSIONS), 0);
}

#[test]
fn an_attachment_without_its_row_closes_its_own_socket_only() {
    let (mut room, conn, _) = many_namespaces(plain(), 100);
    let (other, _) = room.client();
    room.memory().script("DELETE FROM roomcast_sessions");
    room.restart();
    room.input(Input::Tick);
    assert!(!room.is_open(conn) && room.is_open(other));
}

#[test]
fn a_namespace_beyond_the_limit_is_refused_by_connect_error() {
    let mut room = Room::new(Config { max_namespaces: 2, ..plain() }, || Everywhere);
    let conn = room.open_socket();
    let ids = [0, 1].map(|number| room.join(conn, &namespace(number)));
    let sentence = "There are 2 namespaces of a connection already, and more are not allowed.";
    room.text(conn, "40/more,");
    assert_eq!(room.frames(conn), [format!(r#"44/more,{{"message":"{sentence}"}}"#)]);
    assert_joined(&mut room, conn, 1, &ids[1]);
    room.text(conn, &format!("41{},", namespace(0)));
    room.join(conn, "/more");
}

#[test]
fn the_name_of_a_namespace_that_is_too_long_is_refused_by_connect_error() {
    let mut room = Room::new(plain(), || Everywhere);
    let (conn, _) = room.client();
    for size in [256, 257, 17_000] {
        let name = format!("/{}", "x".repeat(size - 1));
        room.text(conn, &format!("40{name},"));
        let frames = room.frames(conn);
        let sentence = format!("A namespace's name has at most 256 bytes, but this one has {size}.");
        let refused = [format!(r#"44{name},{{"message":"{sentence}"}}"#)];
        assert_eq!(frames == refused, size > 256, "{frames:?}");
        assert!(room.is_open(conn));
    }
    room.restart();
    room.input(Input::Tick);
    assert!(room.is_open(conn));
}

#[test]
fn an_event_whose_name_is_too_long_is_answered_and_not_told_to_the_app() {
    for config in [plain(), Config::default()] {
        let app = Recorder::default();
        let mut room = app.room(Config { max_name_bytes: 10, ..config });
        let (conn, _) = room.client();
        app.log();
        let failure = json!({
            "code": "name_too_long",
            "message": "An event's name has at most 10 bytes, but this one has 11.",
        });
        room.text(conn, r#"425["01234567890",1]"#);
        assert_eq!(room.frames(conn), [format!("435[{failure}]")]);
        room.text(conn, r#"42["01234567890",1]"#);
        assert_eq!(room.frames(conn), [format!(r#"42["error",{failure}]"#)], "without an offset");
        assert_eq!(app.log(), [""; 0]);
        room.text(conn, r#"426["0123456789",1]"#);
        assert_eq!(room.frames(conn), ["436[[1]]"]);
    }
}

#[test]
fn rooms_beyond_a_limit_are_not_joined_and_the_operator_is_told() {
    let app = Recorder {
        on_event: |io, event| {
            let room = event.args.get::<String>(0).unwrap();
            match event.name {
                "join" => io.join(event.socket, &room),
                _ => io.leave(event.socket, &room),
            }
            let rooms: Vec<_> = io.rooms_of(event.socket).filter(|room| *room != event.socket.as_str()).collect();
            let rooms = rooms.join(" ");
            assert_eq!(io.answer(event.ack.unwrap(), &rooms), Ok(()));
        },
        ..Recorder::default()
    };
    let mut room = app.room(Config { max_rooms_per_socket: 2, max_name_bytes: 5, ..plain() });
    let (conn, id) = room.client();
    let full = "There are 2 rooms of a socket already, and more are not allowed.";
    let long = "A room's name has at most 5 bytes, but this one has 6.";
    for (event, name, rooms, warning) in [
        ("join", "a", "a", None),
        ("join", "long!!", "a", Some(long)),
        ("join", "b", "a b", None),
        ("join", "c", "a b", Some(full)),
        ("join", "a", "a b", None),
        ("leave", "a", "b", None),
        ("join", "long", "b long", None),
    ] {
        assert_eq!(room.call(conn, event, &json!(name)), json!(rooms), "{event} {name}");
        let warnings = warning.map(|sentence| format!("the socket {id} didn't join a room: {sentence}"));
        assert_eq!(room.memory().warnings(), warnings.into_iter().collect::<Vec<_>>(), "{event} {name}");
    }
}

#[test]
fn what_each_release_kept_in_rows_beside_an_attachment_is_read() {
    for (version, storage, rows, state) in [
        (2, include_str!("fixtures/storage-v1-spilled.sql"), "", include_str!("fixtures/attachment-v2-spilled.json")),
        (
            3,
            include_str!("fixtures/storage-v2.sql"),
            include_str!("fixtures/session-v3.sql"),
            include_str!("fixtures/attachment-v3-row.json"),
        ),
        (
            4,
            include_str!("fixtures/storage-v3.sql"),
            include_str!("fixtures/session-v4.sql"),
            include_str!("fixtures/attachment-v4-row.json"),
        ),
    ] {
        let app = || {
            Handlers::new().of("/a").on("kept", |socket, ()| {
                let rooms = socket.rooms().filter(|room| *room == "x").count();
                Ok::<_, roomcast::app::IoError>((socket.id.to_string(), socket.data::<String>(), rooms))
            })
        };
        let memory = Memory::default();
        memory.script(storage);
        let mut room = Room::on(memory, Config::default(), app).unwrap();
        let conn = room.open_socket();
        room.memory().script(rows);
        room.tamper(conn, Some(state.trim().to_owned()));
        room.restart();
        room.text(conn, r#"42/a,1["kept"]"#);
        let expected = format!(r#"43/a,1[["id-of-version-{version}","data of version",1]]"#);
        assert_eq!(room.frames(conn), [expected], "version {version}");
    }
}
