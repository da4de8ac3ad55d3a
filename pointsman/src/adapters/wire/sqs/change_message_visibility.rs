use super::super::action::Action;
use super::super::ask::Ask;
use super::super::field::Int;
use super::{queue, receipt, required, visibility};
use crate::engine::Fault;
use crate::services::queue::{ChangeVisibility, Receipt};
use serde::Deserialize;

/// Input of `ChangeMessageVisibility`, and with an `Id` an entry of its batch.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Request {
    pub(super) id: Option<String>,
    queue_url: Option<String>,
    receipt_handle: Option<String>,
    visibility_timeout: Option<Int>,
}

impl Action for Request {
    type Reply = ();

    async fn run(mut self, ask: &Ask<'_>) -> Result<(), Fault> {
        let queue = queue(ask.region(), self.queue_url.take())?;
        let changes = vec![self.read()?];
        let changed = ask.submit(ChangeVisibility { queue, changes }).await?;
        changed.into_iter().collect()
    }
}

impl Request {
    pub(super) fn read(self) -> Result<(Receipt, u32), Fault> {
        let receipt = receipt(self.receipt_handle)?;
        let seconds = required(self.visibility_timeout, "VisibilityTimeout")?;
        Ok((receipt, visibility(seconds)?))
    }
}
