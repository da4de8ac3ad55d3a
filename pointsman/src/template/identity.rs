//! What a resource answers to `Ref` and `GetAtt`, known from its type and name alone.

use super::document::Raw;
use super::implicit::Implicit;
use super::names::physical;
use super::node::{Pos, Result};
use super::scope::Scope;
use std::collections::BTreeMap;

/// A resource's outside.
#[derive(Clone, Debug)]
pub(crate) struct Identity {
    /// Physical name.
    pub(crate) name: String,
    pub(crate) reference: String,
    pub(crate) attributes: BTreeMap<&'static str, String>,
    /// All of the type's attributes are in `attributes`: another is a mistake.
    pub(crate) known: bool,
}

/// The property that names a resource of `kind`, and how long a name may be.
fn naming(kind: &str) -> Option<(&'static str, usize)> {
    Some(match kind {
        "AWS::SQS::Queue" => ("QueueName", 80),
        "AWS::SNS::Topic" => ("TopicName", 256),
        "AWS::Events::EventBus" => ("Name", 256),
        "AWS::Events::Rule" | "AWS::Scheduler::Schedule" | "AWS::Scheduler::ScheduleGroup" => {
            ("Name", 64)
        }
        "AWS::Lambda::Function" | "AWS::Serverless::Function" => ("FunctionName", 64),
        "AWS::DynamoDB::Table" | "AWS::DynamoDB::GlobalTable" | "AWS::Serverless::SimpleTable" => {
            ("TableName", 255)
        }
        "AWS::IAM::Role" => ("RoleName", 64),
        "AWS::IAM::ManagedPolicy" => ("ManagedPolicyName", 128),
        "AWS::Logs::LogGroup" => ("LogGroupName", 512),
        "AWS::S3::Bucket" => ("BucketName", 63),
        "AWS::SecretsManager::Secret" => ("Name", 512),
        "AWS::SSM::Parameter" => ("Name", 2048),
        "AWS::StepFunctions::StateMachine" | "AWS::Serverless::StateMachine" => ("Name", 80),
        _ => return None,
    })
}

pub(crate) fn of(scope: &Scope<'_>, raw: &Raw) -> Result<Identity> {
    let stack = &scope.options.stack;
    let (property, limit) = naming(&raw.kind).unwrap_or(("", 255));
    let name = scope.name(raw, || match raw.properties.get(property) {
        Some(node) if scope.resolve(node)?.is_some() => {
            scope.text(node, &format!("{property} of {}", raw.id))
        }
        _ => Ok(physical(stack, &raw.id, limit)),
    })?;
    if raw.kind == "AWS::Events::Rule" {
        let bus = match raw.properties.get("EventBusName") {
            Some(node) => match scope.resolve(node)? {
                Some(node) => bus_name(node.as_str().unwrap_or("default")),
                None => "default".into(),
            },
            None => "default".into(),
        };
        return Ok(of_rule(scope, name, &bus));
    }
    if raw.kind == "AWS::Scheduler::Schedule" {
        let group = match raw.properties.get("GroupName") {
            Some(node) => scope.resolve(node)?,
            None => None,
        };
        let group = group.as_ref().and_then(|node| node.as_str()).unwrap_or("default");
        return Ok(of_schedule(scope, name, group));
    }
    let streams = raw.properties.get("StreamSpecification").is_some();
    Ok(of_kind(scope, &raw.kind, &raw.id, name, streams))
}

/// The identity of what SAM makes; `pos` is where it is referred to.
pub(crate) fn of_implicit(scope: &Scope<'_>, implicit: &Implicit, pos: Pos) -> Result<Identity> {
    let stack = &scope.options.stack;
    let made = |kind: &str, id: &str| of_kind(scope, kind, id, physical(stack, id, 64), false);
    Ok(match implicit {
        Implicit::Role(function) => made("AWS::IAM::Role", &format!("{function}Role")),
        Implicit::Queue(id) => {
            of_kind(scope, "AWS::SQS::Queue", id, physical(stack, id, 80), false)
        }
        Implicit::Topic(id) => made("AWS::SNS::Topic", id),
        Implicit::HttpApi => of_kind(
            scope,
            "AWS::Serverless::HttpApi",
            super::implicit::HTTP_API,
            physical(stack, super::implicit::HTTP_API, 255),
            false,
        ),
        Implicit::Rule(id, bus) => of_rule(scope, physical(stack, id, 64), &bus_name(bus)),
        Implicit::Schedule { id, name, group, omitted } => {
            let name = match name {
                Some(node) => scope.text(node, &format!("Name of {id}"))?,
                None if *omitted => physical(stack, id, 64),
                None => id.clone(),
            };
            let group = match group {
                Some(node) => scope.text(node, &format!("GroupName of {id}"))?,
                None => "default".into(),
            };
            of_schedule(scope, name, &group)
        }
        Implicit::Qualified(function, qualifier) => {
            let function = of(scope, scope.resource(function, pos)?)?;
            let arn = function.attributes.get("Arn").cloned().unwrap_or_default();
            Identity { reference: format!("{arn}:{qualifier}"), ..function }
        }
        Implicit::Other => Identity {
            name: String::new(),
            reference: physical(stack, "made-by-sam", 64),
            attributes: BTreeMap::new(),
            known: false,
        },
    })
}

