use super::*;
use crate::engine::{Fact, Followed, Follower};
use std::time::Duration;

const TARGET: &str = "X-Amz-Target";

/// Who asked for the next message that is sent, and why.
async fn sender(follower: &mut Follower) -> (Caller, Cause) {
    loop {
        let Some(Followed::Item(item)) = follower.next().await else { panic!("no message") };
        if matches!(item.entry.fact, Fact::MessageSent { .. }) {
            return (item.entry.caller.clone(), item.entry.cause.clone());
        }
    }
}

#[tokio::test]
async fn key_and_trace_say_who_asks_and_why() {
    let world = World::new().await;
    world.sqs("CreateQueue", r#"{"QueueName":"orders"}"#).await;
    let mut follower = world.engine.subscribe(None);
    let body = r#"{"QueueUrl":"http://x/000000000000/orders","MessageBody":"a"}"#;
    let operation = (TARGET, "AmazonSQS.SendMessage");
    let function = Caller::Function("payment".into());

    let answer = world.send("POST", "/", &[operation], body).await;
    let id: Id = answer.headers["x-amzn-requestid"].parse().unwrap();
    assert_eq!(sender(&mut follower).await, (Caller::Operator, Cause::Request(id)));

    let key = signed("AKIAIOSFODNN7EXAMPLE", "us-east-1", "sqs");
    let answer = world.send("POST", "/", &[operation, ("Authorization", &key)], body).await;
    let id: Id = answer.headers["x-amzn-requestid"].parse().unwrap();
    let user = Caller::User { key: "AKIAIOSFODNN7EXAMPLE".into() };
    assert_eq!(sender(&mut follower).await, (user, Cause::Request(id)));

    let key = signed("FUNCTION", "us-east-1", "sqs");
    world.send("POST", "/", &[operation, ("Authorization", &key)], body).await;
    let running = Cause::Invocation(InvocationId(7));
    assert_eq!(sender(&mut follower).await, (function.clone(), running));

    let trace = ("X-Amzn-Trace-Id", "Root=8");
    world.send("POST", "/", &[operation, ("Authorization", &key), trace], body).await;
    let traced = Cause::Invocation(InvocationId(8));
    assert_eq!(sender(&mut follower).await, (function, traced));

    let ended = signed("ENDED", "us-east-1", "sqs");
    let answer = world.send("POST", "/", &[operation, ("Authorization", &ended)], body).await;
    assert_eq!(answer.status, 403);
    assert_eq!(answer.headers["x-amzn-query-error"], "ExpiredTokenException;Sender");
}

#[tokio::test]
async fn a_request_for_another_region_is_refused_by_its_name() {
    let world = World::on_region("eu-central-1").await;
    let key = signed("AKID", "us-east-1", "events");
    let headers = [(TARGET, "AWSEvents.ListEventBuses"), ("Authorization", &key)];
    let refused = world.send("POST", "/", &headers, "{}").await;
    assert_eq!(
        refused.short(),
        r#"403 {"__type":"InvalidSignatureException","message":"Credential should be scoped to a valid region: this engine is eu-central-1, the request is for us-east-1."}"#
    );
    let form = ("Content-Type", "application/x-www-form-urlencoded");
    let key = signed("AKID", "us-east-1", "sts");
    let body = "Action=GetCallerIdentity&Version=2011-06-15";
    let answer = world.send("POST", "/", &[form, ("Authorization", &key)], body).await;
    assert_eq!(answer.status, 200, "clients of STS's one endpoint sign for us-east-1");
}

#[tokio::test]
async fn tables_get_requests_as_they_came_and_their_cause() {
    let world = World::new().await;
    let key = signed("FUNCTION", "us-east-1", "dynamodb");
    let put = [(TARGET, "DynamoDB_20120810.PutItem"), ("Authorization", &key)];
    let answer = world.send("POST", "/", &put, r#"{"a":1}"#).await;
    assert_eq!(answer.short(), r#"400 {"__type":"x"}"#);
    assert_eq!(answer.headers["content-type"], "application/x-amz-json-1.0");
    let get = [(TARGET, "DynamoDBStreams_20120810.GetRecords")];
    let id = world.send("POST", "/", &get, "{}").await.headers["x-amzn-requestid"].clone();
    let calls = std::mem::take(&mut *world.calls.lock().unwrap());
    let shown: Vec<_> = calls
        .iter()
        .map(|c| (c.api, c.operation.as_str(), &c.body[..], c.cause.as_deref().unwrap()))
        .collect();
    let by_request = format!("request:{id}");
    assert_eq!(
        shown,
        [
            (crate::adapters::tables::Api::DynamoDb, "PutItem", &br#"{"a":1}"#[..], "invocation:7"),
            (crate::adapters::tables::Api::Streams, "GetRecords", &b"{}"[..], &by_request),
        ]
    );
    let broken = world.json("DynamoDB_20120810.Break", "{}").await;
    assert!(broken.starts_with("500 "), "{broken}");
    assert!(broken.contains("#InternalServerError"), "{broken}");
    assert_eq!(world.lost.lock().unwrap().len(), 1, "who runs the process is told");
}

#[tokio::test]
async fn what_is_no_aws_request_goes_to_the_fallback() {
    let world = World::new().await;
    let answer = world.send("POST", "/_pointsman/hello?Action=x", &[], "hi").await;
    assert_eq!(answer.short(), "200 hi");
    assert!(answer.headers["x-amzn-requestid"].parse::<Id>().is_ok());
    let answer = world.send("GET", "/elsewhere", &[], "").await;
    assert_eq!(answer.short(), "404 Nothing answers GET /elsewhere.\n");
    let key = signed("AKID", "us-east-1", "s3");
    let answer = world.send("GET", "/bucket", &[("Authorization", &key)], "").await;
    assert!(answer.body.contains("s3"), "{answer:?}");
    let other = world.json("Kinesis_20131202.ListStreams", "{}").await;
    assert!(other.starts_with(r#"400 {"__type":"UnknownOperationException""#), "{other}");
    assert!(other.contains("Kinesis_20131202.ListStreams"), "{other}");
}

#[tokio::test]
async fn one_connection_answers_requests_in_their_order() {
    let world = World::new().await;
    let mut stream = TcpStream::connect(world.address).await.unwrap();
    let create = |name: &str| {
        let body = format!(r#"{{"QueueName":"{name}"}}"#);
        request("POST", "/", &[(TARGET, "AmazonSQS.CreateQueue")], &body)
    };
    let pipelined = create("a") + &create("b") + &create("c");
    stream.write_all(pipelined.as_bytes()).await.unwrap();
    let mut rest = vec![];
    for name in ["a", "b", "c"] {
        let answer = Answered::read(&mut stream, &mut rest).await;
        assert_eq!(
            answer.short(),
            format!(r#"200 {{"QueueUrl":"http://pointsman/000000000000/{name}"}}"#)
        );
    }
}

#[tokio::test]
async fn a_shutdown_ends_long_polls_and_then_the_server() {
    let mut world = World::new().await;
    world.sqs("CreateQueue", r#"{"QueueName":"orders"}"#).await;
    let mut polling = TcpStream::connect(world.address).await.unwrap();
    let body = r#"{"QueueUrl":"http://x/000000000000/orders","WaitTimeSeconds":20}"#;
    let poll = request("POST", "/", &[(TARGET, "AmazonSQS.ReceiveMessage")], body);
    polling.write_all(poll.as_bytes()).await.unwrap();
    // An answer on another connection shows that the server is there; the poll came before it.
    world.sqs("ListQueues", "{}").await;
    world.stop.take().unwrap().send(()).unwrap();
    let answer = Answered::read(&mut polling, &mut vec![]).await;
    assert_eq!(answer.short(), "200 {}");
    let ended = tokio::time::timeout(Duration::from_secs(10), world.server).await;
    ended.expect("the server ends").unwrap();
    assert!(TcpStream::connect(world.address).await.is_err());
}

#[tokio::test]
async fn an_engine_that_has_ended_is_an_internal_failure() {
    let world = World::new().await;
    world.engine.stop();
    let refused = world.events("ListEventBuses", "{}").await;
    assert!(refused.starts_with(r#"500 {"__type":"InternalException""#), "{refused}");
    let refused = world.sqs("ListQueues", "{}").await;
    assert!(refused.starts_with("500 [InternalFailure;Receiver]"), "{refused}");
    let refused = world.send("GET", "/2015-03-31/functions", &[], "").await;
    assert_eq!(refused.headers["x-amzn-errortype"], "ServiceException");
}
