use super::arn::Region;
use super::spec::RetryPolicy;
use crate::clock::Time;
use serde::{Deserialize, Serialize};

/// `AWS::Scheduler::Schedule`
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ScheduleSpec {
    /// Name, unique in its group.
    pub name: String,
    /// `GroupName`; `default` always exists.
    pub group: String,
    /// Free text.
    pub description: String,
    /// `ScheduleExpression`, as it was given.
    pub expression: String,
    /// `ScheduleExpressionTimezone`, by its IANA name.
    pub timezone: String,
    /// `StartDate`
    pub start: Option<Time>,
    /// `EndDate`
    pub end: Option<Time>,
    /// `FlexibleTimeWindow.MaximumWindowInMinutes`: 1–1,440; `None` is `OFF`.
    pub window_minutes: Option<u32>,
    /// `State`
    pub enabled: bool,
    /// `ActionAfterCompletion` is `DELETE`.
    pub delete_after: bool,
    /// What it invokes.
    pub target: ScheduleTarget,
    /// `KmsKeyArn`: kept and shown, without effect.
    pub kms_key: Option<String>,
}

/// What a schedule invokes.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ScheduleTarget {
    /// ARN of a queue, function or bus.
    pub arn: String,
    /// `RoleArn`
    pub role: String,
    /// `Input`, with its context attributes not yet replaced.
    pub input: Option<String>,
    /// `RetryPolicy`
    pub retry: RetryPolicy,
    /// ARN of the dead-letter queue.
    pub dead_letter: Option<String>,
    /// `EventBridgeParameters`: detail-type and source.
    pub event: Option<(String, String)>,
}

/// `AWS::Scheduler::ScheduleGroup`
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ScheduleGroupSpec {
    /// Name.
    pub name: String,
}

/// `ScheduleExpression` of a rule: a resource of its own, which lives and dies with its rule.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RuleScheduleSpec {
    /// The rule, on the default bus.
    pub rule: String,
    /// `ScheduleExpression`, as it was given.
    pub expression: String,
}

impl ScheduleSpec {
    /// Under which name it is kept: `group/name`.
    pub fn key(&self) -> String {
        format!("{}/{}", self.group, self.name)
    }
}

/// What a schedule can invoke here.
pub(crate) enum Invoked<'a> {
    /// `SendMessage` to this queue.
    Queue(&'a str),
    /// `Invoke`, asynchronously.
    Function,
    /// `PutEvents` to this bus.
    Bus(&'a str),
}

/// What is not run, by the service in its ARN.
const NOT_RUN: [(&str, &str); 9] = [
    ("states", "Step Functions"),
    ("sns", "SNS"),
    ("kinesis", "Kinesis"),
    ("firehose", "Firehose"),
    ("ecs", "ECS"),
    ("codebuild", "CodeBuild"),
    ("codepipeline", "CodePipeline"),
    ("inspector", "Inspector"),
    ("sagemaker", "SageMaker"),
];

impl ScheduleTarget {
    /// What its ARN names.
    ///
    /// # Errors
    /// What it is that is not run here.
    pub(crate) fn invokes(&self, region: &Region) -> Result<Invoked<'_>, String> {
        let arn = self.arn.as_str();
        if let Some(queue) = region.local("sqs", arn) {
            return match queue.ends_with(".fifo") {
                true => Err(format!("{arn} is a FIFO queue: these are not supported yet.")),
                false => Ok(Invoked::Queue(queue)),
            };
        }
        let function = region.local("lambda", arn).and_then(|rest| rest.strip_prefix("function:"));
        if function.is_some_and(|name| !name.is_empty()) {
            return Ok(Invoked::Function);
        }
        let bus = region.local("events", arn).and_then(|rest| rest.strip_prefix("event-bus/"));
        if let Some(bus) = bus {
            return Ok(Invoked::Bus(bus));
        }
        let service = arn.split(':').nth(2).unwrap_or_default();
        let what = match NOT_RUN.iter().find(|(name, _)| *name == service) {
            _ if arn.starts_with("arn:aws:scheduler:::aws-sdk:") => "universal targets are".into(),
            Some((_, name)) => format!("targets of {name} are"),
            None => {
                return Err(format!(
                    "{arn} cannot be a target here: it is no queue, function or event bus in {} of account {}.",
                    region.name, region.account
                ));
            }
        };
        Err(format!("{arn} cannot be a target here: {what} not run."))
    }
}
