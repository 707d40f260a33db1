//! A setting: its name, what it may be, and its default.

use std::fmt;
use std::ops::RangeInclusive;

use crate::ids::Millis;

/// A setting of a deployment, to be declared as a constant and read by [`Env::get`](super::Env::get):
///
/// ```
/// use roomcast::env::{ConfigError, Env, Setting};
///
/// const SEATS: Setting<u64> = Setting::number("SEATS", 8, 2..=100).about("How many may play.");
///
/// fn seats(env: &Env) -> Result<u64, ConfigError> {
///     env.get(&SEATS)
/// }
/// ```
pub struct Setting<T: 'static> {
    pub(super) name: &'static str,
    about: &'static str,
    kind: Kind<T>,
}

enum Kind<T: 'static> {
    Number {
        default: u64,
        least: u64,
        most: u64,
        value: fn(u64) -> T,
    },
    /// One of several words, and what each stands for.
    Choice {
        default: usize,
        words: &'static [(&'static str, T)],
    },
    Text {
        wanted: &'static str,
        parse: fn(&str) -> Option<T>,
    },
    List {
        wanted: &'static str,
        parse: fn(&str) -> Result<T, &str>,
    },
}

/// A setting as documentation shows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SettingRow {
    /// Its name.
    pub name: &'static str,
    /// Its default, as it would be written in wrangler.toml.
    pub default: String,
    /// What it must be, as an error says it.
    pub wanted: String,
    /// What it is for.
    pub about: &'static str,
}

impl Setting<u64> {
    /// A whole number within these bounds.
    pub const fn number(name: &'static str, default: u64, bounds: RangeInclusive<u64>) -> Self {
        Self::counted(name, default, &bounds, |number| number)
    }
}

impl Setting<usize> {
    /// A number of things or bytes within these bounds.
    pub const fn size(name: &'static str, default: u64, bounds: RangeInclusive<u64>) -> Self {
        Self::counted(name, default, &bounds, |number| usize::try_from(number).unwrap_or(usize::MAX))
    }
}

impl Setting<Millis> {
    /// A span of time in milliseconds within these bounds.
    pub const fn millis(name: &'static str, default: u64, bounds: RangeInclusive<u64>) -> Self {
        Self::counted(name, default, &bounds, Millis)
    }
}

impl Setting<bool> {
    /// `true` or `false`.
    pub const fn flag(name: &'static str, default: bool) -> Self {
        let kind = Kind::Choice { default: default as usize, words: &[("false", false), ("true", true)] };
        Self { name, about: "", kind }
    }
}

impl<T> Setting<T> {
    /// One of several words, and what each stands for. The first is the default, of the empty text too.
    pub const fn choice(name: &'static str, words: &'static [(&'static str, T)]) -> Self {
        Self { name, about: "", kind: Kind::Choice { default: 0, words } }
    }

    /// A text that `parse` can read; `wanted` says what it must be. A setting that isn't set is the empty text, which
    /// `parse` must be able to read.
    pub const fn text(name: &'static str, wanted: &'static str, parse: fn(&str) -> Option<T>) -> Self {
        Self { name, about: "", kind: Kind::Text { wanted, parse } }
    }

    /// The same for a text of several entries; what `parse` can't read it returns, so that the error shows only that.
    pub const fn list(name: &'static str, wanted: &'static str, parse: fn(&str) -> Result<T, &str>) -> Self {
        Self { name, about: "", kind: Kind::List { wanted, parse } }
    }

    /// The same, with a sentence on what it is for.
    #[must_use]
    pub const fn about(self, sentence: &'static str) -> Self {
        Self { about: sentence, ..self }
    }

    const fn counted(name: &'static str, default: u64, bounds: &RangeInclusive<u64>, value: fn(u64) -> T) -> Self {
        let kind = Kind::Number { default, least: *bounds.start(), most: *bounds.end(), value };
        Self { name, about: "", kind }
    }

    /// What documentation shows.
    pub fn row(&self) -> SettingRow {
        let default = match self.kind {
            Kind::Number { default, .. } => default.to_string(),
            Kind::Choice { default, words } => words.get(default).map(|(word, _)| *word).unwrap_or_default().to_owned(),
            Kind::Text { .. } | Kind::List { .. } => String::new(),
        };
        SettingRow { name: self.name, default, wanted: self.wanted(), about: self.about.trim() }
    }

    /// The default.
    pub(crate) fn default(&self) -> T
    where
        T: Clone + Default,
    {
        self.parse(None).unwrap_or_default()
    }

    pub(super) fn wanted(&self) -> String {
        match self.kind {
            Kind::Number { least, most, .. } => format!("a whole number from {least} to {most}"),
            Kind::Choice { words, .. } => words.iter().map(|(word, _)| *word).collect::<Vec<_>>().join(" or "),
            Kind::Text { wanted, .. } | Kind::List { wanted, .. } => wanted.to_owned(),
        }
    }

    /// The value of a text; the default where there is none.
    ///
    /// # Errors
    /// What can't be used: the text, or the entry of a list.
    pub(super) fn parse<'a>(&self, text: Option<&'a str>) -> Result<T, &'a str>
    where
        T: Clone,
    {
        let whole = text.unwrap_or_default();
        let trimmed = whole.trim();
        match self.kind {
            Kind::Number { default, least, most, value } => {
                let number = text.map_or(Some(default), |_| trimmed.parse().ok());
                number.filter(|number| (least..=most).contains(number)).map(value)
            }
            Kind::Choice { default, words } => match trimmed {
                "" => words.get(default),
                text => words.iter().find(|(word, _)| *word == text),
            }
            .map(|(_, value)| value.clone()),
            Kind::Text { parse, .. } => parse(trimmed),
            Kind::List { parse, .. } => return parse(trimmed),
        }
        .ok_or(whole)
    }
}

impl<T> fmt::Debug for Setting<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Setting({})", self.name)
    }
}
