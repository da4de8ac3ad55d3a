//! `AWS::Lambda::Function` and `AWS::Serverless::Function` with its role and asynchronous settings.

use super::build::Build;
use super::document::Raw;
use super::node::{Node, Pos, Result, Value, fault};
use super::policy::{allowed, statements};
use super::props::Props;
use super::{events, iam, identity, implicit, names, policies};
use crate::topology::{AsyncSpec, DeadLetter, FunctionSpec, QueueSpec, Spec, Statement, TopicSpec};
use std::collections::BTreeMap;

/// They matter to AWS alone: how a function is deployed, encrypted, traced, billed.
const INERT: [&str; 24] = [
    "AssumeRolePolicyDocument",
    "AutoPublishAlias",
    "AutoPublishAliasAllProperties",
    "AutoPublishCodeSha256",
    "CodeSigningConfigArn",
    "DeploymentPreference",
    "Description",
    "EphemeralStorage",
    "FunctionName",
    "KmsKeyArn",
    "LoggingConfig",
    "PropagateTags",
    "ProvisionedConcurrencyConfig",
    "RecursiveLoop",
    "RolePath",
    "RuntimeManagementConfig",
    "SnapStart",
    "SourceKMSKeyArn",
    "Tags",
    "Tracing",
    "TracingConfig",
    "VersionDescription",
    "PublishToLatestPublished",
    "VersionDeletionPolicy",
];
const LOGS: &str = "logs:CreateLogGroup logs:CreateLogStream logs:PutLogEvents";

/// The name in a function's name or ARN, without a qualifier.
pub(crate) fn function_name(name_or_arn: &str) -> String {
    let rest = name_or_arn.rsplit_once(":function:").map_or(name_or_arn, |(_, rest)| rest);
    rest.split(':').next().unwrap_or(rest).to_owned()
}

pub(crate) fn lambda(build: &mut Build<'_>, raw: &Raw) -> Result<()> {
    let mut props = build.props(raw)?;
    let code = code(build, raw, &mut props, "Code");
    let mut spec = common(build, raw, &mut props, code)?;
    if let Some(mut config) = props.map("DeadLetterConfig")? {
        let target = config.required("TargetArn")?;
        spec.asynchronous.dead_letter = Some(DeadLetter { target });
    }
    if let Some(role) = props.text("Role")? {
        spec.statements = build.roles.of(&role);
    }
    props.finish(build.scope, &INERT);
    build.push(&raw.id, raw.pos, Spec::Function(spec));
    Ok(())
}

pub(crate) fn serverless(build: &mut Build<'_>, raw: &Raw) -> Result<()> {
    let mut props = build.props(raw)?;
    let code = code(build, raw, &mut props, "CodeUri");
    let mut spec = common(build, raw, &mut props, code)?;
    let mut granted = vec![allowed(build, raw.pos, LOGS, vec!["*".into()])];
    if let Some(mut queue) = props.map("DeadLetterQueue")? {
        let target = queue.required("TargetArn")?;
        let action = match queue.word("Type", &["SQS", "SNS"])? {
            Some("SNS") => "sns:Publish",
            _ => "sqs:SendMessage",
        };
        granted.push(allowed(build, queue.pos, action, vec![target.clone()]));
        spec.asynchronous.dead_letter = Some(DeadLetter { target });
    }
    if let Some(config) = props.map("EventInvokeConfig")? {
        invoke_config(build, raw, config, &mut spec.asynchronous, &mut granted)?;
    }
    if let Some(node) = props.take("Policies") {
        granted.extend(policies_of(build, raw, node)?);
    }
    let events = props.map("Events")?;
    let role = props.text("Role")?;
    props.take("PermissionsBoundary").into_iter().for_each(|node| {
        let consequence = "does not bound what the role may do here";
        build.scope.remark(node.pos, &raw.id, "PermissionsBoundary", consequence);
    });
    props.finish(build.scope, &INERT);
    let (name, index) = (spec.name.clone(), build.resources.len());
    build.push(&raw.id, raw.pos, Spec::Function(spec));
    if let Some(mut events) = events {
        for (key, event) in events.drain() {
            granted.extend(events::read(build, raw, &name, &key.name, event)?);
        }
    }
    let statements = match role {
        Some(role) => build.roles.of(&role),
        None => {
            let stack = &build.scope.options.stack;
            let role = names::physical(stack, &format!("{}Role", raw.id), 64);
            granted.extend_from_slice(build.roles.attached(&role));
            Some(granted)
        }
    };
    if let Some(Spec::Function(function)) =
        build.resources.get_mut(index).map(|made| &mut made.spec)
    {
        function.statements = statements;
    }
    Ok(())
}

