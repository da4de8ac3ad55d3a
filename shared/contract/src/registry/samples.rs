//! The sample payloads have the shapes that Lambda hands over, and hold what the contract says.

use super::{
    all,
    tests::{assert_valid, events, json},
};
use crate::{order::PlaceOrder, reading::RecordCpuUsage};
use aws_lambda_events::{apigw::ApiGatewayV2httpRequest, dynamodb, sqs::SqsEvent};
use pointsman_event::{Envelope, Timestamp};
use serde::de::DeserializeOwned;
use serde_json::Value;
use std::path::Path;

fn sample<T: DeserializeOwned>(name: &str) -> T {
    let path = events().join("samples").join(name);
    serde_json::from_value(json(&path)).unwrap_or_else(|e| panic!("{}: {e}", path.display()))
}

#[track_caller]
fn holds_a_known_event(detail: Value) -> Envelope {
    let envelope: Envelope = serde_json::from_value(detail).unwrap();
    let name = &envelope.metadata.event_type;
    let entry = all().iter().find(|entry| entry.declaration.name == name).expect("an event");
    assert_valid(&(entry.schema)().to_value(), &envelope.data, Path::new(name));
    assert_eq!((entry.read)(&envelope).unwrap(), envelope);
    envelope
}

#[test]
fn a_post_of_an_order_has_an_order_as_its_body() {
    let request: ApiGatewayV2httpRequest = sample("http-place-order.json");
    assert_eq!(request.route_key.as_deref(), Some("POST /orders"));
    assert!(request.headers.contains_key("idempotency-key"));
    let jwt = request.request_context.authorizer.unwrap().jwt.unwrap();
    assert!(!jwt.claims["sub"].is_empty());
    let order: PlaceOrder = serde_json::from_str(&request.body.unwrap()).unwrap();
    assert_eq!(order.items.len(), 2);
}

#[test]
fn a_post_of_readings_has_readings_in_its_body() {
    let request: ApiGatewayV2httpRequest = sample("http-record-readings.json");
    assert_eq!(request.route_key.as_deref(), Some("POST /readings"));
    assert!(request.request_context.authorizer.unwrap().jwt.is_some());
    let body: Value = serde_json::from_str(&request.body.unwrap()).unwrap();
    let readings: Vec<RecordCpuUsage> = serde_json::from_value(body["readings"].clone()).unwrap();
    assert_eq!(readings.len(), 2);
}

#[test]
fn a_webhook_has_a_signature_and_no_token() {
    let request: ApiGatewayV2httpRequest = sample("http-payment-webhook.json");
    assert_eq!(request.route_key.as_deref(), Some("POST /webhooks/payments"));
    assert!(request.headers.contains_key("payment-signature"));
    assert!(request.request_context.authorizer.is_none());
    let body: Value = serde_json::from_str(&request.body.unwrap()).unwrap();
    assert_eq!(body["type"], "charge.succeeded");
}

#[test]
fn a_schedule_says_when_it_was_due() {
    let input: Value = sample("schedule-readings.json");
    let due = input["scheduledTime"].as_str().unwrap().parse::<Timestamp>().unwrap();
    assert_eq!(due.to_string(), "2026-11-21T09:30:00.000Z");
}

#[test]
fn a_queue_batch_has_whole_bus_events_as_its_bodies() {
    let batch: SqsEvent = sample("sqs-order-events.json");
    assert_eq!(batch.records.len(), 2);
    for record in batch.records {
        let attributes = &record.attributes;
        assert!(attributes["ApproximateFirstReceiveTimestamp"].parse::<u64>().is_ok());
        let event: Value = serde_json::from_str(&record.body.unwrap()).unwrap();
        let envelope = holds_a_known_event(event["detail"].clone());
        assert_eq!(event["detail-type"], envelope.metadata.event_type);
        assert_eq!(event["source"], envelope.metadata.source);
    }
}

#[test]
fn a_stream_batch_has_rows_of_the_store() {
    let raw: Value = sample("dynamodb-event-store.json");
    let batch: dynamodb::Event = serde_json::from_value(raw.clone()).unwrap();
    assert_eq!(batch.records.len(), 1);
    let record = &batch.records[0];
    assert_eq!(record.event_name, "INSERT");
    assert!(record.event_source_arn.as_deref().unwrap().contains(":table/EventStore/stream/"));
    let row = &raw["Records"][0]["dynamodb"]["NewImage"];
    let text = |name: &str| row[name]["S"].as_str().unwrap_or_else(|| panic!("no {name}"));
    let envelope = holds_a_known_event(serde_json::from_str(text("detail")).unwrap());
    assert_eq!(text("pk"), envelope.metadata.stream.as_str());
    assert_eq!(text("sk"), format!("{:010}", envelope.metadata.version));
    assert_eq!((text("kind"), text("type")), ("event", envelope.metadata.event_type.as_str()));
}
