use super::*;
use contract::event::{Metadata, Place, SchemaVersion};
use proptest::prelude::*;

/// A row by the numbers of itself and its cause (0: a request).
fn row(id: u8, stream: &str, version: u64, at: i64, cause: u8, kind: RowKind) -> Row {
    let now = Timestamp::from_ms(at);
    let place = Place::new(stream.parse().unwrap(), version, version - 1);
    let what = ("Test", SchemaVersion::new(1, 0), "shop.test");
    let request = contract::event::Cause::request("request", now);
    let mut metadata = Metadata::new(number(id), what, place, &request, now);
    if cause > 0 {
        metadata.causation_id = number(cause).to_string();
    }
    Row { kind, envelope: Envelope { metadata, data: serde_json::Value::Null } }
}

fn number(id: u8) -> Ulid {
    Ulid::from_bits(id.into())
}

fn ids(rows: Vec<Row>) -> Vec<u128> {
    merge(rows).iter().map(|event| event.metadata.id.to_bits()).collect()
}

use RowKind::{Command, Event};

#[test]
fn causes_come_first_even_against_the_clock() {
    let rows = vec![
        row(1, "order#1", 1, 500, 0, Event),
        row(2, "fulfilment#1", 1, 100, 1, Event),
        row(3, "payment#1", 1, 50, 2, Event),
    ];
    assert_eq!(ids(rows), [1, 2, 3]);
}

#[test]
fn a_command_bridges_and_is_left_out() {
    let rows = vec![
        row(9, "payment#1", 1, 10, 5, Event),
        row(5, "fulfilment#1", 2, 20, 3, Command),
        row(3, "fulfilment#1", 1, 30, 0, Event),
    ];
    assert_eq!(ids(rows), [3, 9]);
}

#[test]
fn without_a_cause_time_decides_then_id() {
    let rows = vec![
        row(4, "order#1", 1, 20, 0, Event),
        row(3, "payment#1", 1, 20, 0, Event),
        row(5, "shipment#1", 1, 10, 0, Event),
    ];
    assert_eq!(ids(rows), [5, 3, 4]);
}

#[test]
fn a_circle_loses_nothing() {
    let rows = vec![
        row(1, "order#1", 1, 10, 2, Event),
        row(2, "payment#1", 1, 5, 1, Event),
        row(3, "shipment#1", 1, 50, 3, Event),
        row(4, "inventory#1", 1, 90, 0, Event),
    ];
    assert_eq!(ids(rows), [4, 2, 1, 3]);
}

#[test]
fn who_waits_for_a_circle_and_for_something_else_is_not_lost() {
    let rows = vec![
        row(1, "order#1", 1, 10, 0, Event),
        row(2, "order#1", 2, 20, 3, Event),
        row(3, "payment#1", 1, 30, 2, Event),
    ];
    assert_eq!(ids(rows), [1, 2, 3]);
}

/// Rows over four streams; each is caused by one made before it, or by a request.
fn rows() -> impl Strategy<Value = Vec<Row>> {
    let one = (0..4usize, 0..1000i64, any::<u8>(), any::<bool>());
    prop::collection::vec(one, 0..40).prop_map(|seeds| {
        let streams = ["order#1", "payment#1", "fulfilment#1", "shipment#1"];
        let mut versions = [0; 4];
        let made = seeds.into_iter().enumerate().map(|(index, (stream, at, cause, event))| {
            versions[stream] += 1;
            let cause = cause % (index as u8 + 1);
            let kind = if event { Event } else { Command };
            row(index as u8 + 1, streams[stream], versions[stream], at, cause, kind)
        });
        made.collect()
    })
}

proptest! {
    #[test]
    fn the_merge_keeps_streams_and_causes_and_ignores_the_input_order(
        rows in rows(), turn: usize, twice: bool,
    ) {
        let merged = merge(rows.clone());
        let mut other = rows.clone();
        other.reverse();
        if !other.is_empty() {
            let turn = turn % other.len();
            other.rotate_left(turn);
        }
        if twice {
            other.extend(rows.clone());
        }
        prop_assert_eq!(&merge(other), &merged);

        let events = rows.iter().filter(|row| row.kind == Event).count();
        prop_assert_eq!(merged.len(), events);
        let at = |id: Ulid| merged.iter().position(|event| event.metadata.id == id);
        let by_id: BTreeMap<_, _> = rows.iter().map(|row| (row.envelope.metadata.id, row)).collect();
        for (index, event) in merged.iter().enumerate() {
            for later in &merged[index..] {
                if later.metadata.stream == event.metadata.stream {
                    prop_assert!(later.metadata.version >= event.metadata.version);
                }
            }
            // The nearest event up the chain of causes, over commands.
            let mut cause = event.metadata.causation_id.parse().ok();
            while let Some(row) = cause.and_then(|id| by_id.get(&id)) {
                if row.kind == Event {
                    prop_assert!(at(row.envelope.metadata.id) < Some(index));
                    break;
                }
                cause = row.envelope.metadata.causation_id.parse().ok();
            }
        }
    }
}
