//! What mappings do with the streams of tables.

use super::*;
use crate::clock::Time;
use crate::engine::{Delivered, ReadRecord};
use crate::topology::{Region, StartingPosition};
use bytes::Bytes;
use serde_json::{Value, json};

struct Stream {
    max_attempts: Option<u32>,
    max_age_seconds: Option<u32>,
    bisect: bool,
    on_failure: bool,
    table: &'static str,
    window: u32,
}

const PLAIN: Stream = Stream {
    max_attempts: None,
    max_age_seconds: None,
    bisect: false,
    on_failure: true,
    table: "events",
    window: 0,
};

fn specs(stream: &Stream) -> Vec<Spec> {
    let mapping = MappingSpec {
        uuid: "m".into(),
        function: "relay".into(),
        source: MappingSource::Stream {
            table: stream.table.into(),
            starting: StartingPosition::TrimHorizon,
            max_attempts: stream.max_attempts,
            max_age_seconds: stream.max_age_seconds,
            bisect: stream.bisect,
            parallelization: 1,
            on_failure: stream.on_failure.then(|| Region::default().queue("lost")),
        },
        enabled: true,
        batch_size: 100,
        window: stream.window,
        report_failures: true,
        filters: vec![],
    };
    let queue = Spec::Queue(QueueSpec::named("lost"));
    vec![queue, Spec::Function(function("relay")), Spec::Mapping(mapping)]
}

fn world(stream: Stream) -> World {
    let mut world = World::new();
    world.apply(specs(&stream));
    world
}

/// The mapping is off for so long.
fn off(world: &mut World, time: Duration) {
    for enabled in [false, true] {
        let change = Box::new(move |spec: &mut MappingSpec| {
            spec.enabled = enabled;
            Ok(())
        });
        world.ask(UpdateMapping { mapping: "m".into(), change });
        if !enabled {
            world.pass(time);
        }
    }
}

/// Takes the records of these sequence numbers, as a reader who stands behind the cursor does.
fn take(world: &mut World, sequences: &[&str]) -> bool {
    let after = mapping(world).cursor.clone();
    take_after(world, after.as_deref(), sequences, Some("[]"))
}

fn take_after(world: &mut World, after: Option<&str>, all: &[&str], payload: Option<&str>) -> bool {
    let written = vec![Time(1_700_000_000_000); all.len()];
    take_written(world, after, all, written, payload)
}

fn take_written(
    world: &mut World,
    after: Option<&str>,
    all: &[&str],
    written: Vec<Time>,
    payload: Option<&str>,
) -> bool {
    world.ask(TakeRecords {
        mapping: "m".into(),
        after: after.map(str::to_owned),
        sequences: all.iter().map(|s| (*s).to_owned()).collect(),
        read: vec![],
        written,
        payload: payload.map(|p| Bytes::from(p.to_owned())),
    })
}

fn mapping(world: &World) -> &Mapping {
    &world.state().mappings["m"]
}

#[track_caller]
fn stands(world: &World, cursor: Option<&str>, attempts: u32, limit: Option<u32>) {
    let m = mapping(world);
    assert_eq!((m.cursor.as_deref(), m.attempts, m.limit), (cursor, attempts, limit));
}

/// Takes, and lets the function fail; then waits until it may be tried again.
#[track_caller]
fn fail(world: &mut World, sequences: &[&str]) {
    assert!(take(world, sequences));
    let id = world.invocation().id;
    world.fail(id);
    world.pass(Duration::from_secs(31));
}

fn partial(sequence: &str) -> String {
    json!({ "batchItemFailures": [{ "itemIdentifier": sequence }] }).to_string()
}

#[test]
fn a_batch_that_is_done_moves_the_cursor() {
    let mut world = world(PLAIN);
    assert!(take(&mut world, &["1", "2"]));
    assert!(!take(&mut world, &["1", "2"]), "one batch at a time");
    let id = world.invocation().id;
    stands(&world, None, 0, None);
    world.finish(id, "{}");
    stands(&world, Some("2"), 0, None);
}

