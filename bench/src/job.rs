//! What is to be done: the job that the orchestrator hands over.

use std::time::Duration;

use serde::Deserialize;

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Job {
    pub(crate) server: Server,
    /// How this server is spoken to.
    pub(crate) dialect: Dialect,
    pub(crate) transport: Transport,
    /// Offer `permessage-deflate`, as browsers do.
    #[serde(default)]
    pub(crate) deflate: bool,
    pub(crate) payload: Payload,
    pub(crate) task: Task,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Server {
    /// Host and port.
    pub(crate) address: String,
    /// Its process; the processes below it count as well.
    pub(crate) pid: u32,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Dialect {
    pub(crate) kind: Kind,
    /// Path and query of a room's endpoint, with `{room}` for its name.
    pub(crate) path: String,
    /// What a client shows in its CONNECT packet, with `{n}` for its number, or nothing.
    #[serde(default)]
    pub(crate) auth: String,
    /// What a sender sends: the list of an event, or a raw message. `{payload}` is the payload, `{id}` an id.
    pub(crate) event: String,
    /// Only so many clients of a room show [`Dialect::auth`]; the others listen without.
    #[serde(default = "everybody")]
    pub(crate) authenticated: usize,
}

fn everybody() -> usize {
    usize::MAX
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Kind {
    /// Messages are WebSocket messages, and nothing else is.
    Raw,
    /// Engine.IO 4 and Socket.IO 5.
    SocketIo,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Transport {
    Websocket,
    Polling,
}

#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Payload {
    pub(crate) bytes: usize,
    #[serde(default)]
    pub(crate) binary: bool,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Task {
    /// Senders keep messages on their way, and everybody else in their room gets them.
    Fanout(Fanout),
    /// Clients connect.
    Connect(Connecting),
    /// One message in a room that has slept.
    Wake(Wake),
    /// Connect by polling and get one ack, so many times, one after the other.
    Exchange { times: usize },
    /// These paths are requested, one after the other, so many times.
    Requests { paths: Vec<String>, times: usize },
}

#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Fanout {
    pub(crate) rooms: usize,
    /// Clients in each room.
    pub(crate) people: usize,
    /// Clients of each room that send.
    pub(crate) senders: usize,
    /// Messages that a sender has on their way at a time.
    pub(crate) in_flight: usize,
    /// Messages a second, of all senders together: an open loop in place of the closed one.
    pub(crate) rate: Option<f64>,
    pub(crate) warmup_ms: u64,
    pub(crate) measure_ms: u64,
}

#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Connecting {
    pub(crate) people: usize,
    /// Milliseconds between the last connection and the look at the memory.
    pub(crate) settle_ms: u64,
}

#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Wake {
    pub(crate) people: usize,
    /// Milliseconds of silence before the message.
    pub(crate) sleep_ms: u64,
}

pub(crate) fn milliseconds(ms: u64) -> Duration {
    Duration::from_millis(ms)
}
