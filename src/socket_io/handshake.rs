//! What is known of a client from its first request.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::ids::Millis;
use crate::outbox::Request;

/// How many bytes of query and headers are kept at most: they stand beside each sleeping WebSocket, which has 16 KiB.
const MAX_BYTES: usize = 4_096;

/// The names in a query that are the protocol's own.
const PROTOCOL: [&str; 6] = ["EIO", "transport", "sid", "t", "b64", "j"];

/// What the first request of a client's connection said. It is kept as long as the connection.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Handshake {
    /// When it came.
    #[serde(rename = "t")]
    pub time: Millis,
    /// The client's address, as the platform tells; empty where it doesn't.
    #[serde(rename = "a", default, skip_serializing_if = "String::is_empty")]
    pub address: String,
    /// Whether it came over TLS.
    #[serde(rename = "s", default, skip_serializing_if = "std::ops::Not::not")]
    pub secure: bool,
    /// Whether a browser sent it that named an origin.
    #[serde(rename = "x", default, skip_serializing_if = "std::ops::Not::not")]
    pub xdomain: bool,
    /// The query, without what is the protocol's own. What is there twice counts the first time.
    #[serde(rename = "q", default, skip_serializing_if = "BTreeMap::is_empty")]
    pub query: BTreeMap<String, String>,
    /// The headers that the app wants kept, by their names as it spells them.
    #[serde(rename = "h", default, skip_serializing_if = "BTreeMap::is_empty")]
    pub headers: BTreeMap<String, String>,
}

impl Handshake {
    /// Takes from a request what is to be kept. Beyond 4,096 bytes, what is too much is left out.
    pub fn new(now: Millis, request: &Request<'_>, headers: &[&str]) -> Self {
        let mut room = MAX_BYTES;
        let mut take = |map: &mut BTreeMap<String, String>, name: &str, value: String| {
            let size = name.len() + value.len();
            if size <= room && !map.contains_key(name) {
                room -= size;
                map.insert(name.to_owned(), value);
            }
        };
        let mut handshake = Self {
            time: now,
            address: request.headers.get("cf-connecting-ip").unwrap_or_default(),
            secure: request.secure,
            xdomain: request.origin.is_some(),
            ..Self::default()
        };
        for name in headers {
            if let Some(value) = request.headers.get(name) {
                take(&mut handshake.headers, name, value);
            }
        }
        for (name, value) in form_urlencoded::parse(request.query.as_bytes()) {
            if !PROTOCOL.contains(&name.as_ref()) {
                take(&mut handshake.query, &name, value.into_owned());
            }
        }
        handshake
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::outbox::Headers;

    #[test]
    fn what_the_protocol_needs_and_what_is_too_much_is_left_out() {
        let lookup = |name: &str| match name {
            "user-agent" => Some("curl".to_owned()),
            "x-long" => Some("x".repeat(5_000)),
            _ => None,
        };
        let query = format!("EIO=4&transport=polling&t=1&room=tea&a=%20b&a=c&long={}", "y".repeat(5_000));
        let request = Request {
            query: &query,
            origin: Some("https://example.com"),
            headers: Headers::new(&lookup),
            ..Request::default()
        };
        let handshake = Handshake::new(Millis(7), &request, &["user-agent", "x-long", "x-none"]);
        let map = |pairs: &[(&str, &str)]| pairs.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect();
        let expected = Handshake {
            time: Millis(7),
            xdomain: true,
            query: map(&[("a", " b"), ("room", "tea")]),
            headers: map(&[("user-agent", "curl")]),
            ..Handshake::default()
        };
        assert_eq!(handshake, expected);
    }
}