#[test]
fn records_read_from_another_place_than_the_cursor_are_not_taken() {
    let mut world = world(PLAIN);
    take_after(&mut world, None, &["1"], None);
    stands(&world, Some("1"), 0, None);
    assert!(!take_after(&mut world, None, &["1"], Some("[]")));
    assert!(!take_after(&mut world, Some("0"), &["1"], Some("[]")));
    assert!(!take_after(&mut world, Some("1"), &[], Some("[]")));
    assert!(world.invocations().is_empty());
}

#[test]
fn records_that_the_filter_does_not_want_are_passed_without_an_invocation() {
    let mut world = world(PLAIN);
    assert!(take_after(&mut world, None, &["1", "2"], None));
    stands(&world, Some("2"), 0, None);
    assert!(world.invocations().is_empty());
}

#[test]
fn a_partial_failure_moves_the_cursor_up_to_the_lowest_failed_record() {
    let mut world = world(PLAIN);
    take(&mut world, &["1", "2", "3", "4"]);
    let id = world.invocation().id;
    let two = json!({"batchItemFailures": [{"itemIdentifier": "4"}, {"itemIdentifier": "3"}]});
    world.finish(id, &two.to_string());
    stands(&world, Some("2"), 1, Some(2));
    assert!(!take(&mut world, &["3", "4"]), "it rests before the next try");
    world.pass(Duration::from_secs(31));
    assert!(take(&mut world, &["3", "4"]));
}

#[test]
fn an_identifier_that_is_not_of_the_batch_keeps_the_whole_batch() {
    let mut world = world(PLAIN);
    take(&mut world, &["1", "2"]);
    let id = world.invocation().id;
    world.finish(id, &partial("9"));
    stands(&world, None, 1, Some(2));
}

#[test]
fn without_an_end_to_tries_a_failing_batch_is_never_passed_over() {
    let mut world = world(PLAIN);
    for n in 1..=20 {
        fail(&mut world, &["1", "2"]);
        stands(&world, None, n, Some(2));
    }
}

#[test]
fn a_batch_is_given_up_after_its_retries_and_told_to_the_destination() {
    let mut world = world(Stream { max_attempts: Some(1), ..PLAIN });
    fail(&mut world, &["1", "2", "3"]);
    fail(&mut world, &["1", "2", "3"]);
    stands(&world, Some("3"), 0, None);
    let handed = world.receive("lost");
    let record: Value = serde_json::from_str(&world.text(handed[0].body)).unwrap();
    let context = &record["requestContext"];
    assert_eq!(context["condition"], "RetryAttemptsExhausted");
    assert_eq!(context["approximateInvokeCount"], 2);
    assert_eq!(context["functionArn"], Region::default().function("relay"));
    assert_eq!(
        record["responseContext"],
        json!({"statusCode": 200, "executedVersion": "$LATEST", "functionError": "Unhandled"})
    );
    let info = &record["DDBStreamBatchInfo"];
    assert_eq!(
        (&info["startSequenceNumber"], &info["endSequenceNumber"]),
        (&json!("1"), &json!("3"))
    );
    assert_eq!(info["batchSize"], 3);
    assert_eq!(info["approximateArrivalOfFirstRecord"], "2023-11-14T22:13:20.000Z");
    assert_eq!(record["version"], "1.0");
    assert_eq!(record.get("payload"), None, "metadata only");
}

#[test]
fn a_partial_failure_that_is_given_up_is_no_function_error() {
    let mut world = world(Stream { max_attempts: Some(0), ..PLAIN });
    take(&mut world, &["1", "2", "3"]);
    let id = world.invocation().id;
    world.finish(id, &partial("1"));
    let handed = world.receive("lost");
    let record: Value = serde_json::from_str(&world.text(handed[0].body)).unwrap();
    assert_eq!(record["responseContext"]["functionError"], Value::Null);
    stands(&world, Some("1"), 0, None);
}

#[test]
fn progress_begins_the_count_of_tries_anew() {
    let mut world = world(Stream { max_attempts: Some(1), ..PLAIN });
    fail(&mut world, &["1", "2"]);
    take(&mut world, &["1", "2"]);
    let id = world.invocation().id;
    world.finish(id, &partial("2"));
    stands(&world, Some("1"), 1, Some(1));
    assert!(world.queue("lost").is_empty());
}

