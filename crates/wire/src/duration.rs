//! ISO 8601 durations such as `PT10M`, which time a conversation's way to `inactive` and `closed`.
//!
//! The text is kept as it was given, because the API echoes it so. A year counts 365 days and a month 30: a
//! timer has no calendar to ask.

use std::fmt;

use serde::{Serialize, Serializer};

/// A length of time that is not negative.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct IsoDuration {
    text: String,
    micros: i64,
}

const SECOND: i64 = 1_000_000;
const DAY: i64 = 86_400 * SECOND;

/// Designators of a date, then of a time, in the order in which they may stand.
const DATE: &[(u8, i64)] = &[(b'Y', 365 * DAY), (b'M', 30 * DAY), (b'W', 7 * DAY), (b'D', DAY)];
const TIME: &[(u8, i64)] = &[(b'H', 3_600 * SECOND), (b'M', 60 * SECOND), (b'S', SECOND)];

/// Nobody writes a longer one, and the text is stored.
const MAX_BYTES: usize = 64;

impl IsoDuration {
    /// Reads a duration in designators of either case, the last of which may have a fraction. None if it is
    /// negative or does not fit.
    pub fn parse(text: &str) -> Option<Self> {
        if text.len() > MAX_BYTES {
            return None;
        }
        let rest = text.strip_prefix(['P', 'p'])?;
        let (date, time) = match rest.split_once(['T', 't']) {
            Some((_, "")) => return None,
            Some((date, time)) => (date, time),
            None if rest.is_empty() => return None,
            None => (rest, ""),
        };
        // Only the smallest part of all may have a fraction.
        let (days, fraction) = sum(date.as_bytes(), DATE)?;
        if fraction && !time.is_empty() {
            return None;
        }
        let (seconds, _) = sum(time.as_bytes(), TIME)?;
        Some(Self { text: text.to_owned(), micros: days.checked_add(seconds)? })
    }

    /// Its length in microseconds; what is shorter than one is dropped.
    pub const fn micros(&self) -> i64 {
        self.micros
    }

    /// The text as it was given.
    pub fn as_str(&self) -> &str {
        &self.text
    }
}

/// Adds up `1D`, `2H30M` and the like; tells whether the last part had a fraction.
fn sum(mut rest: &[u8], mut units: &[(u8, i64)]) -> Option<(i64, bool)> {
    let mut total = 0_i64;
    let mut fraction = false;
    while !rest.is_empty() {
        if fraction {
            return None;
        }
        let (whole, after) = leading_digits(rest);
        let (part, after) = match after.split_first() {
            Some((b'.' | b',', after)) => {
                fraction = true;
                leading_digits(after)
            }
            _ => (&[][..], after),
        };
        if whole.is_empty() || (fraction && part.is_empty()) {
            return None;
        }
        let (designator, after) = after.split_first()?;
        let at = units.iter().position(|(letter, _)| letter.eq_ignore_ascii_case(designator))?;
        let unit = units[at].1;
        total = total.checked_add(number(whole)?.checked_mul(unit)?)?.checked_add(share(part, unit))?;
        units = &units[at + 1..];
        rest = after;
    }
    Some((total, fraction))
}

fn leading_digits(text: &[u8]) -> (&[u8], &[u8]) {
    let end = text.iter().position(|byte| !byte.is_ascii_digit()).unwrap_or(text.len());
    text.split_at(end)
}

fn number(digits: &[u8]) -> Option<i64> {
    digits
        .iter()
        .try_fold(0_i64, |number, digit| number.checked_mul(10)?.checked_add(i64::from(digit - b'0')))
}

/// The decimal fraction of the unit, from its digits.
fn share(digits: &[u8], unit: i64) -> i64 {
    // A year has fewer than 10^14 microseconds, so that later digits cannot add one.
    let digits = &digits[..digits.len().min(15)];
    let scale = digits.iter().fold(1_i128, |scale, _| scale * 10);
    let part = i128::from(number(digits).unwrap_or(0));
    i64::try_from(part * i128::from(unit) / scale).unwrap_or(0)
}

impl fmt::Display for IsoDuration {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.text)
    }
}

impl Serialize for IsoDuration {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.text)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn reads_durations() {
        for (text, seconds) in [
            ("PT1M", 60.0),
            ("PT0S", 0.0),
            ("P1D", 86_400.0),
            ("P1W", 604_800.0),
            ("P1DT2H", 93_600.0),
            ("PT1.5S", 1.5),
            ("PT0,5H", 1_800.0),
            ("P0.5D", 43_200.0),
            ("PT1.0000019S", 1.000_001),
            ("P1Y2M3DT4H5M6S", 36_993_906.0),
            ("pt10m", 600.0),
            ("PT0.9999999999999999999S", 0.999_999),
        ] {
            let duration = IsoDuration::parse(text).unwrap();
            #[expect(clippy::cast_precision_loss, reason = "all are below 2^52")]
            let micros = duration.micros() as f64;
            assert!((micros - seconds * 1e6).abs() < 0.01, "{text}: {micros}");
            assert_eq!(duration.as_str(), text);
            assert_eq!(serde_json::to_string(&duration).unwrap(), format!("\"{text}\""));
        }
    }

    #[test]
    fn refuses_what_is_no_duration() {
        for text in [
            "",
            "P",
            "PT",
            "P1DT",
            "1M",
            "PT1",
            "PTM",
            "PT1D",
            "P1H",
            "PT1S1M",
            "PT1M1M",
            "PT1.5M1S",
            "P0.5DT1H",
            "PT.5S",
            "PT1.S",
            "PT1.5.5S",
            "-PT1M",
            "PT-1M",
            "+PT1M",
            "PT+1M",
            " PT1M",
            "PT1M ",
            "10",
            "PT1e3S",
            "PT1\u{661}S",
            "PT1MT1S",
        ] {
            assert_eq!(IsoDuration::parse(text), None, "{text}");
        }
    }

    #[test]
    fn refuses_what_does_not_fit() {
        assert!(IsoDuration::parse("P292000Y").is_some());
        for text in ["P293000Y", "P99999999999999999999Y", "PT9223372036855S", "P106751991DT10H"] {
            assert_eq!(IsoDuration::parse(text), None, "{text}");
        }
        assert_eq!(IsoDuration::parse(&format!("PT{}1S", "0".repeat(64))), None);
    }

    proptest! {
        #[test]
        fn reads_anything_without_panic(text in ".{0,40}", almost in "P[0-9YMWD.,]{0,24}T?[0-9HMS.,]{0,38}") {
            for text in [text, almost] {
                // It is echoed as it was given, so what was read once is read again.
                if let Some(duration) = IsoDuration::parse(&text) {
                    prop_assert_eq!(duration.as_str(), &text);
                    prop_assert!(duration.micros() >= 0);
                    prop_assert_eq!(IsoDuration::parse(duration.as_str()), Some(duration));
                }
            }
        }

        #[test]
        fn adds_its_parts_up(d in 0_i64..100_000, h in 0_i64..1_000, m in 0_i64..1_000, s in 0_i64..1_000, u in 0_i64..1_000_000) {
            let text = format!("P{d}DT{h}H{m}M{s}.{u:06}S");
            let micros = d * DAY + (h * 3_600 + m * 60 + s) * SECOND + u;
            prop_assert_eq!(IsoDuration::parse(&text).map(|duration| duration.micros()), Some(micros));
        }
    }
}
