//! A room in memory: its state and its app, and what happens to them when the engine tells of sessions.

use std::rc::Rc;

use super::attachment::SessionRows;
use super::claims::{self, Deferred};
use crate::app::{App, ConnectionError, Io, RoomState, Schema, fetches, kv, pending_acks, schedule};
use crate::config::Config;
use crate::database::{DatabaseError, Part, migrate};
use crate::engine_io::{Event, Message, Reason, Revision};
use crate::fetch::FetchOutcome;
use crate::host::{HibernatedSocket, Host};
use crate::ids::{Millis, Sid};
use crate::outbox::Request;
use crate::socket_io::recovery::{self, ClientRecovery};
use crate::socket_io::{Client, Decoder, DisconnectReason, Handshake};
use crate::timers::Timers;
use crate::transaction::TurnHost;

/// All that is lost with the object's memory, and found again from what is stored.
pub(super) struct Live {
    pub(super) config: Config,
    pub(super) app: Box<dyn App>,
    pub(super) state: RoomState,
    /// The host that `state` has too.
    pub(super) host: Rc<TurnHost>,
    /// When clients must have joined a namespace (C7).
    pub(super) connects: Timers<Sid>,
    pub(super) deferred: Deferred,
    pub(super) news: News,
    pub(super) session_rows: SessionRows,
    /// Whether the operator knows that a handshake isn't kept as a whole.
    pub(super) surplus_is_told: bool,
    /// Whether nothing was stored before.
    pub(super) is_new: bool,
    /// The hibernated WebSockets, until the first turn that needs them restores them.
    pub(super) hibernated: Option<Vec<HibernatedSocket>>,
}

/// When news is told.
#[derive(Debug, Default)]
pub(super) struct News {
    /// Whether it waits for the next tick, since it is about what nobody did in this turn.
    pub(super) waits: bool,
    /// Until when it waits, since the app makes news without an end.
    pub(super) paused_until: Option<Millis>,
    /// Whether the operator knows that news is dropped.
    pub(super) drops: bool,
}

impl News {
    /// The clock has gone back by so much.
    pub(super) fn bring_forward(&mut self, by: Millis) {
        self.paused_until = self.paused_until.map(|until| until.before(by));
    }
}

impl Live {
    /// Brings the tables up to date and reads what must be known before any socket is.
    ///
    /// # Errors
    /// [`DatabaseError`] where the database can't be read: another release wrote it, or it is broken.
    pub(super) fn open(config: &Config, app: Box<dyn App>, host: &Rc<dyn Host>) -> Result<Self, DatabaseError> {
        let recovery = if app.recovery() { config.recovery } else { Millis(0) };
        let config = &Config { recovery, ..config.clone() };
        let Schema { app: name, steps } = app.schema();
        let parts = [
            recovery::TABLES,
            schedule::TABLES,
            Part::new("questions", pending_acks::SCHEMA),
            Part::new("fetches", fetches::SCHEMA),
            Part::new("kv", kv::SCHEMA),
            Part::new("deferred", claims::SCHEMA),
            Part::new(name, steps),
        ];
        let is_new = migrate(host.as_ref(), &parts)?;
        // Statements of the app's own are run as they come, whatever they give.
        let host = Rc::new(TurnHost::new(host.clone(), !steps.is_empty()));
        let mut state = RoomState::new(config, name, app.names(), app.watched().outgoing, host.clone());
        let mut deferred = Deferred::default();
        if !is_new {
            state.open()?;
            deferred = Deferred::open(host.as_ref())?;
        }
        let (connects, session_rows, surplus_is_told, news) = Default::default();
        let hibernated = Some(host.hibernated());
        let config = config.clone();
        let mut live = Self {
            config,
            app,
            state,
            host,
            connects,
            deferred,
            news,
            session_rows,
            surplus_is_told,
            is_new,
            hibernated,
        };
        live.leave_aside();
        Ok(live)
    }

    /// Something happened to a session. `request` is the one that this turn is about.
    pub(super) fn event(&mut self, event: Event, request: Option<&Request<'_>>) {
        match (event, request) {
            (Event::Handshake { .. }, Some(request)) => match self.app.allow_request(request) {
                Ok(()) => self.state.engine.admit(self.app.initial_headers(request)),
                Err(sentence) => self.state.engine.deny(sentence),
            },
            (Event::Refused { refusal }, Some(request)) => {
                let (_, code, message) = refusal.row();
                self.app.connection_error(&ConnectionError { code, message, request });
            }
            (Event::Opened { sid, revision }, Some(request)) => self.opened(&sid, revision, request),
            (Event::Changed { sid }, _) => _ = self.state.sockets.changed.insert(sid),
            (Event::Message { sid, message }, _) => self.message(&sid, &message),
            (Event::Closed { sid, reason }, _) => self.closed(&sid, reason),
            // They come in the turn of their request.
            (Event::Handshake { .. } | Event::Refused { .. } | Event::Opened { .. }, None) => {}
        }
    }

    /// Another server has answered, or nobody will.
    pub(super) fn fetched(&mut self, id: u64, outcome: &FetchOutcome) {
        let host = self.state.host.clone();
        if let Some(then) = self.state.fetches.answered(host.as_ref(), id) {
            let namespace = then.namespace.clone();
            let fetched = then.fetched(outcome.clone());
            self.call(&namespace, |app, io| app.fetched(io, &fetched));
        }
    }

