//! The port through which the core asks its host: for randomness, the database, and what the runtime knows of the WebSockets.
//!
//! The core is ports and adapters with synchronous storage: the host answers at once and never waits. Time is an argument
//! of each input, and whatever leaves the core goes through the [outbox](crate::outbox).

use crate::database::Database;
use crate::ids::{ConnId, Entropy, Millis};

/// What the core asks of whoever runs it.
pub trait Host: Entropy + Database {
    /// The WebSockets that are open and outlive the object's memory, as the runtime keeps them.
    fn hibernated(&self) -> Vec<HibernatedSocket>;

    /// When the runtime last answered a pong of this WebSocket in the object's stead; `None` where it never did.
    fn last_pong(&self, conn: ConnId) -> Option<Millis>;

    /// What was attached to a WebSocket, by [`Effect::Attach`](crate::outbox::Effect::Attach).
    fn attachment(&self, conn: ConnId) -> Option<String>;

    /// Tells the operator of a fault that no client can be told of.
    fn warn(&self, sentence: &str);
}

/// A WebSocket that outlived the object's memory.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HibernatedSocket {
    /// Its number.
    pub conn: ConnId,
    /// The tag that it was accepted with; `None` where a release before tags did.
    pub tag: Option<String>,
}
