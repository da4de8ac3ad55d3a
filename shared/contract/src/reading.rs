//! Readings of the shop's servers. They are kept in no stream: they go straight to the bus.

use crate::values::{Host, Percent};
use pointsman_event::{Command, Event, Origin, SchemaVersion, Timestamp, event_set};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// What stands before `#` where an event names its stream: `reading#<host>@<instant>`. Each reading
/// is a thing of its own to which one thing happens, so its version is 1, and its subject the host.
pub const STREAM: &str = "reading";
/// The source its events speak as.
pub const SOURCE: &str = "shop.readings";
/// The team that answers for the servers.
pub const OWNER: &str = "operations";

/// The most readings in one request.
pub const MAX_READINGS: usize = 100;

event_set! {
    /// What is read off a server.
    #[derive(Debug, Clone, PartialEq, Eq)]
    pub enum ReadingEvent { CpuUsageRecorded }
}

/// From the door: how busy a host was at an instant. A request has up to [`MAX_READINGS`] of them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct RecordCpuUsage {
    /// Which.
    pub host: Host,
    /// When.
    #[schemars(with = "String", extend("format" = "date-time"))]
    pub at: Timestamp,
    /// How much of its processors was in use, all together.
    pub cpu_percent: Percent,
}

/// A host's CPU usage at an instant.
///
/// Its id follows from host and instant: the same reading told again is the same event.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct CpuUsageRecorded {
    /// Which host.
    pub host: Host,
    /// When it was read, which may be some time before it was recorded.
    #[schemars(with = "String", extend("format" = "date-time"))]
    pub at: Timestamp,
    /// How much of its processors was in use, all together.
    pub cpu_percent: Percent,
}

impl Event for CpuUsageRecorded {
    const NAME: &str = "CpuUsageRecorded";
    const VERSION: SchemaVersion = SchemaVersion::new(1, 0);
    const SOURCE: &str = SOURCE;
    const STREAM: &str = STREAM;
    const OWNER: &str = OWNER;
    const REASON: &str = "A server said how busy it is.";
}

impl Command for RecordCpuUsage {
    const NAME: &str = "RecordCpuUsage";
    const VERSION: SchemaVersion = SchemaVersion::new(1, 0);
    const ORIGIN: Origin = Origin::Door;
    const OWNER: &str = OWNER;
    const REASON: &str = "A server tells how busy it is.";
}
