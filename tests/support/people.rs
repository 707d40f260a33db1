//! People in the chat: clients with a name and perhaps a key, who come back to their sockets.

#![allow(dead_code, reason = "each test file uses a part of this")]
#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "what goes wrong in here fails the test that uses it"
)]

use roomcast::app::Handlers;
use roomcast::chat::{Chat, chat};
use roomcast::config::Config;
use roomcast::ids::{ConnId, Millis};
use serde_json::{Value, json};

use super::Room;

/// A room in which the chat runs.
pub(crate) type ChatRoom = Room;

/// How long a client may be gone, in ms, in a room with this [`config`].
pub(crate) const RECOVERY: u64 = 60_000;
/// How long it takes until somebody counts as away, in ms.
pub(crate) const AWAY_AFTER: u64 = 10_000;

/// A room's settings: clients may come back for a minute, and no ping gets in the way.
pub(crate) fn config() -> Config {
    Config { recovery: Millis(RECOVERY), ping_interval: Millis(600_000), ..Config::default() }
}

/// A room with the chat in it.
pub(crate) fn room(config: Config) -> ChatRoom {
    let settings = config.clone();
    Room::new(config, move || chat(&settings))
}

/// A key that is as good as any.
pub(crate) fn key_of(name: &str) -> String {
    format!("{:-<16}-s3cret", name.replace(' ', "_"))
}

/// Connects and asks to join `/`; gives the payload of the answer, or that of the refusal.
pub(crate) fn connect(room: &mut ChatRoom, auth: &Value) -> (ConnId, Result<Value, Value>) {
    let conn = room.open_socket();
    room.text(conn, &format!("40{auth}"));
    let frames = room.frames(conn);
    let [answer] = frames.as_slice() else { panic!("not just an answer: {frames:?}") };
    let json = |text| serde_json::from_str(text).expect("JSON");
    let answer = match answer.strip_prefix("40") {
        Some(payload) => Ok(json(payload)),
        None => Err(json(answer.strip_prefix("44").expect("an answer to CONNECT"))),
    };
    (conn, answer)
}

/// Somebody in the room, with what their client remembers.
#[derive(Debug)]
pub(crate) struct Person {
    pub(crate) conn: ConnId,
    /// The person's public id; empty for who hasn't joined.
    pub(crate) id: String,
    pub(crate) name: String,
    /// The socket's id.
    pub(crate) sid: String,
    /// What the client sends with its next CONNECT.
    pub(crate) auth: Value,
    pid: String,
    offset: Option<String>,
}

impl Person {
    /// Somebody who joins as they connect, by a key of their own.
    pub(crate) fn enter(room: &mut ChatRoom, name: &str) -> Self {
        Self::with(room, &json!({"name": name, "key": key_of(name)}))
    }

    /// Somebody who joins as they connect, and is nobody but this socket.
    pub(crate) fn keyless(room: &mut ChatRoom, name: &str) -> Self {
        Self::with(room, &json!({"name": name}))
    }

    /// The tutorial's client.
    pub(crate) fn guest(room: &mut ChatRoom) -> Self {
        Self::with(room, &json!({}))
    }

    pub(crate) fn with(room: &mut ChatRoom, auth: &Value) -> Self {
        let (conn, answer) = connect(room, auth);
        let answer = answer.expect("let in");
        let text = |field: &str| answer.get(field).and_then(Value::as_str).unwrap_or_default().to_owned();
        let name = auth.get("name").and_then(Value::as_str).unwrap_or_default().to_owned();
        let (sid, pid) = (text("sid"), text("pid"));
        let mut person = Self { conn, id: String::new(), name, sid, auth: auth.clone(), pid, offset: None };
        if !person.name.is_empty() {
            person.id = person.join(room)["id"].as_str().expect("an id").to_owned();
        }
        person
    }

    /// Asks for the roster and the last messages.
    pub(crate) fn join(&mut self, room: &mut ChatRoom) -> Value {
        let payload = json!({"name": self.name});
        self.ask(room, "join", &payload)
    }

