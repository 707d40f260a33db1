//! The codecs as a program, for tests that hold them against other implementations.
//!
//! Each line that comes in is a request in JSON, and is answered by a line of JSON. Bytes are `{"$bytes":"<base64>"}`, also
//! among arguments; only in arguments that were read they are placeholders, with the attachments beside.

use std::error::Error;
use std::io::{self, BufRead as _, Write as _};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use roomcast::config::Parser;
use roomcast::engine_io::payload::{self, Body, Payload};
use roomcast::engine_io::{Packet, ParseError, Revision};
use roomcast::outbox::Frame;
use roomcast::socket_io::{self, Args, Binary, DecodeError, Decoder, ServerPacket, WireMessage};
use serde::ser::{Serialize, SerializeMap as _, Serializer};
use serde::{Deserialize, de};
use serde_json::{Value, json, value::to_raw_value};

#[derive(Deserialize)]
#[serde(tag = "op", rename_all = "camelCase")]
enum Request {
    /// Reads one frame of Engine.IO.
    Frame { revision: String, frame: Data },
    /// Reads a payload of Engine.IO.
    Payload { revision: String, body: Data },
    /// Writes a payload of Engine.IO.
    WritePayload { revision: String, base64: bool, packets: Vec<Value> },
    /// Reads messages of one client of Socket.IO up to the first bad one.
    Read { parser: String, most: usize, messages: Vec<Data> },
    /// Writes a packet of Socket.IO.
    Write { parser: String, packet: Outgoing },
    /// Reads messages that make one event or ack, and writes it once more as the server would pass it on.
    Relay { from: String, to: String, messages: Vec<Data> },
}

/// Text or bytes.
enum Data {
    Text(String),
    Bytes(Vec<u8>),
}

#[derive(Deserialize)]
#[serde(tag = "type", rename_all = "camelCase")]
enum Outgoing {
    Connect { nsp: String, sid: Option<String> },
    Disconnect { nsp: String },
    Event { nsp: String, name: String, id: Option<u64>, args: Vec<Value> },
    Ack { nsp: String, id: u64, args: Vec<Value> },
    ConnectError { nsp: String, error: Value },
}

type Fallible<T> = Result<T, Box<dyn Error>>;

fn main() -> Fallible<()> {
    let mut out = io::BufWriter::new(io::stdout().lock());
    for line in io::stdin().lock().lines() {
        let answer = answer(serde_json::from_str(&line?)?)?;
        writeln!(out, "{answer}")?;
    }
    Ok(out.flush()?)
}

fn answer(request: Request) -> Fallible<Value> {
    Ok(match request {
        Request::Frame { revision, frame } => read_all(std::iter::once(match &frame {
            Data::Text(text) => Packet::decode(known_revision(&revision)?, text),
            Data::Bytes(bytes) => Packet::decode_binary(known_revision(&revision)?, bytes),
        })),
        Request::Payload { revision, body } => {
            let body = match body {
                Data::Text(text) => Body::Text(text),
                Data::Bytes(bytes) => Body::Binary(bytes),
            };
            read_all(Payload::new(known_revision(&revision)?, body))
        }
        Request::WritePayload { revision, base64, packets } => {
            let frames = packets.iter().map(frame).collect::<Fallible<Vec<_>>>()?;
            match payload::encode(known_revision(&revision)?, base64, &frames) {
                Frame::Text(text) => json!(text.as_ref()),
                Frame::Binary(bytes) => in_json(&bytes),
            }
        }
        Request::Read { parser, most, messages } => read(known_parser(&parser)?, most, &messages),
        Request::Write { parser, packet } => write(known_parser(&parser)?, &packet)?,
        Request::Relay { from, to, messages } => relay(known_parser(&from)?, known_parser(&to)?, &messages)?,
    })
}

fn known_revision(name: &str) -> Fallible<Revision> {
    Ok(Revision::parse(name).ok_or("no such revision")?)
}

fn known_parser(name: &str) -> Fallible<Parser> {
    match name {
        "default" => Ok(Parser::Default),
        "msgpack" => Ok(Parser::Msgpack),
        _ => Err("no such parser".into()),
    }
}

impl<'de> Deserialize<'de> for Data {
    fn deserialize<D: de::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let value = Value::deserialize(deserializer)?;
        let bytes = bytes(&value).map(Self::Bytes);
        bytes
            .or_else(|| value.as_str().map(|text| Self::Text(text.to_owned())))
            .ok_or_else(|| de::Error::custom("no data"))
    }
}

fn in_json(bytes: &[u8]) -> Value {
    json!({ "$bytes": STANDARD.encode(bytes) })
}

fn bytes(value: &Value) -> Option<Vec<u8>> {
    STANDARD.decode(value.get("$bytes")?.as_str()?).ok()
}

/// The packets up to the first bad one.
fn read_all<'a>(packets: impl Iterator<Item = Result<Packet<'a>, ParseError>>) -> Value {
    let mut read = Vec::new();
    for packet in packets {
        let (kind, data) = match packet {
            Err(ParseError) => return json!({ "packets": read, "refused": true }),
            Ok(Packet::Open(data)) => ("open", json!(data)),
            Ok(Packet::Close) => ("close", json!("")),
            Ok(Packet::Ping(data)) => ("ping", json!(data)),
            Ok(Packet::Pong(data)) => ("pong", json!(data)),
            Ok(Packet::Message(data)) => ("message", json!(data)),
            Ok(Packet::Binary(data)) => ("message", in_json(&data)),
            Ok(Packet::Upgrade) => ("upgrade", json!("")),
            Ok(Packet::Noop) => ("noop", json!("")),
        };
        read.push(json!({ "type": kind, "data": data }));
    }
    json!({ "packets": read, "refused": false })
}

