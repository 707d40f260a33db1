//! What a Worker is made of: its app and its pages. [`worker!`](crate::worker!) makes a Worker of it.

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
    /// A sentence: a setting can't be used, or the app is built wrongly.
    pub(crate) fn checked_app(&self, env: Env) -> Result<Box<dyn App>, String> {
        let app = (self.app)(env).map_err(|error| error.to_string())?;
        app.check()?;
        Ok(app)
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

    /// An app that says of itself whether it is built as it must be.
    struct Built(Result<(), &'static str>);

    impl App for Built {
        fn event(&mut self, _: &Io<'_>, _: Event<'_>) {}

        fn check(&self) -> Result<(), String> {
            self.0.map_err(str::to_owned)
        }
    }

    fn checked(app: fn(Env) -> Result<Box<dyn App>, ConfigError>) -> Option<String> {
        Site::new(app).checked_app(Env::new("tea", |_| None)).err()
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
