//! Placeholders: the objects in a JSON text that stand for attachments (E5, E6).

use std::fmt;
use std::rc::Rc;

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use crate::javascript;

/// How deep JSON with attachments may be nested, as deep as [`serde_json`] reads: looking for placeholders takes a
/// function call a level.
const MAX_DEPTH: usize = 128;

/// `{"_placeholder":true,"num":0}`: here stands the attachment of this number.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Placeholder {
    _placeholder: bool,
    num: usize,
}

impl Placeholder {
    /// The member that makes an object a placeholder, if it is `true`.
    pub(super) const MARK: &'static str = "_placeholder";
    /// The member with the attachment's number.
    pub(super) const NUM: &'static str = "num";

    pub(super) fn new(index: usize) -> Self {
        Self { _placeholder: true, num: index }
    }

    /// The same as a text.
    pub(super) fn text(index: usize) -> String {
        format!(r#"{{"_placeholder":true,"num":{index}}}"#)
    }

    /// The attachment's place in the list.
    pub(super) fn index(&self) -> Option<usize> {
        self._placeholder.then_some(self.num)
    }
}

/// A placeholder that asks for an attachment which isn't there, or one nested too deep to be looked for (E6).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct IllegalAttachments;

impl fmt::Display for IllegalAttachments {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("illegal attachments")
    }
}

/// The JSON with its placeholders numbered on from the end of `to`, where the attachments are added that they asked for
/// in `from`. All else stays as it is written.
pub(super) fn renumber(
    json: &RawValue,
    from: &[Rc<[u8]>],
    to: &mut Vec<Rc<[u8]>>,
) -> Result<Box<RawValue>, IllegalAttachments> {
    let mut scan = Scan { rest: json.get(), out: String::with_capacity(json.get().len()), from, to };
    scan.value(0)?;
    RawValue::from_string(scan.out).map_err(|_| IllegalAttachments)
}

/// A walk through a text that is known to be JSON, which it copies.
struct Scan<'a> {
    rest: &'a str,
    out: String,
    from: &'a [Rc<[u8]>],
    to: &'a mut Vec<Rc<[u8]>>,
}

impl<'a> Scan<'a> {
    fn value(&mut self, depth: usize) -> Result<(), IllegalAttachments> {
        if depth > MAX_DEPTH {
            return Err(IllegalAttachments);
        }
        match self.rest.bytes().next() {
            Some(b'{') => self.object(depth.saturating_add(1)),
            Some(b'[') => self.array(depth.saturating_add(1)),
            Some(b'"') => {
                self.string();
                Ok(())
            }
            _ => {
                let end = self.rest.find(|c: char| !(c.is_ascii_alphanumeric() || matches!(c, '+' | '-' | '.')));
                self.copy(end.unwrap_or(self.rest.len()));
                Ok(())
            }
        }
    }

    fn array(&mut self, depth: usize) -> Result<(), IllegalAttachments> {
        self.eat('[');
        if self.eat(']') {
            return Ok(());
        }
        self.value(depth)?;
        while self.eat(',') {
            self.value(depth)?;
        }
        self.eat(']');
        Ok(())
    }

    fn object(&mut self, depth: usize) -> Result<(), IllegalAttachments> {
        let (start, attached) = (self.out.len(), self.to.len());
        let (mut marked, mut num) = (false, None);
        self.eat('{');
        while !self.eat('}') {
            let key = self.string();
            self.eat(':');
            let before = self.rest;
            self.value(depth)?;
            let value = before.get(..before.len().saturating_sub(self.rest.len())).unwrap_or_default();
            // As in JavaScript, the last of several members of one name counts.
            match javascript::text(key).as_deref() {
                Some(Placeholder::MARK) => marked = value == "true",
                Some(Placeholder::NUM) => num = javascript::read(value).ok(),
                _ => {}
            }
            self.eat(',');
        }
        if marked { self.replace(start, attached, num) } else { Ok(()) }
    }

    /// Puts a placeholder of ours in place of the object that was copied from `start` on, with all that is in it.
    fn replace(&mut self, start: usize, attached: usize, num: Option<usize>) -> Result<(), IllegalAttachments> {
        let attachment = num.and_then(|index| self.from.get(index)).ok_or(IllegalAttachments)?;
        self.out.truncate(start);
        self.to.truncate(attached);
        self.out.push_str(&Placeholder::text(attached));
        self.to.push(attachment.clone());
        Ok(())
    }

