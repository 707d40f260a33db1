//! The server API: what an application is, and what it may do.
//!
//! An app is written as a list of [`Handlers`]; its module's docs begin with one. Below them is the trait [`App`], whose hooks
//! the server calls, for what is no list of handlers. [`worker!`](crate::worker!) makes a Worker of an app. [`prelude`] has what
//! an app needs.
//!
//! An app sees sockets, events and rooms; packets, sessions and connections stay below. Its hooks are synchronous: what
//! they emit leaves the room object together, in order, when the hook is done. What must outlive a nap of the object an app
//! keeps with a socket ([`Io::set_data`]), in values by key ([`Io::kv`]), in tables ([`App::schema`], [`Io::sql`]) or in
//! timers ([`Io::timer`]), not in its own fields. All that a hook writes is kept together, before anything is sent.
//!
//! Arguments are [`Args`]: to be passed on as they are, or to be read with serde, where [`Binary`] is bytes. A tuple is several
//! arguments, `()` none, and any other type one, both in what comes in and in what is sent.
//!
//! # From Socket.IO on Node
//!
//! In a handler, `socket` is the sender's [`Socket`](handlers::Socket) and `socket.io` the server's side of the
//! namespace, [`Io`]. Handlers of what no single socket does get a [`Room`](handlers::Room), with `room.io`.
//!
//! | Socket.IO | here |
//! |---|---|
//! | `io.on("connection", (socket) => …)` | [`Handlers::on_connection`]`(\|socket\| …)` |
//! | `socket.on("name", (a, b) => …)` | [`Handlers::on`]`("name", \|socket, (a, b): (A, B)\| …)` |
//! | `socket.on("name", (a, callback) => callback(x))` | `\|socket, a: A\| Ok(x)`: what a handler returns is the answer |
//! | `socket.emit("name", x)`, `socket.emit("name", a, b)`, `socket.emit("name")` | `socket.emit("name", &x)?`, `socket.emit("name", &(a, b))?`, `socket.emit("name", &())?` |
//! | `socket.broadcast.emit(…)` | `socket.broadcast().emit(…)?` |
//! | `socket.to("room").emit(…)`, `io.to("a").to("b").except("c").emit(…)` | `socket.to("room").emit(…)?`, `socket.io.to("a").to("b").except("c").emit(…)?` |
//! | `io.emit(…)`, `io.of("/admin").emit(…)` | `socket.io.emit(…)?`, `socket.io.of("/admin").emit(…)?` |
//! | `socket.volatile.emit(…)`, `io.volatile.emit(…)` | `socket.volatile().emit(…)?`, `socket.io.all().volatile().emit(…)?` |
//! | `await io.timeout(ms).emitWithAck("name", x)` | `socket.io.all().timeout(ms).emit_with_ack("name", &x, THEN)?`, and [`Handlers::on_answers`]`(THEN, \|room, answers\| …)` with `const THEN:` [`AnswersName`] |
//! | `socket.join("room")`, `socket.leave("room")`, `socket.rooms` | `socket.join("room")`, `socket.leave("room")`, `socket.rooms()` |
//! | `await io.in("room").fetchSockets()` | `socket.io.to("room").fetch_sockets()` |
//! | `io.in("room").socketsJoin("other")`, `socketsLeave`, `disconnectSockets` | `socket.io.to("room").sockets_join("other")`, `sockets_leave`, `disconnect_sockets` |
//! | `socket.data.x = y` | `socket.set_data(&data)?`, `socket.data::<Data>()` |
//! | `socket.handshake.auth`, `.query`, `.headers` | `socket.auth::<T>()` on connection, `socket.handshake()`; after the room has slept, [as far as they are kept](Handshake) |
//! | `socket.recovered`, `socket.id`, `socket.disconnect(true)` | `socket.recovered`, `socket.id`, `socket.disconnect(true)` |
//! | `socket.on("disconnecting", …)`, `socket.on("disconnect", …)` | [`Handlers::on_disconnecting`], [`Handlers::on_disconnect`] |
//! | `io.use((socket, next) => …)`, `socket.use(([name], next) => …)` | [`Handlers::middleware`], [`Handlers::event_middleware`] |
//! | `socket.onAny(…)`, `socket.onAnyOutgoing(…)` | [`Handlers::on_any`], [`Handlers::on_any_outgoing`] |
//! | `io.of("/admin").on(…)`, `io.of(/^\/x-\d+$/)` | [`Handlers::of`]`("/admin").on(…)`, [`Handlers::of_matching`] |
//! | `io.engine.on("connection_error", …)`, `allowRequest`, `initial_headers` | [`Handlers::on_connection_error`], [`Handlers::allow_request`], [`Handlers::initial_headers`] |
//! | `io.of("/").adapter.on("join-room", …)`, `.rooms` | [`Handlers::on_room`], [`Io::rooms`] |
//! | a callback that is never called | `Ok(`[`NoAnswer`](handlers::NoAnswer)`)` |
//! | `await fetch(…)` | [`Io::fetch`], and [`Handlers::on_fetched`] |
//! | `setTimeout(…)` | [`Io::timer`], with [`TimerOperator::set_timeout`] for what may be forgotten and [`TimerOperator::schedule`] for what must not; and [`Handlers::on_timer`] |

