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
mod departed;
mod extensions;
mod handshake;
mod journal;
mod limits;
mod msgpack;
mod namespace;
mod packet;
mod placeholder;
mod read;
pub mod recovery;
mod rooms;
mod selection;
mod sockets;
mod spread;
mod steps;
pub(crate) mod stored;
mod text;

pub use args::Args;
pub use binary::Binary;
pub use decoder::Decoder;
pub use departed::{DataChange, Departed, DisconnectReason};
pub use extensions::Extensions;
pub use handshake::{Handshake, Kept, NotKept};
pub use journal::Mark;
pub use limits::Limits;
pub use namespace::{Client, Namespace, Socket};
pub use packet::{DecodeError, Packet, PacketBody, ServerPacket, WireMessage, is_reserved};
pub use placeholder::IllegalAttachments;
pub use rooms::{RoomChange, RoomEvent, Rooms};
pub use selection::Selection;
pub use sockets::Sockets;
