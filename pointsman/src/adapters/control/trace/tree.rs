use crate::adapters::control::Why;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// What followed from a request, as far as history goes back: the document that `pointsman trace` prints in a pipe.
///
/// Field names are stable; new ones may come. Times are engine time, RFC 3339 with milliseconds; what ends in `Ms` is
/// in milliseconds.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Trace {
    /// What was asked for.
    pub id: String,
    /// What that turned out to be: `an HTTP request`, `an event`, `text in 3 places`; `None` if nothing has it.
    pub found: Option<String>,
    /// The tree; several, oldest first, only if all were asked for.
    pub trees: Vec<Node>,
    /// Where what was asked for belongs to several trees: their roots, oldest first, to choose one of.
    pub candidates: Vec<Candidate>,
    /// What of the trees is not settled yet, a sentence each.
    pub waiting: Vec<String>,
    /// Events whose type and subject come twice in one causal line: a feedback loop, perhaps.
    pub repeats: Vec<Repeat>,
    /// What limits the answer, a sentence each.
    pub notes: Vec<String>,
    /// What history there is.
    pub history: Range,
}

/// One thing that happened, and what followed from it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Node {
    /// When it began.
    pub at: String,
    /// The same from the root on.
    pub after_ms: i64,
    /// How long it took: an invocation to its end, a message until it was handled.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub took_ms: Option<i64>,
    /// Where it stands.
    pub stands: Stands,
    /// Why it waits or failed, or how it ended.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub because: Option<String>,
    /// It is what was asked for by an id.
    #[serde(default, skip_serializing_if = "is_false")]
    pub asked: bool,
    /// Others of the same batch may have led to it as well: nothing in it says which.
    #[serde(default, skip_serializing_if = "is_false")]
    pub joint: bool,
    /// What it is.
    #[serde(flatten)]
    pub what: What,
    /// What followed, in order.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub children: Vec<Node>,
}

/// Where something stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Stands {
    /// It is settled.
    Done,
    /// It is not.
    Waiting,
    /// It ended otherwise than well, or lies in a dead-letter queue.
    Failed,
}

/// What a node is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case", rename_all_fields = "camelCase")]
pub enum What {
    /// A request to an HTTP API.
    HttpRequest {
        /// `apigw-requestid`
        request: String,
        /// The API.
        api: String,
        /// `POST`
        method: String,
        /// Without a query.
        path: String,
        /// The function's answer, once there is one.
        status: Option<u16>,
    },
    /// A request to an AWS service from outside.
    Request {
        /// Its request id.
        request: String,
    },
    /// The time of a schedule came.
    Schedule {
        /// The id of its first execution.
        execution: String,
        /// `group/name`
        schedule: String,
        /// The time.
        scheduled: String,
        /// How often its target was tried.
        attempts: u32,
        /// The first of the times that passed before it while nobody looked.
        missed: Option<String>,
    },
    /// A function worked on what stands above: one attempt.
    Invocation {
        /// Its number in the journal.
        invocation: u64,
        /// Its request id.
        request: String,
        /// The function.
        function: String,
        /// How many messages or records it was given.
        batch: usize,
        /// `running`, `answered`, `failed`, `timed out`, `interrupted`
        outcome: String,
        /// The error's type and message.
        error: Option<String>,
        /// So many effects of it belong to others of its batch and are left out here.
        others: usize,
    },
    /// A write to a table, as a record of its stream.
    Record {
        /// The table.
        table: String,
        /// Its number in the stream.
        sequence: String,
        /// `INSERT`, `MODIFY` or `REMOVE`.
        event_name: String,
        /// `name=value` with a comma between two.
        keys: String,
        /// What wrote it was lost in a crash: it stands here by what the record says of its cause.
        writer_unknown: bool,
    },
    /// An event on a bus.
    Event {
        /// Its id.
        id: String,
        /// The bus.
        bus: String,
        /// `source`
        source: String,
        /// `detail-type`
        detail_type: String,
        /// `detail.metadata.subject`, where there is one.
        subject: Option<String>,
        /// The bus does not exist, and so it was dropped.
        dropped: bool,
        /// If no rule took it: why not, rule by rule.
        refused: Vec<Why>,
    },
    /// A message in a queue.
    Message {
        /// `MessageId`
        id: String,
        /// The queue.
        queue: String,
        /// The rule that sent it; `None` for one that was sent, moved or passed on otherwise.
        rule: Option<String>,
        /// How often it was received.
        receives: u32,
        /// Message attributes that are text.
        attributes: BTreeMap<String, String>,
    },
    /// An asynchronous invocation: its attempts follow.
    Async {
        /// The function.
        function: String,
        /// Its request id.
        request: String,
        /// The rule that began it, if one did.
        rule: Option<String>,
    },
    /// A rule's target, or a destination, that could not take what it was sent.
    Undelivered {
        /// The rule.
        rule: Option<String>,
        /// ARN of the target.
        target: String,
    },
}

/// A root to choose.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Candidate {
    /// Asking for this gives that tree alone.
    pub id: String,
    /// When it began.
    pub at: String,
    /// What it is, in a few words.
    pub what: String,
    /// How much of it waits.
    pub waiting: usize,
}

/// An event that comes twice in one causal line.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Repeat {
    /// `detail-type`
    pub detail_type: String,
    /// What both are about.
    pub subject: String,
    /// Id of the one, on the bus.
    pub first: String,
    /// Id of the other, which followed from it.
    pub second: String,
}

/// A stretch of history.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Range {
    /// Number of the oldest fact that is kept.
    pub from: u64,
    /// When that was.
    pub since: Option<String>,
}

impl Trace {
    /// All nodes of all trees, each before what followed from it.
    pub fn nodes(&self) -> Vec<&Node> {
        self.trees.iter().flat_map(Node::nodes).collect()
    }

    /// Nothing waits, and nothing lies in a dead-letter queue.
    pub fn is_settled(&self) -> bool {
        self.found.is_some() && self.waiting.is_empty()
    }
}

impl Node {
    /// This and all that followed from it, each before what followed from it.
    pub fn nodes(&self) -> Vec<&Node> {
        let mut all = vec![self];
        all.extend(self.children.iter().flat_map(Node::nodes));
        all
    }

    /// The id that asks for it, if it has one.
    pub fn id(&self) -> Option<&str> {
        match &self.what {
            What::HttpRequest { request, .. }
            | What::Request { request }
            | What::Invocation { request, .. }
            | What::Async { request, .. } => Some(request),
            What::Schedule { execution, .. } => Some(execution),
            What::Event { id, .. } | What::Message { id, .. } => Some(id),
            What::Record { .. } | What::Undelivered { .. } => None,
        }
    }

    /// What it is, in a few words: `POST /orders`, `order-view`, `OrderPlaced`.
    pub fn title(&self) -> String {
        match &self.what {
            What::HttpRequest { method, path, .. } => format!("{method} {path}"),
            What::Request { request } => format!("request {request}"),
            What::Schedule { schedule, .. } => format!("schedule {schedule}"),
            What::Invocation { function, .. } | What::Async { function, .. } => function.clone(),
            What::Record { table, keys, event_name, .. } => format!("{event_name} {table} {keys}"),
            What::Event { detail_type, .. } => detail_type.clone(),
            What::Message { queue, .. } => queue.clone(),
            What::Undelivered { target, .. } => target.clone(),
        }
    }
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde wants a reference")]
fn is_false(flag: &bool) -> bool {
    !*flag
}
