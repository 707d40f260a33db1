//! The MessagePack parser: each packet is one binary message with a map of `type`, `nsp`, `data` and `id`, as
//! `socket.io-msgpack-parser` 3 writes it. Bytes stand in it as they are, so there are no attachments on the wire.
//!
//! Above it arguments are JSON all the same. What JSON lacks becomes what JavaScript's own JSON makes of it (E10): a date
//! its ISO text, NaN and an undefined argument `null`; an undefined member is left out.

mod date;
mod read;
mod write;

use std::borrow::Cow;
use std::rc::Rc;

use serde_json::value::RawValue;

use super::args::Args;
use super::packet::{DecodeError, Packet, PacketBody, ServerPacket, array, event_name, object};
use crate::javascript;
use read::Reader;
use write::Writer;

/// The members of a packet, each as JSON; `None` where it is missing or undefined.
#[derive(Default)]
struct Fields {
    kind: Option<String>,
    namespace: Option<String>,
    data: Option<String>,
    id: Option<String>,
    attachments: Vec<Rc<[u8]>>,
}

/// Reads a packet.
///
/// The checks are the parser's own and those of the default parser on events' names, which the reference leaves out here.
///
/// # Errors
/// [`DecodeError`], with the reference's message.
pub(super) fn decode(bytes: &[u8]) -> Result<Packet<'static>, DecodeError> {
    let mut fields = read_fields(Reader::new(bytes))?;
    let kind = fields.kind.as_deref().and_then(|json| javascript::read::<u8>(json).ok()).filter(|kind| *kind <= 4);
    let kind = kind.ok_or(DecodeError::InvalidType)?;
    if kind == 0 && !fields.attachments.is_empty() {
        // What a CONNECT brings is JSON to the app.
        fields = read_fields(Reader::with_lists(bytes))?;
    }
    let namespace = fields.namespace.and_then(|json| serde_json::from_str::<String>(&json).ok());
    let namespace = namespace.ok_or(DecodeError::InvalidNamespace)?;
    let id = fields.id.as_deref().map_or(Ok(None), ack_id)?;
    let own = |values: Vec<&RawValue>| values.into_iter().map(ToOwned::to_owned).collect();
    let body = match (kind, fields.data.as_deref()) {
        (0, None) => PacketBody::Connect(None),
        (0, Some(json)) => {
            let auth = serde_json::from_str::<&RawValue>(json).map_err(|_| DecodeError::InvalidPayload)?;
            PacketBody::Connect(Some(Cow::Owned(object(auth)?.to_owned())))
        }
        (1, None) => PacketBody::Disconnect,
        (2, Some(json)) => {
            let mut values = array(json)?;
            let name = event_name(&mut values)?.into_owned().into();
            PacketBody::Event { name, args: Args::numbered(own(values), fields.attachments), ack: id }
        }
        (3, Some(json)) => PacketBody::Ack { id, args: Args::numbered(own(array(json)?), fields.attachments) },
        (4, Some(_)) => PacketBody::ConnectError,
        _ => return Err(DecodeError::InvalidPayload),
    };
    Ok(Packet { namespace: namespace.into(), body })
}

/// An ack id: any whole number, as in the reference. One that is negative or beyond 64 bits is nobody's: no client waits for
/// an answer to it, but some write −1 where they want none.
fn ack_id(json: &str) -> Result<Option<u64>, DecodeError> {
    let is_whole = || javascript::read::<f64>(json).is_ok_and(|number| number.fract() == 0.0);
    match javascript::read(json) {
        Ok(id) => Ok(Some(id)),
        Err(_) if is_whole() => Ok(None),
        Err(_) => Err(DecodeError::InvalidId),
    }
}

fn read_fields(mut reader: Reader<'_>) -> Result<Fields, DecodeError> {
    let mut fields = Fields::default();
    let members = reader.map_len().ok_or(DecodeError::InvalidType)?;
    for _ in 0..members {
        let (key, _) = reader.value().ok_or(DecodeError::NotMsgpack)?;
        // As within: a key has nothing nested in it.
        if key.as_ref().is_some_and(|key| key.starts_with(['[', '{'])) {
            return Err(DecodeError::NotMsgpack);
        }
        let is_text = reader.is_at_text();
        let (value, attachments) = reader.value().ok_or(DecodeError::NotMsgpack)?;
        match key.as_deref() {
            Some(r#""type""#) => fields.kind = value,
            Some(r#""nsp""#) => fields.namespace = value.filter(|_| is_text),
            Some(r#""id""#) => fields.id = value,
            Some(r#""data""#) => (fields.data, fields.attachments) = (value, attachments),
            _ => {}
        }
    }
    reader.is_at_end().then_some(fields).ok_or(DecodeError::NotMsgpack)
}

/// Writes a packet.
///
/// # Errors
/// Where MessagePack can't have what JSON has.
pub(super) fn encode(namespace: &str, reply: &ServerPacket<'_>) -> serde_json::Result<Vec<u8>> {
    let mut writer = Writer::default();
    let packet = |writer: &mut Writer<'_>, kind: u64, members: usize| {
        writer.map_len(members);
        writer.text("type");
        writer.number(kind);
        writer.text("nsp");
        writer.text(namespace);
    };
    match *reply {
        ServerPacket::Connect { id: None, .. } => packet(&mut writer, 0, 2),
        ServerPacket::Connect { id: Some(id), pid } => {
            packet(&mut writer, 0, 3);
            writer.text("data");
            writer.map_len(if pid.is_some() { 2 } else { 1 });
            writer.text("sid");
            writer.text(id);
            if let Some(pid) = pid {
                writer.text("pid");
                writer.text(pid);
            }
        }
        ServerPacket::Disconnect => packet(&mut writer, 1, 2),
        ServerPacket::Event { name, args, ack } => {
            packet(&mut writer, 2, if ack.is_some() { 4 } else { 3 });
            writer.id(ack);
            writer.text("data");
            writer.array_len(args.len().saturating_add(1));
            writer.text(name);
            writer.args(args)?;
        }
        ServerPacket::Ack { id, args } => {
            packet(&mut writer, 3, 4);
            writer.id(Some(id));
            writer.text("data");
            writer.array_len(args.len());
            writer.args(args)?;
        }
        ServerPacket::ConnectError(error) => {
            packet(&mut writer, 4, 3);
            writer.text("data");
            writer.json(error.get())?;
        }
    }
    Ok(writer.into_bytes())
}
