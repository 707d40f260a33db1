//! The core of a room: sessions below, namespaces and the app above, tied together.
//!
//! [`Server::handle`] takes one [`Input`] and returns what is to be done. It reads no clock and no generator and waits for
//! nothing, and no input makes it panic. Whatever must outlive the object's memory leaves as [`Effect::Attach`] or is written
//! to the database.
//!
//! There is one way back to it: hibernation, an eviction, a panic and a turn whose commit fails all end with the memory
//! thrown away and the room started anew from what is stored.

mod attachment;
mod claims;
mod commands;
mod connect;
mod deferred;
mod live;
mod news;
mod orphans;
mod packets;
mod recover;
mod rows;
mod turn;

use std::rc::Rc;

use crate::api::{Command, Problem};
use crate::app::App;
use crate::config::Config;
use crate::database::DatabaseError;
use crate::host::Host;
use crate::ids::{ConnId, Millis};
use crate::outbox::{Effect, HttpResponse, INTERNAL_ERROR, Input, Outbox};
use crate::sorted::SortedSet;
use claims::Callback;
use live::Live;

/// Makes the app anew whenever the room's memory was lost. A sentence says why it can't; the room tries again as after a
/// storage that failed.
pub type MakeApp = Box<dyn Fn() -> Result<Box<dyn App>, String>>;

/// The longest wait for a storage that fails, before it is tried again.
const MAX_RETRY_DELAY: Millis = Millis(60_000);

/// A whole Socket.IO server for one room.
pub struct Server {
    config: Config,
    make_app: MakeApp,
    host: Rc<dyn Host>,
    /// `None` while the room's memory is lost.
    live: Option<Live>,
    /// Callbacks that ran in lost turns: it was the storage that failed, not they.
    forgiven: Vec<Callback>,
    /// How many times in a row the storage has failed.
    failures: u32,
    /// Whether it has ever failed.
    has_failed: bool,
    /// When to try again what is due; before, only inputs try.
    retry_at: Millis,
}

impl Server {
    /// A server that finds what is stored when the first input comes. It restores hibernated WebSockets only when there is
    /// more to do than to ping them.
    pub fn new(config: Config, make_app: MakeApp, host: Rc<dyn Host>) -> Self {
        let retry_at = Millis::default();
        Self { config, make_app, host, live: None, forgiven: Vec::new(), failures: 0, has_failed: false, retry_at }
    }

    /// The same, with what is stored read at once.
    ///
    /// # Errors
    /// [`DatabaseError`] where it can't be read: another release wrote it, or it is broken.
    pub fn start(config: Config, make_app: MakeApp, host: Rc<dyn Host>) -> Result<Self, DatabaseError> {
        let mut server = Self::new(config, make_app, host);
        server.live()?;
        Ok(server)
    }

    /// Handles one input at the time `now`.
    pub fn handle(&mut self, now: Millis, input: Input<'_>) -> Outbox {
        if matches!(input, Input::Alarm)
            && let Ok(live) = self.live()
            && let Some(outbox) = live.ping_hibernated(now)
        {
            return outbox;
        }
        self.handle_all(now, &[input])
    }

    /// Handles frames that have come together, in one turn: what they have stored is kept for all of them or for none.
    pub fn handle_all(&mut self, now: Millis, inputs: &[Input<'_>]) -> Outbox {
        match self.turn(now, inputs, |_| ()) {
            Ok(((), out)) => out,
            Err(error) => self.lost(now, inputs, &error),
        }
    }

    /// Does what a backend asks for at the time `now`, and answers it.
    pub fn command(&mut self, now: Millis, command: &Command) -> (HttpResponse, Outbox) {
        self.turn(now, &[], |live| live.command(command)).unwrap_or_else(|error| {
            let out = self.lost(now, &[], &error);
            (Problem::Unavailable(error.0).reply(), out)
        })
    }

    /// Whether nothing was stored before this room was started.
    pub fn is_new(&self) -> bool {
        self.live.as_ref().is_some_and(|live| live.is_new)
    }

    /// When [`Input::Alarm`] is wanted; later or earlier does no harm.
    pub fn next_wake(&self, now: Millis) -> Option<Millis> {
        // The clock may have gone back.
        let retry_at = self.retry_at.min(now + MAX_RETRY_DELAY);
        let Some(live) = &self.live else {
            return (self.failures > 0).then_some(retry_at);
        };
        Some(live.next_wake(now)?.max(retry_at))
    }

    /// When [`Input::Tick`] is wanted: for what is forgotten together with the object's memory, so that no alarm is worth it.
    pub fn next_tick(&self) -> Option<Millis> {
        self.live.as_ref()?.next_tick()
    }

    fn live(&mut self) -> Result<&mut Live, DatabaseError> {
        let live = match self.live.take() {
            Some(live) => live,
            None => {
                let app = (self.make_app)().map_err(DatabaseError)?;
                let mut live = Live::open(&self.config, app, &self.host)?;
                live.deferred.forgive(&std::mem::take(&mut self.forgiven));
                if self.has_failed {
                    live.state.sockets.recovery.log.write_at_once();
                }
                live
            }
        };
        Ok(self.live.insert(live))
    }

    fn turn<T>(
        &mut self,
        now: Millis,
        inputs: &[Input<'_>],
        beyond: impl FnOnce(&mut Live) -> T,
    ) -> Result<(T, Outbox), DatabaseError> {
        let done = self.live()?.turn(now, inputs, beyond)?;
        self.failures = 0;
        self.retry_at = Millis::default();
        Ok(done)
    }

    /// A turn is lost: nothing of it was sent, and the memory goes with it. Requests that wait are answered 503, and the clients
    /// whose frames were lost have to come back.
    fn lost(&mut self, now: Millis, inputs: &[Input<'_>], error: &DatabaseError) -> Outbox {
        // Each of a row of failures is the same news.
        if self.failures == 0 {
            self.host.warn(&format!("a turn is lost: {error}"));
        }
        self.retry_at = now + retry_delay(self.failures);
        self.failures = self.failures.saturating_add(1);
        self.has_failed = true;
        if let Some(live) = self.live.take() {
            self.forgiven.extend(live.deferred.unfinished());
        }
        let mut out = Outbox::default();
        out.push(Effect::Restart { reply: HttpResponse::unavailable() });
        let conns: SortedSet<_> = inputs.iter().filter_map(lost_frame).collect();
        for conn in conns {
            out.push(Effect::Close { conn, code: Some(INTERNAL_ERROR) });
        }
        out
    }
}

/// How long to wait for the storage after so many failures before this one: 1 s, 2 s, 4 s …
fn retry_delay(failures: u32) -> Millis {
    Millis(1_000 << failures.min(6)).min(MAX_RETRY_DELAY)
}

/// The WebSocket whose frame an input was.
fn lost_frame(input: &Input<'_>) -> Option<ConnId> {
    match input {
        Input::Text { conn, .. } | Input::Binary { conn, .. } => Some(*conn),
        _ => None,
    }
}
