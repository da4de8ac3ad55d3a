mod writes;

use super::*;
use crate::{
    consumer::{Harness, handle_batch},
    ids::Ids,
    observability::{Lines, Log},
    publisher::Entry,
    runtime::Invocation,
    store::Kind,
    table::{Condition, Fault, Key, Memory, Op},
    testing::{Crash, delivered, queue_batch},
};
use pointsman_event::{
    Cause, Command, Due, Envelope, Event, HOP_LIMIT, Origin, Place, SchemaVersion, Timestamp, Ulid,
    command_set, event_set, message_set,
};
use proptest::prelude::*;
use serde::{Deserialize, Serialize};
use std::{cell::Cell, sync::Arc, time::Duration};

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct BulbBurst {
    lamp: u32,
}

impl Event for BulbBurst {
    const NAME: &str = "BulbBurst";
    const VERSION: SchemaVersion = SchemaVersion::new(1, 0);
    const SOURCE: &str = "house.lamps";
    const STREAM: &str = "lamp";
    const OWNER: &str = "house";
    const REASON: &str = "A room became dark.";
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct RepairBegun {
    left: u32,
}

impl Event for RepairBegun {
    const NAME: &str = "RepairBegun";
    const VERSION: SchemaVersion = SchemaVersion::new(1, 0);
    const SOURCE: &str = "house.repairs";
    const STREAM: &str = "repair";
    const OWNER: &str = "house";
    const REASON: &str = "Somebody cares.";
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct LookAgain {
    due: Timestamp,
}

impl Command for LookAgain {
    const NAME: &str = "LookAgain";
    const VERSION: SchemaVersion = SchemaVersion::new(1, 0);
    const ORIGIN: Origin = Origin::Stream { stream: "repair", source: "house.repairs" };
    const OWNER: &str = "house";
    const REASON: &str = "A repair takes its time.";
}

event_set! {
    #[derive(Debug, Clone, PartialEq)]
    enum LampEvent { BulbBurst }
}
event_set! {
    #[derive(Debug, Clone, PartialEq)]
    enum RepairEvent { RepairBegun }
}
command_set! {
    #[derive(Debug, Clone, PartialEq)]
    enum RepairCommand { LookAgain }
}
message_set! {
    #[derive(Debug, Clone, PartialEq)]
    enum Inbox { Lamp(LampEvent), Own(RepairCommand) }
}
message_set! {
    #[derive(Debug, Clone, PartialEq)]
    enum Repair { Event(RepairEvent), Command(RepairCommand) }
}

const NOW: Timestamp = Timestamp::from_ms(1_700_000_000_000);
const MINUTE: i64 = 60_000;

fn later(ms: i64) -> Timestamp {
    Timestamp::from_ms(NOW.as_ms() + ms)
}

/// A body with the message `n`, hops from its request.
fn body(n: u128, name: &str, data: serde_json::Value, hops: u32) -> String {
    let place = Place::new("lamp#7".parse().unwrap(), 1, 0);
    let declared = (name, SchemaVersion::new(1, 0), "house.lamps");
    let cause = Cause::request("r", NOW);
    let mut metadata =
        pointsman_event::Metadata::new(Ulid::from_bits(n), declared, place, &cause, NOW);
    metadata.hops = hops;
    let detail = serde_json::to_string(&Envelope { metadata, data }).unwrap();
    delivered(&Entry::new("house.lamps", name, detail))
}

fn burst(n: u128) -> String {
    body(n, "BulbBurst", serde_json::json!({ "lamp": 7 }), 3)
}

fn stream() -> StreamName {
    "repair#7".parse().unwrap()
}

struct World {
    tables: Memory,
    process: Process,
    /// How often it was decided.
    rounds: Cell<u32>,
    lines: Lines,
    log: Log,
}

fn world() -> World {
    let tables = Memory::new();
    let store = Store::new(Arc::new(tables.clone()), "EventStore").with_ids(Ids::seeded(1));
    let (log, lines) = Log::captured("repair");
    let process = Process::new("repair", store, "Services").seeded(1);
    World { tables, process, rounds: Cell::new(0), lines, log }
}

impl World {
    /// Has these bodies handled by `decide`; how many are to come again.
    async fn handle(
        &self,
        bodies: &[String],
        decide: impl AsyncFn(&Turn, &Record<Inbox>, &Live) -> Result<Decision, Failure>,
    ) -> usize {
        let handle = async |world: &Self, record: Record<Inbox>, live: Live| {
            let decide = async |turn: &Turn| {
                world.rounds.set(world.rounds.get() + 1);
                decide(turn, &record, &live).await
            };
            world.process.handle(&live, &record, &stream(), decide).await.map(drop)
        };
        let invocation = Invocation::new("r", Duration::from_secs(9), &self.log);
        let batch = queue_batch("repair", bodies, NOW);
        let harness = Harness::new("repair");
        handle_batch(&harness, batch, &invocation, self, handle).await.ids().count()
    }

