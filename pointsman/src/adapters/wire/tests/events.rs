use super::*;

#[track_caller]
fn same(got: &str, wanted: &str) {
    assert_eq!(got, wanted);
}

/// A bus `shop` with a rule `orders` whose target is the queue `orders`.
async fn shop() -> World {
    let world = World::new().await;
    world.events("CreateEventBus", r#"{"Name":"shop","Description":"orders"}"#).await;
    world.sqs("CreateQueue", r#"{"QueueName":"orders"}"#).await;
    let rule = r#"{"Name":"orders","EventBusName":"shop","EventPattern":"{\"source\":[\"shop.orders\"]}"}"#;
    same(
        &world.events("PutRule", rule).await,
        r#"200 {"RuleArn":"arn:aws:events:us-east-1:000000000000:rule/shop/orders"}"#,
    );
    let targets = r#"{"Rule":"orders","EventBusName":"arn:aws:events:us-east-1:000000000000:event-bus/shop","Targets":[
        {"Id":"queue","Arn":"arn:aws:sqs:us-east-1:000000000000:orders"}]}"#;
    same(
        &world.events("PutTargets", targets).await,
        r#"200 {"FailedEntryCount":0,"FailedEntries":[]}"#,
    );
    world
}

#[tokio::test]
async fn an_event_goes_by_its_rule_into_the_queue_as_eventbridge_writes_it() {
    let world = shop().await;
    let put = r#"{"Entries":[{"Source":"shop.orders","DetailType":"OrderPlaced","Detail":"{\"n\": 1}","EventBusName":"shop",
        "Time":1.7e9,"Resources":["r"]}]}"#;
    let accepted = world.send("POST", "/", &[("X-Amz-Target", "AWSEvents.PutEvents")], put).await;
    assert_eq!(accepted.headers["content-type"], "application/x-amz-json-1.1");
    same(&accepted.short(), r#"200 {"FailedEntryCount":0,"Entries":[{"EventId":"ID"}]}"#);
    let received =
        world.sqs("ReceiveMessage", r#"{"QueueUrl":"http://pointsman/000000000000/orders"}"#).await;
    same(
        &member(&received, "/Messages/0/Body"),
        r#"{"version":"0","id":"ID","detail-type":"OrderPlaced","source":"shop.orders","account":"000000000000","time":"2023-11-14T22:13:20Z","region":"us-east-1","resources":["r"],"detail":{"n": 1}}"#,
    );
}

#[tokio::test]
async fn entries_fail_one_by_one_and_results_keep_their_order() {
    let world = shop().await;
    let entry = |source: &str, kind: &str, detail: &str| {
        format!(r#"{{{source}"DetailType":"{kind}","Detail":"{detail}","EventBusName":"nowhere"}}"#)
    };
    let entries = [
        entry(r#""Source":"a","#, "x", "{}"),
        entry("", "x", "{}"),
        entry(r#""Source":"a","#, "", "{}"),
        entry(r#""Source":"a","#, "x", "[]"),
        entry(r#""Source":"aws.ec2","#, "x", "{}"),
    ];
    let put = format!(r#"{{"Entries":[{}]}}"#, entries.join(","));
    same(
        &world.events("PutEvents", &put).await,
        concat!(
            r#"200 {"FailedEntryCount":4,"Entries":[{"EventId":"ID"},"#,
            r#"{"ErrorCode":"InvalidArgument","ErrorMessage":"Parameter Source is not valid. Reason: Source is a required argument."},"#,
            r#"{"ErrorCode":"InvalidArgument","ErrorMessage":"Parameter DetailType is not valid. Reason: DetailType is a required argument."},"#,
            r#"{"ErrorCode":"MalformedDetail","ErrorMessage":"Detail is malformed."},"#,
            r#"{"ErrorCode":"NotAuthorizedForSourceException","ErrorMessage":"Not authorized for the source."}]}"#,
        ),
    );
}

#[tokio::test]
async fn a_request_that_is_too_long_or_too_large_fails_as_a_whole() {
    let world = shop().await;
    let entry = r#"{"Source":"a","DetailType":"b","Detail":"{}"}"#;
    let put = format!(r#"{{"Entries":[{}]}}"#, [entry; 11].join(","));
    let refused = world.events("PutEvents", &put).await;
    assert!(refused.starts_with(r#"400 {"__type":"ValidationException""#), "{refused}");
    assert!(refused.contains("Member must have length less than or equal to 10"), "{refused}");
    let detail = format!(r#"{{\"a\":\"{}\"}}"#, "x".repeat(1024 * 1024));
    let put = format!(r#"{{"Entries":[{{"Source":"a","DetailType":"b","Detail":"{detail}"}}]}}"#);
    same(
        &world.events("PutEvents", &put).await,
        r#"400 {"__type":"ValidationException","message":"Total size of the entries in the request is over the limit."}"#,
    );
}

#[tokio::test]
async fn a_rule_is_described_listed_switched_and_deleted() {
    let world = shop().await;
    let named = r#"{"Name":"orders","EventBusName":"shop"}"#;
    let of = r#"{"Rule":"orders","EventBusName":"shop"}"#;
    same(
        &world.events("DescribeRule", named).await,
        r#"200 {"Name":"orders","Arn":"arn:aws:events:us-east-1:000000000000:rule/shop/orders","EventPattern":"{\"source\":[\"shop.orders\"]}","State":"ENABLED","EventBusName":"shop","CreatedBy":"000000000000"}"#,
    );
    same(&world.events("DisableRule", named).await, "200 ");
    let rules = world.events("ListRules", r#"{"EventBusName":"shop","NamePrefix":"ord"}"#).await;
    assert_eq!(member(&rules, "/Rules/0/State"), "DISABLED");
    same(&world.events("EnableRule", named).await, "200 ");
    assert_eq!(member(&world.events("DescribeRule", named).await, "/State"), "ENABLED");
    same(
        &world.events("ListTargetsByRule", of).await,
        r#"200 {"Targets":[{"Id":"queue","Arn":"arn:aws:sqs:us-east-1:000000000000:orders"}]}"#,
    );
    let by = r#"{"TargetArn":"arn:aws:sqs:us-east-1:000000000000:orders","EventBusName":"shop"}"#;
    same(&world.events("ListRuleNamesByTarget", by).await, r#"200 {"RuleNames":["orders"]}"#);
    let full = world.events("DeleteRule", named).await;
    same(
        &full,
        r#"400 {"__type":"ValidationException","message":"Rule can't be deleted since it has targets."}"#,
    );
    let remove = r#"{"Rule":"orders","EventBusName":"shop","Ids":["queue","none"]}"#;
    same(
        &world.events("RemoveTargets", remove).await,
        r#"200 {"FailedEntryCount":0,"FailedEntries":[]}"#,
    );
    same(&world.events("DeleteRule", named).await, "200 ");
    same(
        &world.events("DescribeRule", named).await,
        r#"400 {"__type":"ResourceNotFoundException","message":"Rule orders does not exist on EventBus shop."}"#,
    );
}

#[tokio::test]
async fn buses_are_listed_by_the_page() {
    let world = shop().await;
    let first = world.events("ListEventBuses", r#"{"Limit":1}"#).await;
    same(&member(&first, "/EventBuses/0/Name"), "default");
    let next = format!(r#"{{"Limit":1,"NextToken":"{}"}}"#, member(&first, "/NextToken"));
    same(
        &world.events("ListEventBuses", &next).await,
        r#"200 {"EventBuses":[{"Name":"shop","Arn":"arn:aws:events:us-east-1:000000000000:event-bus/shop","Description":"orders","CreationTime":1700000000.0,"LastModifiedTime":1700000000.0}]}"#,
    );
    let refused = world.events("ListEventBuses", r#"{"NextToken":"nonsense"}"#).await;
    assert!(refused.starts_with(r#"400 {"__type":"ValidationException""#), "{refused}");
    let described = world.events("DescribeEventBus", "{}").await;
    same(&member(&described, "/Name"), "default");
}

#[tokio::test]
async fn a_bus_goes_when_it_has_no_rules() {
    let world = shop().await;
    let refused = world.events("DeleteEventBus", r#"{"Name":"shop"}"#).await;
    assert!(refused.contains("rules that must be removed first"), "{refused}");
    world.events("CreateEventBus", r#"{"Name":"spare"}"#).await;
    let again = world.events("CreateEventBus", r#"{"Name":"spare"}"#).await;
    same(
        &again,
        r#"400 {"__type":"ResourceAlreadyExistsException","message":"Event bus spare already exists."}"#,
    );
    same(&world.events("DeleteEventBus", r#"{"Name":"spare"}"#).await, "200 ");
}

#[tokio::test]
async fn targets_keep_what_they_were_given() {
    let world = shop().await;
    let target = r#"{"Id":"queue","Arn":"arn:aws:sqs:us-east-1:000000000000:orders","InputTransformer":{"InputPathsMap":{"n":"$.detail.n"},"InputTemplate":"\"<n>\""},"SqsParameters":{"MessageGroupId":"g"},"DeadLetterConfig":{"Arn":"arn:aws:sqs:us-east-1:000000000000:dead"},"RetryPolicy":{"MaximumRetryAttempts":3,"MaximumEventAgeInSeconds":60}}"#;
    let put = format!(r#"{{"Rule":"orders","EventBusName":"shop","Targets":[{target}]}}"#);
    world.events("PutTargets", &put).await;
    let listed =
        world.events("ListTargetsByRule", r#"{"Rule":"orders","EventBusName":"shop"}"#).await;
    same(&listed, &format!(r#"200 {{"Targets":[{target}]}}"#));
}

#[tokio::test]
async fn a_pattern_is_tried_on_an_event() {
    let world = World::new().await;
    let event = r#"{\"id\":\"1\",\"account\":\"0\",\"source\":\"a\",\"time\":\"t\",\"region\":\"r\",\"resources\":[],\"detail-type\":\"b\",\"detail\":{}}"#;
    let case = async |pattern: &str, event: &str| {
        let body = format!(r#"{{"EventPattern":"{pattern}","Event":"{event}"}}"#);
        world.events("TestEventPattern", &body).await
    };
    same(&case(r#"{\"source\":[\"a\"]}"#, event).await, r#"200 {"Result":true}"#);
    same(&case(r#"{\"source\":[\"b\"]}"#, event).await, r#"200 {"Result":false}"#);
    let refused = case("{", event).await;
    assert!(refused.starts_with(r#"400 {"__type":"InvalidEventPatternException""#), "{refused}");
    let refused = case(r#"{\"source\":[\"a\"]}"#, r#"{\"id\":\"1\"}"#).await;
    assert!(refused.starts_with(r#"400 {"__type":"ValidationException""#), "{refused}");
}

#[tokio::test]
async fn what_is_wrong_or_out_of_scope_is_refused_by_name() {
    let world = shop().await;
    let case = async |action: &str, body: &str, code: &str, part: &str| {
        let refused = world.events(action, body).await;
        assert!(refused.starts_with(&format!(r#"400 {{"__type":"{code}""#)), "{refused}");
        assert!(refused.contains(part), "{part}: {refused}");
    };
    case("StartReplay", "{}", "UnknownOperationException", "StartReplay").await;
    case("PutRule", "{", "SerializationException", "EOF").await;
    case("PutRule", "{}", "ValidationException", "'name'").await;
    case("PutRule", r#"{"Name":"a"}"#, "ValidationException", "EventPattern").await;
    let scheduled = r#"{"Name":"a","ScheduleExpression":"rate(1 days)"}"#;
    case("PutRule", scheduled, "ValidationException", "ScheduleExpression").await;
    let nowhere = r#"{"Name":"a","EventBusName":"nowhere","EventPattern":"{}"}"#;
    case("PutRule", nowhere, "ResourceNotFoundException", "nowhere").await;
    let elsewhere = r#"{"Name":"arn:aws:events:eu-west-1:000000000000:event-bus/shop"}"#;
    case("DescribeEventBus", elsewhere, "ResourceNotFoundException", "eu-west-1").await;
    let tagged = r#"{"Name":"b","Tags":[{"Key":"a","Value":"b"}]}"#;
    case("CreateEventBus", tagged, "ValidationException", "Tags").await;
    let put = |target: &str| {
        format!(
            r#"{{"Rule":"orders","EventBusName":"shop","Targets":[{{"Id":"t","Arn":"a",{target}}}]}}"#
        )
    };
    let two = put(r#""Input":"{}","InputPath":"$.a""#);
    case("PutTargets", &two, "ValidationException", "Only one of Input").await;
    let foreign = put(r#""KinesisParameters":{"PartitionKeyPath":"$.a"}"#);
    case("PutTargets", &foreign, "ValidationException", "KinesisParameters").await;
    let often = put(r#""RetryPolicy":{"MaximumRetryAttempts":186}"#);
    case("PutTargets", &often, "ValidationException", "from 0 to 185").await;
    case("PutTargets", r#"{"Rule":"orders","Targets":[]}"#, "ValidationException", "targets").await;
    let failed = world.events("PutTargets", &put(r#""Input":"{}""#)).await;
    assert_eq!(member(&failed, "/FailedEntryCount"), "1");
    assert_eq!(member(&failed, "/FailedEntries/0/TargetId"), "t");
}
