//! A small state to fold, and a ledger of what was done, to judge what is found.

use crate::storage::sim::random::Random;
use crate::storage::{Batch, Bodies, BodyId, Fold, Options, Store, frame};
use bytes::Bytes;
use std::collections::BTreeSet;
use std::sync::LazyLock;

/// What all bodies are cut from.
static POOL: LazyLock<Bytes> = LazyLock::new(|| {
    let mut random = Random::new(7);
    (0..(1 << 18)).flat_map(|_| random.next().to_le_bytes()).collect::<Vec<_>>().into()
});

/// The body that belongs to an id: its length and its bytes follow from the id.
pub(super) fn body(id: u64) -> Bytes {
    let mut random = Random::new(id);
    // From 1 byte to 1 MB, the larger the rarer.
    let scale = 1 << random.below(21).min(random.below(21));
    let len = ((scale + random.below(scale)) as usize).min(1_000_000);
    let start = random.below((POOL.len() - len) as u64) as usize;
    POOL.slice(start..start + len)
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Record {
    Note(Vec<u8>),
    Add(u64),
    Remove(u64),
}

impl Record {
    pub(super) fn bytes(&self) -> Vec<u8> {
        match self {
            Record::Note(text) => [&[0][..], text].concat(),
            Record::Add(id) => [&[1][..], &id.to_le_bytes()].concat(),
            Record::Remove(id) => [&[2][..], &id.to_le_bytes()].concat(),
        }
    }
}

/// Folds to the bodies alive and a hash over all records in their order.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct State {
    pub(super) count: u64,
    pub(super) chain: u64,
    pub(super) live: BTreeSet<u64>,
}

impl Fold for State {
    fn load(&mut self, snapshot: &[u8]) -> Result<(), String> {
        let mut words = snapshot.chunks_exact(8).map(|w| frame::u64_at(w, 0));
        let mut word = || words.next().ok_or_else(|| "a short snapshot".to_owned());
        (self.count, self.chain) = (word()?, word()?);
        self.live = words.collect();
        Ok(())
    }

    fn apply(&mut self, record: &[u8]) -> Result<(), String> {
        self.count += 1;
        for byte in record.iter().chain([&0xff]) {
            self.chain = (self.chain ^ u64::from(*byte)).wrapping_mul(0x100_0000_01b3);
        }
        match record.first() {
            Some(0) => Ok(()),
            Some(1) if self.live.insert(frame::u64_at(record, 1)) => Ok(()),
            Some(2) if self.live.remove(&frame::u64_at(record, 1)) => Ok(()),
            _ => Err(format!("no such record: {record:?}")),
        }
    }

    fn save(&self) -> Vec<u8> {
        [self.count, self.chain].iter().chain(&self.live).flat_map(|w| w.to_le_bytes()).collect()
    }

    fn live(&self) -> Box<dyn Iterator<Item = BodyId> + '_> {
        Box::new(self.live.iter().map(|id| BodyId(*id)))
    }
}

/// A batch of these records, with the bodies they add.
pub(super) fn batch(records: &[Record]) -> Batch {
    let mut batch = Batch::new();
    for record in records {
        batch.record(&record.bytes());
        if let Record::Add(id) = record {
            batch.body(BodyId(*id), body(*id));
        }
    }
    batch
}

/// The state after these records.
pub(super) fn folded(records: &[Record]) -> State {
    let mut state = State::default();
    for record in records {
        state.apply(&record.bytes()).expect("the model's own records apply");
    }
    state
}

/// Small segments, so that much happens in a short life.
pub(super) fn small(segment_bytes: u64, history_bytes: u64) -> Options {
    Options { segment_bytes, history_bytes, ..Options::default() }
}

/// Says what differs between what `records` fold to and what the store has.
pub(super) fn compare(records: &[Record], state: &State, bodies: &Bodies) -> Result<(), String> {
    let expected = folded(records);
    if *state != expected {
        return Err(format!("the state is {state:?}, and should be {expected:?}"));
    }
    if bodies.len() != expected.live.len() {
        return Err(format!("{} bodies instead of {}", bodies.len(), expected.live.len()));
    }
    for &id in &expected.live {
        match bodies.read(BodyId(id)) {
            Err(error) => return Err(format!("body {id}: {error}")),
            Ok(bytes) if bytes != body(id) => return Err(format!("body {id} has other bytes")),
            Ok(_) => {}
        }
    }
    Ok(())
}

/// Says whether history reads back as these records, from the oldest one kept.
pub(super) fn compare_history(records: &[Record], store: &Store) -> Result<(), String> {
    let oldest = store.history.oldest_seq();
    let mut expected = oldest;
    for found in store.history.records_from(oldest).map_err(|e| e.to_string())? {
        let (seq, bytes) = found.map_err(|e| e.to_string())?;
        if seq != expected || records.get(seq as usize - 1).is_none_or(|r| r.bytes() != bytes) {
            return Err(format!("history has {bytes:?} at {seq}, where {expected} was expected"));
        }
        expected += 1;
    }
    let last = records.len() as u64;
    if expected == last + 1 {
        Ok(())
    } else {
        Err(format!("history ends before {expected} of {last}"))
    }
}
