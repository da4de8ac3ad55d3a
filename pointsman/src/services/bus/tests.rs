//! What an event bus does.

use super::*;
use crate::clock::Time;
use crate::engine::testing::*;
use crate::engine::{AttributeValue, Delivered, Delivery, Fact, Id};
use crate::topology::{BusSpec, InputSpec, QueueSpec, Region, RuleSpec, Spec, TargetSpec};
use serde_json::Value;
use std::collections::BTreeMap;

mod input;

use input::transformer;

const ALL: &str = r#"{"source":[{"prefix":""}]}"#;

fn entry(detail: &str) -> EventEntry {
    EventEntry {
        source: Some("shop.orders".into()),
        detail_type: Some("OrderPlaced".into()),
        detail: Some(detail.into()),
        ..EventEntry::default()
    }
}

fn put(world: &mut World, entry: EventEntry) -> Result<Id, EntryError> {
    world.ask(PutEvents { entries: vec![entry] }).remove(0)
}

fn queue(name: &str) -> Spec {
    Spec::Queue(QueueSpec::named(name))
}

fn arn(queue: &str) -> String {
    Region::default().queue(queue)
}

fn one_rule(targets: Vec<TargetSpec>) -> World {
    let mut world = World::new();
    world.apply(vec![queue("orders"), queue("dead"), Spec::Rule(rule("all", ALL, targets))]);
    world
}

fn deliveries(world: &World) -> Vec<Delivery> {
    let facts = world.facts(0);
    facts
        .into_iter()
        .filter_map(|fact| match fact {
            Fact::EventAccepted { deliveries, .. } => Some(deliveries),
            _ => None,
        })
        .flatten()
        .collect()
}

#[track_caller]
fn entry_error(change: impl FnOnce(&mut EventEntry), code: &str, message: &str) {
    let mut wrong = entry("{}");
    change(&mut wrong);
    let mut world = World::new();
    let entries = vec![entry("{}"), wrong, entry("{}")];
    let got = world.ask(PutEvents { entries });
    assert!(got[0].is_ok() && got[2].is_ok(), "the others are accepted");
    let error = got[1].as_ref().unwrap_err();
    assert_eq!((error.code, error.message.as_str()), (code, message));
}

#[test]
fn an_entry_is_refused_in_eventbridges_words() {
    let missing =
        |name| format!("Parameter {name} is not valid. Reason: {name} is a required argument.");
    entry_error(|e| e.source = None, "InvalidArgument", &missing("Source"));
    entry_error(|e| e.source = Some(String::new()), "InvalidArgument", &missing("Source"));
    entry_error(|e| e.detail_type = None, "InvalidArgument", &missing("DetailType"));
    entry_error(|e| e.detail_type = Some(String::new()), "InvalidArgument", &missing("DetailType"));
    entry_error(|e| e.detail = None, "InvalidArgument", &missing("Detail"));
    let long =
        "Parameter DetailType is not valid. Reason: DetailType must be 128 characters or less.";
    entry_error(|e| e.detail_type = Some("a".repeat(129)), "InvalidArgument", long);
    let malformed = "Detail is malformed.";
    for detail in ["not json", "[]", "\"text\"", "7", "null", "{", "{} {}", "{\"a\":}"] {
        entry_error(|e| e.detail = Some(detail.into()), "MalformedDetail", malformed);
    }
    let source = "Not authorized for the source.";
    entry_error(|e| e.source = Some("aws.s3".into()), "NotAuthorizedForSourceException", source);
}

#[test]
fn a_detail_type_of_128_characters_and_a_deep_detail_are_accepted() {
    let mut world = World::new();
    put(&mut world, EventEntry { detail_type: Some("ä".repeat(128)), ..entry("{}") }).unwrap();
    let deep = format!("{}1{}", "{\"a\":".repeat(500), "}".repeat(500));
    put(&mut world, entry(&deep)).unwrap();
}

#[test]
fn an_entrys_size_counts_time_source_type_detail_and_resources() {
    let mut counted = entry("{}");
    assert_eq!(counted.size(), 11 + 11 + 2);
    counted.time = Some(Time(0));
    counted.resources = vec!["ärn".into()];
    counted.bus = Some("does not count".into());
    assert_eq!(counted.size(), 11 + 11 + 2 + 14 + 4);
}

