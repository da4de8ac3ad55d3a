//! Event source mappings of tables' streams: what is read, and in which form.

use super::aws::{ARN, Aws, text_of};
use super::{Fact, cases, fact, not_shown};
use serde_json::{Value, json};

const SETTINGS: &str = "AWS docs 2026, Lambda guide on DynamoDB; recorded from AWS, 2025-11-25";
const STREAMS: &str = "AWS docs 2026, DynamoDB guide on streams";

pub(super) const FACTS: &[Fact] = &[
    fact(
        "If not set, BatchSize is 100 (at most 10,000), the window 0 (300), BisectBatchOnFunctionError false, \
         MaximumRetryAttempts -1 (10,000), MaximumRecordAgeInSeconds -1 (604,800), ParallelizationFactor 1 (10), \
         TumblingWindowInSeconds 0.",
        SETTINGS,
        cases![a_mapping_of_a_stream_has_its_defaults_and_ranges],
    ),
    fact(
        "StartingPosition is TRIM_HORIZON or LATEST.",
        SETTINGS,
        cases![trim_horizon_begins_with_what_is_there_and_latest_with_what_comes],
    ),
    fact(
        "With a ParallelizationFactor above 1 the order holds for each item.",
        "AWS docs 2026, Lambda guide on DynamoDB",
        cases![records_of_an_item_come_in_order],
    ),
    fact(
        "A record has eventID, eventName, eventVersion \"1.1\", eventSource, awsRegion, eventSourceARN and dynamodb \
         {ApproximateCreationDateTime in whole seconds, Keys, NewImage, OldImage, SequenceNumber as a text, SizeBytes, \
         StreamViewType}; bytes are base64.",
        "recorded from AWS, 2025-11-25",
        cases![a_record_is_a_change_as_lambda_writes_it],
    ),
    fact(
        "A Put or an Update that changes nothing writes no record.",
        STREAMS,
        cases![what_changes_nothing_writes_no_record],
    ),
    fact(
        "What time to live deletes says so: userIdentity {type \"Service\", principalId \"dynamodb.amazonaws.com\"}.",
        "AWS docs 2026, DynamoDB guide on time to live",
        cases![what_time_to_live_deletes_says_so],
    ),
    fact("Records are kept for 24 hours.", STREAMS, cases![records_are_kept_for_a_day]),
    not_shown(
        "LATEST may miss records while a mapping is made or changed.",
        SETTINGS,
        "none are missed here",
    ),
    not_shown(
        "A shard is polled four times a second.",
        SETTINGS,
        "a speed: a write wakes the reader",
    ),
    not_shown(
        "Tumbling windows.",
        "AWS docs 2026, Lambda guide on DynamoDB",
        "not served; TumblingWindowInSeconds is refused by name, or listed where a template has it",
    ),
    not_shown(
        "Records of one transaction may come apart, over shards and at different times.",
        STREAMS,
        "a stream is one shard here, and what a transaction writes stands together in it",
    ),
];

pub(super) fn template(more: &str) -> String {
    format!(
        "
  T:
    Type: AWS::DynamoDB::Table
    Properties:
      TableName: tea
      BillingMode: PAY_PER_REQUEST
      AttributeDefinitions: [{{AttributeName: pk, AttributeType: S}}]
      KeySchema: [{{AttributeName: pk, KeyType: HASH}}]
      StreamSpecification: {{StreamViewType: NEW_AND_OLD_IMAGES}}
      TimeToLiveSpecification: {{AttributeName: until, Enabled: true}}
  Lost: {{Type: AWS::SQS::Queue, Properties: {{QueueName: lost}}}}
  Consumer:
    Type: AWS::Serverless::Function
    Properties:
      FunctionName: consumer
      Runtime: provided.al2023
      Handler: bootstrap
      CodeUri: .
      ReservedConcurrentExecutions: 1
      Events:
        Changes:
          Type: DynamoDB
          Properties: {{Stream: !GetAtt T.StreamArn, {more}}}
"
    )
}

pub(super) const HORIZON: &str = "StartingPosition: TRIM_HORIZON";
pub(super) const PARTIAL: &str =
    "StartingPosition: TRIM_HORIZON, FunctionResponseTypes: [ReportBatchItemFailures]";

pub(super) fn put(aws: &Aws, key: &str, more: &Value) {
    let mut item = json!({ "pk": { "S": key } });
    for (name, value) in more.as_object().into_iter().flatten() {
        item[name] = value.clone();
    }
    aws.ok("DynamoDB_20120810.PutItem", &json!({ "TableName": "tea", "Item": item }));
}

