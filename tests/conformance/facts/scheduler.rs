//! EventBridge Scheduler.

use super::aws::{ARN, Aws, Told, text_of};
use super::{Fact, cases, fact, not_shown};
use serde_json::{Value, json};

const TYPES: &str = "AWS docs 2026, Scheduler guide; recorded from AWS, 2025-01-26";
const DOCS: &str = "AWS docs 2026, Scheduler guide";
const MODEL: &str = "Scheduler's service model, 2026-08";

pub(super) const FACTS: &[Fact] = &[
    fact(
        "rate(value unit) has a positive whole number and minutes, hours or days; rate(10 seconds), rate(10), \
         rate( 10 minutes ) and a space before it are refused.",
        TYPES,
        cases![an_expression_that_aws_refuses_is_refused, what_aws_takes_is_taken],
    ),
    fact(
        "cron has six fields; * in both fields of days is refused; days of the week are 1-7 or SUN-SAT; L, W and #.",
        TYPES,
        cases![
            an_expression_that_aws_refuses_is_refused,
            what_aws_takes_is_taken,
            days_are_counted_as_aws_does
        ],
    ),
    fact(
        "at(yyyy-mm-ddThh:mm:ss) has no Z and always a time; its zone is ScheduleExpressionTimezone.",
        TYPES,
        cases![an_expression_that_aws_refuses_is_refused, what_comes_once_comes_in_its_zone],
    ),
    fact(
        "A bad expression is a ValidationException: \"Invalid Schedule Expression <expr>.\"",
        "recorded from AWS, 2025-01-26",
        cases![an_expression_that_aws_refuses_is_refused],
    ),
    fact(
        "StartDate and EndDate mean nothing to a schedule that comes once.",
        DOCS,
        cases![start_and_end_mean_nothing_to_what_comes_once],
    ),
    fact(
        "It fires within the minute for which it is due.",
        DOCS,
        cases![a_schedule_fires_within_its_minute],
    ),
    fact(
        "A time that a change of the clock leaves out is skipped, one that comes twice fires once; a rate in days has \
         24 hours each.",
        DOCS,
        cases![a_changed_clock_skips_a_time_or_has_it_once, a_day_of_a_rate_has_24_hours],
    ),
    fact("A rate without StartDate fires at once.", DOCS, cases![a_rate_fires_at_once]),
    fact(
        "FlexibleTimeWindow must be given: Mode OFF, or FLEXIBLE with MaximumWindowInMinutes 1 to 1,440.",
        MODEL,
        cases![a_flexible_window_must_be_given_and_has_its_range],
    ),
    fact(
        "MaximumEventAgeInSeconds is from 60 to 86,400, MaximumRetryAttempts from 0 to 185.",
        MODEL,
        cases![a_schedules_retry_policy_has_its_ranges],
    ),
    fact(
        "ActionAfterCompletion is NONE, which keeps a schedule that is over, or DELETE; DELETE of what recurs waits for \
         its EndDate.",
        "AWS docs 2026, Scheduler guide; Scheduler's service model, 2026-08",
        cases![a_schedule_that_is_over_stays_unless_it_is_to_go],
    ),
    not_shown(
        "10,000,000 schedules, 500 groups, requests and invocations a second; what is over counts until it is deleted.",
        "AWS docs 2026, Scheduler quotas",
        "quotas of an account and region",
    ),
];

pub(super) const TEMPLATE: &str = "
  Q: {Type: AWS::SQS::Queue, Properties: {QueueName: q, VisibilityTimeout: 43200, MessageRetentionPeriod: 1209600}}
  Dead: {Type: AWS::SQS::Queue, Properties: {QueueName: dead}}
  Small: {Type: AWS::SQS::Queue, Properties: {QueueName: small, MaximumMessageSize: 1024}}
  Bus: {Type: AWS::Events::EventBus, Properties: {Name: shop}}
  Rule:
    Type: AWS::Events::Rule
    Properties:
      EventBusName: !Ref Bus
      EventPattern: {source: [night]}
      Targets: [{Id: q, Arn: !GetAtt Q.Arn}]
  Function:
    Type: AWS::Serverless::Function
    Properties: {FunctionName: clerk, Runtime: provided.al2023, Handler: bootstrap, CodeUri: .}
