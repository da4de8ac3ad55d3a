use super::super::action::Action;
use super::super::ask::Ask;
use super::{invalid, required};
use crate::engine::Fault;
use crate::services::bus::PutRule;
use crate::topology::RuleSpec;
use serde::{Deserialize, Serialize};
use serde_json::Value;

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Request {
    name: Option<String>,
    event_pattern: Option<String>,
    state: Option<String>,
    description: Option<String>,
    event_bus_name: Option<String>,
    schedule_expression: Option<String>,
    role_arn: Option<Value>,
    tags: Option<Value>,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Reply {
    rule_arn: String,
}

impl Action for Request {
    type Reply = Reply;

    async fn run(self, ask: &Ask<'_>) -> Result<Reply, Fault> {
        super::refuse("a rule", &[("RoleArn", &self.role_arn), ("Tags", &self.tags)])?;
        let name = required(self.name, "name")?;
        let fits = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_');
        if name.is_empty() || name.len() > 64 || !name.chars().all(fits) {
            return Err(invalid(format!(
                "1 validation error detected: Value '{name}' at 'name' failed to satisfy constraint: Member must satisfy regular expression pattern: [\\.\\-_A-Za-z0-9]+ and have length 1 to 64"
            )));
        }
        let pattern = self.event_pattern.filter(|p| !p.is_empty());
        let schedule = self.schedule_expression.filter(|s| !s.is_empty());
        if pattern.is_none() && schedule.is_none() {
            return Err(invalid(
                "Parameter(s) EventPattern or ScheduleExpression must be specified.",
            ));
        }
        let enabled = match self.state.as_deref() {
            None | Some("ENABLED") => true,
            Some("DISABLED") => false,
            Some(other) => {
                return Err(invalid(format!(
                    "1 validation error detected: Value '{other}' at 'state' failed to satisfy constraint: Member must satisfy enum value set: [ENABLED, DISABLED]"
                )));
            }
        };
        let rule_arn = ask
            .submit(PutRule(
                RuleSpec {
                    name,
                    bus: super::bus(ask.region(), self.event_bus_name),
                    pattern: pattern.unwrap_or_default(),
                    enabled,
                    description: self.description.unwrap_or_default(),
                    targets: vec![],
                },
                schedule,
            ))
            .await?;
        Ok(Reply { rule_arn })
    }
}