mod ack;
mod atomically;
mod data;
mod emit;
mod error;
pub(crate) mod fetches;
pub mod handlers;
mod io;
pub(crate) mod kv;
mod lend;
mod names;
mod operator;
mod outgoing;
pub(crate) mod pending_acks;
pub mod prelude;
mod remote;
pub(crate) mod schedule;
mod state;

use std::borrow::Cow;

use serde::de::DeserializeOwned;
use serde_json::value::RawValue;

pub use crate::fetch::{FetchError, FetchOutcome, FetchRequest, FetchResponse};
use crate::ids::SocketId;
use crate::javascript;
pub use crate::outbox::Request;
pub use crate::socket_io::recovery::Away;
pub use crate::socket_io::{
    Args, Binary, DataChange, Departed, DisconnectReason, Extensions, Handshake, NotKept, RoomChange, RoomEvent,
};
pub use ack::Ack;
pub use error::{Error, Failure, MAX_DATA_BYTES, Result};
pub use fetches::Fetched;
pub use handlers::Handlers;
pub use io::{FetchOperator, Io, TimerOperator};
pub use kv::Kv;
pub use names::{AnswersName, FetchName, Name, Names, TimerName};
pub use operator::BroadcastOperator;
pub use outgoing::Outgoing;
pub use pending_acks::{Answers, Reply};
pub use remote::RemoteSocket;
pub use schedule::DueTimer;
pub(crate) use state::RoomState;

