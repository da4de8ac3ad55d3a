//! The engine on a disk that loses power: what was acknowledged is there, nothing is invented, it starts again.

use super::*;
use crate::clock::{ManualClock, Time};
use crate::engine::testing::{function, queue_mapping, resources, with_dead_letters};
use crate::engine::{
    Caller, Cause, Choices, Core, Effect, Entry, Fact, Handed, Id, InvocationId, SeededRandom,
};
use crate::faults::NoFaults;
use crate::services::Started;
use crate::services::bus::{EventEntry, PutEvents};
use crate::services::function::{Finish, Finished};
use crate::services::queue::{
    ChangeVisibility, DeleteMessages, MessageToSend, Receipt, Receive, SendMessages,
};
use crate::services::stack::ApplyTemplate;
use crate::storage::{Fault, Fold, SimDisk};
use crate::topology::*;
use std::collections::BTreeMap;

const SEEDS: u64 = 1_000;

/// What somebody outside has been told.
#[derive(Default)]
struct Told {
    /// Facts that were durable when replies went out.
    facts: usize,
    /// Every fact that was ever decided in this life of the disk, durable or not.
    decided: Vec<Vec<u8>>,
    bodies: BTreeMap<u64, Bytes>,
}

struct Life {
    core: Core,
    log: JournalLog,
    keeper: Keeper,
    running: Vec<InvocationId>,
    received: Vec<Handed>,
}

/// Opens the journal; `Err` is a fault of the disk, to be met with another try after the power comes back.
fn open(disk: &SimDisk, clock: &Arc<ManualClock>, seed: u64) -> Result<(Life, u64), OpenError> {
    let mut options = Options::default();
    options.segment_bytes = 64 * 1024;
    options.history_bytes = 128 * 1024;
    let journal = Journal::open(Arc::new(disk.clone()), options)?;
    let facts = journal.opened.last_seq;
    let core = Core::new(
        journal.state,
        facts,
        clock.clone(),
        Box::new(SeededRandom::new(seed)),
        Arc::new(NoFaults),
    );
    let life =
        Life { core, log: journal.log, keeper: journal.keeper, running: vec![], received: vec![] };
    Ok((life, facts))
}

fn shop() -> ApplyTemplate {
    let [dlq, queue] = with_dead_letters("orders", 3);
    let rule = RuleSpec {
        name: "all".into(),
        bus: "default".into(),
        pattern: r#"{"source":["shop"]}"#.into(),
        enabled: true,
        description: String::new(),
        targets: ["orders", "audit"]
            .map(|name| TargetSpec {
                id: name.into(),
                arn: Region::default().queue(name),
                input: InputSpec::Event,
                retry: RetryPolicy::default(),
                dead_letter: None,
                role: None,
                message_group: None,
            })
            .to_vec(),
    };
    let specs = vec![
        dlq,
        queue,
        Spec::Queue(QueueSpec::named("audit")),
        Spec::Function(function("view")),
        Spec::Mapping(queue_mapping("orders", "view")),
        Spec::Rule(rule),
        Spec::Schedule(beat()),
    ];
    ApplyTemplate { stack: "shop".into(), resources: resources(specs), ..Default::default() }
}

/// A schedule of every minute.
fn beat() -> ScheduleSpec {
    ScheduleSpec {
        name: "beat".into(),
        group: "default".into(),
        description: String::new(),
        expression: "rate(1 minute)".into(),
        timezone: "UTC".into(),
        start: None,
        end: None,
        window_minutes: None,
        enabled: true,
        delete_after: false,
        target: ScheduleTarget {
            arn: Region::default().queue("audit"),
            role: "arn:aws:iam::000000000000:role/scheduler".into(),
            input: Some("beat".into()),
            retry: RetryPolicy::default(),
            dead_letter: None,
            event: None,
        },
        kms_key: None,
    }
}

