//! Frames that have come together have one turn: one transaction, and each is handled as if it had come alone.

#![allow(clippy::unwrap_used, reason = "what goes wrong in here fails the test")]

mod support;

use roomcast::app::prelude::*;
use roomcast::config::Config;
use roomcast::ids::ConnId;
use serde_json::json;
use support::{Room, plain};

fn store(io: &Io<'_>, number: u64) -> Result {
    io.kv().put(&number.to_string(), &number)
}

/// A room in which two can be heard: what they say is stored, and told to everybody.
fn scene() -> (Room, [ConnId; 2]) {
    let handlers = || {
        Handlers::new()
            .on("say", |socket: &mut Socket<'_>, number: u64| {
                store(&socket.io, number)?;
                socket.io.emit("said", &number)
            })
            .on("wave", |socket: &mut Socket<'_>, number: u64| socket.io.all().volatile().emit("waved", &number))
            .on("leave", |socket: &mut Socket<'_>, ()| {
                socket.disconnect(true);
                Ok(())
            })
    };
    let mut room = Room::new(Config { max_turn_packets: 2, ..plain() }, handlers);
    let conns = [(); 2].map(|()| room.client().0);
    (room, conns)
}

#[test]
fn frames_together_are_handled_in_order_in_one_transaction() {
    let (mut room, [one, other]) = scene();
    let before = room.memory().commits();
    let frames = [1, 2, 3, 4, 5, 6].map(|number| format!("42{}", json!(["say", number])));
    let frames: Vec<_> =
        frames.iter().zip([one, other].into_iter().cycle()).map(|(frame, conn)| (conn, frame.as_str())).collect();
    room.together(&frames);
    assert_eq!(room.memory().commits(), before + 1, "each may read as much as a turn");
    let said = [1, 2, 3, 4, 5, 6].map(|number| format!("42{}", json!(["said", number])));
    assert_eq!(room.frames(one), said);
    assert_eq!(room.frames(other), said);
}

#[test]
fn frames_together_are_all_lost_where_their_commit_fails() {
    let (mut room, [one, other]) = scene();
    room.memory().fail_commits(1..2);
    room.together(&[(one, r#"42["say",1]"#), (other, r#"42["say",2]"#)]);
    assert_eq!([one, other].map(|conn| room.close_code(conn)), [Some(Some(1011)); 2]);
    assert_eq!(room.memory().number("SELECT count(*) FROM roomcast_kv"), 0);
}

#[test]
fn a_volatile_event_of_one_frame_does_not_wait_for_those_of_another() {
    let (mut room, [one, other]) = scene();
    room.together(&[(one, r#"42["wave",1]"#), (other, r#"42["wave",2]"#)]);
    assert_eq!(room.frames(one), [r#"42["waved",1]"#, r#"42["waved",2]"#]);
}

#[test]
fn what_a_client_has_sent_after_it_was_closed_is_not_handled() {
    let (mut room, [one, other]) = scene();
    room.together(&[(one, r#"42["leave"]"#), (one, r#"42["say",1]"#), (other, r#"42["say",2]"#)]);
    assert_eq!(room.frames(other), [r#"42["said",2]"#]);
}
