//! What the engine tells the layer above, as data.
//!
//! [`Engine::poll`](super::Engine::poll) gives one [`Event`] after the other; the layer above answers with the engine's
//! commands. Both sides are plain data: nothing above holds a connection's number for longer than a turn, so the two may
//! come to live in different objects.

use serde::{Deserialize, Serialize};

use super::packet::Packet;
use super::protocol::Revision;
use super::refusal::Refusal;
use crate::ids::{ConnId, Sid};

/// Something that happened to a session.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Event {
    /// The request `conn` asks for a new session and is fit for one. The layer above answers with
    /// [`Engine::admit`](super::Engine::admit) or [`Engine::deny`](super::Engine::deny) before it polls again (R6).
    Handshake {
        /// The request.
        conn: ConnId,
    },
    /// A request was refused (1.2).
    Refused {
        /// Why.
        refusal: Refusal,
    },
    /// A session was opened.
    Opened {
        /// The session.
        sid: Sid,
        /// The protocol that its client speaks.
        revision: Revision,
    },
    /// What [`Engine::socket`](super::Engine::socket) says of a session has changed: it has moved to a WebSocket, or its
    /// client pinged.
    Changed {
        /// The session.
        sid: Sid,
    },
    /// A message arrived.
    Message {
        /// The session.
        sid: Sid,
        /// The message.
        message: Message,
    },
    /// A session ended. Not told of a session that the layer above closed by [`Engine::close`](super::Engine::close).
    Closed {
        /// The session.
        sid: Sid,
        /// Why.
        reason: Reason,
    },
}

/// A message for the layer above.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Message {
    /// Text.
    Text(String),
    /// Bytes.
    Binary(Vec<u8>),
}

impl From<Message> for Packet<'_> {
    fn from(message: Message) -> Self {
        match message {
            Message::Text(text) => Self::Message(text.into()),
            Message::Binary(bytes) => Self::Binary(bytes.into()),
        }
    }
}

/// Why a session is over.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Reason {
    /// The client closed it.
    TransportClose,
    /// A connection broke, or the client broke the rules of the transport.
    TransportError,
    /// A WebSocket frame was larger than [`Config::max_payload`](crate::config::Config::max_payload).
    FrameTooLarge,
    /// No pong came in time.
    PingTimeout,
    /// The client sent something that is no packet.
    ParseError,
    /// The layer above closed it.
    ForcedClose,
}

impl Reason {
    /// The reference's word for it (1.13).
    pub fn as_str(self) -> &'static str {
        match self {
            Self::TransportClose => "transport close",
            Self::TransportError | Self::FrameTooLarge => "transport error",
            Self::PingTimeout => "ping timeout",
            Self::ParseError => "parse error",
            Self::ForcedClose => "forced close",
        }
    }

    /// The code that a WebSocket is closed with, where there is one (W2, W3).
    pub(super) fn close_code(self) -> Option<u16> {
        (self == Self::FrameTooLarge).then_some(1009)
    }
}
