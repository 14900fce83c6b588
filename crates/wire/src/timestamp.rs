//! Points in time, to the microsecond, in the years 1 to 9999.
//!
//! REST prints whole seconds with a literal `Z`: the Python library hands the application a string instead of
//! a date when it meets a fraction. The client SDK and the webhooks have milliseconds. Writing is done by
//! hand, since every record of every list prints two or more of these; reading is jiff's.

use std::fmt;
use std::str;

use jiff::civil;
use jiff::fmt::temporal::{Pieces, PiecesOffset};
use serde::{Serialize, Serializer};

/// Microseconds since 1970, UTC.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Timestamp(i64);

const SECOND: i64 = 1_000_000;
const DAY: i64 = 86_400;

impl Timestamp {
    /// The first of them: the year 1 begins.
    pub const MIN: Self = Self(-62_135_596_800 * SECOND);

    /// The last of them: the year 9999 ends.
    pub const MAX: Self = Self(253_402_300_800 * SECOND - 1);

    /// What lies outside the years 1 to 9999 becomes the nearest within.
    pub const fn from_micros(micros: i64) -> Self {
        if micros < Self::MIN.0 {
            Self::MIN
        } else if micros > Self::MAX.0 {
            Self::MAX
        } else {
            Self(micros)
        }
    }

    /// Microseconds since 1970.
    pub const fn micros(self) -> i64 {
        self.0
    }

    /// Reads ISO 8601: with `Z`, with an offset or with neither (UTC), with a fraction or without, or a date
    /// alone (its midnight). Digits past the microsecond are dropped.
    pub fn parse(text: &str) -> Option<Self> {
        // jiff also reads a time zone in brackets behind the offset, which is no part of ISO 8601.
        if text.contains('[') {
            return None;
        }
        let pieces = Pieces::parse(text).ok()?;
        let time = pieces.time().unwrap_or_else(civil::Time::midnight);
        let offset = match pieces.offset() {
            None | Some(PiecesOffset::Zulu) => 0,
            Some(PiecesOffset::Numeric(offset)) => i64::from(offset.offset().seconds()),
            Some(_) => return None,
        };
        let micros = i64::from(time.subsec_nanosecond()) / 1_000;
        let whole = pieces.date().to_datetime(time.with().subsec_nanosecond(0).build().ok()?);
        let seconds = whole.duration_since(civil::date(1970, 1, 1).at(0, 0, 0, 0)).as_secs() - offset;
        let timestamp = Self(seconds * SECOND + micros);
        (Self::MIN..=Self::MAX).contains(&timestamp).then_some(timestamp)
    }

    /// Later by `micros`, or earlier if they are negative; nothing outside the years 1 to 9999.
    pub fn plus_micros(self, micros: i64) -> Option<Self> {
        let sum = Self(self.0.checked_add(micros)?);
        (Self::MIN..=Self::MAX).contains(&sum).then_some(sum)
    }

    /// Later by `micros`, or earlier if they are negative, but within the years 1 to 9999.
    #[must_use]
    pub const fn saturating_plus_micros(self, micros: i64) -> Self {
        Self::from_micros(self.0.saturating_add(micros))
    }

    /// The whole seconds since 1970; those of an earlier time are rounded down.
    pub const fn unix_seconds(self) -> i64 {
        self.0.div_euclid(SECOND)
    }

    /// Prints and serializes with milliseconds: `2021-12-01T20:58:29.243Z`.
    pub const fn milliseconds(self) -> Milliseconds {
        Milliseconds(self)
    }

    /// Prints and serializes with microseconds and an offset: `2022-03-14T13:10:38.897143+00:00`.
    pub const fn microseconds(self) -> Microseconds {
        Microseconds(self)
    }

    /// Prints and serializes as mail headers have it: `Thu, 27 Aug 2015 23:11:51 +0000`.
    pub const fn rfc2822(self) -> Rfc2822 {
        Rfc2822(self)
    }

    /// Hands the form in whole seconds to `with`, from the stack. A fraction is cut off towards the past.
    fn written<T>(self, with: impl FnOnce(&str) -> T) -> T {
        let mut text = *b"0000-00-00T00:00:00Z";
        self.write_seconds(&mut text);
        with(str::from_utf8(&text).expect("digits are text"))
    }

    /// The day counted from 0000-03-01, and the second of it. Neither is ever negative, so that unsigned numbers do.
    #[expect(clippy::cast_possible_truncation, reason = "ten thousand years have fewer days")]
    const fn days_and_second(self) -> (u32, u32) {
        const BEFORE_1970: i64 = 719_468 * DAY * SECOND;
        let seconds = (self.0 + BEFORE_1970).unsigned_abs() / SECOND.unsigned_abs();
        ((seconds / DAY.unsigned_abs()) as u32, (seconds % DAY.unsigned_abs()) as u32)
    }

    /// What is beyond the whole second.
    #[expect(clippy::cast_possible_truncation, reason = "it is less than a million")]
    const fn microsecond(self) -> u32 {
        self.0.rem_euclid(SECOND) as u32
    }

