use super::*;
use crate::engine::Fault;

fn update(world: &mut World, spec: ScheduleSpec) -> Result<String, Fault> {
    world.try_ask(UpdateSchedule { spec, token: None })
}

#[track_caller]
fn refused(change: impl FnOnce(&mut ScheduleSpec), message: &str) {
    let mut spec = schedule("s", "rate(5 minutes)");
    change(&mut spec);
    let fault = world().try_ask(CreateSchedule { spec, token: None }).unwrap_err();
    assert_eq!((fault.code, fault.message.as_str()), ("ValidationException", message));
}

#[test]
fn what_is_wrong_is_told_in_schedulers_words() {
    refused(
        |s| s.expression = "cron(0 1 * * * *)".into(),
        "Invalid Schedule Expression cron(0 1 * * * *).",
    );
    refused(
        |s| s.name = "a/b".into(),
        "1 validation error detected: Value 'a/b' at 'name' failed to satisfy constraint: Member must satisfy regular expression pattern: ^[0-9a-zA-Z-_.]+$",
    );
    refused(
        |s| s.start = Some(Time(0)),
        "The StartDate you specify cannot be earlier than 5 minutes ago.",
    );
    refused(
        |s| s.target.retry.max_attempts = 186,
        "1 validation error detected: Value '186' at 'target.retryPolicy.maximumRetryAttempts' failed to satisfy constraint: Member must have value less than or equal to 185",
    );
    refused(|s| s.timezone = "Mars/Base".into(), "Invalid Schedule Expression Timezone Mars/Base.");
}

#[test]
fn a_target_that_is_not_run_is_refused_by_its_name() {
    let refused = |arn: &str, message: &str| {
        let message = format!("{arn} {message}");
        refused(|s| s.target.arn = arn.into(), &message);
    };
    let here = ":us-east-1:000000000000:";
    refused(&format!("arn:aws:sqs{here}a.fifo"), "is a FIFO queue: these are not supported yet.");
    refused(
        "arn:aws:scheduler:::aws-sdk:sqs:sendMessage",
        "cannot be a target here: universal targets are not run.",
    );
    refused(
        &format!("arn:aws:kinesis{here}stream/x"),
        "cannot be a target here: targets of Kinesis are not run.",
    );
    refused(
        "arn:aws:sqs:eu-west-1:000000000000:orders",
        "cannot be a target here: it is no queue, function or event bus in us-east-1 of account 000000000000.",
    );
}

#[test]
fn input_is_json_for_functions_and_buses() {
    let function = Region::default().function("meter");
    refused(
        |s| {
            s.target.arn = function;
            s.target.input = Some("text".into());
        },
        "Input must be JSON for this kind of target.",
    );
    refused(
        |s| s.target.arn = Region::default().bus("default"),
        "EventBridgeParameters are wanted for a target that is a bus.",
    );
}

#[test]
fn a_schedule_is_made_once_in_a_group_that_is_there() {
    let mut world = world();
    let spec = schedule("a", "rate(1 days)");
    create(&mut world, spec.clone());
    let again = world.try_ask(CreateSchedule { spec: spec.clone(), token: None }).unwrap_err();
    assert_eq!(again, Fault::new("ConflictException", "Schedule a already exists."));
    let nowhere = ScheduleSpec { group: "nowhere".into(), ..spec };
    let fault = world.try_ask(CreateSchedule { spec: nowhere, token: None }).unwrap_err();
    let wanted = "Schedule group nowhere does not exist.";
    assert_eq!(fault, Fault::new("ResourceNotFoundException", wanted));
    let fault = update(&mut world, schedule("b", "rate(1 days)")).unwrap_err();
    assert_eq!(fault, Fault::new("ResourceNotFoundException", "Schedule b does not exist."));
}

