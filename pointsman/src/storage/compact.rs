//! Snapshots and giving space back, in the background.
//!
//! A snapshot is made by folding the sealed segments behind the last one onto it, in a state of its own: the live
//! state is neither copied nor stopped. What may be removed is decided by durable snapshots alone, never by what the
//! running process has released, for a power cut may take that back:
//!
//! - The two newest snapshots stay, so that one may rot. Segments behind the older one are needed to start from it.
//! - Of the others, the newest `history_bytes` stay as history.
//! - Of the rest, one without a live body is removed, and one with less than a quarter of live bytes has its bodies
//!   moved: handed out in chunks, to be appended as any batch is. It goes with a snapshot that knows the new places.

use super::batch::BodyId;
use super::bodies::{self, Places};
use super::error::damaged;
use super::frame::{Place, Position, SECTOR};
use super::segment::{self, FrameReader};
use super::shared::Shared;
use super::snapshot::{self, Loaded, Snapshot};
use super::{Fold, history};
use bytes::Bytes;
use std::collections::{BTreeMap, VecDeque};
use std::io;
use std::sync::Arc;

/// Makes snapshots and frees space; there is one, on a thread of the caller's.
#[derive(Debug)]
pub struct Compactor {
    shared: Arc<Shared>,
    /// The newest snapshots that are good, oldest first: sequence number and the segment behind.
    snapshots: Vec<(u64, u32)>,
    /// The size of the last one.
    snapshot_bytes: u64,
    to_move: VecDeque<(BodyId, Place)>,
}

/// What one round did.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Compacted {
    /// The last record in the new snapshot.
    pub snapshot_seq: u64,
    /// Segments removed.
    pub removed: usize,
    /// Bodies that wait to be moved; see [`Compactor::next_moves`].
    pub to_move: usize,
    /// The first record of history still there.
    pub oldest_seq: u64,
}

impl Compactor {
    pub(crate) fn new(
        shared: Arc<Shared>,
        snapshots: Vec<(u64, u32)>,
        snapshot_bytes: u64,
    ) -> Compactor {
        Compactor { shared, snapshots, snapshot_bytes, to_move: VecDeque::new() }
    }

    /// Whether there is something to do: a segment has been sealed since the last snapshot, and as many bytes as that
    /// has, so that writing snapshots never costs more than writing the log. Cheap.
    pub fn is_due(&self) -> bool {
        let log = self.shared.log();
        let sealed =
            log.segments.range(self.next_segment()..).filter(|(n, _)| **n < log.end.segment);
        let (segments, bytes) =
            sealed.fold((0, 0), |(n, sum), (_, s)| (n + 1, sum + u64::from(s.end)));
        segments > 0 && bytes >= self.snapshot_bytes
    }

    /// Allocates the next segment ahead of need, so that going over to it costs the writer nothing. A full disk shows
    /// here while there is still the rest of the current segment to write.
    ///
    /// # Errors
    /// `StorageFull`, which breaks nothing; anything else as for [`Compactor::compact_once`].
    pub fn prepare(&self) -> io::Result<()> {
        self.shared.check()?;
        self.shared.prepare_spare()
    }

    /// One round: folds into `fresh`, an empty fold, what was sealed since the last snapshot, stores the result, and
    /// removes what nobody needs. `None` if it is not due.
    ///
    /// # Errors
    /// Want of space or a failed write leave everything as it was, and a later round may succeed. After a failed sync
    /// the whole store is broken.
    pub fn compact_once<F: Fold>(&mut self, mut fresh: F) -> io::Result<Option<Compacted>> {
        self.shared.check()?;
        if !self.is_due() {
            return Ok(None);
        }
        let snapshot = self.fold(&mut fresh)?;
        drop(fresh);
        self.snapshot_bytes = snapshot::store(&self.shared, &snapshot)?;
        if self.snapshots.last().is_none_or(|(seq, _)| *seq < snapshot.seq) {
            self.snapshots.push((snapshot.seq, snapshot.next_segment));
        } else {
            // Segments of moved bodies alone: no record is new, and the file has been replaced.
            self.snapshots.pop();
            self.snapshots.push((snapshot.seq, snapshot.next_segment));
        }
        self.remove_old_snapshots()?;
        let removed = self.free(&snapshot)?;
        let oldest_seq = history::oldest(&self.shared.log()).map_or(1, |(_, seq)| seq);
        let to_move = self.to_move.len();
        Ok(Some(Compacted { snapshot_seq: snapshot.seq, removed, to_move, oldest_seq }))
    }

    /// The next bodies to move, about `max_bytes` of them; put them into a batch by
    /// [`Batch::moved_body`](super::Batch::moved_body). Empty when there are none left. What is not appended is handed
    /// out again after the next round.
    ///
    /// # Errors
    /// A body that has rotted, by name; the next call goes on behind it.
    pub fn next_moves(&mut self, max_bytes: usize) -> io::Result<Vec<(BodyId, Bytes)>> {
        let mut moves = Vec::new();
        let mut bytes = 0;
        while let Some((id, place)) = self.to_move.front().copied() {
            if bytes > 0 && bytes + place.len as usize > max_bytes {
                break;
            }
            self.to_move.pop_front();
            if self.shared.index.get(id) == Some(place) {
                bytes += place.len as usize;
                moves.push((id, bodies::read_at(&self.shared, id, &place)?));
            }
        }
        Ok(moves)
    }

