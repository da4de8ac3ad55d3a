//! What applying templates does.

use super::*;
use crate::engine::testing::*;
use crate::services::bus::{CreateBus, PutRule, PutTargets};
use crate::services::queue::{CreateQueue, SetAttributes};
use crate::topology::{BusSpec, QueueSpec, Region, RuleSpec, TargetSpec};

fn queue(name: &str) -> Spec {
    Spec::Queue(QueueSpec::named(name))
}

fn slow(visibility: u32) -> Spec {
    Spec::Queue(QueueSpec { visibility, ..QueueSpec::named("orders") })
}

fn template(specs: Vec<Spec>) -> ApplyTemplate {
    ApplyTemplate { stack: "shop".into(), resources: resources(specs), ..Default::default() }
}

/// Changes by the API.
fn set(world: &mut World, change: impl Fn(&mut QueueSpec) + Send + 'static) {
    let change = Box::new(move |spec: &mut QueueSpec| {
        change(spec);
        Ok(())
    });
    world.ask(SetAttributes { queue: "orders".into(), change });
}

#[track_caller]
fn shows(set: &ChangeSet, wanted: &[&str]) {
    let lines: Vec<String> = set.changes.iter().map(ToString::to_string).collect();
    assert_eq!(lines, wanted);
}

fn everything() -> Vec<Spec> {
    let bus = Spec::Bus(BusSpec { name: "shop".into(), description: String::new() });
    let to = target(Region::default().queue("orders"));
    let rule = RuleSpec { bus: "shop".into(), ..rule("all", r#"{"source":["a"]}"#, vec![to]) };
    let mapping = Spec::Mapping(queue_mapping("orders", "view"));
    let [dlq, queue] = with_dead_letters("orders", 3);
    vec![Spec::Rule(rule), mapping, Spec::Function(function("view")), queue, dlq, bus]
}

#[test]
fn resources_are_made_in_the_order_in_which_they_stand_on_each_other_and_go_in_reverse() {
    let mut world = World::new();
    shows(
        &world.apply(everything()),
        &[
            "+ bus shop",
            "+ queue orders",
            "+ queue orders-dlq",
            "+ function view",
            "+ rule shop/all",
            "+ mapping orders-to-view",
        ],
    );
    let gone = world.apply(vec![]);
    let kinds: Vec<&str> = gone.changes.iter().map(|c| c.kind.as_str()).collect();
    assert!(gone.changes.iter().all(|c| c.action == Action::Delete), "{gone:?}");
    let mut ranks = kinds.iter().map(|kind| ["rule", "mapping"].contains(kind));
    assert!(ranks.by_ref().take(2).all(|is_last_made| is_last_made), "{kinds:?}");
    assert_eq!(kinds.last(), Some(&"bus"));
    assert_eq!(world.state().next_due(), None);
}

#[test]
fn the_same_template_again_changes_nothing_and_journals_nothing() {
    let mut world = World::new();
    world.apply(everything());
    let before = world.journal.len();
    assert_eq!(world.apply(everything()), ChangeSet::default());
    assert_eq!(world.facts(before), []);
}

#[test]
fn only_what_the_template_changed_is_set_and_what_the_api_changed_is_told() {
    let mut world = World::new();
    world.apply(vec![slow(30)]);
    set(&mut world, |spec| spec.delay = 7);
    shows(
        &world.apply(vec![slow(60)]),
        &["≠ queue orders (changed by API: delay)", "~ queue orders (visibility)"],
    );
    let spec = &world.queue("orders").spec;
    assert_eq!((spec.delay, spec.visibility), (7, 60));
    shows(&world.apply(vec![slow(60)]), &["≠ queue orders (changed by API: delay)"]);
}

#[test]
fn a_property_that_both_changed_becomes_the_templates() {
    let mut world = World::new();
    world.apply(vec![slow(30)]);
    set(&mut world, |spec| spec.visibility = 45);
    shows(&world.apply(vec![slow(60)]), &["~ queue orders (visibility)"]);
    set(&mut world, |spec| spec.visibility = 90);
    shows(&world.apply(vec![slow(90)]), &[]);
}

#[test]
fn reset_undoes_drift() {
    let mut world = World::new();
    world.apply(vec![slow(30)]);
    set(&mut world, |spec| spec.delay = 7);
    let changes = world.ask(ApplyTemplate { reset: true, ..template(vec![slow(30)]) });
    shows(&changes, &["~ queue orders (delay)"]);
    assert_eq!(world.queue("orders").spec.delay, 0);
}

#[test]
fn what_the_api_made_is_taken_over_only_when_asked_for() {
    let mut world = World::new();
    world.ask(CreateQueue { spec: QueueSpec::named("orders"), same: Box::new(|_| true) });
    world.send("orders", "a");
    let fault = world.try_ask(template(vec![slow(60)])).unwrap_err();
    assert_eq!(
        fault.message,
        "template.yaml:1:3: queue orders was made by an API call: --adopt takes it over."
    );
    let changes = world.ask(ApplyTemplate { adopt: true, ..template(vec![slow(60)]) });
    shows(&changes, &["~ queue orders (visibility)"]);
    assert_eq!(world.queue("orders").visible(), 1, "its messages stay");
    shows(&world.apply(vec![]), &["! queue orders (kept until its messages are gone)"]);
}

#[test]
fn another_stacks_resource_is_refused_by_that_stacks_name() {
    let mut world = World::new();
    world.apply(vec![queue("orders")]);
    let other = ApplyTemplate { stack: "other".into(), ..template(vec![queue("orders")]) };
    assert!(world.try_ask(other).unwrap_err().message.contains("the stack shop"));
}

#[test]
fn a_refused_template_changes_nothing_at_all() {
    let mut world = World::new();
    let before = world.journal.len();
    let bad = Spec::Rule(rule("bad", "{", vec![]));
    world.try_ask(template(vec![queue("orders"), bad])).unwrap_err();
    assert_eq!(world.journal.len(), before);
}

#[test]
fn a_queue_with_messages_that_left_its_template_goes_when_the_last_one_does() {
    let mut world = World::new();
    world.apply(vec![queue("orders")]);
    world.send("orders", "a");
    world.send("orders", "b");
    shows(&world.apply(vec![]), &["! queue orders (kept until its messages are gone)"]);
    assert!(world.queue("orders").retained);
    shows(&world.apply(vec![]), &[]);
    set(&mut world, |spec| spec.delay = 1);
    let handed = world.receive("orders");
    world.delete("orders", &handed[..1]);
    assert_eq!(world.queue("orders").len(), 1);
    world.delete("orders", &handed[1..]);
    assert!(world.state().queues.is_empty());
    assert_eq!(world.state().next_due(), None);
}

#[test]
fn a_retained_queue_also_goes_by_purge_age_or_its_dead_letter_queue() {
    for how in 0..3 {
        let mut world = World::new();
        let [dlq, queue] = with_dead_letters("orders", 1);
        world.apply(vec![dlq.clone(), queue]);
        world.send("orders", "a");
        world.receive("orders");
        world.apply(vec![dlq]);
        match how {
            0 => world.ask(crate::services::queue::Purge("orders".into())),
            1 => world.pass(std::time::Duration::from_secs(5 * 86_400)),
            _ => {
                world.pass(std::time::Duration::from_secs(60));
                assert!(world.receive("orders").is_empty());
                assert_eq!(world.queue("orders-dlq").len(), 1);
            }
        }
        assert!(!world.state().queues.contains_key("orders"), "way {how}");
    }
}

#[test]
fn drop_deletes_queues_with_messages_now_or_later() {
    let drop = || ApplyTemplate { drop: true, ..template(vec![]) };
    let mut world = World::new();
    world.apply(vec![queue("orders")]);
    world.send("orders", "a");
    shows(&world.ask(drop()), &["- queue orders"]);
    world.apply(vec![queue("orders")]);
    world.send("orders", "a");
    world.apply(vec![]);
    let other = ApplyTemplate { stack: "other".into(), ..drop() };
    shows(&world.ask(other), &[]);
    shows(&world.ask(drop()), &["- queue orders"]);
    assert!(world.state().queues.is_empty());
    assert_eq!(world.state().live_bodies().count(), 0);
}

#[test]
fn another_stacks_retained_queue_is_taken_over_only_when_asked_for() {
    let mut world = World::new();
    world.apply(vec![queue("orders")]);
    world.send("orders", "a");
    world.apply(vec![]);
    let other =
        |adopt| ApplyTemplate { stack: "other".into(), adopt, ..template(vec![queue("orders")]) };
    let fault = world.try_ask(other(false)).unwrap_err();
    assert_eq!(
        fault.message,
        "template.yaml:1:3: queue orders was made by the stack shop: --adopt takes it over."
    );
    world.ask(other(true));
    assert!(!world.queue("orders").retained);
}

#[test]
fn a_retained_queue_that_comes_back_to_the_template_stays() {
    let mut world = World::new();
    world.apply(vec![queue("orders")]);
    world.send("orders", "a");
    world.apply(vec![]);
    world.apply(vec![queue("orders")]);
    let handed = world.receive("orders");
    world.delete("orders", &handed);
    assert!(!world.queue("orders").retained);
}

#[track_caller]
fn refused(specs: Vec<Spec>, message: &str) {
    let fault = World::new().try_ask(template(specs)).unwrap_err();
    assert_eq!(fault.code, "ValidationError");
    assert!(fault.message.starts_with(message), "{}", fault.message);
}

#[test]
fn a_template_is_refused_with_the_place_of_what_is_wrong() {
    let orders = || target(Region::default().queue("orders"));
    refused(
        vec![queue("orders"), queue("orders")],
        "template.yaml:2:3: queue has the name orders already, from template.yaml:1:3.",
    );
    refused(
        vec![queue("a"), Spec::Rule(rule("bad", r#"{"source":"text"}"#, vec![]))],
        "template.yaml:2:3: the event pattern of rule bad is not valid: ",
    );
    refused(vec![queue("a.fifo")], "template.yaml:1:3: a.fifo is a FIFO queue");
    let lost = RuleSpec { bus: "gone".into(), ..rule("r", r#"{"source":["a"]}"#, vec![]) };
    refused(vec![Spec::Rule(lost)], "template.yaml:1:3: event bus gone does not exist.");
    let six = (0..6).map(|n| TargetSpec { id: n.to_string(), ..orders() }).collect();
    let six = rule("six", r#"{"source":["a"]}"#, six);
    refused(vec![Spec::Rule(six)], "template.yaml:1:3: rule six has 6 targets: at most 5");
}

#[test]
fn a_target_that_cannot_be_served_here_is_noted_with_its_place_and_left_out() {
    let mut world = World::new();
    let topic = target("arn:aws:sns:us-east-1:000000000000:topic".into());
    let to = target(Region::default().queue("orders"));
    let specs = || {
        vec![
            queue("orders"),
            Spec::Rule(rule("r", r#"{"source":["a"]}"#, vec![topic.clone(), to.clone()])),
        ]
    };
    let set = world.apply(specs());
    assert_eq!(set.notes.len(), 1);
    assert!(
        set.notes[0].starts_with("template.yaml:2:3: rule r, target topic: "),
        "{:?}",
        set.notes
    );
    assert_eq!(world.state().buses["default"].rules["r"].spec.targets, std::slice::from_ref(&to));
    let before = world.journal.len();
    assert_eq!(world.apply(specs()).notes.len(), 1, "it is noted each time");
    assert_eq!(world.journal.len(), before);
}

#[test]
fn targets_put_by_api_on_a_templates_rule_stay_and_are_told() {
    let mut world = World::new();
    let specs = || vec![queue("orders"), Spec::Rule(rule("r", r#"{"source":["a"]}"#, vec![]))];
    world.apply(specs());
    let targets = vec![target(Region::default().queue("orders"))];
    world.ask(PutTargets { bus: "default".into(), rule: "r".into(), targets });
    shows(&world.apply(specs()), &["≠ rule default/r (changed by API: targets)"]);
}

#[test]
fn a_bus_stays_while_rules_that_others_made_are_on_it() {
    let mut world = World::new();
    let bus = || Spec::Bus(BusSpec { name: "shop".into(), description: String::new() });
    world.apply(vec![bus()]);
    let foreign = RuleSpec { bus: "shop".into(), ..rule("theirs", r#"{"source":["a"]}"#, vec![]) };
    world.ask(PutRule(foreign, None));
    let fault = world.try_ask(template(vec![])).unwrap_err();
    assert!(fault.message.contains("rule theirs"), "{fault}");
    shows(&world.ask(ApplyTemplate { drop: true, ..template(vec![]) }), &["- bus shop"]);
    world.ask(CreateBus(BusSpec { name: "shop".into(), description: String::new() }));
    assert!(world.state().buses["shop"].rules.is_empty());
}

#[test]
fn lines_inserted_above_change_places_and_no_resource() {
    let mut world = World::new();
    let with = |line| {
        let place = Place { file: "template.yaml".into(), line, column: 3 };
        let statement = crate::topology::Statement {
            allow: true,
            actions: vec!["dynamodb:PutItem".into()],
            resources: vec!["*".into()],
            principals: vec![],
            conditions: String::new(),
            place,
        };
        let mut spec = function("view");
        spec.statements = Some(vec![statement]);
        vec![Spec::Function(spec)]
    };
    world.apply(with(5));
    shows(&world.apply(with(6)), &[]);
    let kept = world.state().functions["view"].spec.statements.as_ref().unwrap();
    assert_eq!(kept[0].place.line, 6, "but messages name the new place");
}

#[test]
fn the_default_bus_is_the_engines_whatever_a_template_says() {
    let mut world = World::new();
    let bus = || vec![Spec::Bus(BusSpec { name: "default".into(), description: "mine".into() })];
    shows(&world.apply(bus()), &[]);
    shows(&world.apply(vec![]), &[]);
    assert_eq!(world.state().buses["default"].owner, Owner::Engine);
}
