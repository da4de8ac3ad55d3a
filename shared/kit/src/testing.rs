//! What tests of functions and of adapters need.
//!
//! The first half makes what Lambda would hand over, so that a scenario runs in memory: the changes
//! of a [`table::Memory`](crate::table::Memory) become a stream batch, what a relay published
//! becomes a queue batch; a [`Crash`] ends a function's work between any two calls. Under a tokio
//! runtime whose clock is paused (`start_paused`), pauses between attempts take no time. The second
//! half are suites that an adapter of a port has to pass: the
//! memory adapters do, in this crate's tests, and the same suites run against the local engine.
//! They panic where something is not as it should be.

mod crash;
mod lock;
mod store;
mod tables;

pub use crash::Crash;
pub(crate) use crash::{Crashing, Moment};
pub use lock::lock_suite;
pub use store::{store_suite, transaction_suite};
pub use tables::table_suite;

use crate::{consumer, publisher::Entry, stream, table::Change};
use pointsman_event::Timestamp;
use serde_json::{Value, json};

/// An entry as a rule delivers it: the whole EventBridge event.
///
/// # Panics
/// If the entry's detail is no JSON; the bus would have refused it.
pub fn delivered(entry: &Entry) -> String {
    let detail: Value = serde_json::from_str(&entry.detail).expect("the detail is JSON");
    let mut time = entry.time.unwrap_or(Timestamp::from_ms(0)).to_string();
    time.replace_range(time.len() - ".000Z".len().., "Z");
    let event = json!({
        "version": "0",
        "id": "00000000-0000-4000-8000-000000000000",
        "detail-type": entry.detail_type,
        "source": entry.source,
        "account": "000000000000",
        "time": time,
        "region": "us-east-1",
        "resources": [],
        "detail": detail,
    });
    event.to_string()
}

/// A batch of `queue` with these bodies, first received at `at`; the messages' ids are `m0`, `m1`…
///
/// # Panics
/// Never: the batch is well-formed whatever the bodies are.
pub fn queue_batch(queue: &str, bodies: &[String], at: Timestamp) -> consumer::Batch {
    let deliveries = bodies.iter().enumerate().map(|(n, body)| Delivery {
        id: format!("m{n}"),
        body: body.clone(),
        first_received: at,
        receives: 1,
    });
    self::deliveries(queue, &deliveries.collect::<Vec<_>>())
}

/// A message of a queue as it is handed out, for the first time or again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Delivery {
    /// The message's id, the same each time.
    pub id: String,
    /// The body.
    pub body: String,
    /// When it was handed out first: the business time.
    pub first_received: Timestamp,
    /// How often it was handed out, this time included.
    pub receives: u32,
}

/// A batch of `queue` with these messages.
///
/// # Panics
/// Never: the batch is well-formed whatever the messages are.
pub fn deliveries(queue: &str, deliveries: &[Delivery]) -> consumer::Batch {
    let records = deliveries.iter().enumerate().map(|(n, delivery)| {
        let Delivery { id, body, first_received, receives } = delivery;
        json!({
            "messageId": id,
            "receiptHandle": format!("h{n}"),
            "body": body,
            "attributes": {
                "ApproximateReceiveCount": receives.to_string(),
                "SentTimestamp": first_received.as_ms().to_string(),
                "SenderId": "000000000000",
                "ApproximateFirstReceiveTimestamp": first_received.as_ms().to_string(),
            },
            "messageAttributes": {},
            "md5OfBody": "",
            "eventSource": "aws:sqs",
            "eventSourceARN": format!("arn:aws:sqs:us-east-1:000000000000:{queue}"),
            "awsRegion": "us-east-1",
        })
    });
    let batch = json!({ "Records": records.collect::<Vec<_>>() });
    serde_json::from_value(batch).expect("the batch is well-formed")
}

/// A stream batch of these changes, that happened at `at`.
///
/// # Panics
/// Never: the batch is well-formed whatever the changes are.
pub fn stream_batch(changes: &[Change], at: Timestamp) -> stream::Batch {
    let records: Vec<Value> =
        changes.iter().map(|change| change.to_record(at.as_ms().div_euclid(1000))).collect();
    // By text, since a record is kept as it came.
    let batch = json!({ "Records": records }).to_string();
    serde_json::from_str(&batch).expect("the batch is well-formed")
}
