//! Fields that are numbers in JSON, and text in a form.

use serde::Serialize;
use serde::de::{Deserialize, Deserializer, Error, Visitor};
use std::fmt;

/// A whole number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub(super) struct Int(pub(super) i64);

impl<'de> Deserialize<'de> for Int {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Int, D::Error> {
        struct Whole;
        impl Visitor<'_> for Whole {
            type Value = Int;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a whole number")
            }

            fn visit_i64<E: Error>(self, n: i64) -> Result<Int, E> {
                Ok(Int(n))
            }

            fn visit_u64<E: Error>(self, n: u64) -> Result<Int, E> {
                i64::try_from(n).map(Int).map_err(E::custom)
            }

            fn visit_str<E: Error>(self, text: &str) -> Result<Int, E> {
                text.parse().map(Int).map_err(|_| E::custom(format!("{text:?} is no whole number")))
            }
        }
        from.deserialize_any(Whole)
    }
}
