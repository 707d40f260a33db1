//! The handlers of one namespace, and how they are called.

use std::collections::BTreeMap;

use super::context::{Room, Socket};
use super::outcome::Failure;
use crate::app::{Ack, Answers, Args, Departed, Event, Io, IoError, Joining, Outgoing, Refusal, RoomChange};
use crate::ids::SocketId;

/// Whether a namespace of this name is meant.
pub(super) type Pattern = Box<dyn Fn(&str) -> bool>;

/// What a handler came to.
pub(super) type Answer = Result<Args<'static>, Failure>;

pub(super) type OnEvent<S> = Box<dyn Fn(&mut Socket<'_, '_, S>, &Event<'_>) -> Answer>;
pub(super) type OnSocket<S> = Box<dyn Fn(&mut Socket<'_, '_, S>) -> Answer>;
pub(super) type OnRoom<S, T> = Box<dyn Fn(&mut Room<'_, '_, S>, &T) -> Answer>;
pub(super) type OnTimer<S> = Box<dyn Fn(&mut Room<'_, '_, S>) -> Answer>;
pub(super) type Check<S> = Box<dyn Fn(&mut Room<'_, '_, S>, &Joining<'_>) -> Result<(), Refusal>>;
pub(super) type EventCheck<S> = Box<dyn Fn(&mut Socket<'_, '_, S>, &Event<'_>) -> Result<(), Failure>>;

/// All handlers of one namespace.
pub(super) struct Namespace<S> {
    pub(super) events: BTreeMap<&'static str, OnEvent<S>>,
    pub(super) fallback: Option<OnEvent<S>>,
    pub(super) any: Vec<OnEvent<S>>,
    pub(super) event_middleware: Vec<EventCheck<S>>,
    pub(super) middleware: Vec<Check<S>>,
    pub(super) connection: Vec<OnSocket<S>>,
    pub(super) disconnecting: Vec<OnRoom<S, Departed>>,
    pub(super) disconnect: Vec<OnRoom<S, Departed>>,
    pub(super) expired: Vec<OnRoom<S, Departed>>,
    pub(super) timers: BTreeMap<&'static str, OnTimer<S>>,
    pub(super) answers: BTreeMap<&'static str, OnRoom<S, Answers>>,
    pub(super) outgoing: Vec<OnRoom<S, Outgoing>>,
    pub(super) rooms: Vec<OnRoom<S, RoomChange>>,
}

impl<S> Default for Namespace<S> {
    fn default() -> Self {
        Self {
            events: BTreeMap::new(),
            fallback: None,
            any: Vec::new(),
            event_middleware: Vec::new(),
            middleware: Vec::new(),
            connection: Vec::new(),
            disconnecting: Vec::new(),
            disconnect: Vec::new(),
            expired: Vec::new(),
            timers: BTreeMap::new(),
            answers: BTreeMap::new(),
            outgoing: Vec::new(),
            rooms: Vec::new(),
        }
    }
}

/// The handlers of the namespace of this name: the first whose pattern it is.
pub(super) fn find<'n, S>(namespaces: &'n [(Pattern, Namespace<S>)], name: &str) -> Option<&'n Namespace<S>> {
    namespaces.iter().find(|(pattern, _)| pattern(name)).map(|(_, namespace)| namespace)
}

impl<S> Namespace<S> {
    /// An event: who listens to all of them, then the checks, then its own handler. What that returns is the answer.
    pub(super) fn event(&self, transactional: bool, socket: &mut Socket<'_, '_, S>, event: &Event<'_>) {
        let outcome = socket.attempt(transactional, |socket| self.handle(socket, event));
        if let Some(outcome) = outcome.transpose() {
            answer(socket, outcome);
        }
    }

    /// `None` where nobody handles it: then it isn't answered either, as by the reference.
    fn handle(&self, socket: &mut Socket<'_, '_, S>, event: &Event<'_>) -> Result<Option<Args<'static>>, Failure> {
        for any in &self.any {
            any(socket, event)?;
        }
        for check in &self.event_middleware {
            check(socket, event)?;
        }
        let handler = self.events.get(event.name).or(self.fallback.as_ref());
        handler.map(|handler| handler(socket, event)).transpose()
    }
}

/// Answers an event, or, where its sender wants no answer, tells it what went wrong.
pub(super) fn answer<S>(socket: &mut Socket<'_, '_, S>, outcome: Answer) {
    match (socket.ack.take(), outcome) {
        (Some(ack), Ok(args)) => warn_if_unsent(socket.io.answer_args(ack, &args), socket.io),
        (ack, Err(failure)) => refuse(socket.io, socket.id, ack, &failure),
        (None, Ok(_)) => {}
    }
}

/// Tells the sender of an event why it isn't carried out: as the answer where it wants one, and else by the event `error`. That
/// one isn't logged: whoever sends many such events must not push others' events out of the log.
pub(crate) fn refuse(io: &mut Io<'_>, socket: &SocketId, ack: Option<Ack>, failure: &Failure) {
    let told = match ack {
        Some(ack) => io.answer(ack, failure),
        None => io.to(socket).unlogged().emit("error", failure),
    };
    warn_if_unsent(told, io);
}

fn warn_if_unsent(told: Result<(), IoError>, io: &Io<'_>) {
    if let Err(error) = told {
        io.warn(&format!("an answer was not sent: {error}"));
    }
}

/// Where nobody waits for an answer, the operator is told what went wrong.
pub(super) fn report(io: &Io<'_>, what: &str, outcome: Answer) {
    if let Err(Failure { code, message }) = outcome {
        io.warn(&format!("{what} failed: {message} ({code})"));
    }
}
