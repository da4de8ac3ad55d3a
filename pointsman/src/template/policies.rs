//! SAM's policy templates: a name and parameters → statements.

use super::build::Build;
use super::names::{nearest, one_of};
use super::node::{Node, Result, fault};
use super::policy::allowed;
use super::props::Props;
use crate::topology::Statement;

/// A template: name, its parameters, and per statement actions and resources. In resources, `R` and `A` between braces
/// stand for region and account, other names for parameters.
type Template = (&'static str, &'static [(&'static str, &'static str)]);

const TABLE: &str =
    "arn:aws:dynamodb:{R}:{A}:table/{TableName} arn:aws:dynamodb:{R}:{A}:table/{TableName}/index/*";
const BUCKET: &str = "arn:aws:s3:::{BucketName} arn:aws:s3:::{BucketName}/*";
const SSM: &str = "ssm:GetParameters ssm:GetParameter ssm:GetParametersByPath";
const S3_READ: &str = "s3:GetObject s3:ListBucket s3:GetBucketLocation s3:GetObjectVersion s3:GetLifecycleConfiguration";

const TEMPLATES: [Template; 35] = [
    ("AWSSecretsManagerGetSecretValuePolicy", &[("secretsmanager:GetSecretValue", "{SecretArn}")]),
    (
        "AWSSecretsManagerRotationPolicy",
        &[
            (
                "secretsmanager:DescribeSecret secretsmanager:GetSecretValue secretsmanager:PutSecretValue secretsmanager:UpdateSecretVersionStage",
                "arn:aws:secretsmanager:{R}:{A}:secret:*",
            ),
            ("secretsmanager:GetRandomPassword", "*"),
        ],
    ),
    (
        "CloudFormationDescribeStacksPolicy",
        &[("cloudformation:DescribeStacks", "arn:aws:cloudformation:{R}:{A}:stack/*")],
    ),
    ("CloudWatchDescribeAlarmHistoryPolicy", &[("cloudwatch:DescribeAlarmHistory", "*")]),
    ("CloudWatchPutMetricPolicy", &[("cloudwatch:PutMetricData", "*")]),
    (
        "DynamoDBBackupFullAccessPolicy",
        &[
            (
                "dynamodb:CreateBackup dynamodb:DescribeContinuousBackups",
                "arn:aws:dynamodb:{R}:{A}:table/{TableName}",
            ),
            (
                "dynamodb:DeleteBackup dynamodb:DescribeBackup dynamodb:ListBackups",
                "arn:aws:dynamodb:{R}:{A}:table/{TableName}/backup/*",
            ),
        ],
    ),
    (
        "DynamoDBCrudPolicy",
        &[(
            "dynamodb:GetItem dynamodb:DeleteItem dynamodb:PutItem dynamodb:Scan dynamodb:Query dynamodb:UpdateItem dynamodb:BatchWriteItem dynamodb:BatchGetItem dynamodb:DescribeTable dynamodb:ConditionCheckItem",
            TABLE,
        )],
    ),
    (
        "DynamoDBReadPolicy",
        &[(
            "dynamodb:GetItem dynamodb:Scan dynamodb:Query dynamodb:BatchGetItem dynamodb:DescribeTable",
            TABLE,
        )],
    ),
    (
        "DynamoDBReconfigurePolicy",
        &[("dynamodb:UpdateTable", "arn:aws:dynamodb:{R}:{A}:table/{TableName}")],
    ),
    (
        "DynamoDBStreamReadPolicy",
        &[
            (
                "dynamodb:DescribeStream dynamodb:GetRecords dynamodb:GetShardIterator",
                "arn:aws:dynamodb:{R}:{A}:table/{TableName}/stream/{StreamName}",
            ),
            ("dynamodb:ListStreams", "arn:aws:dynamodb:{R}:{A}:table/{TableName}/stream/*"),
        ],
    ),
    (
        "DynamoDBWritePolicy",
        &[("dynamodb:PutItem dynamodb:UpdateItem dynamodb:BatchWriteItem", TABLE)],
    ),
    (
        "EventBridgePutEventsPolicy",
        &[("events:PutEvents", "arn:aws:events:{R}:{A}:event-bus/{EventBusName}")],
    ),
    (
        "FilterLogEventsPolicy",
        &[("logs:FilterLogEvents", "arn:aws:logs:{R}:{A}:log-group:{LogGroupName}:log-stream:*")],
    ),
    (
        "FirehoseWritePolicy",
        &[(
            "firehose:PutRecord firehose:PutRecordBatch",
            "arn:aws:firehose:{R}:{A}:deliverystream/{DeliveryStreamName}",
        )],
    ),
    ("KMSDecryptPolicy", &[("kms:Decrypt", "arn:aws:kms:{R}:{A}:key/{KeyId}")]),
    ("KMSEncryptPolicy", &[("kms:Encrypt", "arn:aws:kms:{R}:{A}:key/{KeyId}")]),
    (
        "KinesisStreamReadPolicy",
        &[
            ("kinesis:ListStreams kinesis:DescribeLimits", "arn:aws:kinesis:{R}:{A}:stream/*"),
            (
                "kinesis:DescribeStream kinesis:DescribeStreamSummary kinesis:GetRecords kinesis:GetShardIterator",
                "arn:aws:kinesis:{R}:{A}:stream/{StreamName}",
            ),
        ],
    ),
    (
        "LambdaInvokePolicy",
        &[("lambda:InvokeFunction", "arn:aws:lambda:{R}:{A}:function:{FunctionName}*")],
    ),
    (
        "RekognitionDetectOnlyPolicy",
        &[(
            "rekognition:DetectFaces rekognition:DetectLabels rekognition:DetectModerationLabels rekognition:DetectText",
            "*",
        )],
    ),
    (
        "S3CrudPolicy",
        &[(
            "s3:GetObject s3:ListBucket s3:GetBucketLocation s3:GetObjectVersion s3:PutObject s3:PutObjectAcl s3:GetLifecycleConfiguration s3:PutLifecycleConfiguration s3:DeleteObject",
            BUCKET,
        )],
    ),
    (
        "S3FullAccessPolicy",
        &[
            (
                "s3:GetObject s3:GetObjectAcl s3:GetObjectVersion s3:PutObject s3:PutObjectAcl s3:DeleteObject s3:DeleteObjectTagging s3:DeleteObjectVersionTagging s3:GetObjectTagging s3:GetObjectVersionTagging s3:PutObjectTagging s3:PutObjectVersionTagging",
                "arn:aws:s3:::{BucketName}/*",
            ),
            (
                "s3:ListBucket s3:GetBucketLocation s3:GetLifecycleConfiguration s3:PutLifecycleConfiguration",
                "arn:aws:s3:::{BucketName}",
            ),
        ],
    ),
    ("S3ReadPolicy", &[(S3_READ, BUCKET)]),
    ("S3WritePolicy", &[("s3:PutObject s3:PutObjectAcl s3:PutLifecycleConfiguration", BUCKET)]),
    (
        "SESCrudPolicy",
        &[(
            "ses:GetIdentityVerificationAttributes ses:SendEmail ses:SendRawEmail ses:VerifyEmailIdentity",
            "arn:aws:ses:{R}:{A}:identity/{IdentityName}",
        )],
    ),
    ("SESSendBouncePolicy", &[("ses:SendBounce", "arn:aws:ses:{R}:{A}:identity/{IdentityName}")]),
    (
        "SNSCrudPolicy",
        &[(
            "sns:ListSubscriptionsByTopic sns:CreateTopic sns:SetTopicAttributes sns:Subscribe sns:Publish",
            "arn:aws:sns:{R}:{A}:{TopicName}*",
        )],
    ),
    ("SNSPublishMessagePolicy", &[("sns:Publish", "arn:aws:sns:{R}:{A}:{TopicName}")]),
    (
        "SQSPollerPolicy",
        &[(
            "sqs:ChangeMessageVisibility sqs:ChangeMessageVisibilityBatch sqs:DeleteMessage sqs:DeleteMessageBatch sqs:GetQueueAttributes sqs:ReceiveMessage",
            "arn:aws:sqs:{R}:{A}:{QueueName}",
        )],
    ),
    ("SQSSendMessagePolicy", &[("sqs:SendMessage*", "arn:aws:sqs:{R}:{A}:{QueueName}")]),
    (
        "SSMParameterReadPolicy",
        &[("ssm:DescribeParameters", "*"), (SSM, "arn:aws:ssm:{R}:{A}:parameter/{ParameterName}")],
    ),
    (
        "SSMParameterWithSlashPrefixReadPolicy",
        &[("ssm:DescribeParameters", "*"), (SSM, "arn:aws:ssm:{R}:{A}:parameter{ParameterName}")],
    ),
    (
        "StepFunctionsCallbackPolicy",
        &[(
            "states:SendTaskFailure states:SendTaskHeartbeat states:SendTaskSuccess",
            "arn:aws:states:{R}:{A}:stateMachine:{StateMachineName}",
        )],
    ),
    (
        "StepFunctionsExecutionPolicy",
        &[("states:StartExecution", "arn:aws:states:{R}:{A}:stateMachine:{StateMachineName}")],
    ),
    (
        "VPCAccessPolicy",
        &[(
            "ec2:CreateNetworkInterface ec2:DeleteNetworkInterface ec2:DescribeNetworkInterfaces ec2:DetachNetworkInterface",
            "*",
        )],
    ),
    ("TextractPolicy", &[("textract:*", "*")]),
];

