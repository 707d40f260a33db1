//! Connection state recovery, row by row of 1.11, and where it is better than the reference's.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "what goes wrong in here fails the test")]

mod support;

use roomcast::app::{AnswersName, Refusal};
use roomcast::config::Config;
use roomcast::ids::{ConnId, Millis};
use serde_json::{Value, json};
use support::{Recorder, Room, Traveller};

/// A room whose pings don't get in the way.
fn config() -> Config {
    Config { ping_interval: Millis(600_000), recovery: Millis(60_000), ..Config::default() }
}

/// An app whose sockets move between rooms, keep data and say things to everybody, to a room or to themselves.
fn app() -> Recorder {
    Recorder {
        on_event: |io, event| {
            let text = |index| event.args.get::<String>(index).unwrap_or_default();
            let done = match event.name {
                "join" => {
                    io.join(event.socket, &text(0));
                    Ok(())
                }
                "leave" => {
                    io.leave(event.socket, &text(0));
                    Ok(())
                }
                "keep" => io.set_data(event.socket, &text(0)),
                "kept" => {
                    let kept = io.data::<String>(event.socket);
                    io.to(event.socket).emit("kept", &(kept, 0))
                }
                "to" => io.to(text(0)).emit("said", &json!([text(1)])),
                "but" => io.all().except(text(0)).emit("said", &json!([text(1)])),
                "fleeting" => io.all().volatile().emit("fleeting", &1),
                "ask" => io.to(event.socket).emit_with_ack("question", &"a text", AnswersName::new("q")),
                "kick" => {
                    io.disconnect(event.socket, false);
                    Ok(())
                }
                _ => io.all().emit_args("said", event.args),
            };
            assert_eq!(done, Ok(()));
        },
        ..Recorder::default()
    }
}

fn say(room: &mut Room, conn: ConnId, args: &Value) {
    room.text(conn, &format!("42{args}"));
}

/// A room with somebody who talks, and somebody who comes and goes.
fn scene() -> (Recorder, Room, ConnId, Traveller) {
    let app = app();
    let mut room = app.room(config());
    let (talker, _) = room.client();
    let traveller = Traveller::new(&mut room);
    app.log();
    (app, room, talker, traveller)
}

/// The argument of `said` that these numbers make.
fn said(numbers: impl IntoIterator<Item = u64>) -> Vec<Value> {
    numbers.into_iter().map(|number| json!(["said", number])).collect()
}

