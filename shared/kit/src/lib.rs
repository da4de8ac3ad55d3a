//! What Rust functions of an event-driven system on AWS Lambda need: events that are not lost, work
//! that is not done twice, and tests without a network.
//!
//! | module | yields |
//! |---|---|
//! | [`event`] | what events and commands are: declarations, the envelope, upcasting |
//! | [`http`] | requests of an HttpApi, the caller, answers that name the field at fault |
//! | [`consumer`] | a queue's batches, record by record: done, again, or rejected; projections |
//! | [`stream`] | a table's stream in order, for a relay |
//! | [`store`] | streams appended under a version, read consistently, with guards and snapshots |
//! | [`idempotency`], [`transaction`] | a request's or event's mark, written with what was done |
//! | [`process`] | a record's step in a stream: sagas, and functions that carry out commands |
//! | [`lock`] | a fenced lock in a row, for effects that no transaction can hold |
//! | [`publisher`], [`queues`] | the way to a bus and to queues, each entry's result read |
//! | [`delivery`] | what became of each thing that was sent |
//! | [`table`] | the port to DynamoDB, with a memory adapter |
//! | [`live`] | the right to act on the world, which a replay does not have |
//! | [`observability`] | log lines and metrics |
//! | [`clock`], [`ids`], [`retry`] | deadlines, ids, pauses: all that is not an argument |
//! | [`runtime`] | an invocation, and how a function is run |
//! | `aws` | the SDK's configuration, made to start fast |
//! | [`testing`] | batches as Lambda makes them, and suites for adapters |
//!
//! The features `dynamodb`, `eventbridge` and `sqs` bring the real adapters, `lambda` the functions
//! `run`. Everything else works, and is tested, without them. It knows no event of any application.

#[cfg(feature = "aws")]
pub mod aws;
pub mod clock;
pub mod consumer;
pub mod delivery;
pub mod http;
pub mod idempotency;
pub mod ids;
pub mod live;
pub mod lock;
pub mod observability;
pub mod process;
pub mod publisher;
pub mod queues;
pub mod retry;
pub mod runtime;
pub mod store;
pub mod stream;
pub mod table;
pub mod testing;
pub mod transaction;

pub use pointsman_event as event;
