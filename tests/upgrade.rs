//! Moving a session from polling to a WebSocket: the probe, what ends it, and that no packet is lost (U1–U9).

mod support;

use roomcast::config::Config;
use roomcast::engine_io::Fault;
use roomcast::ids::ConnId;
use roomcast::outbox::Input;
use support::{Recorder, Room, bad_request, fast, plain};

/// Somebody who polls and has joined, and somebody else who can talk to them.
struct Scene {
    app: Recorder,
    room: Room,
    sid: String,
    id: String,
    speaker: ConnId,
}

fn scene_in(config: Config) -> Scene {
    let app = Recorder::default();
    let mut room = app.room(config);
    let (speaker, _) = room.client();
    let sid = room.open_polling();
    let id = room.join_polling(&sid);
    app.log();
    Scene { app, room, sid, id, speaker }
}

fn scene() -> Scene {
    scene_in(plain())
}

impl Scene {
    fn say(&mut self, number: u32) {
        self.room.text(self.speaker, &format!(r#"42["shout",{number}]"#));
        self.app.log();
    }

    /// The session's WebSocket as far as `3probe`.
    fn probe(&mut self) -> ConnId {
        let socket = self.room.try_websocket(&self.sid);
        self.room.text(socket, "2probe");
        assert_eq!(self.room.frames(socket), ["3probe"]);
        socket
    }

    /// The session is on polling, and as good as before.
    fn assert_polls(&mut self, what: &str) {
        let get = self.room.get(&self.sid);
        assert_eq!(self.room.answer(get), None, "{what}: a GET waits again");
        self.say(99);
        assert_eq!(self.room.packets(get), r#"42["said",[99]]"#, "{what}");
        assert_eq!(self.room.post(&self.sid, r#"42["quiet"]"#).status, 200, "{what}");
        assert_eq!(self.app.log(), [format!("event / {} quiet", self.id)], "{what}");
    }
}

#[test]
fn u1_the_probe_is_answered_and_polls_are_released_from_then_on() {
    let mut s = scene();
    let get = s.room.get(&s.sid);
    s.room.pass(100);
    let socket = s.room.try_websocket(&s.sid);
    assert_eq!((s.room.frames(socket), s.room.answer(get)), (vec![], None), "not before the probe");
    s.room.text(socket, "2probe");
    assert_eq!(s.room.frames(socket), ["3probe"]);
    assert_eq!(s.room.packets(get), "6");
    let next = s.room.get(&s.sid);
    s.room.pass(99);
    assert_eq!(s.room.answer(next), None, "the client's `5` may be on its way");
    s.room.pass(1);
    assert_eq!(s.room.packets(next), "6", "but a new GET doesn't wait for long");
    s.say(1);
    assert_eq!(s.room.poll(&s.sid), r#"42["said",[1]]"#, "and brings what there is");
}

#[test]
fn u2_posts_are_taken_until_the_upgrade_and_one_that_it_overtakes_is_not_lost() {
    let mut s = scene();
    let socket = s.probe();
    assert_eq!(s.room.post(&s.sid, r#"42["a"]"#).status, 200);
    let post = s.room.start_post(&s.sid);
    s.room.text(socket, "5");
    assert_eq!(s.room.finish_post(post, Ok(br#"42["b"]"#)).status, 200);
    assert_eq!(s.app.log(), [format!("event / {} a", s.id), format!("event / {} b", s.id)]);
    assert!(s.room.is_open(socket));
}

#[test]
fn u3_any_other_packet_ends_the_attempt_and_the_session_goes_on_polling() {
    for text in ["2", "2other", "3", "1", "", "7", r#"42["say",1]"#, "6"] {
        // Where pongs are delivered: elsewhere the runtime swallows a `3`.
        let mut s = scene_in(fast());
        let socket = s.room.try_websocket(&s.sid);
        s.room.text(socket, text);
        assert_eq!((s.room.close_code(socket), s.room.frames(socket)), (Some(None), vec![]), "{text:?}");
        s.assert_polls(text);
        let again = s.room.upgrade(&s.sid);
        assert!(s.room.is_open(again), "{text:?}: and may try again");
    }
    let mut s = scene();
    let socket = s.probe();
    s.room.input(Input::Binary { conn: socket, bytes: b"5" });
    assert_eq!(s.room.close_code(socket), Some(None));
    s.assert_polls("a binary frame");
}

#[test]
fn u3_the_upgrade_packet_is_taken_without_a_probe() {
    for waits in [false, true] {
        let mut s = scene();
        s.say(1);
        let get = waits.then(|| {
            assert_eq!(s.room.poll(&s.sid), r#"42["said",[1]]"#);
            s.room.get(&s.sid)
        });
        let post = s.room.start_post(&s.sid);
        let socket = s.room.try_websocket(&s.sid);
        s.room.text(socket, "5");
        if let Some(get) = get {
            assert_eq!(s.room.packets(get), "6", "it was sent before the upgrade");
        }
        assert_eq!(s.room.finish_post(post, Ok(br#"42["say",2]"#)).status, 200);
        let expected: &[u32] = if waits { &[2] } else { &[1, 2] };
        let expected: Vec<_> = expected.iter().map(|n| format!(r#"42["said",[{n}]]"#)).collect();
        assert_eq!(s.room.frames(socket), expected, "nothing is lost, and nothing comes twice");
        let late = s.room.get(&s.sid);
        assert_eq!(s.room.answer(late).unwrap().status, 400);
        s.say(3);
        assert_eq!(s.room.frames(socket), [r#"42["said",[3]]"#]);
    }
}

#[test]
fn u3_the_answer_to_a_connect_by_polling_comes_over_the_websocket() {
    let mut room = Recorder::default().room(plain());
    let sid = room.open_polling();
    room.post(&sid, "40");
    let socket = room.try_websocket(&sid);
    room.text(socket, "5");
    let frames = room.frames(socket);
    assert!(matches!(&frames[..], [connect] if connect.starts_with("40{")), "{frames:?}");
}

#[test]
fn u4_only_one_upgrade_at_a_time_and_none_after_one_succeeded() {
    let mut s = scene();
    let first = s.probe();
    let second = s.room.try_websocket(&s.sid);
    assert_eq!(s.room.answer(second).unwrap().status, 400);
    assert!(s.room.is_open(first), "the first one goes on");
    s.room.text(first, "5");
    let third = s.room.try_websocket(&s.sid);
    assert_eq!(s.room.answer(third).unwrap().status, 400);
    s.say(1);
    assert_eq!(s.room.frames(first), [r#"42["said",[1]]"#]);
}

#[test]
fn u5_after_the_upgrade_http_is_a_bad_request() {
    let mut s = scene();
    let socket = s.room.upgrade(&s.sid);
    for method in ["GET", "POST"] {
        let conn = s.room.http(method, &format!("{}&sid={}", support::POLLING, s.sid));
        let reply = s.room.answer(conn).unwrap();
        assert_eq!((reply.status, reply.text()), (400, bad_request(Fault::Transport).text()), "{method}");
    }
    assert!(s.room.is_open(socket));
    assert_eq!(s.app.log(), [""; 0]);
}

#[test]
fn u6_an_upgrade_that_takes_too_long_is_given_up() {
    for probed in [false, true] {
        let mut s = scene();
        let socket = if probed { s.probe() } else { s.room.try_websocket(&s.sid) };
        s.room.pass(9_999);
        assert!(s.room.is_open(socket));
        s.room.pass(1);
        assert_eq!(s.room.close_code(socket), Some(None));
        s.assert_polls("given up");
    }
}

#[test]
fn u6_a_late_alarm_does_not_let_a_late_upgrade_pass() {
    let mut s = scene();
    let socket = s.probe();
    s.room.sleep(10_000);
    s.room.text(socket, "5");
    assert_eq!(s.room.close_code(socket), Some(None));
    s.assert_polls("too late");
}

#[test]
fn u7_a_session_that_closes_while_probing_closes_the_websocket_too() {
    type End = fn(&mut Scene);
    let ends: [(&str, End); 5] = [
        ("transport close", |s| _ = s.room.post(&s.sid, "1")),
        ("parse error", |s| _ = s.room.post(&s.sid, "x")),
        ("server namespace disconnect", |s| _ = s.room.post(&s.sid, r#"42["kick"]"#)),
        ("transport error", |s| {
            let post = s.room.start_post(&s.sid);
            let second = s.room.start_post(&s.sid);
            assert_eq!(
                [s.room.answer(post), s.room.answer(second)],
                [Fault::SecondPost; 2].map(|fault| Some(bad_request(fault)))
            );
        }),
        ("ping timeout", |s| _ = s.room.pass(500)),
    ];
    for (reason, end) in ends {
        let mut s = scene_in(fast());
        let socket = s.probe();
        end(&mut s);
        assert_eq!(s.room.close_code(socket), Some(None), "{reason}");
        let told = format!("disconnected / {} {reason}", s.id);
        assert!(s.app.log().contains(&told), "{reason}");
    }
}

#[test]
fn u8_the_upgrade_clears_the_pong_that_was_due_and_the_next_ping_comes() {
    let mut s = scene_in(fast());
    s.room.text(s.speaker, "3");
    s.room.pass(300);
    assert_eq!(s.room.poll(&s.sid), "2", "a pong is due at 500");
    s.room.pass(100);
    let socket = s.room.upgrade(&s.sid);
    s.room.pass(299);
    assert_eq!(s.room.frames(socket), [""; 0]);
    s.room.pass(1);
    assert_eq!(s.room.frames(socket), ["2"], "an interval after the upgrade");
    s.room.pass(200);
    assert_eq!(s.room.close_code(socket), Some(None), "and its pong is due as any other");
}

#[test]
fn u8_where_pongs_are_absorbed_the_common_ping_takes_over() {
    let mut s = scene();
    s.room.pass(25_000);
    assert_eq!(s.room.poll(&s.sid), "2");
    let socket = s.room.upgrade(&s.sid);
    s.room.pass(24_999);
    assert_eq!(s.room.frames(socket), [""; 0]);
    for _ in 0..10 {
        s.room.pass(1);
        assert_eq!(s.room.frames(socket), ["2"]);
        s.room.text(socket, "3");
        s.room.pass(24_999);
    }
    assert!(s.room.is_open(socket));
}

#[test]
fn u9_what_is_said_during_the_upgrade_arrives_once_and_in_order() {
    let mut s = scene();
    s.say(1);
    let socket = s.room.try_websocket(&s.sid);
    s.say(2);
    s.room.text(socket, "2probe");
    s.say(3);
    assert_eq!(s.room.frames(socket), ["3probe"], "nothing overtakes on the WebSocket");
    s.room.text(socket, "5");
    s.say(4);
    assert_eq!(s.room.frames(socket), [1, 2, 3, 4].map(|n| format!(r#"42["said",[{n}]]"#)));
}

#[test]
fn u5_a_get_that_overtakes_the_whole_upgrade_is_refused_as_if_it_had_come_after() {
    let mut s = scene();
    let socket = s.room.try_websocket(&s.sid);
    let get = s.room.get(&s.sid);
    s.room.text(socket, "2probe");
    assert_eq!(s.room.answer(get), None);
    s.room.text(socket, "5");
    let refused = s.room.answer(get).unwrap();
    assert_eq!((refused.status, refused.text()), (400, bad_request(Fault::Transport).text()));
}

#[test]
fn u5_a_get_that_overtakes_the_end_of_the_upgrade_is_refused_as_if_it_had_come_after() {
    let mut s = scene();
    let socket = s.probe();
    s.say(1);
    let first = s.room.get(&s.sid);
    assert_eq!(s.room.packets(first), r#"42["said",[1]]"#);
    let second = s.room.get(&s.sid);
    s.room.text(socket, "5");
    let refused = s.room.answer(second).unwrap();
    assert_eq!((refused.status, refused.text()), (400, bad_request(Fault::Transport).text()));
    s.say(2);
    assert_eq!(s.room.frames(socket), [r#"42["said",[2]]"#]);
}

#[test]
fn u9_a_websocket_that_breaks_before_the_upgrade_costs_nothing() {
    for failed in [false, true] {
        let mut s = scene();
        let socket = s.probe();
        s.say(1);
        s.room.hang_up(socket, failed);
        assert_eq!(s.room.poll(&s.sid), r#"42["said",[1]]"#);
        s.assert_polls("the WebSocket broke");
    }
}
