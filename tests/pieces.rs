//! Payloads fed whole and packet by packet have the same verdict, and a payload that is cut off gives no packet that isn't
//! whole. The input is pseudo-random, and the same in each run.

#![allow(clippy::expect_used, clippy::indexing_slicing, reason = "what goes wrong in here fails a test")]

mod support;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use roomcast::config::{Config, Parser};
use roomcast::engine_io::Revision;
use roomcast::engine_io::payload::{Body, Payload};
use support::{Random, Recorder, plain};

/// What stands in payloads, good and bad.
const PACKETS: [&str; 12] = ["4", "4hey", "4é😀", "2", "2probe", "3", "5", "6", "0{}", "4[1:2]", "7", "é"];

/// The forms that a payload has.
#[derive(Debug, Clone, Copy)]
enum Form {
    Joined,
    Counted,
    Bytes,
}

/// A random packet on its own, as it is in a payload of this form.
fn piece(form: Form, random: &mut Random) -> Vec<u8> {
    let binary: Vec<u8> = (0..random.below(9)).map(|_| random.next().to_be_bytes()[0]).collect();
    let base64 = STANDARD.encode(&binary);
    let text = match random.below(4) {
        0 if matches!(form, Form::Joined) => format!("b{base64}"),
        0 => format!("b4{base64}"),
        // Bad ones are rare, so that there is something before them.
        1 => PACKETS[random.below(PACKETS.len())].to_owned(),
        _ => PACKETS[random.below(PACKETS.len() - 2)].to_owned(),
    };
    match form {
        Form::Joined => text.into_bytes(),
        Form::Counted => format!("{}:{text}", text.encode_utf16().count()).into_bytes(),
        Form::Bytes => {
            let (kind, packet) =
                if random.below(2) == 0 { (1, [&[4][..], &binary].concat()) } else { (0, text.into_bytes()) };
            let digits: Vec<u8> = packet.len().to_string().bytes().map(|digit| digit - b'0').collect();
            [&[kind][..], &digits, &[255], &packet].concat()
        }
    }
}

/// The packets in a body, and whether all of it could be read.
fn read(form: Form, bytes: &[u8]) -> (Vec<String>, bool) {
    let (revision, body) = match form {
        Form::Joined => (Revision::V4, Body::new(bytes, false)),
        Form::Counted => (Revision::V3, Body::new(bytes, false)),
        Form::Bytes => (Revision::V3, Body::new(bytes, true)),
    };
    let mut packets = Vec::new();
    for packet in Payload::new(revision, body) {
        match packet {
            Ok(packet) => packets.push(format!("{packet:?}")),
            Err(_) => return (packets, false),
        }
    }
    (packets, true)
}

#[test]
fn p1_p8_a_payload_says_what_its_packets_say() {
    for (form, separator) in [(Form::Joined, "\u{1e}"), (Form::Counted, ""), (Form::Bytes, "")] {
        let (mut good, mut bad) = (0, 0);
        for seed in 1..=500 {
            let mut random = Random::new(seed);
            let pieces: Vec<_> = (0..=random.below(6)).map(|_| piece(form, &mut random)).collect();
            let mut expected = (Vec::new(), true);
            for piece in &pieces {
                let (packets, whole) = read(form, piece);
                assert!(packets.len() <= 1, "a piece is a packet");
                expected.0.extend(packets);
                expected.1 = whole;
                if !whole {
                    break;
                }
            }
            *(if expected.1 { &mut good } else { &mut bad }) += 1;
            assert_eq!(read(form, &pieces.join(separator.as_bytes())), expected, "{form:?}: {pieces:?}");
        }
        assert!(good > 50 && bad > 20, "{form:?}: {good} good, {bad} bad");
    }
}

/// Where lengths stand before packets, the end of a body is seen.
#[test]
fn p8_a_payload_that_is_cut_off_gives_the_packets_before_and_is_bad() {
    for form in [Form::Counted, Form::Bytes] {
        for seed in 1..=100 {
            let mut random = Random::new(seed);
            let pieces: Vec<_> = (0..4).map(|_| piece(form, &mut random)).filter(|piece| read(form, piece).1).collect();
            let body = pieces.concat();
            let (all, _) = read(form, &body);
            let mut ends = pieces.iter().scan(0, |end, piece| {
                *end += piece.len();
                Some(*end)
            });
            let ends: Vec<_> = ends.by_ref().collect();
            for cut in 0..body.len() {
                let before = ends.iter().filter(|end| **end <= cut).count();
                let whole = cut > 0 && ends.contains(&cut);
                assert_eq!(read(form, &body[..cut]), (all[..before].to_vec(), whole), "{form:?}: {body:?} up to {cut}");
            }
        }
    }
}

/// In MessagePack each packet is one message, so nothing is kept from one to the next.
#[test]
fn messagepack_has_the_same_verdict_together_and_one_by_one() {
    const MESSAGES: [&[u8]; 7] = [
        b"\x82\xa4type\0\xa3nsp\xa2/a",
        b"\x83\xa4type\x02\xa3nsp\xa1/\xa4data\x92\xa1a\xc4\x02xy",
        b"\x84\xa4type\x02\xa3nsp\xa1/\xa2id\x01\xa4data\x91\xa1b",
        b"\x84\xa4type\x03\xa3nsp\xa1/\xa2id\x01\xa4data\x90",
        b"\x83\xa4type\x02\xa3nsp\xa1/\xa4data\x91\xa1c",
        b"\x83\xa4type\x02\xa3nsp\xa1/\xa4data\x91\xa1",
        b"\x82\xa4type\x07\xa3nsp\xa1/",
    ];
    let packet = |message: &[u8]| format!("b{}", STANDARD.encode(message));
    let (mut survived, mut closed) = (0, 0);
    for seed in 1..=200 {
        let mut random = Random::new(seed);
        let mut packets = vec![packet(b"\x82\xa4type\0\xa3nsp\xa1/")];
        packets.extend((0..random.below(5)).map(|_| packet(MESSAGES[random.below(MESSAGES.len())])));
        let run = |payloads: &[String]| {
            let app = Recorder::default();
            let mut room = app.room(Config { parser: Parser::Msgpack, ..plain() });
            let sid = room.open_polling();
            payloads.iter().for_each(|payload| _ = room.post(&sid, payload));
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