/// Writes items while nobody reads, so that they come as one batch; a function that fails gives it up or goes on.
pub(super) async fn write(aws: &Aws, keys: &[&str]) {
    aws.running.switch("consumer", false).await;
    keys.iter().for_each(|key| put(aws, key, &Value::Null));
    aws.running.switch("consumer", true).await;
    aws.running.wait_until_idle().await;
}

pub(super) fn keys(event: &Value) -> Vec<String> {
    let records = event["Records"].as_array().expect("records").iter();
    records.map(|record| text_of(&record["dynamodb"]["Keys"]["pk"]["S"])).collect()
}

/// Keys of each batch that the function was given.
pub(super) fn batches(aws: &Aws) -> Vec<Vec<String>> {
    aws.stage.given("consumer").iter().map(keys).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_mapping_of_a_stream_has_its_defaults_and_ranges() {
    let aws = Aws::up(&template(HORIZON)).await;
    let path = format!("/2015-03-31/event-source-mappings/{}", aws.mapping("consumer"));
    let shown = aws.rest("GET", &path, &Value::Null).json();
    for (name, default, good, bad) in [
        ("BatchSize", json!(100), vec![1, 10_000], vec![0, 10_001]),
        ("MaximumBatchingWindowInSeconds", json!(0), vec![0, 300], vec![-1, 301]),
        ("MaximumRetryAttempts", json!(-1), vec![-1, 0, 10_000], vec![-2, 10_001]),
        ("MaximumRecordAgeInSeconds", json!(-1), vec![-1, 60, 604_800], vec![-2, 604_801]),
        ("ParallelizationFactor", json!(1), vec![1, 10], vec![0, 11]),
        ("BisectBatchOnFunctionError", json!(false), vec![], vec![]),
        ("TumblingWindowInSeconds", json!(0), vec![], vec![]),
        ("StartingPosition", json!("TRIM_HORIZON"), vec![], vec![]),
    ] {
        assert_eq!(shown[name], default, "{name}");
        for value in good {
            let told = aws.change_mapping("consumer", &json!({ name: value }));
            assert_eq!((told.status, &told.json()[name]), (202, &json!(value)), "{name}");
        }
        for value in bad {
            let told = aws.change_mapping("consumer", &json!({ name: value }));
            let got = (told.status, told.code());
            assert_eq!(got, (400, "InvalidParameterValueException".to_owned()), "{name} {value}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn trim_horizon_begins_with_what_is_there_and_latest_with_what_comes() {
    for (position, wanted) in [("TRIM_HORIZON", vec!["old", "new"]), ("LATEST", vec!["new"])] {
        let all = template(&format!("StartingPosition: {position}"));
        let unread = all.split_once("      Events:").expect("events").0;
        let aws = Aws::up(unread).await;
        put(&aws, "old", &Value::Null);
        let aws = aws.again(&all).await;
        began(&aws).await;
        put(&aws, "new", &Value::Null);
        aws.running.wait_until_idle().await;
        assert_eq!(batches(&aws).concat(), wanted, "{position}");
    }
}

/// Waits until the mapping has its place in the stream.
async fn began(aws: &Aws) {
    let all_have = |state: &pointsman::engine::State, _| {
        state.mappings.values().all(|mapping| mapping.cursor.is_some())
    };
    for _ in 0..6_000 {
        if aws.running.engine().read(all_have).await.expect("the engine runs") {
            return;
        }
        tokio::time::sleep(std::time::Duration::from_millis(10)).await;
    }
    panic!("the mapping has no place");
}

#[tokio::test(flavor = "multi_thread")]
async fn records_of_an_item_come_in_order() {
    let aws =
        Aws::up(&template(&format!("{HORIZON}, ParallelizationFactor: 10, BatchSize: 3"))).await;
    for n in 0..20 {
        put(&aws, if n % 2 == 0 { "even" } else { "odd" }, &json!({ "n": { "N": n.to_string() } }));
    }
    aws.running.wait_until_idle().await;
    let mut seen: [Vec<u32>; 2] = [vec![], vec![]];
    for event in aws.stage.given("consumer") {
        for record in event["Records"].as_array().expect("records") {
            let n: u32 =
                text_of(&record["dynamodb"]["NewImage"]["n"]["N"]).parse().expect("a number");
            seen[n as usize % 2].push(n);
        }
    }
    assert_eq!(seen[0], (0..20).step_by(2).collect::<Vec<_>>());
    assert_eq!(seen[1], (1..20).step_by(2).collect::<Vec<_>>());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_record_is_a_change_as_lambda_writes_it() {
    let aws = Aws::up(&template(HORIZON)).await;
    put(&aws, "a", &json!({ "raw": { "B": "AP8=" } }));
    put(&aws, "a", &json!({ "n": { "N": "1" } }));
    aws.ok(
        "DynamoDB_20120810.DeleteItem",
        &json!({ "TableName": "tea", "Key": { "pk": { "S": "a" } } }),
    );
    aws.running.wait_until_idle().await;
    let given = aws.stage.given("consumer");
    let mut records: Vec<Value> = given
        .iter()
        .flat_map(|event| event["Records"].as_array().cloned().unwrap_or_default())
        .collect();
    for record in &mut records {
        assert!(!text_of(&record["eventID"].take()).is_empty());
        let stream = text_of(&record["eventSourceARN"].take());
        assert!(
            stream.starts_with(&format!("arn:aws:dynamodb:{ARN}:table/tea/stream/")),
            "{stream}"
        );
        let change = &mut record["dynamodb"];
        assert!(change["ApproximateCreationDateTime"].take().is_u64());
        assert!(change["SizeBytes"].take().is_u64());
        assert!(text_of(&change["SequenceNumber"].take()).parse::<u128>().is_ok());
    }
    let record = |name: &str, images: Value| {
        let mut change = json!({
            "ApproximateCreationDateTime": null, "Keys": { "pk": { "S": "a" } },
            "SequenceNumber": null, "SizeBytes": null, "StreamViewType": "NEW_AND_OLD_IMAGES",
        });
        for (name, image) in images.as_object().expect("images") {
            change[name] = image.clone();
        }
        json!({
            "eventID": null, "eventName": name, "eventVersion": "1.1", "eventSource": "aws:dynamodb",
            "awsRegion": "us-east-1", "dynamodb": change, "eventSourceARN": null,
        })
    };
    let first = json!({ "pk": { "S": "a" }, "raw": { "B": "AP8=" } });
    let second = json!({ "pk": { "S": "a" }, "n": { "N": "1" } });
    assert_eq!(
        records,
        [
            record("INSERT", json!({ "NewImage": first })),
            record("MODIFY", json!({ "NewImage": second, "OldImage": first })),
            record("REMOVE", json!({ "OldImage": second })),
        ]
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn what_changes_nothing_writes_no_record() {
    let aws = Aws::up(&template(HORIZON)).await;
    put(&aws, "a", &json!({ "n": { "N": "1" } }));
    put(&aws, "a", &json!({ "n": { "N": "1" } }));
    let update = json!({
        "TableName": "tea", "Key": { "pk": { "S": "a" } }, "UpdateExpression": "SET n = :n",
        "ExpressionAttributeValues": { ":n": { "N": "1" } },
    });
    aws.ok("DynamoDB_20120810.UpdateItem", &update);
    put(&aws, "b", &Value::Null);
    aws.running.wait_until_idle().await;
    assert_eq!(batches(&aws).concat(), ["a", "b"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_time_to_live_deletes_says_so() {
    let aws = Aws::up(&template(HORIZON)).await;
    let until = aws.running.engine().now().seconds() + 3_600;
    put(&aws, "a", &json!({ "until": { "N": until.to_string() } }));
    aws.pass(2 * 3_600).await;
    aws.until("the deletion", || batches(&aws).concat().len() == 2).await;
    let record = aws.stage.given("consumer")[1]["Records"][0].clone();
    assert_eq!(record["eventName"], "REMOVE");
    let identity = json!({ "type": "Service", "principalId": "dynamodb.amazonaws.com" });
    assert_eq!(record["userIdentity"], identity);
}

#[tokio::test(flavor = "multi_thread")]
async fn records_are_kept_for_a_day() {
    let aws = Aws::up(&template(HORIZON)).await;
    aws.running.switch("consumer", false).await;
    put(&aws, "old", &Value::Null);
    aws.pass(23 * 3_600).await;
    put(&aws, "young", &Value::Null);
    aws.pass(2 * 3_600).await;
    aws.running.switch("consumer", true).await;
    aws.running.wait_until_idle().await;
    assert_eq!(batches(&aws).concat(), ["young"]);
}