    /// Copies a string with its quotes, and gives it.
    fn string(&mut self) -> &'a str {
        let mut escaped = false;
        let end = self.rest.bytes().skip(1).position(|byte| {
            let ends = byte == b'"' && !escaped;
            escaped = byte == b'\\' && !escaped;
            ends
        });
        // With the quotes at both ends.
        self.copy(end.map_or(self.rest.len(), |end| end.saturating_add(2)))
    }

    /// Copies a character and the white space around it, if it comes next.
    fn eat(&mut self, wanted: char) -> bool {
        let found = self.rest.trim_ascii_start().strip_prefix(wanted).map(str::trim_ascii_start);
        if let Some(rest) = found {
            self.copy(self.rest.len().saturating_sub(rest.len()));
        }
        found.is_some()
    }

    fn copy(&mut self, len: usize) -> &'a str {
        let (copied, rest) = self.rest.split_at_checked(len).unwrap_or((self.rest, ""));
        self.out.push_str(copied);
        self.rest = rest;
        copied
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn renumbered(json: &str, from: &[&[u8]]) -> Result<(String, Vec<Vec<u8>>), IllegalAttachments> {
        let json = RawValue::from_string(json.to_owned()).unwrap();
        let from: Vec<Rc<[u8]>> = from.iter().map(|bytes| (*bytes).into()).collect();
        let mut to = vec![Rc::from(&b"before"[..])];
        let text = renumber(&json, &from, &mut to)?;
        Ok((text.get().to_owned(), to.iter().skip(1).map(|bytes| bytes.to_vec()).collect()))
    }

    #[test]
    fn e5_e6_placeholders_are_numbered_as_they_stand_and_the_rest_is_kept_as_written() {
        let one = r#"{"_placeholder":true,"num":1}"#;
        let table: [(&str, &str, &[u8]); 12] = [
            ("1.50e+3", "1.50e+3", b""),
            (r#" {"a" : [ ], "b": {} } "#, r#"{"a" : [ ], "b": {} }"#, b""),
            (r#"["\\\"{",-1,null,"é\ud800"]"#, r#"["\\\"{",-1,null,"é\ud800"]"#, b""),
            (r#"{"_placeholder":true,"num":0}"#, one, b"x"),
            (r#"{ "num": 1, "_placeholder": true, "more": [1] }"#, one, b"y"),
            (r#"{"_placeholder":true,"num":1.0}"#, one, b"y"),
            (r#"{"_placeholder":true,"num":-0}"#, one, b"x"),
            (r#"{"\u005fplaceholder":true,"num":0}"#, one, b"x"),
            (r#"{"_placeholder":1,"num":9}"#, r#"{"_placeholder":1,"num":9}"#, b""),
            (
                r#"{"_placeholder":true,"num":0,"_placeholder":false}"#,
                r#"{"_placeholder":true,"num":0,"_placeholder":false}"#,
                b"",
            ),
            (r#"{"_placeholder":true,"x":{"_placeholder":true,"num":0},"num":1}"#, one, b"y"),
            (
                r#"[{"_placeholder":true,"num":1},{"a":{"_placeholder":true,"num":1}},{"_placeholder":true,"num":0}]"#,
                r#"[{"_placeholder":true,"num":1},{"a":{"_placeholder":true,"num":2}},{"_placeholder":true,"num":3}]"#,
                b"yyx",
            ),
        ];
        for (json, text, attached) in table {
            let (found, to) = renumbered(json, &[b"x", b"y"]).unwrap();
            assert_eq!((found.as_str(), to.concat()), (text, attached.to_vec()), "{json}");
        }
    }

    /// CVE-2022-2421: a number that is no number of an attachment was taken for a property's name.
    #[test]
    fn cve_2022_2421_the_number_of_a_placeholder_is_checked() {
        let bad =
            ["\"splice\"", "\"0\"", "null", "true", "[]", "{}", "-1", "0.5", "2", "1e400", "18446744073709551616"];
        for num in bad {
            let json = format!(r#"[{{"_placeholder":true,"num":{num}}}]"#);
            assert_eq!(renumbered(&json, &[b"x", b"y"]), Err(IllegalAttachments), "{num}");
        }
        assert_eq!(renumbered(r#"{"_placeholder":true}"#, &[b"x"]), Err(IllegalAttachments));
    }

    #[test]
    fn json_that_is_nested_too_deep_is_refused_before_the_stack_is_used_up() {
        let nested = |depth: usize| format!("{}1{}", "[".repeat(depth), "]".repeat(depth));
        assert!(renumbered(&nested(MAX_DEPTH), &[]).is_ok());
        assert_eq!(renumbered(&nested(400_000), &[]), Err(IllegalAttachments));
    }
}
