use super::super::field::Int;
use super::invalid;
use crate::engine::Fault;
use crate::topology::{InputSpec, RetryPolicy, TargetSpec};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use serde_json::value::RawValue;
use std::collections::BTreeMap;

/// Parameters for kinds of targets that do not run here.
const FOREIGN: [&str; 8] = [
    "KinesisParameters",
    "RunCommandParameters",
    "EcsParameters",
    "BatchParameters",
    "HttpParameters",
    "RedshiftDataParameters",
    "SageMakerPipelineParameters",
    "AppSyncParameters",
];

/// A target as requests and answers have it.
#[derive(Deserialize, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Target {
    id: Option<String>,
    arn: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    role_arn: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    input: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    input_path: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    input_transformer: Option<Transformer>,
    #[serde(skip_serializing_if = "Option::is_none")]
    sqs_parameters: Option<SqsParameters>,
    #[serde(skip_serializing_if = "Option::is_none")]
    dead_letter_config: Option<DeadLetterConfig>,
    #[serde(skip_serializing_if = "Option::is_none")]
    retry_policy: Option<Retry>,
    #[serde(flatten, skip_serializing)]
    others: BTreeMap<String, Value>,
}

#[derive(Deserialize, Serialize)]
#[serde(rename_all = "PascalCase")]
struct Transformer {
    #[serde(default)]
    input_paths_map: BTreeMap<String, String>,
    input_template: String,
}

#[derive(Deserialize, Serialize)]
#[serde(rename_all = "PascalCase")]
struct SqsParameters {
    #[serde(skip_serializing_if = "Option::is_none")]
    message_group_id: Option<String>,
}

#[derive(Deserialize, Serialize)]
#[serde(rename_all = "PascalCase")]
struct DeadLetterConfig {
    #[serde(skip_serializing_if = "Option::is_none")]
    arn: Option<String>,
}

#[derive(Deserialize, Serialize)]
#[serde(rename_all = "PascalCase")]
struct Retry {
    maximum_retry_attempts: Option<Int>,
    maximum_event_age_in_seconds: Option<Int>,
}

impl Target {
    /// The target as the engine has it.
    ///
    /// # Errors
    /// `ValidationException` for what EventBridge refuses, and for kinds of targets that do not run here.
    pub(super) fn read(self) -> Result<TargetSpec, Fault> {
        let id = super::required(self.id, "targets.member.id")?;
        let arn = super::required(self.arn, "targets.member.arn")?;
        if let Some(name) = FOREIGN.iter().find(|name| self.others.contains_key(**name)) {
            return Err(invalid(format!("{name} of target {id} is not supported here.")));
        }
        let input = match (self.input, self.input_path, self.input_transformer) {
            (None, None, None) => InputSpec::Event,
            (Some(text), None, None) => {
                serde_json::from_str::<&RawValue>(&text)
                    .map_err(|_| invalid(format!("JSON syntax error in input for target {id}.")))?;
                InputSpec::Constant(text)
            }
            (None, Some(path), None) if path.starts_with('$') => InputSpec::Path(path),
            (None, Some(path), None) => {
                return Err(invalid(format!(
                    "InputPath {path:?} of target {id} is no path: it begins with $."
                )));
            }
            (None, None, Some(given)) => InputSpec::Transformer {
                paths: given.input_paths_map,
                template: given.input_template,
            },
            _ => {
                return Err(invalid(format!(
                    "Only one of Input, InputPath, or InputTransformer must be provided for target {id}."
                )));
            }
        };
        Ok(TargetSpec {
            input,
            retry: retry(&id, self.retry_policy)?,
            dead_letter: self.dead_letter_config.and_then(|c| c.arn),
            role: self.role_arn,
            message_group: self.sqs_parameters.and_then(|p| p.message_group_id),
            id,
            arn,
        })
    }

    pub(super) fn of(spec: &TargetSpec) -> Target {
        let (mut input, mut input_path, mut input_transformer) = (None, None, None);
        match &spec.input {
            InputSpec::Event => {}
            InputSpec::Constant(text) => input = Some(text.clone()),
            InputSpec::Path(path) => input_path = Some(path.clone()),
            InputSpec::Transformer { paths, template } => {
                input_transformer = Some(Transformer {
                    input_paths_map: paths.clone(),
                    input_template: template.clone(),
                });
            }
        }
        let retry = (spec.retry != RetryPolicy::default()).then(|| Retry {
            maximum_retry_attempts: Some(Int(spec.retry.max_attempts.into())),
            maximum_event_age_in_seconds: Some(Int(spec.retry.max_age_seconds.into())),
        });
        let group = spec.message_group.clone();
        Target {
            id: Some(spec.id.clone()),
            arn: Some(spec.arn.clone()),
            role_arn: spec.role.clone(),
            input,
            input_path,
            input_transformer,
            sqs_parameters: group.map(|group| SqsParameters { message_group_id: Some(group) }),
            dead_letter_config: spec
                .dead_letter
                .clone()
                .map(|arn| DeadLetterConfig { arn: Some(arn) }),
            retry_policy: retry,
            others: BTreeMap::new(),
        }
    }
}

fn retry(id: &str, given: Option<Retry>) -> Result<RetryPolicy, Fault> {
    let mut policy = RetryPolicy::default();
    let Some(given) = given else { return Ok(policy) };
    let within = |what: &str, value: Option<Int>, least: i64, most: i64, to: &mut u32| {
        let Some(Int(value)) = value else { return Ok(()) };
        if !(least..=most).contains(&value) {
            return Err(invalid(format!(
                "{what} of target {id} is from {least} to {most}, not {value}."
            )));
        }
        *to = u32::try_from(value).unwrap_or_default();
        Ok(())
    };
    let RetryPolicy { max_age_seconds, max_attempts } = &mut policy;
    within("MaximumRetryAttempts", given.maximum_retry_attempts, 0, 185, max_attempts)?;
    let age = given.maximum_event_age_in_seconds;
    within("MaximumEventAgeInSeconds", age, 60, 86_400, max_age_seconds)?;
    Ok(policy)
}
