//! The arguments of events and acks: JSON texts, and the binary attachments that stand in them (E5).

use std::borrow::Cow;
use std::cell::OnceCell;
use std::rc::Rc;

use serde::ser::{Error as _, SerializeSeq};
use serde::{Deserialize, Serialize, Serializer};
use serde_json::value::{RawValue, to_raw_value};

use super::binary::{attaching, with_attachments};
use super::placeholder::{self, IllegalAttachments};
use crate::javascript;

/// The arguments of an event or of an answer, in order.
///
/// Those that came in are still the text that was sent: an app parses what it reads, and passes on the rest unchanged.
/// Where an attachment stands, the text has a placeholder; they are numbered as they follow each other in the text, each
/// attachment has one, and there is none without. So whoever writes a packet has nothing left to look for.
///
/// ```
/// use roomcast::app::prelude::*;
///
/// fn app() -> impl App {
///     Handlers::new().fallback(|socket, event| {
///         let first: Option<String> = event.args.get(0);
///         socket.io.warn(&format!("{} has {} arguments, first {first:?}", event.name, event.args.len()));
///         socket.broadcast().emit_args(event.name, event.args)
///     })
/// }
/// # app();
/// ```
#[derive(Debug, Clone, Default)]
pub struct Args<'a> {
    values: Vec<Cow<'a, RawValue>>,
    attachments: Vec<Rc<[u8]>>,
    /// The texts where they had to be rewritten to be read; `None` for each that stays.
    rewritten: OnceCell<Vec<Option<String>>>,
}

impl<'a> Args<'a> {
    /// No arguments yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// What came in without attachments. Whatever looks like a placeholder in it is an object like any other (E6).
    pub(super) fn plain(values: Vec<&'a RawValue>) -> Self {
        Self { values: values.into_iter().map(Cow::Borrowed).collect(), ..Self::default() }
    }

    /// The same with its attachments put where their placeholders are (E6): one that none asks for is dropped, and one
    /// that several ask for is there as often, up to `most` in all. Without that end, a client could make the server send
    /// one large attachment once for each of thousands of placeholders.
    ///
    /// # Errors
    /// [`IllegalAttachments`] where a placeholder asks for none of them, or there are too many.
    pub(super) fn attach(self, attachments: &[Rc<[u8]>], most: usize) -> Result<Args<'static>, IllegalAttachments> {
        let mut attached = Args::new();
        for value in &self.values {
            let value = placeholder::renumber(value, attachments, &mut attached.attachments)?;
            attached.values.push(Cow::Owned(value));
        }
        if attached.attachments.len() > most {
            return Err(IllegalAttachments);
        }
        Ok(attached)
    }

    /// Values that are numbered already, with their attachments.
    pub(crate) fn numbered(values: Vec<Box<RawValue>>, attachments: Vec<Rc<[u8]>>) -> Args<'static> {
        Args { values: values.into_iter().map(Cow::Owned).collect(), attachments, ..Args::default() }
    }

    /// Adds an argument; [`Binary`](super::Binary) in it becomes an attachment.
    ///
    /// # Errors
    /// Where the value has no JSON; then nothing is added.
    pub fn push(&mut self, value: &(impl Serialize + ?Sized)) -> serde_json::Result<()> {
        self.rewritten.take();
        let before = self.attachments.len();
        let attachments = std::mem::take(&mut self.attachments);
        let (json, attachments) = with_attachments(attachments, || to_raw_value(value));
        self.attachments = attachments;
        match json {
            Ok(json) => self.values.push(Cow::Owned(json)),
            Err(error) => {
                self.attachments.truncate(before);
                return Err(error);
            }
        }
        Ok(())
    }

    /// Reads an argument; [`Binary`](super::Binary) in it is one of the attachments. `None` where there is no such
    /// argument, or another kind of value. Numbers and texts are read as [`read`](Self::read) does.
    pub fn get<'d, T: Deserialize<'d>>(&'d self, index: usize) -> Option<T> {
        let json = self.json(index)?.get();
        let read = |json| with_attachments(self.attachments.clone(), || serde_json::from_str(json)).0;
        read(json).or_else(|error| read(self.rewritten(index).ok_or(error)?)).ok()
    }

    /// Whether Rust reads any of them otherwise than they are written.
    pub(super) fn is_rewritten(&self) -> bool {
        (0..self.len()).any(|index| self.rewritten(index).is_some())
    }

    /// The text of an argument as Rust reads it, where that is another one.
    pub(super) fn rewritten(&self, index: usize) -> Option<&str> {
        let rewrite = || self.iter().map(|json| javascript::rewritten(json.get())).collect();
        self.rewritten.get_or_init(rewrite).get(index)?.as_deref()
    }

    /// The text of an argument.
    pub fn json(&self, index: usize) -> Option<&RawValue> {
        self.values.get(index).map(AsRef::as_ref)
    }

    /// The texts of all arguments.
    pub fn iter(&self) -> impl Iterator<Item = &RawValue> {
        self.values.iter().map(AsRef::as_ref)
    }

    /// The attachments, in the order of their placeholders.
    pub fn attachments(&self) -> &[Rc<[u8]>] {
        &self.attachments
    }

    /// How many arguments there are.
    pub fn len(&self) -> usize {
        self.values.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.values.is_empty()
    }

    /// The same with an argument more, which is a text without attachments.
    pub fn and<'b>(&'b self, text: &'b RawValue) -> Args<'b> {
        let values = self.iter().chain([text]).map(Cow::Borrowed).collect();
        Args { values, attachments: self.attachments.clone(), ..Args::default() }
    }

    /// The same, of its own.
    pub fn into_owned(self) -> Args<'static> {
        let own = |value: Cow<'a, RawValue>| Cow::Owned(value.into_owned());
        Args { values: self.values.into_iter().map(own).collect(), attachments: self.attachments, ..Args::default() }
    }
}

