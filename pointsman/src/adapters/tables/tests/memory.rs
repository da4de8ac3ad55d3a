//! Order table → record → cursor: two stores that forget their unsynced tails independently, and a reader between.

use super::{NOON, region};
use crate::adapters::tables::{MemoryTables, StreamRecord, StreamSource, Ticket};
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::sync::Arc;

const SEEDS: u64 = 1000;
const STEPS: usize = 80;

/// What is done wrong, to prove that it would be noticed.
#[derive(Clone, Copy, PartialEq)]
enum Fault {
    None,
    /// Orders are acknowledged before they are durable.
    EarlyAnswer,
    /// Records are shown before they are durable.
    EarlyRecord,
    /// The cursor is journaled before what it passes was handled.
    EarlyCursor,
}

struct World {
    tables: MemoryTables,
    fault: Fault,
    next: u64,
    waiting: Vec<(u64, Ticket)>,
    acknowledged: BTreeSet<u64>,
    /// What the reader holds in memory, read and not yet handled.
    batch: Vec<StreamRecord>,
    handled: BTreeSet<u64>,
    cursor: Option<String>,
    journaled: Option<String>,
}

impl World {
    fn new(fault: Fault) -> Self {
        let tables = MemoryTables::new(region(), Arc::new(|| NOON));
        tables.create("orders", &["pk"]);
        World {
            tables,
            fault,
            next: 0,
            waiting: Vec::new(),
            acknowledged: BTreeSet::new(),
            batch: Vec::new(),
            handled: BTreeSet::new(),
            cursor: None,
            journaled: None,
        }
    }

    fn order(&mut self) {
        self.next += 1;
        let item = json!({ "pk": { "N": self.next.to_string() } });
        let ticket = self.tables.put("orders", item, true, Some("request")).expect("a write");
        let ticket = ticket.expect("a new order");
        match self.fault {
            Fault::EarlyAnswer => {
                self.acknowledged.insert(self.next);
            }
            _ => self.waiting.push((self.next, ticket)),
        }
    }

    fn sync_tables(&mut self) {
        self.tables.sync();
        let (durable, waiting) =
            self.waiting.drain(..).partition(|(_, ticket)| self.tables.durable(*ticket));
        self.waiting = waiting;
        let durable: Vec<(u64, Ticket)> = durable;
        self.acknowledged.extend(durable.iter().map(|(order, _)| *order));
    }

    async fn read(&mut self, limit: usize) {
        let after = self.cursor.as_deref();
        self.batch = match self.fault {
            Fault::EarlyRecord => self.tables.read_ahead("orders", after, limit),
            _ => self.tables.read("orders", after, limit).await.expect("the stream"),
        };
        if self.fault == Fault::EarlyCursor {
            self.pass_batch();
        }
    }

    fn handle(&mut self) {
        for record in &self.batch {
            let json: Value = serde_json::from_slice(&record.json).expect("a record is JSON");
            let order = json["dynamodb"]["Keys"]["pk"]["N"].as_str().and_then(|n| n.parse().ok());
            self.handled.insert(order.expect("an order's number"));
        }
        self.pass_batch();
        self.batch.clear();
    }

    fn pass_batch(&mut self) {
        if let Some(last) = self.batch.last() {
            self.cursor = Some(last.sequence.clone());
        }
    }

    fn sync_journal(&mut self) {
        self.journaled = self.cursor.clone();
    }

    /// Both stores lose what they had not synced; orders nobody answered may be gone.
    fn crash(&mut self) {
        self.tables.crash();
        self.waiting.clear();
        self.batch.clear();
        self.cursor = self.journaled.clone();
    }

