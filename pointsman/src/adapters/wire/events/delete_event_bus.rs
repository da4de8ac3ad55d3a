use super::super::action::Action;
use super::super::ask::Ask;
use super::required;
use crate::engine::Fault;
use crate::services::bus::DeleteBus;
use serde::Deserialize;

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Request {
    name: Option<String>,
}

impl Action for Request {
    type Reply = ();

    async fn run(self, ask: &Ask<'_>) -> Result<(), Fault> {
        let name = super::bus(ask.region(), Some(required(self.name, "name")?));
        ask.submit(DeleteBus(name)).await
    }
}
