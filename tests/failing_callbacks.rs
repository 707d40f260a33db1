//! Callbacks that panic or fail: the room lives and others notice nothing. A stored callback is tried three times and then set
//! aside.

#![allow(clippy::expect_used, clippy::indexing_slicing, reason = "what goes wrong in here fails the test that uses it")]

mod support;

use roomcast::outbox::Input;
use serde_json::{Value, json};
use support::trouble::{Case, DELAY, Trouble};
use support::{Stock, Transport};

/// A callback that is stored: the hook that it calls, how it comes to be due, and where its row is.
struct Stored {
    hook: &'static str,
    /// Gives how many seconds it takes at most until it is due.
    cause: fn(&mut Case) -> u64,
    row: &'static str,
}

const STORED: [Stored; 4] = [
    Stored {
        hook: "timer",
        cause: |case| {
            case.victim.call(&mut case.room, "timer", &json!("timer"));
            2
        },
        row: "SELECT count(*) FROM roomcast_timers",
    },
    Stored {
        hook: "answers",
        cause: |case| {
            case.victim.call(&mut case.room, "ask", &Value::Null);
            2
        },
        row: "SELECT count(*) FROM roomcast_questions WHERE name IS NOT NULL",
    },
    Stored {
        hook: "expired",
        cause: |case| {
            case.victim.vanish(&mut case.room);
            61
        },
        row: "SELECT count(*) FROM roomcast_sockets WHERE data = '\"victim\"'",
    },
    Stored {
        hook: "disconnect",
        cause: |case| {
            // The victim alone is lost with the object's memory.
            let conn = case.victim.conn().expect("a WebSocket");
            case.room.tamper(conn, None);
            case.room.restart();
            case.room.ring();
            1
        },
        row: "SELECT count(*) FROM roomcast_sockets WHERE data = '\"victim\"'",
    },
];

#[test]
fn a_stored_callback_that_panics_once_runs_again_and_is_done() {
    for Stored { hook, cause, .. } in STORED {
        let mut case = Case::new();
        case.script.set(hook, Trouble::PanicsOnce);
        let seconds = cause(&mut case);
        case.pass(seconds);
        case.others_notice_nothing(hook);
        case.pass(10);
        assert_eq!((case.script.count(hook), case.room.crashes()), (2, 1), "{hook}");
        case.others_notice_nothing(hook);
        assert_eq!((case.set_aside(), case.warnings_of("set aside")), (0, 0), "{hook}");
    }
}

#[test]
fn a_stored_callback_that_always_panics_is_set_aside_after_three_attempts_for_good() {
    for Stored { hook, cause, row } in STORED {
        let mut case = Case::new();
        case.script.set(hook, Trouble::Panics);
        let seconds = cause(&mut case);
        case.pass(seconds);
        case.others_notice_nothing(hook);
        case.pass(20);
        let tried = |case: &Case| (case.script.count(hook), case.room.crashes());
        assert_eq!(tried(&case), (3, 3), "{hook}");
        case.others_notice_nothing(hook);
        assert_eq!(case.set_aside(), 1, "{hook}");
        assert_eq!(case.warnings_of("is set aside"), 1, "{hook}");
        assert_eq!(case.room.memory().number(row), 1, "the row of {hook} is kept");
        // Neither another life of the object nor time changes that.
        case.room.restart();
        case.pass(30);
        case.room.restart();
        case.others_notice_nothing(hook);
        assert_eq!(tried(&case), (3, 3), "{hook} after restarts");
        assert_eq!((case.set_aside(), case.warnings_of("is set aside")), (1, 0), "{hook} after restarts");
        assert_eq!(case.room.memory().number(row), 1, "the row of {hook} is kept");
    }
}

#[test]
fn a_stored_callback_that_fails_is_warned_about_and_done() {
    for Stored { hook, cause, row } in STORED {
        let mut case = Case::new();
        case.script.set(hook, Trouble::Fails);
        let seconds = cause(&mut case);
        case.pass(seconds + 5);
        case.others_notice_nothing(hook);
        assert_eq!((case.script.count(hook), case.room.crashes()), (1, 0), "{hook}");
        assert_eq!(case.warnings_of("It doesn't work. (broken)"), 1, "{hook}");
        // Whose client was lost may still come back.
        let kept = u64::from(hook == "disconnect");
        assert_eq!((case.set_aside(), case.room.memory().number(row)), (0, kept), "{hook}");
    }
}

#[test]
fn of_several_callbacks_that_are_due_only_the_one_that_panics_is_set_aside() {
    let mut case = Case::new();
    case.script.set("timer", Trouble::Panics);
    for timer in ["a", "timer", "z"] {
        case.victim.call(&mut case.room, "timer", &json!(timer));
    }
    case.pass(30);
    assert_eq!((case.script.count("timer"), case.room.crashes()), (3, 3));
    let said = case.bystander.events(&mut case.room);
    assert_eq!(said, [json!(["said", "a"]), json!(["said", "z"])], "each once");
    assert_eq!(case.set_aside(), 1);
    assert_eq!(case.warnings_of("is set aside"), 1);
    case.others_notice_nothing("afterwards");
}

