//! Standard queues as SQS has them: pure state and decisions.
//!
//! - [`Queue`], [`Message`]: the state
//! - [`SendMessages`], [`Receive`], [`DeleteMessages`], [`ChangeVisibility`], [`Purge`]: messages
//! - [`CreateQueue`], [`SetAttributes`], [`DeleteQueue`]: queues

mod admin;
mod delete;
mod receive;
mod send;
mod state;
mod visibility;

#[cfg(test)]
mod tests;

pub use admin::{CreateQueue, DeleteQueue, Purge, SetAttributes};
pub use delete::DeleteMessages;
pub use receive::Receive;
pub use send::{MessageToSend, SendMessages, Sent};
pub use state::{Counts, Message, Position, Queue};
pub use visibility::ChangeVisibility;

pub(crate) use admin::{RemoveDrained, check};
pub(crate) use receive::{Take, hand_out};
pub(crate) use send::check_text;

use crate::engine::{Fault, Name, State};

/// Number and receipt of a message, as its receipt handle says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Receipt {
    /// Number of the message.
    pub seq: u64,
    /// Which of its receives.
    pub receipt: u64,
}

/// The queue of this name.
///
/// # Errors
/// `AWS.SimpleQueueService.NonExistentQueue`
pub fn existing<'a>(state: &'a State, name: &Name) -> Result<&'a Queue, Fault> {
    state.queues.get(name).ok_or_else(|| {
        Fault::new("AWS.SimpleQueueService.NonExistentQueue", "The specified queue does not exist.")
    })
}

pub(crate) fn invalid(reason: impl std::fmt::Display) -> Fault {
    Fault::new("InvalidParameterValue", reason.to_string())
}
