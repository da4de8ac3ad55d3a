//! The seam to the disk: what storage asks of one folder of files.
//!
//! [`RealDisk`](super::RealDisk) is a folder, [`SimDisk`](super::SimDisk) a simulated one that loses power and fails
//! on request. Nothing is durable before the matching `sync_*` has returned `Ok`; after a failed one nothing is known.

use std::fmt::Debug;
use std::io;
use std::sync::Arc;

/// A folder of files, without subfolders.
pub trait Disk: Debug + Send + Sync + 'static {
    /// The names of all files, in no particular order.
    fn list(&self) -> io::Result<Vec<String>>;

    /// Makes a file of `len` zero bytes with all its space allocated, so that a full disk fails here
    /// ([`io::ErrorKind::StorageFull`]) and not later. Fails if the name exists.
    fn create(&self, name: &str, len: u64) -> io::Result<Arc<dyn DiskFile>>;

    /// Opens a file for reading and writing.
    fn open(&self, name: &str) -> io::Result<Arc<dyn DiskFile>>;

    /// Renames a file, replacing what has the new name.
    fn rename(&self, from: &str, to: &str) -> io::Result<()>;

    /// Removes a file. Handles that are open go on working.
    fn remove(&self, name: &str) -> io::Result<()>;

    /// Makes files made, renamed and removed so far durable.
    fn sync_dir(&self) -> io::Result<()>;

    /// Locks the folder for this process until the guard is dropped.
    fn lock(&self) -> Result<Box<dyn DiskLock>, LockError>;

    /// What messages call this folder.
    fn name(&self) -> String;
}

/// An open file; positions are given, never kept, so that handles are shared between threads.
pub trait DiskFile: Debug + Send + Sync {
    /// Length in bytes, allocated space included.
    fn size(&self) -> io::Result<u64>;

    /// Reads up to `buf.len()` bytes; fewer only at the end of the file.
    fn read_at(&self, buf: &mut [u8], offset: u64) -> io::Result<usize>;

    /// Where the next bytes at or behind `offset` are that may differ from zero; `None` if there are none. Allocated
    /// space that was never written need not be read to know it.
    fn next_data(&self, offset: u64) -> io::Result<Option<u64>> {
        Ok((offset < self.size()?).then_some(offset))
    }

    /// Writes all of `buf`. After an error any part of it may have been written.
    fn write_at(&self, buf: &[u8], offset: u64) -> io::Result<()>;

    /// Forgets everything from `offset` on; the file then has `len` bytes, zero behind `offset` and allocated.
    fn clear_from(&self, offset: u64, len: u64) -> io::Result<()>;

    /// Makes all that was written durable, and the length with it.
    fn sync_data(&self) -> io::Result<()>;
}

/// Holds the folder's lock until dropped.
pub trait DiskLock: Debug + Send + Sync {}

/// Why a folder could not be locked.
#[derive(Debug)]
pub enum LockError {
    /// Another process has it; who, as far as the lock file tells (`process 4711`).
    Held(String),
    /// The lock file could not be made or read.
    Io(io::Error),
}

/// Reads exactly `buf.len()` bytes, or says `false` when the file ends before.
pub(crate) fn read_exact_at(file: &dyn DiskFile, buf: &mut [u8], offset: u64) -> io::Result<bool> {
    Ok(file.read_at(buf, offset)? == buf.len())
}
