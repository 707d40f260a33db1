//! A client's messages, put together to packets.

use std::rc::Rc;

use super::packet::{DecodeError, Packet, PacketBody, ServerPacket, WireMessage};
use super::{msgpack, text};
use crate::config::Parser;

impl Parser {
    /// Writes a packet of the server.
    ///
    /// # Errors
    /// Where MessagePack can't have what JSON has: more than 128 levels, or a number beyond those of JavaScript.
    pub fn encode(self, namespace: &str, reply: &ServerPacket<'_>) -> serde_json::Result<Vec<WireMessage>> {
        match self {
            Self::Default => Ok(text::encode(namespace, reply)),
            Self::Msgpack => msgpack::encode(namespace, reply).map(|bytes| vec![WireMessage::Binary(bytes.into())]),
        }
    }
}

/// Reads what one client sends, and keeps the attachments of a packet until all of them are there.
///
/// So it never keeps more than the packet's text and [`Config::max_attachments`](crate::config::Config::max_attachments)
/// messages. The first error is the end of the connection.
#[derive(Debug)]
pub struct Decoder {
    parser: Parser,
    max_attachments: usize,
    /// Set while attachments are awaited.
    partial: Option<Partial>,
}

/// A packet whose attachments aren't all there.
#[derive(Debug)]
struct Partial {
    packet: Packet<'static>,
    /// How many it has announced.
    announced: usize,
    attachments: Vec<Rc<[u8]>>,
}

impl Decoder {
    /// A decoder for a new client.
    pub fn new(parser: Parser, max_attachments: usize) -> Self {
        Self { parser, max_attachments, partial: None }
    }

    /// Whether a packet's attachments are awaited.
    pub fn is_waiting(&self) -> bool {
        self.partial.is_some()
    }

    /// Reads a text message; `None` where attachments will follow.
    ///
    /// # Errors
    /// [`DecodeError`].
    pub fn text<'a>(&mut self, text: &'a str) -> Result<Option<Packet<'a>>, DecodeError> {
        if self.parser == Parser::Msgpack {
            return Err(DecodeError::NotMsgpack);
        }
        if self.partial.is_some() {
            return Err(DecodeError::UnexpectedText);
        }
        let (packet, announced) = text::decode(text, self.max_attachments)?;
        if announced == 0 {
            return Ok(Some(packet));
        }
        self.partial = Some(Partial { packet: packet.into_owned(), announced, attachments: Vec::new() });
        Ok(None)
    }

    /// Reads a binary message; `None` where more attachments will follow.
    ///
    /// # Errors
    /// [`DecodeError`].
    pub fn binary(&mut self, bytes: &[u8]) -> Result<Option<Packet<'static>>, DecodeError> {
        if self.parser == Parser::Msgpack {
            return msgpack::decode(bytes).map(Some);
        }
        let Partial { packet, announced, mut attachments } =
            self.partial.take().ok_or(DecodeError::UnexpectedBinary)?;
        attachments.push(bytes.into());
        if attachments.len() < announced {
            self.partial = Some(Partial { packet, announced, attachments });
            return Ok(None);
        }
        packet.attach(&attachments, self.max_attachments).map(Some)
    }
}

impl Packet<'static> {
    fn attach(self, attachments: &[Rc<[u8]>], most: usize) -> Result<Self, DecodeError> {
        let body = match self.body {
            PacketBody::Event { name, args, ack } => {
                PacketBody::Event { name, args: args.attach(attachments, most)?, ack }
            }
            PacketBody::Ack { id, args } => PacketBody::Ack { id, args: args.attach(attachments, most)? },
            other => other,
        };
        Ok(Self { namespace: self.namespace, body })
    }
}