#[test]
fn a_request_is_less_than_a_mebibyte_and_has_one_to_ten_entries() {
    let mut world = World::new();
    let filled =
        |more: usize| entry(&format!("{{\"a\":\"{}\"}}", "x".repeat(1_048_576 - 30 + more)));
    assert_eq!(filled(0).size(), 1_048_576);
    let fault = world.try_ask(PutEvents { entries: vec![filled(0)] }).unwrap_err();
    assert_eq!(fault.message, "Total size of the entries in the request is over the limit.");
    let shorter = entry(&format!("{{\"a\":\"{}\"}}", "x".repeat(1_048_576 - 31)));
    world.ask(PutEvents { entries: vec![shorter] })[0].as_ref().unwrap();
    for n in [0, 11] {
        let fault = world.try_ask(PutEvents { entries: vec![entry("{}"); n] }).unwrap_err();
        assert_eq!(fault.code, "ValidationException", "{n} entries");
    }
    assert_eq!(world.ask(PutEvents { entries: vec![entry("{}"); 10] }).len(), 10);
}

#[test]
fn an_event_for_an_unknown_bus_is_accepted_and_dropped_but_known() {
    let mut world = one_rule(vec![target(arn("orders"))]);
    let id = put(&mut world, EventEntry { bus: Some("gone".into()), ..entry("{}") }).unwrap();
    assert!(world.queue("orders").is_empty());
    let facts = world.facts(0);
    let Some(Fact::EventDropped { id: dropped, bus, .. }) = facts.last() else { panic!() };
    assert_eq!((*dropped, &**bus), (id, "gone"));
}

#[test]
fn an_event_comes_to_the_default_bus_and_to_one_named_by_name_or_arn() {
    let mut world = World::new();
    world.ask(CreateBus(BusSpec { name: "shop".into(), description: String::new() }));
    put(&mut world, entry("{}")).unwrap();
    let arn = Region::default().bus("shop");
    for bus in ["shop", arn.as_str()] {
        put(&mut world, EventEntry { bus: Some(bus.into()), ..entry("{}") }).unwrap();
    }
    let accepted = |bus: &str| world.state().buses[bus].counts;
    assert_eq!(accepted("default"), Counts { accepted: 1, unmatched: 1 });
    assert_eq!(accepted("shop"), Counts { accepted: 2, unmatched: 2 });
}

