use super::super::action::Action;
use super::super::ask::Ask;
use super::super::field::Int;
use super::super::page::{behind, page};
use super::describe_event_bus::Reply as Bus;
use crate::engine::Fault;
use serde::{Deserialize, Serialize};

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Request {
    name_prefix: Option<String>,
    next_token: Option<String>,
    limit: Option<Int>,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Reply {
    event_buses: Vec<Bus>,
    #[serde(skip_serializing_if = "Option::is_none")]
    next_token: Option<String>,
}

impl Action for Request {
    type Reply = Reply;

    async fn run(self, ask: &Ask<'_>) -> Result<Reply, Fault> {
        let (limit, after) = super::paging(self.limit, self.next_token.as_deref())?;
        let prefix = self.name_prefix.unwrap_or_default();
        ask.read(move |state, _| {
            let buses = behind(&state.buses, after.as_deref());
            let buses = buses.filter(|(name, _)| name.starts_with(&prefix));
            let buses = buses.map(|(name, bus)| (name, Bus::of(bus, &state.region)));
            let page = page(buses, limit);
            Reply { event_buses: page.items, next_token: page.next }
        })
        .await
    }
}
