use crate::{Envelope, Timestamp};
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// An event in the flat form that other systems send and expect:
/// `{eventType, eventId, timestamp, payload}`.
///
/// It comes from outside, so an unknown field is refused and the id is any text.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Flat<T = Value> {
    /// The event's name.
    pub event_type: String,
    /// The sender's id; what duplicates are known by.
    pub event_id: String,
    /// When it happened.
    pub timestamp: Timestamp,
    /// What it says.
    pub payload: T,
}

impl<T> From<Envelope<T>> for Flat<T> {
    fn from(Envelope { metadata, data }: Envelope<T>) -> Self {
        Self {
            event_type: metadata.event_type,
            event_id: metadata.id.to_string(),
            timestamp: metadata.occurred_at,
            payload: data,
        }
    }
}
