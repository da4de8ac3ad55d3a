//! What holds for the engine as a whole.

mod late;

use super::testing::*;
use super::*;
use crate::clock::{ManualClock, Time};
use crate::services::queue::{MessageToSend, Receive, SendMessages};
use crate::services::stack::ApplyTemplate;
use crate::services::{JumpClock, MoveClock};
use crate::storage::Fold;
use crate::topology::*;
use bytes::Bytes;
use std::sync::Arc;
use std::time::Duration;

#[test]
fn folding_the_journal_gives_the_state_that_deciding_gave() {
    let mut world = World::new();
    let [dlq, queue] = with_dead_letters("orders", 2);
    world.apply(vec![
        dlq,
        queue,
        Spec::Function(function("view")),
        Spec::Mapping(queue_mapping("orders", "view")),
    ]);
    for n in 0..25 {
        world.send("orders", &format!("message {n}"));
        if n % 4 == 0 {
            for invoke in world.invocations() {
                if n % 8 == 0 {
                    world.finish(invoke.id, "{}")
                } else {
                    world.fail(invoke.id)
                };
            }
        }
        world.pass(Duration::from_secs(7));
    }
    let mut folded = State::default();
    for record in &world.journal {
        Fold::apply(&mut folded, record).unwrap();
    }
    assert!(folded.save() == world.state().save());
    let mut loaded = State::default();
    loaded.load(&folded.save()).unwrap();
    assert!(loaded.save() == folded.save());
    assert_eq!(loaded.live_bodies().count(), folded.live_bodies().count());
}

#[test]
fn deciding_twice_from_the_same_seed_decides_the_same() {
    let run = || {
        let mut world = World::new();
        world.apply(vec![Spec::Queue(QueueSpec::named("orders"))]);
        world.send("orders", "a");
        world.receive("orders");
        world.journal
    };
    assert_eq!(run(), run());
}

#[test]
fn a_moved_clock_fires_timers_in_order_each_at_its_own_due() {
    let mut world = World::new();
    world.apply(vec![Spec::Queue(QueueSpec::named("orders"))]);
    world.send("orders", "a");
    let first = world.receive("orders");
    world.pass(Duration::from_secs(5));
    world.send("orders", "b");
    world.receive("orders");
    let before = world.journal.len();
    let now = world.core.now();
    world.ask(MoveClock { by_ms: 3_600_000 });
    assert_eq!(world.core.now(), now + Duration::from_secs(3600));
    let visible: Vec<_> = world.journal[before..]
        .iter()
        .map(|r| core::decode(r).unwrap())
        .filter(|e| matches!(e.fact, Fact::Visible { .. }))
        .map(|e| e.at - first[0].first_received)
        .collect();
    assert_eq!(visible, [Duration::from_secs(30), Duration::from_secs(35)]);
    assert_eq!(world.queue("orders").visible(), 2);
}

#[test]
fn after_a_jump_all_timers_fire_at_its_end_and_a_restart_knows_where_it_went() {
    let mut world = World::new();
    world.apply(vec![Spec::Queue(QueueSpec::named("orders"))]);
    world.send("orders", "a");
    world.receive("orders");
    world.pass(Duration::from_secs(5));
    world.send("orders", "b");
    world.receive("orders");
    let before = world.journal.len();
    let target = world.core.now() + Duration::from_secs(3600);
    world.ask(JumpClock { by_ms: 3_600_000 });
    assert_eq!(world.core.now(), target);
    let visible: Vec<_> = world.journal[before..]
        .iter()
        .map(|r| core::decode(r).unwrap())
        .filter(|e| matches!(e.fact, Fact::Visible { .. }))
        .map(|e| e.at)
        .collect();
    assert_eq!(visible, [target, target]);
    world.restart();
    assert_eq!(world.core.now(), target);
}

#[test]
fn engine_time_never_goes_back_even_if_the_wall_clock_does() {
    let mut world = World::new();
    world.apply(vec![Spec::Queue(QueueSpec::named("orders"))]);
    let before = world.core.now();
    world.clock = Arc::new(ManualClock::new(Time(before.0 - 60_000)));
    world.restart();
    assert_eq!(world.core.now(), before);
}

#[test]
fn a_restart_gives_back_what_mappings_held_without_counting_it_and_leaves_outsiders_theirs() {
    let mut world = World::new();
    world.apply(vec![
        Spec::Queue(QueueSpec::named("mapped")),
        Spec::Queue(QueueSpec::named("polled")),
        Spec::Function(function("view")),
        Spec::Mapping(queue_mapping("mapped", "view")),
    ]);
    world.send("mapped", "a");
    world.send("polled", "b");
    world.receive("polled");
    let stale = world.invocations();
    assert_eq!(stale.len(), 1);
    world.restart();
    assert_eq!(world.queue("polled").in_flight(), 1);
    let again = world.invocations();
    assert_eq!(again.len(), 1, "the batch is handed out again at once");
    let Payload::Messages { messages, .. } = &again[0].payload else { panic!("{again:?}") };
    assert_eq!(messages[0].receives, 1, "the interrupted receive does not count");
    assert!(!world.finish(stale[0].id, "{}"), "an answer to the old epoch answers nobody");
    assert!(world.finish(again[0].id, "{}"));
    assert!(world.queue("mapped").is_empty());
}

#[test]
fn a_fact_of_an_older_journal_is_read_as_it_was_written() {
    // At 1,700,000,000,000, because of request 1, by whoever showed no key: the clock was moved by 5 ms.
    let old = [0x80, 0xa0, 0xab, 0xfe, 0xf9, 0x62, 0x00, 0x01, 0x01, 0x01, 0x0a];
    let entry = Entry {
        at: Time(1_700_000_000_000),
        cause: Cause::Request(Id(1)),
        caller: Caller::Operator,
        fact: Fact::ClockMoved { offset_ms: 5 },
    };
    assert_eq!(core::decode(&old), Ok(entry.clone()));
    assert_eq!(core::encode(&entry), old);
    let user = Entry { caller: Caller::user(&"k".repeat(500)), ..entry };
    assert_eq!(core::decode(&core::encode(&user)), Ok(user.clone()));
    assert_eq!(user.caller, Caller::User { key: "k".repeat(128).into() });
}

#[test]
fn a_body_lives_as_long_as_a_message_needs_it() {
    let mut world = World::new();
    world.apply(vec![Spec::Queue(QueueSpec::named("orders"))]);
    world.send("orders", "a");
    assert_eq!(world.state().live_bodies().count(), 1);
    let handed = world.receive("orders");
    world.delete("orders", &handed);
    assert_eq!(world.state().live_bodies().count(), 0);
}

mod threaded;
