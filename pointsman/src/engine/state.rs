//! The engine's state: a fold of the journal's facts.

use super::context::{Id, InvocationId, Name};
use super::fact::{Body, Owner};
use crate::clock::Time;
use crate::services::bus::Bus;
use crate::services::function::{AsyncEvent, Function, Invocation};
use crate::services::mapping::Mapping;
use crate::services::queue::Queue;
use crate::services::schedule::Schedules;
use crate::topology::{HttpApiSpec, Region, Resource, Statement, TableSpec, TopicSpec};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};

/// Everything the engine knows. Changed by facts alone.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct State {
    /// Account and region of the journal.
    pub region: Region,
    /// How often the engine has started.
    pub epoch: u64,
    /// Engine time minus wall time, in milliseconds.
    pub offset_ms: i64,
    /// Engine time of the last fact.
    pub last: Time,
    pub(crate) next: Counters,
    /// Buses by name.
    pub buses: BTreeMap<Name, Bus>,
    /// Queues by name.
    pub queues: BTreeMap<Name, Queue>,
    /// Functions by name.
    pub functions: BTreeMap<Name, Function>,
    /// Event-source mappings by UUID.
    pub mappings: BTreeMap<Name, Mapping>,
    /// Tables by name: what the topology asks for; the rows are the tables adapter's.
    pub tables: BTreeMap<Name, Owned<TableSpec>>,
    /// HTTP APIs by name.
    pub apis: BTreeMap<Name, Owned<HttpApiSpec>>,
    /// Topics by name.
    pub topics: BTreeMap<Name, Owned<TopicSpec>>,
    /// Resource policies by owner.
    pub policies: BTreeMap<Name, Owned<ResourcePolicy>>,
    /// What each stack's template asked for last.
    pub stacks: BTreeMap<Name, Vec<Resource>>,
    /// Invocations that are not over.
    pub invocations: BTreeMap<InvocationId, Invocation>,
    /// Asynchronous invocations that are not settled.
    pub async_events: BTreeMap<u64, AsyncEvent>,
    /// How many messages and events need a body.
    pub(crate) bodies: BTreeMap<u64, u32>,
    /// Schedules and their groups; saved behind all else, so that a snapshot without them can be read.
    #[serde(skip)]
    pub schedules: Schedules,
    /// When something changes by itself.
    pub(crate) timers: BTreeSet<(Time, Timer)>,
    /// Why the last batches and invocations went wrong, for people who ask; not saved.
    #[serde(skip)]
    pub(crate) troubles: Troubles,
    /// What the last facts touched; not saved.
    #[serde(skip)]
    pub(crate) touched: Touched,
}

/// A resource that is only kept.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Owned<T> {
    /// Who made it.
    pub owner: Owner,
    /// What it is.
    pub spec: T,
}

/// ARNs that a resource policy stands on, and its statements.
pub type ResourcePolicy = (Vec<String>, Vec<Statement>);

/// The next free numbers.
#[derive(Clone, Copy, Debug, Default, Serialize, Deserialize)]
pub(crate) struct Counters {
    pub(crate) message: u64,
    pub(crate) body: u64,
    pub(crate) invocation: u64,
    pub(crate) async_event: u64,
}

/// What comes due.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub(crate) enum Timer {
    /// A message's delay or visibility timeout is over.
    Message(Name, u64),
    /// The oldest message of a queue has outlived the retention.
    Retention(Name),
    /// A mapping has waited long enough for a fuller batch, or for its next try.
    Mapping(Name),
    /// An asynchronous invocation is to be tried again.
    Async(u64),
    /// A schedule comes.
    Schedule(Name),
    /// The schedule of a rule comes.
    Rule(Name),
    /// What a schedule could not invoke is to be tried again.
    Firing(Id),
}

/// Why invocations ended otherwise than well, and what was the last word on dead letters: of the last ones alone, so
/// that it never grows.
#[derive(Clone, Debug, Default)]
pub(crate) struct Troubles {
    invocations: BTreeMap<InvocationId, String>,
    dead_letters: BTreeMap<u64, String>,
}

