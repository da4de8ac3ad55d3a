//! PutEvents of a classic bus.

use super::aws::{ARN, Aws, Told, text_of};
use super::{Fact, cases, fact, not_shown};
use serde_json::{Value, json};

const GUIDE: &str = "AWS docs 2026, EventBridge guide";
const ENTRIES: &str = "AWS docs 2026, eb-putevents";
const RESULTS: &str = "AWS docs 2026, PutEventsResultEntry";
const RECORDED: &str = "recorded from AWS, 2025-01-08";

pub(super) const FACTS: &[Fact] = &[
    fact(
        "An entry's size is 14 bytes if it has a Time, and the UTF-8 bytes of Source, DetailType, Detail and of all of \
         Resources. EventBusName and TraceHeader do not count.",
        ENTRIES,
        cases![an_entrys_size_counts_time_source_detail_type_detail_and_resources_and_nothing_else],
    ),
    fact(
        "The entries of a request have less than 1,048,576 bytes together; one alone may use them all.",
        "AWS docs 2026, eb-putevents and API PutEvents",
        cases![
            an_entrys_size_counts_time_source_detail_type_detail_and_resources_and_nothing_else,
            entries_of_which_none_is_too_large_may_be_together,
        ],
    ),
    fact(
        "Over the limit the whole request fails: 400, ValidationException, \"Total size of the entries in the request \
         is over the limit.\"",
        RECORDED,
        cases![entries_of_which_none_is_too_large_may_be_together],
    ),
    fact(
        "A request has 1 to 10 entries; 11 are a ValidationException whose message holds the request.",
        RECORDED,
        cases![a_request_has_one_to_ten_entries],
    ),
    fact(
        "An entry without Source, Detail or DetailType, or with an empty DetailType, fails for itself with \
         InvalidArgument: 200, \"Parameter Source is not valid. Reason: Source is a required argument.\"",
        RECORDED,
        cases![an_entry_without_what_it_must_have_fails_for_itself],
    ),
    fact(
        "So does a single entry, although the API reference has a request fail in which no entry has all three.",
        RECORDED,
        cases![an_entry_without_what_it_must_have_fails_for_itself],
    ),
    fact(
        "A Detail that is no JSON, or no object, fails for itself: MalformedDetail, \"Detail is malformed.\"",
        RECORDED,
        cases![a_detail_that_is_no_json_object_is_malformed],
    ),
    fact(
        "An entry for a bus that is not there gets an EventId, and the event is dropped.",
        "recorded from AWS, 2025-01-08; AWS docs 2026, EventBridge guide",
        cases![an_event_for_a_bus_that_is_not_there_is_accepted_and_dropped],
    ),
    fact(
        "Result entries are as many and in the order of the request; one that failed has no EventId.",
        RESULTS,
        cases![results_keep_the_order_of_the_entries],
    ),
    fact(
        "The EventId is the delivered event's id, one for all rules and targets.",
        "AWS docs 2026, PutEventsResultEntry; recorded from AWS, 2025-01-08",
        cases![an_event_has_one_id_for_whoever_put_it_and_for_all_rules_and_targets],
    ),
    fact(
        "A Source that begins with \"aws.\" fails for itself: NotAuthorizedForSourceException, \"Not authorized for \
         the source.\"",
        "two public captures from AWS, read 2026-11",
        cases![a_source_of_awss_own_is_not_authorized],
    ),
    fact(
        "Nothing is deduplicated: the same entry again is a second event.",
        GUIDE,
        cases![the_same_entry_again_is_a_second_event],
    ),
    fact(
        "Without Time an event has the time of the call; delivered times have whole seconds and a Z.",
        "AWS docs 2026, EventBridge guide; recorded from AWS, 2025-01-08",
        cases![a_delivered_time_has_whole_seconds_and_is_the_calls_where_none_is_given],
    ),
    fact(
        "A DetailType has at most 128 characters.",
        GUIDE,
        cases![a_detail_type_has_at_most_128_characters],
    ),
    fact(
        "EventBusName (a name or an ARN) has at most 1,600 characters, TraceHeader 1 to 500, each of Resources at most \
         2,048.",
        "AWS docs 2026, PutEvents",
        cases![names_trace_headers_and_resources_have_their_lengths],
    ),
    fact(
        "A Detail is nested at most 1,000 levels deep, and its whole numbers fit into 64 bits with a sign.",
        GUIDE,
        cases![
            a_detail_is_nested_a_thousand_levels_at_most,
            whole_numbers_of_a_detail_fit_into_64_bits
        ],
    ),
    fact(
        "The delivered event's keys stand in this order: version \"0\", id, detail-type, source, account, time, \
         region, resources, detail. Absent Resources are [].",
        RECORDED,
        cases![a_delivered_event_has_awss_keys_in_awss_order],
    ),
    fact(
        "A rule has at most 5 targets.",
        "AWS docs 2026, eb-quota",
        cases![a_rule_has_at_most_five_targets],
    ),
    not_shown(
        "InternalFailure and ThrottlingException of an entry may be retried, other codes not.",
        RESULTS,
        "what of an entry's codes has no case above comes of load, IAM, a resource policy or redaction, which an engine \
         on one machine has not",
    ),
    not_shown(
        "Pages that say 256 KB are stale copies.",
        "AWS docs 2026, CloudWatch Events guide",
        "about documents",
    ),
    not_shown(
        "100 buses an account, 300 rules a bus, 30 of them with wildcards, patterns of 2,048 characters, policies of \
         10,240; requests and invocations a second.",
        "AWS docs 2026, eb-quota",
        "quotas of an account and region",
    ),
];

