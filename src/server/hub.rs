//! Clients come and go: what the engine tells of sessions, and what the app learns of it.

use std::borrow::Cow;
use std::collections::VecDeque;
use std::rc::Rc;

use super::attachment::SessionRows;
use crate::app::{App, ConnectionError, Io, Schema, Services, kv, questions, schedule};
use crate::config::Config;
use crate::database::{Database, DatabaseError, Part, migrate};
use crate::engine_io::{self, Engine, Listener, Message, Reason, Revision, Turn};
use crate::ids::{Millis, Sid, SocketId};
use crate::outbox::Request;
use crate::socket_io::{Client, Decoder, DisconnectReason, Handshake, Sockets, recovery};
use crate::timers::Timers;

/// What listens to the engine: the sockets and the app.
pub(super) struct Hub {
    pub(super) app: Box<dyn App>,
    pub(super) sockets: Sockets,
    /// When clients must have joined a namespace (C7).
    pub(super) connects: Timers<Sid>,
    pub(super) services: Services,
    pub(super) session_rows: SessionRows,
    connect_timeout: Millis,
    max_attachments: usize,
    /// Bytes that a client may have missed and still get.
    pub(super) max_replayed: usize,
}

impl Listener for Hub {
    fn admit(&mut self, request: &Request<'_>) -> Result<(), Cow<'static, str>> {
        self.app.allow_request(request)
    }

    fn initial_headers(&mut self, _: &Sid, request: &Request<'_>) -> Vec<(String, String)> {
        self.app.initial_headers(request)
    }

    fn refused(&mut self, refusal: &engine_io::Refusal, request: &Request<'_>) {
        let (_, code, message) = refusal.row();
        self.app.connection_error(&ConnectionError { code, message, request });
    }

    fn opened(&mut self, engine: &mut Engine, turn: &mut Turn<'_>, sid: &Sid, request: &Request<'_>) {
        let handshake = Handshake::new(turn.now, request, self.app.kept_headers());
        self.add_client(sid, Some(turn.now + self.connect_timeout), handshake);
        self.sockets.changed.insert(sid.clone());
        // Clients of Socket.IO 2 are in `/` without a word (C12).
        if engine.revision(sid) == Some(Revision::V3) {
            self.connect(engine, turn, sid, &Rc::from("/"), None);
        }
    }

    fn changed(&mut self, _: &mut Engine, _: &mut Turn<'_>, sid: &Sid) {
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

impl Hub {
    pub(super) fn new(config: &Config, app: Box<dyn App>) -> Self {
        let services = Services::new(config, app.as_ref());
        Self {
            app,
            sockets: Sockets::new(config),
            connects: Timers::default(),
            services,
            session_rows: SessionRows::default(),
            connect_timeout: config.connect_timeout,
            max_attachments: config.max_attachments,
            max_replayed: config.max_buffered / 2,
        }
    }

    pub(super) fn add_client(&mut self, sid: &Sid, connect_by: Option<Millis>, handshake: Handshake) {
        if let Some(deadline) = connect_by {
            self.connects.set(sid.clone(), deadline);
        }
        let decoder = Decoder::new(self.sockets.parser, self.max_attachments);
        let client = Client {
            decoder,
            joined: Default::default(),
            dismissed: Default::default(),
            handshake: handshake.into(),
            connect_by,
        };
        self.sockets.clients.insert(sid.clone(), client);
    }

    /// Brings the tables up to date and reads what must be known before any socket is.
    pub(super) fn open(&mut self, database: &dyn Database) -> Result<(), DatabaseError> {
        let Schema { app, steps } = self.app.schema();
        let parts: [Part<'_>; 5] = [
            ("roomcast", recovery::SCHEMA),
            ("timers", schedule::SCHEMA),
            ("questions", questions::SCHEMA),
            ("kv", kv::SCHEMA),
            (app, steps),
        ];
        migrate(database, &parts)?;
        self.sockets.recovery.open(database)?;
        self.services.open(database)
    }

    /// When something is due that the database knows of.
    pub(super) fn next_due(&self) -> Option<Millis> {
        let Services { schedule, questions, .. } = &self.services;
        [self.sockets.recovery.next_expiry(), schedule.next(), questions.next()].into_iter().flatten().min()
    }

    pub(super) fn expire(&mut self, engine: &mut Engine, turn: &mut Turn<'_>) {
        while let Some((sid, _)) = self.connects.pop_due(turn.now) {
            self.close(engine, turn, &sid, DisconnectReason::ForcedServerClose);
        }
        self.expire_all_lost(engine, turn);
        self.services.questions.expire(turn.runtime, turn.now);
        self.settle(engine, turn);
        while let Some((namespace, name)) = self.services.schedule.pop_due(turn.runtime, turn.now) {
            self.call(engine, turn, &namespace, |app, io| app.scheduled(io, &name));
        }
    }

    /// Drops the events that nobody can have missed.
    pub(super) fn prune(&mut self, turn: &Turn<'_>) {
        if let Err(error) = self.sockets.recovery.log.prune(turn.runtime, turn.now) {
            turn.runtime.warn(&format!("old events were not dropped: {error}"));
        }
    }

    /// Ends a connection for what its client did. A polling client that can't be told at once is
    /// [`ForcedServerClose`](DisconnectReason::ForcedServerClose) to the app, unless its packet was unreadable (1.10).
    pub(super) fn close(&mut self, engine: &mut Engine, turn: &mut Turn<'_>, sid: &Sid, reason: DisconnectReason) {
        let told = engine.close(turn, sid);
        let reason = if told { DisconnectReason::ForcedClose } else { reason };
        self.remove_client(engine, turn, sid, reason);
    }

    pub(super) fn remove_client(
        &mut self,
        engine: &mut Engine,
        turn: &mut Turn<'_>,
        sid: &Sid,
        reason: DisconnectReason,
    ) {
        self.connects.clear(sid);
        self.sockets.remove_client(sid, reason, turn.now);
        self.settle(engine, turn);
    }

    /// Calls the app, and then tells it what has happened meanwhile: a hook may disconnect others, but isn't called from
    /// itself.
    pub(super) fn call<T>(
        &mut self,
        engine: &mut Engine,
        turn: &mut Turn<'_>,
        namespace: &Rc<str>,
        hook: impl FnOnce(&mut dyn App, &mut Io<'_>) -> T,
    ) -> T {
        let result = self.enter(engine, turn, namespace, hook);
        self.settle(engine, turn);
        result
    }

    fn enter<T>(
        &mut self,
        engine: &mut Engine,
        turn: &mut Turn<'_>,
        namespace: &Rc<str>,
        hook: impl FnOnce(&mut dyn App, &mut Io<'_>) -> T,
    ) -> T {
        let mut io = Io::new(engine, &mut self.sockets, &mut self.services, turn.reborrow(), namespace.clone());
        hook(self.app.as_mut(), &mut io)
    }

    /// Tells the app what has happened since it was asked last, in this order: rooms that changed, who has left, answers that
    /// are complete, and what it has sent itself.
    pub(super) fn settle(&mut self, engine: &mut Engine, turn: &mut Turn<'_>) {
        loop {
            if let Some(change) = self.sockets.changes.as_mut().and_then(VecDeque::pop_front) {
                let namespace = change.namespace.clone();
                self.enter(engine, turn, &namespace, |app, io| app.room_changed(io, &change));
            } else if let Some(departed) = self.sockets.departed.pop_front() {
                if !departed.recoverable {
                    self.owes_nothing(turn, &departed.namespace, &departed.id);
                }
                self.enter(engine, turn, &departed.namespace, |app, io| app.disconnected(io, &departed));
            } else if let Some((namespace, answers)) = self.services.questions.done.pop_front() {
                self.enter(engine, turn, &namespace, |app, io| app.answered(io, &answers));
            } else if let Some(sent) = self.services.sent.as_mut().and_then(VecDeque::pop_front) {
                // What it sends about what it has sent would have no end.
                let rest = self.services.sent.take();
                self.enter(engine, turn, &sent.namespace, |app, io| app.outgoing(io, &sent));
                self.services.sent = rest;
            } else {
                return;
            }
        }
    }

    /// A socket is gone for good, and with it its answers.
    pub(super) fn owes_nothing(&mut self, turn: &Turn<'_>, namespace: &str, socket: &SocketId) {
        self.services.questions.gone(turn.runtime, namespace, socket);
    }
}
