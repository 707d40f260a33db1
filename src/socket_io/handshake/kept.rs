//! What of a handshake is kept beside a sleeping WebSocket.

use std::borrow::Cow;

use serde::{Deserialize, Serialize};

use super::first_request::{Extent, Handshake};
use crate::ids::Millis;
use crate::outbox::Request;
use crate::sorted::{SortedMap, SortedSet};

/// How much of query and headers is kept at most, in characters of JSON: half of what the runtime keeps beside a WebSocket,
/// so that sockets with their rooms and data rarely need a row.
const MAX_KEPT: usize = 8_192;

/// The same where one of the characters is beyond U+00FF: the runtime then writes two bytes for each.
const MAX_KEPT_WIDE: usize = MAX_KEPT / 2;

/// How many characters of JSON the names of lost parameters have at most.
const MAX_NAMES: usize = 1_024;

/// What stands around a name and its value: quotes, colon, comma.
const AROUND: usize = 6;

/// A part of a handshake as JSON, in an attachment.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct Kept<'a> {
    #[serde(rename = "t")]
    time: Millis,
    #[serde(rename = "a", default, skip_serializing_if = "str::is_empty")]
    address: Cow<'a, str>,
    #[serde(rename = "s", default, skip_serializing_if = "std::ops::Not::not")]
    secure: bool,
    #[serde(rename = "x", default, skip_serializing_if = "std::ops::Not::not")]
    xdomain: bool,
    #[serde(rename = "q", default, skip_serializing_if = "SortedMap::is_empty")]
    query: SortedMap<Cow<'a, str>, Cow<'a, str>>,
    /// By their names as the app spells them, where a release before wrote it.
    #[serde(rename = "h", default, skip_serializing_if = "SortedMap::is_empty")]
    headers: SortedMap<Cow<'a, str>, Cow<'a, str>>,
    /// Headers that the app wants kept and that weren't sent.
    #[serde(rename = "n", default, skip_serializing_if = "Vec::is_empty")]
    absent: Vec<Cow<'a, str>>,
    /// Parameters that had no room.
    #[serde(rename = "lq", default, skip_serializing_if = "Vec::is_empty")]
    lost_query: Vec<Cow<'a, str>>,
    /// Headers that had no room.
    #[serde(rename = "lh", default, skip_serializing_if = "Vec::is_empty")]
    lost_headers: Vec<Cow<'a, str>>,
    /// How many parameters had no room besides.
    #[serde(rename = "lo", default, skip_serializing_if = "is_zero")]
    lost_others: usize,
}

#[allow(clippy::trivially_copy_pass_by_ref, reason = "serde hands a reference")]
fn is_zero(count: &usize) -> bool {
    *count == 0
}

/// Chooses what is kept of a handshake that is whole: the shortest parameters and headers, as many as fit.
fn choose(handshake: &Handshake, keep: &[&str]) -> Extent {
    let wanted: SortedSet<String> = keep.iter().map(|name| name.to_ascii_lowercase()).collect();
    let headers = handshake.headers.iter().filter(|(name, _)| wanted.contains(*name)).map(|part| (true, part));
    let query = handshake.query.iter().map(|part| (false, part));
    let parts = || headers.clone().chain(query.clone());
    let is_wide = parts().any(|(_, (name, value))| name.chars().chain(value.chars()).any(|c| c > '\u{ff}'));
    let mut room = if is_wide { MAX_KEPT_WIDE } else { MAX_KEPT };
    let by_size: SortedSet<_> = parts()
        .map(|(is_header, (name, value))| (length(name).saturating_add(length(value)), is_header, name))
        .collect();
    let mut extent = Extent { whole: true, known_headers: wanted, ..Extent::default() };
    for (size, is_header, name) in by_size {
        match (room.checked_sub(size.saturating_add(AROUND)), is_header) {
            (Some(left), _) => room = left,
            (None, true) => {
                extent.known_headers.remove(name);
                extent.lost_headers.insert(name.clone());
            }
            (None, false) => _ = extent.lost_query.insert(name.clone()),
        }
    }
    extent
}

