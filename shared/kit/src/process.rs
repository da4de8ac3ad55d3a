//! A record's step in a stream: what a saga, and a function that carries out commands, do alike.
//!
//! [`Process::handle`] reads the stream the step belongs to, has it decided what follows, and writes
//! all of it in one transaction: the record's marker, the events and commands in the stream, and
//! effects on other rows. The stream is the process's only memory; nothing is lost with the
//! machine it runs on. A deadline is a command of the same transaction that is delivered later.
//!
//! What is decided is plain values, and the decision a plain function that knows nothing of this
//! module, such as `fn(&State, &Inbox) -> (Vec<Event>, Vec<Due<Command>>)`; see [`Decision`].
//!
//! It is decided again, on the stream as it then is, when
//! - another writer appended to the stream first, or
//! - a condition of the decision was false ([`Turn::refused`] has its name): something else that
//!   was looked at has changed, such as another stream, or the stock.
//!
//! A record that was handled before is done; one of the same id but other content is rejected.
//!
//! ```
//! # tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap().block_on(async {
//! # use pointsman_kit::event::{Command, Event, Origin, SchemaVersion};
//! # use serde::{Deserialize, Serialize};
//! # #[derive(Debug, Clone, PartialEq, Serialize, Deserialize)] pub struct BulbBurst { lamp: String }
//! # impl Event for BulbBurst {
//! #   const NAME: &str = "BulbBurst"; const VERSION: SchemaVersion = SchemaVersion::new(1, 0);
//! #   const SOURCE: &str = "house.lamps"; const STREAM: &str = "lamp";
//! #   const OWNER: &str = "house"; const REASON: &str = "A room became dark.";
//! # }
//! # #[derive(Debug, Clone, PartialEq, Serialize, Deserialize)] pub struct RepairBegun {}
//! # impl Event for RepairBegun {
//! #   const NAME: &str = "RepairBegun"; const VERSION: SchemaVersion = SchemaVersion::new(1, 0);
//! #   const SOURCE: &str = "house.repairs"; const STREAM: &str = "repair";
//! #   const OWNER: &str = "house"; const REASON: &str = "Somebody cares.";
//! # }
//! # #[derive(Debug, Clone, PartialEq, Serialize, Deserialize)] pub struct ChangeBulb {}
//! # impl Command for ChangeBulb {
//! #   const NAME: &str = "ChangeBulb"; const VERSION: SchemaVersion = SchemaVersion::new(1, 0);
//! #   const ORIGIN: Origin = Origin::Stream { stream: "repair", source: "house.repairs" };
//! #   const OWNER: &str = "house"; const REASON: &str = "A lamp must burn again.";
//! # }
//! use pointsman_kit::{consumer::{Failure, Harness, Record, handle_batch}, live::Live};
//! use pointsman_kit::event::{Due, StreamName, Timestamp, command_set, event_set};
//! use pointsman_kit::{observability::Log, process::{Decision, Process}, runtime::Invocation};
//! use pointsman_kit::{store::Store, table::Memory};
//! use std::{sync::Arc, time::Duration};
//!
//! event_set! { pub enum Heard { BulbBurst } }
//! event_set! { pub enum RepairEvent { RepairBegun } }
//! command_set! { pub enum RepairCommand { ChangeBulb } }
//!
//! /// The pure part: a lamp is repaired once at a time.
//! fn decide(begun: &bool, _: &Heard) -> (Vec<RepairEvent>, Vec<Due<RepairCommand>>) {
//!     if *begun {
//!         return (vec![], vec![]);
//!     }
//!     (vec![RepairBegun {}.into()], vec![Due::now(ChangeBulb {})])
//! }
//!
//! async fn repair(process: &Process, record: Record<Heard>, live: Live) -> Result<(), Failure> {
//!     let Heard::BulbBurst(burst) = &record.event.data;
//!     let stream = StreamName::new("repair", &burst.lamp).map_err(Failure::reject)?;
//!     let step = process.handle(&live, &record, &stream, async |turn| {
//!         let begun = turn.fold(false, |_, _: &RepairEvent| true)?;
//!         Ok(decide(&begun, &record.event.data).into())
//!     });
//!     step.await.map(drop)
//! }
//!
//! let store = Store::new(Arc::new(Memory::new()), "EventStore");
//! let process = Process::new("repair", store.clone(), "Services");
//! # let mut batch = serde_json::json!({ "Records": [] });
//! # for id in ["01J00000000000000000000001", "01J00000000000000000000001", "01J00000000000000000000002"] {
//! #   let metadata = serde_json::json!({ "id": id, "type": "BulbBurst", "source": "house.lamps",
//! #     "subject": "7", "stream": "lamp#7", "version": 1, "previous": 0, "schemaVersion": "1.0",
//! #     "occurredAt": "2026-11-21T12:00:00.000Z", "correlationId": "r", "causationId": "r", "hops": 0 });
//! #   let body = serde_json::json!({ "detail-type": "BulbBurst",
//! #     "detail": { "metadata": metadata, "data": { "lamp": "7" } } });
//! #   batch["Records"].as_array_mut().unwrap().push(serde_json::json!({ "messageId": id,
//! #     "body": body.to_string(), "attributes": { "ApproximateFirstReceiveTimestamp": "1" } }));
//! # }
//! # let batch = serde_json::from_value(batch).unwrap();
//! let invocation = Invocation::new("r", Duration::from_secs(9), &Log::new("repair"));
//! // The batch says twice, and then once more, that lamp 7 burst:
//! let failures = handle_batch(&Harness::new("repair"), batch, &invocation, &process, repair).await;
//! assert!(failures.is_empty());
//! let rows = store.read(&"repair#7".parse().unwrap()).await.unwrap().rows;
//! assert_eq!(rows.len(), 2, "RepairBegun and one ChangeBulb");
//! # });
//! ```

