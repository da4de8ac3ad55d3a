//! What still waits, and why.

use super::*;
use crate::adapters::control::trace::tree::{Stands, What};
use crate::clock::Time;
use crate::services::function::InvokeAsync;
use std::time::Duration;

/// Published by a function that somebody invoked.
fn published(world: &mut World) -> InvocationId {
    let door = post(world, 101);
    publish(world, door, "Placed", &detail("a", "x"));
    door
}

#[track_caller]
fn waits(world: &World, wanted: &[&str]) {
    let trace = by_number(world, 101);
    assert_eq!(trace.waiting.len(), wanted.len(), "{:?}", trace.waiting);
    for (waiting, wanted) in trace.waiting.iter().zip(wanted) {
        assert!(waiting.contains(wanted), "{waiting}");
    }
    assert_eq!(trace.is_settled(), wanted.is_empty());
}

#[test]
fn a_message_is_running_then_hidden_then_dead_with_the_reason() {
    let mut world = shop();
    let door = published(&mut world);
    waits(&world, &["door: running since ", "view: running since "]);
    world.finish(door, "{}");
    let view = world.invocations().last().expect("the view's").id;
    world.fail(view);
    waits(&world, &["view: to be received again at 2023-11-14 22:13:50.000: Runtime.ExitError"]);
    world.pass(Duration::from_secs(30));
    let view = world.invocation().id;
    world.fail(view);
    world.pass(Duration::from_secs(30));
    waits(&world, &["view-dlq: dead since "]);
    let trace = by_number(&world, 101);
    let dead = node(&trace, "view-dlq");
    assert_eq!(dead.stands, Stands::Failed);
    let why = dead.because.as_deref().unwrap_or_default();
    assert!(why.ends_with("received 2 times: Runtime.ExitError: exit status 1"), "{why}");
    let attempts = trace.nodes().into_iter().filter(|n| {
        matches!(&n.what,
        What::Invocation { function, outcome, .. } if function == "view" && outcome == "failed")
    });
    assert_eq!(attempts.count(), 2);
}

