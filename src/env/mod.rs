//! What a room is told from outside: its name, the settings of its deployment and the secrets.

mod setting;

use std::fmt;
use std::rc::Rc;

pub use setting::{Setting, SettingRow};

/// The surroundings of an app: what it may read before it runs. Clones are cheap and read the same.
///
/// ```
/// use roomcast::app::prelude::*;
///
/// const SEATS: Setting<u64> = Setting::number("SEATS", 8, 2..=100).about("How many may play.");
///
/// fn app(env: Env) -> Result<impl App, ConfigError> {
///     let (seats, key) = (env.get(&SEATS)?, env.secret("KEY")?);
///     Ok(Handlers::with((seats, key)).on("seats", |socket, ()| Ok(socket.app.0)))
/// }
///
/// let env = Env::new("tea", |name| (name == "KEY").then(|| "secret".to_owned()));
/// assert!(app(env).is_ok());
/// ```
#[derive(Clone)]
pub struct Env {
    room: Rc<str>,
    lookup: Rc<Lookup>,
}

/// Gives a variable's text by its name.
type Lookup = dyn Fn(&str) -> Option<String>;

impl Env {
    /// The surroundings of the room of this name; `lookup` gives a variable's text by its name.
    pub fn new(room: &str, lookup: impl Fn(&str) -> Option<String> + 'static) -> Self {
        Self { room: room.into(), lookup: Rc::new(lookup) }
    }

    /// The name of the room.
    pub fn room(&self) -> &str {
        &self.room
    }

    /// The text of a variable of the deployment (`[vars]` in wrangler.toml); `None` where it isn't set. What stands there without
    /// quotes is its JSON: `true`, `100`, `["a","b"]`. [`get`](Self::get) checks it too.
    pub fn var(&self, name: &str) -> Option<String> {
        (self.lookup)(name)
    }

    /// The text of a secret (`wrangler secret put`), which no error shows.
    ///
    /// # Errors
    /// [`ConfigError`] where it isn't set, or is empty.
    pub fn secret(&self, name: &'static str) -> Result<String, ConfigError> {
        let missing = || ConfigError::new(name, "a secret that is set", "");
        self.var(name).filter(|secret| !secret.is_empty()).ok_or_else(missing)
    }

    /// The value of a setting; its default where it isn't set.
    ///
    /// # Errors
    /// [`ConfigError`] where it isn't what it must be.
    pub fn get<T: Clone>(&self, setting: &Setting<T>) -> Result<T, ConfigError> {
        let value = self.var(setting.name);
        setting.parse(value.as_deref()).map_err(|found| {
            let is_entry = value.as_deref().is_some_and(|value| value.trim() != found.trim());
            ConfigError { is_entry, ..ConfigError::new(setting.name, setting.wanted(), found) }
        })
    }
}

impl fmt::Debug for Env {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Env({:?})", self.room)
    }
}

/// A setting that can't be used; its `Display` names the setting and says what it must be.
///
/// ```
/// use roomcast::env::{Env, Setting};
///
/// const SEATS: Setting<u64> = Setting::number("SEATS", 8, 2..=100);
///
/// let env = Env::new("tea", |_| Some("many".to_owned()));
/// let error = env.get(&SEATS).unwrap_err();
/// assert_eq!(error.to_string(), "The setting SEATS must be a whole number from 2 to 100, but it is \"many\".");
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConfigError {
    name: &'static str,
    wanted: String,
    value: String,
    /// Whether the value is one entry of a list.
    is_entry: bool,
}

impl ConfigError {
    /// The setting of this name must be `wanted`, but it is `value`: for settings that [`Env::get`] can't check by themselves.
    pub fn new(name: &'static str, wanted: impl Into<String>, value: impl Into<String>) -> Self {
        Self { name, wanted: wanted.into(), value: value.into(), is_entry: false }
    }
}

impl ConfigError {
    /// The name of the setting.
    pub fn name(&self) -> &'static str {
        self.name
    }
}

impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let verb = if self.is_entry { "has" } else { "is" };
        write!(f, "The setting {} must be {}, but it {verb} {:?}.", self.name, self.wanted, self.value)
    }
}

