//! Consumers: batches of a queue, record by record, each with its own end.
//!
//! Every queue's body is a whole EventBridge event, commands included, so one parser serves all.
//! A record goes through: parse → upcast → hop limit → replay rule → dedupe → handle, and ends
//! [done, to be tried again, or rejected](Failure). One record's failure, panic or slowness leaves
//! the others alone:
//!
//! - a failure to be tried again is returned to Lambda, and SQS delivers the record once more;
//! - a rejected record (poison) goes to the DLQ with the reason, and is done;
//! - a panic is caught and tried again; SQS gives up on it by itself;
//! - a handler still running at the deadline is dropped, and what was not begun is returned.
//!
//! There are two sorts. A *consumer* (`run`) decides and acts, on live records alone; a replay
//! passes it by. A *projection* (`run_projection`) only rebuilds its own state, for each open
//! generation of it, and may be fed from a replay. The first gets a [`Live`], which appending and
//! outside effects ask for; the second gets none.
//!
//! ```
//! # tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap().block_on(async {
//! # use pointsman_kit::event::{Event, SchemaVersion, event_set};
//! # use serde::{Deserialize, Serialize};
//! # #[derive(Debug, Clone, PartialEq, Serialize, Deserialize)] pub struct LampLit { watts: u32 }
//! # impl Event for LampLit {
//! #   const NAME: &str = "LampLit"; const VERSION: SchemaVersion = SchemaVersion::new(1, 0);
//! #   const SOURCE: &str = "house.lamps"; const STREAM: &str = "lamp";
//! #   const OWNER: &str = "house"; const REASON: &str = "A room became bright.";
//! # }
//! use pointsman_kit::{consumer::{Batch, Failure, Harness, Record, handle_batch}, live::Live};
//! use pointsman_kit::{observability::Log, runtime::Invocation};
//! use std::{cell::Cell, time::Duration};
//!
//! event_set! { #[derive(Debug)] pub enum Heard { LampLit } }
//!
//! async fn meter(watts: &Cell<u32>, record: Record<Heard>, _: Live) -> Result<(), Failure> {
//!     let Heard::LampLit(lamp) = record.event.data;
//!     watts.set(watts.get() + lamp.watts);
//!     Ok(())
//! }
//!
//! let watts = Cell::new(0);
//! # let batch: Batch = serde_json::from_str(r#"{"Records":[]}"#).unwrap();
//! let invocation = Invocation::new("r", Duration::from_secs(9), &Log::new("meter"));
//! let failures = handle_batch(&Harness::new("meter"), batch, &invocation, &watts, meter).await;
//! assert!(failures.is_empty());
//! # });
//! ```

mod failure;
mod harness;
mod projection;
mod record;
#[cfg(test)]
mod tests;
mod wire;

pub use failure::Failure;
pub use harness::Harness;
pub use projection::handle_projection_batch;
pub use record::{Record, Replay};
pub use wire::{Batch, BatchFailures};

use crate::{live::Live, runtime::Invocation};
use pointsman_event::Readable;

/// Handles one batch of a consumer; what is returned goes to Lambda as it is.
///
/// A replayed record is acked and counted, and never reaches `handle`.
pub async fn handle_batch<W, S: Readable>(
    harness: &Harness,
    batch: Batch,
    invocation: &Invocation,
    world: &W,
    handle: impl AsyncFn(&W, Record<S>, Live) -> Result<(), Failure>,
) -> BatchFailures {
    let visit = async |record: Record<S>| {
        if record.replay.is_some() {
            record.log.count("ReplayedIgnored");
            return Ok(());
        }
        handle(world, record, Live::new()).await
    };
    harness.each(batch, invocation, visit).await
}

/// Runs a consumer: `init` builds its world and harness once, `handle` gets each record.
///
/// # Errors
/// If `init` fails or the Lambda Runtime API is gone.
#[cfg(feature = "lambda")]
pub fn run<W, S: Readable>(
    function: &str,
    init: impl AsyncFnOnce() -> Result<(Harness, W), crate::runtime::Error>,
    handle: impl AsyncFn(&W, Record<S>, Live) -> Result<(), Failure>,
) -> Result<(), crate::runtime::Error> {
    crate::runtime::run(
        function,
        init,
        async |(harness, world): &(Harness, W), batch, invocation| {
            Ok(handle_batch(harness, batch, &invocation, world, &handle).await)
        },
    )
}

/// Runs a projection: as [`run`], but `handle` gets each record once for every generation that
/// `open` names, or for its own generation if it is replayed.
///
/// # Errors
/// If `init` fails or the Lambda Runtime API is gone.
#[cfg(feature = "lambda")]
pub fn run_projection<W, S: Readable>(
    function: &str,
    init: impl AsyncFnOnce() -> Result<(Harness, W), crate::runtime::Error>,
    open: impl AsyncFn(&W) -> Result<Vec<String>, Failure>,
    handle: impl AsyncFn(&W, &Record<S>, &str) -> Result<(), Failure>,
) -> Result<(), crate::runtime::Error> {
    crate::runtime::run(
        function,
        init,
        async |(harness, world): &(Harness, W), batch, invocation| {
            Ok(handle_projection_batch(harness, batch, &invocation, world, &open, &handle).await)
        },
    )
}
