//! Runs an event-driven SAM template on one machine: the same AWS protocols, the real function binaries, durable.
//!
//! From the outside to the inside; each layer knows only what stands below it:
//!
//! - [`adapters`]: AWS's protocols, function processes, HTTP APIs, tables
//! - [`engine`]: decides once, journals, folds
//! - [`services`]: what bus, queue, function and mapping mean, as pure state machines
//! - [`storage`]: the journal on a disk that may lose power
//! - [`topology`]: what a template asks for; [`clock`]: the one place that reads time

pub mod adapters;
pub mod clock;
pub mod engine;
pub mod services;
pub mod storage;
pub mod topology;
