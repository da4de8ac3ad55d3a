//! One order's whole way: placed, changed, shown, listed, told again from its history.

use crate::shop::Shop;
use crate::support::order;
use serde_json::{Value, json};

#[tokio::test(flavor = "multi_thread")]
async fn an_order_is_placed_changed_shown_listed_and_told_again() {
    let shop = Shop::start().await;
    let anna = &shop.anna;

    let placed = anna.place("first", &order("TEA-ASSAM-100", 2));
    let id = placed.order_id();
    assert_eq!(placed.body["version"], 1);
    assert_eq!(placed.headers["location"], format!("/orders/{id}?min_version=1"));
    shop.running.wait_until_idle().await;
    let shown = anna.get(&placed.headers["location"]);
    assert_eq!(shown.status, 200, "{shown:?}");
    assert_eq!(shown.body["total"], 1580);
    assert_eq!(
        shown.body["lines"][0],
        json!({ "sku": "TEA-ASSAM-100", "quantity": 2, "unitPrice": 790 })
    );

    let item = json!({ "sku": "CUP-BLUE", "quantity": 1 }).to_string();
    let added = anna.post(&format!("/orders/{id}/items"), Some("second"), &item);
    assert_eq!((added.status, &added.body["version"]), (202, &json!(2)), "{added:?}");
    let mut address = order("CUP-BLUE", 1)["shippingAddress"].clone();
    address["city"] = "Potsdam".into();
    let path = format!("/orders/{id}/shipping-address");
    let moved = anna.put(&path, &json!({ "shippingAddress": address }));
    assert_eq!((moved.status, &moved.body["version"]), (202, &json!(3)), "{moved:?}");
    let again = anna.put(&path, &json!({ "shippingAddress": address }));
    assert_eq!((again.status, &again.body["version"]), (202, &json!(3)), "it is there already");

    shop.running.wait_until_idle().await;
    let shown = anna.get(&format!("/orders/{id}?min_version=3"));
    assert_eq!((shown.status, &shown.body["version"]), (200, &json!(3)), "{shown:?}");
    assert_eq!(shown.body["total"], 3070);
    assert_eq!(shown.body["shippingAddress"]["city"], "Potsdam");

    let later = anna.place("third", &order("POT-IRON", 1)).order_id();
    shop.running.wait_until_idle().await;
    let list = anna.get("/orders");
    let listed: Vec<&Value> =
        list.body["orders"].as_array().expect("orders").iter().map(|o| &o["orderId"]).collect();
    assert_eq!(listed, [&json!(later), &json!(id)], "the latest first");
    let first = anna.get("/orders?limit=1");
    assert_eq!(first.body["orders"][0]["orderId"], later);
    let next = first.body["next"].as_str().expect("there is more");
    let rest = anna.get(&format!("/orders?limit=1&next={next}"));
    assert_eq!(rest.body["orders"][0]["orderId"], id);

    let history = anna.get(&format!("/orders/{id}/history"));
    let events = history.body["events"].as_array().expect("events");
    let told: Vec<&Value> = events.iter().map(|event| &event["metadata"]["type"]).collect();
    assert_eq!(told, ["OrderPlaced", "ItemAdded", "ShippingAddressUpdated"]);
    assert_eq!(events[2]["metadata"]["previous"], 2);

    let ledger = shop.equation().await;
    assert_eq!((ledger.events, ledger.unmatched), (4, 0), "{ledger}");
    assert_eq!(ledger.queue("order-view").handled, 4, "{ledger}");
}

#[tokio::test(flavor = "multi_thread")]
async fn who_asks_for_more_than_is_shown_yet_is_told_to_come_again() {
    let shop = Shop::start().await;
    let anna = &shop.anna;
    shop.running.switch("order-view", false).await;
    let id = anna.place("first", &order("TEA-ASSAM-100", 2)).order_id();
    shop.running.wait_until_idle().await;
    let path = format!("/orders/{id}?min_version=1");
    let early = anna.get(&path);
    assert_eq!((early.status, &early.body["code"]), (409, &json!("Behind")), "{early:?}");
    assert_eq!(early.headers["retry-after"], "1");
    let ledger = shop.running.ledger().await;
    assert_eq!(
        ledger.queue("order-view").there,
        1,
        "a consumer that is off fills its queue alone: {ledger}"
    );

    shop.running.switch("order-view", true).await;
    shop.running.wait_until_idle().await;
    assert_eq!(anna.get(&path).status, 200);
    let ahead = anna.get(&format!("/orders/{id}?min_version=2"));
    assert_eq!((ahead.status, &ahead.body["code"]), (409, &json!("Behind")), "{ahead:?}");
    shop.equation().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_customer_is_registered_once() {
    let shop = Shop::start().await;
    let anna = &shop.anna;
    let body = json!({ "name": "Anna Miller", "email": "anna@example.com" }).to_string();
    let registered = anna.post("/customers", Some("me"), &body);
    assert_eq!(registered.status, 202, "{registered:?}");
    assert_eq!(registered.body, json!({ "customerId": "anna", "version": 1 }));
    let again = anna.post("/customers", Some("again"), &body);
    assert_eq!(again.body, registered.body, "the same may be said again");
    let other = body.replace("Miller", "Meier");
    let other = anna.post("/customers", Some("other"), &other);
    assert_eq!(
        (other.status, &other.body["code"]),
        (409, &json!("AlreadyRegistered")),
        "{other:?}"
    );

    let ledger = shop.equation().await;
    assert_eq!(ledger.events, 1, "{ledger}");
}
