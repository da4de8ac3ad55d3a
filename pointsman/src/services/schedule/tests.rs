//! Schedules on a core without threads: what fires when, what is tried again, what a restart makes of it.

mod admin;
mod retries;
mod rules;

use super::*;
use crate::clock::Time;
use crate::engine::testing::{World, function, target};
use crate::engine::{Delivered, Fact, Name, Payload, Tried};
use crate::services::{JumpClock, MoveClock};
use crate::topology::{
    QueueSpec, Region, RetryPolicy, ScheduleGroupSpec, ScheduleSpec, ScheduleTarget, Spec,
};
use std::time::Duration;

const MINUTE: Duration = Duration::from_secs(60);
const HOUR: Duration = Duration::from_secs(3_600);

/// Of a schedule of the default group that sends to the queue `orders`.
fn schedule(name: &str, expression: &str) -> ScheduleSpec {
    ScheduleSpec {
        name: name.into(),
        group: "default".into(),
        description: String::new(),
        expression: expression.into(),
        timezone: "UTC".into(),
        start: None,
        end: None,
        window_minutes: None,
        enabled: true,
        delete_after: false,
        target: to(Region::default().queue("orders")),
        kms_key: None,
    }
}

fn to(arn: String) -> ScheduleTarget {
    ScheduleTarget {
        arn,
        role: "arn:aws:iam::000000000000:role/scheduler".into(),
        input: Some("<aws.scheduler.scheduled-time>".into()),
        retry: RetryPolicy::default(),
        dead_letter: None,
        event: None,
    }
}

/// A world with the queues `orders` and `dead`. Its clock stands at 2023-11-14T22:13:20Z.
fn world() -> World {
    let mut world = World::new();
    let queue = |name| Spec::Queue(QueueSpec { visibility: 43_200, ..QueueSpec::named(name) });
    world.apply(vec![queue("orders"), queue("dead")]);
    world
}

fn create(world: &mut World, spec: ScheduleSpec) -> String {
    world.ask(CreateSchedule { spec, token: None })
}

/// The clock goes on, and each timer fires at its own instant.
fn walk(world: &mut World, by: Duration) {
    world.ask(MoveClock { by_ms: by.as_millis() as u64 });
}

/// The texts of what came to a queue since the last call.
fn got(world: &mut World, queue: &str) -> Vec<String> {
    let mut texts = vec![];
    loop {
        let handed = world.receive(queue);
        if handed.is_empty() {
            return texts;
        }
        texts.extend(handed.iter().map(|message| world.text(message.body)));
        world.delete(queue, &handed);
    }
}

fn one<'a>(world: &'a World, key: &str) -> &'a Schedule {
    &world.state().schedules.all[key]
}

#[test]
fn a_rate_fires_at_once_and_then_at_its_distance() {
    let mut world = world();
    create(&mut world, schedule("beat", "rate(5 minutes)"));
    assert_eq!(got(&mut world, "orders"), ["2023-11-14T22:13:20Z"]);
    walk(&mut world, 11 * MINUTE);
    assert_eq!(got(&mut world, "orders"), ["2023-11-14T22:18:20Z", "2023-11-14T22:23:20Z"]);
    assert_eq!(one(&world, "default/beat").counts, Counts { fired: 3, failed: 0 });
}

#[test]
fn a_rate_with_a_start_fires_first_then() {
    let mut world = world();
    let start = Some(world.core.now() + HOUR);
    create(&mut world, ScheduleSpec { start, ..schedule("late", "rate(30 minutes)") });
    walk(&mut world, 59 * MINUTE);
    assert!(got(&mut world, "orders").is_empty());
    walk(&mut world, 32 * MINUTE);
    assert_eq!(got(&mut world, "orders"), ["2023-11-14T23:13:20Z", "2023-11-14T23:43:20Z"]);
}

#[test]
fn a_cron_fires_in_its_zone_and_until_its_end() {
    let mut world = world();
    let end = Some(world.core.now() + 60 * HOUR);
    let mut spec = ScheduleSpec { end, ..schedule("nightly", "cron(30 3 * * ? *)") };
    spec.timezone = "Europe/Berlin".into();
    create(&mut world, spec);
    walk(&mut world, 80 * HOUR);
    let nights = ["2023-11-15T02:30:00Z", "2023-11-16T02:30:00Z", "2023-11-17T02:30:00Z"];
    assert_eq!(got(&mut world, "orders"), nights[..3]);
    assert_eq!(one(&world, "default/nightly").next, None);
}

#[test]
fn what_comes_once_fires_once_and_goes_if_it_is_to() {
    for delete_after in [false, true] {
        let mut world = world();
        let once = schedule("once", "at(2023-11-15T00:00:00)");
        create(&mut world, ScheduleSpec { delete_after, ..once });
        walk(&mut world, 48 * HOUR);
        assert_eq!(got(&mut world, "orders"), ["2023-11-15T00:00:00Z"]);
        assert_eq!(world.state().schedules.all.is_empty(), delete_after);
        assert_eq!(world.state().next_due(), None);
    }
}

