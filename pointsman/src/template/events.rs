//! `Events` of a SAM function: mappings, rules, routes, and a list of what is not run yet.

use super::build::Build;
use super::document::Raw;
use super::identity::bus_name;
use super::names::physical;
use super::node::{Node, Pos, Result};
use super::policy::{allowed, granted};
use super::props::Props;
use super::{event_source, http, implicit, rule, schedule};
use crate::topology::{QueueSpec, RuleScheduleSpec, RuleSpec, Spec, Statement};

/// Kinds of events that are not run yet, and what is missed.
const NOT_YET: [(&str, &str); 15] = [
    ("Api", "REST APIs are not run here: use an HttpApi event"),
    ("SNS", "topics are not run yet: it invokes nothing"),
    ("S3", "buckets are not run here: it invokes nothing"),
    ("Kinesis", "Kinesis is not run here: it invokes nothing"),
    ("MSK", "Kafka is not run here: it invokes nothing"),
    ("SelfManagedKafka", "Kafka is not run here: it invokes nothing"),
    ("MQ", "MQ is not run here: it invokes nothing"),
    ("DocumentDB", "DocumentDB is not run here: it invokes nothing"),
    ("Cognito", "Cognito is not run here: it invokes nothing"),
    ("IoTRule", "IoT is not run here: it invokes nothing"),
    ("AlexaSkill", "Alexa is not run here: it invokes nothing"),
    ("CloudWatchLogs", "log subscriptions are not run here: it invokes nothing"),
    ("EventBridgeBus", "is not run here: it invokes nothing"),
    ("WebSocketApi", "WebSocket APIs are not run here: it invokes nothing"),
    ("EventBridgePipe", "pipes are not run here: it invokes nothing"),
];

/// Reads one event and gives what it lets the function's own role do.
pub(crate) fn read(
    build: &mut Build<'_>,
    raw: &Raw,
    function: &str,
    name: &str,
    event: Node,
) -> Result<Vec<Statement>> {
    let pos = event.pos;
    let mut event = Props::of(&raw.id, &format!("Events.{name}"), event)?;
    let kind_pos = event.position("Type");
    let kind = event.required("Type")?;
    let properties = match event.take("Properties") {
        Some(node) if !node.is_null() => node,
        _ => Node::map(pos, Vec::new()),
    };
    event.finish(build.scope, &[]);
    let id = format!("{}{name}", raw.id);
    let mut props = Props::of(&raw.id, &format!("Events.{name}"), properties)?;
    match kind.as_str() {
        "SQS" => {
            let source = props.required("Queue")?;
            event_source::mapping(build, &id, pos, function.to_owned(), source, props)?;
            let actions = "sqs:ReceiveMessage sqs:DeleteMessage sqs:GetQueueAttributes";
            Ok(vec![allowed(build, pos, actions, vec!["*".into()])])
        }
        "DynamoDB" => {
            let source = props.required("Stream")?;
            event_source::mapping(build, &id, pos, function.to_owned(), source, props)?;
            let actions = "dynamodb:DescribeStream dynamodb:GetRecords dynamodb:GetShardIterator dynamodb:ListStreams";
            let mut statements = vec![allowed(build, pos, actions, vec!["*".into()])];
            statements.extend(destination(build, &id, pos));
            Ok(statements)
        }
        "EventBridgeRule" | "CloudWatchEvent" => {
            rule_event(build, raw, function, &id, props)?;
            Ok(Vec::new())
        }
        "Schedule" => {
            scheduled_rule(build, raw, function, &id, props)?;
            Ok(Vec::new())
        }
        "ScheduleV2" => {
            schedule::event(build, function, &id, own_queue(raw, &id), props)?;
            Ok(Vec::new())
        }
        "HttpApi" => {
            http::event(build, raw, function, pos, props)?;
            Ok(Vec::new())
        }
        other => {
            let Some((_, consequence)) = NOT_YET.iter().find(|(kind, _)| *kind == other) else {
                let kinds = NOT_YET.iter().map(|(kind, _)| *kind);
                let known = [
                    "SQS",
                    "DynamoDB",
                    "EventBridgeRule",
                    "CloudWatchEvent",
                    "HttpApi",
                    "Schedule",
                    "ScheduleV2",
                ];
                let hint = super::names::one_of(super::names::nearest(other, kinds.chain(known)));
                let message = format!(
                    "Events.{name}.Type of {} is «{other}», which is no event of SAM's{hint}",
                    raw.id
                );
                return super::node::fault(kind_pos, message);
            };
            build.scope.remark(kind_pos, &raw.id, format!("event {name} ({other})"), *consequence);
            Ok(Vec::new())
        }
    }
}

