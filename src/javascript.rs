//! JSON as JavaScript means it: there is one kind of number, and a string may have half of a surrogate pair in it.
//!
//! serde takes `5.0` for no integer, and no string with `\ud800`. Both are ordinary values to clients: other languages write
//! whole numbers as floats, and `JSON.stringify` writes half a pair as its escape. So JSON is read as it stands first; only
//! where that fails it is rewritten and read again. That holds for what clients, backends and other servers send, and for
//! what an app keeps of it.

use std::borrow::Cow;

use serde::de::DeserializeOwned;
use serde_json::{Error, from_str};

use crate::database;

/// Reads a value from JSON that somebody else wrote.
///
/// # Errors
/// Why it is no such value.
pub(crate) fn read<T: DeserializeOwned>(json: &str) -> Result<T, Error> {
    from_str(json).or_else(|error| from_str(&rewritten(json).ok_or(error)?))
}

/// The text that a JSON string spells; mostly it is spelt plainly. `None` where it is no string.
pub(crate) fn text(json: &str) -> Option<Cow<'_, str>> {
    if json.contains('\\') {
        return read(json).ok().map(Cow::Owned);
    }
    json.strip_prefix('"')?.strip_suffix('"').map(Cow::Borrowed)
}

/// A number as JavaScript writes it, if it is whole; else as it stands.
pub(crate) fn number(text: &str) -> Cow<'_, str> {
    whole(text).map_or(text.into(), |whole| whole.to_string().into())
}

/// The same JSON with whole numbers written as integers (`5.0`, `5e0`, `-0`), and U+FFFD in place of half a surrogate pair;
/// `None` where it has neither. It takes one pass, and the text grows to at most five times its length.
pub(crate) fn rewritten(json: &str) -> Option<String> {
    let (mut out, mut rest) = (String::with_capacity(json.len()), json);
    let (mut quoted, mut changed) = (false, false);
    loop {
        let is_token = |c: char| if quoted { matches!(c, '"' | '\\') } else { matches!(c, '"' | '-' | '0'..='9') };
        let (before, token) = rest.split_at_checked(rest.find(is_token).unwrap_or(rest.len()))?;
        out.push_str(before);
        let (length, replaced) = match token.bytes().next() {
            None => return changed.then_some(out),
            Some(b'"') => {
                quoted = !quoted;
                (1, None)
            }
            Some(b'\\') => escape(token),
            Some(_) => {
                let end = token.find(|c: char| !matches!(c, '0'..='9' | '-' | '+' | '.' | 'e' | 'E'));
                let length = end.unwrap_or(token.len());
                (length, token.get(..length).and_then(whole).map(|whole| whole.to_string()))
            }
        };
        let (token, after) = token.split_at_checked(length)?;
        changed |= replaced.is_some();
        out.push_str(replaced.as_deref().unwrap_or(token));
        rest = after;
    }
}

/// A number that isn't written as an integer, but is one.
fn whole(number: &str) -> Option<i64> {
    if number != "-0" && !number.contains(['.', 'e', 'E']) {
        return None;
    }
    // By serde_json's parser: the standard library's would bring another 13 KB along.
    database::whole(from_str(number).ok()?)
}

/// How long the escape is that comes first, and what takes its place: U+FFFD for half of a surrogate pair.
fn escape(text: &str) -> (usize, Option<String>) {
    const LENGTH: usize = r"\u0000".len();
    let unit = |text: &str| u16::from_str_radix(text.strip_prefix(r"\u")?.get(..4)?, 16).ok();
    let next = || text.get(LENGTH..).and_then(unit);
    match unit(text) {
        // A character, such as `\n` or `\"`.
        None => (2, None),
        Some(0xd800..0xdc00) if matches!(next(), Some(0xdc00..0xe000)) => (2 * LENGTH, None),
        Some(0xd800..0xe000) => (LENGTH, Some("\u{fffd}".to_owned())),
        Some(_) => (LENGTH, None),
    }
}

#[cfg(test)]
mod tests {
    use serde::Deserialize;
    use serde_json::value::RawValue;

    use super::*;

