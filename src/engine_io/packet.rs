//! One Engine.IO packet: a type digit and data, or a binary message (protocol, "Packet encoding").
//!
//! Revisions 3 and 4 have the same text packets. Their binary messages differ by the type, which revision 3 keeps: a first
//! byte `4`, or `b4` and base64.

use std::borrow::Cow;

use base64::Engine as _;
use base64::engine::DecodePaddingMode;
use base64::engine::general_purpose::{GeneralPurpose, GeneralPurposeConfig, STANDARD};

use super::protocol::Revision;
use crate::outbox::Frame;

/// An Engine.IO packet. Who may send which is the session's business.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Packet<'a> {
    /// `0`: the handshake, from the server.
    Open(Cow<'a, str>),
    /// `1`: the sender closes the session.
    Close,
    /// `2`: from the server as a heartbeat; with `probe` from a client that tries a WebSocket out.
    Ping(Cow<'a, str>),
    /// `3`: the answer to a ping, with the same data.
    Pong(Cow<'a, str>),
    /// `4`: a text message for the layer above.
    Message(Cow<'a, str>),
    /// A binary message for the layer above: a binary frame, or `b` and base64 where only text goes.
    Binary(Cow<'a, [u8]>),
    /// `5`: the client has moved to this WebSocket.
    Upgrade,
    /// `6`: nothing; it ends a pending poll.
    Noop,
}

/// A text that is no packet: empty, or of an unknown type.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ParseError;

/// As lenient about padding as Node's decoder.
const BASE64: GeneralPurpose = GeneralPurpose::new(
    &base64::alphabet::STANDARD,
    GeneralPurposeConfig::new()
        .with_decode_padding_mode(DecodePaddingMode::Indifferent)
        .with_decode_allow_trailing_bits(true),
);

impl<'a> Packet<'a> {
    /// Reads a text frame, or one packet of a payload (P1, W1).
    ///
    /// # Errors
    /// [`ParseError`] where the text is no packet (P8, W4).
    pub fn decode(revision: Revision, text: &'a str) -> Result<Self, ParseError> {
        let mut chars = text.chars();
        let kind = chars.next().ok_or(ParseError)?;
        let data = chars.as_str();
        Ok(match kind {
            '0' => Self::Open(data.into()),
            '1' => Self::Close,
            '2' => Self::Ping(data.into()),
            '3' => Self::Pong(data.into()),
            '4' => Self::Message(data.into()),
            '5' => Self::Upgrade,
            '6' => Self::Noop,
            'b' => {
                let data = match revision {
                    Revision::V3 => data.strip_prefix('4').ok_or(ParseError)?,
                    Revision::V4 => data,
                };
                Self::Binary(decode_base64(data).into())
            }
            _ => return Err(ParseError),
        })
    }

    /// Reads a binary frame, or one binary packet of a payload (W1).
    ///
    /// # Errors
    /// [`ParseError`] where revision 3 wants a message's type in front.
    pub fn decode_binary(revision: Revision, bytes: &'a [u8]) -> Result<Self, ParseError> {
        match (revision, bytes) {
            (Revision::V4, _) => Ok(Self::Binary(bytes.into())),
            (Revision::V3, [4, message @ ..]) => Ok(Self::Binary(message.into())),
            (Revision::V3, _) => Err(ParseError),
        }
    }

    /// The same packet, independent of the bytes that it was read from.
    pub fn into_owned(self) -> Packet<'static> {
        match self {
            Self::Open(data) => Packet::Open(data.into_owned().into()),
            Self::Close => Packet::Close,
            Self::Ping(data) => Packet::Ping(data.into_owned().into()),
            Self::Pong(data) => Packet::Pong(data.into_owned().into()),
            Self::Message(text) => Packet::Message(text.into_owned().into()),
            Self::Binary(bytes) => Packet::Binary(bytes.into_owned().into()),
            Self::Upgrade => Packet::Upgrade,
            Self::Noop => Packet::Noop,
        }
    }

    /// The packet as a frame: text, but for a binary message.
    pub fn encode(&self) -> Frame {
        let (kind, data): (_, &str) = match self {
            Self::Binary(bytes) => return Frame::Binary(bytes.as_ref().into()),
            Self::Open(data) => ('0', data),
            Self::Close => ('1', ""),
            Self::Ping(data) => ('2', data),
            Self::Pong(data) => ('3', data),
            Self::Message(data) => ('4', data),
            Self::Upgrade => ('5', ""),
            Self::Noop => ('6', ""),
        };
        let mut text = String::with_capacity(1 + data.len());
        text.push(kind);
        text.push_str(data);
        Frame::Text(text.into())
    }
}

/// Reads base64 as Node does (P1): up to the first `=`, with the letters of base64url too, and without whatever else stands in
/// between, as the line feeds of the Java client. Nothing is copied where there is nothing of that.
fn decode_base64(text: &str) -> Vec<u8> {
    BASE64.decode(text).unwrap_or_else(|_| {
        let letter = |b| match b {
            b'-' => Some(b'+'),
            b'_' => Some(b'/'),
            b'+' | b'/' => Some(b),
            _ => b.is_ascii_alphanumeric().then_some(b),
        };
        let mut letters: Vec<_> = text.bytes().take_while(|b| *b != b'=').filter_map(letter).collect();
        // One letter alone is less than a byte.
        if letters.len() % 4 == 1 {
            letters.pop();
        }
        BASE64.decode(letters).unwrap_or_default()
    })
}

/// A frame where only text goes: binary as `b` and base64 (P1, P13).
pub(super) fn as_text(revision: Revision, frame: &Frame) -> Cow<'_, str> {
    match frame {
        Frame::Text(packet) => Cow::Borrowed(packet),
        Frame::Binary(bytes) => {
            let mut text = String::from(match revision {
                Revision::V3 => "b4",
                Revision::V4 => "b",
            });
            STANDARD.encode_string(bytes, &mut text);
            Cow::Owned(text)
        }
    }
}

/// A binary message as revision 3 carries it: with its type in front.
pub(super) fn with_type(message: &[u8]) -> Vec<u8> {
    let mut packet = Vec::with_capacity(1 + message.len());
    packet.push(4);
    packet.extend_from_slice(message);
    packet
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_packet_has_one_text() {
        let table = [
            (r#"0{"sid":"x"}"#, Packet::Open(r#"{"sid":"x"}"#.into())),
            ("1", Packet::Close),
            ("2", Packet::Ping("".into())),
            ("2probe", Packet::Ping("probe".into())),
            ("3", Packet::Pong("".into())),
            ("3probe", Packet::Pong("probe".into())),
            ("4", Packet::Message("".into())),
            ("4hellö 😀", Packet::Message("hellö 😀".into())),
            ("5", Packet::Upgrade),
            ("6", Packet::Noop),
        ];
        for (text, packet) in table {
            for revision in [Revision::V3, Revision::V4] {
                assert_eq!(Packet::decode(revision, text).as_ref(), Ok(&packet));
            }
            assert_eq!(packet.encode(), Frame::Text(text.into()));
        }
    }

    #[test]
    fn p1_binary_is_b_and_base64_where_only_text_goes() {
        for (text, bytes) in [("b", &b""[..]), ("bAQID", &[1, 2, 3]), ("b/+8=", &[255, 239])] {
            let packet = Packet::Binary(bytes.into());
            assert_eq!(Packet::decode(Revision::V4, text).as_ref(), Ok(&packet));
            assert_eq!(as_text(Revision::V4, &packet.encode()), text);
            let with_type = text.replacen('b', "b4", 1);
            assert_eq!(Packet::decode(Revision::V3, &with_type).as_ref(), Ok(&packet));
            assert_eq!(as_text(Revision::V3, &packet.encode()), with_type);
        }
    }

    #[test]
    fn p1_base64_is_read_as_node_reads_it() {
        let table: [(&str, &[u8]); 22] = [
            ("AQID\n", &[1, 2, 3]),
            ("AQID\nBAUG\nBw==\n", &[1, 2, 3, 4, 5, 6, 7]),
            ("AQID\r\nBAUG\r\n", &[1, 2, 3, 4, 5, 6]),
            ("A Q\tI D", &[1, 2, 3]),
            ("AQ", &[1]),
            ("AQ=", &[1]),
            ("AQ===", &[1]),
            ("AQ==AQID", &[1]),
            ("AQI=D", &[1, 2]),
            ("A=Q=I=D=", &[]),
            ("====", &[]),
            ("A", &[]),
            ("A===", &[]),
            ("AQIDB", &[1, 2, 3]),
            ("AR", &[1]),
            ("AQJ", &[1, 2]),
            ("AQ-_", &[1, 15, 191]),
            ("AQ+/", &[1, 15, 191]),
            ("AQ-/", &[1, 15, 191]),
            ("AQ*ID,", &[1, 2, 3]),
            ("\0AQéID", &[1, 2, 3]),
            ("*", &[]),
        ];
        for (text, bytes) in table {
            let packet = Ok(Packet::Binary(bytes.into()));
            assert_eq!(Packet::decode(Revision::V4, &format!("b{text}")), packet, "{text:?}");
            assert_eq!(Packet::decode(Revision::V3, &format!("b4{text}")), packet, "{text:?}");
        }
    }

    #[test]
    fn p1_long_base64_in_lines_is_read_as_without_them() {
        for size in [56, 57, 58, 1_000, 100_000] {
            let bytes: Vec<_> = (0..=u8::MAX).cycle().take(size).collect();
            let lines: String = bytes.chunks(57).map(|line| STANDARD.encode(line) + "\n").collect();
            assert_eq!(decode_base64(&lines), bytes, "{size}");
        }
    }

    #[test]
    fn w1_a_binary_frame_is_a_message_which_revision_3_says_in_front() {
        let message = Packet::Binary([1, 2][..].into());
        assert_eq!(Packet::decode_binary(Revision::V4, &[1, 2]).as_ref(), Ok(&message));
        assert_eq!(Packet::decode_binary(Revision::V3, &with_type(&[1, 2])).as_ref(), Ok(&message));
        for bad in [&[][..], &[1, 2], &[b'4', 1]] {
            assert_eq!(Packet::decode_binary(Revision::V3, bad), Err(ParseError));
        }
    }

    #[test]
    fn w4_p8_anything_else_is_a_parse_error() {
        for text in ["", "7", "a", " 4", "é", "\u{1e}"] {
            assert_eq!(Packet::decode(Revision::V4, text), Err(ParseError), "{text:?}");
        }
        for text in ["bAQID", "b", "b5AQID"] {
            assert_eq!(Packet::decode(Revision::V3, text), Err(ParseError), "{text:?}");
        }
    }
}
