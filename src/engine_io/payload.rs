//! Several packets in one HTTP body (protocol, "HTTP long-polling"; P1).
//!
//! Revision 4 joins them by the record separator. Revision 3 puts the length before each: as text, counted in UTF-16 units,
//! `6:4hello`; or as bytes where the client can take them, `0` or `1` for text or binary, the length's digits as bytes, 255.

use std::borrow::Cow;

use super::Revision;
use super::packet::{Packet, ParseError, as_text, with_type};
use crate::outbox::Frame;

/// Stands between two packets.
const SEPARATOR: char = '\u{1e}';

/// The bytes that a length in a binary payload may have at most: more digits than any body has bytes.
const MAX_LENGTH_DIGITS: usize = 10;

/// Reads a body's packets one by one: what comes before a bad one has been delivered when the bad one is met, which is the
/// last (P8).
pub fn decode<'a>(revision: Revision, body: &'a Body<'a>) -> impl Iterator<Item = Result<Packet<'a>, ParseError>> {
    match (revision, body) {
        (Revision::V4, Body::Text(text)) => Packets::Joined(text.split(SEPARATOR)),
        (Revision::V3, Body::Text(text)) => Packets::Counted(text),
        // Revision 4 has no binary bodies; the handshake of a POST refuses them.
        (_, Body::Binary(bytes)) => Packets::Binary(bytes),
    }
}

