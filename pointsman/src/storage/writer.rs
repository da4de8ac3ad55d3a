//! The one writer: append a batch, then sync.

use super::batch::Batch;
use super::disk::DiskFile;
use super::error::AppendError;
use super::frame::{self, MAX_BATCH, Position, SECTOR, SegmentHeader};
use super::segment;
use super::shared::{Segment, Shared};
use std::io;
use std::sync::Arc;

/// A buffer that one large batch has blown up is let go beyond this.
const KEPT_BUFFER: usize = 8 << 20;

/// Writes the log. There is one; it may live on a thread of its own.
#[derive(Debug)]
pub struct Writer {
    shared: Arc<Shared>,
    file: Arc<dyn DiskFile>,
    at: Position,
    capacity: u64,
    format: u32,
    next_seq: u64,
    synced: Position,
    /// The segment begun since the last sync: its number and first sequence number.
    begun: Option<(u32, u64)>,
    buffer: Vec<u8>,
    placed: Vec<(super::BodyId, frame::Place, bool)>,
}

/// Where the writer goes on; an `at` with offset 0 is a segment without a header.
#[derive(Debug)]
pub(crate) struct Resume {
    pub(crate) file: Arc<dyn DiskFile>,
    pub(crate) at: Position,
    pub(crate) format: u32,
    pub(crate) next_seq: u64,
    pub(crate) synced: Position,
}

impl Writer {
    pub(crate) fn new(shared: Arc<Shared>, resume: Resume) -> io::Result<Writer> {
        Ok(Writer {
            capacity: resume.file.size()?,
            shared,
            file: resume.file,
            at: resume.at,
            format: resume.format,
            next_seq: resume.next_seq,
            synced: resume.synced,
            begun: None,
            buffer: Vec::new(),
            placed: Vec::new(),
        })
    }

    /// Writes a batch behind the last one; returns the sequence number of its last record (of the last record before
    /// it, if it has none). Durable, and to be acknowledged, only after [`Writer::sync`].
    ///
    /// # Errors
    /// See [`AppendError`]; only after `Broken` is the store unusable.
    pub fn append(&mut self, batch: &Batch) -> Result<u64, AppendError> {
        self.shared.check().map_err(AppendError::Broken)?;
        if batch.is_empty() {
            return Ok(self.next_seq - 1);
        }
        if batch.len() + batch.bodies.len() * 16 + SECTOR > MAX_BATCH {
            return Err(AppendError::TooLarge(batch.len()));
        }
        let frame = frame::frame_len(batch);
        self.make_room(frame)?;

        self.buffer.clear();
        let start = self.at;
        if self.at.offset == 0 {
            self.begin_segment();
        }
        let placed = &mut self.placed;
        placed.clear();
        frame::encode(
            batch,
            self.at,
            self.next_seq,
            self.synced,
            &mut self.buffer,
            |id, place, moved| {
                placed.push((id, place, moved));
            },
        );
        if let Err(error) = self.file.write_at(&self.buffer, u64::from(start.offset)) {
            return Err(AppendError::Broken(self.shared.break_by(&error)));
        }
        for &(id, place, moved) in &self.placed {
            if moved {
                self.shared.index.relocate(id, place);
            } else {
                self.shared.index.insert(id, place);
            }
        }
        self.at.offset += frame as u32;
        self.next_seq += u64::from(batch.count);
        if self.buffer.capacity() > KEPT_BUFFER {
            self.buffer = Vec::new();
        }
        Ok(self.next_seq - 1)
    }

    /// Makes everything appended durable; returns the sequence number of the last durable record.
    ///
    /// # Errors
    /// After any error the store is unusable: what reached the disk is unknown, and asking again would not tell.
    pub fn sync(&mut self) -> io::Result<u64> {
        self.shared.check()?;
        if self.synced != self.at && self.at.offset > 0 {
            self.shared.sync(&*self.file)?;
            let before = std::mem::replace(&mut self.synced, self.at);
            let mut log = self.shared.log();
            if let Some((number, first_seq)) = self.begun.take() {
                if let Some(sealed) = log.segments.get_mut(&before.segment) {
                    sealed.end = before.offset;
                }
                log.segments.insert(number, Segment { first_seq: Some(first_seq), end: 0 });
            }
            log.end = self.at;
            log.next_seq = self.next_seq;
        }
        Ok(self.next_seq - 1)
    }

    /// The sequence number that the next record will have.
    pub fn next_seq(&self) -> u64 {
        self.next_seq
    }

    /// Goes to the next segment when the batch does not fit, or the current one has an older format.
    fn make_room(&mut self, frame: usize) -> Result<(), AppendError> {
        let fresh = self.at.offset == 0;
        let needed =
            u64::from(self.at.offset) + frame as u64 + if fresh { SECTOR as u64 } else { 0 };
        if needed <= self.capacity && (fresh || self.format == self.shared.options.format) {
            return Ok(());
        }
        if fresh {
            self.file.clear_from(0, needed).map_err(|e| self.not_allocated(e))?;
            self.shared.sync(&*self.file).map_err(AppendError::Broken)?;
            self.capacity = needed;
            return Ok(());
        }
        // A segment is durable to its end before the next one is begun, so that only the last one can be torn.
        self.sync().map_err(AppendError::Broken)?;
        let (number, file) = self.shared.take_spare(frame).map_err(|e| self.not_allocated(e))?;
        self.capacity = file.size().map_err(|e| self.not_allocated(e))?;
        self.file = file;
        self.at = Position { segment: number, offset: 0 };
        Ok(())
    }

    /// Puts the segment's header before the frame, into the same write.
    fn begin_segment(&mut self) {
        let header = SegmentHeader {
            format: self.shared.options.format,
            number: self.at.segment,
            first_seq: self.next_seq,
            synced_to: self.synced,
        };
        header.encode(&mut self.buffer);
        self.format = header.format;
        self.begun = Some((header.number, header.first_seq));
        self.at.offset = SECTOR as u32;
    }

    /// Want of space before anything was written is no more than a wait; any other failure is the end.
    fn not_allocated(&self, error: io::Error) -> AppendError {
        if error.kind() == io::ErrorKind::StorageFull && self.shared.check().is_ok() {
            let name = segment::name(self.at.segment + 1);
            return AppendError::Full(io::Error::new(
                error.kind(),
                format!("allocating {name}: {error}"),
            ));
        }
        AppendError::Broken(self.shared.break_by(&error))
    }
}
