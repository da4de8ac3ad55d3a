use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error};
use std::{fmt, str::FromStr};

const ALPHABET: &[u8; 32] = b"0123456789ABCDEFGHJKMNPQRSTVWXYZ";
const LENGTH: usize = 26;
const MAX_MS: u64 = (1 << 48) - 1;

/// A ULID: 48 bits of milliseconds and 80 random bits, as 26 characters that sort by time.
///
/// Both are arguments: this crate reads no clock and rolls no dice.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Ulid(u128);

impl Ulid {
    /// The id of `epoch_ms` milliseconds since the epoch and 80 random bits.
    ///
    /// A time past the year 10889, which has no place in 48 bits, counts as the last one that has.
    pub const fn new(epoch_ms: u64, random: [u8; 10]) -> Self {
        let ms = if epoch_ms > MAX_MS { MAX_MS } else { epoch_ms };
        let mut bits = ms as u128;
        let mut index = 0;
        while index < random.len() {
            bits = bits << 8 | random[index] as u128;
            index += 1;
        }
        Self(bits)
    }

    /// Milliseconds since the epoch.
    pub const fn epoch_ms(self) -> u64 {
        (self.0 >> 80) as u64
    }

    /// The 128 bits, the time in the high ones.
    pub const fn to_bits(self) -> u128 {
        self.0
    }

    /// The id with these 128 bits.
    pub const fn from_bits(bits: u128) -> Self {
        Self(bits)
    }
}

impl fmt::Display for Ulid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut text = [0; LENGTH];
        for (index, byte) in text.iter_mut().rev().enumerate() {
            *byte = ALPHABET[(self.0 >> (5 * index)) as usize & 31];
        }
        f.pad(std::str::from_utf8(&text).map_err(|_| fmt::Error)?)
    }
}

impl fmt::Debug for Ulid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// A text that is no ULID: 26 characters of Crockford's base 32, upper case, at most `7ZZZ…`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InvalidUlid(String);

impl fmt::Display for InvalidUlid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?} is no ULID (26 characters of 0-9 and A-Z without I, L, O, U)", self.0)
    }
}

impl std::error::Error for InvalidUlid {}

impl FromStr for Ulid {
    type Err = InvalidUlid;

    /// Lower case is refused, too: an id is compared as text, so it has one spelling.
    fn from_str(text: &str) -> Result<Self, InvalidUlid> {
        let invalid = || InvalidUlid(text.chars().take(64).collect());
        // The first character has three bits only: 26 × 5 = 130.
        if text.len() != LENGTH || text.as_bytes()[0] > b'7' {
            return Err(invalid());
        }
        let mut bits = 0;
        for byte in text.bytes() {
            let digit = ALPHABET.iter().position(|&c| c == byte).ok_or_else(invalid)?;
            bits = bits << 5 | digit as u128;
        }
        Ok(Self(bits))
    }
}

impl Serialize for Ulid {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Ulid {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        crate::stream::text(deserializer)?.parse().map_err(D::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_known_id_reads_and_writes() {
        // The example of the ULID specification; its time is 2016-07-30T23:54:10.259Z.
        let id: Ulid = "01ARZ3NDEKTSV4RRFFQ69G5FAV".parse().unwrap();
        assert_eq!(id.epoch_ms(), 1_469_922_850_259);
        assert_eq!(id.to_string(), "01ARZ3NDEKTSV4RRFFQ69G5FAV");
    }

    #[test]
    fn what_is_no_id_is_refused() {
        for wrong in ["", "8ZZZZZZZZZZZZZZZZZZZZZZZZZ", "01arz3ndektsv4rrffq69g5fav", "é"] {
            assert!(wrong.parse::<Ulid>().is_err(), "{wrong}");
        }
        assert!("01ARZ3NDEKTSV4RRFFQ69G5FAU".parse::<Ulid>().is_err(), "U is not in the alphabet");
    }

    #[test]
    fn a_time_too_late_counts_as_the_last() {
        assert_eq!(Ulid::new(u64::MAX, [255; 10]).to_string(), "7ZZZZZZZZZZZZZZZZZZZZZZZZZ");
    }

    proptest! {
        #[test]
        fn text_and_bits_are_one(bits: u128, other: u128) {
            let (id, other) = (Ulid::from_bits(bits), Ulid::from_bits(other));
            prop_assert_eq!(id.to_string().parse(), Ok(id));
            prop_assert_eq!(id.cmp(&other), id.to_string().cmp(&other.to_string()));
        }

        #[test]
        fn any_text_is_read_or_refused(text: String) {
            if let Ok(id) = text.parse::<Ulid>() { prop_assert_eq!(id.to_string(), text); }
        }
    }
}