/// Where a function's code is, if that is a folder of the project.
fn code(build: &Build<'_>, raw: &Raw, props: &mut Props, name: &str) -> Option<String> {
    let node = props.take(name)?;
    match node.as_str() {
        Some(path) if !path.starts_with("s3://") => Some(path.to_owned()),
        _ => {
            let consequence = "code outside the project is not run here: its invocations fail";
            build.scope.remark(node.pos, &raw.id, name, consequence);
            None
        }
    }
}

fn common(
    build: &Build<'_>,
    raw: &Raw,
    props: &mut Props,
    code: Option<String>,
) -> Result<FunctionSpec> {
    let name = identity::of(build.scope, raw)?.name;
    let allowed =
        |character: char| character.is_ascii_alphanumeric() || matches!(character, '-' | '_');
    if name.is_empty() || name.len() > 64 || !name.chars().all(allowed) {
        let node = props.take("FunctionName").unwrap_or(Node::text(raw.pos, name));
        return props.wrong(
            "FunctionName",
            &node,
            "1 to 64 letters, digits, hyphens and underscores are wanted",
        );
    }
    let image = props.word("PackageType", &["Zip", "Image"])? == Some("Image");
    let runtime = props.text("Runtime")?.unwrap_or_default();
    let handler = props.text("Handler")?.unwrap_or_default();
    let runs = "its invocations fail: only binaries for provided.* are run here";
    if image {
        build.scope.remark(raw.kind_pos, &raw.id, "container image", runs);
    } else if runtime.is_empty() {
        return props.missing("Runtime");
    } else if !runtime.starts_with("provided") {
        build.scope.remark(raw.kind_pos, &raw.id, format!("runtime {runtime}"), runs);
    } else if handler.is_empty() {
        return props.missing("Handler");
    }
    let mut environment = BTreeMap::new();
    if let Some(mut node) = props.map("Environment")?
        && let Some(mut variables) = node.map("Variables")?
    {
        for (key, value) in variables.drain() {
            match &value.value {
                Value::Scalar { text, .. } => environment.insert(key.name, text.clone()),
                _ => return variables.wrong(&key.name, &value, "text is wanted"),
            };
        }
    }
    let architectures = props.texts("Architectures")?;
    let architecture = match architectures.as_slice() {
        [] => "x86_64".to_owned(),
        [one] if matches!(one.as_str(), "x86_64" | "arm64") => one.clone(),
        other => {
            let message = format!(
                "Architectures of {} is «{}»: x86_64 or arm64 is wanted",
                raw.id,
                other.join(", ")
            );
            return fault(props.pos, message);
        }
    };
    let spec = FunctionSpec {
        binary: binary(raw, &handler),
        name,
        runtime,
        handler,
        code,
        environment,
        timeout: props.whole("Timeout", 1..=900)?.unwrap_or(3),
        memory: props.whole("MemorySize", 128..=10_240)?.unwrap_or(128),
        reserved_concurrency: props.whole("ReservedConcurrentExecutions", 0..=1_000_000)?,
        asynchronous: AsyncSpec::default(),
        statements: None,
        architecture,
    };
    Ok(spec)
}

/// What `cargo lambda build` makes of the function: the binary's name, if the template tells.
fn binary(raw: &Raw, handler: &str) -> Option<String> {
    let metadata = raw.metadata.as_ref()?;
    let named = metadata.get("BuildProperties").and_then(|properties| properties.get("Binary"));
    if let Some(name) = named.and_then(Node::as_str) {
        return Some(name.to_owned());
    }
    let cargo = metadata.get("BuildMethod").and_then(Node::as_str) == Some("rust-cargolambda");
    (cargo && handler != "bootstrap" && !handler.is_empty()).then(|| handler.to_owned())
}

/// `Policies` of a SAM function: names, policy templates, documents, or one of them.
fn policies_of(build: &Build<'_>, raw: &Raw, node: Node) -> Result<Vec<Statement>> {
    let items = match node.value {
        Value::List(items) => items,
        _ => vec![node],
    };
    let mut found = Vec::new();
    for item in items {
        if let Some(name) = item.as_str().map(str::to_owned) {
            match name.trim_start().starts_with('{') {
                true => found.extend(statements(build, &raw.id, "Policies", item)?),
                false => found.extend(iam::managed(build, &raw.id, item.pos, &name)),
            }
        } else if policies::is_template(&item) {
            found.extend(policies::expand(build, &raw.id, &item)?);
        } else {
            found.extend(statements(build, &raw.id, "Policies", item)?);
        }
    }
    Ok(found)
}