    #[test]
    fn whole_numbers_are_integers_however_they_are_written() {
        let table = [
            ("5", Some(5)),
            ("5.0", Some(5)),
            ("5.000", Some(5)),
            ("5e0", Some(5)),
            ("5E+0", Some(5)),
            ("50e-1", Some(5)),
            ("0.5e1", Some(5)),
            ("-0", Some(0)),
            ("-0.0", Some(0)),
            ("-0e9", Some(0)),
            ("-5.0", Some(-5)),
            ("1e3", Some(1_000)),
            ("9007199254740992.0", Some(9_007_199_254_740_992)),
            ("9223372036854775807", Some(i64::MAX)),
            ("9007199254740994.0", None),
            ("1e400", None),
            ("5.5", None),
            ("5e-1", None),
            ("1e-400", Some(0)),
            ("\"5\"", None),
            ("null", None),
            ("true", None),
        ];
        for (json, number) in table {
            assert_eq!(read::<i64>(json).ok(), number, "{json}");
            assert_eq!(read::<Vec<i64>>(&format!(r#"[ {json},{json} ]"#)).ok(), number.map(|n| vec![n, n]), "{json}");
        }
        assert_eq!((read::<u8>("-0").ok(), read::<u8>("-1.0").ok(), read::<u8>("256.0").ok()), (Some(0), None, None));
        assert_eq!(
            (read::<f64>("5").ok(), read::<f64>("5.0").ok(), read::<f64>("-0.5").ok()),
            (Some(5.0), Some(5.0), Some(-0.5))
        );
    }

    #[test]
    fn half_a_surrogate_pair_is_replaced_and_a_whole_one_is_not() {
        let table = [
            (r#""\ud800""#, "\u{fffd}"),
            (r#""\udfff""#, "\u{fffd}"),
            (r#""a\uD83Db""#, "a\u{fffd}b"),
            (r#""\ud83d\ude00""#, "😀"),
            (r#""\ude00\ud83d""#, "\u{fffd}\u{fffd}"),
            (r#""\ud83d\ud83d\ude00""#, "\u{fffd}😀"),
            (r#""\ud83d\u0041""#, "\u{fffd}A"),
            (r#""\ud83d\n""#, "\u{fffd}\n"),
            (r#""\\ud800""#, r"\ud800"),
            (r#""\\\ud800\"5.0\"""#, "\\\u{fffd}\"5.0\""),
            (r#""é\ud800é""#, "é\u{fffd}é"),
        ];
        for (json, text) in table {
            assert_eq!(read::<String>(json).ok().as_deref(), Some(text), "{json}");
        }
    }

    #[test]
    fn only_what_differs_is_rewritten() {
        let table = [
            ("", None),
            (r#"{"a":[5,-1,0.5,1e400,null,true],"5.0":"1e0"}"#, None),
            (r#"{"a\ud800": 5.0, "b": [ -0, "x" ]}"#, Some("{\"a\u{fffd}\": 5, \"b\": [ 0, \"x\" ]}")),
            (r#"[9e15,"\u00e9\ud83d\ude00",1.50]"#, Some(r#"[9000000000000000,"\u00e9\ud83d\ude00",1.50]"#)),
        ];
        for (json, text) in table {
            assert_eq!(rewritten(json).as_deref(), text, "{json}");
        }
    }

    #[test]
    fn both_may_be_anywhere_in_a_value() {
        #[derive(Debug, Deserialize, PartialEq)]
        struct Player {
            name: String,
            level: u8,
            place: (f64, i32),
        }
        let json = r#"{"more":{"\ud800":1},"name":"\ud83d!","level":3.0,"place":[1,-2e0]}"#;
        let player = Player { name: "\u{fffd}!".to_owned(), level: 3, place: (1.0, -2) };
        assert_eq!(read(json).ok(), Some(player));
        let why = read::<Player>(r#"{"name":"\ud800","level":3.5}"#).unwrap_err().to_string();
        assert!(why.contains("3.5"), "the reason is the value's own: {why}");
        assert_eq!(read::<Box<RawValue>>("[ 5.0 ]").unwrap().get(), "[ 5.0 ]");
    }

    #[test]
    fn text_that_is_no_json_is_refused_and_never_grows_beyond_five_times_its_length() {
        let pieces = ["\\", "\\u", "\\ud8", "\"", "\\ud800", "-", "9e15", ".", "é", "5.0", "{", "\u{1f600}"];
        for first in pieces {
            for second in pieces {
                for third in pieces {
                    let text = format!("{first}{second}{third}");
                    assert!(rewritten(&text).unwrap_or_default().len() <= 5 * text.len(), "{text}");
                    _ = read::<String>(&text);
                }
            }
        }
    }
}
