//! The right to answer an event.

use serde::{Deserialize, Serialize};

use crate::ids::SocketId;

/// The right to answer an event, once (E2). It may be kept as JSON and used after a restart.
#[derive(Debug, Serialize, Deserialize)]
pub struct Ack {
    pub(super) socket: SocketId,
    pub(super) id: u64,
}

impl Ack {
    pub(crate) fn new(socket: SocketId, id: u64) -> Self {
        Self { socket, id }
    }

    /// The same right, for where the first one is taken back.
    pub(super) fn again(&self) -> Self {
        Self { socket: self.socket.clone(), id: self.id }
    }
}
