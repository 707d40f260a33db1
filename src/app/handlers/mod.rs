//! An app as a list of handlers: what happens on which event.
//!
//! ```
//! use roomcast::app::prelude::*;
//!
//! /// Sends each message back to its sender.
//! pub fn echo() -> impl App {
//!     Handlers::new().on("message", |socket, text: String| socket.emit("message", &text))
//! }
//! ```
//!
//! A handler is a function of the socket and of the event's payload, which is a Rust type with serde. A payload of another
//! type never reaches the handler: its sender is answered `{code: "invalid_payload", message}`. What the handler returns is
//! the [answer](Answer). A client that wants none hears of a failure as the event `error`.
//!
//! ```
//! # use roomcast::app::prelude::*;
//! #[derive(Serialize, Deserialize)]
//! struct Move { x: f64, y: f64 }
//!
//! fn moved(socket: &mut Socket, to: Move) -> Result<usize> {
//!     if !(0.0..=1.0).contains(&to.x) {
//!         return Err(Error::new("out_of_field", "The field is one unit wide."));
//!     }
//!     socket.broadcast().volatile().emit("moved", &(socket.id, to))?;
//!     Ok(socket.io.sockets_count())
//! }
//! # let _: Handlers = Handlers::new().on("move", moved);
//! ```
//!
//! # Handlers are code, not state
//!
//! An object loses its memory at any time, and goes on. So handlers are the same for all sockets and are given once, not
//! in a closure for each connection as with Socket.IO on Node. What a socket's handlers would have captured there is kept
//! with the socket here ([`Socket::set_data`]), in values by key ([`Io::kv`](crate::app::Io::kv)) or in tables. For the same reason nothing
//! is awaited: an answer of a client goes to a handler with a name ([`Handlers::on_answers`]), a timer too
//! ([`Handlers::on_timer`]), and both outlive a restart.

mod answer;
mod context;
mod dispatch;
mod namespace;

use std::any::Any;
use std::borrow::Cow;
use std::marker::PhantomData;
use std::rc::Rc;

use serde::de::DeserializeOwned;

pub use answer::{Answer, NoAnswer, Outcome};
pub use context::{Room, Socket};
pub(crate) use namespace::refuse;

use super::data::parse_context;
use super::error::Result;
use super::names::Pattern;
use super::{
    Answers, AnswersName, ConnectionError, DataChange, Departed, DueTimer, Error, Event, FetchName, Fetched, Io,
    Joining, Outgoing, Refusal, Request, RoomChange, Schema, TimerName,
};
use crate::socket_io::is_reserved;
use context::Caller;
use namespace::Namespace;

