//! EventBridge, AWS JSON 1.1.

mod create_event_bus;
mod delete_event_bus;
mod delete_rule;
mod describe_event_bus;
mod describe_rule;
mod list_event_buses;
mod list_rule_names_by_target;
mod list_rules;
mod list_targets_by_rule;
mod put_events;
mod put_rule;
mod put_targets;
mod remove_targets;
mod switch_rule;
mod target;
mod test_event_pattern;

use super::action::{Input, Output, run};
use super::ask::Ask;
use super::field::Int;
use super::page;
use super::route::unknown;
use crate::engine::Fault;
use crate::topology::Region;
use bytes::Bytes;
use serde_json::Value;

/// The most items of a list's page, and their number where the request names none.
const PAGE: i64 = 100;

pub(super) async fn answer(ask: &Ask<'_>, action: &str, body: Bytes) -> Result<Output, Fault> {
    let input = Input::Json(body);
    match action {
        "PutEvents" => run::<put_events::Request>(ask, action, input).await,
        "TestEventPattern" => run::<test_event_pattern::Request>(ask, action, input).await,
        "CreateEventBus" => run::<create_event_bus::Request>(ask, action, input).await,
        "DescribeEventBus" => run::<describe_event_bus::Request>(ask, action, input).await,
        "ListEventBuses" => run::<list_event_buses::Request>(ask, action, input).await,
        "DeleteEventBus" => run::<delete_event_bus::Request>(ask, action, input).await,
        "PutRule" => run::<put_rule::Request>(ask, action, input).await,
        "DescribeRule" => run::<describe_rule::Request>(ask, action, input).await,
        "ListRules" => run::<list_rules::Request>(ask, action, input).await,
        "DeleteRule" => run::<delete_rule::Request>(ask, action, input).await,
        "EnableRule" => run::<switch_rule::Enable>(ask, action, input).await,
        "DisableRule" => run::<switch_rule::Disable>(ask, action, input).await,
        "PutTargets" => run::<put_targets::Request>(ask, action, input).await,
        "ListTargetsByRule" => run::<list_targets_by_rule::Request>(ask, action, input).await,
        "RemoveTargets" => run::<remove_targets::Request>(ask, action, input).await,
        "ListRuleNamesByTarget" => {
            run::<list_rule_names_by_target::Request>(ask, action, input).await
        }
        _ => Err(unknown(format!("EventBridge's {action} is not served by this engine."))),
    }
}

fn invalid(message: impl Into<String>) -> Fault {
    Fault::new("ValidationException", message)
}

/// A member that must be there; `name` as EventBridge writes it, beginning small.
fn required<T>(value: Option<T>, name: &str) -> Result<T, Fault> {
    value.ok_or_else(|| {
        invalid(format!(
            "1 validation error detected: Value null at '{name}' failed to satisfy constraint: Member must not be null"
        ))
    })
}

/// Refuses members of a request that would have no effect here.
fn refuse(what: &str, members: &[(&str, &Option<Value>)]) -> Result<(), Fault> {
    match members.iter().find(|(_, value)| value.as_ref().is_some_and(|v| !is_empty(v))) {
        Some((name, _)) => Err(invalid(format!("{name} of {what} is not supported here."))),
        None => Ok(()),
    }
}

fn is_empty(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::Array(items) => items.is_empty(),
        Value::Object(members) => members.is_empty(),
        Value::String(text) => text.is_empty(),
        _ => false,
    }
}

/// The name of a bus that is given by name, by ARN or not at all. An ARN of elsewhere stays, so that the refusal
/// names it.
fn bus(region: &Region, given: Option<String>) -> String {
    match given {
        None => "default".into(),
        Some(given) if given.is_empty() => "default".into(),
        Some(given) => region
            .local("events", &given)
            .and_then(|rest| rest.strip_prefix("event-bus/"))
            .map_or_else(|| given.clone(), str::to_owned),
    }
}

/// `Limit` and `NextToken` of a list.
fn paging(limit: Option<Int>, token: Option<&str>) -> Result<(usize, Option<String>), Fault> {
    let limit = limit.map_or(PAGE, |limit| limit.0);
    if !(1..=PAGE).contains(&limit) {
        return Err(invalid(format!(
            "1 validation error detected: Value '{limit}' at 'limit' failed to satisfy constraint: Member must be from 1 to {PAGE}"
        )));
    }
    let after =
        match token {
            None => None,
            Some(token) => Some(page::decode(token).ok_or_else(|| {
                invalid("NextToken is not one that this list has given.".to_owned())
            })?),
        };
    Ok((limit as usize, after))
}

/// `ENABLED` or `DISABLED`
fn state_of(enabled: bool) -> &'static str {
    if enabled { "ENABLED" } else { "DISABLED" }
}
