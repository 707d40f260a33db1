//! Socket.IO 5: packets, namespaces and the sockets in them, rooms.
//!
//! The layer knows nothing of transports. A *client* is one Engine.IO session; in each namespace that it joins it has one
//! *socket*, with an id of its own.
//!
//! A *parser* says how packets are written: [`Decoder`] reads them and [`Parser::encode`](crate::config::Parser::encode)
//! writes them; nothing above can tell the parsers apart.

mod args;
mod binary;
mod decoder;
mod handshake;
mod journal;
mod limits;
mod msgpack;
mod packet;
mod placeholder;
mod read;
pub mod recovery;
mod rooms;
mod selection;
mod sockets;
pub(crate) mod stored;
mod text;

pub use args::Args;
pub use binary::Binary;
pub use decoder::Decoder;
pub use handshake::Handshake;
pub use journal::Mark;
pub use limits::Limits;
pub use packet::{Body, DecodeError, Message, Packet, Reply, is_reserved};
pub use placeholder::IllegalAttachments;
pub use rooms::Rooms;
pub use selection::Selection;
pub use sockets::{Client, Departed, DisconnectReason, Namespace, RoomChange, RoomEvent, Socket, Sockets};
