use super::Invalid;
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Serialize};
use std::{borrow::Cow, fmt};

/// How many of one sku: 1 to 999.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "u32", into = "u32")]
pub struct Quantity(u16);

impl Quantity {
    /// The most of one sku in an order.
    pub const MAX: u32 = 999;

    /// The number itself.
    pub const fn get(self) -> u32 {
        self.0 as u32
    }

    /// Both together; `None` if that is more than 999.
    pub fn plus(self, more: Self) -> Option<Self> {
        (self.get() + more.get()).try_into().ok()
    }
}

impl TryFrom<u32> for Quantity {
    type Error = Invalid;

    fn try_from(number: u32) -> Result<Self, Invalid> {
        match u16::try_from(number) {
            Ok(small) if (1..=Self::MAX).contains(&number) => Ok(Self(small)),
            _ => Err(Invalid { what: "quantity", must: "1 to 999" }),
        }
    }
}

impl From<Quantity> for u32 {
    fn from(quantity: Quantity) -> Self {
        quantity.get()
    }
}

impl fmt::Display for Quantity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// An amount of money in minor units (cents) of a currency named beside it.
///
/// It is never negative and stays within 2^53 − 1, so that every reader of JSON gets it exactly.
#[derive(
    Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
#[serde(try_from = "u64", into = "u64")]
pub struct Amount(u64);

impl Amount {
    /// The greatest amount.
    pub const MAX: u64 = (1 << 53) - 1;
    /// Nothing.
    pub const ZERO: Self = Self(0);

    /// The minor units.
    pub const fn get(self) -> u64 {
        self.0
    }

    /// Both together; `None` if that is more than [`Amount::MAX`].
    pub fn plus(self, more: Self) -> Option<Self> {
        self.0.checked_add(more.0)?.try_into().ok()
    }

    /// So many times the amount; `None` if that is more than [`Amount::MAX`].
    pub fn times(self, quantity: Quantity) -> Option<Self> {
        self.0.checked_mul(quantity.get().into())?.try_into().ok()
    }
}

impl TryFrom<u64> for Amount {
    type Error = Invalid;

    fn try_from(minor: u64) -> Result<Self, Invalid> {
        if minor > Self::MAX {
            return Err(Invalid { what: "amount", must: "at most 2^53 - 1 minor units" });
        }
        Ok(Self(minor))
    }
}

impl From<Amount> for u64 {
    fn from(amount: Amount) -> Self {
        amount.0
    }
}

impl fmt::Display for Amount {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// A part of a whole, in per cent: 0 to 100. What is below a hundredth is rounded, so that sums are
/// exact in whatever order they are made.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "f64", into = "f64")]
pub struct Percent(u16);

impl Percent {
    /// Hundredths of a per cent: 0 to 10,000.
    pub const fn hundredths(self) -> u32 {
        self.0 as u32
    }
}

impl TryFrom<f64> for Percent {
    type Error = Invalid;

    fn try_from(number: f64) -> Result<Self, Invalid> {
        if !(0.0..=100.0).contains(&number) {
            return Err(Invalid { what: "percentage", must: "0 to 100" });
        }
        // Within 0 to 10,000, so the cast is exact.
        Ok(Self((number * 100.0).round() as u16))
    }
}

impl From<Percent> for f64 {
    fn from(percent: Percent) -> Self {
        Self::from(percent.0) / 100.0
    }
}

impl fmt::Display for Percent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f64::from(*self).fmt(f)
    }
}

impl JsonSchema for Quantity {
    fn schema_name() -> Cow<'static, str> {
        "Quantity".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": "integer", "minimum": 1, "maximum": Self::MAX })
    }
}

impl JsonSchema for Amount {
    fn schema_name() -> Cow<'static, str> {
        "Amount".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "description": "Minor units (cents).",
            "type": "integer",
            "minimum": 0,
            "maximum": Self::MAX
        })
    }
}

impl JsonSchema for Percent {
    fn schema_name() -> Cow<'static, str> {
        "Percent".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "description": "Per cent, to a hundredth.",
            "type": "number",
            "minimum": 0,
            "maximum": 100
        })
    }
}