    async fn rows(&self) -> Vec<Row> {
        self.process.store().read(&stream()).await.unwrap().rows
    }

    fn services(&self) -> usize {
        self.tables.items("Services").len()
    }

    fn logged(&self, text: &str) -> bool {
        self.lines.take().iter().any(|line| line.contains(text))
    }
}

/// The pure part: repairs are counted, and looked at again a minute later.
fn decide(
    begun: u32,
    inbox: &Inbox,
    now: Timestamp,
) -> (Vec<RepairEvent>, Vec<Due<RepairCommand>>) {
    match inbox {
        Inbox::Lamp(_) => (
            vec![RepairBegun { left: begun + 1 }.into()],
            vec![Due::at(LookAgain { due: later(MINUTE) }, later(MINUTE))],
        ),
        Inbox::Own(RepairCommand::LookAgain(look)) if now < look.due => {
            (vec![], vec![Due::again(look.clone(), look.due)])
        }
        Inbox::Own(_) => (vec![], vec![]),
    }
}

async fn count(turn: &Turn, record: &Record<Inbox>, _: &Live) -> Result<Decision, Failure> {
    let begun = turn.fold(0, |begun, _: &RepairEvent| begun + 1)?;
    Ok(decide(begun, &record.event.data, record.now).into())
}

#[tokio::test(start_paused = true)]
async fn a_step_writes_events_commands_and_the_marker_at_once() {
    let world = world();
    assert_eq!(world.handle(&[burst(1)], count).await, 0);
    let rows = world.rows().await;
    let found: Vec<_> =
        rows.iter().map(|row| (row.kind, row.due, row.envelope.metadata.hops)).collect();
    assert_eq!(found, [(Kind::Event, None, 4), (Kind::Command, Some(later(MINUTE)), 4)]);
    let metadata = &rows[1].envelope.metadata;
    assert_eq!((metadata.version, metadata.previous), (2, 1));
    assert_eq!(metadata.causation_id, Ulid::from_bits(1).to_string());
    assert_eq!(metadata.correlation_id, "r");
    let marker = &world.tables.items("Services")[0];
    let expected = format!("marker#repair#1#{}", Ulid::from_bits(1));
    assert_eq!(marker["pk"].as_s(), Some(expected.as_str()));
    let lines = world.lines.take();
    let told = |row: &Row| {
        let id = format!(r#""rowId":"{}""#, row.envelope.metadata.id);
        let told = lines.iter().filter(|line| line.contains(&id));
        told.filter(|line| line.contains(r#""correlationId":"r""#)).count()
    };
    assert_eq!(rows.iter().map(told).collect::<Vec<_>>(), [1, 1], "{lines:#?}");
}

#[tokio::test(start_paused = true)]
async fn the_state_may_be_folded_from_commands_as_well() {
    let world = world();
    assert_eq!(world.handle(&[burst(1), burst(2)], count).await, 0);
    let seen = async |turn: &Turn, _: &Record<Inbox>, _: &Live| {
        let all = turn.fold(vec![], |mut all, row: &Repair| {
            all.push(matches!(row, Repair::Command(_)));
            all
        })?;
        assert_eq!(all, [false, true, false, true]);
        let events = turn.fold(vec![], |mut all, RepairEvent::RepairBegun(begun)| {
            all.push(begun.left);
            all
        })?;
        assert_eq!(events, [1, 2]);
        assert_eq!(turn.history().position.version(), 4);
        assert!(turn.fold((), |(), _: &LampEvent| ()).is_err_and(|failure| !failure.is_reject()));
        Ok(Decision::nothing())
    };
    assert_eq!(world.handle(&[burst(3)], seen).await, 0);
    assert_eq!(world.rounds.get(), 3);
}

#[tokio::test(start_paused = true)]
async fn a_record_that_comes_again_is_done_and_one_with_other_data_is_not() {
    let world = world();
    let other = body(1, "BulbBurst", serde_json::json!({ "lamp": 8 }), 3);
    assert_eq!(world.handle(&[burst(1), burst(1)], count).await, 0);
    assert!(world.logged("DuplicateSkipped"));
    assert_eq!(world.handle(&[other], count).await, 1, "rejected, without a DLQ");
    assert!(world.logged("was handled with other data"));
    assert_eq!(world.rows().await.len(), 2);
}

#[tokio::test(start_paused = true)]
async fn a_command_before_its_time_is_put_off_without_a_hop() {
    let world = world();
    let look = |due| serde_json::json!({ "due": due });
    let early = body(1, "LookAgain", look(later(MINUTE)), HOP_LIMIT);
    assert_eq!(world.handle(&[early], count).await, 0);
    let rows = world.rows().await;
    assert_eq!((rows[0].kind, rows[0].due), (Kind::Command, Some(later(MINUTE))));
    assert_eq!(rows[0].envelope.metadata.hops, HOP_LIMIT);
    let far = body(2, "BulbBurst", serde_json::json!({ "lamp": 7 }), HOP_LIMIT);
    assert_eq!(world.handle(&[far], count).await, 1);
    assert!(world.logged("a feedback loop?"));
}

#[tokio::test(start_paused = true)]
async fn when_another_came_first_it_is_decided_again_on_what_is_there_then() {
    let world = world();
    let first = Process::new("other", world.process.store().clone(), "Services");
    let rival = async |turn: &Turn, record: &Record<Inbox>, live: &Live| {
        if world.rounds.get() == 1 {
            let begun = async |_: &Turn| {
                Ok(Decision::nothing().event(RepairEvent::from(RepairBegun { left: 9 })))
            };
            let done = first.handle(live, record, &stream(), begun).await?;
            assert!(matches!(done, Done::Written(rows) if rows.len() == 1));
        }
        count(turn, record, live).await
    };
    assert_eq!(world.handle(&[burst(1)], rival).await, 0);
    assert_eq!(world.rounds.get(), 2);
    let rows = world.rows().await;
    assert_eq!(rows[1].envelope.data["left"], 2);
    assert!(world.logged("DecidedAgain"));
}

#[tokio::test(start_paused = true)]
async fn a_condition_that_is_false_is_told_to_the_next_decision() {
    let world = world();
    let stock = Key::new("Services", "stock#bulb", "stock");
    let take = async |turn: &Turn, _: &Record<Inbox>, _: &Live| {
        let left = match turn.refused() {
            None => 1,
            Some(name) => {
                assert_eq!(name, "OutOfStock");
                0
            }
        };
        let decision = Decision::nothing().event(RepairEvent::from(RepairBegun { left }));
        if left == 0 {
            return Ok(decision);
        }
        let op = Op::update(stock.clone()).add("left", -1).when(Condition::at_least("left", 1));
        Ok(decision.effect("OutOfStock", op))
    };
    world.tables.force(Op::update(stock.clone()).set("left", 1));
    assert_eq!(world.handle(&[burst(1), burst(2)], take).await, 0);
    assert_eq!(world.rounds.get(), 3);
    let left: Vec<_> =
        world.rows().await.iter().map(|row| row.envelope.data["left"].clone()).collect();
    assert_eq!(left, [1, 0]);
    let row = world.tables.items("Services").into_iter().find(|row| row.contains_key("left"));
    assert_eq!(row.and_then(|row| row["left"].as_n::<i64>()), Some(0));
}

#[tokio::test(start_paused = true)]
async fn another_stream_that_changed_since_it_was_looked_at_is_looked_at_again() {
    let world = world();
    let (store, lamp) = (world.process.store(), "lamp#7".parse().unwrap());
    let watch = async |_: &Turn, record: &Record<Inbox>, live: &Live| {
        let position = store.read(&lamp).await?.position;
        if world.rounds.get() == 1 {
            let burst = crate::store::New::event(&LampEvent::from(BulbBurst { lamp: 7 }))?;
            let row = store.append(live, &position, &record.cause()?, record.now, [burst])?;
            let transaction = row.add_to(crate::transaction::Transaction::new());
            let verdict = transaction.commit(store.tables(), record.deadline).await?;
            assert_eq!(verdict, Verdict::Committed);
        }
        let left = u32::try_from(position.version()).unwrap();
        Ok(Decision::nothing()
            .event(RepairEvent::from(RepairBegun { left }))
            .effect("Closed", store.close(live, &stream()))
            .guard("Changed", store.unchanged(&position)))
    };
    assert_eq!(world.handle(&[burst(1)], watch).await, 0);
    assert_eq!(world.rows().await[0].envelope.data["left"], 1);
    // From now on the guard is set: the same decision is refused for good, and told why.
    assert_eq!(world.handle(&[burst(2)], watch).await, 1);
    assert_eq!(world.rounds.get(), 2 + ROUNDS as u32);
    assert!(world.logged("decided 5 times on repair#7, the last time: Closed"));
}

#[tokio::test(start_paused = true)]
async fn a_refusal_is_told_to_the_very_next_decision_alone() {
    let world = world();
    let told = std::cell::RefCell::new(vec![]);
    let rival = Process::new("other", world.process.store().clone(), "Services");
    let step = async |turn: &Turn, record: &Record<Inbox>, live: &Live| {
        told.borrow_mut().push(turn.refused());
        let begun = || Decision::nothing().event(RepairEvent::from(RepairBegun { left: 0 }));
        match world.rounds.get() {
            1 => {
                let never = Op::check(Key::new("Services", "no", "no"), Condition::Exists);
                return Ok(begun().guard("No", never));
            }
            2 => drop(rival.handle(live, record, &stream(), async |_| Ok(begun())).await?),
            _ => {}
        }
        Ok(begun())
    };
    assert_eq!(world.handle(&[burst(1)], step).await, 0);
    assert_eq!(*told.borrow(), [None, Some("No"), None]);
}

#[tokio::test(start_paused = true)]
async fn a_lost_answer_leaves_one_step_behind() {
    let world = world();
    for fault in [Fault::Unsent, Fault::Conflict, Fault::LostAnswer] {
        world.tables.fail_next(fault);
    }
    assert_eq!(world.handle(&[burst(1)], count).await, 0);
    assert!(world.logged("DuplicateSkipped"));
    assert_eq!((world.rows().await.len(), world.services()), (2, 1));
}

#[tokio::test(start_paused = true)]
async fn what_does_not_belong_to_the_stream_is_the_codes_fault() {
    let world = world();
    let wrong = async |_: &Turn, _: &Record<Inbox>, _: &Live| {
        Ok(Decision::nothing().event(LampEvent::from(BulbBurst { lamp: 7 })))
    };
    assert_eq!(world.handle(&[burst(1)], wrong).await, 1);
    assert!(world.logged("belongs to a stream of type lamp"));
    assert!(!world.logged("Rejected"));
}

proptest! {
    /// Records in any order, doubled, on a table that fails, under a process that dies: once all
    /// were acked, each is in the stream once, and the stream has no gap.
    #[test]
    fn every_record_takes_one_step(
        deliveries in prop::collection::vec(1u128..6, 1..12),
        seed: u64,
        percent in 0u8..30,
    ) {
        let runtime =
            tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build();
        runtime.unwrap().block_on(async {
            let (world, crash) = (world(), Crash::new());
            world.tables.flaky(seed, percent);
            world.tables.crashing(&crash, seed, percent);
            for n in &deliveries {
                let bodies = [burst(*n)];
                while crash.run(world.handle(&bodies, count)).await != Some(0) {}
            }
            world.tables.flaky(0, 0);
            let rows = world.rows().await;
            let mut distinct = deliveries.clone();
            distinct.sort_unstable();
            distinct.dedup();
            let causes: Vec<&str> =
                rows.iter().map(|row| row.envelope.metadata.causation_id.as_str()).collect();
            for n in &distinct {
                let id = Ulid::from_bits(*n).to_string();
                prop_assert_eq!(causes.iter().filter(|cause| **cause == id).count(), 2);
            }
            prop_assert_eq!(rows.len(), 2 * distinct.len());
            let counted: Vec<_> =
                rows.iter().filter_map(|row| row.envelope.data["left"].as_u64()).collect();
            prop_assert_eq!(counted, (1..=distinct.len() as u64).collect::<Vec<_>>());
            Ok(())
        })?;
    }
}
