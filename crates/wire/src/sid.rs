//! Sids: two letters that name the kind, then 32 hexadecimal digits.
//!
//! In memory a sid is its 16 bytes and, as a type, the resource it belongs to; the letters are the type's. So
//! a participant's sid cannot be handed to something that wants a conversation's, and a sid costs no
//! allocation.

use std::cmp::Ordering;
use std::fmt;
use std::hash::{Hash, Hasher};
use std::marker::PhantomData;
use std::str;

use serde::{Serialize, Serializer};

/// A kind of resource that has sids.
pub trait Prefix {
    /// The two letters that its sids begin with, such as `CH`.
    const PREFIX: &'static str;
}

/// The sid of an `R`.
pub struct Sid<R> {
    bytes: [u8; 16],
    of: PhantomData<fn() -> R>,
}

const DIGITS: &[u8; 16] = b"0123456789abcdef";

/// The bytes as 32 lower-case digits.
pub(crate) fn to_hex(bytes: [u8; 16]) -> [u8; 32] {
    let mut hex = [0; 32];
    let (fours, _) = bytes.as_chunks::<4>();
    let (eights, _) = hex.as_chunks_mut::<8>();
    for (eight, four) in eights.iter_mut().zip(fours) {
        *eight = digits(u32::from_be_bytes(*four)).to_be_bytes();
    }
    hex
}

/// Eight digits at once, a byte for each.
const fn digits(number: u32) -> u64 {
    const ONES: u64 = 0x0101_0101_0101_0101;
    let spread = number as u64;
    let spread = (spread | spread << 16) & 0x0000_ffff_0000_ffff;
    let spread = (spread | spread << 8) & 0x00ff_00ff_00ff_00ff;
    let values = (spread | spread << 4) & 0x0f0f_0f0f_0f0f_0f0f;
    // Six more than a value is sixteen and above where it is a letter.
    let letters = ((values + 6 * ONES) >> 4) & ONES;
    values + b'0' as u64 * ONES + letters * (b'a' - b'0' - 10) as u64
}

/// Exactly 32 digits, of either case.
pub(crate) fn from_hex(hex: &[u8]) -> Option<[u8; 16]> {
    let hex: &[u8; 32] = hex.try_into().ok()?;
    let mut bytes = [0; 16];
    for (byte, pair) in bytes.iter_mut().zip(hex.chunks_exact(2)) {
        *byte = (nibble(pair[0])? << 4) | nibble(pair[1])?;
    }
    Some(bytes)
}

/// What each byte stands for as a digit; more than 15 where it is none.
const VALUES: [u8; 256] = {
    let mut values = [NO_DIGIT; 256];
    let mut value = 0;
    while value < 16 {
        values[DIGITS[value as usize] as usize] = value;
        values[DIGITS[value as usize].to_ascii_uppercase() as usize] = value;
        value += 1;
    }
    values
};
const NO_DIGIT: u8 = 0xff;

pub(crate) fn nibble(digit: u8) -> Option<u8> {
    Some(VALUES[usize::from(digit)]).filter(|value| *value != NO_DIGIT)
}

impl<R> Sid<R> {
    /// The sid of these 16 bytes.
    pub const fn from_bytes(bytes: [u8; 16]) -> Self {
        Self { bytes, of: PhantomData }
    }

    /// The 16 bytes, as they are stored.
    pub const fn as_bytes(&self) -> &[u8; 16] {
        &self.bytes
    }

    /// The same digits behind another prefix.
    pub fn cast<Q>(self) -> Sid<Q> {
        Sid::from_bytes(self.bytes)
    }
}

impl<R: Prefix> Sid<R> {
    /// Reads the prefix as it is and 32 digits of either case; anything else is no sid of this kind.
    pub fn parse(text: &str) -> Option<Self> {
        let hex = text.strip_prefix(R::PREFIX)?;
        from_hex(hex.as_bytes()).map(Self::from_bytes)
    }

