//! The names of things: newtypes for every identifier and for time, and where fresh identifiers come from.

use std::fmt;
use std::ops::Add;
use std::rc::Rc;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use percent_encoding::percent_decode_str;
use serde::{Deserialize, Serialize};

/// A point in time as milliseconds since the Unix epoch, or a span of that many milliseconds.
///
/// The core never reads a clock: the time is an argument of whatever needs it.
///
/// ```
/// use roomcast::ids::Millis;
///
/// let (start, now) = (Millis(1_700_000_000_000), Millis(1_700_000_020_000));
/// assert_eq!(now.since(start), Millis(20_000));
/// assert_eq!(start + Millis(20_000), now);
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize)]
pub struct Millis(pub u64);

impl Add for Millis {
    type Output = Self;

    fn add(self, span: Self) -> Self {
        Self(self.0.saturating_add(span.0))
    }
}

impl Millis {
    /// The time of a turn whose clock shows `self`, where the last turn was at `last`. The events of an object may see the clock
    /// some milliseconds apart, in any order: such a step back is none of the clock's, and the time stands.
    #[must_use]
    pub fn steady_after(self, last: Self) -> Self {
        const JITTER: u64 = 100;
        if self < last && last.0 - self.0 <= JITTER { last } else { self }
    }

    /// The point in time that lies `span` before this one.
    pub fn before(self, span: Self) -> Self {
        Self(self.0.saturating_sub(span.0))
    }

    /// The span from `earlier` until this point in time; nothing where that one isn't earlier.
    pub fn since(self, earlier: Self) -> Self {
        self.before(earlier)
    }

    /// The first multiple of `period` after this point in time.
    ///
    /// Whoever rounds like this meets everybody else at the same moments, without keeping state.
    pub fn next_multiple_of(self, period: Self) -> Self {
        let period = period.0.max(1);
        Self((self.0 / period).saturating_add(1).saturating_mul(period))
    }
}

/// Where identifiers come from: the system's generator at the edge, a counter in tests.
pub trait Entropy {
    /// Fills `bytes` with unpredictable bytes.
    fn fill(&self, bytes: &mut [u8]);
}

/// 20 characters of base64url made of 15 random bytes, the length of the reference's identifiers (H3).
fn random_text(entropy: &dyn Entropy) -> String {
    let mut bytes = [0; 15];
    entropy.fill(&mut bytes);
    URL_SAFE_NO_PAD.encode(bytes)
}

/// A kind of identifier: random, and a text on the wire.
macro_rules! identifier {
    ($(#[$attribute:meta])* $name:ident) => {
        $(#[$attribute])*
        #[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(Rc<str>);

        impl $name {
            /// A fresh, unguessable identifier.
            pub fn random(entropy: &dyn Entropy) -> Self {
                Self(random_text(entropy).into())
            }

            /// The identifier as it came from outside; whether there is anything of that name is another question.
            pub fn from_wire(text: &str) -> Self {
                Self(text.into())
            }

            /// The text that goes over the wire.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }
    };
}

identifier!(
    /// The identifier of an Engine.IO session. It is the session's secret: who knows it may speak for it (H3).
    #[derive(Serialize, Deserialize)]
    Sid
);
identifier!(
    /// What recovers a socket: its client shows it when it comes back (1.11). Like the [`Sid`], it is a secret.
    Pid
);
identifier!(
    /// The public identifier of a Socket.IO socket: one client in one namespace. Not the session's [`Sid`] (H3). It is also the
    /// name of a room with just that socket.
    ///
    /// ```
    /// use roomcast::app::prelude::*;
    ///
    /// fn whisper(socket: &mut Socket, (to, text): (SocketId, String)) -> Result {
    ///     socket.io.to(to).emit("whisper", &(socket.id, text))
    /// }
    /// # let _: Handlers = Handlers::new().on("whisper", whisper);
    /// ```
    #[derive(Debug, Serialize, Deserialize)]
    SocketId
);

/// Shows no more of the secret than it takes to tell two sessions apart.
impl fmt::Debug for Sid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let shown: String = self.0.chars().take(6).collect();
        write!(f, "Sid({shown}…)")
    }
}

/// Shows nothing of the secret.
impl fmt::Debug for Pid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Pid(…)")
    }
}

/// Where an event stands in the room's log; later ones are greater. 0 is before all of them.
///
/// It is made of the time in microseconds, so a log that was emptied never gives one twice, and its age can be told.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize)]
pub struct Offset(pub u64);

impl Offset {
    /// The first that may be given at this time.
    pub fn at(time: Millis) -> Self {
        Self(time.0.saturating_mul(1_000))
    }