    /// Sends an event and gives its answer, which must be all that comes back.
    pub(crate) fn ask(&mut self, room: &mut ChatRoom, event: &str, payload: &Value) -> Value {
        room.call(self.conn, event, payload)
    }

    /// Says something under the client's own id; gives the answer.
    pub(crate) fn say(&mut self, room: &mut ChatRoom, text: &str, id: &str) -> Value {
        self.ask(room, "message", &json!({"text": text, "id": id}))
    }

    /// The events that came since last asked, without their offsets, of which the last is remembered.
    pub(crate) fn events(&mut self, room: &mut ChatRoom) -> Vec<Value> {
        let mut events = room.events(self.conn);
        self.remember(&mut events);
        events
    }

    fn remember(&mut self, events: &mut [Value]) {
        for event in events {
            let args = event.as_array_mut().expect("an event");
            // Whatever was told past the storage has none.
            if args.last().is_some_and(Value::is_string) && args.len() > 2 {
                self.offset = args.pop().and_then(|offset| Some(offset.as_str()?.to_owned()));
            }
        }
    }

    /// The same in short: the event and the name that it is about, or the text.
    pub(crate) fn heard(&mut self, room: &mut ChatRoom) -> Vec<String> {
        let short = |event: &Value| {
            let about = ["name", "text", "message"].iter().find_map(|field| event[1].get(field)?.as_str());
            format!("{} {}", event[0].as_str().unwrap_or_default(), about.unwrap_or_default())
        };
        self.events(room).iter().map(short).collect()
    }

    /// The roster: who is away is marked.
    pub(crate) fn roster(&mut self, room: &mut ChatRoom) -> Vec<String> {
        let answer = self.join(room);
        let members = answer["members"].as_array().expect("a roster").iter();
        let mut roster: Vec<_> = members
            .map(|member| {
                let name = member["name"].as_str().expect("a name");
                if member["away"] == json!(true) { format!("{name} (away)") } else { name.to_owned() }
            })
            .collect();
        roster.sort();
        roster
    }

    /// What recovers its socket.
    pub(crate) fn pid(&self) -> &str {
        &self.pid
    }

    /// The connection is lost.
    pub(crate) fn vanish(&mut self, room: &mut ChatRoom) {
        self.events(room);
        room.hang_up(self.conn, true);
    }

    /// Goes on purpose.
    pub(crate) fn leave(&mut self, room: &mut ChatRoom) {
        room.text(self.conn, "41");
    }

    /// Comes back to the same socket; gives the events that were missed.
    pub(crate) fn recover(&mut self, room: &mut ChatRoom) -> Vec<Value> {
        self.conn = room.open_socket();
        let mut auth = self.auth.clone();
        auth["pid"] = json!(self.pid);
        if let Some(offset) = &self.offset {
            auth["offset"] = json!(offset);
        }
        room.text(self.conn, &format!("40{auth}"));
        let frames = room.frames(self.conn);
        let (answer, missed): (Vec<_>, Vec<_>) = frames.iter().partition(|frame| frame.starts_with("40"));
        let expected = format!(r#"40{{"sid":"{}","pid":"{}"}}"#, self.sid, self.pid);
        assert_eq!(answer, [&expected], "recovered: {frames:?}");
        let event = |frame: &&String| serde_json::from_str(frame.strip_prefix("42").expect("an event")).expect("JSON");
        let mut missed: Vec<Value> = missed.iter().map(event).collect();
        self.remember(&mut missed);
        missed
    }
}

/// A room with Ada and Bob, who have heard of each other.
pub(crate) fn couple() -> (ChatRoom, Person, Person) {
    let mut room = room(config());
    let (mut ada, bob) = (Person::enter(&mut room, "Ada"), Person::enter(&mut room, "Bob"));
    ada.events(&mut room);
    (room, ada, bob)
}

/// What everybody hears is thrown away.
pub(crate) fn forget(room: &mut ChatRoom, people: &mut [&mut Person]) {
    for person in people {
        person.events(room);
    }
}
