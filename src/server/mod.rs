//! The pure core of a room: sessions below, namespaces and the app above, tied together.
//!
//! [`Server::handle`] takes one [`Input`] and returns what is to be done. It reads no clock and no generator, waits for
//! nothing, and no input makes it panic. Whatever must outlive the object's memory leaves as [`Effect::Attach`] or is
//! written to the database, and is found again by [`Server::start`] and the first input that needs it: after hibernation, an
//! eviction and a panic alike.

mod attachment;
mod commands;
mod hub;
mod packets;
mod recovery;

use std::collections::VecDeque;

use crate::api::{Command, Problem};
use crate::app::App;
use crate::config::Config;
use crate::database::DatabaseError;
use crate::engine_io::{Asleep, Engine, Turn};
use crate::ids::Millis;
use crate::outbox::{Effect, Input, Outbox, Reply};
use crate::runtime::{Runtime, Sleeper};
use hub::Hub;

/// A whole Socket.IO server for one room.
pub struct Server {
    config: Config,
    engine: Engine,
    hub: Hub,
    runtime: Box<dyn Runtime>,
    /// The WebSockets that nobody has looked at since the object lost its memory; `None` once somebody has.
    asleep: Option<Vec<Sleeper>>,
}

impl Server {
    /// A server that takes up the WebSockets and the database that outlived the object's memory. It looks at the
    /// WebSockets only when there is more to do than to ping them.
    ///
    /// # Errors
    /// [`DatabaseError`] where the database can't be read: another release wrote it, or it is broken.
    pub fn start(
        config: Config,
        app: Box<dyn App>,
        runtime: Box<dyn Runtime>,
        sleepers: Vec<Sleeper>,
    ) -> Result<Self, DatabaseError> {
        let mut hub = Hub::new(&config, app);
        hub.open(runtime.as_ref())?;
        let engine = Engine::new(config.clone());
        Ok(Self { config, engine, hub, runtime, asleep: Some(sleepers) })
    }

    /// Handles one input at the time `now`.
    pub fn handle(&mut self, now: Millis, input: Input<'_>) -> Outbox {
        if matches!(input, Input::Alarm)
            && let Some(outbox) = self.beat_asleep(now)
        {
            return outbox;
        }
        self.turn(now, input, |_, _, _| ()).map(|((), out)| out).unwrap_or_default()
    }

    /// Does what a backend asks for at the time `now`, and answers it.
    pub fn command(&mut self, now: Millis, command: &Command) -> (Reply, Outbox) {
        let done = self.turn(now, Input::Tick, |engine, hub, turn| hub.command(engine, turn, command));
        done.unwrap_or_else(|error| (Problem::Storage(error.0).reply(), Outbox::default()))
    }

    /// When [`Input::Alarm`] is wanted; later or earlier does no harm.
    pub fn next_wake(&self, now: Millis) -> Option<Millis> {
        let sleepers = self.asleep.as_ref().filter(|sleepers| !sleepers.is_empty());
        let beat = sleepers.map(|_| self.engine.next_beat(now));
        let deadlines = [beat, self.engine.next_wake(now), self.hub.connects.next(), self.hub.next_due()];
        deadlines.into_iter().flatten().min()
    }

    /// When [`Input::Tick`] is wanted: for what is forgotten together with the object's memory, so that no alarm is worth it.
    pub fn next_tick(&self) -> Option<Millis> {
        self.hub.services.schedule.next_timeout()
    }

    /// Pings the WebSockets that nobody has looked at; `None` where there is more to do.
    fn beat_asleep(&mut self, now: Millis) -> Option<Outbox> {
        let asleep = Asleep::read(self.asleep.as_deref()?).filter(|_| self.config.absorbs_pongs())?;
        // Until then, one of them may have to be closed for not having joined a namespace (C7).
        let settled = asleep.newest() + self.config.connect_timeout + self.config.ping_interval;
        if now < settled || self.hub.next_due().is_some_and(|due| due <= now) {
            return None;
        }
        let mut out = Outbox::default();
        let mut turn = Turn { now, runtime: self.runtime.as_ref(), out: &mut out };
        if !asleep.beat(&self.config, &mut turn) {
            return None;
        }
        self.hub.prune(&turn);
        Some(out)
    }

    /// Handles an input, and what is to be done beyond it. What is written in a turn is kept only if the turn comes to
    /// its end: an app that panics in the middle of one has stored nothing, as it has sent nothing.
    fn turn<T>(
        &mut self,
        now: Millis,
        input: Input<'_>,
        beyond: impl FnOnce(&mut Engine, &mut Hub, &mut Turn<'_>) -> T,
    ) -> Result<(T, Outbox), DatabaseError> {
        let Self { engine, hub, runtime, asleep, .. } = self;
        let (mut beyond, mut out, mut done) = (Some(beyond), Outbox::default(), None);
        let kept = runtime.atomically(&mut || {
            let mut turn = Turn { now, runtime: runtime.as_ref(), out: &mut out };
            if let Some(sleepers) = asleep.take() {
                wake(engine, hub, &mut turn, &sleepers);
            }
            hub.expire(engine, &mut turn);
            if matches!(input, Input::Alarm) {
                hub.prune(&turn);
            }
            engine.handle(&mut turn, input, hub);
            done = beyond.take().map(|beyond| beyond(engine, hub, &mut turn));
            hub.expire_all_lost(engine, &mut turn);
            engine.flush(&mut turn);
            save(engine, hub, &mut turn);
            true
        });
        let done = done.ok_or_else(|| DatabaseError("nothing was run".to_owned()));
        kept.and(done).map(|done| (done, out)).inspect_err(|error| runtime.warn(&format!("a turn is lost: {error}")))
    }
}

/// Keeps what has changed: attachments first, since what is too much for one gets a row.
fn save(engine: &mut Engine, hub: &mut Hub, turn: &mut Turn<'_>) {
    while let Some(sid) = hub.sockets.changed.pop_first() {
        if !attachment::save(engine, hub, turn, &sid) {
            engine.flush(turn);
        }
    }
    if let Err(error) = hub.session_rows.delete_ended(turn.runtime, &hub.sockets.clients) {
        turn.runtime.warn(&format!("what a connection was is still stored: {error}"));
    }
    hub.save_rows(turn);
}

/// Takes up the WebSockets that outlived the object's memory. One whose attachment can't be read, and one that may have lost
/// something, is closed, so that its client comes back: it is never misread, and misses nothing.
fn wake(engine: &mut Engine, hub: &mut Hub, turn: &mut Turn<'_>, sleepers: &[Sleeper]) {
    if let Err(error) = hub.session_rows.open(turn.runtime) {
        turn.runtime.warn(&format!("what some connections were is not known: {error}"));
    }
    for Sleeper { conn, .. } in sleepers {
        let state = turn.runtime.attachment(*conn);
        if !state.is_some_and(|state| attachment::restore(engine, hub, turn, *conn, &state)) {
            turn.out.push(Effect::Close { conn: *conn, code: None });
        }
    }
    // They are as they were kept.
    hub.sockets.changed.clear();
    hub.sockets.unsaved.clear();
    hub.sockets.changes = hub.app.watched().rooms.then(VecDeque::new);
    hub.lose_orphans(engine, turn);
    hub.forget_answers_of_strangers(engine, turn);
    engine.close_lagging(turn, sleepers, hub);
}
