//! Queue → mapping → function → what becomes of the messages.

use super::fake::{Fake, script};
use super::*;
use crate::engine::testing::{function, queue_mapping};
use crate::services::function::InvokeAsync;
use crate::services::queue::{MessageToSend, SendMessages};
use crate::topology::QueueSpec;
use serde_json::json;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender};

/// Sends what it is given to the test, and answers what `answer` says.
fn telling(
    told: UnboundedSender<Value>,
    answer: impl Fn(&Value) -> String + Clone + Send + Sync + 'static,
) -> Script {
    script(move |mut fake: Fake| {
        let (told, answer) = (told.clone(), answer.clone());
        async move {
            loop {
                let Ok(given) = fake.next().await else { return 0 };
                let event: Value = serde_json::from_str(&given.payload).unwrap();
                let reply = answer(&event);
                fake.respond(&given.request, &reply).await;
                told.send(event).unwrap();
            }
        }
    })
}

fn queue_to_echo(change: impl FnOnce(&mut crate::topology::MappingSpec)) -> Vec<Spec> {
    let mut mapping = queue_mapping("orders", "echo");
    change(&mut mapping);
    let queue = QueueSpec::named("orders");
    vec![Spec::Queue(queue), Spec::Function(function("echo")), Spec::Mapping(mapping)]
}

async fn send(world: &World, bodies: &[&str]) {
    let message =
        |body: &&str| MessageToSend { body: Bytes::from((*body).to_owned()), ..Default::default() };
    let messages = bodies.iter().map(message).collect();
    world.engine.submit(SendMessages { queue: "orders".into(), messages }, asked()).await.unwrap();
}

async fn bodies(told: &mut UnboundedReceiver<Value>) -> Vec<String> {
    let event = soon(told.recv()).await.unwrap();
    let records = event["Records"].as_array().unwrap();
    records.iter().map(|record| record["body"].as_str().unwrap().to_owned()).collect()
}

#[tokio::test]
async fn messages_reach_the_function_and_only_what_it_reports_as_failed_stays() {
    let (tell, mut told) = unbounded_channel();
    let run = telling(tell, |event| {
        let records = event["Records"].as_array().unwrap();
        let bad = records.iter().filter(|record| record["body"] == "bad");
        let bad = bad.map(|record| json!({ "itemIdentifier": record["messageId"] }));
        json!({ "batchItemFailures": bad.collect::<Vec<_>>() }).to_string()
    });
    let world = World::new(queue_to_echo(|_| {}), run).await;
    send(&world, &["good", "bad", "fine"]).await;
    let event = soon(told.recv()).await.unwrap();
    let record = &event["Records"][0];
    assert_eq!(record["body"], "good");
    assert_eq!(record["attributes"]["ApproximateReceiveCount"], "1");
    assert_eq!(record["eventSourceARN"], "arn:aws:sqs:us-east-1:000000000000:orders");
    world.until(|state| state.queues["orders"].counts.deleted == 2).await;
    let (left, flying) = world
        .read(|state| (state.queues["orders"].len(), state.queues["orders"].in_flight()))
        .await;
    assert_eq!((left, flying), (1, 1), "the failed one comes back after its visibility timeout");
    assert_eq!(world.read(|state| state.invocations.len()).await, 0);
}

#[tokio::test]
async fn a_crash_keeps_the_whole_batch() {
    let run = script(|mut fake: Fake| async move {
        let _ = fake.next().await;
        1
    });
    let world = World::new(queue_to_echo(|_| {}), run).await;
    send(&world, &["a", "b"]).await;
    world.until(|state| state.functions["echo"].counts.failed >= 1).await;
    world.until(|state| state.invocations.is_empty()).await;
    assert_eq!(world.read(|state| state.queues["orders"].len()).await, 2);
}

#[tokio::test]
async fn what_a_filter_does_not_want_is_deleted_and_not_shown() {
    let (tell, mut told) = unbounded_channel();
    let run = telling(tell, |_| "{}".into());
    let specs = queue_to_echo(|mapping| {
        mapping.filters = vec![r#"{"body":{"kind":["order"]}}"#.to_owned()];
    });
    let world = World::new(specs, run).await;
    send(&world, &[r#"{"kind":"order"}"#, r#"{"kind":"other"}"#, "no json"]).await;
    assert_eq!(bodies(&mut told).await, [r#"{"kind":"order"}"#]);
    send(&world, &["nothing", "wanted"]).await;
    world.until(|state| state.queues["orders"].is_empty() && state.invocations.is_empty()).await;
    assert!(told.try_recv().is_err(), "a batch of which nothing is wanted invokes nobody");
}

#[tokio::test]
async fn a_filter_that_cannot_be_read_drops_nothing() {
    let (tell, _told) = unbounded_channel();
    let run = telling(tell, |_| "{}".into());
    let specs = queue_to_echo(|mapping| mapping.filters = vec![r#"{"kind":["order"]}"#.to_owned()]);
    let world = World::new(specs, run).await;
    send(&world, &["a"]).await;
    world.until(|state| state.functions["echo"].counts.failed >= 1).await;
    assert_eq!(world.read(|state| state.queues["orders"].len()).await, 1);
    assert_eq!(world.spawner.count(), 0);
}

#[tokio::test]
async fn batches_run_side_by_side_up_to_the_maximum_concurrency() {
    let (tell, mut told) = unbounded_channel();
    let run = telling(tell, |_| "{}".into());
    let world = World::new(queue_to_echo(|mapping| mapping.batch_size = 1), run).await;
    let all: Vec<String> = (0..30).map(|n| n.to_string()).collect();
    send(&world, &all.iter().map(String::as_str).collect::<Vec<_>>()).await;
    let mut seen = vec![];
    while seen.len() < 30 {
        seen.extend(bodies(&mut told).await);
    }
    seen.sort_by_key(|body| body.parse::<u32>().unwrap());
    assert_eq!(seen, all);
    assert!(world.spawner.count() <= 2);
}

#[tokio::test]
async fn an_asynchronous_invocation_is_given_what_was_stored() {
    let (tell, mut told) = unbounded_channel();
    let world = World::new(vec![echo()], telling(tell, |_| "null".into())).await;
    let invoke = InvokeAsync { function: "echo".into(), payload: Bytes::from_static(b"{\"a\":1}") };
    world.engine.submit(invoke, asked()).await.unwrap();
    assert_eq!(soon(told.recv()).await, Some(json!({ "a": 1 })));
    world.until(|state| state.async_events.is_empty()).await;
}
