//! Every limit and interval of a room, with its unit, its default and the name of its setting.
//!
//! One table is all that there is of a setting: the field of [`Config`], its default, how it is read, and what
//! docs/settings.md says of it.

use crate::cors::{Allowed, Cors, parse_public};
use crate::env::{ConfigError, Env, Setting, SettingRow};
use crate::ids::Millis;
use crate::origin::Origin;

/// How Socket.IO packets are written. All clients of a deployment must use the same one.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Parser {
    /// Text, with attachments in messages of their own.
    #[default]
    Default,
    /// MessagePack, as `socket.io-msgpack-parser` has it.
    Msgpack,
}

/// The transports that are offered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Transports {
    /// HTTP long-polling.
    pub polling: bool,
    /// WebSocket.
    pub websocket: bool,
}

impl Transports {
    const BOTH: Self = Self { polling: true, websocket: true };
    const WORDS: &'static [(&'static str, Self)] = &[
        ("polling,websocket", Self::BOTH),
        ("websocket,polling", Self::BOTH),
        ("websocket", Self { polling: false, ..Self::BOTH }),
        ("polling", Self { websocket: false, ..Self::BOTH }),
    ];
}

impl Default for Transports {
    fn default() -> Self {
        Self::BOTH
    }
}

/// A client adds interval and timeout up and hands the sum to `setTimeout`, which takes 31 bits (HB4).
const MOST_MS: u64 = 1 << 30;
/// The largest WebSocket message that the runtime hands over.
const MOST_BYTES: u64 = 32 << 20;
/// The most WebSockets that the runtime lets an object hold.
const MOST_CONNECTIONS: u64 = 32_768;
/// More packets in a turn would hold up every room of the isolate.
const MOST_PACKETS: u64 = 10_000;
/// Each attachment is a frame of its own for each receiver.
const MOST_ATTACHMENTS: u64 = 1_000;
/// What an object's storage holds easily.
pub const MOST_ROWS: u64 = 10_000_000;
/// A tenth of what an object's storage holds.
const MOST_LOG_BYTES: u64 = 1 << 30;
/// A socket's rooms stand in one row, of at most 2 MB.
const MOST_ROOMS: u64 = 10_000;
/// A connection's namespaces stand in one row, of at most 2 MB.
const MOST_NAMESPACES: u64 = 1_000;
/// A request that waits takes memory, and a row.
const MOST_FETCHES: u64 = 10_000;
/// Names stand in rows too, and in each packet.
const MOST_NAME_BYTES: u64 = 1_024;

