//! The default parser: `<type>[<attachments>-][<namespace>,][<ack id>][JSON]`, and the attachments after it (protocol,
//! "Packet encoding"; 1.9, 1.10).

use std::borrow::Cow;

use serde_json::value::RawValue;

use super::args::Args;
use super::packet::{Body, DecodeError, Message, Packet, Reply, array, event_name, object};

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
        '0' if json.is_empty() => Body::Connect(None),
        '0' => {
            let auth = serde_json::from_str::<&RawValue>(json).map_err(|_| DecodeError::InvalidPayload)?;
            Body::Connect(Some(Cow::Borrowed(object(auth)?)))
        }
        '1' if json.is_empty() => Body::Disconnect,
        '2' | '5' => {
            let mut args = array(json)?;
            Body::Event { name: event_name(&mut args)?, args: Args::plain(args), ack: id }
        }
        '3' | '6' if json.is_empty() => Body::Ack { id, args: Args::new() },
        '3' | '6' => Body::Ack { id, args: Args::plain(array(json)?) },
        '4' => Body::ConnectError,
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

/// Writes a packet: the text, and the attachments as they are (E5).
pub(super) fn encode(namespace: &str, reply: &Reply<'_>) -> Vec<Message> {
    match *reply {
        Reply::Connect(None) => vec![packet('0', namespace, None, "")],
        Reply::Connect(Some(id)) => {
            vec![packet('0', namespace, None, &serde_json::json!({ "sid": id }).to_string())]
        }
        Reply::Disconnect => vec![packet('1', namespace, None, "")],
        Reply::Event { name, args, ack } => {
            let name = serde_json::Value::from(name).to_string();
            with_args(['2', '5'], namespace, ack, Some(&name), args)
        }
        Reply::Ack { id, args } => with_args(['3', '6'], namespace, Some(id), None, args),
        Reply::ConnectError(error) => vec![packet('4', namespace, None, error.get())],
    }
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

fn packet(kind: char, namespace: &str, id: Option<u64>, json: &str) -> Message {
    let mut text = String::from(kind);
    header(&mut text, namespace, id);
    text.push_str(json);
    Message::Text(text)
}

/// An event or an ack: of the second kind where there are attachments (E8).
fn with_args(kinds: [char; 2], namespace: &str, id: Option<u64>, name: Option<&str>, args: &Args<'_>) -> Vec<Message> {
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
    let attachments = attachments.iter().cloned().map(Message::Binary);
    std::iter::once(Message::Text(text)).chain(attachments).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::socket_io::Binary;
    use crate::socket_io::packet::RESERVED;

    const MOST: usize = 10;

    /// The packet in words, to compare.
    fn read(text: &str) -> Result<String, DecodeError> {
        let (Packet { namespace, body }, attachments) = decode(text, MOST)?;
        let list = |args: &Args<'_>| args.iter().map(|a| format!(" {a}")).collect::<String>();
        let id = |id: Option<u64>| id.map_or_else(|| "-".to_owned(), |id| id.to_string());
        let body = match body {
            Body::Connect(auth) => format!("connect {}", auth.as_deref().map_or("-", RawValue::get)),
            Body::Disconnect => "disconnect".to_owned(),
            Body::Event { name, args, ack } => format!("event {} {name:?}{}", id(ack), list(&args)),
            Body::Ack { id: ack, args } => format!("ack {}{}", id(ack), list(&args)),
            Body::ConnectError => "connect_error".to_owned(),
        };
        let attachments = if attachments > 0 { format!(" +{attachments}") } else { String::new() };
        Ok(format!("{namespace} {body}{attachments}"))
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
            (r#"51-["hey",{"_placeholder":true,"num":0}]"#, r#"/ event - "hey" {"_placeholder":true,"num":0} +1"#),
            (r#"510-/a,7["hey"]"#, r#"/a event 7 "hey" +10"#),
            (r#"5002-["a-b"]"#, r#"/ event - "a-b" +2"#),
            ("61-/a,5[1]", "/a ack 5 1 +1"),
            ("61-", "/ ack - +1"),
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
            // CVE-2023-32695: a name that is no string was called as one.
            (r#"51-[{"toString":"foo"}]"#, InvalidPayload),
            (r#"51-[{"_placeholder":true,"num":0}]"#, InvalidPayload),
            ("51-", InvalidPayload),
            ("51-{}", InvalidPayload),
            (r#"51-["disconnect"]"#, InvalidPayload),
            ("61-{}", InvalidPayload),
            (r#"5["a"]"#, AttachmentCount),
            (r#"51["a"]"#, AttachmentCount),
            (r#"5-["a"]"#, AttachmentCount),
            (r#"5a-["a"]"#, AttachmentCount),
            (r#"5-1-["a"]"#, AttachmentCount),
            (r#"51.23-["a"]"#, AttachmentCount),
            ("5", AttachmentCount),
            ("6", AttachmentCount),
        ];
        for (text, error) in table {
            assert_eq!(read(text), Err(error), "{text}");
        }
        for name in RESERVED {
            assert_eq!(read(&format!("2[\"{name}\"]")), Err(InvalidPayload));
        }
    }

    /// CVE-2026-69185: a packet that announced no attachments was complete at once, but what came after it was kept.
    #[test]
    fn cve_2026_69185_no_attachments_at_all_are_illegal() {
        for text in [r#"50-["a"]"#, r#"5000-["a"]"#, "60-[]", r#"50-["a",{"_placeholder":true,"num":0}]"#] {
            assert_eq!(read(text), Err(DecodeError::AttachmentCount), "{text}");
        }
    }

    /// CVE-2026-33151: as many attachments as a packet announced were kept, however many.
    #[test]
    fn cve_2026_33151_attachments_have_a_limit() {
        let many = format!(r#"5{}-["a"]"#, "9".repeat(100_000));
        for text in [r#"511-["a"]"#, r#"599999999999-["a"]"#, "611-[]", &many] {
            assert_eq!(read(text), Err(DecodeError::TooManyAttachments));
        }
        assert!(decode(r#"511-["a"]"#, 11).is_ok(), "the limit is a setting");
    }

    #[test]
    fn errors_are_told_in_the_references_words() {
        for (text, words) in [
            ("7", "unknown packet type 7"),
            ("2{}", "invalid payload"),
            ("50-[]", "Illegal attachments"),
            ("511-[]", "too many attachments"),
        ] {
            assert_eq!(read(text).map_err(|error| error.to_string()), Err(words.to_owned()));
        }
    }

    #[test]
    fn what_the_server_writes_the_decoder_reads() {
        let json = |text: &str| RawValue::from_string(text.to_owned()).unwrap();
        let mut args = Args::new();
        for text in ["1", "{}"] {
            args.push(&json(text)).unwrap();
        }
        let mut binary = args.clone();
        binary.push(&[Binary::from(&b"x"[..]), Binary::from(&b"yz"[..])]).unwrap();
        let error = json(r#"{"message":"no"}"#);
        let table = [
            ("/", Reply::Connect(Some("S")), r#"0{"sid":"S"}"#, ""),
            ("/a", Reply::Connect(None), "0/a,", ""),
            ("/", Reply::Connect(None), "0", ""),
            ("/a", Reply::Disconnect, "1/a,", "/a disconnect"),
            (
                "/",
                Reply::Event { name: "he\"y", args: &Args::new(), ack: None },
                r#"2["he\"y"]"#,
                r#"/ event - "he\"y""#,
            ),
            (
                "/a",
                Reply::Event { name: "hey", args: &args, ack: Some(3) },
                r#"2/a,3["hey",1,{}]"#,
                r#"/a event 3 "hey" 1 {}"#,
            ),
            ("/", Reply::Ack { id: 0, args: &args }, "30[1,{}]", "/ ack 0 1 {}"),
            ("/a", Reply::Ack { id: 7, args: &Args::new() }, "3/a,7[]", "/a ack 7"),
            ("/x", Reply::ConnectError(&error), r#"4/x,{"message":"no"}"#, "/x connect_error"),
            (
                "/a",
                Reply::Event { name: "b", args: &binary, ack: Some(3) },
                r#"52-/a,3["b",1,{},[{"_placeholder":true,"num":0},{"_placeholder":true,"num":1}]]"#,
                r#"/a event 3 "b" 1 {} [{"_placeholder":true,"num":0},{"_placeholder":true,"num":1}] +2"#,
            ),
            (
                "/",
                Reply::Ack { id: 1, args: &binary },
                r#"62-1[1,{},[{"_placeholder":true,"num":0},{"_placeholder":true,"num":1}]]"#,
                r#"/ ack 1 1 {} [{"_placeholder":true,"num":0},{"_placeholder":true,"num":1}] +2"#,
            ),
        ];
        for (namespace, reply, text, packet) in table {
            let messages = encode(namespace, &reply);
            assert_eq!(messages[0], Message::Text(text.to_owned()));
            if text.starts_with('5') || text.starts_with('6') {
                let bytes = [b"x".as_slice(), b"yz"].map(|bytes| Message::Binary(bytes.into()));
                assert_eq!(messages[1..], bytes);
            } else {
                assert_eq!(messages.len(), 1);
            }
            if !packet.is_empty() {
                assert_eq!(read(text).as_deref(), Ok(packet));
            }
        }
    }
}
