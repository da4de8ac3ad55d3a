use super::super::action::Action;
use super::super::ask::Ask;
use super::required;
use crate::engine::Fault;
use crate::services::bus::SwitchRule;
use serde::Deserialize;

/// Input of `EnableRule` and `DisableRule`.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Request {
    name: Option<String>,
    event_bus_name: Option<String>,
}

#[derive(Deserialize)]
pub(super) struct Enable(Request);

#[derive(Deserialize)]
pub(super) struct Disable(Request);

impl Action for Enable {
    type Reply = ();

    async fn run(self, ask: &Ask<'_>) -> Result<(), Fault> {
        self.0.switch(ask, true).await
    }
}

impl Action for Disable {
    type Reply = ();

    async fn run(self, ask: &Ask<'_>) -> Result<(), Fault> {
        self.0.switch(ask, false).await
    }
}

impl Request {
    async fn switch(self, ask: &Ask<'_>, enabled: bool) -> Result<(), Fault> {
        let rule = required(self.name, "name")?;
        let bus = super::bus(ask.region(), self.event_bus_name);
        ask.submit(SwitchRule { bus, rule, enabled }).await
    }
}
