//! One transaction of what a decision led to, and how to read its cancellation.
//!
//! A [`Transaction`] gathers a marker or request key, the rows of a stream, guards and effects; the
//! table takes all of it or nothing. If it takes nothing, several conditions may be false at once,
//! and their order of importance is the same for everyone:
//!
//! 1. the marker exists: it was done before, here is the stored answer
//!    (its payload differs: the key was used for something else);
//! 2. a version is taken: someone else appended first, decide again on the new state
//!    (the row there is our own: an answer was lost, it is done);
//! 3. a guard's or an effect's condition is false, and neither marker nor version is held up: the
//!    business's refusal, by its name;
//! 4. only conflict or throttling, or no answer at all: try the same again, with jitter, until the
//!    deadline. If a lost attempt did go in, rule 1 or 2 will say so. Without a marker or a version
//!    nothing would: then a lost answer is not tried again.
//!
//! ```
//! # tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap().block_on(async {
//! use pointsman_kit::{clock::Deadline, idempotency::Once, table::{Condition, Key, Memory, Op}};
//! use pointsman_kit::transaction::{Transaction, Verdict};
//! use std::time::Duration;
//!
//! let tables = Memory::new();
//! let once = Once::request("Services", "ann", "POST /seats", "k1", b"{}", pointsman_kit::event::Timestamp::from_ms(0));
//! let stock = Op::update(Key::new("Services", "seat#1", "seat")).set("taken", true);
//! let take = || Transaction::new()
//!     .once(&once, Some("yours".to_owned()))
//!     .effect("SeatTaken", stock.clone().when(Condition::Absent));
//! let deadline = Deadline::after(Duration::from_secs(1));
//! assert_eq!(take().commit(&tables, deadline).await.unwrap(), Verdict::Committed);
//! // The same request again gets the same answer and takes nothing twice.
//! let again = take().commit(&tables, deadline).await.unwrap();
//! assert_eq!(again, Verdict::Done(Some("yours".to_owned())));
//! # });
//! ```

#[cfg(test)]
mod tests;

use crate::{
    clock::Deadline,
    idempotency::{Once, Seen},
    retry::Backoff,
    table::{Error, Item, Op, Reason, Tables, Value},
};

/// What goes in together.
#[derive(Debug, Clone, Default)]
#[must_use = "a transaction does nothing until it is committed"]
pub struct Transaction {
    parts: Vec<(Part, Op)>,
    seed: Option<u64>,
}

/// What came of it.
#[derive(Debug, Clone, PartialEq, Eq)]
#[must_use]
pub enum Verdict {
    /// It is in.
    Committed,
    /// It was done before, with this answer.
    Done(Option<String>),
    /// Its marker or key stands for something else.
    Mismatch,
    /// Another writer appended to the stream first: read and decide again.
    VersionTaken,
    /// The guard or effect of this name did not allow it.
    Refused(&'static str),
}

/// What an operation is to the transaction: it decides what its failure means.
#[derive(Debug, Clone, PartialEq)]
enum Part {
    Once(Once),
    /// The next row of a stream, with this id.
    Version(String),
    Guard(&'static str),
}

/// The attribute of a stream's row by which a writer recognises its own.
pub(crate) const ID: &str = "id";

impl Transaction {
    /// Nothing yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Does it once: `answer` is what later attempts will get.
    pub fn once(self, once: &Once, answer: Option<String>) -> Self {
        let op = once.op(answer);
        self.part(Part::Once(once.clone()), op)
    }

    /// Only under `op`'s condition, which is about something else than what is written: else
    /// [`Verdict::Refused`] with `name`.
    pub fn guard(self, name: &'static str, op: Op) -> Self {
        self.part(Part::Guard(name), op)
    }

    /// Also does `op`; its condition false is [`Verdict::Refused`] with `name`.
    pub fn effect(self, name: &'static str, op: Op) -> Self {
        self.part(Part::Guard(name), op)
    }

    /// The row `id` of a stream, under the condition that its place is free.
    pub(crate) fn version(self, id: String, op: Op) -> Self {
        self.part(Part::Version(id), op.returning())
    }

    /// Draws the pauses from `seed`.
    pub fn seeded(mut self, seed: u64) -> Self {
        self.seed = Some(seed);
        self
    }

