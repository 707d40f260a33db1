//! One turn: it happens wholly or not at all.
//!
//! All that a turn writes is one transaction, and nothing of what it sends leaves before that is kept. A turn whose
//! transaction fails is lost: the caller throws the room's memory away, since it remembers what isn't stored.

use std::collections::VecDeque;
use std::rc::Rc;

use super::attachment;
use super::live::Live;
use crate::database::DatabaseError;
use crate::engine_io::{Event, Hibernated};
use crate::host::HibernatedSocket;
use crate::ids::Millis;
use crate::outbox::{Input, Outbox};
use crate::socket_io::DisconnectReason;
use crate::transaction::TurnKind;

impl Live {
    /// Handles inputs, if there are any, and does something `beyond` them.
    ///
    /// # Errors
    /// [`DatabaseError`] where the turn is lost.
    pub(super) fn turn<T>(
        &mut self,
        now: Millis,
        inputs: &[Input<'_>],
        beyond: impl FnOnce(&mut Self) -> T,
    ) -> Result<(T, Outbox), DatabaseError> {
        let host = self.host.clone();
        let (mut beyond, mut done) = (Some(beyond), None);
        let mut begun = Ok(());
        let kept = host.turn(self.kind_of(inputs), &mut || {
            begun = self.begin(now);
            if begun.is_err() {
                return false;
            }
            if matches!(inputs, [Input::Tick]) {
                self.run_deferred();
            }
            self.close_idle();
            if matches!(inputs, [Input::Alarm]) {
                self.prune();
            }
            let (first, others) = inputs.split_first().unwrap_or((&Input::Tick, &[]));
            self.handle(*first);
            for input in others {
                self.state.engine.next_input();
                self.handle(*input);
            }
            done = beyond.take().map(|beyond| beyond(self));
            self.settle();
            self.keep_departures();
            self.claim_due();
            self.save();
            begun = self.state.sockets.recovery.log.end_turn(host.as_ref());
            begun.is_ok()
        });
        let mut out = self.state.engine.finish();
        self.state.fetches.send(&mut out);
        begun?;
        kept?;
        let done = done.ok_or_else(|| DatabaseError("nothing was run".to_owned()))?;
        self.deferred.committed();
        Ok((done, out))
    }

    fn kind_of(&self, inputs: &[Input<'_>]) -> TurnKind {
        match inputs.first() {
            // A room that wakes tells its app, and a client of Socket.IO 2 joins with its first request.
            Some(Input::Request { .. }) if self.hibernated.is_none() && !self.config.allow_eio3 => TurnKind::Request,
            Some(Input::Text { .. } | Input::Binary { .. } | Input::Body { .. }) => TurnKind::Message,
            Some(Input::Closed { .. } | Input::Aborted { .. }) => TurnKind::Gone,
            _ => TurnKind::Other,
        }
    }

    /// Pings the hibernated WebSockets without restoring them; `None` where there is more to do.
    pub(super) fn ping_hibernated(&mut self, now: Millis) -> Option<Outbox> {
        let hibernated = Hibernated::read(self.hibernated.as_deref()?).filter(|_| self.config.absorbs_pongs())?;
        // Until then, one of them may have to be closed for not having joined a namespace (C7).
        let settled = hibernated.newest() + self.config.connect_timeout + self.config.ping_interval;
        if now < settled || self.next_due().is_some_and(|due| due <= now) {
            return None;
        }
        let out = hibernated.heartbeat(&self.config, self.state.host.as_ref(), now)?;
        self.state.now = now;
        self.prune();
        Some(out)
    }

    fn begin(&mut self, now: Millis) -> Result<(), DatabaseError> {
        let now = now.steady_after(self.state.now);
        let back = self.state.now.since(now);
        if back > Millis(0) {
            self.connects.bring_forward(back);
            self.state.schedule.bring_timeouts_forward(back);
            self.deferred.bring_forward(back);
            self.news.bring_forward(back);
        }
        self.state.now = now;
        self.state.engine.begin(now);
        let Some(hibernated) = self.hibernated.take() else {
            return Ok(());
        };
        self.restore(&hibernated)?;
        self.enter(&Rc::from("/"), |app, io| app.woken(io));
        Ok(())
    }

    /// What the app is called for apart from any client's input: a hook that panics here costs nobody else a turn.
    fn run_deferred(&mut self) {
        self.tell_waiting();
        self.run_claimed();
        self.run_timeouts();
    }

    fn handle(&mut self, input: Input<'_>) {
        self.state.engine.handle_deadlines(matches!(input, Input::Alarm));
        self.end_overdue();
        let request = match &input {
            Input::Request { request, .. } => Some(*request),
            _ => None,
        };
        match input {
            Input::Fetched { id, outcome } => self.fetched(id, outcome),
            other => self.state.engine.handle(other),
        }
        while let Some(event) = self.state.engine.poll() {
            self.event(event, request.as_ref());
        }
    }

    /// The sessions whose time was over: the app is told in a turn of its own.
    fn end_overdue(&mut self) {
        while let Some(event) = self.state.engine.poll_past() {
            match event {
                Event::Closed { sid, reason } => self.overdue(&sid, reason),
                other => self.event(other, None),
            }
        }
    }

    /// Restores the hibernated WebSockets. One whose attachment can't be read, and one that may have lost frames, is closed, so
    /// that its client comes back: it is never misread, and misses nothing.
    ///
    /// # Errors
    /// [`DatabaseError`] where rows can't be read: then nobody can tell who is there.
    fn restore(&mut self, hibernated: &[HibernatedSocket]) -> Result<(), DatabaseError> {
        let host = self.state.host.clone();
        self.session_rows.open(host.as_ref())?;
        for HibernatedSocket { conn, .. } in hibernated {
            let restored = match host.attachment(*conn) {
                Some(state) => attachment::restore(self, *conn, &state)?,
                None => false,
            };
            if !restored {
                self.state.engine.drop_socket(*conn);
            }
        }
        // Restored state is what is stored.
        let sockets = &mut self.state.sockets;
        sockets.changed.clear();
        sockets.unsaved.clear();
        let watched = self.app.watched();
        sockets.changes = watched.rooms.then(VecDeque::new);
        sockets.data_changes = watched.data.then(VecDeque::new);
        self.find_orphans()?;
        self.forget_answers_of_strangers();
        self.state.engine.close_lagging(hibernated);
        self.end_overdue();
        Ok(())
    }

    /// Closes the clients that have joined nothing in time (C7).
    fn close_idle(&mut self) {
        while let Some((sid, _)) = self.connects.pop_due(self.state.now) {
            self.close(&sid, DisconnectReason::ForcedServerClose);
        }
    }

    /// Runs the timers that are due and in memory alone. They need no claim: one that panics is forgotten with the memory.
    fn run_timeouts(&mut self) {
        while let Some((namespace, due)) = self.state.schedule.pop_due_timeout(self.state.now) {
            self.call(&namespace, |app, io| app.scheduled(io, &due));
        }
    }

    /// Drops the events that nobody can have missed.
    fn prune(&mut self) {
        let host = self.state.host.clone();
        if let Err(error) = self.state.sockets.recovery.log.prune(host.as_ref(), self.state.now) {
            host.warn(&format!("old events were not dropped: {error}"));
        }
    }

    /// Keeps what has changed: attachments first, since what doesn't fit into one gets a row.
    fn save(&mut self) {
        while let Some(sid) = self.state.sockets.changed.pop_first() {
            attachment::save(self, &sid);
        }
        let host = self.state.host.clone();
        if let Err(error) = self.session_rows.delete_ended(host.as_ref(), &self.state.sockets.clients) {
            host.warn(&format!("the row of an ended connection is still stored: {error}"));
        }
        self.save_rows();
    }
}
