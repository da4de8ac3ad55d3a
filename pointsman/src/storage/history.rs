//! Reading durable records again, from any sequence number that is still there.

use super::error::damaged;
use super::frame::{Position, SECTOR};
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
        Ok(Records {
            shared: self.shared.clone(),
            reader: FrameReader::new(segment::AHEAD),
            at,
            wanted: seq,
            ready: VecDeque::new(),
            failed: false,
        })
    }
}

/// Records in order; see [`History::records_from`].
#[derive(Debug)]
pub struct Records {
    shared: Arc<Shared>,
    reader: FrameReader,
    at: Position,
    wanted: u64,
    ready: VecDeque<(u64, Bytes)>,
    failed: bool,
}

impl Iterator for Records {
    type Item = io::Result<(u64, Bytes)>;

    fn next(&mut self) -> Option<Self::Item> {
        while !self.failed && self.ready.is_empty() {
            match self.next_frame() {
                Ok(true) => {}
                Ok(false) => return None,
                Err(error) => {
                    self.failed = true;
                    return Some(Err(error));
                }
            }
        }
        self.ready.pop_front().map(Ok)
    }
}

impl Records {
    /// Reads one frame into `ready`, or says that the durable end is reached.
    fn next_frame(&mut self) -> io::Result<bool> {
        let end = {
            let log = self.shared.log();
            if self.at >= log.end {
                return Ok(false);
            }
            if self.at.segment == log.end.segment {
                log.end.offset
            } else {
                match log.segments.get(&self.at.segment) {
                    Some(sealed) => sealed.end,
                    None => {
                        let first = oldest(&log).map_or(1, |(_, seq)| seq);
                        return Err(dropped(self.wanted, first));
                    }
                }
            }
        };
        if self.at.offset >= end {
            self.at = Position { segment: self.at.segment + 1, offset: SECTOR as u32 };
            self.reader.reset();
            return Ok(true);
        }
        let file = self.shared.file(self.at.segment)?;
        let mut facts = self.reader.frame(&*file, self.at)?;
        if facts.is_none() {
            // Read ahead of what was durable then; it is by now.
            self.reader.reset();
            facts = self.reader.frame(&*file, self.at)?;
        }
        let Some(facts) = facts else {
            let name = segment::name(self.at.segment);
            return Err(damaged(&name, u64::from(self.at.offset), "a batch does not add up"));
        };
        let wanted = self.wanted;
        self.ready.extend(facts.records().filter(|(seq, _)| *seq >= wanted));
        self.at = facts.header.end();
        Ok(true)
    }
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
