//! Attachments: of events and acks, both ways (E5–E8), and what a client may not do with them (1.10, 1.14).

#![allow(clippy::unwrap_used, reason = "what goes wrong in here fails a test")]

mod support;

use std::rc::Rc;

use roomcast::app::{AnswersName, Args, Binary, Event, Io};
use roomcast::config::Config;
use roomcast::ids::ConnId;
use roomcast::outbox::{Effect, Frame, Input, Request};
use roomcast::server::Server;
use serde::{Deserialize, Serialize};
use support::{Memory, Recorder, Room, START, WEBSOCKET, plain};

/// What an app may have anywhere in its own types.
#[derive(Serialize, Deserialize)]
struct File {
    name: String,
    parts: Vec<Binary>,
}

/// `echo`, `shout` and `ask` pass their arguments on unchanged; `sum` reads them, and `files` makes some.
fn hooks(io: &Io<'_>, event: Event<'_>) {
    let Event { socket, name, args, ack } = event;
    let done = match (name, ack) {
        ("echo", None) => io.to(socket).emit_args("echoed", args),
        ("shout", _) => io.all().emit_args("shouted", args),
        ("ask", _) => io.to(socket).emit_args_with_ack("asked", args, AnswersName::new("q")),
        ("kick", _) => {
            io.disconnect(socket, false);
            Ok(())
        }
        ("sum", Some(ack)) => {
            let file: Option<File> = args.get(0);
            let bytes = file.iter().flat_map(|file| &file.parts).flat_map(|part| part.iter());
            io.answer(ack, &bytes.map(|byte| u32::from(*byte)).sum::<u32>())
        }
        ("files", _) => {
            let part = |bytes: &[u8]| Binary::from(bytes);
            let first = File { name: "a".to_owned(), parts: vec![part(&[1]), part(&[2, 3])] };
            let mut args = Args::of(&first).unwrap();
            args.push("plain").unwrap();
            args.push(&part(&[])).unwrap();
            io.to(socket).emit_args("files", &args)
        }
        (_, Some(ack)) => io.answer_args(ack, args),
        _ => Ok(()),
    };
    assert_eq!(done, Ok(()));
}

fn scene() -> (Recorder, Room, ConnId) {
    let app = Recorder { on_event: hooks, ..Recorder::default() };
    let mut room = app.room(plain());
    let (conn, _) = room.client();
    app.log();
    (app, room, conn)
}

/// A packet and its attachments, as frames of one client.
fn send(room: &mut Room, conn: ConnId, header: &str, attachments: &[&[u8]]) {
    room.text(conn, header);
    for bytes in attachments {
        room.binary(conn, bytes);
    }
}

/// How frames are shown: text as it is, bytes as a list.
fn frames(room: &mut Room, conn: ConnId, expected: &[&str]) {
    assert_eq!(room.frames(conn), expected);
}

#[test]
fn e5_attachments_follow_their_packet_and_stand_where_the_placeholders_are() {
    let (app, mut room, conn) = scene();
    let header = r#"452-["echo",{"_placeholder":true,"num":0},{"a":[{"_placeholder":true,"num":1}]}]"#;
    room.text(conn, header);
    room.binary(conn, &[1, 2]);
    assert_eq!((app.log(), room.frames(conn)), (vec![], vec![]), "nothing happens before all are there");
    room.binary(conn, &[]);
    assert_eq!(app.log().len(), 1);
    frames(&mut room, conn, &[&header.replace("echo", "echoed"), "[1, 2]", "[]"]);
}

#[test]
fn e5_what_comes_in_in_any_order_goes_out_numbered_depth_first() {
    let (_, mut room, conn) = scene();
    let header = r#"453-["echo",{"z":{"num":2,"_placeholder":true},"a":{"_placeholder":true,"num":0}},{"_placeholder":true,"num":1}]"#;
    send(&mut room, conn, header, &[&[0], &[1], &[2]]);
    let echoed = r#"453-["echoed",{"z":{"_placeholder":true,"num":0},"a":{"_placeholder":true,"num":1}},{"_placeholder":true,"num":2}]"#;
    frames(&mut room, conn, &[echoed, "[2]", "[0]", "[1]"]);
}

#[test]
fn e5_by_polling_attachments_are_packets_of_the_payload() {
    let (app, mut room, _) = scene();
    let sid = room.open_polling();
    room.join_polling(&sid);
    app.log();
    room.post(&sid, "452-[\"echo\",{\"_placeholder\":true,\"num\":0},{\"_placeholder\":true,\"num\":1}]\u{1e}bAQID");
    assert_eq!(app.log(), [""; 0]);
    room.post(&sid, "b");
    let echoed =
        "452-[\"echoed\",{\"_placeholder\":true,\"num\":0},{\"_placeholder\":true,\"num\":1}]\u{1e}bAQID\u{1e}b";
    assert_eq!(room.poll(&sid), echoed);
}