fn frame(packet: &Value) -> Fallible<Frame> {
    let data = packet.get("data").ok_or("no data")?;
    if let Some(bytes) = bytes(data) {
        return Ok(Packet::Binary(bytes.into()).encode());
    }
    let data = data.as_str().unwrap_or_default();
    let packet = match packet.get("type").and_then(Value::as_str) {
        Some("open") => Packet::Open(data.into()),
        Some("close") => Packet::Close,
        Some("ping") => Packet::Ping(data.into()),
        Some("pong") => Packet::Pong(data.into()),
        Some("message") => Packet::Message(data.into()),
        Some("upgrade") => Packet::Upgrade,
        Some("noop") => Packet::Noop,
        _ => return Err("no such type".into()),
    };
    Ok(packet.encode())
}

fn feed<'a>(decoder: &mut Decoder, message: &'a Data) -> Result<Option<socket_io::Packet<'a>>, DecodeError> {
    match message {
        Data::Text(text) => decoder.text(text),
        Data::Bytes(bytes) => decoder.binary(bytes),
    }
}

fn read(parser: Parser, most: usize, messages: &[Data]) -> Value {
    let mut decoder = Decoder::new(parser, most);
    let mut packets = Vec::new();
    for message in messages {
        match feed(&mut decoder, message) {
            Ok(packet) => packets.extend(packet.as_ref().map(shown)),
            Err(error) => return json!({ "packets": packets, "refused": true, "error": error.to_string() }),
        }
    }
    json!({ "packets": packets, "refused": false, "waiting": decoder.is_waiting() })
}

/// A packet with the texts of its JSON as they are, since parsing them is the other side's part.
fn shown(packet: &socket_io::Packet<'_>) -> Value {
    let texts = |args: &Args<'_>| args.iter().map(|json| json.get().to_owned()).collect::<Vec<_>>();
    let attachments = |args: &Args<'_>| args.attachments().iter().map(|bytes| in_json(bytes)).collect::<Vec<_>>();
    let nsp = &packet.namespace;
    match &packet.body {
        socket_io::PacketBody::Connect(auth) => {
            json!({ "type": 0, "nsp": nsp, "auth": auth.as_ref().map(|json| json.get()) })
        }
        socket_io::PacketBody::Disconnect => json!({ "type": 1, "nsp": nsp }),
        socket_io::PacketBody::Event { name, args, ack } => {
            json!({ "type": 2, "nsp": nsp, "name": name, "id": ack, "args": texts(args), "attachments": attachments(args) })
        }
        socket_io::PacketBody::Ack { id, args } => {
            json!({ "type": 3, "nsp": nsp, "id": id, "args": texts(args), "attachments": attachments(args) })
        }
        socket_io::PacketBody::ConnectError => json!({ "type": 4, "nsp": nsp }),
    }
}

/// A value of a test as an app would write it, with bytes wherever it has some.
struct Tree<'a>(&'a Value);

impl Serialize for Tree<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match (bytes(self.0), self.0) {
            (Some(bytes), _) => Binary::from(bytes.as_slice()).serialize(serializer),
            (None, Value::Array(items)) => serializer.collect_seq(items.iter().map(Tree)),
            (None, Value::Object(members)) => {
                let mut map = serializer.serialize_map(Some(members.len()))?;
                members.iter().try_for_each(|(key, value)| map.serialize_entry(key, &Tree(value)))?;
                map.end()
            }
            (None, plain) => plain.serialize(serializer),
        }
    }
}

fn write(parser: Parser, packet: &Outgoing) -> Fallible<Value> {
    let args = |values: &[Value]| -> Fallible<Args<'static>> {
        let mut args = Args::new();
        values.iter().try_for_each(|value| args.push(&Tree(value)))?;
        Ok(args)
    };
    let messages = match packet {
        Outgoing::Connect { nsp, sid } => parser.encode(nsp, &ServerPacket::Connect { id: sid.as_deref(), pid: None }),
        Outgoing::Disconnect { nsp } => parser.encode(nsp, &ServerPacket::Disconnect),
        Outgoing::Event { nsp, name, id, args: values } => {
            parser.encode(nsp, &ServerPacket::Event { name, args: &args(values)?, ack: *id })
        }
        Outgoing::Ack { nsp, id, args: values } => {
            parser.encode(nsp, &ServerPacket::Ack { id: *id, args: &args(values)? })
        }
        Outgoing::ConnectError { nsp, error } => parser.encode(nsp, &ServerPacket::ConnectError(&to_raw_value(error)?)),
    };
    Ok(written(messages?))
}

fn written(messages: Vec<WireMessage>) -> Value {
    let each = |message| match message {
        WireMessage::Text(text) => Value::String(text),
        WireMessage::Binary(bytes) => in_json(&bytes),
    };
    messages.into_iter().map(each).collect()
}

fn relay(from: Parser, to: Parser, messages: &[Data]) -> Fallible<Value> {
    let mut decoder = Decoder::new(from, usize::MAX);
    let mut last = None;
    for message in messages {
        last = feed(&mut decoder, message)?;
    }
    let packet = last.ok_or("no whole packet")?;
    let reply = match &packet.body {
        socket_io::PacketBody::Event { name, args, ack } => ServerPacket::Event { name, args, ack: *ack },
        socket_io::PacketBody::Ack { id: Some(id), args } => ServerPacket::Ack { id: *id, args },
        _ => return Err("neither an event nor an ack".into()),
    };
    Ok(written(to.encode(&packet.namespace, &reply)?))
}
