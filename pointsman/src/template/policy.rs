//! Policy documents → statements, and the resource policies made of them.

use super::build::Build;
use super::document::Raw;
use super::function::function_name;
use super::identity::bus_name;
use super::node::{Node, Pos, Result, Value};
use super::props::Props;
use super::queue::document;
use crate::topology::{Spec, Statement};

/// The statements of a policy document, given as a map or as JSON text.
///
/// `NotAction`, `NotResource` and `NotPrincipal` are not understood: such a statement is listed and grants nothing.
pub(crate) fn statements(
    build: &Build<'_>,
    owner: &str,
    path: &str,
    node: Node,
) -> Result<Vec<Statement>> {
    let mut document = Props::of(owner, path, document(node)?)?;
    let statements = match document.take("Statement") {
        Some(Node { value: Value::List(items), .. }) => items,
        Some(single) => vec![single],
        None => return document.missing("Statement"),
    };
    document.finish(build.scope, &["Version", "Id"]);
    let mut result = Vec::new();
    for (index, node) in statements.into_iter().enumerate() {
        let props = Props::of(owner, &format!("{path}.Statement[{index}]"), node)?;
        result.extend(statement(build, props)?);
    }
    Ok(result)
}

/// One statement; `None` where it says what is not understood.
pub(crate) fn statement(build: &Build<'_>, mut props: Props) -> Result<Option<Statement>> {
    let (pos, owner) = (props.pos, props.owner().to_owned());
    let Some(effect) = props.word("Effect", &["Allow", "Deny"])? else {
        return props.missing("Effect");
    };
    let actions = props.texts("Action")?;
    let resources = props.texts("Resource")?;
    let principals = principals(&mut props)?;
    let conditions = props.map("Condition")?.map(|mut map| {
        let pos = map.pos;
        Node::map(pos, map.drain()).json()
    });
    props.take("Sid");
    let mut understood = true;
    for (key, _) in props.drain() {
        understood = false;
        let consequence = match effect {
            "Allow" => "is not supported: the statement grants nothing here",
            _ => "is not supported: the statement refuses nothing here",
        };
        build.scope.remark(key.pos, &owner, format!("{} in a policy", key.name), consequence);
    }
    if understood && actions.is_empty() {
        return props.missing("Action");
    }
    Ok(understood.then(|| Statement {
        allow: effect == "Allow",
        actions,
        resources,
        principals,
        conditions: conditions.unwrap_or_default(),
        place: build.place(pos),
    }))
}

/// `Principal: "*"`, `{Service: x}`, `{AWS: [..]}` → `*`, `service:x`, `aws:…`.
fn principals(props: &mut Props) -> Result<Vec<String>> {
    let Some(node) = props.take("Principal") else { return Ok(Vec::new()) };
    if let Some(text) = node.as_str() {
        return Ok(vec![text.to_owned()]);
    }
    let mut map = Props::of(props.owner(), "Principal", node)?;
    let keys: Vec<_> = ["Service", "AWS", "Federated", "CanonicalUser"].into_iter().collect();
    let mut result = Vec::new();
    for key in keys {
        let prefix = key.to_lowercase();
        result.extend(map.texts(key)?.into_iter().map(|name| format!("{prefix}:{name}")));
    }
    Ok(result)
}

/// `AWS::SQS::QueuePolicy` and `AWS::SNS::TopicPolicy`.
pub(crate) fn of_resource(build: &mut Build<'_>, raw: &Raw) -> Result<()> {
    let mut props = build.props(raw)?;
    let region = &build.scope.options.region;
    let mut on: Vec<String> = Vec::new();
    for url in props.texts("Queues")? {
        on.push(match url.starts_with("arn:") {
            true => url,
            false => region.queue(url.rsplit('/').next().unwrap_or(&url)),
        });
    }
    on.extend(props.texts("Topics")?);
    if on.is_empty() {
        return props.missing(if raw.kind == "AWS::SQS::QueuePolicy" {
            "Queues"
        } else {
            "Topics"
        });
    }
    let Some(node) = props.take("PolicyDocument") else { return props.missing("PolicyDocument") };
    let statements = statements(build, &raw.id, "PolicyDocument", node)?;
    props.finish(build.scope, &[]);
    build.push(&raw.id, raw.pos, Spec::Policy { on, statements });
    Ok(())
}

/// `AWS::Events::EventBusPolicy`.
pub(crate) fn of_bus(build: &mut Build<'_>, raw: &Raw) -> Result<()> {
    let mut props = build.props(raw)?;
    let bus = bus_name(&props.text("EventBusName")?.unwrap_or_else(|| "default".into()));
    let arn = build.scope.options.region.bus(&bus);
    props.take("StatementId");
    let mut statements = Vec::new();
    if let Some(node) = props.take("Statement") {
        statements.extend(statement(build, Props::of(&raw.id, "Statement", node)?)?);
    } else if let Some(action) = props.text("Action")? {
        let principal = props.required("Principal")?;
        let principal = if principal == "*" { principal } else { format!("aws:{principal}") };
        statements.push(granted(build, raw.pos, action, &arn, principal, None));
    }
    props.finish(build.scope, &[]);
    build.push(&raw.id, raw.pos, Spec::Policy { on: vec![arn], statements });
    Ok(())
}

/// `AWS::Lambda::Permission`.
pub(crate) fn permission(build: &mut Build<'_>, raw: &Raw) -> Result<()> {
    let mut props = build.props(raw)?;
    let function =
        build.scope.options.region.function(&function_name(&props.required("FunctionName")?));
    let action = props.required("Action")?;
    let principal = props.required("Principal")?;
    let principal = match principal.as_str() {
        "*" => principal,
        name if name.contains(".amazonaws.com") => format!("service:{name}"),
        name => format!("aws:{name}"),
    };
    let source = props.text("SourceArn")?;
    props.finish(build.scope, &["SourceAccount"]);
    let statement = granted(build, raw.pos, action, &function, principal, source.as_deref());
    build.push(&raw.id, raw.pos, Spec::Policy { on: vec![function], statements: vec![statement] });
    Ok(())
}

/// A statement that lets `principal` do `action`, on behalf of `source` alone where one is given.
pub(crate) fn granted(
    build: &Build<'_>,
    pos: Pos,
    action: String,
    resource: &str,
    principal: String,
    source: Option<&str>,
) -> Statement {
    let conditions = source.map(|arn| {
        format!("{{\"ArnLike\":{{\"aws:SourceArn\":{}}}}}", Node::text(pos, arn).json())
    });
    Statement {
        allow: true,
        actions: vec![action],
        resources: vec![resource.to_owned()],
        principals: vec![principal],
        conditions: conditions.unwrap_or_default(),
        place: build.place(pos),
    }
}

/// A statement of a function's role.
pub(crate) fn allowed(
    build: &Build<'_>,
    pos: Pos,
    actions: &str,
    resources: Vec<String>,
) -> Statement {
    Statement {
        allow: true,
        actions: actions.split_whitespace().map(str::to_owned).collect(),
        resources,
        principals: Vec::new(),
        conditions: String::new(),
        place: build.place(pos),
    }
}