#[test]
fn the_envelope_has_awss_keys_in_awss_order_and_whole_seconds() {
    let mut world = one_rule(vec![target(arn("orders"))]);
    let sent = EventEntry {
        time: Some(Time(1_647_988_783_999)),
        resources: vec!["a\"b".into()],
        ..entry(r#"{"z":1,"a":1.0}"#)
    };
    let id = put(&mut world, sent).unwrap();
    let handed = world.receive("orders");
    assert_eq!(
        world.text(handed[0].body),
        format!(
            r#"{{"version":"0","id":"{id}","detail-type":"OrderPlaced","source":"shop.orders","account":"000000000000","time":"2022-03-22T22:39:43Z","region":"us-east-1","resources":["a\"b"],"detail":{{"z":1,"a":1.0}}}}"#
        )
    );
}

#[test]
fn without_resources_and_time_the_envelope_has_an_empty_list_and_the_calls_time() {
    let mut world = one_rule(vec![target(arn("orders"))]);
    put(&mut world, entry("{}")).unwrap();
    let now = world.core.now().rfc3339();
    let handed = world.receive("orders");
    let event: Value = serde_json::from_str(&world.text(handed[0].body)).unwrap();
    assert_eq!(event["resources"], serde_json::json!([]));
    assert_eq!(event["time"], now);
}

#[test]
fn however_many_targets_get_an_event_its_bytes_are_kept_once() {
    let mut world = World::new();
    let targets = |names: [&str; 2]| names.map(|n| target(arn(n))).to_vec();
    world.apply(vec![
        queue("a"),
        queue("b"),
        queue("c"),
        Spec::Rule(rule("one", ALL, targets(["a", "b"]))),
        Spec::Rule(rule("two", ALL, targets(["b", "c"]))),
    ]);
    put(&mut world, entry("{}")).unwrap();
    assert_eq!(world.bodies.len(), 1);
    assert_eq!(world.queue("b").len(), 2, "a queue gets one message for each rule");
    for (queue, left) in [("a", 1), ("b", 1), ("c", 0)] {
        let handed = world.receive(queue);
        world.delete(queue, &handed);
        assert_eq!(world.state().live_bodies().count(), left);
    }
}

#[test]
fn a_disabled_rule_takes_nothing_until_it_is_enabled() {
    let mut world = one_rule(vec![target(arn("orders"))]);
    let switch = |enabled| SwitchRule { bus: "default".into(), rule: "all".into(), enabled };
    world.ask(switch(false));
    put(&mut world, entry("{}")).unwrap();
    assert!(world.queue("orders").is_empty());
    world.ask(switch(true));
    put(&mut world, entry("{}")).unwrap();
    assert_eq!(world.queue("orders").len(), 1);
}

#[test]
fn what_a_target_cannot_take_goes_to_its_dead_letter_queue_with_the_reason() {
    let gone = TargetSpec { dead_letter: Some(arn("dead")), ..target(arn("gone")) };
    let mut world = one_rule(vec![gone]);
    put(&mut world, entry("{}")).unwrap();
    let dead = world.receive("dead").remove(0);
    let extra = dead.extra.clone().unwrap();
    let attribute = |name: &str| {
        let attribute = &extra.attributes[name];
        assert_eq!(attribute.data_type, "String");
        let AttributeValue::Text(text) = &attribute.value else { panic!("{attribute:?}") };
        text.clone()
    };
    assert_eq!(attribute("RULE_ARN"), Region::default().rule("default", "all"));
    assert_eq!(attribute("TARGET_ARN"), arn("gone"));
    assert_eq!(attribute("ERROR_CODE"), "NO_RESOURCE");
    assert_eq!(attribute("ERROR_MESSAGE"), "There is no queue gone.");
    assert_eq!(attribute("RETRY_ATTEMPTS"), "0");
    assert_eq!(extra.attributes.len(), 5, "nothing was tried again: no EXHAUSTED_RETRY_CONDITION");
    assert!(world.text(dead.body).contains(r#""detail-type":"OrderPlaced""#));
}

#[test]
fn an_event_with_characters_that_sqs_does_not_take_reaches_no_queue_and_is_told() {
    let strange = "{\"text\":\"a\u{ffff}\"}";
    let all = TargetSpec { dead_letter: Some(arn("dead")), ..target(arn("orders")) };
    let part = TargetSpec { id: "part".into(), input: transformer("\"<text>\""), ..all.clone() };
    let escaped = r#"{"text":"a\u0001"}"#;
    let mut world = one_rule(vec![all]);
    put(&mut world, entry(strange)).unwrap();
    let Delivered::Lost { code, reason } = &deliveries(&world)[0].outcome else { panic!() };
    assert_eq!(code, "INVALID_PARAMETER");
    assert!(reason.contains("found #xFFFF"), "{reason}");
    assert!(world.queue("orders").is_empty() && world.queue("dead").is_empty());

    // Where only what was made of it cannot be sent, the event itself is a dead letter.
    let mut world = one_rule(vec![part]);
    put(&mut world, entry(escaped)).unwrap();
    assert!(world.queue("orders").is_empty());
    let dead = world.receive("dead");
    assert!(world.text(dead[0].body).contains(escaped));
}

#[test]
fn without_a_dead_letter_queue_it_is_lost_and_told() {
    let no_queue = TargetSpec { dead_letter: Some(arn("gone-too")), ..target(arn("gone")) };
    let mut world = one_rule(vec![target(arn("gone")), TargetSpec { id: "2".into(), ..no_queue }]);
    put(&mut world, entry("{}")).unwrap();
    for delivery in deliveries(&world) {
        let Delivered::Lost { code, .. } = delivery.outcome else { panic!("{delivery:?}") };
        assert_eq!(code, "NO_RESOURCE");
    }
    assert_eq!(world.state().live_bodies().count(), 0);
}

#[test]
fn an_event_too_big_for_its_queue_is_dead_lettered() {
    let mut world = World::new();
    let small = QueueSpec { max_size: 1024, ..QueueSpec::named("small") };
    let target = TargetSpec { dead_letter: Some(arn("dead")), ..target(arn("small")) };
    world.apply(vec![
        Spec::Queue(small),
        queue("dead"),
        Spec::Rule(rule("all", ALL, vec![target])),
    ]);
    put(&mut world, entry(&format!("{{\"a\":\"{}\"}}", "x".repeat(1024)))).unwrap();
    assert_eq!(world.queue("dead").len(), 1);
}

#[track_caller]
fn target_error(wrong: TargetSpec, message: &str) {
    let mut world = one_rule(vec![]);
    let targets = vec![wrong, target(arn("orders"))];
    let got = world.ask(PutTargets { bus: "default".into(), rule: "all".into(), targets });
    assert_eq!(got.len(), 1);
    assert_eq!(got[0].code, "ValidationException");
    assert!(got[0].message.contains(message), "{}", got[0].message);
    assert_eq!(
        world.state().buses["default"].rules["all"].spec.targets.len(),
        1,
        "the good one is put"
    );
}

#[test]
fn targets_fail_each_for_itself() {
    let with = |template: &str| TargetSpec { input: transformer(template), ..target(arn("t")) };
    target_error(
        with(r#"{"a": <unknown>}"#),
        "InputTemplate for target t contains invalid placeholder unknown.",
    );
    target_error(with("bare text"), "InputTemplate for target t");
    target_error(target(arn("a.fifo")), "FIFO");
    target_error(
        target("arn:aws:sns:us-east-1:000000000000:topic".into()),
        "neither a queue nor a function",
    );
    target_error(target("arn:aws:sqs:eu-west-1:000000000000:orders".into()), "us-east-1");
    target_error(target("arn:aws:sqs:us-east-1:111111111111:orders".into()), "000000000000");
}

#[test]
fn a_rule_has_at_most_five_targets_and_an_id_names_one() {
    let mut world = one_rule(vec![]);
    let put = |n: usize| PutTargets {
        bus: "default".into(),
        rule: "all".into(),
        targets: (0..n)
            .map(|n| TargetSpec { id: n.to_string(), ..target(arn("orders")) })
            .collect(),
    };
    assert!(world.ask(put(5)).is_empty());
    assert!(world.ask(put(5)).is_empty(), "they take their own places");
    assert_eq!(world.try_ask(put(6)).unwrap_err().code, "LimitExceededException");
    let remove = RemoveTargets {
        bus: "default".into(),
        rule: "all".into(),
        ids: vec!["0".into(), "none".into()],
    };
    world.ask(remove);
    assert_eq!(world.state().buses["default"].rules["all"].spec.targets.len(), 4);
}

#[test]
fn changing_a_rule_keeps_its_targets() {
    let mut world = one_rule(vec![target(arn("orders"))]);
    let changed =
        RuleSpec { description: "new".into(), ..rule("all", r#"{"source":["other"]}"#, vec![]) };
    let arn = world.ask(PutRule(changed, None));
    assert_eq!(arn, Region::default().rule("default", "all"));
    let rule = &world.state().buses["default"].rules["all"];
    assert_eq!((rule.spec.targets.len(), rule.spec.description.as_str()), (1, "new"));
    put(&mut world, entry("{}")).unwrap();
    assert!(world.queue("orders").is_empty(), "the old pattern no longer counts");
}

#[test]
fn a_rule_needs_a_bus_and_a_valid_pattern() {
    let mut world = World::new();
    let nowhere = RuleSpec { bus: "gone".into(), ..rule("r", ALL, vec![]) };
    assert_eq!(
        world.try_ask(PutRule(nowhere, None)).unwrap_err().code,
        "ResourceNotFoundException"
    );
    let fault =
        world.try_ask(PutRule(rule("r", r#"{"source":"text"}"#, vec![]), None)).unwrap_err();
    assert_eq!(fault.code, "InvalidEventPatternException");
    assert!(fault.message.starts_with("Event pattern is not valid. Reason: "), "{fault}");
}

#[test]
fn a_rule_with_targets_and_a_bus_with_rules_are_not_deleted() {
    let mut world = one_rule(vec![target(arn("orders"))]);
    world.ask(CreateBus(BusSpec { name: "shop".into(), description: String::new() }));
    let delete = |rule: &str| DeleteRule { bus: "default".into(), rule: rule.into() };
    assert_eq!(world.try_ask(delete("all")).unwrap_err().code, "ValidationException");
    world.ask(delete("none"));
    world.ask(RemoveTargets {
        bus: "default".into(),
        rule: "all".into(),
        ids: vec!["orders".into()],
    });
    world.ask(delete("all"));
    world.ask(PutRule(RuleSpec { bus: "shop".into(), ..rule("r", ALL, vec![]) }, None));
    assert_eq!(world.try_ask(DeleteBus("shop".into())).unwrap_err().code, "ValidationException");
    world.ask(DeleteRule { bus: "shop".into(), rule: "r".into() });
    world.ask(DeleteBus("shop".into()));
    world.ask(DeleteBus("shop".into()));
    assert_eq!(world.try_ask(DeleteBus("default".into())).unwrap_err().code, "ValidationException");
}

#[test]
fn a_bus_is_created_once_and_by_a_proper_name() {
    let mut world = World::new();
    let create = |name: &str| CreateBus(BusSpec { name: name.into(), description: String::new() });
    world.ask(create("a.b-c_1"));
    assert_eq!(
        world.try_ask(create("a.b-c_1")).unwrap_err().code,
        "ResourceAlreadyExistsException"
    );
    assert_eq!(world.try_ask(create("a/b")).unwrap_err().code, "ValidationException");
    assert_eq!(world.try_ask(create(&"a".repeat(257))).unwrap_err().code, "ValidationException");
}
