//! Clients that lose their connection and come back to their socket, as the stock client does it (1.11).

#![allow(clippy::indexing_slicing, clippy::panic, reason = "what goes wrong in here fails the test that uses it")]

use roomcast::app::App;
use roomcast::ids::ConnId;
use serde_json::{Value, json};

use super::Room;

/// What a client remembers of its socket.
#[derive(Debug, Clone)]
pub(crate) struct Traveller {
    pub(crate) conn: ConnId,
    pub(crate) namespace: String,
    /// Its socket's id.
    pub(crate) id: String,
    pub(crate) pid: String,
    /// The last argument of the last event, if it is a text.
    pub(crate) offset: Option<String>,
    /// Whether the last CONNECT brought it back to its socket.
    pub(crate) recovered: bool,
}

impl Traveller {
    /// Joins `/`.
    pub(crate) fn new(room: &mut Room) -> Self {
        Self::in_namespace(room, "/")
    }

    /// Joins a namespace.
    pub(crate) fn in_namespace(room: &mut Room, namespace: &str) -> Self {
        let conn = room.open_socket();
        let namespace = namespace.to_owned();
        let (id, pid) = Default::default();
        let mut own = Self { conn, namespace, id, pid, offset: None, recovered: false };
        own.connect(room, &json!({}));
        own
    }

    /// Comes back over a new connection; gives the events that it missed.
    pub(crate) fn come_back(&mut self, room: &mut Room) -> Vec<Value> {
        self.conn = room.open_socket();
        let mut shown = json!({"pid": self.pid});
        if let Some(offset) = &self.offset {
            shown["offset"] = json!(offset);
        }
        self.connect(room, &shown)
    }

    /// Loses its connection without a word, and comes back at once.
    pub(crate) fn blink(&mut self, room: &mut Room) -> Vec<Value> {
        room.hang_up(self.conn, true);
        self.come_back(room)
    }

    fn connect(&mut self, room: &mut Room, auth: &Value) -> Vec<Value> {
        room.text(self.conn, &format!("40{},{auth}", self.namespace));
        let mut frames = frames(room, self.conn);
        let at = frames.iter().position(|frame| frame.starts_with("40")).expect("a CONNECT packet");
        let after = frames.split_off(at + 1);
        let connect = frames.pop().expect("that packet");
        let json: Value = serde_json::from_str(&connect[connect.find('{').expect("an object")..]).expect("JSON");
        let text = |name| json[name].as_str().unwrap_or_default().to_owned();
        self.recovered = !self.pid.is_empty() && self.pid == text("pid");
        assert!(frames.is_empty() || self.recovered, "only who is recovered has missed something: {frames:?}");
        (self.id, self.pid) = (text("sid"), text("pid"));
        let mut missed: Vec<_> = frames.iter().map(|frame| self.read(frame)).collect();
        missed.extend(after.iter().map(|frame| self.read(frame)));
        missed
    }

    /// The events that it received since last asked, without their offsets.
    pub(crate) fn events(&mut self, room: &mut Room) -> Vec<Value> {
        frames(room, self.conn).iter().map(|frame| self.read(frame)).collect()
    }

    fn read(&mut self, frame: &str) -> Value {
        let json = &frame[frame.find('[').unwrap_or_else(|| panic!("{frame} is no event"))..];
        let mut event: Vec<Value> = serde_json::from_str(json).expect("JSON");
        // A client takes any text for an offset.
        if let Some(Value::String(offset)) = event.last() {
            self.offset = Some(offset.clone());
            event.pop();
        }
        event.into()
    }
}

/// What a WebSocket received, but for pings.
fn frames(room: &mut Room, conn: ConnId) -> Vec<String> {
    room.frames(conn).into_iter().filter(|frame| frame != "2").collect()
}
