use super::super::action::Action;
use super::super::ask::Ask;
use super::settings::{is_setting, shown};
use super::{queue, unknown_attribute};
use crate::engine::Fault;
use crate::services::queue::{Queue, existing};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Request {
    queue_url: Option<String>,
    #[serde(default)]
    attribute_names: Vec<String>,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Reply {
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    attributes: BTreeMap<String, String>,
}

/// What a queue is, beside what it is set to.
const MEASURED: [&str; 6] = [
    "ApproximateNumberOfMessages",
    "ApproximateNumberOfMessagesDelayed",
    "ApproximateNumberOfMessagesNotVisible",
    "CreatedTimestamp",
    "LastModifiedTimestamp",
    "QueueArn",
];

impl Action for Request {
    type Reply = Reply;

    async fn run(self, ask: &Ask<'_>) -> Result<Reply, Fault> {
        let name = queue(ask.region(), self.queue_url)?;
        let names = self.attribute_names;
        let known = |name: &str| name == "All" || MEASURED.contains(&name) || is_setting(name);
        if let Some(name) = names.iter().find(|name| !known(name)) {
            return Err(unknown_attribute(name));
        }
        let arn = ask.region().queue(&name);
        let mut attributes =
            ask.read(move |state, _| existing(state, &name).map(measure)).await??;
        attributes.insert("QueueArn".into(), arn);
        if !names.iter().any(|name| name == "All") {
            attributes.retain(|name, _| names.contains(name));
        }
        Ok(Reply { attributes })
    }
}

fn measure(queue: &Queue) -> BTreeMap<String, String> {
    let mut attributes = shown(&queue.spec);
    let measured = [
        ("ApproximateNumberOfMessages", queue.visible().to_string()),
        ("ApproximateNumberOfMessagesDelayed", queue.delayed().to_string()),
        ("ApproximateNumberOfMessagesNotVisible", queue.in_flight().to_string()),
        ("CreatedTimestamp", queue.created.seconds().to_string()),
        ("LastModifiedTimestamp", queue.modified.seconds().to_string()),
    ];
    attributes.extend(measured.map(|(name, value)| (name.to_owned(), value)));
    attributes
}