/// Two rules that take everything of `shop`, with two queues and one.
const TEMPLATE: &str = "
  Q: {Type: AWS::SQS::Queue, Properties: {QueueName: q}}
  P: {Type: AWS::SQS::Queue, Properties: {QueueName: p}}
  First:
    Type: AWS::Events::Rule
    Properties:
      EventPattern: {source: [shop]}
      Targets: [{Id: q, Arn: !GetAtt Q.Arn}, {Id: p, Arn: !GetAtt P.Arn}]
  Second:
    Type: AWS::Events::Rule
    Properties: {EventPattern: {source: [shop]}, Targets: [{Id: p, Arn: !GetAtt P.Arn}]}
";

const LIMIT: usize = 1_048_576;
const TOO_LARGE: &str = "Total size of the entries in the request is over the limit.";

fn put(aws: &Aws, entries: &Value) -> Told {
    aws.call("AWSEvents.PutEvents", &json!({ "Entries": entries }))
}

/// The result of one entry.
#[track_caller]
fn put_one(aws: &Aws, entry: Value) -> Value {
    let told = put(aws, &json!([entry]));
    assert_eq!(told.status, 200, "{}", told.text);
    told.json()["Entries"][0].clone()
}

fn entry(detail: &str) -> Value {
    json!({ "Source": "shop", "DetailType": "Placed", "Detail": detail })
}

fn with(name: &str, value: Value) -> Value {
    let mut entry = entry("{}");
    entry[name] = value;
    entry
}

