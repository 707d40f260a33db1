//! The Engine.IO layer alone: an app that sees sessions and messages, without Socket.IO.
//!
//! ```
//! use std::borrow::Cow;
//!
//! use roomcast::engine_io::{Engine, Listener, Message, Packet, Reason, Turn};
//! use roomcast::ids::Sid;
//! use roomcast::outbox::Request;
//!
//! /// Sends each message back.
//! struct Echo;
//!
//! impl Listener for Echo {
//!     fn opened(&mut self, _: &mut Engine, _: &mut Turn<'_>, _: &Sid, _: &Request<'_>) {}
//!     fn message(&mut self, engine: &mut Engine, turn: &mut Turn<'_>, sid: &Sid, message: Message<'_>) {
//!         engine.send(turn, sid, Packet::from(message).encode());
//!     }
//!     fn closed(&mut self, _: &mut Engine, _: &mut Turn<'_>, _: &Sid, _: Reason) {}
//! }
//! ```
//!
//! [`RawServer`] runs such a [`Listener`] as [`Server`](crate::server::Server) runs an app. It may refuse a handshake
//! ([`Listener::admit`]) and add headers to a session's first answer ([`Listener::initial_headers`]).

use serde::{Deserialize, Serialize};

use crate::api::{Command, Problem};
use crate::config::Config;
use crate::core::Core;
use crate::engine_io::{Engine, Listener, Message, Reason, Refusal, SocketState, Turn};
use crate::ids::{ConnId, Millis, Sid};
use crate::outbox::{Effect, Input, Outbox, Reply, Request};
use crate::runtime::{Runtime, Sleeper};

/// A raw Engine.IO server for one room.
pub struct RawServer<L> {
    engine: Engine,
    listener: Keeper<L>,
    runtime: Box<dyn Runtime>,
    /// The WebSockets that nobody has looked at since the object lost its memory.
    asleep: Vec<Sleeper>,
}

/// Passes everything on, and notes whose attachment is to be written.
struct Keeper<L> {
    listener: L,
    changed: Vec<Sid>,
}

/// A session on a WebSocket, as the runtime keeps it.
#[derive(Serialize, Deserialize)]
struct Attachment {
    /// [`VERSION`].
    v: u32,
    sid: String,
    socket: SocketState,
}

/// The version written by this release.
const VERSION: u32 = 1;

impl<L: Listener> RawServer<L> {
    /// A server that takes up the WebSockets that outlived the object's memory.
    pub fn start(config: Config, listener: L, runtime: Box<dyn Runtime>, asleep: Vec<Sleeper>) -> Self {
        let listener = Keeper { listener, changed: Vec::new() };
        Self { engine: Engine::new(config), listener, runtime, asleep }
    }

    fn turn(&mut self, now: Millis, run: impl FnOnce(&mut Engine, &mut Keeper<L>, &mut Turn<'_>)) -> Outbox {
        let mut out = Outbox::default();
        let mut turn = Turn { now, runtime: self.runtime.as_ref(), out: &mut out };
        run(&mut self.engine, &mut self.listener, &mut turn);
        self.engine.flush(&mut turn);
        for sid in std::mem::take(&mut self.listener.changed) {
            if let Some((conn, state)) = save(&self.engine, &sid) {
                out.push(Effect::Attach { conn, state });
            }
        }
        out
    }
}

fn save(engine: &Engine, sid: &Sid) -> Option<(ConnId, String)> {
    let (conn, socket) = engine.socket(sid)?;
    let attachment = Attachment { v: VERSION, sid: sid.as_str().to_owned(), socket };
    Some((conn, serde_json::to_string(&attachment).ok()?))
}

fn restore(engine: &mut Engine, turn: &mut Turn<'_>, conn: ConnId, state: &str) -> bool {
    let Ok(Attachment { v: VERSION, sid, socket }) = serde_json::from_str(state) else {
        return false;
    };
    engine.restore(turn, Sid::from_wire(&sid), conn, socket);
    true
}

impl<L: Listener> Core for RawServer<L> {
    fn handle(&mut self, now: Millis, input: Input<'_>) -> Outbox {
        let asleep = std::mem::take(&mut self.asleep);
        self.turn(now, |engine, listener, turn| {
            for Sleeper { conn, .. } in asleep {
                let state = turn.runtime.attachment(conn);
                if !state.is_some_and(|state| restore(engine, turn, conn, &state)) {
                    turn.out.push(Effect::Close { conn, code: None });
                }
            }
            engine.handle(turn, input, listener);
        })
    }

    fn command(&mut self, _: Millis, _: &Command) -> (Reply, Outbox) {
        (Problem::NoSocketIo.reply(), Outbox::default())
    }

    fn next_wake(&self, now: Millis) -> Option<Millis> {
        // Who has not been looked at is pinged at the same moments as all others.
        let asleep = (!self.asleep.is_empty()).then(|| self.engine.next_beat(now));
        [asleep, self.engine.next_wake(now)].into_iter().flatten().min()
    }
}

impl<L: Listener> Listener for Keeper<L> {
    fn admit(&mut self, request: &Request<'_>) -> Result<(), std::borrow::Cow<'static, str>> {
        self.listener.admit(request)
    }

    fn initial_headers(&mut self, sid: &Sid, request: &Request<'_>) -> Vec<(String, String)> {
        self.listener.initial_headers(sid, request)
    }

    fn opened(&mut self, engine: &mut Engine, turn: &mut Turn<'_>, sid: &Sid, request: &Request<'_>) {
        self.changed.push(sid.clone());
        self.listener.opened(engine, turn, sid, request);
    }

    fn refused(&mut self, refusal: &Refusal, request: &Request<'_>) {
        self.listener.refused(refusal, request);
    }

    fn changed(&mut self, engine: &mut Engine, turn: &mut Turn<'_>, sid: &Sid) {
        self.changed.push(sid.clone());
        self.listener.changed(engine, turn, sid);
    }

    fn message(&mut self, engine: &mut Engine, turn: &mut Turn<'_>, sid: &Sid, message: Message<'_>) {
        self.listener.message(engine, turn, sid, message);
    }

    fn closed(&mut self, engine: &mut Engine, turn: &mut Turn<'_>, sid: &Sid, reason: Reason) {
        self.listener.closed(engine, turn, sid, reason);
    }
}
