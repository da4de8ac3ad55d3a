//! What mappings do with queues; streams are in the module below.

use super::*;
use crate::engine::testing::*;
use crate::engine::{Fact, Handed, Invoke};
use crate::services::queue::{Purge, Receive};
use crate::topology::{FunctionSpec, MappingSource, MappingSpec, QueueSpec, Spec};
use std::time::Duration;

mod streams;

const UUID: &str = "orders-to-view";

fn world(change: impl FnOnce(&mut MappingSpec)) -> World {
    let mut world = World::new();
    world.apply(specs(change));
    world
}

fn specs(change: impl FnOnce(&mut MappingSpec)) -> Vec<Spec> {
    let mut mapping = queue_mapping("orders", "view");
    change(&mut mapping);
    let [dlq, queue] = with_dead_letters("orders", 3);
    vec![dlq, queue, Spec::Function(function("view")), Spec::Mapping(mapping)]
}

fn update(world: &mut World, change: impl Fn(&mut MappingSpec) + Send + 'static) {
    let change = Box::new(move |spec: &mut MappingSpec| {
        change(spec);
        Ok(())
    });
    world.ask(UpdateMapping { mapping: UUID.into(), change });
}

fn off(world: &mut World) {
    update(world, |spec| spec.enabled = false);
}

fn on(world: &mut World) {
    update(world, |spec| spec.enabled = true);
}

/// Sends so many while the mapping is off, so that they are there at once.
fn send(world: &mut World, n: usize) -> Vec<u64> {
    off(world);
    let sent = (0..n).map(|n| world.send("orders", &n.to_string())).collect();
    on(world);
    sent
}

fn sizes(invokes: &[Invoke]) -> Vec<usize> {
    invokes.iter().map(|i| given(i).len()).collect()
}

fn seqs(handed: &[Handed]) -> Vec<u64> {
    handed.iter().map(|h| h.seq).collect()
}

fn failed(handed: &[&Handed]) -> String {
    let items = handed.iter().map(|h| serde_json::json!({ "itemIdentifier": h.id.to_string() }));
    serde_json::json!({ "batchItemFailures": items.collect::<Vec<_>>() }).to_string()
}

#[test]
fn batches_have_their_size_and_run_as_many_at_once_as_allowed() {
    let mut world = world(|spec| spec.batch_size = 4);
    let sent = send(&mut world, 10);
    let first = world.invocations();
    assert_eq!(sizes(&first), [4, 4], "two at once is MaximumConcurrency");
    assert_eq!(seqs(&given(&first[0])), sent[..4]);
    assert!(world.finish(first[0].id, "{}"));
    assert_eq!(sizes(&world.invocations()), [2]);
    assert_eq!(world.queue("orders").counts.deleted, 4);
}

#[test]
fn without_a_maximum_five_batches_run_at_once() {
    let mut world = world(|spec| {
        spec.batch_size = 1;
        spec.source = MappingSource::Queue { queue: "orders".into(), max_concurrency: None };
    });
    send(&mut world, 7);
    assert_eq!(sizes(&world.invocations()), [1; 5]);
}

#[test]
fn a_window_waits_for_a_full_batch_but_no_longer_than_it_is() {
    let mut world = world(|spec| (spec.batch_size, spec.window) = (3, 20));
    world.send("orders", "a");
    world.pass(Duration::from_secs(19));
    world.send("orders", "b");
    assert!(world.invocations().is_empty());
    world.pass(Duration::from_secs(1));
    assert_eq!(sizes(&world.invocations()), [2]);
    for _ in 0..3 {
        world.send("orders", "c");
    }
    assert_eq!(sizes(&world.invocations()), [3], "a full batch does not wait");
}

#[test]
fn what_a_function_reports_as_failed_stays_and_the_rest_is_deleted() {
    let mut world = world(|_| ());
    let sent = send(&mut world, 3);
    let run = world.invocation();
    let handed = given(&run);
    world.finish(run.id, &failed(&[&handed[1]]));
    let queue = world.queue("orders");
    assert_eq!((queue.len(), queue.in_flight(), queue.counts.deleted), (1, 1, 2));
    assert!(queue.message(sent[1]).is_some());
    let ended = world.facts(0).into_iter().find_map(|fact| match fact {
        Fact::BatchEnded { deleted, kept, .. } => Some((deleted, kept)),
        _ => None,
    });
    assert_eq!(ended, Some((vec![sent[0], sent[2]], vec![sent[1]])));
    world.pass(Duration::from_secs(30));
    let again = world.invocation();
    assert_eq!((seqs(&given(&again)), given(&again)[0].receives), (vec![sent[1]], 2));
}

