//! Clients of Socket.IO 2, which speak Engine.IO 3: what differs for them at this layer (C12).

#![allow(clippy::indexing_slicing, reason = "an index out of bounds here is a failed test")]

mod support;

use roomcast::app::{Event, Io, Refusal};
use roomcast::config::Config;
use roomcast::ids::ConnId;
use support::{Recorder, Room, plain};

const WEBSOCKET_3: &str = "EIO=3&transport=websocket";

fn hooks(io: &Io<'_>, event: Event<'_>) {
    let done = match event.ack {
        Some(ack) => io.answer_args(ack, event.args),
        None => match event.name {
            "leave" => {
                io.disconnect(event.socket, false);
                Ok(())
            }
            "close" => {
                io.disconnect(event.socket, true);
                Ok(())
            }
            _ => io.all().emit_args("said", event.args),
        },
    };
    assert_eq!(done, Ok(()));
}

fn app() -> Recorder {
    Recorder {
        on_event: hooks,
        on_connecting: |io, auth| {
            let refuse = |data| Err(Refusal { message: "no".to_owned(), data });
            match (io.namespace(), auth.map(|auth| auth.get())) {
                ("/b", None) => refuse(None),
                ("/b", Some(r#"{"data":"object"}"#)) => refuse(Some(serde_json::json!({"code": 1}))),
                ("/b", Some(r#"{"data":"empty"}"#)) => refuse(Some(serde_json::json!(""))),
                ("/b", Some(r#"{"data":"zero"}"#)) => refuse(Some(serde_json::json!(0))),
                _ => Ok(()),
            }
        },
        ..Recorder::default()
    }
}

/// A client whose frames so far were looked at.
fn scene(app: &Recorder) -> (Room, ConnId) {
    let mut room = app.room(Config { allow_eio3: true, ..plain() });
    let conn = room.websocket(WEBSOCKET_3);
    let frames = room.frames(conn);
    assert!(frames[0].starts_with("0{"), "{frames:?}");
    assert_eq!(frames[1..], ["40"], "it has joined, and isn't told an id");
    (room, conn)
}

#[test]
fn c12_the_default_namespace_is_joined_without_a_word() {
    let app = app();
    let (mut room, conn) = scene(&app);
    let log = app.log();
    assert_eq!(log[0], "connecting / -");
    assert!(log[1].starts_with("connected / "));
    room.text(conn, r#"421["ask",1]"#);
    room.text(conn, r#"42["say","é"]"#);
    assert_eq!(room.frames(conn), ["431[1]", r#"42["said","é"]"#]);
    room.text(conn, "40");
    assert!(!room.is_open(conn), "and can't be joined again (C6)");
}

#[test]
fn c12_a_public_id_is_not_the_sessions() {
    let app = app();
    let mut room = app.room(Config { allow_eio3: true, ..plain() });
    let conn = room.websocket(WEBSOCKET_3);
    let open = room.frames(conn).concat();
    room.text(conn, "40/a,");
    let ids = app.log().into_iter().filter_map(|line| Some(line.strip_prefix("connected ")?.to_owned()));
    let ids: Vec<_> = ids.map(|line| line.rsplit_once(' ').unwrap().1.to_owned()).collect();
    assert_eq!(ids.len(), 2);
    assert_ne!(ids[0], ids[1]);
    for id in ids {
        assert!(!open.contains(&id), "whoever knows the session's id may speak for it (H3)");
    }
}

#[test]
fn c12_another_namespace_is_joined_by_its_name_and_a_query() {
    let table = [
        ("40/a", "connecting /a -"),
        ("40/a,", "connecting /a -"),
        ("40/a?,", "connecting /a -"),
        ("40/a?token=x%20y&n=1,", r#"connecting /a {"token":"x y","n":"1"}"#),
        ("40/a?n=1&n=2,", r#"connecting /a {"n":"2"}"#),
        // A payload is what later clients send.
        (r#"40/a,{"token":"x"}"#, "connecting /a -"),
    ];
    for (packet, line) in table {
        let app = app();
        let (mut room, conn) = scene(&app);
        app.log();
        room.text(conn, packet);
        assert_eq!(app.log()[0], line, "{packet}");
        assert_eq!(room.frames(conn), ["40/a,"], "the answer has neither query nor payload");
        room.text(conn, r#"42/a,1["ask"]"#);
        room.text(conn, r#"42/a?n=1,2["ask"]"#);
        assert_eq!(room.frames(conn), ["43/a,1[]", "43/a,2[]"]);
        room.text(conn, "41/a,");
        assert!(room.is_open(conn));
    }
}

#[test]
fn c12_a_refusal_is_its_sentence_or_its_data() {
    let app = app();
    let (mut room, conn) = scene(&app);
    let table = [
        ("40/b,", r#"44/b,"no""#),
        ("40/b?data=object,", r#"44/b,{"code":1}"#),
        // What JavaScript counts as nothing.
        ("40/b?data=empty,", r#"44/b,"no""#),
        ("40/b?data=zero,", r#"44/b,"no""#),
        ("40/x,", r#"44/x,{"message":"Invalid namespace"}"#),
    ];
    for (packet, answer) in table {
        room.text(conn, packet);
        assert_eq!(room.frames(conn), [answer], "{packet}");
    }
    assert!(room.is_open(conn));
}

#[test]
fn c12_who_may_not_even_join_the_default_namespace_is_told_and_timed_out() {
    let app = Recorder {
        on_connecting: |_, _| Err(Refusal { message: "full".to_owned(), data: None }),
        ..Recorder::default()
    };
    let mut room = app.room(Config { allow_eio3: true, ..support::fast() });
    let conn = room.websocket(WEBSOCKET_3);
    assert_eq!(room.frames(conn)[1..], [r#"44"full""#]);
    for _ in 0..180 {
        room.pass(250);
        if room.is_open(conn) {
            room.text(conn, "2");
        }
    }
    assert!(!room.is_open(conn), "after the connect timeout (C7)");
}

#[test]
fn c12_the_server_takes_leave_in_the_same_words() {
    let app = app();
    let (mut room, conn) = scene(&app);
    room.text(conn, "40/a");
    room.frames(conn);
    room.text(conn, r#"42["leave"]"#);
    assert_eq!(room.frames(conn), ["41"]);
    room.text(conn, r#"42/a,["close"]"#);
    assert_eq!(room.frames(conn), ["41/a,"]);
    assert_eq!(room.close_code(conn), Some(None));
}

#[test]
fn c12_the_query_belongs_to_the_name_for_later_clients() {
    let app = app();
    let mut room = app.room(Config { allow_eio3: true, ..plain() });
    let conn = room.open_socket();
    room.text(conn, "40/a?n=1,");
    assert_eq!(room.frames(conn), [r#"44/a?n=1,{"message":"Invalid namespace"}"#]);
}

#[test]
fn c12_clients_of_both_generations_share_rooms_events_and_attachments() {
    let app = app();
    let (mut room, old) = scene(&app);
    let (new, _) = room.client();
    room.text(old, r#"451-["say",{"_placeholder":true,"num":0}]"#);
    // Engine.IO 3 puts a type before the bytes.
    room.binary(old, &[4, 1, 2]);
    let header = r#"451-["said",{"_placeholder":true,"num":0}]"#;
    assert_eq!(room.frames(new), [header, "[1, 2]"]);
    assert_eq!(room.frames(old), [header, "[4, 1, 2]"]);
}

#[test]
fn c12_a_session_keeps_its_generation_while_the_object_sleeps() {
    let app = app();
    let (mut room, conn) = scene(&app);
    room.restart();
    room.text(conn, "40/a?n=1,");
    assert_eq!(room.frames(conn), ["40/a,"]);
    room.text(conn, "2");
    assert_eq!(room.frames(conn), ["3"], "its heartbeats too (HB5)");
}
