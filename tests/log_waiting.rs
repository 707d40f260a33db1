//! Frames that have come together share statements for their events in the log. Whoever looks finds nothing different.

#![allow(
    clippy::indexing_slicing,
    clippy::unwrap_used,
    reason = "what goes wrong in a helper fails the test that uses it"
)]

mod support;

use roomcast::app::prelude::*;
use roomcast::config::Config;
use roomcast::ids::ConnId;
use serde_json::{Value, json};
use support::people::{ChatRoom, Person, config, couple, forget};
use support::{Room, Traveller, plain};

fn say(text: &str) -> String {
    format!("421{}", json!(["message", {"text": text, "id": format!("id-{text}")}]))
}

/// These say something each, in one turn.
fn say_together(room: &mut Room, frames: &[(ConnId, String)]) {
    let frames: Vec<_> = frames.iter().map(|(conn, frame)| (*conn, frame.as_str())).collect();
    room.together(&frames);
}

/// The events that somebody got, without the answers to what they said.
fn heard(room: &mut ChatRoom, person: &mut Person) -> Vec<String> {
    let frames = room.frames(person.conn);
    let events = frames.iter().filter_map(|frame| frame.strip_prefix("42"));
    events.map(|json| serde_json::from_str::<Value>(json).unwrap()[1]["text"].as_str().unwrap().to_owned()).collect()
}

fn logged(room: &Room) -> Vec<String> {
    let sql = "SELECT event FROM roomcast_log WHERE event LIKE '[\"newMessage%' ORDER BY offset";
    let rows = roomcast::database::Database::query(room.memory(), sql, &[]).unwrap();
    let text = |json: &str| serde_json::from_str::<Value>(json).unwrap()[1]["text"].as_str().unwrap().to_owned();
    rows.iter().map(|row| text(row.text(0).unwrap())).collect()
}

#[test]
fn many_events_share_statements_and_each_is_in_the_log_once() {
    let (mut room, mut ada, mut bob) = couple();
    forget(&mut room, &mut [&mut ada, &mut bob]);
    room.memory().statements();
    let texts: Vec<_> = (0..40).map(|n| format!("text-{n}")).collect();
    let speakers = [ada.conn, bob.conn].into_iter().cycle();
    say_together(&mut room, &speakers.zip(&texts).map(|(conn, text)| (conn, say(text))).collect::<Vec<_>>());
    let statements = room.memory().statements();
    assert!(statements < 40 + 10, "one for each message, and few for their events: {statements}");
    assert_eq!(logged(&room), texts);
    let (even, odd): (Vec<_>, Vec<_>) = texts.into_iter().enumerate().partition(|(n, _)| n % 2 == 0);
    let texts = |list: Vec<(usize, String)>| list.into_iter().map(|(_, text)| text).collect::<Vec<_>>();
    assert_eq!((heard(&mut room, &mut bob), heard(&mut room, &mut ada)), (texts(even), texts(odd)));
}

#[test]
fn a_message_that_came_before_leaves_nothing_in_the_log() {
    let (mut room, mut ada, mut bob) = couple();
    forget(&mut room, &mut [&mut ada, &mut bob]);
    let frames = ["one", "two", "two", "one", "three"].map(|text| (ada.conn, say(text)));
    say_together(&mut room, &frames);
    assert_eq!(logged(&room), ["one", "two", "three"]);
    assert_eq!(heard(&mut room, &mut bob), ["one", "two", "three"]);
    let answers = room.frames(ada.conn);
    assert_eq!((answers.len(), &answers[1], &answers[0]), (5, &answers[2], &answers[3]));
}

