//! Standard queues of SQS.

use super::aws::{ARN, Aws, text_of};
use super::{Fact, cases, fact, not_shown};
use pointsman::engine::{Asked, Caller, Cause, Id};
use pointsman::services::queue::{MessageToSend, Receive, SendMessages};
use serde_json::{Value, json};

const DLQ: &str = "AWS docs 2026, sqs-dead-letter-queues";
const MOVED: &str = "recorded from AWS, 2024";
const MOVES: &str = "AWS docs 2026, sqs-configure-dead-letter-queue-redrive";
const SIZES: &str = "AWS docs 2026, SQS guide; recorded from AWS, 2025-08-19";
const MODEL: &str = "SQS's service model, 2026-08";
const QUOTAS: &str = "AWS docs 2026, SQS quotas";

pub(super) const FACTS: &[Fact] = &[
    fact(
        "A message that moves to the dead-letter queue keeps when it was sent, and its retention counts from then: \
         after one day in its queue it is deleted after three more in a dead-letter queue of four.",
        DLQ,
        cases![a_dead_letter_is_as_old_as_its_message_was],
    ),
    fact(
        "With maxReceiveCount N a consumer gets a message N times, and the next receive moves it instead.",
        MOVED,
        cases![a_message_is_received_so_many_times_and_then_moved_as_it_is],
    ),
    fact(
        "The dead letter has the same MessageId, body, attributes and AWSTraceHeader, and DeadLetterQueueSourceArn.",
        MOVED,
        cases![a_message_is_received_so_many_times_and_then_moved_as_it_is],
    ),
    fact(
        "ApproximateReceiveCount goes on: with maxReceiveCount 1 the first receive of the dead letter shows 2.",
        "recorded from AWS, 2024-04-30; SQS's service model, 2026-08",
        cases![receives_are_counted_on_in_the_dead_letter_queue],
    ),
    fact(
        "With a maxReceiveCount above 3, a message received 3 times goes to the back of the queue.",
        DLQ,
        cases![a_message_received_three_times_goes_to_the_back],
    ),
    fact(
        "A message has 1 to 1,048,576 bytes, names, types and values of its attributes included, AWSTraceHeader not; \
         else InvalidParameterValue, \"One or more parameters are invalid. Reason: Message must be shorter than \
         1048576 bytes.\"",
        SIZES,
        cases![a_message_has_a_mebibyte_with_its_attributes_and_without_its_trace],
    ),
    fact(
        "So has a batch: AWS.SimpleQueueService.BatchRequestTooLong, \"Batch requests cannot be longer than 1048576 \
         bytes. You have sent N bytes.\"",
        SIZES,
        cases![a_batch_has_a_mebibyte],
    ),
    fact(
        "A batch has 10 entries: AWS.SimpleQueueService.TooManyEntriesInBatchRequest.",
        SIZES,
        cases![a_batch_has_ten_entries],
    ),
    fact(
        "Replies to batches are 200 with Successful and Failed, and of each that failed Id, Code, Message, \
         SenderFault.",
        MODEL,
        cases![entries_of_a_batch_fail_each_for_itself],
    ),
    fact(
        "Characters outside of XML 1.0 are refused: InvalidMessageContents.",
        MODEL,
        cases![characters_that_xml_has_not_are_refused],
    ),
    fact(
        "With 120,000 messages in flight a short poll is refused, OverLimit, and a long poll finds nothing.",
        QUOTAS,
        cases![
            with_120_000_messages_in_flight_a_short_poll_is_refused_and_a_long_one_finds_nothing
        ],
    ),
    fact(
        "MessageGroupId is allowed on standard queues.",
        "AWS docs 2026, SQS guide on fair queues",
        cases![a_message_of_a_standard_queue_may_have_a_group],
    ),
    fact(
        "MD5OfMessageAttributes is of all attributes by name: lengths of 4 bytes before name, type and value, and 1 \
         before a text, 2 before bytes.",
        "AWS docs 2026, SQS guide",
        cases![attributes_have_awss_digest],
    ),
    fact(
        "Retention is 60 s to 14 days, 4 days if not set; visibility 0 to 12 hours, 30 s; delay up to 15 minutes; a \
         long poll up to 20 s.",
        QUOTAS,
        cases![settings_have_their_ranges_and_defaults],
    ),
    not_shown(
        "ApproximateAgeOfOldestMessage counts from the move, and skips what was received 3 times.",
        DLQ,
        "a metric of CloudWatch, which is not imitated",
    ),
    not_shown(
        "StartMessageMoveTask: new ids and new enqueue times, 1 to 500 messages a second, one task a queue, 36 hours, \
         refused for a queue that is nobody's dead-letter queue in SQS; ListMessageMoveTasks; the rights it takes.",
        MOVES,
        "not served yet; `pointsman redrive` moves by receive, send and delete",
    ),
    not_shown(
        "FIFO queues: deduplication for 5 minutes by id or SHA-256, its scope, groups, rates, no delay of a message, \
         a dead letter's deduplication id, enqueue times reset by a move.",
        "AWS docs 2026, SQS guide; recorded from AWS, 2024-04-30",
        "FIFO queues are not there yet, and refused by name",
    ),
];

