use super::context::{Caller, Cause, Id, InvocationId, Name};
use super::record::ReadRecord;
use crate::clock::Time;
use crate::topology::{Region, Resource, Spec};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::sync::Arc;

/// One journaled fact with its circumstances. Its number is its place in the journal.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Entry {
    /// Engine time of the decision.
    pub at: Time,
    /// Why.
    pub cause: Cause,
    /// Who.
    pub caller: Caller,
    /// What.
    pub fact: Fact,
}

/// Bytes stored once and referred to by number: an event as delivered, a message as sent.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize,
)]
pub struct Body {
    /// Number, rising over the whole life of the journal.
    pub id: u64,
    /// Length in bytes.
    pub size: u32,
}

/// What was decided. A fact carries results, so that folding it decides nothing.
///
/// The order of the variants and of their fields is the journal's format: add at the end, change nothing.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[expect(missing_docs, reason = "a variant's line says what its fields are")]
pub enum Fact {
    /// The engine started; everything the epoch before had running is over.
    Started { epoch: u64, region: Region },
    /// Engine time is now wall time plus this.
    ClockMoved { offset_ms: i64 },

    /// A template became the wish of a stack.
    StackApplied { stack: Name, resources: Vec<Resource> },
    /// A resource was made or changed.
    ResourceSet { owner: Owner, spec: Spec },
    /// A resource is gone.
    ResourceGone { kind: Kind, name: Name },
    /// A queue left its template with messages in it, and stays until they are gone.
    QueueRetained { queue: Name },

    /// An event came to a bus, and this is what its rules made of it.
    EventAccepted {
        id: Id,
        bus: Name,
        source: Arc<str>,
        detail_type: Arc<str>,
        body: Body,
        deliveries: Vec<Delivery>,
    },
    /// An event named a bus that does not exist; AWS accepts and drops it, so do we, but it is known.
    EventDropped { id: Id, bus: Name, source: Arc<str>, detail_type: Arc<str> },

    /// A message was sent to a queue.
    MessageSent { queue: Name, message: NewMessage },
    /// Messages were handed out.
    Received {
        queue: Name,
        messages: Vec<u64>,
        receipt: u64,
        until: Time,
        batch: Option<InvocationId>,
    },
    /// Messages were deleted by a receiver.
    Deleted { queue: Name, messages: Vec<u64> },
    /// A message in flight stays so until another time.
    VisibilitySet { queue: Name, message: u64, until: Time },
    /// Messages can be received (again): a delay or a visibility timeout is over, or they were given back.
    /// `uncounted` takes the last receive off their count.
    Visible { queue: Name, messages: Vec<u64>, uncounted: bool },
    /// A message was received too often and went to its dead-letter queue under the number `seq`.
    DeadLettered { from: Name, message: u64, to: Name, seq: u64 },
    /// Messages grew older than their queue keeps them.
    Expired { queue: Name, messages: Vec<u64> },
    /// All messages of a queue were thrown away on request.
    Purged { queue: Name },

    /// An invocation began.
    InvocationStarted { id: InvocationId, request: Id, function: Name, why: Why },
    /// An invocation is over.
    InvocationEnded { id: InvocationId, outcome: Outcome },
    /// An asynchronous invocation was accepted.
    AsyncAccepted { event: u64, function: Name, body: Body, request: Id },
    /// An asynchronous invocation failed and is tried again at `due`.
    AsyncRetried { event: u64, due: Time },
    /// It is time for another try of an asynchronous invocation.
    AsyncDue { event: u64 },
    /// An asynchronous invocation is settled; what was sent on because of it.
    AsyncEnded { event: u64, delivery: Option<Delivery> },

    /// A mapping waits for a fuller batch until this time.
    WindowOpened { mapping: Name, until: Time },
    /// A mapping has waited long enough: for a fuller batch, or for its next try.
    MappingDue { mapping: Name },
    /// A mapping's batch is settled: these were deleted, those stay in flight until their timeout.
    BatchEnded {
        mapping: Name,
        queue: Name,
        invocation: InvocationId,
        deleted: Vec<u64>,
        kept: Vec<u64>,
    },
    /// Messages that a mapping's filter did not want, and which it therefore deleted.
    Filtered { mapping: Name, queue: Name, invocation: InvocationId, messages: Vec<u64> },
    /// A stream mapping has everything up to and including this sequence number behind it.
    StreamAdvanced { mapping: Name, cursor: String },
    /// A stream mapping tries again from `due`, with at most `limit` records if it is bisecting.
    StreamRetried { mapping: Name, attempts: u32, due: Time, limit: Option<u32> },
    /// A stream mapping gave up on these records and went past them.
    StreamDiscarded {
        mapping: Name,
        first: String,
        last: String,
        count: u32,
        reason: String,
        delivery: Option<Delivery>,
    },
    /// Engine time is now wall time plus this, and at least `to`: what came due on the way is due at `to`.
    ClockJumped { offset_ms: i64, to: Time },

    /// An HTTP API took a request; the invocation that answers it has the same cause.
    HttpRequested { request: Id, api: Name, method: String, path: String },
    /// An invocation that somebody waits for answered with this HTTP status.
    HttpAnswered { invocation: InvocationId, status: u16 },
    /// A mapping read records for an invocation; for none, where its filter wants none of them.
    RecordsRead {
        mapping: Name,
        table: Name,
        invocation: Option<InvocationId>,
        records: Vec<ReadRecord>,
    },

