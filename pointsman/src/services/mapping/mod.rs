//! Event-source mappings: what takes messages from a queue, or records from a table's stream, to a function.
//!
//! - [`Mapping`]: the state
//! - [`TakeRecords`]: records that the stream's reader has for a mapping; queues are polled by the engine itself
//! - [`BeginReading`]: where a mapping begins that wants only what is new; [`AwaitRecords`]: fewer than a batch
//! - [`Filtered`]: messages that the mapping's filter does not want
//! - [`UpdateMapping`]: switches a mapping on and off

mod answer;
mod poll;
mod read;
mod records;
mod settle;
mod state;
mod switch;

#[cfg(test)]
mod tests;

pub use read::{AwaitRecords, BeginReading};
pub use records::TakeRecords;
pub use state::Mapping;
pub use switch::{Filtered, UpdateMapping};

pub(crate) use poll::{MappingDue, Poll};
pub(crate) use records::settle_records;
pub(crate) use settle::settle_messages;
