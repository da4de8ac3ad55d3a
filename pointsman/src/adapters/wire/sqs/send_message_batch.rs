use super::super::action::Action;
use super::super::ask::Ask;
use super::batch;
use super::send_message::{self, Reply};
use super::{queue, required};
use crate::engine::Fault;
use crate::services::queue::SendMessages;
use serde::Deserialize;

/// Most bytes of a batch, over all its messages, whatever the queue takes.
const MAX_BATCH: usize = 1_048_576;

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Request {
    queue_url: Option<String>,
    entries: Option<Vec<send_message::Request>>,
}

impl Action for Request {
    type Reply = batch::Reply<Reply>;

    async fn run(self, ask: &Ask<'_>) -> Result<Self::Reply, Fault> {
        let queue = queue(ask.region(), self.queue_url)?;
        let entries = required(self.entries, "Entries")?;
        batch::check("SendMessageBatchRequestEntry", entries.iter().map(|e| e.id.as_deref()))?;
        let size: usize = entries.iter().map(send_message::Request::size).sum();
        if size > MAX_BATCH {
            return Err(Fault::new(
                "AWS.SimpleQueueService.BatchRequestTooLong",
                format!(
                    "Batch requests cannot be longer than {MAX_BATCH} bytes. You have sent {size} bytes."
                ),
            ));
        }
        let mut reply = batch::Reply::new();
        let (mut messages, mut told) = (vec![], vec![]);
        for mut entry in entries {
            let id = entry.id.take().unwrap_or_default();
            match entry.read() {
                Ok((message, digests)) => {
                    messages.push(message);
                    told.push((id, digests));
                }
                Err(fault) => reply.fail(id, fault),
            }
        }
        // Also without a message: the queue must exist.
        let sent = ask.submit(SendMessages { queue, messages }).await?;
        for ((id, digests), sent) in told.into_iter().zip(sent) {
            match sent {
                Ok(sent) => {
                    reply.succeed(Reply { id: Some(id), message_id: sent.id.to_string(), digests })
                }
                Err(fault) => reply.fail(id, fault),
            }
        }
        Ok(reply)
    }
}
