use super::schedule::{RuleScheduleSpec, ScheduleGroupSpec, ScheduleSpec};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::fmt;

/// A place in a template, 1-based, for messages: `infra/template.yaml:12:7`.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Place {
    /// Path as the user gave it.
    pub file: String,
    /// Line, from 1.
    pub line: u32,
    /// Column, from 1.
    pub column: u32,
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}:{}", self.file, self.line, self.column)
    }
}

/// One resource of a stack.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Resource {
    /// Logical id in the template; of an implicit resource the one SAM gives it.
    pub id: String,
    /// Where the template names it.
    pub place: Place,
    /// What it is.
    pub spec: Spec,
}

/// What a resource is. Names are physical names, as the API knows them.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Spec {
    /// `AWS::Events::EventBus`
    Bus(BusSpec),
    /// `AWS::Events::Rule`, and SAM's EventBridgeRule / CloudWatchEvent function events
    Rule(RuleSpec),
    /// `AWS::SQS::Queue`
    Queue(QueueSpec),
    /// `AWS::SNS::Topic`
    Topic(TopicSpec),
    /// `AWS::Lambda::Function`, `AWS::Serverless::Function`
    Function(FunctionSpec),
    /// `AWS::Lambda::EventSourceMapping`, and SAM's SQS / DynamoDB function events
    Mapping(MappingSpec),
    /// `AWS::DynamoDB::Table`, `AWS::Serverless::SimpleTable`
    Table(TableSpec),
    /// `AWS::Serverless::HttpApi`, also the implicit one
    HttpApi(HttpApiSpec),
    /// A resource policy (`AWS::SQS::QueuePolicy`, `AWS::Events::EventBusPolicy`, …)
    Policy {
        /// ARNs of the resources it stands on.
        on: Vec<String>,
        /// Its statements.
        statements: Vec<Statement>,
    },
    /// `AWS::Scheduler::Schedule`, and SAM's ScheduleV2 function events
    Schedule(ScheduleSpec),
    /// `AWS::Scheduler::ScheduleGroup`
    ScheduleGroup(ScheduleGroupSpec),
    /// `ScheduleExpression` of an `AWS::Events::Rule`, and SAM's Schedule function events
    RuleSchedule(RuleScheduleSpec),
}

/// An event bus.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct BusSpec {
    /// Name; `default` always exists.
    pub name: String,
    /// Free text.
    pub description: String,
}

/// A rule of a bus with its targets.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RuleSpec {
    /// Name, unique on its bus.
    pub name: String,
    /// The bus it stands on.
    pub bus: String,
    /// Event pattern as JSON text, as it was given.
    pub pattern: String,
    /// `ENABLED` or not.
    pub enabled: bool,
    /// Free text.
    pub description: String,
    /// At most five.
    pub targets: Vec<TargetSpec>,
}

/// A target of a rule.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct TargetSpec {
    /// Id, unique in its rule.
    pub id: String,
    /// ARN of a queue, function, bus or topic.
    pub arn: String,
    /// What the target is sent instead of the event.
    pub input: InputSpec,
    /// `RetryPolicy`.
    pub retry: RetryPolicy,
    /// ARN of the target's dead-letter queue.
    pub dead_letter: Option<String>,
    /// `RoleArn`, if one was given.
    pub role: Option<String>,
    /// `SqsParameters.MessageGroupId`.
    pub message_group: Option<String>,
}

/// What a target is sent.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub enum InputSpec {
    /// The whole event.
    #[default]
    Event,
    /// `Input`: this JSON text.
    Constant(String),
    /// `InputPath`: this part of the event.
    Path(String),
    /// `InputTransformer`.
    Transformer {
        /// `InputPathsMap`.
        paths: BTreeMap<String, String>,
        /// `InputTemplate`.
        template: String,
    },
}

/// How long and how often a delivery is tried again.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RetryPolicy {
    /// `MaximumEventAgeInSeconds`: 60–86,400.
    pub max_age_seconds: u32,
    /// `MaximumRetryAttempts`: 0–185.
    pub max_attempts: u32,
}

impl Default for RetryPolicy {
    fn default() -> Self {
        RetryPolicy { max_age_seconds: 86_400, max_attempts: 185 }
    }
}

