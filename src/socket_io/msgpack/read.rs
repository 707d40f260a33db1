//! MessagePack read into JSON texts and attachments.

use std::fmt::Write as _;
use std::rc::Rc;

use rmp::Marker;
use serde::Serialize;

use super::date;
use crate::socket_io::placeholder::Placeholder;

/// How deep a packet may be nested: each level takes a function call, and what is written back must stay below the 128
/// levels that [`serde_json`] reads.
const MAX_DEPTH: usize = 100;
/// The extension type of `notepack.io`: with one byte it is `undefined`, with eight a date, else bytes.
const OWN: i8 = 0;
/// MessagePack's own extension type for moments.
const TIMESTAMP: i8 = -1;

/// A value as JSON, `None` for `undefined`; and the bytes in it.
pub(super) type Value = (Option<String>, Vec<Rc<[u8]>>);

/// Reads one message. What it writes is at most a few dozen times as long.
pub(super) struct Reader<'a> {
    rest: &'a [u8],
    json: String,
    attachments: Vec<Rc<[u8]>>,
    /// A map has the member that makes a placeholder.
    marked: bool,
    /// Bytes are lists of numbers.
    lists: bool,
}

/// Whether there is a value, or `undefined`.
#[derive(PartialEq)]
enum Read {
    Value,
    Undefined,
}

impl<'a> Reader<'a> {
    pub(super) fn new(bytes: &'a [u8]) -> Self {
        Self { rest: bytes, json: String::new(), attachments: Vec::new(), marked: false, lists: false }
    }

    /// The same, but bytes are lists of numbers, for what has no attachments.
    pub(super) fn with_lists(bytes: &'a [u8]) -> Self {
        Self { lists: true, ..Self::new(bytes) }
    }

    pub(super) fn is_at_end(&self) -> bool {
        self.rest.is_empty()
    }

    /// Whether the next value is a text; as JSON, a date is one too.
    pub(super) fn is_at_text(&self) -> bool {
        let marker = self.rest.first().copied().map(Marker::from_u8);
        matches!(marker, Some(Marker::FixStr(_) | Marker::Str8 | Marker::Str16 | Marker::Str32))
    }

    /// The number of members of a map, which follow.
    pub(super) fn map_len(&mut self) -> Option<u64> {
        match self.marker()? {
            Marker::FixMap(len) => Some(len.into()),
            Marker::Map16 => self.number(2),
            Marker::Map32 => self.number(4),
            _ => None,
        }
    }

    /// The next value; `None` where there is none that can be read.
    ///
    /// A map that looks like a placeholder beside bytes is refused: nothing above could tell the two apart.
    pub(super) fn value(&mut self) -> Option<Value> {
        self.marked = false;
        let read = self.any(0)?;
        let (json, attachments) = (std::mem::take(&mut self.json), std::mem::take(&mut self.attachments));
        if self.marked && !attachments.is_empty() {
            return None;
        }
        Some(((read == Read::Value).then_some(json), attachments))
    }

    fn any(&mut self, depth: usize) -> Option<Read> {
        if depth > MAX_DEPTH {
            return None;
        }
        match self.marker()? {
            Marker::Null => self.write("null"),
            Marker::False => self.write("false"),
            Marker::True => self.write("true"),
            Marker::FixPos(number) => self.write(number),
            Marker::FixNeg(number) => self.write(number),
            Marker::U8 => self.number(1).map(|number| self.write(number))?,
            Marker::U16 => self.number(2).map(|number| self.write(number))?,
            Marker::U32 => self.number(4).map(|number| self.write(number))?,
            Marker::U64 => self.number(8).map(|number| self.write(number))?,
            Marker::I8 => self.signed(1).map(|number| self.write(number))?,
            Marker::I16 => self.signed(2).map(|number| self.write(number))?,
            Marker::I32 => self.signed(4).map(|number| self.write(number))?,
            Marker::I64 => self.signed(8).map(|number| self.write(number))?,
            Marker::F32 => {
                let float = f32::from_be_bytes(*self.take(4)?.first_chunk()?);
                self.serialize(&f64::from(float))
            }
            Marker::F64 => {
                let float = f64::from_be_bytes(*self.take(8)?.first_chunk()?);
                self.serialize(&float)
            }
            Marker::FixStr(len) => self.text(len.into()),
            Marker::Str8 => self.number(1).and_then(|len| self.text(len)),
            Marker::Str16 => self.number(2).and_then(|len| self.text(len)),
            Marker::Str32 => self.number(4).and_then(|len| self.text(len)),
            Marker::Bin8 => self.number(1).and_then(|len| self.bytes(len)),
            Marker::Bin16 => self.number(2).and_then(|len| self.bytes(len)),
            Marker::Bin32 => self.number(4).and_then(|len| self.bytes(len)),
            Marker::FixArray(len) => self.array(len.into(), depth),
            Marker::Array16 => self.number(2).and_then(|len| self.array(len, depth)),
            Marker::Array32 => self.number(4).and_then(|len| self.array(len, depth)),
            Marker::FixMap(len) => self.map(len.into(), depth),
            Marker::Map16 => self.number(2).and_then(|len| self.map(len, depth)),
            Marker::Map32 => self.number(4).and_then(|len| self.map(len, depth)),
            Marker::FixExt1 => self.fixed_extension(1),
            Marker::FixExt2 => self.fixed_extension(2),
            Marker::FixExt4 => self.fixed_extension(4),
            Marker::FixExt8 => self.fixed_extension(8),
            Marker::FixExt16 => self.fixed_extension(16),
            Marker::Ext8 => self.number(1).and_then(|len| self.extension(len)),
            Marker::Ext16 => self.number(2).and_then(|len| self.extension(len)),
            Marker::Ext32 => self.number(4).and_then(|len| self.extension(len)),
            Marker::Reserved => None,
        }
    }

