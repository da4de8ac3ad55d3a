//! Power cuts, kills and disk faults at any call, under a mixed load, judged by a ledger.

use super::model::{self, Record, State, batch, compare, compare_history, folded};
use crate::storage::sim::random::Random;
use crate::storage::{AppendError, BodyId, Disk, Fault, Fold, OpenError, Options, SimDisk, Store};
use std::io;
use std::sync::Arc;

/// Cuts in every run.
const CUTS: usize = 1_000;

/// What happened in a life, so that the test can show that it all did.
#[derive(Debug, Default)]
struct Seen {
    cuts: usize,
    cuts_at_open: usize,
    cuts_in_compaction: usize,
    kills: usize,
    torn: usize,
    lost_records: usize,
    kept_unacknowledged: usize,
    broken: usize,
    full: usize,
    snapshots: usize,
    removed: usize,
    moved: usize,
    from_snapshot: usize,
    records: usize,
}

/// One simulated disk over many processes.
struct Life {
    random: Random,
    disk: SimDisk,
    options: Options,
    /// Everything that may be in the log: acknowledged up to `acknowledged`, the rest unknown until the next start.
    records: Vec<Record>,
    acknowledged: usize,
    next_id: u64,
    seen: Seen,
}

#[test]
fn what_was_acknowledged_survives_a_thousand_power_cuts_and_nothing_is_invented() {
    let base = std::env::var("POINTSMAN_SEED").ok().and_then(|s| s.parse().ok()).unwrap_or(1);
    let mut total = Seen::default();
    for seed in base.. {
        let mut life = Life::new(seed);
        if let Err(fault) = life.run(12) {
            panic!("POINTSMAN_SEED={seed}: {fault} (after {:?})", life.seen);
        }
        total.add(&life.seen);
        if total.cuts >= CUTS {
            break;
        }
    }
    println!("{total:?}");
    // The load was mixed: nothing of what is claimed to be covered stayed out.
    let Seen {
        cuts_at_open,
        cuts_in_compaction,
        kills,
        torn,
        lost_records,
        kept_unacknowledged,
        ..
    } = total;
    let Seen { broken, full, snapshots, removed, moved, from_snapshot, .. } = total;
    for (n, what) in [
        (cuts_at_open, "a cut while opening"),
        (cuts_in_compaction, "a cut while compacting"),
        (kills, "a kill"),
        (torn, "a torn end"),
        (lost_records, "an unacknowledged record lost"),
        (kept_unacknowledged, "an unacknowledged record kept"),
        (broken, "a failed write or sync"),
        (full, "a full disk"),
        (snapshots, "a snapshot"),
        (removed, "a segment removed"),
        (moved, "a body moved"),
        (from_snapshot, "a start from a snapshot"),
    ] {
        assert!(n >= 3, "{what} happened only {n} times: {total:?}");
    }
}

#[test]
fn a_disk_that_lies_about_syncs_is_noticed() {
    let noticed = (1..=20).filter(|seed| {
        let mut life = Life::new(*seed);
        life.disk.lie_about_syncs();
        life.run(12).is_err()
    });
    assert!(noticed.count() >= 18, "the test above would pass without syncs");
}

impl Life {
    fn new(seed: u64) -> Life {
        let mut random = Random::new(seed);
        let options = model::small(
            [16 << 10, 64 << 10, 256 << 10][random.below(3) as usize],
            [0, 128 << 10, 2 << 20][random.below(3) as usize],
        );
        Life {
            disk: SimDisk::new(random.next()),
            random,
            options,
            records: Vec::new(),
            acknowledged: 0,
            next_id: 1,
            seen: Seen::default(),
        }
    }

