//! JSON, written into a buffer.
//!
//! Writes what `serde_json` would, byte for byte, in a fraction of its time: that looks at every letter of a text for
//! what must be escaped, where here sixteen are looked at together; and most of what a record shows is texts that need
//! no escape, such as sids and addresses.

use std::fmt::{self, Display};

use serde::{Serialize, ser};

/// Appends the JSON of `value`.
///
/// # Panics
///
/// Where a key is no text.
pub fn write<T: Serialize + ?Sized>(out: &mut Vec<u8>, value: &T) {
    value.serialize(Writer { out, is_raw: false }).expect("what is shown has text for its keys");
}

/// Appends a text in quotes.
pub fn write_text(out: &mut Vec<u8>, text: &str) {
    out.push(b'"');
    let bytes = text.as_bytes();
    if is_plain(bytes) {
        out.extend_from_slice(bytes);
    } else {
        write_escaped(out, bytes);
    }
    out.push(b'"');
}

/// Whether nothing is to be escaped.
fn is_plain(bytes: &[u8]) -> bool {
    // Without an early end, so that it is a few instructions for sixteen letters.
    let is_plain = |bytes: &[u8]| !bytes.iter().fold(false, |found, byte| found | needs_escape(*byte));
    let (chunks, rest) = bytes.as_chunks::<16>();
    // The last sixteen once more, so that no letter is left over.
    let ends_plain = bytes.last_chunk::<16>().map_or_else(|| is_plain(rest), |last| is_plain(last));
    ends_plain && chunks.iter().all(|chunk| is_plain(chunk))
}

fn needs_escape(byte: u8) -> bool {
    byte < 0x20 || byte == b'"' || byte == b'\\'
}

fn write_escaped(out: &mut Vec<u8>, mut rest: &[u8]) {
    while let Some(at) = rest.iter().position(|byte| needs_escape(*byte)) {
        out.extend_from_slice(&rest[..at]);
        let short = match rest[at] {
            b'\x08' => b'b',
            b'\t' => b't',
            b'\n' => b'n',
            b'\x0C' => b'f',
            b'\r' => b'r',
            letter => letter,
        };
        if short < 0x20 {
            out.extend_from_slice(b"\\u00");
            out.extend_from_slice(&[b'0' + (short >> 4), b"0123456789abcdef"[usize::from(short & 15)]]);
        } else {
            out.extend_from_slice(&[b'\\', short]);
        }
        rest = &rest[at + 1..];
    }
    out.extend_from_slice(rest);
}

/// JSON that is there already comes as a structure of this name, with itself as the one field.
const RAW: &str = "$serde_json::private::RawValue";

/// Why something could not be written.
#[derive(Debug)]
struct Error(String);

impl Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for Error {}

impl ser::Error for Error {
    fn custom<T: Display>(message: T) -> Self {
        Self(message.to_string())
    }
}

/// Writes one value.
struct Writer<'a> {
    out: &'a mut Vec<u8>,
    /// A text stands for itself.
    is_raw: bool,
}

impl<'a> Writer<'a> {
    #[expect(clippy::unnecessary_wraps, reason = "it ends what serde asks for")]
    fn put(self, bytes: &[u8]) -> Result<(), Error> {
        self.out.extend_from_slice(bytes);
        Ok(())
    }

