//! The Engine.IO layer alone: sends each message back, without Socket.IO. The reference's public Engine.IO suites run
//! against it.

use std::rc::Rc;

use serde::{Deserialize, Serialize};

use crate::config::Config;
use crate::engine_io::{Engine, Event, Packet, SessionState};
use crate::host::{HibernatedSocket, Host};
use crate::ids::{ConnId, Millis, Sid};
use crate::outbox::{Input, Outbox};

/// A raw Engine.IO server for one room.
pub struct RawServer {
    engine: Engine,
    host: Rc<dyn Host>,
    /// The hibernated WebSockets that aren't restored yet.
    hibernated: Vec<HibernatedSocket>,
}

/// A session on a WebSocket, as the runtime keeps it.
#[derive(Serialize, Deserialize)]
struct Attachment {
    /// [`VERSION`].
    v: u32,
    sid: String,
    socket: SessionState,
}

/// The version written by this release.
const VERSION: u32 = 1;

impl RawServer {
    /// A server that restores the WebSockets that outlived the object's memory.
    pub fn new(config: Config, host: Rc<dyn Host>) -> Self {
        Self { engine: Engine::new(config, host.clone()), hibernated: host.hibernated(), host }
    }

    /// Handles inputs at the time `now`.
    pub fn handle_all(&mut self, now: Millis, inputs: &[Input<'_>]) -> Outbox {
        self.engine.begin(now);
        for HibernatedSocket { conn, .. } in std::mem::take(&mut self.hibernated) {
            let state = self.host.attachment(conn);
            if !state.is_some_and(|state| self.restore(conn, &state)) {
                self.engine.drop_socket(conn);
            }
        }
        for (number, input) in inputs.iter().enumerate() {
            if number > 0 {
                self.engine.next_input();
            }
            self.handle(*input);
        }
        self.engine.finish()
    }

    fn handle(&mut self, input: Input<'_>) {
        self.engine.handle(input);
        while let Some(event) = self.engine.poll() {
            match event {
                Event::Handshake { .. } => self.engine.admit(Vec::new()),
                Event::Opened { sid, .. } | Event::Changed { sid } => self.save(&sid),
                Event::Message { sid, message } => self.engine.send(&sid, Packet::from(message).encode()),
                Event::Refused { .. } | Event::Closed { .. } => {}
            }
        }
    }

    /// When [`Input::Alarm`] is wanted; later or earlier does no harm.
    pub fn next_wake(&self, now: Millis) -> Option<Millis> {
        // Hibernated sockets are pinged at the same moments as all others.
        let hibernated = (!self.hibernated.is_empty()).then(|| self.engine.next_heartbeat(now));
        [hibernated, self.engine.next_wake(now)].into_iter().flatten().min()
    }

    /// When [`Input::Tick`] is wanted.
    pub fn next_tick(&self) -> Option<Millis> {
        self.engine.next_tick()
    }

    fn save(&mut self, sid: &Sid) {
        if let Some((conn, socket)) = self.engine.socket(sid)
            && let Ok(state) = serde_json::to_string(&Attachment { v: VERSION, sid: sid.as_str().to_owned(), socket })
        {
            self.engine.attach(conn, state);
        }
    }

    fn restore(&mut self, conn: ConnId, state: &str) -> bool {
        let Ok(Attachment { v: VERSION, sid, socket }) = serde_json::from_str(state) else {
            return false;
        };
        self.engine.restore(Sid::from_wire(&sid), conn, socket);
        true
    }
}
