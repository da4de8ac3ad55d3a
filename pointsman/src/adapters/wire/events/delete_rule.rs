use super::super::action::Action;
use super::super::ask::Ask;
use super::required;
use crate::engine::Fault;
use crate::services::bus::DeleteRule;
use serde::Deserialize;

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Request {
    name: Option<String>,
    event_bus_name: Option<String>,
}

impl Action for Request {
    type Reply = ();

    async fn run(self, ask: &Ask<'_>) -> Result<(), Fault> {
        let rule = required(self.name, "name")?;
        let bus = super::bus(ask.region(), self.event_bus_name);
        ask.submit(DeleteRule { bus, rule }).await
    }
}
