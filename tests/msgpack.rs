//! The MessagePack parser: the same Socket.IO in other bytes. The hexadecimal packets are what `socket.io-msgpack-parser`
//! 3.0.2 writes.

#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "what goes wrong in here fails a test"
)]

mod support;

use roomcast::app::{Binary, Event, Io, Refusal};
use roomcast::config::{Config, Parser};
use roomcast::ids::ConnId;
use roomcast::socket_io::{Args, DecodeError, Decoder, Packet, PacketBody, ServerPacket, WireMessage};
use support::{Recorder, Room, WEBSOCKET, plain};

fn bytes(hex: &str) -> Vec<u8> {
    let digit = |byte: u8| u8::try_from(char::from(byte).to_digit(16).expect("a hexadecimal digit")).unwrap();
    hex.as_bytes().chunks(2).map(|pair| digit(pair[0]) << 4 | digit(pair[1])).collect()
}

/// The packet in words, to compare.
fn words(packet: &Packet<'_>) -> String {
    let list = |args: &Args<'_>| {
        let attachments = args.attachments().iter().map(|bytes| format!(" +{bytes:?}"));
        args.iter().map(|arg| format!(" {arg}")).chain(attachments).collect::<String>()
    };
    let id = |id: &Option<u64>| id.map_or_else(|| "-".to_owned(), |id| id.to_string());
    let body = match &packet.body {
        PacketBody::Connect(auth) => format!("connect {}", auth.as_ref().map_or("-", |auth| auth.get())),
        PacketBody::Disconnect => "disconnect".to_owned(),
        PacketBody::Event { name, args, ack } => format!("event {} {name}{}", id(ack), list(args)),
        PacketBody::Ack { id: ack, args } => format!("ack {}{}", id(ack), list(args)),
        PacketBody::ConnectError => "connect_error".to_owned(),
    };
    format!("{} {body}", packet.namespace)
}

fn read(bytes: &[u8]) -> Result<String, DecodeError> {
    let packet = Decoder::new(Parser::Msgpack, 10).binary(bytes)?;
    Ok(words(&packet.expect("nothing follows a MessagePack packet")))
}

fn write(namespace: &str, reply: &ServerPacket<'_>) -> Vec<u8> {
    match Parser::Msgpack.encode(namespace, reply).expect("a packet").as_slice() {
        [WireMessage::Binary(bytes)] => bytes.to_vec(),
        other => panic!("not one binary message: {other:?}"),
    }
}

