use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error};
use std::{fmt, str::FromStr};

const DAY_MS: i64 = 86_400_000;
/// 0000-01-01T00:00:00.000Z and 9999-12-31T23:59:59.999Z.
const RANGE: std::ops::RangeInclusive<i64> = -62_167_219_200_000..=253_402_300_799_999;

/// A moment in whole milliseconds since the epoch, in UTC, of the years 0000 to 9999.
///
/// It is written as RFC 3339 with three decimals, `2026-11-21T09:30:00.000Z`, so that its text
/// sorts as it does. Reading takes any RFC 3339 time; what is below a millisecond is cut off.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Timestamp(i64);

impl Timestamp {
    /// So many milliseconds since the epoch; outside the years 0000 to 9999, the nearest within.
    pub const fn from_ms(epoch_ms: i64) -> Self {
        if epoch_ms < *RANGE.start() {
            Self(*RANGE.start())
        } else if epoch_ms > *RANGE.end() {
            Self(*RANGE.end())
        } else {
            Self(epoch_ms)
        }
    }

    /// Milliseconds since the epoch.
    pub const fn as_ms(self) -> i64 {
        self.0
    }
}

impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (year, month, day) = civil(self.0.div_euclid(DAY_MS));
        let ms = self.0.rem_euclid(DAY_MS);
        let (hour, minute, second) = (ms / 3_600_000, ms / 60_000 % 60, ms / 1000 % 60);
        write!(
            f,
            "{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}.{:03}Z",
            ms % 1000
        )
    }
}

impl fmt::Debug for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// A text that is no RFC 3339 time, or one of a leap second or outside the years 0000 to 9999.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InvalidTimestamp(String);

impl fmt::Display for InvalidTimestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?} is no RFC 3339 time, as in 2026-11-21T09:30:00.000Z", self.0)
    }
}

impl std::error::Error for InvalidTimestamp {}

impl FromStr for Timestamp {
    type Err = InvalidTimestamp;

    fn from_str(text: &str) -> Result<Self, InvalidTimestamp> {
        parse(text.as_bytes()).ok_or_else(|| InvalidTimestamp(text.chars().take(64).collect()))
    }
}

impl Serialize for Timestamp {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Timestamp {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        crate::stream::text(deserializer)?.parse().map_err(D::Error::custom)
    }
}

/// `YYYY-MM-DDThh:mm:ss[.fraction](Z|±hh:mm)`; `t` and `z` are allowed by the RFC, too.
fn parse(text: &[u8]) -> Option<Timestamp> {
    let (head, mut rest) = text.split_at_checked(19)?;
    let separators = [(4, b'-'), (7, b'-'), (10, b'T'), (13, b':'), (16, b':')];
    if !separators.iter().all(|&(at, byte)| head[at].to_ascii_uppercase() == byte) {
        return None;
    }
    let part = |from: usize, to: usize| number(&head[from..to]);
    let (year, month, day) = (part(0, 4)?, part(5, 7)?, part(8, 10)?);
    let (hour, minute, second) = (part(11, 13)?, part(14, 16)?, part(17, 19)?);
    if !(1..=12).contains(&month) || hour > 23 || minute > 59 || second > 59 {
        return None;
    }
    let days = days(year, month, day);
    if civil(days) != (year, month, day) {
        return None;
    }
    let mut ms = 0;
    if let Some(fraction) = rest.strip_prefix(b".") {
        let digits = fraction.iter().take_while(|b| b.is_ascii_digit()).count();
        if digits == 0 {
            return None;
        }
        let padded = fraction[..digits].iter().chain(b"000");
        ms = padded.take(3).fold(0, |ms, digit| ms * 10 + i64::from(digit - b'0'));
        rest = &fraction[digits..];
    }
    let offset = match rest {
        b"Z" | b"z" => 0,
        [sign @ (b'+' | b'-'), h1, h2, b':', m1, m2] => {
            let (hours, minutes) = (number(&[*h1, *h2])?, number(&[*m1, *m2])?);
            if hours > 23 || minutes > 59 {
                return None;
            }
            (hours * 60 + minutes) * if *sign == b'+' { 1 } else { -1 }
        }
        _ => return None,
    };
    let seconds = hour * 3600 + (minute - offset) * 60 + second;
    let ms = days * DAY_MS + seconds * 1000 + ms;
    RANGE.contains(&ms).then_some(Timestamp(ms))
}

