//! Batches of a table's stream, as a relay gets them.
//!
//! A stream is read in order, and a failure makes Lambda repeat everything from the first record
//! that failed. So the handler gets the whole batch, says of each record whether it is dealt with,
//! and the harness answers with the lowest sequence number that is not. What lies behind it comes
//! twice; nothing is skipped.

#[cfg(test)]
mod tests;

use crate::{
    consumer::BatchFailures,
    runtime::{Invocation, Watched, watch},
    table::{ChangeKind, Item},
};
use pointsman_event::Timestamp;
use serde::Deserialize;
use serde_json::value::RawValue;

/// A batch of a DynamoDB stream as Lambda hands it over.
#[derive(Debug, Deserialize)]
pub struct Batch {
    #[serde(rename = "Records")]
    records: Vec<Box<RawValue>>,
}

/// One change of a table.
#[derive(Debug, Clone)]
pub struct Record {
    /// Its number in its shard: decimal digits, rising.
    pub sequence: String,
    /// What happened; or why the record can't be read.
    pub change: Result<Change, String>,
    /// The whole record as it came, for quarantine.
    pub raw: String,
}

/// What happened to an item.
#[derive(Debug, Clone)]
pub struct Change {
    /// Whether it came, changed or went.
    pub kind: ChangeKind,
    /// When, to the second: the business time of what follows.
    pub at: Timestamp,
    /// The key attributes.
    pub keys: Item,
    /// The item before, if the stream has it.
    pub old: Option<Item>,
    /// The item after, if the stream has it.
    pub new: Option<Item>,
}

/// Handles one batch; what is returned goes to Lambda as it is.
///
/// `handle` answers for each record, in their order, whether it is dealt with (`true`: handled,
/// skipped, or in quarantine). Too few answers, a panic or the deadline leave the rest undone.
pub async fn handle_batch<W>(
    batch: Batch,
    invocation: &Invocation,
    world: &W,
    handle: impl AsyncFn(&W, &[Record], &Invocation) -> Vec<bool>,
) -> BatchFailures {
    let records: Vec<Record> = batch.records.iter().map(|raw| Record::read(raw)).collect();
    let dealt_with = match watch(invocation.deadline, handle(world, &records, invocation)).await {
        Watched::Done(answers) => answers,
        Watched::Panicked(text) => {
            invocation.log.error("batch failed").cause(&format!("panic: {text}")).emit();
            Vec::new()
        }
        Watched::Late => {
            invocation.log.error("batch not done before the deadline").emit();
            Vec::new()
        }
    };
    let done = |at: usize| dealt_with.get(at).copied().unwrap_or(false);
    let undone = records.iter().enumerate().filter(|(at, _)| !done(*at)).map(|(_, record)| record);
    let mut failures = BatchFailures::none();
    if let Some(first) = undone.min_by(|left, right| left.order().cmp(&right.order())) {
        invocation.log.warn("to be repeated from").field("sequence", &first.sequence).emit();
        failures.push(first.sequence.clone());
    }
    failures
}

/// Runs a function on a table's stream: `init` builds its world once, `handle` gets each batch.
///
/// # Errors
/// If `init` fails or the Lambda Runtime API is gone.
#[cfg(feature = "lambda")]
pub fn run<W>(
    function: &str,
    init: impl AsyncFnOnce() -> Result<W, crate::runtime::Error>,
    handle: impl AsyncFn(&W, &[Record], &Invocation) -> Vec<bool>,
) -> Result<(), crate::runtime::Error> {
    crate::runtime::run(function, init, async |world: &W, batch: Batch, invocation| {
        Ok(handle_batch(batch, &invocation, world, &handle).await)
    })
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Wire {
    event_name: String,
    dynamodb: Body,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Body {
    approximate_creation_date_time: f64,
    keys: Item,
    #[serde(default)]
    old_image: Option<Item>,
    #[serde(default)]
    new_image: Option<Item>,
}

/// Just the number, of a record that can't be read otherwise.
#[derive(Deserialize)]
struct Numbered {
    dynamodb: Number,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Number {
    sequence_number: String,
}

impl Record {
    fn read(raw: &RawValue) -> Self {
        let raw = raw.get();
        let sequence = serde_json::from_str::<Numbered>(raw).map(|n| n.dynamodb.sequence_number);
        let change = serde_json::from_str::<Wire>(raw)
            .map_err(|error| error.to_string())
            .and_then(Change::read);
        Self { sequence: sequence.unwrap_or_default(), change, raw: raw.to_owned() }
    }

    /// The sequence number's value: decimal, of up to 40 digits.
    fn order(&self) -> (usize, &str) {
        let digits = self.sequence.trim_start_matches('0');
        (digits.len(), digits)
    }
}

impl Change {
    fn read(wire: Wire) -> Result<Self, String> {
        let kind = match wire.event_name.as_str() {
            "INSERT" => ChangeKind::Insert,
            "MODIFY" => ChangeKind::Modify,
            "REMOVE" => ChangeKind::Remove,
            other => return Err(format!("eventName {other:?}")),
        };
        let seconds = wire.dynamodb.approximate_creation_date_time;
        Ok(Self {
            kind,
            at: Timestamp::from_ms((seconds * 1000.0) as i64),
            keys: wire.dynamodb.keys,
            old: wire.dynamodb.old_image,
            new: wire.dynamodb.new_image,
        })
    }
}
