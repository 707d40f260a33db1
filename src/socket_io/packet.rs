//! One Socket.IO 5 packet: `<type>[<namespace>,][<ack id>][JSON]` (protocol, "Packet encoding"; 1.9, 1.10).
//!
//! The payload stays the text that came in: who needs a part of it parses that part, and a broadcast passes it on as it is.

use std::borrow::Cow;
use std::fmt;

use serde_json::value::RawValue;

/// A packet as a client sends it. `ns` is the namespace, with its slash.
#[derive(Debug)]
pub struct Packet<'a> {
    /// The namespace that it is for.
    pub namespace: &'a str,
    /// What it says.
    pub body: Body<'a>,
}

/// What a packet says.
#[derive(Debug)]
pub enum Body<'a> {
    /// `0`: wants to join the namespace; with a JSON object for the app to judge (C2).
    Connect(Option<&'a RawValue>),
    /// `1`: leaves the namespace.
    Disconnect,
    /// `2`: an event, with the id to answer to where an answer is wanted.
    Event {
        /// Its name; a number counts as its text (E1).
        name: Cow<'a, str>,
        /// Its arguments.
        args: Vec<&'a RawValue>,
        /// The id that the ack must bear.
        ack: Option<u64>,
    },
    /// `3`: the answer to an event of the server; without an id it is nobody's (E3).
    Ack {
        /// The id of the event.
        id: Option<u64>,
        /// The answer's arguments.
        args: Vec<&'a RawValue>,
    },
    /// `4`: only a server says so.
    ConnectError,
}

/// Why a text is no Socket.IO packet; its `Display` is the reference's message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DecodeError {
    /// The first character is no type.
    UnknownType(char),
    /// There is nothing at all.
    Empty,
    /// The part behind the header is no JSON, or not what this type carries.
    InvalidPayload,
    /// An attachment count, or an attachment: this server takes no binary yet.
    IllegalAttachments,
    /// A binary message without a packet that announced it.
    UnexpectedBinary,
}

impl fmt::Display for DecodeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::UnknownType(kind) => write!(f, "unknown packet type {kind}"),
            Self::Empty => f.write_str("unknown packet type"),
            Self::InvalidPayload => f.write_str("invalid payload"),
            Self::IllegalAttachments => f.write_str("Illegal attachments"),
            Self::UnexpectedBinary => f.write_str("got binary data when not reconstructing a packet"),
        }
    }
}

/// Names that an event can't have, since they mean something to the clients themselves (E9).
const RESERVED: [&str; 6] =
    ["connect", "connect_error", "disconnect", "disconnecting", "newListener", "removeListener"];

/// Whether an event may not have this name (E9).
pub fn is_reserved(name: &str) -> bool {
    RESERVED.contains(&name)
}

impl<'a> Packet<'a> {
    /// Reads a text message.
    ///
    /// # Errors
    /// [`DecodeError`] as the reference would, with its message (1.10).
    pub fn decode(text: &'a str) -> Result<Self, DecodeError> {
        let mut chars = text.chars();
        let kind = chars.next().ok_or(DecodeError::Empty)?;
        if !('0'..='6').contains(&kind) {
            return Err(DecodeError::UnknownType(kind));
        }
        if matches!(kind, '5' | '6') {
            return Err(DecodeError::IllegalAttachments);
        }
        let (namespace, rest) = split_namespace(chars.as_str());
        let (id, rest) = split_id(rest)?;
        let payload = match rest {
            "" => None,
            json => Some(serde_json::from_str::<&RawValue>(json).map_err(|_| DecodeError::InvalidPayload)?),
        };
        let body = match kind {
            '0' => Body::Connect(payload.map(object).transpose()?),
            '1' if payload.is_none() => Body::Disconnect,
            '2' => event(array(payload)?, id)?,
            '3' => Body::Ack { id, args: payload.map_or_else(|| Ok(Vec::new()), |p| array(Some(p)))? },
            '4' => Body::ConnectError,
            _ => return Err(DecodeError::InvalidPayload),
        };
        Ok(Self { namespace, body })
    }
}

/// A namespace starts with a slash and ends at the first comma, or at the end (C3).
fn split_namespace(text: &str) -> (&str, &str) {
    if text.starts_with('/') { text.split_once(',').unwrap_or((text, "")) } else { ("/", text) }
}

