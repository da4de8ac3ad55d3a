use super::super::action::Action;
use super::super::ask::Ask;
use super::required;
use crate::engine::Fault;
use crate::services::bus::CreateBus;
use crate::topology::BusSpec;
use serde::{Deserialize, Serialize};
use serde_json::Value;

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Request {
    name: Option<String>,
    description: Option<String>,
    event_source_name: Option<Value>,
    kms_key_identifier: Option<Value>,
    dead_letter_config: Option<Value>,
    log_config: Option<Value>,
    tags: Option<Value>,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Reply {
    event_bus_arn: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    description: Option<String>,
}

impl Action for Request {
    type Reply = Reply;

    async fn run(self, ask: &Ask<'_>) -> Result<Reply, Fault> {
        super::refuse(
            "an event bus",
            &[
                ("EventSourceName", &self.event_source_name),
                ("KmsKeyIdentifier", &self.kms_key_identifier),
                ("DeadLetterConfig", &self.dead_letter_config),
                ("LogConfig", &self.log_config),
                ("Tags", &self.tags),
            ],
        )?;
        let name = required(self.name, "name")?;
        let event_bus_arn = ask.region().bus(&name);
        let description = self.description.clone().unwrap_or_default();
        ask.submit(CreateBus(BusSpec { name, description })).await?;
        Ok(Reply { event_bus_arn, description: self.description })
    }
}