/// The name in a bus's name or ARN.
pub(crate) fn bus_name(name_or_arn: &str) -> String {
    name_or_arn.rsplit_once("event-bus/").map_or(name_or_arn, |(_, name)| name).to_owned()
}

/// A value for an attribute that no engine here can know.
pub(crate) fn stand_in(
    scope: &Scope<'_>,
    identity: &Identity,
    id: &str,
    attribute: &str,
) -> String {
    match attribute.ends_with("Arn") {
        true => {
            let region = &scope.options.region;
            format!("arn:aws:unknown:{}:{}:{}", region.name, region.account, identity.name)
        }
        false => {
            physical(&scope.options.stack, &format!("{id}-{}", attribute.replace('.', "-")), 255)
        }
    }
}

fn of_rule(scope: &Scope<'_>, name: String, bus: &str) -> Identity {
    let arn = scope.options.region.rule(bus, &name);
    let reference = if bus == "default" { name.clone() } else { format!("{bus}|{name}") };
    Identity { name, reference, attributes: [("Arn", arn)].into(), known: true }
}

fn of_schedule(scope: &Scope<'_>, name: String, group: &str) -> Identity {
    let arn = scope.options.region.schedule(&format!("{group}/{name}"));
    Identity { reference: name.clone(), name, attributes: [("Arn", arn)].into(), known: true }
}

fn of_kind(scope: &Scope<'_>, kind: &str, id: &str, name: String, streams: bool) -> Identity {
    let region = &scope.options.region;
    let global =
        |service: &str, rest: String| format!("arn:aws:{service}::{}:{rest}", region.account);
    let regional = |service: &str, rest: String| {
        format!("arn:aws:{service}:{}:{}:{rest}", region.name, region.account)
    };
    let (reference, attributes, known): (String, Vec<(&'static str, String)>, bool) = match kind {
        "AWS::SQS::Queue" => {
            let url = region.queue_url(&scope.options.endpoint, &name);
            (
                url.clone(),
                vec![("Arn", region.queue(&name)), ("QueueName", name.clone()), ("QueueUrl", url)],
                true,
            )
        }
        "AWS::SNS::Topic" => {
            let arn = region.topic(&name);
            (arn.clone(), vec![("TopicArn", arn), ("TopicName", name.clone())], true)
        }
        "AWS::Events::EventBus" => (
            name.clone(),
            vec![("Arn", region.bus(&name)), ("Name", name.clone()), ("Policy", String::new())],
            true,
        ),
        "AWS::Scheduler::ScheduleGroup" => {
            (name.clone(), vec![("Arn", region.schedule_group(&name))], false)
        }
        "AWS::Lambda::Function" | "AWS::Serverless::Function" => {
            (name.clone(), vec![("Arn", region.function(&name))], false)
        }
        "AWS::DynamoDB::Table" | "AWS::DynamoDB::GlobalTable" | "AWS::Serverless::SimpleTable" => {
            let mut attributes = vec![("Arn", region.table(&name))];
            if streams || kind == "AWS::DynamoDB::GlobalTable" {
                attributes.push(("StreamArn", stream_arn(&region.table(&name))));
            }
            (name.clone(), attributes, kind != "AWS::DynamoDB::GlobalTable")
        }
        "AWS::Serverless::HttpApi" => {
            let url = scope.options.api_url(&name).to_owned();
            (name.clone(), vec![("ApiEndpoint", url), ("ApiId", name.clone())], true)
        }
        "AWS::IAM::Role" => (
            name.clone(),
            vec![("Arn", global("iam", format!("role/{name}"))), ("RoleId", name.clone())],
            true,
        ),
        "AWS::IAM::ManagedPolicy" => {
            let arn = global("iam", format!("policy/{name}"));
            (arn.clone(), vec![("PolicyArn", arn)], false)
        }
        "AWS::Logs::LogGroup" => {
            (name.clone(), vec![("Arn", regional("logs", format!("log-group:{name}:*")))], true)
        }
        "AWS::S3::Bucket" => (
            name.clone(),
            vec![
                ("Arn", format!("arn:aws:s3:::{name}")),
                ("DomainName", format!("{name}.s3.amazonaws.com")),
            ],
            false,
        ),
        "AWS::SecretsManager::Secret" => {
            (regional("secretsmanager", format!("secret:{name}")), Vec::new(), false)
        }
        "AWS::StepFunctions::StateMachine" | "AWS::Serverless::StateMachine" => {
            let arn = regional("states", format!("stateMachine:{name}"));
            (arn.clone(), vec![("Arn", arn), ("Name", name.clone())], false)
        }
        "AWS::Lambda::EventSourceMapping" => {
            let uuid = super::names::uuid(&scope.options.stack, id);
            (
                uuid.clone(),
                vec![("Id", uuid.clone()), ("EventSourceMappingArn", region.mapping(&uuid))],
                true,
            )
        }
        _ => (name.clone(), Vec::new(), false),
    };
    Identity { name, reference, attributes: attributes.into_iter().collect(), known }
}

/// The ARN of a table's stream. On AWS its label is the time the stream was made; here it is always the same, so that
/// policies and mappings resolve before the table exists.
pub(crate) fn stream_arn(table_arn: &str) -> String {
    format!("{table_arn}/stream/1970-01-01T00:00:00.000")
}