#[test]
fn what_has_passed_when_it_is_made_never_comes() {
    let mut world = world();
    create(&mut world, schedule("past", "at(2023-11-14T22:13:19)"));
    walk(&mut world, 48 * HOUR);
    assert!(got(&mut world, "orders").is_empty());
}

#[test]
fn a_flexible_window_spreads_invocations_and_keeps_their_scheduled_times() {
    let mut world = world();
    let flexible = schedule("spread", "cron(0 * * * ? *)");
    create(&mut world, ScheduleSpec { window_minutes: Some(30), ..flexible });
    let mut delays = vec![];
    for hour in 0..20 {
        let next = one(&world, "default/spread").next.unwrap();
        delays.push((next.due - next.scheduled).as_secs() / 60);
        walk(&mut world, if hour == 0 { 100 * MINUTE } else { HOUR });
    }
    assert!(delays.iter().all(|delay| *delay <= 30), "{delays:?}");
    delays.sort_unstable();
    assert!(delays[0] < 10 && delays[19] > 20, "they differ: {delays:?}");
    let times = got(&mut world, "orders");
    assert_eq!(times[..2], ["2023-11-14T23:00:00Z", "2023-11-15T00:00:00Z"]);
    assert!(times.len() >= 19, "none is left out");
}

#[test]
fn context_attributes_are_replaced_as_plain_text() {
    let mut world = world();
    let mut spec = schedule("told", "at(2023-11-15T00:00:00)");
    spec.target.input = Some(
        "<aws.scheduler.schedule-arn> <aws.scheduler.scheduled-time> <aws.scheduler.attempt-number> \
         \"<aws.scheduler.execution-id>\" <aws.scheduler.unknown>"
            .into(),
    );
    let arn = create(&mut world, spec);
    walk(&mut world, 2 * HOUR);
    let text = got(&mut world, "orders").remove(0);
    let (head, tail) = text.split_once(" \"").unwrap();
    assert_eq!(head, format!("{arn} 2023-11-15T00:00:00Z 1"));
    let (id, rest) = tail.split_once('"').unwrap();
    assert!(id.parse::<crate::engine::Id>().is_ok(), "{id}");
    assert_eq!(rest, " <aws.scheduler.unknown>");
}

#[test]
fn a_function_is_invoked_asynchronously_with_a_default_event() {
    let mut world = world();
    world.apply(vec![Spec::Function(function("meter"))]);
    let mut spec = schedule("read", "rate(1 hours)");
    spec.target = ScheduleTarget { input: None, ..to(Region::default().function("meter")) };
    let arn = create(&mut world, spec);
    let invoke = world.invocation();
    let Payload::Stored(body) = invoke.payload else { panic!("{invoke:?}") };
    let event: serde_json::Value = serde_json::from_str(&world.text(body)).unwrap();
    assert_eq!(event["detail-type"], "Scheduled Event");
    assert_eq!(event["source"], "aws.scheduler");
    assert_eq!(event["time"], "2023-11-14T22:13:20Z");
    assert_eq!(event["resources"][0], arn);
    assert!(world.finish(invoke.id, "null"));
}

