//! [`Queues`] on Amazon SQS.

use super::{Message, Queues};
use crate::{
    aws,
    delivery::{Answer, Failure},
};
use async_trait::async_trait;
use aws_sdk_sqs::{
    Client,
    types::{BatchResultErrorEntry, MessageAttributeValue, SendMessageBatchRequestEntry},
};

/// Amazon SQS behind the queues port.
#[derive(Debug, Clone)]
pub struct Sqs {
    client: Client,
}

impl Sqs {
    /// The port on `client`; make one client per process ([`crate::aws`]).
    pub fn new(client: Client) -> Self {
        Self { client }
    }
}

#[async_trait]
impl Queues for Sqs {
    async fn send(&self, messages: &[&Message]) -> Answer {
        let entries = messages.iter().enumerate().map(entry).collect::<Result<_, _>>()?;
        let queue = messages.first().map(|message| message.queue.as_str()).unwrap_or_default();
        let call = self.client.send_message_batch().queue_url(queue).set_entries(Some(entries));
        let answer = call.send().await.map_err(|error| aws::failure(error, super::is_permanent))?;
        let missing = || Err(Failure::transient("NoResult", "neither sent nor failed"));
        let mut results: Vec<_> = messages.iter().map(|_| missing()).collect();
        for sent in answer.successful() {
            if let Some(result) = at(&mut results, sent.id()) {
                *result = Ok(sent.message_id().to_owned());
            }
        }
        for failed in answer.failed() {
            if let Some(result) = at(&mut results, failed.id()) {
                *result = Err(failure(failed));
            }
        }
        Ok(results)
    }
}

/// The result of the message whose batch id, its index, is `id`.
fn at<'a, T>(results: &'a mut [T], id: &str) -> Option<&'a mut T> {
    results.get_mut(id.parse::<usize>().ok()?)
}

fn entry((at, message): (usize, &&Message)) -> Result<SendMessageBatchRequestEntry, Failure> {
    let mut entry = SendMessageBatchRequestEntry::builder()
        .id(at.to_string())
        .message_body(&message.body)
        .set_delay_seconds((message.delay > 0).then_some(i32::from(message.delay)));
    let malformed =
        |error: &dyn std::fmt::Display| Failure::permanent("MalformedMessage", &error.to_string());
    for (name, value) in &message.attributes {
        let value = MessageAttributeValue::builder()
            .data_type("String")
            .string_value(value)
            .build()
            .map_err(|error| malformed(&error))?;
        entry = entry.message_attributes(name, value);
    }
    entry.build().map_err(|error| malformed(&error))
}

fn failure(failed: &BatchResultErrorEntry) -> Failure {
    Failure {
        code: failed.code().to_owned(),
        message: failed.message().unwrap_or_default().to_owned(),
        permanent: super::is_permanent(failed.code()),
    }
}