";

const HOUR: u64 = 3_600;

/// A schedule that sends its own time to the queue.
pub(super) fn schedule(expression: &str) -> Value {
    json!({
        "ScheduleExpression": expression,
        "FlexibleTimeWindow": { "Mode": "OFF" },
        "Target": {
            "Arn": format!("arn:aws:sqs:{ARN}:q"),
            "RoleArn": "arn:aws:iam::000000000000:role/scheduler",
            "Input": "<aws.scheduler.scheduled-time>",
        },
    })
}

pub(super) fn create(aws: &Aws, name: &str, schedule: &Value) -> Told {
    aws.rest("POST", &format!("/schedules/{name}"), schedule)
}

#[track_caller]
pub(super) fn created(aws: &Aws, name: &str, schedule: &Value) {
    let told = create(aws, name, schedule);
    assert_eq!(told.status, 200, "{schedule}: {}", told.text);
}

/// It is a ValidationException.
#[track_caller]
pub(super) fn invalid(aws: &Aws, schedule: &Value) {
    let told = create(aws, "refused", schedule);
    assert_eq!(
        (told.status, &*told.code()),
        (400, "ValidationException"),
        "{schedule}: {}",
        told.text
    );
}

pub(super) fn with(schedule: &Value, more: &Value) -> Value {
    let mut all = schedule.clone();
    for (name, value) in more.as_object().expect("members") {
        match name.strip_prefix("Target.") {
            Some(name) => all["Target"][name] = value.clone(),
            None => all[name] = value.clone(),
        }
    }
    all
}

