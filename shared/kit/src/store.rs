//! The event store: streams of events and commands in one table, appended under a version.
//!
//! A stream's rows have the partition key `<type>#<id>` and the sort keys `0000000001`, `0000000002`,
//! …, without gaps. Appending writes the next rows under the condition that their places are free,
//! in one transaction with whatever must happen together with it; the row is the outbox, since the
//! table's stream drives the relay. Beside the rows a stream may have a `guard` and a `snapshot`,
//! whose sort keys lie behind all digits.
//!
//! ```
//! # tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap().block_on(async {
//! # use pointsman_kit::event::{Cause, Event, SchemaVersion, Timestamp, event_set};
//! # use serde::{Deserialize, Serialize};
//! # #[derive(Debug, Clone, PartialEq, Serialize, Deserialize)] pub struct LampLit { watts: u32 }
//! # impl Event for LampLit {
//! #   const NAME: &str = "LampLit"; const VERSION: SchemaVersion = SchemaVersion::new(1, 0);
//! #   const SOURCE: &str = "house.lamps"; const STREAM: &str = "lamp";
//! #   const OWNER: &str = "house"; const REASON: &str = "A room became bright.";
//! # }
//! use pointsman_kit::{clock::Deadline, live::Live, store::{New, Store}, table::Memory};
//! use pointsman_kit::transaction::{Transaction, Verdict};
//! use std::{sync::Arc, time::Duration};
//!
//! event_set! { #[derive(Debug)] pub enum Lamp { LampLit } }
//!
//! let store = Store::new(Arc::new(Memory::new()), "EventStore");
//! let now = Timestamp::from_ms(1_700_000_000_000);
//! let stream = "lamp#7".parse().unwrap();
//!
//! let history = store.read(&stream).await.unwrap();
//! let lit = [New::event(&Lamp::from(LampLit { watts: 40 })).unwrap()];
//! let cause = Cause::request("r-1", now);
//! let appended = store.append(&Live::by_hand(), &history.position, &cause, now, lit).unwrap();
//! let verdict = appended.add_to(Transaction::new())
//!     .commit(store.tables(), Deadline::after(Duration::from_secs(1))).await.unwrap();
//! assert_eq!(verdict, Verdict::Committed);
//!
//! let history = store.read(&stream).await.unwrap();
//! assert_eq!(history.position.version(), 1);
//! assert!(matches!(&history.events::<Lamp>().unwrap()[0].data, Lamp::LampLit(lamp) if lamp.watts == 40));
//! # });
//! ```

mod append;
mod row;
mod snapshot;
#[cfg(test)]
mod tests;

pub use append::{Appended, New, NotAppendable};
pub use row::{Kind, MalformedRow, Row, first, recorded_since};
pub use snapshot::Loaded;

use crate::{
    ids::Ids,
    live::Live,
    table::{self, Condition, Item, Key, Op, Query, Range, Tables},
};
use pointsman_event::{Cause, Envelope, EventSet, ReadError, Readable, StreamName, Timestamp};
use std::{fmt, sync::Arc};

/// The sort key of a stream's guard.
const GUARD: &str = "guard";

/// A table of streams.
#[derive(Clone)]
pub struct Store {
    tables: Arc<dyn Tables>,
    table: Arc<str>,
    ids: Ids,
}

/// A stream's rows, as one consistent read found them.
#[derive(Debug, Clone)]
pub struct History {
    /// Where the stream ends.
    pub position: Position,
    /// Its rows in order; events and commands.
    pub rows: Vec<Row>,
}

/// The end of a stream as it was read. Only a read makes one, so an append never leaves a gap.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Position {
    stream: StreamName,
    version: u64,
    event: u64,
}

/// Why a stream could not be read.
#[derive(Debug)]
#[non_exhaustive]
pub enum Error {
    /// The table's fault.
    Table(table::Error),
    /// A row that is not the store's, or damaged.
    Malformed(MalformedRow),
    /// Rows are missing: after this version comes not the next one.
    Gap {
        /// The stream.
        stream: StreamName,
        /// The last version before the gap.
        after: u64,
    },
}

impl Store {
    /// The store in `table`.
    pub fn new(tables: Arc<dyn Tables>, table: impl Into<Arc<str>>) -> Self {
        Self { tables, table: table.into(), ids: Ids::random() }
    }

    /// The same store with another source of ids.
    #[must_use]
    pub fn with_ids(mut self, ids: Ids) -> Self {
        self.ids = ids;
        self
    }

    /// The tables it lives in.
    pub fn tables(&self) -> &dyn Tables {
        &*self.tables
    }

    /// Mints an id of the time `now`, for what a decision names.
    pub fn mint(&self, now: Timestamp) -> pointsman_event::Ulid {
        self.ids.mint(now)
    }

    /// All of a stream, read consistently; empty if it does not exist.
    ///
    /// # Errors
    /// The table's; a malformed row; a gap.
    pub async fn read(&self, stream: &StreamName) -> Result<History, Error> {
        self.read_after(Position::start(stream.clone())).await
    }