type AllowRequest = Box<dyn Fn(&Request<'_>) -> Result<(), Cow<'static, str>>>;
type InitialHeaders = Box<dyn Fn(&Request<'_>) -> Vec<(String, String)>>;
type OnConnectionError = Box<dyn Fn(&ConnectionError<'_>)>;

/// An app: its state, and the handlers of each of its namespaces.
///
/// Handlers belong to the namespace that [`of`](Self::of) named last; before, to `/`.
///
/// ```
/// use roomcast::app::prelude::*;
///
/// fn app() -> impl App {
///     Handlers::new()
///         .on("message", |socket, text: String| socket.broadcast().emit("message", &text))
///         .of("/admin")
///         .middleware(|_, joining| match joining.auth::<String>() {
///             Some(token) if token == "secret" => Ok(()),
///             _ => Err(Refusal::new("not authorized")),
///         })
///         .on("shout", |socket, text: String| socket.io.of("/").emit("message", &text))
/// }
/// # app();
/// ```
pub struct Handlers<S = ()> {
    /// An `S`.
    state: Box<dyn Any>,
    app: PhantomData<S>,
    /// The first is `/`, the last the one to be added to.
    namespaces: Vec<(Pattern, Namespace)>,
    allow_request: Vec<AllowRequest>,
    initial_headers: Vec<InitialHeaders>,
    connection_error: Vec<OnConnectionError>,
    kept_headers: Vec<&'static str>,
    schema: Schema,
    transactional: bool,
    recovery: bool,
    /// What is wrong with it, in sentences.
    mistakes: Vec<String>,
}

impl Handlers {
    /// An app without state of its own.
    #[allow(clippy::new_without_default, reason = "an app without any handler is nobody's default")]
    pub fn new() -> Self {
        Self::with(())
    }
}

impl<S: 'static> Handlers<S> {
    /// An app with this state, which is made anew whenever the object has lost its memory.
    pub fn with(state: S) -> Self {
        Self {
            state: Box::new(state),
            app: PhantomData,
            namespaces: vec![(Rc::new(|name| name == "/"), Namespace::default())],
            allow_request: Vec::new(),
            initial_headers: Vec::new(),
            connection_error: Vec::new(),
            kept_headers: Vec::new(),
            schema: Schema::default(),
            transactional: false,
            recovery: true,
            mistakes: Vec::new(),
        }
    }

    /// Every handler of the app is a step of its own: what a handler that fails has sent, stored, joined, left, scheduled or
    /// disconnected is undone, as by [`Io::atomically`](super::Io::atomically). Its failure is answered as ever. What it has
    /// changed in the app's own state stays.
    ///
    /// Not so unless asked for: handlers of the reference keep what they did before they failed, an app may mean to tell
    /// others before it fails, and each step costs a savepoint of the database.
    #[must_use]
    pub fn transactional(mut self) -> Self {
        self.transactional = true;
        self
    }

    /// No client of the app recovers: whoever comes back is new, and no event has an offset behind its arguments.
    #[must_use]
    pub fn without_recovery(mut self) -> Self {
        self.recovery = false;
        self
    }

    /// What follows belongs to this namespace; nobody could join it otherwise.
    #[must_use]
    pub fn of(self, namespace: &'static str) -> Self {
        self.of_matching(move |name| name == namespace)
    }

    /// What follows belongs to all namespaces whose names are so (C9). One that is named by itself before comes first.
    #[must_use]
    pub fn of_matching(mut self, pattern: impl Fn(&str) -> bool + 'static) -> Self {
        self.namespaces.push((Rc::new(pattern), Namespace::default()));
        self
    }

    /// An event of this name has come, with this payload: a tuple is all its arguments, `()` none, and any other type its
    /// first one. What is returned is its answer. An event has one handler.
    #[must_use]
    pub fn on<P, O>(mut self, event: &'static str, handler: impl Fn(&mut Socket<'_, S>, P) -> O + 'static) -> Self
    where
        P: DeserializeOwned,
        O: Outcome,
    {
        if is_reserved(event) {
            self.mistakes.push(format!("No client sends the event {event:?}: its name is reserved."));
        }
        let handler = move |caller: &Caller<'_>, app: &mut dyn Any, event: &Event<'_>| {
            let payload = event.args.read().map_err(|why| malformed(event, &why))?;
            handler(&mut Socket::of(caller, app)?, payload).into_answer()
        };
        self.name("the event", event, |namespace| namespace.events.insert(event, Box::new(handler)).is_some())
    }

    /// An event has come that has no handler. Without this, it is ignored and not answered, as by the reference.
    #[must_use]
    pub fn fallback<O: Outcome>(self, handler: impl Fn(&mut Socket<'_, S>, &Event<'_>) -> O + 'static) -> Self {
        self.add(|namespace| {
            namespace.fallback =
                Some(Box::new(move |caller, app, event| handler(&mut Socket::of(caller, app)?, event).into_answer()));
        })
    }

    /// Any event has come: called before its own handler. A failure is the event's answer, and the end of it.
    #[must_use]
    pub fn on_any<O: Outcome>(self, handler: impl Fn(&mut Socket<'_, S>, &Event<'_>) -> O + 'static) -> Self {
        self.add(|namespace| {
            namespace.any.push(Box::new(move |caller, app, event| done(handler(&mut Socket::of(caller, app)?, event))))
        })
    }

    /// Whether an event may be handled (the reference's `socket.use`); in the order in which they are given, after
    /// [`on_any`](Self::on_any). A failure is the event's answer.
    #[must_use]
    pub fn event_middleware(self, check: impl Fn(&mut Socket<'_, S>, &Event<'_>) -> Result + 'static) -> Self {
        self.add(|namespace| {
            namespace
                .event_middleware
                .push(Box::new(move |caller, app, event| check(&mut Socket::of(caller, app)?, event)))
        })
    }

    /// Whether a client may join the namespace (the reference's `io.use`); in the order in which they are given. A refusal is
    /// its `connect_error`. A client that recovers is asked again.
    #[must_use]
    pub fn middleware(self, check: impl Fn(&mut Room<'_, S>, &Joining<'_>) -> Result<(), Refusal> + 'static) -> Self {
        self.add(|namespace| {
            namespace.middleware.push(Box::new(move |io, app, joining| check(&mut Room::of(io, app)?, joining)))
        })
    }

    /// A client has joined, or has come back to its socket ([`Socket::recovered`]). A failure is told as the event `error`.
    #[must_use]
    pub fn on_connection<O: Outcome>(self, handler: impl Fn(&mut Socket<'_, S>) -> O + 'static) -> Self {
        self.add(|namespace| {
            namespace.connection.push(Box::new(move |caller, app| done(handler(&mut Socket::of(caller, app)?))))
        })
    }

    /// A socket leaves; the first to be told, so that others may be told before anything is done about it. It has its
    /// rooms in [`Departed::rooms`] and gets nothing any more.
    #[must_use]
    pub fn on_disconnecting<O: Outcome>(self, handler: impl Fn(&mut Room<'_, S>, &Departed) -> O + 'static) -> Self {
        self.add(|namespace| {
            namespace.disconnecting.push(Box::new(move |io, app, what| done(handler(&mut Room::of(io, app)?, what))))
        })
    }

    /// A socket is gone, for whatever reason. Its client may come back where it is [`Departed::recoverable`].
    #[must_use]
    pub fn on_disconnect<O: Outcome>(self, handler: impl Fn(&mut Room<'_, S>, &Departed) -> O + 'static) -> Self {
        self.add(|namespace| {
            namespace.disconnect.push(Box::new(move |io, app, what| done(handler(&mut Room::of(io, app)?, what))))
        })
    }

    /// A socket that could have come back is gone for good.
    #[must_use]
    pub fn on_expired<O: Outcome>(self, handler: impl Fn(&mut Room<'_, S>, &Departed) -> O + 'static) -> Self {
        self.add(|namespace| {
            namespace.expired.push(Box::new(move |io, app, what| done(handler(&mut Room::of(io, app)?, what))))
        })
    }

    /// A timer of this name is due: see [`Io::timer`](super::Io::timer). Its context is the payload; `()` where it has none.
    #[must_use]
    pub fn on_timer<C: DeserializeOwned, O: Outcome>(
        self,
        TimerName(name): TimerName,
        handler: impl Fn(&mut Room<'_, S>, C) -> O + 'static,
    ) -> Self {
        let handler = move |io: &Io<'_>, app: &mut dyn Any, timer: &DueTimer| {
            done(handler(&mut Room::of(io, app)?, parse_context(timer.context.as_ref())?))
        };
        self.name("the timer", name, |namespace| namespace.timers.insert(name, Box::new(handler)).is_some())
    }

    /// The answers to [`BroadcastOperator::emit_with_ack`](super::BroadcastOperator::emit_with_ack) under this name.
    #[must_use]
    pub fn on_answers<O: Outcome>(
        self,
        AnswersName(name): AnswersName,
        handler: impl Fn(&mut Room<'_, S>, &Answers) -> O + 'static,
    ) -> Self {
        let handler =
            move |io: &Io<'_>, app: &mut dyn Any, answers: &Answers| done(handler(&mut Room::of(io, app)?, answers));
        self.name("the answers", name, |namespace| namespace.answers.insert(name, Box::new(handler)).is_some())
    }

    /// What came of the requests to other servers that were sent [`then`](super::FetchOperator::then) under this name.
    #[must_use]
    pub fn on_fetched<O: Outcome>(
        self,
        FetchName(name): FetchName,
        handler: impl Fn(&mut Room<'_, S>, &Fetched) -> O + 'static,
    ) -> Self {
        let handler =
            move |io: &Io<'_>, app: &mut dyn Any, fetched: &Fetched| done(handler(&mut Room::of(io, app)?, fetched));
        self.name("the fetch", name, |namespace| namespace.fetched.insert(name, Box::new(handler)).is_some())
    }

    /// The app has sent an event: told when its handler is done, and not of what is sent in this one.
    #[must_use]
    pub fn on_any_outgoing<O: Outcome>(self, handler: impl Fn(&mut Room<'_, S>, &Outgoing) -> O + 'static) -> Self {
        self.add(|namespace| {
            namespace.outgoing.push(Box::new(move |io, app, what| done(handler(&mut Room::of(io, app)?, what))))
        })
    }

    /// A room was made or has gone, or a socket joined or left one: told when the handler is done in which it happened.
    #[must_use]
    pub fn on_room<O: Outcome>(self, handler: impl Fn(&mut Room<'_, S>, &RoomChange) -> O + 'static) -> Self {
        self.add(|namespace| {
            namespace.rooms.push(Box::new(move |io, app, what| done(handler(&mut Room::of(io, app)?, what))))
        })
    }

    /// What is kept with a socket has changed: told when the handler is done in which it happened.
    #[must_use]
    pub fn on_data<O: Outcome>(self, handler: impl Fn(&mut Room<'_, S>, &DataChange) -> O + 'static) -> Self {
        self.add(|namespace| {
            namespace.data.push(Box::new(move |io, app, what| done(handler(&mut Room::of(io, app)?, what))))
        })
    }

    /// The room is awake, and the app's state is new: told before anything else, once each time that the object had lost its
    /// memory, and in the namespace `/` alone. An idle room that only pings its clients isn't woken.
    #[must_use]
    pub fn on_wake<O: Outcome>(mut self, handler: impl Fn(&mut Room<'_, S>) -> O + 'static) -> Self {
        if let Some((_, namespace)) = self.namespaces.first_mut() {
            namespace.woken.push(Box::new(move |io, app, ()| done(handler(&mut Room::of(io, app)?))));
        }
        self
    }

    /// Whether a new connection is let in (R6), whatever namespaces it will join: the first refusal's sentence is its
    /// answer.
    #[must_use]
    pub fn allow_request(mut self, check: impl Fn(&Request<'_>) -> Result<(), Cow<'static, str>> + 'static) -> Self {
        self.allow_request.push(Box::new(check));
        self
    }

    /// Headers for the first answer to a new connection (H8).
    #[must_use]
    pub fn initial_headers(mut self, headers: impl Fn(&Request<'_>) -> Vec<(String, String)> + 'static) -> Self {
        self.initial_headers.push(Box::new(headers));
        self
    }

    /// The headers of a client's first request that its [`Handshake`](super::Handshake) still has after the room has slept;
    /// until then it has all of them.
    #[must_use]
    pub fn keep_headers(mut self, names: &[&'static str]) -> Self {
        self.kept_headers.extend(names);
        self
    }

    /// A request was refused.
    #[must_use]
    pub fn on_connection_error(mut self, handler: impl Fn(&ConnectionError<'_>) + 'static) -> Self {
        self.connection_error.push(Box::new(handler));
        self
    }

    /// The app's name, under which its [values by key](super::Io::kv) and its tables are its own: a room may have had
    /// another app before.
    #[must_use]
    pub fn named(mut self, app: &'static str) -> Self {
        self.schema.app = app;
        self
    }

    /// The app's tables, for [`Io::sql`](super::Io::sql): the [steps](Schema::steps) that make them. It must have a name too.
    #[must_use]
    pub fn tables(mut self, steps: &'static [&'static str]) -> Self {
        self.schema.steps = steps;
        self
    }

    /// The names of the events that have a handler, of all namespaces.
    pub fn events(&self) -> impl Iterator<Item = &'static str> {
        self.namespaces.iter().flat_map(|(_, namespace)| namespace.events.keys().copied())
    }

    fn add(mut self, change: impl FnOnce(&mut Namespace)) -> Self {
        if let Some((_, namespace)) = self.namespaces.last_mut() {
            change(namespace);
        }
        self
    }

    /// Adds a handler by name; `change` tells whether there was one of the name.
    fn name(mut self, what: &str, name: &'static str, change: impl FnOnce(&mut Namespace) -> bool) -> Self {
        if self.namespaces.last_mut().is_some_and(|(_, namespace)| change(namespace)) {
            self.mistakes.push(format!("There are two handlers of {what} {name:?} in one namespace."));
        }
        self
    }
}

/// What a handler came to that nobody waits for.
fn done(outcome: impl Outcome) -> Result {
    outcome.into_answer().map(drop)
}

fn malformed(event: &Event<'_>, why: &serde_json::Error) -> Error {
    // Where in the text it stands would be of no use to anybody: the payload may be somewhere in it.
    let why = why.to_string();
    let why = why.split(" at line ").next().unwrap_or_default();
    Error::new("invalid_payload", format!("The event {:?} takes another payload: {why}.", event.name))
}