#[test]
fn what_was_named_as_failed_fails_its_attempt_alone() {
    let mut world = shop();
    let door = published(&mut world);
    world.finish(door, "{}");
    let view = world.invocations().remove(1);
    let id = crate::engine::testing::given(&view)[0].id;
    world.finish(view.id, &format!(r#"{{"batchItemFailures":[{{"itemIdentifier":"{id}"}}]}}"#));
    waits(&world, &["view: to be received again at "]);
    world.pass(Duration::from_secs(30));
    let again = world.invocation().id;
    world.finish(again, r#"{"batchItemFailures":[]}"#);
    waits(&world, &[]);
    let trace = by_number(&world, 101);
    let attempts: Vec<Stands> = trace
        .nodes()
        .into_iter()
        .filter(|n| matches!(&n.what, What::Invocation { function, .. } if function == "view"))
        .map(|node| node.stands)
        .collect();
    assert_eq!(attempts, [Stands::Failed, Stands::Done]);
    assert_eq!(trace.trees[0].stands, Stands::Done);
}

#[test]
fn a_message_that_nobody_reads_and_one_that_is_delayed_wait() {
    let mut world = shop();
    let door = post(&mut world, 101);
    send(&mut world, door, "later", Some(60));
    send(&mut world, door, "now", None);
    world.finish(door, "{}");
    waits(
        &world,
        &[
            "jobs: delayed until 2023-11-14 22:14:20.000",
            "jobs: waiting in queue jobs since 2023-11-14 22:13:20.000: no mapping reads this queue",
        ],
    );
    let handed = world.receive("jobs");
    waits(&world, &["delayed until", "in flight with a receiver from outside until"]);
    world.delete("jobs", &handed);
    waits(&world, &["delayed until"]);
    world.ask(crate::services::queue::Purge("jobs".into()));
    waits(&world, &[]);
}

#[test]
fn records_wait_to_be_read_and_to_be_tried_again_and_are_given_up() {
    let mut world = shop();
    let door = post(&mut world, 101);
    world.finish(door, "{}");
    world.invocations();
    let rows = || vec![row("1", Some(door), "a", "x")];
    let unread = Unread {
        mapping: "m".into(),
        table: "events".into(),
        read: rows().remove(0),
        at: Time(0),
        json: Bytes::from_static(b"{\"order\":\"17\"}"),
    };
    for id in [Id(101).to_string().as_str(), "\"17\""] {
        let trace = ask(&world, id, false, 0, std::slice::from_ref(&unread));
        let wanted = "INSERT events pk=a: not read from the stream yet: relay has not got to it";
        assert_eq!(trace.waiting, [wanted], "{id}");
        assert_eq!(tree(&trace)[0], "POST /orders");
    }
    let relayed = relay(&mut world, rows());
    waits(&world, &["relay: running since "]);
    world.fail(relayed);
    waits(&world, &["INSERT events pk=a: retry due at "]);
    world.pass(Duration::from_secs(1));
    let relayed = relay(&mut world, rows());
    world.fail(relayed);
    waits(&world, &[]);
    let trace = by_number(&world, 101);
    let record = node(&trace, "INSERT events pk=a");
    let why = record.because.as_deref().unwrap_or_default();
    assert_eq!((record.stands, record.children.len()), (Stands::Failed, 2));
    assert_eq!(why, "given up: RetryAttemptsExhausted (Runtime.ExitError: exit status 1)");
}

#[test]
fn a_record_that_no_filter_wants_is_settled() {
    let mut world = shop();
    let door = post(&mut world, 101);
    world.finish(door, "{}");
    world.ask(TakeRecords {
        mapping: "m".into(),
        after: None,
        sequences: vec!["1".into()],
        read: vec![ReadRecord { wanted: false, ..row("1", Some(door), "a", "x") }],
        written: vec![world.core.now()],
        payload: None,
    });
    waits(&world, &[]);
    let trace = by_number(&world, 101);
    let record = node(&trace, "INSERT events pk=a");
    assert_eq!(record.because.as_deref(), Some("the mapping's filter does not want it"));
}

#[test]
fn an_asynchronous_invocation_waits_for_its_next_try() {
    let mut world = shop();
    let door = post(&mut world, 101);
    let invoke = InvokeAsync { function: "view".into(), payload: Bytes::from_static(b"{}") };
    world.ask_as(Caller::Function("door".into()), Cause::Invocation(door), invoke);
    world.finish(door, "{}");
    let view = world.invocations().remove(1).id;
    world.fail(view);
    waits(&world, &["view: retry due at 2023-11-14 22:14:20.000: Runtime.ExitError"]);
    world.pass(Duration::from_secs(60));
    let view = world.invocation().id;
    world.finish(view, "{}");
    waits(&world, &[]);
}

#[test]
fn an_event_that_follows_from_another_of_its_type_and_subject_is_reported() {
    let mut world = shop();
    let door = published(&mut world);
    world.finish(door, "{}");
    let view = world.invocations().remove(1).id;
    publish(&mut world, view, "Placed", &detail("b", "a"));
    publish(&mut world, view, "Other", &detail("c", "a"));
    let trace = by_number(&world, 101);
    assert_eq!(trace.repeats.len(), 1, "{:?}", trace.repeats);
    let repeat = &trace.repeats[0];
    assert_eq!((repeat.detail_type.as_str(), repeat.subject.as_str()), ("Placed", "one"));
    assert_ne!(repeat.first, repeat.second);
}

#[test]
fn what_an_engine_s_end_cut_short_is_begun_again() {
    let mut world = shop();
    let door = published(&mut world);
    world.finish(door, "{}");
    world.invocations();
    world.restart();
    let view = world.invocation().id;
    world.finish(view, r#"{"batchItemFailures":[]}"#);
    waits(&world, &[]);
    let trace = by_number(&world, 101);
    let outcomes: Vec<String> = trace
        .nodes()
        .into_iter()
        .filter_map(|node| match &node.what {
            What::Invocation { function, outcome, .. } if function == "view" => {
                Some(outcome.clone())
            }
            _ => None,
        })
        .collect();
    assert_eq!(outcomes, ["interrupted", "answered"]);
}

#[test]
fn what_was_redriven_by_hand_stays_in_its_tree() {
    let mut world = shop();
    let door = published(&mut world);
    world.finish(door, "{}");
    for _ in 0..2 {
        let view = world.invocations().pop().expect("the view's").id;
        world.fail(view);
        world.pass(Duration::from_secs(30));
    }
    let dead = world.receive("view-dlq");
    let body = world.text(dead[0].body);
    world.send("view", &body);
    world.delete("view-dlq", &dead);
    let view = world.invocation().id;
    world.finish(view, r#"{"batchItemFailures":[]}"#);
    waits(&world, &[]);
    let trace = by_number(&world, 101);
    let told = tree(&trace);
    let titles: Vec<&str> = told.iter().map(|line| line.trim_start()).collect();
    let way =
        ["POST /orders", "door", "Placed", "view", "view", "view", "view-dlq", "view", "view"];
    assert_eq!(titles, way);
    assert_eq!(tree(&traced(&world, r#""id":"a""#)), told, "from the message sent by hand, too");
    // The same text sent by somebody who held nothing is another's.
    world.send("jobs", &body);
    assert_eq!(traced(&world, r#""id":"a""#).candidates.len(), 2);
}
