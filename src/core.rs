//! What the object's shell drives: a Socket.IO server with its app, or a raw Engine.IO one.

use crate::app::App;
use crate::ids::{ConnId, Millis};
use crate::outbox::{Input, Outbox};
use crate::server::Server;

/// The core of a room. It reads no clock, does no I/O, and no input makes it panic.
pub trait Core {
    /// Handles one input at the time `now`.
    fn handle(&mut self, now: Millis, input: Input<'_>) -> Outbox;
    /// Takes up the WebSockets that outlived the object's memory, each with what was attached to it.
    fn restore(&mut self, now: Millis, sockets: &[(ConnId, Option<String>)]) -> Outbox;
    /// When [`Input::Alarm`] is wanted; later or earlier does no harm.
    fn next_wake(&self, now: Millis) -> Option<Millis>;
}

impl<A: App> Core for Server<A> {
    fn handle(&mut self, now: Millis, input: Input<'_>) -> Outbox {
        self.handle(now, input)
    }

    fn restore(&mut self, now: Millis, sockets: &[(ConnId, Option<String>)]) -> Outbox {
        self.restore(now, sockets.iter().map(|(conn, state)| (*conn, state.as_deref())))
    }

    fn next_wake(&self, now: Millis) -> Option<Millis> {
        self.next_wake(now)
    }
}
