use super::*;
use crate::{
    delivery,
    observability::{Lines, Log},
    publisher::Entry,
    queues,
    testing::{delivered, queue_batch},
};
use pointsman_event::{
    Cause, Envelope, Event, HOP_LIMIT, Place, SchemaVersion, Timestamp, Ulid, event_set,
    upcast::Upcaster,
};
use proptest::prelude::*;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use std::{cell::RefCell, sync::Arc, time::Duration};

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct LampLit {
    milliwatts: u32,
}

impl Event for LampLit {
    const NAME: &str = "LampLit";
    const VERSION: SchemaVersion = SchemaVersion::new(2, 0);
    const SOURCE: &str = "house.lamps";
    const STREAM: &str = "lamp";
    const OWNER: &str = "house";
    const REASON: &str = "A room became bright.";
    const UPCASTERS: &[Upcaster] = &[Upcaster {
        from: 1,
        step: |data| {
            let watts = data["watts"].as_u64().ok_or("no watts")?;
            Ok(json!({ "milliwatts": watts * 1000 }))
        },
    }];
}

event_set! {
    #[derive(Debug, Clone)]
    enum Heard { LampLit }
}

const FIRST_RECEIVED: i64 = 1_700_000_000_000;

/// A body as a rule delivers it.
fn body(n: u32) -> Value {
    let now = Timestamp::from_ms(FIRST_RECEIVED - 5);
    let place = Place::new("lamp#7".parse().unwrap(), u64::from(n) + 1, u64::from(n));
    let data = LampLit { milliwatts: n };
    let cause = Cause::request("r", now);
    let event = Envelope::new(Ulid::from_bits(u128::from(n)), place, &cause, now, data);
    let detail = serde_json::to_string(&event).unwrap();
    serde_json::from_str(&delivered(&Entry::new("house.lamps", "LampLit", detail))).unwrap()
}

fn batch(bodies: &[String]) -> Batch {
    queue_batch("lamps", bodies, Timestamp::from_ms(FIRST_RECEIVED))
}

fn bodies(bodies: &[Value]) -> Vec<String> {
    bodies.iter().map(Value::to_string).collect()
}

fn invocation() -> (Invocation, Lines) {
    let (log, lines) = Log::captured("lamps");
    (Invocation::new("r", Duration::from_secs(10), &log), lines)
}

/// What each record of a batch is to do, told by its number.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Act {
    Done,
    Retry,
    Reject,
    Panic,
    Hang,
    Sleep(u64),
}

async fn act(
    acts: &(Vec<Act>, RefCell<Vec<u32>>),
    record: Record<Heard>,
    _: Live,
) -> Result<(), Failure> {
    let Heard::LampLit(lamp) = record.event.data;
    let act = acts.0[lamp.milliwatts as usize];
    match act {
        Act::Retry => return Err(Failure::retry("later")),
        Act::Reject => return Err(Failure::reject("never")),
        Act::Panic => panic!("boom"),
        Act::Hang => std::future::pending().await,
        Act::Sleep(seconds) => tokio::time::sleep(Duration::from_secs(seconds)).await,
        Act::Done => {}
    }
    acts.1.borrow_mut().push(lamp.milliwatts);
    Ok(())
}

/// Runs a record for each of `acts`; what failed, what was handled, what is in the DLQ.
async fn run(acts: &[Act], dlq: &queues::Memory) -> (Vec<String>, Vec<u32>, Vec<queues::Message>) {
    let (invocation, _) = invocation();
    let bodies = bodies(&(0..acts.len() as u32).map(body).collect::<Vec<_>>());
    let sender = queues::Sender::new(Arc::new(dlq.clone())).seeded(1);
    let harness = Harness::new("lamps").dlq(sender, "http://dlq");
    let world = (acts.to_vec(), RefCell::default());
    let failures = handle_batch(&harness, batch(&bodies), &invocation, &world, act).await;
    (failures.ids().map(str::to_owned).collect(), world.1.into_inner(), dlq.messages())
}

#[tokio::test(start_paused = true)]
async fn each_record_ends_by_itself() {
    let acts = [Act::Done, Act::Panic, Act::Retry, Act::Reject, Act::Done];
    let (failed, handled, poison) = run(&acts, &queues::Memory::new()).await;
    assert_eq!(failed, ["m1", "m2"]);
    assert_eq!(handled, [0, 4]);
    assert_eq!(poison.len(), 1);
    let attributes = &poison[0].attributes;
    assert_eq!(attributes["reason"], "never");
    assert_eq!(attributes["source-queue"], "arn:aws:sqs:us-east-1:000000000000:lamps");
    assert_eq!(attributes["poison-id"], "m3");
    assert_eq!(poison[0].body, body(3).to_string());
}

