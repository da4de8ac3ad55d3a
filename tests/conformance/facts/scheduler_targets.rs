//! What a schedule of EventBridge Scheduler invokes, and what becomes of it when it can't.

use super::aws::{ARN, Aws, text_of};
use super::scheduler::{TEMPLATE, create, created, invalid, schedule, with};
use super::{Fact, cases, fact, not_shown};
use serde_json::{Value, json};

const TARGETS: &str = "AWS docs 2026, Scheduler guide; Scheduler's service model, 2026-08";
const CONTEXT: &str = "AWS docs 2026, Scheduler guide";
const DLQ: &str = "AWS docs 2026, Scheduler guide";

pub(super) const FACTS: &[Fact] = &[
    fact(
        "RoleArn must be given; Input is JSON for Lambda and EventBridge and anything for SQS; EventBridge wants Source \
         and DetailType; Input has at most 256 KB.",
        TARGETS,
        cases![a_target_has_a_role_and_the_input_that_its_kind_wants],
    ),
    fact(
        "Templated targets include Lambda, SQS and EventBridge's PutEvents.",
        TARGETS,
        cases![a_schedule_sends_invokes_and_puts],
    ),
    fact(
        "<aws.scheduler.schedule-arn>, -scheduled-time (2022-03-22T18:59:43Z), -execution-id and -attempt-number in \
         Input are replaced as they stand, without quotes.",
        CONTEXT,
        cases![context_attributes_are_replaced_as_they_stand],
    ),
    fact(
        "A dead letter's body is the request to the target's API; its attributes, all String, are ERROR_CODE, \
         ERROR_MESSAGE, EXECUTION_ID, EXHAUSTED_RETRY_CONDITION, IS_PAYLOAD_TRUNCATED, RETRY_ATTEMPTS, SCHEDULED_TIME, \
         SCHEDULE_ARN, TARGET_ARN.",
        DLQ,
        cases![a_dead_letter_is_the_request_with_nine_attributes],
    ),
    fact(
        "EXHAUSTED_RETRY_CONDITION is there only where there could be retries.",
        DLQ,
        cases![what_cannot_be_retried_exhausts_nothing],
    ),
    fact(
        "Its queue is a standard queue.",
        DLQ,
        cases![a_schedules_dead_letter_queue_is_a_standard_queue],
    ),
    fact(
        "Names have 1 to 64 of 0-9 a-z A-Z - _ . and a ClientToken 1 to 64 characters.",
        "AWS docs 2026, Scheduler quotas; Scheduler's service model, 2026-08",
        cases![names_and_tokens_have_their_form],
    ),
    fact(
        "ScheduleExpression of a rule works on the default bus alone: \"ScheduleExpression is supported only on the \
         default event bus.\"",
        "recorded from AWS, read 2026-11",
        cases![a_rule_with_a_schedule_is_on_the_default_bus],
    ),
    not_shown(
        "Targets of Step Functions, SNS, Kinesis, Firehose, ECS, CodeBuild, CodePipeline, Inspector and SageMaker; \
         universal targets, whose Input is not checked; SQS FIFO.",
        TARGETS,
        "not run, and refused by name",
    ),
    not_shown(
        "The execution role needs sqs:SendMessage for the dead-letter queue.",
        DLQ,
        "IAM is not enforced",
    ),
];

#[tokio::test(flavor = "multi_thread")]
async fn a_target_has_a_role_and_the_input_that_its_kind_wants() {
    let aws = Aws::up(TEMPLATE).await;
    let to = |service: &str, name: &str| json!({ "Target.Arn": format!("arn:aws:{service}:{ARN}:{name}") });
    let night =
        json!({ "Target.EventBridgeParameters": { "Source": "night", "DetailType": "Came" } });
    let (sqs, lambda) = (schedule("rate(1 days)"), to("lambda", "function:clerk"));
    let bus = with(&with(&sqs, &to("events", "event-bus/shop")), &night);
    let lambda = with(&sqs, &lambda);
    let text = |text: &str| json!({ "Target.Input": text });
    created(&aws, "text", &with(&sqs, &text("no JSON")));
    created(&aws, "lambda", &with(&lambda, &text("{}")));
    created(&aws, "bus", &with(&bus, &text("{}")));
    created(&aws, "largest", &with(&sqs, &text(&"y".repeat(262_144))));
    invalid(&aws, &with(&sqs, &text(&"y".repeat(262_145))));
    invalid(&aws, &with(&lambda, &text("no JSON")));
    invalid(&aws, &with(&bus, &text("no JSON")));
    invalid(&aws, &with(&sqs, &json!({ "Target.RoleArn": null })));
    invalid(&aws, &with(&sqs, &json!({ "Target.RoleArn": "scheduler" })));
    for missing in ["Source", "DetailType"] {
        let mut without = with(&bus, &text("{}"));
        without["Target"]["EventBridgeParameters"][missing] = Value::Null;
        invalid(&aws, &without);
    }
}