#[test]
fn a_bus_gets_an_event_that_its_rules_route() {
    let mut world = world();
    let pattern = r#"{"source":["clock"],"detail":{"n":[1]}}"#;
    let rule = crate::engine::testing::rule(
        "daily",
        pattern,
        vec![target(Region::default().queue("orders"))],
    );
    world.ask(crate::services::bus::PutRule(rule.clone(), None));
    world.ask(crate::services::bus::PutTargets {
        bus: "default".into(),
        rule: "daily".into(),
        targets: rule.targets,
    });
    let mut spec = schedule("daily", "rate(1 days)");
    spec.target = ScheduleTarget {
        input: Some(r#"{"n":1}"#.into()),
        event: Some(("Daily".into(), "clock".into())),
        ..to(Region::default().bus("default"))
    };
    create(&mut world, spec);
    let event = got(&mut world, "orders").remove(0);
    assert!(event.contains(r#""detail-type":"Daily","source":"clock""#), "{event}");
    let facts = world.facts(0);
    let fired = facts.iter().position(|fact| matches!(fact, Fact::ScheduleFired { .. })).unwrap();
    assert!(matches!(&facts[fired + 1], Fact::EventAccepted { .. }), "what follows comes behind");
    let Fact::ScheduleFired { outcome: Tried::Settled { deliveries }, .. } = &facts[fired] else {
        panic!("{:?}", facts[fired])
    };
    assert!(matches!(deliveries[0].outcome, Delivered::Put { .. }));
}

/// A schedule whose target is a queue that is not there.
fn failing(attempts: u32, age: u32) -> ScheduleSpec {
    let mut spec = schedule("failing", "at(2023-11-15T00:00:00)");
    spec.target = to(Region::default().queue("gone"));
    spec.target.retry = RetryPolicy { max_age_seconds: age, max_attempts: attempts };
    spec.target.dead_letter = Some(Region::default().queue("dead"));
    spec
}

#[test]
fn of_the_times_that_pass_while_the_engine_is_down_the_last_one_counts() {
    let mut world = world();
    create(&mut world, schedule("hourly", "cron(0 * * * ? *)"));
    create(&mut world, schedule("once", "at(2023-11-15T00:00:00)"));
    world.clock.advance(100 * HOUR);
    world.restart();
    assert_eq!(got(&mut world, "orders"), ["2023-11-19T02:00:00Z", "2023-11-15T00:00:00Z"]);
    let missed = world.facts(0).into_iter().rev().find_map(|fact| match fact {
        Fact::ScheduleFired { missed: Some(missed), .. } => Some(missed.rfc3339()),
        _ => None,
    });
    assert_eq!(missed.as_deref(), Some("2023-11-14T23:00:00Z"), "and it is told");
    world.restart();
    assert!(got(&mut world, "orders").is_empty(), "once");
}

#[test]
fn a_jump_of_the_clock_is_as_a_machine_that_slept() {
    let mut world = world();
    create(&mut world, schedule("hourly", "cron(0 * * * ? *)"));
    world.ask(JumpClock { by_ms: 100 * 3_600_000 });
    assert_eq!(got(&mut world, "orders"), ["2023-11-19T02:00:00Z"]);
}

#[test]
fn a_few_seconds_late_is_not_missed() {
    let mut world = world();
    create(&mut world, schedule("beat", "rate(1 minute)"));
    world.pass(Duration::from_secs(119));
    world.pass(Duration::from_secs(2));
    let times = got(&mut world, "orders");
    assert_eq!(times.len(), 3, "{times:?}");
}

/// Every time of a schedule fires exactly once, whatever restarts come between.
#[test]
fn no_time_fires_twice_and_none_is_lost_over_restarts() {
    for seed in 0..20 {
        let mut choices = crate::engine::Choices::from_seed(seed);
        let mut world = world();
        create(&mut world, schedule("beat", "cron(*/5 * * * ? *)"));
        let mut flexible = schedule("spread", "rate(20 minutes)");
        flexible.window_minutes = Some(10);
        create(&mut world, flexible);
        let begun = world.core.now();
        for _ in 0..40 {
            match choices.below(3) {
                0 => world.restart(),
                _ => walk(&mut world, Duration::from_secs(choices.below(1_200))),
            }
        }
        let now = world.core.now();
        let mut fired: std::collections::BTreeMap<Name, Vec<i64>> = Default::default();
        for fact in world.facts(0) {
            if let Fact::ScheduleFired { schedule, scheduled, .. } = fact {
                fired.entry(schedule).or_default().push(scheduled.0);
            }
        }
        let beats: Vec<i64> =
            (begun.0 / 300_000 + 1..=now.0 / 300_000).map(|n| n * 300_000).collect();
        assert_eq!(fired.get("default/beat").cloned().unwrap_or_default(), beats, "seed {seed}");
        let spread = &fired["default/spread"];
        let evenly = spread.windows(2).all(|pair| pair[1] - pair[0] == 1_200_000);
        assert!(evenly && spread[0] == begun.0, "seed {seed}: {spread:?}");
    }
}

#[test]
fn schedules_survive_a_snapshot_and_one_without_them_is_read() {
    use crate::storage::Fold;
    let mut world = world();
    create(&mut world, schedule("beat", "rate(5 minutes)"));
    create(&mut world, failing(3, 86_400));
    walk(&mut world, 2 * HOUR);
    let saved = world.state().save();
    let mut loaded = crate::engine::State::default();
    loaded.load(&saved).unwrap();
    assert_eq!(loaded.save(), saved);
    assert_eq!(loaded.schedules.all.len(), 2);
    let without = postcard::to_allocvec(world.state()).unwrap();
    let mut loaded = crate::engine::State::default();
    loaded.load(&without).unwrap();
    assert!(loaded.schedules.all.is_empty());
    assert_eq!(loaded.queues.len(), world.state().queues.len());
}

#[test]
fn a_group_takes_its_schedules_with_it() {
    let mut world = world();
    world.ask(CreateGroup { name: "nights".into(), token: None });
    create(&mut world, ScheduleSpec { group: "nights".into(), ..schedule("a", "rate(1 days)") });
    create(&mut world, schedule("a", "rate(1 days)"));
    world.ask(DeleteGroup { name: "nights".into(), token: None });
    let left: Vec<&str> = world.state().schedules.all.keys().map(|key| &**key).collect();
    assert_eq!(left, ["default/a"]);
    let group = Spec::ScheduleGroup(ScheduleGroupSpec { name: "nights".into() });
    let stacked =
        Spec::Schedule(ScheduleSpec { group: "nights".into(), ..schedule("b", "rate(1 days)") });
    let queue = |name| Spec::Queue(QueueSpec::named(name));
    world.apply(vec![queue("orders"), queue("dead"), group, stacked]);
    assert!(world.state().schedules.all.contains_key("nights/b"));
    world.apply(vec![queue("orders"), queue("dead")]);
    assert!(!world.state().schedules.all.contains_key("nights/b"));
    assert!(!world.state().schedules.groups.contains_key("nights"));
}
