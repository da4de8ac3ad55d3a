use super::super::action::Action;
use super::super::ask::Ask;
use super::queue;
use crate::engine::Fault;
use crate::services::queue::Purge;
use serde::Deserialize;

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Request {
    queue_url: Option<String>,
}

impl Action for Request {
    type Reply = ();

    async fn run(self, ask: &Ask<'_>) -> Result<(), Fault> {
        ask.submit(Purge(queue(ask.region(), self.queue_url)?)).await
    }
}
