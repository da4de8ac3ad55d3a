use crate::Envelope;
use serde::Serialize;
use serde_json::{Value, json};

/// The event as a CloudEvent 1.0 in the structured JSON format (`application/cloudevents+json`).
///
/// Stream and version become the documented extensions `partitionkey` and `sequence` (ten digits,
/// which sort as text); the trace context is the extension `traceparent`. The rest of the metadata
/// are extensions of ours, named in lower case as the format demands.
///
/// # Errors
/// If the data has no JSON form.
pub fn cloud_event<T: Serialize>(envelope: &Envelope<T>) -> Result<Value, serde_json::Error> {
    let metadata = &envelope.metadata;
    let mut event = json!({
        "specversion": "1.0",
        "id": metadata.id,
        "source": metadata.source,
        "type": metadata.event_type,
        "subject": metadata.subject,
        "time": metadata.occurred_at,
        "datacontenttype": "application/json",
        "partitionkey": metadata.stream,
        "sequence": format!("{:010}", metadata.version),
        "previoussequence": format!("{:010}", metadata.previous),
        "schemaversion": metadata.schema_version,
        "correlationid": metadata.correlation_id,
        "causationid": metadata.causation_id,
        "hops": metadata.hops,
        "data": serde_json::to_value(&envelope.data)?,
    });
    if let Some(traceparent) = &metadata.traceparent {
        event["traceparent"] = json!(traceparent);
    }
    Ok(event)
}