    fn begin(self, first: &[u8], last: &'static [u8]) -> Several<'a> {
        self.out.extend_from_slice(first);
        Several { out: self.out, is_first: true, is_raw: false, last }
    }

    /// What has a name of its own is an object with one member.
    fn begin_named(self, name: &str, first: &[u8], last: &'static [u8]) -> Several<'a> {
        self.out.push(b'{');
        write_text(self.out, name);
        self.out.push(b':');
        self.begin(first, last)
    }
}

macro_rules! numbers {
    ($($name:ident $kind:ty),+) => {$(
        fn $name(self, value: $kind) -> Result<(), Error> {
            self.put(itoa::Buffer::new().format(value).as_bytes())
        }
    )+};
}

impl<'a> ser::Serializer for Writer<'a> {
    type Ok = ();
    type Error = Error;
    type SerializeSeq = Several<'a>;
    type SerializeTuple = Several<'a>;
    type SerializeTupleStruct = Several<'a>;
    type SerializeTupleVariant = Several<'a>;
    type SerializeMap = Several<'a>;
    type SerializeStruct = Several<'a>;
    type SerializeStructVariant = Several<'a>;

    fn serialize_bool(self, value: bool) -> Result<(), Error> {
        self.put(if value { b"true" } else { b"false" })
    }

    numbers! {
        serialize_i8 i8, serialize_i16 i16, serialize_i32 i32, serialize_i64 i64,
        serialize_u8 u8, serialize_u16 u16, serialize_u32 u32, serialize_u64 u64
    }

    fn serialize_f32(self, value: f32) -> Result<(), Error> {
        serde_json::to_writer(self.out, &value).map_err(ser::Error::custom)
    }

    fn serialize_f64(self, value: f64) -> Result<(), Error> {
        serde_json::to_writer(self.out, &value).map_err(ser::Error::custom)
    }

    fn serialize_char(self, value: char) -> Result<(), Error> {
        self.serialize_str(value.encode_utf8(&mut [0; 4]))
    }

    fn serialize_str(self, value: &str) -> Result<(), Error> {
        if self.is_raw {
            return self.put(value.as_bytes());
        }
        write_text(self.out, value);
        Ok(())
    }

    fn serialize_bytes(self, value: &[u8]) -> Result<(), Error> {
        value.serialize(self)
    }

    fn serialize_none(self) -> Result<(), Error> {
        self.serialize_unit()
    }

    fn serialize_some<T: Serialize + ?Sized>(self, value: &T) -> Result<(), Error> {
        value.serialize(self)
    }

    fn serialize_unit(self) -> Result<(), Error> {
        self.put(b"null")
    }

    fn serialize_unit_struct(self, _: &'static str) -> Result<(), Error> {
        self.serialize_unit()
    }

    fn serialize_unit_variant(self, _: &'static str, _: u32, variant: &'static str) -> Result<(), Error> {
        self.serialize_str(variant)
    }

    fn serialize_newtype_struct<T: Serialize + ?Sized>(
        self,
        _: &'static str,
        value: &T,
    ) -> Result<(), Error> {
        value.serialize(self)
    }

    fn serialize_newtype_variant<T: Serialize + ?Sized>(
        self,
        _: &'static str,
        _: u32,
        variant: &'static str,
        value: &T,
    ) -> Result<(), Error> {
        let mut object = self.begin_named(variant, b"", b"}");
        object.item(value)?;
        object.finish()
    }

    fn serialize_seq(self, _: Option<usize>) -> Result<Several<'a>, Error> {
        Ok(self.begin(b"[", b"]"))
    }

    fn serialize_tuple(self, _: usize) -> Result<Several<'a>, Error> {
        Ok(self.begin(b"[", b"]"))
    }

    fn serialize_tuple_struct(self, _: &'static str, _: usize) -> Result<Several<'a>, Error> {
        Ok(self.begin(b"[", b"]"))
    }

    fn serialize_tuple_variant(
        self,
        _: &'static str,
        _: u32,
        variant: &'static str,
        _: usize,
    ) -> Result<Several<'a>, Error> {
        Ok(self.begin_named(variant, b"[", b"]}"))
    }

    fn serialize_map(self, _: Option<usize>) -> Result<Several<'a>, Error> {
        Ok(self.begin(b"{", b"}"))
    }

    fn serialize_struct(self, name: &'static str, _: usize) -> Result<Several<'a>, Error> {
        if name == RAW {
            return Ok(Several { is_raw: true, ..self.begin(b"", b"") });
        }
        Ok(self.begin(b"{", b"}"))
    }

    fn serialize_struct_variant(
        self,
        _: &'static str,
        _: u32,
        variant: &'static str,
        _: usize,
    ) -> Result<Several<'a>, Error> {
        Ok(self.begin_named(variant, b"{", b"}}"))
    }
}

/// Writes the values of a list, or the members of an object.
struct Several<'a> {
    out: &'a mut Vec<u8>,
    is_first: bool,
    /// The one member's text stands for itself.
    is_raw: bool,
    last: &'static [u8],
}

impl Several<'_> {
    fn separate(&mut self) {
        if !std::mem::take(&mut self.is_first) {
            self.out.push(b',');
        }
    }

    fn put<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Error> {
        value.serialize(Writer { out: self.out, is_raw: self.is_raw })
    }

    fn item<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Error> {
        self.separate();
        self.put(value)
    }

    fn member<T: Serialize + ?Sized>(&mut self, name: &'static str, value: &T) -> Result<(), Error> {
        if !self.is_raw {
            self.separate();
            // Names of fields are words of our own.
            debug_assert!(is_plain(name.as_bytes()), "{name}");
            self.out.push(b'"');
            self.out.extend_from_slice(name.as_bytes());
            self.out.extend_from_slice(b"\":");
        }
        self.put(value)
    }

    #[expect(clippy::unnecessary_wraps, reason = "it ends what serde asks for")]
    fn finish(self) -> Result<(), Error> {
        self.out.extend_from_slice(self.last);
        Ok(())
    }
}

