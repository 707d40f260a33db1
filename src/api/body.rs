//! The body of an emit.

use std::rc::Rc;

use serde::de::{DeserializeOwned, Error as _};
use serde::{Deserialize, Deserializer};
use serde_json::value::RawValue;

use super::Problem;
use crate::app::Args;
use crate::javascript::read;

/// An event, and who gets it.
#[derive(Debug, Clone)]
pub struct Emit {
    /// Its name.
    pub event: String,
    /// Its arguments.
    pub args: Args<'static>,
    /// The rooms that it goes to; empty for everybody.
    pub to: Vec<Rc<str>>,
    /// The rooms that it doesn't go to.
    pub except: Vec<Rc<str>>,
    /// The namespace in which it is sent.
    pub namespace: Rc<str>,
}

/// The object as it is sent. A field that nobody knows is refused: a misspelt `except` would reach whom it must not.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Sent<'a> {
    #[serde(deserialize_with = "as_javascript")]
    event: String,
    #[serde(borrow, default)]
    args: Vec<&'a RawValue>,
    #[serde(default, deserialize_with = "rooms")]
    to: Option<Vec<Rc<str>>>,
    #[serde(default, deserialize_with = "rooms")]
    except: Option<Vec<Rc<str>>>,
    #[serde(default = "main", deserialize_with = "as_javascript")]
    namespace: Rc<str>,
}

fn main() -> Rc<str> {
    Rc::from("/")
}

/// A field as JavaScript means it, however it is written: the arguments beside it stay as they are.
fn as_javascript<'de, D: Deserializer<'de>, T: DeserializeOwned>(deserializer: D) -> Result<T, D::Error> {
    let json = <&RawValue>::deserialize(deserializer)?;
    read(json.get()).map_err(D::Error::custom)
}

/// One room or several; `null` is neither.
fn rooms<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Vec<Rc<str>>>, D::Error> {
    let json = <&RawValue>::deserialize(deserializer)?.get();
    let rooms = if json.starts_with('"') { read(json).map(|room| vec![room]) } else { read(json) };
    rooms.map(Some).map_err(D::Error::custom)
}

impl Emit {
    /// Reads a body. The arguments stay the text that was sent.
    ///
    /// # Errors
    /// [`Problem::NotJson`], [`Problem::InvalidBody`] or [`Problem::ToNobody`].
    pub(super) fn parse(body: &[u8]) -> Result<Self, Problem> {
        let text = std::str::from_utf8(body).map_err(|_| Problem::NotJson)?;
        let json: &RawValue = serde_json::from_str(text).map_err(|_| Problem::NotJson)?;
        // serde would take a list for an object too.
        let object = Some(json.get()).filter(|json| json.starts_with('{')).ok_or(Problem::InvalidBody)?;
        let Sent { event, args, to, except, namespace } =
            serde_json::from_str(object).map_err(|_| Problem::InvalidBody)?;
        // To `io.to([])` that is everybody: hardly what a list means that happens to have nobody in it.
        if to.as_ref().is_some_and(Vec::is_empty) {
            return Err(Problem::ToNobody);
        }
        let mut values = Args::new();
        for value in args {
            values.push(value).map_err(|_| Problem::InvalidArgs)?;
        }
        let (to, except) = (to.unwrap_or_default(), except.unwrap_or_default());
        Ok(Self { event, args: values, to, except, namespace })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// An emit as one line.
    fn line(emit: &Emit) -> String {
        let args: Vec<_> = emit.args.iter().map(RawValue::get).collect();
        format!("{} [{}] to {:?} except {:?} in {}", emit.event, args.join(","), emit.to, emit.except, emit.namespace)
    }

    #[test]
    fn what_is_left_out_has_its_default() {
        let table = [
            (r#"{"event":"m"}"#, "m [] to [] except [] in /"),
            (r#" { "event" : "" , "args" : [ ] }"#, " [] to [] except [] in /"),
            (r#"{"event":"m","to":"a","except":"b"}"#, r#"m [] to ["a"] except ["b"] in /"#),
            (r#"{"event":"m","to":["a","é"],"except":[]}"#, r#"m [] to ["a", "é"] except [] in /"#),
            (r#"{"namespace":"/a","event":"m"}"#, "m [] to [] except [] in /a"),
            (
                r#"{"event":"\ud800","args":[5.0,"\ud800"],"to":"a\ud800","except":["\udfff"],"namespace":"/\ud800"}"#,
                "\u{fffd} [5.0,\"\\ud800\"] to [\"a\u{fffd}\"] except [\"\u{fffd}\"] in /\u{fffd}",
            ),
            (
                r#"{"args":[1.0,"a\u00e9",null,{"a": [1]}],"event":"m"}"#,
                r#"m [1.0,"a\u00e9",null,{"a": [1]}] to [] except [] in /"#,
            ),
        ];
        for (body, expected) in table {
            assert_eq!(Emit::parse(body.as_bytes()).as_ref().map(line), Ok(expected.to_owned()), "{body}");
        }
    }

    #[test]
    fn anything_else_is_refused() {
        let deep = format!(r#"{{"event":"m","to":{}"#, "[".repeat(100_000));
        let table: [(&[u8], Problem); 24] = [
            (b"", Problem::NotJson),
            (b" ", Problem::NotJson),
            (b"{", Problem::NotJson),
            (b"event=m", Problem::NotJson),
            (br#"{"event":"m"} {}"#, Problem::NotJson),
            (br#"{"event":"m",}"#, Problem::NotJson),
            (b"{\"event\":\"\xff\"}", Problem::NotJson),
            (b"\xef\xbb\xbf{\"event\":\"m\"}", Problem::NotJson),
            (b"{\"event\":\"a\nb\"}", Problem::NotJson),
            (deep.as_bytes(), Problem::NotJson),
            (b"{}", Problem::InvalidBody),
            (b"null", Problem::InvalidBody),
            (br#"["m",[],"a","b","/"]"#, Problem::InvalidBody),
            (br#"{"event":1}"#, Problem::InvalidBody),
            (br#"{"event":"\ud8"}"#, Problem::NotJson),
            (br#"{"event":"m","event":"n"}"#, Problem::InvalidBody),
            (br#"{"event":"m","args":{}}"#, Problem::InvalidBody),
            (br#"{"event":"m","args":null}"#, Problem::InvalidBody),
            (br#"{"event":"m","to":null}"#, Problem::InvalidBody),
            (br#"{"event":"m","to":[1]}"#, Problem::InvalidBody),
            (br#"{"event":"m","except":{}}"#, Problem::InvalidBody),
            (br#"{"event":"m","exept":"a"}"#, Problem::InvalidBody),
            (br#"{"event":"m","namespace":null}"#, Problem::InvalidBody),
            (br#"{"event":"m","to":[]}"#, Problem::ToNobody),
        ];
        for (body, problem) in table {
            let body_shown = String::from_utf8_lossy(body).chars().take(60).collect::<String>();
            assert_eq!(Emit::parse(body).err(), Some(problem), "{body_shown}");
        }
        let deep = format!(r#"{{"event":"m","to":{}{}}}"#, "[".repeat(100_000), "]".repeat(100_000));
        assert_eq!(Emit::parse(deep.as_bytes()).err(), Some(Problem::InvalidBody));
    }
}
