//! Socket.IO 5: packets, namespaces and the sockets in them, rooms.
//!
//! The layer knows nothing of transports. A *client* is one Engine.IO session; in each namespace that it joins it has one
//! *socket*, with an id of its own.

pub mod packet;
mod rooms;
mod sockets;

pub use packet::{Body, DecodeError, Packet, is_reserved};
pub use rooms::Rooms;
pub use sockets::{Client, Departed, DisconnectReason, Namespace, Socket, Sockets};
