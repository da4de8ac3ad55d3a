//! Requests that are struck on request.

use super::*;
use crate::faults::{At, Injected, Injector, Plan};

/// A request to SQS, signed by the environment of `payment`; `None` where the connection is closed without an answer.
async fn send(world: &World, target: &str, body: &str) -> Option<String> {
    let mut stream = TcpStream::connect(world.address).await.unwrap();
    let key = signed("FUNCTION", "us-east-1", "sqs");
    let headers = [("X-Amz-Target", target), ("Authorization", key.as_str())];
    stream.write_all(request("POST", "/", &headers, body).as_bytes()).await.unwrap();
    let mut rest = vec![];
    if stream.read_buf(&mut rest).await.unwrap() == 0 {
        return None;
    }
    Some(Answered::read(&mut stream, &mut rest).await.short())
}

async fn message(world: &World) -> Option<String> {
    let body = r#"{"QueueUrl":"http://x/000000000000/orders","MessageBody":"a"}"#;
    send(world, "AmazonSQS.SendMessage", body).await
}

async fn depth(world: &World) -> usize {
    world.engine.read(|state, _| state.queues["orders"].len()).await.unwrap()
}

async fn struck(at: At, what: Injected) -> (World, Arc<Injector>) {
    let faults = Injector::new(Plan::quiet(1));
    let world = World::with("us-east-1", faults.clone()).await;
    world.sqs("CreateQueue", r#"{"QueueName":"orders"}"#).await;
    faults.once(at, what);
    (world, faults)
}

#[tokio::test]
async fn a_throttled_request_is_refused_in_its_services_words() {
    let (world, faults) =
        struck(At::request("SendMessage").of("payment"), Injected::Throttle).await;
    let refused = message(&world).await.unwrap();
    assert!(refused.starts_with("400 [RequestThrottled;Sender]"), "{refused}");
    assert_eq!(depth(&world).await, 0);
    faults.once(At::request("PutEvents"), Injected::Throttle);
    let refused = send(&world, "AWSEvents.PutEvents", "{}").await.unwrap();
    assert!(refused.starts_with(r#"400 {"__type":"ThrottlingException""#), "{refused}");
    faults.once(At::before_write(), Injected::Throttle);
    let refused = send(&world, "DynamoDB_20120810.PutItem", "{}").await.unwrap();
    assert!(refused.contains("#ThrottlingException"), "{refused}");
    assert!(world.calls.lock().unwrap().is_empty(), "the tables never saw it");
    faults.once(At::request("Invoke"), Injected::Throttle);
    let path = "/2015-03-31/functions/payment/invocations";
    assert_eq!(world.send("POST", path, &[], "{}").await.status, 429);
}

#[tokio::test]
async fn a_failed_request_does_nothing_and_is_the_services_fault() {
    let (world, _) = struck(At::request("SendMessage"), Injected::Fail).await;
    let failed = message(&world).await.unwrap();
    assert!(failed.starts_with("500 "), "{failed}");
    assert_eq!(depth(&world).await, 0);
    assert!(message(&world).await.unwrap().starts_with("200 "));
}

#[tokio::test]
async fn a_lost_answer_is_of_something_that_was_done() {
    let (world, faults) = struck(At::answer("SendMessage"), Injected::Lose).await;
    assert_eq!(message(&world).await, None);
    assert_eq!(depth(&world).await, 1);
    assert!(message(&world).await.is_some(), "a new connection is answered");
    assert_eq!(faults.counts().to_string(), "1 × lose");
}

#[tokio::test]
async fn a_function_is_killed_before_its_request_or_after_it() {
    let (world, faults) = struck(At::request("SendMessage"), Injected::Kill).await;
    assert_eq!(message(&world).await, None);
    assert_eq!(depth(&world).await, 0);
    assert_eq!(*world.killed.lock().unwrap(), ["FUNCTION"]);
    faults.once(At::after_publish().of("payment"), Injected::Kill);
    assert_eq!(message(&world).await, None);
    assert_eq!(depth(&world).await, 1);
    assert_eq!(world.killed.lock().unwrap().len(), 2);
}

#[tokio::test]
async fn the_answer_to_a_refused_request_is_not_struck() {
    let (world, faults) = struck(At::answer("SendMessage"), Injected::Lose).await;
    let body = r#"{"QueueUrl":"http://x/000000000000/none","MessageBody":"a"}"#;
    let refused = send(&world, "AmazonSQS.SendMessage", body).await.unwrap();
    assert!(refused.starts_with("400 "), "{refused}");
    assert_eq!(faults.counts().total(), 0);
}
