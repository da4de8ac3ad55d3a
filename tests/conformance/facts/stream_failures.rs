//! Event source mappings of tables' streams: what becomes of a batch that fails.

use super::aws::{ARN, Aws, text_of};
use super::stage::Does;
use super::stream_mapping::{HORIZON, PARTIAL, batches, keys, put, template, write};
use super::{Fact, cases, fact, not_shown};
use serde_json::{Value, json};

const PARTIAL_BATCHES: &str =
    "AWS docs 2026, Lambda guide on DynamoDB; recorded from AWS, 2025-11-25";
const ERRORS: &str = "AWS docs 2026, Lambda guide on DynamoDB";
const DESTINATION: &str = "AWS docs 2026, Lambda guide on DynamoDB; recorded from AWS, 2025-11-25";

pub(super) const FACTS: &[Fact] = &[
    fact(
        "A partial response with an empty list, a null list, {} or null is a complete success, as for queues.",
        PARTIAL_BATCHES,
        cases![what_says_nothing_of_failures_lets_the_stream_go_on],
    ),
    fact(
        "Of the sequence numbers that are named, the lowest is where it goes on: it and all behind it come again.",
        PARTIAL_BATCHES,
        cases![the_lowest_number_that_is_named_is_where_it_goes_on],
    ),
    fact(
        "A number that is none of the batch, empty, null, or under another key: the whole batch comes again.",
        PARTIAL_BATCHES,
        cases![what_cannot_be_understood_has_the_whole_batch_come_again],
    ),
    fact(
        "With BisectBatchOnFunctionError an error splits the batch, partial responses or not, and a split is no retry.",
        ERRORS,
        cases![an_error_splits_the_batch_until_the_bad_record_is_alone_and_no_split_is_a_retry],
    ),
    fact(
        "With a partial response the batch is split at the number that is named.",
        ERRORS,
        cases![a_partial_response_splits_the_batch_at_the_number_it_names],
    ),
    fact(
        "What is throttled before it is invoked uses up no retry.",
        ERRORS,
        cases![a_function_without_room_uses_up_no_retry],
    ),
    fact(
        "On-failure destinations get metadata only: requestContext {requestId, functionArn, condition \
         \"RetryAttemptsExhausted\", approximateInvokeCount}, responseContext {statusCode 200, executedVersion, \
         functionError \"Unhandled\"}, version \"1.0\", timestamp, DDBStreamBatchInfo {shardId, startSequenceNumber, \
         endSequenceNumber, approximateArrivalOfFirstRecord, approximateArrivalOfLastRecord, batchSize, streamArn}.",
        DESTINATION,
        cases![what_is_given_up_is_told_without_its_data],
    ),
    fact(
        "approximateInvokeCount is the retries and 1; functionError is null after a partial response.",
        DESTINATION,
        cases![
            what_is_given_up_is_told_without_its_data,
            after_a_partial_response_no_function_error_is_told
        ],
    ),
    not_shown(
        "At most two functions read a shard.",
        ERRORS,
        "a limit of throughput: as many as want to may read here",
    ),
    not_shown(
        "S3 and Kafka as destinations, and SNS.",
        DESTINATION,
        "these services are not there",
    ),
];

/// The sequence number of the record with this key.
fn number(event: &Value, key: &str) -> Value {
    let at = keys(event).iter().position(|other| other == key).expect("it is of the batch");
    event["Records"][at]["dynamodb"]["SequenceNumber"].clone()
}

fn failures(numbers: &[Value]) -> Does {
    let items = numbers.iter().map(|number| json!({ "itemIdentifier": number }));
    Does::says(&json!({ "batchItemFailures": items.collect::<Vec<_>>() }))
}