impl std::error::Error for ConfigError {}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ids::Millis;

    const ROUND: Setting<Millis> = Setting::millis("ROUND_MS", 20_000, 1_000..=60_000);
    const PACE: Setting<u8> = Setting::choice("PACE", &[("slow", 1), ("fast", 2)]);
    const OPEN: Setting<bool> = Setting::flag("OPEN", true);
    const TITLE: Setting<Option<String>> =
        Setting::text("TITLE", "a title of at most 9 bytes", |text| (text.len() < 10).then(|| Some(text.to_owned())));

    fn env(name: &'static str, value: &'static str) -> Env {
        Env::new("tea", move |asked| (asked == name).then(|| value.to_owned()))
    }

    #[test]
    fn a_setting_that_is_not_set_has_its_default() {
        let env = env("OTHER", "1");
        assert_eq!(env.get(&ROUND), Ok(Millis(20_000)));
        assert_eq!(env.get(&PACE), Ok(1));
        assert_eq!(env.get(&OPEN), Ok(true));
        assert_eq!(env.get(&TITLE), Ok(Some(String::new())));
    }

    #[test]
    fn a_setting_is_trimmed_and_read() {
        assert_eq!(env("ROUND_MS", " 1000 ").get(&ROUND), Ok(Millis(1_000)));
        assert_eq!(env("PACE", "fast").get(&PACE), Ok(2));
        assert_eq!(env("PACE", "").get(&PACE), Ok(1));
        assert_eq!(env("OPEN", "false").get(&OPEN), Ok(false));
        assert_eq!(env("TITLE", "tea time").get(&TITLE), Ok(Some("tea time".to_owned())));
    }

    #[test]
    fn a_setting_that_is_not_what_it_must_be_is_named() {
        let sentence = |error: Result<String, ConfigError>| error.map_err(|error| error.to_string());
        let round = |value| sentence(env("ROUND_MS", value).get(&ROUND).map(|_| String::new()));
        for bad in ["", "999", "60001", "-1", "1.5", "20s"] {
            let wanted = format!("The setting ROUND_MS must be a whole number from 1000 to 60000, but it is {bad:?}.");
            assert_eq!(round(bad), Err(wanted));
        }
        let pace = sentence(env("PACE", "quick").get(&PACE).map(|_| String::new()));
        assert_eq!(pace, Err(r#"The setting PACE must be slow or fast, but it is "quick"."#.to_owned()));
        let title = sentence(env("TITLE", "a long title").get(&TITLE).map(|_| String::new()));
        assert_eq!(
            title,
            Err(r#"The setting TITLE must be a title of at most 9 bytes, but it is "a long title"."#.to_owned())
        );
    }

    #[test]
    fn the_entry_of_a_list_that_is_not_what_it_must_be_is_named() {
        const TOPICS: Setting<Vec<u8>> = Setting::list("TOPICS", "numbers", |text| {
            text.split_whitespace().map(|entry| entry.parse().map_err(|_| entry)).collect()
        });
        assert_eq!(env("TOPICS", " 1 2 ").get(&TOPICS), Ok(vec![1, 2]));
        assert_eq!(env("OTHER", "").get(&TOPICS), Ok(Vec::new()));
        let sentence = |value| env("TOPICS", value).get(&TOPICS).map_err(|error| error.to_string());
        assert_eq!(sentence("1 two 3"), Err(r#"The setting TOPICS must be numbers, but it has "two"."#.to_owned()));
        assert_eq!(sentence("two"), Err(r#"The setting TOPICS must be numbers, but it is "two"."#.to_owned()));
    }

    #[test]
    fn a_secret_is_required_and_never_shown() {
        assert_eq!(env("KEY", "s3cret").secret("KEY"), Ok("s3cret".to_owned()));
        let missing = env("KEY", "").secret("KEY").map_err(|error| error.to_string());
        assert_eq!(missing, Err(r#"The setting KEY must be a secret that is set, but it is ""."#.to_owned()));
        assert!(!format!("{:?}", env("KEY", "s3cret")).contains("s3cret"));
    }
}
