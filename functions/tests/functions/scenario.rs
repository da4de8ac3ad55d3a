//! One event's whole way: request → row → stream → bus → queue → read model → request.

use crate::shop::{Call, Shop, add, get, place, send_to};
use pointsman_kit::testing::delivered;
use serde_json::json;

#[tokio::test(start_paused = true)]
async fn an_order_travels_from_the_request_to_what_its_customer_reads() {
    let shop = Shop::new();
    let order_id = shop.place("ann", "k1").await;
    shop.settle().await;
    assert_eq!(shop.ask(add("ann", "k2", &order_id, "CUP-BLUE", 1)).await.body["version"], 2);
    assert_eq!(shop.ask(send_to("ann", &order_id, "Rome")).await.body["version"], 3);
    shop.settle().await;

    let reply = shop.ask(get("ann", &order_id).query("min_version", "3")).await;
    assert_eq!(reply.status, 200, "{reply:?}");
    assert_eq!(reply.body["version"], 3);
    assert_eq!(reply.body["total"], 2 * 790 + 1490);
    assert_eq!(reply.body["currency"], "EUR");
    assert_eq!(reply.body["shippingAddress"]["city"], "Rome");
    assert_eq!(reply.body["placedAt"], "2026-01-01T00:00:00.000Z");
    let skus: Vec<_> = reply.body["lines"].as_array().unwrap().iter().map(|l| &l["sku"]).collect();
    assert_eq!(skus, ["TEA-ASSAM-100", "CUP-BLUE"]);

    let list = shop.ask(Call::new("GET /orders", "ann")).await.body;
    assert_eq!(list, json!({ "orders": [reply.body], "next": null }));
    assert_eq!(shop.ask(Call::new("GET /orders", "bob")).await.body["orders"], json!([]));
}

#[tokio::test(start_paused = true)]
async fn one_placed_order_is_one_event_on_the_bus_that_names_no_consumer() {
    let shop = Shop::new();
    let order_id = shop.place("ann", "k1").await;
    let user = Call::new("POST /customers", "ann").key("k2");
    let user = user.body(json!({ "name": "Ann", "email": "ann@example.com" }));
    assert_eq!(shop.ask(user).await.body, json!({ "customerId": "ann", "version": 1 }));
    assert!(shop.relay(&shop.changes()).await.is_empty());

    let events = shop.bus.events();
    let names: Vec<_> =
        events.iter().map(|e| (e.source.as_str(), e.detail_type.as_str())).collect();
    assert_eq!(names, [("shop.orders", "OrderPlaced"), ("shop.customers", "UserRegistered")]);
    let event: serde_json::Value = serde_json::from_str(&delivered(&events[0])).unwrap();
    let metadata = &event["detail"]["metadata"];
    assert_eq!(event["time"], "2026-01-01T00:00:00Z");
    assert_eq!(metadata["stream"], format!("order#{order_id}"));
    assert_eq!(metadata["subject"], order_id);
    assert_eq!((&metadata["version"], &metadata["previous"]), (&json!(1), &json!(0)));
    assert_eq!(metadata["correlationId"], "request-1");
    assert_eq!(metadata["causationId"], "request-1");
    assert_eq!(event["detail"]["data"]["customerId"], "ann");
    // The ledger: what was accepted is what the bus has, once each.
    assert_eq!(shop.tables.items("EventStore").len(), events.len());
}

#[tokio::test(start_paused = true)]
async fn a_trace_goes_through_to_the_event() {
    let shop = Shop::new();
    let trace = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
    for (header, kept) in [(trace, true), ("00-0-0-01", false), (&trace.to_uppercase(), false)] {
        shop.ask(place("ann", &format!("k{kept}{}", header.len())).header("traceparent", header))
            .await;
        let body = shop.relayed().await.remove(0);
        assert_eq!(body.contains(trace), kept, "{header}");
        assert_eq!(body.contains("traceparent"), kept, "{header}");
    }
}

#[tokio::test(start_paused = true)]
async fn the_same_message_five_times_is_folded_once() {
    let shop = Shop::new();
    let order_id = shop.place("ann", "k1").await;
    let bodies = vec![shop.relayed().await.remove(0); 5];
    assert!(shop.show(&bodies).await.is_empty());
    let row = shop.row("1", &order_id).unwrap();
    assert_eq!(row["rev"], 1.into());
    for _ in 0..5 {
        assert!(shop.show(&bodies[..1]).await.is_empty());
    }
    assert_eq!(shop.row("1", &order_id), Some(row));
    assert_eq!(shop.queues.messages(), []);
}
