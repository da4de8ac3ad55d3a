//! Conditions: a closed set that both adapters understand alike.

use super::{Item, Value, number};
use std::cmp::Ordering;

/// What must hold of the item as it is before a write. `Absent` and `Exists` speak of the item.
#[derive(Debug, Clone, PartialEq)]
pub enum Condition {
    /// There is no such item.
    Absent,
    /// There is one.
    Exists,
    /// The item, or the attribute in it, is missing.
    Without(String),
    /// The attribute compares so with the value. False where the attribute is missing or of
    /// another type; only [`Compare::NotEqual`] is then true, as in DynamoDB.
    Attribute(String, Compare, Value),
    /// All of them hold (at least one).
    All(Vec<Condition>),
    /// One of them (at least one) holds.
    Any(Vec<Condition>),
}

/// How an attribute is compared with a value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Compare {
    /// The same value of the same type; numbers by value.
    Equal,
    /// The contrary of [`Compare::Equal`].
    NotEqual,
    /// Smaller: numbers by value, strings and bytes bytewise.
    Less,
    /// Smaller or equal.
    AtMost,
    /// Greater.
    Greater,
    /// Greater or equal.
    AtLeast,
}

impl Condition {
    /// The attribute equals `value`.
    pub fn equal(attribute: impl Into<String>, value: impl Into<Value>) -> Self {
        Self::Attribute(attribute.into(), Compare::Equal, value.into())
    }

    /// The attribute is at least `value`.
    pub fn at_least(attribute: impl Into<String>, value: impl Into<Value>) -> Self {
        Self::Attribute(attribute.into(), Compare::AtLeast, value.into())
    }

    /// The attribute is smaller than `value`.
    pub fn less(attribute: impl Into<String>, value: impl Into<Value>) -> Self {
        Self::Attribute(attribute.into(), Compare::Less, value.into())
    }

    /// Whether it holds of `item`.
    pub fn holds(&self, item: Option<&Item>) -> bool {
        match self {
            Self::Absent => item.is_none(),
            Self::Exists => item.is_some(),
            Self::Without(name) => item.is_none_or(|item| !item.contains_key(name)),
            Self::Attribute(name, compare, value) => {
                compare.holds(item.and_then(|item| item.get(name)), value)
            }
            Self::All(all) => all.iter().all(|one| one.holds(item)),
            Self::Any(any) => any.iter().any(|one| one.holds(item)),
        }
    }
}

impl Compare {
    /// The operator in a DynamoDB expression.
    #[cfg(any(feature = "dynamodb", test))]
    pub(super) fn operator(self) -> &'static str {
        match self {
            Self::Equal => "=",
            Self::NotEqual => "<>",
            Self::Less => "<",
            Self::AtMost => "<=",
            Self::Greater => ">",
            Self::AtLeast => ">=",
        }
    }

    fn holds(self, actual: Option<&Value>, expected: &Value) -> bool {
        let Some(actual) = actual else { return self == Self::NotEqual };
        match self {
            Self::Equal => equal(actual, expected),
            Self::NotEqual => !equal(actual, expected),
            Self::Less => order(actual, expected).is_some_and(Ordering::is_lt),
            Self::AtMost => order(actual, expected).is_some_and(Ordering::is_le),
            Self::Greater => order(actual, expected).is_some_and(Ordering::is_gt),
            Self::AtLeast => order(actual, expected).is_some_and(Ordering::is_ge),
        }
    }
}

fn equal(left: &Value, right: &Value) -> bool {
    match (left, right) {
        (Value::N(left), Value::N(right)) => number::compare(left, right).is_eq(),
        (Value::L(left), Value::L(right)) => {
            left.len() == right.len() && left.iter().zip(right).all(|(l, r)| equal(l, r))
        }
        (Value::M(left), Value::M(right)) => {
            left.len() == right.len()
                && left.iter().zip(right).all(|((ln, l), (rn, r))| ln == rn && equal(l, r))
        }
        _ => left == right,
    }
}

fn order(left: &Value, right: &Value) -> Option<Ordering> {
    match (left, right) {
        (Value::N(left), Value::N(right)) => Some(number::compare(left, right)),
        (Value::S(left), Value::S(right)) => Some(left.as_bytes().cmp(right.as_bytes())),
        (Value::B(left), Value::B(right)) => Some(left.cmp(right)),
        _ => None,
    }
}
