use super::super::action::Action;
use super::super::ask::Ask;
use super::{queue, receipt};
use crate::engine::Fault;
use crate::services::queue::DeleteMessages;
use serde::Deserialize;

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Request {
    queue_url: Option<String>,
    receipt_handle: Option<String>,
}

impl Action for Request {
    type Reply = ();

    async fn run(self, ask: &Ask<'_>) -> Result<(), Fault> {
        let queue = queue(ask.region(), self.queue_url)?;
        let receipts = vec![receipt(self.receipt_handle)?];
        ask.submit(DeleteMessages { queue, receipts }).await
    }
}
