//! The pure core of a room: sessions below, namespaces and the app above, tied together.
//!
//! [`Server::handle`] takes one [`Input`] and returns what is to be done. It reads no clock and no generator, does no I/O,
//! and no input makes it panic. Whatever must outlive the object's memory leaves as [`Effect::Attach`] and comes back
//! through [`Server::restore`]: after hibernation, an eviction and a panic alike.

mod attachment;
mod hub;
mod packets;

use crate::app::App;
use crate::config::Config;
use crate::engine_io::{Engine, Turn};
use crate::ids::{ConnId, Entropy, Millis};
use crate::outbox::{Effect, Input, Outbox};
use hub::Hub;

/// A whole Socket.IO server for one room.
pub struct Server<A> {
    engine: Engine,
    hub: Hub<A>,
    entropy: Box<dyn Entropy>,
}

impl<A: App> Server<A> {
    /// A server without clients.
    pub fn new(config: Config, app: A, entropy: Box<dyn Entropy>) -> Self {
        let hub = Hub::new(&config, app);
        Self { engine: Engine::new(config), hub, entropy }
    }

    /// Handles one input at the time `now`.
    pub fn handle(&mut self, now: Millis, input: Input<'_>) -> Outbox {
        self.turn(now, |engine, hub, turn| {
            hub.expire(engine, turn);
            engine.handle(turn, input, hub);
        })
    }

    /// Takes up the WebSockets that outlived the object's memory, each with its attachment. One whose attachment can't be
    /// read is closed, so that its client comes back: it is never misread.
    pub fn restore<'s>(&mut self, now: Millis, sockets: impl IntoIterator<Item = (ConnId, Option<&'s str>)>) -> Outbox {
        self.turn(now, |engine, hub, turn| {
            for (conn, state) in sockets {
                if !state.is_some_and(|state| attachment::restore(engine, hub, turn, conn, state)) {
                    turn.out.push(Effect::Close { conn, code: None });
                }
            }
            hub.sockets.changed.clear();
        })
    }

    /// When [`Input::Alarm`] is wanted; later or earlier does no harm.
    pub fn next_wake(&self, now: Millis) -> Option<Millis> {
        [self.engine.next_wake(now), self.hub.connects.next()].into_iter().flatten().min()
    }

    fn turn(&mut self, now: Millis, run: impl FnOnce(&mut Engine, &mut Hub<A>, &mut Turn<'_>)) -> Outbox {
        let mut out = Outbox::default();
        let mut turn = Turn { now, entropy: self.entropy.as_mut(), out: &mut out };
        run(&mut self.engine, &mut self.hub, &mut turn);
        for sid in std::mem::take(&mut self.hub.sockets.changed) {
            if let Some((conn, state)) = attachment::save(&self.engine, &self.hub.sockets, &sid) {
                out.push(Effect::Attach { conn, state });
            }
        }
        out
    }
}
