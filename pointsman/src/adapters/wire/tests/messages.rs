use super::*;
use std::time::Duration;

#[track_caller]
fn same(got: &str, wanted: &str) {
    assert_eq!(got, wanted);
}

async fn with_queue() -> World {
    let world = World::new().await;
    world.sqs("CreateQueue", r#"{"QueueName":"orders"}"#).await;
    world
}

/// A request about the queue, with these members more.
fn on(members: &str) -> String {
    format!(r#"{{"QueueUrl":"http://x/000000000000/orders"{members}}}"#)
}

const HELLO: &str = r#","MessageBody":"hello""#;

#[tokio::test]
async fn a_message_is_sent_received_and_deleted() {
    let world = with_queue().await;
    same(
        &world.sqs("SendMessage", &on(HELLO)).await,
        r#"200 {"MessageId":"ID","MD5OfMessageBody":"5d41402abc4b2a76b9719d911017c592"}"#,
    );
    world.clock.advance(Duration::from_secs(1));
    let received = world.sqs("ReceiveMessage", &on(r#","AttributeNames":["All"]"#)).await;
    let handle = member(&received, "/Messages/0/ReceiptHandle");
    same(
        &received.replace(&handle, "HANDLE"),
        concat!(
            r#"200 {"Messages":[{"MessageId":"ID","ReceiptHandle":"HANDLE","MD5OfBody":"5d41402abc4b2a76b9719d911017c592","Body":"hello","#,
            r#""Attributes":{"ApproximateFirstReceiveTimestamp":"1700000001000","ApproximateReceiveCount":"1","SenderId":"000000000000","SentTimestamp":"1700000000000"}}]}"#,
        ),
    );
    let delete = on(&format!(r#","ReceiptHandle":"{handle}""#));
    same(&world.sqs("DeleteMessage", &delete).await, "200 ");
    same(&world.sqs("DeleteMessage", &delete).await, "200 ");
    world.clock.advance(Duration::from_secs(31));
    same(&world.sqs("ReceiveMessage", &on("")).await, "200 {}");
}

#[tokio::test]
async fn attributes_travel_with_their_digests() {
    let world = with_queue().await;
    let sent = world
        .sqs(
            "SendMessage",
            &on(r#","MessageBody":"a","MessageAttributes":{"timestamp":{"DataType":"Number","StringValue":"1493147359900"}}"#),
        )
        .await;
    same(&member(&sent, "/MD5OfMessageAttributes"), "235c5c510d26fb653d073faed50ae77c");
    world.sqs("PurgeQueue", &on("")).await;
    let attributes = r#","MessageBody":"a","MessageGroupId":"g","MessageAttributes":{"a":{"DataType":"String","StringValue":"v"},
        "b.c":{"DataType":"Binary","BinaryValue":"AAE="}},"MessageSystemAttributes":{"AWSTraceHeader":{"DataType":"String","StringValue":"Root=1"}}"#;
    let sent = world.sqs("SendMessage", &on(attributes)).await;
    same(&member(&sent, "/MD5OfMessageAttributes"), "9697dc047396542560002f4fa94ff041");
    same(&member(&sent, "/MD5OfMessageSystemAttributes"), "d6619b3d47b81d3fc72c0db005a70eda");
    let receive = r#","MessageAttributeNames":["b.*"],"VisibilityTimeout":0,"MessageSystemAttributeNames":["AWSTraceHeader","MessageGroupId"]"#;
    let received = world.sqs("ReceiveMessage", &on(receive)).await;
    same(
        &member(&received, "/Messages/0/MessageAttributes"),
        r#"{"b.c":{"BinaryValue":"AAE=","DataType":"Binary"}}"#,
    );
    same(
        &member(&received, "/Messages/0/MD5OfMessageAttributes"),
        "d25d1582d4b1b59ebb0b8bfeb6873a93",
    );
    same(
        &member(&received, "/Messages/0/Attributes"),
        r#"{"AWSTraceHeader":"Root=1","MessageGroupId":"g"}"#,
    );
}

#[tokio::test]
async fn a_batch_succeeds_and_fails_entry_by_entry() {
    let world = with_queue().await;
    let entries = r#","Entries":[{"Id":"a","MessageBody":"hello"},{"Id":"b","MessageBody":""},{"Id":"c","MessageBody":"x","DelaySeconds":901},
        {"Id":"d","MessageBody":"\u0001"},{"Id":"e","MessageBody":"e","DelaySeconds":1}]"#;
    same(
        &world.sqs("SendMessageBatch", &on(entries)).await,
        concat!(
            r#"200 {"Successful":[{"Id":"a","MessageId":"ID","MD5OfMessageBody":"5d41402abc4b2a76b9719d911017c592"},"#,
            r#"{"Id":"e","MessageId":"ID","MD5OfMessageBody":"e1671797c52e15f763380b45e841ec32"}],"#,
            r#""Failed":[{"Id":"c","Code":"InvalidParameterValue","Message":"Value 901 for parameter DelaySeconds is invalid. Reason: DelaySeconds must be >= 0 and <= 900.","SenderFault":true},"#,
            r#"{"Id":"b","Code":"MissingParameter","Message":"The request must contain the parameter MessageBody.","SenderFault":true},"#,
            r##"{"Id":"d","Code":"InvalidMessageContents","Message":"Invalid characters found. Valid unicode characters are #x9 | #xA | #xD | #x20 to #xD7FF | #xE000 to #xFFFD | #x10000 to #x10FFFF; found #x1.","SenderFault":true}]}"##,
        ),
    );
    let received = world.sqs("ReceiveMessage", &on(r#","MaxNumberOfMessages":10"#)).await;
    let handle = member(&received, "/Messages/0/ReceiptHandle");
    let change = on(&format!(
        r#","Entries":[{{"Id":"a","ReceiptHandle":"{handle}","VisibilityTimeout":0}},{{"Id":"b","ReceiptHandle":"x","VisibilityTimeout":0}}]"#
    ));
    same(
        &world.sqs("ChangeMessageVisibilityBatch", &change).await,
        r#"200 {"Successful":[{"Id":"a"}],"Failed":[{"Id":"b","Code":"ReceiptHandleIsInvalid","Message":"The input receipt handle \"x\" is not a valid receipt handle.","SenderFault":true}]}"#,
    );
    let received = world.sqs("ReceiveMessage", &on("")).await;
    let handle = member(&received, "/Messages/0/ReceiptHandle");
    let delete = on(&format!(
        r#","Entries":[{{"Id":"a","ReceiptHandle":"{handle}"}},{{"Id":"b","ReceiptHandle":"x"}}]"#
    ));
    let deleted = world.sqs("DeleteMessageBatch", &delete).await;
    same(&member(&deleted, "/Successful"), r#"[{"Id":"a"}]"#);
    same(&member(&deleted, "/Failed/0/Id"), "b");
    world.clock.advance(Duration::from_secs(2));
    let received = world.sqs("ReceiveMessage", &on("")).await;
    same(&member(&received, "/Messages/0/Body"), "e");
}

#[tokio::test]
async fn a_receipt_shows_its_message_at_once_or_later() {
    let world = with_queue().await;
    world.sqs("SendMessage", &on(HELLO)).await;
    let received = world.sqs("ReceiveMessage", &on("")).await;
    let handle = member(&received, "/Messages/0/ReceiptHandle");
    let change = on(&format!(r#","ReceiptHandle":"{handle}","VisibilityTimeout":0"#));
    same(&world.sqs("ChangeMessageVisibility", &change).await, "200 ");
    let refused = world.sqs("ChangeMessageVisibility", &change).await;
    assert!(refused.starts_with("400 [InvalidParameterValue;Sender]"), "{refused}");
    let received = world.sqs("ReceiveMessage", &on("")).await;
    same(&member(&received, "/Messages/0/Body"), "hello");
}

#[tokio::test]
async fn a_long_poll_is_woken_by_a_message_also_where_the_queue_sets_the_wait() {
    let world = with_queue().await;
    world
        .sqs("SetQueueAttributes", &on(r#","Attributes":{"ReceiveMessageWaitTimeSeconds":"20"}"#))
        .await;
    for wait in ["", r#","WaitTimeSeconds":20"#] {
        let receive = on(wait);
        let (received, _) = tokio::join!(world.sqs("ReceiveMessage", &receive), async {
            tokio::time::sleep(Duration::from_millis(20)).await;
            world.sqs("SendMessage", &on(HELLO)).await
        });
        same(&member(&received, "/Messages/0/Body"), "hello");
    }
}

#[tokio::test]
async fn what_is_wrong_is_refused_by_name() {
    let world = with_queue().await;
    let case = async |action: &str, members: &str, code: &str, part: &str| {
        let refused = world.sqs(action, &on(members)).await;
        assert!(refused.starts_with(&format!("400 [{code};Sender]")), "{code}: {refused}");
        assert!(refused.contains(part), "{part}: {refused}");
    };
    let value = "InvalidParameterValue";
    case("SendMessage", "", "MissingParameter", "MessageBody").await;
    case("SendMessage", r#","MessageBody":"""#, "MissingParameter", "MessageBody").await;
    case("SendMessage", r#","MessageBody":"\u0000""#, "InvalidMessageContents", "#x0").await;
    let large = format!(r#","MessageBody":"{}""#, "x".repeat(1_048_577));
    case("SendMessage", &large, value, "Message must be shorter than 1048576 bytes").await;
    let fifo = r#","MessageBody":"a","MessageDeduplicationId":"d""#;
    case("SendMessage", fifo, value, "MessageDeduplicationId").await;
    let attribute = |name: &str, value: &str| {
        format!(r#","MessageBody":"a","MessageAttributes":{{"{name}":{value}}}"#)
    };
    let text = r#"{"DataType":"String","StringValue":"v"}"#;
    case("SendMessage", &attribute("AWS.x", text), value, "AWS.x").await;
    case("SendMessage", &attribute("a b", text), value, "a b").await;
    case("SendMessage", &attribute("a", "{}"), value, "non-empty message attribute type").await;
    case("SendMessage", &attribute("a", r#"{"DataType":"Colour"}"#), value, "prefixes").await;
    let number = r#"{"DataType":"Number.int","StringValue":"x"}"#;
    case("SendMessage", &attribute("a", number), value, "Can't cast").await;
    let binary = r#"{"DataType":"Binary","BinaryValue":"?"}"#;
    case("SendMessage", &attribute("a", binary), value, "base64").await;
    let eleven: Vec<String> = (0..11).map(|n| format!(r#""n{n}":{text}"#)).collect();
    let eleven = format!(r#","MessageBody":"a","MessageAttributes":{{{}}}"#, eleven.join(","));
    case("SendMessage", &eleven, value, "[11]").await;
    case("ReceiveMessage", r#","MaxNumberOfMessages":11"#, value, "MaxNumberOfMessages").await;
    case("ReceiveMessage", r#","WaitTimeSeconds":21"#, value, "WaitTimeSeconds").await;
    case("ReceiveMessage", r#","VisibilityTimeout":43201"#, value, "VisibilityTimeout").await;
    case("ReceiveMessage", r#","AttributeNames":["Colour"]"#, "InvalidAttributeName", "Colour")
        .await;
    case("DeleteMessage", "", "MissingParameter", "ReceiptHandle").await;
    case("DeleteMessage", r#","ReceiptHandle":"x""#, "ReceiptHandleIsInvalid", "x").await;
    let batch = |entries: &str| format!(r#","Entries":[{entries}]"#);
    let a = r#"{"Id":"a","MessageBody":"b"}"#;
    let prefixed = |code: &str| format!("AWS.SimpleQueueService.{code}");
    case("SendMessageBatch", &batch(""), &prefixed("EmptyBatchRequest"), "at least one").await;
    let eleven = batch(&[a; 11].join(","));
    case("SendMessageBatch", &eleven, &prefixed("TooManyEntriesInBatchRequest"), "sent 11").await;
    let twice = batch(&[a; 2].join(","));
    case("SendMessageBatch", &twice, &prefixed("BatchEntryIdsNotDistinct"), "Id a repeated").await;
    let bad = batch(r#"{"Id":"a b","MessageBody":"b"}"#);
    case("SendMessageBatch", &bad, &prefixed("InvalidBatchEntryId"), "alphanumeric").await;
    let half = "x".repeat(600_000);
    let long = batch(&format!(
        r#"{{"Id":"a","MessageBody":"{half}"}},{{"Id":"b","MessageBody":"{half}"}}"#
    ));
    let sent = "You have sent 1200000 bytes";
    case("SendMessageBatch", &long, &prefixed("BatchRequestTooLong"), sent).await;
    case("DeleteMessageBatch", "", "MissingParameter", "Entries").await;
}
