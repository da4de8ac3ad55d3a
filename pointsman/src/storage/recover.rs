//! Opening a store: the last good snapshot, the records behind it, and the judgement of what does not add up.
//!
//! Whether a bad frame is the torn end of a crash or damage is decided by the good frames behind it. Each repeats how
//! far the log was durable when it was written. A bad frame below the highest such mark had been durable: damage, and
//! the store does not open. Above it, it may never have been finished: a torn end, cut off and counted. Damage in the
//! very last batch looks like a torn end, for nothing is behind it.

use super::bodies::{Bodies, Index, Places};
use super::compact::{self, Compactor};
use super::disk::{Disk, DiskFile, LockError};
use super::error::OpenError;
use super::frame::{Facts, Position, SECTOR, SegmentStart};
use super::history::{self, History};
use super::scan::{Opening, end_of, scan, survey};
use super::segment::{self, FrameReader, body_is_good};
use super::shared::{Log, Segment, Shared};
use super::snapshot::{self, Loaded, Snapshot};
use super::writer::{Resume, Writer};
use super::{Fold, Opened, Options, Store, Torn};
use std::io;
use std::sync::Arc;

const CHUNK: usize = 1 << 20;

/// Opens the folder's store and folds its records into `fold`, which is empty.
pub(crate) fn open<F: Fold>(
    disk: Arc<dyn Disk>,
    options: Options,
    fold: &mut F,
) -> Result<(Store, Opened), OpenError> {
    let lock = disk.lock().map_err(|error| match error {
        LockError::Held(holder) => OpenError::Locked { folder: disk.name(), holder },
        LockError::Io(error) => OpenError::Io(error),
    })?;
    // What is seen may not be durable yet: the last process may have ended between a rename and its sync.
    disk.sync_dir()?;
    let mut numbers = Vec::new();
    let mut snapshots = Vec::new();
    for name in disk.list()? {
        if snapshot::is_temporary(&name) {
            disk.remove(&name)?;
        }
        numbers.extend(segment::number(&name));
        snapshots.extend(snapshot::seq(&name));
    }
    numbers.sort_unstable();
    snapshots.sort_unstable();

    let mut recovery = Recovery { disk: &*disk, format: options.format, places: Places::default() };
    let chosen = recovery.choose_snapshot(&snapshots)?;
    let (start, snapshot_seq) = (chosen.last.next_segment.max(1), chosen.last.seq);
    if snapshot_seq > 0 || chosen.last.next_segment > 0 {
        fold.load(&chosen.last.state).map_err(OpenError::Fold)?;
    }
    let snapshot_bytes = chosen.last.size();
    recovery.places.extend(chosen.last.index);
    let (old, new) = numbers.split_at(numbers.partition_point(|n| *n < start));
    let segments = recovery.open_segments(start, new, &chosen.skipped)?;
    let replayed = recovery.replay(&segments, start, snapshot_seq + 1, fold)?;
    let dropped = recovery.settle(&segments, &replayed, options.segment_bytes)?;

    let index = compact::live(fold, &recovery.places).map_err(OpenError::Fold)?;
    let mut log = recovery.list_old(old, &segments)?;
    log.next_seq = replayed.next_seq;
    let resume = recovery.resume(&segments, &replayed, options)?;
    log.segments.extend(replayed.segments);
    log.end = resume.at;

    let shared = Arc::new(Shared::new(disk.clone(), options, Index::new(index), log, lock));
    let opened = Opened {
        last_seq: replayed.next_seq - 1,
        snapshot_seq,
        oldest_seq: history::oldest(&shared.log()).map_or(1, |(_, seq)| seq),
        dropped,
        skipped_snapshots: chosen.skipped,
    };
    let store = Store {
        writer: Writer::new(shared.clone(), resume)?,
        bodies: Bodies { shared: shared.clone() },
        history: History { shared: shared.clone() },
        compactor: Compactor::new(shared, chosen.good, snapshot_bytes),
    };
    Ok((store, opened))
}

struct Recovery<'a> {
    disk: &'a dyn Disk,
    format: u32,
    places: Places,
}

struct Chosen {
    last: Snapshot,
    good: Vec<(u64, u32)>,
    skipped: Vec<String>,
}

struct Replayed {
    /// Where the good frames end; offset 0 if the header of that segment is not good.
    end: Position,
    next_seq: u64,
    /// Everything below was durable before the last crash; what is above may be in the page cache alone.
    synced_to: Position,
    /// The first byte behind the last one that is not zero in the segment of `end`.
    written_to: u64,
    segments: Vec<(u32, Segment)>,
}

