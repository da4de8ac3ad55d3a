use super::super::action::Action;
use super::super::ask::Ask;
use super::put_targets::Reply;
use super::{invalid, required};
use crate::engine::Fault;
use crate::services::bus::RemoveTargets;
use serde::Deserialize;

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Request {
    rule: Option<String>,
    event_bus_name: Option<String>,
    ids: Option<Vec<String>>,
}

impl Action for Request {
    type Reply = Reply;

    /// `Force` is for rules that AWS services manage, and there are none.
    async fn run(self, ask: &Ask<'_>) -> Result<Reply, Fault> {
        let rule = required(self.rule, "rule")?;
        let ids = required(self.ids, "ids")?;
        if ids.is_empty() || ids.len() > 100 {
            return Err(invalid(format!(
                "1 validation error detected: Value at 'ids' failed to satisfy constraint: Member must have length 1 to 100, not {}",
                ids.len()
            )));
        }
        let bus = super::bus(ask.region(), self.event_bus_name);
        ask.submit(RemoveTargets { bus, rule, ids }).await?;
        Ok(Reply::from(vec![]))
    }
}
