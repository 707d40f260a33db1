//! What the core asks of whoever runs it, besides the time: randomness, the database, and what the runtime knows of the
//! WebSockets.

use crate::database::Database;
use crate::ids::{ConnId, Entropy, Millis};

/// Answers at once, and never waits.
pub trait Runtime: Entropy + Database {
    /// When the runtime last answered a pong of this WebSocket in the object's stead; `None` where it never did.
    fn last_pong(&self, conn: ConnId) -> Option<Millis>;

    /// What was attached to a WebSocket, by [`Effect::Attach`](crate::outbox::Effect::Attach).
    fn attachment(&self, conn: ConnId) -> Option<String>;

    /// Tells the operator of something that went wrong and that no client can be told of.
    fn warn(&self, sentence: &str);
}

/// A WebSocket that outlived the object's memory.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sleeper {
    /// Its number.
    pub conn: ConnId,
    /// The tag that it was accepted with; `None` where a release before tags did.
    pub tag: Option<String>,
}