#[test]
fn packets_are_read_as_the_stock_client_writes_them() {
    let table = [
        ("83a47479706500a464617461d40000a36e7370a12f", "/ connect -"),
        ("83a47479706500a46461746181a5746f6b656ea2c3a9a36e7370a22f61", r#"/a connect {"token":"é"}"#),
        ("82a47479706501a36e7370a12f", "/ disconnect"),
        (
            "84a47479706502a464617461dc0010a368657901ffcb3ff8000000000000cd012cce00011170cf000000012a05f200d1ff38d2ffff63\
             c0d3fffffffed5fa0e00c0c3c2d928787878787878787878787878787878787878787878787878787878787878787878787878787878\
             789081a16180a76f7074696f6e7381a8636f6d7072657373c3a36e7370a12f",
            r#"/ event - hey 1 -1 1.5 300 70000 5000000000 -200 -40000 -5000000000 null true false "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx" [] {"a":{}}"#,
        ),
        // E10: an undefined argument is null, an undefined member isn't there.
        (
            "85a47479706502a46461746193a3686579d4000082a161d40000a16201a76f7074696f6e7381a8636f6d7072657373c3a2696407a36e\
             7370a22f61",
            r#"/a event 7 hey null {"b":1}"#,
        ),
        // Buffer, Uint8Array and ArrayBuffer.
        (
            "85a47479706502a46461746193a466696c65c40301020381a17892c702000405c7010006a76f7074696f6e7381a8636f6d7072657373\
             c3a2696400a36e7370a12f",
            r#"/ event 0 file {"_placeholder":true,"num":0} {"x":[{"_placeholder":true,"num":1},{"_placeholder":true,"num":2}]} +[1, 2, 3] +[4, 5] +[6]"#,
        ),
        // E10: dates.
        (
            "83a47479706502a46461746195a464617465d7000000018bcfe5687bd7000000000000000000d700ffffffffffffffffd70000005af3\
             107a4000a36e7370a12f",
            r#"/ event - date "2023-11-14T22:13:20.123Z" "1970-01-01T00:00:00.000Z" "1969-12-31T23:59:59.999Z" "5138-11-16T09:46:40.000Z""#,
        ),
        ("84a47479706503a46461746191c40109a2696403a36e7370a12f", r#"/ ack 3 {"_placeholder":true,"num":0} +[9]"#),
    ];
    for (hex, packet) in table {
        assert_eq!(read(&bytes(hex)).as_deref(), Ok(packet));
    }
}

/// A packet's members, each written out in hexadecimal.
fn packet(members: &[(&str, &str)]) -> Vec<u8> {
    let mut packet = vec![0x80 | u8::try_from(members.len()).unwrap()];
    for (key, value) in members {
        packet.push(0xa0 | u8::try_from(key.len()).unwrap());
        packet.extend_from_slice(key.as_bytes());
        packet.extend(bytes(value));
    }
    packet
}

#[test]
fn what_messagepack_has_besides_is_read_too() {
    let event = |value: &str| read(&packet(&[("type", "02"), ("nsp", "a12f"), ("data", &format!("92a161{value}"))]));
    let table = [
        // MessagePack's own timestamps: 32, 64 and 96 bits.
        ("d6ff6553f100", r#""2023-11-14T22:13:20.000Z""#),
        ("d7ff1d5529006553f100", r#""2023-11-14T22:13:20.123Z""#),
        ("c70cff07547d40000000006553f100", r#""2023-11-14T22:13:20.122Z""#),
        ("d7007fffffffffffffff", "null"),
        ("ca3fc00000", "1.5"),
        ("cb7ff8000000000000", "null"),
        ("d9026869", r#""hi""#),
        ("da00026869", r#""hi""#),
        ("db000000026869", r#""hi""#),
        ("a2c328", "\"\u{fffd}(\""),
        // Half of a surrogate pair in three bytes, as Node reads them.
        ("a4eda0bd21", "\"\u{fffd}\u{fffd}\u{fffd}!\""),
        ("a3220a5c", r#""\"\n\\""#),
        ("8201c0c302", r#"{"1":null,"true":2}"#),
        ("de0001a16101", r#"{"a":1}"#),
        ("df00000001a16101", r#"{"a":1}"#),
        ("dd0000000101", "[1]"),
        ("c5000101", r#"{"_placeholder":true,"num":0} +[1]"#),
        ("c60000000101", r#"{"_placeholder":true,"num":0} +[1]"#),
        ("d40501", r#"[5,{"_placeholder":true,"num":0}] +[1]"#),
        ("82ac5f706c616365686f6c646572c3a36e756d00", r#"{"_placeholder":true,"num":0}"#),
    ];
    for (hex, json) in table {
        assert_eq!(event(hex), Ok(format!("/ event - a {json}")), "{hex}");
    }
    for bad in ["c1", "92", "d9ff61", "ddffffffff", "dfffffffff", "c6ffffffff", "8190c0", "81c40100c0"] {
        assert!(event(bad).is_err(), "{bad}");
    }
    // Beside bytes nothing could tell it from one of ours.
    assert!(event("9282ac5f706c616365686f6c646572c3a36e756d00c40101").is_err());
}

#[test]
fn packets_that_the_reference_refuses_are_refused_in_its_words() {
    let (nsp, event) = (("nsp", "a12f"), ("data", "91a161"));
    let table: [(&[(&str, &str)], &str); 26] = [
        (&[], "invalid packet type"),
        (&[nsp, event], "invalid packet type"),
        (&[("type", "a132"), nsp, event], "invalid packet type"),
        (&[("type", "05"), nsp, event], "invalid packet type"),
        (&[("type", "ff"), nsp, event], "invalid packet type"),
        (&[("type", "cb3ff8000000000000"), nsp, event], "invalid packet type"),
        (&[("type", "02"), event], "invalid namespace"),
        (&[("type", "02"), ("nsp", "01"), event], "invalid namespace"),
        (&[("type", "02"), ("nsp", "d7000000000000000000"), event], "invalid namespace"),
        (&[("type", "00"), nsp, ("data", "c40101")], "invalid payload"),
        (&[("type", "00"), nsp, ("data", "c0")], "invalid payload"),
        (&[("type", "00"), nsp, ("data", "90")], "invalid payload"),
        (&[("type", "00"), nsp, ("data", "a161")], "invalid payload"),
        (&[("type", "01"), nsp, ("data", "80")], "invalid payload"),
        (&[("type", "02"), nsp], "invalid payload"),
        (&[("type", "02"), nsp, ("data", "80")], "invalid payload"),
        (&[("type", "02"), nsp, ("data", "90")], "invalid payload"),
        (&[("type", "02"), nsp, ("data", "91c0")], "invalid payload"),
        (&[("type", "02"), nsp, ("data", "9180")], "invalid payload"),
        // CVE-2023-32695: "disconnect".
        (&[("type", "02"), nsp, ("data", "91aa646973636f6e6e656374")], "invalid payload"),
        (&[("type", "03"), nsp], "invalid payload"),
        (&[("type", "03"), nsp, ("data", "80")], "invalid payload"),
        (&[("type", "04"), nsp], "invalid payload"),
        (&[("type", "02"), nsp, event, ("id", "a131")], "invalid packet id"),
        (&[("type", "02"), nsp, event, ("id", "c0")], "invalid packet id"),
        (&[("type", "02"), nsp, event, ("id", "cb3ff8000000000000")], "invalid packet id"),
    ];
    for (members, message) in table {
        let error = read(&packet(members)).map_err(|error| error.to_string());
        assert_eq!(error, Err(message.to_owned()), "{members:?}");
    }
    let good = packet(&[("type", "02"), nsp, event]);
    assert_eq!(read(&good).as_deref(), Ok("/ event - a"));
    for end in 1..good.len() {
        assert!(read(&good[..end]).is_err(), "{end} bytes");
    }
    let list_as_key = [&[0x84], &good[1..], &[0x91, 0xa2], b"id", &[1]].concat();
    assert_eq!(read(&list_as_key), Err(DecodeError::NotMsgpack));
    assert_eq!(read(&[good, vec![0xc0]].concat()), Err(DecodeError::NotMsgpack), "trailing bytes");
    assert_eq!(read(&[]).map_err(|_| ()), Err(()));
}

#[test]
fn what_is_written_is_read_again_and_is_as_short_as_the_stock_parsers() {
    let mut args = Args::new();
    args.push(&serde_json::json!([0, -1, 255, -32769, 1.5, null, true, "é", [], {}])).unwrap();
    args.push(&vec![Binary::from(&[1][..]), Binary::from(&[2; 300][..])]).unwrap();
    args.push(&(0..20).collect::<Vec<_>>()).unwrap();
    let attachments = format!(" +[1] +{:?}", [2; 300]);
    let text = args.iter().map(|arg| format!(" {arg}")).collect::<String>() + &attachments;
    let event = write("/a", &ServerPacket::Event { name: "x", args: &args, ack: Some(1 << 40) });
    assert_eq!(read(&event), Ok(format!("/a event {} x{text}", 1_u64 << 40)));
    assert_eq!(read(&write("/", &ServerPacket::Ack { id: 3, args: &args })), Ok(format!("/ ack 3{text}")));
    let none = Args::new();
    for (reply, hex) in [
        (ServerPacket::Connect { id: Some("S"), pid: None }, "83a47479706500a36e7370a12fa46461746181a3736964a153"),
        (ServerPacket::Connect { id: None, pid: None }, "82a47479706500a36e7370a12f"),
        (ServerPacket::Disconnect, "82a47479706501a36e7370a12f"),
        (ServerPacket::Event { name: "a", args: &none, ack: None }, "83a47479706502a36e7370a12fa46461746191a161"),
    ] {
        assert_eq!(write("/", &reply), bytes(hex));
    }
}

#[test]
fn members_keep_their_order() {
    let args = Args::of(&serde_json::value::RawValue::from_string(r#"{"b":1,"a":{"d":2,"c":3}}"#.to_owned()).unwrap());
    let args = args.unwrap();
    let event = write("/", &ServerPacket::Event { name: "x", args: &args, ack: None });
    assert_eq!(read(&event).as_deref(), Ok(r#"/ event - x {"b":1,"a":{"d":2,"c":3}}"#));
}

/// A placeholder that a client made up must not multiply an attachment.
#[test]
fn each_attachment_is_written_once() {
    let lookalikes = vec![serde_json::json!({"_placeholder": true, "num": 0}); 50];
    let mut args = Args::of(&Binary::from(&[7; 1_000][..])).unwrap();
    args.push(&lookalikes).unwrap();
    assert!(write("/", &ServerPacket::Event { name: "x", args: &args, ack: None }).len() < 3_000);
    // Nor take its place.
    let mut args = Args::of(&serde_json::json!({"_placeholder": true, "num": 1})).unwrap();
    args.push(&Binary::from(&[7][..])).unwrap();
    let event = write("/", &ServerPacket::Event { name: "x", args: &args, ack: None });
    assert!(event.ends_with(b"\xa3num\x01\xc4\x01\x07"), "{event:?}");
}

fn hooks(io: &Io<'_>, event: Event<'_>) {
    let done = match event.ack {
        Some(ack) => io.answer_args(ack, event.args),
        None => io.all().emit_args("said", event.args),
    };
    assert_eq!(done, Ok(()));
}

fn scene() -> (Recorder, Room, ConnId) {
    let app = Recorder {
        on_event: hooks,
        on_connecting: |io, _| match io.namespace() {
            "/b" => Err(Refusal { message: "no".to_owned(), data: Some(serde_json::json!({"code": 1})) }),
            _ => Ok(()),
        },
        ..Recorder::default()
    };
    let mut room = app.room(Config { parser: Parser::Msgpack, ..plain() });
    let conn = room.websocket(WEBSOCKET);
    room.frames(conn);
    (app, room, conn)
}

/// How the test's room shows a binary frame.
fn shown(bytes: &[u8]) -> String {
    format!("{bytes:?}")
}

#[test]
fn a_client_joins_asks_hears_and_leaves() {
    let (app, mut room, conn) = scene();
    room.binary(conn, &bytes("83a47479706500a464617461d40000a36e7370a12f"));
    let id = app.log()[1].strip_prefix("connected / ").unwrap().to_owned();
    assert_eq!(room.frames(conn), [shown(&write("/", &ServerPacket::Connect { id: Some(&id), pid: None }))]);
    let mut args = Args::of(&1).unwrap();
    args.push(&Binary::from(&[1, 2, 3][..])).unwrap();
    room.binary(conn, &write("/", &ServerPacket::Event { name: "q", args: &args, ack: Some(5) }));
    room.binary(conn, &write("/", &ServerPacket::Event { name: "q", args: &args, ack: None }));
    let answer = write("/", &ServerPacket::Ack { id: 5, args: &args });
    let said = write("/", &ServerPacket::Event { name: "said", args: &args, ack: None });
    assert_eq!(room.frames(conn), [shown(&answer), shown(&said)], "each in one message");
    app.log();
    room.binary(conn, &bytes("82a47479706501a36e7370a12f"));
    assert_eq!(app.log(), [format!("disconnected / {id} client namespace disconnect")]);
    assert!(room.is_open(conn));
}

#[test]
fn refusals_and_rules_of_namespaces_are_the_same() {
    let (app, mut room, conn) = scene();
    let connect = |namespace| write(namespace, &ServerPacket::Connect { id: None, pid: None });
    room.binary(conn, &connect("/x"));
    room.binary(conn, &connect("no slash"));
    room.binary(conn, &connect("/b"));
    let json = |text: &str| serde_json::value::RawValue::from_string(text.to_owned()).unwrap();
    let unknown = json(r#"{"message":"Invalid namespace"}"#);
    let refused = json(r#"{"message":"no","data":{"code":1}}"#);
    let expected = [("/x", &unknown), ("no slash", &unknown), ("/b", &refused)];
    assert_eq!(room.frames(conn), expected.map(|(nsp, error)| shown(&write(nsp, &ServerPacket::ConnectError(error)))));
    room.binary(conn, &connect("/a"));
    app.log();
    room.binary(conn, &connect("/a"));
    assert!(!room.is_open(conn) && app.log()[0].ends_with(" forced close"), "twice (C6)");
}

#[test]
fn text_is_no_messagepack() {
    for text in ["40", "42[\"a\"]", "4"] {
        let (_, mut room, conn) = scene();
        room.text(conn, text);
        assert_eq!(room.close_code(conn), Some(None), "{text}");
    }
}

#[test]
fn nesting_and_lengths_are_believed_only_as_far_as_there_are_bytes() {
    let (_, mut room, _) = scene();
    let deep = |open: &str, depth: usize| {
        packet(&[("type", "02"), ("nsp", "a12f"), ("data", &format!("92a161{}00", open.repeat(depth)))])
    };
    for (open, depth, fine) in
        [("91", 90, true), ("91", 400_000, false), ("81a161", 90, true), ("81a161", 200_000, false)]
    {
        assert_eq!(read(&deep(open, depth)).is_ok(), fine, "{open} {depth} times");
        let conn = room.websocket(WEBSOCKET);
        room.binary(conn, &bytes("83a47479706500a464617461d40000a36e7370a12f"));
        room.frames(conn);
        room.binary(conn, &deep(open, depth));
        assert_eq!(room.frames(conn).len(), usize::from(fine), "what is read can be written");
    }
}

#[test]
fn half_of_a_surrogate_pair_is_written_as_u_fffd_and_costs_no_packet() {
    let raw = |json: &str| serde_json::value::RawValue::from_string(json.to_owned()).unwrap();
    let mut args = Args::new();
    args.push(&Binary::from(&[1][..])).unwrap();
    args.push(&raw(r#"[{"a\ud800":["\udfff!",5.5]},"\ud83d\ude00"]"#)).unwrap();
    args.push(&(Binary::from(&[2][..]), raw(r#""\ud800""#))).unwrap();
    let event = write("/", &ServerPacket::Event { name: "x", args: &args, ack: None });
    let text = "{\"_placeholder\":true,\"num\":0} [{\"a\u{fffd}\":[\"\u{fffd}!\",5.5]},\"😀\"] \
                [{\"_placeholder\":true,\"num\":1},\"\u{fffd}\"]";
    assert_eq!(read(&event), Ok(format!("/ event - x {text} +[1] +[2]")));
}

#[test]
fn bytes_in_what_a_connect_brings_are_lists_of_numbers_wherever_the_type_stands() {
    let (kind, nsp) = (("type", "00"), ("nsp", "a12f"));
    let data = ("data", "83a161c403010203a16291c400a163d40505");
    let connect = r#"/ connect {"a":[1,2,3],"b":[[]],"c":[5,[5]]}"#;
    for members in [[kind, nsp, data], [data, nsp, kind]] {
        assert_eq!(read(&packet(&members)).as_deref(), Ok(connect));
    }
    let lookalike = ("data", "82ac5f706c616365686f6c646572c3a162c40101");
    assert_eq!(read(&packet(&[kind, nsp, lookalike])), Err(DecodeError::NotMsgpack), "as beside bytes elsewhere");
}

#[test]
fn a_whole_id_that_no_client_waits_for_wants_no_answer() {
    let (event, nsp, data) = (("type", "02"), ("nsp", "a12f"), ("data", "91a161"));
    for (id, told) in [
        ("00", "0"),
        ("cb401c000000000000", "7"),
        ("ff", "-"),
        ("d3ffffffffffffff38", "-"),
        ("cb7e37e43c8800759c", "-"),
    ] {
        assert_eq!(read(&packet(&[event, nsp, data, ("id", id)])), Ok(format!("/ event {told} a")), "{id}");
    }
    assert_eq!(read(&packet(&[("type", "00"), nsp, ("id", "ff")])).as_deref(), Ok("/ connect -"));
}