    fn run(&mut self, cuts: usize) -> Result<(), String> {
        while self.seen.cuts < cuts {
            if self.random.chance(0.3) {
                self.arm(40);
            }
            if let Some((store, state)) = self.open()? {
                self.work(store, state)?;
            } else if self.disk.is_off() {
                self.seen.cuts_at_open += 1;
            }
            if self.disk.is_off() || self.random.chance(0.8) {
                self.disk.power_cut();
                self.seen.cuts += 1;
            } else {
                self.seen.kills += 1;
            }
            self.disk.calm();
        }
        Ok(())
    }

    /// A fault at one of the next calls, or faults now and then.
    fn arm(&mut self, calls: u64) {
        if self.random.chance(0.2) {
            self.disk.fail_randomly(0.02);
            return;
        }
        let fault = [Fault::Power, Fault::Power, Fault::Io, Fault::Full, Fault::Full]
            [self.random.below(5) as usize];
        self.disk.fail_at(self.random.below(calls), fault);
    }

    /// Opens the store and compares it with the ledger; `None` if a fault kept it shut.
    fn open(&mut self) -> Result<Option<(Store, State)>, String> {
        let mut state = State::default();
        let disk: Arc<dyn Disk> = Arc::new(self.disk.clone());
        let (store, opened) = match Store::open(disk, self.options, &mut state) {
            Ok(opened) => opened,
            Err(OpenError::Io(_)) => return Ok(None),
            Err(error) => return Err(format!("does not open: {error}")),
        };
        self.disk.calm();
        let last = opened.last_seq as usize;
        if last < self.acknowledged || last > self.records.len() {
            let (acknowledged, written) = (self.acknowledged, self.records.len());
            return Err(format!(
                "{last} records found, {acknowledged} acknowledged, {written} written"
            ));
        }
        self.seen.torn += usize::from(opened.dropped.is_some());
        self.seen.from_snapshot += usize::from(opened.snapshot_seq > 0);
        self.seen.lost_records += self.records.len() - last;
        self.seen.kept_unacknowledged += last - self.acknowledged;
        self.records.truncate(last);
        // What a store has read when it opens is durable.
        self.acknowledged = last;
        compare(&self.records, &state, &store.bodies)?;
        compare_history(&self.records, &store)?;
        Ok(Some((store, state)))
    }

    fn work(&mut self, mut store: Store, mut state: State) -> Result<(), String> {
        if self.random.chance(0.8) {
            self.arm(150);
        }
        for _ in 0..10 + self.random.below(40) {
            let going = match self.random.below(20) {
                0..=11 => self.append(&mut store, &mut state)?,
                12..=16 => self.sync(&mut store)?,
                17 => store.compactor.prepare().is_ok() || !self.disk.is_off(),
                _ => self.compact(&mut store)?,
            };
            if !going {
                break;
            }
        }
        Ok(())
    }

    fn append(&mut self, store: &mut Store, state: &mut State) -> Result<bool, String> {
        let before = self.records.len();
        let mut after = state.clone();
        for _ in 0..self.random.below(6) {
            let record = self.record(&after);
            after.apply(&record.bytes())?;
            self.records.push(record);
        }
        let outcome = store.writer.append(&batch(&self.records[before..]));
        match outcome {
            Ok(last) if last as usize == self.records.len() => {}
            Ok(last) => return Err(format!("append said {last} for {}", self.records.len())),
            Err(AppendError::Full(_)) => {
                self.seen.full += 1;
                self.records.truncate(before);
                return Ok(true);
            }
            Err(_) => return self.expect_broken(store),
        }
        let gone = state.live.difference(&after.live);
        store.bodies.release(gone.map(|id| BodyId(*id)).collect::<Vec<_>>());
        // Added and removed in one batch.
        let fresh = &self.records[before..];
        let short = fresh.iter().filter_map(|r| match r {
            Record::Add(id) if !after.live.contains(id) => Some(BodyId(*id)),
            _ => None,
        });
        store.bodies.release(short);
        *state = after;
        Ok(true)
    }