/// As a list, to be an argument in its turn.
impl Serialize for Args<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut list = serializer.serialize_seq(Some(self.len()))?;
        for value in self.iter() {
            match attaching(|to| placeholder::renumber(value, &self.attachments, to)) {
                Some(value) if !self.attachments.is_empty() => {
                    list.serialize_element(&value.map_err(S::Error::custom)?)?;
                }
                _ => list.serialize_element(value)?,
            }
        }
        list.end()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::socket_io::Binary;

    fn binary(bytes: &[u8]) -> Binary {
        Binary::from(bytes)
    }

    #[test]
    fn what_was_pushed_can_be_read() {
        let mut args = Args::of("text").unwrap();
        args.push(&(binary(&[1]), 7, Some(binary(&[])))).unwrap();
        args.push(&vec![binary(&[2, 3])]).unwrap();
        let texts: Vec<_> = args.iter().map(RawValue::get).collect();
        let at = |index| format!(r#"{{"_placeholder":true,"num":{index}}}"#);
        assert_eq!(texts, ["\"text\"", &format!("[{},7,{}]", at(0), at(1)), &format!("[{}]", at(2))]);
        assert_eq!(args.get(0), Some("text"));
        assert_eq!(args.get(1), Some((binary(&[1]), 7, Some(binary(&[])))));
        assert_eq!(args.get(2), Some([binary(&[2, 3])]));
        assert_eq!((args.get::<Binary>(0), args.get::<String>(1), args.get::<u8>(3)), (None, None, None));
    }

    #[test]
    fn a_value_without_json_leaves_nothing_behind() {
        let mut args = Args::of(&binary(&[1])).unwrap();
        let no_json = std::collections::HashMap::from([((1, 2), 3)]);
        assert!(args.push(&(binary(&[2]), no_json)).is_err());
        assert_eq!((args.len(), args.attachments().len()), (1, 1));
    }

    #[test]
    fn as_a_list_they_bring_their_attachments_along() {
        let mut args = Args::of(&binary(&[1])).unwrap();
        args.push(&[1, 2]).unwrap();
        let mut outer = Args::of(&binary(&[0])).unwrap();
        outer.push(&args).unwrap();
        assert_eq!(outer.get(1), Some((binary(&[1]), [1, 2])));
        assert_eq!(outer.attachments().len(), 2);
        // Without attachments, what looks like a placeholder is none (E6).
        let lookalike = RawValue::from_string(r#"{"_placeholder":true,"num":0}"#.to_owned()).unwrap();
        outer.push(&Args::plain(vec![&lookalike])).unwrap();
        assert_eq!(outer.attachments().len(), 2);
    }

    #[test]
    fn in_other_json_bytes_are_a_list_of_numbers() {
        let json = serde_json::to_string(&binary(&[1, 255])).unwrap();
        assert_eq!(json, "[1,255]");
        assert_eq!(serde_json::from_str::<Binary>(&json).unwrap(), binary(&[1, 255]));
        let placeholder = r#"{"_placeholder":true,"num":0}"#;
        assert!(serde_json::from_str::<Binary>(placeholder).is_err(), "there are no attachments here");
    }
}
