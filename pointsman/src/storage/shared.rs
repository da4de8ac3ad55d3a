//! What writer, readers and compaction have in common: the list of segments, open files, the durable end.

use super::bodies::Index;
use super::disk::{Disk, DiskFile, DiskLock};
use super::frame::Position;
use super::{Options, segment};
use std::collections::{BTreeMap, HashMap};
use std::io;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};

/// Handles kept open; a folder may have more segments than a process may have files.
const OPEN_FILES: usize = 128;

#[derive(Debug)]
pub(crate) struct Shared {
    pub(crate) disk: Arc<dyn Disk>,
    pub(crate) options: Options,
    pub(crate) index: Index,
    log: Mutex<Log>,
    files: Mutex<HashMap<u32, Arc<dyn DiskFile>>>,
    spares: Mutex<Spares>,
    broken: OnceLock<String>,
    _lock: Box<dyn DiskLock>,
}

/// The log as far as it is durable.
#[derive(Debug, Default)]
pub(crate) struct Log {
    pub(crate) segments: BTreeMap<u32, Segment>,
    pub(crate) end: Position,
    pub(crate) next_seq: u64,
}

/// One segment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Segment {
    /// Of its first record; `None` if its header is damaged (it is then kept for the bodies in it).
    pub(crate) first_seq: Option<u64>,
    /// Where its frames end; for the last segment see [`Log::end`].
    pub(crate) end: u32,
}

/// Segments allocated ahead.
#[derive(Debug)]
struct Spares {
    /// The number of the last segment handed to the writer.
    taken: u32,
    /// The next one: allocated, without a header, durable in its folder.
    ready: Option<Arc<dyn DiskFile>>,
}

impl Shared {
    pub(crate) fn new(
        disk: Arc<dyn Disk>,
        options: Options,
        index: Index,
        log: Log,
        lock: Box<dyn DiskLock>,
    ) -> Shared {
        let taken = log.end.segment;
        Shared {
            disk,
            options,
            index,
            log: Mutex::new(log),
            files: Mutex::default(),
            spares: Mutex::new(Spares { taken, ready: None }),
            broken: OnceLock::new(),
            _lock: lock,
        }
    }

    pub(crate) fn log(&self) -> MutexGuard<'_, Log> {
        held(&self.log)
    }

    /// The file of a segment, opened if need be.
    pub(crate) fn file(&self, number: u32) -> io::Result<Arc<dyn DiskFile>> {
        if let Some(file) = held(&self.files).get(&number) {
            return Ok(file.clone());
        }
        let file = self.disk.open(&segment::name(number))?;
        let mut files = held(&self.files);
        if files.len() >= OPEN_FILES {
            files.clear();
        }
        files.insert(number, file.clone());
        Ok(file)
    }

    /// Removes a segment for good.
    pub(crate) fn remove_segment(&self, number: u32) -> io::Result<()> {
        self.log().segments.remove(&number);
        held(&self.files).remove(&number);
        self.disk.remove(&segment::name(number))
    }

    /// Allocates the segment after the current one, unless that is done. Rolling then costs no more than a commit,
    /// and a full disk is known a segment ahead.
    pub(crate) fn prepare_spare(&self) -> io::Result<()> {
        let mut spares = held(&self.spares);
        if spares.ready.is_none() {
            spares.ready = Some(self.make_segment(spares.taken + 1, 0)?);
        }
        Ok(())
    }

    /// The next segment, empty, with its number and room for a frame of `frame` bytes.
    pub(crate) fn take_spare(&self, frame: usize) -> io::Result<(u32, Arc<dyn DiskFile>)> {
        let mut spares = held(&self.spares);
        let number = spares.taken + 1;
        let needed = self.segment_len(frame);
        let file = match spares.ready.clone() {
            None => self.make_segment(number, frame)?,
            Some(file) => {
                if file.size()? < needed {
                    file.clear_from(0, needed)?;
                    self.sync(&*file)?;
                }
                file
            }
        };
        *spares = Spares { taken: number, ready: None };
        Ok((number, file))
    }

    fn make_segment(&self, number: u32, frame: usize) -> io::Result<Arc<dyn DiskFile>> {
        let name = segment::name(number);
        let len = self.segment_len(frame);
        let file = match self.disk.create(&name, len) {
            // Left by an allocation that failed half way.
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
                self.disk.remove(&name)?;
                self.disk.create(&name, len)?
            }
            other => other?,
        };
        self.sync(&*file)?;
        self.sync_dir()?;
        Ok(file)
    }

    fn segment_len(&self, frame: usize) -> u64 {
        (super::frame::SECTOR + frame).max(self.options.segment_bytes as usize) as u64
    }

    /// Syncs a file; a failure breaks the store for good.
    pub(crate) fn sync(&self, file: &dyn DiskFile) -> io::Result<()> {
        file.sync_data().map_err(|error| self.break_by(&error))
    }

    /// Syncs the folder; a failure breaks the store for good.
    pub(crate) fn sync_dir(&self) -> io::Result<()> {
        self.disk.sync_dir().map_err(|error| self.break_by(&error))
    }

    /// Fails if a write or sync has failed before.
    pub(crate) fn check(&self) -> io::Result<()> {
        match self.broken.get() {
            None => Ok(()),
            Some(why) => {
                Err(io::Error::other(format!("storage failed before and must be reopened: {why}")))
            }
        }
    }

    /// From here on every write fails.
    pub(crate) fn break_by(&self, error: &io::Error) -> io::Error {
        let why = self.broken.get_or_init(|| error.to_string());
        io::Error::new(error.kind(), format!("{}: {why}", self.disk.name()))
    }
}

/// A panic elsewhere leaves these maps whole, so its mark on the lock is ignored.
pub(crate) fn held<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