/// SAM lets a role send to the on-failure destination of its stream mapping.
fn destination(build: &Build<'_>, id: &str, pos: super::node::Pos) -> Option<Statement> {
    use crate::topology::MappingSource::Stream;
    let made = build.resources.iter().rev().find(|resource| resource.id == id)?;
    let Spec::Mapping(mapping) = &made.spec else { return None };
    let Stream { on_failure: Some(arn), .. } = &mapping.source else { return None };
    let action = if arn.starts_with("arn:aws:sns:") { "sns:Publish" } else { "sqs:SendMessage" };
    Some(allowed(build, pos, action, vec![arn.clone()]))
}

fn rule_event(
    build: &mut Build<'_>,
    raw: &Raw,
    function: &str,
    id: &str,
    mut props: Props,
) -> Result<()> {
    let pos = props.pos;
    let region = build.scope.options.region.clone();
    let stack = build.scope.options.stack.clone();
    let name = props.text("RuleName")?.unwrap_or_else(|| physical(&stack, id, 64));
    let bus = bus_name(&props.text("EventBusName")?.unwrap_or_else(|| "default".into()));
    let enabled = rule::enabled(&mut props)?;
    let Some(pattern) = rule::pattern(&mut props, "Pattern")? else {
        return props.missing("Pattern");
    };
    let target_id = match props.map("Target")? {
        Some(mut target) => target.required("Id")?,
        None => format!("{id}LambdaTarget"),
    };
    let arn = region.function(function);
    let target = rule::delivery(build, &mut props, target_id, arn)?;
    props.finish(build.scope, &["Description"]);
    let description = String::new();
    let spec = RuleSpec { name, bus, pattern, enabled, description, targets: vec![target] };
    push_rule(build, id, pos, spec, own_queue(raw, id));
    Ok(())
}

/// `Schedule`: a rule with a schedule, on the default bus.
fn scheduled_rule(
    build: &mut Build<'_>,
    raw: &Raw,
    function: &str,
    id: &str,
    mut props: Props,
) -> Result<()> {
    let pos = props.pos;
    let name = match props.text("Name")? {
        Some(name) => name,
        None => physical(&build.scope.options.stack, id, 64),
    };
    let Some(expression) = schedule::expression_of_rule(&mut props, "Schedule")? else {
        return props.missing("Schedule");
    };
    let enabled = match props.flag("Enabled")? {
        Some(enabled) => enabled,
        None => rule::enabled(&mut props)?,
    };
    let arn = build.scope.options.region.function(function);
    let target = rule::delivery(build, &mut props, format!("{id}LambdaTarget"), arn)?;
    let description = props.text("Description")?.unwrap_or_default();
    props.finish(build.scope, &[]);
    let (bus, pattern) = ("default".to_owned(), String::new());
    let timed = RuleScheduleSpec { rule: name.clone(), expression };
    let spec = RuleSpec { name, bus, pattern, enabled, description, targets: vec![target] };
    push_rule(build, id, pos, spec, own_queue(raw, id));
    build.push(id, pos, Spec::RuleSchedule(timed));
    Ok(())
}

/// A queue that SAM makes for what an event's target does not take.
fn own_queue(raw: &Raw, id: &str) -> Option<String> {
    let mut events = raw.events().iter();
    let (_, event) = events.find(|(key, _)| format!("{}{}", raw.id, key.name) == id)?;
    let config = event.get("Properties")?.get("DeadLetterConfig")?;
    implicit::dead_letter_queue(id, Some(config))
}

/// A rule whose one target is a function, with the right to invoke it, and with the queue that SAM makes for it.
fn push_rule(
    build: &mut Build<'_>,
    id: &str,
    pos: Pos,
    mut spec: RuleSpec,
    own_queue: Option<String>,
) {
    let (region, stack) = (&build.scope.options.region, build.scope.options.stack.clone());
    let rule_arn = region.rule(&spec.bus, &spec.name);
    let arn = spec.targets[0].arn.clone();
    if let Some(queue) = own_queue {
        let queue_name = physical(&stack, &queue, 80);
        let queue_arn = region.queue(&queue_name);
        spec.targets[0].dead_letter = Some(queue_arn.clone());
        build.push(queue.clone(), pos, Spec::Queue(QueueSpec::named(queue_name)));
        let statement = granted(
            build,
            pos,
            "sqs:SendMessage".into(),
            &queue_arn,
            "service:events.amazonaws.com".into(),
            Some(&rule_arn),
        );
        build.push(
            format!("{queue}Policy"),
            pos,
            Spec::Policy { on: vec![queue_arn], statements: vec![statement] },
        );
    }
    build.push(id, pos, Spec::Rule(spec));
    let service = "service:events.amazonaws.com".to_owned();
    let statement =
        granted(build, pos, "lambda:InvokeFunction".into(), &arn, service, Some(&rule_arn));
    build.push(
        format!("{id}Permission"),
        pos,
        Spec::Policy { on: vec![arn], statements: vec![statement] },
    );
}
