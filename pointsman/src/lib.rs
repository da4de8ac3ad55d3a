//! Runs an event-driven SAM template on one machine: the same AWS protocols, the real function binaries, durable.
//!
//! From the outside to the inside; each layer knows only what stands below it:
//!
//! - [`cli`]: one file a verb; [`system`]: all parts brought up together; [`testing`]: the same for a `#[tokio::test]`
//! - [`adapters`]: AWS's protocols, function processes, HTTP APIs, tables
//! - [`engine`]: decides once, journals, folds; [`journal`]: its log on the store
//! - [`services`]: what bus, queue, function and mapping mean, as pure state machines
//! - [`storage`]: records and bodies on a disk that may lose power
//! - [`template`]: SAM and CloudFormation → [`topology`], what a template asks for
//! - `timetable`: schedule expressions, and when they come
//! - [`clock`]: the one place that reads time; [`faults`]: named points at which something may go wrong on request

pub mod adapters;
pub mod cli;
pub mod clock;
pub mod engine;
pub mod faults;
pub mod journal;
pub mod services;
pub mod storage;
pub mod system;
pub mod template;
pub mod testing;
pub mod topology;

mod platform;
mod timetable;