/// Makes [`Config`] of a table: a field, its type, the [`Setting`] that it is read from, and as docs what it is for.
macro_rules! settings {
    ($($(#[doc = $about:literal])+ $field:ident: $type:ty = $kind:ident($name:literal, $($rest:expr),+);)+) => {
        /// The settings of a room. The defaults are the reference's (H6), but for `ping_timeout`.
        #[derive(Debug, Clone, PartialEq, Eq)]
        pub struct Config {
            $(#[doc = concat!("`", $name, "`:")] $(#[doc = $about])+ pub $field: $type,)+
        }

        impl Default for Config {
            fn default() -> Self {
                Self { $($field: Setting::<$type>::$kind($name, $($rest),+).default(),)+ }
            }
        }

        impl Config {
            /// Reads the settings, each by itself.
            fn read_each(env: &Env) -> Result<Self, ConfigError> {
                let mut wrong = None;
                let config = Self { $($field: value(env, &Setting::<$type>::$kind($name, $($rest),+), &mut wrong),)+ };
                wrong.map_or(Ok(config), Err)
            }

            /// The settings as documentation shows them.
            pub fn rows() -> Vec<SettingRow> {
                vec![$(Setting::<$type>::$kind($name, $($rest),+).about(concat!($($about),+)).row(),)+]
            }
        }
    };
}

settings! {
    /// How often the server pings each client, in ms (HB1).
    ping_interval: Millis = millis("PING_INTERVAL_MS", 25_000, 1..=MOST_MS);
    /// How long a client may take to answer a ping before it counts as gone, in ms. 60 s, not the reference's 20 s: the
    /// alarm that sends the next ping may be up to a minute late, and the client waits for it as long as this (HB4).
    ping_timeout: Millis = millis("PING_TIMEOUT_MS", 60_000, 1..=MOST_MS);
    /// How long an upgrade from polling to WebSocket may take, in ms (U6).
    upgrade_timeout: Millis = millis("UPGRADE_TIMEOUT_MS", 10_000, 1..=MOST_MS);
    /// How long a connection may stay without joining a namespace, in ms (C7).
    connect_timeout: Millis = millis("CONNECT_TIMEOUT_MS", 45_000, 1..=MOST_MS);
    /// How long a polling session that the server closes is kept for the GET that will be told, in ms (P11).
    close_timeout: Millis = millis("CLOSE_TIMEOUT_MS", 30_000, 1..=MOST_MS);
    /// How long the body of a POST may take to arrive, in ms; after that it is answered and its session ends.
    body_timeout: Millis = millis("BODY_TIMEOUT_MS", 30_000, 1..=MOST_MS);
    /// How long clients may take to answer an event of the app's, in ms, unless it says otherwise.
    ack_timeout: Millis = millis("ACK_TIMEOUT_MS", 30_000, 1..=MOST_MS);
    /// The largest POST body and the largest WebSocket frame, in bytes (413, W2).
    max_payload: usize = size("MAX_PAYLOAD_BYTES", 1_000_000, 1..=MOST_BYTES);
    /// How many bytes a client may leave unread, on a WebSocket or for its next GET, before it is closed. Who has missed more
    /// than half of it isn't recovered.
    max_buffered: usize = size("MAX_BUFFERED_BYTES", 4_000_000, 1..=MOST_BYTES);
    /// How many bytes all clients of a room together may leave unread before those who leave most are closed; they come back
    /// and recover. An isolate has 128 MB, which several rooms share.
    max_room_buffered: usize = size("MAX_ROOM_BUFFERED_BYTES", 32_000_000, 1..=MOST_BYTES);
    /// How many packets of a POST are handled at a time; the rest waits until others had their turn. Packets without a
    /// message are hardly counted.
    max_turn_packets: usize = size("MAX_TURN_PACKETS", 64, 1..=MOST_PACKETS);
    /// How many sessions a room holds; the next one is refused with 403. The runtime itself takes 32,768 WebSockets an object.
    max_connections: usize = size("MAX_CONNECTIONS", 10_000, 1..=MOST_CONNECTIONS);
    /// Whether clients of Engine.IO 3, which Socket.IO 2 has, are let in (R3).
    allow_eio3: bool = flag("ALLOW_EIO3", false);
    /// Which transports are offered; any other is refused with 400 and code 0. Who polls keeps the room awake. With `websocket`
    /// alone, clients must begin by WebSocket: `transports: ["websocket"]`.
    transports: Transports = choice("TRANSPORTS", Transports::WORDS);
    /// The name of a cookie that tells a polling client's session id, for load balancers in front; or none (H7).
    cookie: Option<String> = text("COOKIE", "the name of a cookie, or empty", parse_cookie);
    /// Whose pages may connect, besides the server's own (1.8): origins, those below a host as `https://*.example.com`, all ports
    /// as `http://localhost:*`. Programs that are no browsers send no origin and are always let in.
    cors_origin: Allowed = list("CORS_ORIGIN", "empty, '*', or origins such as https://example.com", Allowed::parse);
    /// Whether these pages may send cookies and authorization with their requests, as clients with `withCredentials` do. Not
    /// with `CORS_ORIGIN = "*"`: browsers refuse the two together.
    cors_credentials: bool = flag("CORS_CREDENTIALS", false);
    /// The origins that people see in their address bar, where a proxy in front passes on another `Host`: the pages of these are
    /// the server's own.
    public_origin: Vec<Origin> = list("PUBLIC_ORIGIN", "empty, or origins such as https://example.com", parse_public);
    /// How many attachments an event or an ack of a client may have (E7). MessagePack has none: there bytes stand in the
    /// packet.
    max_attachments: usize = size("MAX_ATTACHMENTS", 10, 1..=MOST_ATTACHMENTS);
    /// How Socket.IO packets are written: `msgpack` for clients with `socket.io-msgpack-parser`.
    parser: Parser = choice("PARSER", &[("default", Parser::Default), ("msgpack", Parser::Msgpack)]);
    /// How long a client may be gone and still come back to its socket and to what it missed, in ms (1.11); 0 for never.
    recovery: Millis = millis("RECOVERY_MS", 120_000, 0..=MOST_MS);
    /// How long an event is kept for those who may have missed it, in ms; at least as long as anybody may have.
    log_max_age: Millis = millis("LOG_MAX_AGE_MS", 600_000, 1..=MOST_MS);
    /// How many events are kept for those who may have missed them, and up to an eighth more; who missed one that was dropped
    /// starts anew.
    log_max_events: u64 = number("LOG_MAX_EVENTS", 10_000, 1..=MOST_ROWS);
    /// How many bytes these events have at most, and up to an eighth more; one event alone may have more.
    log_max_bytes: u64 = number("LOG_MAX_BYTES", 32_000_000, 1..=MOST_LOG_BYTES);
    /// How many missed events a client gets when it comes back; who missed more starts anew.
    max_replayed_events: usize = size("MAX_REPLAYED_EVENTS", 5_000, 1..=MOST_ROWS);
    /// How many sockets are kept for clients that are gone; beyond it, the one gone longest expires.
    max_away_sockets: usize = size("MAX_AWAY_SOCKETS", 10_000, 1..=MOST_ROWS);
    /// How many rooms a socket may be in, besides that of its own id; the app can't put it into more.
    max_rooms_per_socket: usize = size("MAX_ROOMS_PER_SOCKET", 1_000, 1..=MOST_ROOMS);
    /// How many namespaces a connection may join; the next one is refused with CONNECT_ERROR.
    max_namespaces: usize = size("MAX_NAMESPACES", 100, 1..=MOST_NAMESPACES);
    /// How many bytes of UTF-8 the name of a namespace, a room or a client's event may have. A longer one is refused: by
    /// CONNECT_ERROR, by a warning to the operator, by `{code: "name_too_long", message}`.
    max_name_bytes: usize = size("MAX_NAME_BYTES", 256, 1..=MOST_NAME_BYTES);
    /// How many requests of the app's to other servers may wait for their answers, in one room.
    max_fetches: usize = size("MAX_FETCHES", 100, 1..=MOST_FETCHES);
    /// How long another server may take to answer, in ms, unless the app says otherwise.
    fetch_timeout: Millis = millis("FETCH_TIMEOUT_MS", 10_000, 1..=MOST_MS);
    /// How many bytes the body of another server's answer may have, unless the app says otherwise.
    max_fetch_bytes: usize = size("MAX_FETCH_BYTES", 1_000_000, 1..=MOST_BYTES);
    /// Whether the room counts what it does, and shows it at `/r/<room>/debug`. Counting costs a write an event.
    debug: bool = flag("DEBUG", false);
}

impl Config {
    /// Reads the settings.
    ///
    /// # Errors
    /// [`ConfigError`] for the first setting that isn't what it must be.
    pub fn read(env: &Env) -> Result<Self, ConfigError> {
        let config = Self::read_each(env)?;
        if config.cors_credentials && config.cors_origin == Allowed::Any {
            let wanted = "false where CORS_ORIGIN is '*': it needs a list of origins";
            return Err(ConfigError::new("CORS_CREDENTIALS", wanted, "true"));
        }
        Ok(config)
    }

    /// Whose pages may connect.
    pub fn cors(&self) -> Cors<'_> {
        Cors { allowed: &self.cors_origin, credentials: self.cors_credentials, public: &self.public_origin }
    }

    /// From this interval on the runtime answers pongs by itself and the object sleeps through them. Below it, a room
    /// has no time to fall asleep between two pings, and each pong is delivered.
    const ABSORB_PONGS_FROM: Millis = Millis(1_000);

    /// How long an event is kept at least: until nobody can come back any more who may have missed it. A client may be
    /// gone for two intervals and the timeout before that is noticed, and one interval before that it was heard of last.
    pub fn log_age(&self) -> Millis {
        let unnoticed = Millis(3 * self.ping_interval.0) + self.ping_timeout;
        self.log_max_age.max(self.recovery + unnoticed)
    }

    /// Whether the runtime answers the clients' pongs in the object's stead, so that they don't wake it.
    pub fn absorbs_pongs(&self) -> bool {
        self.ping_interval >= Self::ABSORB_PONGS_FROM
    }
}

/// The value of a setting, unless one before it is `wrong`: then none is read any more. Leaving [`Config::read_each`] at each
/// setting would make it three times as long.
fn value<T: Clone + Default>(env: &Env, setting: &Setting<T>, wrong: &mut Option<ConfigError>) -> T {
    if wrong.is_some() {
        return T::default();
    }
    env.get(setting).unwrap_or_else(|error| {
        *wrong = Some(error);
        T::default()
    })
}

/// The name of a cookie, or none.
fn parse_cookie(text: &str) -> Option<Option<String>> {
    let name = (!text.is_empty()).then(|| text.to_owned());
    is_token(text).then_some(name)
}

/// Whether a text may name a cookie (RFC 6265 §4.1.1, RFC 9110 §5.6.2).
fn is_token(text: &str) -> bool {
    text.bytes().all(|b| b.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&b))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(settings: &[(&'static str, &'static str)]) -> Result<Config, ConfigError> {
        let settings = settings.to_vec();
        Config::read(&Env::new("tea", move |name| {
            let found = settings.iter().find(|(n, _)| *n == name);
            found.map(|(_, value)| (*value).to_owned())
        }))
    }

    #[test]
    fn h6_what_is_not_set_has_the_documented_default() {
        assert_eq!(read(&[]), Ok(Config::default()));
        let config = read(&[("PING_INTERVAL_MS", "300"), ("MAX_PAYLOAD_BYTES", " 64 ")]);
        let expected = Config { ping_interval: Millis(300), max_payload: 64, ..Config::default() };
        assert_eq!(config, Ok(expected));
    }

    #[test]
    fn a_setting_that_does_not_parse_is_named() {
        for bad in ["", "abc", "-1", "1.5", "0", "99999999999", "25s"] {
            let error = read(&[("UPGRADE_TIMEOUT_MS", bad)]).map_err(|e| e.to_string());
            let sentence = format!(
                "The setting UPGRADE_TIMEOUT_MS must be a whole number from 1 to 1073741824, but it is {bad:?}."
            );
            assert_eq!(error, Err(sentence));
        }
        let error = |name, value| read(&[(name, value)]).map_err(|e| e.to_string()).err();
        for bad in ["websockets", "webtransport", "polling websocket", "polling,polling"] {
            assert!(error("TRANSPORTS", bad).is_some_and(|sentence| sentence.contains("TRANSPORTS")), "{bad}");
        }
        let sentence = r#"The setting ALLOW_EIO3 must be false or true, but it is "yes"."#;
        assert_eq!(error("ALLOW_EIO3", "yes").as_deref(), Some(sentence));
        for (name, bad) in [("COOKIE", "a b"), ("COOKIE", "a;b"), ("CORS_ORIGIN", "example.com")] {
            assert!(error(name, bad).is_some_and(|sentence| sentence.contains(name)), "{name}={bad}");
        }
    }

    #[test]
    fn credentials_need_a_list_of_origins() {
        let all = read(&[("CORS_ORIGIN", "*"), ("CORS_CREDENTIALS", "true")]).map_err(|error| error.to_string());
        let sentence = "The setting CORS_CREDENTIALS must be false where CORS_ORIGIN is '*': it needs a list of origins, \
                        but it is \"true\".";
        assert_eq!(all, Err(sentence.to_owned()));
        let listed = read(&[("CORS_ORIGIN", "https://a.example"), ("CORS_CREDENTIALS", "true")]).unwrap();
        assert!(listed.cors().credentials);
    }

    #[test]
    fn transports_are_read_in_either_order() {
        let transports =
            |text| read(&[("TRANSPORTS", text)]).map(|config| (config.transports.polling, config.transports.websocket));
        for both in ["", "polling,websocket", "websocket,polling"] {
            assert_eq!(transports(both), Ok((true, true)), "{both:?}");
        }
        assert_eq!((transports("websocket"), transports(" polling ")), (Ok((false, true)), Ok((true, false))));
    }

    #[test]
    fn words_and_names_are_read() {
        let config = read(&[("ALLOW_EIO3", "true"), ("COOKIE", "io"), ("CORS_ORIGIN", "*"), ("PARSER", "msgpack")]);
        let expected = Config {
            allow_eio3: true,
            cookie: Some("io".to_owned()),
            cors_origin: Allowed::Any,
            parser: Parser::Msgpack,
            ..Config::default()
        };
        assert_eq!(config, Ok(expected));
    }
}
