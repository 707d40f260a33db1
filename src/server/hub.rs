//! Clients come and go: what the engine tells of sessions, and what the app learns of it.

use std::borrow::Cow;
use std::rc::Rc;

use crate::app::{App, Io};
use crate::config::Config;
use crate::engine_io::{Engine, Listener, Message, Reason, Revision, Turn};
use crate::ids::{Millis, Sid};
use crate::outbox::Request;
use crate::socket_io::{Client, Decoder, DisconnectReason, Sockets};
use crate::timers::Timers;

/// What listens to the engine: the sockets and the app.
pub(super) struct Hub<A> {
    pub(super) app: A,
    pub(super) sockets: Sockets,
    /// When clients must have joined a namespace (C7).
    pub(super) connects: Timers<Sid>,
    connect_timeout: Millis,
    max_attachments: usize,
}

impl<A: App> Listener for Hub<A> {
    fn admit(&mut self, request: &Request<'_>) -> Result<(), Cow<'static, str>> {
        self.app.allow_request(request)
    }

    fn initial_headers(&mut self, _: &Sid, request: &Request<'_>) -> Vec<(String, String)> {
        self.app.initial_headers(request)
    }

    fn opened(&mut self, engine: &mut Engine, turn: &mut Turn<'_>, sid: &Sid) {
        self.add_client(sid, Some(turn.now + self.connect_timeout));
        self.sockets.changed.insert(sid.clone());
        // Clients of Socket.IO 2 are in `/` without a word (C12).
        if engine.revision(sid) == Some(Revision::V3) {
            self.connect(engine, turn, sid, &Rc::from("/"), None);
        }
    }

    fn upgraded(&mut self, _: &mut Engine, _: &mut Turn<'_>, sid: &Sid) {
        self.sockets.changed.insert(sid.clone());
    }

    fn message(&mut self, engine: &mut Engine, turn: &mut Turn<'_>, sid: &Sid, message: Message<'_>) {
        let Some(client) = self.sockets.clients.get_mut(sid) else {
            return;
        };
        let packet = match &message {
            Message::Text(text) => client.decoder.text(text),
            Message::Binary(bytes) => client.decoder.binary(bytes),
        };
        match packet {
            Ok(Some(packet)) => self.packet(engine, turn, sid, packet),
            Ok(None) => {}
            Err(_) => self.close(engine, turn, sid, DisconnectReason::ForcedClose),
        }
    }

    fn closed(&mut self, engine: &mut Engine, turn: &mut Turn<'_>, sid: &Sid, reason: Reason) {
        self.remove_client(engine, turn, sid, DisconnectReason::Transport(reason.as_str()));
    }
}

impl<A: App> Hub<A> {
    pub(super) fn new(config: &Config, app: A) -> Self {
        Self {
            app,
            sockets: Sockets::new(config.parser),
            connects: Timers::default(),
            connect_timeout: config.connect_timeout,
            max_attachments: config.max_attachments,
        }
    }

    pub(super) fn add_client(&mut self, sid: &Sid, connect_by: Option<Millis>) {
        if let Some(deadline) = connect_by {
            self.connects.set(sid.clone(), deadline);
        }
        let decoder = Decoder::new(self.sockets.parser, self.max_attachments);
        let client = Client { decoder, joined: Default::default(), dismissed: Default::default(), connect_by };
        self.sockets.clients.insert(sid.clone(), client);
    }

    pub(super) fn expire(&mut self, engine: &mut Engine, turn: &mut Turn<'_>) {
        while let Some((sid, _)) = self.connects.pop_due(turn.now) {
            self.close(engine, turn, &sid, DisconnectReason::ForcedServerClose);
        }
    }

    /// Ends a connection for what its client did. A polling client that can't be told at once is
    /// [`ForcedServerClose`](DisconnectReason::ForcedServerClose) to the app, unless its packet was unreadable (1.10).
    pub(super) fn close(&mut self, engine: &mut Engine, turn: &mut Turn<'_>, sid: &Sid, reason: DisconnectReason) {
        let told = engine.close(turn, sid);
        let reason = if told { DisconnectReason::ForcedClose } else { reason };
        self.remove_client(engine, turn, sid, reason);
    }

    fn remove_client(&mut self, engine: &mut Engine, turn: &mut Turn<'_>, sid: &Sid, reason: DisconnectReason) {
        self.connects.clear(sid);
        self.sockets.remove_client(sid, reason);
        self.tell_departures(engine, turn);
    }

    /// Calls the app, and then tells it who left meanwhile: a hook may disconnect others, but isn't called from itself.
    pub(super) fn call<T>(
        &mut self,
        engine: &mut Engine,
        turn: &mut Turn<'_>,
        namespace: &Rc<str>,
        hook: impl FnOnce(&mut A, &mut Io<'_>) -> T,
    ) -> T {
        let mut io = Io::new(engine, &mut self.sockets, turn.reborrow(), namespace.clone());
        let result = hook(&mut self.app, &mut io);
        self.tell_departures(engine, turn);
        result
    }

    pub(super) fn tell_departures(&mut self, engine: &mut Engine, turn: &mut Turn<'_>) {
        while let Some(departed) = self.sockets.departed.pop_front() {
            let mut io = Io::new(engine, &mut self.sockets, turn.reborrow(), departed.namespace.clone());
            self.app.disconnected(&mut io, &departed);
        }
    }
}
