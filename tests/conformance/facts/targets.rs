//! What becomes of an event whose target cannot take it.

use super::aws::{ARN, Aws, text_of};
use super::{Fact, cases, fact, not_shown};
use serde_json::{Value, json};

const POLICY: &str = "AWS docs 2026, eb-rule-retry-policy and RetryPolicy";
const DLQ: &str = "AWS docs 2026, eb-rule-dlq";

pub(super) const FACTS: &[Fact] = &[
    fact(
        "MaximumEventAgeInSeconds is from 60 to 86,400, MaximumRetryAttempts from 0 to 185.",
        POLICY,
        cases![a_retry_policy_has_its_ranges],
    ),
    fact(
        "An event whose target is gone is not retried: it goes to the dead-letter queue at once, or is dropped.",
        DLQ,
        cases![
            an_event_whose_target_is_gone_is_a_dead_letter_at_once,
            without_a_dead_letter_queue_an_event_whose_target_is_gone_is_dropped,
        ],
    ),
    fact(
        "A dead letter's attributes are RULE_ARN, TARGET_ARN, ERROR_CODE, ERROR_MESSAGE and RETRY_ATTEMPTS.",
        DLQ,
        cases![an_event_whose_target_is_gone_is_a_dead_letter_at_once],
    ),
    fact(
        "NO_RESOURCE, INVALID_PARAMETER and INVALID_JSON are among its error codes.",
        DLQ,
        cases![a_dead_letter_says_by_its_code_what_was_wrong],
    ),
    fact(
        "A dead-letter queue is a standard queue of the rule's region.",
        DLQ,
        cases![a_dead_letter_queue_is_a_standard_queue_of_the_region],
    ),
    not_shown(
        "An event is retried for 24 hours and 185 times, unless its policy says less, with growing pauses; then \
         EXHAUSTED_RETRY_CONDITION says what ended it.",
        POLICY,
        "targets are in the same process: they take an event or are not there, so nothing is ever retried",
    ),
    not_shown(
        "A target that the rule may not send to is not retried; the queue's policy must let events.amazonaws.com in; \
         NO_PERMISSIONS and the codes of roles, throttling, timeouts and connections.",
        DLQ,
        "IAM and queue policies are not enforced, and the network is not imitated",
    ),
    not_shown(
        "EventBridge does not redrive its dead letters, and neither does SQS.",
        DLQ,
        "StartMessageMoveTask is not served; `pointsman redrive` sends and deletes",
    ),
];

const TEMPLATE: &str = "
  Q: {Type: AWS::SQS::Queue, Properties: {QueueName: q}}
  Small: {Type: AWS::SQS::Queue, Properties: {QueueName: small, MaximumMessageSize: 1024}}
  Dead: {Type: AWS::SQS::Queue, Properties: {QueueName: dead}}
";

fn sqs(queue: &str) -> String {
    format!("arn:aws:sqs:{ARN}:{queue}")
}

