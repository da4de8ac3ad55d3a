use super::*;
use crate::{
    clock::Deadline,
    table::{Fault, Memory},
    testing::lock_suite,
    transaction::{Transaction, Verdict},
};
use proptest::prelude::*;

const LASTS: Duration = Duration::from_secs(30);

fn at(second: i64) -> Timestamp {
    Timestamp::from_ms(second * 1000)
}

fn key() -> Key {
    Key::new("T", "payment#7", "payment")
}

async fn acquire(tables: &Memory, second: i64) -> Result<Acquired, Error> {
    Lock::new(key()).acquire(tables, at(second), LASTS, |op| op).await
}

async fn taken(tables: &Memory, second: i64) -> Lease {
    match acquire(tables, second).await {
        Ok(Acquired::Taken(lease)) => lease,
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn the_memory_table_passes_the_suite() {
    lock_suite(&Memory::new(), "T", "memory").await;
}

#[tokio::test]
async fn a_row_that_was_never_locked_is_settled() {
    let tables = Memory::new();
    tables.force(Op::update(key()).set("state", "tombstone"));
    let found = Lock::new(key()).content(b"300").look(&tables, at(0)).await.unwrap();
    let Found::Settled(row) = found else { panic!("{found:?}") };
    assert_eq!(row["state"], "tombstone".into());
    assert!(matches!(acquire(&tables, 0).await, Ok(Acquired::Settled(_))));
}

#[tokio::test]
async fn of_two_who_find_it_free_one_gets_it() {
    let tables = Memory::new();
    tables.race(|tables| tables.force(Lock::new(key()).take(None, at(30)).1));
    let until = at(30);
    let second = acquire(&tables, 0).await.unwrap();
    assert!(matches!(second, Acquired::Held { until: found } if found == until), "{second:?}");
    let (_, op) = Lock::new(key()).take(tables.items("T").pop(), at(60));
    tables.race(move |tables| tables.force(op));
    let second = acquire(&tables, 30).await.unwrap();
    assert!(matches!(second, Acquired::Held { .. }), "{second:?}");
}

#[tokio::test]
async fn a_holder_who_finishes_late_wins_over_one_who_came_to_take_it() {
    let tables = Memory::new();
    let slow = taken(&tables, 0).await;
    let finish = slow.finish();
    tables.race(move |tables| tables.force(finish));
    assert!(matches!(acquire(&tables, 30).await, Ok(Acquired::Settled(_))));
}

#[tokio::test]
async fn who_always_comes_second_is_told_so() {
    let tables = Memory::new();
    for rival in 0..TRIES {
        // Each takes the lock and gives it up before the next look.
        let fence = rival as u64 + 1;
        let row = Item::from([(FENCE.to_owned(), fence.into()), (UNTIL.to_owned(), 0.into())]);
        tables.race(move |tables| tables.force(Op::put(key(), row)));
    }
    let error = acquire(&tables, 0).await.unwrap_err();
    assert!(matches!(error, Error::ConditionFailed { .. }), "{error}");
    assert_eq!(taken(&tables, 0).await.fence(), TRIES as u64 + 1);
}

#[tokio::test]
async fn a_lock_whose_answer_was_lost_expires() {
    let tables = Memory::new();
    tables.fail_next(Fault::LostAnswer);
    assert!(matches!(acquire(&tables, 0).await, Err(Error::Lost { .. })));
    assert!(matches!(acquire(&tables, 0).await, Ok(Acquired::Held { .. })));
    assert_eq!(taken(&tables, 30).await.fence(), 2);
}

#[tokio::test]
async fn what_it_is_for_is_checked_where_it_is_known() {
    let tables = Memory::new();
    let lock = |content: &[u8]| Lock::new(key()).content(content);
    let take =
        async |lock: Lock, second| lock.acquire(&tables, at(second), LASTS, |op| op).await.unwrap();
    assert!(matches!(take(lock(b"300"), 0).await, Acquired::Taken(_)));
    assert!(matches!(take(lock(b"400"), 60).await, Acquired::Other));
    // One that takes over without naming it keeps it.
    assert!(matches!(take(Lock::new(key()), 60).await, Acquired::Taken(_)));
    assert!(matches!(take(lock(b"400"), 120).await, Acquired::Other));
    let Acquired::Taken(lease) = take(lock(b"300"), 120).await else { panic!("not taken") };
    assert_eq!(lease.fence(), 3);
    tables.write(lease.finish()).await.unwrap();
    assert!(matches!(take(lock(b"400"), 180).await, Acquired::Other));
}

#[tokio::test]
async fn who_knows_what_came_of_it_ends_the_lock_over_its_holder() {
    let (tables, lock) = (Memory::new(), Lock::new(key()));
    let row = async || tables.get(&key()).await.unwrap().unwrap();
    let first = taken(&tables, 0).await;
    let left = row().await;
    let second = taken(&tables, 30).await;
    // Somebody else has it by now: it is not locked any more as it was seen.
    assert!(tables.write(lock.end(&left)).await.is_err());
    let left = row().await;
    tables.write(lock.end(&left).set("by", "another")).await.unwrap();
    for overtaken in [first.finish(), second.finish(), second.release(), lock.end(&left)] {
        assert!(tables.write(overtaken).await.is_err());
    }
    assert!(matches!(acquire(&tables, 600).await, Ok(Acquired::Settled(_))));
    assert_eq!(row().await["by"], "another".into());
}

/// What a holder does, each at its own pace.
#[derive(Debug, Clone, Copy)]
enum Act {
    Acquire,
    Finish,
    Release,
    Wait(i64),
}

fn act() -> impl Strategy<Value = Act> {
    prop_oneof![
        4 => Just(Act::Acquire),
        2 => Just(Act::Finish),
        1 => Just(Act::Release),
        2 => (1i64..40).prop_map(Act::Wait),
    ]
}

proptest! {
    /// Three who want the lock, acting in any order on a flaky table: fences only rise, at most one
    /// finishes, and nothing a holder writes goes in once a later one has taken the lock.
    #[test]
    fn an_overtaken_holder_changes_nothing(
        acts in prop::collection::vec((0usize..3, act()), 1..40),
        seed: u64,
        percent in 0u8..40,
    ) {
        let runtime =
            tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build();
        runtime.unwrap().block_on(async {
            let tables = Memory::new();
            tables.flaky(seed, percent);
            let (mut second, mut highest, mut finished) = (0, 0, false);
            let mut leases: [Option<Lease>; 3] = [None, None, None];
            for (who, act) in acts {
                let op = match (act, &leases[who]) {
                    (Act::Wait(seconds), _) => {
                        second += seconds;
                        continue;
                    }
                    (Act::Acquire, _) => {
                        if let Ok(Acquired::Taken(lease)) = acquire(&tables, second).await {
                            prop_assert!(!finished && lease.fence() > highest);
                            highest = lease.fence();
                            leases[who] = Some(lease);
                        }
                        highest = highest.max(fence_in(&tables));
                        continue;
                    }
                    (_, None) => continue,
                    (Act::Finish, Some(lease)) => lease.finish().set("by", lease.fence()),
                    (Act::Release, Some(lease)) => lease.release(),
                };
                let fence = leases[who].as_ref().map_or(0, Lease::fence);
                let before = tables.items("T");
                let transaction = Transaction::new().effect("Overtaken", op).seeded(seed);
                let deadline = Deadline::after(Duration::from_secs(2));
                let verdict = transaction.commit(&tables, deadline).await;
                if fence < highest || finished {
                    prop_assert_eq!(&tables.items("T"), &before);
                    prop_assert_ne!(verdict, Ok(Verdict::Committed));
                }
                finished |= tables.items("T").iter().any(|row| row.contains_key("by"));
                prop_assert_eq!(fence_in(&tables), highest);
            }
            Ok(())
        })?;
    }
}

fn fence_in(tables: &Memory) -> u64 {
    tables.items("T").first().map_or(0, fence_of)
}
