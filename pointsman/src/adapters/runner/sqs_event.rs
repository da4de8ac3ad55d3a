use crate::adapters::digest;
use crate::adapters::receipt::encode_receipt;
use crate::engine::{AttributeValue, Handed};
use crate::services::queue::Receipt;
use crate::topology::Region;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use serde::Serialize;
use std::collections::BTreeMap;

/// The event that Lambda makes of messages, with their bodies beside them.
pub(super) fn sqs_event(region: &Region, queue: &str, messages: &[(&Handed, String)]) -> Bytes {
    let arn = region.queue(queue);
    let records = messages.iter().map(|(message, body)| record(region, &arn, message, body));
    let event = Event { records: records.collect() };
    // Texts, and maps with texts for keys, always serialise.
    serde_json::to_vec(&event).unwrap_or_default().into()
}

#[derive(Serialize)]
struct Event<'a> {
    #[serde(rename = "Records")]
    records: Vec<Record<'a>>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Record<'a> {
    message_id: String,
    receipt_handle: String,
    body: &'a str,
    attributes: Attributes<'a>,
    message_attributes: BTreeMap<&'a str, Attribute<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    md5_of_message_attributes: Option<String>,
    md5_of_body: String,
    event_source: &'static str,
    #[serde(rename = "eventSourceARN")]
    event_source_arn: &'a str,
    aws_region: &'a str,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Attributes<'a> {
    approximate_receive_count: String,
    #[serde(rename = "AWSTraceHeader", skip_serializing_if = "Option::is_none")]
    trace: Option<&'a str>,
    sent_timestamp: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    message_group_id: Option<&'a str>,
    sender_id: &'a str,
    approximate_first_receive_timestamp: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    dead_letter_queue_source_arn: Option<String>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Attribute<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    string_value: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    binary_value: Option<String>,
    string_list_values: [(); 0],
    binary_list_values: [(); 0],
    data_type: &'a str,
}

fn record<'a>(region: &'a Region, arn: &'a str, message: &'a Handed, body: &'a str) -> Record<'a> {
    let extra = message.extra.as_deref();
    let attributes = extra.map(|extra| &extra.attributes);
    Record {
        message_id: message.id.to_string(),
        receipt_handle: encode_receipt(Receipt { seq: message.seq, receipt: message.receipt }),
        body,
        attributes: Attributes {
            approximate_receive_count: message.receives.to_string(),
            trace: extra.and_then(|extra| extra.trace.as_deref()),
            sent_timestamp: message.sent.0.to_string(),
            message_group_id: extra.and_then(|extra| extra.group.as_deref()),
            sender_id: &region.account,
            approximate_first_receive_timestamp: message.first_received.0.to_string(),
            dead_letter_queue_source_arn: message
                .dead_letter_source
                .as_ref()
                .map(|queue| region.queue(queue)),
        },
        message_attributes: attributes
            .into_iter()
            .flatten()
            .map(|(name, attribute)| {
                let (text, bytes) = match &attribute.value {
                    AttributeValue::Text(text) => (Some(text.as_str()), None),
                    AttributeValue::Bytes(bytes) => (None, Some(STANDARD.encode(bytes))),
                };
                let shown = Attribute {
                    string_value: text,
                    binary_value: bytes,
                    string_list_values: [],
                    binary_list_values: [],
                    data_type: &attribute.data_type,
                };
                (name.as_str(), shown)
            })
            .collect(),
        md5_of_message_attributes: attributes.and_then(digest::of_attributes),
        md5_of_body: digest::of_body(body.as_bytes()),
        event_source: "aws:sqs",
        event_source_arn: arn,
        aws_region: &region.name,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::Time;
    use crate::engine::{Attribute, Body, Extra, Id};
    use std::sync::Arc;

    fn handed(seq: u64, extra: Option<Extra>) -> Handed {
        Handed {
            seq,
            id: Id(0x059f36b4_87a3_44ab_83d2_661975830a7d),
            receipt: 9,
            body: Body::default(),
            sent: Time(1_545_082_649_183),
            first_received: Time(1_545_082_649_185),
            receives: 1,
            extra: extra.map(Arc::new),
            dead_letter_source: None,
        }
    }

    #[test]
    fn an_event_is_written_as_lambda_writes_it() {
        let text = |text: &str| AttributeValue::Text(text.into());
        let attribute = |data_type: &str, value| Attribute { data_type: data_type.into(), value };
        let extra = Extra {
            attributes: BTreeMap::from([
                ("n".to_owned(), attribute("Number", text("7"))),
                ("raw".to_owned(), attribute("Binary", AttributeValue::Bytes(vec![0, 255]))),
            ]),
            trace: Some("Root=1-2-3".into()),
            group: Some("g".into()),
        };
        let mut second = handed(2, Some(extra));
        second.receives = 3;
        second.dead_letter_source = Some("source".into());
        let messages =
            [(&handed(1, None), "Test \"message\".".to_owned()), (&second, String::new())];
        let event = sqs_event(&Region::default(), "my-queue", &messages);
        assert_eq!(
            std::str::from_utf8(&event).unwrap(),
            include_str!("tests/sqs_event.json").trim_end()
        );
    }
}
