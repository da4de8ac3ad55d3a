//! order-queries: what a customer reads, how far behind it may be, and what is nobody else's.

use crate::shop::{Call, NOW, Shop, add, get, place, send_to};
use serde_json::{Value, json};

#[tokio::test(start_paused = true)]
async fn an_order_not_yet_shown_is_asked_for_again_and_anothers_is_not_there() {
    let shop = Shop::new();
    let order_id = shop.place("ann", "k1").await;
    let nowhere = "01ARZ3NDEKTSV4RRFFQ69G5FAV";
    let not_there = json!({ "error": "no such order", "code": "OrderNotFound" });
    for shown in [false, true] {
        for (caller, id) in [("bob", order_id.as_str()), ("ann", nowhere), ("ann", "7")] {
            for call in [get(caller, id), history(caller, id)] {
                let reply = shop.ask(call).await;
                assert_eq!((reply.status, &reply.body), (404, &not_there), "{caller} {id} {shown}");
            }
        }
        if !shown {
            let reply = shop.ask(get("ann", &order_id)).await;
            assert_eq!((reply.status, &reply.body["code"]), (409, &json!("Behind")));
            assert_eq!(reply.headers["retry-after"], "1");
            shop.settle().await;
        }
    }
    assert_eq!(shop.ask(get("ann", &order_id)).await.status, 200);
}

#[tokio::test(start_paused = true)]
async fn a_reader_never_gets_less_than_the_version_it_asks_for() {
    let shop = Shop::new();
    let order_id = shop.place("ann", "k1").await;
    shop.settle().await;
    assert_eq!(shop.ask(send_to("ann", &order_id, "Rome")).await.body["version"], 2);
    let at_least = |version: &str| get("ann", &order_id).query("min_version", version);
    let reply = shop.ask(at_least("2")).await;
    assert_eq!((reply.status, &reply.body["code"]), (409, &json!("Behind")), "{reply:?}");
    assert_eq!(reply.headers["retry-after"], "1");
    assert_eq!(shop.ask(at_least("1")).await.body["version"], 1);
    // To whom it does not belong, it is not even behind.
    assert_eq!(shop.ask(get("bob", &order_id).query("min_version", "2")).await.status, 404);
    shop.settle().await;
    let reply = shop.ask(at_least("2")).await;
    assert_eq!(reply.body["shippingAddress"]["city"], "Rome");
    for wrong in ["x", "-1", "1.5", "", "18446744073709551616"] {
        let reply = shop.ask(at_least(wrong)).await;
        assert_eq!((reply.status, &reply.body["field"]), (400, &json!("min_version")), "{wrong:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_list_is_read_page_by_page_from_the_latest_order_on() {
    let shop = Shop::new();
    let mut placed = Vec::new();
    for n in 0..5 {
        let reply = shop.ask(place("ann", &format!("k{n}")).at(NOW + n)).await;
        placed.insert(0, reply.body["orderId"].clone());
    }
    shop.place("bob", "k").await;
    shop.settle().await;

    let page = |caller: &str| Call::new("GET /orders", caller).query("limit", "2");
    let (mut found, mut next): (Vec<Value>, Value) = (Vec::new(), Value::Null);
    loop {
        let call = match next.as_str() {
            Some(next) => page("ann").query("next", next),
            None => page("ann"),
        };
        let reply = shop.ask(call).await;
        assert_eq!(reply.status, 200, "{reply:?}");
        let orders = reply.body["orders"].as_array().unwrap();
        assert!(orders.len() <= 2);
        found.extend(orders.iter().map(|order| order["orderId"].clone()));
        next = reply.body["next"].clone();
        let Some(token) = next.as_str() else { break };
        let foreign = shop.ask(page("bob").query("next", token)).await;
        assert_eq!((foreign.status, &foreign.body["field"]), (400, &json!("next")));
    }
    assert_eq!(found, placed);

    for (name, wrong) in
        [("next", "x"), ("next", ""), ("limit", "0"), ("limit", "101"), ("limit", "x")]
    {
        let reply = shop.ask(Call::new("GET /orders", "ann").query(name, wrong)).await;
        assert_eq!((reply.status, &reply.body["field"]), (400, &json!(name)), "{wrong:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_history_comes_from_the_streams_themselves_with_causes_first() {
    let shop = Shop::new();
    let order_id = shop.place("ann", "k1").await;
    assert_eq!(shop.ask(add("ann", "k2", &order_id, "CUP-BLUE", 1)).await.status, 202);
    let placed = shop.ask(history("ann", &order_id)).await.body["events"][0]["metadata"].clone();
    let row = |version: u64, kind: &str, stream: &str, name: &str, id: &str, cause: &str| {
        let over =
            json!({ "id": id, "causationId": cause, "occurredAt": "2026-01-01T00:00:00.500Z" });
        shop.put_row(kind, &format!("{stream}#{order_id}"), version, name, over);
    };
    let [requested, ask, done] = ["1", "2", "0"].map(|n| format!("01ARZ3NDEKTSV4RRFFQ69G5FA{n}"));
    row(1, "event", "fulfilment", "PaymentRequested", &requested, placed["id"].as_str().unwrap());
    row(2, "command", "fulfilment", "ProcessPayment", &ask, &requested);
    row(1, "event", "payment", "PaymentProcessed", &done, &ask);

    let reply = shop.ask(history("ann", &order_id)).await;
    assert_eq!((reply.status, &reply.body["orderId"]), (200, &json!(order_id)));
    let events = reply.body["events"].as_array().unwrap();
    let names: Vec<&Value> = events.iter().map(|event| &event["metadata"]["type"]).collect();
    assert_eq!(names, ["OrderPlaced", "ItemAdded", "PaymentRequested", "PaymentProcessed"]);
    assert_eq!(events[1]["data"]["line"]["sku"], "CUP-BLUE");
}

fn history(caller: &str, order_id: &str) -> Call {
    Call::new("GET /orders/{id}/history", caller).order(order_id)
}
