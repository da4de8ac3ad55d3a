use super::*;
use crate::topology::QueueSpec;

/// Where the clock stands, as this protocol has times.
const NOW: &str = "1700000000.0";

const TARGET: &str = r#""Target":{"Arn":"arn:aws:sqs:us-east-1:000000000000:orders","RoleArn":"arn:aws:iam::000000000000:role/s"}"#;

async fn with_queue() -> World {
    let world = World::new().await;
    world.apply(vec![Spec::Queue(QueueSpec::named("orders"))]).await;
    world
}

impl World {
    /// Status, name of the error and body.
    async fn scheduler(&self, method: &str, path: &str, body: &str) -> String {
        let answered = self.send(method, path, &[], body).await;
        let error = answered.headers.get("x-amzn-errortype");
        let error = error.map(|name| format!(" [{name}]")).unwrap_or_default();
        format!("{}{error} {}", answered.status, answered.body)
    }

    async fn create(&self, name: &str, members: &str) -> String {
        let body = format!(
            r#"{{"ScheduleExpression":"rate(1 days)","FlexibleTimeWindow":{{"Mode":"OFF"}},{TARGET}{members}}}"#
        );
        self.scheduler("POST", &format!("/schedules/{name}"), &body).await
    }
}

#[tokio::test]
async fn a_schedule_is_created_shown_changed_and_deleted() {
    let world = with_queue().await;
    let created = world.create("nightly", r#","ClientToken":"t","Description":"d""#).await;
    let arn = "arn:aws:scheduler:us-east-1:000000000000:schedule/default/nightly";
    assert_eq!(created, format!(r#"200 {{"ScheduleArn":"{arn}"}}"#));
    assert_eq!(
        world.scheduler("GET", "/schedules/nightly", "").await,
        format!(
            r#"200 {{"ActionAfterCompletion":"NONE","Arn":"{arn}","CreationDate":{NOW},"Description":"d","FlexibleTimeWindow":{{"Mode":"OFF"}},"GroupName":"default","LastModificationDate":{NOW},"Name":"nightly","ScheduleExpression":"rate(1 days)","ScheduleExpressionTimezone":"UTC","State":"ENABLED","Target":{{"Arn":"arn:aws:sqs:us-east-1:000000000000:orders","RetryPolicy":{{"MaximumEventAgeInSeconds":86400,"MaximumRetryAttempts":185}},"RoleArn":"arn:aws:iam::000000000000:role/s"}}}}"#
        )
    );
    let whole = r#"{"ActionAfterCompletion":"DELETE","StartDate":1700000060.5,"EndDate":1800000000,"FlexibleTimeWindow":{"Mode":"FLEXIBLE","MaximumWindowInMinutes":5},"ScheduleExpression":"cron(0 3 * * ? *)","ScheduleExpressionTimezone":"Europe/Berlin","State":"DISABLED","Target":{"Arn":"arn:aws:events:us-east-1:000000000000:event-bus/default","RoleArn":"arn:aws:iam::000000000000:role/s","Input":"{}","EventBridgeParameters":{"DetailType":"Daily","Source":"clock"},"RetryPolicy":{"MaximumRetryAttempts":3},"DeadLetterConfig":{"Arn":"arn:aws:sqs:us-east-1:000000000000:orders"}}}"#;
    world.clock.advance(std::time::Duration::from_secs(7));
    let updated = world.scheduler("PUT", "/schedules/nightly", whole).await;
    assert_eq!(updated, format!(r#"200 {{"ScheduleArn":"{arn}"}}"#));
    assert_eq!(
        world.scheduler("GET", "/schedules/nightly?groupName=default", "").await,
        format!(
            r#"200 {{"ActionAfterCompletion":"DELETE","Arn":"{arn}","CreationDate":{NOW},"EndDate":1800000000.0,"FlexibleTimeWindow":{{"MaximumWindowInMinutes":5,"Mode":"FLEXIBLE"}},"GroupName":"default","LastModificationDate":1700000007.0,"Name":"nightly","ScheduleExpression":"cron(0 3 * * ? *)","ScheduleExpressionTimezone":"Europe/Berlin","StartDate":1700000060.5,"State":"DISABLED","Target":{{"Arn":"arn:aws:events:us-east-1:000000000000:event-bus/default","DeadLetterConfig":{{"Arn":"arn:aws:sqs:us-east-1:000000000000:orders"}},"EventBridgeParameters":{{"DetailType":"Daily","Source":"clock"}},"Input":"{{}}","RetryPolicy":{{"MaximumEventAgeInSeconds":86400,"MaximumRetryAttempts":3}},"RoleArn":"arn:aws:iam::000000000000:role/s"}}}}"#
        )
    );
    assert_eq!(world.scheduler("DELETE", "/schedules/nightly?clientToken=x", "").await, "200 {}");
    assert_eq!(world.scheduler("DELETE", "/schedules/nightly?clientToken=x", "").await, "200 {}");
    let gone = r#"404 [ResourceNotFoundException] {"Message":"Schedule nightly does not exist."}"#;
    assert_eq!(world.scheduler("GET", "/schedules/nightly", "").await, gone);
    assert_eq!(world.scheduler("DELETE", "/schedules/nightly", "").await, gone);
}

#[tokio::test]
async fn a_request_is_refused_in_schedulers_form() {
    let world = with_queue().await;
    let refused = async |members: &str, wanted: &str| {
        assert_eq!(world.create("s", members).await, wanted);
    };
    world.create("there", r#","ClientToken":"t""#).await;
    assert_eq!(
        world.create("there", "").await,
        r#"409 [ConflictException] {"Message":"Schedule there already exists."}"#
    );
    assert_eq!(
        world.create("other", r#","ClientToken":"t""#).await,
        r#"409 [ConflictException] {"Message":"The ClientToken was used for a request with other parameters."}"#
    );
    refused(
        r#","GroupName":"none""#,
        r#"404 [ResourceNotFoundException] {"Message":"Schedule group none does not exist."}"#,
    )
    .await;
    refused(
        r#","StartDate":1600000000"#,
        r#"400 [ValidationException] {"Message":"The StartDate you specify cannot be earlier than 5 minutes ago."}"#,
    )
    .await;
    refused(
        r#","State":"ON""#,
        r#"400 [ValidationException] {"Message":"1 validation error detected: Value 'ON' at 'state' failed to satisfy constraint: Member must satisfy enum value set: [ENABLED, DISABLED]"}"#,
    )
    .await;
    let post = async |body: &str| world.scheduler("POST", "/schedules/s", body).await;
    assert_eq!(
        post(&format!(
            r#"{{"ScheduleExpression":"rate(10)","FlexibleTimeWindow":{{"Mode":"OFF"}},{TARGET}}}"#
        ))
        .await,
        r#"400 [ValidationException] {"Message":"Invalid Schedule Expression rate(10)."}"#
    );
    assert_eq!(
        post("{}").await,
        r#"400 [ValidationException] {"Message":"1 validation error detected: Value null at 'flexibleTimeWindow' failed to satisfy constraint: Member must not be null"}"#
    );
    let fifo =
        TARGET.replace("\"RoleArn\"", "\"SqsParameters\":{\"MessageGroupId\":\"g\"},\"RoleArn\"");
    assert_eq!(
        post(&format!(
            r#"{{"ScheduleExpression":"rate(1 days)","FlexibleTimeWindow":{{"Mode":"OFF"}},{fifo}}}"#
        ))
        .await,
        r#"400 [ValidationException] {"Message":"SqsParameters of a schedule's target is not supported here."}"#
    );
    assert!(post("{").await.starts_with("400 [SerializationException]"));
    assert!(
        world
            .scheduler("PATCH", "/schedules/s", "")
            .await
            .starts_with("404 [UnknownOperationException]")
    );
}

#[tokio::test]
async fn lists_come_by_the_page_and_by_group_prefix_and_state() {
    let world = with_queue().await;
    let arn = "arn:aws:scheduler:us-east-1:000000000000:schedule-group/nights";
    assert_eq!(
        world.scheduler("POST", "/schedule-groups/nights", r#"{"ClientToken":"a"}"#).await,
        format!(r#"200 {{"ScheduleGroupArn":"{arn}"}}"#)
    );
    for n in 0..3 {
        world.create(&format!("a{n}"), "").await;
        world.create(&format!("b{n}"), r#","GroupName":"nights","State":"DISABLED""#).await;
    }
    let names = async |query: &str| {
        let answer = world.scheduler("GET", &format!("/schedules?{query}"), "").await;
        let schedules: serde_json::Value =
            serde_json::from_str(&member(&answer, "/Schedules")).unwrap();
        let names = schedules.as_array().unwrap().iter().map(|s| s["Name"].as_str().unwrap());
        let body: serde_json::Value = serde_json::from_str(&answer[4..]).unwrap();
        (names.collect::<Vec<_>>().join(" "), body["NextToken"].as_str().map(str::to_owned))
    };
    let (first, token) = names("MaxResults=4").await;
    assert_eq!(first, "a0 a1 a2 b0");
    let (rest, last) = names(&format!("MaxResults=4&NextToken={}", token.unwrap())).await;
    assert_eq!((rest.as_str(), last), ("b1 b2", None));
    assert_eq!(names("ScheduleGroup=nights&NamePrefix=b1").await.0, "b1");
    assert_eq!(names("State=ENABLED").await.0, "a0 a1 a2");
    assert_eq!(
        world.scheduler("GET", "/schedules?ScheduleGroup=none", "").await,
        r#"404 [ResourceNotFoundException] {"Message":"Schedule group none does not exist."}"#
    );
    let one = r#""CreationDate":1700000000.0,"LastModificationDate":1700000000.0"#;
    let default = "arn:aws:scheduler:us-east-1:000000000000:schedule-group/default";
    assert_eq!(
        world.scheduler("GET", "/schedule-groups", "").await,
        format!(
            r#"200 {{"ScheduleGroups":[{{"Arn":"{default}",{one},"Name":"default","State":"ACTIVE"}},{{"Arn":"{arn}",{one},"Name":"nights","State":"ACTIVE"}}]}}"#
        )
    );
    assert_eq!(world.scheduler("DELETE", "/schedule-groups/nights", "").await, "200 {}");
    assert_eq!(names("").await.0, "a0 a1 a2", "its schedules go with it");
    assert_eq!(
        world.scheduler("GET", "/schedule-groups/nights", "").await,
        r#"404 [ResourceNotFoundException] {"Message":"Schedule group nights does not exist."}"#
    );
}

#[tokio::test]
async fn a_rule_has_a_schedule_on_the_default_bus() {
    let world = with_queue().await;
    let put = r#"{"Name":"tick","ScheduleExpression":"rate(1 minute)"}"#;
    let arn = "arn:aws:events:us-east-1:000000000000:rule/tick";
    assert_eq!(world.events("PutRule", put).await, format!(r#"200 {{"RuleArn":"{arn}"}}"#));
    assert_eq!(
        world.events("ListRules", r#"{"NamePrefix":"tick"}"#).await,
        format!(
            r#"200 {{"Rules":[{{"Name":"tick","Arn":"{arn}","ScheduleExpression":"rate(1 minute)","State":"ENABLED","EventBusName":"default"}}]}}"#
        )
    );
    assert_eq!(
        world.events("PutRule", r#"{"Name":"t","ScheduleExpression":"rate(1 minutes)"}"#).await,
        r#"400 {"__type":"ValidationException","message":"Parameter ScheduleExpression is not valid."}"#
    );
    world.events("CreateEventBus", r#"{"Name":"shop"}"#).await;
    assert_eq!(
        world
            .events(
                "PutRule",
                r#"{"Name":"t","EventBusName":"shop","ScheduleExpression":"rate(1 minute)"}"#
            )
            .await,
        r#"400 {"__type":"ValidationException","message":"ScheduleExpression is supported only on the default event bus."}"#
    );
}