#[test]
fn a_request_with_the_same_token_is_the_same_request() {
    let mut world = world();
    let spec = schedule("a", "rate(1 days)");
    let ask = |spec: &ScheduleSpec, token: &str| CreateSchedule {
        spec: spec.clone(),
        token: Some(token.into()),
    };
    let arn = world.ask(ask(&spec, "t"));
    world.restart();
    assert_eq!(world.ask(ask(&spec, "t")), arn);
    let other = schedule("b", "rate(1 days)");
    assert_eq!(world.try_ask(ask(&other, "t")).unwrap_err().code, "ConflictException");
    let delete = |token: &str| DeleteSchedule {
        group: "default".into(),
        name: "a".into(),
        token: Some(token.into()),
    };
    world.ask(delete("d"));
    world.ask(delete("d"));
    assert_eq!(world.try_ask(delete("e")).unwrap_err().code, "ResourceNotFoundException");
    assert!(world.state().schedules.all.is_empty());
}

#[test]
fn a_disabled_schedule_rests_and_an_enabled_one_goes_on_in_its_rhythm() {
    let mut world = world();
    let spec = schedule("beat", "rate(10 minutes)");
    create(&mut world, spec.clone());
    assert_eq!(got(&mut world, "orders").len(), 1);
    update(&mut world, ScheduleSpec { enabled: false, ..spec.clone() }).unwrap();
    assert_eq!(world.state().next_due(), None);
    walk(&mut world, 65 * MINUTE);
    update(&mut world, spec).unwrap();
    walk(&mut world, 6 * MINUTE);
    assert_eq!(got(&mut world, "orders"), ["2023-11-14T23:23:20Z"]);
}

#[test]
fn a_change_that_leaves_the_times_leaves_what_comes_next() {
    let mut world = world();
    let mut spec = schedule("spread", "cron(0 * * * ? *)");
    spec.window_minutes = Some(60);
    create(&mut world, spec.clone());
    let next = one(&world, "default/spread").next;
    spec.target.input = Some("new".into());
    update(&mut world, spec.clone()).unwrap();
    assert_eq!(one(&world, "default/spread").next, next);
    spec.expression = "cron(30 * * * ? *)".into();
    update(&mut world, spec).unwrap();
    assert_ne!(one(&world, "default/spread").next, next);
}

#[test]
fn a_change_in_the_second_of_a_time_does_not_make_it_fire_twice() {
    let mut world = world();
    let spec = schedule("once", "at(2023-11-14T22:14:00)");
    create(&mut world, spec.clone());
    walk(&mut world, Duration::from_secs(40));
    assert_eq!(got(&mut world, "orders").len(), 1);
    update(&mut world, ScheduleSpec { window_minutes: Some(1), ..spec }).unwrap();
    walk(&mut world, HOUR);
    assert!(got(&mut world, "orders").is_empty());
}

#[test]
fn the_default_group_stays() {
    let fault = world().try_ask(DeleteGroup { name: "default".into(), token: None }).unwrap_err();
    assert_eq!(fault.code, "ValidationException");
    let mut world = world();
    world.ask(CreateGroup { name: "g".into(), token: None });
    let again = world.try_ask(CreateGroup { name: "g".into(), token: None }).unwrap_err();
    assert_eq!(again, Fault::new("ConflictException", "Schedule group g already exists."));
}

#[test]
fn a_template_sets_only_what_it_changed() {
    let mut world = world();
    let queues = || ["orders", "dead"].map(|name| Spec::Queue(QueueSpec::named(name)));
    let mut spec = schedule("a", "rate(1 days)");
    let apply = |world: &mut World, spec: &ScheduleSpec| {
        let mut specs = queues().to_vec();
        specs.push(Spec::Schedule(spec.clone()));
        let set = world.apply(specs);
        set.changes
            .iter()
            .map(ToString::to_string)
            .filter(|c| c.contains("schedule"))
            .collect::<Vec<_>>()
    };
    assert_eq!(apply(&mut world, &spec), ["+ schedule default/a"]);
    assert_eq!(got(&mut world, "orders").len(), 1);
    assert!(apply(&mut world, &spec).is_empty());
    update(&mut world, ScheduleSpec { enabled: false, ..spec.clone() }).unwrap();
    assert_eq!(apply(&mut world, &spec), ["≠ schedule default/a (changed by API: enabled)"]);
    spec.description = "new".into();
    let changes = apply(&mut world, &spec);
    assert!(changes.contains(&"~ schedule default/a (description)".to_owned()), "{changes:?}");
    assert!(!one(&world, "default/a").spec.enabled, "what the API changed stays");
    assert!(got(&mut world, "orders").is_empty(), "nothing of this makes it fire");
}
