//! What the object's shell drives: a Socket.IO server with its app, or a raw Engine.IO one.

use crate::api::Command;
use crate::ids::Millis;
use crate::outbox::{Input, Outbox, Reply};
use crate::server::Server;

/// The core of a room. It reads no clock, waits for nothing, and no input makes it panic.
pub trait Core {
    /// Handles one input at the time `now`.
    fn handle(&mut self, now: Millis, input: Input<'_>) -> Outbox;
    /// Does what a backend asks for at the time `now`; the answer is given when the effects are done.
    fn command(&mut self, now: Millis, command: &Command) -> (Reply, Outbox);
    /// When [`Input::Alarm`] is wanted; later or earlier does no harm.
    fn next_wake(&self, now: Millis) -> Option<Millis>;
    /// When [`Input::Tick`] is wanted for what needs no alarm: it is forgotten together with the object's memory.
    fn next_tick(&self) -> Option<Millis> {
        None
    }
}

impl Core for Server {
    fn handle(&mut self, now: Millis, input: Input<'_>) -> Outbox {
        self.handle(now, input)
    }

    fn command(&mut self, now: Millis, command: &Command) -> (Reply, Outbox) {
        self.command(now, command)
    }

    fn next_wake(&self, now: Millis) -> Option<Millis> {
        self.next_wake(now)
    }

    fn next_tick(&self) -> Option<Millis> {
        self.next_tick()
    }
}