#[tokio::test(start_paused = true)]
async fn at_the_deadline_the_running_record_and_the_rest_are_returned() {
    let acts = [Act::Done, Act::Sleep(6), Act::Sleep(6), Act::Done];
    let (failed, handled, _) = run(&acts, &queues::Memory::new()).await;
    assert_eq!((failed, handled), (vec!["m2".to_owned(), "m3".to_owned()], vec![0, 1]));
    let (failed, ..) = run(&[Act::Hang, Act::Done], &queues::Memory::new()).await;
    assert_eq!(failed, ["m0", "m1"]);
}

#[tokio::test(start_paused = true)]
async fn poison_that_the_dlq_does_not_take_comes_again() {
    let dlq = queues::Memory::new();
    dlq.fail_next(delivery::Failure::permanent("AccessDenied", ""));
    let (failed, _, poison) = run(&[Act::Reject], &dlq).await;
    assert_eq!((failed.len(), poison.len()), (1, 0));
    let (invocation, _) = invocation();
    let world = (vec![Act::Reject], RefCell::default());
    let batch = batch(&bodies(&[body(0)]));
    let failures = handle_batch(&Harness::new("lamps"), batch, &invocation, &world, act).await;
    assert_eq!(failures.ids().count(), 1, "no DLQ is configured");
}

/// The reason for which a body is rejected.
async fn rejects(body: &str, reason: &str) {
    let dlq = queues::Memory::new();
    let (invocation, _) = invocation();
    let harness =
        Harness::new("lamps").dlq(queues::Sender::new(Arc::new(dlq.clone())), "http://dlq");
    let never = async |(): &(), _: Record<Heard>, _: Live| panic!("was handled");
    let failures = handle_batch(&harness, batch(&[body.to_owned()]), &invocation, &(), never).await;
    assert!(failures.is_empty(), "{body}");
    let found = dlq.messages()[0].attributes["reason"].clone();
    assert!(found.contains(reason), "{found}");
    assert_eq!(dlq.messages()[0].body, body);
}

#[tokio::test]
async fn a_body_that_can_never_be_handled_is_poison() {
    let with = |path: &str, value: Value| {
        let mut body = body(0);
        *body.pointer_mut(path).unwrap() = value;
        body.to_string()
    };
    rejects(" ", "no event").await;
    rejects("{", "no event").await;
    rejects("{}", "missing field `detail-type`").await;
    rejects(&with("/detail/metadata/id", json!("x")), "ULID").await;
    rejects(&with("/detail-type", json!("LampOut")), "detail-type LampOut holds a LampLit").await;
    rejects(&with("/detail/metadata/hops", json!(HOP_LIMIT + 1)), "33 hops").await;
    rejects(&with("/detail/metadata/schemaVersion", json!("3.0")), "newer than 2.0").await;
    rejects(&with("/detail/data", json!({ "watts": 1 })), "milliwatts").await;
    let mut other = body(0);
    other["detail-type"] = "DoorOpened".into();
    other["detail"]["metadata"]["type"] = "DoorOpened".into();
    rejects(&other.to_string(), "knows no DoorOpened").await;
}

#[tokio::test]
async fn a_record_brings_old_data_up_and_takes_its_time_from_the_queue() {
    let mut old = body(0);
    old["detail"]["metadata"]["schemaVersion"] = "1.3".into();
    old["detail"]["data"] = json!({ "watts": 4, "unknown": true });
    let (invocation, lines) = invocation();
    let check = async |(): &(), record: Record<Heard>, _: Live| {
        let Heard::LampLit(lamp) = &record.event.data;
        assert_eq!(lamp.milliwatts, 4000);
        assert_eq!(record.now.as_ms(), FIRST_RECEIVED);
        assert_eq!(record.receives, 1);
        record.log.info("seen").emit();
        record.cause().map(drop)
    };
    let batch = batch(&bodies(&[old]));
    assert!(handle_batch(&Harness::new("lamps"), batch, &invocation, &(), check).await.is_empty());
    let line: Value = serde_json::from_str(&lines.take()[0]).unwrap();
    assert_eq!(line["eventId"], "00000000000000000000000000");
    assert_eq!(line["correlationId"], "r");
    assert_eq!(line["requestId"], "r");
}