/// Moves to an instant, given in milliseconds since 1970.
async fn to(aws: &Aws, ms: i64) {
    let by = u64::try_from(ms - aws.running.engine().now().0).expect("it is to come");
    aws.running.advance(std::time::Duration::from_millis(by)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_expression_that_aws_refuses_is_refused() {
    let aws = Aws::up(TEMPLATE).await;
    for expression in [
        "rate(10 seconds)",
        "rate(10)",
        "rate( 10 minutes )",
        " rate(10 minutes)",
        "rate(0 minutes)",
        "rate(-1 hours)",
        "rate(1.5 days)",
        "cron(0 1 * * * *)",
        "cron(0 1 * * ?)",
        "cron(0 1 * * ? * *)",
        "cron(0 1 ? * 8 *)",
        "cron(0 1 ? * 0 *)",
        "at(2040-12-31T23:59:59Z)",
        "at(2040-12-31)",
    ] {
        let message = format!("Invalid Schedule Expression {expression}.");
        create(&aws, "refused", &schedule(expression)).is_refused(
            400,
            "ValidationException",
            &message,
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_aws_takes_is_taken() {
    let aws = Aws::up(TEMPLATE).await;
    for (n, expression) in [
        "rate(10 minutes)",
        "rate(1 hours)",
        "rate(7 days)",
        "cron(0 1 * * ? *)",
        "cron(0 1 ? * * *)",
        "cron(0 1 ? * 1-7 2040)",
        "cron(0 1 ? * SUN,SAT *)",
        "cron(0 1 L * ? *)",
        "cron(0 1 15W * ? *)",
        "cron(0 1 ? * 6#3 *)",
        "cron(0 1 ? * 6L *)",
        "at(2040-12-31T23:59:59)",
    ]
    .iter()
    .enumerate()
    {
        created(&aws, &n.to_string(), &schedule(expression));
        let shown = aws.rest("GET", &format!("/schedules/{n}"), &Value::Null).json();
        assert_eq!(shown["ScheduleExpression"], *expression);
        assert_eq!(shown["ScheduleExpressionTimezone"], "UTC");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn days_are_counted_as_aws_does() {
    let aws = Aws::up(TEMPLATE).await;
    // In March 2040 the 25th is a Sunday, the fourth; the 24th and the 31st are Saturdays.
    for (expression, wanted) in [
        ("cron(0 12 24W 3 ? 2040)", "2040-03-23T12:00:00Z"),
        ("cron(0 12 ? MAR 1#4 2040)", "2040-03-25T12:00:00Z"),
        ("cron(0 12 ? MAR 7L 2040)", "2040-03-31T12:00:00Z"),
        ("cron(0 13 L 3 ? 2040)", "2040-03-31T13:00:00Z"),
    ] {
        created(&aws, &wanted.replace(':', "-"), &schedule(expression));
    }
    to(&aws, 2_216_851_200_000).await;
    let wanted = ["23T12", "25T12", "31T12", "31T13"].map(|time| format!("2040-03-{time}:00:00Z"));
    assert_eq!(aws.texts("q"), wanted);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_comes_once_comes_in_its_zone() {
    let aws = Aws::up(TEMPLATE).await;
    let in_berlin = json!({ "ScheduleExpressionTimezone": "Europe/Berlin" });
    created(&aws, "once", &with(&schedule("at(2040-07-01T12:00:00)"), &in_berlin));
    to(&aws, 2_224_756_800_000).await;
    assert_eq!(aws.texts("q"), ["2040-07-01T10:00:00Z"]);
    let nowhere = json!({ "ScheduleExpressionTimezone": "Europe/Atlantis" });
    invalid(&aws, &with(&schedule("at(2040-07-01T12:00:00)"), &nowhere));
}

#[tokio::test(flavor = "multi_thread")]
async fn start_and_end_mean_nothing_to_what_comes_once() {
    let aws = Aws::up(TEMPLATE).await;
    let now = aws.running.engine().now();
    let at = pointsman::clock::Time(now.0 + 3_600_000).format("at(%Y-%m-%dT%H:%M:%S)");
    let later = json!({ "StartDate": now.seconds() + 100_000, "EndDate": now.seconds() + 200_000 });
    let before = json!({ "StartDate": now.seconds() + 60, "EndDate": now.seconds() + 120 });
    created(&aws, "later", &with(&schedule(&at), &later));
    created(&aws, "before", &with(&schedule(&at), &before));
    aws.pass(2 * HOUR).await;
    assert_eq!(aws.depths("q"), [2, 0, 0]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_schedule_fires_within_its_minute() {
    let aws = Aws::up(TEMPLATE).await;
    created(&aws, "minutely", &schedule("cron(* * * * ? *)"));
    aws.pass(180).await;
    let came = aws.receive("q");
    assert!((2..=4).contains(&came.len()), "{came:?}");
    for message in came {
        let sent: i64 = text_of(&message["Attributes"]["SentTimestamp"]).parse().expect("a time");
        let minute = pointsman::clock::Time(sent).format("%Y-%m-%dT%H:%M:00Z");
        assert_eq!(message["Body"], minute);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_changed_clock_skips_a_time_or_has_it_once() {
    let aws = Aws::up(TEMPLATE).await;
    // In Berlin, half past two is left out on 25 March 2040, and comes twice on 28 October.
    for (noon, wanted) in [
        (2_216_289_600_000, ["2040-03-24T01:30:00Z", "2040-03-26T00:30:00Z"].as_slice()),
        (
            2_235_038_400_000,
            &["2040-10-27T00:30:00Z", "2040-10-28T00:30:00Z", "2040-10-29T01:30:00Z"],
        ),
    ] {
        to(&aws, noon - 3 * 86_400_000).await;
        let in_berlin = json!({
            "ScheduleExpressionTimezone": "Europe/Berlin", "StartDate": noon / 1_000 - 2 * 86_400,
        });
        created(&aws, "nightly", &with(&schedule("cron(30 2 * * ? *)"), &in_berlin));
        to(&aws, noon + 86_400_000).await;
        assert_eq!(aws.texts("q"), wanted);
        aws.rest("DELETE", "/schedules/nightly", &Value::Null);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_day_of_a_rate_has_24_hours() {
    let aws = Aws::up(TEMPLATE).await;
    to(&aws, 2_216_160_000_000 - 43_200_000).await;
    let in_berlin =
        json!({ "ScheduleExpressionTimezone": "Europe/Berlin", "StartDate": 2_216_160_000_i64 });
    created(&aws, "daily", &with(&schedule("rate(1 days)"), &in_berlin));
    to(&aws, 2_216_160_000_000 + 2 * 86_400_000 + 1_000).await;
    let wanted = ["2040-03-24T00:00:00Z", "2040-03-25T00:00:00Z", "2040-03-26T00:00:00Z"];
    assert_eq!(aws.texts("q"), wanted);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rate_fires_at_once() {
    let aws = Aws::up(TEMPLATE).await;
    created(&aws, "rare", &schedule("rate(7 days)"));
    aws.pass(60).await;
    assert_eq!(aws.depths("q"), [1, 0, 0]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_flexible_window_must_be_given_and_has_its_range() {
    let aws = Aws::up(TEMPLATE).await;
    let daily = schedule("rate(1 days)");
    for (name, window, is_good) in [
        ("none", Value::Null, false),
        ("off", json!({ "Mode": "OFF" }), true),
        ("bare", json!({ "Mode": "FLEXIBLE" }), false),
        ("zero", json!({ "Mode": "FLEXIBLE", "MaximumWindowInMinutes": 0 }), false),
        ("one", json!({ "Mode": "FLEXIBLE", "MaximumWindowInMinutes": 1 }), true),
        ("day", json!({ "Mode": "FLEXIBLE", "MaximumWindowInMinutes": 1_440 }), true),
        ("more", json!({ "Mode": "FLEXIBLE", "MaximumWindowInMinutes": 1_441 }), false),
    ] {
        let wanted = with(&daily, &json!({ "FlexibleTimeWindow": window }));
        match is_good {
            true => created(&aws, name, &wanted),
            false => invalid(&aws, &wanted),
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_schedules_retry_policy_has_its_ranges() {
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
    ] {
        let policy = json!({ "Target.RetryPolicy": { name: value } });
        let wanted = with(&schedule("rate(1 days)"), &policy);
        match is_good {
            true => created(&aws, &format!("{name}-{value}"), &wanted),
            false => invalid(&aws, &wanted),
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_schedule_that_is_over_stays_unless_it_is_to_go() {
    let aws = Aws::up(TEMPLATE).await;
    let now = aws.running.engine().now();
    let at = pointsman::clock::Time(now.0 + 3_600_000).format("at(%Y-%m-%dT%H:%M:%S)");
    let delete = json!({ "ActionAfterCompletion": "DELETE" });
    let until = with(&delete, &json!({ "EndDate": now.seconds() + 3 * 3_600 }));
    created(&aws, "stays", &schedule(&at));
    created(&aws, "goes", &with(&schedule(&at), &delete));
    created(&aws, "recurs", &with(&schedule("rate(1 hours)"), &delete));
    created(&aws, "ends", &with(&schedule("rate(1 hours)"), &until));
    let there = |name: &str| {
        let told = aws.rest("GET", &format!("/schedules/{name}"), &Value::Null);
        (told.status == 200).then(|| text_of(&told.json()["ActionAfterCompletion"]))
    };
    assert_eq!(["stays", "goes", "recurs", "ends"].map(there).map(|a| a.is_some()), [true; 4]);
    aws.pass(4 * HOUR).await;
    let after = ["stays", "goes", "recurs", "ends"].map(there);
    assert_eq!(after, [Some("NONE".to_owned()), None, Some("DELETE".to_owned()), None]);
}
