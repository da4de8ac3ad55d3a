//! order-commands: what is accepted once, and what is refused without a trace.

use crate::shop::{Call, Reply, Shop, add, address, at_once, place, send_to};
use pointsman_kit::table::{Fault, Memory};
use serde_json::{Value, json};

#[tokio::test(start_paused = true)]
async fn the_same_request_twice_is_one_order_and_one_answer() {
    let shop = Shop::new();
    let first = shop.ask(place("ann", "k1")).await;
    let order_id = first.body["orderId"].as_str().unwrap();
    assert_eq!(first.status, 202);
    assert_eq!(first.headers["location"], format!("/orders/{order_id}?min_version=1"));
    let writes = shop.writes();
    assert_eq!(shop.ask(place("ann", "k1")).await, first);
    assert_eq!(shop.writes(), writes);

    let other = place("ann", "k1").body(json!({ "items": [], "shippingAddress": address("Rome") }));
    let reply = shop.ask(other).await;
    refused(&reply, 422, "IdempotencyKeyReused", "Idempotency-Key");
    assert_eq!(shop.writes(), writes);

    assert_ne!(shop.place("ann", "k2").await, order_id);
    assert_ne!(shop.place("bob", "k1").await, order_id);
}

#[tokio::test(start_paused = true)]
async fn a_key_belongs_to_one_order_even_if_the_words_are_the_same() {
    let shop = Shop::new();
    let (one, two) = (shop.place("ann", "k1").await, shop.place("ann", "k2").await);
    assert_eq!(shop.ask(add("ann", "k3", &one, "CUP-BLUE", 1)).await.status, 202);
    let reply = shop.ask(add("ann", "k3", &two, "CUP-BLUE", 1)).await;
    refused(&reply, 422, "IdempotencyKeyReused", "Idempotency-Key");
}

#[tokio::test(start_paused = true)]
async fn a_request_repeated_after_it_filled_the_order_gets_its_answer_and_no_refusal() {
    let shop = Shop::new();
    let order_id = shop.place("ann", "k1").await;
    let fill = || add("ann", "k2", &order_id, "TEA-ASSAM-100", 997);
    let first = shop.ask(fill()).await;
    assert_eq!((first.status, &first.body["version"]), (202, &json!(2)));
    assert_eq!(shop.ask(fill()).await, first);
    let more = shop.ask(add("ann", "k3", &order_id, "TEA-ASSAM-100", 997)).await;
    refused(&more, 422, "QuantityOutOfRange", "");
    // Paid for in the meantime: it was added nevertheless, and that is the answer.
    shop.request_payment(&order_id);
    assert_eq!(shop.ask(fill()).await, first);
}