/// The ack id: digits. The reference takes each character that JavaScript turns into a number, which white space does:
/// alone it is 0, around digits it is dropped, between them the id is none (1.10, "accepted quirks").
fn split_id(text: &str) -> Result<(Option<u64>, &str), DecodeError> {
    let is_part = |c: char| c.is_ascii_digit() || c.is_whitespace() || c == '\u{feff}';
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

fn object(json: &RawValue) -> Result<&RawValue, DecodeError> {
    Some(json).filter(|json| json.get().starts_with('{')).ok_or(DecodeError::InvalidPayload)
}

fn array(json: Option<&RawValue>) -> Result<Vec<&RawValue>, DecodeError> {
    json.and_then(|json| serde_json::from_str(json.get()).ok()).ok_or(DecodeError::InvalidPayload)
}

/// An event's payload begins with its name: a string that isn't reserved, or a number (E1, E9). One without any payload,
/// which the reference lets pass, is refused, as the protocol says.
fn event(mut args: Vec<&RawValue>, ack: Option<u64>) -> Result<Body<'_>, DecodeError> {
    if args.is_empty() {
        return Err(DecodeError::InvalidPayload);
    }
    let name = args.remove(0).get();
    let name = match name.bytes().next() {
        Some(b'"') => serde_json::from_str::<Name<'_>>(name).map_err(|_| DecodeError::InvalidPayload)?.0,
        Some(b'-' | b'0'..=b'9') => Cow::Borrowed(name),
        _ => return Err(DecodeError::InvalidPayload),
    };
    if is_reserved(&name) {
        return Err(DecodeError::InvalidPayload);
    }
    Ok(Body::Event { name, args, ack })
}

/// Borrows where the string has no escapes.
#[derive(serde::Deserialize)]
struct Name<'a>(#[serde(borrow)] Cow<'a, str>);

/// What the server says: `<type>[<namespace>,][<id>]` before the payload.
fn header(kind: char, namespace: &str, id: Option<u64>) -> String {
    let mut text = String::from(kind);
    if namespace != "/" {
        text.push_str(namespace);
        text.push(',');
    }
    if let Some(id) = id {
        text.push_str(&id.to_string());
    }
    text
}

/// `0`: the client has joined, and this is its id there (C1).
pub fn connect(namespace: &str, id: &str) -> String {
    format!("{}{}", header('0', namespace, None), serde_json::json!({ "sid": id }))
}

/// `1`: the server takes the client out of the namespace (C11).
pub fn disconnect(namespace: &str) -> String {
    header('1', namespace, None)
}

/// `2`: an event, with the id of the answer wanted. `args` are JSON texts.
pub fn event_text(namespace: &str, ack: Option<u64>, name: &str, args: &[Box<RawValue>]) -> String {
    let mut text = header('2', namespace, ack);
    text.push('[');
    text.push_str(&serde_json::Value::from(name).to_string());
    for arg in args {
        text.push(',');
        text.push_str(arg.get());
    }
    text.push(']');
    text
}

/// `3`: the answer to an event. `args` are JSON texts.
pub fn ack_text(namespace: &str, id: u64, args: &[Box<RawValue>]) -> String {
    let args: Vec<_> = args.iter().map(|arg| arg.get()).collect();
    format!("{}[{}]", header('3', namespace, Some(id)), args.join(","))
}

