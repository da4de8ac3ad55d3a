//! A read of one partition, in the order of its sort key.

use super::{Error, Item, Value};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use std::sync::Arc;

/// Which items of one partition are wanted, and in which order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Query {
    /// The table's name.
    pub table: Arc<str>,
    /// The index to read instead of the table itself.
    pub index: Option<Index>,
    /// The value of the partition key.
    pub pk: String,
    /// Which sort keys.
    pub range: Range,
    /// From the highest sort key down.
    pub descending: bool,
    /// At most so many items.
    pub limit: Option<usize>,
}

/// A global secondary index: its name and the attributes that are its keys.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Index {
    /// The index's name.
    pub name: &'static str,
    /// The attribute of its partition key.
    pub pk: &'static str,
    /// The attribute of its sort key.
    pub sk: &'static str,
}

/// A range of sort keys, compared by their UTF-8 bytes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Range {
    /// All of the partition.
    All,
    /// Those smaller than this.
    Below(String),
    /// This one and those greater.
    From(String),
    /// From the first to the second, both included.
    Between(String, String),
    /// Those that begin with this.
    Prefix(String),
}

/// A part of a query's or a scan's items.
#[derive(Debug, Clone, PartialEq)]
pub struct Page {
    /// The items, in order.
    pub items: Vec<Item>,
    /// Where to go on, or `None` at the end.
    pub next: Option<Cursor>,
}

/// The place behind which a query or scan goes on.
#[derive(Debug, Clone, PartialEq)]
pub struct Cursor(pub(crate) Item);

impl Query {
    /// All items of the partition `pk`, ascending.
    pub fn new(table: impl Into<Arc<str>>, pk: impl Into<String>) -> Self {
        Self {
            table: table.into(),
            index: None,
            pk: pk.into(),
            range: Range::All,
            descending: false,
            limit: None,
        }
    }

    /// Only the sort keys of `range`.
    #[must_use]
    pub fn range(mut self, range: Range) -> Self {
        self.range = range;
        self
    }

    /// Reads `index`, whose answers may lag behind the table.
    #[must_use]
    pub fn index(mut self, index: Index) -> Self {
        self.index = Some(index);
        self
    }

    /// Highest sort key first.
    #[must_use]
    pub fn descending(mut self) -> Self {
        self.descending = true;
        self
    }

    /// At most `limit` items (in a page, and in all).
    #[must_use]
    pub fn limit(mut self, limit: usize) -> Self {
        self.limit = Some(limit);
        self
    }
}

impl Cursor {
    /// The cursor as a URL-safe text, for a client to hand back. It shows the key attributes it
    /// is made of; it grants nothing, since a query checks that it lies in its own partition.
    pub fn token(&self) -> String {
        let pairs: Vec<(&str, &str)> = self
            .0
            .iter()
            .filter_map(|(name, value)| Some((name.as_str(), value.as_s()?)))
            .collect();
        URL_SAFE_NO_PAD.encode(serde_json::to_vec(&pairs).unwrap_or_default())
    }

    /// Reads [`Cursor::token`] back.
    ///
    /// # Errors
    /// [`Error::Refused`] if `token` is no such text.
    pub fn parse(token: &str) -> Result<Self, Error> {
        let bad = || Error::validation("the starting key is malformed");
        let bytes = URL_SAFE_NO_PAD.decode(token).map_err(|_| bad())?;
        let pairs: Vec<(String, String)> = serde_json::from_slice(&bytes).map_err(|_| bad())?;
        if pairs.is_empty() {
            return Err(bad());
        }
        Ok(Self(pairs.into_iter().map(|(name, value)| (name, Value::S(value))).collect()))
    }
}

impl Range {
    pub(super) fn contains(&self, sk: &str) -> bool {
        match self {
            Self::All => true,
            Self::Below(end) => sk < end.as_str(),
            Self::From(start) => sk >= start.as_str(),
            Self::Between(start, end) => sk >= start.as_str() && sk <= end.as_str(),
            Self::Prefix(prefix) => sk.starts_with(prefix.as_str()),
        }
    }
}
