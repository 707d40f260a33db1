//! The WebSocket transport: frames in and out, and how a session on it ends (W1–W6, P9, P10).

mod support;

use roomcast::config::Config;
use roomcast::ids::ConnId;
use roomcast::outbox::Input;
use support::{Recorder, Room, plain};

/// A client that has joined by WebSocket, in a room that writes down what happens, and one that nothing happens to.
struct Scene {
    app: Recorder,
    room: Room,
    conn: ConnId,
    id: String,
    bystander: ConnId,
}

fn scene() -> Scene {
    let app = Recorder::default();
    let mut room = app.room(Config { max_payload: 100, ..plain() });
    let (bystander, _) = room.client();
    let (conn, id) = room.client();
    app.log();
    Scene { app, room, conn, id, bystander }
}

impl Scene {
    fn assert_closed(&mut self, code: Option<u16>, reason: &str, what: &str) {
        assert_eq!(self.room.close_code(self.conn), Some(code), "{what}");
        assert_eq!(self.app.log(), [format!("disconnected / {} {reason}", self.id)], "{what}");
        assert_eq!(self.room.close_code(self.bystander), None, "{what}");
        assert_eq!(self.room.frames(self.bystander), [""; 0], "{what}");
    }
}

#[test]
fn w1_a_frame_is_a_packet() {
    let mut s = scene();
    s.room.text(s.conn, r#"42["say",1]"#);
    s.room.text(s.conn, r#"42["say","ü 😀"]"#);
    assert_eq!(s.room.frames(s.conn), [r#"42["said",[1]]"#, r#"42["said",["ü 😀"]]"#]);
    // The separator of payloads means nothing here: it is a control character, which JSON doesn't allow.
    s.app.log();
    s.room.text(s.conn, "42[\"a\"]\u{1e}42[\"b\"]");
    s.assert_closed(None, "forced close", "a record separator");
}

#[test]
fn w1_binary_comes_as_a_binary_frame_or_as_b_and_base64() {
    // Read as a message both ways: it is the Socket.IO layer that has no use for it yet.
    let mut s = scene();
    s.room.input(Input::Binary { conn: s.conn, bytes: &[1, 2, 3] });
    s.assert_closed(None, "forced close", "a binary frame");
    let mut s = scene();
    s.room.text(s.conn, "bAQID");
    s.assert_closed(None, "forced close", "base64");
    let mut s = scene();
    s.room.text(s.conn, "b*");
    s.assert_closed(None, "forced close", "bytes too, though none");
}

#[test]
fn w2_a_frame_over_the_limit_closes_with_1009() {
    let frame = |length: usize| format!(r#"42["{}"]"#, "x".repeat(length - 6));
    let mut s = scene();
    s.room.text(s.conn, &frame(100));
    assert_eq!(s.app.log().len(), 1, "the limit itself is fine");
    s.room.text(s.conn, &frame(101));
    s.assert_closed(Some(1009), "transport error", "text");

    let mut s = scene();
    s.room.input(Input::Binary { conn: s.conn, bytes: &[0; 101] });
    s.assert_closed(Some(1009), "transport error", "bytes");

    // The limit is one of bytes, not of characters.
    let mut s = scene();
    s.room.text(s.conn, &format!(r#"42["{}"]"#, "é".repeat(48)));
    s.assert_closed(Some(1009), "transport error", "characters");
}

#[test]
fn w3_all_other_closes_by_the_server_have_no_code() {
    let mut s = scene();
    s.room.text(s.conn, r#"42["kick"]"#);
    assert_eq!(s.room.frames(s.conn), ["41"]);
    assert_eq!(s.room.close_code(s.conn), Some(None));

    let mut s = scene();
    s.room.text(s.conn, "2");
    s.assert_closed(None, "transport error", "P9, a ping");

    let mut s = scene();
    for _ in 0..6 {
        s.room.text(s.bystander, "3");
        s.room.pass(25_000);
    }
    s.room.frames(s.bystander);
    s.assert_closed(None, "ping timeout", "silence");
}

#[test]
fn w4_an_empty_frame_or_an_unknown_type_is_a_parse_error() {
    for text in ["", "7", "a", " 4", "é", "\u{1e}", "probe"] {
        let mut s = scene();
        s.room.text(s.conn, text);
        s.assert_closed(None, "parse error", text);
    }
}

#[test]
fn w5_a_close_packet_closes_at_once() {
    let mut s = scene();
    s.room.text(s.conn, "1");
    s.assert_closed(None, "transport close", "1");
    s.room.hang_up(s.conn, false);
    assert_eq!(s.app.log(), [""; 0], "and the client's own close then tells nothing new");
}

#[test]
fn w6_a_second_websocket_for_a_session_on_one_is_refused_and_disturbs_nothing() {
    let mut s = scene();
    let sid = {
        let conn = s.room.websocket(support::WEBSOCKET);
        let open = s.room.frames(conn).concat();
        open.split('"').nth(3).unwrap().to_owned()
    };
    let second = s.room.try_websocket(&sid);
    assert_eq!(s.room.answer(second).map(|reply| reply.status), Some(400));
    assert_eq!(s.app.log(), [""; 0]);
    assert!(s.room.is_open(s.conn));
}

#[test]
fn p10_what_only_a_server_says_is_ignored() {
    let mut s = scene();
    for text in ["0{}", "5", "6"] {
        s.room.text(s.conn, text);
    }
    s.room.text(s.conn, r#"42["still here"]"#);
    assert_eq!(s.app.log(), [format!("event / {} still here", s.id)]);
}

#[test]
fn a_websocket_that_closes_or_breaks_ends_the_session() {
    for (failed, reason) in [(false, "transport close"), (true, "transport error")] {
        let mut s = scene();
        s.room.hang_up(s.conn, failed);
        assert_eq!(s.app.log(), [format!("disconnected / {} {reason}", s.id)]);
        assert!(s.room.is_open(s.bystander));
    }
}

#[test]
fn a_frame_on_a_websocket_that_nobody_knows_has_it_closed() {
    // The object may have come back without the session that this one carried.
    let mut s = scene();
    let stray = s.room.websocket(support::WEBSOCKET);
    s.room.tamper(stray, None);
    s.room.restart();
    s.room.input(Input::Tick);
    assert_eq!(s.room.close_code(stray), Some(None));
    assert!(s.room.is_open(s.conn) && s.room.is_open(s.bystander));
}