#[test]
fn e6_an_attachment_may_be_asked_for_twice_or_never() {
    let (_, mut room, conn) = scene();
    let header = r#"452-["echo",[{"_placeholder":true,"num":1},{"_placeholder":true,"num":1}]]"#;
    send(&mut room, conn, header, &[&[7], &[8]]);
    let echoed = r#"452-["echoed",[{"_placeholder":true,"num":0},{"_placeholder":true,"num":1}]]"#;
    frames(&mut room, conn, &[echoed, "[8]", "[8]"]);
    // Announced, but nowhere: what is left is no binary packet (E8).
    send(&mut room, conn, r#"451-["echo",1]"#, &[&[7]]);
    frames(&mut room, conn, &[r#"42["echoed",1]"#]);
}

#[test]
fn e6_one_attachment_does_not_stand_for_thousands() {
    let (app, mut room, conn) = scene();
    let list = |count: usize| vec![r#"{"_placeholder":true,"num":0}"#; count].join(",");
    send(&mut room, conn, &format!(r#"451-["echo",{}]"#, list(10)), &[&[1]]);
    assert_eq!(room.frames(conn).len(), 11);
    send(&mut room, conn, &format!(r#"451-["echo",{}]"#, list(11)), &[&[1]]);
    assert!(app.log().last().unwrap().ends_with(" forced close"));
}

#[test]
fn e6_a_placeholder_in_a_packet_without_attachments_is_an_object() {
    let (app, mut room, conn) = scene();
    room.text(conn, r#"42["echo",{"_placeholder":true,"num":0},{"_placeholder":true,"num":"splice"}]"#);
    frames(&mut room, conn, &[r#"42["echoed",{"_placeholder":true,"num":0},{"_placeholder":true,"num":"splice"}]"#]);
    // Whoever wants bytes finds none.
    room.text(conn, r#"421["sum",{"name":"","parts":[{"_placeholder":true,"num":0}]}]"#);
    frames(&mut room, conn, &["431[0]"]);
    assert_eq!(app.log().len(), 2);
}

#[test]
fn e7_ten_attachments_are_taken_and_the_limit_is_a_setting() {
    let app = Recorder { on_event: hooks, ..Recorder::default() };
    for (most, fine) in [(9, false), (10, true), (11, true)] {
        let mut room = app.room(Config { max_attachments: most, ..plain() });
        let (conn, _) = room.client();
        room.text(conn, r#"4510-1["x"]"#);
        assert_eq!(room.is_open(conn), fine, "{most}");
        if fine {
            (0..10).for_each(|byte| room.binary(conn, &[byte]));
            frames(&mut room, conn, &["431[]"]);
        }
    }
}

#[test]
fn e8_the_kind_of_an_ack_follows_what_is_in_it() {
    let (_, mut room, conn) = scene();
    let placeholder = r#"{"_placeholder":true,"num":0}"#;
    send(&mut room, conn, &format!(r#"451-5["give back",{placeholder}]"#), &[&[9]]);
    frames(&mut room, conn, &[&format!("461-5[{placeholder}]"), "[9]"]);
    let file = r#"{"name":"a","parts":[{"_placeholder":true,"num":1},{"_placeholder":true,"num":0}]}"#;
    send(&mut room, conn, &format!(r#"452-6["sum",{file}]"#), &[&[9, 1], &[200]]);
    frames(&mut room, conn, &["436[210]"]);
    room.text(conn, r#"427["give back","no bytes"]"#);
    frames(&mut room, conn, &[r#"437["no bytes"]"#]);
}

#[test]
fn e8_a_client_may_answer_with_bytes() {
    let (app, mut room, conn) = scene();
    room.text(conn, r#"42["ask"]"#);
    frames(&mut room, conn, &[r#"420["asked"]"#]);
    app.log();
    send(&mut room, conn, r#"461-0[{"_placeholder":true,"num":0}]"#, &[&[5]]);
    let log = app.log().concat();
    assert!(log.starts_with("acked / ") && log.ends_with(r#" q {"_placeholder":true,"num":0}"#), "{log}");
    send(&mut room, conn, r#"461-0[{"_placeholder":true,"num":0}]"#, &[&[5]]);
    assert_eq!(app.log(), [""; 0], "an answer counts once");
}

#[test]
fn an_apps_own_types_have_bytes_anywhere() {
    let (_, mut room, conn) = scene();
    room.text(conn, r#"42["files"]"#);
    let placeholders = [0, 1, 2].map(|num| format!(r#"{{"_placeholder":true,"num":{num}}}"#));
    let [first, second, third] = &placeholders;
    let header = format!(r#"453-["files",{{"name":"a","parts":[{first},{second}]}},"plain",{third}]"#);
    frames(&mut room, conn, &[&header, "[1]", "[2, 3]", "[]"]);
}

#[test]
fn a_broadcast_brings_everybody_the_packet_and_then_its_attachments() {
    let (_, mut room, conn) = scene();
    let (other, _) = room.client();
    let sid = room.open_polling();
    room.join_polling(&sid);
    send(&mut room, conn, r#"451-["shout",{"_placeholder":true,"num":0}]"#, &[&[1, 2, 3]]);
    let header = r#"451-["shouted",{"_placeholder":true,"num":0}]"#;
    for conn in [conn, other] {
        frames(&mut room, conn, &[header, "[1, 2, 3]"]);
    }
    assert_eq!(room.poll(&sid), format!("{header}\u{1e}bAQID"));
}

/// However many receive it, a packet is written once, and each of its frames leaves for all at once.
#[test]
fn a_broadcast_shares_its_frames() {
    let mut server = Server::start(
        plain(),
        Box::new(|| Ok(Box::new(Recorder { on_event: hooks, ..Recorder::default() }))),
        Rc::new(Memory::default()),
    )
    .unwrap();
    let conns = [ConnId(1), ConnId(2), ConnId(3)];
    for conn in conns {
        let request = Request { method: "GET", query: WEBSOCKET, upgrade: true, ..Request::default() };
        _ = server.handle(START, Input::Request { conn, request });
        _ = server.handle(START, Input::Text { conn, text: "40" });
    }
    let conn = ConnId(1);
    _ = server.handle(START, Input::Text { conn, text: r#"451-["shout",{"_placeholder":true,"num":0}]"# });
    let sent = server.handle(START, Input::Binary { conn, bytes: &[1, 2, 3] });
    let frames = sent.into_iter().map(|effect| match effect {
        Effect::Send { mut to, frame } => {
            to.sort();
            assert_eq!(to, conns);
            frame
        }
        other => panic!("{other:?}"),
    });
    let header = r#"451-["shouted",{"_placeholder":true,"num":0}]"#;
    assert_eq!(frames.collect::<Vec<_>>(), [Frame::Text(header.into()), Frame::Binary([1, 2, 3].into())]);
}

#[test]
fn clients_in_the_middle_of_their_packets_do_not_mix() {
    let (_, mut room, conn) = scene();
    let (other, _) = room.client();
    let header = r#"451-["echo",{"_placeholder":true,"num":0}]"#;
    room.text(conn, header);
    room.text(other, header);
    room.binary(other, &[2]);
    room.binary(conn, &[1]);
    let echoed = header.replace("echo", "echoed");
    frames(&mut room, conn, &[&echoed, "[1]"]);
    frames(&mut room, other, &[&echoed, "[2]"]);
}

#[test]
fn heartbeats_between_a_packet_and_its_attachments_do_no_harm() {
    let app = Recorder { on_event: hooks, ..Recorder::default() };
    let mut room = app.room(support::fast());
    let (conn, _) = room.client();
    room.text(conn, r#"451-["echo",{"_placeholder":true,"num":0}]"#);
    room.pass(300);
    frames(&mut room, conn, &["2"]);
    room.text(conn, "3");
    room.binary(conn, &[1]);
    assert_eq!(room.frames(conn).len(), 2);
}

/// 1.10: each closes the connection, and only this one.
#[test]
fn attachments_out_of_place_are_bad_packets() {
    let header = r#"452-["echo",{"_placeholder":true,"num":0}]"#;
    type Step = fn(&mut Room, ConnId);
    let table: [(&str, Step); 6] = [
        ("a text while attachments are awaited", |room, conn| room.text(conn, r#"42["a"]"#)),
        ("a header while attachments are awaited", |room, conn| room.text(conn, r#"451-["a"]"#)),
        ("a DISCONNECT while attachments are awaited", |room, conn| room.text(conn, "41")),
        ("a text after the first attachment", |room, conn| {
            room.binary(conn, &[1]);
            room.text(conn, r#"42["a"]"#);
        }),
        ("an attachment too many", |room, conn| (0..3).for_each(|byte| room.binary(conn, &[byte]))),
        ("a placeholder without an attachment", |room, conn| {
            (0..2).for_each(|byte| room.binary(conn, &[byte]));
            send(room, conn, r#"451-["a",{"_placeholder":true,"num":1}]"#, &[&[1]]);
        }),
    ];
    for (what, step) in table {
        let (app, mut room, conn) = scene();
        let (bystander, _) = room.client();
        app.log();
        room.text(conn, header);
        step(&mut room, conn);
        assert_eq!(room.close_code(conn), Some(None), "{what}");
        assert!(app.log().last().unwrap().ends_with(" forced close"), "{what}");
        assert!(room.is_open(bystander), "{what}");
    }
}

/// CVE-2026-69185: frames were gathered for ever after a packet that announced none.
#[test]
fn cve_2026_69185_no_frame_is_gathered_for_a_packet_without_attachments() {
    for header in [r#"450-["echo"]"#, "460-0[]", r#"4500-["echo"]"#] {
        let (app, mut room, conn) = scene();
        room.text(conn, header);
        assert_eq!(room.close_code(conn), Some(None), "{header}");
        assert_eq!(app.log().len(), 1, "the packet isn't delivered first");
    }
}

/// CVE-2026-33151, and CVE-2026-48804 of a peer: a client could announce any number, and have all of them kept.
#[test]
fn cve_2026_33151_nothing_is_kept_for_a_packet_that_announces_too_many() {
    for count in ["11", "1000000", "99999999999999999999999"] {
        let (_, mut room, conn) = scene();
        room.text(conn, &format!(r#"45{count}-["echo"]"#));
        assert_eq!(room.close_code(conn), Some(None), "{count}");
    }
}

/// CVE-2023-32695: a name that is no string, or one that means something to the library, in a binary packet too.
#[test]
fn cve_2023_32695_a_binary_events_name_is_checked() {
    for name in [r#"{"toString":"foo"}"#, r#"{"_placeholder":true,"num":0}"#, "[]", "null", "\"disconnect\""] {
        let (_, mut room, conn) = scene();
        room.text(conn, &format!("451-[{name}]"));
        assert!(!room.is_open(conn), "{name}");
    }
}

/// CVE-2022-2421: a placeholder's number was used as it came.
#[test]
fn cve_2022_2421_a_placeholder_names_an_attachment_by_number() {
    for num in ["\"splice\"", "\"0\"", "-1", "1", "0.5", "null", "[0]", "{}"] {
        let (app, mut room, conn) = scene();
        send(&mut room, conn, &format!(r#"451-["echo",{{"_placeholder":true,"num":{num}}}]"#), &[&[1]]);
        assert_eq!(room.close_code(conn), Some(None), "{num}");
        assert!(app.log().concat().ends_with(" forced close"), "{num}");
    }
}

/// CVE-2020-36049: reading a long number cost a copy of it a digit.
#[test]
fn cve_2020_36049_a_long_prefix_is_read_once() {
    let (_, mut room, _) = scene();
    for prefix in ["45", "46", "42", "43", "45-", "42/a,"] {
        let (conn, _) = room.client();
        room.text(conn, &format!("{prefix}{}", "1".repeat(999_000)));
        assert!(!room.is_open(conn), "{prefix}");
    }
}

/// CVE-2024-38355: an event named `error` that nobody listened to ended the process.
#[test]
fn cve_2024_38355_an_event_named_error_is_an_event() {
    let (app, mut room, conn) = scene();
    room.text(conn, r#"42["error"]"#);
    send(&mut room, conn, r#"451-["error",{"_placeholder":true,"num":0}]"#, &[&[1]]);
    assert_eq!(app.log().len(), 2);
    assert!(room.is_open(conn));
}

#[test]
fn what_a_nap_interrupts_costs_the_client_its_connection_and_nothing_else() {
    let (app, mut room, conn) = scene();
    let (other, _) = room.client();
    room.text(conn, r#"451-["echo",{"_placeholder":true,"num":0}]"#);
    room.restart();
    app.log();
    room.binary(conn, &[1]);
    assert!(!room.is_open(conn) && room.is_open(other));
    assert!(app.log().concat().ends_with(" forced close"));
}

#[test]
fn e12_what_was_on_its_way_to_a_namespace_that_the_server_ended_is_ignored() {
    let (app, mut room, conn) = scene();
    let in_a = room.join(conn, "/a");
    app.log();
    room.text(conn, r#"42/a,["kick"]"#);
    frames(&mut room, conn, &["41/a,"]);
    for late in [r#"42/a,["late"]"#, r#"42/a,1["late"]"#, "43/a,0[]", "41/a,"] {
        room.text(conn, late);
    }
    send(&mut room, conn, r#"451-/a,["late",{"_placeholder":true,"num":0}]"#, &[&[1]]);
    assert_eq!(app.log().len(), 2, "the kick, and its end");
    assert_eq!(room.frames(conn), [""; 0]);
    assert_ne!(room.join(conn, "/a"), in_a, "and may come back");
    room.text(conn, r#"421["x",1]"#);
    frames(&mut room, conn, &["431[1]"]);
    room.text(conn, "41/a,");
    room.text(conn, r#"42/a,["late"]"#);
    assert!(!room.is_open(conn), "who left by itself has no excuse (C6)");
}
