use super::super::action::Action;
use super::super::ask::Ask;
use super::required;
use crate::clock::Time;
use crate::engine::{Fault, Id};
use crate::services::bus::{EventEntry, PutEvents};
use crate::services::constraint;
use serde::{Deserialize, Serialize, Serializer};
use serde_json::Value;

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Request {
    entries: Option<Vec<Entry>>,
    endpoint_id: Option<Value>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Entry {
    source: Option<String>,
    detail_type: Option<String>,
    detail: Option<String>,
    resources: Option<Vec<String>>,
    /// Seconds since the epoch.
    time: Option<f64>,
    event_bus_name: Option<String>,
    /// Held to its length; targets do not get it.
    trace_header: Option<String>,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Reply {
    failed_entry_count: usize,
    entries: Vec<Accepted>,
}

/// Either an id, or a code and a message.
#[derive(Serialize)]
#[serde(untagged)]
enum Accepted {
    #[serde(rename_all = "PascalCase")]
    Entered {
        #[serde(serialize_with = "shown")]
        event_id: Id,
    },
    #[serde(rename_all = "PascalCase")]
    Refused { error_code: &'static str, error_message: String },
}

impl Action for Request {
    type Reply = Reply;

    async fn run(self, ask: &Ask<'_>) -> Result<Reply, Fault> {
        super::refuse("PutEvents", &[("EndpointId", &self.endpoint_id)])?;
        let entries = required(self.entries, "entries")?.into_iter().enumerate();
        let entries = entries.map(|(n, entry)| entry.read(n + 1)).collect::<Result<_, _>>()?;
        let results = ask.submit(PutEvents { entries }).await?;
        let failed_entry_count = results.iter().filter(|r| r.is_err()).count();
        let entries = results.into_iter().map(|result| match result {
            Ok(event_id) => Accepted::Entered { event_id },
            Err(error) => {
                Accepted::Refused { error_code: error.code, error_message: error.message }
            }
        });
        Ok(Reply { failed_entry_count, entries: entries.collect() })
    }
}

impl Entry {
    /// The `n`th entry of a request, from 1.
    ///
    /// # Errors
    /// `ValidationException`: what has a length has another one.
    fn read(self, n: usize) -> Result<EventEntry, Fault> {
        let length = |name: &str, text: &str, most| {
            constraint::length(&format!("entries.{n}.member.{name}"), text, 1, most)
        };
        length("eventBusName", self.event_bus_name.as_deref().unwrap_or("-"), 1_600)?;
        length("traceHeader", self.trace_header.as_deref().unwrap_or("-"), 500)?;
        for resource in self.resources.iter().flatten().filter(|resource| !resource.is_empty()) {
            length("resources", resource, 2_048)?;
        }
        Ok(EventEntry {
            source: self.source,
            detail_type: self.detail_type,
            detail: self.detail,
            resources: self.resources.unwrap_or_default(),
            time: self.time.map(|seconds| Time((seconds * 1000.0) as i64)),
            bus: self.event_bus_name,
        })
    }
}

fn shown<S: Serializer>(id: &Id, to: S) -> Result<S::Ok, S::Error> {
    to.collect_str(id)
}