#[tokio::test(start_paused = true)]
async fn what_is_refused_names_the_fault_and_stores_nothing() {
    let shop = Shop::new();
    let open = shop.place("ann", "open").await;
    let paid = shop.place("ann", "paid").await;
    shop.request_payment(&paid);
    let nowhere = "01ARZ3NDEKTSV4RRFFQ69G5FAV";
    let body = |items: Value| json!({ "items": items, "shippingAddress": address("Berlin") });
    let order = |items: Value| place("ann", "k").body(body(items));
    let keyless = Call::new("POST /orders", "ann").body(body(json!([])));
    let register = Call::new("POST /customers", "ann").key("k");
    let mut zip = address("Berlin");
    zip["zip"] = "1".into();
    let of = |sku: &str, quantity: u32| json!({ "sku": sku, "quantity": quantity });
    let cases: Vec<(Call, u64, &str, &str)> = vec![
        (place("ann", "k").anonymous(), 401, "", ""),
        (place("a n n", "k"), 403, "", ""),
        (keyless, 400, "", "Idempotency-Key"),
        (place("ann", ""), 400, "", "Idempotency-Key"),
        (place("ann", &"k".repeat(129)), 400, "", "Idempotency-Key"),
        (place("ann", "k").text("{"), 400, "", ""),
        (place("ann", "k").text(""), 400, "", ""),
        (place("ann", "k").body(json!({ "items": [] })), 400, "", "shippingAddress"),
        (order(json!([{ "sku": "CUP-BLUE", "quantity": "1" }])), 400, "", "items[0].quantity"),
        (order(json!([{ "sku": "cup", "quantity": 1 }])), 400, "", "items[0].sku"),
        (
            order(json!([{ "sku": "CUP-BLUE", "quantity": 1, "price": 1 }])),
            400,
            "",
            "items[0].price",
        ),
        (
            place("ann", "k").body(json!({ "items": [], "shippingAddress": zip })),
            400,
            "",
            "shippingAddress.zip",
        ),
        (order(json!([])), 422, "NoLines", ""),
        (order(json!([of("CUP-BLUE", 0)])), 422, "QuantityOutOfRange", ""),
        (order(json!([of("CUP-BLUE", 999), of("CUP-BLUE", 1)])), 422, "QuantityOutOfRange", ""),
        (order(json!([of("NOTHING", 1)])), 422, "UnknownSku", ""),
        (order(json!([of("CUP-BLUE", 1), of("TEA-EARL-GREY-US", 1)])), 422, "MixedCurrencies", ""),
        (add("bob", "k", &open, "CUP-BLUE", 1), 404, "OrderNotFound", ""),
        (add("ann", "k", nowhere, "CUP-BLUE", 1), 404, "OrderNotFound", ""),
        (add("ann", "k", "7", "CUP-BLUE", 1), 404, "OrderNotFound", ""),
        (send_to("bob", &open, "Rome"), 404, "OrderNotFound", ""),
        (send_to("ann", &open, ""), 400, "", "shippingAddress.city"),
        (add("ann", "k", &paid, "CUP-BLUE", 1), 409, "PaymentRequested", ""),
        (send_to("ann", &paid, "Rome"), 409, "PaymentRequested", ""),
        (register.body(json!({ "name": "Ann", "email": "ann" })), 400, "", "email"),
    ];
    for (n, (call, status, code, field)) in cases.into_iter().enumerate() {
        let writes = shop.writes();
        let reply = shop.ask(call).await;
        assert_eq!(reply.status, status, "case {n}: {reply:?}");
        refused(&reply, status, code, field);
        assert_eq!(shop.writes(), writes, "case {n} stored something: {reply:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_lost_race_is_decided_again_and_given_up_after_three_times() {
    let shop = Shop::new();
    let order_id = shop.place("ann", "k1").await;
    rivals(&shop.tables, &order_id, 3);
    let reply = shop.ask(add("ann", "k2", &order_id, "CUP-BLUE", 1)).await;
    assert_eq!((reply.status, &reply.body["version"]), (202, &json!(5)));

    rivals(&shop.tables, &order_id, 4);
    let writes = shop.writes();
    let reply = shop.ask(add("ann", "k3", &order_id, "CUP-BLUE", 1)).await;
    refused(&reply, 409, "Contended", "");
    assert_eq!(reply.headers["retry-after"], "1");
    // The rivals' row and key each, and nothing else.
    assert_eq!(shop.writes(), writes + 4 * 2);
}

#[tokio::test(start_paused = true)]
async fn a_decision_taken_again_sees_what_the_rival_did() {
    let shop = Shop::new();
    let order_id = shop.place("ann", "k1").await;
    let id = order_id.clone();
    shop.tables.race(move |tables| {
        let fill = add("ann", "rival", &id, "TEA-ASSAM-100", 997);
        assert_eq!(at_once(Shop::over(tables.clone()).ask(fill)).status, 202);
    });
    let reply = shop.ask(add("ann", "k2", &order_id, "TEA-ASSAM-100", 1)).await;
    refused(&reply, 422, "QuantityOutOfRange", "");
}

#[tokio::test(start_paused = true)]
async fn a_twin_at_the_same_moment_gets_the_same_answer() {
    let shop = Shop::new();
    shop.tables.race(|tables| {
        let reply = at_once(Shop::over(tables.clone()).ask(place("ann", "k1")));
        assert_eq!(reply.status, 202);
    });
    let reply = shop.ask(place("ann", "k1")).await;
    assert_eq!(reply.status, 202);
    let rows = shop.tables.items("EventStore");
    assert_eq!(rows.len(), 1);
    let stream = format!("order#{}", reply.body["orderId"].as_str().unwrap());
    assert_eq!(rows[0]["pk"].as_s(), Some(stream.as_str()));
}

#[tokio::test(start_paused = true)]
async fn a_table_that_is_unwell_makes_neither_two_orders_nor_none() {
    for fault in [Fault::LostAnswer, Fault::Conflict, Fault::Throttled, Fault::Unsent] {
        let shop = Shop::new();
        shop.tables.fail_next(fault);
        let reply = shop.ask(place("ann", "k1")).await;
        assert_eq!(reply.status, 202, "{fault:?}: {reply:?}");
        assert_eq!(shop.ask(place("ann", "k1")).await, reply, "{fault:?}");
        assert_eq!(shop.tables.items("EventStore").len(), 1, "{fault:?}");
    }
    for seed in 0..20 {
        let shop = Shop::new();
        shop.tables.flaky(seed, 30);
        let mut reply = shop.ask(place("ann", "k1")).await;
        while reply.status != 202 {
            assert_eq!(
                (reply.status, &reply.headers["retry-after"]),
                (503, &json!("1")),
                "seed {seed}"
            );
            reply = shop.ask(place("ann", "k1")).await;
        }
        assert_eq!(shop.tables.items("EventStore").len(), 1, "seed {seed}");
    }
}

#[tokio::test(start_paused = true)]
async fn the_address_it_has_already_changes_nothing() {
    let shop = Shop::new();
    let order_id = shop.place("ann", "k1").await;
    let writes = shop.writes();
    let reply = shop.ask(send_to("ann", &order_id, "Berlin")).await;
    assert_eq!((reply.status, &reply.body["version"]), (202, &json!(1)));
    assert_eq!(shop.writes(), writes);
    // A PUT needs no key, but may have one.
    let keyed = || send_to("ann", &order_id, "Rome").key("k2");
    let first = shop.ask(keyed()).await;
    assert_eq!(shop.ask(send_to("ann", &order_id, "Bonn")).await.body["version"], 3);
    assert_eq!(shop.ask(keyed()).await, first);
}

#[tokio::test(start_paused = true)]
async fn a_customer_registers_once_with_whatever_key() {
    let shop = Shop::new();
    let register = |key: &str, email: &str| {
        Call::new("POST /customers", "ann").key(key).body(json!({ "name": "Ann", "email": email }))
    };
    let first = shop.ask(register("k1", "ann@example.com")).await;
    assert_eq!((first.status, &first.body), (202, &json!({ "customerId": "ann", "version": 1 })));
    assert_eq!(shop.ask(register("k1", "ann@example.com")).await, first);
    assert_eq!(shop.ask(register("k2", "ann@example.com")).await, first);
    refused(
        &shop.ask(register("k2", "ann@example.org")).await,
        422,
        "IdempotencyKeyReused",
        "Idempotency-Key",
    );
    refused(&shop.ask(register("k3", "ann@example.org")).await, 409, "AlreadyRegistered", "");
    assert_eq!(shop.tables.items("EventStore").len(), 1);
}

/// Lets `left` others come first, one before each write.
fn rivals(tables: &Memory, order_id: &str, left: u32) {
    if left == 0 {
        return;
    }
    let id = order_id.to_owned();
    tables.race(move |tables| {
        let key = format!("rival-{left}-{}", tables.changes(0).len());
        let reply = at_once(Shop::over(tables.clone()).ask(add("ann", &key, &id, "POT-IRON", 1)));
        assert_eq!(reply.status, 202);
        rivals(tables, &id, left - 1);
    });
}

#[track_caller]
fn refused(reply: &Reply, status: u64, code: &str, field: &str) {
    assert_eq!(reply.status, status, "{reply:?}");
    let text = |name: &str| reply.body[name].as_str().unwrap_or_default();
    assert_eq!((text("code"), text("field")), (code, field), "{reply:?}");
    assert!(!text("error").is_empty(), "{reply:?}");
}