#[test]
fn failures_are_answered_in_the_one_spelling_lambda_reads() {
    let mut failures = BatchFailures::none();
    let json = |failures: &BatchFailures| serde_json::to_string(failures).unwrap();
    assert_eq!(json(&failures), r#"{"batchItemFailures":[]}"#);
    failures.push("m1".to_owned());
    assert_eq!(json(&failures), r#"{"batchItemFailures":[{"itemIdentifier":"m1"}]}"#);
}

fn replayed(name: &str) -> Vec<String> {
    let mut body = body(0);
    body["replay-name"] = name.into();
    bodies(&[body])
}

#[tokio::test]
async fn a_consumer_acks_a_replayed_record_and_does_not_see_it() {
    for name in ["x", "lamps.2.1", "order-view.2.1"] {
        let (invocation, lines) = invocation();
        let never = async |(): &(), _: Record<Heard>, _: Live| panic!("was handled");
        let batch = batch(&replayed(name));
        let failures = handle_batch(&Harness::new("lamps"), batch, &invocation, &(), never).await;
        assert!(failures.is_empty());
        assert!(lines.take().iter().any(|line| line.contains("ReplayedIgnored")));
    }
}

#[tokio::test]
async fn a_projection_handles_a_record_for_the_generations_it_counts_for() {
    let seen = async |bodies: &[String], open: &[&str]| {
        let open: Vec<String> = open.iter().map(|&generation| generation.to_owned()).collect();
        let world = RefCell::new(Vec::new());
        let (invocation, _) = invocation();
        let note = async |world: &RefCell<Vec<String>>, _: &Record<Heard>, generation: &str| {
            world.borrow_mut().push(generation.to_owned());
            Ok(())
        };
        let open = async |_: &_| Ok(open.clone());
        let harness = Harness::new("lamps");
        let batch = batch(bodies);
        let failures =
            handle_projection_batch(&harness, batch, &invocation, &world, open, note).await;
        assert!(failures.is_empty());
        world.into_inner()
    };
    let none: [&str; 0] = [];
    assert_eq!(seen(&bodies(&[body(0)]), &["1"]).await, ["1"]);
    assert_eq!(seen(&bodies(&[body(0)]), &["1", "2"]).await, ["1", "2"]);
    assert_eq!(seen(&replayed("lamps.2.1"), &["1", "2"]).await, ["2"]);
    assert_eq!(seen(&replayed("lamps.3.1"), &["1", "2"]).await, none);
    assert_eq!(seen(&replayed("other.2.1"), &["1", "2"]).await, none);
    assert_eq!(seen(&replayed("lamps"), &["1", "2"]).await, none);
    assert_eq!(seen(&replayed("lampshade.2.1"), &["1", "2"]).await, none);
    assert_eq!(seen(&replayed("lamps.2.x"), &["1", "2"]).await, none);
}

#[tokio::test]
async fn a_reason_is_made_fit_for_the_dlq() {
    let told = async |reason: &str| {
        let dlq = queues::Memory::new();
        let sender = queues::Sender::new(Arc::new(dlq.clone())).seeded(1);
        let harness = Harness::new("lamps").dlq(sender, "http://dlq");
        let reject = async |reason: &&str, _: Record<Heard>, _: Live| Err(Failure::reject(reason));
        let batch = batch(&bodies(&[body(0)]));
        let failures = handle_batch(&harness, batch, &invocation().0, &reason, reject).await;
        assert!(failures.is_empty(), "{reason:?}");
        dlq.messages()[0].attributes["reason"].clone()
    };
    assert_eq!(told("no\u{0} lamp\n\u{fffe}\u{ffff}").await, "no  lamp   ");
    assert_eq!(told("").await, "-");
    assert_eq!(told(&"\u{e4}".repeat(2000)).await, "\u{e4}".repeat(1000));
}

proptest! {
    /// Whatever the records do: each is handled, in the DLQ, or returned, and only one of them.
    #[test]
    fn every_record_has_one_end(kinds in prop::collection::vec(0usize..6, 0..12)) {
        let known = [Act::Done, Act::Retry, Act::Reject, Act::Panic, Act::Hang, Act::Sleep(4)];
        let acts: Vec<Act> = kinds.iter().map(|&kind| known[kind]).collect();
        let runtime =
            tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build();
        let (failed, handled, poison) =
            runtime.unwrap().block_on(run(&acts, &queues::Memory::new()));
        let mut ends: Vec<String> = handled.iter().map(|n| format!("m{n}")).collect();
        ends.extend(failed);
        ends.extend(poison.iter().map(|message| message.attributes["poison-id"].clone()));
        ends.sort();
        let mut all: Vec<String> = (0..acts.len()).map(|n| format!("m{n}")).collect();
        all.sort();
        prop_assert_eq!(ends, all);
    }
}
