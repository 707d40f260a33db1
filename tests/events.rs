//! Events, acks both ways, and what a packet that breaks the rules brings about (E1–E4, E9, E11, E12, 1.10, 1.13).

mod support;

use roomcast::app::{Event, Io};
use roomcast::ids::ConnId;
use roomcast::outbox::{BodyError, Input};
use support::{Recorder, Room, fast, plain};

/// `ask` asks everybody for an answer; `leave` has the sender go, and then answers it.
fn hooks(io: &mut Io<'_>, event: Event<'_>) {
    let Event { socket, name, args, ack } = event;
    match (name, ack) {
        ("ask", _) => assert!(io.all().emit_with_ack("question", &args, "q").is_ok()),
        ("leave", Some(ack)) => {
            io.disconnect(socket, false);
            assert_eq!(io.answer(ack, &"too late"), Ok(()));
        }
        (_, Some(ack)) => assert_eq!(io.answer(ack, &args), Ok(())),
        _ => {}
    }
}

struct Scene {
    app: Recorder,
    room: Room,
    conn: ConnId,
    id: String,
}

fn scene() -> Scene {
    let app = Recorder { on_event: hooks, ..Recorder::default() };
    let mut room = app.room(plain());
    let (conn, id) = room.client();
    app.log();
    Scene { app, room, conn, id }
}

impl Scene {
    /// What the app makes of a frame from this client.
    fn hears(&mut self, frame: &str) -> Vec<String> {
        self.room.text(self.conn, frame);
        let who = format!("{} ", self.id);
        self.app.log().iter().map(|line| line.replace(&who, "")).collect()
    }
}