    /// Hands the written form to `with`, from the stack.
    pub fn written<T>(&self, with: impl FnOnce(&str) -> T) -> T {
        const { assert!(R::PREFIX.len() == 2, "a sid's prefix has two letters") };
        let mut text = [0; 34];
        text[..2].copy_from_slice(R::PREFIX.as_bytes());
        text[2..].copy_from_slice(&to_hex(self.bytes));
        with(str::from_utf8(&text).expect("a prefix is text, and so are digits"))
    }
}

impl<R: Prefix> fmt::Display for Sid<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.written(|text| f.pad(text))
    }
}

impl<R: Prefix> Serialize for Sid<R> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.written(|text| serializer.serialize_str(text))
    }
}

// By hand, because the derives would ask of `R` what only the bytes need.

impl<R> Clone for Sid<R> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<R> Copy for Sid<R> {}

impl<R> PartialEq for Sid<R> {
    fn eq(&self, other: &Self) -> bool {
        self.bytes == other.bytes
    }
}

impl<R> Eq for Sid<R> {}

impl<R> PartialOrd for Sid<R> {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl<R> Ord for Sid<R> {
    fn cmp(&self, other: &Self) -> Ordering {
        self.bytes.cmp(&other.bytes)
    }
}

impl<R> Hash for Sid<R> {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.bytes.hash(state);
    }
}

impl<R> fmt::Debug for Sid<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Sid({:032x})", u128::from_be_bytes(self.bytes))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    struct Conversation;
    impl Prefix for Conversation {
        const PREFIX: &'static str = "CH";
    }

    struct User;
    impl Prefix for User {
        const PREFIX: &'static str = "US";
    }

    const TEXT: &str = "CH00112233445566778899aabbccddeeff";

    #[test]
    fn reads_either_case_and_writes_lower() {
        let sid = Sid::<Conversation>::parse("CH00112233445566778899AABBccddeeff").unwrap();
        assert_eq!(sid.to_string(), TEXT);
        assert_eq!(serde_json::to_string(&sid).unwrap(), format!("\"{TEXT}\""));
        assert_eq!(format!("{sid:?}"), format!("Sid({})", &TEXT[2..]));
        assert_eq!(format!("{sid:>36}"), format!("  {TEXT}"));
        assert_eq!(sid.cast::<User>().to_string(), TEXT.replace("CH", "US"));
    }

    #[test]
    fn refuses_what_is_no_sid_of_the_kind() {
        for text in [
            "",
            "CH",
            "CH0",
            "CH00112233445566778899aabbccddeef",
            "CH00112233445566778899aabbccddeeff0",
            "CH00112233445566778899aabbccddeefg",
            "CH+0112233445566778899aabbccddeeff",
            "ch00112233445566778899aabbccddeeff",
            "US00112233445566778899aabbccddeeff",
            " CH00112233445566778899aabbccddeeff",
            "CH00112233445566778899aabbccddeef\u{e9}",
        ] {
            assert_eq!(Sid::<Conversation>::parse(text), None, "{text}");
        }
    }

    proptest! {
        #[test]
        fn survives_writing_and_reading(bytes: [u8; 16]) {
            let sid = Sid::<Conversation>::from_bytes(bytes);
            prop_assert_eq!(Sid::parse(&sid.to_string()), Some(sid));
            prop_assert_eq!(Sid::parse(&sid.to_string().to_uppercase()), Some(sid));
        }

        #[test]
        fn orders_as_its_text(a: [u8; 16], b: [u8; 16]) {
            let (a, b) = (Sid::<User>::from_bytes(a), Sid::<User>::from_bytes(b));
            prop_assert_eq!(a.cmp(&b), a.to_string().cmp(&b.to_string()));
        }

        #[test]
        fn reads_anything_without_panic(text: String) {
            let _ = Sid::<User>::parse(&text);
        }
    }
}