/// `EventInvokeConfig`; a destination of SQS or SNS that is not named is made.
fn invoke_config(
    build: &mut Build<'_>,
    raw: &Raw,
    mut config: Props,
    asynchronous: &mut AsyncSpec,
    granted: &mut Vec<Statement>,
) -> Result<()> {
    limits(&mut config, asynchronous)?;
    if let Some(mut sides) = config.map("DestinationConfig")? {
        for side in ["OnSuccess", "OnFailure"] {
            let Some(mut destination) = sides.map(side)? else { continue };
            let pos = destination.pos;
            let kind =
                destination.word("Type", &["SQS", "SNS", "Lambda", "EventBridge", "S3Bucket"])?;
            let arn = match (destination.text("Destination")?, kind) {
                (Some(arn), _) => arn,
                (None, Some(kind @ ("SQS" | "SNS"))) => made(build, raw, side, kind, pos),
                _ => return destination.missing("Destination"),
            };
            let action = match arn.split(':').nth(2) {
                Some("sqs") => "sqs:SendMessage",
                Some("sns") => "sns:Publish",
                Some("lambda") => "lambda:InvokeFunction",
                Some("events") => "events:PutEvents",
                _ => "s3:PutObject",
            };
            granted.push(allowed(build, pos, action, vec![arn.clone()]));
            set(asynchronous, side, arn);
            destination.finish(build.scope, &[]);
        }
        sides.finish(build.scope, &[]);
    }
    config.finish(build.scope, &["Qualifier", "FunctionName"]);
    Ok(())
}

fn made(build: &mut Build<'_>, raw: &Raw, side: &str, kind: &str, pos: Pos) -> String {
    let id = implicit::destination(&raw.id, side, kind);
    let stack = build.scope.options.stack.clone();
    let region = build.scope.options.region.clone();
    if kind == "SNS" {
        let name = names::physical(&stack, &id, 64);
        build.scope.remark(
            pos,
            &raw.id,
            "topic made by SAM",
            "topics are not run yet: a publish fails",
        );
        let arn = region.topic(&name);
        build.push(id, pos, Spec::Topic(TopicSpec { name }));
        return arn;
    }
    let name = names::physical(&stack, &id, 80);
    let arn = region.queue(&name);
    build.push(id, pos, Spec::Queue(QueueSpec::named(name)));
    arn
}

/// `AWS::Lambda::EventInvokeConfig`: settings of a function that is a resource of its own.
pub(crate) fn invoke_configs(build: &mut Build<'_>) -> Result<()> {
    for raw in &build.scope.document.resources {
        if raw.kind != "AWS::Lambda::EventInvokeConfig" || !build.scope.exists(raw)? {
            continue;
        }
        let mut config = build.props(raw)?;
        let name = function_name(&config.required("FunctionName")?);
        let mut asynchronous = AsyncSpec::default();
        limits(&mut config, &mut asynchronous)?;
        if let Some(mut sides) = config.map("DestinationConfig")? {
            for side in ["OnSuccess", "OnFailure"] {
                if let Some(mut destination) = sides.map(side)? {
                    let arn = destination.required("Destination")?;
                    set(&mut asynchronous, side, arn);
                }
            }
        }
        config.finish(build.scope, &["Qualifier"]);
        let function = build.resources.iter_mut().find_map(|resource| match &mut resource.spec {
            Spec::Function(function) if function.name == name => Some(function),
            _ => None,
        });
        match function {
            Some(function) => {
                asynchronous.dead_letter = function.asynchronous.dead_letter.take();
                function.asynchronous = asynchronous;
            }
            None => build.scope.remark(
                raw.pos,
                &raw.id,
                &raw.kind,
                "its function is not of this template",
            ),
        }
    }
    Ok(())
}

fn limits(config: &mut Props, asynchronous: &mut AsyncSpec) -> Result<()> {
    if let Some(attempts) = config.whole("MaximumRetryAttempts", 0..=2)? {
        asynchronous.max_attempts = attempts;
    }
    if let Some(age) = config.whole("MaximumEventAgeInSeconds", 60..=21_600)? {
        asynchronous.max_age_seconds = age;
    }
    Ok(())
}

fn set(asynchronous: &mut AsyncSpec, side: &str, arn: String) {
    match side {
        "OnSuccess" => asynchronous.on_success = Some(arn),
        _ => asynchronous.on_failure = Some(arn),
    }
}