/// The entry refused with this, while one beside it is accepted.
#[track_caller]
fn fails_alone(aws: &Aws, entry_: &Value, code: &str, message: &str) {
    let told = put(aws, &json!([entry_, entry("{}")]));
    assert_eq!(told.status, 200, "{}", told.text);
    let result = told.json();
    assert_eq!(result["FailedEntryCount"], 1, "{result}");
    assert_eq!(result["Entries"][0], json!({ "ErrorCode": code, "ErrorMessage": message }));
    assert!(result["Entries"][1]["EventId"].is_string(), "{result}");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_entrys_size_counts_time_source_detail_type_detail_and_resources_and_nothing_else() {
    let aws = Aws::up(TEMPLATE).await;
    // One byte less than the limit, with this much beside the detail.
    let filled = |beside: usize, more: Value| {
        let mut entry = json!({ "Source": "s", "DetailType": "t" });
        for (name, value) in more.as_object().expect("members") {
            entry[name] = value.clone();
        }
        let space = LIMIT - 1 - 2 - beside - r#"{"x":""}"#.len();
        entry["Detail"] = json!(format!(r#"{{"x":"{}"}}"#, "y".repeat(space)));
        entry
    };
    for (beside, more) in [
        (0, json!({})),
        (14, json!({ "Time": 1_700_000_000 })),
        (8, json!({ "Resources": ["abc", "äö", "d"] })),
        (1, json!({ "Source": "é" })),
        (3, json!({ "DetailType": "€t" })),
        (0, json!({ "EventBusName": format!("arn:aws:events:{ARN}:event-bus/default") })),
        (0, json!({ "TraceHeader": "Root=1-00000000-000000000000000000000001" })),
    ] {
        let fits = filled(beside, more.clone());
        let told = put(&aws, &json!([fits]));
        assert_eq!(told.status, 200, "{more}: {}", told.text);
        assert_eq!(told.json()["FailedEntryCount"], 0, "{more}: {}", told.text);
        let mut more_by_one = fits;
        let detail = text_of(&more_by_one["Detail"]).replacen('y', "yy", 1);
        more_by_one["Detail"] = json!(detail);
        put(&aws, &json!([more_by_one])).is_refused(400, "ValidationException", TOO_LARGE);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn entries_of_which_none_is_too_large_may_be_together() {
    let aws = Aws::up(TEMPLATE).await;
    let half = entry(&format!(r#"{{"x":"{}"}}"#, "y".repeat(LIMIT / 2)));
    assert!(put_one(&aws, half.clone())["EventId"].is_string());
    put(&aws, &json!([half, half])).is_refused(400, "ValidationException", TOO_LARGE);
    // Nothing of the request that failed was delivered.
    assert_eq!(aws.depths("q"), [1, 0, 0]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_has_one_to_ten_entries() {
    let aws = Aws::up(TEMPLATE).await;
    let entries =
        |n: usize| json!((0..n).map(|n| entry(&json!({ "n": n }).to_string())).collect::<Vec<_>>());
    assert_eq!(put(&aws, &entries(10)).status, 200);
    assert_eq!(put(&aws, &entries(0)).code(), "ValidationException");
    let told = put(&aws, &entries(11));
    assert_eq!((told.status, &*told.code()), (400, "ValidationException"));
    let message = told.message();
    let rest =
        message.strip_prefix("1 validation error detected: Value '[").expect("its beginning");
    let (held, end) = rest.split_once("]' at 'entries' ").expect(&message);
    assert_eq!(
        end,
        "failed to satisfy constraint: Member must have length less than or equal to 10"
    );
    assert_eq!(held.matches("Placed").count(), 11, "{message}");
    assert_eq!(aws.depths("q"), [10, 0, 0]);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_entry_without_what_it_must_have_fails_for_itself() {
    let aws = Aws::up(TEMPLATE).await;
    for name in ["Source", "DetailType", "Detail"] {
        let message =
            format!("Parameter {name} is not valid. Reason: {name} is a required argument.");
        let mut without = entry("{}");
        without.as_object_mut().expect("an object").remove(name);
        fails_alone(&aws, &without, "InvalidArgument", &message);
        let alone = put_one(&aws, without);
        assert_eq!(alone, json!({ "ErrorCode": "InvalidArgument", "ErrorMessage": message }));
    }
    let message = "Parameter DetailType is not valid. Reason: DetailType is a required argument.";
    fails_alone(&aws, &with("DetailType", json!("")), "InvalidArgument", message);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_detail_that_is_no_json_object_is_malformed() {
    let aws = Aws::up(TEMPLATE).await;
    for detail in ["no JSON", "{", r#"{"a":1}}"#, "[]", r#"["a"]"#, r#""a""#, "7", "null"] {
        fails_alone(&aws, &entry(detail), "MalformedDetail", "Detail is malformed.");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_event_for_a_bus_that_is_not_there_is_accepted_and_dropped() {
    let aws = Aws::up(TEMPLATE).await;
    let told = put(&aws, &json!([with("EventBusName", json!("nobodys"))]));
    assert_eq!((told.status, &told.json()["FailedEntryCount"]), (200, &json!(0)));
    assert!(told.json()["Entries"][0]["EventId"].is_string(), "{}", told.text);
    assert_eq!(aws.depths("q"), [0, 0, 0]);
}

#[tokio::test(flavor = "multi_thread")]
async fn results_keep_the_order_of_the_entries() {
    let aws = Aws::up(TEMPLATE).await;
    let details = ["{}", "no", "{}", "[]", "{}"];
    let told = put(&aws, &json!(details.map(entry))).json();
    assert_eq!(told["FailedEntryCount"], 2);
    let results = told["Entries"].as_array().expect("results");
    assert_eq!(results.len(), details.len());
    for (detail, result) in details.iter().zip(results) {
        assert_eq!(result.get("EventId").is_some(), *detail == "{}", "{told}");
        assert_eq!(result.get("ErrorCode").is_none(), *detail == "{}", "{told}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_event_has_one_id_for_whoever_put_it_and_for_all_rules_and_targets() {
    let aws = Aws::up(TEMPLATE).await;
    let id = text_of(&put_one(&aws, entry("{}"))["EventId"]);
    let got = [aws.texts("q"), aws.texts("p")].concat();
    let ids =
        got.iter().map(|text| serde_json::from_str::<Value>(text).expect("JSON")["id"].clone());
    assert_eq!(ids.collect::<Vec<_>>(), vec![json!(id); 3]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_source_of_awss_own_is_not_authorized() {
    let aws = Aws::up(TEMPLATE).await;
    let entry = with("Source", json!("aws.shop"));
    fails_alone(&aws, &entry, "NotAuthorizedForSourceException", "Not authorized for the source.");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_same_entry_again_is_a_second_event() {
    let aws = Aws::up(TEMPLATE).await;
    let twice = put(&aws, &json!([entry("{}"), entry("{}")])).json();
    assert_ne!(twice["Entries"][0]["EventId"], twice["Entries"][1]["EventId"]);
    put_one(&aws, entry("{}"));
    assert_eq!(aws.depths("q"), [3, 0, 0]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_delivered_time_has_whole_seconds_and_is_the_calls_where_none_is_given() {
    let aws = Aws::up(TEMPLATE).await;
    put_one(&aws, with("Time", json!(1_700_000_000.987)));
    let before = aws.running.engine().now().rfc3339();
    put_one(&aws, entry("{}"));
    let after = aws.running.engine().now().rfc3339();
    let times = aws.texts("q").iter().map(|text| time_of(text)).collect::<Vec<_>>();
    assert_eq!(times[0], "2023-11-14T22:13:20Z");
    assert!((before..=after).contains(&times[1]), "{times:?}");
}

fn time_of(event: &str) -> String {
    text_of(&serde_json::from_str::<Value>(event).expect("JSON")["time"])
}

#[tokio::test(flavor = "multi_thread")]
async fn a_detail_type_has_at_most_128_characters() {
    let aws = Aws::up(TEMPLATE).await;
    assert!(put_one(&aws, with("DetailType", json!("ä".repeat(128))))["EventId"].is_string());
    let refused = put_one(&aws, with("DetailType", json!("ä".repeat(129))));
    assert!(refused["ErrorCode"].is_string() && refused["EventId"].is_null(), "{refused}");
}

#[tokio::test(flavor = "multi_thread")]
async fn names_trace_headers_and_resources_have_their_lengths() {
    let aws = Aws::up(TEMPLATE).await;
    let list = |n: usize| json!(["a", "r".repeat(n)]);
    for (name, good, bad) in [
        ("EventBusName", json!("b".repeat(1_600)), json!("b".repeat(1_601))),
        ("TraceHeader", json!("t".repeat(500)), json!("t".repeat(501))),
        ("TraceHeader", json!("t"), json!("")),
        ("Resources", list(2_048), list(2_049)),
    ] {
        assert!(put_one(&aws, with(name, good))["EventId"].is_string(), "{name}");
        let told = put(&aws, &json!([entry("{}"), with(name, bad)]));
        assert_eq!(
            (told.status, &*told.code()),
            (400, "ValidationException"),
            "{name}: {}",
            told.text
        );
        assert!(told.message().contains("failed to satisfy constraint"), "{}", told.message());
    }
    let arn = format!("arn:aws:events:{ARN}:event-bus/default");
    put_one(&aws, with("EventBusName", json!(arn)));
    assert_eq!(aws.depths("q"), [4, 0, 0], "of those for the default bus that were taken");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_detail_is_nested_a_thousand_levels_at_most() {
    let aws = Aws::up(TEMPLATE).await;
    let nested = |levels: usize| format!("{}1{}", r#"{"a":"#.repeat(levels), "}".repeat(levels));
    let (deep, too_deep) = (nested(1_000), nested(1_001));
    assert!(put_one(&aws, entry(&deep))["EventId"].is_string());
    assert!(aws.texts("q")[0].contains(&deep));
    fails_alone(&aws, &entry(&too_deep), "MalformedDetail", "Detail is malformed.");
}

#[tokio::test(flavor = "multi_thread")]
async fn whole_numbers_of_a_detail_fit_into_64_bits() {
    let aws = Aws::up(TEMPLATE).await;
    let number = |text: &str| entry(&format!(r#"{{"n":[{text}],"s":"99999999999999999999"}}"#));
    for good in ["9223372036854775807", "-9223372036854775808", "1e300", "99999999999999999999.5"] {
        assert!(put_one(&aws, number(good))["EventId"].is_string(), "{good}");
    }
    for bad in ["9223372036854775808", "-9223372036854775809"] {
        fails_alone(&aws, &number(bad), "MalformedDetail", "Detail is malformed.");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_delivered_event_has_awss_keys_in_awss_order() {
    let aws = Aws::up(TEMPLATE).await;
    let mut given = with("Time", json!(1_700_000_000));
    given["Detail"] = json!(r#"{"b":1,"a":2.50}"#);
    let id = text_of(&put_one(&aws, given)["EventId"]);
    let wanted = format!(
        r#"{{"version":"0","id":"{id}","detail-type":"Placed","source":"shop","account":"000000000000","time":"2023-11-14T22:13:20Z","region":"us-east-1","resources":[],"detail":{{"b":1,"a":2.50}}}}"#
    );
    assert_eq!(aws.texts("q"), [wanted]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rule_has_at_most_five_targets() {
    let aws = Aws::up(TEMPLATE).await;
    aws.ok("AWSEvents.PutRule", &json!({ "Name": "r", "EventPattern": r#"{"source":["x"]}"# }));
    let put = |ids: std::ops::Range<usize>| {
        let arn = format!("arn:aws:sqs:{ARN}:q");
        let targets: Vec<Value> = ids.map(|n| json!({ "Id": n.to_string(), "Arn": arn })).collect();
        aws.call("AWSEvents.PutTargets", &json!({ "Rule": "r", "Targets": targets }))
    };
    assert_eq!(put(0..5).status, 200);
    let told = put(5..6);
    assert_eq!((told.status, &*told.code()), (400, "LimitExceededException"));
}
