//! One Engine.IO 4 packet: a type digit and data, or a binary message (protocol, "Packet encoding").

use std::borrow::Cow;

use base64::Engine as _;
use base64::engine::DecodePaddingMode;
use base64::engine::general_purpose::{GeneralPurpose, GeneralPurposeConfig, STANDARD};

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

/// A text that is no packet: empty, of an unknown type, or `b` without base64 behind it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ParseError;

/// As lenient about padding as the clients' own decoders.
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
    pub fn decode(text: &'a str) -> Result<Self, ParseError> {
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
            'b' => Self::Binary(BASE64.decode(data).map_err(|_| ParseError)?.into()),
            _ => return Err(ParseError),
        })
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

/// Appends a frame to a text-only carrier: binary as `b` and base64 (P1).
pub(super) fn push_as_text(frame: &Frame, text: &mut String) {
    match frame {
        Frame::Text(packet) => text.push_str(packet),
        Frame::Binary(bytes) => {
            text.push('b');
            STANDARD.encode_string(bytes, text);
        }
    }
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
            assert_eq!(Packet::decode(text).as_ref(), Ok(&packet));
            assert_eq!(packet.encode(), Frame::Text(text.into()));
        }
    }

    #[test]
    fn p1_binary_is_b_and_base64_where_only_text_goes() {
        for (text, bytes) in [("b", &b""[..]), ("bAQID", &[1, 2, 3]), ("b/+8=", &[255, 239])] {
            let packet = Packet::Binary(bytes.into());
            assert_eq!(Packet::decode(text).as_ref(), Ok(&packet));
            let mut encoded = String::new();
            push_as_text(&packet.encode(), &mut encoded);
            assert_eq!(encoded, text);
        }
        assert_eq!(Packet::decode("bAQ"), Ok(Packet::Binary(vec![1].into())), "no padding");
    }

    #[test]
    fn w4_p8_anything_else_is_a_parse_error() {
        for text in ["", "7", "a", "b*", " 4", "é", "\u{1e}"] {
            assert_eq!(Packet::decode(text), Err(ParseError), "{text:?}");
        }
    }
}
