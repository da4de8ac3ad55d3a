use super::super::action::Action;
use super::super::ask::Ask;
use crate::engine::Fault;
use crate::services::bus::{Bus, existing};
use crate::topology::Region;
use serde::{Deserialize, Serialize};

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Request {
    name: Option<String>,
}

/// A bus, here and in lists.
#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Reply {
    name: String,
    arn: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    description: String,
    creation_time: f64,
    last_modified_time: f64,
}

impl Reply {
    /// A bus cannot be changed, so that it was modified last when it was made.
    pub(super) fn of(bus: &Bus, region: &Region) -> Reply {
        let created = bus.created.0 as f64 / 1000.0;
        Reply {
            name: bus.spec.name.clone(),
            arn: region.bus(&bus.spec.name),
            description: bus.spec.description.clone(),
            creation_time: created,
            last_modified_time: created,
        }
    }
}

impl Action for Request {
    type Reply = Reply;

    async fn run(self, ask: &Ask<'_>) -> Result<Reply, Fault> {
        let name = super::bus(ask.region(), self.name);
        ask.read(move |state, _| existing(state, &name).map(|bus| Reply::of(bus, &state.region)))
            .await?
    }
}
