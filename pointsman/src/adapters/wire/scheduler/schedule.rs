//! A schedule as requests and replies have it.

use super::{instant, invalid, seconds};
use crate::engine::Fault;
use crate::services::schedule::{DEFAULT_GROUP, Schedule};
use crate::topology::{Region, RetryPolicy, ScheduleSpec, ScheduleTarget};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::collections::BTreeMap;

/// The body of `CreateSchedule` and `UpdateSchedule`.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Request {
    action_after_completion: Option<String>,
    pub(super) client_token: Option<String>,
    description: Option<String>,
    end_date: Option<f64>,
    flexible_time_window: Option<Window>,
    group_name: Option<String>,
    kms_key_arn: Option<String>,
    schedule_expression: Option<String>,
    schedule_expression_timezone: Option<String>,
    start_date: Option<f64>,
    state: Option<String>,
    target: Option<Target>,
}

/// The reply of `GetSchedule`.
#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Reply {
    action_after_completion: &'static str,
    arn: String,
    creation_date: f64,
    #[serde(skip_serializing_if = "String::is_empty")]
    description: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    end_date: Option<f64>,
    flexible_time_window: Window,
    group_name: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    kms_key_arn: Option<String>,
    last_modification_date: f64,
    name: String,
    schedule_expression: String,
    schedule_expression_timezone: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    start_date: Option<f64>,
    state: &'static str,
    target: Target,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Window {
    #[serde(skip_serializing_if = "Option::is_none")]
    maximum_window_in_minutes: Option<u32>,
    mode: Option<String>,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Target {
    arn: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    dead_letter_config: Option<DeadLetterConfig>,
    #[serde(skip_serializing_if = "Option::is_none")]
    event_bridge_parameters: Option<EventBridgeParameters>,
    #[serde(skip_serializing_if = "Option::is_none")]
    input: Option<String>,
    retry_policy: Option<Retry>,
    role_arn: Option<String>,
    /// Parameters of targets that are not run here.
    #[serde(flatten)]
    others: BTreeMap<String, Value>,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct DeadLetterConfig {
    arn: Option<String>,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct EventBridgeParameters {
    detail_type: Option<String>,
    source: Option<String>,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Retry {
    maximum_event_age_in_seconds: Option<u32>,
    maximum_retry_attempts: Option<u32>,
}

impl Request {
    /// What the request wants, with defaults for what it leaves out.
    ///
    /// # Errors
    /// `ValidationException`
    pub(super) fn into_spec(self, name: &str) -> Result<ScheduleSpec, Fault> {
        let window = required(self.flexible_time_window, "flexibleTimeWindow")?;
        let mode = required(window.mode, "flexibleTimeWindow.mode")?;
        let flexible = word("flexibleTimeWindow.mode", &mode, ["FLEXIBLE", "OFF"])?;
        let window_minutes = match (flexible, window.maximum_window_in_minutes) {
            (true, None) => {
                return Err(invalid("MaximumWindowInMinutes is wanted for Mode FLEXIBLE."));
            }
            (true, minutes) => minutes,
            (false, Some(_)) => {
                return Err(invalid("MaximumWindowInMinutes is for Mode FLEXIBLE alone."));
            }
            (false, None) => None,
        };
        let after = self.action_after_completion.as_deref().unwrap_or("NONE");
        let state = self.state.as_deref().unwrap_or("ENABLED");
        let delete_after = word("actionAfterCompletion", after, ["DELETE", "NONE"])?;
        Ok(ScheduleSpec {
            name: name.to_owned(),
            group: self.group_name.unwrap_or_else(|| DEFAULT_GROUP.into()),
            description: self.description.unwrap_or_default(),
            expression: required(self.schedule_expression, "scheduleExpression")?,
            timezone: self.schedule_expression_timezone.unwrap_or_else(|| "UTC".into()),
            start: self.start_date.map(instant),
            end: self.end_date.map(instant),
            window_minutes,
            enabled: word("state", state, ["ENABLED", "DISABLED"])?,
            delete_after,
            target: required(self.target, "target")?.into_spec()?,
            kms_key: self.kms_key_arn,
        })
    }
}

impl Target {
    fn into_spec(self) -> Result<ScheduleTarget, Fault> {
        if let Some((name, _)) = self.others.iter().find(|(_, value)| !value.is_null()) {
            return Err(invalid(format!("{name} of a schedule's target is not supported here.")));
        }
        let event = match self.event_bridge_parameters {
            None => None,
            Some(of) => Some((
                required(of.detail_type, "target.eventBridgeParameters.detailType")?,
                required(of.source, "target.eventBridgeParameters.source")?,
            )),
        };
        let (defaults, retry) = (RetryPolicy::default(), self.retry_policy);
        let age = retry.as_ref().and_then(|retry| retry.maximum_event_age_in_seconds);
        let attempts = retry.and_then(|retry| retry.maximum_retry_attempts);
        Ok(ScheduleTarget {
            arn: required(self.arn, "target.arn")?,
            role: required(self.role_arn, "target.roleArn")?,
            input: self.input,
            retry: RetryPolicy {
                max_age_seconds: age.unwrap_or(defaults.max_age_seconds),
                max_attempts: attempts.unwrap_or(defaults.max_attempts),
            },
            dead_letter: self.dead_letter_config.and_then(|config| config.arn),
            event,
        })
    }

    fn of(target: &ScheduleTarget) -> Target {
        let event = target.event.as_ref();
        Target {
            arn: Some(target.arn.clone()),
            dead_letter_config: target
                .dead_letter
                .as_ref()
                .map(|arn| DeadLetterConfig { arn: Some(arn.clone()) }),
            event_bridge_parameters: event.map(|(detail_type, source)| EventBridgeParameters {
                detail_type: Some(detail_type.clone()),
                source: Some(source.clone()),
            }),
            input: target.input.clone(),
            retry_policy: Some(Retry {
                maximum_event_age_in_seconds: Some(target.retry.max_age_seconds),
                maximum_retry_attempts: Some(target.retry.max_attempts),
            }),
            role_arn: Some(target.role.clone()),
            others: BTreeMap::new(),
        }
    }
}

impl Reply {
    pub(super) fn of(schedule: &Schedule, region: &Region) -> Reply {
        let spec = &schedule.spec;
        let mode = if spec.window_minutes.is_some() { "FLEXIBLE" } else { "OFF" };
        Reply {
            action_after_completion: if spec.delete_after { "DELETE" } else { "NONE" },
            arn: region.schedule(&spec.key()),
            creation_date: seconds(schedule.created),
            description: spec.description.clone(),
            end_date: spec.end.map(seconds),
            flexible_time_window: Window {
                maximum_window_in_minutes: spec.window_minutes,
                mode: Some(mode.into()),
            },
            group_name: spec.group.clone(),
            kms_key_arn: spec.kms_key.clone(),
            last_modification_date: seconds(schedule.modified),
            name: spec.name.clone(),
            schedule_expression: spec.expression.clone(),
            schedule_expression_timezone: spec.timezone.clone(),
            start_date: spec.start.map(seconds),
            state: state_of(spec.enabled),
            target: Target::of(&spec.target),
        }
    }
}

/// `ENABLED` or `DISABLED`
pub(super) fn state_of(enabled: bool) -> &'static str {
    if enabled { "ENABLED" } else { "DISABLED" }
}

fn required<T>(value: Option<T>, name: &str) -> Result<T, Fault> {
    value.ok_or_else(|| {
        invalid(format!(
            "1 validation error detected: Value null at '{name}' failed to satisfy constraint: Member must not be null"
        ))
    })
}

/// Whether it is the first of two words.
pub(super) fn word(what: &str, text: &str, [first, second]: [&str; 2]) -> Result<bool, Fault> {
    match text {
        text if text == first => Ok(true),
        text if text == second => Ok(false),
        text => Err(invalid(format!(
            "1 validation error detected: Value '{text}' at '{what}' failed to satisfy constraint: Member must satisfy enum value set: [{first}, {second}]"
        ))),
    }
}