/// A queue. Times in seconds, as SQS has them.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct QueueSpec {
    /// Name, 1–80 characters.
    pub name: String,
    /// `FifoQueue`: refused by name until FIFO queues are supported.
    pub fifo: bool,
    /// `DelaySeconds`: 0–900.
    pub delay: u32,
    /// `VisibilityTimeout`: 0–43,200.
    pub visibility: u32,
    /// `MessageRetentionPeriod`: 60–1,209,600.
    pub retention: u32,
    /// `MaximumMessageSize` in bytes: 1,024–1,048,576.
    pub max_size: u32,
    /// `ReceiveMessageWaitTimeSeconds`: 0–20.
    pub wait: u32,
    /// `RedrivePolicy`.
    pub redrive: Option<Redrive>,
    /// Attributes kept and shown but without effect here (`SqsManagedSseEnabled`, `Policy`, …).
    pub other: BTreeMap<String, String>,
}

impl QueueSpec {
    /// A standard queue with SQS's defaults.
    pub fn named(name: impl Into<String>) -> Self {
        QueueSpec {
            name: name.into(),
            fifo: false,
            delay: 0,
            visibility: 30,
            retention: 345_600,
            max_size: 1_048_576,
            wait: 0,
            redrive: None,
            other: BTreeMap::new(),
        }
    }
}

/// `RedrivePolicy` of a queue.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Redrive {
    /// ARN of the dead-letter queue.
    pub target: String,
    /// `maxReceiveCount`: 1–1,000.
    pub max_receives: u32,
}

/// A topic.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TopicSpec {
    /// Name.
    pub name: String,
}

/// A function.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct FunctionSpec {
    /// Name, as `Invoke` takes it.
    pub name: String,
    /// `provided.al2023`, …
    pub runtime: String,
    /// `Handler` as given (for `provided.*` without meaning at run time).
    pub handler: String,
    /// `CodeUri` as a path relative to the template's folder, if it is one.
    pub code: Option<String>,
    /// Name of the binary that is built: `BuildProperties.Binary` of the resource's `Metadata`, else by SAM's rule
    /// for `rust-cargolambda` (the `Handler`, where it names no built-in `bootstrap`).
    pub binary: Option<String>,
    /// Environment variables of the template.
    pub environment: BTreeMap<String, String>,
    /// `Timeout` in seconds: 1–900.
    pub timeout: u32,
    /// `MemorySize` in MB.
    pub memory: u32,
    /// `ReservedConcurrentExecutions`.
    pub reserved_concurrency: Option<u32>,
    /// What becomes of asynchronous invocations that fail.
    pub asynchronous: AsyncSpec,
    /// What the function's role may do; `None` if its role is not of this template.
    pub statements: Option<Vec<Statement>>,
    /// `Architectures[0]`: `x86_64` or `arm64`.
    pub architecture: String,
}

/// `EventInvokeConfig` and `DeadLetterConfig` of a function.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct AsyncSpec {
    /// `MaximumRetryAttempts`: 0–2.
    pub max_attempts: u32,
    /// `MaximumEventAgeInSeconds`: 60–21,600.
    pub max_age_seconds: u32,
    /// ARN of the success destination.
    pub on_success: Option<String>,
    /// ARN of the failure destination.
    pub on_failure: Option<String>,
    /// `DeadLetterConfig`/`DeadLetterQueue`.
    pub dead_letter: Option<DeadLetter>,
}

impl Default for AsyncSpec {
    fn default() -> Self {
        AsyncSpec {
            max_attempts: 2,
            max_age_seconds: 21_600,
            on_success: None,
            on_failure: None,
            dead_letter: None,
        }
    }
}

/// Where a function's dead letters go.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DeadLetter {
    /// ARN of a queue or topic.
    pub target: String,
}

/// An event-source mapping.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct MappingSpec {
    /// UUID, derived from stack and logical id, so that it stays the same from start to start.
    pub uuid: String,
    /// Function it invokes.
    pub function: String,
    /// Where its records come from.
    pub source: MappingSource,
    /// `Enabled`.
    pub enabled: bool,
    /// `BatchSize`.
    pub batch_size: u32,
    /// `MaximumBatchingWindowInSeconds`: 0–300.
    pub window: u32,
    /// `FunctionResponseTypes` holds `ReportBatchItemFailures`.
    pub report_failures: bool,
    /// `FilterCriteria`: patterns as JSON text; any may match.
    pub filters: Vec<String>,
}

