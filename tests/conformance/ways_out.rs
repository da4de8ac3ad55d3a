//! The kit's memory bus and memory queues against its EventBridge and SQS adapters on the engine: of the same batches,
//! good, bad and too large, each takes and refuses the same, and for as long.

use crate::sdk_config::sdk_config;
use pointsman::testing;
use pointsman_kit::delivery::{Answer, Failure};
use pointsman_kit::publisher::{self, Bus, Entry, EventBridge};
use pointsman_kit::queues::{self, Message, Queues, Sqs};
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::select;
use proptest::test_runner::{Config, TestRunner};
use std::fmt::Debug;
use std::path::Path;
use tokio::runtime::Handle;

const MIB: usize = 1024 * 1024;

#[tokio::test(flavor = "multi_thread")]
async fn the_memory_bus_and_the_memory_queues_take_and_refuse_as_the_real_ones_do() {
    let template = Path::new(env!("CARGO_MANIFEST_DIR")).join("templates/bare.yaml");
    let engine = testing::start(template).await.expect("the engine starts");
    let config = sdk_config(engine.endpoint()).await;
    let bus = EventBridge::new(aws_sdk_eventbridge::Client::new(&config), "default");
    let client = aws_sdk_sqs::Client::new(&config);
    let url = client.get_queue_url().queue_name("messages").send().await;
    let url = url.expect("GetQueueUrl").queue_url.expect("a URL");
    let real = Sqs::new(client);
    let runtime = Handle::current();
    let compared = tokio::task::spawn_blocking(move || {
        for_all(&vec(entry(), 0..12), |entries| {
            let entries: Vec<&Entry> = entries.iter().collect();
            let memory = publisher::Memory::new();
            runtime.block_on(async { [memory.put(&entries).await, bus.put(&entries).await] })
        });
        // The queue of a call is that of its messages, so there is no call of none.
        for_all(&vec(message(url), 1..12), |messages| {
            let messages: Vec<&Message> = messages.iter().collect();
            let memory = queues::Memory::new();
            runtime.block_on(async { [memory.send(&messages).await, real.send(&messages).await] })
        });
    });
    compared.await.expect("alike");
    engine.stop().await;
}

/// Asks both of generated batches, always the same ones.
#[track_caller]
fn for_all<T: Debug>(batches: &impl Strategy<Value = Vec<T>>, ask: impl Fn(Vec<T>) -> [Answer; 2]) {
    let config = Config { cases: 150, failure_persistence: None, ..Config::default() };
    let rng = TestRunner::deterministic().new_rng();
    let alike = TestRunner::new_with_rng(config, rng).run(batches, |batch| {
        let [memory, real] = ask(batch).map(kinds);
        prop_assert_eq!(memory, real);
        Ok(())
    });
    if let Err(error) = alike {
        let text: String = error.to_string().chars().take(4000).collect();
        panic!("memory, then real: {text}");
    }
}

/// Whether each item is in, or else whether it ever can be; or that for the call as a whole.
fn kinds(answer: Answer) -> Result<Vec<Result<(), bool>>, bool> {
    let permanent = |failure: Failure| failure.permanent;
    let results = answer.map_err(permanent)?.into_iter();
    Ok(results.map(|result| result.map(drop).map_err(permanent)).collect())
}

fn entry() -> impl Strategy<Value = Entry> {
    let text = |good: &'static str| prop_oneof![15 => Just(good), 1 => Just("")];
    let wrong = vec!["", "[]", "7", "null", "{", "{\"n\":}", "{\"n\":1} x", "\"{}\""];
    let detail = prop_oneof![
        12 => (0..100).prop_map(|n| format!("{{\"n\":{n}}}")),
        4 => select(wrong).prop_map(str::to_owned),
        1 => select(vec![MIB / 2, MIB - 40, MIB]).prop_map(|n| format!("{{\"x\":\"{}\"}}", "y".repeat(n))),
    ];
    (text("shop.orders"), text("OrderPlaced"), detail)
        .prop_map(|(source, name, detail)| Entry::new(source, name, detail))
}

fn message(url: String) -> impl Strategy<Value = Message> {
    let bad = vec!["", "\u{0}", "\u{1}", "a\u{b}b", "\u{fffe}", "\u{ffff}"];
    let good = vec!["a", "é", "\t\n\r", "\u{7f}", "\u{d7ff}", "\u{e000}", "\u{fffd}", "\u{1f600}"];
    let body = prop_oneof![
        12 => select(good).prop_map(str::to_owned),
        3 => select(bad).prop_map(str::to_owned),
        1 => select(vec![MIB / 2, MIB, MIB + 1]).prop_map(|n| "y".repeat(n)),
    ];
    let delay = prop_oneof![12 => 0..3_u16, 1 => Just(900), 1 => Just(901), 1 => Just(u16::MAX)];
    let reason = prop_oneof![9 => Just("late"), 1 => Just(""), 1 => Just("\u{1}")];
    (body, delay, proptest::option::of(reason)).prop_map(move |(body, delay, reason)| {
        let mut message = Message::new(&url, body);
        message.delay = delay;
        match reason {
            Some(reason) => message.attribute("reason", reason),
            None => message,
        }
    })
}
