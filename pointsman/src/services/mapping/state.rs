use crate::clock::Time;
use crate::engine::{InvocationId, Name, Owner};
use crate::topology::{MappingSource, MappingSpec};
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;

/// Batches of one queue mapping that run at once, where `MaximumConcurrency` does not say. AWS begins with five
/// and scales up; on one machine five it stays.
const BATCHES_AT_ONCE: usize = 5;

/// A mapping, and where it stands.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Mapping {
    /// Its settings.
    pub spec: MappingSpec,
    /// Who made it.
    pub owner: Owner,
    /// When it was made.
    pub created: Time,
    /// `LastModified`
    pub modified: Time,
    /// Sequence number of the last record of a stream that is settled.
    pub cursor: Option<String>,
    /// How often the records after the cursor have been tried.
    pub attempts: u32,
    /// At most so many records next time, while it bisects.
    pub limit: Option<u32>,
    /// Batches that run.
    pub(crate) running: BTreeSet<InvocationId>,
    /// Since when nothing before them keeps it from the records after the cursor; not saved, since a restart is no
    /// reason to call a record old.
    #[serde(skip)]
    free: Time,
    /// It waits until then: for a fuller batch, or for the next try.
    waits: Option<Time>,
    /// It has waited for a fuller batch long enough.
    pub(crate) ripe: bool,
}

impl Mapping {
    pub(crate) fn new(spec: MappingSpec, owner: Owner, now: Time) -> Self {
        Mapping {
            spec,
            owner,
            created: now,
            modified: now,
            cursor: None,
            attempts: 0,
            limit: None,
            running: BTreeSet::new(),
            free: now,
            waits: None,
            ripe: false,
        }
    }

    /// Another table's stream is another place to begin at; batches of the one before move nothing any more.
    pub(crate) fn set(&mut self, spec: MappingSpec, owner: Owner, now: Time) {
        let table = self.table().map(str::to_owned);
        self.spec = spec;
        if self.table() != table.as_deref() {
            self.cursor = None;
            self.attempts = 0;
            self.limit = None;
            self.waits = None;
            self.ripe = false;
            self.running.clear();
        }
        self.owner = owner;
        self.modified = now;
    }

    /// The queue it reads, if it reads one.
    pub fn queue(&self) -> Option<&str> {
        match &self.spec.source {
            MappingSource::Queue { queue, .. } => Some(queue),
            MappingSource::Stream { .. } => None,
        }
    }

    /// The table whose stream it reads, if it reads one.
    pub fn table(&self) -> Option<&str> {
        match &self.spec.source {
            MappingSource::Stream { table, .. } => Some(table),
            MappingSource::Queue { .. } => None,
        }
    }

    /// The function it invokes.
    pub fn function(&self) -> Name {
        self.spec.function.as_str().into()
    }

    /// Batches that are with the function.
    pub fn batches(&self) -> usize {
        self.running.len()
    }

    /// When it stops waiting.
    pub fn due(&self) -> Option<Time> {
        self.waits
    }

    /// A stream mapping that rests from nothing.
    pub fn wants_records(&self) -> bool {
        self.spec.enabled && self.running.is_empty() && self.waits.is_none()
    }

    /// A stream mapping that may take records now: a full batch ends the wait for a fuller one.
    pub fn may_take_records(&self) -> bool {
        let waits = self.waits.is_some() && !self.is_first_try();
        self.spec.enabled && self.running.is_empty() && !waits
    }

    /// A stream mapping that takes fewer records than a batch only after its window.
    pub fn waits_for_more(&self) -> bool {
        self.spec.window > 0 && !self.ripe && self.is_first_try()
    }

    /// The records after the cursor have not been tried yet.
    fn is_first_try(&self) -> bool {
        self.attempts == 0 && self.limit.is_none()
    }

    pub(crate) fn at_once(&self) -> usize {
        match &self.spec.source {
            MappingSource::Queue { max_concurrency, .. } => {
                max_concurrency.map_or(BATCHES_AT_ONCE, |most| most as usize)
            }
            MappingSource::Stream { .. } => 1,
        }
    }

    pub(crate) fn begin(&mut self, invocation: InvocationId) {
        self.running.insert(invocation);
        self.waits = None;
        self.ripe = false;
    }

    pub(crate) fn wait(&mut self, until: Time) {
        self.waits = Some(until);
        self.ripe = false;
    }

    pub(crate) fn ripen(&mut self) {
        self.waits = None;
        self.ripe = true;
    }

    /// Whether a record written at `at` is older than `most` seconds. One that was never tried is as old as it was
    /// when the mapping could have read it: that the machine slept since then makes it no older.
    pub(crate) fn is_too_old(&self, at: Time, most: u32, now: Time) -> bool {
        let judged = if self.attempts > 0 { now } else { self.free.max(self.modified) };
        at.plus_seconds(most) < judged
    }

    pub(crate) fn advance(&mut self, cursor: String, now: Time) {
        self.free = now;
        self.cursor = Some(cursor);
        self.attempts = 0;
        self.limit = None;
        self.waits = None;
        self.ripe = false;
    }

    pub(crate) fn retry(&mut self, attempts: u32, due: Time, limit: Option<u32>) {
        self.attempts = attempts;
        self.limit = limit;
        self.waits = Some(due);
    }
}
