//! Whatever bytes clients send: a decoder doesn't panic, keeps to its limits, and reads what the encoder writes.
//!
//! The input is pseudo-random, and the same in each run.

#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "what goes wrong in here fails a test"
)]

mod support;

use std::rc::Rc;

use roomcast::app::{Event, Io};
use roomcast::config::Parser;
use roomcast::socket_io::{Args, DecodeError, Decoder, Packet, PacketBody, ServerPacket, WireMessage};
use support::{Random, Recorder, plain};

const MOST: usize = 3;

/// What clients send, good and bad.
const TEXTS: [&str; 24] = [
    r#"0{"token":"é"}"#,
    "0/a,",
    "1/a,",
    r#"2["hey",1,{"a":[ ]}]"#,
    r#"2/a,12["hey","\ud800\u0041"]"#,
    r#"2["a",{"_placeholder":true,"num":0}]"#,
    r#"31[1.5e300,-0]"#,
    "4{}",
    r#"51-["a",{"_placeholder":true,"num":0}]"#,
    r#"51-["a",[{"_placeholder":true,"num":0},{"_placeholder":true,"num":0}]]"#,
    r#"52-/a,9["a",{"b":{"num":1,"_placeholder":true},"_placeholder":false}]"#,
    r#"53-["a",{"_placeholder":true,"x":{"_placeholder":true,"num":1},"num":2.0}]"#,
    r#"61-1[{"\u005fplaceholder":true,"num":0}]"#,
    "61-",
    r#"54-["a"]"#,
    r#"50-["a"]"#,
    r#"51-["a",{"_placeholder":true,"num":"splice"}]"#,
    r#"51-["a",{"_placeholder":true,"num":1e400}]"#,
    "2",
    "2[]",
    "5",
    "2 7[0]",
    "9",
    "",
];

const MSGPACK: [&[u8]; 6] = [
    b"\x82\xa4type\0\xa3nsp\xa1/",
    b"\x83\xa4type\x02\xa3nsp\xa2/a\xa4data\x93\xa1a\x01\xc4\x02xy",
    b"\x84\xa4type\x03\xa3nsp\xa1/\xa2id\xcd\x01\0\xa4data\x92\x81\xa1a\xc7\x01\0z\xd4\0\0",
    b"\x83\xa4type\x02\xa3nsp\xa1/\xa4data\x94\xa1d\xd7\0\0\0\x01\x8b\xcf\xe5\x68\x7b\xcb?\xf8\0\0\0\0\0\0\xd3\xff\0\0\0\0\0\0\0",
    b"\x83\xa4type\x02\xa3nsp\xa1/\xa4data\xdd\0\0\0\x02\xd9\x01n\xdf\0\0\0\x01\x05\xc0",
    b"\x82\xa4type\x01\xa3nsp\xa1/",
];

fn mutated(random: &mut Random, bytes: &[u8]) -> Vec<u8> {
    let mut bytes = bytes.to_vec();
    for _ in 0..[0, 0, 0, 1, 2, 6][random.below(6)] {
        random.damage(&mut bytes);
    }
    bytes
}

