//! A queue's attributes: names and texts on the wire, settings in the engine.

use super::super::field::Int;
use super::{unknown_attribute, unsupported};
use crate::engine::Fault;
use crate::topology::{QueueSpec, Redrive, Region};
use serde::Deserialize;
use serde_json::json;
use std::collections::BTreeMap;

/// Kept and shown, without effect here.
const KEPT: [&str; 5] = [
    "KmsDataKeyReusePeriodSeconds",
    "KmsMasterKeyId",
    "Policy",
    "RedriveAllowPolicy",
    "SqsManagedSseEnabled",
];

/// Attributes of FIFO queues.
const FIFO: [&str; 4] =
    ["ContentBasedDeduplication", "DeduplicationScope", "FifoQueue", "FifoThroughputLimit"];

/// Puts attributes into a queue's settings; the engine checks their limits.
///
/// # Errors
/// `InvalidAttributeName`, `InvalidAttributeValue`, `AWS.SimpleQueueService.UnsupportedOperation`
pub(super) fn set(
    spec: &mut QueueSpec,
    attributes: &BTreeMap<String, String>,
    region: &Region,
) -> Result<(), Fault> {
    for (name, value) in attributes {
        let number = || {
            value.parse::<u32>().map_err(|_| {
                Fault::new(
                    "InvalidAttributeValue",
                    format!(
                        "Invalid value for the parameter {name}: {value:?} is no number of it."
                    ),
                )
            })
        };
        match name.as_str() {
            "DelaySeconds" => spec.delay = number()?,
            "MaximumMessageSize" => spec.max_size = number()?,
            "MessageRetentionPeriod" => spec.retention = number()?,
            "ReceiveMessageWaitTimeSeconds" => spec.wait = number()?,
            "VisibilityTimeout" => spec.visibility = number()?,
            "RedrivePolicy" => spec.redrive = redrive(value, region)?,
            name if FIFO.contains(&name) => {
                return Err(unsupported(format!(
                    "{name} is of FIFO queues: these are not supported yet."
                )));
            }
            name if KEPT.contains(&name) && value.is_empty() => {
                spec.other.remove(name);
            }
            name if KEPT.contains(&name) => {
                spec.other.insert(name.to_owned(), value.clone());
            }
            name => return Err(unknown_attribute(name)),
        }
    }
    Ok(())
}

/// The settings as attributes, without those that are not set.
pub(super) fn shown(spec: &QueueSpec) -> BTreeMap<String, String> {
    let mut attributes = spec.other.clone();
    let numbers = [
        ("DelaySeconds", spec.delay),
        ("MaximumMessageSize", spec.max_size),
        ("MessageRetentionPeriod", spec.retention),
        ("ReceiveMessageWaitTimeSeconds", spec.wait),
        ("VisibilityTimeout", spec.visibility),
    ];
    attributes.extend(numbers.map(|(name, value)| (name.to_owned(), value.to_string())));
    if let Some(redrive) = &spec.redrive {
        let policy = json!({
            "deadLetterTargetArn": redrive.target,
            "maxReceiveCount": redrive.max_receives,
        });
        attributes.insert("RedrivePolicy".into(), policy.to_string());
    }
    attributes
}

/// An attribute that queues may have.
pub(super) fn is_setting(name: &str) -> bool {
    let set = [
        "DelaySeconds",
        "MaximumMessageSize",
        "MessageRetentionPeriod",
        "ReceiveMessageWaitTimeSeconds",
        "RedrivePolicy",
        "VisibilityTimeout",
    ];
    set.contains(&name) || KEPT.contains(&name) || FIFO.contains(&name)
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct RedrivePolicy {
    dead_letter_target_arn: Option<String>,
    max_receive_count: Option<Int>,
}

/// An empty text takes the policy away.
fn redrive(text: &str, region: &Region) -> Result<Option<Redrive>, Fault> {
    let wrong = |reason: &str| {
        Fault::new(
            "InvalidParameterValue",
            format!("Value {text} for parameter RedrivePolicy is invalid. Reason: {reason}"),
        )
    };
    if text.is_empty() {
        return Ok(None);
    }
    let policy: RedrivePolicy =
        serde_json::from_str(text).map_err(|_| wrong("Redrive policy is not a valid JSON map."))?;
    let target = policy.dead_letter_target_arn.ok_or_else(|| {
        wrong("Redrive policy does not contain mandatory attribute: deadLetterTargetArn.")
    })?;
    let count = policy.max_receive_count.ok_or_else(|| {
        wrong("Redrive policy does not contain mandatory attribute: maxReceiveCount.")
    })?;
    if region.local("sqs", &target).is_none() {
        return Err(wrong("deadLetterTargetArn is no queue of this account and region."));
    }
    let max_receives = u32::try_from(count.0)
        .ok()
        .filter(|count| (1..=1_000).contains(count))
        .ok_or_else(|| wrong("maxReceiveCount is from 1 to 1000."))?;
    Ok(Some(Redrive { target, max_receives }))
}
