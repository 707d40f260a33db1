//! What the engine tells the layer above, and in which words.

use std::borrow::Cow;

use serde::{Deserialize, Serialize};

use super::{Engine, Refusal};
use crate::ids::{Millis, Sid};
use crate::outbox::{Outbox, Request};
use crate::runtime::Runtime;

/// A message for the layer above.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Message<'a> {
    /// Text.
    Text(Cow<'a, str>),
    /// Bytes.
    Binary(Cow<'a, [u8]>),
}

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

/// Why a session is over.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reason {
    /// The client closed it.
    TransportClose,
    /// A connection broke, or the client broke the rules of the transport.
    TransportError,
    /// A WebSocket frame was larger than [`Config::max_payload`](crate::config::Config::max_payload).
    FrameTooLarge,
    /// No pong came in time.
    PingTimeout,
    /// The client sent what is no packet.
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

/// The moment in which something is handled: its time, what may be asked, and where effects go.
pub struct Turn<'a> {
    /// Now.
    pub now: Millis,
    /// Whom to ask for randomness, stored things, and what the runtime knows of the WebSockets.
    pub runtime: &'a dyn Runtime,
    /// What the shell is to do.
    pub out: &'a mut Outbox,
}

impl Turn<'_> {
    /// The same moment for somebody who keeps it a shorter time.
    pub fn reborrow(&mut self) -> Turn<'_> {
        Turn { now: self.now, runtime: self.runtime, out: self.out }
    }
}

/// The layer above.
pub trait Listener {
    /// Whether a new session may be opened; asked before anything is done for it (R6).
    ///
    /// # Errors
    /// The sentence that refuses it: the client gets 403 and code 4 with it.
    fn admit(&mut self, request: &Request<'_>) -> Result<(), Cow<'static, str>> {
        _ = request;
        Ok(())
    }
    /// Headers for the first answer of a new session (H8).
    fn initial_headers(&mut self, sid: &Sid, request: &Request<'_>) -> Vec<(String, String)> {
        _ = (sid, request);
        Vec::new()
    }
    /// A session was opened by this request.
    fn opened(&mut self, engine: &mut Engine, turn: &mut Turn<'_>, sid: &Sid, request: &Request<'_>);
    /// A request was refused (1.2), for this reason.
    fn refused(&mut self, refusal: &Refusal, request: &Request<'_>) {
        _ = (refusal, request);
    }
    /// What is kept of a session on a WebSocket has changed: it has just moved there, or its client pinged.
    fn changed(&mut self, engine: &mut Engine, turn: &mut Turn<'_>, sid: &Sid) {
        _ = (engine, turn, sid);
    }
    /// A message arrived.
    fn message(&mut self, engine: &mut Engine, turn: &mut Turn<'_>, sid: &Sid, message: Message<'_>);
    /// A session ended, but for those that the listener itself closed by [`Engine::close`].
    fn closed(&mut self, engine: &mut Engine, turn: &mut Turn<'_>, sid: &Sid, reason: Reason);
}
