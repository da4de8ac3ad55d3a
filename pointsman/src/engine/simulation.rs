//! Random commands with restarts: whatever happens, what was decided is what is folded, and nothing is lost.

use super::testing::*;
use super::*;
use crate::services::MoveClock;
use crate::services::bus::{EventEntry, PutEvents, SwitchRule};
use crate::services::function::InvokeAsync;
use crate::services::mapping::{TakeRecords, UpdateMapping};
use crate::services::queue::{ChangeVisibility, Position, Purge, Receipt};
use crate::storage::Fold;
use crate::topology::*;
use bytes::Bytes;
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

const QUEUES: [&str; 3] = ["orders", "orders-dlq", "polled"];

fn topology(mapped: bool, polled: bool) -> Vec<Spec> {
    let [dlq, orders] = with_dead_letters("orders", 2);
    let polled_queue = Spec::Queue(QueueSpec { retention: 300, ..QueueSpec::named("polled") });
    let arn = |queue: &str| Region::default().queue(queue);
    let view = Region::default().function("view");
    let targets = vec![target(arn("orders")), target(view)];
    let lossy = TargetSpec { dead_letter: Some(arn("orders-dlq")), ..target(arn("polled")) };
    let stream = MappingSource::Stream {
        table: "events".into(),
        starting: StartingPosition::TrimHorizon,
        max_attempts: Some(2),
        max_age_seconds: None,
        bisect: true,
        parallelization: 1,
        on_failure: Some(arn("orders-dlq")),
    };
    let stream = MappingSpec { uuid: "relay".into(), source: stream, ..queue_mapping("", "view") };
    let mut view = function("view");
    view.reserved_concurrency = Some(3);
    view.asynchronous.on_failure = Some(arn("orders-dlq"));
    let mut specs = vec![dlq, orders, Spec::Function(view), Spec::Mapping(stream)];
    specs.push(Spec::Rule(rule("all", r#"{"source":["shop"]}"#, targets)));
    specs.push(Spec::Rule(rule("polled", r#"{"detail-type":["B"]}"#, vec![lossy])));
    if mapped {
        specs.push(Spec::Mapping(queue_mapping("orders", "view")));
    }
    if polled {
        specs.push(polled_queue);
    }
    specs
}

struct Simulation {
    world: World,
    choices: Choices,
    running: Vec<Invoke>,
    receipts: Vec<(&'static str, Receipt)>,
}

impl Simulation {
    fn step(&mut self) {
        let n = self.choices.below(16);
        let (world, choices) = (&mut self.world, &mut self.choices);
        let queue = QUEUES[choices.below(3) as usize];
        let is_there = world.state().queues.contains_key(queue);
        match n {
            0..=2 if is_there => {
                world.send(queue, "a");
            }
            3 | 4 => {
                let kind = ["A", "B"][choices.below(2) as usize];
                let entry = EventEntry {
                    source: Some(["shop", "other"][choices.below(2) as usize].into()),
                    detail_type: Some(kind.into()),
                    detail: Some("{}".into()),
                    ..EventEntry::default()
                };
                world.ask(PutEvents { entries: vec![entry; 2] });
            }
            5 | 6 if is_there => {
                let handed = world.receive(queue);
                let receipts = handed.iter().map(|h| Receipt { seq: h.seq, receipt: h.receipt });
                self.receipts.extend(receipts.map(|r| (queue, r)));
            }
            7 if !self.receipts.is_empty() => {
                let at = choices.below(self.receipts.len() as u64) as usize;
                let (queue, receipt) = self.receipts.swap_remove(at);
                if world.state().queues.contains_key(queue) {
                    let queue: Name = queue.into();
                    match choices.below(3) {
                        0 => {
                            let changes = vec![(receipt, choices.below(2) as u32 * 50)];
                            drop(world.ask(ChangeVisibility { queue, changes }));
                        }
                        _ => world.ask(crate::services::queue::DeleteMessages {
                            queue,
                            receipts: vec![receipt],
                        }),
                    }
                }
            }
            8..=10 if !self.running.is_empty() => {
                let at = choices.below(self.running.len() as u64) as usize;
                let run = self.running.swap_remove(at);
                match choices.below(3) {
                    0 => world.fail(run.id),
                    1 => world.finish(run.id, "{}"),
                    _ => {
                        let id = match &run.payload {
                            Payload::Messages { messages, .. } => messages[0].id.to_string(),
                            _ => "2".to_owned(),
                        };
                        let answer =
                            format!(r#"{{"batchItemFailures":[{{"itemIdentifier":"{id}"}}]}}"#);
                        world.finish(run.id, &answer)
                    }
                };
            }
            11 => {
                let function = "view".into();
                world.ask(InvokeAsync { function, payload: Bytes::from_static(b"{}") });
            }
            12 => {
                let after = world.state().mappings["relay"].cursor.clone();
                let begin = after.as_deref().map_or(0, |c| c.parse::<u64>().unwrap());
                let most = u64::from(world.state().mappings["relay"].limit.unwrap_or(4));
                let sequences = (begin + 1..=begin + most).map(|n| n.to_string()).collect();
                let written = vec![world.core.now(); most as usize];
                let payload = Some(Bytes::from_static(b"[]"));
                let mapping = "relay".into();
                let read = vec![];
                world.ask(TakeRecords { mapping, after, sequences, read, written, payload });
            }
            13 => match choices.below(4) {
                0 => drop(world.apply(topology(choices.below(2) == 0, choices.below(2) == 0))),
                1 => {
                    let enabled = choices.below(2) == 0;
                    world.ask(SwitchRule { bus: "default".into(), rule: "all".into(), enabled });
                }
                2 if is_there => world.ask(Purge(queue.into())),
                _ => {
                    let off = choices.below(2) == 0;
                    let change = Box::new(move |spec: &mut MappingSpec| {
                        spec.enabled = off;
                        Ok(())
                    });
                    let mapping = "orders-to-view".into();
                    // It is not there in some topologies.
                    let _ = world.try_ask(UpdateMapping { mapping, change });
                }
            },
            14 if choices.below(4) == 0 => {
                world.restart();
                self.running.clear();
            }
            14 => world.ask(MoveClock { by_ms: choices.below(200_000) }),
            _ => world.pass(Duration::from_millis(choices.below(40_000))),
        }
        let begun = self.world.invocations();
        self.running.extend(begun);
    }

    #[track_caller]
    fn check(&self, at: &str) {
        let world = &self.world;
        let mut folded = State::default();
        for record in &world.journal {
            Fold::apply(&mut folded, record).unwrap();
        }
        let state = world.state();
        assert!(folded.save() == state.save(), "{at}: folded is decided");

        let pending: BTreeSet<InvocationId> = state.pending().map(|(id, _)| id).collect();
        let running: BTreeSet<InvocationId> = self.running.iter().map(|run| run.id).collect();
        assert_eq!(pending, running, "{at}: every effect that is not answered is pending");

        let mut held: BTreeMap<u64, u32> = BTreeMap::new();
        let mut due: BTreeSet<(crate::clock::Time, String)> = BTreeSet::new();
        for (name, queue) in &state.queues {
            let mut counted = (0, 0, 0);
            for (seq, message) in queue.messages() {
                *held.entry(message.body.id).or_default() += 1;
                due.extend(message.due().map(|t| (t, format!("{name} {seq}"))));
                match message.place {
                    Position::Visible => counted.0 += 1,
                    Position::InFlight { .. } => counted.1 += 1,
                    Position::Delayed(_) => counted.2 += 1,
                }
            }
            due.extend(queue.expiry().map(|t| (t, format!("{name} expiry"))));
            assert_eq!(
                (queue.visible(), queue.in_flight(), queue.delayed()),
                counted,
                "{at}: {name}"
            );
            let c = queue.counts;
            let out = c.deleted + c.dead_lettered + c.dropped + queue.len() as u64;
            assert_eq!(c.entered, out, "{at}: {name}'s ledger");
            assert!(
                !queue.retained || !queue.is_empty(),
                "{at}: {name} is drained and still there"
            );
        }
        for (event, waiting) in &state.async_events {
            *held.entry(waiting.body.id).or_default() += 1;
            due.extend(waiting.place.due().map(|t| (t, format!("async {event}"))));
        }
        for (name, mapping) in &state.mappings {
            due.extend(mapping.due().map(|t| (t, format!("mapping {name}"))));
        }
        let schedules = &state.schedules;
        for (name, schedule) in &schedules.all {
            due.extend(schedule.next.map(|next| (next.due, format!("schedule {name}"))));
        }
        for (name, timed) in &schedules.rules {
            due.extend(timed.next.map(|next| (next, format!("rule {name}"))));
        }
        for (id, firing) in &schedules.firings {
            due.insert((firing.due, format!("firing {id}")));
        }
        assert_eq!(state.bodies, held, "{at}: bodies are kept for who needs them, and no longer");
        let timers: BTreeSet<_> = state
            .timers
            .iter()
            .map(|(at, timer)| {
                let what = match timer {
                    super::state::Timer::Message(queue, seq) => format!("{queue} {seq}"),
                    super::state::Timer::Retention(queue) => format!("{queue} expiry"),
                    super::state::Timer::Mapping(name) => format!("mapping {name}"),
                    super::state::Timer::Async(event) => format!("async {event}"),
                    super::state::Timer::Schedule(name) => format!("schedule {name}"),
                    super::state::Timer::Rule(name) => format!("rule {name}"),
                    super::state::Timer::Firing(id) => format!("firing {id}"),
                };
                (*at, what)
            })
            .collect();
        assert_eq!(
            timers, due,
            "{at}: each timer belongs to something, and each thing due has one"
        );
        for (name, function) in &state.functions {
            let running = state.invocations.values().filter(|i| i.function == *name).count();
            assert_eq!(function.running, running, "{at}: {name}");
        }
    }
}

#[test]
fn whatever_happens_nothing_is_lost_and_the_journal_tells_it_all() {
    for seed in 0..150 {
        let mut world = World::new();
        world.apply(topology(true, true));
        let choices = Choices::from_seed(seed);
        let mut simulation = Simulation { world, choices, running: vec![], receipts: vec![] };
        for step in 0..120 {
            simulation.step();
            if step % 10 == 9 {
                simulation.check(&format!("seed {seed}, step {step}"));
            }
        }
        let world = &simulation.world;
        let mut entered: BTreeMap<Name, u64> = BTreeMap::new();
        for fact in world.facts(0) {
            let mut into = |queue: &Name| *entered.entry(queue.clone()).or_default() += 1;
            let mut deliver = |delivery: &Delivery| match &delivery.outcome {
                Delivered::Queued { queue, .. } | Delivered::DeadLettered { queue, .. } => {
                    into(queue)
                }
                Delivered::Invoked { .. } | Delivered::Lost { .. } | Delivered::Put { .. } => {}
            };
            match &fact {
                Fact::EventAccepted { deliveries, .. } => deliveries.iter().for_each(deliver),
                Fact::AsyncEnded { delivery: Some(d), .. } => deliver(d),
                Fact::StreamDiscarded { delivery: Some(d), .. } => deliver(d),
                Fact::ScheduleFired { outcome: Tried::Settled { deliveries }, .. }
                | Fact::FiringTried { outcome: Tried::Settled { deliveries }, .. } => {
                    deliveries.iter().for_each(deliver);
                }
                Fact::MessageSent { queue, .. } => into(queue),
                Fact::DeadLettered { to, .. } => into(to),
                Fact::ResourceGone { kind: Kind::Queue, name } => drop(entered.remove(name)),
                _ => {}
            }
        }
        for (name, queue) in &world.state().queues {
            let told = entered.get(name).copied().unwrap_or(0);
            assert_eq!(queue.counts.entered, told, "seed {seed}: {name}");
        }
    }
}
