//! An app whose hooks panic or fail as a test wants it, and a room with somebody who must not notice.

#![allow(clippy::expect_used, clippy::indexing_slicing, reason = "what goes wrong in here fails the test that uses it")]

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::rc::Rc;

use roomcast::api::Command;
use roomcast::app::{AnswersName, Departed, Error, Handlers, Io, Refusal, Result, RoomEvent, TimerName};
use roomcast::config::Config;
use roomcast::ids::Millis;
use serde_json::{Value, json};

use super::{Log, Room, Stock, Transport, crash, note};

/// What a hook does instead of its work.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Trouble {
    PanicsOnce,
    Panics,
    Fails,
}

/// What the app's hooks do, and which ran. It outlives the room's memory.
#[derive(Clone, Default)]
pub(crate) struct Script {
    pub(crate) troubles: Rc<RefCell<BTreeMap<&'static str, Trouble>>>,
    pub(crate) log: Log,
}

impl Script {
    pub(crate) fn set(&self, hook: &'static str, trouble: Trouble) {
        self.troubles.borrow_mut().insert(hook, trouble);
    }

    /// A hook runs.
    fn run(&self, hook: &'static str) -> Result {
        note(&self.log, hook);
        let trouble = self.troubles.borrow().get(hook).copied();
        match trouble {
            Some(Trouble::PanicsOnce) => {
                self.troubles.borrow_mut().remove(hook);
                crash()
            }
            Some(Trouble::Panics) => crash(),
            Some(Trouble::Fails) => Err(Error::new("broken", "It doesn't work.")),
            None => Ok(()),
        }
    }

    /// The same, of a hook that is about a socket: only the victim's are in trouble.
    fn run_for(&self, hook: &'static str, name: Option<&str>) -> Result {
        if name == Some("victim") { self.run(hook) } else { Ok(()) }
    }

    /// How often a hook has run.
    pub(crate) fn count(&self, hook: &str) -> usize {
        self.log.borrow().iter().filter(|line| *line == hook).count()
    }
}

fn name_of(auth: Option<Value>) -> Option<String> {
    auth?.get("name")?.as_str().map(str::to_owned)
}

fn departed_name(departed: &Departed) -> Option<String> {
    departed.data()
}

/// How long timers and answers take, in ms.
pub(crate) const DELAY: u64 = 1_000;

fn tell_all(io: &Io<'_>, text: &str) -> Result {
    io.emit("said", text)
}

fn timer(name: &str) -> TimerName {
    let known = ["timer", "a", "z"].into_iter().find(|known| *known == name);
    TimerName::new(known.expect("a timer of this app"))
}

fn app(script: Script) -> Handlers<Script> {
    Handlers::with(script)
        .middleware(|room, joining| {
            let name = name_of(joining.auth());
            room.app.run_for("connecting", name.as_deref()).map_err(Refusal::from)
        })
        .on_connection(|socket| {
            let name = name_of(socket.auth()).unwrap_or_default();
            socket.set_data(&name)?;
            socket.app.run_for("connection", Some(&name))
        })
        .on("echo", |_, value: Value| Ok(value))
        .on("event", |socket, (): ()| socket.app.run("event"))
        .on("outgoing", |socket, (): ()| socket.emit("bad", ""))
        .on("room", |socket, (): ()| {
            socket.join("bad");
            Ok(())
        })
        .on("timer", |socket, name: String| socket.io.timer(timer(&name)).schedule(Millis(DELAY)))
        .on("timeout", |socket, (): ()| socket.io.timer(TimerName::new("timeout")).set_timeout(Millis(DELAY)))
        .on("clear", |socket, name: String| socket.io.timer(timer(&name)).clear())
        .on("ask", |socket, (): ()| {
            socket.timeout(Millis(DELAY)).emit_with_ack("question", "", AnswersName::new("answers"))
        })
        .on_disconnect(|room, departed| room.app.run_for("disconnect", departed_name(departed).as_deref()))
        .on_expired(|room, departed| room.app.run_for("expired", departed_name(departed).as_deref()))
        .on_room(|room, change| match change.event {
            RoomEvent::Joined if change.room.as_ref() == "bad" => room.app.run("room"),
            _ => Ok(()),
        })
        .on_any_outgoing(|room, sent| if sent.name == "bad" { room.app.run("outgoing") } else { Ok(()) })
        .on_answers(AnswersName::new("answers"), |room, _| room.app.run("answers"))
        .on_timer(TimerName::new("timer"), |room, ()| room.app.run("timer").and_then(|()| tell_all(&room.io, "timer")))
        .on_timer(TimerName::new("a"), |room, ()| tell_all(&room.io, "a"))
        .on_timer(TimerName::new("z"), |room, ()| tell_all(&room.io, "z"))
        .on_timer(TimerName::new("timeout"), |room, ()| room.app.run("timeout"))
}

fn config() -> Config {
    Config { recovery: Millis(60_000), ..Config::default() }
}

/// A room with somebody who only looks on, and the victim, who has the trouble.
pub(crate) struct Case {
    pub(crate) script: Script,
    pub(crate) room: Room,
    pub(crate) bystander: Stock,
    pub(crate) victim: Stock,
}

impl Case {
    pub(crate) fn new() -> Self {
        let script = Script::default();
        let own = script.clone();
        let mut room = Room::new(config(), move || app(own.clone()));
        let client = |room: &mut Room, name| Stock::new(room, Transport::WebSocket, json!({"name": name}));
        let (bystander, victim) = (client(&mut room, "bystander"), client(&mut room, "victim"));
        script.log.borrow_mut().clear();
        Self { script, room, bystander, victim }
    }

    /// Time passes, while the bystander answers pings.
    pub(crate) fn pass(&mut self, seconds: u64) {
        for _ in 0..seconds {
            self.bystander.receive(&mut self.room);
            self.room.pass(1_000);
        }
        self.bystander.receive(&mut self.room);
    }

    /// The bystander has noticed nothing and is answered, and a newcomer gets in at the first attempt.
    pub(crate) fn others_notice_nothing(&mut self, when: &str) {
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

    pub(crate) fn set_aside(&mut self) -> u64 {
        let counted = self.room.command(&Command::Count);
        let counted: Value = serde_json::from_str(counted.text()).expect("JSON");
        counted["setAside"].as_u64().unwrap_or_default()
    }

    pub(crate) fn warnings_of(&self, what: &str) -> usize {
        self.room.memory().warnings().iter().filter(|warning| warning.contains(what)).count()
    }
}
