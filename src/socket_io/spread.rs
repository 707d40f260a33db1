//! One Rust value as arguments: the other way round than `read`.

use serde::Serialize;
use serde::ser::{Impossible, SerializeTuple, SerializeTupleStruct, Serializer};
use serde_json::{Error, Result};

use super::args::Args;

impl Args<'_> {
    /// The arguments that a value is: one for each element of a tuple, none for `()`, and else this one. It is what
    /// [`read`](Self::read) gives back, so an array and a tuple struct are several arguments too.
    ///
    /// # Errors
    /// As [`push`](Self::push).
    pub fn of(value: &(impl Serialize + ?Sized)) -> Result<Self> {
        let mut args = Self::new();
        // JSON's null is written as `()` is, but isn't of size 0.
        let is_empty = size_of_val(value) == 0;
        match value.serialize(Spread { args: &mut args, is_empty }) {
            Ok(()) => {}
            Err(Unspread::One) => args.push(value)?,
            Err(Unspread::Failed(error)) => return Err(error),
        }
        Ok(args)
    }
}

/// Why a value isn't spread.
#[derive(Debug)]
enum Unspread {
    /// It is one argument.
    One,
    /// One of its elements has no JSON.
    Failed(Error),
}

impl std::fmt::Display for Unspread {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("not several arguments")
    }
}

impl std::error::Error for Unspread {}

impl serde::ser::Error for Unspread {
    fn custom<T: std::fmt::Display>(message: T) -> Self {
        Self::Failed(Error::custom(message))
    }
}

/// Writes tuples, and nothing else: it finds out which a value is before anything of it is written.
struct Spread<'s, 'a> {
    args: &'s mut Args<'a>,
    is_empty: bool,
}

/// Methods for values that are one argument.
macro_rules! one {
    ($($method:ident($($type:ty),*))*) => {
        $(fn $method(self, $(_: $type),*) -> Spreading<()> {
            Err(Unspread::One)
        })*
    };
}

type No = Impossible<(), Unspread>;
type Spreading<T> = std::result::Result<T, Unspread>;

impl Serializer for Spread<'_, '_> {
    type Ok = ();
    type Error = Unspread;
    type SerializeSeq = No;
    type SerializeTuple = Self;
    type SerializeTupleStruct = Self;
    type SerializeTupleVariant = No;
    type SerializeMap = No;
    type SerializeStruct = No;
    type SerializeStructVariant = No;

    one! {
        serialize_bool(bool)
        serialize_i8(i8) serialize_i16(i16) serialize_i32(i32) serialize_i64(i64) serialize_i128(i128)
        serialize_u8(u8) serialize_u16(u16) serialize_u32(u32) serialize_u64(u64) serialize_u128(u128)
        serialize_f32(f32) serialize_f64(f64) serialize_char(char) serialize_str(&str) serialize_bytes(&[u8])
        serialize_none() serialize_unit_variant(&'static str, u32, &'static str)
    }

    fn serialize_unit(self) -> Spreading<()> {
        if self.is_empty { Ok(()) } else { Err(Unspread::One) }
    }

    fn serialize_unit_struct(self, _: &'static str) -> Spreading<()> {
        self.serialize_unit()
    }

    fn serialize_some<T: Serialize + ?Sized>(self, _: &T) -> Spreading<()> {
        Err(Unspread::One)
    }

    fn serialize_newtype_struct<T: Serialize + ?Sized>(self, _: &'static str, _: &T) -> Spreading<()> {
        Err(Unspread::One)
    }

    fn serialize_newtype_variant<T: Serialize + ?Sized>(
        self,
        _: &'static str,
        _: u32,
        _: &'static str,
        _: &T,
    ) -> Spreading<()> {
        Err(Unspread::One)
    }

    fn serialize_seq(self, _: Option<usize>) -> Spreading<No> {
        Err(Unspread::One)
    }

    fn serialize_tuple(self, _: usize) -> Spreading<Self> {
        Ok(self)
    }

    fn serialize_tuple_struct(self, _: &'static str, _: usize) -> Spreading<Self> {
        Ok(self)
    }

