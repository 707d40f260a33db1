//! What a first request said, and how an app asks for it.

use std::fmt;

use crate::ids::Millis;
use crate::sorted::{SortedMap, SortedSet};

/// What the first request of a client's connection said.
///
/// It is whole at the door (in `allow_request`, in the connect check and on connection) and until the room sleeps. A room
/// that slept since has what was kept beside the WebSocket: of the headers those that the app has named with
/// [`keep_headers`](crate::app::Handlers::keep_headers), and of these and the query as much as fits into about 8 KB of JSON, the
/// shortest first. [`parameter`](Self::parameter) and [`header`](Self::header) tell what wasn't sent from what wasn't kept, and
/// [`missing`](Self::missing) names what didn't fit.
///
/// ```
/// use roomcast::app::prelude::*;
///
/// fn app() -> impl App {
///     Handlers::new().keep_headers(&["x-tenant"]).middleware(|_, joining| {
///         // A client is refused whose token is longer than what is kept, and that joins after the room has slept.
///         match joining.handshake.parameter("token")? {
///             Some("secret") => Ok(()),
///             _ => Err(Refusal::new("not authorized")),
///         }
///     })
/// }
/// # app();
/// ```
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Handshake {
    /// When it came.
    pub time: Millis,
    /// The client's address, as the platform tells; empty where it doesn't.
    pub address: String,
    /// Whether it came over TLS.
    pub secure: bool,
    /// Whether a browser sent it that named an origin.
    pub xdomain: bool,
    /// The query: all of it, with the protocol's own `EIO`, `transport` and `t`. Of parameters with the same name the last
    /// counts, as in the reference.
    pub query: SortedMap<String, String>,
    /// The headers, by their names in small letters.
    pub headers: SortedMap<String, String>,
    pub(super) extent: Extent,
}

/// How much of a handshake is there, and what is kept of it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Extent {
    /// Whether nothing is missing yet.
    pub(super) whole: bool,
    /// The headers that the app wants kept, and that fit or weren't sent.
    pub(super) known_headers: SortedSet<String>,
    /// The parameters that aren't kept; of those that are missing, the ones whose names were kept.
    pub(super) lost_query: SortedSet<String>,
    /// The headers that the app wants kept and that aren't.
    pub(super) lost_headers: SortedSet<String>,
    /// How many parameters are missing besides, whose names had no room either.
    pub(super) lost_others: usize,
}

impl Handshake {
    /// The value of a parameter of the query; `None` where it wasn't sent.
    ///
    /// # Errors
    /// [`NotKept`] where it isn't known any more whether it was, since the room has slept.
    pub fn parameter(&self, name: &str) -> Result<Option<&str>, NotKept> {
        let lost = || !self.extent.whole && (self.extent.lost_others > 0 || self.extent.lost_query.contains(name));
        found(&self.query, name, lost)
    }

    /// The value of a header, whatever the case of its name; `None` where it wasn't sent.
    ///
    /// # Errors
    /// [`NotKept`] where it isn't known any more whether it was, since the room has slept: the app hasn't named it with
    /// [`keep_headers`](crate::app::Handlers::keep_headers), or it had no room.
    pub fn header(&self, name: &str) -> Result<Option<&str>, NotKept> {
        let name = name.to_ascii_lowercase();
        found(&self.headers, &name, || !self.extent.whole && !self.extent.known_headers.contains(&name))
    }

    /// Whether all is there that is meant to be: the whole query, and the headers that the app has named. Other headers are
    /// only there until the room sleeps.
    pub fn is_complete(&self) -> bool {
        self.extent.whole || (self.extent.lost_others == 0 && self.missing().next().is_none())
    }

    /// The names of the parameters, and then of the headers that the app has named, that are missing since they had no room
    /// beside the sleeping WebSocket. Names of more than 1 KB together aren't kept either: then
    /// [`is_complete`](Self::is_complete) alone tells.
    pub fn missing(&self) -> impl Iterator<Item = &str> {
        let lost = (!self.extent.whole).then(|| self.extent.lost());
        lost.into_iter().flatten()
    }

    /// What will be missing once the room has slept; for the operator's log.
    pub(crate) fn wont_be_kept(&self) -> impl Iterator<Item = &str> {
        self.extent.lost()
    }
}

impl Extent {
    fn lost(&self) -> impl Iterator<Item = &str> {
        self.lost_query.iter().chain(&self.lost_headers).map(String::as_str)
    }
}

fn found<'a>(
    map: &'a SortedMap<String, String>,
    name: &str,
    lost: impl FnOnce() -> bool,
) -> Result<Option<&'a str>, NotKept> {
    match map.get(name) {
        Some(value) => Ok(Some(value)),
        None if lost() => Err(NotKept { name: name.to_owned() }),
        None => Ok(None),
    }
}

/// A part of a handshake that had no room beside the sleeping WebSocket, or a header that the app hasn't asked to be kept.
///
/// As the [`Refusal`](crate::app::Refusal) that `?` makes of it, it refuses the client with the code `handshake_not_kept`: with
/// a new connection it is asked for all of it again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NotKept {
    /// The name of the parameter or of the header.
    pub name: String,
}

impl fmt::Display for NotKept {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the room has slept since the connection began, and hasn't kept {:?} of its first request", self.name)
    }
}

impl std::error::Error for NotKept {}
