//! The verbs of the command line, against a running engine.

use crate::support::{Pointsman, Tail, binary, order};
use serde_json::{Value, json};
use std::io::Write;
use std::process::{Child, Command, Output, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

const READY_TO_WEAR: &str =
    r#"{"source":"shop.orders","detail-type":"OrderPlaced","detail":{"n":1}}"#;

#[test]
fn an_event_is_published_from_a_file_from_standard_input_and_from_flags() {
    let folder = tempfile::tempdir().expect("a folder");
    let engine = Pointsman::up(folder.path());
    let mut piped = Piped::of(&engine);
    let file = folder.path().join("events.json");
    // Both forms, and more than fit into one request.
    let mut events = vec![serde_json::from_str::<Value>(READY_TO_WEAR).expect("JSON"); 10];
    events.push(
        json!({ "Source": "shop.orders", "DetailType": "OrderPlaced", "Detail": "{\"n\":2}" }),
    );
    std::fs::write(&file, Value::from(events).to_string()).expect("it is written");
    let file = file.to_str().expect("text");

    let from_file = said(verb(&engine, &["publish", "--bus", "shop", file]), "");
    assert_eq!(from_file.lines().count(), 11, "{from_file}");
    let from_input = said(verb(&engine, &["publish", "--bus", "shop", "-"]), READY_TO_WEAR);
    let flags = [
        "publish",
        "--bus",
        "shop",
        "--source",
        "shop.test",
        "--detail-type",
        "Tested",
        "--detail",
        "{}",
    ];
    let from_flags = said(verb(&engine, &flags), "");
    for (printed, detail_type) in [(&from_input, "OrderPlaced"), (&from_flags, "Tested")] {
        let (id, what) = printed.trim().split_once("  ").expect("an id and a name");
        assert_eq!((id.len(), what), (36, detail_type), "{printed}");
        let line = piped.tail.find(|line| line["id"] == id);
        assert_eq!(line["detailType"], detail_type);
    }

    fails(verb(&engine, &["publish", "-"]), "no JSON", "-: not JSON: ");
    fails(verb(&engine, &["publish", "-"]), "{}", "-: event 1: detail is missing");
    fails(verb(&engine, &["publish", "nowhere.json"]), "", "nowhere.json: ");
    fails(
        verb(&engine, &["publish", "--source", "a", "--detail-type", "b", "--detail", "{"]),
        "",
        "--detail is not JSON",
    );
    fails(verb(&engine, &["publish"]), "", "give a FILE");
    let gone =
        ["publish", "--source", "a", "--detail-type", "b", "--endpoint", "http://127.0.0.1:9"];
    fails(verb(&engine, &gone), "", "no engine answers at http://127.0.0.1:9");
}

#[test]
fn a_token_opens_the_door_and_tail_tells_of_the_way_in_json_lines() {
    let folder = tempfile::tempdir().expect("a folder");
    let engine = Pointsman::up(folder.path());
    let mut piped = Piped::of(&engine);
    let token = said(verb(&engine, &["token", "--sub", "anna", "--scope", "orders:write"]), "");
    let anna = engine.client().with_token(token.trim());
    anna.place("key-1", &order("TEA-ASSAM-100", 1)).order_id();

    let event = piped.tail.find(|line| line["detailType"] == "OrderPlaced");
    let targets = event["targets"].as_array().expect("targets").iter();
    assert_eq!(targets.map(|t| &t["to"]).collect::<Vec<_>>(), ["fulfilment", "order-view"]);
    let invoked =
        piped.tail.find(|line| line["kind"] == "invoked" && line["function"] == "order-view");
    assert_eq!((&invoked["by"], &invoked["count"]), (&json!("order-view"), &json!(1)));
    let batch = piped.tail.find(|line| line["kind"] == "batch" && line["queue"] == "order-view");
    assert_eq!((&batch["handled"], &batch["kept"]), (&json!(1), &json!(0)));

    let expired = said(
        verb(&engine, &["token", "--sub", "anna", "--scope", "orders:write", "--expires-in", "-9"]),
        "",
    );
    assert_eq!(anna.with_token(expired.trim()).place("key-2", &order("CUP-BLUE", 1)).status, 401);
    let other = said(
        verb(&engine, &["token", "--sub", "anna", "--scope", "orders:write", "--aud", "bank"]),
        "",
    );
    assert_eq!(anna.with_token(other.trim()).place("key-2", &order("CUP-BLUE", 1)).status, 401);
    fails(
        verb(&engine, &["token", "--sub", "anna", "--claim", "x"]),
        "",
        "--claim x: NAME=VALUE is wanted",
    );

    // The engine ends, and so does what follows it.
    drop(engine);
    assert!(piped.child.wait().expect("it ends").success());
}

/// `pointsman tail` in a pipe.
struct Piped {
    child: Child,
    tail: Tail,
}

impl Piped {
    /// Begins to follow; what happens from now on is told.
    fn of(engine: &Pointsman) -> Piped {
        let mut child =
            verb(engine, &["tail"]).stdout(Stdio::piped()).spawn().expect("it is built");
        let mut tail = Tail::new(child.stdout.take().expect("a pipe"));
        // It says nothing when it begins, so something happens until it tells of it.
        let client = engine.client();
        let heard = Arc::new(AtomicBool::new(false));
        let poking = std::thread::spawn({
            let heard = heard.clone();
            move || {
                while !heard.load(Ordering::Relaxed) {
                    client.publish(&[("test", "Poke", json!({}))]);
                }
            }
        });
        tail.find(|line| line["detailType"] == "Poke");
        heard.store(true, Ordering::Relaxed);
        poking.join().expect("it has poked");
        Piped { child, tail }
    }
}

impl Drop for Piped {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn verb(engine: &Pointsman, arguments: &[&str]) -> Command {
    let mut command = Command::new(binary("pointsman"));
    command.args(arguments).env("AWS_ENDPOINT_URL", &engine.endpoint);
    command
}

fn run(mut command: Command, input: &str) -> Output {
    let command = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().expect("pointsman is built");
    // One that wants no input may have ended before it is written.
    let _ = child.stdin.take().expect("a pipe").write_all(input.as_bytes());
    child.wait_with_output().expect("it ends")
}

/// What it prints, having ended well.
#[track_caller]
fn said(command: Command, input: &str) -> String {
    let output = run(command, input);
    assert!(output.status.success(), "{output:?}");
    String::from_utf8(output.stdout).expect("text")
}

/// Ends with one line that begins so, and not well.
#[track_caller]
fn fails(command: Command, input: &str, why: &str) {
    let output = run(command, input);
    assert!(!output.status.success(), "{output:?}");
    let said = String::from_utf8(output.stderr).expect("text");
    assert!(said.starts_with(&format!("pointsman: {why}")), "{said}");
    assert_eq!(said.lines().count(), 1, "{said}");
}