/// `4`: the client may not join, with a sentence and what else the app has to say (C4, C5).
pub fn connect_error(namespace: &str, message: &str, data: Option<&serde_json::Value>) -> String {
    let mut error = serde_json::Map::new();
    error.insert("message".to_owned(), message.into());
    if let Some(data) = data {
        error.insert("data".to_owned(), data.clone());
    }
    format!("{}{}", header('4', namespace, None), serde_json::Value::Object(error))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The packet in words, to compare.
    fn read(text: &str) -> Result<String, DecodeError> {
        let Packet { namespace, body } = Packet::decode(text)?;
        let list = |args: Vec<&RawValue>| args.iter().map(|a| format!(" {a}")).collect::<String>();
        let id = |id: Option<u64>| id.map_or_else(|| "-".to_owned(), |id| id.to_string());
        let body = match body {
            Body::Connect(auth) => format!("connect {}", auth.map_or("-", RawValue::get)),
            Body::Disconnect => "disconnect".to_owned(),
            Body::Event { name, args, ack } => format!("event {} {name:?}{}", id(ack), list(args)),
            Body::Ack { id: ack, args } => format!("ack {}{}", id(ack), list(args)),
            Body::ConnectError => "connect_error".to_owned(),
        };
        Ok(format!("{namespace} {body}"))
    }

    #[test]
    fn packets_are_read_as_the_reference_reads_them() {
        let table = [
            ("0", "/ connect -"),
            (r#"0{"token":"é"}"#, r#"/ connect {"token":"é"}"#),
            ("0/custom", "/custom connect -"),
            ("0/custom,", "/custom connect -"),
            (r#"0/custom,{"a":1}"#, r#"/custom connect {"a":1}"#),
            ("1", "/ disconnect"),
            ("1/custom,", "/custom disconnect"),
            (r#"2["hey"]"#, r#"/ event - "hey""#),
            (r#"213["hey",1,{"a":[ ]}]"#, r#"/ event 13 "hey" 1 {"a":[ ]}"#),
            (r#"2/admin,456["\u0041\"b",null]"#, r#"/admin event 456 "A\"b" null"#),
            ("2[1]", r#"/ event - "1""#),
            ("2[-1.5]", r#"/ event - "-1.5""#),
            (r#"2 ["a"]"#, r#"/ event 0 "a""#),
            (r#"2 7 ["a"]"#, r#"/ event 7 "a""#),
            (r#"2["connection"]"#, r#"/ event - "connection""#),
            (r#"2["error"]"#, r#"/ event - "error""#),
            (r#"2["a",{"_placeholder":true,"num":0}]"#, r#"/ event - "a" {"_placeholder":true,"num":0}"#),
            (r#"2["a","\ud800"]"#, r#"/ event - "a" "\ud800""#),
            ("3", "/ ack -"),
            ("3[]", "/ ack -"),
            (r#"312[true,"x"]"#, r#"/ ack 12 true "x""#),
            ("4", "/ connect_error"),
        ];
        for (text, packet) in table {
            assert_eq!(read(text).as_deref(), Ok(packet), "{text}");
        }
    }

    #[test]
    fn bad_packets_are_refused_as_the_reference_does() {
        use DecodeError::*;
        let table = [
            ("", Empty),
            ("abc", UnknownType('a')),
            ("7", UnknownType('7')),
            ("é", UnknownType('é')),
            ("0[]", InvalidPayload),
            (r#"0"a""#, InvalidPayload),
            ("0{", InvalidPayload),
            ("1{}", InvalidPayload),
            ("2", InvalidPayload),
            ("2{}", InvalidPayload),
            ("2[]", InvalidPayload),
            ("2[null]", InvalidPayload),
            ("2[true]", InvalidPayload),
            (r#"2[{"toString":"foo"}]"#, InvalidPayload),
            (r#"2["a""#, InvalidPayload),
            (r#"2["a"]x"#, InvalidPayload),
            (r#"2["disconnect"]"#, InvalidPayload),
            (r#"2["\u0063onnect"]"#, InvalidPayload),
            (r#"21.5["a"]"#, InvalidPayload),
            (r#"21 1["a"]"#, InvalidPayload),
            (r#"2abc["a"]"#, InvalidPayload),
            (r#"299999999999999999999["a"]"#, InvalidPayload),
            ("3{}", InvalidPayload),
            (r#"51-["a",{"_placeholder":true,"num":0}]"#, IllegalAttachments),
            ("61-1[]", IllegalAttachments),
        ];
        for (text, error) in table {
            assert_eq!(read(text), Err(error), "{text}");
        }
        for name in RESERVED {
            assert_eq!(read(&format!("2[\"{name}\"]")), Err(InvalidPayload));
        }
    }

    #[test]
    fn what_the_server_writes_the_decoder_reads() {
        let args = |texts: &[&str]| -> Vec<_> {
            texts.iter().filter_map(|t| RawValue::from_string((*t).to_owned()).ok()).collect()
        };
        assert_eq!(connect("/", "S"), r#"0{"sid":"S"}"#);
        assert_eq!(disconnect("/a"), "1/a,");
        assert_eq!(event_text("/", None, "he\"y", &[]), r#"2["he\"y"]"#);
        assert_eq!(event_text("/a", Some(3), "hey", &args(&["1", "{}"])), r#"2/a,3["hey",1,{}]"#);
        assert_eq!(ack_text("/", 0, &args(&["1", "null"])), "30[1,null]");
        assert_eq!(ack_text("/a", 7, &[]), "3/a,7[]");
        assert_eq!(connect_error("/x", "Invalid namespace", None), r#"4/x,{"message":"Invalid namespace"}"#);
        let data = serde_json::json!({ "code": 1 });
        assert_eq!(connect_error("/", "no", Some(&data)), r#"4{"data":{"code":1},"message":"no"}"#);
        assert_eq!(read(&event_text("/a", Some(3), "hey", &args(&["1"]))).as_deref(), Ok(r#"/a event 3 "hey" 1"#));
    }
}