/// An application: what happens in a room.
///
/// ```
/// use roomcast::app::prelude::*;
///
/// /// Passes on whatever comes, without a list of handlers.
/// struct Relay;
///
/// impl App for Relay {
///     fn event(&mut self, io: &Io<'_>, event: Event<'_>) {
///         let sent = io.except(event.socket).emit_args(event.name, event.args);
///         if let (Ok(()), Some(ack)) = (sent, event.ack) {
///             io.answer(ack, &()).ok();
///         }
///     }
/// }
/// ```
pub trait App {
    /// Whether a new connection is let in; asked at its handshake, before anything is done for it (R6).
    ///
    /// # Errors
    /// The sentence that refuses it: the client gets 403 with it.
    fn allow_request(&mut self, request: &Request<'_>) -> Result<(), Cow<'static, str>> {
        _ = request;
        Ok(())
    }

    /// Headers for the first answer to a new connection, such as cookies (H8).
    fn initial_headers(&mut self, request: &Request<'_>) -> Vec<(String, String)> {
        _ = request;
        Vec::new()
    }

    /// A request was refused, by the protocol's rules or by the app (the reference's `connection_error`).
    fn connection_error(&mut self, error: &ConnectionError<'_>) {
        _ = error;
    }

    /// The headers of a client's first request that [`Handshake::headers`] still has after the room has slept; until then it
    /// has all of them. Cookies and such are secrets, and there is little room beside a sleeping WebSocket: so none are kept
    /// unless the app names them.
    fn kept_headers(&self) -> &[&'static str] {
        &[]
    }

    /// Whether clients recover (1.11): those that know of it come back to their sockets, and their events have an argument more,
    /// the offset. Where this is `false`, it is as with `RECOVERY_MS = 0`.
    fn recovery(&self) -> bool {
        true
    }

    /// Whether there is a namespace of this name; else clients that want to join it are told `Invalid namespace` (C4).
    /// An app with dynamic namespaces answers by a pattern (C9): a namespace exists while somebody is in it.
    fn has_namespace(&self, name: &str) -> bool {
        name == "/"
    }

    /// A client wants to join the namespace of `io`.
    ///
    /// # Errors
    /// A [`Refusal`] is sent to the client, which doesn't join (C5).
    fn connecting(&mut self, io: &Io<'_>, joining: &Joining<'_>) -> Result<(), Refusal> {
        _ = (io, joining);
        Ok(())
    }

    /// A client has joined and knows it (C8), or has come back to its socket.
    fn connected(&mut self, io: &Io<'_>, connection: &Connection<'_>) {
        _ = (io, connection);
    }

    /// A socket sent an event.
    fn event(&mut self, io: &Io<'_>, event: Event<'_>);

    /// All have answered an event that was sent by [`BroadcastOperator::emit_with_ack`], or the time is over.
    fn answered(&mut self, io: &Io<'_>, answers: &Answers) {
        _ = (io, answers);
    }

    /// A socket is gone, for whatever reason; [`Departed`] still has its rooms, which it has left. Where it is [`recoverable`](Departed::recoverable), its client may come back:
    /// then [`connected`](Self::connected) follows, and else [`expired`](Self::expired).
    fn disconnected(&mut self, io: &Io<'_>, departed: &Departed) {
        _ = (io, departed);
    }

    /// A socket whose client could have come back is gone for good.
    fn expired(&mut self, io: &Io<'_>, departed: &Departed) {
        _ = (io, departed);
    }

    /// A timer is due, after a restart too where it was [scheduled](TimerOperator::schedule). It may be late.
    fn scheduled(&mut self, io: &Io<'_>, timer: &DueTimer) {
        _ = (io, timer);
    }

    /// Another server has answered a request of [`Io::fetch`], or nobody will.
    fn fetched(&mut self, io: &Io<'_>, fetched: &Fetched) {
        _ = (io, fetched);
    }

    /// The object has lost its memory, and wakes; asked before anything else is done. `io` is the namespace `/`.
    fn woken(&mut self, io: &Io<'_>) {
        _ = io;
    }

    /// What of its own doings the app wants to be told.
    fn watched(&self) -> Watched {
        Watched::default()
    }

    /// The app has sent an event; told when its hook is done, and not of what is sent in this one.
    fn outgoing(&mut self, io: &Io<'_>, sent: &Outgoing) {
        _ = (io, sent);
    }

    /// A room was made or has gone, or somebody joined or left one; told when the hook is done.
    fn room_changed(&mut self, io: &Io<'_>, change: &RoomChange) {
        _ = (io, change);
    }

    /// What is kept with a socket has changed; told when the hook is done.
    fn data_changed(&mut self, io: &Io<'_>, change: &DataChange) {
        _ = (io, change);
    }

    /// The names that the app has handlers for, so that nothing is asked for under another one; `None` where it takes any.
    fn names(&self) -> Option<Names> {
        None
    }

    /// Whether the app is built as it must be; asked when a room starts, before anything else.
    ///
    /// # Errors
    /// A sentence on what is wrong. Then the room doesn't start: each request is answered 500 with it, and it is logged.
    fn check(&self) -> Result<(), String> {
        Ok(())
    }

    /// The app's tables.
    fn schema(&self) -> Schema {
        Schema::default()
    }
}

/// What an app wants to be told of its own doings: nothing is noted that nobody wants.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Watched {
    /// Whether [`App::outgoing`] is called.
    pub outgoing: bool,
    /// Whether [`App::room_changed`] is called.
    pub rooms: bool,
    /// Whether [`App::data_changed`] is called.
    pub data: bool,
}

