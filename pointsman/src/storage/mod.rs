//! Durable records and bodies over a [`Disk`]: a journal that knows nothing of what is in it.
//!
//! - [`Store::open`] yields the folded state and four parts that may live on different threads:
//! - [`Writer`]: batches of records and bodies, one write and one sync a commit;
//! - [`Bodies`]: the bytes of events and messages, read where they were written;
//! - [`History`]: the durable records again, in order;
//! - [`Compactor`]: snapshots, and space given back, in the background.
//!
//! [`RealDisk`] is a folder; [`SimDisk`] is a simulated one that loses power. `docs/decisions/002` says why it is so.

mod batch;
mod batches;
mod bodies;
mod compact;
mod disk;
mod error;
mod frame;
mod history;
mod real;
mod recover;
mod scan;
mod segment;
mod shared;
mod sim;
mod snapshot;
mod writer;

#[cfg(test)]
mod tests;

pub use batch::{Batch, BodyId};
pub use batches::{BatchesBack, BatchesFrom, Written};
pub use bodies::Bodies;
pub use compact::{Compacted, Compactor};
pub use disk::{Disk, DiskFile, DiskLock, LockError};
pub use error::{AppendError, OpenError};
pub use history::{History, Records};
pub use real::RealDisk;
pub use sim::{Fault, SimDisk};
pub use writer::Writer;

use std::sync::Arc;

/// What records are folded into. Storage knows nothing else of them.
///
/// Folding decides nothing: the same snapshot and records give the same state.
pub trait Fold {
    /// Takes a state that [`Fold::save`] gave; called at most once, first, on an empty fold.
    fn load(&mut self, snapshot: &[u8]) -> Result<(), String>;

    /// Takes the next record.
    fn apply(&mut self, record: &[u8]) -> Result<(), String>;

    /// The whole state. Must be readable by later versions, as records must.
    fn save(&self) -> Vec<u8>;

    /// The bodies that the state still needs, each once.
    fn live(&self) -> Box<dyn Iterator<Item = BodyId> + '_>;
}

/// How a store behaves; take the default and change what should differ.
#[derive(Clone, Copy, Debug)]
pub struct Options {
    /// Bytes allocated at a time; a larger batch gets a segment of its own. At most 1 GiB.
    pub segment_bytes: u64,
    /// Bytes of old segments kept to be read again; the oldest go first.
    pub history_bytes: u64,
    /// The newest format that is read, and the one that is written.
    format: u32,
}

impl Default for Options {
    /// Segments of 64 MiB, history of 1 GiB.
    fn default() -> Options {
        Options { segment_bytes: 64 << 20, history_bytes: 1 << 30, format: frame::FORMAT }
    }
}

/// An open store, in its parts. The folder stays locked until all of them (and their clones) are dropped.
#[derive(Debug)]
#[non_exhaustive]
pub struct Store {
    /// Appends and syncs.
    pub writer: Writer,
    /// Reads bodies.
    pub bodies: Bodies,
    /// Reads records.
    pub history: History,
    /// Works in the background.
    pub compactor: Compactor,
}

impl Store {
    /// Opens the folder's store, or makes one in an empty folder, and folds all its records into `fold`, which is
    /// empty. Everything read is durable when this returns. Bodies are not read.
    ///
    /// # Errors
    /// See [`OpenError`]. `fold` is then in no particular state.
    pub fn open<F: Fold>(
        disk: Arc<dyn Disk>,
        options: Options,
        fold: &mut F,
    ) -> Result<(Store, Opened), OpenError> {
        let segment_bytes =
            options.segment_bytes.clamp(2 * frame::SECTOR as u64, frame::MAX_BATCH as u64);
        recover::open(disk, Options { segment_bytes, ..options }, fold)
    }
}

/// What opening found.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Opened {
    /// The last record; 0 if there is none.
    pub last_seq: u64,
    /// The last record in the snapshot that was loaded; 0 if none was.
    pub snapshot_seq: u64,
    /// The first record that can still be read again.
    pub oldest_seq: u64,
    /// The torn end that was cut off, if there was one. None of it had been acknowledged, unless the very last batch
    /// was damaged later, which looks the same.
    pub dropped: Option<Torn>,
    /// Snapshots that did not add up; an older one was loaded instead.
    pub skipped_snapshots: Vec<String>,
}

/// An end that was cut off.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Torn {
    /// In which file.
    pub file: String,
    /// From which byte on.
    pub offset: u64,
    /// Bytes written from there on, in that file and later ones.
    pub bytes: u64,
}
