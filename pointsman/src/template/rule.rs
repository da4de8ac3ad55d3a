//! `AWS::Events::EventBus` and `AWS::Events::Rule`.

use super::build::Build;
use super::document::Raw;
use super::identity::{self, bus_name};
use super::node::{Node, Result, Value, fault};
use super::props::Props;
use super::queue::document;
use super::schedule;
use crate::topology::{
    BusSpec, InputSpec, RetryPolicy, RuleScheduleSpec, RuleSpec, Spec, TargetSpec,
};

/// As EventBridge has it.
const MOST_TARGETS: usize = 5;
/// Services whose ARNs a target can be delivered to here.
const SERVICES: [&str; 4] = ["sqs", "lambda", "events", "sns"];

pub(crate) fn bus(build: &mut Build<'_>, raw: &Raw) -> Result<()> {
    let mut props = build.props(raw)?;
    let name = props.required("Name")?;
    let allowed = |character: char| character.is_ascii_alphanumeric() || "/.-_".contains(character);
    if name == "default"
        || name.starts_with("aws.")
        || name.len() > 256
        || !name.chars().all(allowed)
    {
        let wanted =
            "1 to 256 letters, digits and /.-_ are wanted, not «default», not starting with «aws.»";
        return props.wrong("Name", &Node::text(props.pos, name), wanted);
    }
    let description = props.text("Description")?.unwrap_or_default();
    props.finish(build.scope, &["Tags", "KmsKeyIdentifier", "LogConfig"]);
    build.push(&raw.id, raw.pos, Spec::Bus(BusSpec { name, description }));
    Ok(())
}

pub(crate) fn read(build: &mut Build<'_>, raw: &Raw) -> Result<()> {
    let name = identity::of(build.scope, raw)?.name;
    let mut props = build.props(raw)?;
    props.take("Name");
    let bus = bus_name(&props.text("EventBusName")?.unwrap_or_else(|| "default".into()));
    let enabled = enabled(&mut props)?;
    let description = props.text("Description")?.unwrap_or_default();
    let mut targets = Vec::new();
    for target in props.maps("Targets")? {
        targets.extend(self::target(build, target)?);
    }
    if targets.len() > MOST_TARGETS {
        let message = format!("{} has {} targets: {MOST_TARGETS} at most", raw.id, targets.len());
        return fault(raw.pos, message);
    }
    let pattern = pattern(&mut props, "EventPattern")?;
    let place = props.position("ScheduleExpression");
    let expression = schedule::expression_of_rule(&mut props, "ScheduleExpression")?;
    if expression.is_some() && bus != "default" {
        let message = format!(
            "ScheduleExpression of {} stands on the bus {bus}: only rules of the default bus can have one",
            raw.id
        );
        return fault(place, message);
    }
    if expression.is_none() && pattern.is_none() {
        return props.missing("EventPattern");
    }
    if let Some(node) = props.take("RoleArn") {
        build.scope.remark(
            node.pos,
            &raw.id,
            "RoleArn",
            "a rule's own role is not used: targets have theirs",
        );
    }
    props.finish(build.scope, &["Tags"]);
    let timed = expression.map(|expression| RuleScheduleSpec { rule: name.clone(), expression });
    let pattern = pattern.unwrap_or_default();
    let spec = RuleSpec { name, bus, pattern, enabled, description, targets };
    build.push(&raw.id, raw.pos, Spec::Rule(spec));
    if let Some(timed) = timed {
        build.push(&raw.id, raw.pos, Spec::RuleSchedule(timed));
    }
    Ok(())
}

/// `State`.
pub(crate) fn enabled(props: &mut Props) -> Result<bool> {
    const STATES: [&str; 3] =
        ["ENABLED", "DISABLED", "ENABLED_WITH_ALL_CLOUDTRAIL_MANAGEMENT_EVENTS"];
    Ok(props.word("State", &STATES)? != Some("DISABLED"))
}

/// An event pattern as JSON text.
pub(crate) fn pattern(props: &mut Props, name: &str) -> Result<Option<String>> {
    let Some(node) = props.take(name) else { return Ok(None) };
    let node = document(node)?;
    match &node.value {
        Value::Map(entries) if !entries.is_empty() => Ok(Some(node.json())),
        _ => props.wrong(name, &node, "a map of fields to lists of values is wanted"),
    }
}

/// One of `Targets`; `None`, with a remark, if it is a service that is not run here.
fn target(build: &Build<'_>, mut props: Props) -> Result<Option<TargetSpec>> {
    let (id, pos) = (props.required("Id")?, props.pos);
    let arn = props.required("Arn")?;
    let owner = props.owner().to_owned();
    let spec = delivery(build, &mut props, id, arn)?;
    props.finish(build.scope, &[]);
    let service = spec.arn.split(':').nth(2).unwrap_or_default();
    if SERVICES.contains(&service) {
        return Ok(Some(spec));
    }
    let what =
        format!("target {} ({})", spec.id, if service.is_empty() { &spec.arn } else { service });
    build.scope.remark(
        pos,
        &owner,
        what,
        "this kind of target is not run here: nothing is delivered to it",
    );
    Ok(None)
}

/// What a rule's target and a SAM event have in common.
pub(crate) fn delivery(
    build: &Build<'_>,
    props: &mut Props,
    id: String,
    arn: String,
) -> Result<TargetSpec> {
    let mut input = InputSpec::Event;
    if let Some(node) = props.take("Input") {
        input = InputSpec::Constant(node.as_str().map_or_else(|| node.json(), str::to_owned));
    }
    if let Some(path) = props.text("InputPath")? {
        input = InputSpec::Path(path);
    }
    if let Some(mut transformer) = props.map("InputTransformer")? {
        let template = transformer.required("InputTemplate")?;
        let mut paths = std::collections::BTreeMap::new();
        if let Some(mut map) = transformer.map("InputPathsMap")? {
            for (key, node) in map.drain() {
                match node.as_str() {
                    Some(path) => paths.insert(key.name, path.to_owned()),
                    None => return map.wrong(&key.name, &node, "a JSON path is wanted"),
                };
            }
        }
        transformer.finish(build.scope, &[]);
        input = InputSpec::Transformer { paths, template };
    }
    let retry = retry(build, props)?;
    let dead_letter = dead_letter(build, props)?;
    let message_group = match props.map("SqsParameters")? {
        Some(mut parameters) => parameters.text("MessageGroupId")?,
        None => None,
    };
    let role = props.text("RoleArn")?;
    Ok(TargetSpec { id, arn, input, retry, dead_letter, role, message_group })
}

/// `RetryPolicy`, of a rule's target or a schedule's.
pub(crate) fn retry(build: &Build<'_>, props: &mut Props) -> Result<RetryPolicy> {
    let mut retry = RetryPolicy::default();
    if let Some(mut policy) = props.map("RetryPolicy")? {
        retry.max_age_seconds =
            policy.whole("MaximumEventAgeInSeconds", 60..=86_400)?.unwrap_or(retry.max_age_seconds);
        retry.max_attempts =
            policy.whole("MaximumRetryAttempts", 0..=185)?.unwrap_or(retry.max_attempts);
        policy.finish(build.scope, &[]);
    }
    Ok(retry)
}

/// `DeadLetterConfig`, of a rule's target or a schedule's.
pub(crate) fn dead_letter(build: &Build<'_>, props: &mut Props) -> Result<Option<String>> {
    let Some(mut config) = props.map("DeadLetterConfig")? else { return Ok(None) };
    let arn = config.text("Arn")?;
    config.finish(build.scope, &["Type", "QueueLogicalId"]);
    Ok(arn)
}
