use super::super::action::Action;
use super::super::ask::Ask;
use super::batch::{self, Done};
use super::{change_message_visibility, queue, required};
use crate::engine::Fault;
use crate::services::queue::ChangeVisibility;
use serde::Deserialize;

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Request {
    queue_url: Option<String>,
    entries: Option<Vec<change_message_visibility::Request>>,
}

impl Action for Request {
    type Reply = batch::Reply<Done>;

    async fn run(self, ask: &Ask<'_>) -> Result<Self::Reply, Fault> {
        let queue = queue(ask.region(), self.queue_url)?;
        let entries = required(self.entries, "Entries")?;
        let ids = entries.iter().map(|e| e.id.as_deref());
        batch::check("ChangeMessageVisibilityBatchRequestEntry", ids)?;
        let mut reply = batch::Reply::new();
        let (mut changes, mut told) = (vec![], vec![]);
        for mut entry in entries {
            let id = entry.id.take().unwrap_or_default();
            match entry.read() {
                Ok(change) => {
                    changes.push(change);
                    told.push(id);
                }
                Err(fault) => reply.fail(id, fault),
            }
        }
        let changed = ask.submit(ChangeVisibility { queue, changes }).await?;
        for (id, changed) in told.into_iter().zip(changed) {
            match changed {
                Ok(()) => reply.succeed(Done { id }),
                Err(fault) => reply.fail(id, fault),
            }
        }
        Ok(reply)
    }
}