/// What is left of a body.
enum Packets<'a> {
    /// Revision 4.
    Joined(std::str::Split<'a, char>),
    /// Revision 3, as text.
    Counted(&'a str),
    /// Revision 3, as bytes.
    Binary(&'a [u8]),
    /// A packet was bad, or the last one was read.
    Done,
}

impl<'a> Iterator for Packets<'a> {
    type Item = Result<Packet<'a>, ParseError>;

    fn next(&mut self) -> Option<Self::Item> {
        let (packet, rest) = match std::mem::replace(self, Self::Done) {
            Self::Joined(mut texts) => {
                let packet = Packet::decode(Revision::V4, texts.next()?);
                (packet, Some(Self::Joined(texts)))
            }
            Self::Counted(text) => {
                let mut taken = take_counted(text);
                // `0:` is how a client writes that it has nothing to send.
                while let Some(("", rest)) = taken {
                    if rest.is_empty() {
                        return None;
                    }
                    taken = take_counted(rest);
                }
                split(taken, |(packet, rest)| {
                    (Packet::decode(Revision::V3, packet), (!rest.is_empty()).then_some(Self::Counted(rest)))
                })
            }
            Self::Binary(bytes) => {
                split(take_binary(bytes), |(packet, rest)| (packet, (!rest.is_empty()).then_some(Self::Binary(rest))))
            }
            Self::Done => return None,
        };
        if packet.is_ok()
            && let Some(rest) = rest
        {
            *self = rest;
        }
        Some(packet)
    }
}

/// A POST's body.
#[derive(Debug)]
pub enum Body<'a> {
    /// What isn't UTF-8 is replaced, as the reference does.
    Text(Cow<'a, str>),
    /// Announced as `application/octet-stream`.
    Binary(&'a [u8]),
}

type Step<'a> = (Result<Packet<'a>, ParseError>, Option<Packets<'a>>);

fn split<'a, T>(taken: Option<T>, then: impl FnOnce(T) -> Step<'a>) -> Step<'a> {
    taken.map_or((Err(ParseError), None), then)
}

/// `<length>:<packet>`, the length in UTF-16 units.
fn take_counted(text: &str) -> Option<(&str, &str)> {
    let (length, rest) = text.split_once(':')?;
    if length.is_empty() || !length.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    let mut left: usize = length.parse().ok()?;
    for (index, c) in rest.char_indices() {
        if left == 0 {
            return Some(rest.split_at(index));
        }
        // A length that ends inside a surrogate pair is no length.
        left = left.checked_sub(c.len_utf16())?;
    }
    (left == 0).then_some((rest, ""))
}

/// `0|1`, the length's digits, 255, and the packet in as many bytes.
fn take_binary(bytes: &[u8]) -> Option<(Result<Packet<'_>, ParseError>, &[u8])> {
    let (kind, rest) = bytes.split_first()?;
    let end = rest.iter().take(MAX_LENGTH_DIGITS + 1).position(|b| *b == 255)?;
    let (digits, rest) = rest.split_at(end);
    let mut length: usize = 0;
    for digit in digits.iter().copied() {
        length = length.checked_mul(10)?.checked_add(usize::from(digit)).filter(|_| digit < 10)?;
    }
    let (packet, rest) = rest.get(1..)?.split_at_checked(length)?;
    let packet = match kind {
        0 => std::str::from_utf8(packet).map_err(|_| ParseError).and_then(|text| Packet::decode(Revision::V3, text)),
        1 => Packet::decode_binary(Revision::V3, packet),
        _ => Err(ParseError),
    };
    Some((packet, rest))
}

/// Writes packets as one body: text, or where a packet is binary, bytes for a client of revision 3 that takes them, which
/// is one that didn't ask for `base64`.
pub fn encode(revision: Revision, base64: bool, frames: &[Frame]) -> Frame {
    let any_binary = frames.iter().any(|frame| matches!(frame, Frame::Binary(_)));
    if revision == Revision::V3 && any_binary && !base64 {
        return Frame::Binary(encode_binary(frames).into());
    }
    let mut body = String::with_capacity(frames.iter().map(|frame| frame.len() + 8).sum());
    for (index, frame) in frames.iter().enumerate() {
        let packet = as_text(revision, frame);
        match revision {
            Revision::V3 => {
                body.push_str(&packet.encode_utf16().count().to_string());
                body.push(':');
            }
            Revision::V4 if index > 0 => body.push(SEPARATOR),
            Revision::V4 => {}
        }
        body.push_str(&packet);
    }
    Frame::Text(body.into())
}

fn encode_binary(frames: &[Frame]) -> Vec<u8> {
    let mut body = Vec::new();
    for frame in frames {
        let (kind, packet) = match frame {
            Frame::Text(text) => (0, Cow::Borrowed(text.as_bytes())),
            Frame::Binary(bytes) => (1, Cow::Owned(with_type(bytes))),
        };
        body.push(kind);
        body.extend(packet.len().to_string().bytes().map(|digit| digit - b'0'));
        body.push(255);
        body.extend_from_slice(&packet);
    }
    body
}

#[cfg(test)]
mod tests {
    use super::*;

    fn decode(revision: Revision, body: &Body<'_>) -> Vec<Result<String, ParseError>> {
        super::decode(revision, body).map(|packet| packet.map(|p| format!("{p:?}"))).collect()
    }

    fn both_ways(revision: Revision, base64: bool, body: &Body<'_>, packets: &[Packet<'_>]) {
        let expected: Vec<_> = packets.iter().map(|packet| Ok(format!("{packet:?}"))).collect();
        assert_eq!(decode(revision, body), expected, "{body:?}");
        let frames: Vec<_> = packets.iter().map(Packet::encode).collect();
        let encoded = match body {
            Body::Text(text) => Frame::Text(text.as_ref().into()),
            Body::Binary(bytes) => Frame::Binary((*bytes).into()),
        };
        assert_eq!(encode(revision, base64, &frames), encoded);
    }

    fn message(text: &str) -> Packet<'_> {
        Packet::Message(text.into())
    }

    #[test]
    fn p1_bodies_and_packets_match_both_ways() {
        let bytes = || Packet::Binary(vec![1, 2, 3].into());
        let table: [(&str, &str, &[Packet<'_>]); 4] = [
            ("4a", "2:4a", &[message("a")]),
            ("4a\u{1e}2\u{1e}4é", "2:4a1:22:4é", &[message("a"), Packet::Ping("".into()), message("é")]),
            ("4\u{1e}4😀", "1:43:4😀", &[message(""), message("😀")]),
            ("bAQID\u{1e}4x", "6:b4AQID2:4x", &[bytes(), message("x")]),
        ];
        for (v4, v3, packets) in table {
            both_ways(Revision::V4, false, &Body::Text(v4.into()), packets);
            both_ways(Revision::V3, true, &Body::Text(v3.into()), packets);
        }
    }

    #[test]
    fn revision_3_has_binary_bodies_too() {
        let body = [0, 6, 255, b'4', b'h', b'e', b'l', b'l', b'o', 1, 5, 255, 4, 1, 2, 3, 4];
        let packets = [message("hello"), Packet::Binary(vec![1, 2, 3, 4].into())];
        both_ways(Revision::V3, false, &Body::Binary(&body), &packets);
        let long = "x".repeat(120);
        let body = [&[0, 1, 2, 1, 255, b'4'], long.as_bytes(), &[1, 1, 255, 4]].concat();
        both_ways(Revision::V3, false, &Body::Binary(&body), &[message(&long), Packet::Binary(vec![].into())]);
    }

    #[test]
    fn p8_packets_before_a_bad_one_are_still_read() {
        let verdicts =
            |revision, body: &Body<'_>| -> Vec<bool> { decode(revision, body).iter().map(Result::is_ok).collect() };
        let table: [(&str, &[bool]); 3] =
            [("", &[false]), ("4a\u{1e}x\u{1e}4b", &[true, false]), ("4a\u{1e}", &[true, false])];
        for (body, expected) in table {
            assert_eq!(verdicts(Revision::V4, &Body::Text(body.into())), expected, "{body:?}");
        }
        let table: [(&str, &[bool]); 11] = [
            ("", &[false]),
            ("0:", &[]),
            ("0:2:4a0:0:", &[true]),
            ("abc", &[false]),
            ("2:4a2:", &[true, false]),
            ("2:4a3:4b", &[true, false]),
            (":4a", &[false]),
            ("+2:4a", &[false]),
            ("0:x", &[false]),
            ("2:4😀", &[false]),
            ("99999999999999999999:4a", &[false]),
        ];
        for (body, expected) in table {
            assert_eq!(verdicts(Revision::V3, &Body::Text(body.into())), expected, "{body:?}");
        }
        let table: [&[u8]; 7] =
            [&[], &[0], &[0, 1], &[0, 9, 255, b'4'], &[2, 1, 255, b'4'], &[0, 10, 255, b'4'], &[0, 1, 255, 200]];
        for body in table {
            assert_eq!(verdicts(Revision::V3, &Body::Binary(body)), [false], "{body:?}");
        }
        assert_eq!(verdicts(Revision::V3, &Body::Binary(&[0, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 255])), [false]);
    }
}