    /// Fills the digits of `0000-00-00T00:00:00`.
    fn write_seconds(self, text: &mut [u8]) {
        let (days, second) = self.days_and_second();
        let (year, month, day) = civil(days);
        pairs(&mut text[0..4], year);
        pairs(&mut text[5..7], month);
        pairs(&mut text[8..10], day);
        pairs(&mut text[11..13], second / 3_600);
        pairs(&mut text[14..16], second / 60 % 60);
        pairs(&mut text[17..19], second % 60);
    }
}

/// Days and months as mail headers name them.
const WEEKDAYS: [&str; 7] = ["Wed", "Thu", "Fri", "Sat", "Sun", "Mon", "Tue"];
const MONTHS: [&str; 12] =
    ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];

/// Year, month and day of a day counted from 0000-03-01, in the proleptic Gregorian calendar.
///
/// Counted from there the leap day ends a year, and years begin in March; an era is the 400 years after which the
/// calendar repeats.
const fn civil(days: u32) -> (u32, u32, u32) {
    let era = days / 146_097;
    let day_of_era = days % 146_097;
    let year_of_era = (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month_from_march = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * month_from_march + 2) / 5 + 1;
    let month = if month_from_march < 10 { month_from_march + 3 } else { month_from_march - 9 };
    let year = era * 400 + year_of_era + if month <= 2 { 1 } else { 0 };
    (year, month, day)
}

/// Writes a number right-aligned with leading zeros, two digits at a time.
#[inline]
fn pairs(text: &mut [u8], mut number: u32) {
    let (pairs, _) = text.as_chunks_mut::<2>();
    for pair in pairs.iter_mut().rev() {
        let two = (number % 100) as usize;
        *pair = [b"0123456789"[two / 10], b"0123456789"[two % 10]];
        number /= 100;
    }
}

impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.written(|text| f.pad(text))
    }
}

impl Serialize for Timestamp {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.written(|text| serializer.serialize_str(text))
    }
}

/// A timestamp that is printed with milliseconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Milliseconds(Timestamp);

impl Milliseconds {
    fn written<T>(self, with: impl FnOnce(&str) -> T) -> T {
        let mut text = *b"0000-00-00T00:00:00.000Z";
        self.0.write_seconds(&mut text);
        let milliseconds = self.0.microsecond() / 1_000;
        // The point stands in place of the first of four digits.
        pairs(&mut text[19..23], milliseconds);
        text[19] = b'.';
        with(str::from_utf8(&text).expect("digits are text"))
    }
}

impl fmt::Display for Milliseconds {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.written(|text| f.pad(text))
    }
}

impl Serialize for Milliseconds {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.written(|text| serializer.serialize_str(text))
    }
}

/// A timestamp that is printed with microseconds and an offset, which the media service does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Microseconds(Timestamp);

impl Microseconds {
    /// Hands the written form to `with`, from the stack.
    pub fn written<T>(self, with: impl FnOnce(&str) -> T) -> T {
        let mut text = *b"0000-00-00T00:00:00.000000+00:00";
        self.0.write_seconds(&mut text);
        pairs(&mut text[20..26], self.0.microsecond());
        with(str::from_utf8(&text).expect("digits are text"))
    }
}

impl Serialize for Microseconds {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.written(|text| serializer.serialize_str(text))
    }
}

/// A timestamp that is printed as mail headers have it, which the API of 2010 does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Rfc2822(Timestamp);

impl fmt::Display for Rfc2822 {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (days, _) = self.0.days_and_second();
        let (year, month, day) = civil(days);
        let named = |names: &[&'static str], place: u32| names[place as usize];
        let (weekday, month) = (named(&WEEKDAYS, days % 7), named(&MONTHS, month - 1));
        self.0.written(|text| write!(f, "{weekday}, {day:02} {month} {year:04} {} +0000", &text[11..19]))
    }
}

impl Serialize for Rfc2822 {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn parsed(text: &str) -> Option<String> {
        Timestamp::parse(text).map(|timestamp| timestamp.to_string())
    }

    #[test]
    fn reads_what_callers_send() {
        for (text, expected) in [
            ("2020-07-01T22:18:37Z", "2020-07-01T22:18:37Z"),
            ("2020-07-01T22:18:37.999Z", "2020-07-01T22:18:37Z"),
            ("2020-07-01T22:18:37", "2020-07-01T22:18:37Z"),
            ("2020-07-01T22:18:37+02:00", "2020-07-01T20:18:37Z"),
            ("2020-07-01T22:18:37-0530", "2020-07-02T03:48:37Z"),
            ("2020-07-01", "2020-07-01T00:00:00Z"),
            ("2024-02-29T23:59:59Z", "2024-02-29T23:59:59Z"),
            ("0001-01-01T00:00:00Z", "0001-01-01T00:00:00Z"),
            ("9999-12-31T23:59:59.999999999Z", "9999-12-31T23:59:59Z"),
            ("1969-12-31T23:59:59.5Z", "1969-12-31T23:59:59Z"),
        ] {
            assert_eq!(parsed(text).as_deref(), Some(expected), "{text}");
        }
    }

