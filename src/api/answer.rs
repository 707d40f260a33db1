//! How the API answers.

use serde::Serialize;

use crate::outbox::HttpResponse;

/// An answer in JSON. It is true for the moment, so nobody may keep it.
pub fn reply(status: u16, json: &impl Serialize) -> HttpResponse {
    // Texts and numbers always have their JSON.
    let json = serde_json::to_string(json).unwrap_or_default();
    HttpResponse { no_store: true, ..HttpResponse::json(status, &json) }
}
