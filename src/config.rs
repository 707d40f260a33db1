//! Every limit and interval of a room, with its unit, its default and the name of its setting.

use std::fmt;

use crate::ids::Millis;

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
    /// `MAX_PAYLOAD_BYTES`: the largest POST body and the largest WebSocket frame (413, W2).
    pub max_payload: usize,
    /// `MAX_BUFFERED_BYTES`: how much a polling session may have waiting for its next GET before it is closed.
    pub max_buffered: usize,
    /// `MAX_CONNECTIONS`: how many sessions a room holds; the runtime itself takes 32,768 WebSockets an object.
    pub max_connections: usize,
    /// `MAX_ATTACHMENTS`: how many attachments an event or an ack of a client may have (E7). MessagePack has none: there
    /// bytes stand in the packet.
    pub max_attachments: usize,
    /// `PARSER`: how Socket.IO packets are written.
    pub parser: Parser,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            ping_interval: Millis(25_000),
            ping_timeout: Millis(60_000),
            upgrade_timeout: Millis(10_000),
            connect_timeout: Millis(45_000),
            close_timeout: Millis(30_000),
            max_payload: 1_000_000,
            max_buffered: 4_000_000,
            max_connections: 10_000,
            max_attachments: 10,
            parser: Parser::Default,
        }
    }
}

/// A setting that can't be used; its `Display` names the setting and says what it wants.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConfigError {
    name: &'static str,
    value: String,
    least: u64,
    most: u64,
}

impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "The setting {} must be a whole number from {} to {}, but it is {:?}.",
            self.name, self.least, self.most, self.value
        )
    }
}

/// A client adds interval and timeout up and hands the sum to `setTimeout`, which takes 31 bits (HB4).
const MOST_MS: u64 = 1 << 30;
/// The largest WebSocket message that the runtime hands over.
const MOST_BYTES: u64 = 32 << 20;
/// The most WebSockets that the runtime lets an object hold.
const MOST_CONNECTIONS: u64 = 32_768;
/// Each attachment is a frame of its own for each receiver.
const MOST_ATTACHMENTS: u64 = 1_000;

impl Config {
    /// From this interval on the runtime answers pongs by itself and the object sleeps through them. Below it, a room
    /// has no time to fall asleep between two pings, and each pong is delivered.
    const ABSORB_PONGS_FROM: Millis = Millis(1_000);

    /// Reads the settings; `lookup` gives the value of a setting by its name, and what it doesn't know has its default.
    ///
    /// # Errors
    /// [`ConfigError`] for the first setting that is no whole number in its range.
    pub fn parse(lookup: impl Fn(&str) -> Option<String>) -> Result<Self, ConfigError> {
        let number = |name: &'static str, default: u64, least: u64, most: u64| {
            let Some(value) = lookup(name) else {
                return Ok(default);
            };
            match value.trim().parse::<u64>() {
                Ok(number) if (least..=most).contains(&number) => Ok(number),
                _ => Err(ConfigError { name, value, least, most }),
            }
        };
        let millis = |name, default: Millis| number(name, default.0, 1, MOST_MS).map(Millis);
        let size = |name, default: usize, most| {
            // Lossless: no bound given here is above 32 bits.
            number(name, default as u64, 1, most).map(|n| n as usize)
        };
        let default = Self::default();
        Ok(Self {
            ping_interval: millis("PING_INTERVAL_MS", default.ping_interval)?,
            ping_timeout: millis("PING_TIMEOUT_MS", default.ping_timeout)?,
            upgrade_timeout: millis("UPGRADE_TIMEOUT_MS", default.upgrade_timeout)?,
            connect_timeout: millis("CONNECT_TIMEOUT_MS", default.connect_timeout)?,
            close_timeout: millis("CLOSE_TIMEOUT_MS", default.close_timeout)?,
            max_payload: size("MAX_PAYLOAD_BYTES", default.max_payload, MOST_BYTES)?,
            max_buffered: size("MAX_BUFFERED_BYTES", default.max_buffered, MOST_BYTES)?,
            max_connections: size("MAX_CONNECTIONS", default.max_connections, MOST_CONNECTIONS)?,
            max_attachments: size("MAX_ATTACHMENTS", default.max_attachments, MOST_ATTACHMENTS)?,
            parser: default.parser,
        })
    }

    /// Whether the runtime answers the clients' pongs in the object's stead, so that they don't wake it.
    pub fn absorbs_pongs(&self) -> bool {
        self.ping_interval >= Self::ABSORB_PONGS_FROM
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
        let asked = std::cell::Cell::new(0);
        let config = Config::parse(|name| {
            asked.set(asked.get() + 1);
            Some(known.get(name).unwrap_or_else(|| panic!("{name} is not in wrangler.toml")).clone())
        });
        assert_eq!(config, Ok(Config::default()));
        assert_eq!(known.len(), asked.get(), "wrangler.toml has a setting that nobody reads");
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
    }
}