/// In an hour, as `at(…)` has it.
fn in_an_hour(aws: &Aws) -> String {
    let at = pointsman::clock::Time(aws.running.engine().now().0 + 3_600_000);
    at.format("at(%Y-%m-%dT%H:%M:%S)")
}

fn time_of(at: &str) -> String {
    format!("{}Z", &at["at(".len()..at.len() - 1])
}

#[tokio::test(flavor = "multi_thread")]
async fn a_schedule_sends_invokes_and_puts() {
    let aws = Aws::up(TEMPLATE).await;
    let at = in_an_hour(&aws);
    let arn = |service: &str, name: &str| json!(format!("arn:aws:{service}:{ARN}:{name}"));
    let night = json!({ "Source": "night", "DetailType": "Came" });
    let text = |text: &str| json!({ "Target.Input": text });
    created(&aws, "sends", &with(&schedule(&at), &text("tea")));
    let clerk = json!({ "Target.Arn": arn("lambda", "function:clerk") });
    created(&aws, "invokes", &with(&with(&schedule(&at), &text(r#"{"of":"tea"}"#)), &clerk));
    let bus = json!({ "Target.Arn": arn("events", "event-bus/shop"), "Target.EventBridgeParameters": night });
    created(&aws, "puts", &with(&with(&schedule(&at), &text(r#"{"n":1}"#)), &bus));
    aws.pass(2 * 3_600).await;
    aws.running.wait_until_idle().await;
    assert_eq!(aws.stage.given("clerk"), [json!({ "of": "tea" })]);
    let mut texts = aws.texts("q");
    texts.sort();
    assert_eq!((texts.len(), &*texts[0]), (2, "tea"));
    let event: Value = serde_json::from_str(&texts[1]).expect("JSON");
    let told = [&event["source"], &event["detail-type"], &event["detail"]];
    assert_eq!(told, [&json!("night"), &json!("Came"), &json!({ "n": 1 })]);
}

#[tokio::test(flavor = "multi_thread")]
async fn context_attributes_are_replaced_as_they_stand() {
    let aws = Aws::up(TEMPLATE).await;
    let at = in_an_hour(&aws);
    let names = ["schedule-arn", "scheduled-time", "attempt-number", "execution-id"];
    let input = names.map(|name| format!("<aws.scheduler.{name}>")).join(" ");
    created(&aws, "once", &with(&schedule(&at), &json!({ "Target.Input": input })));
    aws.pass(2 * 3_600).await;
    let text = aws.texts("q").remove(0);
    let begin = format!("arn:aws:scheduler:{ARN}:schedule/default/once {} 1 ", time_of(&at));
    let id = text.strip_prefix(&begin).unwrap_or_else(|| panic!("{text}"));
    assert!(!id.is_empty() && !id.contains([' ', '<', '"']), "{id}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dead_letter_is_the_request_with_nine_attributes() {
    let aws = Aws::up(TEMPLATE).await;
    let at = in_an_hour(&aws);
    let gone = json!({
        "Target.Arn": format!("arn:aws:sqs:{ARN}:gone"),
        "Target.Input": "tea",
        "Target.RetryPolicy": { "MaximumRetryAttempts": 2 },
        "Target.DeadLetterConfig": { "Arn": format!("arn:aws:sqs:{ARN}:dead") },
    });
    created(&aws, "astray", &with(&schedule(&at), &gone));
    aws.pass(2 * 3_600).await;
    let letters = aws.receive("dead");
    let [letter] = &letters[..] else { panic!("{letters:?}") };
    let mut request: Value = serde_json::from_str(&text_of(&letter["Body"])).expect("JSON");
    assert!(text_of(&request["QueueUrl"].take()).ends_with("/000000000000/gone"), "{letter}");
    assert_eq!(request, json!({ "MessageBody": "tea", "QueueUrl": null }));
    let attributes = letter["MessageAttributes"].as_object().expect("attributes");
    assert!(attributes.values().all(|attribute| attribute["DataType"] == "String"));
    let names: Vec<&str> = attributes.keys().map(String::as_str).collect();
    let wanted = [
        "ERROR_CODE",
        "ERROR_MESSAGE",
        "EXECUTION_ID",
        "EXHAUSTED_RETRY_CONDITION",
        "IS_PAYLOAD_TRUNCATED",
        "RETRY_ATTEMPTS",
        "SCHEDULED_TIME",
        "SCHEDULE_ARN",
        "TARGET_ARN",
    ];
    assert_eq!(names, wanted);
    let text = |name: &str| text_of(&attributes[name]["StringValue"]);
    assert_eq!(text("EXHAUSTED_RETRY_CONDITION"), "MaximumRetryAttempts");
    assert_eq!((&*text("RETRY_ATTEMPTS"), &*text("IS_PAYLOAD_TRUNCATED")), ("2", "false"));
    assert_eq!(text("SCHEDULED_TIME"), time_of(&at));
    assert_eq!(text("SCHEDULE_ARN"), format!("arn:aws:scheduler:{ARN}:schedule/default/astray"));
    assert_eq!(text("TARGET_ARN"), format!("arn:aws:sqs:{ARN}:gone"));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_retried_exhausts_nothing() {
    let aws = Aws::up(TEMPLATE).await;
    let at = in_an_hour(&aws);
    let too_large = json!({
        "Target.Arn": format!("arn:aws:sqs:{ARN}:small"),
        "Target.Input": "y".repeat(1_025),
        "Target.DeadLetterConfig": { "Arn": format!("arn:aws:sqs:{ARN}:dead") },
    });
    created(&aws, "large", &with(&schedule(&at), &too_large));
    aws.pass(3_660).await;
    let letters = aws.receive("dead");
    let attributes = &letters[0]["MessageAttributes"];
    assert_eq!(attributes["RETRY_ATTEMPTS"]["StringValue"], "0");
    assert!(attributes["EXHAUSTED_RETRY_CONDITION"].is_null(), "{attributes}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_schedules_dead_letter_queue_is_a_standard_queue() {
    let aws = Aws::up(TEMPLATE).await;
    let to = |arn: String| {
        with(&schedule("rate(1 days)"), &json!({ "Target.DeadLetterConfig": { "Arn": arn } }))
    };
    created(&aws, "good", &to(format!("arn:aws:sqs:{ARN}:dead")));
    invalid(&aws, &to(format!("arn:aws:sqs:{ARN}:dead.fifo")));
    invalid(&aws, &to(format!("arn:aws:sns:{ARN}:dead")));
}

#[tokio::test(flavor = "multi_thread")]
async fn names_and_tokens_have_their_form() {
    let aws = Aws::up(TEMPLATE).await;
    let daily = schedule("rate(1 days)");
    for good in ["a".to_owned(), "a-_.Z9".to_owned(), "n".repeat(64)] {
        created(&aws, &good, &daily);
    }
    for bad in ["n".repeat(65), "a%20b".to_owned(), "%C3%A4".to_owned()] {
        let told = create(&aws, &bad, &daily);
        assert_eq!((told.status, &*told.code()), (400, "ValidationException"), "{bad}");
    }
    created(&aws, "token", &with(&daily, &json!({ "ClientToken": "t".repeat(64) })));
    for bad in ["", &"t".repeat(65)] {
        invalid(&aws, &with(&daily, &json!({ "ClientToken": bad })));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rule_with_a_schedule_is_on_the_default_bus() {
    let aws = Aws::up(TEMPLATE).await;
    let rule = json!({ "Name": "r", "ScheduleExpression": "rate(1 hour)", "EventBusName": "shop" });
    aws.call("AWSEvents.PutRule", &rule).is_refused(
        400,
        "ValidationException",
        "ScheduleExpression is supported only on the default event bus.",
    );
    let rule = json!({ "Name": "r", "ScheduleExpression": "rate(1 hour)" });
    assert_eq!(aws.call("AWSEvents.PutRule", &rule).status, 200);
}
