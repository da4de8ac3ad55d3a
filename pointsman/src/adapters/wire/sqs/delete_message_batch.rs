use super::super::action::Action;
use super::super::ask::Ask;
use super::batch::{self, Done};
use super::{queue, receipt, required};
use crate::engine::Fault;
use crate::services::queue::DeleteMessages;
use serde::Deserialize;

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Request {
    queue_url: Option<String>,
    entries: Option<Vec<Entry>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Entry {
    id: Option<String>,
    receipt_handle: Option<String>,
}

impl Action for Request {
    type Reply = batch::Reply<Done>;

    async fn run(self, ask: &Ask<'_>) -> Result<Self::Reply, Fault> {
        let queue = queue(ask.region(), self.queue_url)?;
        let entries = required(self.entries, "Entries")?;
        batch::check("DeleteMessageBatchRequestEntry", entries.iter().map(|e| e.id.as_deref()))?;
        let mut reply = batch::Reply::new();
        let mut receipts = Vec::with_capacity(entries.len());
        for entry in entries {
            let id = entry.id.unwrap_or_default();
            match receipt(entry.receipt_handle) {
                Ok(receipt) => {
                    receipts.push(receipt);
                    reply.succeed(Done { id });
                }
                Err(fault) => reply.fail(id, fault),
            }
        }
        ask.submit(DeleteMessages { queue, receipts }).await?;
        Ok(reply)
    }
}
