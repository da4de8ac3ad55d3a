//! DynamoDB and DynamoDB Streams for the engine.
//!
//! - [`Tables`]: requests as they come over the wire, tables made to fit a template, expiry
//! - [`StreamSource`]: what an event-source mapping needs of a table's stream
//! - [`SqliteTables`]: the real thing, a file of its own, written by the library `dynoxide`
//! - [`MemoryTables`]: for simulations; on a crash it forgets what was not synced
//!
//! Tables have their own durable store beside the engine's journal. The two meet in the stream cursor alone: a table
//! is durable, then its record is read, then the cursor is journaled. So a record may be seen twice, and none is
//! skipped.
//!
//! Both stores hold to one rule: nothing is answered, a read included, and no record is shown before the state it
//! was computed from is durable.

mod causes;
mod memory;
mod sqlite;

#[cfg(test)]
mod tests;

pub use memory::{MemoryTables, Ticket};
pub use sqlite::{Options, SqliteTables, SyncLog};

use crate::topology::TableSpec;
use async_trait::async_trait;
use bytes::Bytes;
use std::sync::Arc;
use tokio::sync::watch;

/// Engine time in milliseconds since the epoch.
pub type Now = Arc<dyn Fn() -> i64 + Send + Sync>;

/// How long a stream keeps a record, in milliseconds of engine time.
pub const STREAM_RETENTION_MS: i64 = 24 * 60 * 60 * 1000;

/// A table store that serves the wire.
#[async_trait]
pub trait Tables: StreamSource {
    /// Answers one request, once what it wrote or saw is durable.
    ///
    /// What DynamoDB refuses is an [`Answer`] with DynamoDB's status and error body. An `Err` means that the store
    /// itself is gone, and that nobody knows whether the write happened.
    async fn call(&self, call: Call) -> Result<Answer, TablesError>;

    /// Makes the store fit a template: creates what is missing, changes what can be changed in place, names what
    /// cannot. Tables the template does not name are kept, and reported as such. In the order of `tables`, then by
    /// name.
    async fn reconcile(&self, tables: &[TableSpec]) -> Result<Vec<Reconciled>, TablesError>;

    /// Deletes items whose time to live has passed, and stream records past [`STREAM_RETENTION_MS`], in engine time.
    async fn sweep(&self) -> Result<Swept, TablesError>;
}

/// The streams of a table store, as a mapping reads them.
#[async_trait]
pub trait StreamSource: Send + Sync + 'static {
    /// At most `limit` durable records after the sequence number `after` (`None`: from the oldest), oldest first.
    /// A cursor older than the retention goes on at the oldest record there is.
    async fn read(
        &self,
        table: &str,
        after: Option<&str>,
        limit: usize,
    ) -> Result<Vec<StreamRecord>, TablesError>;

    /// A stream's names, and where it begins and ends.
    async fn bounds(&self, table: &str) -> Result<Bounds, TablesError>;

    /// Changes whenever records have become readable, of any table. Take it before reading, and wait after a read
    /// that found nothing: no record is missed then. Waiting ends with an error when the store is gone.
    fn woken(&self) -> watch::Receiver<u64>;

    /// Who wrote a record: the [`Call::cause`] of its write. `None` for a write without one, one before a restart,
    /// and one too long ago.
    fn writer(&self, table: &str, sequence: &str) -> Option<String>;
}

/// Which of the two services a request is for; they differ in the prefix of `X-Amz-Target`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Api {
    /// `DynamoDB_20120810`
    DynamoDb,
    /// `DynamoDBStreams_20120810`
    Streams,
}

/// A request.
#[derive(Clone, Debug)]
pub struct Call {
    /// The service.
    pub api: Api,
    /// Such as `PutItem`.
    pub operation: String,
    /// JSON, as AWS JSON 1.0 has it.
    pub body: Bytes,
    /// What led to this call, kept in memory for [`StreamSource::writer`].
    pub cause: Option<String>,
}

/// An answer, its body in AWS JSON 1.0.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    /// HTTP status.
    pub status: u16,
    /// JSON, of an error too.
    pub body: Bytes,
}

/// A record of a table's stream.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StreamRecord {
    /// Sequence number: 21 digits, so that texts order as the numbers do.
    pub sequence: String,
    /// Engine time of the write in milliseconds, rounded down to a second as DynamoDB does.
    pub created_at: i64,
    /// `INSERT`, `MODIFY` or `REMOVE`.
    pub event_name: String,
    /// The record as Lambda is given it.
    pub json: Bytes,
}

/// A stream's names, and where it begins and ends, as sequence numbers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Bounds {
    /// ARN of the stream.
    pub arn: String,
    /// Its only shard.
    pub shard: String,
    /// The oldest record that can still be read.
    pub horizon: Option<String>,
    /// The newest there ever was: a reader that wants only what comes after this moment starts after it, or at the
    /// beginning if there is none.
    pub latest: Option<String>,
}

/// What became of one table in [`Tables::reconcile`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reconciled {
    /// Its name.
    pub table: String,
    /// What was done.
    pub outcome: Outcome,
}

/// See [`Reconciled`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// It was missing.
    Created,
    /// It was as the template has it.
    Unchanged,
    /// It differed.
    Changed {
        /// Differences that are gone now.
        made: Vec<String>,
        /// Differences that stay, each with its reason: a table cannot be changed that way without losing it.
        refused: Vec<String>,
    },
    /// The template does not name it; it was left alone.
    Kept,
}

/// What [`Tables::sweep`] removed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Swept {
    /// Items whose time to live had passed.
    pub items: usize,
    /// Stream records past their retention.
    pub records: usize,
}

/// Why a table store did not do what it was asked.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum TablesError {
    /// The file could not be opened; the text names it.
    #[error("{0}")]
    Open(String),
    /// A write could not be made durable. Nothing since the last good sync was answered, and nothing will be.
    #[error("{0}; what was answered before is safe, and nothing is answered after")]
    Lost(String),
    /// The store has been closed.
    #[error("the tables are closed")]
    Closed,
    /// There is no such table, or it has no stream.
    #[error("table {0} has no stream")]
    NoStream(String),
    /// Not a sequence number of ours.
    #[error("{0:?} is not a sequence number of a table's stream")]
    Sequence(String),
    /// The store refused or failed; the text says what.
    #[error("{0}")]
    Failed(String),
}

impl TablesError {
    /// The process should end: the store will not answer again.
    pub fn is_fatal(&self) -> bool {
        matches!(self, TablesError::Lost(_) | TablesError::Closed)
    }
}
