//! [`Bus`] on Amazon EventBridge.

use super::{Bus, Entry, is_permanent};
use crate::{
    aws,
    delivery::{Answer, Failure},
};
use async_trait::async_trait;
use aws_sdk_eventbridge::{
    Client,
    primitives::DateTime,
    types::{PutEventsRequestEntry, PutEventsResultEntry},
};

/// A bus of Amazon EventBridge.
///
/// An unknown bus answers 200 and drops the event: check the name at deploy, and alarm on matched
/// events.
#[derive(Debug, Clone)]
pub struct EventBridge {
    client: Client,
    bus: String,
}

impl EventBridge {
    /// The bus called `bus` (name or ARN).
    pub fn new(client: Client, bus: impl Into<String>) -> Self {
        Self { client, bus: bus.into() }
    }
}

#[async_trait]
impl Bus for EventBridge {
    async fn put(&self, entries: &[&Entry]) -> Answer {
        let entries = entries.iter().map(|entry| {
            PutEventsRequestEntry::builder()
                .event_bus_name(&self.bus)
                .source(&entry.source)
                .detail_type(&entry.detail_type)
                .detail(&entry.detail)
                .set_time(entry.time.map(|time| DateTime::from_millis(time.as_ms())))
                .set_trace_header(entry.trace.clone())
                .build()
        });
        let sent = self.client.put_events().set_entries(Some(entries.collect())).send().await;
        let answer = sent.map_err(|error| aws::failure(error, is_permanent))?;
        Ok(answer.entries().iter().map(result).collect())
    }
}

/// An entry is in only if it has an id and no error.
fn result(entry: &PutEventsResultEntry) -> Result<String, Failure> {
    match (entry.error_code(), entry.event_id()) {
        (None, Some(id)) if !id.is_empty() => Ok(id.to_owned()),
        (Some(code), _) => Err(Failure {
            permanent: is_permanent(code),
            code: code.to_owned(),
            message: entry.error_message().unwrap_or_default().to_owned(),
        }),
        (None, _) => Err(Failure::transient("NoResult", "neither an id nor an error")),
    }
}
