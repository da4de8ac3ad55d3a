//! Reading durable records again, from any sequence number that is still there.

use super::error::damaged;
use super::frame::{Facts, Position, SECTOR};
use super::segment::{self, FrameReader};
use super::shared::{Log, Shared};
use bytes::Bytes;
use std::collections::VecDeque;
use std::io;
use std::sync::Arc;

/// Reads history. Clones are cheap and read the same store, from any thread.
#[derive(Clone, Debug)]
pub struct History {
    pub(crate) shared: Arc<Shared>,
}

impl History {
    /// The first record still there; those before it were dropped (`history_bytes`). One more than
    /// [`History::last_seq`] if there is none.
    pub fn oldest_seq(&self) -> u64 {
        oldest(&self.shared.log()).map_or(1, |(_, seq)| seq)
    }

    /// The last durable record; 0 before the first.
    pub fn last_seq(&self) -> u64 {
        self.shared.log().next_seq - 1
    }

    /// The durable records from `seq` on, with their numbers. Ends at the durable end; asked again later, it goes on
    /// with what has become durable since.
    ///
    /// # Errors
    /// `NotFound` if `seq` was dropped; the message names the oldest one there is.
    pub fn records_from(&self, seq: u64) -> io::Result<Records> {
        Ok(Records { frames: self.frames_from(seq)?, ready: VecDeque::new(), failed: false })
    }

    /// The frames of the segment that holds `seq`, and those behind.
    pub(crate) fn frames_from(&self, seq: u64) -> io::Result<Frames> {
        let at = {
            let log = self.shared.log();
            let segment = match oldest(&log) {
                None => log.end.segment,
                Some((_, first)) if seq < first => return Err(dropped(seq, first)),
                Some((oldest, _)) => {
                    let begun =
                        |n: &u32| log.segments[n].first_seq.is_some_and(|first| first <= seq);
                    log.segments.range(oldest..).map(|(n, _)| *n).rfind(begun).unwrap_or(oldest)
                }
            };
            Position { segment, offset: SECTOR as u32 }
        };
        let (shared, reader) = (self.shared.clone(), FrameReader::new(segment::AHEAD));
        Ok(Frames { shared, reader, at, wanted: seq })
    }
}

/// Records in order; see [`History::records_from`].
#[derive(Debug)]
pub struct Records {
    frames: Frames,
    ready: VecDeque<(u64, Bytes)>,
    failed: bool,
}

impl Iterator for Records {
    type Item = io::Result<(u64, Bytes)>;

    fn next(&mut self) -> Option<Self::Item> {
        while !self.failed && self.ready.is_empty() {
            match self.frames.next() {
                Ok(Some(facts)) => {
                    let wanted = self.frames.wanted;
                    self.ready.extend(facts.records().filter(|(seq, _)| *seq >= wanted));
                }
                Ok(None) => return None,
                Err(error) => {
                    self.failed = true;
                    return Some(Err(error));
                }
            }
        }
        self.ready.pop_front().map(Ok)
    }
}

/// The durable frames from the segment on that holds a record.
#[derive(Debug)]
pub(crate) struct Frames {
    pub(crate) shared: Arc<Shared>,
    reader: FrameReader,
    at: Position,
    pub(crate) wanted: u64,
}

impl Frames {
    /// The next frame, or none at the durable end.
    pub(crate) fn next(&mut self) -> io::Result<Option<Facts>> {
        loop {
            let Some(end) = self.end()? else { return Ok(None) };
            if self.at.offset < end {
                return self.frame().map(Some);
            }
            self.at = Position { segment: self.at.segment + 1, offset: SECTOR as u32 };
            self.reader.reset();
        }
    }

    /// Where the frames of the segment end that is read now; `None` at the durable end of all.
    fn end(&self) -> io::Result<Option<u32>> {
        let log = self.shared.log();
        if self.at >= log.end {
            return Ok(None);
        }
        if self.at.segment == log.end.segment {
            return Ok(Some(log.end.offset));
        }
        match log.segments.get(&self.at.segment) {
            Some(sealed) => Ok(Some(sealed.end)),
            None => {
                let first = oldest(&log).map_or(1, |(_, seq)| seq);
                Err(dropped(self.wanted, first))
            }
        }
    }

    fn frame(&mut self) -> io::Result<Facts> {
        let file = self.shared.file(self.at.segment)?;
        let mut facts = self.reader.frame(&*file, self.at)?;
        if facts.is_none() {
            // Read ahead of what was durable then; it is by now.
            self.reader.reset();
            facts = self.reader.frame(&*file, self.at)?;
        }
        let facts = facts.ok_or_else(|| broken(self.at))?;
        self.at = facts.header.end();
        Ok(facts)
    }
}

/// A batch that had been durable does not add up.
pub(crate) fn broken(at: Position) -> io::Error {
    damaged(&segment::name(at.segment), u64::from(at.offset), "a batch does not add up")
}

/// The first segment, and its first record, from which on nothing is missing.
pub(crate) fn oldest(log: &Log) -> Option<(u32, u64)> {
    let mut found = None;
    let mut expected = log.end.segment;
    for (&number, segment) in log.segments.iter().rev() {
        let Some(first) = segment.first_seq.filter(|_| number == expected || found.is_none())
        else {
            break;
        };
        found = Some((number, first));
        expected = number.saturating_sub(1);
    }
    found
}

fn dropped(seq: u64, oldest: u64) -> io::Error {
    let what = format!("record {seq} is no longer kept; history begins at {oldest}");
    io::Error::new(io::ErrorKind::NotFound, what)
}