/// The source of a mapping, with the settings only that kind has.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum MappingSource {
    /// A queue.
    Queue {
        /// Its name.
        queue: String,
        /// `ScalingConfig.MaximumConcurrency`: 2–1,000.
        max_concurrency: Option<u32>,
    },
    /// A table's stream.
    Stream {
        /// The table's name.
        table: String,
        /// Where a new mapping begins.
        starting: StartingPosition,
        /// `MaximumRetryAttempts`; `None` is without end.
        max_attempts: Option<u32>,
        /// `MaximumRecordAgeInSeconds`; `None` is without end.
        max_age_seconds: Option<u32>,
        /// `BisectBatchOnFunctionError`.
        bisect: bool,
        /// `ParallelizationFactor`: 1–10.
        parallelization: u32,
        /// ARN of the on-failure destination.
        on_failure: Option<String>,
    },
}

/// Where a stream mapping begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum StartingPosition {
    /// The oldest record there is.
    TrimHorizon,
    /// What comes after the mapping was made.
    Latest,
}

/// A table, as far as tables are made from templates.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct TableSpec {
    /// Name.
    pub name: String,
    /// Partition key: name and type (`S`, `N`, `B`).
    pub hash: (String, String),
    /// Sort key: name and type.
    pub range: Option<(String, String)>,
    /// Global secondary indexes.
    pub indexes: Vec<TableIndex>,
    /// `StreamViewType`, if the table has a stream.
    pub stream: Option<String>,
    /// `TimeToLiveSpecification.AttributeName`, if enabled.
    pub ttl: Option<String>,
}

/// A global secondary index.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct TableIndex {
    /// Name.
    pub name: String,
    /// Partition key: name and type.
    pub hash: (String, String),
    /// Sort key: name and type.
    pub range: Option<(String, String)>,
    /// `ALL`, `KEYS_ONLY` or `INCLUDE`.
    pub projection: String,
    /// Attributes of an `INCLUDE` projection.
    pub include: Vec<String>,
}

/// An HTTP API with its routes.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct HttpApiSpec {
    /// Name: `STACK-LogicalId`, and the API's id in events.
    pub name: String,
    /// Stage; `$default` adds no prefix to paths.
    pub stage: String,
    /// Authorizers by name.
    pub authorizers: BTreeMap<String, AuthorizerSpec>,
    /// Routes, in the template's order.
    pub routes: Vec<RouteSpec>,
    /// `CorsConfiguration`, as JSON text.
    pub cors: Option<String>,
}

/// A JWT authorizer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AuthorizerSpec {
    /// Issuer URL as the template has it; the local issuer stands in for it.
    pub issuer: String,
    /// Audiences.
    pub audience: Vec<String>,
    /// `IdentitySource`, `$request.header.Authorization` by default.
    pub identity_source: String,
}

/// A route of an HTTP API.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RouteSpec {
    /// Upper-case method, or `ANY`; of `$default` too.
    pub method: String,
    /// `/orders/{id}`, `/{proxy+}`, or `$default`.
    pub path: String,
    /// Function it invokes.
    pub function: String,
    /// Authorizer by name; `None` lets everyone in.
    pub authorizer: Option<String>,
    /// Scopes of which a token needs one.
    pub scopes: Vec<String>,
    /// `TimeoutInMillis` of the integration: at most 30,000.
    pub timeout_ms: u32,
    /// `PayloadFormatVersion`: `2.0`, or `1.0`.
    pub payload: String,
    /// Where the template names it.
    pub place: Place,
}

/// A statement of a policy, kept as the template has it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Statement {
    /// `Allow` or `Deny`.
    pub allow: bool,
    /// Actions, such as `dynamodb:PutItem`, with wildcards.
    pub actions: Vec<String>,
    /// ARNs, with wildcards.
    pub resources: Vec<String>,
    /// Principals of a resource policy: `service:events.amazonaws.com`, `aws:*`, ….
    pub principals: Vec<String>,
    /// `Condition` as JSON text; empty if there is none.
    pub conditions: String,
    /// Where the template has it.
    pub place: Place,
}
