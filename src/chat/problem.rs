//! What can be wrong with what a client asks of the chat: code and sentence in one table.

use serde_json::{Value, json};

use super::messages::MAX_MESSAGE_CHARS;
use super::presence::MAX_NAME_CHARS;
use crate::app::IoError;

/// Why an event isn't carried out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Problem {
    /// The payload is no object with the fields that the event wants.
    InvalidPayload,
    /// The nickname is empty or too long.
    InvalidName,
    /// The message is empty or too long.
    InvalidMessage,
    /// Only members may do this.
    NotJoined,
    /// The chat has no such event.
    UnknownEvent,
    /// The fault is the chat's own.
    Internal,
}

impl Problem {
    fn row(self) -> (&'static str, String) {
        match self {
            Self::InvalidPayload => {
                ("invalid_payload", "This event takes one object with the fields that it documents.".to_owned())
            }
            Self::InvalidName => ("invalid_name", format!("A nickname has 1 to {MAX_NAME_CHARS} characters.")),
            Self::InvalidMessage => ("invalid_message", format!("A message has 1 to {MAX_MESSAGE_CHARS} characters.")),
            Self::NotJoined => ("not_joined", "Join with a nickname first.".to_owned()),
            Self::UnknownEvent => ("unknown_event", "This room knows no such event.".to_owned()),
            Self::Internal => ("internal", "The room failed to do this.".to_owned()),
        }
    }

    /// What the client gets.
    pub(super) fn to_json(self) -> Value {
        let (code, message) = self.row();
        json!({ "code": code, "message": message })
    }
}

impl From<IoError> for Problem {
    fn from(_: IoError) -> Self {
        Self::Internal
    }
}
