//! MessagePack made of JSON texts, with attachments in place of their placeholders.

use std::borrow::Cow;
use std::fmt;
use std::rc::Rc;

use rmp::encode;
use serde::de::{DeserializeSeed, Deserializer, MapAccess, SeqAccess, Visitor};

use crate::javascript;
use crate::socket_io::args::Args;
use crate::socket_io::placeholder::Placeholder;

/// What is written so far. Writing into memory can't fail.
#[derive(Default)]
pub(super) struct Writer<'a> {
    out: Vec<u8>,
    attachments: &'a [Rc<[u8]>],
    /// How many attachments stand already. They are asked for in their order, so each is written once.
    placed: usize,
}

impl<'a> Writer<'a> {
    pub(super) fn into_bytes(self) -> Vec<u8> {
        self.out
    }

    pub(super) fn text(&mut self, text: &str) {
        _ = encode::write_str(&mut self.out, text);
    }

    pub(super) fn number(&mut self, number: u64) {
        _ = encode::write_uint(&mut self.out, number);
    }

    pub(super) fn array_len(&mut self, len: usize) {
        _ = encode::write_array_len(&mut self.out, short(len));
    }

    pub(super) fn map_len(&mut self, len: usize) {
        _ = encode::write_map_len(&mut self.out, short(len));
    }

    /// The member `id`, where there is one.
    pub(super) fn id(&mut self, id: Option<u64>) {
        if let Some(id) = id {
            self.text("id");
            self.number(id);
        }
    }

    /// The arguments, one after the other.
    pub(super) fn args(&mut self, args: &'a Args<'_>) -> serde_json::Result<()> {
        self.attachments = args.attachments();
        args.iter().try_for_each(|json| self.json(json.get()))
    }

    /// A JSON text. MessagePack has UTF-8, so half of a surrogate pair is U+FFFD in it.
    pub(super) fn json(&mut self, json: &str) -> serde_json::Result<()> {
        let (start, placed) = (self.out.len(), self.placed);
        self.as_it_stands(json).or_else(|error| {
            let rewritten = javascript::rewritten(json).ok_or(error)?;
            self.out.truncate(start);
            self.placed = placed;
            self.as_it_stands(&rewritten)
        })
    }

    fn as_it_stands(&mut self, json: &str) -> serde_json::Result<()> {
        let mut json = serde_json::Deserializer::from_str(json);
        self.deserialize(&mut json)?;
        json.end()
    }

    /// Puts what a container's length has to be before what it holds, which stands from `start` on.
    fn insert(&mut self, start: usize, header: impl FnOnce(&mut Vec<u8>)) {
        let content = self.out.split_off(start);
        header(&mut self.out);
        self.out.extend(content);
    }

    /// Whether what stands from `start` on is the number of the attachment that comes next.
    fn is_next(&self, start: usize) -> bool {
        let mut next = Vec::new();
        _ = encode::write_uint(&mut next, self.placed as u64);
        self.out.get(start..) == Some(&next)
    }
}

/// Lossless: a message has less than 4 GiB.
fn short(len: usize) -> u32 {
    u32::try_from(len).unwrap_or(u32::MAX)
}

impl<'de> DeserializeSeed<'de> for &mut Writer<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for &mut Writer<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON")
    }

    fn visit_unit<E>(self) -> Result<(), E> {
        _ = encode::write_nil(&mut self.out);
        Ok(())
    }

    fn visit_bool<E>(self, value: bool) -> Result<(), E> {
        _ = encode::write_bool(&mut self.out, value);
        Ok(())
    }

    fn visit_u64<E>(self, value: u64) -> Result<(), E> {
        self.number(value);
        Ok(())
    }

    fn visit_i64<E>(self, value: i64) -> Result<(), E> {
        _ = encode::write_sint(&mut self.out, value);
        Ok(())
    }

    fn visit_f64<E>(self, value: f64) -> Result<(), E> {
        _ = encode::write_f64(&mut self.out, value);
        Ok(())
    }

    fn visit_str<E>(self, value: &str) -> Result<(), E> {
        self.text(value);
        Ok(())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<(), A::Error> {
        let (start, mut len) = (self.out.len(), 0_usize);
        while list.next_element_seed(&mut *self)?.is_some() {
            len = len.saturating_add(1);
        }
        self.insert(start, |out| _ = encode::write_array_len(out, short(len)));
        Ok(())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        let (start, mut len) = (self.out.len(), 0_usize);
        let (mut marked, mut next) = (false, false);
        while let Some(key) = map.next_key::<Cow<'_, str>>()? {
            self.text(&key);
            let value = self.out.len();
            map.next_value_seed(&mut *self)?;
            match key.as_ref() {
                Placeholder::MARK => marked = self.out.get(value..) == Some(&[0xc3]),
                Placeholder::NUM => next = self.is_next(value),
                _ => {}
            }
            len = len.saturating_add(1);
        }
        match self.attachments.get(self.placed).filter(|_| marked && next) {
            Some(attachment) => {
                self.out.truncate(start);
                _ = encode::write_bin(&mut self.out, attachment);
                self.placed = self.placed.saturating_add(1);
            }
            None => self.insert(start, |out| _ = encode::write_map_len(out, short(len))),
        }
        Ok(())
    }
}
