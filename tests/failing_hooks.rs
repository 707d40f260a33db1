//! Hooks that panic or fail without being stored: they cost the turn that they run in, and no other client anything.

#![allow(clippy::expect_used, clippy::indexing_slicing, reason = "what goes wrong in here fails the test that uses it")]

mod support;

use serde_json::{Value, json};
use support::trouble::{Case, DELAY, Trouble};
use support::{POLLING, Transport, WEBSOCKET};

type Cause = fn(&mut Case);

/// A hook that runs in the turn of what causes it.
const OWN_TURN: [(&str, Cause); 6] = [
    ("event", |case| case.victim.send(&mut case.room, r#"42["event"]"#)),
    ("outgoing", |case| case.victim.send(&mut case.room, r#"42["outgoing"]"#)),
    ("room", |case| case.victim.send(&mut case.room, r#"42["room"]"#)),
    ("disconnect", |case| case.victim.send(&mut case.room, "41")),
    ("connecting", |case| {
        case.victim.vanish(&mut case.room);
        case.victim.try_connect(&mut case.room);
    }),
    ("connection", |case| {
        case.victim.vanish(&mut case.room);
        case.victim.try_connect(&mut case.room);
    }),
];

#[test]
fn a_hook_that_panics_in_a_clients_turn_costs_that_turn_and_no_other() {
    for (hook, cause) in OWN_TURN {
        for trouble in [Trouble::PanicsOnce, Trouble::Panics] {
            let mut case = Case::new();
            case.script.set(hook, trouble);
            cause(&mut case);
            assert_eq!((case.script.count(hook), case.room.crashes()), (1, 1), "{hook} {trouble:?}");
            case.others_notice_nothing(hook);
            case.pass(30);
            assert_eq!((case.script.count(hook), case.room.crashes()), (1, 1), "{hook} {trouble:?}");
            cause(&mut case);
            case.others_notice_nothing(hook);
            assert_eq!(case.set_aside(), 0, "{hook} {trouble:?}");
        }
    }
}

#[test]
fn a_hook_that_fails_is_told_to_its_client_or_the_operator() {
    for (hook, cause) in OWN_TURN {
        let mut case = Case::new();
        case.script.set(hook, Trouble::Fails);
        cause(&mut case);
        assert_eq!((case.script.count(hook), case.room.crashes()), (1, 0), "{hook}");
        let heard = case.victim.heard(&mut case.room);
        let told = heard.iter().any(|event| event[1]["message"] == "It doesn't work.");
        assert!(told || case.warnings_of("It doesn't work. (broken)") == 1, "{hook}");
        case.others_notice_nothing(hook);
    }
}

#[test]
fn a_handshake_at_the_time_of_a_callback_that_panics_is_answered() {
    for timer in ["timer", "timeout"] {
        for transport in [Transport::WebSocket, Transport::Polling] {
            let mut case = Case::new();
            case.script.set(timer, Trouble::Panics);
            case.victim.call(&mut case.room, timer, &if timer == "timer" { json!("timer") } else { Value::Null });
            // The alarm is late.
            case.room.sleep(2 * DELAY);
            let query = match transport {
                Transport::WebSocket => WEBSOCKET,
                Transport::Polling => POLLING,
            };
            let conn = match transport {
                Transport::WebSocket => case.room.websocket(query),
                Transport::Polling => case.room.http("GET", query),
            };
            let answer = case.room.answer(conn).map_or(101, |reply| reply.status);
            assert_eq!(answer, if transport == Transport::WebSocket { 101 } else { 200 }, "{timer} {transport:?}");
            assert_eq!(case.room.crashes(), 1, "it ran right after the handshake");
            case.others_notice_nothing(timer);
        }
    }
}

#[test]
fn a_timeout_that_panics_is_forgotten_with_the_memory() {
    let mut case = Case::new();
    case.script.set("timeout", Trouble::Panics);
    case.victim.call(&mut case.room, "timeout", &Value::Null);
    case.pass(30);
    assert_eq!((case.script.count("timeout"), case.room.crashes()), (1, 1));
    case.others_notice_nothing("timeout");
    assert_eq!(case.set_aside(), 0);
}

#[test]
fn telling_that_a_silent_client_is_gone_never_stops_the_heartbeats_of_others() {
    for trouble in [Trouble::PanicsOnce, Trouble::Panics] {
        let mut case = Case::new();
        case.script.set("disconnect", trouble);
        // The victim answers no ping any more.
        case.pass(50);
        case.others_notice_nothing("while the victim is dead");
        case.pass(120);
        case.others_notice_nothing("after the victim was closed");
        let conn = case.victim.conn().expect("a WebSocket");
        assert!(!case.room.is_open(conn), "the victim is closed: {trouble:?}");
        let attempts = if trouble == Trouble::Panics { 4 } else { 2 };
        assert_eq!(case.script.count("disconnect"), attempts, "{trouble:?}");
        assert_eq!(case.room.crashes(), if trouble == Trouble::Panics { 4 } else { 1 });
    }
}