impl Troubles {
    /// So many are remembered.
    const MOST: usize = 4_096;
    /// So many characters of each.
    const LONGEST: usize = 500;

    /// Notes why, over what was noted before.
    pub(crate) fn note(&mut self, invocation: InvocationId, why: &str) {
        self.invocations.insert(invocation, why.chars().take(Self::LONGEST).collect());
        if self.invocations.len() > Self::MOST {
            self.invocations.pop_first();
        }
    }

    /// A message became the dead letter `seq` after this was the last to have it.
    pub(crate) fn bury(&mut self, seq: u64, last: InvocationId) {
        let Some(why) = self.invocations.get(&last) else { return };
        self.dead_letters.insert(seq, why.clone());
        if self.dead_letters.len() > Self::MOST {
            self.dead_letters.pop_first();
        }
    }

    /// Why the last try of a dead letter failed, if it is still remembered.
    pub(crate) fn of(&self, dead_letter: u64) -> Option<&str> {
        self.dead_letters.get(&dead_letter).map(String::as_str)
    }
}

/// What facts touched since somebody looked.
#[derive(Clone, Debug, Default)]
pub(crate) struct Touched {
    /// Queues with newly visible messages.
    pub(crate) queues: BTreeSet<Name>,
    /// Mappings that may have something to do.
    pub(crate) mappings: BTreeSet<Name>,
    /// Functions that may have asynchronous invocations to start.
    pub(crate) functions: BTreeSet<Name>,
    /// Queues that left their template and may be empty now.
    pub(crate) drained: BTreeSet<Name>,
    /// Bodies that nothing needs any more.
    pub(crate) bodies: Vec<u64>,
    /// Resources came, changed or went.
    pub(crate) topology: bool,
}

impl State {
    /// What has been decided to be done outside and is not answered yet, by invocation.
    pub fn pending(&self) -> impl Iterator<Item = (InvocationId, &Invocation)> {
        self.invocations.iter().map(|(id, invocation)| (*id, invocation))
    }

    /// The next instant at which something changes by itself.
    pub fn next_due(&self) -> Option<Time> {
        self.timers.first().map(|(due, _)| *due)
    }

    /// Bodies that something still needs.
    pub fn live_bodies(&self) -> impl Iterator<Item = u64> {
        self.bodies.keys().copied()
    }

    /// The mappings that read a queue: one a function.
    pub fn mappings_of_queue(&self, queue: &str) -> impl Iterator<Item = &Name> {
        self.mappings.iter().filter(move |(_, m)| m.queue() == Some(queue)).map(|(name, _)| name)
    }

    /// The mappings that invoke a function.
    pub(crate) fn mappings_of_function(&self, function: &str) -> impl Iterator<Item = &Name> {
        self.mappings.iter().filter(move |(_, m)| m.spec.function == function).map(|(name, _)| name)
    }

    /// Marks everything as worth a look: after a load, when nobody has looked yet.
    pub(crate) fn touch_all(&mut self) {
        self.touched.queues = self.queues.keys().cloned().collect();
        self.touched.mappings = self.mappings.keys().cloned().collect();
        self.touched.functions = self.functions.keys().cloned().collect();
        let retained = self.queues.iter().filter(|(_, queue)| queue.retained);
        self.touched.drained = retained.map(|(name, _)| name.clone()).collect();
        self.touched.topology = true;
    }

    pub(crate) fn hold_body(&mut self, body: Body) {
        self.next.body = self.next.body.max(body.id + 1);
        *self.bodies.entry(body.id).or_insert(0) += 1;
    }

    pub(crate) fn release_body(&mut self, body: Body) {
        if let Some(holders) = self.bodies.get_mut(&body.id) {
            *holders -= 1;
            if *holders == 0 {
                self.bodies.remove(&body.id);
                self.touched.bodies.push(body.id);
            }
        }
    }
}
