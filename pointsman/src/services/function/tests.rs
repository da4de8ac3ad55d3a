//! What a function's invocations go through.

use super::*;
use crate::engine::testing::*;
use crate::engine::{Answer, AttributeValue, Effect, Fact, Invoke as Run, Name, Payload};
use crate::topology::{AsyncSpec, DeadLetter, FunctionSpec, QueueSpec, Region, Spec};
use bytes::Bytes;
use serde_json::{Value, json};
use std::time::Duration;

const MINUTE: Duration = Duration::from_secs(60);

fn world(change: impl FnOnce(&mut FunctionSpec)) -> World {
    let mut spec = function("view");
    change(&mut spec);
    let mut world = World::new();
    let queues = ["good", "bad", "dead"].map(|name| Spec::Queue(QueueSpec::named(name)));
    world.apply([&queues[..], &[Spec::Function(spec)]].concat());
    world
}

fn with(asynchronous: AsyncSpec) -> World {
    world(|spec| spec.asynchronous = asynchronous)
}

fn arn(queue: &str) -> Option<String> {
    Some(Region::default().queue(queue))
}

fn invoke(text: &'static str) -> Invoke {
    Invoke { function: "view".into(), payload: Bytes::from_static(text.as_bytes()), http: None }
}

fn invoke_async(world: &mut World, text: &'static str) {
    let payload = Bytes::from_static(text.as_bytes());
    world.ask(InvokeAsync { function: "view".into(), payload });
}

#[track_caller]
fn payload(world: &World, run: &Run) -> String {
    let Payload::Stored(body) = run.payload else { panic!("{run:?}") };
    world.text(body)
}

#[test]
fn whoever_waits_gets_the_answer_or_the_error() {
    let mut world = world(|_| ());
    for fails in [false, true] {
        let (id, request) = world.ask(invoke("{}"));
        let run = world.invocation();
        assert_eq!((run.id, run.request), (id, request));
        assert!(if fails { world.fail(id) } else { world.finish(id, "42") });
        let Some(Effect::Answer(answered, answer)) = world.effects.pop() else { panic!() };
        assert_eq!(answered, id);
        match answer {
            Answer::Payload(bytes) => assert!(!fails && bytes == "42"),
            Answer::Error(bytes) => assert!(fails && bytes == "{}"),
        }
        assert!(!world.finish(id, "again"), "an invocation ends once");
    }
    let counts = world.state().functions["view"].counts;
    assert_eq!(counts, Counts { started: 2, failed: 1 });
    assert_eq!(world.state().functions["view"].running, 0);
}

#[test]
fn a_function_that_is_not_there_is_named() {
    let mut world = World::new();
    let code = "ResourceNotFoundException";
    assert_eq!(world.try_ask(invoke("{}")).unwrap_err().code, code);
    let later = InvokeAsync { function: "view".into(), payload: Bytes::new() };
    assert_eq!(world.try_ask(later).unwrap_err().code, code);
}

#[test]
fn reserved_concurrency_throttles_who_waits_and_lets_the_others_queue() {
    let mut world = world(|spec| spec.reserved_concurrency = Some(1));
    let (id, _) = world.ask(invoke("{}"));
    assert_eq!(world.try_ask(invoke("{}")).unwrap_err().code, "TooManyRequestsException");
    invoke_async(&mut world, "\"a\"");
    assert_eq!(world.invocations().len(), 1, "only the first runs");
    world.finish(id, "{}");
    let next = world.invocation();
    assert_eq!(payload(&world, &next), "\"a\"");
}

#[test]
fn more_concurrency_begins_what_has_waited_for_it() {
    let mut world = world(|spec| spec.reserved_concurrency = Some(0));
    invoke_async(&mut world, "\"a\"");
    assert!(world.invocations().is_empty());
    let queues = ["good", "bad", "dead"].map(|name| Spec::Queue(QueueSpec::named(name)));
    world.apply([&queues[..], &[Spec::Function(function("view"))]].concat());
    world.invocation();
}

