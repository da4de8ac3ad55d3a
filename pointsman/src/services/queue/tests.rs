//! What a standard queue does.

use super::*;
use crate::engine::testing::*;
use crate::engine::{Attribute, AttributeValue, Choices, Fact, Handed};
use crate::topology::{QueueSpec, Redrive, Region, Spec};
use bytes::Bytes;
use std::collections::BTreeMap;
use std::time::Duration;

mod limits;
mod model;

const MINUTE: Duration = Duration::from_secs(60);

fn world() -> World {
    let mut world = World::new();
    world.apply(vec![Spec::Queue(QueueSpec::named("orders"))]);
    world
}

fn receipt(handed: &Handed) -> Receipt {
    Receipt { seq: handed.seq, receipt: handed.receipt }
}

fn receive_for(world: &mut World, visibility: u32) -> Vec<Handed> {
    world.ask(Receive { queue: "orders".into(), max: 10, visibility: Some(visibility) })
}

fn change(world: &mut World, handed: &Handed, seconds: u32) -> Result<(), crate::engine::Fault> {
    let changes = vec![(receipt(handed), seconds)];
    world.ask(ChangeVisibility { queue: "orders".into(), changes }).remove(0)
}

fn send_delayed(world: &mut World, delay: u32) {
    let message =
        MessageToSend { body: Bytes::from_static(b"a"), delay: Some(delay), ..Default::default() };
    world.ask(SendMessages { queue: "orders".into(), messages: vec![message] })[0]
        .as_ref()
        .unwrap();
}

/// Visible, in flight, delayed.
#[track_caller]
fn counts(world: &World, wanted: (usize, usize, usize)) {
    let queue = world.queue("orders");
    assert_eq!((queue.visible(), queue.in_flight(), queue.delayed()), wanted);
}

#[test]
fn a_message_is_hidden_once_received_and_gone_once_deleted() {
    let mut world = world();
    world.send("orders", "a");
    counts(&world, (1, 0, 0));
    let handed = world.receive("orders");
    assert_eq!((handed.len(), handed[0].receives), (1, 1));
    assert!(world.receive("orders").is_empty());
    counts(&world, (0, 1, 0));
    world.delete("orders", &handed);
    counts(&world, (0, 0, 0));
    let before = world.journal.len();
    world.delete("orders", &handed);
    assert_eq!(world.journal.len(), before, "deleting again succeeds and changes nothing");
}

#[test]
fn messages_come_in_order_of_becoming_visible() {
    let mut world = world();
    let sent: Vec<u64> = (0..3).map(|n| world.send("orders", &n.to_string())).collect();
    let first = world.ask(Receive { queue: "orders".into(), max: 1, visibility: Some(5) });
    world.pass(Duration::from_secs(5));
    let again: Vec<u64> = world.receive("orders").iter().map(|h| h.seq).collect();
    assert_eq!(first[0].seq, sent[0]);
    assert_eq!(again, [sent[1], sent[2], sent[0]]);
}

#[test]
fn an_unhandled_message_is_seen_again_when_its_visibility_timeout_ends() {
    let mut world = world();
    world.send("orders", "a");
    let first = world.receive("orders");
    world.pass(Duration::from_millis(29_999));
    counts(&world, (0, 1, 0));
    world.pass(Duration::from_millis(1));
    counts(&world, (1, 0, 0));
    let second = world.receive("orders");
    assert_eq!(second[0].receives, 2);
    assert_eq!(second[0].first_received, first[0].first_received);
    assert_eq!(second[0].id, first[0].id);
    assert_ne!(second[0].receipt, first[0].receipt);
}

#[test]
fn a_visibility_of_zero_hides_nothing() {
    let mut world = world();
    world.send("orders", "a");
    receive_for(&mut world, 0);
    counts(&world, (1, 0, 0));
    let handed = world.receive("orders");
    assert_eq!(handed[0].receives, 2);
    change(&mut world, &handed[0], 0).unwrap();
    counts(&world, (1, 0, 0));
}

#[test]
fn a_changed_visibility_counts_from_the_change() {
    let mut world = world();
    world.send("orders", "a");
    let handed = world.receive("orders");
    world.pass(Duration::from_secs(20));
    change(&mut world, &handed[0], 60).unwrap();
    world.pass(Duration::from_secs(59));
    counts(&world, (0, 1, 0));
    world.pass(Duration::from_secs(1));
    counts(&world, (1, 0, 0));
    assert_eq!(change(&mut world, &handed[0], 5).unwrap_err().code, "InvalidParameterValue");
}

#[test]
fn visibility_is_from_zero_to_twelve_hours() {
    let mut world = world();
    world.send("orders", "a");
    let handed = world.receive("orders");
    assert_eq!(change(&mut world, &handed[0], 43_201).unwrap_err().code, "InvalidParameterValue");
    change(&mut world, &handed[0], 43_200).unwrap();
}

