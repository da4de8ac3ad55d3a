//! Publisher, consumer, idempotency, event store and HTTP for Rust functions on AWS Lambda.

pub mod table;
