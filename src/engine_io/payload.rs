//! Several packets in one HTTP body, joined by the record separator (protocol, "HTTP long-polling"; P1).

use super::packet::{Packet, ParseError, push_as_text};
use crate::outbox::Frame;

/// Stands between two packets.
const SEPARATOR: char = '\u{1e}';

/// Reads a body packet by packet: what comes before a bad one has been delivered when the bad one is met (P8).
pub(super) fn decode(body: &str) -> impl Iterator<Item = Result<Packet<'_>, ParseError>> {
    body.split(SEPARATOR).map(Packet::decode)
}

/// Writes packets as one body.
pub(super) fn encode(frames: &[Frame]) -> String {
    let mut body = String::with_capacity(frames.iter().map(|frame| frame.len() + 1).sum());
    for (index, frame) in frames.iter().enumerate() {
        if index > 0 {
            body.push(SEPARATOR);
        }
        push_as_text(frame, &mut body);
    }
    body
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn p1_bodies_and_packets_match_both_ways() {
        let table: [(&str, &[Packet<'_>]); 4] = [
            ("4a", &[Packet::Message("a".into())]),
            ("4a\u{1e}2\u{1e}4é", &[Packet::Message("a".into()), Packet::Ping("".into()), Packet::Message("é".into())]),
            ("4\u{1e}4", &[Packet::Message("".into()), Packet::Message("".into())]),
            ("bAQID\u{1e}4x", &[Packet::Binary(vec![1, 2, 3].into()), Packet::Message("x".into())]),
        ];
        for (body, packets) in table {
            let decoded: Result<Vec<_>, _> = decode(body).collect();
            assert_eq!(decoded.as_deref(), Ok(packets));
            let frames: Vec<_> = packets.iter().map(Packet::encode).collect();
            assert_eq!(encode(&frames), body);
        }
    }

    #[test]
    fn p8_packets_before_a_bad_one_are_still_read() {
        for (body, verdicts) in
            [("", vec![false]), ("4a\u{1e}x\u{1e}4b", vec![true, false, true]), ("4a\u{1e}", vec![true, false])]
        {
            let read: Vec<_> = decode(body).map(|packet| packet.is_ok()).collect();
            assert_eq!(read, verdicts, "{body:?}");
        }
    }
}