#[test]
fn r1_11_1_a_connect_is_answered_with_a_secret_besides_the_id() {
    let (_, mut room, _, traveller) = scene();
    assert_eq!((traveller.id.len(), traveller.pid.len()), (20, 20));
    assert_ne!(traveller.id, traveller.pid);
    let conn = room.open_socket();
    room.text(conn, "40");
    let frames = room.frames(conn);
    let order = frames[0].find(r#""sid""#) < frames[0].find(r#""pid""#);
    assert!(order, "as the reference writes it: {frames:?}");
}

#[test]
fn r1_11_2_events_end_with_their_offset_unless_they_are_volatile_or_want_an_answer() {
    let (_, mut room, talker, traveller) = scene();
    room.frames(talker);
    say(&mut room, talker, &json!(["hello", 1]));
    let first = room.frames(talker);
    assert_eq!(first, room.frames(traveller.conn), "one frame for all");
    let event: Vec<Value> = serde_json::from_str(&first[0][2..]).unwrap();
    assert!(matches!(event.as_slice(), [_, _, Value::String(_)]), "{event:?}");
    say(&mut room, talker, &json!(["fleeting"]));
    assert_eq!(room.frames(talker), [r#"42["fleeting",1]"#]);
    say(&mut room, talker, &json!(["ask"]));
    assert_eq!(room.frames(talker), [r#"420["question","a text"]"#]);
    room.text(talker, r#"427["hello"]"#);
    assert!(room.frames(talker).iter().all(|frame| frame.starts_with("42")), "no ack has any");
}

#[test]
fn r1_11_5_who_comes_back_is_the_same_socket_and_gets_what_it_missed_before_it_is_told_so() {
    let (app, mut room, talker, mut traveller) = scene();
    let before = traveller.clone();
    say(&mut room, traveller.conn, &json!(["join", "x"]));
    say(&mut room, traveller.conn, &json!(["keep", "kept"]));
    say(&mut room, talker, &json!(["hello", 0]));
    assert_eq!(traveller.events(&mut room), said([0]));
    room.hang_up(traveller.conn, true);
    for number in 1..=3 {
        say(&mut room, talker, &json!(["hello", number]));
    }
    say(&mut room, talker, &json!(["to", "x", "in x"]));
    say(&mut room, talker, &json!(["to", "y", "in y"]));
    say(&mut room, talker, &json!(["fleeting"]));
    app.log();
    let missed = traveller.come_back(&mut room);
    assert_eq!(missed, [said(1..=3), vec![json!(["said", ["in x"]])]].concat());
    assert!(traveller.recovered);
    assert_eq!((&traveller.id, &traveller.pid), (&before.id, &before.pid));
    assert_eq!(
        app.log(),
        [format!("connecting / {}", shown(&traveller, &missed)), format!("recovered / {}", before.id)]
    );
    say(&mut room, traveller.conn, &json!(["kept"]));
    assert_eq!(traveller.events(&mut room), [json!(["kept", "kept", 0])]);
    say(&mut room, talker, &json!(["to", "x", "again"]));
    assert_eq!(traveller.events(&mut room), [json!(["said", ["again"]])], "it is in its room");

    /// What the client sent: its offset was that of the event before those that it missed.
    fn shown(traveller: &Traveller, missed: &[Value]) -> String {
        let last: u64 = traveller.offset.as_ref().unwrap().parse().unwrap();
        let before = last - missed.len() as u64;
        json!({"pid": traveller.pid, "offset": before.to_string()}).to_string()
    }
}

#[test]
fn r1_11_4_without_an_event_there_is_no_offset_and_nothing_is_lost() {
    // The reference can't recover who never got an event.
    let (_, mut room, talker, mut traveller) = scene();
    room.hang_up(traveller.conn, false);
    say(&mut room, talker, &json!(["hello", 1]));
    assert_eq!(traveller.offset, None);
    assert_eq!(traveller.come_back(&mut room), said([1]));
    assert!(traveller.recovered);
    room.hang_up(traveller.conn, false);
    assert_eq!(traveller.come_back(&mut room), said([]));
    assert!(traveller.recovered, "as often as it likes");
}

#[test]
fn r1_11_4_an_offset_of_the_life_before_counts_as_none() {
    // The stock client keeps it when it had to start anew.
    let (_, mut room, talker, mut traveller) = scene();
    say(&mut room, talker, &json!(["hello", 1]));
    traveller.events(&mut room);
    room.text(traveller.conn, "41");
    traveller.come_back(&mut room);
    assert!(!traveller.recovered && traveller.offset.is_some());
    room.hang_up(traveller.conn, true);
    say(&mut room, talker, &json!(["hello", 2]));
    assert_eq!(traveller.come_back(&mut room), said([2]));
    assert!(traveller.recovered);
}

#[test]
fn r1_11_7_only_an_accident_can_be_recovered_from() {
    type Part = fn(&mut Room, &Traveller);
    let parts: [(&str, Part, bool); 7] = [
        ("a lost connection", |room, own| room.hang_up(own.conn, true), true),
        ("a closed connection", |room, own| room.hang_up(own.conn, false), true),
        ("a packet too many", |room, own| room.text(own.conn, "40"), true),
        ("silence", |room, _| _ = room.pass(2_000_000), true),
        ("its own DISCONNECT", |room, own| room.text(own.conn, "41"), false),
        ("a kick", |room, own| room.text(own.conn, r#"42["kick"]"#), false),
        ("what is no packet", |room, own| room.text(own.conn, "x"), false),
    ];
    for (how, part, recoverable) in parts {
        let app = app();
        let mut room = app.room(Config { recovery: Millis(1_000_000_000), ..config() });
        let mut traveller = Traveller::new(&mut room);
        part(&mut room, &traveller);
        traveller.come_back(&mut room);
        assert_eq!(traveller.recovered, recoverable, "{how}");
    }
}

#[test]
fn r1_11_8_who_can_not_be_recovered_joins_as_anybody() {
    let (app, mut room, talker, traveller) = scene();
    say(&mut room, talker, &json!(["hello", 1]));
    room.hang_up(traveller.conn, true);
    for (pid, offset) in [
        ("unknown", None),
        ("unknown", Some("1700000000000000")),
        (traveller.id.as_str(), None),
        (traveller.pid.as_str(), Some("a text of somebody else")),
    ] {
        let mut other = Traveller { pid: pid.to_owned(), offset: offset.map(str::to_owned), ..traveller.clone() };
        assert_eq!(other.come_back(&mut room), said([]), "{pid} {offset:?}");
        assert!(!other.recovered && other.id != traveller.id);
    }
    let told = app.log();
    assert!(
        told.contains(&format!("expired / {}", traveller.id)),
        "who came back another way won't come back: {told:?}"
    );
    let mut late = traveller;
    late.come_back(&mut room);
    assert!(!late.recovered, "once given up, it is gone");
}

#[test]
fn the_time_is_over_when_it_says() {
    for (wait, recovered) in [(59_999, true), (60_000, false)] {
        let (app, mut room, _, mut traveller) = scene();
        let id = traveller.id.clone();
        room.hang_up(traveller.conn, true);
        room.sleep(wait);
        traveller.come_back(&mut room);
        assert_eq!(traveller.recovered, recovered, "{wait} ms");
        assert_eq!(app.log().contains(&format!("expired / {id}")), !recovered);
    }
}

#[test]
fn nobody_has_to_come_for_a_socket_to_expire() {
    let (app, mut room, _, traveller) = scene();
    room.hang_up(traveller.conn, true);
    room.pass(59_999);
    assert_eq!(app.log(), [format!("disconnected / {} transport error", traveller.id)]);
    room.pass(1);
    assert_eq!(app.log(), [format!("expired / {}", traveller.id)]);
    assert_eq!(room.memory().number("SELECT count(*) FROM roomcast_sockets"), 1, "the talker's");
}

#[test]
fn a_kick_revokes_what_a_recovery_has_given() {
    // The reference lets who was recovered once come back after a kick, past the connect check.
    let (_, mut room, _, mut traveller) = scene();
    traveller.blink(&mut room);
    assert!(traveller.recovered);
    room.text(traveller.conn, r#"42["kick"]"#);
    room.frames(traveller.conn);
    traveller.come_back(&mut room);
    assert!(!traveller.recovered);
}

#[test]
fn a_client_that_is_back_before_its_loss_is_noticed_takes_over() {
    let (app, mut room, talker, mut traveller) = scene();
    for round in 0..3 {
        let old = traveller.conn;
        say(&mut room, talker, &json!(["hello", round]));
        room.frames(old); // and they never arrived
        app.log();
        assert_eq!(traveller.come_back(&mut room), said([round]));
        assert!(traveller.recovered);
        assert_eq!(room.close_code(old), Some(None), "the old connection is closed");
        let told = app.log();
        assert_eq!(
            told[1..],
            [format!("disconnected / {} transport close", traveller.id), format!("recovered / {}", traveller.id)]
        );
        room.pass(100_000);
        assert!(room.is_open(traveller.conn), "and takes nothing with it");
    }
}

#[test]
fn the_connect_check_is_asked_again_and_may_refuse() {
    let app = Recorder {
        on_connecting: |_, auth| match auth {
            Some(auth) if auth.get().contains("pid") && !auth.get().contains("token") => {
                Err(Refusal { message: "no token".to_owned(), data: None })
            }
            _ => Ok(()),
        },
        ..app()
    };
    let mut room = app.room(config());
    let traveller = Traveller::new(&mut room);
    room.hang_up(traveller.conn, true);
    let conn = room.open_socket();
    room.text(conn, &format!(r#"40{{"pid":"{}"}}"#, traveller.pid));
    assert_eq!(room.frames(conn), [r#"44{"message":"no token"}"#]);
    room.text(conn, &format!(r#"40{{"pid":"{}","token":1}}"#, traveller.pid));
    assert_eq!(room.frames(conn), [format!(r#"40{{"sid":"{}","pid":"{}"}}"#, traveller.id, traveller.pid)]);
}

#[test]
fn a_pid_is_good_for_its_own_namespace_only() {
    let (_, mut room, _, _) = scene();
    let mut traveller = Traveller::in_namespace(&mut room, "/a");
    room.hang_up(traveller.conn, true);
    let mut lost = Traveller { namespace: "/b".to_owned(), ..traveller.clone() };
    lost.come_back(&mut room);
    assert!(!lost.recovered);
    traveller.come_back(&mut room);
    assert!(traveller.recovered);
}

#[test]
fn attachments_are_replayed_with_their_event() {
    let (_, mut room, talker, mut traveller) = scene();
    room.hang_up(traveller.conn, true);
    room.text(talker, r#"451-["hello",{"_placeholder":true,"num":0}]"#);
    room.binary(talker, &[1, 2, 3]);
    traveller.conn = room.open_socket();
    room.text(traveller.conn, &format!(r#"40{{"pid":"{}"}}"#, traveller.pid));
    let frames = room.frames(traveller.conn);
    assert!(frames[0].starts_with(r#"451-["said",{"_placeholder":true,"num":0},""#), "{frames:?}");
    assert_eq!(frames[1], "[1, 2, 3]");
    assert!(frames[2].starts_with("40"), "{frames:?}");
}

#[test]
fn without_recovery_nothing_of_it_is_seen_or_stored() {
    let app = app();
    let mut room = app.room(Config { recovery: Millis(0), ..config() });
    let conn = room.open_socket();
    room.text(conn, "40");
    assert!(!room.frames(conn)[0].contains("pid"));
    room.memory().rows_written();
    room.text(conn, r#"42["hello",1]"#);
    assert_eq!(room.frames(conn), [r#"42["said",1]"#]);
    room.hang_up(conn, true);
    assert_eq!(room.memory().rows_written(), 0);
}

#[test]
fn what_many_have_missed_together_is_read_once() {
    const PEOPLE: usize = 20;
    const MESSAGES: u64 = 100;
    let (_, mut room, talker, _) = scene();
    let mut travellers: Vec<_> = (0..PEOPLE).map(|_| Traveller::new(&mut room)).collect();
    // They have got differently far, one after the other.
    for (gone, traveller) in (0..).zip(&mut travellers) {
        traveller.events(&mut room);
        room.hang_up(traveller.conn, true);
        say(&mut room, talker, &json!(["say", gone]));
    }
    for number in PEOPLE as u64..MESSAGES {
        say(&mut room, talker, &json!(["say", number]));
    }
    room.memory().rows_read();
    for (first, traveller) in (0..).zip(&mut travellers) {
        assert_eq!(traveller.come_back(&mut room), said(first..MESSAGES));
    }
    let read = room.memory().rows_read();
    assert!(read < MESSAGES + 3 * PEOPLE as u64, "{read} rows");
    // What is said meanwhile is missed as well.
    room.hang_up(travellers[0].conn, true);
    say(&mut room, talker, &json!(["say", "more"]));
    assert_eq!(travellers[0].come_back(&mut room), [json!(["said", "more"])]);
}
