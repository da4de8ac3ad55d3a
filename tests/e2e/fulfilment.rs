//! Scenario 1: an order goes through to Fulfilled; its history folds to its state; its trace is one tree.

use crate::shop::Shop;
use crate::support::order;
use domain::view::{OrderView, Status, catch_up};
use pointsman::testing::What;
use pointsman_kit::event::Envelope;
use serde_json::{Value, json};

/// What happens to an order that goes well.
const WAY: [&str; 6] = [
    "OrderPlaced",
    "PaymentRequested",
    "PaymentProcessed",
    "InventoryAllocated",
    "OrderShipped",
    "OrderFulfilled",
];

#[tokio::test(flavor = "multi_thread")]
async fn an_order_goes_through_to_its_good_end_as_it_was_when_its_window_closed() {
    let shop = Shop::start().await;
    shop.load("first", &[("TEA-ASSAM-100", 10), ("CUP-BLUE", 1)]);
    let anna = &shop.anna;
    let placed = anna.place("key-1", &order("TEA-ASSAM-100", 2));
    let plain = placed.order_id();
    let ledger = shop.equation().await;
    assert_eq!(ledger.queue("fulfilment").there, 1, "it waits for its window: {ledger}");
    assert_eq!(shop.status(&plain), "placed");
    let request = &placed.headers["apigw-requestid"];
    let trace = shop.running.trace(request).await;
    let [waits] = &trace.waiting[..] else { panic!("{:?}", trace.waiting) };
    assert!(waits.starts_with("fulfilment: delayed until "), "{waits}");

    // Engine time: the order's window, not the wall's.
    shop.windows_close().await;
    assert_eq!(shop.status(&plain), "fulfilled");

    let amended = anna.place("key-2", &order("TEA-ASSAM-100", 3)).order_id();
    let item = json!({ "sku": "CUP-BLUE", "quantity": 1 }).to_string();
    assert_eq!(anna.post(&format!("/orders/{amended}/items"), Some("key-3"), &item).status, 202);
    let mut address = order("CUP-BLUE", 1)["shippingAddress"].clone();
    address["city"] = "Potsdam".into();
    let path = format!("/orders/{amended}/shipping-address");
    assert_eq!(anna.put(&path, &json!({ "shippingAddress": address })).status, 202);
    shop.windows_close().await;
    assert_eq!(shop.status(&amended), "fulfilled");
    let late = anna.post(&format!("/orders/{amended}/items"), Some("key-4"), &item);
    assert_eq!((late.status, &late.body["code"]), (409, &json!("PaymentRequested")), "{late:?}");

    let (_, told) = history(&shop, &plain);
    assert_eq!(told, WAY);
    let (view, told) = history(&shop, &amended);
    let mut way = WAY.to_vec();
    way.splice(1..1, ["ItemAdded", "ShippingAddressUpdated"]);
    assert_eq!(told, way);
    let folded = view.order.as_ref().expect("an order");
    assert_eq!((folded.total.get(), folded.shipping_address.city.as_str()), (3860, "Potsdam"));
    assert_eq!(view.status(), Status::Fulfilled);

    let (_, books) = shop.ended_well().await;
    assert_eq!((books.left("TEA-ASSAM-100"), books.left("CUP-BLUE")), (5, 0));
    assert_eq!(books.order(&amended).account().taken, 3860);
    let shipped = books.order(&amended).first("ShipOrder");
    assert_eq!(shipped.data["shippingAddress"]["city"], "Potsdam");
    one_tree(&shop, request, &plain).await;
}

/// All that followed from the order stands in one tree, by whatever it is asked for, and nothing of it waits.
async fn one_tree(shop: &Shop, request: &str, order: &str) {
    for id in [request, order] {
        let trace = shop.running.trace(id).await;
        assert_eq!(trace.trees.len(), 1, "{id}: {trace:#?}");
        assert!(trace.is_settled(), "{id}: {:?}", trace.waiting);
        assert_eq!(trace.repeats, [], "no event of it comes twice in one line");
        let nodes = trace.nodes();
        let root = &trace.trees[0];
        assert_eq!((root.title(), root.id()), ("POST /orders".to_owned(), Some(request)));
        assert!(nodes.iter().all(|node| !node.joint), "each cause is known: {root:#?}");
        let events: Vec<String> = nodes
            .iter()
            .filter(|node| matches!(node.what, What::Event { .. }))
            .map(|node| node.title())
            .collect();
        assert_eq!(events, WAY, "{id}: each event follows from the one before it");
        for function in ["order-commands", "outbox-relay", "order-view", "payment", "shipping"] {
            assert!(nodes.iter().any(|node| node.title() == function), "{function}: {root:#?}");
        }
    }
}

/// The view that an order's history folds to, which is what its customer is shown, and the names of its events.
fn history(shop: &Shop, order: &str) -> (OrderView, Vec<String>) {
    let shown = shop.anna.get(&format!("/orders/{order}")).body;
    let told = shop.anna.get(&format!("/orders/{order}/history")).body;
    let events: Vec<Envelope> = serde_json::from_value(told["events"].clone()).expect("envelopes");
    let order_id = serde_json::from_value(Value::from(order)).expect("an id");
    let view = catch_up(OrderView::new(order_id), &events).expect("all fit");
    assert_eq!(json!(view.status()), shown["status"]);
    assert_eq!(json!(view.order.as_ref().map(|order| order.total)), shown["total"]);
    assert_eq!(json!(view.payment), shown["payment"]);
    assert_eq!(json!(view.goods), shown["goods"]);
    let left = view.shipment.as_ref().and_then(|shipment| shipment.shipment_id);
    assert_eq!(json!(left), shown["shipmentId"]);
    (view, events.into_iter().map(|event| event.metadata.event_type).collect())
}
