//! Apps that make news whenever they are told of some: a turn has an end, others get theirs, the operator is told who it is, and
//! the rest goes on later.

mod support;

use roomcast::app::{AnswersName, Handlers, Io, Result, TimerName};
use roomcast::config::Config;
use roomcast::ids::Millis;
use serde_json::{Value, json};
use support::{Log, Room, Stock, Transport, logging, note};

fn config() -> Config {
    Config { recovery: Millis(60_000), ..Config::default() }
}

/// Asks nobody, so that all answers are there at once.
fn ask_nobody(io: &Io<'_>) -> Result {
    io.to("nobody").emit_with_ack("question", "", AnswersName::new("quiz"))
}

/// What each of the apps here can do besides.
fn app(handlers: Handlers<Log>) -> Handlers<Log> {
    handlers
        .on("echo", |_, value: Value| Ok(value))
        .on("join", |socket, room: String| socket.join(&room))
        .on_disconnect(|room, _| note(room.app, "disconnect"))
        .on_timer(TimerName::new("timer"), |room, ()| note(room.app, "timer"))
}

/// A quiz whose last player has left: each question's answers are there at once, and ask the next.
fn quiz(questions: usize) -> impl Fn(Handlers<Log>) -> Handlers<Log> {
    move |handlers| {
        app(handlers)
            .on("start", |socket, (): ()| {
                socket.io.timer(TimerName::new("timer")).schedule(Millis(3_000))?;
                ask_nobody(&socket.io)
            })
            .on_answers(AnswersName::new("quiz"), move |room, _| {
                note(room.app, "news");
                (0..questions).try_for_each(|_| ask_nobody(&room.io))
            })
    }
}

/// A socket that is moved whenever it was moved.
fn dance(handlers: Handlers<Log>) -> Handlers<Log> {
    app(handlers)
        .on("start", |socket, (): ()| {
            socket.io.timer(TimerName::new("timer")).schedule(Millis(3_000))?;
            socket.join("dance");
            Ok(())
        })
        .on_room(|room, change| {
            if change.room.as_ref() == "dance" {
                note(room.app, "news");
                room.io.join(&change.socket, "dance");
                room.io.leave(&change.socket, "dance");
            }
        })
}

fn count(log: &Log, what: &str) -> usize {
    log.borrow().iter().filter(|line| *line == what).count()
}

fn client(room: &mut Room, name: &str) -> Stock {
    Stock::new(room, Transport::WebSocket, json!({"name": name}))
}

/// Starts it and lets a minute pass; `most` is how much news a second may be told of.
fn goes_on(app: impl Fn(Handlers<Log>) -> Handlers<Log> + 'static, hook: &str, most: usize) {
    let (log, mut room) = logging(config(), app);
    let (mut first, mut second) = (client(&mut room, "first"), client(&mut room, "second"));
    room.memory().warnings();
    let turns = room.turns();
    first.call(&mut room, "start", &Value::Null);
    assert!(room.turns() < turns + 10, "{} turns", room.turns() - turns);
    let told = count(&log, "news");
    assert!((2..=most).contains(&told), "told of {told} pieces of news in the turn that made them");
    let warnings = room.memory().warnings();
    let endless = format!("{hook} makes news for itself without an end; the rest waits");
    assert_eq!(warnings, [endless], "the operator is told once");

    // Others are answered at once, and told of soon.
    assert_eq!(second.call(&mut room, "echo", &json!(1)), 1);
    let mut third = client(&mut room, "third");
    third.vanish(&mut room);
    room.pass(1_000);
    assert_eq!(count(&log, "disconnect"), 1, "the app is told of who left");
    assert!(count(&log, "news") > told, "it goes on");
    for second_of_many in 2..=60 {
        let before = count(&log, "news");
        room.pass(1_000);
        let told = count(&log, "news") - before;
        assert!((1..=most).contains(&told), "told of {told} pieces of news in second {second_of_many}");
        assert_eq!(second.call(&mut room, "echo", &json!(second_of_many)), json!(second_of_many));
    }
    assert_eq!(count(&log, "timer"), 1, "timers run");
    let again = room.memory().warnings();
    assert!(again.len() <= 1 && !again.iter().any(|warning| warning.contains("the rest waits")), "{again:?}");
    assert_eq!((first.recoveries, second.recoveries), (0, 0));
}

#[test]
fn a_quiz_that_asks_nobody_again_and_again_goes_on_in_later_turns() {
    goes_on(quiz(1), r#"on_answers("quiz")"#, 8);
}

#[test]
fn a_quiz_that_asks_nobody_twice_each_time_does_not_grow() {
    goes_on(quiz(2), r#"on_answers("quiz")"#, 1_001);
}

#[test]
fn a_room_hook_that_joins_and_leaves_does_not_grow() {
    goes_on(dance, "on_room", 1_002);
}

#[test]
fn much_news_of_one_hook_is_told_in_its_turn() {
    let (log, mut room) = logging(config(), |handlers| {
        app(handlers)
            .on("many", |socket, count: usize| {
                let id = socket.id.clone();
                for number in 0..count {
                    socket.io.join(&id, &format!("room {}", number % 100));
                    socket.io.leave(&id, &format!("room {}", number % 100));
                }
            })
            .on_room(|room, _| note(room.app, "news"))
    });
    let mut first = client(&mut room, "first");
    log.borrow_mut().clear();
    room.memory().warnings();
    first.call(&mut room, "many", &json!(5_000));
    assert_eq!(count(&log, "news"), 4 * 5_000, "a room is made, joined, left and gone");
    assert_eq!(room.memory().warnings(), [""; 0]);
}
