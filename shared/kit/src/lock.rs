//! A fenced lock in a table's row, for effects that no transaction can hold.
//!
//! A marker makes what happens *in* the table happen once. A charge at a provider happens outside:
//! it must not be asked for twice at the same time, and who asks may be gone before the answer
//! comes. So the row of the thing (a payment, say) is locked before the outside is called, and what
//! came of it is written under the lock:
//!
//! - the row is absent, or its lock has expired: it is taken, under a **fence** one higher;
//! - while the lock lives, nobody else takes it;
//! - whatever its holder writes to the row is conditional on its fence, so one who was overtaken
//!   (a process that stood still for longer than its lock lasts) changes nothing any more;
//! - the fence never goes down and never goes away, also when the lock has done its work.
//!
//! A lock does not make the outside happen once: who takes one over asks the outside what became of
//! it, or asks again under the same idempotency key.
//!
//! The lock is three attributes beside the row's own: `fence`; `until`, there only while the row is
//! locked; `content`, a hash of what the lock was first taken for. It expires in *wall* time
//! ([`Wall`](crate::clock::Wall)), since the holder may be another machine, and since business time
//! stands still while a message is tried again.
//!
//! ```
//! # tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap().block_on(async {
//! # use pointsman_kit::event::{Event, SchemaVersion};
//! # use serde::{Deserialize, Serialize};
//! # #[derive(Debug, Clone, PartialEq, Serialize, Deserialize)] pub struct Charged { amount: u32 }
//! # impl Event for Charged {
//! #   const NAME: &str = "Charged"; const VERSION: SchemaVersion = SchemaVersion::new(1, 0);
//! #   const SOURCE: &str = "till"; const STREAM: &str = "payment";
//! #   const OWNER: &str = "till"; const REASON: &str = "Somebody paid.";
//! # }
//! use pointsman_kit::{clock::{Deadline, Wall}, lock::{Acquired, Lock}, table::{Key, Memory, Tables, Value}};
//! use pointsman_kit::event::{Cause, Timestamp, event_set};
//! use pointsman_kit::{live::Live, store::{New, Store}, transaction::{Transaction, Verdict}};
//! use std::{sync::Arc, time::Duration};
//!
//! event_set! { pub enum PaymentEvent { Charged } }
//!
//! let (tables, wall) = (Memory::new(), Wall::by_hand(Timestamp::from_ms(0)));
//! let key = Key::new("Services", "payment#7", "payment");
//! let lock = Lock::new(key.clone()).content(br#"{"amount":300}"#);
//! let charging = |op: pointsman_kit::table::Op| op.set("state", "charging");
//! let minute = Duration::from_secs(60);
//!
//! let Acquired::Taken(lease) = lock.acquire(&tables, wall.now(), minute, charging).await.unwrap()
//! else { panic!("the row was absent") };
//! assert!(matches!(
//!     lock.acquire(&tables, wall.now(), minute, charging).await.unwrap(),
//!     Acquired::Held { .. }
//! ));
//!
//! // … the provider is called, and what it said is written together with the event. By that the
//! // transaction also finds out that it is in, should an answer be lost:
//! let store = Store::new(Arc::new(tables.clone()), "EventStore");
//! let stream = store.read(&"payment#7".parse().unwrap()).await.unwrap();
//! let charged = [New::event(&PaymentEvent::from(Charged { amount: 300 })).unwrap()];
//! let (live, cause) = (Live::by_hand(), Cause::request("r-1", wall.now()));
//! let event = store.append(&live, &stream.position, &cause, wall.now(), charged).unwrap();
//! let finish = lease.finish().set("state", "charged");
//! let done = event.add_to(Transaction::new()).effect("Overtaken", finish);
//! let deadline = Deadline::after(Duration::from_secs(1));
//! assert_eq!(done.commit(&tables, deadline).await.unwrap(), Verdict::Committed);
//! let row = tables.get(&key).await.unwrap().unwrap();
//! assert_eq!(row.get("state").and_then(Value::as_s), Some("charged"));
//! # });
//! ```

#[cfg(test)]
mod tests;

use crate::{
    idempotency::digest,
    table::{Condition, Error, Item, Key, Op, Tables, Value},
};
use pointsman_event::Timestamp;
use std::time::Duration;

const FENCE: &str = "fence";
const UNTIL: &str = "until";
const CONTENT: &str = "content";

/// How often a row is looked at in all, when other takers come first.
const TRIES: usize = 3;

/// A row that can be locked: one of its own, or the row of the thing itself.
#[derive(Debug, Clone)]
pub struct Lock {
    key: Key,
    content: Option<String>,
}

/// What a look at the row found.
#[derive(Debug, Clone, PartialEq)]
pub enum Found {
    /// There is no such row.
    Absent,
    /// Somebody holds the lock.
    Held {
        /// The wall time until which nobody else takes it.
        until: Timestamp,
    },
    /// The lock was held, by somebody who did not finish in time; this is the row as it was left.
    Expired(Item),
    /// There is a row without a lock: the work is done, or was never to be.
    Settled(Item),
    /// The row is about other content.
    Other,
}

/// What came of trying to take a lock.
#[derive(Debug)]
#[must_use]
pub enum Acquired {
    /// It is ours.
    Taken(Lease),
    /// As [`Found::Held`].
    Held {
        /// The wall time until which nobody else takes it.
        until: Timestamp,
    },
    /// As [`Found::Settled`].
    Settled(Item),
    /// As [`Found::Other`].
    Other,
}

