//! Schedules from a template and by the Scheduler API, with a clock that is moved.

use crate::support::{Client, Pointsman};
use pointsman::engine::{Fact, Followed};
use pointsman::testing::{self, Node, Running, What};
use serde_json::{Value, json};
use std::path::{Path, PathBuf};
use std::time::Duration;

const HOUR: Duration = Duration::from_secs(60 * 60);

fn template() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("templates/schedules.yaml")
}

/// The system of the template, and an operator of it.
async fn up() -> (Running, Client) {
    let running = testing::start(template()).await.expect("it starts");
    let operator = Client::operator(running.endpoint());
    (running, operator)
}

#[test]
fn the_map_and_tail_tell_of_schedules() {
    let folder = tempfile::tempdir().expect("a folder");
    let engine = Pointsman::of(&template(), None, folder.path(), [0, 0]);
    for line in
        ["nightly cron(30 3 * * ? *) Europe/Berlin → came", "rule hourly rate(1 hour) → ticks"]
    {
        assert!(engine.printed.contains(line), "{line} is missing: {}", engine.printed);
    }
    let operator = Client::operator(&engine.endpoint);
    let mut tail = operator.tail();
    operator.advance(25 * HOUR);
    let fired = tail.find(|line| line["kind"] == "fired");
    assert_eq!((&fired["schedule"], &fired["attempt"]), (&json!("default/nightly"), &json!(1)));
    assert_eq!(fired["targets"], json!([{ "rule": "", "to": "came" }]));
}

/// Texts of all messages of a queue, which stay in flight.
fn texts(operator: &Client, queue: &str) -> Vec<String> {
    let mut texts = vec![];
    loop {
        let some = operator.receive(queue);
        if some.is_empty() {
            return texts;
        }
        texts.extend(some.iter().map(|m| m["Body"].as_str().expect("a text").to_owned()));
    }
}

/// An instant of engine time as `at(…)` has it.
async fn in_an_hour(running: &Running) -> String {
    let at = running.engine().now() + HOUR;
    at.format("at(%Y-%m-%dT%H:%M:%S)")
}

#[tokio::test(flavor = "multi_thread")]
async fn a_moved_clock_fires_schedules_and_scheduled_rules_each_for_its_own_time() {
    let (running, operator) = up().await;
    let moved = running.advance(72 * HOUR).await;
    let nights = texts(&operator, "came");
    assert_eq!(nights.len(), 3, "{nights:?}");
    for night in &nights {
        let hour = &night["nightly 2026-11-21".len()..];
        let in_berlin = ["T01:30:00Z", "T02:30:00Z"].contains(&hour);
        assert!(in_berlin, "half past three: {night}");
    }
    let ticks = texts(&operator, "ticks");
    assert_eq!(ticks.len(), 72);
    let tick: Value = serde_json::from_str(&ticks[0]).expect("JSON");
    assert_eq!(
        (&tick["detail-type"], &tick["source"]),
        (&json!("Scheduled Event"), &json!("aws.events"))
    );
    assert_eq!(moved.schedules, 75);

    // A message leads back to the time it was sent for; so does the name of the schedule.
    let trace = running.trace(&nights[2]).await;
    let [tree] = &trace.trees[..] else { panic!("{trace:?}") };
    is_firing(tree, "default/nightly");
    let What::Message { queue, .. } = &tree.children[0].what else { panic!("{tree:?}") };
    assert_eq!(queue, "came");
    assert_eq!(running.trace("default/nightly").await.trees.len(), 3);
    running.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_comes_once_fires_once_and_a_restart_changes_nothing() {
    let (mut running, operator) = up().await;
    let expression = in_an_hour(&running).await;
    let name = put(&operator, "once", &expression, "came", json!({ "MaximumRetryAttempts": 0 }));
    running.advance(2 * HOUR).await;
    running.kill().await;
    running.restart().await.expect("it starts again");
    let operator = Client::operator(running.endpoint());
    running.advance(2 * HOUR).await;
    let came = texts(&operator, "came");
    assert_eq!(came.iter().filter(|text| **text == name).count(), 1, "{came:?}");
    let answer = operator.rest("GET", "/schedules/once", &Value::Null);
    assert_eq!(answer["State"], "ENABLED", "it stays, as ActionAfterCompletion is NONE");
    running.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_target_that_is_not_there_ends_in_the_dead_letter_queue_after_its_retries() {
    let (running, operator) = up().await;
    let mut news = running.engine().subscribe(None);
    let expression = in_an_hour(&running).await;
    let policy = json!({ "MaximumRetryAttempts": 3, "MaximumEventAgeInSeconds": 3600 });
    put(&operator, "astray-once", &expression, "gone", policy);
    running.advance(2 * HOUR).await;
    let dead = operator.receive("dead");
    let [letter] = &dead[..] else { panic!("{dead:?}") };
    let attribute = |name: &str| letter["MessageAttributes"][name]["StringValue"].clone();
    assert_eq!(attribute("ERROR_CODE"), "AWS.SimpleQueueService.NonExistentQueue");
    assert_eq!(attribute("EXHAUSTED_RETRY_CONDITION"), "MaximumRetryAttempts");
    assert_eq!(attribute("RETRY_ATTEMPTS"), "3");
    let mut tried = 0;
    while tried < 3 {
        let Some(Followed::Item(item)) = news.next().await else { panic!("the engine ended") };
        tried += usize::from(matches!(item.entry.fact, Fact::FiringTried { .. }));
    }
    let id = letter["MessageId"].as_str().expect("an id");
    let trace = running.trace(id).await;
    let [tree] = &trace.trees[..] else { panic!("{trace:?}") };
    is_firing(tree, "default/astray-once");
    let What::Schedule { attempts, .. } = tree.what else { panic!("{tree:?}") };
    assert_eq!(attempts, 4);
    assert!(tree.because.as_ref().is_some_and(|why| why.contains("no queue gone")), "{tree:?}");
    running.stop().await;
}

#[track_caller]
fn is_firing(root: &Node, of: &str) {
    let What::Schedule { schedule, .. } = &root.what else { panic!("{root:?}") };
    assert_eq!(schedule, of);
}

/// Makes a schedule that sends its name to a queue; returns that name.
fn put(operator: &Client, name: &str, expression: &str, queue: &str, retry: Value) -> String {
    let arn = |queue: &str| format!("arn:aws:sqs:us-east-1:000000000000:{queue}");
    let body = json!({
        "ScheduleExpression": expression,
        "FlexibleTimeWindow": { "Mode": "OFF" },
        "Target": {
            "Arn": arn(queue),
            "RoleArn": "arn:aws:iam::000000000000:role/any",
            "Input": name,
            "RetryPolicy": retry,
            "DeadLetterConfig": { "Arn": arn("dead") },
        },
    });
    operator.rest("POST", &format!("/schedules/{name}"), &body);
    name.to_owned()
}