#[test]
fn e1_e9_an_event_is_named_by_a_string_or_a_number() {
    let table = [
        (r#"42["hey"]"#, "event / hey"),
        (r#"42["hey",1,"é\n",{"a":[ ]},null]"#, r#"event / hey 1 "é\n" {"a":[ ]} null"#),
        (r#"42["\u0041\"b"]"#, r#"event / A"b"#),
        ("42[1]", "event / 1"),
        ("42[-1.5,2]", "event / -1.5 2"),
        // JavaScript's text for the number, and U+FFFD for half of a surrogate pair; arguments are what was sent.
        ("42[5.0,5.0]", "event / 5 5.0"),
        ("42[-0]", "event / 0"),
        (r#"42["a\ud800\ud83d\ude00"]"#, "event / a\u{fffd}😀"),
        (r#"42[""]"#, "event / "),
        // No names that mean something, whatever they look like.
        (r#"42["connection"]"#, "event / connection"),
        (r#"42["error"]"#, "event / error"),
        (r#"42["message"]"#, "event / message"),
        (r#"42["__proto__"]"#, "event / __proto__"),
        // A placeholder in a packet without attachments is an object like any other (E6).
        (r#"42["a",{"_placeholder":true,"num":0}]"#, r#"event / a {"_placeholder":true,"num":0}"#),
        (r#"42["a","\ud800"]"#, r#"event / a "\ud800""#),
    ];
    let mut s = scene();
    for (frame, log) in table {
        assert_eq!(s.hears(frame), [log], "{frame}");
        assert_eq!(s.room.frames(s.conn), [""; 0]);
    }
}

#[test]
fn e2_an_ack_bears_the_id_of_its_event() {
    let table = [
        (r#"4213["hey",1]"#, "4313[[1]]"),
        (r#"420["hey"]"#, "430[[]]"),
        (r#"42["ignored"]"#, ""),
        // The reference reads a blank as the number 0.
        (r#"42 ["hey"]"#, "430[[]]"),
        (r#"42007["hey"]"#, "437[[]]"),
        // E4: what JavaScript would round, 64 bits hold.
        (r#"4218446744073709551615["hey"]"#, "4318446744073709551615[[]]"),
    ];
    let mut s = scene();
    for (frame, ack) in table {
        s.hears(frame);
        assert_eq!(s.room.frames(s.conn).concat(), ack, "{frame}");
    }
}

#[test]
fn e2_an_answer_to_a_socket_that_is_gone_is_dropped() {
    let mut s = scene();
    let log = s.hears(r#"421["leave"]"#);
    assert_eq!(log, ["event / leave", "disconnected / server namespace disconnect"]);
    assert_eq!(s.room.frames(s.conn), ["41"]);
}

#[test]
fn e3_the_servers_ack_ids_count_from_0_in_each_namespace() {
    let mut s = scene();
    s.room.join(s.conn, "/a");
    s.app.log();
    s.hears(r#"42["ask"]"#);
    s.hears(r#"42/a,["ask","x"]"#);
    s.hears(r#"42["ask"]"#);
    let questions = [r#"420["question",[]]"#, r#"42/a,0["question",["x"]]"#, r#"421["question",[]]"#];
    assert_eq!(s.room.frames(s.conn), questions);
    assert_eq!(s.hears(r#"431[true,"x"]"#), [r#"acked / q true "x""#], "in any order");
    assert_eq!(s.hears("430[]"), ["acked / q"]);
    assert!(s.hears("43/a,0[5]")[0].ends_with(" q 5"));
}

#[test]
fn e3_only_who_was_asked_may_answer_and_only_once() {
    let mut s = scene();
    let (other, other_id) = s.room.client();
    s.hears(r#"42["ask"]"#);
    let (own, others) = (s.room.frames(s.conn).concat(), s.room.frames(other).concat());
    assert_eq!([own.as_str(), &others], [r#"420["question",[]]"#; 2], "one id for all receivers");
    for frame in ["431[]", "437[]", "43[]", "43"] {
        assert_eq!(s.hears(frame), [""; 0], "{frame}: nobody's answer");
    }
    assert_eq!(s.hears("430[1]"), [""; 0], "until all have answered");
    assert_eq!(s.hears("430[9]"), [""; 0]);
    s.room.text(other, "430[2]");
    assert_eq!(s.app.log(), [format!("acked / {} q 1", s.id), format!("acked / {other_id} q 2")]);
    s.room.text(other, "430[2]");
    assert_eq!(s.app.log(), [""; 0]);
    assert!(s.room.is_open(s.conn) && s.room.is_open(other));
}

#[test]
fn e11_events_reach_the_app_in_the_order_they_came() {
    let mut s = scene();
    let numbers: Vec<_> = (0..50).collect();
    let log: Vec<_> = numbers.iter().flat_map(|n| s.hears(&format!(r#"42{n}["n",{n}]"#))).collect();
    assert_eq!(log, numbers.iter().map(|n| format!("event / n {n}")).collect::<Vec<_>>());
    assert_eq!(s.room.frames(s.conn), numbers.iter().map(|n| format!("43{n}[[{n}]]")).collect::<Vec<_>>());
}

#[test]
fn e12_what_follows_a_close_in_the_same_payload_is_ignored() {
    let app = Recorder::default();
    let mut room = app.room(plain());
    let sid = room.open_polling();
    let id = room.join_polling(&sid);
    app.log();
    room.post(&sid, "42[\"kick\"]\u{1e}42[\"late\"]\u{1e}40\u{1e}42[\"later\"]");
    assert_eq!(app.log(), [format!("event / {id} kick"), format!("disconnected / {id} server namespace disconnect")]);
    assert_eq!(room.poll(&sid), "41\u{1e}1");
}

#[test]
fn bad_packets_close_their_own_connection_with_forced_close() {
    let bad = [
        "4",
        "4abc",
        "47",
        "4é",
        "42",
        "42{}",
        "42[]",
        "42[null]",
        "42[true]",
        "42[[]]",
        r#"42[{"toString":"foo"}]"#,
        r#"42["a""#,
        r#"42["a"]x"#,
        r#"42["a",]"#,
        r#"42["a",undefined]"#,
        r#"421.5["a"]"#,
        r#"42abc["a"]"#,
        r#"421 1["a"]"#,
        r#"42-1["a"]"#,
        r#"4299999999999999999999["a"]"#,
        "41{}",
        "41[]",
        "40[]",
        r#"40"a""#,
        "43{}",
        r#"45-["a"]"#,
        r#"450-["a"]"#,
        "451.23-",
        "45a-",
        r#"4511-["a"]"#,
        r#"450-["a",{"_placeholder":true,"num":0}]"#,
        r#"4599999999-["a"]"#,
        "46",
        "460-1[]",
        r#"42["connect"]"#,
        r#"42["connect_error"]"#,
        r#"42["disconnect"]"#,
        r#"42["disconnecting"]"#,
        r#"42["newListener"]"#,
        r#"42["removeListener"]"#,
        r#"42["\u0063onnect"]"#,
    ];
    for frame in bad {
        let mut s = scene();
        let (other, _) = s.room.client();
        s.app.log();
        assert_eq!(s.hears(frame), ["disconnected / forced close"], "{frame}");
        assert_eq!((s.room.close_code(s.conn), s.room.frames(s.conn)), (Some(None), vec![]), "{frame}");
        assert_eq!((s.room.close_code(other), s.room.frames(other)), (None, vec![]), "{frame}");
    }
}

#[test]
fn a_bad_packet_takes_all_namespaces_of_its_connection_along() {
    let mut s = scene();
    let in_a = s.room.join(s.conn, "/a");
    s.app.log();
    s.room.text(s.conn, "42/a,{}");
    let mut log = s.app.log();
    log.sort();
    assert_eq!(log, [format!("disconnected / {} forced close", s.id), format!("disconnected /a {in_a} forced close")]);
}

/// Each row: who it happens to, what happens, and the reason that the app is told (1.13).
#[test]
fn disconnect_reasons_are_the_references() {
    type Cause = fn(&mut Room, &str, ConnId);
    let polling: [(&str, Cause); 13] = [
        ("client namespace disconnect", |room, sid, _| _ = room.post(sid, "41")),
        ("transport close", |room, sid, _| _ = room.post(sid, "1")),
        ("parse error", |room, sid, _| _ = room.post(sid, "x")),
        ("transport error", |room, sid, _| _ = room.post(sid, "2")),
        ("transport error", |room, sid, _| _ = (room.get(sid), room.get(sid))),
        ("transport error", |room, sid, _| {
            let get = room.get(sid);
            room.abort(get);
        }),
        ("transport error", |room, sid, _| {
            let post = room.start_post(sid);
            room.finish_post(post, Err(BodyError::Aborted));
        }),
        ("ping timeout", |room, _, _| _ = room.pass(500)),
        ("forced close", |room, sid, _| _ = room.post(sid, "4abc")),
        ("forced close", |room, sid, _| _ = (room.get(sid), room.post(sid, "4abc"))),
        // A client that broke a rule and can't be told at once (C6).
        ("forced server close", |room, sid, _| _ = room.post(sid, "40")),
        ("forced close", |room, sid, _| _ = (room.get(sid), room.post(sid, "40"))),
        ("server namespace disconnect", |room, sid, _| _ = room.post(sid, r#"42["kick"]"#)),
    ];
    let websocket: [(&str, Cause); 10] = [
        ("client namespace disconnect", |room, _, conn| room.text(conn, "41")),
        ("transport close", |room, _, conn| room.hang_up(conn, false)),
        ("transport error", |room, _, conn| room.hang_up(conn, true)),
        ("transport close", |room, _, conn| room.text(conn, "1")),
        ("transport error", |room, _, conn| room.text(conn, "2")),
        ("transport error", |room, _, conn| room.text(conn, &"4".repeat(1_000_001))),
        ("parse error", |room, _, conn| room.text(conn, "")),
        ("ping timeout", |room, _, _| _ = room.pass(500)),
        ("forced close", |room, _, conn| room.text(conn, "40")),
        ("server namespace disconnect", |room, _, conn| room.text(conn, r#"42["kick"]"#)),
    ];
    let check = |row: usize, (reason, cause): (&str, Cause), upgrades: bool| {
        let app = Recorder::default();
        let mut room = app.room(fast());
        let sid = room.open_polling();
        let id = room.join_polling(&sid);
        let conn = if upgrades { room.upgrade(&sid) } else { ConnId(0) };
        app.log();
        cause(&mut room, &sid, conn);
        let told: Vec<_> = app.log().into_iter().filter(|line| line.starts_with("disconnected")).collect();
        assert_eq!(told, [format!("disconnected / {id} {reason}")], "row {row}, upgraded: {upgrades}");
    };
    polling.into_iter().enumerate().for_each(|(row, cause)| check(row, cause, false));
    websocket.into_iter().enumerate().for_each(|(row, cause)| check(row, cause, true));
}

#[test]
fn a_binary_message_without_a_packet_that_announced_it_is_a_bad_packet() {
    for bytes in [&b""[..], &[0], b"42[\"a\"]"] {
        let mut s = scene();
        s.room.input(Input::Binary { conn: s.conn, bytes });
        assert_eq!(s.app.log(), [format!("disconnected / {} forced close", s.id)]);
        assert!(!s.room.is_open(s.conn));
    }
}
