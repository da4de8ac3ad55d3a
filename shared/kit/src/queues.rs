//! Sending messages to queues: commands on their way, and poison on its way to a DLQ.
//!
//! The twin of [`crate::publisher`] for SQS: each message has its own result, only failed ones are
//! sent again, and none is called accepted that is not in.

mod memory;
#[cfg(feature = "sqs")]
mod sqs;
#[cfg(test)]
mod tests;

pub use memory::Memory;
#[cfg(feature = "sqs")]
pub use sqs::Sqs;

use crate::{
    clock::Deadline,
    delivery::{Answer, Endpoint, Outcome, deliver},
    retry::Backoff,
    store::Row,
};
use async_trait::async_trait;
use std::{collections::BTreeMap, sync::Arc};

/// The longest delay SQS knows, in seconds.
pub const MAX_DELAY: u16 = 900;

/// Queues that take messages.
#[async_trait]
pub trait Queues: Send + Sync {
    /// One request with at most ten messages, all for one queue: a result for each, in order.
    async fn send(&self, messages: &[&Message]) -> Answer;
}

/// One message on its way to a queue.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Message {
    /// The queue's URL.
    pub queue: String,
    /// The body.
    pub body: String,
    /// For how long it stays hidden, in seconds, at most [`MAX_DELAY`].
    pub delay: u16,
    /// Attributes beside the body, all strings.
    pub attributes: BTreeMap<String, String>,
}

/// Sends to [`Queues`].
#[derive(Clone)]
pub struct Sender {
    queues: Arc<dyn Queues>,
    seed: Option<u64>,
}

impl Sender {
    /// Sends to `queues`.
    pub fn new(queues: Arc<dyn Queues>) -> Self {
        Self { queues, seed: None }
    }

    /// Draws its pauses from `seed`.
    #[must_use]
    pub fn seeded(mut self, seed: u64) -> Self {
        self.seed = Some(seed);
        self
    }

    /// Sends `messages`, trying again until `deadline`. The outcomes are in their order.
    pub async fn send(&self, messages: &[Message], deadline: Deadline) -> Vec<Outcome> {
        let mut backoff = Backoff::until(deadline);
        if let Some(seed) = self.seed {
            backoff = backoff.seeded(seed);
        }
        deliver(&Calls(&*self.queues), messages, deadline, backoff).await
    }
}

impl Message {
    /// A message to be seen at once.
    pub fn new(queue: impl Into<String>, body: impl Into<String>) -> Self {
        Self { queue: queue.into(), body: body.into(), delay: 0, attributes: BTreeMap::new() }
    }

    /// A command of a stream's row, wrapped as EventBridge wraps an event: every queue's body has
    /// one form, so one parser serves all. `source` is the stream's, not the row's own word.
    pub fn command(queue: impl Into<String>, source: &str, row: &Row) -> Self {
        let metadata = &row.envelope.metadata;
        let [id, name, source, time] = [
            metadata.id.to_string().as_str(),
            &metadata.event_type,
            source,
            &metadata.occurred_at.to_string(),
        ]
        .map(|text| serde_json::Value::from(text).to_string());
        let detail = &row.detail;
        let body = format!(
            r#"{{"version":"0","id":{id},"detail-type":{name},"source":{source},"time":{time},"resources":[],"detail":{detail}}}"#
        );
        Self::new(queue, body)
    }

    /// Hides it for so many seconds; more than [`MAX_DELAY`] is cut down to that.
    #[must_use]
    pub fn delay(mut self, seconds: u64) -> Self {
        self.delay = u16::try_from(seconds).unwrap_or(MAX_DELAY).min(MAX_DELAY);
        self
    }

    /// Adds a string attribute.
    #[must_use]
    pub fn attribute(mut self, name: &str, value: &str) -> Self {
        self.attributes.insert(name.to_owned(), value.to_owned());
        self
    }

    /// What SQS counts for the message, in bytes: the body, and each attribute's name, type, value.
    pub fn size(&self) -> usize {
        let attributes = self.attributes.iter();
        let attributes = attributes.map(|(name, value)| name.len() + "String".len() + value.len());
        self.body.len() + attributes.sum::<usize>()
    }
}

struct Calls<'a>(&'a dyn Queues);

impl Endpoint for Calls<'_> {
    type Item = Message;

    fn group(message: &Message) -> &str {
        &message.queue
    }

    fn size(message: &Message) -> usize {
        message.size()
    }

    async fn call(&self, messages: &[&Message]) -> Answer {
        self.0.send(messages).await
    }
}

/// Whether SQS's code finds fault with the message itself, or with how many are sent at once, so that
/// it will be refused again.
///
/// Anything else is tried again: a denial, a missing queue, a key that can't be used or an expired
/// token is no fault of the message, though SQS may call it the sender's.
#[cfg(any(feature = "sqs", test))]
fn is_permanent(code: &str) -> bool {
    let code = code.strip_prefix("AWS.SimpleQueueService.").unwrap_or(code);
    matches!(
        code.strip_suffix("Exception").unwrap_or(code),
        "BatchRequestTooLong"
            | "EmptyBatchRequest"
            | "InvalidMessageContents"
            | "InvalidParameterValue"
            | "MissingParameter"
            | "TooManyEntriesInBatchRequest"
    )
}