#[test]
fn where_the_rows_that_wait_can_not_be_written_nothing_of_the_turn_remains() {
    let (mut room, mut ada, mut bob) = couple();
    forget(&mut room, &mut [&mut ada, &mut bob]);
    room.memory().script(
        r#"CREATE TRIGGER fails BEFORE INSERT ON roomcast_log WHEN new.event LIKE '%"text":"three"%'
            BEGIN SELECT RAISE(FAIL, 'no'); END"#,
    );
    say_together(&mut room, &["one", "two", "three"].map(|text| (ada.conn, say(text))));
    assert_eq!(room.close_code(ada.conn), Some(Some(1011)));
    assert_eq!(heard(&mut room, &mut bob), [""; 0]);
    assert_eq!(room.memory().number("SELECT count(*) FROM chat_messages"), 0);
    room.memory().script("DROP TRIGGER fails");
    ada.recover(&mut room);
    say_together(&mut room, &["one", "two", "three"].map(|text| (ada.conn, say(text))));
    assert_eq!(heard(&mut room, &mut bob), ["one", "two", "three"]);
}

#[test]
fn storage_that_fails_at_once_is_told_to_the_app() {
    let (mut room, mut ada, mut bob) = couple();
    forget(&mut room, &mut [&mut ada, &mut bob]);
    room.fail_writes(true);
    say_together(&mut room, &["one", "two"].map(|text| (ada.conn, say(text))));
    let answers = room.frames(ada.conn);
    assert!(answers.len() == 2 && answers.iter().all(|answer| answer.contains("\"storage\"")), "{answers:?}");
}

#[test]
fn a_client_that_comes_back_in_the_same_turn_gets_what_waits() {
    let (mut room, mut ada, mut bob) = couple();
    forget(&mut room, &mut [&mut ada]);
    bob.vanish(&mut room);
    let back = room.open_socket();
    let mut frames = ["one", "two", "three"].map(|text| (ada.conn, say(text))).to_vec();
    frames.push((back, format!("40{}", json!({"pid": bob.pid()}))));
    frames.push((ada.conn, say("four")));
    say_together(&mut room, &frames);
    bob.conn = back;
    let events = heard(&mut room, &mut bob);
    assert_eq!(events, ["one", "two", "three", "four"]);
}

/// An app that tells numbers, and takes those below ten back.
fn telling() -> Handlers {
    Handlers::new().on("tell", |socket: &mut Socket<'_>, number: u64| socket.io.emit("told", &number)).on(
        "try",
        |socket: &mut Socket<'_>, number: u64| {
            socket.io.atomically(|| {
                socket.io.kv().put("number", &number)?;
                socket.io.emit("told", &number)?;
                if number < 10 { Err(Error::new("too_small", "Too small.")) } else { Ok(()) }
            })
        },
    )
}

fn told(events: &[Value]) -> Vec<u64> {
    events.iter().filter(|event| event[0] == "told").map(|event| event[1].as_u64().unwrap()).collect()
}

#[test]
fn a_step_that_fails_takes_only_its_own_events_back() {
    let mut room = Room::new(config(), telling);
    let (mut one, mut other) = (Traveller::new(&mut room), Traveller::new(&mut room));
    one.events(&mut room);
    other.blink(&mut room);
    let position = other.offset.clone();
    let frames = [("tell", 1), ("tell", 2), ("try", 3), ("tell", 4), ("try", 50), ("tell", 6)];
    let frames = frames.map(|(event, number)| (one.conn, format!("42{}", json!([event, number]))));
    say_together(&mut room, &frames);
    let expected = [1, 2, 4, 50, 6];
    assert_eq!(told(&one.events(&mut room)), expected);
    assert_eq!(told(&other.events(&mut room)), expected);
    other.offset = position;
    assert_eq!(told(&other.blink(&mut room)), expected, "the log has the same");
}

#[test]
fn the_log_stays_within_its_limits() {
    let limits = Config { log_max_events: 16, ..plain() };
    let mut room = Room::new(Config { recovery: config().recovery, ..limits }, telling);
    let one = Traveller::new(&mut room);
    let frames: Vec<_> = (0..200).map(|number| (one.conn, format!("42{}", json!(["tell", number])))).collect();
    for frames in frames.chunks(50) {
        say_together(&mut room, frames);
        let count = room.memory().number("SELECT count(*) FROM roomcast_log");
        assert!((16..=18).contains(&count), "{count}");
    }
    let newest = "SELECT event LIKE '%199%' FROM roomcast_log ORDER BY offset DESC LIMIT 1";
    assert_eq!(room.memory().number(newest), 1);
}
