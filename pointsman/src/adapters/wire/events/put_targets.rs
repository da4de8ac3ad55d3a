use super::super::action::Action;
use super::super::ask::Ask;
use super::target::Target;
use super::{invalid, required};
use crate::engine::Fault;
use crate::services::bus::{PutTargets, TargetError};
use serde::{Deserialize, Serialize};

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Request {
    rule: Option<String>,
    event_bus_name: Option<String>,
    targets: Option<Vec<Target>>,
}

/// Reply of `PutTargets` and `RemoveTargets`.
#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Reply {
    failed_entry_count: usize,
    failed_entries: Vec<Failed>,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Failed {
    target_id: String,
    error_code: &'static str,
    error_message: String,
}

impl From<Vec<TargetError>> for Reply {
    fn from(errors: Vec<TargetError>) -> Reply {
        let failed = errors.into_iter().map(|error| Failed {
            target_id: error.id,
            error_code: error.code,
            error_message: error.message,
        });
        let failed_entries: Vec<Failed> = failed.collect();
        Reply { failed_entry_count: failed_entries.len(), failed_entries }
    }
}

impl Action for Request {
    type Reply = Reply;

    async fn run(self, ask: &Ask<'_>) -> Result<Reply, Fault> {
        let rule = required(self.rule, "rule")?;
        let targets = required(self.targets, "targets")?;
        if targets.is_empty() || targets.len() > 100 {
            return Err(invalid(format!(
                "1 validation error detected: Value at 'targets' failed to satisfy constraint: Member must have length 1 to 100, not {}",
                targets.len()
            )));
        }
        let bus = super::bus(ask.region(), self.event_bus_name);
        let targets = targets.into_iter().map(Target::read).collect::<Result<_, _>>()?;
        ask.submit(PutTargets { bus, rule, targets }).await.map(Reply::from)
    }
}