/// Whether an entry of `Policies` names a policy template, rather than holding statements.
pub(crate) fn is_template(node: &Node) -> bool {
    matches!(node.as_map(), Some([(key, _)]) if key.name.ends_with("Policy") || key.name.ends_with("_v2"))
}

/// The statements of a policy template; one that is not known is listed and grants nothing.
pub(crate) fn expand(build: &Build<'_>, owner: &str, node: &Node) -> Result<Vec<Statement>> {
    let Some([(key, parameters)]) = node.as_map() else { return Ok(Vec::new()) };
    let Some((_, statements)) = TEMPLATES.iter().find(|(name, _)| *name == key.name) else {
        let hint = one_of(nearest(&key.name, TEMPLATES.iter().map(|(name, _)| *name)));
        let what = format!("policy template {}{hint}", key.name);
        build.scope.remark(key.pos, owner, what, "it is not known here: it grants nothing");
        return Ok(Vec::new());
    };
    let empty = parameters.is_null();
    let parameters = if empty { Node::map(key.pos, Vec::new()) } else { parameters.clone() };
    let mut parameters = Props::of(owner, &format!("Policies.{}", key.name), parameters)?;
    let mut values: Vec<(String, String)> = Vec::new();
    for (_, resources) in statements.iter() {
        for name in resources.split('{').skip(1).filter_map(|rest| rest.split('}').next()) {
            if !matches!(name, "R" | "A") && !values.iter().any(|(have, _)| have == name) {
                let value = parameters.required(name)?;
                if value.is_empty() {
                    return fault(key.pos, format!("{name} of {} of {owner} is empty", key.name));
                }
                values.push((name.to_owned(), value));
            }
        }
    }
    parameters.finish(build.scope, &["FunctionName"]);
    let region = &build.scope.options.region;
    let filled = |text: &str| {
        let text = text.replace("{R}", &region.name).replace("{A}", &region.account);
        values.iter().fold(text, |text, (name, value)| text.replace(&format!("{{{name}}}"), value))
    };
    let resources = |text: &str| text.split_whitespace().map(filled).collect();
    Ok(statements
        .iter()
        .map(|(actions, on)| allowed(build, key.pos, actions, resources(on)))
        .collect())
}
