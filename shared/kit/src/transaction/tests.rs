use super::*;
use crate::table::{Condition, Cursor, Fault, Key, Memory, Page, Query, Scan};
use async_trait::async_trait;
use pointsman_event::Timestamp;
use proptest::prelude::*;
use std::{
    sync::{
        Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

const BODY: &[u8] = b"{}";

fn once(body: &[u8]) -> Once {
    Once::request("T", "ann", "POST /", "k", body, Timestamp::from_ms(0))
}

fn row(id: &str) -> Op {
    let item = Item::from([(ID.to_owned(), id.into())]);
    Op::put(Key::new("T", "s#1", "0000000001"), item).when(Condition::Absent)
}

fn guard() -> Op {
    Op::check(Key::new("T", "s#1", "guard"), Condition::Absent)
}

fn effect() -> Op {
    Op::update(Key::new("T", "stock", "stock")).add("left", -1).when(Condition::at_least("left", 1))
}

/// Once, version, guard, effect: all that a transaction can have.
fn full(id: &str) -> Transaction {
    Transaction::new()
        .once(&once(BODY), Some("answer".to_owned()))
        .version(id.to_owned(), row(id))
        .guard("Closed", guard())
        .effect("OutOfStock", effect())
        .seeded(1)
}

fn stock(left: i64) -> Op {
    Op::update(Key::new("T", "stock", "stock")).set("left", left)
}

fn in_two_seconds() -> Deadline {
    Deadline::after(Duration::from_secs(2))
}

/// What `judge` makes of a reason for each of the four parts.
#[track_caller]
fn reads(reasons: [Reason; 4], expected: Option<Verdict>) {
    let parts: Vec<Part> = full("mine").parts.into_iter().map(|(part, _)| part).collect();
    assert_eq!(judge(&parts, &reasons), expected, "{reasons:?}");
}

#[test]
fn a_cancellation_is_read_in_the_order_of_importance() {
    use Reason::{Conflict, None as No, Throttled};
    let done = || failed(once(BODY).op(Some("answer".into())));
    let other = || failed(once(b"other").op(None));
    let theirs = || failed(row("theirs"));
    let mine = || failed(row("mine"));
    let bare = || Reason::ConditionFailed { item: None };
    let answer = || Some(Verdict::Done(Some("answer".into())));
    let bad = || Reason::Refused { code: "ValidationError".into(), message: String::new() };

    reads([done(), No, No, No], answer());
    reads([done(), theirs(), bare(), bare()], answer());
    reads([done(), mine(), Conflict, Throttled], answer());
    reads([done(), bad(), No, No], answer());
    reads([other(), theirs(), bare(), bare()], Some(Verdict::Mismatch));
    reads([bare(), No, No, No], Some(Verdict::Done(None)));
    reads([No, theirs(), No, No], Some(Verdict::VersionTaken));
    reads([No, theirs(), bare(), bare()], Some(Verdict::VersionTaken));
    reads([Conflict, bare(), Throttled, No], Some(Verdict::VersionTaken));
    reads([No, mine(), bare(), No], Some(Verdict::Committed));
    reads([No, No, bare(), bare()], Some(Verdict::Refused("Closed")));
    reads([No, No, No, bare()], Some(Verdict::Refused("OutOfStock")));
    reads([bare(), Conflict, Throttled, bare()], Some(Verdict::Done(None)));
    reads([No, No, Conflict, bare()], Some(Verdict::Refused("OutOfStock")));
    reads([Conflict, No, No, bare()], None);
    reads([No, Throttled, bare(), No], None);
    reads([Conflict, Throttled, Conflict, bare()], None);
    reads([Conflict, No, No, No], None);
    reads([No, Throttled, No, Conflict], None);
    reads([No, bad(), No, No], None);
}

#[track_caller]
fn failed(op: Op) -> Reason {
    let crate::table::Action::Put(item) = op.action else { panic!("not a put") };
    Reason::ConditionFailed { item: Some(item) }
}

#[tokio::test(start_paused = true)]
async fn each_condition_that_is_false_at_the_table_gets_its_verdict() {
    let verdict = async |given: &[Op]| {
        let tables = Memory::new();
        tables.force(stock(1));
        given.iter().for_each(|op| tables.force(op.clone()));
        let before = tables.changes(0).len();
        let verdict = full("mine").commit(&tables, in_two_seconds()).await.unwrap();
        (verdict, tables.changes(0).len() - before)
    };
    let closed = Op::put(Key::new("T", "s#1", "guard"), Item::new());
    let done = once(BODY).op(Some("before".into()));
    assert_eq!(verdict(&[]).await, (Verdict::Committed, 3));
    assert_eq!(
        verdict(std::slice::from_ref(&done)).await,
        (Verdict::Done(Some("before".into())), 0)
    );
    assert_eq!(verdict(&[done, stock(0)]).await, (Verdict::Done(Some("before".into())), 0));
    assert_eq!(verdict(&[once(b"x").op(None)]).await, (Verdict::Mismatch, 0));
    assert_eq!(verdict(&[row("theirs"), stock(0)]).await, (Verdict::VersionTaken, 0));
    assert_eq!(verdict(&[closed]).await, (Verdict::Refused("Closed"), 0));
    assert_eq!(verdict(&[stock(0)]).await, (Verdict::Refused("OutOfStock"), 0));
}

#[test]
fn a_transaction_is_empty_until_something_is_in_it() {
    assert!(Transaction::new().is_empty());
    assert!(!Transaction::new().guard("Closed", guard()).is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_lost_answer_is_tried_again_and_the_marker_says_it_is_in() {
    let tables = Memory::new();
    tables.force(stock(9));
    for fault in [Fault::Conflict, Fault::Throttled, Fault::Unsent, Fault::LostAnswer] {
        tables.fail_next(fault);
    }
    let verdict = full("mine").commit(&tables, in_two_seconds()).await.unwrap();
    assert_eq!(verdict, Verdict::Done(Some("answer".into())));
    assert_eq!(left(&tables), 8);
}

#[tokio::test(start_paused = true)]
async fn without_a_marker_the_row_itself_says_that_it_is_in() {
    let tables = Memory::new();
    tables.fail_next(Fault::LostAnswer);
    let append = Transaction::new().version("mine".into(), row("mine"));
    let verdict = append.commit(&tables, in_two_seconds()).await.unwrap();
    assert_eq!(verdict, Verdict::Committed);
}

#[tokio::test(start_paused = true)]
async fn what_could_not_recognise_itself_is_not_tried_again_after_a_lost_answer() {
    let tables = Memory::new();
    tables.force(stock(9));
    let take = || Transaction::new().effect("OutOfStock", effect()).guard("Closed", guard());
    tables.fail_next(Fault::LostAnswer);
    let error = take().commit(&tables, in_two_seconds()).await.unwrap_err();
    assert!(matches!(error, Error::Lost { .. }), "{error}");
    assert_eq!(left(&tables), 8);
    // What is known to have written nothing is tried again all the same.
    tables.fail_next(Fault::Conflict);
    tables.fail_next(Fault::Throttled);
    assert_eq!(take().commit(&tables, in_two_seconds()).await, Ok(Verdict::Committed));
    assert_eq!(left(&tables), 7);
}

#[tokio::test(start_paused = true)]
async fn while_the_marker_is_held_up_no_guard_decides() {
    let done = || vec![failed(once(BODY).op(None)), Reason::None, Reason::None, Reason::None];
    let first = Scripted::new([held_up(), held_up(), done()]);
    let verdict = full("mine").commit(&first, in_two_seconds()).await;
    assert_eq!((verdict, first.asked()), (Ok(Verdict::Done(None)), 3));

    let always = Scripted::new(std::iter::repeat_n(held_up(), 1000));
    let deadline = in_two_seconds();
    let busy = Error::Busy { code: "TransactionConflict".to_owned() };
    assert_eq!(full("mine").commit(&always, deadline).await, Err(busy));
    assert!(always.asked() > 2 && !deadline.passed());
}

#[tokio::test(start_paused = true)]
async fn what_is_refused_for_good_is_not_tried_again_whatever_else_is_held_up() {
    let mut reasons = held_up();
    reasons[1] = Reason::Refused { code: "ValidationError".into(), message: "too large".into() };
    let tables = Scripted::new([reasons.clone()]);
    let verdict = full("mine").commit(&tables, in_two_seconds()).await;
    assert_eq!((verdict, tables.asked()), (Err(Error::Cancelled(reasons)), 1));
}

/// The marker in conflict, the effect's condition false.
fn held_up() -> Vec<Reason> {
    let bare = Reason::ConditionFailed { item: None };
    vec![Reason::Conflict, Reason::None, Reason::None, bare]
}

#[tokio::test(start_paused = true)]
async fn an_attempt_that_went_astray_is_not_forgotten_over_those_behind_it() {
    let tables = Memory::new();
    tables.force(stock(9));
    tables.fail_next(Fault::LostAnswer);
    for _ in 0..1000 {
        tables.fail_next(Fault::Conflict);
    }
    let error = full("mine").commit(&tables, in_two_seconds()).await.unwrap_err();
    assert!(matches!(error, Error::Lost { .. }), "{error}");
    assert_eq!(left(&tables), 8);
}

#[tokio::test(start_paused = true)]
async fn what_does_not_pass_before_the_deadline_is_an_error() {
    let tables = Memory::new();
    for _ in 0..1000 {
        tables.fail_next(Fault::Conflict);
    }
    let deadline = in_two_seconds();
    let error = full("mine").commit(&tables, deadline).await.unwrap_err();
    assert!(matches!(error, Error::Cancelled(_)), "{error}");
    assert!(!deadline.passed());
}

#[tokio::test(start_paused = true)]
async fn an_invalid_transaction_is_not_tried_again() {
    let tables = Memory::new();
    let twice = Transaction::new().effect("a", effect()).effect("b", effect());
    let deadline = in_two_seconds();
    let left = deadline.left();
    let error = twice.commit(&tables, deadline).await.unwrap_err();
    assert!(!error.is_retryable(), "{error}");
    assert_eq!(deadline.left(), left, "no pause was made");
}

proptest! {
    /// However the table fails, and however often the request comes: one effect at most, and one
    /// exactly once any attempt was answered.
    #[test]
    fn the_effect_is_there_once(seed: u64, percent in 0u8..80, requests in 1usize..6) {
        let runtime =
            tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build();
        runtime.unwrap().block_on(async {
            let tables = Memory::new();
            tables.force(stock(100));
            tables.flaky(seed, percent);
            let mut answered = false;
            for n in 0..requests {
                let transaction = full(&format!("id-{n}")).seeded(seed);
                match transaction.commit(&tables, in_two_seconds()).await {
                    Ok(Verdict::Committed | Verdict::Done(_)) => answered = true,
                    Ok(verdict) => prop_assert!(false, "{verdict:?}"),
                    Err(error) => prop_assert!(error.is_retryable(), "{error}"),
                }
            }
            let taken = 100 - left(&tables);
            prop_assert!(taken <= 1 && (!answered || taken == 1), "{taken}");
            Ok(())
        })?;
    }
}

fn left(tables: &Memory) -> i64 {
    let items = tables.items("T");
    items.iter().find_map(|item| item.get("left")?.as_n()).unwrap()
}

/// A table that cancels each transaction for the next of these reasons.
struct Scripted {
    cancelled: Mutex<Vec<Vec<Reason>>>,
    asked: AtomicUsize,
}

impl Scripted {
    fn new(cancelled: impl IntoIterator<Item = Vec<Reason>>) -> Self {
        let mut cancelled: Vec<_> = cancelled.into_iter().collect();
        cancelled.reverse();
        Self { cancelled: Mutex::new(cancelled), asked: AtomicUsize::new(0) }
    }

    fn asked(&self) -> usize {
        self.asked.load(Ordering::Relaxed)
    }
}

#[async_trait]
impl Tables for Scripted {
    async fn transact(&self, _: Vec<Op>) -> Result<(), Error> {
        self.asked.fetch_add(1, Ordering::Relaxed);
        match self.cancelled.lock().unwrap().pop() {
            Some(reasons) => Err(Error::Cancelled(reasons)),
            None => panic!("asked more often than the script goes"),
        }
    }

    async fn get(&self, _: &Key) -> Result<Option<Item>, Error> {
        unreachable!("a transaction reads nothing")
    }

    async fn page(&self, _: &Query, _: Option<&Cursor>) -> Result<Page, Error> {
        unreachable!("a transaction reads nothing")
    }

    async fn scan(&self, _: &Scan, _: Option<&Cursor>) -> Result<Page, Error> {
        unreachable!("a transaction reads nothing")
    }

    async fn write(&self, _: Op) -> Result<(), Error> {
        unreachable!("a transaction is written as one")
    }
}