#[test]
fn a_receipt_that_a_later_receive_has_overtaken_does_nothing() {
    let mut world = world();
    world.send("orders", "a");
    let first = world.receive("orders");
    world.pass(MINUTE);
    world.receive("orders");
    world.delete("orders", &first);
    assert!(change(&mut world, &first[0], 0).is_err());
    counts(&world, (0, 1, 0));
}

#[test]
fn a_receipt_still_deletes_after_its_time_if_nobody_has_received_since() {
    let mut world = world();
    world.send("orders", "a");
    let first = world.receive("orders");
    world.pass(MINUTE);
    counts(&world, (1, 0, 0));
    world.delete("orders", &first);
    counts(&world, (0, 0, 0));
}

#[test]
fn a_message_is_delayed_by_its_queue_or_by_its_own_delay() {
    let mut world = World::new();
    world.apply(vec![Spec::Queue(QueueSpec { delay: 10, ..QueueSpec::named("orders") })]);
    world.send("orders", "as the queue");
    send_delayed(&mut world, 0);
    send_delayed(&mut world, 20);
    counts(&world, (1, 0, 2));
    world.pass(Duration::from_secs(10));
    counts(&world, (2, 0, 1));
    world.pass(Duration::from_secs(10));
    counts(&world, (3, 0, 0));
}

#[test]
fn a_message_is_received_n_times_and_then_moved_as_it_is() {
    let mut world = World::new();
    world.apply(with_dead_letters("orders", 2).into());
    let seq = world.send("orders", "a");
    let sent = world.core.now();
    let id = world.queue("orders").message(seq).unwrap().id;
    for n in 1..=2 {
        assert_eq!(world.receive("orders")[0].receives, n);
        world.pass(MINUTE);
    }
    assert!(world.receive("orders").is_empty());
    assert_eq!(world.queue("orders").counts.dead_lettered, 1);
    let dead = world.receive("orders-dlq").remove(0);
    assert_eq!((dead.id, dead.receives, dead.sent), (id, 3, sent));
    assert_eq!(dead.dead_letter_source.as_deref(), Some("orders"));
    assert_eq!(world.text(dead.body), "a");
}

#[test]
fn behind_dead_letters_good_messages_are_found_in_the_same_receive() {
    let mut world = World::new();
    world.apply(with_dead_letters("orders", 1).into());
    world.send("orders", "bad");
    world.receive("orders");
    world.pass(MINUTE);
    let good = world.send("orders", "good");
    assert_eq!(world.receive("orders").iter().map(|h| h.seq).collect::<Vec<_>>(), [good]);
    assert_eq!(world.queue("orders-dlq").visible(), 1);
}

#[test]
fn one_receive_moves_a_bounded_number_of_dead_letters() {
    let mut world = World::new();
    world.apply(with_dead_letters("orders", 1).into());
    let many = 2_500;
    for _ in 0..many {
        world.send("orders", "bad");
    }
    for _ in 0..many / 10 {
        world.receive("orders");
    }
    world.pass(MINUTE);
    world.send("orders", "good");
    let mut rounds = 0;
    while world.receive("orders").is_empty() {
        rounds += 1;
    }
    assert_eq!(rounds, 2);
    assert_eq!(world.queue("orders-dlq").visible(), many);
}

#[test]
fn without_its_dead_letter_queue_a_message_stays() {
    let mut world = World::new();
    let [_, queue] = with_dead_letters("orders", 1);
    world.apply(vec![queue]);
    world.send("orders", "a");
    for _ in 0..3 {
        assert_eq!(world.receive("orders").len(), 1);
        world.pass(MINUTE);
    }
}

#[test]
fn messages_grow_too_old_also_in_flight() {
    let mut world = World::new();
    let spec = QueueSpec { retention: 120, ..QueueSpec::named("orders") };
    world.apply(vec![Spec::Queue(spec)]);
    world.send("orders", "in flight");
    receive_for(&mut world, 3600);
    world.pass(MINUTE);
    world.send("orders", "younger");
    world.pass(MINUTE);
    counts(&world, (1, 0, 0));
    assert_eq!(world.queue("orders").counts.dropped, 1);
    assert_eq!(world.state().live_bodies().count(), 1);
    world.pass(Duration::from_secs(3600));
    assert!(world.queue("orders").is_empty());
}

#[test]
fn a_dead_letters_age_counts_from_when_it_was_sent_first() {
    let mut world = World::new();
    let [mut dlq, queue] = with_dead_letters("orders", 1);
    let Spec::Queue(spec) = &mut dlq else { panic!() };
    spec.retention = 180;
    world.apply(vec![dlq, queue]);
    world.send("orders", "a");
    world.receive("orders");
    world.pass(2 * MINUTE);
    world.receive("orders");
    assert_eq!(world.queue("orders-dlq").len(), 1);
    world.pass(MINUTE);
    assert!(world.queue("orders-dlq").is_empty());
}