    fn opened(&mut self, sid: &Sid, revision: Revision, request: &Request<'_>) {
        let handshake = Handshake::new(self.state.now, request, self.app.kept_headers());
        let connect_by = self.state.now + self.config.connect_timeout;
        self.warn_of_surplus(&handshake);
        self.add_client(sid, Some(connect_by), handshake, ClientRecovery::of(request));
        self.state.sockets.hold_handshake(sid);
        self.state.sockets.changed.insert(sid.clone());
        // Clients of Socket.IO 2 are in `/` without a word (C12).
        if revision == Revision::V3 {
            self.connect(sid, &Rc::from("/"), None);
        }
    }

    /// Tells the operator once that a part of a handshake has no room beside a sleeping WebSocket.
    fn warn_of_surplus(&mut self, handshake: &Handshake) {
        if self.surplus_is_told || handshake.wont_be_kept().next().is_none() {
            return;
        }
        self.surplus_is_told = true;
        let mut names: Vec<_> = handshake.wont_be_kept().take(8).collect();
        names.retain(|name| name.len() <= 64);
        self.state.host.warn(&format!(
            "a client's first request is longer than what is kept of it while the room sleeps: after that, apps miss {} of its \
             parameters and headers, such as {names:?} (see Handshake::missing)",
            handshake.wont_be_kept().count(),
        ));
    }

    #[inline(never)] // The runtime compiles a function when it is first called: a handshake never calls this one.
    fn message(&mut self, sid: &Sid, message: &Message) {
        let Some(client) = self.state.sockets.clients.get_mut(sid) else {
            return;
        };
        let packet = match message {
            Message::Text(text) => client.decoder.text(text),
            Message::Binary(bytes) => client.decoder.binary(bytes),
        };
        match packet {
            Ok(Some(packet)) => self.packet(sid, packet),
            Ok(None) => {}
            Err(_) => self.close(sid, DisconnectReason::ForcedClose),
        }
    }

    #[inline(never)] // The runtime compiles a function when it is first called: a handshake never calls this one.
    fn closed(&mut self, sid: &Sid, reason: Reason) {
        self.remove_client(sid, DisconnectReason::Transport(reason.as_str()));
    }

    /// A session was closed because its time was over, which is nobody's doing in this turn.
    pub(super) fn overdue(&mut self, sid: &Sid, reason: Reason) {
        self.let_news_wait();
        self.closed(sid, reason);
    }

    /// A session, new or restored.
    pub(super) fn add_client(
        &mut self,
        sid: &Sid,
        connect_by: Option<Millis>,
        handshake: Handshake,
        recovery: ClientRecovery,
    ) {
        if let Some(deadline) = connect_by {
            self.connects.set(sid.clone(), deadline);
        }
        let sockets = &mut self.state.sockets;
        let decoder = Decoder::new(sockets.parser, self.config.max_attachments);
        let (joined, dismissed) = Default::default();
        let client = Client { decoder, joined, dismissed, handshake: handshake.into(), recovery, connect_by };
        sockets.clients.insert(sid.clone(), client);
    }

    /// Ends a connection for what its client did. A polling client that can't be told at once is
    /// [`ForcedServerClose`](DisconnectReason::ForcedServerClose) to the app, unless its packet was unreadable (1.10).
    pub(super) fn close(&mut self, sid: &Sid, reason: DisconnectReason) {
        let told = self.state.engine.close(sid);
        let reason = if told { DisconnectReason::ForcedClose } else { reason };
        self.remove_client(sid, reason);
    }

    /// Forgets a client whose session is over.
    pub(super) fn remove_client(&mut self, sid: &Sid, reason: DisconnectReason) {
        self.connects.clear(sid);
        self.state.sockets.remove_client(sid, reason, self.state.now);
        self.settle();
    }

    /// Calls the app, and then tells it what has happened meanwhile: a hook may disconnect others, but isn't called from
    /// itself.
    pub(super) fn call<T>(&mut self, namespace: &Rc<str>, hook: impl FnOnce(&mut dyn App, &Io<'_>) -> T) -> T {
        let result = self.enter(namespace, hook);
        self.settle();
        result
    }

    /// Calls the app.
    pub(super) fn enter<T>(&mut self, namespace: &Rc<str>, hook: impl FnOnce(&mut dyn App, &Io<'_>) -> T) -> T {
        let app = self.app.as_mut();
        self.state.enter(namespace, |io| hook(app, io))
    }
}

#[cfg(test)]
mod tests {
    use rusqlite::{Connection, Result};

    use super::*;

    /// The columns of all tables and indexes that these scripts make.
    fn columns(scripts: &[&str]) -> Result<Vec<String>> {
        const COLUMNS: &str = "
            SELECT format('%s %s %Q %d %Q %d', t.name, t.wr, c.name, c.\"notnull\", c.dflt_value, c.pk)
            FROM pragma_table_list t, pragma_table_xinfo(t.name) c
            UNION ALL SELECT format('%s %d %d %s', i.name, i.\"unique\", i.partial, c.name)
            FROM pragma_table_list t, pragma_index_list(t.name) i, pragma_index_info(i.name) c";
        let database = Connection::open_in_memory()?;
        scripts.iter().try_for_each(|script| database.execute_batch(script))?;
        let mut statement = database.prepare(COLUMNS)?;
        statement.query_map([], |row| row.get(0))?.collect()
    }

    #[test]
    fn the_tables_of_a_new_database_are_those_that_all_steps_leave() {
        for part in [recovery::TABLES, schedule::TABLES] {
            let (newest, steps) = (columns(&[part.newest.unwrap()]).unwrap(), columns(part.steps).unwrap());
            assert_eq!(sorted(newest), sorted(steps), "{}", part.name);
        }
    }

    fn sorted(mut lines: Vec<String>) -> Vec<String> {
        lines.sort();
        lines
    }
}
