//! The settings of a deployment, read from its variables.

use worker::wasm_bindgen::JsValue;
use worker::{Env, js_sys};

use crate::config::{Config, ConfigError};

/// Reads the settings from the environment; a variable may be a string or a number.
pub(super) fn read(env: &Env) -> Result<Config, ConfigError> {
    Config::parse(|name| variable(env, name))
}

/// The secret `API_TOKEN`, or nothing. It is no setting: it must not stand in a file, nor be shown with the settings.
pub(super) fn api_token(env: &Env) -> String {
    variable(env, "API_TOKEN").unwrap_or_default()
}

fn variable(env: &Env, name: &str) -> Option<String> {
    let value = js_sys::Reflect::get(env, &JsValue::from(name)).ok()?;
    if value.is_undefined() {
        return None;
    }
    let text = value.as_string();
    // Something else, such as a list, is shown as it is and then refused.
    Some(text.or_else(|| value.as_f64().map(|n| n.to_string())).unwrap_or_else(|| format!("{value:?}")))
}