#[tokio::test(flavor = "multi_thread")]
async fn what_says_nothing_of_failures_lets_the_stream_go_on() {
    let aws = Aws::up(&template(&format!("{PARTIAL}, MaximumRetryAttempts: 3"))).await;
    let answers =
        [r#"{"batchItemFailures":[]}"#, r#"{"batchItemFailures":null}"#, "{}", "null", ""];
    for (n, answer) in answers.iter().enumerate() {
        let answer = (*answer).to_owned();
        aws.stage.plays("consumer", move |_| Does::Says(answer.clone()));
        write(&aws, &[&format!("a{n}"), &format!("b{n}")]).await;
        assert_eq!(batches(&aws).concat().len(), 2 * (n + 1));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_lowest_number_that_is_named_is_where_it_goes_on() {
    let aws = Aws::up(&template(PARTIAL)).await;
    aws.stage.plays("consumer", |event| match keys(event).len() {
        4 => failures(&[number(event, "d"), number(event, "b")]),
        _ => Does::Says("{}".into()),
    });
    write(&aws, &["a", "b", "c", "d"]).await;
    assert_eq!(batches(&aws), [vec!["a", "b", "c", "d"], vec!["b", "c", "d"]]);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_understood_has_the_whole_batch_come_again() {
    for item in [
        r#"{"itemIdentifier":"000000000000000000001"}"#,
        r#"{"itemIdentifier":1}"#,
        r#"{"itemIdentifier":""}"#,
        r#"{"itemIdentifier":null}"#,
        r#"{"foo":"x"}"#,
    ] {
        let aws = Aws::up(&template(&format!("{PARTIAL}, MaximumRetryAttempts: 3"))).await;
        let first = std::sync::atomic::AtomicBool::new(true);
        aws.stage.plays("consumer", move |_| {
            let is_first = first.swap(false, std::sync::atomic::Ordering::Relaxed);
            Does::Says(if is_first {
                format!(r#"{{"batchItemFailures":[{item}]}}"#)
            } else {
                "{}".into()
            })
        });
        write(&aws, &["a", "b"]).await;
        assert_eq!(batches(&aws), [vec!["a", "b"], vec!["a", "b"]], "{item}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_error_splits_the_batch_until_the_bad_record_is_alone_and_no_split_is_a_retry() {
    let bisect = "BisectBatchOnFunctionError: true, MaximumRetryAttempts: 1";
    let to_lost = "DestinationConfig: {OnFailure: {Destination: !GetAtt Lost.Arn}}";
    let aws = Aws::up(&template(&format!("{PARTIAL}, {bisect}, {to_lost}"))).await;
    aws.stage.plays("consumer", |event| match keys(event).contains(&"bad".to_owned()) {
        true => Does::Fails,
        false => Does::Says("{}".into()),
    });
    write(&aws, &["a", "b", "bad", "c"]).await;
    let given = batches(&aws);
    assert_eq!(given[0], ["a", "b", "bad", "c"]);
    let of_bad = given.iter().filter(|batch| batch.contains(&"bad".to_owned()));
    let sizes: Vec<usize> = of_bad.map(Vec::len).collect();
    // The splits, and what is alone is tried once and once again.
    assert_eq!(sizes, [4, 2, 1, 1], "{given:?}");
    let done = given.iter().filter(|batch| !batch.contains(&"bad".to_owned())).flatten();
    assert_eq!(done.collect::<Vec<_>>(), ["a", "b", "c"], "each once");
    let letters = aws.receive("lost");
    assert_eq!(letters.len(), 1);
    let told: Value = serde_json::from_str(&text_of(&letters[0]["Body"])).expect("JSON");
    assert_eq!(told["DDBStreamBatchInfo"]["batchSize"], 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_partial_response_splits_the_batch_at_the_number_it_names() {
    let aws = Aws::up(&template(&format!("{PARTIAL}, BisectBatchOnFunctionError: true"))).await;
    aws.stage.plays("consumer", |event| match keys(event).len() {
        4 => failures(&[number(event, "d")]),
        _ => Does::Says("{}".into()),
    });
    write(&aws, &["a", "b", "c", "d"]).await;
    assert_eq!(batches(&aws), [vec!["a", "b", "c", "d"], vec!["d"]]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_function_without_room_uses_up_no_retry() {
    let aws = Aws::up(&template(&format!("{HORIZON}, MaximumRetryAttempts: 0"))).await;
    aws.stage.plays("consumer", |_| Does::Waits);
    // Asynchronously, so that nobody waits: it takes all the room there is.
    let path = "/2015-03-31/functions/consumer/invocations";
    let request = ureq::http::Request::post(format!("{}{path}", aws.running.endpoint()))
        .header("x-amz-invocation-type", "Event")
        .body(r#"{"Records":[]}"#.to_owned());
    assert_eq!(aws.ask(request.expect("a request")).status, 202);
    aws.until("the invocation", || !aws.stage.given("consumer").is_empty()).await;
    put(&aws, "a", &Value::Null);
    // A minute passes in which it cannot be invoked.
    aws.running.jump(std::time::Duration::from_secs(60)).await;
    assert_eq!(aws.stage.given("consumer").len(), 1);
    aws.stage.release();
    aws.running.wait_until_idle().await;
    assert_eq!(batches(&aws)[1..], [vec!["a"]]);
}

/// What the destination is told of a batch of two that a function of which this is played gives up after a retry.
async fn given_up(part: impl Fn(&Value) -> Does + Send + Sync + 'static) -> (Aws, Value) {
    let to_lost = "DestinationConfig: {OnFailure: {Destination: !GetAtt Lost.Arn}}";
    let aws = Aws::up(&template(&format!("{PARTIAL}, MaximumRetryAttempts: 1, {to_lost}"))).await;
    aws.stage.plays("consumer", part);
    write(&aws, &["a", "b"]).await;
    let told = serde_json::from_str(&aws.texts("lost")[0]).expect("JSON");
    (aws, told)
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_given_up_is_told_without_its_data() {
    let (aws, mut told) = given_up(|_| Does::Fails).await;
    let given = aws.stage.given("consumer");
    assert_eq!(given.len(), 2);
    for [object, name] in [
        ["requestContext", "requestId"],
        ["DDBStreamBatchInfo", "shardId"],
        ["DDBStreamBatchInfo", "approximateArrivalOfFirstRecord"],
        ["DDBStreamBatchInfo", "approximateArrivalOfLastRecord"],
    ] {
        assert!(!text_of(&told[object][name].take()).is_empty(), "{object}.{name}: {told}");
    }
    assert!(text_of(&told["timestamp"].take()).ends_with('Z'));
    let stream = text_of(&told["DDBStreamBatchInfo"]["streamArn"].take());
    assert!(stream.starts_with(&format!("arn:aws:dynamodb:{ARN}:table/tea/stream")), "{stream}");
    let wanted = json!({
        "requestContext": {
            "requestId": null,
            "functionArn": format!("arn:aws:lambda:{ARN}:function:consumer"),
            "condition": "RetryAttemptsExhausted",
            "approximateInvokeCount": 2,
        },
        "responseContext": {
            "statusCode": 200, "executedVersion": "$LATEST", "functionError": "Unhandled",
        },
        "version": "1.0",
        "timestamp": null,
        "DDBStreamBatchInfo": {
            "shardId": null,
            "startSequenceNumber": number(&given[0], "a"),
            "endSequenceNumber": number(&given[0], "b"),
            "approximateArrivalOfFirstRecord": null,
            "approximateArrivalOfLastRecord": null,
            "batchSize": 2,
            "streamArn": null,
        },
    });
    assert_eq!(told, wanted);
}

#[tokio::test(flavor = "multi_thread")]
async fn after_a_partial_response_no_function_error_is_told() {
    let (_, told) = given_up(|event| match keys(event).contains(&"a".to_owned()) {
        true => failures(&[number(event, "a")]),
        false => Does::Says("{}".into()),
    })
    .await;
    let response = told["responseContext"].as_object().expect("an object");
    assert_eq!(response.get("functionError"), Some(&Value::Null));
    assert_eq!(told["requestContext"]["approximateInvokeCount"], 2);
}
