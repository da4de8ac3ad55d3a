//! Attribute values, and their ways to and from Rust types.

use super::number;
use base64::{Engine, engine::general_purpose::STANDARD};
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use std::{collections::BTreeMap, fmt};

/// The attributes of one item by name.
pub type Item = BTreeMap<String, Value>;

/// One attribute's value. Sets have no use here; a list does their work.
///
/// Its serde form is DynamoDB's own (`{"S": "…"}`), as stream records have it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(into = "Wire", try_from = "Wire")]
pub enum Value {
    /// A string.
    S(String),
    /// A number in decimal, at most 38 digits.
    N(String),
    /// Bytes.
    B(Vec<u8>),
    /// A truth value.
    Bool(bool),
    /// Explicitly nothing.
    Null,
    /// A map.
    M(BTreeMap<String, Value>),
    /// A list.
    L(Vec<Value>),
}

/// A value that has no counterpart on the other side.
#[derive(Debug)]
pub struct Unrepresentable(String);

/// `value`'s fields as an item. Bytes become lists of numbers, as in JSON.
///
/// # Errors
/// If `value` does not serialize to a JSON object, or one of its maps has keys that are no strings.
pub fn to_item<T: Serialize + ?Sized>(value: &T) -> Result<Item, Unrepresentable> {
    match serde_json::to_value(value) {
        Ok(serde_json::Value::Object(fields)) => {
            Ok(fields.into_iter().map(|(name, value)| (name, value.into())).collect())
        }
        Ok(_) => Err(Unrepresentable("an item is made of a struct or a map".to_owned())),
        Err(error) => Err(Unrepresentable(error.to_string())),
    }
}

/// Reads a `T` from an item's attributes; attributes it does not know (the keys) are its affair.
///
/// # Errors
/// If a field is missing or of another type; the text names it.
pub fn from_item<T: DeserializeOwned>(item: &Item) -> Result<T, Unrepresentable> {
    let mut fields = serde_json::Map::with_capacity(item.len());
    for (name, value) in item {
        fields.insert(name.clone(), value.to_json()?);
    }
    T::deserialize(serde_json::Value::Object(fields))
        .map_err(|error| Unrepresentable(error.to_string()))
}

impl Value {
    /// The string, if it is one.
    pub fn as_s(&self) -> Option<&str> {
        match self {
            Self::S(text) => Some(text),
            _ => None,
        }
    }

    /// The number, if it is one that fits `T`.
    pub fn as_n<T: std::str::FromStr>(&self) -> Option<T> {
        match self {
            Self::N(digits) => digits.parse().ok(),
            _ => None,
        }
    }

    /// The value as JSON. Of numbers, whole ones within 64 bits keep their value; others are rounded to
    /// a double.
    ///
    /// # Errors
    /// Bytes, and numbers beyond JSON's range, have no JSON form.
    pub fn to_json(&self) -> Result<serde_json::Value, Unrepresentable> {
        Ok(match self {
            Self::S(text) => text.clone().into(),
            Self::N(digits) => serde_json::from_str::<serde_json::Number>(digits)
                .map_err(|_| Unrepresentable(format!("number {digits}")))?
                .into(),
            Self::B(_) => return Err(Unrepresentable("bytes have no JSON form".to_owned())),
            Self::Bool(value) => (*value).into(),
            Self::Null => serde_json::Value::Null,
            Self::M(fields) => serde_json::Value::Object(
                fields
                    .iter()
                    .map(|(name, value)| Ok((name.clone(), value.to_json()?)))
                    .collect::<Result<_, Unrepresentable>>()?,
            ),
            Self::L(values) => serde_json::Value::Array(
                values.iter().map(Self::to_json).collect::<Result<_, _>>()?,
            ),
        })
    }

    /// What DynamoDB counts for the value, in bytes.
    pub(super) fn size(&self) -> usize {
        match self {
            Self::S(text) => text.len(),
            Self::N(digits) => number::size(digits),
            Self::B(bytes) => bytes.len(),
            Self::Bool(_) | Self::Null => 1,
            Self::M(fields) => {
                3 + fields.iter().map(|(k, v)| 1 + k.len() + v.size()).sum::<usize>()
            }
            Self::L(values) => 3 + values.iter().map(|v| 1 + v.size()).sum::<usize>(),
        }
    }
}

impl From<serde_json::Value> for Value {
    fn from(json: serde_json::Value) -> Self {
        match json {
            serde_json::Value::Null => Self::Null,
            serde_json::Value::Bool(value) => Self::Bool(value),
            serde_json::Value::Number(number) => Self::N(number.to_string()),
            serde_json::Value::String(text) => Self::S(text),
            serde_json::Value::Array(values) => {
                Self::L(values.into_iter().map(Self::from).collect())
            }
            serde_json::Value::Object(fields) => {
                Self::M(fields.into_iter().map(|(name, value)| (name, value.into())).collect())
            }
        }
    }
}

impl From<&str> for Value {
    fn from(text: &str) -> Self {
        Self::S(text.to_owned())
    }
}

impl From<String> for Value {
    fn from(text: String) -> Self {
        Self::S(text)
    }
}

impl From<bool> for Value {
    fn from(value: bool) -> Self {
        Self::Bool(value)
    }
}

macro_rules! from_numbers {
    ($($type:ty),*) => {$(
        impl From<$type> for Value {
            fn from(number: $type) -> Self {
                Self::N(number.to_string())
            }
        }
    )*};
}
from_numbers!(i32, i64, u32, u64);

impl fmt::Display for Unrepresentable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for Unrepresentable {}

/// DynamoDB's JSON form of a value.
#[derive(Clone, Serialize, Deserialize)]
enum Wire {
    S(String),
    N(String),
    B(String),
    #[serde(rename = "BOOL")]
    Bool(bool),
    #[serde(rename = "NULL")]
    Null(bool),
    M(BTreeMap<String, Value>),
    L(Vec<Value>),
}

impl From<Value> for Wire {
    fn from(value: Value) -> Self {
        match value {
            Value::S(text) => Self::S(text),
            Value::N(digits) => Self::N(digits),
            Value::B(bytes) => Self::B(STANDARD.encode(bytes)),
            Value::Bool(value) => Self::Bool(value),
            Value::Null => Self::Null(true),
            Value::M(fields) => Self::M(fields),
            Value::L(values) => Self::L(values),
        }
    }
}

impl TryFrom<Wire> for Value {
    type Error = Unrepresentable;

    fn try_from(wire: Wire) -> Result<Self, Unrepresentable> {
        Ok(match wire {
            Wire::S(text) => Self::S(text),
            Wire::N(digits) => Self::N(digits),
            Wire::B(text) => Self::B(
                STANDARD.decode(text).map_err(|_| Unrepresentable("B is not base64".to_owned()))?,
            ),
            Wire::Bool(value) => Self::Bool(value),
            Wire::Null(_) => Self::Null,
            Wire::M(fields) => Self::M(fields),
            Wire::L(values) => Self::L(values),
        })
    }
}