#[test]
fn a_bisected_batch_comes_down_to_the_bad_record_alone_and_only_that_is_given_up() {
    let mut world = world(Stream { max_attempts: Some(2), bisect: true, ..PLAIN });
    fail(&mut world, &["1", "2", "3", "4"]);
    stands(&world, None, 0, Some(2));
    fail(&mut world, &["1", "2"]);
    stands(&world, None, 0, Some(1));
    fail(&mut world, &["1"]);
    stands(&world, None, 1, Some(1));
    fail(&mut world, &["1"]);
    stands(&world, None, 2, Some(1));
    fail(&mut world, &["1"]);
    stands(&world, Some("1"), 0, None);
    let handed = world.receive("lost");
    let record: Value = serde_json::from_str(&world.text(handed[0].body)).unwrap();
    assert_eq!(record["DDBStreamBatchInfo"]["batchSize"], 1);
    assert_eq!(record["requestContext"]["approximateInvokeCount"], 3);
}

#[test]
fn a_failed_batch_is_tried_again_with_nothing_beside_it() {
    let mut world = world(Stream { max_attempts: Some(1), ..PLAIN });
    fail(&mut world, &["1", "2", "3"]);
    stands(&world, None, 1, Some(3));
    fail(&mut world, &["1", "2", "3"]);
    stands(&world, Some("3"), 0, None);
}

#[test]
fn records_too_old_are_given_up_before_a_try_and_younger_ones_are_not() {
    let mut world = world(Stream { max_age_seconds: Some(60), ..PLAIN });
    let begin = world.core.now();
    off(&mut world, Duration::from_secs(100));
    let young = world.core.now();
    let written = vec![begin, begin, young];
    assert!(take_written(&mut world, None, &["1", "2", "3"], written, Some("[]")));
    assert!(world.invocations().is_empty());
    stands(&world, Some("2"), 0, None);
    let handed = world.receive("lost");
    let record: Value = serde_json::from_str(&world.text(handed[0].body)).unwrap();
    assert_eq!(record["requestContext"]["condition"], "RecordAgeExceeded");
    assert_eq!(record["requestContext"]["approximateInvokeCount"], 0);
    assert_eq!(record["DDBStreamBatchInfo"]["batchSize"], 2);
    assert!(take_written(&mut world, Some("2"), &["3"], vec![young], Some("[]")));
    world.invocation();
}

#[test]
fn a_record_is_no_older_for_a_machine_that_slept_before_it_was_read() {
    let mut world = world(Stream { max_age_seconds: Some(60), ..PLAIN });
    let begin = world.core.now();
    world.pass(Duration::from_secs(100));
    assert!(take_written(&mut world, None, &["1"], vec![begin], Some("[]")));
    world.invocation();
    assert!(world.queue("lost").is_empty());
}

#[test]
fn a_failing_record_that_grows_too_old_takes_no_younger_ones_with_it() {
    let mut world = world(Stream { max_age_seconds: Some(60), ..PLAIN });
    let begin = world.core.now();
    let written = vec![begin, begin + Duration::from_secs(50)];
    for _ in 0..2 {
        assert!(take_written(&mut world, None, &["1", "2"], written.clone(), Some("[]")));
        let id = world.invocation().id;
        world.fail(id);
        world.pass(Duration::from_secs(31));
    }
    stands(&world, None, 2, Some(2));
    assert!(take_written(&mut world, None, &["1", "2"], written, Some("[]")));
    assert!(world.invocations().is_empty());
    stands(&world, Some("1"), 0, None);
    let handed = world.receive("lost");
    let record: Value = serde_json::from_str(&world.text(handed[0].body)).unwrap();
    assert_eq!(record["requestContext"]["approximateInvokeCount"], 2);
    assert_eq!(record["responseContext"]["functionError"], "Unhandled");
}

#[test]
fn records_too_old_that_the_filter_does_not_want_are_only_passed() {
    let mut world = world(Stream { max_age_seconds: Some(60), ..PLAIN });
    off(&mut world, Duration::from_secs(100));
    assert!(take_after(&mut world, None, &["1", "2"], None));
    stands(&world, Some("2"), 0, None);
    // Also where younger ones behind them are wanted.
    let read = |sequence: &str, wanted| ReadRecord {
        sequence: sequence.into(),
        wanted,
        ..ReadRecord::default()
    };
    let written = vec![Time(1_700_000_000_000), world.core.now()];
    let taken = world.ask(TakeRecords {
        mapping: "m".into(),
        after: Some("2".into()),
        sequences: vec!["3".into(), "4".into()],
        read: vec![read("3", false), read("4", true)],
        written,
        payload: Some(Bytes::from_static(b"[]")),
    });
    assert!(taken);
    stands(&world, Some("3"), 0, None);
    assert!(world.queue("lost").is_empty() && world.invocations().is_empty());
}

