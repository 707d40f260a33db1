//! Arguments as one Rust value: what a handler wants to have.

use serde::Deserialize;
use serde::de::{DeserializeSeed, Deserializer, Error as _, SeqAccess, Visitor};
use serde_json::Error;
use serde_json::value::RawValue;

use super::args::Args;
use super::binary::with_attachments;

impl Args<'_> {
    /// Reads the arguments: a tuple has one for each of its elements, `()` none, and any other type is the first one.
    /// Arguments that aren't there count as `null`, and those that nobody wants are ignored. A struct must be an object.
    ///
    /// As JavaScript has one kind of number, `5.0` is an integer too; and half of a surrogate pair in a text becomes U+FFFD.
    /// [`RawValue`]s are as they were sent, unless another part of the same value had to be read like that.
    ///
    /// # Errors
    /// Why they aren't such a value.
    pub fn read<'d, T: Deserialize<'d>>(&'d self) -> Result<T, Error> {
        let read = |rewritten| {
            let arguments = Arguments { args: self, rewritten };
            with_attachments(self.attachments().to_vec(), || T::deserialize(arguments)).0
        };
        read(false).or_else(|error| if self.is_rewritten() { read(true) } else { Err(error) })
    }
}

/// The list of arguments, for serde.
#[derive(Clone, Copy)]
struct Arguments<'d> {
    args: &'d Args<'d>,
    /// Whether numbers and texts are rewritten as Rust reads them.
    rewritten: bool,
}

impl<'d> Arguments<'d> {
    fn text(self, index: usize) -> &'d str {
        let rewritten = if self.rewritten { self.args.rewritten(index) } else { None };
        rewritten.or_else(|| self.args.json(index).map(RawValue::get)).unwrap_or("null")
    }

    fn first(self) -> serde_json::Deserializer<serde_json::de::StrRead<'d>> {
        serde_json::Deserializer::from_str(self.text(0))
    }
}

/// Methods that read the first argument.
macro_rules! first {
    ($($method:ident($($name:ident: $type:ty),*))*) => {
        $(fn $method<V: Visitor<'d>>(self, $($name: $type,)* visitor: V) -> Result<V::Value, Error> {
            self.first().$method($($name,)* visitor)
        })*
    };
}

impl<'d> Deserializer<'d> for Arguments<'d> {
    type Error = Error;

    first! {
        deserialize_any() deserialize_bool()
        deserialize_i8() deserialize_i16() deserialize_i32() deserialize_i64() deserialize_i128()
        deserialize_u8() deserialize_u16() deserialize_u32() deserialize_u64() deserialize_u128()
        deserialize_f32() deserialize_f64() deserialize_char() deserialize_str() deserialize_string()
        deserialize_bytes() deserialize_byte_buf() deserialize_option() deserialize_seq() deserialize_map()
        deserialize_newtype_struct(name: &'static str)
        deserialize_enum(name: &'static str, variants: &'static [&'static str])
        deserialize_identifier() deserialize_ignored_any()
    }

    fn deserialize_unit<V: Visitor<'d>>(self, visitor: V) -> Result<V::Value, Error> {
        visitor.visit_unit()
    }

    fn deserialize_unit_struct<V: Visitor<'d>>(self, _: &'static str, visitor: V) -> Result<V::Value, Error> {
        visitor.visit_unit()
    }

    fn deserialize_tuple<V: Visitor<'d>>(self, len: usize, visitor: V) -> Result<V::Value, Error> {
        visitor.visit_seq(Elements { arguments: self, next: 0, len })
    }

    fn deserialize_tuple_struct<V: Visitor<'d>>(
        self,
        _: &'static str,
        len: usize,
        visitor: V,
    ) -> Result<V::Value, Error> {
        self.deserialize_tuple(len, visitor)
    }

    fn deserialize_struct<V: Visitor<'d>>(
        self,
        name: &'static str,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Error> {
        // serde would take a list of the fields' values too.
        if !self.text(0).starts_with('{') {
            return Err(Error::custom("expected an object"));
        }
        self.first().deserialize_struct(name, fields, visitor)
    }
}

/// The first `len` arguments, one after the other.
struct Elements<'d> {
    arguments: Arguments<'d>,
    next: usize,
    len: usize,
}

