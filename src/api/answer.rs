//! How the API answers.

use serde::Serialize;

use crate::outbox::{Frame, Reply};

/// An answer in JSON. It is true for the moment, so nobody may keep it.
pub fn reply(status: u16, json: &impl Serialize) -> Reply {
    // Texts and numbers always have their JSON.
    let json = serde_json::to_string(json).unwrap_or_default();
    let body = Frame::Text(json.into());
    Reply { content_type: Some("application/json"), no_store: true, body, ..Reply::empty(status) }
}
