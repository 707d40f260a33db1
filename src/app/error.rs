//! Why something that an app asked for can't be done.

use std::fmt;

use crate::database::DatabaseError;

/// The largest [`Io::set_data`](super::Io::set_data), in bytes of JSON. What is more than a few hundred bytes, and many rooms, cost a read of the
/// database whenever the room wakes: the runtime keeps 16 KiB for a sleeping WebSocket.
pub const MAX_DATA_BYTES: usize = 65_536;

/// Why something that an app asked for can't be done: but for the storage, each is a mistake of the app itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum IoError {
    /// The event's name means something to the clients themselves (E9).
    ReservedName,
    /// The value has no JSON.
    NotJson(String),
    /// More than [`MAX_DATA_BYTES`].
    DataTooLarge,
    /// The room can't store it: what was to be sent with it is sent to nobody.
    Storage(String),
}

impl From<DatabaseError> for IoError {
    fn from(error: DatabaseError) -> Self {
        Self::Storage(error.0)
    }
}

impl From<serde_json::Error> for IoError {
    fn from(error: serde_json::Error) -> Self {
        Self::NotJson(error.to_string())
    }
}

impl fmt::Display for IoError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::ReservedName => f.write_str("an event can't have a name that is reserved"),
            Self::NotJson(why) => write!(f, "the value can't be written as JSON: {why}"),
            Self::Storage(why) => write!(f, "the room can't store it: {why}"),
            Self::DataTooLarge => write!(f, "a socket's data has more than {MAX_DATA_BYTES} bytes"),
        }
    }
}
