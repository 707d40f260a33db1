//! Handlers as an app.

use std::borrow::Cow;

use super::namespace::{Namespace, OnRoom, answer, find, report};
use super::{Handlers, Room, Socket};
use crate::app::{
    Answers, App, Connection, ConnectionError, Departed, Event, Io, Joining, Outgoing, Refusal, Request, RoomChange,
    Schema, Watched,
};

impl<S> Handlers<S> {
    /// The handlers of the namespace of `io`, and the app's state beside them.
    fn split(&mut self, io: &Io<'_>) -> Option<(&Namespace<S>, &mut S)> {
        find(&self.namespaces, io.namespace()).map(|namespace| (namespace, &mut self.state))
    }

    /// Calls all of these, of which nobody waits for an answer.
    fn tell<T>(&mut self, io: &mut Io<'_>, what: &str, list: impl Fn(&Namespace<S>) -> &[OnRoom<S, T>], news: &T) {
        let transactional = self.transactional;
        if let Some((namespace, app)) = self.split(io) {
            for handler in list(namespace) {
                let outcome = Room { io, app }.attempt(transactional, |room| handler(room, news));
                report(io, what, outcome);
            }
        }
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

    fn connecting(&mut self, io: &mut Io<'_>, joining: &Joining<'_>) -> Result<(), Refusal> {
        match self.split(io) {
            Some((namespace, app)) => {
                namespace.middleware.iter().try_for_each(|check| check(&mut Room { io, app }, joining))
            }
            None => Ok(()),
        }
    }

    fn connected(&mut self, io: &mut Io<'_>, connection: &Connection<'_>) {
        let Connection { socket: id, auth, recovered } = *connection;
        let transactional = self.transactional;
        if let Some((namespace, app)) = self.split(io) {
            for handler in &namespace.connection {
                let mut socket = Socket { io, app, id, ack: None, auth, recovered };
                let outcome = socket.attempt(transactional, |socket| handler(socket));
                answer(&mut socket, outcome);
            }
        }
    }

    fn event(&mut self, io: &mut Io<'_>, mut event: Event<'_>) {
        let transactional = self.transactional;
        if let Some((namespace, app)) = self.split(io) {
            let ack = event.ack.take();
            let mut socket = Socket { io, app, id: event.socket, ack, auth: None, recovered: false };
            namespace.event(transactional, &mut socket, &event);
        }
    }

    fn answered(&mut self, io: &mut Io<'_>, answers: &Answers) {
        let transactional = self.transactional;
        if let Some((namespace, app)) = self.split(io) {
            match namespace.answers.get(answers.name.as_ref()) {
                Some(handler) => {
                    let outcome = Room { io, app }.attempt(transactional, |room| handler(room, answers));
                    report(io, "what is done with answers", outcome);
                }
                None => io.warn(&format!("nothing is done with the answers named {:?}", answers.name)),
            }
        }
    }

    fn disconnected(&mut self, io: &mut Io<'_>, departed: &Departed) {
        self.tell(io, "what is done before a socket leaves", |namespace| &namespace.disconnecting, departed);
        self.tell(io, "what is done when a socket leaves", |namespace| &namespace.disconnect, departed);
    }

    fn expired(&mut self, io: &mut Io<'_>, departed: &Departed) {
        self.tell(io, "what is done when a socket is gone for good", |namespace| &namespace.expired, departed);
    }

    fn scheduled(&mut self, io: &mut Io<'_>, name: &str) {
        let transactional = self.transactional;
        if let Some((namespace, app)) = self.split(io) {
            match namespace.timers.get(name) {
                Some(handler) => {
                    let outcome = Room { io, app }.attempt(transactional, |room| handler(room));
                    report(io, "what is done by a timer", outcome);
                }
                None => io.warn(&format!("nothing is done by the timer {name:?}")),
            }
        }
    }

    fn watched(&self) -> Watched {
        let any = |wants: fn(&Namespace<S>) -> bool| self.namespaces.iter().any(|(_, namespace)| wants(namespace));
        Watched {
            outgoing: any(|namespace| !namespace.outgoing.is_empty()),
            rooms: any(|namespace| !namespace.rooms.is_empty()),
        }
    }

    fn outgoing(&mut self, io: &mut Io<'_>, sent: &Outgoing) {
        self.tell(io, "what is done with what was sent", |namespace| &namespace.outgoing, sent);
    }

    fn room_changed(&mut self, io: &mut Io<'_>, change: &RoomChange) {
        self.tell(io, "what is done when a room changes", |namespace| &namespace.rooms, change);
    }

    fn schema(&self) -> Schema {
        self.schema
    }
}
