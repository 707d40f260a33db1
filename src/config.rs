//! Every limit and interval of a room, with its unit, its default and the name of its setting.

use std::fmt;

use crate::cors::Cors;
use crate::ids::Millis;

/// What a deployment runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AppKind {
    /// The chat.
    Chat,
    /// What the reference's public protocol suites expect; only in builds with the feature of that name.
    #[cfg(feature = "conformance")]
    Conformance,
    /// The same, as an app that turns recovery off.
    #[cfg(feature = "conformance")]
    ConformanceWithoutRecovery,
    /// An example: sends back what it is sent.
    Echo,
    /// An example: the chat of tutorials.
    Tutorial,
    /// An example: numbers that change each second.
    Dashboard,
    /// An example: a game with moving dots.
    Game,
    /// An example: a picture that everybody draws on.
    Whiteboard,
}

/// What `APP` may be in this build.
const APPS: &[(&str, AppKind)] = &[
    ("chat", AppKind::Chat),
    ("echo", AppKind::Echo),
    ("tutorial", AppKind::Tutorial),
    ("dashboard", AppKind::Dashboard),
    ("game", AppKind::Game),
    ("whiteboard", AppKind::Whiteboard),
    #[cfg(feature = "conformance")]
    ("conformance", AppKind::Conformance),
    #[cfg(feature = "conformance")]
    ("conformance-without-recovery", AppKind::ConformanceWithoutRecovery),
];

/// How Socket.IO packets are written. All clients of a deployment must use the same one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Parser {
    /// Text, with attachments in messages of their own.
    Default,
    /// MessagePack, as `socket.io-msgpack-parser` has it.
    Msgpack,
}

/// The settings of a room. The defaults are the reference's (H6), but for `ping_timeout`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Config {
    /// `PING_INTERVAL_MS`: how often the server pings each client (HB1).
    pub ping_interval: Millis,
    /// `PING_TIMEOUT_MS`: how long a client may take to answer a ping before it counts as gone. 60 s, not the
    /// reference's 20 s: the alarm that sends the next ping may be up to a minute late, and the client waits for it as
    /// long as this (HB4).
    pub ping_timeout: Millis,
    /// `UPGRADE_TIMEOUT_MS`: how long an upgrade from polling to WebSocket may take (U6).
    pub upgrade_timeout: Millis,
    /// `CONNECT_TIMEOUT_MS`: how long a connection may stay without joining a namespace (C7).
    pub connect_timeout: Millis,
    /// `CLOSE_TIMEOUT_MS`: how long a polling session that the server closes is kept for the GET that will be told (P11).
    pub close_timeout: Millis,
    /// `BODY_TIMEOUT_MS`: how long the body of a POST may take to arrive; after that it is answered and its session ends.
    pub body_timeout: Millis,
    /// `ACK_TIMEOUT_MS`: how long clients may take to answer an event of the app's, unless it says otherwise.
    pub ack_timeout: Millis,
    /// `MAX_PAYLOAD_BYTES`: the largest POST body and the largest WebSocket frame (413, W2).
    pub max_payload: usize,
    /// `MAX_BUFFERED_BYTES`: how much a client may leave unread, on a WebSocket or for its next GET, before it is closed. Who
    /// has missed more than half of it isn't recovered.
    pub max_buffered: usize,
    /// `MAX_ROOM_BUFFERED_BYTES`: how much all clients of a room together may leave unread before those who leave most are
    /// closed. An isolate has 128 MB, which several rooms share.
    pub max_room_buffered: usize,
    /// `MAX_TURN_PACKETS`: how many packets of a POST are handled at a time; the rest waits until others had their turn. Packets
    /// without a message are hardly counted.
    pub max_turn_packets: usize,
    /// `MAX_CONNECTIONS`: how many sessions a room holds; the runtime itself takes 32,768 WebSockets an object.
    pub max_connections: usize,
    /// `ALLOW_EIO3`: whether clients of Engine.IO 3, which Socket.IO 2 has, are let in (R3).
    pub allow_eio3: bool,
    /// `COOKIE`: the name of a cookie that tells a polling client's session id, for load balancers in front; or none (H7).
    pub cookie: Option<String>,
    /// `CORS_ORIGIN`: whose pages may connect, besides those of the room's own origin (1.8).
    pub cors: Cors,
    /// `APP`: what runs in the rooms.
    pub app: AppKind,
    /// `MAX_ATTACHMENTS`: how many attachments an event or an ack of a client may have (E7). MessagePack has none: there
    /// bytes stand in the packet.
    pub max_attachments: usize,
    /// `PARSER`: how Socket.IO packets are written.
    pub parser: Parser,
    /// `RECOVERY_MS`: how long a client may be gone and still come back to its socket (1.11); 0 where none ever does.
    pub recovery: Millis,
    /// `LOG_MAX_AGE_MS`: how long an event is kept for those who may have missed it; see [`log_age`](Self::log_age).
    pub log_max_age: Millis,
    /// `LOG_MAX_EVENTS`: how many events are kept for those who may have missed them, and up to an eighth more.
    pub log_max_events: u64,
    /// `LOG_MAX_BYTES`: how many bytes these events have at most, and up to an eighth more.
    pub log_max_bytes: u64,
    /// `MAX_REPLAYED_EVENTS`: how many missed events a client gets when it comes back; who missed more starts anew.
    pub max_replayed_events: usize,
    /// `MAX_AWAY_SOCKETS`: how many sockets are kept for clients that are gone; beyond it, the one gone longest expires.
    pub max_away_sockets: usize,
    /// `MAX_ROOMS_PER_SOCKET`: how many rooms a socket may be in, besides that of its own id.
    pub max_rooms_per_socket: usize,
    /// `MAX_NAMESPACES`: how many namespaces a connection may join.
    pub max_namespaces: usize,
    /// `MAX_NAME_BYTES`: how many bytes of UTF-8 the name of a namespace, a room or a client's event may have.
    pub max_name_bytes: usize,
    /// `HISTORY_MESSAGES`: how many messages the chat keeps in a room.
    pub history_messages: u64,
    /// `DEBUG`: whether the room counts what it does, and shows it at `/r/<room>/debug`. Counting costs a write an event.
    pub debug: bool,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            ping_interval: Millis(25_000),
            ping_timeout: Millis(60_000),
            upgrade_timeout: Millis(10_000),
            connect_timeout: Millis(45_000),
            close_timeout: Millis(30_000),
            body_timeout: Millis(30_000),
            ack_timeout: Millis(30_000),
            max_payload: 1_000_000,
            max_buffered: 4_000_000,
            max_room_buffered: 32_000_000,
            max_turn_packets: 64,
            max_connections: 10_000,
            allow_eio3: false,
            cookie: None,
            cors: Cors::Off,
            app: AppKind::Chat,
            max_attachments: 10,
            parser: Parser::Default,
            recovery: Millis(120_000),
            log_max_age: Millis(600_000),
            log_max_events: 10_000,
            log_max_bytes: 32_000_000,
            max_replayed_events: 5_000,
            max_away_sockets: 10_000,
            max_rooms_per_socket: 1_000,
            max_namespaces: 100,
            max_name_bytes: 256,
            history_messages: 10_000,
            debug: false,
        }
    }
}