    /// Whether it is before all events.
    pub fn is_start(&self) -> bool {
        self.0 == 0
    }

    /// The one to give now, where `self` was the last.
    pub fn next(self, now: Millis) -> Self {
        Self(self.0.saturating_add(1)).max(Self::at(now))
    }

    /// Reads what a client sends back; `None` where no event can have had that.
    pub fn from_wire(text: &str) -> Option<Self> {
        // Microseconds since 1970 have 16 digits until 2286.
        let digits = text.len() == 16 && text.bytes().all(|b| b.is_ascii_digit());
        text.parse().ok().filter(|_| digits).map(Self)
    }
}

impl fmt::Display for Offset {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0)
    }
}

/// A socket's id is also the name of its own room (C8).
impl AsRef<str> for SocketId {
    fn as_ref(&self) -> &str {
        self.as_str()
    }
}

impl fmt::Display for SocketId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// One HTTP request at the object, or the WebSocket that it turned into. The shell numbers them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct ConnId(pub u64);

/// The name of a room as a URL may carry it: 1–64 characters of `A–Z a–z 0–9 _ -`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RoomName(String);

/// Why a text is no room's name; its `Display` is a sentence for the person who typed it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct InvalidRoomName;

impl RoomName {
    /// The room of a URL that names none.
    pub const DEFAULT: &str = "lobby";
    /// The longest name, in characters.
    pub const MAX_CHARS: usize = 64;

    /// Takes a name from a URL.
    ///
    /// # Errors
    /// [`InvalidRoomName`] when it is empty, too long or has any other character.
    pub fn parse(text: &str) -> Result<Self, InvalidRoomName> {
        let legal = |c: u8| c.is_ascii_alphanumeric() || c == b'_' || c == b'-';
        if text.is_empty() || text.len() > Self::MAX_CHARS || !text.bytes().all(legal) {
            return Err(InvalidRoomName);
        }
        Ok(Self(text.to_owned()))
    }

    /// Takes a name from a segment of a URL's path, where it may be percent-encoded.
    ///
    /// # Errors
    /// As [`parse`](Self::parse).
    pub fn from_path(segment: &str) -> Result<Self, InvalidRoomName> {
        let decoded = percent_decode_str(segment).decode_utf8().map_err(|_| InvalidRoomName)?;
        Self::parse(&decoded)
    }

    /// The name, fit for a URL as it is.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for InvalidRoomName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "A room's name has 1 to {} characters: letters, digits, '-' and '_'.", RoomName::MAX_CHARS)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn room_names_have_1_to_64_plain_characters() {
        let longest = "x".repeat(64);
        for good in ["a", "lobby", "A-b_9", "--", longest.as_str()] {
            assert_eq!(RoomName::parse(good).map(|r| r.0), Ok(good.to_owned()));
        }
        let too_long = "x".repeat(65);
        for bad in ["", "a b", "a/b", "é", "a.b", "a%20", "\0", too_long.as_str()] {
            assert_eq!(RoomName::parse(bad), Err(InvalidRoomName), "{bad:?}");
        }
    }

    #[test]
    fn offsets_only_grow_even_when_the_clock_stands_or_goes_back() {
        let mut last = Offset::default();
        let given = [5, 5, 4, 6].map(|now| {
            last = last.next(Millis(now));
            last.0
        });
        assert_eq!(given, [5_000, 5_001, 5_002, 6_000]);
    }

    #[test]
    fn what_is_no_offset_is_not_read_as_one() {
        assert_eq!(Offset::from_wire("1700000000000001"), Some(Offset(1_700_000_000_000_001)));
        for other in ["", "1", "+170000000000000", " 170000000000000", "a text of 16 ch.", "17000000000000010"] {
            assert_eq!(Offset::from_wire(other), None, "{other:?}");
        }
    }

    #[test]
    fn a_small_step_back_is_no_time_and_a_large_one_is_a_changed_clock() {
        for (now, last, steady) in [(5, 3, 5), (3, 3, 3), (2, 3, 3), (1_900, 2_000, 2_000), (1_899, 2_000, 1_899)] {
            assert_eq!(Millis(now).steady_after(Millis(last)), Millis(steady));
        }
    }

    #[test]
    fn the_next_multiple_lies_always_ahead() {
        for (now, next) in [(0, 25), (1, 25), (24, 25), (25, 50), (26, 50)] {
            assert_eq!(Millis(now).next_multiple_of(Millis(25)), Millis(next));
        }
        assert_eq!(Millis(7).next_multiple_of(Millis(0)), Millis(8));
    }
}
