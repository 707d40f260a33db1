//! What a Worker is made of: its app and its pages. [`worker!`](crate::worker!) makes a Worker of it.

use std::fmt;

use crate::app::App;
use crate::env::{ConfigError, Env};

/// What runs in the rooms of a Worker, and which pages it shows.
#[derive(Debug)]
pub struct Site {
    /// Makes the app of a room; called again whenever the room has lost its memory.
    pub(crate) app: fn(Env) -> Result<Box<dyn App>, ConfigError>,
    pub(crate) pages: fn(&Env) -> Result<Pages, ConfigError>,
    /// Whether there is a raw Engine.IO server at `/engine.io/`.
    #[cfg(feature = "conformance")]
    pub(crate) raw: fn(&Env) -> bool,
}

/// The files of `public/` that are pages, as their addresses are without the Worker.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Pages {
    /// The page at `/`.
    pub start: &'static str,
    /// The page at `/r/<room>`.
    pub room: &'static str,
}

impl Pages {
    /// `index.html` and `room.html`.
    pub const DEFAULT: Self = Self { start: "/", room: "/room" };
}

impl Site {
    /// A site with the [default pages](Pages::DEFAULT).
    pub const fn new(app: fn(Env) -> Result<Box<dyn App>, ConfigError>) -> Self {
        Self {
            app,
            pages: |_| Ok(Pages::DEFAULT),
            #[cfg(feature = "conformance")]
            raw: |_| false,
        }
    }

    /// Makes the app of a room and checks it.
    ///
    /// # Errors
    /// A setting can't be used, or the app is built wrongly.
    pub(crate) fn checked_app(&self, env: Env) -> Result<Box<dyn App>, SetupError> {
        let app = (self.app)(env)?;
        app.check().map_err(SetupError::Other)?;
        Ok(app)
    }
}

/// Why a Worker can't be used as it is set up. `Display` has all of it, which is for the log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum SetupError {
    /// A setting can't be used.
    Setting(ConfigError),
    /// Something else, as this sentence says.
    Other(String),
}

impl SetupError {
    /// What strangers are told: which setting it is, but not its value.
    pub(crate) fn public(&self) -> String {
        match self {
            Self::Setting(error) => {
                let name = error.name();
                format!("This server is set up wrongly: its setting {name} can't be used. Its log says more.")
            }
            Self::Other(_) => "This server is set up wrongly. Its log says more.".to_owned(),
        }
    }
}

impl From<ConfigError> for SetupError {
    fn from(error: ConfigError) -> Self {
        Self::Setting(error)
    }
}

impl fmt::Display for SetupError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Setting(error) => error.fmt(f),
            Self::Other(sentence) => f.write_str(sentence),
        }
    }
}

/// What a function may return that makes an app: an [`App`], or a [`ConfigError`] in its place.
pub trait IntoApp {
    /// The app on the heap.
    ///
    /// # Errors
    /// The [`ConfigError`].
    fn into_app(self) -> Result<Box<dyn App>, ConfigError>;
}

impl<A: App + 'static> IntoApp for A {
    fn into_app(self) -> Result<Box<dyn App>, ConfigError> {
        Ok(Box::new(self))
    }
}

impl<A: App + 'static> IntoApp for Result<A, ConfigError> {
    fn into_app(self) -> Result<Box<dyn App>, ConfigError> {
        self?.into_app()
    }
}

/// Calls a function that makes an app: it tells the compiler what a closure in its place gets.
#[doc(hidden)]
pub fn make_app<A: IntoApp>(make: impl FnOnce(Env) -> A, env: Env) -> Result<Box<dyn App>, ConfigError> {
    make(env).into_app()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::app::{Event, Io};
    use crate::env::Setting;

    /// An app that says of itself whether it is built as it must be.
    struct Built(Result<(), &'static str>);

    impl App for Built {
        fn event(&mut self, _: &Io<'_>, _: Event<'_>) {}

        fn check(&self) -> Result<(), String> {
            self.0.map_err(str::to_owned)
        }
    }

    fn refused(app: fn(Env) -> Result<Box<dyn App>, ConfigError>, key: Option<&'static str>) -> Option<SetupError> {
        Site::new(app).checked_app(Env::new("tea", move |_| key.map(str::to_owned))).err()
    }

    fn checked(app: fn(Env) -> Result<Box<dyn App>, ConfigError>) -> Option<String> {
        refused(app, None).map(|error| error.to_string())
    }

    #[test]
    fn the_public_is_told_the_name_of_a_setting_but_no_value_and_no_sentence_of_the_app() {
        const SEATS: Setting<u64> = Setting::number("SEATS", 8, 2..=100);
        let app = |env: Env| {
            env.get(&SEATS).map(|_| -> Box<dyn App> { Box::new(Built(Err("The timer \"a\" has no handler."))) })
        };
        let wrong = refused(app, Some("hunter2")).map(|error| (error.to_string(), error.public()));
        let (log, public) = (
            r#"The setting SEATS must be a whole number from 2 to 100, but it is "hunter2"."#,
            "This server is set up wrongly: its setting SEATS can't be used. Its log says more.",
        );
        assert_eq!(wrong, Some((log.to_owned(), public.to_owned())));
        let built = refused(app, None).map(|error| error.public());
        assert_eq!(built.as_deref(), Some("This server is set up wrongly. Its log says more."));
    }

    #[test]
    fn an_app_that_is_built_wrongly_is_refused_with_its_own_sentence() {
        assert_eq!(checked(|env| make_app(|_| Built(Ok(())), env)), None);
        let sentence = checked(|env| make_app(|_| Built(Err("The timer \"a\" has no handler.")), env));
        assert_eq!(sentence.as_deref(), Some("The timer \"a\" has no handler."));
    }

    #[test]
    fn an_app_may_be_made_of_what_its_settings_say_and_know_its_room() {
        let refused = checked(|env| {
            assert_eq!(env.room(), "tea");
            make_app(|env| env.secret("KEY").map(|_| Built(Ok(()))), env)
        });
        assert_eq!(refused.as_deref(), Some(r#"The setting KEY must be a secret that is set, but it is ""."#));
    }
}