/// A setting that can't be used; its `Display` names the setting and says what it wants.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConfigError {
    name: &'static str,
    wanted: String,
    value: String,
}

impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "The setting {} must be {}, but it is {:?}.", self.name, self.wanted, self.value)
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
const MOST_ROWS: u64 = 10_000_000;
/// A tenth of what an object's storage holds.
const MOST_LOG_BYTES: u64 = 1 << 30;
/// A socket's rooms stand in one row, of at most 2 MB.
const MOST_ROOMS: u64 = 10_000;
/// A connection's namespaces stand in one row, of at most 2 MB.
const MOST_NAMESPACES: u64 = 1_000;
/// Names stand in rows too, and in each packet.
const MOST_NAME_BYTES: u64 = 1_024;

impl Config {
    /// From this interval on the runtime answers pongs by itself and the object sleeps through them. Below it, a room
    /// has no time to fall asleep between two pings, and each pong is delivered.
    const ABSORB_PONGS_FROM: Millis = Millis(1_000);

    /// Reads the settings; `lookup` gives the value of a setting by its name, and what it doesn't know has its default.
    ///
    /// # Errors
    /// [`ConfigError`] for the first setting that isn't what it must be.
    pub fn parse(lookup: impl Fn(&str) -> Option<String>) -> Result<Self, ConfigError> {
        let settings = Settings { lookup };
        let default = Self::default();
        Ok(Self {
            ping_interval: settings.millis("PING_INTERVAL_MS", default.ping_interval)?,
            ping_timeout: settings.millis("PING_TIMEOUT_MS", default.ping_timeout)?,
            upgrade_timeout: settings.millis("UPGRADE_TIMEOUT_MS", default.upgrade_timeout)?,
            connect_timeout: settings.millis("CONNECT_TIMEOUT_MS", default.connect_timeout)?,
            close_timeout: settings.millis("CLOSE_TIMEOUT_MS", default.close_timeout)?,
            body_timeout: settings.millis("BODY_TIMEOUT_MS", default.body_timeout)?,
            ack_timeout: settings.millis("ACK_TIMEOUT_MS", default.ack_timeout)?,
            max_payload: settings.size("MAX_PAYLOAD_BYTES", default.max_payload, MOST_BYTES)?,
            max_buffered: settings.size("MAX_BUFFERED_BYTES", default.max_buffered, MOST_BYTES)?,
            max_room_buffered: settings.size("MAX_ROOM_BUFFERED_BYTES", default.max_room_buffered, MOST_BYTES)?,
            max_turn_packets: settings.size("MAX_TURN_PACKETS", default.max_turn_packets, MOST_PACKETS)?,
            max_connections: settings.size("MAX_CONNECTIONS", default.max_connections, MOST_CONNECTIONS)?,
            allow_eio3: settings.choice("ALLOW_EIO3", &[("false", false), ("true", true)])?,
            cookie: settings.read("COOKIE", "the name of a cookie, or empty", |value| match value {
                "" => Some(None),
                name => is_token(name).then(|| Some(name.to_owned())),
            })?,
            cors: settings.read("CORS_ORIGIN", "empty, '*', or origins such as https://example.com", Cors::parse)?,
            max_attachments: settings.size("MAX_ATTACHMENTS", default.max_attachments, MOST_ATTACHMENTS)?,
            parser: settings.choice("PARSER", &[("default", Parser::Default), ("msgpack", Parser::Msgpack)])?,
            app: settings.choice("APP", APPS)?,
            recovery: settings.number("RECOVERY_MS", default.recovery.0, 0, MOST_MS).map(Millis)?,
            log_max_age: settings.millis("LOG_MAX_AGE_MS", default.log_max_age)?,
            log_max_events: settings.number("LOG_MAX_EVENTS", default.log_max_events, 1, MOST_ROWS)?,
            log_max_bytes: settings.number("LOG_MAX_BYTES", default.log_max_bytes, 1, MOST_LOG_BYTES)?,
            max_replayed_events: settings.size("MAX_REPLAYED_EVENTS", default.max_replayed_events, MOST_ROWS)?,
            max_away_sockets: settings.size("MAX_AWAY_SOCKETS", default.max_away_sockets, MOST_ROWS)?,
            max_rooms_per_socket: settings.size("MAX_ROOMS_PER_SOCKET", default.max_rooms_per_socket, MOST_ROOMS)?,
            max_namespaces: settings.size("MAX_NAMESPACES", default.max_namespaces, MOST_NAMESPACES)?,
            max_name_bytes: settings.size("MAX_NAME_BYTES", default.max_name_bytes, MOST_NAME_BYTES)?,
            history_messages: settings.number("HISTORY_MESSAGES", default.history_messages, 1, MOST_ROWS)?,
            debug: settings.choice("DEBUG", &[("false", false), ("true", true)])?,
        })
    }

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

/// Whether a text may name a cookie (RFC 6265 §4.1.1, RFC 9110 §5.6.2).
fn is_token(text: &str) -> bool {
    text.bytes().all(|b| b.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&b))
}