/// The tables of an app. Their names start with its own.
#[derive(Debug, Clone, Copy, Default)]
pub struct Schema {
    /// The app: a room may have had another one before. Its [values by key](Io::kv) are kept under this name too.
    pub app: &'static str,
    /// The steps that make the tables, the oldest first; each is a [script](crate::database::Database::execute_batch). A room
    /// remembers which it has run, so steps are only ever added.
    pub steps: &'static [&'static str],
}

/// A client that wants to join a namespace.
///
/// ```
/// use roomcast::app::prelude::*;
///
/// #[derive(Deserialize)]
/// struct Login { token: String }
///
/// fn app() -> impl App {
///     Handlers::new().middleware(|_, joining| match joining.auth::<Login>() {
///         Some(Login { token }) if token == "secret" => Ok(()),
///         _ => Err(Refusal::new("not authorized")),
///     })
/// }
/// # app();
/// ```
#[derive(Debug, Clone, Copy)]
pub struct Joining<'a> {
    /// The JSON object that it sent along. Clients of Socket.IO 2 send a query instead, of which it is made, and join `/`
    /// without being asked (C12).
    pub auth: Option<&'a RawValue>,
    /// What its first request said.
    pub handshake: &'a Handshake,
}

impl Joining<'_> {
    /// What the client sent along, if it is such a value.
    pub fn auth<T: DeserializeOwned>(&self) -> Option<T> {
        parse_auth(self.auth)
    }
}

fn parse_auth<T: DeserializeOwned>(auth: Option<&RawValue>) -> Option<T> {
    javascript::read(auth?.get()).ok()
}

/// A request that was refused (1.2).
#[derive(Debug)]
pub struct ConnectionError<'a> {
    /// The protocol's number of the reason: 0 unknown transport, 1 unknown session, 2 bad method, 3 bad request, 4
    /// forbidden, 5 unsupported revision.
    pub code: u8,
    /// The sentence that the client gets.
    pub message: &'a str,
    /// The request.
    pub request: &'a Request<'a>,
}

/// A client that has joined a namespace.
#[derive(Debug, Clone, Copy)]
pub struct Connection<'a> {
    /// Its socket.
    pub socket: &'a SocketId,
    /// The JSON object that it sent along.
    pub auth: Option<&'a RawValue>,
    /// Whether it has come back: its socket's id, rooms and data are what they were, and it has got what it missed (1.11).
    pub recovered: bool,
}

/// An event as it came in.
///
/// ```
/// use roomcast::app::prelude::*;
///
/// fn app() -> impl App {
///     Handlers::new().event_middleware(|socket, event| {
///         if event.name.starts_with("admin ") && socket.data::<bool>() != Some(true) {
///             return Err(Error::new("forbidden", "Only for admins."));
///         }
///         Ok(())
///     })
/// }
/// # app();
/// ```
#[derive(Debug)]
pub struct Event<'a> {
    /// Who sent it.
    pub socket: &'a SocketId,
    /// Its name.
    pub name: &'a str,
    /// Its arguments.
    pub args: &'a Args<'a>,
    /// Set where the sender waits for an answer, to be given to [`Io::answer`].
    pub ack: Option<Ack>,
}

/// Why a client may not join (C5).
///
/// ```
/// use roomcast::app::prelude::*;
///
/// fn app() -> impl App {
///     Handlers::new().middleware(|room, _| {
///         if room.io.sockets_count() >= 8 {
///             return Err(Refusal::new("The room is full.").with_data(json!({ "seats": 8 })));
///         }
///         Ok(())
///     })
/// }
/// # app();
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct Refusal {
    /// The sentence that the client's `connect_error` shows.
    pub message: String,
    /// What else the client is told.
    pub data: Option<serde_json::Value>,
}

impl Refusal {
    /// A refusal with this sentence.
    pub fn new(message: impl Into<String>) -> Self {
        Self { message: message.into(), data: None }
    }

    /// The same, and what else the client is told.
    #[must_use]
    pub fn with_data(self, data: serde_json::Value) -> Self {
        Self { data: Some(data), ..self }
    }
}

/// What the connect check needs isn't there any more: with a new connection the client shows it again.
impl From<NotKept> for Refusal {
    fn from(error: NotKept) -> Self {
        Self::new(error.to_string()).with_data(serde_json::json!({ "code": "handshake_not_kept" }))
    }
}
