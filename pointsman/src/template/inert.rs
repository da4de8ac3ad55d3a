//! Types of resources that are not run: without effect on one machine, or listed with what that means.

use super::document::Raw;
use super::scope::Scope;

/// Nothing is missed when these are not made on a laptop.
const WITHOUT_EFFECT: [&str; 17] = [
    "AWS::CDK::Metadata",
    "AWS::CloudFormation::WaitConditionHandle",
    // The engine's own issuer stands in for them.
    "AWS::Cognito::UserPoolClient",
    "AWS::Cognito::UserPoolDomain",
    "AWS::Cognito::UserPoolResourceServer",
    "AWS::IAM::InstanceProfile",
    "AWS::Lambda::Version",
    "AWS::Logs::LogGroup",
    "AWS::Logs::LogStream",
    "AWS::Logs::ResourcePolicy",
    "AWS::Logs::QueryDefinition",
    "AWS::ResourceGroups::Group",
    "AWS::ApplicationInsights::Application",
    "AWS::KMS::Key",
    "AWS::KMS::Alias",
    "AWS::XRay::Group",
    "AWS::XRay::SamplingRule",
];

/// Prefixes of types, and what it means that they are not run.
const LISTED: [(&str, &str); 15] = [
    ("AWS::CloudWatch::", "not run here: alarms, dashboards and metrics exist on AWS only"),
    ("AWS::Serverless::Api", "REST APIs are not run here: use AWS::Serverless::HttpApi"),
    ("AWS::ApiGateway::", "REST APIs are not run here: use AWS::Serverless::HttpApi"),
    (
        "AWS::ApiGatewayV2::",
        "not run here: use AWS::Serverless::HttpApi, whose routes are events of functions",
    ),
    ("AWS::Serverless::StateMachine", "state machines are not run here"),
    ("AWS::StepFunctions::", "state machines are not run here"),
    ("AWS::SNS::Subscription", "topics are not run yet: it delivers nothing"),
    ("AWS::Events::Archive", "archives are not run yet: nothing is kept for replay"),
    ("AWS::Pipes::", "pipes are not run here: it delivers nothing"),
    ("AWS::Lambda::Alias", "aliases are not run yet: callers reach the function itself"),
    ("AWS::Lambda::LayerVersion", "layers are not run here"),
    ("AWS::Serverless::LayerVersion", "layers are not run here"),
    ("AWS::CloudFormation::Stack", "nested stacks are not read: give the template itself"),
    ("AWS::Serverless::Application", "nested stacks are not read: give the template itself"),
    ("AWS::Cognito::", "not run here: the engine's own issuer signs tokens"),
];

/// Lists `raw`, unless it is without effect anyway.
pub(crate) fn remark(scope: &Scope<'_>, raw: &Raw, kind: &str) {
    if WITHOUT_EFFECT.contains(&kind) {
        return;
    }
    if kind == "AWS::Cognito::UserPool" {
        // As for those that belong to it; but nobody stands in for its functions.
        if raw.properties.get("LambdaConfig").is_some() {
            let consequence = "LambdaConfig: not run here: the engine's own issuer signs tokens, and calls no function";
            scope.remark(raw.kind_pos, &raw.id, kind, consequence);
        }
        return;
    }
    let consequence = LISTED.iter().find(|(prefix, _)| kind.starts_with(prefix));
    let consequence = consequence.map_or("not run here", |(_, consequence)| consequence);
    scope.remark(raw.kind_pos, &raw.id, kind, consequence);
}
