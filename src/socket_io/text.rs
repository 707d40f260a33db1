//! The default parser: `<type>[<attachments>-][<namespace>,][<ack id>][JSON]`, and the attachments after it (protocol,
//! "Packet encoding"; 1.9, 1.10).

use std::borrow::Cow;

use serde_json::value::RawValue;

use super::args::Args;
use super::packet::{DecodeError, Packet, PacketBody, ServerPacket, WireMessage, array, event_name, object};

/// Reads a text message; gives the packet, and how many attachments follow it.
///
/// Digits that go on for ever cost one look at each, and nothing is kept of them (CVE-2020-36049).
///
/// # Errors
/// [`DecodeError`] as the reference would, with its message (1.10).
pub(super) fn decode(text: &str, max_attachments: usize) -> Result<(Packet<'_>, usize), DecodeError> {
    let mut chars = text.chars();
    let kind = chars.next().ok_or(DecodeError::Empty)?;
    if !('0'..='6').contains(&kind) {
        return Err(DecodeError::UnknownType(kind));
    }
    let (attachments, rest) = match kind {
        '5' | '6' => split_attachments(chars.as_str(), max_attachments)?,
        _ => (0, chars.as_str()),
    };
    let (namespace, rest) = split_namespace(rest);
    let (id, json) = split_id(rest)?;
    let body = match kind {
        '0' if json.is_empty() => PacketBody::Connect(None),
        '0' => {
            let auth = serde_json::from_str::<&RawValue>(json).map_err(|_| DecodeError::InvalidPayload)?;
            PacketBody::Connect(Some(Cow::Borrowed(object(auth)?)))
        }
        '1' if json.is_empty() => PacketBody::Disconnect,
        '2' | '5' => {
            let mut args = array(json)?;
            PacketBody::Event { name: event_name(&mut args)?, args: Args::plain(args), ack: id }
        }
        '3' | '6' if json.is_empty() => PacketBody::Ack { id, args: Args::new() },
        '3' | '6' => PacketBody::Ack { id, args: Args::plain(array(json)?) },
        '4' => PacketBody::ConnectError,
        _ => return Err(DecodeError::InvalidPayload),
    };
    Ok((Packet { namespace: namespace.into(), body }, attachments))
}

/// The number of attachments: digits and a dash. It is at least 1: a packet that announced none was complete at once, and
/// whatever came after it was kept for ever (CVE-2026-69185).
fn split_attachments(text: &str, most: usize) -> Result<(usize, &str), DecodeError> {
    let end = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    let (digits, rest) = text.split_at_checked(end).unwrap_or((text, ""));
    let rest = rest.strip_prefix('-').ok_or(DecodeError::AttachmentCount)?;
    if digits.trim_start_matches('0').is_empty() {
        return Err(DecodeError::AttachmentCount);
    }
    // Digits that are no number of this machine are more than any limit.
    let count = digits.parse().ok().filter(|count| *count <= most);
    count.map(|count| (count, rest)).ok_or(DecodeError::TooManyAttachments)
}

/// A namespace starts with a slash and ends at the first comma, or at the end (C3).
fn split_namespace(text: &str) -> (&str, &str) {
    if text.starts_with('/') { text.split_once(',').unwrap_or((text, "")) } else { ("/", text) }
}

/// The ack id: digits. The reference takes each character that JavaScript turns into a number, which white space does:
/// alone it is 0, around digits it is dropped, between them the id is none (1.10, "accepted quirks").
fn split_id(text: &str) -> Result<(Option<u64>, &str), DecodeError> {
    // U+FEFF is white space to JavaScript, and U+0085 is none.
    let is_part = |c: char| c.is_ascii_digit() || (c.is_whitespace() && c != '\u{85}') || c == '\u{feff}';
    let end = text.find(|c| !is_part(c)).unwrap_or(text.len());
    let (id, rest) = text.split_at(end);
    let digits = id.trim_matches(|c: char| !c.is_ascii_digit());
    match (id, digits) {
        ("", _) => Ok((None, rest)),
        (_, "") => Ok((Some(0), rest)),
        // More than 64 bits, or blanks inside: no client counts that far (E4).
        _ => digits.parse().map(|id| (Some(id), rest)).map_err(|_| DecodeError::InvalidPayload),
    }
}

/// Writes a packet: the text, and the attachments as they are (E5).
pub(super) fn encode(namespace: &str, reply: &ServerPacket<'_>) -> Vec<WireMessage> {
    match *reply {
        ServerPacket::Connect { id: None, .. } => vec![packet('0', namespace, None, "")],
        ServerPacket::Connect { id: Some(id), pid: None } => {
            vec![packet('0', namespace, None, &format!(r#"{{"sid":{}}}"#, json(id)))]
        }
        ServerPacket::Connect { id: Some(id), pid: Some(pid) } => {
            vec![packet('0', namespace, None, &format!(r#"{{"sid":{},"pid":{}}}"#, json(id), json(pid)))]
        }
        ServerPacket::Disconnect => vec![packet('1', namespace, None, "")],
        ServerPacket::Event { name, args, ack } => with_args(['2', '5'], namespace, ack, Some(&json(name)), args),
        ServerPacket::Ack { id, args } => with_args(['3', '6'], namespace, Some(id), None, args),
        ServerPacket::ConnectError(error) => vec![packet('4', namespace, None, error.get())],
    }
}

fn json(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}

/// What comes before the JSON, behind the number of attachments.
fn header(text: &mut String, namespace: &str, id: Option<u64>) {
    if namespace != "/" {
        text.push_str(namespace);
        text.push(',');
    }
    if let Some(id) = id {
        text.push_str(&id.to_string());
    }
}

fn packet(kind: char, namespace: &str, id: Option<u64>, json: &str) -> WireMessage {
    let mut text = String::from(kind);
    header(&mut text, namespace, id);
    text.push_str(json);
    WireMessage::Text(text)
}

/// An event or an ack: of the second kind where there are attachments (E8).
fn with_args(
    kinds: [char; 2],
    namespace: &str,
    id: Option<u64>,
    name: Option<&str>,
    args: &Args<'_>,
) -> Vec<WireMessage> {
    let attachments = args.attachments();
    let [plain, binary] = kinds;
    let mut text = if attachments.is_empty() { plain.to_string() } else { format!("{binary}{}-", attachments.len()) };
    header(&mut text, namespace, id);
    text.push('[');
    for (index, json) in name.into_iter().chain(args.iter().map(RawValue::get)).enumerate() {
        if index > 0 {
            text.push(',');
        }
        text.push_str(json);
    }
    text.push(']');
    let attachments = attachments.iter().cloned().map(WireMessage::Binary);
    std::iter::once(WireMessage::Text(text)).chain(attachments).collect()
}