    fn marker(&mut self) -> Option<Marker> {
        self.take(1)?.first().copied().map(Marker::from_u8)
    }

    fn take(&mut self, len: u64) -> Option<&'a [u8]> {
        let (taken, rest) = self.rest.split_at_checked(usize::try_from(len).ok()?)?;
        self.rest = rest;
        Some(taken)
    }

    fn number(&mut self, bytes: u64) -> Option<u64> {
        Some(self.take(bytes)?.iter().fold(0, |number, byte| number << 8 | u64::from(*byte)))
    }

    fn signed(&mut self, bytes: u64) -> Option<i64> {
        let unused = 64_u64.saturating_sub(bytes.saturating_mul(8));
        Some((self.number(bytes)? << unused).cast_signed() >> unused)
    }

    fn write(&mut self, value: impl std::fmt::Display) -> Option<Read> {
        write!(self.json, "{value}").ok().map(|()| Read::Value)
    }

    fn serialize(&mut self, value: &impl Serialize) -> Option<Read> {
        self.write(serde_json::to_string(value).ok()?)
    }

    /// Where it isn't UTF-8, JavaScript puts replacement characters in.
    fn text(&mut self, len: u64) -> Option<Read> {
        let text = String::from_utf8_lossy(self.take(len)?);
        self.serialize(&text)
    }

    fn bytes(&mut self, len: u64) -> Option<Read> {
        let bytes = self.take(len)?;
        if self.lists {
            return self.serialize(&bytes);
        }
        let placeholder = Placeholder::text(self.attachments.len());
        self.attachments.push(bytes.into());
        self.write(placeholder)
    }

    fn array(&mut self, len: u64, depth: usize) -> Option<Read> {
        self.json.push('[');
        for index in 0..len {
            if index > 0 {
                self.json.push(',');
            }
            if self.any(depth.saturating_add(1))? == Read::Undefined {
                self.json.push_str("null");
            }
        }
        self.write(']')
    }

    fn map(&mut self, len: u64, depth: usize) -> Option<Read> {
        self.json.push('{');
        let start = self.json.len();
        for _ in 0..len {
            let before = self.json.len();
            if before > start {
                self.json.push(',');
            }
            self.key()?;
            self.json.push(':');
            if self.any(depth.saturating_add(1))? == Read::Undefined {
                self.json.truncate(before);
            }
        }
        self.write('}')
    }

    /// A map's key: JavaScript takes other scalars by their text.
    fn key(&mut self) -> Option<()> {
        let start = self.json.len();
        // Nothing may be nested in it.
        let read = self.any(MAX_DEPTH)?;
        let key = self.json.split_off(start);
        match key.bytes().next() {
            Some(b'[' | b'{') => return None,
            Some(b'"') => {
                self.marked |= key.trim_matches('"') == Placeholder::MARK;
                self.json.push_str(&key);
            }
            _ => self.serialize(&if read == Read::Undefined { "undefined" } else { &key }).map(drop)?,
        }
        Some(())
    }

    fn fixed_extension(&mut self, len: u64) -> Option<Read> {
        let kind = self.kind()?;
        match (kind, len) {
            (OWN, 1) => self.take(1).map(|_| Read::Undefined),
            (OWN, 8) => self.signed(8).and_then(|millis| self.date(millis)),
            (TIMESTAMP, 4) => self.number(4).and_then(|seconds| self.moment(seconds.cast_signed(), 0)),
            (TIMESTAMP, 8) => {
                let both = self.number(8)?;
                self.moment((both & 0x3_ffff_ffff).cast_signed(), both >> 34)
            }
            _ => self.unknown_extension(kind, len),
        }
    }

    fn extension(&mut self, len: u64) -> Option<Read> {
        match (self.kind()?, len) {
            (OWN, _) => self.bytes(len),
            (TIMESTAMP, 12) => {
                let (nanos, seconds) = (self.number(4)?, self.signed(8)?);
                self.moment(seconds, nanos)
            }
            (kind, _) => self.unknown_extension(kind, len),
        }
    }

    fn kind(&mut self) -> Option<i8> {
        self.number(1).and_then(|kind| u8::try_from(kind).ok()).map(u8::cast_signed)
    }

    /// As `notepack.io` reads it: a list of the type and the bytes.
    fn unknown_extension(&mut self, kind: i8, len: u64) -> Option<Read> {
        self.json.push('[');
        self.write(kind)?;
        self.json.push(',');
        self.bytes(len)?;
        self.write(']')
    }

    fn moment(&mut self, seconds: i64, nanos: u64) -> Option<Read> {
        let millis = i64::try_from(nanos / 1_000_000).unwrap_or_default();
        self.date(seconds.saturating_mul(1_000).saturating_add(millis))
    }

    fn date(&mut self, millis: i64) -> Option<Read> {
        self.serialize(&date::iso(millis))
    }
}
