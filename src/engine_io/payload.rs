//! Several packets in one HTTP body (protocol, "HTTP long-polling"; P1).
//!
//! Revision 4 joins them by the record separator. Revision 3 puts the length before each: as text, counted in UTF-16 units,
//! `6:4hello`; or as bytes where the client can take them, `0` or `1` for text or binary, the length's digits as bytes, 255.

use std::borrow::Cow;

use super::packet::{Packet, ParseError, as_text, with_type};
use super::protocol::Revision;
use crate::outbox::Frame;

/// Stands between two packets.
const SEPARATOR: char = '\u{1e}';

/// The bytes that a length in a binary payload may have at most: more digits than any body has bytes.
const MAX_LENGTH_DIGITS: usize = 10;

/// The packets of a body, read one at a time: those before a bad one have been delivered when the bad one is met, and it is
/// the last (P8). The rest of a long body can wait for a later turn.
#[derive(Debug)]
pub struct Payload {
    revision: Revision,
    body: Body,
    /// Where the next packet begins; `None` once the last one was read.
    at: Option<usize>,
}

/// A POST's body.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Body {
    /// Invalid UTF-8 is replaced, as by the reference.
    Text(String),
    /// Announced as `application/octet-stream`; only revision 3 has it.
    Binary(Vec<u8>),
}

impl Body {
    /// The body of a POST, as its content type announced it.
    pub fn new(bytes: &[u8], binary: bool) -> Self {
        if binary { Self::Binary(bytes.to_vec()) } else { Self::Text(String::from_utf8_lossy(bytes).into_owned()) }
    }
}

impl Payload {
    /// The packets of this body.
    pub fn new(revision: Revision, body: Body) -> Self {
        Self { revision, body, at: Some(0) }
    }

    /// Whether the last packet was read.
    pub(super) fn is_done(&self) -> bool {
        self.at.is_none()
    }

    /// Reads the packet at the front of `rest`; gives what is left behind it.
    fn step_text(revision: Revision, rest: &str) -> Option<Step<'_, str>> {
        if revision == Revision::V4 {
            let (packet, rest) = rest.split_once(SEPARATOR).map_or((rest, None), |(packet, rest)| (packet, Some(rest)));
            return Some((Packet::decode(revision, packet), rest));
        }
        let mut taken = take_counted(rest);
        // `0:` is how a client writes that it has nothing to send.
        while let Some(("", rest)) = taken {
            if rest.is_empty() {
                return None;
            }
            taken = take_counted(rest);
        }
        Some(match taken {
            Some((packet, rest)) => (Packet::decode(revision, packet), (!rest.is_empty()).then_some(rest)),
            None => (Err(ParseError), None),
        })
    }

    fn step_binary(rest: &[u8]) -> Step<'_, [u8]> {
        match take_binary(rest) {
            Some((packet, rest)) => (packet, (!rest.is_empty()).then_some(rest)),
            None => (Err(ParseError), None),
        }
    }
}

/// A packet, and what is left of the body.
type Step<'a, T> = (Result<Packet<'a>, ParseError>, Option<&'a T>);

impl Iterator for Payload {
    type Item = Result<Packet<'static>, ParseError>;

    fn next(&mut self) -> Option<Self::Item> {
        let at = self.at.take()?;
        let (packet, left) = match &self.body {
            Body::Text(text) => {
                let (packet, rest) = Self::step_text(self.revision, text.get(at..)?)?;
                (packet, rest.map(|rest| text.len() - rest.len()))
            }
            Body::Binary(bytes) => {
                let (packet, rest) = Self::step_binary(bytes.get(at..)?);
                (packet, rest.map(|rest| bytes.len() - rest.len()))
            }
        };
        // Nothing is read behind a bad packet.
        self.at = left.filter(|_| packet.is_ok());
        Some(packet.map(Packet::into_owned))
    }
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

    fn decode(revision: Revision, body: &Body) -> Vec<Result<String, ParseError>> {
        Payload::new(revision, body.clone()).map(|packet| packet.map(|p| format!("{p:?}"))).collect()
    }

    fn both_ways(revision: Revision, base64: bool, body: &Body, packets: &[Packet<'_>]) {
        let expected: Vec<_> = packets.iter().map(|packet| Ok(format!("{packet:?}"))).collect();
        assert_eq!(decode(revision, body), expected, "{body:?}");
        let frames: Vec<_> = packets.iter().map(Packet::encode).collect();
        let encoded = match body {
            Body::Text(text) => Frame::Text(text.as_str().into()),
            Body::Binary(bytes) => Frame::Binary(bytes.as_slice().into()),
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
        both_ways(Revision::V3, false, &Body::Binary(body.to_vec()), &packets);
        let long = "x".repeat(120);
        let body = [&[0, 1, 2, 1, 255, b'4'], long.as_bytes(), &[1, 1, 255, 4]].concat();
        both_ways(Revision::V3, false, &Body::Binary(body.to_vec()), &[message(&long), Packet::Binary(vec![].into())]);
    }

    #[test]
    fn p8_packets_before_a_bad_one_are_still_read() {
        let verdicts =
            |revision, body: &Body| -> Vec<bool> { decode(revision, body).iter().map(Result::is_ok).collect() };
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
            assert_eq!(verdicts(Revision::V3, &Body::Binary(body.to_vec())), [false], "{body:?}");
        }
        assert_eq!(verdicts(Revision::V3, &Body::Binary(vec![0, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 255])), [false]);
    }
}