    /// What follows `position`.
    ///
    /// # Errors
    /// As [`Store::read`].
    pub async fn read_after(&self, position: Position) -> Result<History, Error> {
        let range = match position.version {
            0 => Range::Below(":".to_owned()),
            version => Range::Between(sk(version + 1), "9".repeat(DIGITS)),
        };
        let query = Query::new(self.table.clone(), position.stream.as_str()).range(range);
        let items = self.tables.query(&query).await?;
        let mut history = History { position, rows: Vec::with_capacity(items.len()) };
        for item in &items {
            let row = Row::from_item(item)?;
            history.position.advance(&row)?;
            history.rows.push(row);
        }
        Ok(history)
    }

    /// Gives `new` its places behind `position`, and everything its envelopes need.
    ///
    /// Nothing is written yet: [`Appended::add_to`] puts the rows into a transaction.
    ///
    /// # Errors
    /// If one of `new` does not belong into this type of stream.
    pub fn append(
        &self,
        _live: &Live,
        position: &Position,
        cause: &Cause,
        now: Timestamp,
        new: impl IntoIterator<Item = New>,
    ) -> Result<Appended, NotAppendable> {
        append::append(self, position, cause, now, new)
    }

    /// The check that nothing was appended to a stream since it was read.
    pub fn unchanged(&self, position: &Position) -> Op {
        let key = self.key(&position.stream, sk(position.version + 1));
        Op::check(key, Condition::Absent)
    }

    /// The check that a stream's guard has not been set.
    pub fn open(&self, stream: &StreamName) -> Op {
        Op::check(self.key(stream, GUARD), Condition::Absent)
    }

    /// Sets a stream's guard, once: from then on [`Store::open`] fails.
    pub fn close(&self, _live: &Live, stream: &StreamName) -> Op {
        let item = Item::from([(row::KIND.to_owned(), Kind::Guard.name().into())]);
        Op::put(self.key(stream, GUARD), item).when(Condition::Absent)
    }

    fn key(&self, stream: &StreamName, sk: impl Into<String>) -> Key {
        Key::new(self.table.clone(), stream.as_str(), sk)
    }
}

impl History {
    /// The events, read as `S` and brought up to today's versions. Commands are left out.
    ///
    /// # Errors
    /// If one can't be read, or is not of `S`: to fold a stream one must know all of it.
    pub fn events<S: EventSet>(&self) -> Result<Vec<Envelope<S>>, ReadError> {
        let events = self.rows.iter().filter(|row| row.kind == Kind::Event);
        let read = events.map(|row| match S::read(&row.envelope)? {
            Some(data) => Ok(Envelope { metadata: row.envelope.metadata.clone(), data }),
            None => Err(unknown(row)),
        });
        read.collect()
    }

    /// Folds the rows, in order, into a state. `S` is the stream's events, or its events and commands
    /// ([`message_set!`](pointsman_event::message_set)) where the state depends on what was asked
    /// for, too. Commands that are not of `S` are left out.
    ///
    /// # Errors
    /// If a row of `S` can't be read, or an event is not of `S`: as [`History::events`].
    pub fn fold<S: Readable, T>(
        &self,
        start: T,
        mut apply: impl FnMut(T, &S) -> T,
    ) -> Result<T, ReadError> {
        self.rows.iter().try_fold(start, |state, row| match S::read(&row.envelope)? {
            Some(message) => Ok(apply(state, &message)),
            None if row.kind == Kind::Command => Ok(state),
            None => Err(unknown(row)),
        })
    }

    /// Whether there is nothing in it.
    pub fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }
}

fn unknown(row: &Row) -> ReadError {
    let found = row.envelope.metadata.event_type.clone();
    ReadError::Other { wanted: "an event of the stream's set", found }
}

impl Position {
    fn start(stream: StreamName) -> Self {
        Self { stream, version: 0, event: 0 }
    }

    /// The stream.
    pub fn stream(&self) -> &StreamName {
        &self.stream
    }

    /// The version of its last row; 0 if it has none.
    pub fn version(&self) -> u64 {
        self.version
    }

    /// The version of its last event, commands skipped; 0 if it has none.
    pub fn last_event(&self) -> u64 {
        self.event
    }

    /// Steps over the next row.
    fn advance(&mut self, row: &Row) -> Result<(), Error> {
        let version = row.envelope.metadata.version;
        if version != self.version + 1 {
            return Err(Error::Gap { stream: self.stream.clone(), after: self.version });
        }
        self.step(row.kind);
        Ok(())
    }

    fn step(&mut self, kind: Kind) {
        self.version += 1;
        if kind == Kind::Event {
            self.event = self.version;
        }
    }
}

/// The digits of a version in its sort key.
const DIGITS: usize = 10;

/// The sort key of a version.
fn sk(version: u64) -> String {
    format!("{version:0width$}", width = DIGITS)
}

impl Error {
    /// Whether reading again may succeed.
    pub fn is_retryable(&self) -> bool {
        matches!(self, Self::Table(error) if error.is_retryable())
    }
}

impl From<table::Error> for Error {
    fn from(error: table::Error) -> Self {
        Self::Table(error)
    }
}

impl From<MalformedRow> for Error {
    fn from(error: MalformedRow) -> Self {
        Self::Malformed(error)
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Table(error) => error.fmt(f),
            Self::Malformed(error) => error.fmt(f),
            Self::Gap { stream, after } => {
                write!(f, "stream {stream} has no version {}, but later ones", after + 1)
            }
        }
    }
}

impl std::error::Error for Error {}