    /// When a schedule comes next, and from where its rate counts; without `next` never more.
    ScheduleTimed { schedule: Name, anchor: Time, next: Option<Coming> },
    /// The time of a schedule came, and this is what its first try came to. `missed` is the first of the times that
    /// passed while nobody looked, and for which nothing is done.
    ScheduleFired {
        schedule: Name,
        execution: Id,
        scheduled: Time,
        missed: Option<Time>,
        outcome: Tried,
        next: Option<Coming>,
    },
    /// A target that a schedule could not invoke was tried again; `attempt` counts from 1.
    FiringTried { firing: Id, execution: Id, attempt: u32, outcome: Tried },
    /// The schedule of a rule comes next then, and from where its rate counts; without `next` never more.
    RuleTimed { rule: Name, anchor: Time, next: Option<Time> },
    /// A request with a `ClientToken` was carried out; another with it and the same digest is the same one.
    TokenUsed { token: Arc<str>, digest: u64 },
}

/// When a schedule comes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Coming {
    /// As its expression has it.
    pub scheduled: Time,
    /// As the flexible window has it: not before `scheduled`.
    pub due: Time,
}

/// What a try to invoke a schedule's target came to.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[expect(missing_docs, reason = "a variant's line says what its fields are")]
pub enum Tried {
    /// It is over: what the target got, or its dead-letter queue. More than one where a message came twice.
    Settled { deliveries: Vec<Delivery> },
    /// The target could not take it; it is tried again at `due`.
    Failed { due: Time, code: String, reason: String },
}

/// Who a resource belongs to.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[expect(missing_docs, reason = "a variant's line says what its fields are")]
pub enum Owner {
    /// The engine itself: the default bus.
    Engine,
    /// Made by an API call.
    Api,
    /// Made by a stack's template, under this logical id.
    Stack { stack: Name, id: Name },
}

/// Kinds of resources that have a name of their own.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[expect(missing_docs, reason = "a variant's line says what its fields are")]
pub enum Kind {
    Bus,
    Rule,
    Queue,
    Topic,
    Function,
    Mapping,
    Table,
    HttpApi,
    Policy,
    Schedule,
    ScheduleGroup,
    RuleSchedule,
}

/// A message as it enters a queue.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct NewMessage {
    /// Number in the engine; rises with time.
    pub seq: u64,
    /// `MessageId`
    pub id: Id,
    /// Its text.
    pub body: Body,
    /// Not to be received before.
    pub delayed: Option<Time>,
    /// Attributes, where there are any.
    pub extra: Option<Arc<Extra>>,
}

/// What few messages have beside a body.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Extra {
    /// `MessageAttributes`
    pub attributes: BTreeMap<String, Attribute>,
    /// `AWSTraceHeader`
    pub trace: Option<String>,
    /// `MessageGroupId` (fair queues)
    pub group: Option<String>,
}

/// A message attribute.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Attribute {
    /// `String`, `Number`, `Binary`, with an optional custom suffix (`String.uuid`).
    pub data_type: String,
    /// Text, or bytes of a `Binary`.
    pub value: AttributeValue,
}

/// Value of a message attribute.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum AttributeValue {
    /// `StringValue`
    Text(String),
    /// `BinaryValue`
    Bytes(Vec<u8>),
}

/// What one target of one rule (or a destination) got.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Delivery {
    /// The rule; empty for a destination of a function or mapping.
    pub rule: Name,
    /// ARN of the target.
    pub target: Name,
    /// What became of it.
    pub outcome: Delivered,
}

/// What became of a delivery.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[expect(missing_docs, reason = "a variant's line says what its fields are")]
pub enum Delivered {
    /// It is in a queue.
    Queued { queue: Name, message: NewMessage },
    /// It is an asynchronous invocation.
    Invoked { function: Name, event: u64, body: Body, request: Id },
    /// The target could not take it; it is in the target's dead-letter queue.
    DeadLettered { queue: Name, message: NewMessage, code: String, reason: String },
    /// The target could not take it, and there was no dead-letter queue that could.
    Lost { code: String, reason: String },
    /// It is an event on a bus.
    Put { bus: Name, event: Id },
}

/// Why an invocation began.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[expect(missing_docs, reason = "a variant's line says what its fields are")]
pub enum Why {
    /// Somebody waits for the answer.
    Request,
    /// An asynchronous invocation; `attempt` counts from 1.
    Async { event: u64, attempt: u32 },
    /// Messages of a queue.
    Messages { mapping: Name, queue: Name, messages: Vec<u64> },
    /// Records of a table's stream, by their sequence numbers.
    Records { mapping: Name, sequences: Vec<String>, oldest: Time },
}

/// How an invocation ended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[expect(missing_docs, reason = "a variant's line says what its fields are")]
pub enum Outcome {
    /// The function answered.
    Answered,
    /// The function reported an error, or crashed, or did not start: type and message.
    Failed { kind: String, message: String },
    /// Its time was up.
    TimedOut,
    /// The engine ended before the function did.
    Interrupted,
}
