//! What can be wrong with what a client asks of the chat: code and sentence in one table.

use std::ops::RangeInclusive;

use serde_json::json;

use super::identity::{KEY_CHARS, MAX_NAME_CHARS};
use super::messages::{CLIENT_ID_CHARS, MAX_MESSAGE_CHARS};
use crate::app::handlers::Failure;
use crate::app::{IoError, Refusal};

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
    /// The room's storage takes or gives nothing: nobody was told anything.
    Storage,
    /// The fault is the chat's own.
    Internal,
}

impl Problem {
    /// The code, and the sentence.
    pub(super) fn row(self) -> (&'static str, String) {
        let token = |what: &str, chars: &RangeInclusive<usize>| {
            format!("{what} has {} to {} characters: letters, digits, '-' and '_'.", chars.start(), chars.end())
        };
        match self {
            Self::InvalidPayload => {
                ("invalid_payload", "The event takes another payload: `before` or `after`, not both.".to_owned())
            }
            Self::InvalidName => ("invalid_name", format!("A nickname has 1 to {MAX_NAME_CHARS} characters.")),
            Self::InvalidKey => ("invalid_key", token("A key", &KEY_CHARS)),
            Self::InvalidMessage => ("invalid_message", format!("A message has 1 to {MAX_MESSAGE_CHARS} characters.")),
            Self::InvalidId => ("invalid_id", token("The id of a message", &CLIENT_ID_CHARS)),
            Self::NotJoined => ("not_joined", "Join with a nickname first.".to_owned()),
            Self::UnknownEvent => ("unknown_event", "This room knows no such event.".to_owned()),
            Self::Storage => ("storage", "The room can't store this now, so nobody got it.".to_owned()),
            Self::Internal => ("internal", "The room failed to do this.".to_owned()),
        }
    }
}

/// What the sender of an event gets.
impl From<Problem> for Failure {
    fn from(problem: Problem) -> Self {
        let (code, message) = problem.row();
        Self::new(code, message)
    }
}

/// A client that isn't let in gets the sentence as its error's message, and as data what an ack would have told.
impl From<Problem> for Refusal {
    fn from(problem: Problem) -> Self {
        let (code, message) = problem.row();
        let data = json!({ "code": code, "message": message });
        Self::new(message).with_data(data)
    }
}

impl From<IoError> for Problem {
    fn from(error: IoError) -> Self {
        match error {
            IoError::Storage(_) => Self::Storage,
            _ => Self::Internal,
        }
    }
}