/// A lock that was taken. Nothing happens when it is dropped: it expires.
#[derive(Debug, Clone)]
pub struct Lease {
    key: Key,
    fence: u64,
    before: Option<Item>,
}

impl Lock {
    /// The lock in the row under `key`.
    pub fn new(key: Key) -> Self {
        Self { key, content: None }
    }

    /// What it is taken for. A row that was locked for anything else is [`Found::Other`].
    #[must_use]
    pub fn content(mut self, payload: &[u8]) -> Self {
        self.content = Some(digest(&[payload]));
        self
    }

    /// Looks at the row, at the wall time `wall`.
    ///
    /// # Errors
    /// The table's.
    pub async fn look(&self, tables: &dyn Tables, wall: Timestamp) -> Result<Found, Error> {
        Ok(self.read(tables.get(&self.key).await?, wall))
    }

    /// Takes the lock from the wall time `wall` on for as long as it `lasts`, if the row is absent
    /// or its lock has expired. `with` adds to the update what else the row is to say from now on.
    ///
    /// Let it last longer than the invocation that takes it may: an overtaken holder does no harm
    /// to the row, but the outside may be asked by two at once.
    ///
    /// # Errors
    /// The table's. After [`Error::Lost`] it may be ours without our knowing: then it expires.
    /// [`Error::ConditionFailed`] if others came first each time.
    pub async fn acquire(
        &self,
        tables: &dyn Tables,
        wall: Timestamp,
        lasts: Duration,
        with: impl Fn(Op) -> Op,
    ) -> Result<Acquired, Error> {
        let mut tries = TRIES;
        loop {
            let before = match self.look(tables, wall).await? {
                Found::Absent => None,
                Found::Expired(item) => Some(item),
                Found::Held { until } => return Ok(Acquired::Held { until }),
                Found::Settled(item) => return Ok(Acquired::Settled(item)),
                Found::Other => return Ok(Acquired::Other),
            };
            let (lease, op) = self.take(before, later(wall, lasts));
            tries -= 1;
            match tables.write(with(op)).await {
                Ok(()) => return Ok(Acquired::Taken(lease)),
                // Somebody else took it, or its holder finished after all.
                Err(Error::ConditionFailed { .. }) if tries > 0 => {}
                Err(error) => return Err(error),
            }
        }
    }

    /// Ends the lock for good, whoever holds it, if it is still locked as the row `item` is: for who
    /// knows by other ways what came of what it was taken for. Its holder was overtaken then. Add to
    /// it what the row is to say.
    pub fn end(&self, item: &Item) -> Op {
        Op::update(self.key.clone()).remove(UNTIL).when(locked_under(fence_of(item)))
    }

    fn read(&self, item: Option<Item>, wall: Timestamp) -> Found {
        let Some(item) = item else { return Found::Absent };
        let content = item.get(CONTENT).and_then(Value::as_s);
        if let (Some(ours), Some(theirs)) = (&self.content, content)
            && ours != theirs
        {
            return Found::Other;
        }
        match item.get(UNTIL).and_then(Value::as_n).map(Timestamp::from_ms) {
            Some(until) if until > wall => Found::Held { until },
            Some(_) => Found::Expired(item),
            None => Found::Settled(item),
        }
    }

    /// The lease over a row that was found as `before`, and the update that makes it so.
    fn take(&self, before: Option<Item>, until: Timestamp) -> (Lease, Op) {
        let held = before.as_ref().map_or(0, fence_of);
        let lease = Lease { key: self.key.clone(), fence: held + 1, before };
        let mut op = Op::update(self.key.clone())
            .set(FENCE, lease.fence)
            .set(UNTIL, until.as_ms())
            .when(match &lease.before {
                None => Condition::Absent,
                Some(_) => locked_under(held),
            });
        if let Some(content) = &self.content {
            op = op.set(CONTENT, content.as_str());
        }
        (lease, op)
    }
}

impl Lease {
    /// Its fence: higher than those of all who held the lock before.
    pub fn fence(&self) -> u64 {
        self.fence
    }

    /// The row as an overtaken holder left it: it may have reached the outside. `None` if the lock
    /// was taken on an absent row.
    pub fn taken_over(&self) -> Option<&Item> {
        self.before.as_ref()
    }

    /// That the lock is held under this fence. It may have expired: as long as nobody took it over,
    /// its holder may still finish.
    pub fn held(&self) -> Condition {
        locked_under(self.fence)
    }

    /// Ends the lock for good, if it is still [held](Self::held): the row is then settled. Add to it
    /// what the row is to say.
    pub fn finish(&self) -> Op {
        Op::update(self.key.clone()).remove(UNTIL).when(self.held())
    }

    /// Gives the lock up, if it is still [held](Self::held): the next one takes it at once.
    pub fn release(&self) -> Op {
        Op::update(self.key.clone()).set(UNTIL, 0).when(self.held())
    }
}

/// A row locked under `fence`. Without the second part a holder could write once more after the
/// lock has done its work.
fn locked_under(fence: u64) -> Condition {
    Condition::All(vec![Condition::equal(FENCE, fence), Condition::at_least(UNTIL, 0)])
}

fn fence_of(item: &Item) -> u64 {
    item.get(FENCE).and_then(Value::as_n).unwrap_or(0)
}

fn later(wall: Timestamp, lasts: Duration) -> Timestamp {
    Timestamp::from_ms(
        wall.as_ms().saturating_add(i64::try_from(lasts.as_millis()).unwrap_or(i64::MAX)),
    )
}
