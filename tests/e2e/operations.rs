//! What an operator does on a bad day: looks at queues, mends, sends dead letters back, moves the clock.

use crate::shop::gap;
use crate::support::{Pointsman, binary};
use serde_json::{Value, json};
use std::process::{Command, Output};

const DLQ: &str = "order-view-dlq";

#[test]
fn poison_is_seen_with_its_reason_and_sent_back_as_it_was() {
    let folder = tempfile::tempdir().expect("a folder");
    let engine = Pointsman::up(folder.path());
    let client = engine.client();
    let nonsense = json!({ "nonsense": true });
    client.publish(&[("shop.orders", "ShippingAddressUpdated", nonsense.clone())]);
    client.publish(&[("shop.orders", "ItemAdded", json!({ "other": 1 }))]);
    let dead = until(&engine, DLQ, |queue| queue["visible"] == 2);
    let why = dead["reasons"][0]["reason"].as_str().expect("a reason");
    assert!(why.starts_with("the body is no event: missing field"), "{dead}");
    assert_eq!(dead["reasons"][0]["messages"], 2, "{dead}");
    let view = queue(&engine, "order-view");
    assert_eq!((&view["function"], &view["enabled"]), (&json!("order-view"), &json!(true)));
    assert_eq!((&view["deadLetterQueue"], &view["deadLetters"]), (&json!(DLQ), &json!(2)));

    // Looking receives nothing.
    let [first, _] = &lines(&engine, &["queues", DLQ])[..] else { panic!("two messages") };
    assert_eq!((&first["state"], &first["receives"]), (&json!("visible"), &json!(0)));
    assert!(first["reason"].as_str().expect("text").starts_with("the body is no event"), "{first}");
    assert_eq!(first["attributes"]["source-queue"], arn("order-view"));
    assert!(first["body"].as_str().expect("text").starts_with("{\"version\":"), "{first}");

    let listed = said(&engine, &["redrive"]);
    assert_eq!(listed, "order-view-dlq: 2 from order-view\n");
    let pattern = r#"{"detail-type": ["ShippingAddressUpdated"]}"#;
    let dry = said(&engine, &["redrive", DLQ, "--dry-run", "--pattern", pattern]);
    assert!(dry.contains(" → order-view  the body is no event"), "{dry}");
    assert!(dry.ends_with("2 looked at, 1 would be moved, 1 left, 0 failed\n"), "{dry}");
    assert_eq!(queue(&engine, DLQ)["visible"], 2);

    enable(&engine, "order-view", false);
    let moved =
        said(&engine, &["redrive", DLQ, "--filter", "reason=no event", "--pattern", pattern]);
    assert_eq!(moved, "order-view-dlq: 2 looked at, 1 moved, 1 left, 0 failed\n");
    let view = queue(&engine, "order-view");
    assert_eq!(
        (&view["visible"], &view["enabled"], &view["deadLetters"]),
        (&json!(1), &json!(false), &json!(1))
    );
    let [back] = &client.receive("order-view")[..] else { panic!("one message") };
    assert_eq!(back["MessageAttributes"], Value::Null, "as the rule delivered it");
    let body: Value = serde_json::from_str(back["Body"].as_str().expect("text")).expect("an event");
    assert_eq!(body["detail"], nonsense);

    // The same by signed requests, as AWS wants them.
    let output = verb(&engine, &["redrive", DLQ, "--aws"])
        .env("AWS_ENDPOINT_URL_SQS", &engine.endpoint)
        .env("AWS_ACCESS_KEY_ID", "AKIDEXAMPLE")
        .env("AWS_SECRET_ACCESS_KEY", "secret")
        .env("AWS_REGION", "us-east-1")
        .output();
    let output = output.expect("pointsman is built");
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    assert_eq!(text, "order-view-dlq: 1 looked at, 1 moved, 0 left, 0 failed\n", "{output:?}");
    assert_eq!(queue(&engine, "order-view")["deadLetters"], 0);
}

#[test]
fn what_was_received_too_often_says_from_where_and_what_its_function_did() {
    let folder = tempfile::tempdir().expect("a folder");
    let engine = Pointsman::up(folder.path());
    let client = engine.client();
    // An open order waits for time, too.
    enable(&engine, "fulfilment", false);
    client.publish(&[("shop.orders", "ItemAdded", gap(&client))]);
    let moved = &lines(&engine, &["clock", "+1h"])[0];
    let moved_by = |field: &str| moved[field].as_i64().expect("a number");
    assert!(moved_by("toMs") - moved_by("fromMs") >= 3_600_000, "{moved}");
    assert_eq!((moved_by("visible"), moved_by("deadLettered")), (5, 1), "{moved}");
    let dead = queue(&engine, DLQ);
    let why = "received 5 times from order-view and never handled; \
               the last time: its answer named it as failed";
    assert_eq!(dead["reasons"], json!([{ "reason": why, "messages": 1 }]));
    assert!(dead["oldestSeconds"].as_u64().expect("seconds") >= 3_600, "{dead}");
    assert_eq!(
        said(&engine, &["redrive", DLQ]),
        "order-view-dlq: 1 looked at, 1 moved, 0 left, 0 failed\n"
    );
}