/// The settings as texts.
struct Settings<L> {
    lookup: L,
}

impl<L: Fn(&str) -> Option<String>> Settings<L> {
    /// A setting that `parse` can read; one that isn't set counts as the empty text.
    fn read<T>(&self, name: &'static str, wanted: &str, parse: impl Fn(&str) -> Option<T>) -> Result<T, ConfigError> {
        let value = (self.lookup)(name).unwrap_or_default();
        parse(value.trim()).ok_or(ConfigError { name, wanted: wanted.to_owned(), value })
    }

    fn number(&self, name: &'static str, default: u64, least: u64, most: u64) -> Result<u64, ConfigError> {
        if (self.lookup)(name).is_none() {
            return Ok(default);
        }
        let wanted = format!("a whole number from {least} to {most}");
        self.read(name, &wanted, |value| value.parse().ok().filter(|number| (least..=most).contains(number)))
    }

    fn millis(&self, name: &'static str, default: Millis) -> Result<Millis, ConfigError> {
        self.number(name, default.0, 1, MOST_MS).map(Millis)
    }

    fn size(&self, name: &'static str, default: usize, most: u64) -> Result<usize, ConfigError> {
        // Lossless: no bound given here is above 32 bits.
        self.number(name, default as u64, 1, most).map(|number| number as usize)
    }

