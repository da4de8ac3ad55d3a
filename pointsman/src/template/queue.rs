//! `AWS::SQS::Queue` and `AWS::SNS::Topic`.

use super::build::Build;
use super::document::Raw;
use super::node::{Node, Result, Value, fault};
use super::props::Props;
use super::{identity, yaml};
use crate::topology::{QueueSpec, Redrive, Spec, TopicSpec};

/// Shown by GetQueueAttributes, without effect on one machine.
const KEPT: [&str; 6] = [
    "SqsManagedSseEnabled",
    "KmsMasterKeyId",
    "KmsDataKeyReusePeriodSeconds",
    "ContentBasedDeduplication",
    "DeduplicationScope",
    "FifoThroughputLimit",
];

pub(crate) fn read(build: &mut Build<'_>, raw: &Raw) -> Result<()> {
    let name = identity::of(build.scope, raw)?.name;
    let mut props = build.props(raw)?;
    let name_node = props.take("QueueName");
    let fifo = props.flag("FifoQueue")?.unwrap_or(false);
    let stem = name.strip_suffix(".fifo").filter(|_| fifo).unwrap_or(&name);
    let allowed =
        |character: char| character.is_ascii_alphanumeric() || matches!(character, '-' | '_');
    if stem.is_empty() || name.len() > 80 || !stem.chars().all(allowed) {
        let node = name_node.unwrap_or(Node::text(raw.pos, name));
        let wanted = "1 to 80 letters, digits, hyphens and underscores are wanted (a FIFO queue's name ends in .fifo)";
        return props.wrong("QueueName", &node, wanted);
    }
    let defaults = QueueSpec::named(&name);
    let mut spec = QueueSpec {
        fifo,
        delay: props.whole("DelaySeconds", 0..=900)?.unwrap_or(defaults.delay),
        visibility: props.whole("VisibilityTimeout", 0..=43_200)?.unwrap_or(defaults.visibility),
        retention: props
            .whole("MessageRetentionPeriod", 60..=1_209_600)?
            .unwrap_or(defaults.retention),
        max_size: props
            .whole("MaximumMessageSize", 1_024..=1_048_576)?
            .unwrap_or(defaults.max_size),
        wait: props.whole("ReceiveMessageWaitTimeSeconds", 0..=20)?.unwrap_or(defaults.wait),
        redrive: redrive(&mut props)?,
        ..defaults
    };
    for key in KEPT {
        if let Some(value) = props.text(key)? {
            spec.other.insert(key.to_owned(), value);
        }
    }
    if let Some(node) = props.take("RedriveAllowPolicy") {
        spec.other.insert(
            "RedriveAllowPolicy".into(),
            node.as_str().map_or_else(|| node.json(), str::to_owned),
        );
    }
    props.finish(build.scope, &["Tags"]);
    if fifo {
        build.left_out.push(name);
        build.scope.remark(
            raw.kind_pos,
            &raw.id,
            "FIFO queue",
            "FIFO queues are not run yet: the queue is left out, and what is sent to it fails",
        );
        return Ok(());
    }
    build.push(&raw.id, raw.pos, Spec::Queue(spec));
    Ok(())
}

fn redrive(props: &mut Props) -> Result<Option<Redrive>> {
    let Some(node) = props.take("RedrivePolicy") else { return Ok(None) };
    let mut policy = Props::of(props.owner(), "RedrivePolicy", document(node)?)?;
    let target = policy.required("deadLetterTargetArn")?;
    let Some(max_receives) = policy.whole("maxReceiveCount", 1..=1_000)? else {
        return policy.missing("maxReceiveCount");
    };
    Ok(Some(Redrive { target, max_receives }))
}

/// A JSON document as a tree, also where it is given as text.
pub(crate) fn document(node: Node) -> Result<Node> {
    match &node.value {
        Value::Scalar { text, .. } if text.trim_start().starts_with(['{', '[']) => {
            let pos = node.pos;
            match yaml::parse(text) {
                Ok(parsed) => Ok(parsed.moved_to(pos)),
                Err(inner) => fault(pos, format!("this JSON text {}", inner.message)),
            }
        }
        _ => Ok(node),
    }
}

pub(crate) fn topic(build: &mut Build<'_>, raw: &Raw) -> Result<()> {
    let name = identity::of(build.scope, raw)?.name;
    let mut props = build.props(raw)?;
    props.take("TopicName");
    props.finish(
        build.scope,
        &["Tags", "DisplayName", "KmsMasterKeyId", "TracingConfig", "SignatureVersion"],
    );
    build.scope.remark(raw.kind_pos, &raw.id, &raw.kind, "topics are not run yet: a publish fails");
    build.push(&raw.id, raw.pos, Spec::Topic(TopicSpec { name }));
    Ok(())
}
