use crate::clock::Time;
use crate::engine::{Body, Id, InvocationId, Name, Owner, Why};
use crate::topology::FunctionSpec;
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;

/// Asynchronous invocations of one function that run at once, where the function reserves no concurrency.
/// AWS starts up to the account's limit; on one machine every further process only takes from the others.
const ASYNC_AT_ONCE: usize = 10;

/// A function, and what of it is going on.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Function {
    /// Its settings.
    pub spec: FunctionSpec,
    /// Who made it.
    pub owner: Owner,
    /// When it was made.
    pub created: Time,
    /// What has happened to it.
    pub counts: Counts,
    /// Invocations that are not over.
    pub running: usize,
    /// Asynchronous invocations that wait for their turn.
    pub(crate) waiting: BTreeSet<u64>,
}

/// What has happened to a function since it was made.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Counts {
    /// Invocations begun.
    pub started: u64,
    /// Invocations that ended in anything but an answer.
    pub failed: u64,
}

impl Function {
    pub(crate) fn new(spec: FunctionSpec, owner: Owner, created: Time) -> Self {
        Function {
            spec,
            owner,
            created,
            counts: Counts::default(),
            running: 0,
            waiting: BTreeSet::new(),
        }
    }

    pub(crate) fn set(&mut self, spec: FunctionSpec, owner: Owner) {
        self.spec = spec;
        self.owner = owner;
    }

    /// No further invocation may begin: the reserved concurrency is used up.
    pub fn is_throttled(&self) -> bool {
        self.spec.reserved_concurrency.is_some_and(|most| self.running >= most as usize)
    }

    /// No further asynchronous invocation may begin.
    pub(crate) fn is_busy(&self) -> bool {
        let most = self.spec.reserved_concurrency.map_or(ASYNC_AT_ONCE, |most| most as usize);
        self.running >= most
    }
}

/// An invocation that is not over.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Invocation {
    /// Its request id.
    pub request: Id,
    /// The function.
    pub function: Name,
    /// Why it began.
    pub why: Why,
    /// When it began.
    pub started: Time,
    /// Its mapping had `ReportBatchItemFailures` when it began: a batch ends as it began, whatever is changed since.
    pub reports_failures: bool,
}

/// An asynchronous invocation that is not settled.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct AsyncEvent {
    /// The function.
    pub function: Name,
    /// What it gets.
    pub body: Body,
    /// Its request id, the same for all attempts.
    pub request: Id,
    /// When it was accepted.
    pub accepted: Time,
    /// Attempts begun.
    pub attempts: u32,
    pub(crate) place: AsyncPlace,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) enum AsyncPlace {
    Waiting,
    RetryAt(Time),
    Running(InvocationId),
}

impl AsyncPlace {
    pub(crate) fn due(&self) -> Option<Time> {
        match self {
            AsyncPlace::RetryAt(due) => Some(*due),
            _ => None,
        }
    }
}

impl AsyncEvent {
    /// It waits for this function to have room.
    pub(crate) fn waits_for(&self, function: &Name) -> bool {
        self.function == *function && self.place == AsyncPlace::Waiting
    }

    pub(crate) fn new(function: Name, body: Body, request: Id, accepted: Time) -> Self {
        AsyncEvent { function, body, request, accepted, attempts: 0, place: AsyncPlace::Waiting }
    }
}
