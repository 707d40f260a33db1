//! What the reference's public protocol suites expect of a server; chosen by the setting `APP`, and not for an ordinary
//! deploy.
//!
//! At `/engine.io/` every message is sent back. At `/socket.io/` the namespaces `/`, `/custom`, `/dynamic-<digits>` and
//! `/admin` answer events with events and with acks, as [`Conformance`] says.

use crate::engine_io::{Engine, Listener, Message, Packet, Reason, Turn};
use crate::ids::Sid;

/// The name of the object that speaks raw Engine.IO; no URL can name a room like it.
pub const RAW_ROOM: &str = "engine.io";

/// Sends each Engine.IO message back.
#[derive(Debug)]
pub struct Echo;

impl Listener for Echo {
    fn opened(&mut self, _: &mut Engine, _: &mut Turn<'_>, _: &Sid) {}

    fn message(&mut self, engine: &mut Engine, turn: &mut Turn<'_>, sid: &Sid, message: Message<'_>) {
        engine.send(turn, sid, Packet::from(message).encode());
    }

    fn closed(&mut self, _: &mut Engine, _: &mut Turn<'_>, _: &Sid, _: Reason) {}
}

/// Placeholder until the layer above has binary arguments.
#[derive(Debug)]
pub struct Conformance;

impl crate::app::App for Conformance {
    fn event(&mut self, _: &mut crate::app::Io<'_>, _: crate::app::Event<'_>) {}
}