/// All that serde tells apart is written alike: items one after another, and members behind their names.
macro_rules! several {
    ($($kind:ident $name:ident ($($key:ident: $of:ty)?) $write:ident),+) => {$(
        impl ser::$kind for Several<'_> {
            type Ok = ();
            type Error = Error;

            fn $name<T: Serialize + ?Sized>(&mut self, $($key: $of,)? value: &T) -> Result<(), Error> {
                self.$write($($key,)? value)
            }

            fn end(self) -> Result<(), Error> {
                self.finish()
            }
        }
    )+};
}

several! {
    SerializeSeq serialize_element() item,
    SerializeTuple serialize_element() item,
    SerializeTupleStruct serialize_field() item,
    SerializeTupleVariant serialize_field() item,
    SerializeStruct serialize_field(name: &'static str) member,
    SerializeStructVariant serialize_field(name: &'static str) member
}

impl ser::SerializeMap for Several<'_> {
    type Ok = ();
    type Error = Error;

    fn serialize_key<T: Serialize + ?Sized>(&mut self, key: &T) -> Result<(), Error> {
        self.separate();
        let begins_at = self.out.len();
        self.put(key)?;
        if self.out.get(begins_at) == Some(&b'"') {
            Ok(())
        } else {
            Err(ser::Error::custom("a key is no text"))
        }
    }

    fn serialize_value<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Error> {
        self.out.push(b':');
        self.put(value)
    }

    fn end(self) -> Result<(), Error> {
        self.finish()
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use proptest::prelude::*;
    use serde_json::value::{RawValue, Value, to_raw_value};

    use super::*;

    fn written<T: Serialize + ?Sized>(value: &T) -> String {
        let mut out = Vec::new();
        write(&mut out, value);
        String::from_utf8(out).expect("JSON is text")
    }

    fn value() -> impl Strategy<Value = Value> {
        let text = r#"[a-z"\\/\x00-\x20\x7f\u{e9}\u{1F600}]{0,40}"#;
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::from),
            any::<i64>().prop_map(Value::from),
            any::<u64>().prop_map(Value::from),
            any::<f64>().prop_map(Value::from),
            text.prop_map(Value::from),
        ];
        leaf.prop_recursive(4, 40, 5, move |inner| {
            prop_oneof![
                proptest::collection::vec(inner.clone(), 0..5).prop_map(Value::from),
                proptest::collection::btree_map(text, inner, 0..5)
                    .prop_map(|members| members.into_iter().collect::<Value>()),
            ]
        })
    }

    proptest! {
        #[test]
        fn what_is_written_is_what_the_library_writes(value in value(), text: String) {
            prop_assert_eq!(written(&value), serde_json::to_string(&value).unwrap());
            prop_assert_eq!(written(&text), serde_json::to_string(&text).unwrap());
        }
    }

    #[derive(Serialize)]
    enum Variant {
        Unit,
        Newtype(u8),
        Tuple(i8, char),
        Struct { of: Option<()> },
    }

    #[derive(Serialize)]
    struct Everything<'a> {
        raw: &'a RawValue,
        none_of_it: Option<&'a RawValue>,
        variants: [Variant; 4],
        numbers: (i16, i32, u16, u32, f32),
        #[serde(skip_serializing_if = "Option::is_none")]
        left_out: Option<u8>,
        by_name: BTreeMap<&'a str, &'a str>,
    }

    #[test]
    fn every_kind_of_value_is_written_as_the_library_does() {
        let raw = to_raw_value(&[" as it \" is", ""]).expect("JSON");
        let everything = Everything {
            raw: &raw,
            none_of_it: None,
            variants: [
                Variant::Unit,
                Variant::Newtype(1),
                Variant::Tuple(-1, '"'),
                Variant::Struct { of: Some(()) },
            ],
            numbers: (i16::MIN, i32::MIN, u16::MAX, u32::MAX, 0.1),
            left_out: None,
            by_name: [("a\tb", "c"), ("d", "")].into(),
        };
        assert_eq!(written(&everything), serde_json::to_string(&everything).expect("JSON"));
        assert_eq!(written(&[i64::MIN, i64::MAX, 0]), "[-9223372036854775808,9223372036854775807,0]");
    }
}
