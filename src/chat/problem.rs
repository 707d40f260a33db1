//! What can be wrong with what a client asks of the chat: code and sentence in one table.

use std::ops::RangeInclusive;

use super::wire::{CLIENT_ID_CHARS, KEY_CHARS, MAX_MESSAGE_CHARS, MAX_NAME_CHARS};
use crate::app::{Error, Refusal};

/// Why an event isn't carried out, or a client isn't let in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[cfg_attr(test, derive(ts_rs::TS), ts(rename_all = "snake_case"))]
pub(super) enum Problem {
    /// The payload isn't what the event takes.
    InvalidPayload,
    /// The nickname is empty or too long.
    InvalidName,
    /// The key is no key.
    InvalidKey,
    /// The message is empty or too long.
    InvalidMessage,
    /// The client's own id of the message is no id.
    InvalidId,
    /// Only members may do this.
    NotJoined,
    /// The chat has no such event.
    UnknownEvent,
}

/// The table of all codes and sentences.
impl From<Problem> for Error {
    fn from(problem: Problem) -> Self {
        let token = |what: &str, chars: &RangeInclusive<usize>| {
            format!("{what} has {} to {} characters: letters, digits, '-' and '_'.", chars.start(), chars.end())
        };
        match problem {
            Problem::InvalidPayload => {
                Self::new("invalid_payload", "The event takes another payload: `before` or `after`, not both.")
            }
            Problem::InvalidName => {
                Self::new("invalid_name", format!("A nickname has 1 to {MAX_NAME_CHARS} characters."))
            }
            Problem::InvalidKey => Self::new("invalid_key", token("A key", &KEY_CHARS)),
            Problem::InvalidMessage => {
                Self::new("invalid_message", format!("A message has 1 to {MAX_MESSAGE_CHARS} characters."))
            }
            Problem::InvalidId => Self::new("invalid_id", token("The id of a message", &CLIENT_ID_CHARS)),
            Problem::NotJoined => Self::new("not_joined", "Join with a nickname first."),
            Problem::UnknownEvent => Self::new("unknown_event", "This room knows no such event."),
        }
    }
}

impl From<Problem> for Refusal {
    fn from(problem: Problem) -> Self {
        Error::from(problem).into()
    }
}
