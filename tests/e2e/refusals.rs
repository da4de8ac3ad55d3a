//! Scenario 5: what is wrong is answered with a 4xx that names the fault, and nothing is stored.

use crate::shop::Shop;
use crate::support::{Answer, Client, order};
use serde_json::{Value, json};

#[tokio::test(flavor = "multi_thread")]
async fn a_bad_request_is_told_what_is_wrong_and_stores_nothing() {
    let shop = Shop::start().await;
    let anna = &shop.anna;
    let id = anna.place("good", &order("TEA-ASSAM-100", 2)).order_id();
    shop.equation().await;
    let before = shop.counts();
    let good = order("TEA-ASSAM-100", 2);
    let items = format!("/orders/{id}/items");
    let with = |field: &str, value: Value| {
        let mut order = good.clone();
        order[field] = value;
        order.to_string()
    };

    let malformed: [(&str, String, u16, &str); 10] = [
        ("/orders", "{".into(), 400, "EOF"),
        ("/orders", "[]".into(), 400, "invalid"),
        ("/orders", with("price", json!(1)), 400, "price"),
        (
            "/orders",
            with("items", json!([{ "sku": "TEA-ASSAM-100", "quantity": 1, "price": 1 }])),
            400,
            "items[0].price",
        ),
        (
            "/orders",
            with("items", json!([{ "sku": "TEA-ASSAM-100", "quantity": "2" }])),
            400,
            "items[0].quantity",
        ),
        ("/orders", with("items", json!([])), 422, "NoLines"),
        ("/orders", with("items", json!([{ "sku": "SOAP", "quantity": 1 }])), 422, "UnknownSku"),
        (
            "/orders",
            with("items", json!([{ "sku": "CUP-BLUE", "quantity": 1000 }])),
            422,
            "QuantityOutOfRange",
        ),
        (
            &items,
            json!({ "sku": "TEA-EARL-GREY-US", "quantity": 1 }).to_string(),
            422,
            "MixedCurrencies",
        ),
        ("/customers", json!({ "name": "Anna", "email": "nowhere" }).to_string(), 400, "email"),
    ];
    for (n, (path, body, status, fault)) in malformed.iter().enumerate() {
        let answer = anna.post(path, Some(&format!("bad-{n}")), body);
        names(&answer, *status, fault);
    }
    names(&anna.post("/orders", None, &good.to_string()), 400, "Idempotency-Key");
    names(&anna.post("/orders", Some("two words"), &good.to_string()), 400, "Idempotency-Key");
    names(&anna.get("/orders?limit=0"), 400, "limit");
    names(&anna.get(&format!("/orders/{id}?min_version=x")), 400, "min_version");
    assert_eq!(shop.counts(), before);
    let ledger = shop.equation().await;
    assert_eq!(ledger.events, 1, "{ledger}");
}

#[tokio::test(flavor = "multi_thread")]
async fn who_may_not_is_turned_away_at_the_door_and_stores_nothing() {
    let shop = Shop::start().await;
    let anna = &shop.anna;
    let id = anna.place("good", &order("TEA-ASSAM-100", 2)).order_id();
    shop.equation().await;
    let before = shop.counts();

    let nobody = anna.with_token("");
    turned_away(&nobody, 401);
    turned_away(&anna.with_token("e30.e30.e30"), 401);
    turned_away(&anna.with_token(&anna.token("anna", "orders:read")), 403);
    let refused = nobody.place("key", &order("CUP-BLUE", 1));
    assert!(refused.headers.contains_key("www-authenticate"), "{refused:?}");
    let writer = anna.with_token(&anna.token("anna", "orders:write"));
    assert_eq!(writer.get("/orders").status, 403, "to write is not to read");
    assert_eq!(anna.get("/nowhere").status, 404);

    // Another's order is as if it were not there.
    let ben = anna.of("ben");
    let item = json!({ "sku": "CUP-BLUE", "quantity": 1 }).to_string();
    let address = json!({ "shippingAddress": order("CUP-BLUE", 1)["shippingAddress"] });
    names(&ben.get(&format!("/orders/{id}")), 404, "OrderNotFound");
    names(&ben.get(&format!("/orders/{id}/history")), 404, "OrderNotFound");
    names(&ben.post(&format!("/orders/{id}/items"), Some("key"), &item), 404, "OrderNotFound");
    names(&ben.put(&format!("/orders/{id}/shipping-address"), &address), 404, "OrderNotFound");
    assert_eq!(ben.get("/orders").body["orders"], json!([]));
    let unknown = "01M7YQ1WE07VNQX5Q5KKJ0Z75H";
    names(&anna.get(&format!("/orders/{unknown}")), 404, "OrderNotFound");
    names(&anna.get("/orders/none"), 404, "OrderNotFound");

    assert_eq!(shop.counts(), before);
    let ledger = shop.equation().await;
    assert_eq!(ledger.events, 1, "{ledger}");
}

#[track_caller]
fn names(answer: &Answer, status: u16, fault: &str) {
    assert_eq!(answer.status, status, "{answer:?}");
    assert!(answer.body.to_string().contains(fault), "{fault} is not named: {answer:?}");
}

#[track_caller]
fn turned_away(client: &Client, status: u16) {
    let answer = client.place("key", &order("CUP-BLUE", 1));
    assert_eq!(answer.status, status, "{answer:?}");
    assert!(answer.body["message"].is_string(), "as API Gateway says it: {answer:?}");
}
