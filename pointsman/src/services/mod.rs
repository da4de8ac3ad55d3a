//! What each AWS service means, as pure state machines: no I/O, no clock, no knowledge of protocols.
//!
//! - `bus`: events, rules, targets
//! - `queue`: messages
//! - `function`: invocations
//! - `mapping`: from queues and table streams to functions
//! - `schedule`: schedules, and the schedules of rules
//! - `stack`: templates as wishes about all of these

pub mod bus;
pub mod function;
pub mod mapping;
pub mod queue;
pub mod schedule;
pub mod stack;

pub(crate) mod constraint;
mod deliver;
mod start;

pub use start::{JumpClock, MoveClock, Started};

/// What a request changes in the settings of something, or why it may not.
pub type Change<S> = Box<dyn Fn(&mut S) -> Result<(), crate::engine::Fault> + Send>;
