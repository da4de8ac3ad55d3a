//! Table → stream → mapping → function, and what a crash between any two of them costs.

use super::fake::{Fake, script};
use super::*;
use crate::adapters::tables::{Bounds, StreamRecord, TablesError};
use crate::engine::Fault;
use crate::engine::testing::function;
use crate::services::MoveClock;
use crate::services::mapping::TakeRecords;
use crate::topology::{MappingSource, MappingSpec, StartingPosition};
use async_trait::async_trait;
use serde_json::json;
use std::sync::atomic::{AtomicBool, Ordering};
use tokio::sync::mpsc::UnboundedReceiver;
use tokio::sync::watch;

pub(super) fn stream_to_echo(change: impl FnOnce(&mut MappingSpec)) -> Vec<Spec> {
    let mut mapping = MappingSpec {
        uuid: "store-to-echo".into(),
        function: "echo".into(),
        source: MappingSource::Stream {
            table: "store".into(),
            starting: StartingPosition::TrimHorizon,
            max_attempts: None,
            max_age_seconds: None,
            bisect: false,
            parallelization: 1,
            on_failure: None,
        },
        enabled: true,
        batch_size: 10,
        window: 0,
        report_failures: true,
        filters: vec![],
    };
    change(&mut mapping);
    vec![Spec::Function(function("echo")), Spec::Mapping(mapping)]
}

/// Answers by `answer`; the test is told the ids of each event's items after the answer.
fn ids_told(
    answer: impl Fn(&Value) -> Result<String, String> + Clone + Send + Sync + 'static,
) -> (Script, UnboundedReceiver<Vec<String>>) {
    let (tell, told) = unbounded_channel();
    let run = script(move |mut fake: Fake| {
        let (tell, answer) = (tell.clone(), answer.clone());
        async move {
            loop {
                let Ok(given) = fake.next().await else { return 0 };
                let event: Value = serde_json::from_str(&given.payload).unwrap();
                let records = event["Records"].as_array().unwrap();
                let id =
                    |r: &Value| r["dynamodb"]["NewImage"]["id"]["S"].as_str().unwrap().to_owned();
                tell.send(records.iter().map(id).collect()).unwrap();
                match answer(&event) {
                    Ok(answer) => fake.respond(&given.request, &answer).await,
                    Err(error) => fake.fail(&given.request, "Broken", &error).await,
                };
            }
        }
    });
    (run, told)
}

fn all_well() -> (Script, UnboundedReceiver<Vec<String>>) {
    ids_told(|_| Ok("{}".into()))
}

fn put(world: &World, ids: impl IntoIterator<Item = u32>) {
    for id in ids {
        world.tables.put("store", json!({ "id": { "S": id.to_string() } }), false, None).unwrap();
    }
    world.tables.sync();
}

/// The next `count` ids that the function was given, in the order given.
async fn given(told: &mut UnboundedReceiver<Vec<String>>, count: usize) -> Vec<u32> {
    let mut ids = vec![];
    while ids.len() < count {
        let next = soon(told.recv()).await.unwrap();
        ids.extend(next.iter().map(|id| id.parse::<u32>().unwrap()));
    }
    ids
}

#[tokio::test]
async fn records_reach_the_function_in_order_and_once_when_all_goes_well() {
    let (run, mut told) = all_well();
    let world = World::new(stream_to_echo(|_| {}), run).await;
    put(&world, 0..25);
    assert_eq!(given(&mut told, 25).await, (0..25).collect::<Vec<_>>());
    put(&world, 25..27);
    assert_eq!(given(&mut told, 2).await, [25, 26]);
    world.until(|state| state.invocations.is_empty()).await;
    assert!(told.try_recv().is_err());
}

#[tokio::test]
async fn what_is_not_durable_in_the_table_is_not_read() {
    let (run, mut told) = all_well();
    let world = World::new(stream_to_echo(|_| {}), run).await;
    world.tables.put("store", json!({ "id": { "S": "999" } }), false, None).unwrap();
    world.tables.crash();
    put(&world, 0..1);
    assert_eq!(given(&mut told, 1).await, [0]);
}

#[tokio::test]
async fn a_mapping_that_begins_at_the_latest_record_passes_over_the_older_ones_alone() {
    let (run, mut told) = all_well();
    let world = World::new(vec![], run).await;
    put(&world, 0..3);
    let latest = |mapping: &mut MappingSpec| {
        let MappingSource::Stream { starting, .. } = &mut mapping.source else { unreachable!() };
        *starting = StartingPosition::Latest;
    };
    world.apply(stream_to_echo(latest)).await;
    world.until(|state| state.mappings["store-to-echo"].cursor.is_some()).await;
    put(&world, 3..5);
    assert_eq!(given(&mut told, 2).await, [3, 4]);
}

#[tokio::test]
async fn a_failed_batch_is_tried_again_and_bisected() {
    let (run, mut told) = ids_told(|event| {
        let records = event["Records"].as_array().unwrap();
        if records.len() > 1 { Err("too many".into()) } else { Ok("{}".into()) }
    });
    let bisecting = |mapping: &mut MappingSpec| {
        let MappingSource::Stream { bisect, .. } = &mut mapping.source else { unreachable!() };
        *bisect = true;
        mapping.batch_size = 4;
    };
    let world = World::new(vec![], run).await;
    put(&world, 0..2);
    world.apply(stream_to_echo(bisecting)).await;
    assert_eq!(given(&mut told, 2).await, [0, 1]);
    assert_eq!(given(&mut told, 2).await, [0, 1], "one by one after the failure");
    world.until(|state| state.invocations.is_empty()).await;
}

