//! The default parser, packet by packet: what it reads, what it refuses, what it writes (1.9, 1.10, 1.14).

#![allow(clippy::indexing_slicing, reason = "what goes wrong in here fails a test")]

use roomcast::config::Parser;
use roomcast::socket_io::{Args, Binary, DecodeError, Decoder, Packet, PacketBody, ServerPacket, WireMessage};
use serde_json::value::RawValue;

/// The packet in words, to compare; with the number of attachments that it waited for, all of them empty.
fn read(text: &str) -> Result<String, DecodeError> {
    let mut decoder = Decoder::new(Parser::Default, 10);
    let mut packet = decoder.text(text)?;
    let mut attachments = 0;
    while packet.is_none() {
        packet = decoder.binary(&[])?;
        attachments += 1;
    }
    let attachments = if attachments > 0 { format!(" +{attachments}") } else { String::new() };
    Ok(packet.map(|packet| words(&packet)).unwrap_or_default() + &attachments)
}

fn words(packet: &Packet<'_>) -> String {
    let list = |args: &Args<'_>| args.iter().map(|a| format!(" {a}")).collect::<String>();
    let id = |id: &Option<u64>| id.map_or_else(|| "-".to_owned(), |id| id.to_string());
    let body = match &packet.body {
        PacketBody::Connect(auth) => format!("connect {}", auth.as_deref().map_or("-", RawValue::get)),
        PacketBody::Disconnect => "disconnect".to_owned(),
        PacketBody::Event { name, args, ack } => format!("event {} {name:?}{}", id(ack), list(args)),
        PacketBody::Ack { id: ack, args } => format!("ack {}{}", id(ack), list(args)),
        PacketBody::ConnectError => "connect_error".to_owned(),
    };
    format!("{} {body}", packet.namespace)
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
        ("2[5e0,5e0]", r#"/ event - "5" 5e0"#),
        (r#"2["\udead!"]"#, "/ event - \"\u{fffd}!\""),
        (r#"0{"name":"\ud800"}"#, r#"/ connect {"name":"\ud800"}"#),
        (r#"2 ["a"]"#, r#"/ event 0 "a""#),
        (r#"2 7 ["a"]"#, r#"/ event 7 "a""#),
        ("2\u{feff}[\"a\"]", r#"/ event 0 "a""#),
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
        ("2\u{85}[\"a\"]", InvalidPayload),
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
    for name in ["connect", "connect_error", "disconnect", "disconnecting", "newListener", "removeListener"] {
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
    let generous = Decoder::new(Parser::Default, 11).text(r#"511-["a"]"#).map(|packet| packet.is_none());
    assert_eq!(generous, Ok(true), "the limit is a setting");
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
        ("/", ServerPacket::Connect { id: Some("S"), pid: None }, r#"0{"sid":"S"}"#, ""),
        ("/", ServerPacket::Connect { id: Some("S"), pid: Some("P") }, r#"0{"sid":"S","pid":"P"}"#, ""),
        ("/a", ServerPacket::Connect { id: None, pid: None }, "0/a,", ""),
        ("/", ServerPacket::Connect { id: None, pid: None }, "0", ""),
        ("/a", ServerPacket::Disconnect, "1/a,", "/a disconnect"),
        (
            "/",
            ServerPacket::Event { name: "he\"y", args: &Args::new(), ack: None },
            r#"2["he\"y"]"#,
            r#"/ event - "he\"y""#,
        ),
        (
            "/a",
            ServerPacket::Event { name: "hey", args: &args, ack: Some(3) },
            r#"2/a,3["hey",1,{}]"#,
            r#"/a event 3 "hey" 1 {}"#,
        ),
        ("/", ServerPacket::Ack { id: 0, args: &args }, "30[1,{}]", "/ ack 0 1 {}"),
        ("/a", ServerPacket::Ack { id: 7, args: &Args::new() }, "3/a,7[]", "/a ack 7"),
        ("/x", ServerPacket::ConnectError(&error), r#"4/x,{"message":"no"}"#, "/x connect_error"),
        (
            "/a",
            ServerPacket::Event { name: "b", args: &binary, ack: Some(3) },
            r#"52-/a,3["b",1,{},[{"_placeholder":true,"num":0},{"_placeholder":true,"num":1}]]"#,
            r#"/a event 3 "b" 1 {} [{"_placeholder":true,"num":0},{"_placeholder":true,"num":1}] +2"#,
        ),
        (
            "/",
            ServerPacket::Ack { id: 1, args: &binary },
            r#"62-1[1,{},[{"_placeholder":true,"num":0},{"_placeholder":true,"num":1}]]"#,
            r#"/ ack 1 1 {} [{"_placeholder":true,"num":0},{"_placeholder":true,"num":1}] +2"#,
        ),
    ];
    for (namespace, reply, text, packet) in table {
        let messages = Parser::Default.encode(namespace, &reply).unwrap();
        assert_eq!(messages[0], WireMessage::Text(text.to_owned()));
        if text.starts_with('5') || text.starts_with('6') {
            let bytes = [b"x".as_slice(), b"yz"].map(|bytes| WireMessage::Binary(bytes.into()));
            assert_eq!(messages[1..], bytes);
        } else {
            assert_eq!(messages.len(), 1);
        }
        if !packet.is_empty() {
            assert_eq!(read(text).as_deref(), Ok(packet));
        }
    }
}
