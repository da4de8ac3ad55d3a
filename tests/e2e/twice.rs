//! Scenario 4: the same request twice is one order, the same message five times is one effect, and one charge.
//!
//! What holds it: the request's key is written in the transaction of the event, and an event changes a view only if its
//! version is behind the row's position. Without either, these tests count too much.

use crate::books::Account;
use crate::shop::{Row, Shop};
use crate::support::order;
use serde_json::json;

#[tokio::test(flavor = "multi_thread")]
async fn the_same_request_twice_is_one_order_and_one_answer() {
    let shop = Shop::start().await;
    let anna = &shop.anna;
    let first = anna.place("key-1", &order("TEA-ASSAM-100", 2));
    first.order_id();
    let again = anna.place("key-1", &order("TEA-ASSAM-100", 2));
    assert_eq!(again.said(), first.said());

    let other = anna.place("key-1", &order("TEA-ASSAM-100", 3));
    assert_eq!(
        (other.status, &other.body["code"]),
        (422, &json!("IdempotencyKeyReused")),
        "{other:?}"
    );
    assert_eq!(other.body["field"], "Idempotency-Key");

    let path = format!("/orders/{}/items", first.order_id());
    let item = json!({ "sku": "CUP-BLUE", "quantity": 1 }).to_string();
    let added = anna.post(&path, Some("key-1"), &item);
    assert_eq!(added.status, 202, "another route has keys of its own: {added:?}");
    assert_eq!(anna.post(&path, Some("key-1"), &item).said(), added.said());
    let bens = anna.of("ben").place("key-1", &order("TEA-ASSAM-100", 2));
    assert_ne!(bens.order_id(), first.order_id(), "so has another customer");

    let ledger = shop.equation().await;
    assert_eq!(ledger.events, 3, "{ledger}");
    assert_eq!(shop.rows().len(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_same_request_many_times_at_once_is_one_order() {
    let shop = Shop::start().await;
    let asked: Vec<_> = (0..8)
        .map(|_| {
            let anna = shop.anna.clone();
            std::thread::spawn(move || anna.place("key-1", &order("TEA-ASSAM-100", 2)))
        })
        .collect();
    let answers: Vec<_> = asked.into_iter().map(|a| a.join().expect("an answer")).collect();
    answers.iter().for_each(|answer| assert_eq!(answer.said(), answers[0].said()));
    answers[0].order_id();
    let ledger = shop.equation().await;
    assert_eq!(ledger.events, 1, "{ledger}");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_same_message_five_times_is_one_effect() {
    let shop = Shop::start().await;
    let anna = &shop.anna;
    let id = anna.place("key-1", &order("TEA-ASSAM-100", 2)).order_id();
    let item = json!({ "sku": "TEA-ASSAM-100", "quantity": 1 }).to_string();
    assert_eq!(anna.post(&format!("/orders/{id}/items"), Some("key-2"), &item).status, 202);
    shop.equation().await;
    let before = shop.rows();
    assert_eq!(before[&id].version, 2);
    let shown = anna.get(&format!("/orders/{id}"));

    let history = anna.get(&format!("/orders/{id}/history"));
    // The added item last and first: it must count neither twice nor before the order it belongs to.
    for at in [1, 0, 1, 1, 0] {
        let event = &history.body["events"][at];
        let detail_type = event["metadata"]["type"].as_str().expect("a type");
        anna.publish(&[("shop.orders", detail_type, event.clone())]);
    }
    let ledger = shop.equation().await;
    assert_eq!(ledger.queue("order-view").handled, 7, "{ledger}");
    assert_eq!(shop.rows(), before, "no row was written once more");
    assert_eq!(anna.get(&format!("/orders/{id}")).body, shown.body);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_same_message_to_payment_five_times_is_one_charge() {
    let shop = Shop::selling().await;
    shop.running.switch("payment", false).await;
    let id = shop.places("anna", "TEA-ASSAM-100", 1).remove(0);
    shop.running.wait_until_idle().await;
    let [message] = &shop.anna.receive("payment")[..] else { panic!("one ProcessPayment") };
    let url = shop.anna.queue("payment");
    let handle = &message["ReceiptHandle"];
    let delete = json!({ "QueueUrl": url, "ReceiptHandle": handle });
    shop.anna.call("AmazonSQS.DeleteMessage", &delete);
    let body = message["Body"].as_str().expect("text").to_owned();
    // Three at once, and two when it is long done.
    shop.anna.send_all("payment", &vec![body.clone(); 3]);
    shop.running.switch("payment", true).await;
    shop.settle().await;
    shop.anna.send_all("payment", &vec![body; 2]);

    let (ledger, books) = shop.ended_well().await;
    assert_eq!(ledger.queue("payment").handled, 1 + 5, "{ledger}");
    let book = books.order(&id);
    assert_eq!(book.account(), Account { calls: 1, taken: 1580, refunded: 0 });
    assert_eq!(book.events("payment"), ["PaymentProcessed"]);
    assert_eq!(book.end().as_deref(), Some("OrderFulfilled"));
}

#[tokio::test(flavor = "multi_thread")]
async fn events_that_overtake_each_other_come_to_the_same() {
    let shop = Shop::start().await;
    let anna = &shop.anna;
    shop.running.switch("outbox-relay", false).await;
    let id = anna.place("key-1", &order("TEA-ASSAM-100", 2)).order_id();
    let item = json!({ "sku": "CUP-BLUE", "quantity": 1 }).to_string();
    assert_eq!(anna.post(&format!("/orders/{id}/items"), Some("key-2"), &item).status, 202);
    let history = anna.get(&format!("/orders/{id}/history"));
    let placed_and_added = &history.body["events"];
    // The later one comes first: what is missing before it is read from the store.
    anna.publish(&[("shop.orders", "ItemAdded", placed_and_added[1].clone())]);
    shop.running.wait_until_idle().await;
    assert_eq!(shop.rows()[&id], Row { version: 2, rev: 1 });
    shop.running.switch("outbox-relay", true).await;
    let ledger = shop.equation().await;
    assert_eq!(ledger.queue("order-view").handled, 3, "{ledger}");
    assert_eq!(shop.rows()[&id], Row { version: 2, rev: 1 });
}
