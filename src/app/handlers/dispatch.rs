//! Handlers as an app.

use std::any::Any;
use std::borrow::Cow;
use std::cell::Cell;

use super::Handlers;
use super::context::Caller;
use super::namespace::{Namespace, OnRoom, find, refuse, report};
use crate::app::names::{Names, Pattern};
use crate::app::{
    Answers, App, Connection, ConnectionError, DataChange, Departed, DueTimer, Event, Fetched, Io, Joining, Outgoing,
    Refusal, Request, RoomChange, Schema, Watched,
};

impl<S> Handlers<S> {
    /// The handlers of the namespace of `io`, and the app's state beside them.
    fn split(&mut self, io: &Io<'_>) -> Option<(&Namespace, &mut dyn Any)> {
        find(&self.namespaces, io.namespace()).map(|namespace| (namespace, self.state.as_mut()))
    }

    /// Calls all of these, of which nobody waits for an answer; gives how many there were.
    fn tell<T>(&mut self, io: &Io<'_>, what: &str, list: impl FnOnce(&Namespace) -> &[OnRoom<T>], news: &T) -> usize {
        let transactional = self.transactional;
        let Some((namespace, app)) = self.split(io) else {
            return 0;
        };
        let handlers = list(namespace);
        for handler in handlers {
            let outcome = if transactional { io.atomically(|| handler(io, app, news)) } else { handler(io, app, news) };
            report(io, what, outcome);
        }
        handlers.len()
    }
}

impl<S> App for Handlers<S> {
    fn allow_request(&mut self, request: &Request<'_>) -> Result<(), Cow<'static, str>> {
        self.allow_request.iter().try_for_each(|allow| allow(request))
    }

    fn initial_headers(&mut self, request: &Request<'_>) -> Vec<(String, String)> {
        self.initial_headers.iter().flat_map(|headers| headers(request)).collect()
    }

    fn connection_error(&mut self, error: &ConnectionError<'_>) {
        self.connection_error.iter().for_each(|handler| handler(error));
    }

    fn kept_headers(&self) -> &[&'static str] {
        &self.kept_headers
    }

    fn recovery(&self) -> bool {
        self.recovery
    }

    fn has_namespace(&self, name: &str) -> bool {
        find(&self.namespaces, name).is_some()
    }

    fn connecting(&mut self, io: &Io<'_>, joining: &Joining<'_>) -> Result<(), Refusal> {
        let Some((namespace, app)) = self.split(io) else {
            return Ok(());
        };
        namespace.middleware.iter().try_for_each(|check| check(io, app, joining))
    }

    fn connected(&mut self, io: &Io<'_>, connection: &Connection<'_>) {
        let Connection { socket: id, auth, recovered } = *connection;
        let transactional = self.transactional;
        if let Some((namespace, app)) = self.split(io) {
            let caller = Caller { io: io.clone(), id, ack: Cell::default(), auth, recovered };
            for handler in &namespace.connection {
                if let Err(error) = caller.attempt(transactional, || handler(&caller, app)) {
                    refuse(io, id, None, &error);
                }
            }
        }
    }

    fn event(&mut self, io: &Io<'_>, mut event: Event<'_>) {
        let transactional = self.transactional;
        if let Some((namespace, app)) = self.split(io) {
            let ack = Cell::new(event.ack.take());
            let caller = Caller { io: io.clone(), id: event.socket, ack, auth: None, recovered: false };
            namespace.event(transactional, &caller, app, &event);
        }
    }

    fn answered(&mut self, io: &Io<'_>, answers: &Answers) {
        let called = self.tell(
            io,
            "what is done with answers",
            |namespace| one(namespace.answers.get(answers.name.as_ref())),
            answers,
        );
        if called == 0 {
            io.warn(&format!("nothing is done with the answers named {:?}", answers.name));
        }
    }

    fn disconnected(&mut self, io: &Io<'_>, departed: &Departed) {
        self.tell(io, "what is done before a socket leaves", |namespace| &namespace.disconnecting, departed);
        self.tell(io, "what is done when a socket leaves", |namespace| &namespace.disconnect, departed);
    }

    fn expired(&mut self, io: &Io<'_>, departed: &Departed) {
        self.tell(io, "what is done when a socket is gone for good", |namespace| &namespace.expired, departed);
    }

    fn scheduled(&mut self, io: &Io<'_>, timer: &DueTimer) {
        let called =
            self.tell(io, "what is done by a timer", |namespace| one(namespace.timers.get(timer.name.as_ref())), timer);
        // It was set by another release.
        if called == 0 {
            io.warn(&format!("nothing is done by the timer {:?}", timer.name));
        }
    }

    fn fetched(&mut self, io: &Io<'_>, fetched: &Fetched) {
        let called = self.tell(
            io,
            "what is done with another server's answer",
            |namespace| one(namespace.fetched.get(fetched.name.as_ref())),
            fetched,
        );
        if called == 0 {
            io.warn(&format!("nothing is done with the fetch {:?}", fetched.name));
        }
    }

    fn woken(&mut self, io: &Io<'_>) {
        self.tell(io, "what is done when the room wakes", |namespace| &namespace.woken, &());
    }

    fn watched(&self) -> Watched {
        let any = |wants: fn(&Namespace) -> bool| self.namespaces.iter().any(|(_, namespace)| wants(namespace));
        Watched {
            outgoing: any(|namespace| !namespace.outgoing.is_empty()),
            rooms: any(|namespace| !namespace.rooms.is_empty()),
            data: any(|namespace| !namespace.data.is_empty()),
        }
    }

    fn outgoing(&mut self, io: &Io<'_>, sent: &Outgoing) {
        self.tell(io, "what is done with what was sent", |namespace| &namespace.outgoing, sent);
    }

    fn room_changed(&mut self, io: &Io<'_>, change: &RoomChange) {
        self.tell(io, "what is done when a room changes", |namespace| &namespace.rooms, change);
    }

    fn data_changed(&mut self, io: &Io<'_>, change: &DataChange) {
        self.tell(io, "what is done when data changes", |namespace| &namespace.data, change);
    }

    fn schema(&self) -> Schema {
        self.schema
    }

    fn names(&self) -> Option<Names> {
        let names = |(pattern, namespace): &(Pattern, Namespace)| (pattern.clone(), namespace.names().collect());
        Some(Names(self.namespaces.iter().map(names).collect()))
    }

    fn check(&self) -> Result<(), String> {
        if self.mistakes.is_empty() { Ok(()) } else { Err(self.mistakes.join(" ")) }
    }
}

/// A list of the handler that there is, or of none.
fn one<T>(handler: Option<&T>) -> &[T] {
    handler.map_or(&[], std::slice::from_ref)
}
