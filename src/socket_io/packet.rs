//! What clients and the server say to each other (1.9, 1.10), whichever parser writes it down.

use std::borrow::Cow;
use std::fmt;

use serde_json::value::RawValue;

use super::args::Args;
use super::placeholder::IllegalAttachments;
use crate::javascript;

/// A packet as a client sends it.
#[derive(Debug)]
pub struct Packet<'a> {
    /// The namespace that it is for, with its slash.
    pub namespace: Cow<'a, str>,
    /// What it says.
    pub body: PacketBody<'a>,
}

/// What a packet of a client says.
#[derive(Debug)]
pub enum PacketBody<'a> {
    /// `0`: wants to join the namespace; with a JSON object for the app to judge (C2).
    Connect(Option<Cow<'a, RawValue>>),
    /// `1`: leaves the namespace.
    Disconnect,
    /// `2`, `5`: an event, with the id to answer to where an answer is wanted.
    Event {
        /// Its name; a number counts as its text (E1).
        name: Cow<'a, str>,
        /// Its arguments.
        args: Args<'a>,
        /// The id that the ack must bear.
        ack: Option<u64>,
    },
    /// `3`, `6`: the answer to an event of the server; without an id it is nobody's (E3).
    Ack {
        /// The id of the event.
        id: Option<u64>,
        /// The answer's arguments.
        args: Args<'a>,
    },
    /// `4`: only a server says so.
    ConnectError,
}

/// A packet of the server.
#[derive(Debug, Clone, Copy)]
pub enum ServerPacket<'a> {
    /// `0`: the client has joined.
    Connect {
        /// Its id there (C1); clients of Socket.IO 2 aren't told any (C12).
        id: Option<&'a str>,
        /// What recovers it, where something does (1.11).
        pid: Option<&'a str>,
    },
    /// `1`: the server takes the client out of the namespace (C11).
    Disconnect,
    /// `2`, or `5` where there are attachments (E8).
    Event {
        /// Its name.
        name: &'a str,
        /// Its arguments.
        args: &'a Args<'a>,
        /// The id of the answer wanted.
        ack: Option<u64>,
    },
    /// `3`, or `6` where there are attachments (E8).
    Ack {
        /// The id of the event.
        id: u64,
        /// The answer's arguments.
        args: &'a Args<'a>,
    },
    /// `4`: the client may not join (C4, C5, C12).
    ConnectError(&'a RawValue),
}

/// A message of the transport below. A packet is one, and its attachments follow it with nothing between (E5).
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum WireMessage {
    /// Text.
    Text(String),
    /// Bytes.
    Binary(std::rc::Rc<[u8]>),
}

/// Why a message is no packet; its `Display` is the reference's message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DecodeError {
    /// The first character is no type.
    UnknownType(char),
    /// There is nothing at all.
    Empty,
    /// The part behind the header is no JSON, or not what this type carries.
    InvalidPayload,
    /// The number of attachments is none, or 0 (E7).
    AttachmentCount,
    /// More attachments than [`Config::max_attachments`](crate::config::Config::max_attachments) (E7).
    TooManyAttachments,
    /// A placeholder asks for an attachment that isn't there (E6).
    IllegalAttachments,
    /// A text while attachments were awaited (E5).
    UnexpectedText,
    /// A binary message without a packet that announced it (E5).
    UnexpectedBinary,
    /// What is no MessagePack, or more than one value.
    NotMsgpack,
    /// MessagePack without a type that a client may send.
    InvalidType,
    /// MessagePack without a namespace.
    InvalidNamespace,
    /// MessagePack with an ack id that is no whole number.
    InvalidId,
}

impl fmt::Display for DecodeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::UnknownType(kind) => return write!(f, "unknown packet type {kind}"),
            Self::Empty => "unknown packet type",
            Self::InvalidPayload => "invalid payload",
            Self::AttachmentCount => "Illegal attachments",
            Self::TooManyAttachments => "too many attachments",
            Self::IllegalAttachments => return IllegalAttachments.fmt(f),
            Self::UnexpectedText => "got plaintext data when reconstructing a packet",
            Self::UnexpectedBinary => "got binary data when not reconstructing a packet",
            Self::NotMsgpack => "Could not parse",
            Self::InvalidType => "invalid packet type",
            Self::InvalidNamespace => "invalid namespace",
            Self::InvalidId => "invalid packet id",
        })
    }
}

impl std::error::Error for DecodeError {}

impl From<IllegalAttachments> for DecodeError {
    fn from(_: IllegalAttachments) -> Self {
        Self::IllegalAttachments
    }
}

/// Names that an event can't have, since they mean something to the clients themselves (E9).
pub(super) const RESERVED: [&str; 6] =
    ["connect", "connect_error", "disconnect", "disconnecting", "newListener", "removeListener"];

/// Whether an event may not have this name (E9).
pub fn is_reserved(name: &str) -> bool {
    RESERVED.contains(&name)
}

/// The payload of a CONNECT must be an object (C2).
pub(super) fn object(json: &RawValue) -> Result<&RawValue, DecodeError> {
    Some(json).filter(|json| json.get().starts_with('{')).ok_or(DecodeError::InvalidPayload)
}

/// The payload of events and acks is an array.
pub(super) fn array(json: &str) -> Result<Vec<&RawValue>, DecodeError> {
    serde_json::from_str(json).map_err(|_| DecodeError::InvalidPayload)
}

/// An event's payload begins with its name: a string that isn't reserved, or a number (E1, E9). One without any payload,
/// which the reference lets pass, is refused, as the protocol says.
pub(super) fn event_name<'a>(args: &mut Vec<&'a RawValue>) -> Result<Cow<'a, str>, DecodeError> {
    if args.is_empty() {
        return Err(DecodeError::InvalidPayload);
    }
    let name = args.remove(0).get();
    let name = match name.bytes().next() {
        Some(b'"') => javascript::text(name).ok_or(DecodeError::InvalidPayload)?,
        Some(b'-' | b'0'..=b'9') => javascript::number(name),
        _ => return Err(DecodeError::InvalidPayload),
    };
    Some(name).filter(|name| !is_reserved(name)).ok_or(DecodeError::InvalidPayload)
}

impl Packet<'_> {
    /// The same, of its own.
    pub(super) fn into_owned(self) -> Packet<'static> {
        let body = match self.body {
            PacketBody::Connect(auth) => PacketBody::Connect(auth.map(|auth| Cow::Owned(auth.into_owned()))),
            PacketBody::Disconnect => PacketBody::Disconnect,
            PacketBody::Event { name, args, ack } => {
                PacketBody::Event { name: name.into_owned().into(), args: args.into_owned(), ack }
            }
            PacketBody::Ack { id, args } => PacketBody::Ack { id, args: args.into_owned() },
            PacketBody::ConnectError => PacketBody::ConnectError,
        };
        Packet { namespace: self.namespace.into_owned().into(), body }
    }
}