#[test]
fn without_a_destination_what_is_given_up_is_still_in_the_journal() {
    let mut world = world(Stream { max_attempts: Some(0), on_failure: false, ..PLAIN });
    fail(&mut world, &["1", "2"]);
    let told = world.facts(0).into_iter().find_map(|fact| match fact {
        Fact::StreamDiscarded { first, last, count, reason, delivery, .. } => {
            Some((first, last, count, reason, delivery))
        }
        _ => None,
    });
    let reason = "RetryAttemptsExhausted".to_owned();
    assert_eq!(told, Some(("1".into(), "2".into(), 2, reason, None)));
}

#[test]
fn a_destination_that_is_gone_loses_the_record_but_says_so() {
    let mut world = World::new();
    let mut all = specs(&Stream { max_attempts: Some(0), ..PLAIN });
    all.remove(0);
    world.apply(all);
    fail(&mut world, &["1"]);
    let lost = world.facts(0).into_iter().any(|fact| {
        matches!(fact, Fact::StreamDiscarded { delivery: Some(d), .. }
            if matches!(d.outcome, Delivered::Lost { .. }))
    });
    assert!(lost);
}

#[test]
fn a_restart_keeps_cursor_and_tries_and_takes_the_batch_again() {
    let mut world = world(PLAIN);
    take_after(&mut world, None, &["1"], None);
    fail(&mut world, &["2", "3"]);
    assert!(take(&mut world, &["2", "3"]));
    let stale = world.invocation().id;
    world.restart();
    stands(&world, Some("1"), 1, Some(2));
    assert!(!world.finish(stale, "{}"));
    stands(&world, Some("1"), 1, Some(2));
    assert!(take(&mut world, &["2", "3"]));
}

#[test]
fn a_mapping_that_reads_another_table_begins_there_anew_and_forgets_the_old_batch() {
    let mut world = world(PLAIN);
    take_after(&mut world, None, &["7"], None);
    fail(&mut world, &["8"]);
    take(&mut world, &["8"]);
    let old = world.invocation().id;
    world.apply(specs(&Stream { table: "other", ..PLAIN }));
    stands(&world, None, 0, None);
    world.finish(old, "{}");
    stands(&world, None, 0, None);
    assert!(take(&mut world, &["1"]));
}

#[test]
fn a_mapping_that_wants_only_what_is_new_begins_behind_what_is_there() {
    let mut world = world(PLAIN);
    world.ask(BeginReading { mapping: "m".into(), cursor: "5".into() });
    world.ask(BeginReading { mapping: "m".into(), cursor: "9".into() });
    stands(&world, Some("5"), 0, None);
}

#[test]
fn a_window_is_opened_once_and_ends_the_wait() {
    let mut world = world(Stream { window: 10, ..PLAIN });
    world.ask(AwaitRecords { mapping: "m".into() });
    let before = world.journal.len();
    world.ask(AwaitRecords { mapping: "m".into() });
    assert_eq!(world.journal.len(), before);
    assert!(mapping(&world).waits_for_more() && !mapping(&world).wants_records());
    world.pass(Duration::from_secs(10));
    assert!(!mapping(&world).waits_for_more() && mapping(&world).wants_records());
}

#[test]
fn a_mapping_that_is_off_or_whose_function_is_busy_takes_no_records() {
    let mut world = world(PLAIN);
    let change = Box::new(|spec: &mut MappingSpec| {
        spec.enabled = false;
        Ok(())
    });
    world.ask(UpdateMapping { mapping: "m".into(), change });
    assert!(!take(&mut world, &["1"]));
    let mut world = World::new();
    let mut all = specs(&PLAIN);
    all[1] = Spec::Function(FunctionSpec { reserved_concurrency: Some(0), ..function("relay") });
    world.apply(all);
    assert!(!take(&mut world, &["1"]));
    stands(&world, None, 0, None);
}
