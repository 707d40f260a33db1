//! How the API answers.

use serde::Serialize;

use crate::outbox::{Frame, HttpResponse};

/// An answer in JSON. It is true for the moment, so nobody may keep it.
pub fn reply(status: u16, json: &impl Serialize) -> HttpResponse {
    // Texts and numbers always have their JSON.
    let json = serde_json::to_string(json).unwrap_or_default();
    let body = Frame::Text(json.into());
    HttpResponse { content_type: Some("application/json"), no_store: true, body, ..HttpResponse::empty(status) }
}