fn number(digits: &[u8]) -> Option<i64> {
    digits.iter().try_fold(0, |sum, b| b.is_ascii_digit().then(|| sum * 10 + i64::from(b - b'0')))
}

/// Days since the epoch of a Gregorian date.
///
/// Years are counted from March, so that the leap day comes last and a month's first day is a
/// linear function of its number.
fn days(year: i64, month: i64, day: i64) -> i64 {
    let year = if month > 2 { year } else { year - 1 };
    let (era, year) = (year.div_euclid(400), year.rem_euclid(400));
    let of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    era * 146_097 + year * 365 + year / 4 - year / 100 + of_year - 719_468
}

/// The Gregorian date of a number of days since the epoch: the inverse of [`days`].
fn civil(days: i64) -> (i64, i64, i64) {
    let days = days + 719_468;
    let (era, of_era) = (days.div_euclid(146_097), days.rem_euclid(146_097));
    let year = (of_era - of_era / 1460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year + year / 4 - year / 100);
    let from_march = (5 * of_year + 2) / 153;
    let month = (from_march + 2) % 12 + 1;
    let year = era * 400 + year + i64::from(month <= 2);
    (year, month, of_year - (153 * from_march + 2) / 5 + 1)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[track_caller]
    fn reads(text: &str, ms: i64, written: &str) {
        let time: Timestamp = text.parse().unwrap();
        assert_eq!((time.as_ms(), time.to_string().as_str()), (ms, written));
    }

    #[test]
    fn known_times_read_and_write() {
        reads("1970-01-01T00:00:00Z", 0, "1970-01-01T00:00:00.000Z");
        reads("2000-02-29T12:00:00.5Z", 951_825_600_500, "2000-02-29T12:00:00.500Z");
        reads("2016-07-30T23:54:10.2599Z", 1_469_922_850_259, "2016-07-30T23:54:10.259Z");
        reads("1969-12-31T23:59:59.999z", -1, "1969-12-31T23:59:59.999Z");
        reads("2026-11-21T01:30:00+02:00", 1_795_217_400_000, "2026-11-20T23:30:00.000Z");
        reads("0000-01-01T00:00:00Z", *RANGE.start(), "0000-01-01T00:00:00.000Z");
        reads("9999-12-31T23:59:59.999Z", *RANGE.end(), "9999-12-31T23:59:59.999Z");
    }

    #[test]
    fn what_is_no_time_is_refused() {
        for wrong in [
            "",
            "2026-11-21",
            "2026-11-21T09:30:00",
            "2026-02-29T00:00:00Z",
            "1900-02-29T00:00:00Z",
            "2026-13-01T00:00:00Z",
            "2026-00-01T00:00:00Z",
            "2026-01-00T00:00:00Z",
            "2026-01-01T24:00:00Z",
            "2026-01-01T00:00:60Z",
            "2026-01-01T00:00:00.Z",
            "2026-01-01T00:00:00+0100",
            "2026-01-01T00:00:00Zx",
            "+026-01-01T00:00:00Z",
            "0000-01-01T00:00:00+01:00",
            "2026-01-01T00:00:0é",
        ] {
            assert!(wrong.parse::<Timestamp>().is_err(), "{wrong}");
        }
    }

    proptest! {
        #[test]
        fn text_and_moment_are_one(a in RANGE, b in RANGE) {
            let (a, b) = (Timestamp::from_ms(a), Timestamp::from_ms(b));
            prop_assert_eq!(a.to_string().parse(), Ok(a));
            prop_assert_eq!(a.cmp(&b), a.to_string().cmp(&b.to_string()));
        }

        #[test]
        fn any_text_is_read_or_refused(text in ".{0,40}") {
            let _ = text.parse::<Timestamp>();
        }
    }
}