    /// One of several words; the first is the default.
    fn choice<T: Copy>(&self, name: &'static str, choices: &[(&str, T)]) -> Result<T, ConfigError> {
        let words: Vec<_> = choices.iter().map(|(word, _)| *word).collect();
        self.read(name, &words.join(" or "), |value| {
            let chosen = choices.iter().find(|(word, _)| *word == value);
            chosen.or(choices.first().filter(|_| value.is_empty())).map(|(_, choice)| *choice)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(settings: &[(&str, &str)]) -> Result<Config, ConfigError> {
        Config::parse(|name| {
            let found = settings.iter().find(|(n, _)| *n == name);
            found.map(|(_, value)| (*value).to_owned())
        })
    }

    #[test]
    fn h6_what_is_not_set_has_the_documented_default() {
        assert_eq!(parse(&[]), Ok(Config::default()));
        let config = parse(&[("PING_INTERVAL_MS", "300"), ("MAX_PAYLOAD_BYTES", " 64 ")]);
        let expected = Config { ping_interval: Millis(300), max_payload: 64, ..Config::default() };
        assert_eq!(config, Ok(expected));
    }

    #[test]
    fn wrangler_toml_names_every_setting_with_its_default() {
        let mut known = std::collections::BTreeMap::new();
        let vars = include_str!("../wrangler.toml").split_once("[vars]").unwrap().1;
        for line in vars.lines().filter(|line| !line.starts_with('#')) {
            if let Some((name, value)) = line.split_once(" = ") {
                known.insert(name, value.trim_matches('"').to_owned());
            }
        }
        let asked = std::cell::RefCell::new(std::collections::BTreeSet::new());
        let config = Config::parse(|name| {
            asked.borrow_mut().insert(name.to_owned());
            Some(known.get(name).unwrap_or_else(|| panic!("{name} is not in wrangler.toml")).clone())
        });
        assert_eq!(config, Ok(Config::default()));
        assert_eq!(known.len(), asked.borrow().len(), "wrangler.toml has a setting that nobody reads");
    }

    #[test]
    fn the_entry_script_has_the_same_default_of_the_largest_frame() {
        let default = Config::default().max_payload;
        let digits = include_str!("edge/entry.mjs").replace('_', "");
        assert!(digits.contains(&format!("const MAXPAYLOADBYTES = {default};")), "{default} is not in entry.mjs");
    }

    #[test]
    fn a_setting_that_does_not_parse_is_named() {
        for bad in ["", "abc", "-1", "1.5", "0", "99999999999", "25s"] {
            let error = parse(&[("UPGRADE_TIMEOUT_MS", bad)]).map_err(|e| e.to_string());
            let sentence = format!(
                "The setting UPGRADE_TIMEOUT_MS must be a whole number from 1 to 1073741824, but it is {bad:?}."
            );
            assert_eq!(error, Err(sentence));
        }
        let error = |name, value| parse(&[(name, value)]).map_err(|e| e.to_string()).err();
        let sentence = r#"The setting ALLOW_EIO3 must be false or true, but it is "yes"."#;
        assert_eq!(error("ALLOW_EIO3", "yes").as_deref(), Some(sentence));
        for (name, bad) in [("COOKIE", "a b"), ("COOKIE", "a;b"), ("CORS_ORIGIN", "example.com"), ("APP", "Chat")] {
            assert!(error(name, bad).is_some_and(|sentence| sentence.contains(name)), "{name}={bad}");
        }
    }

    #[test]
    fn an_app_that_this_build_has_not_is_refused_with_the_list_of_those_that_it_has() {
        let refused = parse(&[("APP", "paint")]).map_err(|error| error.to_string()).err();
        let more = if cfg!(feature = "conformance") { " or conformance or conformance-without-recovery" } else { "" };
        let apps = format!("chat or echo or tutorial or dashboard or game or whiteboard{more}");
        assert_eq!(refused, Some(format!(r#"The setting APP must be {apps}, but it is "paint"."#)));
        assert_eq!(parse(&[("APP", "conformance")]).is_ok(), cfg!(feature = "conformance"));
    }

    #[test]
    fn words_and_names_are_read() {
        let config = parse(&[("ALLOW_EIO3", "true"), ("COOKIE", "io"), ("CORS_ORIGIN", "*"), ("APP", "echo")]);
        let expected = Config {
            allow_eio3: true,
            cookie: Some("io".to_owned()),
            cors: Cors::Any,
            app: AppKind::Echo,
            ..Config::default()
        };
        assert_eq!(config, Ok(expected));
    }
}
