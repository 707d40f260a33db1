//! Hooks that panic or fail: the room lives and others notice nothing. A callback that is stored is tried three times and then
//! set aside.

#![allow(clippy::indexing_slicing, clippy::panic, reason = "what goes wrong in here fails the test that uses it")]

mod support;

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::rc::Rc;

use roomcast::api::Command;
use roomcast::app::handlers::Failure;
use roomcast::app::{Departed, Handlers, Io, Refusal, RoomEvent};
use roomcast::config::Config;
use roomcast::ids::Millis;
use roomcast::outbox::Input;
use serde_json::{Value, json};
use support::{Log, Room, Stock, Transport, crash, note};

/// What a hook does instead of its work.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Trouble {
    PanicsOnce,
    Panics,
    Fails,
}

/// What the app's hooks do, and which ran. It outlives the room's memory.
#[derive(Clone, Default)]
struct Script {
    troubles: Rc<RefCell<BTreeMap<&'static str, Trouble>>>,
    log: Log,
}

impl Script {
    fn set(&self, hook: &'static str, trouble: Trouble) {
        self.troubles.borrow_mut().insert(hook, trouble);
    }

    /// A hook runs.
    fn run(&self, hook: &'static str) -> Result<(), Failure> {
        note(&self.log, hook);
        let trouble = self.troubles.borrow().get(hook).copied();
        match trouble {
            Some(Trouble::PanicsOnce) => {
                self.troubles.borrow_mut().remove(hook);
                crash()
            }
            Some(Trouble::Panics) => crash(),
            Some(Trouble::Fails) => Err(Failure::new("broken", "It doesn't work.")),
            None => Ok(()),
        }
    }

    /// The same, of a hook that is about a socket: only the victim's are in trouble.
    fn run_for(&self, hook: &'static str, name: Option<&str>) -> Result<(), Failure> {
        if name == Some("victim") { self.run(hook) } else { Ok(()) }
    }

    /// How often a hook has run.
    fn count(&self, hook: &str) -> usize {
        self.log.borrow().iter().filter(|line| *line == hook).count()
    }
}

fn name_of(auth: Option<Value>) -> Option<String> {
    auth?.get("name")?.as_str().map(str::to_owned)
}

fn departed_name(departed: &Departed) -> Option<String> {
    departed.data()
}

const DELAY: u64 = 1_000;

fn tell_all(io: &mut Io<'_>, text: &str) -> Result<(), Failure> {
    Ok(io.emit("said", text)?)
}

fn app(script: Script) -> Handlers<Script> {
    Handlers::with(script)
        .middleware(|room, joining| {
            let name = name_of(joining.auth());
            room.app.run_for("connecting", name.as_deref()).map_err(|failure| Refusal::new(failure.message))
        })
        .on_connection(|socket| {
            let name = name_of(socket.auth()).unwrap_or_default();
            socket.set_data(&name)?;
            socket.app.run_for("connection", Some(&name))
        })
        .on("echo", |_, value: Value| Ok::<_, Failure>(value))
        .on("event", |socket, (): ()| socket.app.run("event"))
        .on("outgoing", |socket, (): ()| Ok::<_, Failure>(socket.emit("bad", "")?))
        .on("room", |socket, (): ()| socket.join("bad"))
        .on("timer", |socket, name: String| Ok::<_, Failure>(socket.io.schedule(&name, Millis(DELAY))?))
        .on("timeout", |socket, (): ()| socket.io.set_timeout("timeout", Millis(DELAY)))
        .on("clear", |socket, name: String| Ok::<_, Failure>(socket.io.clear_timeout(&name)?))
        .on("ask", |socket, (): ()| {
            Ok::<_, Failure>(socket.timeout(Millis(DELAY)).emit_with_ack("question", "", "answers")?)
        })
        .on_disconnect(|room, departed| room.app.run_for("disconnect", departed_name(departed).as_deref()))
        .on_expired(|room, departed| room.app.run_for("expired", departed_name(departed).as_deref()))
        .on_room(|room, change| match change.event {
            RoomEvent::Joined if change.room.as_ref() == "bad" => room.app.run("room"),
            _ => Ok(()),
        })
        .on_any_outgoing(|room, sent| if sent.name == "bad" { room.app.run("outgoing") } else { Ok(()) })
        .on_answers("answers", |room, _| room.app.run("answers"))
        .on_timer("timer", |room| room.app.run("timer").and_then(|()| tell_all(room.io, "timer")))
        .on_timer("a", |room| tell_all(room.io, "a"))
        .on_timer("z", |room| tell_all(room.io, "z"))
        .on_timer("timeout", |room| room.app.run("timeout"))
}

fn config() -> Config {
    Config { recovery: Millis(60_000), ..Config::default() }
}

/// A room with somebody who only looks on, and the victim, who has the trouble.
struct Case {
    script: Script,
    room: Room,
    bystander: Stock,
    victim: Stock,
}

impl Case {
    fn new() -> Self {
        let script = Script::default();
        let own = script.clone();
        let mut room = Room::new(config(), move || app(own.clone()));
        let client = |room: &mut Room, name| Stock::new(room, Transport::WebSocket, json!({"name": name}));
        let (bystander, victim) = (client(&mut room, "bystander"), client(&mut room, "victim"));
        script.log.borrow_mut().clear();
        Self { script, room, bystander, victim }
    }

    /// Time passes, while the bystander answers pings.
    fn pass(&mut self, seconds: u64) {
        for _ in 0..seconds {
            self.bystander.receive(&mut self.room);
            self.room.pass(1_000);
        }
        self.bystander.receive(&mut self.room);
    }

    /// The bystander has noticed nothing and is answered, and a newcomer gets in at the first attempt.
    fn others_notice_nothing(&mut self, when: &str) {
        let Self { room, bystander, .. } = self;
        assert_eq!(bystander.call(room, "echo", &json!(when)), json!(when));
        assert!(bystander.is_up(), "{when}");
        assert_eq!((bystander.sockets, bystander.recoveries), (1, 0), "the bystander had to come back {when}");
        for transport in [Transport::WebSocket, Transport::Polling] {
            let mut newcomer = Stock::disconnected(transport, json!({"name": "newcomer"}));
            assert!(newcomer.try_connect(room), "a newcomer is let in {when}");
            newcomer.vanish(room);
        }
    }

    fn set_aside(&mut self) -> u64 {
        let counted = self.room.command(&Command::Count);
        let counted: Value = serde_json::from_str(counted.text()).expect("JSON");
        counted["setAside"].as_u64().unwrap_or_default()
    }

    fn warnings_of(&self, what: &str) -> usize {
        self.room.memory().warnings().iter().filter(|warning| warning.contains(what)).count()
    }
}

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

/// A hook that runs in the turn of what causes it.
const OWN_TURN: [(&str, fn(&mut Case)); 6] = [
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
        if hook == "connecting" {
            continue;
        }
        cause(&mut case);
        assert_eq!((case.script.count(hook), case.room.crashes()), (1, 0), "{hook}");
        let told = case.victim.events(&mut case.room).iter().any(|event| event[1]["code"] == "broken");
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
                Transport::WebSocket => support::WEBSOCKET,
                Transport::Polling => support::POLLING,
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
