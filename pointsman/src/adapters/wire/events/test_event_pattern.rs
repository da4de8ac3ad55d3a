use super::super::action::Action;
use super::super::ask::Ask;
use super::{invalid, required};
use crate::engine::Fault;
use pointsman_router::{Pattern, Rules};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Request {
    event_pattern: Option<String>,
    event: Option<String>,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Reply {
    result: bool,
}

/// What an event must have, as the action's documentation says.
const NEEDED: [&str; 7] = ["id", "account", "source", "time", "region", "resources", "detail-type"];

impl Action for Request {
    type Reply = Reply;

    async fn run(self, _: &Ask<'_>) -> Result<Reply, Fault> {
        let pattern = required(self.event_pattern, "eventPattern")?;
        let event = required(self.event, "event")?;
        let pattern = Pattern::parse(&pattern).map_err(|error| {
            Fault::new(
                "InvalidEventPatternException",
                format!("Event pattern is not valid. Reason: {error}"),
            )
        })?;
        let members: Map<String, Value> = serde_json::from_str(&event)
            .map_err(|error| invalid(format!("Parameter Event is not valid. Reason: {error}.")))?;
        if let Some(missing) = NEEDED.iter().find(|name| !members.contains_key(**name)) {
            return Err(invalid(format!(
                "Parameter Event is not valid. Reason: an event has {missing:?}."
            )));
        }
        let rules = Rules::default();
        rules.insert((), pattern);
        let mut result = false;
        rules
            .matches(event.as_bytes(), |()| result = true)
            .map_err(|error| invalid(format!("Parameter Event is not valid. Reason: {error}.")))?;
        Ok(Reply { result })
    }
}
