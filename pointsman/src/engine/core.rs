//! State, clock and seeds in one hand: asks, decides, folds, and gathers what is to be committed.

use super::context::{Caller, Cause, Choices, Context};
use super::decision::{Command, Effect, Fault};
use super::fact::{Entry, Fact};
use super::parked::Parked;
use super::state::State;
use super::work::Size;
use crate::clock::{Clock, Time};
use crate::faults::Faults;
use crate::services::Started;
use bytes::Bytes;
use std::sync::Arc;

/// Where seeds come from.
pub trait Random: Send + 'static {
    /// The next seed.
    fn seed(&mut self) -> u64;
}

/// Seeds that follow from the operating system's randomness at the start.
#[derive(Debug)]
pub struct OsRandom(Choices);

impl Default for OsRandom {
    fn default() -> Self {
        let mut start = [0; 8];
        // Without the system's randomness, ids are still unique within the journal's life.
        let _ = getrandom::fill(&mut start);
        OsRandom(Choices::from_seed(u64::from_le_bytes(start)))
    }
}

impl Random for OsRandom {
    fn seed(&mut self) -> u64 {
        self.0.bits()
    }
}

/// Seeds that follow from one number: for simulations.
#[derive(Debug)]
pub struct SeededRandom(Choices);

impl SeededRandom {
    /// The seeds that follow from `seed`.
    pub fn new(seed: u64) -> Self {
        SeededRandom(Choices::from_seed(seed))
    }
}

impl Random for SeededRandom {
    fn seed(&mut self) -> u64 {
        self.0.bits()
    }
}

/// The engine without threads and without storage.
///
/// Replies and effects must not leave the process before the batch that holds their facts is durable; that is
/// whoever drives a `Core` to see to, by [`Core::take_batch`].
pub struct Core {
    state: State,
    clock: Arc<dyn Clock>,
    random: Box<dyn Random>,
    faults: Arc<dyn Faults>,
    batch: Batch,
    facts: u64,
    pub(super) parked: Parked,
    /// Until then the clock was moved by hand: what comes due before fires at its own instant.
    pub(super) moved_to: Time,
}

/// A batch is full with so many facts, or with so many messages that came due: a commit, and what is decided for it
/// in one go, stay in proportion.
const MOST: usize = 20_000;

/// What one group commit makes durable, and what may happen afterwards.
#[derive(Default)]
pub struct Batch {
    /// Number of the first fact.
    pub first: u64,
    /// The facts, encoded.
    pub records: Vec<Vec<u8>>,
    /// Bytes that the facts refer to.
    pub bodies: Vec<(u64, Bytes)>,
    /// The facts themselves.
    pub entries: Vec<Entry>,
    /// What is to be done outside.
    pub effects: Vec<Effect>,
    /// Bodies that nothing needs any more.
    pub released: Vec<u64>,
    /// Mappings that changed: readers of streams look again.
    pub mappings: bool,
    /// Resources came, changed or went.
    pub topology: bool,
    /// The clock was moved: engine time minus wall time, in milliseconds.
    pub offset_ms: Option<i64>,
    /// Replies.
    pub after: Vec<Box<dyn FnOnce() + Send>>,
    /// So many messages came due in it.
    pub(super) due: usize,
}

impl Batch {
    /// Nothing in it.
    pub fn is_empty(&self) -> bool {
        self.records.is_empty() && self.after.is_empty() && self.effects.is_empty()
    }

    /// It shall be committed before anything is added.
    pub fn is_full(&self) -> bool {
        self.records.len() >= MOST || self.due >= MOST
    }
}

impl Core {
    /// A core that goes on from `state`, which `facts` facts have made.
    pub fn new(
        mut state: State,
        facts: u64,
        clock: Arc<dyn Clock>,
        random: Box<dyn Random>,
        faults: Arc<dyn Faults>,
    ) -> Self {
        state.touch_all();
        let batch = Batch { first: facts + 1, ..Batch::default() };
        let (parked, moved_to) = (Parked::default(), Time(i64::MIN));
        Core { state, clock, random, faults, batch, facts, parked, moved_to }
    }

    /// The state, with what is not durable yet.
    pub fn state(&self) -> &State {
        &self.state
    }

    /// Engine time: wall time plus offset, and never before the last fact.
    pub fn now(&self) -> Time {
        Time(self.clock.wall().0.saturating_add(self.state.offset_ms)).max(self.state.last)
    }

    /// Begins an epoch. It is decided before anything that came due while the engine was down: what mappings held is
    /// given back first, and no timer takes it for received in vain.
    ///
    /// # Errors
    /// A refusal of the start.
    pub fn begin(&mut self, started: &Started) -> Result<u64, Fault> {
        self.decide(started, self.now(), Cause::Start, Caller::Engine)
    }

