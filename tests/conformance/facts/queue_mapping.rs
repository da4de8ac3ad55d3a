//! Event source mappings of standard queues.

use super::aws::{ARN, Aws, text_of};
use super::stage::Does;
use super::{Fact, cases, fact, not_shown};
use serde_json::{Value, json};

const SETTINGS: &str = "AWS docs 2026, Lambda guide on SQS; recorded from AWS, 2025-11-25";
const ERRORS: &str = "AWS docs 2026, Lambda guide on SQS; recorded from AWS, 2025-11-25";
const SCALING: &str = "AWS docs 2026, services-sqs-scaling";
const FILTERS: &str = "AWS docs 2026, Lambda guide on filters";

pub(super) const FACTS: &[Fact] = &[
    fact(
        "BatchSize is 10 if not set, at most 10,000; MaximumBatchingWindowInSeconds 0, at most 300.",
        SETTINGS,
        cases![a_mapping_of_a_queue_has_its_defaults_and_ranges],
    ),
    fact(
        "A BatchSize above 10 needs a window: InvalidParameterValueException, \"Maximum batch window in seconds must be \
         greater than 0 if maximum batch size is greater than 10\".",
        SETTINGS,
        cases![more_than_ten_messages_a_batch_need_a_window],
    ),
    fact(
        "A batch ends at 6 MB of payload.",
        SETTINGS,
        cases![a_batch_of_messages_ends_at_six_megabytes],
    ),
    fact(
        "Five batches are with the function at once, to begin with.",
        SCALING,
        cases![five_batches_are_at_work_at_once],
    ),
    fact(
        "MaximumConcurrency is from 2 to 1,000.",
        SCALING,
        cases![a_maximum_concurrency_bounds_the_batches_at_work],
    ),
    fact(
        "A function's Timeout is not above its queue's visibility timeout.",
        "AWS docs 2026, Lambda guide on SQS",
        cases![a_queue_hides_its_messages_for_as_long_as_the_function_may_take],
    ),
    fact(
        "A function's error or timeout keeps the whole batch, partial responses or not, and it comes back after the \
         visibility timeout, which is not shortened.",
        ERRORS,
        cases![
            an_error_keeps_the_whole_batch_for_its_visibility_timeout,
            a_timeout_keeps_the_whole_batch,
        ],
    ),
    fact(
        "A partial response with an empty list, a null list, {} or null is a complete success.",
        ERRORS,
        cases![what_says_nothing_of_failures_deletes_the_batch],
    ),
    fact(
        "One that is no JSON, or has an identifier that is empty, null, under another key or not of the batch, is a \
         complete failure.",
        ERRORS,
        cases![what_cannot_be_understood_keeps_the_batch],
    ),
    fact(
        "Otherwise the messages that are named come back, and the others are deleted.",
        ERRORS,
        cases![what_is_named_as_failed_comes_back_and_the_rest_is_deleted],
    ),
    fact(
        "Filters are about `body` alone, up to 5, any of which may match.",
        FILTERS,
        cases![a_message_that_any_of_five_filters_wants_is_given],
    ),
    fact(
        "What no filter wants is deleted from the queue, without a dead letter; so is what is no JSON for a pattern \
         about JSON, and the reverse.",
        FILTERS,
        cases![what_no_filter_wants_is_deleted, a_pattern_about_text_wants_no_json],
    ),
    fact(
        "A record has messageId, receiptHandle, body, attributes (ApproximateReceiveCount, SentTimestamp, SenderId, \
         ApproximateFirstReceiveTimestamp, all texts), messageAttributes, md5OfBody, eventSource, eventSourceARN, \
         awsRegion.",
        "AWS docs 2026, Lambda guide on SQS; recorded from AWS, 2025-11-25",
        cases![a_record_is_a_message_as_lambda_writes_it],
    ),
    not_shown(
        "With a window and little traffic an invocation may wait for up to 20 s though the window is shorter.",
        SETTINGS,
        "a wait that may be is none to rely on: a window is exact here",
    ),
    not_shown(
        "300 more invocations a minute up to 1,250; fewer pollers of an idle queue; no scaling down on failures with \
         partial responses; reserved concurrency not below the sum.",
        SCALING,
        "speeds and quotas: five batches stay five on one machine",
    ),
    not_shown(
        "Provisioned mode.",
        "AWS docs 2026, services-sqs-scaling; Lambda's service model, 2026-08",
        "pollers that are paid for; ProvisionedPollerConfig is refused by name",
    ),
    not_shown(
        "A throttled invocation is retried until the visibility timeout is over, and then dropped.",
        "AWS docs 2026, Lambda guide on SQS",
        "no message is received for a function that has no room, so that none counts a receive for nothing",
    ),
    not_shown("10 filters on request.", FILTERS, "a quota of an account"),
    not_shown(
        "Numbers in a filter are equal if they are written alike.",
        FILTERS,
        "AWS's matcher, which is published, holds 7 and 7.0 for one number, and so does this one",
    ),
    not_shown(
        "FIFO queues: order in a group, batches of several groups, where to stop in a partial response, concurrency by \
         groups.",
        "AWS docs 2026, Lambda guide on SQS",
        "FIFO queues are not there yet, and refused by name",
    ),
];