    async fn settle(&mut self) -> Result<(), String> {
        self.sync_tables();
        loop {
            self.read(10).await;
            if self.batch.is_empty() {
                break;
            }
            self.handle();
        }
        let there = |order: &u64| {
            self.tables.get("orders", &json!({ "pk": { "N": order.to_string() } })).is_some()
        };
        if let Some(order) = self.acknowledged.iter().find(|order| !there(order)) {
            return Err(format!("order {order} was acknowledged and is gone"));
        }
        if let Some(order) = self.acknowledged.iter().find(|order| !self.handled.contains(order)) {
            return Err(format!("order {order} was acknowledged and never handled"));
        }
        if let Some(order) = self.handled.iter().find(|order| !there(order)) {
            return Err(format!("order {order} was handled and does not exist"));
        }
        Ok(())
    }
}

async fn run(fault: Fault, seed: u64) -> Result<(), String> {
    let mut world = World::new(fault);
    let mut random = seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1;
    for _ in 0..STEPS {
        random ^= random << 13;
        random ^= random >> 7;
        random ^= random << 17;
        match random % 16 {
            0..=4 => world.order(),
            5..=7 => world.sync_tables(),
            8..=10 if world.batch.is_empty() => world.read(1 + (random >> 8) as usize % 4).await,
            8..=12 => world.handle(),
            13..=14 => world.sync_journal(),
            _ => world.crash(),
        }
    }
    world.settle().await
}

#[tokio::test]
async fn every_acknowledged_order_is_handled_whatever_is_forgotten_when() {
    for seed in 0..SEEDS {
        if let Err(fault) = run(Fault::None, seed).await {
            panic!("seed {seed}: {fault}");
        }
    }
}

#[tokio::test]
async fn a_step_out_of_order_is_caught() {
    for (fault, expected) in [
        (Fault::EarlyAnswer, "acknowledged and is gone"),
        (Fault::EarlyRecord, "handled and does not exist"),
        (Fault::EarlyCursor, "never handled"),
    ] {
        let mut found = None;
        for seed in 0..SEEDS {
            if let Err(text) = run(fault, seed).await
                && text.contains(expected)
            {
                found = Some(seed);
                break;
            }
        }
        assert!(found.is_some(), "no seed finds an order {expected}");
    }
}

#[tokio::test]
async fn the_memory_forgets_its_unsynced_tail_and_nothing_else() {
    let tables = MemoryTables::new(region(), Arc::new(|| NOON));
    tables.create("orders", &["pk"]);
    let item = |n: u32| json!({ "pk": { "S": "1" }, "n": { "N": n.to_string() } });
    let key = json!({ "pk": { "S": "1" } });
    let mut woken = tables.woken();
    let kept = tables.put("orders", item(1), true, Some("a")).expect("a write").expect("new");
    assert_eq!(tables.get("orders", &key), None);
    assert!(!tables.durable(kept));
    tables.sync();
    assert!(tables.durable(kept));
    assert_eq!(*woken.borrow_and_update(), 1);

    let lost = tables.put("orders", item(2), false, None).expect("a write").expect("written");
    assert_eq!(tables.put("orders", item(3), true, None), Ok(None));
    assert_eq!(tables.get("orders", &key), Some(item(1)));
    let before = tables.bounds("orders").await.expect("bounds");
    assert_eq!(
        tables.writer("orders", before.latest.as_deref().unwrap_or("")).as_deref(),
        Some("a")
    );
    tables.crash();
    tables.sync();
    assert!(!tables.durable(lost) && tables.durable(kept));
    assert_eq!(tables.get("orders", &key), Some(item(1)));
    assert_eq!(tables.read("orders", None, 10).await.map(|records| records.len()), Ok(1));

    tables.put("orders", item(1), false, None).expect("a write that changes nothing");
    tables.put("orders", item(4), false, None).expect("a write");
    tables.sync();
    let records = tables.read("orders", before.latest.as_deref(), 10).await.expect("the stream");
    let json: Value = serde_json::from_slice(&records[0].json).expect("a record is JSON");
    assert_eq!((records.len(), &json["eventName"]), (1, &json!("MODIFY")));
    assert_eq!(json["dynamodb"]["OldImage"], item(1));
}
