//! The handlers of one namespace, and how they are called.

use super::context::{Room, Socket};
use crate::app::error::Result;
use crate::app::names::{Name, Pattern};
use crate::app::{
    Ack, Answers, Args, DataChange, Departed, DueTimer, Error, Event, Fetched, Io, Joining, Outgoing, Refusal,
    RoomChange,
};
use crate::ids::SocketId;
use crate::sorted::SortedMap;

pub(super) type OnEvent<S> = Box<dyn Fn(&mut Socket<'_, S>, &Event<'_>) -> Result<Option<Args<'static>>>>;
pub(super) type OnSocket<S> = Box<dyn Fn(&mut Socket<'_, S>) -> Result>;
pub(super) type OnRoom<S, T> = Box<dyn Fn(&mut Room<'_, S>, &T) -> Result>;
pub(super) type Check<S> = Box<dyn Fn(&mut Room<'_, S>, &Joining<'_>) -> Result<(), Refusal>>;
pub(super) type EventCheck<S> = Box<dyn Fn(&mut Socket<'_, S>, &Event<'_>) -> Result>;

/// All handlers of one namespace.
pub(super) struct Namespace<S> {
    pub(super) events: SortedMap<&'static str, OnEvent<S>>,
    pub(super) fallback: Option<OnEvent<S>>,
    /// Before the event's own handler.
    pub(super) any: Vec<EventCheck<S>>,
    /// After those.
    pub(super) event_middleware: Vec<EventCheck<S>>,
    pub(super) middleware: Vec<Check<S>>,
    pub(super) connection: Vec<OnSocket<S>>,
    pub(super) disconnecting: Vec<OnRoom<S, Departed>>,
    pub(super) disconnect: Vec<OnRoom<S, Departed>>,
    pub(super) expired: Vec<OnRoom<S, Departed>>,
    pub(super) timers: SortedMap<&'static str, OnRoom<S, DueTimer>>,
    pub(super) answers: SortedMap<&'static str, OnRoom<S, Answers>>,
    pub(super) fetched: SortedMap<&'static str, OnRoom<S, Fetched>>,
    pub(super) outgoing: Vec<OnRoom<S, Outgoing>>,
    pub(super) rooms: Vec<OnRoom<S, RoomChange>>,
    pub(super) data: Vec<OnRoom<S, DataChange>>,
    pub(super) woken: Vec<OnRoom<S, ()>>,
}

impl<S> Default for Namespace<S> {
    fn default() -> Self {
        Self {
            events: SortedMap::new(),
            fallback: None,
            any: Vec::new(),
            event_middleware: Vec::new(),
            middleware: Vec::new(),
            connection: Vec::new(),
            disconnecting: Vec::new(),
            disconnect: Vec::new(),
            expired: Vec::new(),
            timers: SortedMap::new(),
            answers: SortedMap::new(),
            fetched: SortedMap::new(),
            outgoing: Vec::new(),
            rooms: Vec::new(),
            data: Vec::new(),
            woken: Vec::new(),
        }
    }
}

/// The handlers of the namespace of this name: the first whose pattern matches.
pub(super) fn find<'n, S>(namespaces: &'n [(Pattern, Namespace<S>)], name: &str) -> Option<&'n Namespace<S>> {
    namespaces.iter().find(|(pattern, _)| pattern(name)).map(|(_, namespace)| namespace)
}

impl<S> Namespace<S> {
    /// An event: who listens to all of them, then the checks, then its own handler. What that returns is the answer.
    pub(super) fn event(&self, transactional: bool, socket: &mut Socket<'_, S>, event: &Event<'_>) {
        match socket.attempt(transactional, |socket| self.handle(socket, event)) {
            Ok(args) => answer(socket, args.as_ref()),
            Err(error) => refuse(&socket.io, socket.id, socket.ack.take(), &error),
        }
    }

    /// `None` where nothing is to be answered. An event that nobody handles isn't answered either, as by the reference.
    fn handle(&self, socket: &mut Socket<'_, S>, event: &Event<'_>) -> Result<Option<Args<'static>>> {
        for check in self.any.iter().chain(&self.event_middleware) {
            check(socket, event)?;
        }
        let handler = self.events.get(event.name).or(self.fallback.as_ref());
        handler.map_or(Ok(None), |handler| handler(socket, event))
    }

    /// The names that have a handler.
    pub(super) fn names(&self) -> impl Iterator<Item = Name> {
        let timers = self.timers.keys().map(|name| Name::Timer(name));
        let answers = self.answers.keys().map(|name| Name::Answers(name));
        timers.chain(answers).chain(self.fetched.keys().map(|name| Name::Fetch(name)))
    }
}

/// Answers an event, where its sender wants it and there is an answer.
fn answer<S>(socket: &Socket<'_, S>, args: Option<&Args<'_>>) {
    if let Some(args) = args
        && let Some(ack) = socket.ack.take()
    {
        warn_if_unsent(socket.io.answer_args(ack, args), &socket.io);
    }
}

/// Tells the sender of an event why it isn't carried out: as the answer where it wants one, and else by the event `error`. That
/// one isn't logged: whoever sends many such events must not push others' events out of the log. What is the app's own fault is
/// for the operator too.
pub(crate) fn refuse(io: &Io<'_>, socket: &SocketId, ack: Option<Ack>, error: &Error) {
    if error.is_apps_own() {
        io.warn(&format!("a handler failed: {error}"));
    }
    let failure = error.failure();
    let told = match ack {
        Some(ack) => io.answer(ack, &failure),
        None => io.to(socket).unlogged().emit("error", &failure),
    };
    warn_if_unsent(told, io);
}

fn warn_if_unsent(told: Result, io: &Io<'_>) {
    if let Err(error) = told {
        io.warn(&format!("an answer was not sent: {error}"));
    }
}

/// Where nobody waits for an answer, the operator is told what went wrong.
pub(super) fn report(io: &Io<'_>, what: &str, outcome: Result) {
    if let Err(error) = outcome {
        io.warn(&format!("{what} failed: {error}"));
    }
}
