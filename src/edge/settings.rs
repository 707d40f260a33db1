//! What a deployment sets: its variables and secrets.

use std::sync::OnceLock;

use worker::wasm_bindgen::JsValue;
use worker::{Env as Bindings, js_sys};

use crate::config::Config;
use crate::env::{ConfigError, Env};

/// What [`config`] has read.
static CONFIG: OnceLock<Result<Config, ConfigError>> = OnceLock::new();

/// The surroundings of the room of this name.
pub(super) fn env(bindings: &Bindings, room: &str) -> Env {
    let bindings = bindings.clone();
    Env::new(room, move |name| variable(&bindings, name))
}

/// The settings, or why they can't be used. They are read once an isolate: what is bound to a Worker doesn't change while one lives.
pub(super) fn config(env: &Env) -> &'static Result<Config, ConfigError> {
    CONFIG.get_or_init(|| Config::read(env))
}

/// The secret `API_TOKEN`, or nothing. It is no setting: it must not stand in a file, nor be shown with the settings.
pub(super) fn api_token(bindings: &Bindings) -> String {
    variable(bindings, "API_TOKEN").unwrap_or_default()
}

/// The text of a variable. What wrangler.toml has without quotes arrives as a number, a boolean, a list or an object: its text
/// is its JSON.
fn variable(bindings: &Bindings, name: &str) -> Option<String> {
    let value = js_sys::Reflect::get(bindings, &JsValue::from(name)).ok()?;
    value.as_string().or_else(|| js_sys::JSON::stringify(&value).ok()?.as_string())
}
