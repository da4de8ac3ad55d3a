use super::super::action::Action;
use super::super::ask::Ask;
use super::super::field::Int;
use super::attribute::{self, Wired};
use super::{bad_value, queue, required};
use crate::adapters::digest;
use crate::engine::{Extra, Fault};
use crate::services::queue::{MessageToSend, SendMessages};
use bytes::Bytes;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Input of `SendMessage`, and with an `Id` an entry of `SendMessageBatch`.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Request {
    pub(super) id: Option<String>,
    queue_url: Option<String>,
    message_body: Option<String>,
    delay_seconds: Option<Int>,
    message_attributes: Option<BTreeMap<String, Wired>>,
    message_system_attributes: Option<BTreeMap<String, Wired>>,
    message_deduplication_id: Option<String>,
    message_group_id: Option<String>,
}

/// A message was sent.
#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Reply {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) id: Option<String>,
    pub(super) message_id: String,
    #[serde(flatten)]
    pub(super) digests: Digests,
}

/// What was sent, for the sender to check.
#[derive(Serialize)]
pub(super) struct Digests {
    #[serde(rename = "MD5OfMessageBody")]
    body: String,
    #[serde(rename = "MD5OfMessageAttributes", skip_serializing_if = "Option::is_none")]
    attributes: Option<String>,
    #[serde(rename = "MD5OfMessageSystemAttributes", skip_serializing_if = "Option::is_none")]
    system: Option<String>,
}

impl Action for Request {
    type Reply = Reply;

    async fn run(mut self, ask: &Ask<'_>) -> Result<Reply, Fault> {
        let queue = queue(ask.region(), self.queue_url.take())?;
        let (message, digests) = self.read()?;
        let sent = ask.submit(SendMessages { queue, messages: vec![message] }).await?;
        match sent.into_iter().next() {
            Some(Ok(sent)) => Ok(Reply { id: None, message_id: sent.id.to_string(), digests }),
            Some(Err(fault)) => Err(fault),
            None => Err(Fault::new("InternalFailure", "The message was lost on its way.")),
        }
    }
}

impl Request {
    /// The message as the engine has it.
    ///
    /// # Errors
    /// `MissingParameter`, `InvalidParameterValue`
    pub(super) fn read(self) -> Result<(MessageToSend, Digests), Fault> {
        let body = Bytes::from(required(self.message_body, "MessageBody")?);
        if let Some(id) = self.message_deduplication_id {
            return Err(bad_value(
                id,
                "MessageDeduplicationId",
                "The request includes a parameter that is not valid for this queue type.",
            ));
        }
        let delay = match self.delay_seconds {
            None => None,
            Some(Int(seconds @ 0..=900)) => Some(seconds as u32),
            Some(Int(seconds)) => {
                let reason = "DelaySeconds must be >= 0 and <= 900.";
                return Err(bad_value(seconds, "DelaySeconds", reason));
            }
        };
        let attributes = attribute::read(self.message_attributes)?;
        let (trace, system) = attribute::read_system(self.message_system_attributes)?;
        let digests = Digests {
            body: digest::of_body(&body),
            attributes: digest::of_attributes(&attributes),
            system,
        };
        let extra = Extra { attributes, trace, group: self.message_group_id };
        Ok((MessageToSend { body, delay, extra }, digests))
    }

    /// Bytes as SQS counts them for the size of a batch.
    pub(super) fn size(&self) -> usize {
        let attributes = self.message_attributes.iter().flatten();
        let attributes = attributes.map(|(name, wired)| name.len() + wired.size());
        self.message_body.as_ref().map_or(0, String::len) + attributes.sum::<usize>()
    }
}
