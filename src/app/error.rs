//! Why something can't be done: the one error of the API.

use std::borrow::Cow;
use std::fmt;

use serde::Serialize;

use crate::database::DatabaseError;

/// The largest [`Io::set_data`](super::Io::set_data), in bytes of JSON. What is more than a few hundred bytes, and many rooms, cost a read of the
/// database whenever the room wakes: the runtime keeps 16 KiB for a sleeping WebSocket.
pub const MAX_DATA_BYTES: usize = 65_536;

/// What a handler returns, and everything in the API that may fail.
///
/// ```
/// use roomcast::app::prelude::*;
///
/// fn double(_: &mut Socket, number: String) -> Result<i64> {
///     Ok(number.parse::<i64>()?.checked_mul(2).ok_or(Error::new("too_large", "The number is too large."))?)
/// }
/// # let _: Handlers = Handlers::new().on("double", double);
/// ```
pub type Result<T = (), E = Error> = std::result::Result<T, E>;

/// Why something can't be done.
///
/// [`Error::new`] is what an app refuses: its client gets the code and the sentence. Of every other error the client only
/// learns that it is the room's fault, and the operator's log has the sentence. Errors of other crates convert into
/// [`Internal`](Self::Internal), so `?` works on them.
///
/// ```
/// use roomcast::app::prelude::*;
///
/// enum Problem { Full, Closed }
///
/// impl From<Problem> for Error {
///     fn from(problem: Problem) -> Self {
///         match problem {
///             Problem::Full => Self::new("full", "The room is full."),
///             Problem::Closed => Self::new("closed", "The room is closed."),
///         }
///     }
/// }
///
/// fn enter(socket: &mut Socket, name: String) -> Result {
///     check(socket.io.sockets_count())?;
///     socket.set_data(&name)
/// }
///
/// fn check(count: usize) -> Result<(), Problem> {
///     match count {
///         0 => Err(Problem::Closed),
///         1..=8 => Ok(()),
///         _ => Err(Problem::Full),
///     }
/// }
/// # let _: Handlers = Handlers::new().on("enter", enter);
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Error {
    /// The app refuses it.
    Refused(Failure),
    /// The event's name means something to the clients themselves (E9).
    ReservedName,
    /// The value has no JSON.
    NotJson(String),
    /// A socket's data would have more than [`MAX_DATA_BYTES`].
    DataTooLarge,
    /// The app has no handler of this name, so nothing would come of it.
    NoHandler(String),
    /// The room can't store it: what was to be sent with it is sent to nobody.
    Storage(String),
    /// Something else went wrong within the app.
    Internal(String),
}

/// Why an event isn't carried out, as its sender is told.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Failure {
    /// A word for programs.
    pub code: Cow<'static, str>,
    /// A sentence for people.
    pub message: Cow<'static, str>,
}

impl Error {
    /// The app refuses it, for a reason that its client is told: a word for programs, and a sentence for people.
    pub fn new(code: impl Into<Cow<'static, str>>, message: impl Into<Cow<'static, str>>) -> Self {
        Self::Refused(Failure { code: code.into(), message: message.into() })
    }

    /// What a client is told.
    pub fn failure(&self) -> Failure {
        match self {
            Self::Refused(failure) => failure.clone(),
            Self::Storage(_) => {
                Failure { code: "storage".into(), message: "The room can't store this now, so nobody got it.".into() }
            }
            _ => Failure { code: "internal".into(), message: "The room failed to do this.".into() },
        }
    }

    /// Whether the app itself is at fault, so that its operator has to know.
    pub(super) fn is_apps_own(&self) -> bool {
        !matches!(self, Self::Refused(_) | Self::Storage(_))
    }
}

impl From<DatabaseError> for Error {
    fn from(error: DatabaseError) -> Self {
        Self::Storage(error.0)
    }
}

/// A value that can't be sent or kept.
#[allow(clippy::needless_pass_by_value, reason = "it is the argument of `map_err`")]
pub(super) fn not_json(error: serde_json::Error) -> Error {
    Error::NotJson(error.to_string())
}

impl<E: std::error::Error> From<E> for Error {
    fn from(error: E) -> Self {
        Self::Internal(error.to_string())
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Refused(Failure { code, message }) => write!(f, "{message} ({code})"),
            Self::ReservedName => f.write_str("an event can't have a name that is reserved"),
            Self::NotJson(why) => write!(f, "the value can't be written as JSON: {why}"),
            Self::DataTooLarge => write!(f, "a socket's data has more than {MAX_DATA_BYTES} bytes"),
            Self::NoHandler(what) => write!(f, "the app has no handler of {what}"),
            Self::Storage(why) => write!(f, "the room can't store it: {why}"),
            Self::Internal(why) => f.write_str(why),
        }
    }
}
