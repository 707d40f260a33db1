//! What a deployment sets: its variables and secrets.

use worker::wasm_bindgen::JsValue;
use worker::{Env as Bindings, js_sys};

use crate::env::Env;

/// The surroundings of the room of this name; a variable may be a string or a number.
pub(super) fn env(bindings: &Bindings, room: &str) -> Env {
    let bindings = bindings.clone();
    Env::new(room, move |name| variable(&bindings, name))
}

/// The secret `API_TOKEN`, or nothing. It is no setting: it must not stand in a file, nor be shown with the settings.
pub(super) fn api_token(bindings: &Bindings) -> String {
    variable(bindings, "API_TOKEN").unwrap_or_default()
}

fn variable(bindings: &Bindings, name: &str) -> Option<String> {
    let value = js_sys::Reflect::get(bindings, &JsValue::from(name)).ok()?;
    if value.is_undefined() {
        return None;
    }
    let text = value.as_string();
    // Something else, such as a list, is shown as it is and then refused.
    Some(text.or_else(|| value.as_f64().map(|n| n.to_string())).unwrap_or_else(|| format!("{value:?}")))
}
