//! A row of a stream, and how it is kept.
//!
//! The envelope is kept as the JSON text that will be published, `detail`: a table's own numbers
//! and maps would change its spelling, and the relay would have to build it anew. What a person
//! or a filter looks for stands beside it as attributes of their own.

use super::sk;
use crate::table::{Condition, Item, PK, SK, Value};
use crate::transaction::ID;
use pointsman_event::{Envelope, Timestamp};
use std::fmt;

pub(super) const KIND: &str = "kind";
const TYPE: &str = "type";
const DETAIL: &str = "detail";
const DUE: &str = "due";
/// The attribute with the writer's wall time: what a repair scans by.
pub(super) const RECORDED_AT: &str = "recordedAt";

/// An event or command in its stream.
#[derive(Debug, Clone, PartialEq)]
pub struct Row {
    /// Which of the two it is.
    pub kind: Kind,
    /// The envelope.
    pub envelope: Envelope,
    /// The envelope as the JSON text that is stored and published.
    pub detail: String,
    /// When a command is due, if later than at once.
    pub due: Option<Timestamp>,
    /// The writer's wall time.
    pub recorded_at: Timestamp,
}

/// What a row is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Something that happened.
    Event,
    /// Something that is asked for.
    Command,
    /// The mark that a stream is closed to some writers.
    Guard,
    /// A state folded from the rows before.
    Snapshot,
}

/// A row that can't be read as one of a stream.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MalformedRow {
    /// Its keys.
    pub key: String,
    /// What is wrong with it.
    pub reason: String,
}

impl Row {
    /// Reads an item of the store's table, as a query or its stream has it.
    ///
    /// # Errors
    /// If it is no event or command, or its attributes do not fit each other.
    pub fn from_item(item: &Item) -> Result<Self, MalformedRow> {
        let text = |name: &str| item.get(name).and_then(Value::as_s);
        let malformed = |reason: String| MalformedRow {
            key: format!("{}, {}", text(PK).unwrap_or("?"), text(SK).unwrap_or("?")),
            reason,
        };
        let required =
            |name: &str| text(name).ok_or_else(|| malformed(format!("no attribute {name}")));
        let time =
            |text: &str| text.parse::<Timestamp>().map_err(|error| malformed(error.to_string()));
        let kind = match Kind::of(item) {
            Some(kind @ (Kind::Event | Kind::Command)) => kind,
            _ => return Err(malformed("it is neither event nor command".to_owned())),
        };
        let detail = required(DETAIL)?.to_owned();
        let envelope: Envelope =
            serde_json::from_str(&detail).map_err(|error| malformed(format!("detail: {error}")))?;
        let metadata = &envelope.metadata;
        if metadata.stream.as_str() != required(PK)? || sk(metadata.version) != required(SK)? {
            let (stream, version) = (&metadata.stream, metadata.version);
            return Err(malformed(format!("it holds version {version} of {stream}")));
        }
        Ok(Self {
            kind,
            due: text(DUE).map(time).transpose()?,
            recorded_at: time(required(RECORDED_AT)?)?,
            envelope,
            detail,
        })
    }

    /// The item of a row; the keys are left to the operation that puts it.
    pub(super) fn to_item(&self) -> Item {
        let metadata = &self.envelope.metadata;
        let mut item = Item::from([
            (KIND.to_owned(), self.kind.name().into()),
            (ID.to_owned(), metadata.id.to_string().into()),
            (TYPE.to_owned(), metadata.event_type.as_str().into()),
            (DETAIL.to_owned(), self.detail.as_str().into()),
            (RECORDED_AT.to_owned(), self.recorded_at.to_string().into()),
        ]);
        if let Some(due) = self.due {
            item.insert(DUE.to_owned(), due.to_string().into());
        }
        item
    }
}

/// That a row is the first of its stream, for a scan that meets each stream once.
pub fn first() -> Condition {
    Condition::equal(SK, sk(1))
}

/// That a row was written at `time` or later, by its writer's wall clock. Guards have no such time.
pub fn recorded_since(time: Timestamp) -> Condition {
    Condition::at_least(RECORDED_AT, time.to_string())
}

impl Kind {
    /// That a row is of this kind, for a scan.
    pub fn is(self) -> Condition {
        Condition::equal(KIND, self.name())
    }

    /// The kind an item says it is; `None` if it says nothing known.
    pub fn of(item: &Item) -> Option<Self> {
        let name = item.get(KIND)?.as_s()?;
        [Self::Event, Self::Command, Self::Guard, Self::Snapshot]
            .into_iter()
            .find(|kind| kind.name() == name)
    }

    /// Its name in the table.
    pub fn name(self) -> &'static str {
        match self {
            Self::Event => "event",
            Self::Command => "command",
            Self::Guard => "guard",
            Self::Snapshot => "snapshot",
        }
    }
}

impl fmt::Display for MalformedRow {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "row [{}]: {}", self.key, self.reason)
    }
}

impl std::error::Error for MalformedRow {}
