use super::super::action::Action;
use super::super::ask::Ask;
use super::{required, state_of};
use crate::engine::{Fault, State};
use crate::services::bus::existing_rule;
use crate::topology::RuleSpec;
use serde::{Deserialize, Serialize};

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Request {
    name: Option<String>,
    event_bus_name: Option<String>,
}

/// A rule, here and in lists.
#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Reply {
    name: String,
    arn: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    event_pattern: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    schedule_expression: Option<String>,
    state: &'static str,
    #[serde(skip_serializing_if = "String::is_empty")]
    description: String,
    event_bus_name: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    created_by: Option<String>,
}

impl Reply {
    pub(super) fn of(rule: &RuleSpec, state: &State) -> Reply {
        let region = &state.region;
        let timed = state.schedules.rules.get(rule.name.as_str());
        let timed = timed.filter(|_| rule.bus == "default");
        Reply {
            name: rule.name.clone(),
            arn: region.rule(&rule.bus, &rule.name),
            event_pattern: rule.pattern.clone(),
            schedule_expression: timed.map(|timed| timed.spec.expression.clone()),
            state: state_of(rule.enabled),
            description: rule.description.clone(),
            event_bus_name: rule.bus.clone(),
            created_by: None,
        }
    }
}

impl Action for Request {
    type Reply = Reply;

    async fn run(self, ask: &Ask<'_>) -> Result<Reply, Fault> {
        let name = required(self.name, "name")?;
        let bus = super::bus(ask.region(), self.event_bus_name);
        ask.read(move |state, _| {
            let rule = existing_rule(state, &bus, &name)?;
            let created_by = Some(state.region.account.clone());
            Ok(Reply { created_by, ..Reply::of(&rule.spec, state) })
        })
        .await?
    }
}