    fn next_segment(&self) -> u32 {
        self.snapshots.last().map_or(1, |(_, segment)| *segment)
    }

    /// The last snapshot and all sealed segments behind it.
    fn fold<F: Fold>(&self, fold: &mut F) -> io::Result<Snapshot> {
        let mut places = Places::default();
        let mut seq = 0;
        if let Some(&(last, _)) = self.snapshots.last() {
            let Loaded::Good(snapshot) =
                snapshot::load(&*self.shared.disk, last, self.shared.options.format)?
            else {
                return Err(damaged(&snapshot::name(last), 0, "the snapshot does not add up"));
            };
            fold.load(&snapshot.state).map_err(io::Error::other)?;
            places.extend(snapshot.index);
            seq = snapshot.seq;
        }
        let next_segment = self.shared.log().end.segment;
        for number in self.next_segment()..next_segment {
            self.fold_segment(number, fold, &mut places, &mut seq)?;
        }
        let index = live(fold, &places).map_err(io::Error::other)?;
        Ok(Snapshot { seq, next_segment, state: fold.save(), index })
    }

    fn fold_segment<F: Fold>(
        &self,
        number: u32,
        fold: &mut F,
        places: &mut Places,
        seq: &mut u64,
    ) -> io::Result<()> {
        let sealed = self.shared.log().segments.get(&number).copied();
        let sealed =
            sealed.ok_or_else(|| damaged(&segment::name(number), 0, "the segment is missing"))?;
        let file = self.shared.file(number)?;
        let mut reader = FrameReader::new(segment::AHEAD);
        let mut at = Position { segment: number, offset: SECTOR as u32 };
        while at.offset < sealed.end {
            let facts = reader.frame(&*file, at)?.filter(|f| f.header.first_seq == *seq + 1);
            let Some(facts) = facts else {
                return Err(damaged(
                    &segment::name(number),
                    u64::from(at.offset),
                    "a batch does not add up",
                ));
            };
            for (_, record) in facts.records() {
                fold.apply(&record).map_err(io::Error::other)?;
            }
            places.extend(facts.bodies());
            *seq = facts.header.next_seq() - 1;
            at = facts.header.end();
        }
        Ok(())
    }

    fn remove_old_snapshots(&mut self) -> io::Result<()> {
        let surplus = self.snapshots.len().saturating_sub(2);
        self.snapshots.drain(..surplus);
        for name in self.shared.disk.list()? {
            if snapshot::seq(&name)
                .is_some_and(|seq| self.snapshots.iter().all(|(kept, _)| *kept != seq))
            {
                self.shared.disk.remove(&name)?;
            }
        }
        Ok(())
    }

    /// Removes the segments that nobody needs, and lists the bodies that should move.
    fn free(&mut self, snapshot: &Snapshot) -> io::Result<usize> {
        let needed_from = match self.snapshots[..] {
            [(_, older), _] => older,
            _ => 0,
        };
        let mut live = BTreeMap::<u32, u64>::new();
        for (_, place) in &snapshot.index {
            *live.entry(place.at.segment).or_default() += u64::from(place.len);
        }
        let mut sparse = Vec::new();
        let mut removed = 0;
        for (number, used) in self.outside_history(needed_from) {
            match live.get(&number) {
                None => {
                    self.shared.remove_segment(number)?;
                    removed += 1;
                }
                Some(live) if live * 4 < used => sparse.push(number),
                Some(_) => {}
            }
        }
        sparse.sort_unstable();
        let moving = |place: &Place| sparse.binary_search(&place.at.segment).is_ok();
        self.to_move = snapshot.index.iter().copied().filter(|(_, place)| moving(place)).collect();
        Ok(removed)
    }

    /// Segments before `needed_from` that are too old for history, with the bytes used in each.
    fn outside_history(&self, needed_from: u32) -> Vec<(u32, u64)> {
        let log = self.shared.log();
        let mut history = 0;
        let used = log.segments.iter().rev().map(|(number, segment)| {
            let end = if *number == log.end.segment { log.end.offset } else { segment.end };
            history += u64::from(end);
            (*number, u64::from(end), history)
        });
        used.filter(|(number, _, so_far)| {
            *number < needed_from && *so_far > self.shared.options.history_bytes
        })
        .map(|(number, used, _)| (number, used))
        .collect()
    }
}

/// The places of the bodies that the state names; an error names one that was never written.
pub(crate) fn live<F: Fold>(fold: &F, places: &Places) -> Result<Vec<(BodyId, Place)>, String> {
    fold.live()
        .map(|id| match places.get(&id) {
            Some(place) => Ok((id, *place)),
            None => Err(format!("the state names body {}, which was never written", id.0)),
        })
        .collect()
}
