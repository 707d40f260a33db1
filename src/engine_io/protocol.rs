//! What the protocol has names for: its revisions and its transports.

use serde::{Deserialize, Serialize};

use crate::config::Transports;

/// The revision of the protocol that a session speaks (R3).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Revision {
    /// Engine.IO 3, of Socket.IO 2 clients.
    V3,
    /// Engine.IO 4.
    V4,
}

impl Revision {
    /// Reads the query's `EIO`.
    pub fn parse(text: &str) -> Option<Self> {
        match text {
            "3" => Some(Self::V3),
            "4" => Some(Self::V4),
            _ => None,
        }
    }
}

/// The name of a transport.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// HTTP long-polling.
    Polling,
    /// WebSocket.
    WebSocket,
}

impl Kind {
    /// Reads the query's `transport`; `None` where it isn't offered (R5).
    pub fn parse(text: &str, offered: Transports) -> Option<Self> {
        match text {
            "polling" => offered.polling.then_some(Self::Polling),
            "websocket" => offered.websocket.then_some(Self::WebSocket),
            _ => None,
        }
    }
}
