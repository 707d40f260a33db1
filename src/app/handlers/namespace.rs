//! The handlers of one namespace, and how they are called.

use std::any::Any;

use super::context::Caller;
use crate::app::error::Result;
use crate::app::names::{Name, Pattern};
use crate::app::{
    Ack, Answers, Args, DataChange, Departed, DueTimer, Error, Event, Fetched, Io, Joining, Outgoing, Refusal,
    RoomChange,
};
use crate::ids::SocketId;
use crate::sorted::SortedMap;

// Handlers don't show the type of the app's state, so that what calls them is compiled once for all apps.
pub(super) type OnEvent = Box<dyn Fn(&Caller<'_>, &mut dyn Any, &Event<'_>) -> Result<Option<Args<'static>>>>;
pub(super) type OnSocket = Box<dyn Fn(&Caller<'_>, &mut dyn Any) -> Result>;
pub(super) type OnRoom<T> = Box<dyn Fn(&Io<'_>, &mut dyn Any, &T) -> Result>;
pub(super) type Check = Box<dyn Fn(&Io<'_>, &mut dyn Any, &Joining<'_>) -> Result<(), Refusal>>;
pub(super) type EventCheck = Box<dyn Fn(&Caller<'_>, &mut dyn Any, &Event<'_>) -> Result>;

/// All handlers of one namespace.
#[derive(Default)]
pub(super) struct Namespace {
    pub(super) events: SortedMap<&'static str, OnEvent>,
    pub(super) fallback: Option<OnEvent>,
    /// Before the event's own handler.
    pub(super) any: Vec<EventCheck>,
    /// After those.
    pub(super) event_middleware: Vec<EventCheck>,
    pub(super) middleware: Vec<Check>,
    pub(super) connection: Vec<OnSocket>,
    pub(super) disconnecting: Vec<OnRoom<Departed>>,
    pub(super) disconnect: Vec<OnRoom<Departed>>,
    pub(super) expired: Vec<OnRoom<Departed>>,
    pub(super) timers: SortedMap<&'static str, OnRoom<DueTimer>>,
    pub(super) answers: SortedMap<&'static str, OnRoom<Answers>>,
    pub(super) fetched: SortedMap<&'static str, OnRoom<Fetched>>,
    pub(super) outgoing: Vec<OnRoom<Outgoing>>,
    pub(super) rooms: Vec<OnRoom<RoomChange>>,
    pub(super) data: Vec<OnRoom<DataChange>>,
    pub(super) woken: Vec<OnRoom<()>>,
}

/// The handlers of the namespace of this name: the first whose pattern matches.
pub(super) fn find<'n>(namespaces: &'n [(Pattern, Namespace)], name: &str) -> Option<&'n Namespace> {
    namespaces.iter().find(|(pattern, _)| pattern(name)).map(|(_, namespace)| namespace)
}

impl Namespace {
    /// An event: who listens to all of them, then the checks, then its own handler. What that returns is the answer.
    pub(super) fn event(&self, transactional: bool, caller: &Caller<'_>, app: &mut dyn Any, event: &Event<'_>) {
        match caller.attempt(transactional, || self.handle(caller, app, event)) {
            Ok(args) => answer(caller, args.as_ref()),
            Err(error) => refuse(&caller.io, caller.id, caller.ack.take(), &error),
        }
    }

    /// `None` where nothing is to be answered. An event that nobody handles isn't answered either, as by the reference.
    fn handle(&self, caller: &Caller<'_>, app: &mut dyn Any, event: &Event<'_>) -> Result<Option<Args<'static>>> {
        for check in self.any.iter().chain(&self.event_middleware) {
            check(caller, app, event)?;
        }
        let handler = self.events.get(event.name).or(self.fallback.as_ref());
        handler.map_or(Ok(None), |handler| handler(caller, app, event))
    }

    /// The names that have a handler.
    pub(super) fn names(&self) -> impl Iterator<Item = Name> {
        let timers = self.timers.keys().map(|name| Name::Timer(name));
        let answers = self.answers.keys().map(|name| Name::Answers(name));
        timers.chain(answers).chain(self.fetched.keys().map(|name| Name::Fetch(name)))
    }
}

/// Answers an event, where its sender wants it and there is an answer.
fn answer(caller: &Caller<'_>, args: Option<&Args<'_>>) {
    if let Some(args) = args
        && let Some(ack) = caller.ack.take()
    {
        warn_if_unsent(caller.io.answer_args(ack, args), &caller.io);
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