#[test]
fn a_shorter_retention_counts_at_once() {
    let mut world = world();
    world.send("orders", "a");
    world.pass(10 * MINUTE);
    let change = Box::new(|spec: &mut QueueSpec| {
        spec.retention = 60;
        Ok(())
    });
    world.ask(SetAttributes { queue: "orders".into(), change });
    assert!(world.queue("orders").is_empty());
}

#[test]
fn purging_empties_a_queue_and_leaves_no_timers() {
    let mut world = world();
    world.send("orders", "in flight");
    world.receive("orders");
    world.send("orders", "visible");
    send_delayed(&mut world, 60);
    world.ask(Purge("orders".into()));
    counts(&world, (0, 0, 0));
    assert_eq!(world.queue("orders").counts.dropped, 3);
    assert_eq!(world.state().next_due(), None);
    assert_eq!(world.state().live_bodies().count(), 0);
}

#[test]
fn deleting_a_queue_deletes_what_is_in_it_and_leaves_no_timers() {
    let mut world = world();
    world.send("orders", "in flight");
    world.receive("orders");
    send_delayed(&mut world, 60);
    world.ask(DeleteQueue("orders".into()));
    assert_eq!(world.state().next_due(), None);
    assert_eq!(world.state().live_bodies().count(), 0);
    let fault = world.try_ask(DeleteQueue("orders".into())).unwrap_err();
    assert_eq!(fault.code, "AWS.SimpleQueueService.NonExistentQueue");
}

fn text(text: impl Into<String>) -> MessageToSend {
    MessageToSend { body: Bytes::from(text.into()), ..Default::default() }
}

#[test]
fn messages_of_a_batch_fail_each_for_itself() {
    let mut world = world();
    let messages = vec![text("a"), text(""), text("c")];
    let sent = world.ask(SendMessages { queue: "orders".into(), messages });
    assert_eq!(sent.iter().map(Result::is_ok).collect::<Vec<_>>(), [true, false, true]);
    assert_eq!(world.queue("orders").len(), 2);
}

#[test]
fn creating_a_queue_again_succeeds_only_with_the_same_settings() {
    let mut world = World::new();
    let create = |same: bool| CreateQueue {
        spec: QueueSpec::named("orders"),
        same: Box::new(move |_| same),
    };
    world.ask(create(true));
    let before = world.journal.len();
    world.ask(create(true));
    assert_eq!(world.journal.len(), before);
    assert_eq!(world.try_ask(create(false)).unwrap_err().code, "QueueAlreadyExists");
}

#[test]
fn attributes_that_are_refused_change_nothing() {
    let mut world = world();
    let before = world.journal.len();
    let change = Box::new(|spec: &mut QueueSpec| {
        spec.delay = 901;
        Ok(())
    });
    world.try_ask(SetAttributes { queue: "orders".into(), change }).unwrap_err();
    world.ask(SetAttributes { queue: "orders".into(), change: Box::new(|_| Ok(())) });
    assert_eq!(world.journal.len(), before);
}

#[test]
fn every_command_refuses_a_queue_that_is_not_there() {
    let mut world = World::new();
    let gone = || Name::from("gone");
    let code = "AWS.SimpleQueueService.NonExistentQueue";
    let receive = Receive { queue: gone(), max: 1, visibility: None };
    assert_eq!(world.try_ask(receive).unwrap_err().code, code);
    let send = SendMessages { queue: gone(), messages: vec![] };
    assert_eq!(world.try_ask(send).unwrap_err().code, code);
    let delete = DeleteMessages { queue: gone(), receipts: vec![] };
    assert_eq!(world.try_ask(delete).unwrap_err().code, code);
    let change = ChangeVisibility { queue: gone(), changes: vec![] };
    assert_eq!(world.try_ask(change).unwrap_err().code, code);
    assert_eq!(world.try_ask(Purge(gone())).unwrap_err().code, code);
}

#[test]
fn a_receive_from_a_long_line_looks_at_no_more_than_it_takes() {
    let mut world = world();
    for _ in 0..1_000 {
        let messages = vec![text("a"); 100];
        world.ask(SendMessages { queue: "orders".into(), messages });
    }
    for _ in 0..100 {
        let handed = world.receive("orders");
        world.delete("orders", &handed);
        let queue = world.queue("orders");
        assert_eq!(queue.stale(), 0, "nothing lies in front of the next message");
        assert_eq!(queue.line_len(), queue.visible());
    }
}

#[test]
fn attributes_go_with_the_message() {
    let mut world = world();
    let mut message = text("a");
    let value = AttributeValue::Bytes(vec![0, 255]);
    message.extra.attributes =
        BTreeMap::from([("b".into(), Attribute { data_type: "Binary".into(), value })]);
    message.extra.trace = Some("Root=1-2-3".into());
    let extra = message.extra.clone();
    world.ask(SendMessages { queue: "orders".into(), messages: vec![message] });
    assert_eq!(world.receive("orders")[0].extra.as_deref(), Some(&extra));
    assert!(world.facts(0).iter().any(|fact| matches!(fact, Fact::Received { .. })));
}
