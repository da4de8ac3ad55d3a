//! What a text says of its own descent, by a convention: `detail.metadata` with `id`, `causationId` and
//! `subject`, as the crate `pointsman-kit` writes it. It refines what causes alone leave open, which of a
//! batch led to what; nothing depends on it.

use crate::adapters::tables::StreamRecord;
use crate::engine::ReadRecord;
use serde::Deserialize;
use serde_json::value::RawValue;
use std::borrow::Cow;
use std::collections::BTreeMap;

/// Shorter texts of a record are in too many of them to tell anything.
const TELLING: usize = 24;

/// What an event, a command or a row says of where it comes from.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Lineage {
    /// Its own id, the same wherever it is copied to.
    pub(super) id: String,
    /// The id of what it follows from: of an event, a command or a request.
    pub(super) causation_id: Option<String>,
    /// What it is about.
    pub(super) subject: Option<String>,
}

/// A text's lineage, and by what copies of it are known.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Told {
    pub(super) lineage: Option<Lineage>,
    /// Checksums of the whole text and of its `detail`.
    pub(super) marks: [u64; 2],
}

#[derive(Deserialize)]
struct Outer<'a> {
    #[serde(borrow)]
    detail: Option<&'a RawValue>,
}

#[derive(Deserialize)]
struct Envelope {
    metadata: Lineage,
}

/// Of an event as rules see it, or a message's body.
pub(super) fn of_body(body: &[u8]) -> Told {
    let detail = serde_json::from_slice::<Outer<'_>>(body).ok().and_then(|outer| outer.detail);
    let text = detail.map_or(body, |detail| detail.get().as_bytes());
    Told { lineage: of_text(text), marks: [mark(body), mark(text)] }
}

fn of_text(text: &[u8]) -> Option<Lineage> {
    let envelope: Envelope = serde_json::from_slice(text).ok()?;
    Some(envelope.metadata)
}

#[derive(Deserialize)]
struct Record<'a> {
    #[serde(borrow)]
    dynamodb: Change<'a>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Change<'a> {
    #[serde(borrow)]
    keys: BTreeMap<Cow<'a, str>, Attribute<'a>>,
    #[serde(borrow)]
    new_image: Option<BTreeMap<Cow<'a, str>, Attribute<'a>>>,
}

/// An attribute's value, as far as it is a text or a number.
#[derive(Deserialize)]
struct Attribute<'a> {
    #[serde(borrow, rename = "S")]
    text: Option<Cow<'a, str>>,
    #[serde(borrow, rename = "N")]
    number: Option<Cow<'a, str>>,
}

/// What the journal keeps of a record but for its writer.
pub(super) fn of_record(record: &StreamRecord) -> ReadRecord {
    let mut read = ReadRecord {
        sequence: record.sequence.clone(),
        event_name: record.event_name.clone(),
        ..ReadRecord::default()
    };
    // A record that is odd in some way has no descent that could be told.
    let Ok(Record { dynamodb }) = serde_json::from_slice::<Record<'_>>(&record.json) else {
        return read;
    };
    let key = |(name, value): (&Cow<'_, str>, &Attribute<'_>)| {
        let value = value.text.as_deref().or(value.number.as_deref()).unwrap_or("…");
        format!("{name}={value}")
    };
    read.keys = dynamodb.keys.iter().map(key).collect::<Vec<_>>().join(", ");
    let image = dynamodb.new_image.unwrap_or_default();
    let texts = || image.values().filter_map(|value| value.text.as_deref());
    let envelopes = texts().filter(|text| text.starts_with('{'));
    match envelopes.filter_map(|text| of_text(text.as_bytes())).next() {
        Some(lineage) => (read.id, read.causation) = (Some(lineage.id), lineage.causation_id),
        None => {
            let telling = texts().filter(|text| text.len() >= TELLING);
            read.marks = telling.map(|text| mark(text.as_bytes())).collect();
            // Where a record is passed on whole.
            read.marks.push(mark(&record.json));
        }
    }
    read
}

/// FNV-1a: it stands in the journal, so it stays as it is.
fn mark(text: &[u8]) -> u64 {
    text.iter().fold(0xcbf2_9ce4_8422_2325, |mark, byte| {
        (mark ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn record(image: &serde_json::Value) -> StreamRecord {
        let json = json!({ "eventName": "INSERT", "dynamodb": {
            "Keys": { "pk": { "S": "order#1" }, "sk": { "N": "7" } }, "NewImage": image,
        } });
        StreamRecord {
            sequence: "100000000000000000001".into(),
            created_at: 0,
            event_name: "INSERT".into(),
            json: json.to_string().into(),
        }
    }

    #[test]
    fn a_row_with_an_envelope_tells_its_id_and_its_cause() {
        let detail = r#"{"metadata":{"id":"b","causationId":"a","type":"Placed"},"data":{}}"#;
        let read = of_record(&record(&json!({ "n": { "N": "1" }, "detail": { "S": detail } })));
        assert_eq!(read.keys, "pk=order#1, sk=7");
        assert_eq!((read.id.as_deref(), read.causation.as_deref()), (Some("b"), Some("a")));
        assert!(read.marks.is_empty());
        let event = format!(r#"{{"version":"0","detail":{detail}}}"#);
        let told = of_body(event.as_bytes()).lineage.expect("it has one");
        assert_eq!((told.id.as_str(), told.subject), ("b", None));
    }

    #[test]
    fn a_row_without_one_is_known_again_by_its_texts() {
        let detail = r#"{"a plain event": "of anybody's"}"#;
        let read = of_record(&record(&json!({ "text": { "S": detail }, "short": { "S": "x" } })));
        assert_eq!(read.id, None);
        let told = of_body(format!(r#"{{"detail":{detail}}}"#).as_bytes());
        assert_eq!(told.lineage, None);
        assert!(read.marks.contains(&told.marks[1]));
        let whole = record(&json!({}));
        assert!(of_record(&whole).marks.contains(&of_body(&whole.json).marks[0]));
    }

    #[test]
    fn what_is_no_record_has_no_descent() {
        let odd = StreamRecord { json: "[]".into(), ..record(&json!({})) };
        assert_eq!((of_record(&odd).keys, of_record(&odd).id), (String::new(), None));
        assert_eq!(of_body(b"poison").lineage, None);
    }
}