const TEMPLATE: &str = "
  Q:
    Type: AWS::SQS::Queue
    Properties:
      QueueName: q
      RedrivePolicy: {deadLetterTargetArn: !GetAtt Dead.Arn, maxReceiveCount: 2}
  Once:
    Type: AWS::SQS::Queue
    Properties:
      QueueName: once
      RedrivePolicy: {deadLetterTargetArn: !GetAtt Dead.Arn, maxReceiveCount: 1}
  Patient:
    Type: AWS::SQS::Queue
    Properties:
      QueueName: patient
      RedrivePolicy: {deadLetterTargetArn: !GetAtt Dead.Arn, maxReceiveCount: 5}
  Dead: {Type: AWS::SQS::Queue, Properties: {QueueName: dead}}
  Plain: {Type: AWS::SQS::Queue, Properties: {QueueName: plain}}
";

const DAY: u64 = 86_400;
const LIMIT: usize = 1_048_576;

/// Receives without hiding.
#[track_caller]
fn look(aws: &Aws, queue: &str) -> Vec<Value> {
    aws.receive_for(queue, json!({ "VisibilityTimeout": 0, "MaxNumberOfMessages": 1 }))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dead_letter_is_as_old_as_its_message_was() {
    let aws = Aws::up(TEMPLATE).await;
    let id = aws.send("once", "tea");
    let sent = look(&aws, "once")[0]["Attributes"]["SentTimestamp"].clone();
    aws.pass(DAY).await;
    assert!(look(&aws, "once").is_empty(), "it is moved");
    let letter = &look(&aws, "dead")[0];
    assert_eq!((&letter["MessageId"], &letter["Attributes"]["SentTimestamp"]), (&json!(id), &sent));
    aws.pass(3 * DAY - 60).await;
    assert_eq!(aws.depths("dead"), [1, 0, 0]);
    aws.pass(120).await;
    assert_eq!(aws.depths("dead"), [0, 0, 0]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_message_is_received_so_many_times_and_then_moved_as_it_is() {
    let aws = Aws::up(TEMPLATE).await;
    let text = |value: &str| json!({ "DataType": "String", "StringValue": value });
    let trace = "Root=1-00000000-000000000000000000000001";
    aws.sqs(
        "SendMessage",
        "q",
        json!({
            "MessageBody": "tea",
            "MessageAttributes": { "kind": text("green") },
            "MessageSystemAttributes": { "AWSTraceHeader": text(trace) },
        }),
    );
    let received: Vec<Value> = (0..2).flat_map(|_| look(&aws, "q")).collect();
    assert_eq!(received.len(), 2);
    assert!(look(&aws, "q").is_empty(), "a third time it is moved instead");
    assert_eq!(aws.depths("q"), [0, 0, 0]);
    let letter = look(&aws, "dead").remove(0);
    for name in ["MessageId", "Body", "MD5OfBody", "MessageAttributes", "MD5OfMessageAttributes"] {
        assert_eq!(letter[name], received[0][name], "{name}");
    }
    assert_eq!(letter["MessageAttributes"]["kind"]["StringValue"], "green");
    let [before, after] = [&received[0], &letter].map(|message| message["Attributes"].clone());
    assert_eq!(
        (&before["AWSTraceHeader"], &after["AWSTraceHeader"]),
        (&json!(trace), &json!(trace))
    );
    assert!(before["DeadLetterQueueSourceArn"].is_null());
    assert_eq!(after["DeadLetterQueueSourceArn"], format!("arn:aws:sqs:{ARN}:q"));
}

#[tokio::test(flavor = "multi_thread")]
async fn receives_are_counted_on_in_the_dead_letter_queue() {
    let aws = Aws::up(TEMPLATE).await;
    aws.send("once", "tea");
    let count = |queue| {
        look(&aws, queue).first().map(|m| m["Attributes"]["ApproximateReceiveCount"].clone())
    };
    assert_eq!(count("once"), Some(json!("1")));
    assert_eq!(count("once"), None);
    assert_eq!(count("dead"), Some(json!("2")));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_message_received_three_times_goes_to_the_back() {
    let aws = Aws::up(TEMPLATE).await;
    aws.send("patient", "poison");
    for _ in 0..3 {
        assert_eq!(look(&aws, "patient")[0]["Body"], "poison");
    }
    aws.send("patient", "good");
    // Of the two, the poison came first and is received a fourth time; then the younger one is before it.
    let order: Vec<String> = (0..2).map(|_| text_of(&look(&aws, "patient")[0]["Body"])).collect();
    assert_eq!(order.last().map(String::as_str), Some("good"), "{order:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_message_has_a_mebibyte_with_its_attributes_and_without_its_trace() {
    let aws = Aws::up(TEMPLATE).await;
    let trace = json!({ "AWSTraceHeader": { "DataType": "String", "StringValue": "Root=1-0-1" } });
    let kind = json!({ "kind": { "DataType": "String", "StringValue": "green" } });
    let beside = "kind".len() + "String".len() + "green".len();
    let too_long =
        "One or more parameters are invalid. Reason: Message must be shorter than 1048576 bytes.";
    for (beside, attributes) in [(0, json!({})), (beside, kind)] {
        let send = |length: usize| {
            aws.sqs(
                "SendMessage",
                "plain",
                json!({
                    "MessageBody": "y".repeat(length),
                    "MessageAttributes": attributes,
                    "MessageSystemAttributes": trace,
                }),
            )
        };
        let told = send(LIMIT - beside);
        assert_eq!(told.status, 200, "{}", told.text);
        let told = send(LIMIT - beside + 1);
        assert_eq!(told.message(), too_long);
        assert_eq!(
            (told.status, told.header("x-amzn-query-error")),
            (400, "InvalidParameterValue;Sender")
        );
    }
    let empty = aws.sqs("SendMessage", "plain", json!({ "MessageBody": "" }));
    assert_eq!(
        (empty.status, empty.header("x-amzn-query-error")),
        (400, "MissingParameter;Sender")
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_batch_has_a_mebibyte() {
    let aws = Aws::up(TEMPLATE).await;
    let send = |lengths: [usize; 2]| {
        let entries =
            lengths.map(|n| json!({ "Id": format!("m{n}"), "MessageBody": "y".repeat(n) }));
        aws.sqs("SendMessageBatch", "plain", json!({ "Entries": entries }))
    };
    let fits = send([LIMIT / 2 - 1, LIMIT / 2 + 1]);
    assert_eq!(fits.json()["Successful"].as_array().map(Vec::len), Some(2));
    let told = send([LIMIT / 2, LIMIT / 2 + 1]);
    let code = "AWS.SimpleQueueService.BatchRequestTooLong;Sender";
    assert_eq!((told.status, told.header("x-amzn-query-error")), (400, code));
    let text = "Batch requests cannot be longer than 1048576 bytes. You have sent 1048577 bytes.";
    assert_eq!(told.message(), text);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_batch_has_ten_entries() {
    let aws = Aws::up(TEMPLATE).await;
    let send = |n: usize| {
        let entries: Vec<Value> =
            (0..n).map(|n| json!({ "Id": format!("m{n}"), "MessageBody": "tea" })).collect();
        aws.sqs("SendMessageBatch", "plain", json!({ "Entries": entries }))
    };
    assert_eq!(send(10).status, 200);
    let told = send(11);
    let code = "AWS.SimpleQueueService.TooManyEntriesInBatchRequest;Sender";
    assert_eq!((told.status, told.header("x-amzn-query-error")), (400, code));
    assert_eq!(aws.depths("plain"), [10, 0, 0]);
}

#[tokio::test(flavor = "multi_thread")]
async fn entries_of_a_batch_fail_each_for_itself() {
    let aws = Aws::up(TEMPLATE).await;
    let entries = json!([
        { "Id": "good", "MessageBody": "tea" },
        { "Id": "bad", "MessageBody": "\u{b}" },
        { "Id": "late", "MessageBody": "tea", "DelaySeconds": 900 },
    ]);
    let told = aws.sqs("SendMessageBatch", "plain", json!({ "Entries": entries }));
    assert_eq!(told.status, 200, "{}", told.text);
    let told = told.json();
    let ids = told["Successful"].as_array().expect("a list").iter().map(|s| text_of(&s["Id"]));
    assert_eq!(ids.collect::<Vec<_>>(), ["good", "late"]);
    let failed = told["Failed"].as_array().expect("a list");
    assert_eq!(failed.len(), 1);
    assert_eq!(failed[0]["Id"], "bad");
    assert_eq!(failed[0]["Code"], "InvalidMessageContents");
    assert_eq!(failed[0]["SenderFault"], true);
    assert!(failed[0]["Message"].is_string());
}

#[tokio::test(flavor = "multi_thread")]
async fn characters_that_xml_has_not_are_refused() {
    let aws = Aws::up(TEMPLATE).await;
    let send = |text: &str| aws.sqs("SendMessage", "plain", json!({ "MessageBody": text }));
    for good in ["\t\n\r ", "\u{7f}", "\u{d7ff}\u{e000}\u{fffd}", "\u{10000}\u{10ffff}"] {
        assert_eq!(send(good).status, 200, "{good:?}");
    }
    for bad in ["\u{0}", "a\u{8}", "\u{b}", "\u{1f}", "\u{fffe}", "\u{ffff}"] {
        let told = send(bad);
        assert_eq!((told.status, &*told.code()), (400, "InvalidMessageContents"), "{bad:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn with_120_000_messages_in_flight_a_short_poll_is_refused_and_a_long_one_finds_nothing() {
    let aws = Aws::up(TEMPLATE).await;
    let engine = aws.running.engine();
    let asked = || Asked { caller: Caller::Operator, cause: Cause::Request(Id(0)) };
    let message = MessageToSend { body: "tea".into(), ..MessageToSend::default() };
    let messages = vec![message; 120_001];
    engine.submit(SendMessages { queue: "plain".into(), messages }, asked()).await.expect("room");
    let receive = |max| Receive { queue: "plain".into(), max, visibility: Some(43_200) };
    let taken = engine.submit(receive(119_999), asked()).await.expect("messages");
    assert_eq!(taken.len(), 119_999);
    assert_eq!(aws.receive("plain").len(), 1, "the last that may be in flight");
    assert_eq!(aws.depths("plain"), [1, 120_000, 0]);
    let short = aws.sqs("ReceiveMessage", "plain", json!({}));
    assert_eq!(short.header("x-amzn-query-error"), "OverLimit;Sender");
    let long = aws.sqs("ReceiveMessage", "plain", json!({ "WaitTimeSeconds": 1 }));
    assert_eq!((long.status, &long.json()["Messages"]), (200, &Value::Null));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_message_of_a_standard_queue_may_have_a_group() {
    let aws = Aws::up(TEMPLATE).await;
    let told =
        aws.sqs("SendMessage", "plain", json!({ "MessageBody": "tea", "MessageGroupId": "g" }));
    assert_eq!(told.status, 200, "{}", told.text);
    assert_eq!(aws.receive("plain")[0]["Attributes"]["MessageGroupId"], "g");
}

#[tokio::test(flavor = "multi_thread")]
async fn attributes_have_awss_digest() {
    let aws = Aws::up(TEMPLATE).await;
    let attributes = json!({
        "b": { "DataType": "String.kind", "StringValue": "ä" },
        "a": { "DataType": "Number", "StringValue": "7" },
        "c": { "DataType": "Binary", "BinaryValue": "AP8=" },
    });
    let sent = aws.sqs(
        "SendMessage",
        "plain",
        json!({ "MessageBody": "tea", "MessageAttributes": attributes }),
    );
    // Worked out by the documented steps, elsewhere.
    let digest = "d323c368a07bece05a5e7934e6fb613d";
    assert_eq!(sent.json()["MD5OfMessageAttributes"], digest);
    assert_eq!(aws.receive("plain")[0]["MD5OfMessageAttributes"], digest);
}

#[tokio::test(flavor = "multi_thread")]
async fn settings_have_their_ranges_and_defaults() {
    let aws = Aws::up(TEMPLATE).await;
    let told = aws.sqs("GetQueueAttributes", "plain", json!({ "AttributeNames": ["All"] })).json();
    for (name, default, least, most) in [
        ("MessageRetentionPeriod", "345600", 60, 1_209_600),
        ("VisibilityTimeout", "30", 0, 43_200),
        ("DelaySeconds", "0", 0, 900),
        ("ReceiveMessageWaitTimeSeconds", "0", 0, 20),
    ] {
        assert_eq!(told["Attributes"][name], default);
        let set = |value: i64| {
            let attributes = json!({ name: value.to_string() });
            aws.sqs("SetQueueAttributes", "plain", json!({ "Attributes": attributes }))
        };
        for value in [least - 1, most + 1] {
            assert_eq!(set(value).code(), "InvalidAttributeValue", "{name} {value}");
        }
        for value in [least, most] {
            assert_eq!(set(value).status, 200, "{name} {value}");
        }
    }
    for (name, value) in [("WaitTimeSeconds", 21), ("VisibilityTimeout", 43_201)] {
        let told = aws.sqs("ReceiveMessage", "plain", json!({ name: value }));
        assert_eq!(told.header("x-amzn-query-error"), "InvalidParameterValue;Sender");
    }
    let late =
        aws.sqs("SendMessage", "plain", json!({ "MessageBody": "tea", "DelaySeconds": 901 }));
    assert_eq!(late.header("x-amzn-query-error"), "InvalidParameterValue;Sender");
}
