use super::*;
use contract::{
    event::{Cause, EventSet, Metadata, Place, SchemaVersion, Ulid},
    fulfilment::CancelReason,
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

/// A stream of the events that `picks` name, with a command between any two of them.
fn stream_of(kind: &str, pool: &[Told], picks: &[usize]) -> Vec<Envelope> {
    let event = |(index, pick): (usize, &usize)| {
        let (name, data) = data(&pool[pick % pool.len()]);
        let version = 2 * index as u64 + 1;
        envelope(kind, name, data, version, version.saturating_sub(2))
    };
    picks.iter().enumerate().map(event).collect()
}

/// An event by its name and what it has beside the order and its customer.
fn told(kind: &str, name: &str, more: serde_json::Value) -> Envelope {
    let mut data = json!({ "orderId": ORDER, "customerId": "ann" });
    data.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    envelope(kind, name, data, 1, 0)
}

/// Every event that the streams beside the order's own can have, by stream.
fn others() -> [(&'static str, Vec<Told>); 4] {
    let requested = json!({
        "orderVersion": 1, "currency": "EUR", "lines": [], "total": 1490,
        "shippingAddress": {
            "recipient": "Ann", "street": "Lindenallee 1", "postalCode": "10115",
            "city": "Berlin", "country": "DE"
        }
    });
    let money = json!({ "amount": 1490, "currency": "EUR", "transactionId": "t-1" });
    let shipment = json!({ "shipmentId": ORDER });
    let read = |kind: &'static str, events: &[(&str, serde_json::Value)]| {
        let told = |(name, more): &(&str, serde_json::Value)| {
            Told::read(&told(kind, name, more.clone())).unwrap().unwrap()
        };
        (kind, events.iter().map(told).collect())
    };
    [
        read(
            "fulfilment",
            &[
                ("PaymentRequested", requested),
                ("OrderFulfilled", shipment.clone()),
                ("OrderCancelled", json!({ "reason": "outOfStock" })),
                ("CancellationRefused", json!({})),
            ],
        ),
        read(
            "payment",
            &[
                ("PaymentProcessed", money.clone()),
                ("PaymentDeclined", json!({ "reason": "refused" })),
                ("PaymentRefunded", money),
            ],
        ),
        read(
            "inventory",
            &[
                ("InventoryAllocated", json!({ "items": [] })),
                (
                    "InventoryUnavailable",
                    json!({ "reason": "outOfStock", "missing": ["CUP-BLUE"] }),
                ),
                ("InventoryReleased", json!({ "items": [] })),
            ],
        ),
        read("shipment", &[("OrderShipped", shipment), ("ShipmentCancelled", json!({}))]),
    ]
}

/// The name and the data of an event.
fn data(told: &Told) -> (&'static str, serde_json::Value) {
    match told {
        Told::Order(event) => (event.declaration().name, event.to_data().unwrap()),
        Told::Fulfilment(event) => (event.declaration().name, event.to_data().unwrap()),
        Told::Payment(event) => (event.declaration().name, event.to_data().unwrap()),
        Told::Inventory(event) => (event.declaration().name, event.to_data().unwrap()),
        Told::Shipment(event) => (event.declaration().name, event.to_data().unwrap()),
    }
}

/// The status behind these events of an order that was placed, told one after the other.
#[track_caller]
fn status_is(expected: Status, names: &[&str]) {
    let pools = others();
    let mut view = applied(&OrderView::new(ORDER), &order_stream(0)[0]);
    for name in names {
        if *name == "CancellationRequested" {
            let version = view.position("order") + 1;
            let wish = json!({ "orderId": ORDER, "customerId": "ann" });
            view = applied(&view, &envelope("order", name, wish, version, version - 1));
            continue;
        }
        let found = pools.iter().find_map(|(kind, pool)| {
            let told = pool.iter().map(data).find(|(known, _)| known == name)?;
            Some((*kind, told.1))
        });
        let (kind, data) = found.unwrap_or_else(|| panic!("no {name}"));
        let position = view.position(kind);
        view = applied(&view, &envelope(kind, name, data, position + 1, position));
    }
    assert_eq!(view.status(), expected, "{names:?}");
}

#[test]
fn a_status_is_what_a_customer_would_call_it() {
    let way = ["PaymentRequested", "PaymentProcessed", "InventoryAllocated", "OrderShipped"];
    status_is(Status::Placed, &[]);
    status_is(Status::PaymentRequested, &way[..1]);
    status_is(Status::Paid, &way[..2]);
    status_is(Status::Allocated, &way[..3]);
    status_is(Status::Shipped, &way);
    status_is(Status::Fulfilled, &[&way[..], &["OrderFulfilled"]].concat());

    let wish = "CancellationRequested";
    status_is(Status::Cancelling, &[wish]);
    status_is(Status::Cancelling, &[&way[..3], &[wish]].concat());
    status_is(Status::Shipped, &[&way[..], &[wish]].concat());
    let refused = [&way[..], &["OrderFulfilled", wish, "CancellationRefused"]].concat();
    status_is(Status::Fulfilled, &refused);
    status_is(Status::Cancelled, &[wish, "OrderCancelled"]);

    status_is(Status::Cancelling, &["PaymentRequested", "PaymentDeclined"]);
    let out = ["PaymentRequested", "PaymentProcessed", "InventoryUnavailable"];
    status_is(Status::Cancelling, &out);
    status_is(Status::Cancelling, &[&out[..], &["PaymentRefunded"]].concat());
    status_is(Status::Cancelled, &[&out[..], &["PaymentRefunded", "OrderCancelled"]].concat());
    status_is(Status::Cancelling, &[&way[..3], &["ShipmentCancelled"]].concat());
    // Money that came behind the end is on its way back; the end stays.
    status_is(Status::Cancelled, &[&out[..], &["OrderCancelled", "PaymentProcessed"]].concat());
}

#[test]
fn the_parts_say_what_a_customer_asks_for() {
    let mut view = applied(&OrderView::new(ORDER), &order_stream(0)[0]);
    for (kind, pool) in others() {
        let all: Vec<usize> = (0..pool.len()).collect();
        view = catch_up(view, &stream_of(kind, &pool, &all)).unwrap();
    }
    let payment = view.payment.as_ref().unwrap();
    assert_eq!(payment.state, PaymentState::Refunded);
    assert_eq!(payment.amount.unwrap().get(), 1490);
    assert_eq!(payment.transaction_id.as_ref().unwrap().as_str(), "t-1");
    assert_eq!(view.goods.as_ref().unwrap().state, GoodsState::Released);
    assert_eq!(view.shipment, Some(Shipment { shipment_id: None }));
    let course = &view.course;
    assert!(course.payment_requested && course.fulfilled && course.cancellation_refused);
    assert_eq!(course.cancelled, Some(CancelReason::OutOfStock));
}

#[test]
fn a_row_of_an_older_code_is_read() {
    let view = applied(&OrderView::new(ORDER), &order_stream(0)[0]);
    let mut row = serde_json::to_value(&view).unwrap();
    let fields = row.as_object_mut().unwrap();
    for name in ["course", "payment", "goods", "shipment"] {
        assert!(fields.remove(name).is_some(), "{name}");
    }
    fields.insert("somethingNewer".to_owned(), json!(1));
    assert_eq!(serde_json::from_value::<OrderView>(row).unwrap(), view);
}

#[test]
fn an_event_in_a_stream_not_its_own_tells_nothing() {
    let view = applied(&OrderView::new(ORDER), &order_stream(0)[0]);
    let mut event = told("payment", "PaymentDeclined", json!({ "reason": "refused" }));
    event.metadata.stream = StreamName::new("shipment", ORDER).unwrap();
    let after = applied(&view, &event);
    assert_eq!((after.payment.as_ref(), after.position("shipment")), (None, 1));
}

proptest! {
    #[test]
    fn the_view_of_all_streams_does_not_depend_on_interleaving_duplicates_or_gaps(
        added in 0..4u64,
        picks in prop::collection::vec(prop::collection::vec(any::<usize>(), 0..6), 4),
        turns in prop::collection::vec((0..5usize, 0..4usize, any::<bool>()), 64),
    ) {
        let mut streams = vec![order_stream(added)];
        for ((kind, pool), picks) in others().iter().zip(&picks) {
            streams.push(stream_of(kind, pool, picks));
        }
        let start = OrderView::new(ORDER);
        let expected = catch_up(start.clone(), streams.iter().flatten()).unwrap();

        let (mut view, mut heads) = (start, [0; 5]);
        let rest = (0..5).flat_map(|stream| [(stream, 0, false); 8]);
        for (stream, ahead, again) in turns.into_iter().chain(rest) {
            let (events, head) = (&streams[stream], &mut heads[stream]);
            let at = *head + ahead;
            let Some(event) = events.get(at) else { continue };
            view = match project(&view, event).unwrap() {
                Projection::Apply(after) => {
                    prop_assert_eq!(ahead, 0);
                    *after
                }
                Projection::Gap { needed, .. } => {
                    prop_assert_eq!(needed, events[at - 1].metadata.version);
                    catch_up(view, &events[*head..=at]).unwrap()
                }
                Projection::Duplicate => panic!("event {at} of stream {stream} is new"),
            };
            *head = at + 1;
            if again {
                for old in &events[..*head] {
                    prop_assert_eq!(project(&view, old), Ok(Projection::Duplicate));
                }
            }
        }
        prop_assert_eq!(view.status(), expected.status());
        prop_assert_eq!(view, expected);
    }
}