impl Recovery<'_> {
    /// The newest good snapshot and the one before it. A bad one is skipped, for the one before will do.
    fn choose_snapshot(&self, seqs: &[u64]) -> Result<Chosen, OpenError> {
        let mut chosen =
            Chosen { last: Snapshot::default(), good: Vec::new(), skipped: Vec::new() };
        for &seq in seqs.iter().rev() {
            match snapshot::load(self.disk, seq, self.format)? {
                Loaded::Newer(format) => return Err(self.newer(snapshot::name(seq), format)),
                Loaded::Damaged => chosen.skipped.push(snapshot::name(seq)),
                Loaded::Good(snapshot) => {
                    chosen.good.insert(0, (seq, snapshot.next_segment));
                    if chosen.good.len() == 2 {
                        break;
                    }
                    chosen.last = snapshot;
                }
            }
        }
        Ok(chosen)
    }

    /// The segments from `start` on, without a gap.
    fn open_segments(
        &self,
        start: u32,
        numbers: &[u32],
        skipped: &[String],
    ) -> Result<Vec<Opening>, OpenError> {
        let mut segments = Vec::new();
        for (expected, &number) in (start..).zip(numbers) {
            if number != expected {
                return Err(match skipped.first() {
                    Some(name) => self.damaged(
                        name.clone(),
                        0,
                        "the snapshot does not add up, and the log before it is gone",
                    ),
                    None => self.damaged(segment::name(expected), 0, "the segment is missing"),
                });
            }
            let file = self.disk.open(&segment::name(number))?;
            let header = match segment::read_start(&*file, number, self.format)? {
                SegmentStart::Good(header) => Some(header),
                SegmentStart::Newer(format) => {
                    return Err(self.newer(segment::name(number), format));
                }
                SegmentStart::Bad => None,
            };
            segments.push(Opening { number, file, header });
        }
        Ok(segments)
    }

    /// Applies every good frame in order.
    fn replay<F: Fold>(
        &mut self,
        segments: &[Opening],
        start: u32,
        first_seq: u64,
        fold: &mut F,
    ) -> Result<Replayed, OpenError> {
        let (synced_to, written_to) = survey(segments)?;
        let end = Position { segment: start, offset: 0 };
        let mut done =
            Replayed { end, next_seq: first_seq, synced_to, written_to: 0, segments: Vec::new() };
        let mut buffer = Vec::new();
        for (i, opening) in segments.iter().enumerate() {
            let next = segments.get(i + 1).and_then(|s| s.header);
            done.end = Position { segment: opening.number, offset: 0 };
            done.written_to = written_to[i];
            let Some(header) = opening.header else { break };
            if header.first_seq != done.next_seq {
                let what = format!(
                    "record {} should follow, but it begins with {}",
                    done.next_seq, header.first_seq
                );
                return Err(self.damaged(segment::name(opening.number), 0, &what));
            }
            done.end.offset = SECTOR as u32;
            let sealed = next.map(|next| next.synced_to);
            let mut reader = FrameReader::new(segment::AHEAD);
            while Some(done.end) != sealed {
                let facts = reader.frame(&*opening.file, done.end)?;
                let Some(facts) = facts.filter(|f| f.header.first_seq == done.next_seq) else {
                    break;
                };
                if done.end >= synced_to && !bodies_are_good(&*opening.file, &facts, &mut buffer)? {
                    break;
                }
                for (_, record) in facts.records() {
                    fold.apply(&record).map_err(OpenError::Fold)?;
                }
                self.places.extend(facts.bodies());
                done.next_seq = facts.header.next_seq();
                done.end = facts.header.end();
            }
            let segment = Segment { first_seq: Some(header.first_seq), end: done.end.offset };
            done.segments.push((opening.number, segment));
            if Some(done.end) != sealed {
                break;
            }
        }
        if done.end < synced_to {
            return Err(self.damage_at(segments, &done));
        }
        Ok(done)
    }

    /// Names the damage: a header whose first frame follows on is bad itself.
    fn damage_at(&self, segments: &[Opening], done: &Replayed) -> OpenError {
        let after =
            segments.iter().find(|s| s.number == done.end.segment + 1 && s.header.is_none());
        if let Some(after) = after {
            let at = Position { segment: after.number, offset: SECTOR as u32 };
            let first = FrameReader::new(SECTOR).header(&*after.file, at);
            if first.is_ok_and(|f| f.is_some_and(|f| f.first_seq == done.next_seq)) {
                return self.damaged(
                    segment::name(after.number),
                    0,
                    "the segment's header does not add up",
                );
            }
        }
        let what =
            format!("batches behind it were durable, but record {} is not there", done.next_seq);
        self.damaged(segment::name(done.end.segment), u64::from(done.end.offset), &what)
    }

    /// Cuts off the torn end and makes durable what was read, before anything is built on it.
    fn settle(
        &self,
        segments: &[Opening],
        done: &Replayed,
        len: u64,
    ) -> Result<Option<Torn>, OpenError> {
        let mut torn = Torn {
            file: segment::name(done.end.segment),
            offset: u64::from(done.end.offset),
            bytes: done.written_to.saturating_sub(u64::from(done.end.offset)),
        };
        for later in segments.iter().filter(|s| s.number > done.end.segment) {
            torn.bytes += scan(later, 0)?.written_to;
        }
        for opening in segments.iter().filter(|s| s.number == done.end.segment) {
            let file = &*opening.file;
            if done.end.offset > 0 {
                let durable = done.synced_to.segment == done.end.segment;
                rewrite(file, if durable { done.synced_to.offset } else { 0 }, done.end.offset)?;
            }
            match file.clear_from(torn.offset, file.size()?.max(len)) {
                // The segment is then full, and the next append will say so.
                Err(error)
                    if error.kind() == io::ErrorKind::StorageFull
                        && file.size()? == torn.offset => {}
                other => other?,
            }
            file.sync_data()?;
        }
        for later in segments.iter().filter(|s| s.number > done.end.segment) {
            self.disk.remove(&segment::name(later.number))?;
        }
        self.disk.sync_dir()?;
        Ok((torn.bytes > 0).then_some(torn))
    }

    /// Segments behind the snapshot, kept for history and bodies.
    fn list_old(&self, numbers: &[u32], new: &[Opening]) -> Result<Log, OpenError> {
        let mut log = Log::default();
        let mut next = new.first().and_then(|s| s.header);
        for &number in numbers.iter().rev() {
            let file = self.disk.open(&segment::name(number))?;
            let header = match segment::read_start(&*file, number, self.format)? {
                SegmentStart::Good(header) => Some(header),
                SegmentStart::Newer(format) => {
                    return Err(self.newer(segment::name(number), format));
                }
                SegmentStart::Bad => None,
            };
            let sealed = next.map(|n| n.synced_to).filter(|p| p.segment == number);
            let end = match sealed {
                Some(sealed) => sealed.offset,
                None => end_of(&*file, number)?,
            };
            log.segments.insert(number, Segment { first_seq: header.map(|h| h.first_seq), end });
            next = header;
        }
        Ok(log)
    }

    /// Where the writer goes on: the last segment, or a new one if there is none.
    fn resume(
        &self,
        segments: &[Opening],
        done: &Replayed,
        options: Options,
    ) -> Result<Resume, OpenError> {
        let last = segments.iter().find(|s| s.number == done.end.segment);
        let file = match last {
            Some(opening) => opening.file.clone(),
            None => {
                let file =
                    self.disk.create(&segment::name(done.end.segment), options.segment_bytes)?;
                file.sync_data()?;
                self.disk.sync_dir()?;
                file
            }
        };
        // A first segment has none before it whose end its header could repeat.
        let synced = if done.end.offset == 0 { Position::default() } else { done.end };
        let format = last.and_then(|s| s.header).map_or(options.format, |h| h.format);
        Ok(Resume { file, at: done.end, format, next_seq: done.next_seq, synced })
    }

    fn damaged(&self, file: String, offset: u64, what: &str) -> OpenError {
        OpenError::Damaged { folder: self.disk.name(), file, offset, what: what.to_owned() }
    }

    fn newer(&self, file: String, format: u32) -> OpenError {
        OpenError::Newer { file, format, newest: self.format }
    }
}

fn bodies_are_good(file: &dyn DiskFile, facts: &Facts, buffer: &mut Vec<u8>) -> io::Result<bool> {
    for (_, place) in facts.bodies() {
        if !body_is_good(file, &place, buffer)? {
            return Ok(false);
        }
    }
    Ok(true)
}

/// Writes bytes back as they are. After a failed sync the system may take pages for written that are not; a page
/// written again is sure to be synced again.
fn rewrite(file: &dyn DiskFile, from: u32, to: u32) -> io::Result<()> {
    let (mut at, to) = (u64::from(from), u64::from(to));
    let mut buffer = vec![0; CHUNK];
    while at < to {
        let n = file.read_at(&mut buffer[..CHUNK.min((to - at) as usize)], at)?;
        if n == 0 {
            break;
        }
        file.write_at(&buffer[..n], at)?;
        at += n as u64;
    }
    Ok(())
}