#[test]
fn a_claim_is_one_row_however_many_callbacks_are_due() {
    let mut case = Case::new();
    for timer in ["a", "timer", "z"] {
        case.victim.call(&mut case.room, "timer", &json!(timer));
    }
    case.room.sleep(2 * DELAY);
    case.room.memory().rows_written();
    case.room.one_input(Input::Alarm);
    assert_eq!(case.room.memory().rows_written(), 1, "the claim");
    case.room.one_input(Input::Tick);
    let timers_and_events = 3 + 3;
    assert_eq!(case.room.memory().rows_written(), timers_and_events, "no row more than what the timers themselves do");
}

#[test]
fn a_turn_that_the_storage_loses_does_not_count_against_its_callback() {
    let mut case = Case::new();
    case.victim.call(&mut case.room, "timer", &json!("timer"));
    // Each time it has been claimed, the turn that runs it fails.
    for attempt in 1..=5 {
        case.room.sleep(60_000);
        case.room.one_input(Input::Alarm);
        case.room.memory().fail_commits(1..2);
        case.room.one_input(Input::Tick);
        assert_eq!(case.script.count("timer"), attempt, "it ran, in vain");
    }
    case.room.memory().fail_commits(0..0);
    case.room.pass(60_000);
    case.bystander.events(&mut case.room);
    assert_eq!((case.script.count("timer"), case.set_aside(), case.room.crashes()), (6, 0, 0));
}

#[test]
fn crashes_in_a_row_do_not_set_aside_who_is_lost_in_each() {
    let mut case = Case::new();
    for crash in 1..=5 {
        case.room.crash();
        assert_eq!(case.script.count("disconnect"), crash, "told once a crash");
        case.victim = Stock::new(&mut case.room, Transport::WebSocket, json!({"name": "victim"}));
    }
    assert_eq!((case.set_aside(), case.warnings_of("set aside")), (0, 0));

    // The same socket, which recovers between the crashes.
    for crash in 6..=10 {
        case.room.crash();
        assert_eq!(case.script.count("disconnect"), crash, "told once a crash");
        case.victim.events(&mut case.room);
    }
    assert_eq!(case.victim.recoveries, 5);
    assert_eq!((case.set_aside(), case.warnings_of("set aside")), (0, 0));
}

#[test]
fn a_client_whose_loss_was_set_aside_recovers_and_is_told_of_when_it_is_lost_again() {
    let mut case = Case::new();
    case.script.set("disconnect", Trouble::Panics);
    case.room.crash();
    case.room.pass(20_000);
    assert_eq!((case.script.count("disconnect"), case.set_aside()), (3, 1));
    case.victim.events(&mut case.room);
    assert_eq!(case.victim.recoveries, 1);
    assert_eq!(case.set_aside(), 0, "its client is back");
    case.script.troubles.borrow_mut().clear();
    case.room.crash();
    assert_eq!(case.script.count("disconnect"), 4);
}

#[test]
fn a_timer_that_was_set_aside_may_be_cleared_and_set_anew() {
    let mut case = Case::new();
    case.script.set("timer", Trouble::Panics);
    case.victim.call(&mut case.room, "timer", &json!("timer"));
    case.pass(20);
    assert_eq!(case.set_aside(), 1);
    case.victim.call(&mut case.room, "clear", &json!("timer"));
    assert_eq!(case.set_aside(), 0);
    assert_eq!(case.room.memory().number("SELECT count(*) FROM roomcast_timers"), 0, "its row is gone");

    case.script.troubles.borrow_mut().clear();
    case.victim.call(&mut case.room, "timer", &json!("timer"));
    case.pass(5);
    assert_eq!((case.script.count("timer"), case.set_aside()), (4, 0));
}

#[test]
fn a_callback_whose_room_loses_its_memory_before_it_runs_is_found_without_any_client() {
    for Stored { hook, cause, .. } in STORED {
        let mut case = Case::new();
        let seconds = if hook == "disconnect" { 1 } else { cause(&mut case) };
        case.bystander.vanish(&mut case.room);
        if hook == "disconnect" {
            // The last one that is connected falls silent: it is closed, and the app is not told yet.
            case.room.sleep(60_000);
            while case.room.is_open(case.victim.conn().expect("a WebSocket")) {
                case.room.sleep(25_000);
                case.room.ring_without_ticks();
            }
        } else {
            case.room.sleep(seconds * 1_000);
            case.room.ring_without_ticks();
        }
        assert_eq!(case.script.count(hook), 0, "{hook} is about to run");
        case.room.restart();
        case.room.pass(60_000);
        assert_eq!(case.script.count(hook), 1, "{hook}");
    }
}
