use super::super::action::Action;
use super::super::ask::Ask;
use super::{required, settings, unsupported};
use crate::engine::Fault;
use crate::services::queue::CreateQueue;
use crate::topology::QueueSpec;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use std::collections::BTreeMap;

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Request {
    queue_name: Option<String>,
    #[serde(default)]
    attributes: BTreeMap<String, String>,
    #[serde(default, rename = "tags")]
    tags: Map<String, Value>,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Reply {
    pub(super) queue_url: String,
}

impl Action for Request {
    type Reply = Reply;

    async fn run(self, ask: &Ask<'_>) -> Result<Reply, Fault> {
        let name = required(self.queue_name, "QueueName")?;
        if !self.tags.is_empty() {
            return Err(unsupported("Tags of a queue are not supported yet.".into()));
        }
        let region = ask.region().clone();
        let queue_url = region.queue_url(&ask.wire.state.endpoint, &name);
        let mut spec = QueueSpec::named(name);
        settings::set(&mut spec, &self.attributes, &region)?;
        let given = self.attributes;
        let same = move |there: &QueueSpec| {
            let mut wanted = there.clone();
            settings::set(&mut wanted, &given, &region).is_ok() && wanted == *there
        };
        ask.submit(CreateQueue { spec, same: Box::new(same) }).await?;
        Ok(Reply { queue_url })
    }
}