/// Puts a rule for everything of `shop` with one target; what PutTargets says of it.
fn rule(aws: &Aws, mut target: Value) -> Value {
    aws.ok("AWSEvents.PutRule", &json!({ "Name": "r", "EventPattern": r#"{"source":["shop"]}"# }));
    target["Id"] = json!("t");
    let told = aws.call("AWSEvents.PutTargets", &json!({ "Rule": "r", "Targets": [target] }));
    told.json()
}

/// Puts an event that the rule takes; its text as targets get it.
fn event(aws: &Aws, detail: &str) -> String {
    let entry = json!({ "Source": "shop", "DetailType": "Placed", "Detail": detail, "Time": 0 });
    let told = aws.ok("AWSEvents.PutEvents", &json!({ "Entries": [entry] }));
    let id = text_of(&told["Entries"][0]["EventId"]);
    format!(
        r#"{{"version":"0","id":"{id}","detail-type":"Placed","source":"shop","account":"000000000000","time":"1970-01-01T00:00:00Z","region":"us-east-1","resources":[],"detail":{detail}}}"#
    )
}

#[tokio::test(flavor = "multi_thread")]
async fn a_retry_policy_has_its_ranges() {
    let aws = Aws::up(TEMPLATE).await;
    let (age, attempts) = ("MaximumEventAgeInSeconds", "MaximumRetryAttempts");
    for (name, value, is_good) in [
        (age, 60, true),
        (age, 86_400, true),
        (age, 59, false),
        (age, 86_401, false),
        (attempts, 0, true),
        (attempts, 185, true),
        (attempts, 186, false),
        (attempts, -1, false),
    ] {
        let told = rule(&aws, json!({ "Arn": sqs("q"), "RetryPolicy": { name: value } }));
        match is_good {
            true => assert_eq!(told["FailedEntryCount"], 0, "{name} {value}: {told}"),
            false => assert_eq!(told["__type"], "ValidationException", "{name} {value}: {told}"),
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_event_whose_target_is_gone_is_a_dead_letter_at_once() {
    let aws = Aws::up(TEMPLATE).await;
    let policy = json!({ "MaximumRetryAttempts": 185 });
    let to_dead = json!({ "Arn": sqs("dead") });
    rule(&aws, json!({ "Arn": sqs("gone"), "DeadLetterConfig": to_dead, "RetryPolicy": policy }));
    let sent = event(&aws, "{}");
    let letters = aws.receive("dead");
    let [letter] = &letters[..] else { panic!("{letters:?}") };
    assert_eq!(letter["Body"], sent);
    let attributes = letter["MessageAttributes"].as_object().expect("attributes");
    let text = |name: &str| text_of(&attributes[name]["StringValue"]);
    assert_eq!(text("RULE_ARN"), format!("arn:aws:events:{ARN}:rule/r"));
    assert_eq!(text("TARGET_ARN"), sqs("gone"));
    assert_eq!((&*text("ERROR_CODE"), &*text("RETRY_ATTEMPTS")), ("NO_RESOURCE", "0"));
    assert!(!text("ERROR_MESSAGE").is_empty());
    assert_eq!(attributes.len(), 5, "{attributes:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_dead_letter_queue_an_event_whose_target_is_gone_is_dropped() {
    let aws = Aws::up(TEMPLATE).await;
    rule(&aws, json!({ "Arn": sqs("late") }));
    event(&aws, "{}");
    aws.ok("AmazonSQS.CreateQueue", &json!({ "QueueName": "late" }));
    aws.pass(86_400).await;
    assert_eq!((aws.depths("late"), aws.depths("dead")), ([0; 3], [0; 3]));
    event(&aws, "{}");
    assert_eq!(aws.depths("late"), [1, 0, 0]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dead_letter_says_by_its_code_what_was_wrong() {
    let aws = Aws::up(TEMPLATE).await;
    let broken = json!({
        "InputPathsMap": { "a": "$.detail.a" }, "InputTemplate": r#"{"a":"<a>"}"#,
    });
    for (target, code) in [
        (json!({ "Arn": sqs("gone") }), "NO_RESOURCE"),
        (json!({ "Arn": format!("arn:aws:lambda:{ARN}:function:gone") }), "NO_RESOURCE"),
        (json!({ "Arn": sqs("small") }), "INVALID_PARAMETER"),
        (json!({ "Arn": sqs("q"), "InputTransformer": broken }), "INVALID_JSON"),
    ] {
        let mut target = target;
        target["DeadLetterConfig"] = json!({ "Arn": sqs("dead") });
        rule(&aws, target.clone());
        event(&aws, &format!(r#"{{"a":{{"b":"{}"}}}}"#, "c".repeat(1_024)));
        let letters = aws.receive("dead");
        assert_eq!(letters.len(), 1, "{target}");
        assert_eq!(letters[0]["MessageAttributes"]["ERROR_CODE"]["StringValue"], code, "{target}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dead_letter_queue_is_a_standard_queue_of_the_region() {
    let aws = Aws::up(TEMPLATE).await;
    let with = |arn: String| json!({ "Arn": sqs("q"), "DeadLetterConfig": { "Arn": arn } });
    assert_eq!(rule(&aws, with(sqs("dead")))["FailedEntryCount"], 0);
    for bad in [
        sqs("dead.fifo"),
        "arn:aws:sqs:eu-west-1:000000000000:dead".to_owned(),
        format!("arn:aws:sns:{ARN}:dead"),
    ] {
        let told = rule(&aws, with(bad.clone()));
        assert_eq!(told["FailedEntryCount"], 1, "{bad}: {told}");
        assert_eq!(told["FailedEntries"][0]["TargetId"], "t", "{told}");
    }
}
