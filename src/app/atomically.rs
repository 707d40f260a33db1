//! Steps that happen wholly or not at all.

use std::collections::VecDeque;

use super::error::{Error, Result};
use super::io::Io;
use super::outgoing::Output;
use super::state::RoomState;
use super::{fetches, pending_acks, schedule};
use crate::socket_io;
use crate::socket_io::recovery;

/// A moment in a room to go back to, and what the step around it holds back.
struct Step {
    sockets: socket_io::Mark,
    schedule: schedule::Mark,
    pending_acks: pending_acks::Mark,
    fetches: fetches::Mark,
    log: recovery::Mark,
    within: recovery::Step,
    sent: usize,
    outer: Option<Vec<Output>>,
}

impl RoomState {
    /// Begins a step; `within` is the step of the log around it.
    fn begin_step(&mut self, within: recovery::Step) -> Step {
        Step {
            sockets: self.sockets.begin_step(),
            schedule: self.schedule.begin_step(),
            pending_acks: self.pending_acks.mark(),
            fetches: self.fetches.mark(),
            log: self.sockets.recovery.log.mark(),
            within,
            sent: self.sent.as_ref().map_or(0, VecDeque::len),
            outer: self.held.replace(Vec::new()),
        }
    }

    fn end_step(&mut self, step: Step, keep: bool) {
        self.sockets.end_step(step.sockets, keep);
        self.schedule.end_step(step.schedule, keep);
        self.sockets.recovery.log.end_step(step.within);
        let held = std::mem::replace(&mut self.held, step.outer).unwrap_or_default();
        if keep {
            return self.release(held);
        }
        self.pending_acks.rewind(step.pending_acks);
        self.fetches.rewind(step.fetches);
        self.sockets.recovery.log.rewind(step.log);
        if let Some(sent) = &mut self.sent {
            sent.truncate(step.sent);
        }
    }
}

impl Io<'_> {
    /// Does all that `run` does, or nothing of it where it fails: what it stores and sends, the sockets that it moves between
    /// rooms or disconnects, the data and the timers that it sets, and what it
    /// fetches. What it sends leaves when it is done, in order.
    ///
    /// ```
    /// use roomcast::app::prelude::*;
    ///
    /// fn pay(socket: &mut Socket, (to, amount): (String, i64)) -> Result {
    ///     let kv = socket.io.kv();
    ///     let left = kv.get(socket.id.as_str())?.unwrap_or(100) - amount;
    ///     socket.io.atomically(|| {
    ///         kv.put(socket.id.as_str(), &left)?;
    ///         socket.io.to(&to).emit("paid", &amount)?;
    ///         if left < 0 { Err(Error::new("too_little", "You have too little.")) } else { Ok(()) }
    ///     })
    /// }
    /// # let _: Handlers = Handlers::new().on("pay", pay);
    /// ```
    ///
    /// # Errors
    /// That of `run`, or [`Error::Storage`].
    pub fn atomically<T>(&self, run: impl FnOnce() -> Result<T>) -> Result<T> {
        let (step, host) = {
            let mut room = self.room();
            let host = room.host.clone();
            let within = room.sockets.recovery.log.begin_step(host.as_ref())?;
            (room.begin_step(within), host)
        };
        let (mut run, mut outcome) = (Some(run), None);
        let kept = host.atomically(&mut || {
            outcome = run.take().map(|run| run());
            matches!(outcome, Some(Ok(_)))
        });
        let outcome = outcome.unwrap_or_else(|| Err(Error::Storage("nothing was run".to_owned())));
        let outcome = kept.map_err(Error::from).and(outcome);
        self.room().end_step(step, outcome.is_ok());
        outcome
    }

    /// Does what `store` does and what `tell` does, or nothing of either where one of them fails. `store` runs one statement, which by
    /// itself changes something or nothing; `tell` sends events.
    ///
    /// Where events may wait for their rows, `store` comes last. Then nothing was written that the database would have to take
    /// back, so no savepoint is needed.
    ///
    /// # Errors
    /// That of either, or [`Error::Storage`].
    #[cfg(feature = "chat-worker")] // Only the chat needs it. Apps have `atomically`, which holds whatever they do in it.
    pub(crate) fn store_and_tell(&self, store: impl FnOnce() -> Result, tell: impl FnOnce() -> Result) -> Result {
        let begun = self.room().sockets.recovery.log.begin_waiting();
        let Some(within) = begun else {
            return self.atomically(|| store().and_then(|()| tell()));
        };
        let step = self.room().begin_step(within);
        let outcome = tell().and_then(|()| store());
        let room = &mut *self.room();
        room.end_step(step, outcome.is_ok());
        if outcome.is_ok() {
            room.sockets.recovery.log.note_written();
        }
        outcome
    }
}
