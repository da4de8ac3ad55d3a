//! Publishing again what the relay could not: its mapping gives up after half a day, the table keeps
//! all.

use super::{
    Examples,
    sweep::{Places, Swept, segments, sweep},
};
use crate::relay::{CommandQueues, Duty, discharge, duty};
use contract::event::Timestamp;
use pointsman_kit::{
    clock::Deadline,
    consumer::Failure,
    delivery::Outcome,
    publisher::Publisher,
    queues::Sender,
    store::{self, Kind, Row},
    table::{Condition, Item, Scan, Tables},
};
use serde::{Deserialize, Serialize};
use std::sync::Arc;

const HOUR_MS: i64 = 3_600_000;
/// What the clocks of two writers may be apart, and more.
const SLACK_MS: i64 = HOUR_MS;
/// Up to which age a command is sent again: a consumer's markers are kept for 60 days, of which a
/// queue, its DLQ and a redrive may take 32 until it is handled.
const COMMAND_AGE_MS: i64 = 28 * 24 * HOUR_MS;
/// How many rows a page has at most, so that one is published well within an invocation.
const PAGE: usize = 1000;

/// What to publish again, and how far that has gone.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Repair {
    /// Rows recorded since then, and in the hour before: wall time, as their writers' clocks had it.
    pub since: Timestamp,
    /// How many parts of the table are read at once.
    #[serde(default = "segments")]
    pub segments: u32,
    /// Whether commands are sent again, too.
    #[serde(default)]
    pub commands: bool,
    /// How far it has gone.
    #[serde(default)]
    pub places: Places,
    /// What was done so far.
    #[serde(default)]
    pub repaired: Repaired,
}

/// What a repair did.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Repaired {
    /// Events published.
    pub published: u64,
    /// Commands sent.
    pub sent: u64,
    /// Commands left alone: their markers may be gone by the time they are handled.
    pub too_old: u64,
    /// Rows that can never be published.
    pub unfit: u64,
    /// Some of these, with the reason.
    pub examples: Examples,
}

/// Where rows come from and go to.
pub struct Ways<'a> {
    /// Where the event store is.
    pub tables: &'a Arc<dyn Tables>,
    /// Its table.
    pub event_store: &'a str,
    /// To the bus.
    pub publisher: &'a Publisher,
    /// To the queues.
    pub sender: &'a Sender,
    /// Where commands go.
    pub commands: &'a CommandQueues,
    /// Wall time.
    pub now: Timestamp,
}

/// Publishes, from where `repair` stopped, what the relay would have published.
///
/// # Errors
/// What can't pass.
pub async fn run(
    ways: &Ways<'_>,
    repair: &mut Repair,
    deadline: Deadline,
) -> Result<Swept, Failure> {
    let since = Timestamp::from_ms(repair.since.as_ms().saturating_sub(SLACK_MS));
    let kinds = match repair.commands {
        true => Condition::Any(vec![Kind::Event.is(), Kind::Command.is()]),
        false => Kind::Event.is(),
    };
    let wanted = Condition::All(vec![kinds, store::recorded_since(since)]);
    let scan = Scan::new(ways.event_store).only(wanted).limit(PAGE);
    let Repair { segments, places, repaired, .. } = repair;
    let visit = async |items: Vec<Item>| {
        repaired.add(ways.publish(&items, deadline).await?);
        Ok(())
    };
    sweep(ways.tables, &scan, *segments, places, deadline, visit).await
}

impl Ways<'_> {
    /// All rows of a page, or a failure: then some may be in.
    async fn publish(&self, items: &[Item], deadline: Deadline) -> Result<Repaired, Failure> {
        let mut repaired = Repaired::default();
        let (mut rows, mut duties) = (Vec::new(), Vec::new());
        for item in items {
            let row = match Row::from_item(item) {
                Ok(row) => row,
                Err(malformed) => {
                    repaired.unfit(malformed.to_string());
                    continue;
                }
            };
            let age = self.now.as_ms().saturating_sub(row.recorded_at.as_ms());
            if row.kind == Kind::Command && age > COMMAND_AGE_MS {
                repaired.too_old += 1;
                continue;
            }
            match duty(&row, self.now, self.commands) {
                Ok(duty) => {
                    let sent = matches!(duty, Duty::Send(_));
                    rows.push((row.envelope.metadata.id, sent));
                    duties.push(duty);
                }
                Err(reason) => repaired.unfit(format!("{}: {reason}", row.envelope.metadata.id)),
            }
        }
        let outcomes = discharge(self.publisher, self.sender, duties, deadline).await;
        for ((id, sent), outcome) in rows.into_iter().zip(outcomes) {
            match outcome {
                Outcome::Accepted(_) if sent => repaired.sent += 1,
                Outcome::Accepted(_) => repaired.published += 1,
                Outcome::Rejected(failure) => repaired.unfit(format!("{id}: {failure}")),
                Outcome::Unsent(failure) => return Err(Failure::retry(failure)),
            }
        }
        Ok(repaired)
    }
}

impl Repaired {
    fn unfit(&mut self, example: String) {
        self.unfit += 1;
        self.examples.add(example);
    }

    fn add(&mut self, more: Self) {
        self.published += more.published;
        self.sent += more.sent;
        self.too_old += more.too_old;
        self.unfit += more.unfit;
        self.examples.extend(more.examples);
    }
}