    fn serialize_tuple_variant(self, _: &'static str, _: u32, _: &'static str, _: usize) -> Spreading<No> {
        Err(Unspread::One)
    }

    fn serialize_map(self, _: Option<usize>) -> Spreading<No> {
        Err(Unspread::One)
    }

    fn serialize_struct(self, _: &'static str, _: usize) -> Spreading<No> {
        Err(Unspread::One)
    }

    fn serialize_struct_variant(self, _: &'static str, _: u32, _: &'static str, _: usize) -> Spreading<No> {
        Err(Unspread::One)
    }

    fn collect_str<T: std::fmt::Display + ?Sized>(self, _: &T) -> Spreading<()> {
        Err(Unspread::One)
    }
}

impl SerializeTuple for Spread<'_, '_> {
    type Ok = ();
    type Error = Unspread;

    fn serialize_element<T: Serialize + ?Sized>(&mut self, value: &T) -> Spreading<()> {
        self.args.push(value).map_err(Unspread::Failed)
    }

    fn end(self) -> Spreading<()> {
        Ok(())
    }
}

impl SerializeTupleStruct for Spread<'_, '_> {
    type Ok = ();
    type Error = Unspread;

    fn serialize_field<T: Serialize + ?Sized>(&mut self, value: &T) -> Spreading<()> {
        self.serialize_element(value)
    }

    fn end(self) -> Spreading<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::socket_io::Binary;

    #[derive(Serialize)]
    struct Pair(u8, &'static str);
    #[derive(Serialize)]
    struct Name(&'static str);
    #[derive(Serialize)]
    struct Nothing;
    #[derive(Serialize)]
    enum Way {
        Left,
        Up(u8),
        Both(u8, u8),
    }

    fn texts(value: impl Serialize) -> String {
        let args = Args::of(&value).unwrap();
        args.iter().map(serde_json::value::RawValue::get).collect::<Vec<_>>().join(" ")
    }

    #[test]
    fn a_tuple_is_several_arguments_and_anything_else_one() {
        assert_eq!(texts(("a", 1)), r#""a" 1"#);
        assert_eq!(texts((1, (2, 3))), "1 [2,3]");
        assert_eq!(texts(((1, 2),)), "[1,2]");
        assert_eq!(texts([1, 2]), "1 2");
        assert_eq!(texts(vec![1, 2]), "[1,2]");
        assert_eq!(texts(Pair(1, "x")), r#"1 "x""#);
        assert_eq!(texts(Name("x")), r#""x""#);
        assert_eq!((texts(()), texts(Nothing), texts([0; 0])), (String::new(), String::new(), String::new()));
        let nulls = [texts(None::<u8>), texts(serde_json::Value::Null), texts(Some(())), texts(((),))];
        assert_eq!(nulls, ["null"; 4]);
        assert_eq!((texts(Some((1, 2))), texts("x"), texts(1.5)), ("[1,2]".into(), r#""x""#.into(), "1.5".into()));
        let ways = [texts(Way::Left), texts(Way::Up(1)), texts(Way::Both(1, 2))];
        assert_eq!(ways, [r#""Left""#, r#"{"Up":1}"#, r#"{"Both":[1,2]}"#]);
        assert_eq!(texts(format_args!("{}", 1)), r#""1""#);
    }

    #[test]
    fn what_is_written_is_read_again() {
        let args = Args::of(&("a", Some(2), Binary::from([1].as_slice()))).unwrap();
        assert_eq!((args.len(), args.attachments().len()), (3, 1));
        let read: (String, Option<u8>, Binary) = args.read().unwrap();
        assert_eq!(read, ("a".to_owned(), Some(2), Binary::from([1].as_slice())));
        assert_eq!(Args::of(&[1, 2]).unwrap().read::<[u8; 2]>().unwrap(), [1, 2]);
    }

    #[test]
    fn an_element_without_json_is_an_error() {
        assert!(Args::of(&(1, std::collections::HashMap::from([((1, 2), 3)]))).is_err());
    }
}
