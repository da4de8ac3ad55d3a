//! `AWS::IAM::Role`, `Policy`, `RolePolicy`, `ManagedPolicy` → the statements of each role, read before all else.

use super::build::Build;
use super::document::Raw;
use super::identity;
use super::node::{Pos, Result};
use super::policy::{allowed, statements};
use super::props::Props;
use crate::topology::Statement;
use std::collections::BTreeMap;

/// Statements by role name.
#[derive(Default)]
pub(crate) struct Roles {
    roles: BTreeMap<String, Vec<Statement>>,
    /// Statements attached to roles that SAM makes.
    attached: BTreeMap<String, Vec<Statement>>,
}

/// AWS's own policies whose statements matter to what runs here.
const MANAGED: [(&str, &str); 14] = [
    ("AWSLambdaBasicExecutionRole", "logs:CreateLogGroup logs:CreateLogStream logs:PutLogEvents"),
    (
        "AWSLambdaSQSQueueExecutionRole",
        "sqs:ReceiveMessage sqs:DeleteMessage sqs:GetQueueAttributes logs:CreateLogGroup logs:CreateLogStream logs:PutLogEvents",
    ),
    (
        "AWSLambdaDynamoDBExecutionRole",
        "dynamodb:DescribeStream dynamodb:GetRecords dynamodb:GetShardIterator dynamodb:ListStreams logs:CreateLogGroup logs:CreateLogStream logs:PutLogEvents",
    ),
    ("AWSXRayDaemonWriteAccess", "xray:PutTraceSegments xray:PutTelemetryRecords"),
    ("AWSXrayWriteOnlyAccess", "xray:PutTraceSegments xray:PutTelemetryRecords"),
    (
        "CloudWatchLambdaInsightsExecutionRolePolicy",
        "logs:CreateLogGroup logs:CreateLogStream logs:PutLogEvents",
    ),
    (
        "AWSLambdaVPCAccessExecutionRole",
        "logs:CreateLogGroup logs:CreateLogStream logs:PutLogEvents ec2:CreateNetworkInterface ec2:DescribeNetworkInterfaces ec2:DeleteNetworkInterface",
    ),
    ("AmazonSQSFullAccess", "sqs:*"),
    ("AmazonSNSFullAccess", "sns:*"),
    ("AmazonDynamoDBFullAccess", "dynamodb:*"),
    (
        "AmazonDynamoDBReadOnlyAccess",
        "dynamodb:BatchGetItem dynamodb:Describe* dynamodb:List* dynamodb:GetItem dynamodb:Query dynamodb:Scan",
    ),
    ("AmazonEventBridgeFullAccess", "events:* scheduler:*"),
    ("AWSLambdaRole", "lambda:InvokeFunction"),
    ("AdministratorAccess", "*"),
];

impl Roles {
    pub(crate) fn read(build: &Build<'_>) -> Result<Roles> {
        let mut roles = Roles::default();
        let mut managed = BTreeMap::new();
        for raw in &build.scope.document.resources {
            if raw.kind == "AWS::IAM::ManagedPolicy" && build.scope.exists(raw)? {
                let arn = identity::of(build.scope, raw)?.reference;
                let mut props = build.props(raw)?;
                let found = document(build, &mut props)?;
                roles.attach(&props.texts("Roles")?, &found);
                props.finish(
                    build.scope,
                    &["ManagedPolicyName", "Description", "Path", "Users", "Groups"],
                );
                managed.insert(arn, found);
            }
        }
        for raw in &build.scope.document.resources {
            if !build.scope.exists(raw)? {
                continue;
            }
            match raw.kind.as_str() {
                "AWS::IAM::Role" => {
                    let name = identity::of(build.scope, raw)?.name;
                    let found = role(build, raw, &managed)?;
                    roles.roles.entry(name).or_default().extend(found);
                }
                "AWS::IAM::Policy" | "AWS::IAM::RolePolicy" => {
                    let mut props = build.props(raw)?;
                    let found = document(build, &mut props)?;
                    roles.attach(&props.texts("Roles")?, &found);
                    roles.attach(&props.texts("RoleName")?, &found);
                    props.finish(build.scope, &["PolicyName", "Users", "Groups"]);
                }
                _ => {}
            }
        }
        Ok(roles)
    }

    /// What the role with this ARN or name may do; `None` if it is not of this template.
    pub(crate) fn of(&self, arn: &str) -> Option<Vec<Statement>> {
        let name = arn.rsplit('/').next().unwrap_or(arn);
        let own = self.roles.get(name)?;
        Some(own.iter().chain(self.attached(name)).cloned().collect())
    }

    /// What policies of the template add to a role that SAM makes.
    pub(crate) fn attached(&self, name: &str) -> &[Statement] {
        self.attached.get(name).map_or(&[], Vec::as_slice)
    }

    fn attach(&mut self, roles: &[String], statements: &[Statement]) {
        for role in roles {
            self.attached.entry(role.clone()).or_default().extend_from_slice(statements);
        }
    }
}

/// The statements of a policy of AWS's, by ARN or name; a remark if it is none we know.
pub(crate) fn managed(build: &Build<'_>, owner: &str, pos: Pos, arn: &str) -> Vec<Statement> {
    let name = arn.rsplit('/').next().unwrap_or(arn);
    match MANAGED.iter().find(|(known, _)| *known == name) {
        Some((_, actions)) => vec![allowed(build, pos, actions, vec!["*".into()])],
        None => {
            let what = format!("managed policy {name}");
            build.scope.remark(
                pos,
                owner,
                what,
                "its statements are not known here: it grants nothing",
            );
            Vec::new()
        }
    }
}

fn role(
    build: &Build<'_>,
    raw: &Raw,
    own: &BTreeMap<String, Vec<Statement>>,
) -> Result<Vec<Statement>> {
    let mut props = build.props(raw)?;
    let mut found = Vec::new();
    for mut policy in props.maps("Policies")? {
        found.extend(document(build, &mut policy)?);
        policy.finish(build.scope, &["PolicyName"]);
    }
    let pos = props.pos;
    for arn in props.texts("ManagedPolicyArns")? {
        match own.get(&arn) {
            Some(statements) => found.extend(statements.iter().cloned()),
            None => found.extend(managed(build, &raw.id, pos, &arn)),
        }
    }
    if let Some(node) = props.take("PermissionsBoundary") {
        let consequence = "does not bound what the role may do here";
        build.scope.remark(node.pos, &raw.id, "PermissionsBoundary", consequence);
    }
    let inert = [
        "AssumeRolePolicyDocument",
        "Description",
        "MaxSessionDuration",
        "Path",
        "RoleName",
        "Tags",
    ];
    props.finish(build.scope, &inert);
    Ok(found)
}

fn document(build: &Build<'_>, props: &mut Props) -> Result<Vec<Statement>> {
    let owner = props.owner().to_owned();
    match props.take("PolicyDocument") {
        Some(node) => statements(build, &owner, "PolicyDocument", node),
        None => props.missing("PolicyDocument"),
    }
}