mod decision;
#[cfg(test)]
mod tests;

pub use decision::Decision;

use crate::{
    consumer::{Failure, Record},
    live::Live,
    observability::Log,
    store::{History, Row, Store},
    table::Tables,
    transaction::Verdict,
};
use pointsman_event::{Readable, StreamName};

/// How often a step is decided in all.
const ROUNDS: usize = 5;

/// The generation that its markers name: a stream is never built anew, so there is no other.
const GENERATION: &str = "1";

/// What all steps of one consumer share.
#[derive(Clone)]
pub struct Process {
    consumer: String,
    store: Store,
    services: String,
    seed: Option<u64>,
}

/// What a step is decided on.
#[derive(Debug, Clone)]
pub struct Turn {
    history: History,
    refused: Option<&'static str>,
}

/// How a step ended.
#[derive(Debug, Clone, PartialEq)]
pub enum Done {
    /// Nothing followed from it.
    Nothing,
    /// It is in, with these rows in the stream.
    Written(Vec<Row>),
    /// It was in already: the record came again, or an answer was lost on the way.
    Duplicate,
}

impl Process {
    /// The process of `consumer`, whose streams are in `store` and whose markers in the table
    /// `services`.
    pub fn new(consumer: &str, store: Store, services: &str) -> Self {
        Self { consumer: consumer.to_owned(), store, services: services.to_owned(), seed: None }
    }

    /// Draws the pauses of its transactions from `seed`.
    #[must_use]
    pub fn seeded(mut self, seed: u64) -> Self {
        self.seed = Some(seed);
        self
    }

    /// Where its streams are.
    pub fn store(&self) -> &Store {
        &self.store
    }

    /// The tables it writes to.
    pub fn tables(&self) -> &dyn Tables {
        self.store.tables()
    }

    /// Has `decide` say what follows from `record` in `stream`, and writes all of it once.
    ///
    /// Where nothing follows, nothing is written, and no marker either: the same record coming
    /// again is then no other case than its coming late, which a decision has to cope with anyhow.
    ///
    /// # Errors
    /// To be tried again: the tables' failures, a stream that can't be read, a step that was
    /// overtaken [again and again](self). Rejected: a record whose id was used for other content,
    /// or that is at the hop limit and leads further. And whatever `decide` fails with.
    pub async fn handle<S>(
        &self,
        live: &Live,
        record: &Record<S>,
        stream: &StreamName,
        decide: impl AsyncFn(&Turn) -> Result<Decision, Failure>,
    ) -> Result<Done, Failure> {
        let once = record.once(&self.services, &self.consumer, GENERATION);
        let mut refused = None;
        for _ in 0..ROUNDS {
            let turn = Turn { history: self.store.read(stream).await?, refused };
            let decision = decide(&turn).await?;
            if decision.is_empty() {
                return Ok(Done::Nothing);
            }
            let position = &turn.history.position;
            let (rows, transaction) = decision.place(&self.store, live, position, record)?;
            let mut transaction = transaction.once(&once, None);
            if let Some(seed) = self.seed {
                transaction = transaction.seeded(seed);
            }
            refused = match transaction.commit(self.tables(), record.deadline).await? {
                Verdict::Committed => {
                    rows.iter().for_each(|row| log(&record.log, row));
                    return Ok(Done::Written(rows));
                }
                Verdict::Done(_) => {
                    record.log.count("DuplicateSkipped");
                    return Ok(Done::Duplicate);
                }
                Verdict::Mismatch => {
                    let id = record.event.metadata.id;
                    return Err(Failure::reject(format!("{id} was handled with other data")));
                }
                Verdict::VersionTaken => None,
                Verdict::Refused(name) => Some(name),
            };
            record.log.count("DecidedAgain");
        }
        let last = refused.unwrap_or("another writer came first");
        Err(Failure::retry(format!("decided {ROUNDS} times on {stream}, the last time: {last}")))
    }
}

/// A line for what followed; the log already has the ids of what it follows from.
fn log(log: &Log, row: &Row) {
    let metadata = &row.envelope.metadata;
    let line = log.info("appended").field("rowId", metadata.id);
    let line = line.field("rowType", &metadata.event_type).field("stream", &metadata.stream);
    line.field("version", metadata.version).emit();
}

impl Turn {
    /// The stream's state: `apply` over its rows from `start` on, as [`History::fold`].
    ///
    /// # Errors
    /// If the stream can't be read as `S`. It is not the record's fault, so that comes again.
    pub fn fold<S: Readable, T>(
        &self,
        start: T,
        apply: impl FnMut(T, &S) -> T,
    ) -> Result<T, Failure> {
        self.history.fold(start, apply).map_err(Failure::retry)
    }

    /// The stream as it was just read.
    pub fn history(&self) -> &History {
        &self.history
    }

    /// The condition of the last decision that was false, if that is why it is decided again.
    pub fn refused(&self) -> Option<&'static str> {
        self.refused
    }
}
