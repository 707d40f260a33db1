//! The packets of Engine.IO 4 and Socket.IO 5 that the benchmark's clients need.

/// Joins the packets of one polling payload.
pub(crate) const RECORD_SEPARATOR: u8 = 0x1e;
pub(crate) const PONG: &str = "3";

/// Path and query of a room's endpoint, for this transport.
pub(crate) fn path(room: &str, transport: &str) -> String {
    format!("{room}&EIO=4&transport={transport}")
}

/// The packet with which a client connects to the default namespace.
pub(crate) fn connect(auth: &str) -> String {
    format!("40{auth}")
}

/// What an Engine.IO packet is.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Packet<'a> {
    Ping,
    /// The answer to CONNECT.
    Connected,
    /// The answer to an event.
    Ack,
    /// CONNECT was refused, or the server says goodbye.
    Refused,
    /// An event; for a binary one, its attachment follows by itself.
    Event(&'a [u8]),
    Other,
}

pub(crate) fn parse(packet: &[u8]) -> Packet<'_> {
    match packet {
        [b'2', ..] => Packet::Ping,
        [b'4', b'0', ..] => Packet::Connected,
        [b'4', b'3', ..] => Packet::Ack,
        [b'1', ..] | [b'4', b'1' | b'4', ..] => Packet::Refused,
        [b'4', b'2' | b'5', event @ ..] => Packet::Event(event),
        _ => Packet::Other,
    }
}