#[test]
fn waiting_invocations_begin_in_order_one_at_a_time_as_there_is_room() {
    let mut world = world(|spec| spec.reserved_concurrency = Some(1));
    let texts = ["\"a\"", "\"b\"", "\"c\""];
    texts.into_iter().for_each(|text| invoke_async(&mut world, text));
    for text in texts {
        let run = world.invocation();
        assert_eq!(payload(&world, &run), text);
        world.finish(run.id, "{}");
    }
    assert!(world.state().async_events.is_empty());
    assert_eq!(world.state().live_bodies().count(), 0);
}

#[test]
fn a_failed_invocation_is_tried_again_after_one_and_two_minutes_under_the_same_request_id() {
    let mut world = with(AsyncSpec { on_failure: arn("bad"), ..AsyncSpec::default() });
    invoke_async(&mut world, r#"{"a":1}"#);
    let first = world.invocation();
    world.fail(first.id);
    for pause in [MINUTE, 2 * MINUTE] {
        world.pass(pause - Duration::from_millis(1));
        assert!(world.invocations().is_empty());
        world.pass(Duration::from_millis(1));
        let again = world.invocation();
        assert_eq!(again.request, first.request);
        world.fail(again.id);
    }
    world.pass(60 * MINUTE);
    assert!(world.invocations().is_empty());
    let handed = world.receive("bad");
    let record: Value = serde_json::from_str(&world.text(handed[0].body)).unwrap();
    assert_eq!(record["version"], "1.0");
    assert_eq!(
        record["requestContext"],
        json!({
            "requestId": first.request.to_string(),
            "functionArn": format!("{}:$LATEST", Region::default().function("view")),
            "condition": "RetriesExhausted",
            "approximateInvokeCount": 3,
        })
    );
    assert_eq!(record["requestPayload"], json!({"a": 1}));
    assert_eq!(
        record["responseContext"],
        json!({"statusCode": 200, "executedVersion": "$LATEST", "functionError": "Unhandled"})
    );
    assert_eq!(record["responsePayload"], json!({}));
    assert!(world.state().async_events.is_empty());
}

#[test]
fn a_success_is_told_to_its_destination_without_an_error() {
    let mut world = with(AsyncSpec { on_success: arn("good"), ..AsyncSpec::default() });
    invoke_async(&mut world, "{}");
    let run = world.invocation();
    world.finish(run.id, r#"{"ok":true}"#);
    let handed = world.receive("good");
    let record: Value = serde_json::from_str(&world.text(handed[0].body)).unwrap();
    assert_eq!(record["requestContext"]["condition"], "Success");
    assert_eq!(record["requestContext"]["approximateInvokeCount"], 1);
    assert_eq!(record["responseContext"].get("functionError"), None);
    assert_eq!(record["responsePayload"], json!({"ok": true}));
}

#[test]
fn a_dead_letter_has_the_event_as_it_was_sent_and_three_attributes() {
    let dead_letter = Some(DeadLetter { target: Region::default().queue("dead") });
    let mut world = with(AsyncSpec { max_attempts: 0, dead_letter, ..AsyncSpec::default() });
    invoke_async(&mut world, r#"{ "a" : 1 }"#);
    let run = world.invocation();
    world.fail(run.id);
    let dead = world.receive("dead").remove(0);
    assert_eq!(world.text(dead.body), r#"{ "a" : 1 }"#);
    let extra = dead.extra.unwrap();
    let of = |name: &str| {
        let attribute = &extra.attributes[name];
        (attribute.data_type.clone(), attribute.value.clone())
    };
    let text = |t: &str| AttributeValue::Text(t.to_owned());
    assert_eq!(of("RequestID"), ("String".into(), text(&run.request.to_string())));
    assert_eq!(of("ErrorCode"), ("Number".into(), text("200")));
    assert_eq!(of("ErrorMessage"), ("String".into(), text("exit status 1")));
    assert_eq!(extra.attributes.len(), 3);
}

#[test]
fn an_error_message_is_cut_at_a_kilobyte_between_characters() {
    let dead_letter = Some(DeadLetter { target: Region::default().queue("dead") });
    let mut world = with(AsyncSpec { max_attempts: 0, dead_letter, ..AsyncSpec::default() });
    invoke_async(&mut world, "{}");
    let id = world.invocation().id;
    let message = format!("a{}", "ä".repeat(1000));
    let finished = Finished::Failed { kind: "E".into(), message, body: Bytes::new() };
    world.ask(Finish { id, finished, payload: Bytes::new() });
    let dead = world.receive("dead").remove(0);
    let extra = dead.extra.unwrap();
    let AttributeValue::Text(text) = &extra.attributes["ErrorMessage"].value else { panic!() };
    assert_eq!(text.len(), 1023);
}

#[test]
fn an_invocation_is_not_tried_again_beyond_its_age() {
    let spec = AsyncSpec { max_age_seconds: 60, on_failure: arn("bad"), ..AsyncSpec::default() };
    let mut world = with(spec);
    invoke_async(&mut world, "{}");
    let run = world.invocation();
    world.pass(Duration::from_secs(1));
    world.fail(run.id);
    let handed = world.receive("bad");
    let record: Value = serde_json::from_str(&world.text(handed[0].body)).unwrap();
    assert_eq!(record["requestContext"]["condition"], "EventAgeExceeded");
    assert_eq!(
        world.state().next_due().map(|_| ()),
        Some(()),
        "only the message's own timers are left"
    );
    assert!(world.state().async_events.is_empty());
}

#[test]
fn an_attempt_that_a_restart_cut_short_is_not_counted() {
    let mut world = with(AsyncSpec { max_attempts: 0, ..AsyncSpec::default() });
    invoke_async(&mut world, "{}");
    let first = world.invocation();
    world.restart();
    let again = world.invocation();
    assert_eq!(again.request, first.request);
    assert_ne!(again.id, first.id);
    let begun = world.facts(0).into_iter().filter_map(|fact| match fact {
        Fact::InvocationStarted { why: crate::engine::Why::Async { attempt, .. }, .. } => {
            Some(attempt)
        }
        _ => None,
    });
    assert_eq!(begun.collect::<Vec<_>>(), [1, 1]);
    assert!(!world.finish(first.id, "{}"));
}

#[test]
fn a_destination_that_is_not_there_is_told_as_lost() {
    let mut world = with(AsyncSpec { on_success: arn("gone"), ..AsyncSpec::default() });
    invoke_async(&mut world, "{}");
    let run = world.invocation();
    world.finish(run.id, "{}");
    let lost = world.facts(0).into_iter().any(|fact| {
        matches!(&fact, Fact::AsyncEnded { delivery: Some(d), .. }
            if matches!(&d.outcome, crate::engine::Delivered::Lost { code, .. } if code == "NO_RESOURCE"))
    });
    assert!(lost);
}

#[test]
fn a_function_that_comes_back_goes_on_with_what_waited_for_it() {
    let mut world = world(|spec| spec.reserved_concurrency = Some(1));
    let (running, _) = world.ask(invoke("{}"));
    invoke_async(&mut world, "\"a\"");
    world.invocations();
    let keep = ["good", "bad", "dead"].map(|name| Spec::Queue(QueueSpec::named(name)));
    world.apply(keep.to_vec());
    assert!(!world.state().functions.contains_key("view"));
    let spec = FunctionSpec { reserved_concurrency: Some(1), ..function("view") };
    world.apply([&keep[..], &[Spec::Function(spec)]].concat());
    let name: Name = "view".into();
    assert_eq!(world.state().functions[&name].running, 1, "the old one still runs");
    assert!(world.invocations().is_empty());
    world.finish(running, "{}");
    let next = world.invocation();
    assert_eq!(payload(&world, &next), "\"a\"");
}