    #[test]
    fn refuses_what_is_no_time() {
        for text in [
            "",
            "yesterday",
            "1593641917",
            "2020-07-01T25:00:00Z",
            "2023-02-29T00:00:00Z",
            "2020-13-01",
            "2020-07-01T22:18:37+99:00",
            "2020-07-01T22:18:37 02:00",
            "2020-07-01T22:18:37Z[UTC]",
            "2020-07-01[UTC]",
            "0000-12-31T23:59:59Z",
            "0001-01-01T00:00:00+01:00",
            "9999-12-31T23:59:59-01:00",
            "-000001-01-01",
            "Wed, 01 Jul 2020 22:18:37 +0000",
        ] {
            assert_eq!(parsed(text), None, "{text}");
        }
    }

    #[test]
    fn prints_milliseconds_and_keeps_microseconds() {
        let timestamp = Timestamp::parse("2021-12-01T20:58:29.243999Z").unwrap();
        assert_eq!(timestamp.milliseconds().to_string(), "2021-12-01T20:58:29.243Z");
        assert_eq!(serde_json::to_string(&timestamp).unwrap(), r#""2021-12-01T20:58:29Z""#);
        assert_eq!(
            serde_json::to_string(&timestamp.milliseconds()).unwrap(),
            r#""2021-12-01T20:58:29.243Z""#
        );
        assert_eq!(timestamp.micros() % SECOND, 243_999);
        assert_eq!(Timestamp::from_micros(-1).milliseconds().to_string(), "1969-12-31T23:59:59.999Z");
    }

    #[test]
    fn prints_as_mail_headers_do() {
        let timestamp = Timestamp::parse("2015-08-27T23:11:51.9Z").unwrap();
        assert_eq!(timestamp.rfc2822().to_string(), "Thu, 27 Aug 2015 23:11:51 +0000");
        assert_eq!(
            serde_json::to_string(&Timestamp::MIN.rfc2822()).unwrap(),
            r#""Mon, 01 Jan 0001 00:00:00 +0000""#
        );
    }

    #[test]
    fn the_ends_hold() {
        assert_eq!(Timestamp::MIN.to_string(), "0001-01-01T00:00:00Z");
        assert_eq!(Timestamp::MAX.milliseconds().to_string(), "9999-12-31T23:59:59.999Z");
        assert_eq!(Timestamp::from_micros(i64::MIN), Timestamp::MIN);
        assert_eq!(Timestamp::from_micros(i64::MAX), Timestamp::MAX);
        assert_eq!(Timestamp::MAX.plus_micros(1), None);
        assert_eq!(Timestamp::MIN.plus_micros(i64::MIN), None);
        assert_eq!(Timestamp::MAX.saturating_plus_micros(i64::MAX), Timestamp::MAX);
        assert_eq!(Timestamp::from_micros(5).plus_micros(-6), Some(Timestamp::from_micros(-1)));
    }

    proptest! {
        #[test]
        fn writes_as_jiff_does(micros in Timestamp::MIN.0..=jiff::Timestamp::MAX.as_microsecond()) {
            let timestamp = Timestamp::from_micros(micros);
            let theirs = jiff::Timestamp::from_microsecond(micros).unwrap();
            let seconds = jiff::Timestamp::from_second(micros.div_euclid(SECOND)).unwrap();
            prop_assert_eq!(timestamp.to_string(), format!("{seconds:.0}"));
            let millis = jiff::Timestamp::from_millisecond(micros.div_euclid(1_000)).unwrap();
            prop_assert_eq!(timestamp.milliseconds().to_string(), format!("{millis:.3}"));
            prop_assert_eq!(Timestamp::parse(&theirs.to_string()), Some(timestamp));
            let mail = theirs.strftime("%a, %d %b %Y %H:%M:%S +0000");
            prop_assert_eq!(timestamp.rfc2822().to_string(), mail.to_string());
        }

        #[test]
        fn reads_offsets_as_jiff_does(
            seconds in -62_000_000_000_i64..253_000_000_000,
            offset in -93_599_i32..=93_599,
        ) {
            let offset = jiff::tz::Offset::from_seconds(offset / 60 * 60).unwrap();
            let theirs = jiff::Timestamp::from_second(seconds).unwrap();
            let text = theirs.display_with_offset(offset).to_string();
            prop_assert_eq!(Timestamp::parse(&text), Some(Timestamp::from_micros(seconds * SECOND)));
        }

        #[test]
        fn reads_anything_without_panic(text in ".{0,40}", almost in "[0-9]{4}-[0-9]{2}-[0-9]{2}T?[0-9:.,Z+-]{0,24}") {
            let _ = Timestamp::parse(&text);
            let _ = Timestamp::parse(&almost);
        }
    }
}
