//! Faults in decisions and at commits.

use super::*;
use crate::engine::testing::{World, rule, target};
use crate::engine::{
    Asked, Cause, Delivered, Engine, Fact, Log, MemoryLog, SeededRandom, Setup, State, start,
};
use crate::services::bus::{EventEntry, PutEvents};
use crate::services::queue::{MessageToSend, SendMessages};
use crate::services::stack::ApplyTemplate;
use crate::storage::Fold;
use crate::topology::{QueueSpec, Region, Spec};
use bytes::Bytes;
use std::io;
use std::sync::Mutex;
use tokio::sync::mpsc::unbounded_channel;

const SECOND: Duration = Duration::from_secs(1);

fn world(faults: &Arc<Injector>) -> World {
    let mut world = World::with(faults.clone());
    let to_orders = target(Region::default().queue("orders"));
    world.apply(vec![
        Spec::Queue(QueueSpec::named("orders")),
        Spec::Rule(rule("all", r#"{"source":["shop"]}"#, vec![to_orders])),
    ]);
    world
}

fn publish(world: &mut World) {
    let text = |text: &str| Some(text.to_owned());
    let (source, detail_type, detail) = (text("shop"), text("Placed"), text("{}"));
    let entry = EventEntry { source, detail_type, detail, ..EventEntry::default() };
    world.ask(PutEvents { entries: vec![entry] });
}

#[test]
fn a_duplicated_delivery_is_two_messages_of_one_event() {
    let faults = Injector::new(Plan::quiet(1));
    let mut world = world(&faults);
    let hit = faults.once(At::delivery().of("orders"), Injected::Duplicate(SECOND));
    publish(&mut world);
    assert!(hit.has_struck());
    let first = world.receive("orders");
    assert_eq!(first.len(), 1, "the second comes later");
    world.pass(SECOND);
    let second = world.receive("orders");
    assert_eq!(second.len(), 1);
    assert_eq!(world.text(first[0].body), world.text(second[0].body));
    publish(&mut world);
    assert_eq!(world.receive("orders").len(), 1, "it struck once");
    assert_eq!(faults.counts().of("duplicate"), 1);
}

#[test]
fn a_duplicated_message_has_one_id_as_in_sqs() {
    let faults = Injector::new(Plan::quiet(1));
    let mut world = world(&faults);
    faults.once(At::delivery(), Injected::Duplicate(Duration::ZERO));
    let from = world.journal.len();
    world.send("orders", "a");
    let sent: Vec<_> = world
        .facts(from)
        .into_iter()
        .filter_map(|fact| match fact {
            Fact::MessageSent { message, .. } => Some(message),
            _ => None,
        })
        .collect();
    assert_eq!(sent.len(), 2);
    assert_eq!((sent[0].id, sent[0].body), (sent[1].id, sent[1].body));
    let handed = world.receive("orders");
    world.delete("orders", &handed[..1]);
    assert_eq!(world.queue("orders").len(), 1, "each is deleted for itself");
    assert_eq!(world.text(handed[1].body), "a");
}

#[test]
fn a_delayed_message_is_overtaken() {
    let faults = Injector::new(Plan::quiet(1));
    let mut world = world(&faults);
    faults.once(At::delivery(), Injected::Delay(SECOND));
    world.send("orders", "first");
    world.send("orders", "second");
    let texts = |world: &mut World| -> Vec<String> {
        let handed = world.receive("orders");
        handed.iter().map(|h| world.text(h.body)).collect()
    };
    assert_eq!(texts(&mut world), ["second"]);
    world.pass(SECOND);
    assert_eq!(texts(&mut world), ["first"]);
}

#[test]
fn the_same_seed_makes_the_same_journal_and_it_is_folded_without_faults() {
    let run = |seed| {
        let plan = Plan::parse("duplicate=0.3,delay=0.3:2s", seed).unwrap();
        let mut world = world(&Injector::new(plan));
        for n in 0..50 {
            publish(&mut world);
            world.send("orders", &n.to_string());
        }
        world.pass(Duration::from_secs(3));
        let mut folded = State::default();
        world.journal.iter().for_each(|record| Fold::apply(&mut folded, record).unwrap());
        assert!(folded.save() == world.state().save(), "seed {seed}");
        assert_eq!(world.queue("orders").visible(), world.queue("orders").len(), "seed {seed}");
        (world.queue("orders").len(), world.journal)
    };
    let (messages, journal) = run(3);
    assert!((115..150).contains(&messages), "about a third of 100 came twice: {messages}");
    assert_eq!(run(3).1, journal);
    assert_ne!(run(4).1, journal);
}

#[test]
fn an_injector_that_is_asked_for_nothing_changes_nothing() {
    let journal = |mut world: World| {
        world.apply(vec![Spec::Queue(QueueSpec::named("orders"))]);
        world.send("orders", "a");
        world.journal
    };
    let quiet = World::with(Injector::new(Plan::quiet(1)));
    assert_eq!(journal(quiet), journal(World::new()));
}

/// A log whose records are still there when the engine is not.
struct Kept(MemoryLog, Arc<Mutex<Vec<Vec<u8>>>>);

impl Log for Kept {
    fn commit(&mut self, records: Vec<Vec<u8>>, bodies: Vec<(u64, Bytes)>) -> io::Result<()> {
        self.1.lock().unwrap().extend(records.iter().cloned());
        self.0.commit(records, bodies)
    }

    fn reader(&self) -> Arc<dyn Fn(u64) -> io::Result<Bytes> + Send + Sync> {
        self.0.reader()
    }

    fn history(&self) -> Arc<dyn crate::engine::History> {
        self.0.history()
    }

    fn release(&mut self, bodies: &[u64]) {
        self.0.release(bodies);
    }
}

fn asked() -> Asked {
    Asked { caller: Caller::Operator, cause: Cause::Request(Id(1)) }
}

/// Starts on what is kept.
fn engine(kept: &Arc<Mutex<Vec<Vec<u8>>>>, faults: &Arc<Injector>) -> Engine {
    let mut state = State::default();
    let records = kept.lock().unwrap().clone();
    records.iter().for_each(|record| Fold::apply(&mut state, record).unwrap());
    let started = start(Setup {
        state,
        facts: records.len() as u64,
        region: Region::default(),
        clock: Arc::new(crate::clock::SystemClock),
        random: Box::new(SeededRandom::new(1)),
        log: Box::new(Kept(MemoryLog::default(), kept.clone())),
        effects: unbounded_channel().0,
        fatal: Box::new(|error| panic!("{error}")),
        faults: faults.clone(),
    });
    started.unwrap()
}

/// Crashes where `at` says, and tells how many messages a new start finds.
async fn after_a_crash(at: At) -> usize {
    let (kept, faults) = (Arc::default(), Injector::new(Plan::quiet(1)));
    let first = engine(&kept, &faults);
    let resources =
        crate::engine::testing::resources(vec![Spec::Queue(QueueSpec::named("orders"))]);
    let template = ApplyTemplate { stack: "shop".into(), resources, ..Default::default() };
    first.submit(template, asked()).await.unwrap();
    let mut hit = faults.once(at, Injected::Crash);
    let message = MessageToSend { body: Bytes::from_static(b"hello"), ..Default::default() };
    let send = SendMessages { queue: "orders".into(), messages: vec![message] };
    assert!(first.submit(send, asked()).await.is_err(), "nobody is told anything");
    hit.hit().await;
    first.stop();
    faults.begin_again();
    let second = engine(&kept, &faults);
    let there = second.read(|state, _| state.queues["orders"].len()).await.unwrap();
    second.stop();
    there
}

#[tokio::test]
async fn a_crash_before_a_commit_loses_what_nobody_was_told_of() {
    let at = At::commit(|fact| matches!(fact, Fact::MessageSent { .. }));
    assert_eq!(after_a_crash(at).await, 0);
}

#[tokio::test]
async fn a_crash_after_a_commit_keeps_what_nobody_was_told_of() {
    let at = At::committed(|fact| matches!(fact, Fact::MessageSent { .. }));
    assert_eq!(after_a_crash(at).await, 1);
}

#[test]
fn what_was_delivered_twice_stands_in_the_fact_of_the_event() {
    let faults = Injector::new(Plan::quiet(1));
    let mut world = world(&faults);
    faults.once(At::delivery(), Injected::Duplicate(SECOND));
    let from = world.journal.len();
    publish(&mut world);
    let facts = world.facts(from);
    let [Fact::EventAccepted { deliveries, .. }] = facts.as_slice() else { panic!("{facts:?}") };
    let delayed: Vec<bool> = deliveries
        .iter()
        .map(|delivery| match &delivery.outcome {
            Delivered::Queued { message, .. } => message.delayed.is_some(),
            other => panic!("{other:?}"),
        })
        .collect();
    assert_eq!(delayed, [false, true]);
}
