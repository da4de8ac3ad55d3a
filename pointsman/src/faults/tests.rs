mod engine;

use super::*;
use crate::engine::Id;
use std::collections::BTreeMap;

fn payment() -> Caller {
    Caller::Function("payment".into())
}

fn request<'a>(caller: &'a Caller, action: &'a str, invocation: u64) -> Request<'a> {
    let service = if action == "PutEvents" { "events" } else { "dynamodb" };
    Request { service, action, caller, invocation: Some(InvocationId(invocation)) }
}

fn invocation(id: u64, attempt: u32) -> Invocation<'static> {
    Invocation { id: InvocationId(id), function: "payment", attempt }
}

fn injector(spec: &str) -> Arc<Injector> {
    Injector::new(Plan::parse(spec, 1).unwrap())
}

/// What strikes in a thousand invocations that write and publish, each the how manieth try.
fn life(faults: &Injector, attempt: u32) -> Vec<Option<Injected>> {
    let caller = payment();
    let mut struck = vec![];
    for id in 0..1_000 {
        struck.push(faults.strike(Point::Invocation(invocation(id, attempt))));
        for action in ["PutItem", "PutEvents"] {
            struck.push(faults.strike(Point::Request(request(&caller, action, id))));
            struck.push(faults.strike(Point::Answer(request(&caller, action, id))));
        }
        struck.push(faults.strike(Point::Response(invocation(id, attempt))));
    }
    struck
}

#[test]
fn the_same_seed_under_the_same_order_strikes_the_same() {
    let first = life(&injector("seed=5"), 1);
    assert_eq!(life(&injector("seed=5"), 1), first);
    assert_ne!(life(&injector("seed=6"), 1), first);
    assert!(first.iter().any(Option::is_some));
}

#[test]
fn what_another_function_does_changes_nothing_for_this_one() {
    let alone = life(&injector("seed=5"), 1);
    let (beside, other) = (injector("seed=5"), Caller::Function("shipping".into()));
    beside.strike(Point::Invocation(Invocation { function: "shipping", ..invocation(9_999, 1) }));
    for _ in 0..100 {
        beside.strike(Point::Request(request(&other, "PutItem", 9_999)));
    }
    assert_eq!(life(&beside, 1), alone);
}

#[test]
fn a_third_try_is_left_alone() {
    assert!(life(&injector("throttle=1,kill=1,wait=1"), 2).iter().all(Option::is_some));
    assert!(life(&injector("throttle=1,lose=1,kill=1,wait=1"), 3).iter().all(Option::is_none));
}

#[test]
fn operators_and_functions_at_their_start_are_left_alone() {
    let faults = injector("throttle=1");
    let operator = Caller::Operator;
    assert_eq!(faults.strike(Point::Request(request(&operator, "PutItem", 1))), None);
    let mut at_start = request(&operator, "PutItem", 1);
    at_start.invocation = None;
    assert_eq!(faults.strike(Point::Request(Request { caller: &payment(), ..at_start })), None);
}

#[test]
fn a_write_dies_before_or_after_and_a_read_does_not() {
    let caller = payment();
    let faults = injector("kill-before-write=1,kill-after-publish=1");
    faults.strike(Point::Invocation(invocation(1, 1)));
    let at = |action| {
        let request = request(&caller, action, 1);
        (faults.strike(Point::Request(request)), faults.strike(Point::Answer(request)))
    };
    assert_eq!(at("TransactWriteItems"), (Some(Injected::Kill), None));
    assert_eq!(at("PutEvents"), (None, Some(Injected::Kill)));
    assert_eq!(at("Query"), (None, None));
    let counts = BTreeMap::from([("kill-before-write", 1), ("kill-after-publish", 1)]);
    assert_eq!(faults.counts(), Counts(counts));
    assert_eq!(faults.counts().to_string(), "1 × kill-after-publish, 1 × kill-before-write");
}