impl Life {
    /// One random thing that somebody does.
    fn act(&mut self, choices: &mut Choices, clock: &ManualClock) {
        let (cause, caller) = (Cause::Request(Id(1)), Caller::Operator);
        let audit: crate::engine::Name = "audit".into();
        match choices.below(8) {
            0 | 1 => {
                let size = choices.below(3_000) as usize;
                let entry = EventEntry {
                    source: Some(if choices.below(8) == 0 { "other" } else { "shop" }.into()),
                    detail_type: Some("Happened".into()),
                    detail: Some(format!(r#"{{"text":"{}"}}"#, "x".repeat(size))),
                    ..Default::default()
                };
                let entries = vec![entry; 1 + choices.below(4) as usize];
                let _ = self.core.submit(&PutEvents { entries }, cause, caller);
            }
            2 => {
                let body = Bytes::from(format!("message {}", choices.bits()));
                let delay = (choices.below(3) == 0).then_some(5);
                let message = MessageToSend { body, delay, ..Default::default() };
                let send = SendMessages { queue: audit, messages: vec![message] };
                let _ = self.core.submit(&send, cause, caller);
            }
            3 => {
                let receive = Receive { queue: audit, max: 10, visibility: None };
                if let Ok(handed) = self.core.submit(&receive, cause, caller) {
                    self.received.extend(handed);
                }
            }
            4 => {
                let half = self.received.len() / 2;
                let receipts: Vec<Receipt> = self
                    .received
                    .drain(half..)
                    .map(|h| Receipt { seq: h.seq, receipt: h.receipt })
                    .collect();
                let changes = receipts.iter().take(2).map(|r| (*r, 0)).collect();
                let change = ChangeVisibility { queue: audit.clone(), changes };
                let _ = self.core.submit(&change, cause.clone(), caller.clone());
                let delete = DeleteMessages { queue: audit, receipts };
                let _ = self.core.submit(&delete, cause, caller);
            }
            5 | 6 => {
                for id in std::mem::take(&mut self.running) {
                    let finished = match choices.below(3) {
                        0 => Finished::TimedOut { body: Bytes::new() },
                        _ => Finished::Answered(Bytes::from_static(b"{}")),
                    };
                    let finish = Finish { id, finished, payload: Bytes::new() };
                    let _ = self.core.submit(&finish, cause.clone(), caller.clone());
                }
            }
            _ => {
                clock.advance(Duration::from_secs(choices.below(40)));
                self.core.tick();
            }
        }
    }

    /// Commits as the committing thread does; effects leave only after it.
    fn commit(&mut self, told: &mut Told, mistake: Mistake) -> io::Result<()> {
        let batch = self.core.take_batch();
        told.decided.extend(batch.records.iter().cloned());
        told.bodies.extend(batch.bodies.iter().cloned());
        if mistake == Mistake::AcknowledgeFirst {
            told.facts = told.decided.len();
        }
        self.log.commit(batch.records, batch.bodies)?;
        told.facts = told.decided.len();
        self.running.extend(batch.effects.iter().filter_map(|effect| match effect {
            Effect::Invoke(invoke) => Some(invoke.id),
            Effect::Answer(..) => None,
        }));
        self.log.release(&batch.released);
        Ok(())
    }
}

#[track_caller]
fn check(life: &Life, recovered: usize, told: &Told, seed: u64) {
    let decided = told.decided.len();
    assert!(
        (told.facts..=decided).contains(&recovered),
        "seed {seed}: {recovered} facts are there, {} were acknowledged, {decided} decided",
        told.facts
    );
    let mut model = State::default();
    for record in &told.decided[..recovered] {
        Fold::apply(&mut model, record).unwrap();
    }
    assert!(model.save() == life.core.state().save(), "seed {seed}: the state is another one");
    let read = life.log.reader();
    for id in model.live_bodies() {
        let body = read(id).unwrap_or_else(|e| panic!("seed {seed}: body {id}: {e}"));
        assert!(body == told.bodies[&id], "seed {seed}: body {id} has other bytes");
    }
    let fired = told.decided[..recovered].iter().filter_map(|record| match postcard::from_bytes::<
        Entry,
    >(record)
    .unwrap()
    .fact
    {
        Fact::ScheduleFired { scheduled, .. } => Some(scheduled.0),
        _ => None,
    });
    let fired: Vec<i64> = fired.collect();
    let later = |pair: &[i64]| pair[1] > pair[0] && (pair[1] - pair[0]) % 60_000 == 0;
    assert!(fired.windows(2).all(later), "seed {seed}: no time fires twice: {fired:?}");
    for queue in model.queues.values() {
        let c = queue.counts;
        let there = queue.len() as u64;
        assert_eq!(c.entered, c.deleted + c.dead_lettered + c.dropped + there, "seed {seed}");
    }
}

/// What is done wrong on purpose, to see that it is noticed.
#[derive(Clone, Copy, PartialEq)]
enum Mistake {
    None,
    LeaveOutSync,
    AcknowledgeFirst,
}

/// One disk through several lives, each ended by a power cut, some with a failing disk before it.
fn lives(seed: u64, mistake: Mistake) -> u64 {
    let disk = SimDisk::new(seed);
    if mistake == Mistake::LeaveOutSync {
        disk.lie_about_syncs();
    }
    let clock = Arc::new(ManualClock::new(Time(1_700_000_000_000)));
    let mut choices = Choices::from_seed(seed);
    let mut told = Told::default();
    let mut cuts = 0;
    for life_number in 0..4 {
        let opened = open(&disk, &clock, choices.bits());
        let (mut life, recovered) = match opened {
            Ok(opened) => opened,
            Err(OpenError::Io(_)) => {
                disk.calm();
                disk.power_cut();
                cuts += 1;
                continue;
            }
            Err(error) => panic!("seed {seed}, life {life_number}: {error}"),
        };
        check(&life, recovered as usize, &told, seed);
        told.decided.truncate(recovered as usize);
        told.facts = told.decided.len();
        let started = Started { region: Region::default() };
        let _ = life.core.begin(&started);
        let _ = life.core.submit(&shop(), Cause::Start, Caller::Operator);
        if choices.below(3) == 0 {
            let fault = if choices.below(2) == 0 { Fault::Full } else { Fault::Io };
            disk.fail_at(choices.below(60), fault);
        }
        for _ in 0..choices.below(40) {
            for _ in 0..=choices.below(4) {
                life.act(&mut choices, &clock);
            }
            if life.commit(&mut told, mistake).is_err() {
                break;
            }
            if choices.below(6) == 0 {
                // A round that fails leaves all as it was.
                let _ = life.keeper.round(&|| ());
            }
        }
        drop(life);
        disk.calm();
        disk.power_cut();
        cuts += 1;
    }
    let (life, recovered) = open(&disk, &clock, 1).unwrap_or_else(|e| panic!("seed {seed}: {e}"));
    check(&life, recovered as usize, &told, seed);
    cuts
}

#[test]
fn after_any_power_cut_what_was_acknowledged_is_there_and_nothing_else() {
    let first = std::env::var("POINTSMAN_SEED").ok().and_then(|s| s.parse().ok()).unwrap_or(1);
    let mut cuts = 0;
    let mut seed = first;
    while cuts < SEEDS {
        cuts += lives(seed, Mistake::None);
        seed += 1;
    }
}

#[track_caller]
fn is_noticed(mistake: Mistake) {
    let noticed = (1..=60).any(|seed| std::panic::catch_unwind(|| lives(seed, mistake)).is_err());
    assert!(noticed, "sixty disks, and none showed it");
}

#[test]
fn a_sync_that_is_left_out_is_noticed() {
    is_noticed(Mistake::LeaveOutSync);
}

#[test]
fn an_acknowledgement_before_the_commit_is_noticed() {
    is_noticed(Mistake::AcknowledgeFirst);
}