/// What an accepted packet must look like; gives its arguments.
fn check<'p>(packet: &'p Packet<'_>, parser: Parser) -> Option<(&'p str, &'p Args<'p>)> {
    let (PacketBody::Event { args, .. } | PacketBody::Ack { args, .. }) = &packet.body else {
        return None;
    };
    let attachments = args.attachments();
    assert!(parser == Parser::Msgpack || attachments.len() <= MOST, "{packet:?}");
    let text: String = args.iter().map(|arg| arg.get()).collect();
    for index in 0..attachments.len() {
        let placeholder = format!(r#"{{"_placeholder":true,"num":{index}}}"#);
        assert_eq!(text.matches(&placeholder).count(), 1, "each attachment has one placeholder: {packet:?}");
    }
    match &packet.body {
        PacketBody::Event { name, .. } => Some((name, args)),
        _ => None,
    }
}

/// The same event once more, over the wire.
fn again(parser: Parser, name: &str, args: &Args<'_>) -> (String, Vec<Rc<[u8]>>) {
    let mut decoder = Decoder::new(parser, MOST);
    let messages = parser.encode("/x", &ServerPacket::Event { name, args, ack: Some(1) }).expect("it was read");
    let mut all = messages.iter().map(|message| match message {
        WireMessage::Text(text) => decoder.text(text).map(|packet| packet.map(|packet| shape(&packet))),
        WireMessage::Binary(bytes) => decoder.binary(bytes).map(|packet| packet.map(|packet| shape(&packet))),
    });
    let last = all.by_ref().find(|read| !matches!(read, Ok(None))).expect("a packet").expect("no error").unwrap();
    assert!(all.next().is_none(), "nothing is left over");
    last
}

fn shape(packet: &Packet<'_>) -> (String, Vec<Rc<[u8]>>) {
    let PacketBody::Event { name, args, ack: Some(1) } = &packet.body else { panic!("{packet:?}") };
    (text_of(name, args), args.attachments().to_vec())
}

fn text_of(name: &str, args: &Args<'_>) -> String {
    args.iter().map(|arg| format!(" {arg}")).fold(name.to_owned(), |text, arg| text + &arg)
}

#[test]
fn any_bytes_are_read_or_refused_and_what_is_read_can_be_written() {
    let (mut accepted, mut refused) = (0, 0);
    for seed in 1..=60 {
        let mut random = Random::new(seed);
        for parser in [Parser::Default, Parser::Msgpack] {
            let mut decoder = Decoder::new(parser, MOST);
            let mut binaries = 0;
            for _ in 0..400 {
                let waits = decoder.is_waiting();
                let source: &[u8] = match random.below(4) {
                    0 => b"bytes",
                    1 => MSGPACK[random.below(MSGPACK.len())],
                    _ => TEXTS[random.below(TEXTS.len())].as_bytes(),
                };
                let bytes = mutated(&mut random, source);
                let binary = if waits { random.below(10) > 0 } else { random.below(10) < 2 };
                let text = String::from_utf8_lossy(&bytes);
                let msgpack = parser == Parser::Msgpack;
                let read = if binary || msgpack { decoder.binary(&bytes) } else { decoder.text(&text) };
                if let Ok(Some(packet)) = &read {
                    accepted += 1;
                    if let Some((name, args)) = check(packet, parser) {
                        // MessagePack has no half surrogate pairs, and numbers only as wide as JavaScript's.
                        let (text, attachments) = again(parser, name, args);
                        assert_eq!(attachments, args.attachments());
                        assert_eq!(text, text_of(name, args));
                    }
                }
                binaries = if decoder.is_waiting() && binary { binaries + 1 } else { 0 };
                assert!(binaries < MOST, "no more is awaited than was announced");
                if read.is_err() {
                    refused += 1;
                    // The connection is over.
                    decoder = Decoder::new(parser, MOST);
                }
            }
        }
    }
    assert!(accepted > 5_000 && refused > 5_000, "{accepted} read, {refused} refused");
}

#[test]
fn a_decoder_waits_for_exactly_what_was_announced() {
    for announced in 1..=MOST {
        let mut decoder = Decoder::new(Parser::Default, MOST);
        let header = format!(r#"5{announced}-["a"]"#);
        assert!(matches!(decoder.text(&header), Ok(None)));
        for left in (0..announced).rev() {
            assert!(decoder.is_waiting());
            assert_eq!(decoder.binary(&[1]).map(|packet| packet.is_some()), Ok(left == 0));
        }
        assert!(!decoder.is_waiting());
        assert_eq!(decoder.binary(&[1]).map(drop), Err(DecodeError::UnexpectedBinary));
        assert_eq!(decoder.text("2[\"a\"]").map(drop), Ok(()));
    }
    let mut decoder = Decoder::new(Parser::Default, MOST);
    assert_eq!(decoder.text("54-[\"a\"]").map(drop), Err(DecodeError::TooManyAttachments));
    assert!(!decoder.is_waiting());
    assert_eq!(decoder.text("51-[\"a\"]").map(drop), Ok(()));
    assert_eq!(decoder.text("2[\"a\"]").map(drop), Err(DecodeError::UnexpectedText));
}

fn answer(io: &Io<'_>, event: Event<'_>) {
    if let Some(ack) = event.ack {
        assert_eq!(io.answer_args(ack, event.args), Ok(()));
    }
}

/// One payload, a payload a packet, and a frame a packet: the app hears the same, and as many clients survive.
#[test]
fn packets_have_the_same_verdict_together_and_one_by_one() {
    let mut random = Random::new(7);
    let (mut survived, mut closed) = (0, 0);
    for _ in 0..300 {
        let mut packets = vec!["40".to_owned(), "40/a,".to_owned()];
        for _ in 0..random.below(8) {
            let text = TEXTS[random.below(10)];
            packets.push(format!("4{text}"));
            if text.starts_with('5') || random.below(8) == 0 {
                packets.push("bAQID".to_owned());
            }
        }
        let run = |payloads: &[String]| {
            let app = Recorder { on_event: answer, ..Recorder::default() };
            let mut room = app.room(plain());
            let sid = room.open_polling();
            payloads.iter().filter(|payload| !payload.is_empty()).for_each(|payload| _ = room.post(&sid, payload));
            let said = if room.knows(&sid) { room.poll(&sid) } else { String::new() };
            (app.log(), said)
        };
        let (whole, pieces) = (run(&[packets.join("\u{1e}")]), run(&packets));
        assert_eq!(whole, pieces, "{packets:?}");
        let ended = whole.0.iter().any(|line| line.contains("forced"));
        *(if ended { &mut closed } else { &mut survived }) += 1;
    }
    assert!(survived > 20 && closed > 20, "{survived} survived, {closed} didn't");
}
