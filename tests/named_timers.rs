//! Timers with names, keys and contexts, and names that nothing handles.

mod support;

use roomcast::app::prelude::*;
use serde_json::json;
use support::{Log, Memory, Room, logging, note, plain};

const ROUND: TimerName = TimerName::new("round");
const TICK: TimerName = TimerName::new("tick");
const STRAY: TimerName = TimerName::new("stray");
const VOTES: AnswersName = AnswersName::new("votes");
const LOST: AnswersName = AnswersName::new("lost");

#[derive(Serialize, Deserialize)]
struct Round {
    quiz: String,
    number: u32,
}

fn start(socket: &mut Socket<Log>, (quiz, number, after): (String, u32, u64)) -> Result {
    socket.io.timer(ROUND).key(&quiz).context(&Round { quiz, number }).schedule(Millis(after))
}

fn app(handlers: Handlers<Log>) -> Handlers<Log> {
    handlers
        .on("start", start)
        .on("stop", |socket, quiz: String| socket.io.timer(ROUND).key(quiz).clear())
        .on("tick", |socket, key: String| socket.io.timer(TICK).key(&key).context(&key).set_timeout(Millis(50)))
        .on("stray", |socket, ()| socket.io.timer(STRAY).schedule(Millis(1)))
        .on("stray tick", |socket, ()| socket.io.timer(STRAY).set_timeout(Millis(1)))
        .on("elsewhere", |socket, ()| socket.io.of("/b").timer(ROUND).schedule(Millis(1)))
        .on("ask", |socket, ()| socket.io.all().emit_with_ack("vote", &(), VOTES))
        .on("ask in vain", |socket, ()| socket.io.all().emit_with_ack("vote", &(), LOST))
        .on("no context", |socket, ()| socket.io.timer(ROUND).schedule(Millis(10)))
        .on_timer(ROUND, |room, Round { quiz, number }| note(room.app, format!("{quiz} {number}")))
        .on_timer(TICK, |room, key: String| note(room.app, format!("tick {key}")))
        .on_answers(VOTES, |room, _| note(room.app, "votes"))
        .of("/b")
        .on("tick", |socket, ()| socket.io.timer(TICK).set_timeout(Millis(50)))
}

#[test]
fn timers_of_one_name_are_told_apart_by_key_and_bring_their_context() {
    let (log, mut room) = logging(plain(), app);
    let (conn, _) = room.client();
    for (quiz, number, after) in [("a", 1, 2_000), ("b", 1, 1_000), ("c", 1, 1_500), ("a", 2, 3_000)] {
        room.emit(conn, &json!(["start", quiz, number, after]));
    }
    room.emit(conn, &json!(["stop", "c"]));
    for key in ["x", "y"] {
        room.emit(conn, &json!(["tick", key]));
    }
    room.pass(60);
    assert_eq!(log.take(), ["tick x", "tick y"]);
    room.restart();
    room.pass(5_000);
    assert_eq!(log.take(), ["b 1", "a 2"], "the second one of a key takes the place of the first");
    assert_eq!(room.memory().number("SELECT count(*) FROM roomcast_timers"), 0);
}

#[test]
fn a_name_that_nothing_handles_is_refused_when_it_is_used() {
    let (log, mut room) = logging(plain(), app);
    let (conn, _) = room.client();
    for (event, what) in [
        ("stray", r#"the timer "stray" in the namespace "/""#),
        ("stray tick", r#"the timer "stray" in the namespace "/""#),
        ("elsewhere", r#"the timer "round" in the namespace "/b""#),
        ("ask in vain", r#"the answers "lost" in the namespace "/""#),
    ] {
        assert_eq!(room.call(conn, event, &json!(null))["code"], "internal", "{event}");
        let warning = room.memory().warnings().pop();
        assert_eq!(warning, Some(format!("a handler failed: the app has no handler of {what}")));
        assert!(room.events(conn).is_empty(), "nobody is asked");
    }
    room.pass(100);
    assert!(log.take().is_empty());
    assert_eq!(room.memory().number("SELECT count(*) FROM roomcast_timers"), 0);
}

#[test]
fn a_context_of_another_type_is_told_to_the_operator() {
    let (log, mut room) = logging(plain(), app);
    let (conn, _) = room.client();
    room.emit(conn, &json!(["no context"]));
    room.pass(1_000);
    let warning = room.memory().warnings().pop().unwrap_or_default();
    assert!(warning.starts_with("what is done by a timer failed: the context is another value: "), "{warning}");
    assert!(log.take().is_empty());
}

#[test]
fn timers_that_an_earlier_release_has_set_are_due() {
    let memory = Memory::default();
    memory.script(include_str!("fixtures/storage-v2.sql"));
    memory.script("INSERT INTO roomcast_timers VALUES ('/', 'old', 1)");
    let log = Log::default();
    let own = log.clone();
    let app = move || {
        let handlers = Handlers::with(own.clone());
        handlers.on_timer(TimerName::new("old"), |room, ()| note(room.app, "old"))
    };
    let mut room = Room::on(memory, plain(), app).unwrap();
    room.client();
    room.pass(1_000);
    assert_eq!(log.take(), ["old"]);
}

#[test]
fn a_wrong_name_is_found_when_the_app_is_built() {
    let fine = app(Handlers::with(Log::default()));
    assert_eq!(fine.check(), Ok(()));
    let nothing = |_: &mut Socket<'_>, ()| {};
    let reserved = Handlers::new().on("disconnect", nothing);
    let sentence = r#"No client sends the event "disconnect": its name is reserved."#;
    assert_eq!(reserved.check(), Err(sentence.to_owned()));
    let twice = Handlers::new()
        .on("a", nothing)
        .of("/b")
        .on("a", nothing)
        .on("a", nothing)
        .on_timer(TICK, |_, ()| {})
        .on_timer(TICK, |_, ()| {});
    let sentence = r#"There are two handlers of the event "a" in one namespace. There are two handlers of the timer "tick" in one namespace."#;
    assert_eq!(twice.check(), Err(sentence.to_owned()));
}

#[test]
fn events_are_those_of_all_namespaces() {
    let app = app(Handlers::with(Log::default()));
    assert_eq!(app.events().filter(|event| *event == "tick").count(), 2);
}