#[tokio::test]
async fn a_partial_failure_goes_on_from_the_first_that_failed() {
    let failed_once = Arc::new(AtomicBool::new(false));
    let (run, mut told) = ids_told(move |event| {
        let third = &event["Records"][2]["dynamodb"]["SequenceNumber"];
        if failed_once.swap(true, Ordering::SeqCst) {
            return Ok("{}".into());
        }
        Ok(json!({ "batchItemFailures": [{ "itemIdentifier": third }] }).to_string())
    });
    let world = World::new(vec![], run).await;
    put(&world, 0..4);
    world.apply(stream_to_echo(|_| {})).await;
    assert_eq!(given(&mut told, 4).await, [0, 1, 2, 3]);
    assert_eq!(given(&mut told, 2).await, [2, 3]);
}

#[tokio::test]
async fn unwanted_records_are_passed_over_without_an_invocation() {
    let (run, mut told) = all_well();
    let wanted = r#"{"dynamodb":{"NewImage":{"id":{"S":["3","7"]}}}}"#;
    let filtering = |mapping: &mut MappingSpec| {
        mapping.filters = vec![wanted.to_owned()];
        mapping.batch_size = 2;
    };
    let world = World::new(stream_to_echo(filtering), run).await;
    put(&world, 0..9);
    assert_eq!(given(&mut told, 2).await, [3, 7]);
    let last = "100000000000000000009";
    world.until(|s| s.mappings["store-to-echo"].cursor.as_deref() == Some(last)).await;
    assert_eq!(world.read(|state| state.functions["echo"].counts.started).await, 2);
}

#[tokio::test]
async fn fewer_records_than_a_batch_wait_for_the_window_of_engine_time() {
    let (run, mut told) = all_well();
    let windowed = |mapping: &mut MappingSpec| {
        mapping.window = 300;
        mapping.batch_size = 3;
    };
    let world = World::new(stream_to_echo(windowed), run).await;
    put(&world, 0..2);
    world.until(|state| state.mappings["store-to-echo"].due().is_some()).await;
    assert!(told.try_recv().is_err());
    world.engine.submit(MoveClock { by_ms: 301_000 }, asked()).await.unwrap();
    assert_eq!(given(&mut told, 2).await, [0, 1]);
    world.until(|state| state.invocations.is_empty()).await;
    put(&world, 2..4);
    world.until(|state| state.mappings["store-to-echo"].due().is_some()).await;
    put(&world, 4..5);
    assert_eq!(given(&mut told, 3).await, [2, 3, 4], "a full batch does not wait");
}

#[tokio::test]
async fn a_mapping_switched_off_reads_nothing_until_it_is_switched_on() {
    let (run, mut told) = all_well();
    let world = World::new(stream_to_echo(|mapping| mapping.enabled = false), run).await;
    put(&world, 0..2);
    world.apply(stream_to_echo(|_| {})).await;
    assert_eq!(given(&mut told, 2).await, [0, 1]);
}

#[tokio::test]
async fn records_read_from_a_place_that_was_left_since_are_not_taken() {
    let (run, mut told) = all_well();
    let world = World::new(stream_to_echo(|_| {}), run).await;
    put(&world, 0..2);
    given(&mut told, 2).await;
    world.until(|state| state.invocations.is_empty()).await;
    let stale = TakeRecords {
        mapping: "store-to-echo".into(),
        after: None,
        sequences: vec!["100000000000000000001".into()],
        read: vec![],
        written: vec![crate::clock::Time(0)],
        payload: Some(Bytes::from_static(b"{}")),
    };
    let taken: Result<bool, Fault> = world.engine.submit(stale, asked()).await;
    assert_eq!(taken, Ok(false));
}

/// A store that fails now and then, as a disk may.
struct Unwell {
    tables: Arc<MemoryTables>,
    fails: AtomicBool,
}

#[async_trait]
impl StreamSource for Unwell {
    async fn read(
        &self,
        table: &str,
        after: Option<&str>,
        limit: usize,
    ) -> Result<Vec<StreamRecord>, TablesError> {
        if self.fails.swap(false, Ordering::SeqCst) {
            return Err(TablesError::Failed("not now".into()));
        }
        self.tables.read(table, after, limit).await
    }

    async fn bounds(&self, table: &str) -> Result<Bounds, TablesError> {
        self.tables.bounds(table).await
    }

    fn woken(&self) -> watch::Receiver<u64> {
        self.tables.woken()
    }

    fn writer(&self, table: &str, sequence: &str) -> Option<String> {
        self.tables.writer(table, sequence)
    }
}

#[tokio::test]
async fn a_store_that_refuses_once_is_asked_again_and_the_reason_is_in_the_log() {
    let (run, mut told) = all_well();
    let world = World::new(vec![echo()], run).await;
    put(&world, 0..2);
    let unwell = Unwell { tables: world.tables.clone(), fails: AtomicBool::new(true) };
    let (logs, tasks) = (world.runner.logs().clone(), Arc::new(Tasks::default()));
    let (mut follow, engine) = (logs.follow(), world.engine.clone());
    // A second reader beside the runner's: whichever is faster takes the records, and they are given once.
    tasks.spawn(stream::read_all(engine, Arc::new(unwell), logs, tasks.clone()));
    world.apply(stream_to_echo(|_| {})).await;
    assert_eq!(given(&mut told, 2).await, [0, 1]);
    let said = soon(async {
        loop {
            let line = follow.recv().await.unwrap();
            if let Said::Trouble(text) = &line.said {
                return text.clone();
            }
        }
    });
    assert_eq!(said.await, "mapping store-to-echo reads nothing: not now");
    assert!(told.try_recv().is_err());
    tasks.abort();
}
