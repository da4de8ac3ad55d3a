//! Reading durable batches again with the bodies that were written in them: also those that no state needs any more,
//! as long as their segment is there.

use super::batch::BodyId;
use super::bodies::read_at;
use super::frame::{Facts, FrameHeader, HEADER, Place, Position, SECTOR};
use super::history::{Frames, History, broken, oldest};
use super::segment::{self, FrameReader};
use super::shared::Shared;
use bytes::Bytes;
use std::cell::OnceCell;
use std::collections::HashMap;
use std::io;
use std::sync::Arc;

impl History {
    /// The durable batches that hold records from `seq` on, oldest first.
    ///
    /// # Errors
    /// `NotFound` if `seq` was dropped; the message names the oldest one there is.
    pub fn batches_from(&self, seq: u64) -> io::Result<BatchesFrom> {
        Ok(BatchesFrom { frames: self.frames_from(seq)?, failed: false })
    }

    /// The durable batches, newest first, back to the oldest from which on nothing is missing.
    pub fn batches_back(&self) -> BatchesBack {
        let (end, oldest) = {
            let log = self.shared.log();
            (log.end, oldest(&log).map_or(log.end.segment, |(segment, _)| segment))
        };
        let next = Some(end.segment);
        BatchesBack { shared: self.shared.clone(), end, oldest, next, headers: vec![] }
    }
}

/// A durable batch.
#[derive(Debug)]
pub struct Written {
    shared: Arc<Shared>,
    facts: Facts,
    places: OnceCell<HashMap<BodyId, Place>>,
}

impl Written {
    fn new(shared: &Arc<Shared>, facts: Facts) -> Written {
        Written { shared: shared.clone(), facts, places: OnceCell::new() }
    }

    /// Its records, each with its number, in order.
    pub fn records(&self) -> impl DoubleEndedIterator<Item = (u64, Bytes)> {
        self.facts.records().collect::<Vec<_>>().into_iter()
    }

    /// The bytes of a body that was written in this batch; `None` for any other.
    ///
    /// # Errors
    /// The disk's, or `InvalidData` for one whose bytes have changed.
    pub fn body(&self, id: BodyId) -> io::Result<Option<Bytes>> {
        let places = self.places.get_or_init(|| self.facts.bodies().collect());
        places.get(&id).map(|place| read_at(&self.shared, id, place)).transpose()
    }
}

/// Batches, oldest first; see [`History::batches_from`].
#[derive(Debug)]
pub struct BatchesFrom {
    frames: Frames,
    failed: bool,
}

impl Iterator for BatchesFrom {
    type Item = io::Result<Written>;

    fn next(&mut self) -> Option<Self::Item> {
        while !self.failed {
            match self.frames.next() {
                // Of the segment's beginning.
                Ok(Some(facts)) if facts.header.next_seq() <= self.frames.wanted => {}
                Ok(found) => {
                    return found.map(|facts| Ok(Written::new(&self.frames.shared, facts)));
                }
                Err(error) => {
                    self.failed = true;
                    return Some(Err(error));
                }
            }
        }
        None
    }
}

/// Batches, newest first; see [`History::batches_back`].
#[derive(Debug)]
pub struct BatchesBack {
    shared: Arc<Shared>,
    end: Position,
    oldest: u32,
    /// The segment that comes next.
    next: Option<u32>,
    /// What is left of the one before, oldest first.
    headers: Vec<FrameHeader>,
}

impl Iterator for BatchesBack {
    type Item = io::Result<Written>;

    fn next(&mut self) -> Option<Self::Item> {
        while self.headers.is_empty() {
            let segment = self.next.filter(|segment| *segment >= self.oldest)?;
            self.next = segment.checked_sub(1);
            if let Err(error) = self.enter(segment) {
                self.next = None;
                return Some(Err(error));
            }
        }
        let header = self.headers.pop()?;
        Some(self.frame(header).inspect_err(|_| {
            self.next = None;
            self.headers.clear();
        }))
    }
}

impl BatchesBack {
    /// Finds where a segment's frames begin. One that was removed meanwhile is where history begins now.
    fn enter(&mut self, segment: u32) -> io::Result<()> {
        let end = match segment == self.end.segment {
            true => Some(self.end.offset),
            false => self.shared.log().segments.get(&segment).map(|sealed| sealed.end),
        };
        let Some(end) = end else {
            self.next = None;
            return Ok(());
        };
        let mut at = Position { segment, offset: SECTOR as u32 };
        if at.offset >= end {
            return Ok(());
        }
        let file = self.shared.file(segment)?;
        let mut reader = FrameReader::new(segment::AHEAD);
        while at.offset < end {
            let header = reader.header(&*file, at)?.ok_or_else(|| broken(at))?;
            at = header.end();
            self.headers.push(header);
        }
        Ok(())
    }

    fn frame(&self, header: FrameHeader) -> io::Result<Written> {
        let file = self.shared.file(header.at.segment)?;
        let offset = u64::from(header.at.offset) + HEADER as u64;
        let bytes = FrameReader::new(0).bytes(&*file, offset, header.facts_len as usize)?;
        let facts = header.facts(bytes).ok_or_else(|| broken(header.at))?;
        Ok(Written::new(&self.shared, facts))
    }
}
