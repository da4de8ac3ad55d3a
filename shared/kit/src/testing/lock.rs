//! What a fenced lock must do on every adapter of the table port.

use crate::{
    clock::Deadline,
    lock::{Acquired, Found, Lease, Lock},
    table::{Error, Item, Key, Op, Tables, Value},
    transaction::{Transaction, Verdict},
};
use pointsman_event::Timestamp;
use std::time::Duration;

const LASTS: Duration = Duration::from_secs(30);

/// Runs the lock's suite in `table`, in the partition `lock#<salt>`, which must be new.
///
/// # Panics
/// If a lock does not keep its promises on this adapter.
pub async fn lock_suite(tables: &dyn Tables, table: &str, salt: &str) {
    let suite = Suite {
        tables,
        key: Key::new(table, format!("lock#{salt}"), "lock"),
        lock: Lock::new(Key::new(table, format!("lock#{salt}"), "lock")).content(b"300 EUR"),
    };
    assert_eq!(suite.look(0).await, Found::Absent);
    let slow = suite.acquire(0).await;
    assert_eq!((slow.fence(), slow.taken_over()), (1, None));
    suite.nobody_else_takes_it_while_it_lives().await;

    let quick = suite.acquire(30).await;
    assert_eq!(quick.fence(), 2, "an expired lock is taken under a higher fence");
    let left = quick.taken_over().expect("the row as it was left");
    assert_eq!(left.get("takenAt"), Some(&Value::from(0)));
    for op in [slow.finish(), slow.release(), Op::delete(suite.key.clone()).when(slow.held())] {
        let overtaken = suite.tables.write(op.clone()).await;
        assert!(matches!(overtaken, Err(Error::ConditionFailed { .. })), "{op:?}: {overtaken:?}");
        assert_eq!(suite.commit(op).await, Verdict::Refused("Overtaken"));
    }

    assert_eq!(suite.commit(quick.release()).await, Verdict::Committed);
    let last = suite.acquire(31).await;
    assert_eq!(last.fence(), 3, "a lock that was given up is taken at once");
    assert_eq!(suite.commit(quick.finish()).await, Verdict::Refused("Overtaken"));
    let finish = || last.finish().set("state", "charged");
    assert_eq!(suite.commit(finish()).await, Verdict::Committed);
    suite.what_is_settled_stays_so(&last, finish()).await;
}

struct Suite<'a> {
    tables: &'a dyn Tables,
    key: Key,
    lock: Lock,
}

impl Suite<'_> {
    async fn nobody_else_takes_it_while_it_lives(&self) {
        let until = at(30);
        assert_eq!(self.look(29).await, Found::Held { until });
        let again = self.try_acquire(29).await;
        assert!(matches!(again, Acquired::Held { until: at } if at == until), "{again:?}");
        assert!(matches!(self.look(30).await, Found::Expired(_)));
        let other = Lock::new(self.key.clone()).content(b"400 EUR");
        assert_eq!(other.look(self.tables, at(30)).await, Ok(Found::Other));
        let unasked = Lock::new(self.key.clone()).look(self.tables, at(29)).await;
        assert_eq!(unasked, Ok(Found::Held { until }));
    }

    async fn what_is_settled_stays_so(&self, lease: &Lease, finish: Op) {
        assert_eq!(self.commit(finish).await, Verdict::Refused("Overtaken"), "it was finished");
        assert_eq!(self.commit(lease.release()).await, Verdict::Refused("Overtaken"));
        let found = self.try_acquire(1_000).await;
        let Acquired::Settled(row) = found else { panic!("expected a settled row: {found:?}") };
        assert_eq!(row.get("state").and_then(Value::as_s), Some("charged"));
        assert_eq!(self.look(1_000).await, Found::Settled(row));
    }

    async fn look(&self, second: i64) -> Found {
        self.lock.look(self.tables, at(second)).await.expect("a look")
    }

    async fn acquire(&self, second: i64) -> Lease {
        match self.try_acquire(second).await {
            Acquired::Taken(lease) => lease,
            other => panic!("expected to take the lock at {second} s: {other:?}"),
        }
    }

    async fn try_acquire(&self, second: i64) -> Acquired {
        let with = |op: Op| op.set("takenAt", second);
        self.lock.acquire(self.tables, at(second), LASTS, with).await.expect("an answer")
    }

    /// Commits `op` together with a row of its own, as a holder does.
    async fn commit(&self, op: Op) -> Verdict {
        let beside = Key::new(self.key.table.clone(), self.key.pk.clone(), "beside");
        let transaction = Transaction::new()
            .effect("Overtaken", op)
            .effect("Beside", Op::put(beside, Item::new()));
        let deadline = Deadline::after(Duration::from_secs(20));
        transaction.commit(self.tables, deadline).await.expect("a verdict")
    }
}

fn at(second: i64) -> Timestamp {
    Timestamp::from_ms(1_700_000_000_000 + second * 1000)
}
