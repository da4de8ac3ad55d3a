use super::*;
use contract::{
    event::{Cause, EventSet, Metadata, Place, SchemaVersion, Ulid},
    order::{AddItem, PlaceOrder},
};
use proptest::prelude::*;
use serde_json::json;

const ORDER: OrderId = OrderId(Ulid::new(1, [7; 10]));

fn envelope(
    kind: &str,
    name: &str,
    data: serde_json::Value,
    version: u64,
    previous: u64,
) -> Envelope {
    let now = Timestamp::from_ms(1_000 * version as i64);
    let place = Place::new(StreamName::new(kind, ORDER).unwrap(), version, previous);
    let what = (name, SchemaVersion::new(1, 0), "shop.test");
    // Unlike in every stream and at every version, as ids are.
    let random = [kind.as_bytes()[0], kind.as_bytes()[1], version as u8, 0, 0, 0, 0, 0, 0, 0];
    let id = Ulid::new(version, random);
    Envelope { metadata: Metadata::new(id, what, place, &Cause::request("r", now), now), data }
}

/// An order stream of `1 + added` events, as decided.
fn order_stream(added: u64) -> Vec<Envelope> {
    let prices = crate::Prices::parse(crate::prices::JSON).unwrap();
    let caller = "ann".parse().unwrap();
    let context = order::Context { order_id: ORDER, caller: &caller, prices: &prices };
    let place: PlaceOrder = serde_json::from_value(json!({
        "items": [{ "sku": "CUP-BLUE", "quantity": 1 }],
        "shippingAddress": {
            "recipient": "Ann", "street": "Lindenallee 1", "postalCode": "10115",
            "city": "Berlin", "country": "DE"
        }
    }))
    .unwrap();
    let add = AddItem { sku: "POT-IRON".parse().unwrap(), quantity: 2 };
    let mut state = None;
    let mut stream = Vec::new();
    for version in 1..=1 + added {
        let command = match version {
            1 => order::Command::Place(place.clone()),
            _ => order::Command::Add(add.clone()),
        };
        for event in order::decide(state.as_ref(), &command, context).unwrap() {
            let name = event.declaration().name;
            stream.push(envelope("order", name, event.to_data().unwrap(), version, version - 1));
            state = order::apply(state, &event);
        }
    }
    stream
}

/// A stream whose events this code does not know, with a command between any two of them.
fn other_stream(kind: &str, events: u64) -> Vec<Envelope> {
    (0..events)
        .map(|index| {
            envelope(kind, "SomethingNew", json!({}), 2 * index + 1, (2 * index).saturating_sub(1))
        })
        .collect()
}

#[track_caller]
fn applied(view: &OrderView, envelope: &Envelope) -> OrderView {
    match project(view, envelope) {
        Ok(Projection::Apply(view)) => *view,
        other => panic!("{}: {other:?}", envelope.metadata.event_type),
    }
}

#[test]
fn a_view_follows_its_streams() {
    let mut view = OrderView::new(ORDER);
    for event in other_stream("payment", 2).iter().chain(&order_stream(3)) {
        view = applied(&view, event);
    }
    let order = view.order.as_ref().unwrap();
    assert_eq!(order.total.get(), 1490 + 3 * 2 * 6900);
    assert_eq!(view.placed_at, Some(Timestamp::from_ms(1000)));
    assert_eq!((view.position("order"), view.position("payment")), (4, 3));
    assert_eq!(view.position("shipment"), 0);
    let stored = serde_json::to_string(&view).unwrap();
    assert_eq!(serde_json::from_str::<OrderView>(&stored).unwrap(), view);
}

#[test]
fn a_gap_names_what_is_missing() {
    let stream = order_stream(3);
    let view = applied(&OrderView::new(ORDER), &stream[0]);
    let gap = project(&view, &stream[3]).unwrap();
    let name = stream[0].metadata.stream.clone();
    assert_eq!(gap, Projection::Gap { stream: name, position: 1, needed: 3 });
}

#[test]
fn what_does_not_fit_is_named() {
    let mut event = order_stream(0).remove(0);
    let other = OrderId(Ulid::new(2, [0; 10]));
    let unfit = project(&OrderView::new(other), &event).unwrap_err();
    assert_eq!(unfit, Unfit::OtherOrder(event.metadata.stream.clone()));
    event.data = json!({});
    let unfit = project(&OrderView::new(ORDER), &event).unwrap_err();
    assert!(unfit.to_string().contains("orderId"), "{unfit}");
}

proptest! {
    #[test]
    fn the_view_does_not_depend_on_how_streams_interleave_nor_on_duplicates(
        added in 0..6u64, paid in 0..4u64, filled in 0..4u64,
        turns in prop::collection::vec((0..3usize, any::<bool>()), 64),
    ) {
        let streams =
            [order_stream(added), other_stream("payment", paid), other_stream("fulfilment", filled)];
        let expected = streams.iter().flatten().fold(OrderView::new(ORDER), |v, e| applied(&v, e));

        let mut heads = [0; 3];
        let mut view = OrderView::new(ORDER);
        let rest = (0..3).flat_map(|stream| [(stream, false); 16]);
        for (stream, again) in turns.into_iter().chain(rest) {
            let Some(event) = streams[stream].get(heads[stream]) else { continue };
            view = applied(&view, event);
            heads[stream] += 1;
            if again {
                for old in &streams[stream][..heads[stream]] {
                    prop_assert_eq!(project(&view, old), Ok(Projection::Duplicate));
                }
            }
        }
        prop_assert_eq!(view, expected);
    }

    #[test]
    fn every_gap_is_found_and_filling_it_leads_to_the_same_view(
        added in 1..8u64, shuffled in prop::collection::vec(any::<usize>(), 40),
    ) {
        let stream = order_stream(added);
        let expected = stream.iter().fold(OrderView::new(ORDER), |v, e| applied(&v, e));
        let mut view = OrderView::new(ORDER);
        for pick in shuffled {
            let event = &stream[pick % stream.len()];
            let (version, position) = (event.metadata.version, view.position("order"));
            match project(&view, event).unwrap() {
                Projection::Apply(next) => {
                    prop_assert_eq!(version, position + 1);
                    view = *next;
                }
                Projection::Duplicate => prop_assert!(version <= position),
                Projection::Gap { position: from, needed, .. } => {
                    prop_assert!(version > position + 1);
                    prop_assert_eq!((from, needed), (position, version - 1));
                    for missing in &stream[from as usize..version as usize] {
                        view = applied(&view, missing);
                    }
                }
            }
        }
        for event in &stream[view.position("order") as usize..] {
            view = applied(&view, event);
        }
        prop_assert_eq!(view, expected);
    }
}