    /// Whether it would do nothing.
    pub fn is_empty(&self) -> bool {
        self.parts.is_empty()
    }

    /// Puts it in, trying again until `deadline` what may pass.
    ///
    /// # Errors
    /// The table's last error, if it did not pass in time or never will. After [`Error::Lost`] it
    /// may be in: the same transaction, tried again later, finds out if it has a marker or a version.
    pub async fn commit(self, tables: &dyn Tables, deadline: Deadline) -> Result<Verdict, Error> {
        let mut backoff = Backoff::until(deadline);
        if let Some(seed) = self.seed {
            backoff = backoff.seeded(seed);
        }
        let (parts, ops): (Vec<Part>, Vec<Op>) = self.parts.into_iter().unzip();
        let recognisable = parts.iter().any(Part::recognises);
        let mut lost = None;
        loop {
            let error = match tables.transact(ops.clone()).await {
                Ok(()) => return Ok(Verdict::Committed),
                Err(Error::Cancelled(reasons)) => match judge(&parts, &reasons) {
                    Some(verdict) => return Ok(verdict),
                    None => undecided(reasons),
                },
                Err(error) => error,
            };
            let is_lost = matches!(error, Error::Lost { .. });
            let again = error.is_retryable() && (recognisable || !is_lost);
            if is_lost {
                lost = Some(error.clone());
            }
            if !again || !backoff.pause().await {
                // What came later does not say that an attempt before it went astray.
                return Err(lost.unwrap_or(error));
            }
        }
    }

    fn part(mut self, part: Part, op: Op) -> Self {
        self.parts.push((part, op));
        self
    }
}

impl Part {
    /// Whether a transaction that has it finds out from it that it is in already.
    fn recognises(&self) -> bool {
        !matches!(self, Self::Guard(_))
    }
}

/// What a cancellation means; `None` if it decides nothing.
fn judge(parts: &[Part], reasons: &[Reason]) -> Option<Verdict> {
    let failed = || {
        parts.iter().zip(reasons).filter_map(|(part, reason)| match reason {
            Reason::ConditionFailed { item } => Some((part, item.as_ref())),
            _ => None,
        })
    };
    let marker = failed().find_map(|(part, item)| match part {
        Part::Once(once) => Some(match item.map(|item| once.read(item)) {
            Some(Seen::Done(answer)) => Verdict::Done(answer),
            Some(Seen::Other) => Verdict::Mismatch,
            // Gone again between the two: a table that returns no item says no more.
            None => Verdict::Done(None),
        }),
        _ => None,
    });
    let version = || {
        failed().find_map(|(part, item)| match part {
            // All rows or none went in: one of ours there means the transaction is in.
            Part::Version(id) if is_own(id, item) => Some(Verdict::Committed),
            Part::Version(_) => Some(Verdict::VersionTaken),
            _ => None,
        })
    };
    // What holds up the marker or a version may be our own first attempt: it is that, then, which
    // made the condition false.
    let held_up = || {
        let mut all = parts.iter().zip(reasons);
        all.any(|(part, reason)| part.recognises() && is_passing(reason))
    };
    let guard = || {
        failed().find_map(|(part, _)| match part {
            Part::Guard(name) if !held_up() => Some(Verdict::Refused(name)),
            _ => None,
        })
    };
    marker.or_else(version).or_else(guard)
}

/// What to tell of a cancellation that decided nothing. A condition that was false in it says
/// nothing yet, so that it is as busy as without.
fn undecided(reasons: Vec<Reason>) -> Error {
    let is_false = |reason: &Reason| matches!(reason, Reason::ConditionFailed { .. });
    let for_good = |reason: &Reason| matches!(reason, Reason::Refused { .. });
    if !reasons.iter().any(is_false) || reasons.iter().any(for_good) {
        return Error::Cancelled(reasons);
    }
    Error::Busy { code: Reason::Conflict.code().to_owned() }
}

fn is_passing(reason: &Reason) -> bool {
    matches!(reason, Reason::Conflict | Reason::Throttled)
}

fn is_own(id: &str, there: Option<&Item>) -> bool {
    there.and_then(|item| item.get(ID)).and_then(Value::as_s) == Some(id)
}
