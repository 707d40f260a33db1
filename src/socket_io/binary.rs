//! Bytes in what apps send and receive.
//!
//! serde knows nothing of attachments, and JSON has no bytes. So while arguments are written or read, their attachments
//! lie in a slot beside, from which [`Binary`] takes them and to which it adds its own.

use std::cell::RefCell;
use std::fmt;
use std::ops::Deref;
use std::rc::Rc;

use serde::de::value::MapAccessDeserializer;
use serde::de::{self, MapAccess, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::placeholder::Placeholder;

thread_local! {
    /// The attachments of the arguments that are being written or read; `None` elsewhere.
    static ATTACHMENTS: RefCell<Option<Vec<Rc<[u8]>>>> = const { RefCell::new(None) };
}

/// Bytes, anywhere in an event's arguments or an ack's: they travel as an attachment (E5).
///
/// In other JSON, such as what an app keeps with a socket, they are a list of numbers. That holds for a
/// [`serde_json::Value`] too: `emit("file", &json!({ "bytes": bytes }))` sends a list, since the value was made before
/// anything was sent. A struct or a tuple with the bytes in it sends bytes.
///
/// ```
/// use roomcast::app::prelude::*;
///
/// fn app() -> impl App {
///     Handlers::new().on("file", |socket, (name, bytes): (String, Binary)| {
///         let head = Binary::from(bytes.get(..4).unwrap_or_default());
///         socket.broadcast().emit("file", &(name, bytes.len(), head))
///     })
/// }
/// # app();
/// ```
#[derive(Clone, PartialEq, Eq)]
pub struct Binary(pub Rc<[u8]>);

impl From<&[u8]> for Binary {
    fn from(bytes: &[u8]) -> Self {
        Self(bytes.into())
    }
}

impl Deref for Binary {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        &self.0
    }
}

impl fmt::Debug for Binary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Binary({} bytes)", self.len())
    }
}

impl Serialize for Binary {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let placeholder = attaching(|attachments| {
            attachments.push(self.0.clone());
            Placeholder::new(attachments.len().saturating_sub(1))
        });
        match placeholder {
            Some(placeholder) => placeholder.serialize(serializer),
            None => serializer.collect_seq(self.iter()),
        }
    }
}

impl<'de> Deserialize<'de> for Binary {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Bytes)
    }
}

/// Reads bytes from a placeholder's object, or from the list of their numbers.
struct Bytes;

impl<'de> Visitor<'de> for Bytes {
    type Value = Binary;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("bytes")
    }

    fn visit_map<A: MapAccess<'de>>(self, object: A) -> Result<Binary, A::Error> {
        let placeholder = Placeholder::deserialize(MapAccessDeserializer::new(object))?;
        let found = attaching(|attachments| attachments.get(placeholder.index()?).cloned()).flatten();
        found.map(Binary).ok_or_else(|| de::Error::custom("no such attachment"))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Binary, A::Error> {
        let mut bytes = Vec::new();
        while let Some(byte) = list.next_element()? {
            bytes.push(byte);
        }
        Ok(Binary(bytes.into()))
    }
}

/// Runs `f` with these attachments in the slot; gives them back with what it added.
pub(super) fn with_attachments<T>(attachments: Vec<Rc<[u8]>>, f: impl FnOnce() -> T) -> (T, Vec<Rc<[u8]>>) {
    let outer = ATTACHMENTS.replace(Some(attachments));
    let result = f();
    (result, ATTACHMENTS.replace(outer).unwrap_or_default())
}

/// Runs `f` on the attachments in the slot, if any are.
pub(super) fn attaching<T>(f: impl FnOnce(&mut Vec<Rc<[u8]>>) -> T) -> Option<T> {
    ATTACHMENTS.with_borrow_mut(|attachments| attachments.as_mut().map(f))
}
