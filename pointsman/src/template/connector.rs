//! `AWS::Serverless::Connector`, and `Connectors` of a resource: Read and Write → statements of a function's role.

use super::build::Build;
use super::identity;
use super::node::{Node, Pos, Result};
use super::policy::{allowed, granted};
use super::props::Props;
use crate::topology::{Spec, Statement};

const TABLE_READ: &str = "dynamodb:GetItem dynamodb:Query dynamodb:Scan dynamodb:BatchGetItem dynamodb:ConditionCheckItem dynamodb:PartiQLSelect";
const TABLE_WRITE: &str = "dynamodb:PutItem dynamodb:UpdateItem dynamodb:DeleteItem dynamodb:BatchWriteItem dynamodb:PartiQLDelete dynamodb:PartiQLInsert dynamodb:PartiQLUpdate";
const QUEUE_READ: &str = "sqs:ReceiveMessage sqs:GetQueueAttributes";
const QUEUE_WRITE: &str =
    "sqs:DeleteMessage sqs:SendMessage sqs:ChangeMessageVisibility sqs:PurgeQueue";

pub(crate) fn read(build: &mut Build<'_>) -> Result<()> {
    for raw in &build.scope.document.resources {
        if !build.scope.exists(raw)? {
            continue;
        }
        if raw.kind == "AWS::Serverless::Connector" {
            let mut props = build.props(raw)?;
            let Some(mut source) = props.map("Source")? else { return props.missing("Source") };
            let source = source.required("Id")?;
            connect(build, &raw.id, source, props)?;
        } else if let Some(node) = &raw.connectors {
            let Some(node) = build.scope.resolve(node)? else { continue };
            for (key, node) in Props::of(&raw.id, "Connectors", node)?.drain() {
                let mut connector = Props::of(&raw.id, &format!("Connectors.{}", key.name), node)?;
                let Some(properties) = connector.map("Properties")? else {
                    return connector.missing("Properties");
                };
                connect(build, &raw.id, raw.id.clone(), properties)?;
            }
        }
    }
    Ok(())
}

fn connect(build: &mut Build<'_>, owner: &str, source: String, mut props: Props) -> Result<()> {
    let pos = props.pos;
    let permissions = props.texts("Permissions")?;
    let Some(node) = props.take("Destination") else { return props.missing("Destination") };
    let destinations = match node.as_list() {
        Some(items) => items.to_vec(),
        None => vec![node],
    };
    props.finish(build.scope, &[]);
    for node in destinations {
        one(build, owner, &source, &permissions, node, pos)?;
    }
    Ok(())
}

fn one(
    build: &mut Build<'_>,
    owner: &str,
    source: &str,
    permissions: &[String],
    node: Node,
    pos: Pos,
) -> Result<()> {
    let mut destination = Props::of(owner, "Destination", node)?;
    let id = destination.required("Id")?;
    let (from, to) = (build.scope.resource(source, pos)?, build.scope.resource(&id, pos)?);
    let outside = identity::of(build.scope, to)?;
    let arn = outside
        .attributes
        .get("Arn")
        .or(outside.attributes.get("TopicArn"))
        .cloned()
        .unwrap_or_default();
    let (read, write): (Option<&str>, Option<&str>) = match to.kind.as_str() {
        "AWS::DynamoDB::Table" | "AWS::Serverless::SimpleTable" => {
            (Some(TABLE_READ), Some(TABLE_WRITE))
        }
        "AWS::SQS::Queue" => (Some(QUEUE_READ), Some(QUEUE_WRITE)),
        "AWS::SNS::Topic" => (None, Some("sns:Publish")),
        "AWS::Events::EventBus" => (None, Some("events:PutEvents")),
        "AWS::Lambda::Function" | "AWS::Serverless::Function" => {
            (None, Some("lambda:InvokeFunction lambda:InvokeAsync"))
        }
        _ => (None, None),
    };
    let is_function =
        matches!(from.kind.as_str(), "AWS::Serverless::Function" | "AWS::Lambda::Function");
    let wanted = permissions.iter().map(|permission| match permission.as_str() {
        "Read" => read,
        "Write" => write,
        _ => None,
    });
    let statements: Vec<Statement> = wanted
        .flatten()
        .map(|actions| {
            let mut resources = vec![arn.clone()];
            if actions.starts_with("dynamodb:") {
                resources.push(format!("{arn}/index/*"));
            }
            allowed(build, pos, actions, resources)
        })
        .collect();
    if is_function && statements.len() == permissions.len() && !statements.is_empty() {
        for resource in &mut build.resources {
            if let Spec::Function(function) = &mut resource.spec
                && resource.id == source
            {
                function.statements.get_or_insert_default().extend(statements.iter().cloned());
            }
        }
        return Ok(());
    }
    let by_rule = from.kind == "AWS::Events::Rule" && permissions == ["Write"];
    let action = match to.kind.as_str() {
        "AWS::SQS::Queue" => "sqs:SendMessage",
        "AWS::SNS::Topic" => "sns:Publish",
        _ => "lambda:InvokeFunction",
    };
    if by_rule && write.is_some() && to.kind != "AWS::Events::EventBus" {
        let rule = identity::of(build.scope, from)?.attributes.get("Arn").cloned();
        let service = "service:events.amazonaws.com".to_owned();
        let statement = granted(build, pos, action.into(), &arn, service, rule.as_deref());
        build.push(owner, pos, Spec::Policy { on: vec![arn], statements: vec![statement] });
        return Ok(());
    }
    let what = format!("connector {} → {}", from.kind, to.kind);
    build.scope.remark(pos, owner, what, "is not known here: it grants nothing");
    Ok(())
}
