//! SQS's limits on messages and settings.

use super::*;

#[track_caller]
fn refused(message: MessageToSend, wanted: Option<&str>) {
    let mut world = World::new();
    world.apply(vec![Spec::Queue(QueueSpec { max_size: 1024, ..QueueSpec::named("orders") })]);
    let got = world.ask(SendMessages { queue: "orders".into(), messages: vec![message] });
    assert_eq!(got[0].as_ref().err().map(|fault| fault.code), wanted);
    assert_eq!(world.queue("orders").len(), usize::from(wanted.is_none()));
}

#[test]
fn a_message_has_sqs_limits_of_size_and_characters() {
    refused(text("a".repeat(1024)), None);
    refused(text("a".repeat(1025)), Some("InvalidParameterValue"));
    refused(text("ä".repeat(513)), Some("InvalidParameterValue"));
    refused(text(""), Some("MissingParameter"));
    refused(text("\t\n\r \u{d7ff}\u{e000}\u{fffd}\u{10ffff}"), None);
    refused(text("a\u{0}"), Some("InvalidMessageContents"));
    refused(text("a\u{b}"), Some("InvalidMessageContents"));
    refused(text("a\u{ffff}"), Some("InvalidMessageContents"));
    refused(
        MessageToSend { body: Bytes::from_static(b"\xff"), ..Default::default() },
        Some("InvalidMessageContents"),
    );
    refused(MessageToSend { delay: Some(900), ..text("a") }, None);
    refused(MessageToSend { delay: Some(901), ..text("a") }, Some("InvalidParameterValue"));
}

#[test]
fn names_types_and_values_of_attributes_count_to_the_size() {
    let with = |value: usize| {
        let mut message = text("a".repeat(1000));
        let value = AttributeValue::Text("v".repeat(value));
        let attribute = Attribute { data_type: "String".into(), value };
        message.extra.attributes.insert("name".into(), attribute);
        message
    };
    refused(with(14), None);
    refused(with(15), Some("InvalidParameterValue"));
}

#[track_caller]
fn setting(change: impl Fn(&mut QueueSpec), wanted: Option<&str>) {
    let mut spec = QueueSpec::named("orders");
    change(&mut spec);
    assert_eq!(check(&spec).err().map(|fault| fault.code), wanted, "{spec:?}");
}

#[test]
fn settings_have_sqs_limits() {
    let wrong = Some("InvalidAttributeValue");
    setting(|s| s.delay = 900, None);
    setting(|s| s.delay = 901, wrong);
    setting(|s| s.visibility = 43_200, None);
    setting(|s| s.visibility = 43_201, wrong);
    setting(|s| s.retention = 59, wrong);
    setting(|s| s.retention = 1_209_601, wrong);
    setting(|s| s.max_size = 1_023, wrong);
    setting(|s| s.max_size = 1_048_577, wrong);
    setting(|s| s.wait = 20, None);
    setting(|s| s.wait = 21, wrong);
    let redrive = |n| Some(Redrive { target: Region::default().queue("d"), max_receives: n });
    setting(|s| s.redrive = redrive(0), wrong);
    setting(|s| s.redrive = redrive(1_000), None);
    setting(|s| s.redrive = redrive(1_001), wrong);
    setting(|s| s.name = "a".repeat(80), None);
    setting(|s| s.name = "a".repeat(81), Some("InvalidParameterValue"));
    setting(|s| s.name = "a.b".into(), Some("InvalidParameterValue"));
    setting(|s| s.name.clear(), Some("InvalidParameterValue"));
    setting(|s| s.name = "a.fifo".into(), Some("AWS.SimpleQueueService.UnsupportedOperation"));
}

#[test]
fn with_120_000_messages_in_flight_a_receiver_is_refused_and_a_mapping_gets_nothing() {
    const LIMIT: usize = 120_000;
    let mut world = World::new();
    world.apply(vec![Spec::Queue(QueueSpec::named("orders"))]);
    let messages = vec![text("a"); LIMIT + 5];
    world.ask(SendMessages { queue: "orders".into(), messages });
    let receive = |max| Receive { queue: "orders".into(), max, visibility: None };
    assert_eq!(world.ask(receive(LIMIT - 3)).len(), LIMIT - 3);
    let last = world.ask(receive(10));
    assert_eq!(last.len(), 3, "no more than the limit leaves");
    assert_eq!(world.try_ask(receive(10)).unwrap_err().code, "OverLimit");
    world.apply(vec![
        Spec::Queue(QueueSpec::named("orders")),
        Spec::Function(function("view")),
        Spec::Mapping(queue_mapping("orders", "view")),
    ]);
    assert!(world.invocations().is_empty());
    world.delete("orders", &last);
    assert_eq!(world.receive("orders").len(), 3);
}
