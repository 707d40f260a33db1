//! The codecs: packets of Socket.IO as text, with bytes, and as MessagePack; payloads of Engine.IO.

#![allow(clippy::expect_used, clippy::panic, reason = "a benchmark of something else would be wrong")]

use divan::{Bencher, black_box};
use roomcast::config::Parser;
use roomcast::engine_io::payload::{self, Body, Payload};
use roomcast::engine_io::{Packet, Revision};
use roomcast::outbox::Frame;
use roomcast::socket_io::{self, Decoder, PacketBody, ServerPacket, WireMessage};

const TEXT: &str =
    r#"2["message",{"text":"A message of sixty-four bytes, which is about as long as most.","id":"m1"}]"#;
const BINARY: &str = r#"51-["message",{"_placeholder":true,"num":0}]"#;
const ATTACHMENT: [u8; 1_024] = [7; 1_024];
const MAX_ATTACHMENTS: usize = 10;
/// Packets of a payload.
const PACKETS: usize = 16;

fn main() {
    divan::main();
}

/// An event, read from text and the attachments that follow.
fn event<'a>(text: &'a str, attachments: &[&[u8]]) -> socket_io::Packet<'a> {
    let mut decoder = Decoder::new(Parser::Default, MAX_ATTACHMENTS);
    let mut packet = decoder.text(text).expect("a packet");
    for bytes in attachments {
        packet = decoder.binary(bytes).expect("an attachment");
    }
    packet.expect("a whole packet")
}

fn written(parser: Parser, packet: &socket_io::Packet<'_>) -> Vec<WireMessage> {
    let PacketBody::Event { name, args, ack } = &packet.body else { panic!("no event") };
    parser.encode(&packet.namespace, &ServerPacket::Event { name, args, ack: *ack }).expect("an event can be written")
}

fn decode(bencher: Bencher<'_, '_>, parser: Parser, text: &str, attachments: &[&[u8]]) {
    let messages = written(parser, &event(text, attachments));
    let mut decoder = Decoder::new(parser, MAX_ATTACHMENTS);
    bencher.bench_local(|| {
        for message in black_box(&messages) {
            let packet = match message {
                WireMessage::Text(text) => decoder.text(text),
                WireMessage::Binary(bytes) => decoder.binary(bytes),
            };
            black_box(packet.expect("a packet"));
        }
    });
}

fn encode(bencher: Bencher<'_, '_>, parser: Parser, text: &str, attachments: &[&[u8]]) {
    let packet = event(text, attachments);
    bencher.bench_local(|| written(parser, black_box(&packet)));
}

#[divan::bench]
fn text_decode(bencher: Bencher<'_, '_>) {
    decode(bencher, Parser::Default, TEXT, &[]);
}

#[divan::bench]
fn text_encode(bencher: Bencher<'_, '_>) {
    encode(bencher, Parser::Default, TEXT, &[]);
}

#[divan::bench]
fn binary_decode(bencher: Bencher<'_, '_>) {
    decode(bencher, Parser::Default, BINARY, &[&ATTACHMENT]);
}

#[divan::bench]
fn binary_encode(bencher: Bencher<'_, '_>) {
    encode(bencher, Parser::Default, BINARY, &[&ATTACHMENT]);
}

#[divan::bench]
fn msgpack_decode(bencher: Bencher<'_, '_>) {
    decode(bencher, Parser::Msgpack, TEXT, &[]);
}

#[divan::bench]
fn msgpack_encode(bencher: Bencher<'_, '_>) {
    encode(bencher, Parser::Msgpack, TEXT, &[]);
}

fn frames() -> Vec<Frame> {
    (0..PACKETS).map(|_| Packet::Message(TEXT.into()).encode()).collect()
}

#[divan::bench]
fn payload_decode(bencher: Bencher<'_, '_>) {
    let Frame::Text(body) = payload::encode(Revision::V4, true, &frames()) else { panic!("no text") };
    bencher
        .with_inputs(|| Body::Text(body.to_string()))
        .bench_local_values(|body| Payload::new(Revision::V4, body).filter(Result::is_ok).count());
}

#[divan::bench]
fn payload_encode(bencher: Bencher<'_, '_>) {
    let frames = frames();
    bencher.bench_local(|| payload::encode(Revision::V4, true, black_box(&frames)));
}
