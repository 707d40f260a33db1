//! roomcast's own Worker: the chat, or an example, by the setting `APP`.

use crate::app::App;
use crate::chat::chat;
#[cfg(feature = "conformance")]
use crate::conformance::Conformance;
use crate::env::{ConfigError, Env, Setting};
use crate::examples;
use crate::site::{Pages, Site};

/// An app of this Worker, with its pages.
#[derive(Debug, Clone, Copy)]
pub struct Choice {
    app: fn(&Env) -> Result<Box<dyn App>, ConfigError>,
    pages: Pages,
}

impl Choice {
    /// An example, whose page is that of each room and the start page as well.
    const fn example(app: fn(&Env) -> Result<Box<dyn App>, ConfigError>, page: &'static str) -> Self {
        Self { app, pages: Pages { start: page, room: page } }
    }
}

/// What runs in the rooms.
pub const APP: Setting<Choice> = Setting::choice(
    "APP",
    &[
        ("chat", Choice { app: |env| Ok(Box::new(chat(env)?)), pages: Pages::DEFAULT }),
        ("echo", Choice::example(|_| Ok(Box::new(examples::echo())), "/examples/echo/")),
        ("tutorial", Choice::example(|_| Ok(Box::new(examples::tutorial())), "/examples/tutorial/")),
        ("dashboard", Choice::example(|_| Ok(Box::new(examples::dashboard())), "/examples/dashboard/")),
        ("game", Choice::example(|_| Ok(Box::new(examples::game())), "/examples/game/")),
        ("whiteboard", Choice::example(|_| Ok(Box::new(examples::whiteboard())), "/examples/whiteboard/")),
        #[cfg(feature = "conformance")]
        ("conformance", Choice { app: |_| Ok(Box::new(Conformance { recovery: true })), pages: Pages::DEFAULT }),
        #[cfg(feature = "conformance")]
        (
            "conformance-without-recovery",
            Choice { app: |_| Ok(Box::new(Conformance { recovery: false })), pages: Pages::DEFAULT },
        ),
    ],
)
.about("What runs in the rooms: the chat, or an example.");

/// roomcast's own site.
pub const SITE: Site = Site {
    app: |env| (env.get(&APP)?.app)(&env),
    pages: |env| env.get(&APP).map(|choice| choice.pages),
    #[cfg(feature = "conformance")]
    raw: |env| env.var("APP").as_deref() == Some("conformance"),
};

#[cfg(test)]
mod tests {
    use super::*;

    fn env(name: &'static str, value: &'static str) -> Env {
        Env::new("tea", move |asked| (asked == name).then(|| value.to_owned()))
    }

    fn refusal(env: Env) -> Option<String> {
        SITE.checked_app(env).err().map(|error| error.to_string())
    }

    #[test]
    fn an_app_that_this_build_has_not_is_refused_with_the_list_of_those_that_it_has() {
        let more = if cfg!(feature = "conformance") { " or conformance or conformance-without-recovery" } else { "" };
        let apps = format!("chat or echo or tutorial or dashboard or game or whiteboard{more}");
        assert_eq!(
            refusal(env("APP", "paint")),
            Some(format!(r#"The setting APP must be {apps}, but it is "paint"."#))
        );
        assert!(refusal(env("APP", "Chat")).is_some());
        assert_eq!(refusal(env("APP", "conformance")).is_none(), cfg!(feature = "conformance"));
    }

    #[test]
    fn a_setting_of_the_app_is_checked_like_the_servers() {
        let sentence = r#"The setting HISTORY_MESSAGES must be a whole number from 1 to 10000000, but it is "0"."#;
        assert_eq!(refusal(env("HISTORY_MESSAGES", "0")), Some(sentence.to_owned()));
        assert_eq!(refusal(env("HISTORY_MESSAGES", "1")), None);
    }

    #[test]
    fn each_app_has_its_pages() {
        let pages = |name| (SITE.pages)(&env("APP", name));
        assert_eq!(pages("chat"), Ok(Pages::DEFAULT));
        assert_eq!(pages("echo"), Ok(Pages { start: "/examples/echo/", room: "/examples/echo/" }));
    }
}