impl<'d> SeqAccess<'d> for Elements<'d> {
    type Error = Error;

    fn next_element_seed<T: DeserializeSeed<'d>>(&mut self, seed: T) -> Result<Option<T::Value>, Error> {
        if self.next == self.len {
            return Ok(None);
        }
        let text = self.arguments.text(self.next);
        self.next += 1;
        seed.deserialize(&mut serde_json::Deserializer::from_str(text)).map(Some)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::socket_io::Binary;

    #[derive(Debug, Deserialize, PartialEq)]
    struct Point {
        x: i32,
        y: i32,
    }

    #[derive(Debug, Deserialize, PartialEq)]
    struct Name(String);

    #[derive(Debug, Deserialize, PartialEq)]
    #[serde(rename_all = "lowercase")]
    enum Way {
        Left,
        Up(u8),
    }

    fn args(json: &str) -> Args<'static> {
        let values: Vec<Box<RawValue>> = serde_json::from_str(json).unwrap();
        Args::numbered(values, Vec::new())
    }

    fn read<T: serde::de::DeserializeOwned>(json: &str) -> Option<T> {
        args(json).read().ok()
    }

    #[test]
    fn a_tuple_is_all_arguments_and_anything_else_the_first() {
        assert_eq!(read::<String>(r#"["a", "b"]"#).as_deref(), Some("a"));
        assert_eq!(read::<Name>(r#"["a"]"#), Some(Name("a".to_owned())));
        assert_eq!(read::<(String, u8)>(r#"["a", 1, 2]"#), Some(("a".to_owned(), 1)));
        assert_eq!(read::<(u8, Option<u8>)>("[1]"), Some((1, None)));
        assert_eq!(read::<(u8, u8)>("[1]"), None);
        assert_eq!(read::<()>(r#"["a"]"#), Some(()));
        assert_eq!(read::<Vec<u8>>("[[1, 2]]"), Some(vec![1, 2]));
        assert_eq!(read::<Option<u8>>("[]"), Some(None));
        assert_eq!(read::<Option<u8>>("[3]"), Some(Some(3)));
        assert_eq!(read::<Option<u8>>(r#"["x"]"#), None);
        assert_eq!(read::<serde_json::Value>("[]"), Some(serde_json::Value::Null));
        assert_eq!((read::<Way>(r#"["left"]"#), read::<Way>(r#"[{"up": 2}]"#)), (Some(Way::Left), Some(Way::Up(2))));
        assert_eq!(args("[[1,  2]]").read::<Box<RawValue>>().unwrap().get(), "[1,  2]");
    }

    #[test]
    fn a_struct_is_an_object() {
        assert_eq!(read(r#"[{"x": 1, "y": 2, "z": 3}]"#), Some(Point { x: 1, y: 2 }));
        for other in ["[]", "[[1, 2]]", r#"[{"x": 1}]"#, r#"[{"x": "1", "y": 2}]"#, "[null]"] {
            assert_eq!(read::<Point>(other), None, "{other}");
        }
        assert_eq!(read::<(Point, u8)>(r#"[{"x": 1, "y": 2}, 3]"#), Some((Point { x: 1, y: 2 }, 3)));
        let why = args(r#"[{"x": 1}]"#).read::<Point>().unwrap_err().to_string();
        assert!(why.starts_with("missing field `y`"), "{why}");
    }

    #[test]
    fn numbers_and_texts_are_javascripts() {
        assert_eq!(read::<(u8, i64, f64)>("[5.0, -0, 3]"), Some((5, 0, 3.0)));
        assert_eq!(read::<(String, u8)>(r#"["\ud800", 1]"#), Some(("\u{fffd}".to_owned(), 1)));
        assert_eq!(read::<Point>(r#"[{"x": 1e1, "y": -2.0, "\udead": 1}]"#), Some(Point { x: 10, y: -2 }));
        assert_eq!(read::<Way>(r#"[{"up": 2.0}]"#), Some(Way::Up(2)));
        assert_eq!(read::<Option<u8>>("[3.0]"), Some(Some(3)));
        assert_eq!((read::<u8>("[5.5]"), read::<(u8, u8)>("[1.0]"), read::<u8>(r#"["5.0"]"#)), (None, None, None));
        let args = args(r#"["\ud800", 5.0, [ 5.0 ], "plain"]"#);
        assert_eq!((args.get(0), args.get(1), args.get(3)), (Some("\u{fffd}"), Some(5), Some("plain")));
        assert_eq!(args.get::<&RawValue>(2).map(RawValue::get), Some("[ 5.0 ]"));
        let texts: Vec<_> = args.iter().map(RawValue::get).collect();
        assert_eq!(texts, [r#""\ud800""#, "5.0", "[ 5.0 ]", r#""plain""#], "what is passed on stays as it was sent");
    }

    #[test]
    fn what_is_added_later_is_read_like_that_too() {
        let mut args = args("[5.0]");
        assert_eq!(args.get(0), Some(5));
        args.push(&6.0).unwrap();
        assert_eq!(args.read::<(u8, u8)>().ok(), Some((5, 6)));
    }

    #[test]
    fn bytes_are_among_them() {
        let mut args = Args::of(&Binary::from([1, 2].as_slice())).unwrap();
        args.push(&"x").unwrap();
        assert_eq!(args.read::<Binary>().unwrap(), Binary::from([1, 2].as_slice()));
        let (bytes, text): (Binary, String) = args.read().unwrap();
        assert_eq!((bytes, text.as_str()), (Binary::from([1, 2].as_slice()), "x"));
    }
}
