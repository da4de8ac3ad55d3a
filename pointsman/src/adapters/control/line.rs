use serde::{Deserialize, Serialize};

/// Something that happened, as `tail` tells it: JSON in a pipe, text on a terminal.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Line {
    /// Number of the fact in the journal.
    pub seq: u64,
    /// Engine time, RFC 3339 with milliseconds.
    pub at: String,
    /// What happened.
    #[serde(flatten)]
    pub what: What,
}

/// What happened.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case", rename_all_fields = "camelCase")]
#[expect(missing_docs, reason = "a variant's line says what its fields are")]
pub enum What {
    /// The engine started.
    Started { epoch: u64 },
    /// An event came to a bus. Without targets, `refused` says for each rule why not.
    Event {
        id: String,
        bus: String,
        source: String,
        detail_type: String,
        targets: Vec<Target>,
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        refused: Vec<Why>,
    },
    /// An event named a bus that does not exist.
    EventDropped { id: String, bus: String, source: String, detail_type: String },
    /// A message was sent to a queue by other means than a rule.
    Sent { queue: String, id: String },
    /// A function was invoked: for messages, for records of a table, or for somebody who waits.
    Invoked { invocation: u64, request: String, function: String, by: String, count: usize },
    /// An invocation is over.
    Ended {
        invocation: u64,
        function: String,
        outcome: String,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        error: Option<String>,
    },
    /// What a batch came to.
    Batch { queue: String, invocation: u64, handled: usize, kept: usize },
    /// Messages can be received again: their visibility timeout is over.
    Returned { queue: String, count: usize },
    /// A message was received too often.
    DeadLettered { queue: String, to: String },
    /// Messages are gone without having been handled: too old, or purged.
    Gone { queue: String, count: usize },
    /// Records of a table could not be handled.
    Discarded { mapping: String, count: u32, reason: String },
    /// The time of a schedule came, or its target was tried again. Without targets, `again` says when the next try is.
    Fired {
        schedule: String,
        scheduled: String,
        attempt: u32,
        targets: Vec<Target>,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        again: Option<Again>,
        /// The first of the times that passed while nobody looked, and for which nothing was done.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        missed: Option<String>,
    },
    /// A template was applied.
    Applied { stack: String, resources: usize },
    /// The clock was moved.
    Clock { offset_ms: i64 },
    /// A fault on request has struck: `killed payment after its write`.
    Fault { what: String },
    /// So many facts are no longer kept.
    Missed { count: u64 },
}

/// Where an event went.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Target {
    /// The rule.
    pub rule: String,
    /// Name of the queue or function.
    pub to: String,
    /// What went wrong, if something did.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub failed: Option<String>,
}

/// When something is tried again.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Again {
    /// Engine time.
    pub at: String,
    /// Why it failed.
    pub because: String,
}

/// Why a rule did not take an event.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Why {
    /// The rule.
    pub rule: String,
    /// The first field that failed, what was found and what was wanted.
    pub because: String,
}