#[test]
fn the_clock_is_shown_and_moved_and_never_goes_back() {
    let folder = tempfile::tempdir().expect("a folder");
    let engine = Pointsman::up(folder.path());
    let shown = || lines(&engine, &["clock"])[0].clone();
    let ahead = |shown: &Value| {
        shown["engineMs"].as_i64().expect("ms") - shown["wallMs"].as_i64().expect("ms")
    };
    let at_first = shown();
    assert!(ahead(&at_first).abs() < 1_000, "{at_first}");
    lines(&engine, &["clock", "+25h", "--jump"]);
    let later = shown();
    assert!(ahead(&later) >= 90_000_000, "{later}");
    lines(&engine, &["clock", "2099-12-31T00:00:00Z"]);
    assert!(shown()["engineMs"].as_i64().expect("ms") >= 4_102_358_400_000);

    fails(&engine, &["clock", "2099-01-01T00:00:00Z"], "2099-01-01T00:00:00.000Z has passed: ");
    fails(&engine, &["clock", "+200000d"], "that is more than a hundred years");
    fails(&engine, &["clock", "soon"], "clock soon: give a time to pass");
    fails(&engine, &["queues", "gone"], "there is no queue gone");
    fails(&engine, &["redrive", "gone"], "there is no queue gone");
    fails(&engine, &["redrive", DLQ, "--to", DLQ], "order-view-dlq would be sent to itself");
    fails(&engine, &["redrive", DLQ, "--filter", "x"], "--filter x: ");
    fails(&engine, &["redrive", DLQ, "--aws"], "no AWS credentials in the environment");
}

fn verb(engine: &Pointsman, arguments: &[&str]) -> Command {
    let mut command = Command::new(binary("pointsman"));
    command.args(arguments).env("AWS_ENDPOINT_URL", &engine.endpoint);
    command.env_remove("AWS_ACCESS_KEY_ID").env_remove("AWS_SECRET_ACCESS_KEY");
    command
}

fn run(engine: &Pointsman, arguments: &[&str]) -> Output {
    verb(engine, arguments).output().expect("pointsman is built")
}

#[track_caller]
fn said(engine: &Pointsman, arguments: &[&str]) -> String {
    let output = run(engine, arguments);
    assert!(output.status.success(), "{arguments:?}: {output:?}");
    String::from_utf8(output.stdout).expect("text")
}

/// The JSON lines that it says in a pipe.
#[track_caller]
fn lines(engine: &Pointsman, arguments: &[&str]) -> Vec<Value> {
    let said = said(engine, arguments);
    said.lines().map(|line| serde_json::from_str(line).expect("a JSON line")).collect()
}

#[track_caller]
fn fails(engine: &Pointsman, arguments: &[&str], why: &str) {
    let output = run(engine, arguments);
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(!output.status.success(), "{output:?}");
    assert!(said.starts_with(&format!("pointsman: {why}")), "{said}");
    assert_eq!(said.lines().count(), 1, "{said}");
}

#[track_caller]
fn queue(engine: &Pointsman, name: &str) -> Value {
    let found = lines(engine, &["queues"]).into_iter().find(|queue| queue["queue"] == name);
    found.expect("the template has it")
}

/// The queue once it is like this: what follows from an event takes its time.
fn until(engine: &Pointsman, name: &str, is: impl Fn(&Value) -> bool) -> Value {
    loop {
        let queue = queue(engine, name);
        if is(&queue) {
            return queue;
        }
    }
}

/// Switches the mapping of a function.
fn enable(engine: &Pointsman, function: &str, enabled: bool) {
    let mappings = format!("{}/2015-03-31/event-source-mappings/", engine.endpoint);
    let listed = ureq::get(format!("{mappings}?FunctionName={function}")).call().expect("a list");
    let listed: Value =
        serde_json::from_str(&listed.into_body().read_to_string().expect("text")).expect("JSON");
    let uuid = listed["EventSourceMappings"][0]["UUID"].as_str().expect("a UUID");
    let body = json!({ "Enabled": enabled }).to_string();
    ureq::put(format!("{mappings}{uuid}")).send(body).expect("it is switched");
}

fn arn(queue: &str) -> String {
    format!("arn:aws:sqs:us-east-1:000000000000:{queue}")
}
