//! One condition on a field's value: does this leaf meet it, and how is it said in words.

use std::fmt;
use std::net::IpAddr;

use crate::event::Scalar;
use crate::fold::Fold;
use crate::ip::{self, Cidr};
use crate::wildcard::Wildcard;

/// What one entry of a field's list asks for; a field is met if any of its conditions is.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Condition {
    Text(String),
    /// A string that reads as an address is compared by its value.
    Address(String, IpAddr),
    /// Equal in value, or, for numbers no double holds, in spelling.
    Number(String, Option<f64>),
    True,
    False,
    Null,
    Exists,
    Absent,
    Is(Shape),
    Numeric(Numeric),
    Cidr(Cidr),
    /// Met by every leaf that is not one of these, numbers and literals included.
    AnythingBut(Vec<Shape>),
    AnythingButNumbers(Vec<(String, f64)>),
}

/// A shape of string that may also stand under `anything-but`.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Shape {
    Exactly(String),
    Prefix(String),
    Suffix(String),
    IgnoreCase(Fold),
    PrefixIgnoreCase(Fold),
    SuffixIgnoreCase(Fold),
    Wildcard(String, Wildcard),
}

/// The bounds of a `numeric` condition, at least one of them set.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Numeric {
    pub(crate) low: Option<Bound>,
    pub(crate) high: Option<Bound>,
}

#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Bound {
    pub(crate) text: String,
    pub(crate) value: f64,
    pub(crate) inclusive: bool,
}

impl Condition {
    pub(crate) fn accepts(&self, found: &Scalar<'_>) -> bool {
        match (self, found) {
            (Condition::Exists, _) => true,
            (Condition::Absent, _) => false,
            (Condition::Text(text), Scalar::String(s)) => s == text,
            (Condition::Address(_, wanted), Scalar::String(s)) => {
                ip::address(s).is_some_and(|ip| ip == *wanted)
            }
            (Condition::Number(text, value), Scalar::Number(t, v)) => {
                t == text || (value.is_some() && value == v)
            }
            (Condition::True, Scalar::True)
            | (Condition::False, Scalar::False)
            | (Condition::Null, Scalar::Null) => true,
            (Condition::Is(shape), Scalar::String(s)) => shape.accepts(s),
            (Condition::Numeric(range), Scalar::Number(_, Some(v))) => range.contains(*v),
            (Condition::Cidr(block), Scalar::String(s)) => {
                ip::address(s).is_some_and(|ip| block.contains(ip))
            }
            (Condition::AnythingBut(shapes), Scalar::String(s)) => {
                !shapes.iter().any(|shape| shape.accepts(s))
            }
            (Condition::AnythingButNumbers(numbers), Scalar::Number(_, Some(v))) => {
                !numbers.iter().any(|(_, number)| number == v)
            }
            (Condition::AnythingBut(_) | Condition::AnythingButNumbers(_), _) => true,
            _ => false,
        }
    }

    /// Whether a leaf of this type could meet the condition at all.
    pub(crate) fn takes_type_of(&self, found: &Scalar<'_>) -> bool {
        match self {
            Condition::Exists | Condition::AnythingBut(_) | Condition::AnythingButNumbers(_) => {
                true
            }
            Condition::Absent => false,
            Condition::Text(_) | Condition::Address(..) | Condition::Is(_) | Condition::Cidr(_) => {
                matches!(found, Scalar::String(_))
            }
            Condition::Number(..) | Condition::Numeric(_) => matches!(found, Scalar::Number(..)),
            Condition::True | Condition::False => matches!(found, Scalar::True | Scalar::False),
            Condition::Null => matches!(found, Scalar::Null),
        }
    }
}

impl Shape {
    fn accepts(&self, s: &str) -> bool {
        match self {
            Shape::Exactly(text) => s == text,
            Shape::Prefix(text) => s.starts_with(text.as_str()),
            Shape::Suffix(text) => s.ends_with(text.as_str()),
            Shape::IgnoreCase(fold) => fold.equals(s),
            Shape::PrefixIgnoreCase(fold) => fold.is_prefix_of(s),
            Shape::SuffixIgnoreCase(fold) => fold.is_suffix_of(s),
            Shape::Wildcard(_, wildcard) => wildcard.matches(s),
        }
    }
}

impl Numeric {
    fn contains(&self, v: f64) -> bool {
        let above = self
            .low
            .as_ref()
            .is_none_or(|low| if low.inclusive { v >= low.value } else { v > low.value });
        let below = self
            .high
            .as_ref()
            .is_none_or(|high| if high.inclusive { v <= high.value } else { v < high.value });
        above && below
    }
}

/// In words, to stand after "wanted".
impl fmt::Display for Condition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Condition::Text(text) | Condition::Address(text, _) => write!(f, "{text:?}"),
            Condition::Number(text, _) => f.write_str(text),
            Condition::True => f.write_str("true"),
            Condition::False => f.write_str("false"),
            Condition::Null => f.write_str("null"),
            Condition::Exists => f.write_str("any value"),
            Condition::Absent => f.write_str("no such field"),
            Condition::Is(shape) => shape.fmt(f),
            Condition::Numeric(range) => range.fmt(f),
            Condition::Cidr(block) => write!(f, "an address in {}", block.text()),
            Condition::AnythingBut(shapes) => {
                f.write_str("anything but ")?;
                join(f, shapes.iter())
            }
            Condition::AnythingButNumbers(numbers) => {
                f.write_str("anything but ")?;
                join(f, numbers.iter().map(|(text, _)| text))
            }
        }
    }
}

impl fmt::Display for Shape {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Shape::Exactly(text) => write!(f, "{text:?}"),
            Shape::Prefix(text) => write!(f, "prefix {text:?}"),
            Shape::Suffix(text) => write!(f, "suffix {text:?}"),
            Shape::IgnoreCase(fold) => write!(f, "{:?} in any case", fold.text()),
            Shape::PrefixIgnoreCase(fold) => write!(f, "prefix {:?} in any case", fold.text()),
            Shape::SuffixIgnoreCase(fold) => write!(f, "suffix {:?} in any case", fold.text()),
            Shape::Wildcard(text, _) => write!(f, "wildcard {text:?}"),
        }
    }
}

impl fmt::Display for Numeric {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let equal = |low: &Bound, high: &Bound| low.value == high.value;
        match (&self.low, &self.high) {
            (Some(low), Some(high)) if equal(low, high) => write!(f, "a number = {}", low.text),
            (low, high) => {
                f.write_str("a number")?;
                if let Some(Bound { text, inclusive, .. }) = low {
                    write!(f, " {} {text}", if *inclusive { ">=" } else { ">" })?;
                }
                if let Some(Bound { text, inclusive, .. }) = high {
                    let and = if low.is_some() { " and" } else { "" };
                    write!(f, "{and} {} {text}", if *inclusive { "<=" } else { "<" })?;
                }
                Ok(())
            }
        }
    }
}

/// Conditions or values as a list with "or".
pub(crate) fn join(
    f: &mut impl fmt::Write,
    items: impl Iterator<Item = impl fmt::Display>,
) -> fmt::Result {
    for (i, item) in items.enumerate() {
        write!(f, "{}{item}", if i == 0 { "" } else { " or " })?;
    }
    Ok(())
}