/// A queue, its dead-letter queue and a function that reads it; `more` are further properties of the event.
fn template(more: &str) -> String {
    format!(
        "
  Q:
    Type: AWS::SQS::Queue
    Properties:
      QueueName: q
      VisibilityTimeout: 60
      RedrivePolicy: {{deadLetterTargetArn: !GetAtt Dead.Arn, maxReceiveCount: 5}}
  Dead: {{Type: AWS::SQS::Queue, Properties: {{QueueName: dead}}}}
  Consumer:
    Type: AWS::Serverless::Function
    Properties:
      FunctionName: consumer
      Runtime: provided.al2023
      Handler: bootstrap
      CodeUri: .
      Timeout: 60
      Events:
        Messages: {{Type: SQS, Properties: {{Queue: !GetAtt Q.Arn, {more}}}}}
"
    )
}

const PARTIAL: &str = "FunctionResponseTypes: [ReportBatchItemFailures]";

/// Fills the queue while nobody reads it, so that what is there makes batches.
async fn fill(aws: &Aws, texts: &[&str]) {
    aws.running.switch("consumer", false).await;
    texts.iter().for_each(|text| drop(aws.send("q", text)));
    aws.running.switch("consumer", true).await;
}

/// Texts of each batch that the function was given.
fn batches(aws: &Aws) -> Vec<Vec<String>> {
    let records = |event: &Value| event["Records"].as_array().cloned().unwrap_or_default();
    let given = aws.stage.given("consumer");
    let texts = |event| records(event).iter().map(|r| text_of(&r["body"])).collect();
    given.iter().map(texts).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_mapping_of_a_queue_has_its_defaults_and_ranges() {
    let aws = Aws::up(&template("")).await;
    let path = format!("/2015-03-31/event-source-mappings/{}", aws.mapping("consumer"));
    let shown = aws.rest("GET", &path, &Value::Null).json();
    assert_eq!(
        (&shown["BatchSize"], &shown["MaximumBatchingWindowInSeconds"]),
        (&json!(10), &json!(0))
    );
    for (size, window, is_good) in
        [(1, 0, true), (10_000, 300, true), (10_001, 300, false), (0, 0, false), (10, 301, false)]
    {
        let change = json!({ "BatchSize": size, "MaximumBatchingWindowInSeconds": window });
        let told = aws.change_mapping("consumer", &change);
        match is_good {
            true => assert_eq!((told.status, &told.json()["BatchSize"]), (202, &json!(size))),
            false => {
                assert_eq!((told.status, &*told.code()), (400, "InvalidParameterValueException"))
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn more_than_ten_messages_a_batch_need_a_window() {
    let aws = Aws::up(&template("")).await;
    aws.change_mapping("consumer", &json!({ "BatchSize": 11 })).is_refused(
        400,
        "InvalidParameterValueException",
        "Maximum batch window in seconds must be greater than 0 if maximum batch size is greater than 10",
    );
    let with_window = json!({ "BatchSize": 11, "MaximumBatchingWindowInSeconds": 1 });
    assert_eq!(aws.change_mapping("consumer", &with_window).status, 202);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_batch_of_messages_ends_at_six_megabytes() {
    let aws = Aws::up(&template("")).await;
    let texts: Vec<String> = (0..8).map(|n| n.to_string().repeat(1_000_000)).collect();
    fill(&aws, &texts.iter().map(String::as_str).collect::<Vec<_>>()).await;
    aws.running.wait_until_idle().await;
    let given = aws.stage.given("consumer");
    assert_eq!(batches(&aws).iter().map(Vec::len).sum::<usize>(), 8);
    assert!(given.len() > 1);
    for event in given {
        assert!(event.to_string().len() <= 6 * 1024 * 1024, "{}", event.to_string().len());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn five_batches_are_at_work_at_once() {
    let aws = Aws::up(&template("BatchSize: 1")).await;
    aws.stage.plays("consumer", |_| Does::Waits);
    fill(&aws, &["a", "b", "c", "d", "e", "f", "g"]).await;
    at_work(&aws, 5).await;
    assert_eq!(aws.depths("q"), [2, 5, 0]);
    aws.stage.release();
    aws.running.wait_until_idle().await;
    assert_eq!(batches(&aws).len(), 7);
}

/// Waits until the function is at work on so many batches.
async fn at_work(aws: &Aws, batches: usize) {
    aws.until("batches", || aws.stage.given("consumer").len() >= batches).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_maximum_concurrency_bounds_the_batches_at_work() {
    let aws = Aws::up(&template("BatchSize: 1, ScalingConfig: {MaximumConcurrency: 2}")).await;
    aws.stage.plays("consumer", |_| Does::Waits);
    fill(&aws, &["a", "b", "c"]).await;
    at_work(&aws, 2).await;
    assert_eq!(aws.depths("q"), [1, 2, 0]);
    aws.stage.release();
    aws.running.wait_until_idle().await;
    for (most, is_good) in [(1, false), (2, true), (1_000, true), (1_001, false)] {
        let change = json!({ "ScalingConfig": { "MaximumConcurrency": most } });
        let told = aws.change_mapping("consumer", &change);
        match is_good {
            true => assert_eq!(told.status, 202, "{most}: {}", told.text),
            false => {
                assert_eq!((told.status, &*told.code()), (400, "InvalidParameterValueException"))
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_queue_hides_its_messages_for_as_long_as_the_function_may_take() {
    let shorter = template("").replace("VisibilityTimeout: 60", "VisibilityTimeout: 59");
    let refused = Aws::refused(&shorter).await;
    assert!(
        refused.contains(
            "Queue visibility timeout: 59 seconds is less than Function timeout: 60 seconds"
        ),
        "{refused}"
    );
    Aws::up(&template("")).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_error_keeps_the_whole_batch_for_its_visibility_timeout() {
    let aws = Aws::up(&template(PARTIAL)).await;
    aws.stage.plays("consumer", |event| {
        let count = &event["Records"][0]["attributes"]["ApproximateReceiveCount"];
        if count == "1" { Does::Fails } else { Does::Says("{}".into()) }
    });
    fill(&aws, &["a", "b"]).await;
    aws.running.wait_until_time_must_pass().await;
    assert_eq!((batches(&aws).len(), aws.depths("q")), (1, [0, 2, 0]));
    // It is not shortened; the seconds that the test takes are of the timeout, too.
    aws.pass(30).await;
    assert_eq!((batches(&aws).len(), aws.depths("q")), (1, [0, 2, 0]));
    aws.pass(31).await;
    aws.running.wait_until_idle().await;
    assert_eq!(batches(&aws).concat().len(), 4);
    assert_eq!((aws.depths("q"), aws.depths("dead")), ([0; 3], [0; 3]));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_timeout_keeps_the_whole_batch() {
    let aws = Aws::up(
        &template(PARTIAL).replace("Timeout: 60\n      Events", "Timeout: 1\n      Events"),
    )
    .await;
    aws.stage.plays("consumer", |event| {
        let count = &event["Records"][0]["attributes"]["ApproximateReceiveCount"];
        if count == "1" { Does::Waits } else { Does::Says("{}".into()) }
    });
    fill(&aws, &["a", "b"]).await;
    aws.running.wait_until_time_must_pass().await;
    assert_eq!((batches(&aws).len(), aws.depths("q")), (1, [0, 2, 0]));
    aws.pass(60).await;
    aws.running.wait_until_idle().await;
    assert_eq!((batches(&aws).concat().len(), aws.depths("q")), (4, [0; 3]));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_says_nothing_of_failures_deletes_the_batch() {
    let aws = Aws::up(&template(PARTIAL)).await;
    for answer in [r#"{"batchItemFailures":[]}"#, r#"{"batchItemFailures":null}"#, "{}", "null", ""]
    {
        aws.stage.plays("consumer", move |_| Does::Says(answer.into()));
        fill(&aws, &["a", "b"]).await;
        aws.running.wait_until_time_must_pass().await;
        assert_eq!(aws.depths("q"), [0, 0, 0], "{answer:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_understood_keeps_the_batch() {
    let aws = Aws::up(&template(PARTIAL)).await;
    let failures = |item: &str| format!(r#"{{"batchItemFailures":[{item}]}}"#);
    let mut kept = 0;
    for answer in [
        "no JSON".to_owned(),
        failures(r#"{"itemIdentifier":""}"#),
        failures(r#"{"itemIdentifier":null}"#),
        failures(r#"{"foo":"x"}"#),
        failures(r#"{"itemIdentifier":"of-no-batch"}"#),
    ] {
        let says = answer.clone();
        aws.stage.plays("consumer", move |_| Does::Says(says.clone()));
        fill(&aws, &["a", "b"]).await;
        aws.running.wait_until_time_must_pass().await;
        kept += 2;
        assert_eq!(aws.depths("q"), [0, kept, 0], "{answer}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_named_as_failed_comes_back_and_the_rest_is_deleted() {
    let aws = Aws::up(&template(PARTIAL)).await;
    aws.stage.plays("consumer", |event| {
        let records = event["Records"].as_array().expect("records");
        let bad = records.iter().filter(|record| record["body"] == "bad");
        let failed = bad.map(|record| json!({ "itemIdentifier": record["messageId"] }));
        Does::says(&json!({ "batchItemFailures": failed.collect::<Vec<_>>() }))
    });
    fill(&aws, &["a", "bad", "b"]).await;
    aws.running.wait_until_time_must_pass().await;
    assert_eq!(aws.depths("q"), [0, 1, 0]);
    for _ in 0..5 {
        aws.pass(60).await;
        aws.running.wait_until_time_must_pass().await;
    }
    assert_eq!(
        batches(&aws).iter().filter(|batch| batch[..] == ["bad"]).count(),
        4,
        "after the first"
    );
    assert_eq!((aws.depths("q"), aws.texts("dead")), ([0; 3], vec!["bad".to_owned()]));
}

fn filtered(patterns: &[Value]) -> String {
    let filters: Vec<Value> =
        patterns.iter().map(|p| json!({ "Pattern": p.to_string() })).collect();
    template(&format!("FilterCriteria: {}", json!({ "Filters": filters })))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_message_that_any_of_five_filters_wants_is_given() {
    let kinds = ["a", "b", "c", "d"].map(|kind| json!({ "body": { "kind": [kind] } }));
    let patterns = [&kinds[..], &[json!({ "body": { "n": [7] } })]].concat();
    let aws = Aws::up(&filtered(&patterns)).await;
    let wanted = [r#"{"kind":"a"}"#, r#"{"kind":"d","n":8}"#, r#"{"n":7}"#];
    let unwanted = [r#"{"kind":"e"}"#, r#"{"n":8}"#, r#"{"n":"7"}"#];
    fill(&aws, &[&wanted[..], &unwanted].concat()).await;
    aws.running.wait_until_idle().await;
    let mut given = batches(&aws).concat();
    given.sort();
    assert_eq!(given, wanted);
    let six = vec![json!({ "Pattern": r#"{"body":{"kind":["a"]}}"# }); 6];
    let told = aws.change_mapping("consumer", &json!({ "FilterCriteria": { "Filters": six } }));
    assert_eq!((told.status, &*told.code()), (400, "InvalidParameterValueException"));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_no_filter_wants_is_deleted() {
    let aws = Aws::up(&filtered(&[json!({ "body": { "kind": ["a"] } })])).await;
    fill(&aws, &[r#"{"kind":"b"}"#, "kind a", r#""a""#]).await;
    aws.running.wait_until_idle().await;
    assert_eq!(aws.stage.given("consumer"), Vec::<Value>::new());
    assert_eq!((aws.depths("q"), aws.depths("dead")), ([0; 3], [0; 3]));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_pattern_about_text_wants_no_json() {
    let aws = Aws::up(&filtered(&[json!({ "body": ["tea", { "prefix": "{" }] })])).await;
    fill(&aws, &["tea", r#"{"kind":"tea"}"#, r#"["tea"]"#]).await;
    aws.running.wait_until_idle().await;
    assert_eq!((batches(&aws).concat(), aws.depths("q")), (vec!["tea".to_owned()], [0; 3]));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_record_is_a_message_as_lambda_writes_it() {
    let aws = Aws::up(&template("")).await;
    let attributes = json!({ "kind": { "DataType": "String", "StringValue": "green" } });
    let message = json!({ "MessageBody": "tea", "MessageAttributes": attributes });
    let sent = aws.sqs("SendMessage", "q", message).json();
    aws.running.wait_until_idle().await;
    let mut record = aws.stage.given("consumer")[0]["Records"][0].clone();
    for (name, digits) in [("SentTimestamp", 13), ("ApproximateFirstReceiveTimestamp", 13)] {
        let stamp = text_of(&record["attributes"][name].take());
        assert!(stamp.len() == digits && stamp.parse::<u64>().is_ok(), "{name}: {stamp}");
    }
    assert!(!text_of(&record["receiptHandle"].take()).is_empty());
    assert!(!text_of(&record["attributes"]["SenderId"].take()).is_empty());
    let wanted = json!({
        "messageId": sent["MessageId"],
        "receiptHandle": null,
        "body": "tea",
        "attributes": {
            "ApproximateReceiveCount": "1",
            "SentTimestamp": null,
            "SenderId": null,
            "ApproximateFirstReceiveTimestamp": null,
        },
        "messageAttributes": { "kind": {
            "stringValue": "green",
            "stringListValues": [],
            "binaryListValues": [],
            "dataType": "String",
        } },
        "md5OfMessageAttributes": sent["MD5OfMessageAttributes"],
        "md5OfBody": "7239ea2b5dc943f61f3c0a0276c20974",
        "eventSource": "aws:sqs",
        "eventSourceARN": format!("arn:aws:sqs:{ARN}:q"),
        "awsRegion": "us-east-1",
    });
    assert_eq!(record, wanted);
}