    /// Decides and folds one command after all that was due before it, and as much of what follows by itself as one
    /// batch holds; [`Core::tick`] does the rest.
    ///
    /// # Errors
    /// The command's refusal.
    pub fn submit<C: Command>(
        &mut self,
        command: &C,
        cause: Cause,
        caller: Caller,
    ) -> Result<C::Reply, Fault> {
        let now = self.now();
        // Whoever keeps batches small has ticked before, and this finds next to nothing.
        self.catch_up(now, Size::Any);
        let offset_ms = self.state.offset_ms;
        let reply = self.decide(command, now, cause, caller);
        if self.state.offset_ms != offset_ms {
            self.moved_to = self.now();
        }
        self.tick();
        reply
    }

    /// Does what has come due. `false`: there is more, for the next batch.
    pub fn tick(&mut self) -> bool {
        let done = self.catch_up(self.now(), Size::Bounded);
        self.serve_parked();
        done
    }

    /// Something to be told once all that has been decided so far is durable.
    pub fn after(&mut self, tell: Box<dyn FnOnce() + Send>) {
        self.batch.after.push(tell);
    }

    /// Hands over what is to be committed. The next batch begins empty.
    pub fn take_batch(&mut self) -> Batch {
        let next = Batch { first: self.facts + 1, ..Batch::default() };
        std::mem::replace(&mut self.batch, next)
    }

    /// What has gathered for the next commit.
    pub fn batch(&self) -> &Batch {
        &self.batch
    }

    pub(super) fn decide<C: Command>(
        &mut self,
        command: &C,
        now: Time,
        cause: Cause,
        caller: Caller,
    ) -> Result<C::Reply, Fault> {
        let mishaps = self.faults.mishaps();
        let context = Context { now, cause, caller, seed: self.random.seed(), mishaps };
        let decision = command.decide(&self.state, &context);
        let Context { cause, caller, .. } = context;
        if !decision.mishaps.is_empty() {
            self.faults.befell(decision.mishaps);
        }
        for fact in decision.facts {
            let entry = Entry { at: now, cause: cause.clone(), caller: caller.clone(), fact };
            self.state.apply(&entry);
            if let Fact::ClockMoved { offset_ms } | Fact::ClockJumped { offset_ms, .. } = entry.fact
            {
                self.batch.offset_ms = Some(offset_ms);
            }
            self.batch.due += match &entry.fact {
                Fact::Visible { messages, .. } | Fact::Expired { messages, .. } => messages.len(),
                _ => 0,
            };
            self.batch.records.push(encode(&entry));
            self.batch.entries.push(entry);
            self.facts += 1;
        }
        for (id, bytes) in decision.bodies {
            if !self.state.bodies.contains_key(&id) {
                self.batch.released.push(id);
            }
            self.batch.bodies.push((id, bytes));
        }
        self.batch.effects.extend(decision.effects);
        let touched = &mut self.state.touched;
        self.batch.released.append(&mut touched.bodies);
        self.parked.hear(&mut touched.queues);
        self.batch.mappings |= !touched.mappings.is_empty();
        self.batch.topology |= std::mem::take(&mut touched.topology);
        decision.reply
    }

    pub(super) fn state_mut(&mut self) -> &mut State {
        &mut self.state
    }
}

/// A fact as the journal has it.
pub(crate) fn encode(entry: &Entry) -> Vec<u8> {
    // Serialising to memory fails only for sequences of unknown length, and an entry has none.
    postcard::serialize_with_flavor(entry, Roomy(Vec::with_capacity(256))).unwrap_or_default()
}

/// Memory that seldom has to grow.
struct Roomy(Vec<u8>);

impl postcard::ser_flavors::Flavor for Roomy {
    type Output = Vec<u8>;

    fn try_push(&mut self, byte: u8) -> postcard::Result<()> {
        self.0.push(byte);
        Ok(())
    }

    fn try_extend(&mut self, bytes: &[u8]) -> postcard::Result<()> {
        self.0.extend_from_slice(bytes);
        Ok(())
    }

    fn finalize(self) -> postcard::Result<Vec<u8>> {
        Ok(self.0)
    }
}

/// A fact from the journal.
pub(crate) fn decode(record: &[u8]) -> Result<Entry, String> {
    postcard::from_bytes(record).map_err(|error| error.to_string())
}

impl crate::storage::Fold for State {
    fn load(&mut self, snapshot: &[u8]) -> Result<(), String> {
        let (state, rest) =
            postcard::take_from_bytes::<State>(snapshot).map_err(|error| error.to_string())?;
        *self = state;
        if !rest.is_empty() {
            self.schedules = postcard::from_bytes(rest).map_err(|error| error.to_string())?;
        }
        Ok(())
    }

    fn apply(&mut self, record: &[u8]) -> Result<(), String> {
        let entry = decode(record)?;
        State::apply(self, &entry);
        self.touched = super::state::Touched::default();
        Ok(())
    }

    fn save(&self) -> Vec<u8> {
        let mut saved = postcard::to_allocvec(self).unwrap_or_default();
        saved.extend(postcard::to_allocvec(&self.schedules).unwrap_or_default());
        saved
    }

    fn live(&self) -> Box<dyn Iterator<Item = crate::storage::BodyId> + '_> {
        Box::new(self.live_bodies().map(crate::storage::BodyId))
    }
}