#[test]
fn stopped_faults_strike_nothing_and_go_on_when_resumed() {
    let faults = injector("throttle=1,duplicate=1");
    faults.stop();
    assert!(life(&faults, 1).iter().all(Option::is_none));
    assert!(faults.mishaps().is_none());
    faults.resume();
    assert!(life(&faults, 1).iter().any(Option::is_some));
    assert!(faults.mishaps().is_some());
}

#[test]
fn only_those_who_are_named_are_struck() {
    assert!(life(&injector("kill=1,throttle=1,only=shipping"), 1).iter().all(Option::is_none));
    assert!(life(&injector("kill=1,throttle=1,only=payment"), 1).iter().any(Option::is_some));
}

#[tokio::test]
async fn a_single_fault_strikes_what_it_is_meant_for_and_is_told() {
    let faults = Injector::new(Plan::quiet(1));
    let mut told = faults.follow();
    let at = At::request("TransactWriteItems").of("payment");
    let mut hit = faults.times(2, at, Injected::Throttle);
    let (payment, shipping) = (payment(), Caller::Function("shipping".into()));
    let strike = |caller, action| faults.strike(Point::Request(request(caller, action, 1)));
    assert_eq!(strike(&shipping, "TransactWriteItems"), None);
    assert_eq!(strike(&payment, "PutItem"), None);
    assert_eq!(strike(&payment, "TransactWriteItems"), Some(Injected::Throttle));
    assert!(!hit.has_struck());
    assert_eq!(strike(&payment, "TransactWriteItems"), Some(Injected::Throttle));
    hit.hit().await;
    assert_eq!(strike(&payment, "TransactWriteItems"), None);
    assert_eq!(faults.counts().of("throttle"), 2);
    let first = told.recv().await.map(|told| told.what);
    assert_eq!(first, Ok("throttled TransactWriteItems of payment".to_owned()));
}

#[test]
fn what_cannot_happen_at_a_place_has_not_struck() {
    let faults = Injector::new(Plan::quiet(1));
    let hit = faults.once(At::response(), Injected::Throttle);
    assert_eq!(faults.strike(Point::Response(invocation(1, 1))), None);
    assert!(!hit.has_struck());
    assert_eq!(faults.counts().total(), 0);
}

#[test]
fn after_a_crash_nobody_is_answered_until_it_begins_again() {
    let faults = Injector::new(Plan::quiet(1));
    faults.once(
        At::commit(|fact| matches!(fact, crate::engine::Fact::EventDropped { .. })),
        Injected::Crash,
    );
    let entry = |fact| Entry {
        at: crate::clock::Time(0),
        cause: crate::engine::Cause::Request(Id(0)),
        caller: Caller::Operator,
        fact,
    };
    let other = [entry(crate::engine::Fact::ClockMoved { offset_ms: 0 })];
    assert_eq!(faults.strike(Point::Commit(&other)), None);
    let id = Id(0);
    let (bus, source, detail_type) = ("b".into(), "s".into(), "t".into());
    let dropped = [entry(crate::engine::Fact::EventDropped { id, bus, source, detail_type })];
    assert_eq!(faults.strike(Point::Committed(&dropped)), None);
    assert_eq!(faults.strike(Point::Commit(&dropped)), Some(Injected::Crash));
    let operator = Caller::Operator;
    let asked = request(&operator, "PutEvents", 1);
    assert_eq!(faults.strike(Point::Request(asked)), Some(Injected::Lose));
    assert_eq!(faults.strike(Point::Commit(&other)), Some(Injected::Crash));
    faults.begin_again();
    assert_eq!(faults.strike(Point::Request(asked)), None);
}

#[test]
fn without_faults_nothing_strikes() {
    let caller = payment();
    assert_eq!(NoFaults.strike(Point::Request(request(&caller, "PutItem", 1))), None);
    assert!(NoFaults.mishaps().is_none());
}