    fn record(&mut self, state: &State) -> Record {
        let crowded = state.live.len() > 12;
        match self.random.below(10) {
            0..=3 if !crowded => {
                self.next_id += 1;
                Record::Add(self.next_id)
            }
            0..=6 if !state.live.is_empty() => {
                let nth = self.random.below(state.live.len() as u64) as usize;
                Record::Remove(state.live.iter().nth(nth).copied().unwrap_or_default())
            }
            _ => {
                let scale = 1 << self.random.below(14);
                Record::Note(vec![self.random.next() as u8; self.random.below(scale) as usize])
            }
        }
    }

    fn sync(&mut self, store: &mut Store) -> Result<bool, String> {
        match store.writer.sync() {
            Ok(last) if last as usize == self.records.len() => {
                self.seen.records += self.records.len() - self.acknowledged;
                self.acknowledged = self.records.len();
                Ok(true)
            }
            Ok(last) => Err(format!("sync said {last} for {}", self.records.len())),
            Err(_) => self.expect_broken(store),
        }
    }

    /// A store that failed once never says `Ok` again.
    fn expect_broken(&mut self, store: &mut Store) -> Result<bool, String> {
        self.disk.calm();
        self.seen.broken += 1;
        let appended = store.writer.append(&batch(&[Record::Note(vec![])])).is_ok();
        if appended || store.writer.sync().is_ok() {
            return Err("a store went on after a failed write or sync".to_owned());
        }
        Ok(false)
    }

    fn compact(&mut self, store: &mut Store) -> Result<bool, String> {
        match store.compactor.compact_once(State::default()) {
            Ok(None) => {}
            Ok(Some(done)) => {
                self.seen.snapshots += 1;
                self.seen.removed += done.removed;
            }
            Err(error) => return self.compaction_failed(&error),
        }
        for _ in 0..self.random.below(4) {
            let moves = match store.compactor.next_moves(100_000) {
                Ok(moves) => moves,
                Err(error) => return self.compaction_failed(&error),
            };
            self.seen.moved += moves.len();
            let mut moving = batch(&[]);
            for (id, bytes) in moves {
                moving.moved_body(id, bytes);
            }
            match store.writer.append(&moving) {
                Ok(_) | Err(AppendError::Full(_)) => {}
                Err(_) => return self.expect_broken(store),
            }
        }
        Ok(true)
    }

    fn compaction_failed(&mut self, error: &io::Error) -> Result<bool, String> {
        self.seen.cuts_in_compaction += usize::from(self.disk.is_off());
        match error.kind() {
            io::ErrorKind::InvalidData => Err(format!("compaction: {error}")),
            _ => Ok(!self.disk.is_off()),
        }
    }
}

impl Seen {
    fn add(&mut self, other: &Seen) {
        let Seen {
            cuts,
            cuts_at_open,
            cuts_in_compaction,
            kills,
            torn,
            lost_records,
            kept_unacknowledged,
            broken,
            full,
            snapshots,
            removed,
            moved,
            from_snapshot,
            records,
        } = other;
        self.cuts += cuts;
        self.cuts_at_open += cuts_at_open;
        self.cuts_in_compaction += cuts_in_compaction;
        self.kills += kills;
        self.torn += torn;
        self.lost_records += lost_records;
        self.kept_unacknowledged += kept_unacknowledged;
        self.broken += broken;
        self.full += full;
        self.snapshots += snapshots;
        self.removed += removed;
        self.moved += moved;
        self.from_snapshot += from_snapshot;
        self.records += records;
    }
}

/// The model folds as it should, or every judgement above is worth nothing.
#[test]
fn the_model_tells_records_and_their_order_apart() {
    let (a, b) = (Record::Note(vec![1]), Record::Note(vec![2]));
    assert_ne!(folded(&[a.clone(), b.clone()]), folded(&[b, a]));
    assert_ne!(folded(&[Record::Add(1)]), folded(&[Record::Add(2)]));
}
