//! Rules with a schedule.

use super::*;
use crate::engine::testing::rule;
use crate::services::bus::{DeleteRule, PutRule, PutTargets, RemoveTargets, SwitchRule};
use crate::topology::{InputSpec, RuleScheduleSpec, RuleSpec, TargetSpec};

fn put(world: &mut World, expression: &str) {
    let spec = RuleSpec { pattern: String::new(), ..rule("tick", "", vec![]) };
    world.ask(PutRule(spec, Some(expression.into())));
    let targets = vec![target(Region::default().queue("orders"))];
    world.ask(PutTargets { bus: "default".into(), rule: "tick".into(), targets });
}

#[test]
fn a_rule_with_a_rate_fires_first_after_one_of_it_with_a_scheduled_event() {
    let mut world = world();
    put(&mut world, "rate(5 minutes)");
    walk(&mut world, 6 * MINUTE);
    let events = got(&mut world, "orders");
    assert_eq!(events.len(), 1);
    let (_, rest) = events[0].split_once(r#""id":""#).unwrap();
    assert_eq!(
        &rest[36..],
        r#"","detail-type":"Scheduled Event","source":"aws.events","account":"000000000000","time":"2023-11-14T22:18:20Z","region":"us-east-1","resources":["arn:aws:events:us-east-1:000000000000:rule/tick"],"detail":{}}"#
    );
}

#[test]
fn only_its_own_targets_get_it_and_as_they_want_it() {
    let mut world = world();
    let constant = InputSpec::Constant(r#"{"tick":true}"#.into());
    let own = TargetSpec { input: constant, ..target(Region::default().queue("orders")) };
    let all =
        rule("all", r#"{"source":[{"prefix":""}]}"#, vec![target(Region::default().queue("dead"))]);
    let timed = RuleScheduleSpec { rule: "tick".into(), expression: "rate(1 hour)".into() };
    let queue = |name| Spec::Queue(QueueSpec::named(name));
    world.apply(vec![
        queue("orders"),
        queue("dead"),
        Spec::Rule(all),
        Spec::Rule(RuleSpec { pattern: String::new(), ..rule("tick", "", vec![own]) }),
        Spec::RuleSchedule(timed),
    ]);
    walk(&mut world, HOUR);
    assert_eq!(got(&mut world, "orders"), [r#"{"tick":true}"#]);
    assert!(got(&mut world, "dead").is_empty());
}

#[test]
fn a_disabled_rule_does_not_fire_and_keeps_its_rhythm() {
    let mut world = world();
    put(&mut world, "rate(10 minutes)");
    let switch = |enabled| SwitchRule { bus: "default".into(), rule: "tick".into(), enabled };
    world.ask(switch(false));
    walk(&mut world, 35 * MINUTE);
    world.ask(switch(true));
    assert!(got(&mut world, "orders").is_empty());
    walk(&mut world, 6 * MINUTE);
    assert_eq!(got(&mut world, "orders").len(), 1);
}

#[test]
fn a_schedule_goes_with_its_rule_or_when_the_rule_is_put_without_it() {
    let mut world = world();
    put(&mut world, "cron(0 * * * ? *)");
    world.ask(PutRule(rule("tick", r#"{"source":["x"]}"#, vec![]), None));
    assert_eq!(world.state().next_due(), None);
    put(&mut world, "cron(0 * * * ? *)");
    let ids = vec!["orders".into()];
    world.ask(RemoveTargets { bus: "default".into(), rule: "tick".into(), ids });
    world.ask(DeleteRule { bus: "default".into(), rule: "tick".into() });
    assert!(world.state().schedules.rules.is_empty());
    assert_eq!(world.state().next_due(), None);
}

#[test]
fn of_the_times_a_rule_missed_the_last_one_counts() {
    let mut world = world();
    put(&mut world, "cron(0 * * * ? *)");
    world.clock.advance(50 * HOUR);
    world.restart();
    let events = got(&mut world, "orders");
    assert_eq!(events.len(), 1);
    assert!(events[0].contains(r#""time":"2023-11-17T00:00:00Z""#), "{}", events[0]);
}

#[test]
fn a_schedule_that_a_rule_cannot_have_is_refused_as_eventbridge_does() {
    let mut world = world();
    let spec =
        |bus: &str| RuleSpec { bus: bus.into(), pattern: String::new(), ..rule("r", "", vec![]) };
    let bus = crate::topology::BusSpec { name: "shop".into(), description: String::new() };
    world.ask(crate::services::bus::CreateBus(bus));
    let mut refused = |bus: &str, expression: &str| {
        let fault = world.try_ask(PutRule(spec(bus), Some(expression.into()))).unwrap_err();
        assert_eq!(fault.code, "ValidationException");
        fault.message
    };
    let not_valid = "Parameter ScheduleExpression is not valid.";
    assert_eq!(refused("default", "rate(1 minutes)"), not_valid);
    assert_eq!(refused("default", "at(2030-01-01T00:00:00)"), not_valid);
    let elsewhere = "ScheduleExpression is supported only on the default event bus.";
    assert_eq!(refused("shop", "rate(1 minute)"), elsewhere);
}