#[test]
fn what_keeps_failing_ends_in_the_dead_letter_queue_and_its_neighbours_do_not() {
    let mut world = world(|_| ());
    let sent = send(&mut world, 2);
    for _ in 0..3 {
        let run = world.invocation();
        let handed = given(&run);
        let bad = handed.iter().find(|h| h.seq == sent[0]).unwrap();
        world.finish(run.id, &failed(&[bad]));
        world.pass(Duration::from_secs(30));
    }
    assert!(world.invocations().is_empty());
    assert!(world.queue("orders").is_empty());
    assert_eq!(world.queue("orders").counts.deleted, 1);
    assert_eq!(world.queue("orders-dlq").visible(), 1);
}

#[track_caller]
fn keeps_all(answer: Option<&str>) {
    let mut world = world(|_| ());
    send(&mut world, 2);
    let id = world.invocation().id;
    match answer {
        Some(answer) => world.finish(id, answer),
        None => world.fail(id),
    };
    assert_eq!(world.queue("orders").in_flight(), 2, "not before the visibility timeout");
    world.pass(Duration::from_secs(29));
    assert!(world.invocations().is_empty());
    world.pass(Duration::from_secs(1));
    assert_eq!(sizes(&world.invocations()), [2]);
}

#[test]
fn an_error_or_an_answer_that_names_no_message_keeps_the_whole_batch_for_its_timeout() {
    keeps_all(None);
    keeps_all(Some("not json"));
    keeps_all(Some(r#"{"batchItemFailures":[{"itemIdentifier":""}]}"#));
    keeps_all(Some(r#"{"batchItemFailures":[{"itemIdentifier":null}]}"#));
    keeps_all(Some(r#"{"batchItemFailures":[{"foo":"x"}]}"#));
    keeps_all(Some(r#"{"batchItemFailures":[{"itemIdentifier":"of another batch"}]}"#));
}

#[test]
fn without_partial_failures_any_answer_deletes_the_batch() {
    let mut world = world(|spec| spec.report_failures = false);
    send(&mut world, 2);
    let run = world.invocation();
    let handed = given(&run);
    world.finish(run.id, &failed(&[&handed[0]]));
    assert!(world.queue("orders").is_empty());
}

#[test]
fn what_a_filter_does_not_want_is_deleted_and_the_batch_goes_on_without_it() {
    let mut world = world(|_| ());
    let sent = send(&mut world, 3);
    let id = world.invocation().id;
    assert!(world.ask(Filtered { invocation: id, messages: vec![sent[0]] }));
    assert_eq!(world.queue("orders").len(), 2);
    world.finish(id, "{}");
    assert!(world.queue("orders").is_empty());
    assert!(!world.ask(Filtered { invocation: id, messages: vec![sent[0]] }), "it is over");
}

#[test]
fn a_filter_deletes_nothing_that_somebody_else_has_received_since_or_that_is_not_of_the_batch() {
    let mut world = world(|_| ());
    let sent = send(&mut world, 2);
    let id = world.invocation().id;
    off(&mut world);
    let stranger = world.send("orders", "stranger");
    world.pass(Duration::from_secs(30));
    world.receive("orders");
    assert!(world.ask(Filtered { invocation: id, messages: vec![sent[0], stranger] }));
    assert_eq!(world.queue("orders").len(), 3);
}

#[test]
fn a_batch_ends_before_six_megabytes() {
    let mut world = world(|_| ());
    off(&mut world);
    let text = "a".repeat(1 << 20);
    for _ in 0..10 {
        world.send("orders", &text);
    }
    on(&mut world);
    assert_eq!(sizes(&world.invocations()), [5, 5]);
}

#[test]
fn a_message_that_somebody_else_has_by_now_is_still_known_in_the_answer() {
    let mut world = world(|_| ());
    let sent = send(&mut world, 3);
    let run = world.invocation();
    let handed = given(&run);
    off(&mut world);
    world.pass(Duration::from_secs(30));
    let others = world.ask(Receive { queue: "orders".into(), max: 1, visibility: None });
    assert_eq!(seqs(&others), sent[..1]);
    world.finish(run.id, &failed(&[&handed[0]]));
    let queue = world.queue("orders");
    assert_eq!((queue.len(), queue.counts.deleted), (1, 2), "its neighbours were handled");

    let mut world = self::world(|_| ());
    let sent = send(&mut world, 3);
    let run = world.invocation();
    let handed = given(&run);
    world.ask(Filtered { invocation: run.id, messages: vec![sent[0]] });
    world.finish(run.id, &failed(&[&handed[0], &handed[1]]));
    let queue = world.queue("orders");
    assert_eq!((queue.len(), queue.counts.deleted), (1, 2), "also of one that is gone");
}

#[test]
fn a_mapping_that_is_off_takes_nothing_and_ends_what_it_has() {
    let mut world = world(|_| ());
    world.send("orders", "a");
    let id = world.invocation().id;
    off(&mut world);
    world.send("orders", "b");
    assert!(world.invocations().is_empty());
    world.finish(id, "{}");
    assert_eq!(world.queue("orders").visible(), 1);
    on(&mut world);
    assert_eq!(sizes(&world.invocations()), [1]);
}

#[test]
fn a_batch_ends_under_the_settings_it_began_with() {
    let mut world = world(|_| ());
    send(&mut world, 2);
    let run = world.invocation();
    update(&mut world, |spec| spec.report_failures = false);
    let handed = given(&run);
    world.finish(run.id, &failed(&[&handed[0]]));
    assert_eq!(world.queue("orders").len(), 1);
}

#[test]
fn partial_failures_count_also_when_the_mapping_is_gone_before_the_batch_ends() {
    let mut world = world(|_| ());
    send(&mut world, 2);
    let run = world.invocation();
    let mut left = specs(|_| ());
    left.pop();
    world.apply(left);
    assert!(world.state().mappings.is_empty());
    let handed = given(&run);
    world.finish(run.id, &failed(&[&handed[0]]));
    assert_eq!(world.queue("orders").len(), 1);
}

#[test]
fn an_answer_after_the_visibility_timeout_still_deletes_what_nobody_has_received_since() {
    let mut world = world(|_| ());
    world.send("orders", "a");
    let id = world.invocation().id;
    off(&mut world);
    world.pass(Duration::from_secs(30));
    assert_eq!(world.queue("orders").visible(), 1);
    world.finish(id, "{}");
    assert!(world.queue("orders").is_empty());
}

#[test]
fn an_answer_after_another_batch_has_the_message_touches_nothing() {
    let mut world = world(|_| ());
    world.send("orders", "a");
    let late = world.invocation().id;
    world.pass(Duration::from_secs(30));
    let next = world.invocation().id;
    world.finish(late, "{}");
    assert_eq!(world.queue("orders").in_flight(), 1);
    world.finish(next, "{}");
    assert!(world.queue("orders").is_empty());
}

#[test]
fn messages_wait_for_a_function_that_is_not_there_yet() {
    let mut world = World::new();
    let mut all = specs(|_| ());
    let function = all.remove(2);
    world.apply(all.clone());
    world.send("orders", "a");
    assert!(world.invocations().is_empty());
    all.insert(2, function);
    world.apply(all);
    assert_eq!(sizes(&world.invocations()), [1]);
}

#[test]
fn a_throttled_function_gets_its_messages_when_it_has_room() {
    let mut world = World::new();
    let mut all = specs(|spec| spec.batch_size = 1);
    all[2] = Spec::Function(FunctionSpec { reserved_concurrency: Some(1), ..function("view") });
    world.apply(all);
    send(&mut world, 2);
    let first = world.invocation();
    assert_eq!(world.queue("orders").message(given(&first)[0].seq + 1).unwrap().receives, 0);
    world.finish(first.id, "{}");
    world.invocation();
}

#[test]
fn two_functions_may_read_one_queue() {
    let mut world = World::new();
    let mut all = specs(|spec| spec.enabled = false);
    all.push(Spec::Function(function("zzz")));
    all.push(Spec::Mapping(queue_mapping("orders", "zzz")));
    world.apply(all);
    world.send("orders", "a");
    assert_eq!(&*world.invocation().function, "zzz");
}

#[test]
fn a_window_left_open_over_an_emptied_queue_leaves_no_timer_behind() {
    let mut world = world(|spec| spec.window = 20);
    world.send("orders", "a");
    world.ask(Purge("orders".into()));
    world.pass(Duration::from_secs(20));
    assert_eq!(world.state().next_due(), None);
}

#[test]
fn a_mapping_that_goes_takes_its_window_with_it() {
    let mut world = world(|spec| spec.window = 300);
    world.send("orders", "a");
    let mut left = specs(|_| ());
    left.pop();
    world.apply(left);
    world.pass(Duration::from_secs(301));
    assert!(world.invocations().is_empty());
    assert_eq!(world.queue("orders").visible(), 1);
}

#[test]
fn a_mapping_that_is_not_there_is_not_changed() {
    let mut world = World::new();
    let change = Box::new(|_: &mut MappingSpec| Ok(()));
    let fault = world.try_ask(UpdateMapping { mapping: "gone".into(), change }).unwrap_err();
    assert_eq!(fault.code, "ResourceNotFoundException");
    world.apply(vec![Spec::Queue(QueueSpec::named("orders"))]);
}