/// How many characters a text has as JSON, without its quotes, counted as the runtime does.
fn length(text: &str) -> usize {
    let unit = |c: char| match c {
        '"' | '\\' | '\u{8}' | '\u{9}' | '\u{a}' | '\u{c}' | '\u{d}' => 2,
        '\0'..'\u{20}' => 6,
        _ => c.len_utf16(),
    };
    text.chars().map(unit).fold(0, usize::saturating_add)
}

impl Handshake {
    /// Takes what a request says. `keep` are the headers that the app wants kept.
    pub fn new(now: Millis, request: &Request<'_>, keep: &[&str]) -> Self {
        let query = form_urlencoded::parse(request.query.as_bytes());
        let headers = request.headers.entries().into_iter();
        let mut handshake = Self {
            time: now,
            address: request.headers.get("cf-connecting-ip").unwrap_or_default(),
            secure: request.secure,
            xdomain: request.origin.is_some(),
            query: query.map(|(name, value)| (name.into_owned(), value.into_owned())).collect(),
            headers: headers.map(|(name, value)| (name.to_ascii_lowercase(), value)).collect(),
            extent: Extent::default(),
        };
        handshake.extent = choose(&handshake, keep);
        handshake
    }

    /// What is left of it once the room has slept.
    pub(crate) fn after_sleep(&self) -> Self {
        self.kept().into()
    }

    /// The part of it that is kept.
    pub fn kept(&self) -> Kept<'_> {
        let Extent { known_headers, lost_query, lost_headers, lost_others, .. } = &self.extent;
        let mut room = MAX_NAMES;
        let named: Vec<_> = lost_query.iter().filter(|name| fits(&mut room, name)).map(Cow::from).collect();
        Kept {
            time: self.time,
            address: (&self.address).into(),
            secure: self.secure,
            xdomain: self.xdomain,
            query: part(&self.query, |name| !lost_query.contains(name)),
            headers: part(&self.headers, |name| known_headers.contains(name)),
            absent: known_headers.iter().filter(|name| !self.headers.contains_key(*name)).map(Cow::from).collect(),
            lost_others: lost_others.saturating_add(lost_query.len().saturating_sub(named.len())),
            lost_query: named,
            lost_headers: lost_headers.iter().map(Cow::from).collect(),
        }
    }

    /// How many bytes of it aren't kept.
    pub(super) fn surplus(&self) -> usize {
        let Extent { known_headers, lost_query, .. } = &self.extent;
        let query = self.query.iter().filter(|(name, _)| lost_query.contains(*name));
        let headers = self.headers.iter().filter(|(name, _)| !known_headers.contains(*name));
        query.chain(headers).map(|(name, value)| name.len().saturating_add(value.len())).fold(0, usize::saturating_add)
    }
}

/// Whether a name has room among those that are told.
fn fits(room: &mut usize, name: &str) -> bool {
    let left = room.checked_sub(length(name).saturating_add(AROUND));
    *room = left.unwrap_or(*room);
    left.is_some()
}

fn part(map: &SortedMap<String, String>, is_in: impl Fn(&str) -> bool) -> SortedMap<Cow<'_, str>, Cow<'_, str>> {
    map.iter().filter(|(name, _)| is_in(name)).map(|(name, value)| (name.into(), value.into())).collect()
}

impl From<Kept<'_>> for Handshake {
    fn from(kept: Kept<'_>) -> Self {
        let own = |names: Vec<Cow<'_, str>>| names.into_iter().map(Cow::into_owned).collect();
        let headers: SortedMap<_, _> =
            kept.headers.into_iter().map(|(name, value)| (name.to_ascii_lowercase(), value.into_owned())).collect();
        let mut known_headers: SortedSet<String> = own(kept.absent);
        known_headers.extend(headers.keys().cloned());
        Self {
            time: kept.time,
            address: kept.address.into_owned(),
            secure: kept.secure,
            xdomain: kept.xdomain,
            query: kept.query.into_iter().map(|(name, value)| (name.into_owned(), value.into_owned())).collect(),
            headers,
            extent: Extent {
                whole: false,
                known_headers,
                lost_query: own(kept.lost_query),
                lost_headers: kept.lost_headers.into_iter().map(Cow::into_owned).collect(),
                lost_others: kept.lost_others,
            },
        }
    }
}
