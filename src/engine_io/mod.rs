//! Engine.IO 4: sessions over HTTP long-polling and WebSocket, the upgrade between them, heartbeats.
//!
//! The layer carries opaque messages and knows nothing of what is in them. It is pulled: the [`Engine`] takes an input,
//! is polled for [`Event`]s, and takes commands in return. A body is decoded one packet a poll, so a message that closes the
//! session counts before the next packet of the same POST.
//!
//! Start reading at [`Engine::handle`], then `session`.

mod ending;
mod engine;
mod event;
mod handshake;
mod heartbeat;
mod hibernated;
mod http;
mod packet;
pub mod payload;
mod protocol;
mod reading;
mod refusal;
mod requests;
mod scope;
mod session;
mod transport;
mod unread;
mod upgrade;

#[cfg(test)]
mod accounting;

pub use engine::Engine;
pub use event::{Event, Message, Reason};
pub use handshake::{Query, refuse_unasked};
pub use hibernated::Hibernated;
pub use http::needs_xss_header;
pub use packet::{Packet, ParseError};
pub use protocol::{Kind, Revision};
pub use refusal::{Fault, Refusal};
pub use session::SessionState;
