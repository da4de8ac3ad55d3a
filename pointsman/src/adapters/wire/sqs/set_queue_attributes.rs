use super::super::action::Action;
use super::super::ask::Ask;
use super::{queue, required, settings};
use crate::engine::Fault;
use crate::services::queue::SetAttributes;
use serde::Deserialize;
use std::collections::BTreeMap;

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Request {
    queue_url: Option<String>,
    attributes: Option<BTreeMap<String, String>>,
}

impl Action for Request {
    type Reply = ();

    async fn run(self, ask: &Ask<'_>) -> Result<(), Fault> {
        let queue = queue(ask.region(), self.queue_url)?;
        let attributes = required(self.attributes, "Attributes")?;
        let region = ask.region().clone();
        let change = Box::new(move |spec: &mut _| settings::set(spec, &attributes, &region));
        ask.submit(SetAttributes { queue, change }).await
    }
}
