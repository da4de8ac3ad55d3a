//! Publisher, consumer, idempotency, event store and HTTP for Rust functions on AWS Lambda.

#[cfg(feature = "aws")]
pub mod aws;
pub mod clock;
pub mod delivery;
pub mod http;
pub mod idempotency;
pub mod ids;
pub mod live;
pub mod observability;
pub mod publisher;
pub mod queues;
pub mod retry;
pub mod runtime;
pub mod store;
pub mod table;
pub mod transaction;

pub use pointsman_event as event;
