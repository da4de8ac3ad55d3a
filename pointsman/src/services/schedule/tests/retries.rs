//! What a target cannot take: tried again, and put aside.

use super::*;
use crate::engine::AttributeValue;

#[track_caller]
fn attributes(world: &mut World) -> Vec<(String, String)> {
    let handed = world.receive("dead");
    assert_eq!(handed.len(), 1, "one dead letter");
    let extra = handed[0].extra.clone().unwrap();
    let attributes = extra.attributes.iter().map(|(name, attribute)| {
        assert_eq!(attribute.data_type, "String");
        let AttributeValue::Text(text) = &attribute.value else { panic!("{attribute:?}") };
        (name.clone(), text.clone())
    });
    attributes.collect()
}

#[test]
fn a_target_that_is_not_there_is_tried_again_and_then_a_dead_letter() {
    let mut world = world();
    create(&mut world, ScheduleSpec { delete_after: true, ..failing(3, 86_400) });
    walk(&mut world, 110 * MINUTE);
    let tries: Vec<Time> = world
        .facts(0)
        .iter()
        .filter_map(|fact| match fact {
            Fact::ScheduleFired { outcome: Tried::Failed { due, .. }, .. }
            | Fact::FiringTried { outcome: Tried::Failed { due, .. }, .. } => Some(*due),
            _ => None,
        })
        .collect();
    let midnight: i64 = 1_700_006_400_000;
    let pauses: Vec<i64> = std::iter::once(&Time(midnight))
        .chain(&tries)
        .zip(&tries)
        .map(|(from, to)| to.0 - from.0)
        .collect();
    assert_eq!(pauses.len(), 3);
    for (pause, most) in pauses.iter().zip([1_000, 2_000, 4_000]) {
        assert!((most / 2..=most).contains(pause), "{pauses:?} double, at random");
    }
    let execution = world.facts(0).into_iter().rev().find_map(|fact| match fact {
        Fact::FiringTried { execution, attempt: 4, .. } => Some(execution.to_string()),
        _ => None,
    });
    let wanted = [
        ("ERROR_CODE", "AWS.SimpleQueueService.NonExistentQueue"),
        ("ERROR_MESSAGE", "There is no queue gone."),
        ("EXECUTION_ID", &execution.unwrap()),
        ("EXHAUSTED_RETRY_CONDITION", "MaximumRetryAttempts"),
        ("IS_PAYLOAD_TRUNCATED", "false"),
        ("RETRY_ATTEMPTS", "3"),
        ("SCHEDULED_TIME", "2023-11-15T00:00:00Z"),
        ("SCHEDULE_ARN", "arn:aws:scheduler:us-east-1:000000000000:schedule/default/failing"),
        ("TARGET_ARN", "arn:aws:sqs:us-east-1:000000000000:gone"),
    ];
    let got = attributes(&mut world);
    let got: Vec<(&str, &str)> = got.iter().map(|(n, v)| (n.as_str(), v.as_str())).collect();
    assert_eq!(got, wanted);
    assert!(world.state().schedules.all.is_empty(), "it is complete once all is settled");
    assert!(world.state().schedules.firings.is_empty());
}

#[test]
fn a_dead_letter_holds_the_request_that_the_target_would_have_got() {
    let mut world = world();
    create(&mut world, failing(0, 86_400));
    walk(&mut world, 2 * HOUR);
    let body = got(&mut world, "dead").remove(0);
    assert_eq!(
        body,
        r#"{"MessageBody":"2023-11-15T00:00:00Z","QueueUrl":"https://sqs.us-east-1.amazonaws.com/000000000000/gone"}"#
    );
}

#[test]
fn an_event_that_grows_too_old_is_a_dead_letter_before_its_attempts_are_used_up() {
    let mut world = world();
    create(&mut world, failing(185, 60));
    walk(&mut world, 2 * HOUR);
    let got = attributes(&mut world);
    let value = |name: &str| got.iter().find(|(n, _)| n == name).map(|(_, v)| v.clone()).unwrap();
    assert_eq!(value("EXHAUSTED_RETRY_CONDITION"), "MaximumEventAgeInSeconds");
    let retries: u32 = value("RETRY_ATTEMPTS").parse().unwrap();
    assert!((5..=7).contains(&retries), "{retries} retries fit into a minute");
}

#[test]
fn what_the_target_refuses_is_not_tried_again() {
    let mut world = world();
    let mut spec = failing(5, 86_400);
    spec.target.arn = Region::default().queue("orders");
    spec.target.input = Some("x".repeat(2_000));
    let small = QueueSpec { max_size: 1_024, ..QueueSpec::named("orders") };
    world.apply(vec![Spec::Queue(small), Spec::Queue(QueueSpec::named("dead"))]);
    create(&mut world, spec);
    walk(&mut world, 2 * HOUR);
    let got = attributes(&mut world);
    assert!(got.contains(&("ERROR_CODE".into(), "InvalidParameterValue".into())), "{got:?}");
    assert!(got.iter().all(|(name, _)| name != "EXHAUSTED_RETRY_CONDITION"), "{got:?}");
    assert!(got.contains(&("RETRY_ATTEMPTS".into(), "0".into())));
}

#[test]
fn a_target_that_comes_back_gets_what_it_missed_as_it_was_wanted_then() {
    let mut world = world();
    let mut spec = failing(185, 86_400);
    spec.target.input = Some("<aws.scheduler.attempt-number>".into());
    create(&mut world, spec.clone());
    walk(&mut world, 107 * MINUTE);
    world.ask(DeleteSchedule { group: "default".into(), name: "failing".into(), token: None });
    let queue = |name| Spec::Queue(QueueSpec::named(name));
    world.apply(vec![queue("orders"), queue("dead"), queue("gone")]);
    walk(&mut world, HOUR);
    assert_eq!(got(&mut world, "gone"), ["6"], "the schedule is gone, what it began is not");
    assert!(got(&mut world, "dead").is_empty());
}
