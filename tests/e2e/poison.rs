//! Scenario 8: a message that can never be handled ends in the DLQ with the reason; the others of its batch are done.
//!
//! With `POINTSMAN_FUNCTIONS` it runs the binaries of another folder, `order-view/bootstrap` and so on: the test command
//! once gives it what `sam build` made.
//!
//! A partial failure that is dropped on the way (by the harness, which answers it, or by the mapping, which reads the
//! answer) deletes a message that was never handled: the second test then finds nothing in the DLQ.

use crate::shop::Shop;
use crate::support::order;
use serde_json::{Value, json};

#[tokio::test(flavor = "multi_thread")]
async fn poison_goes_to_the_dlq_with_the_reason_and_its_batch_is_done() {
    let shop = Shop::start().await;
    let anna = &shop.anna;
    shop.running.switch("order-view", false).await;
    let mut good = vec![anna.place("key-1", &order("TEA-ASSAM-100", 1)).order_id()];
    shop.running.wait_until_idle().await;
    anna.publish(&[("shop.orders", "OrderPlaced", json!({ "nonsense": true }))]);
    let other = json!({ "metadata": { "type": "OrderCooked" }, "data": {} });
    anna.publish(&[("shop.orders", "OrderPlaced", other)]);
    good.push(anna.place("key-2", &order("TEA-ASSAM-100", 2)).order_id());
    shop.running.wait_until_idle().await;
    assert_eq!(shop.running.ledger().await.queue("order-view").there, 4);

    shop.running.switch("order-view", true).await;
    let ledger = shop.equation().await;
    assert_eq!(ledger.queue("order-view").handled, 4, "{ledger}");
    assert_eq!(ledger.queue("order-view-dlq").there, 2, "{ledger}");
    assert_eq!(shop.rows().into_keys().collect::<Vec<_>>(), good);
    let poison = anna.receive("order-view-dlq");
    assert_eq!(poison.len(), 2);
    for message in poison {
        let attribute = |name: &str| {
            message["MessageAttributes"][name]["StringValue"].as_str().unwrap_or_default()
        };
        assert!(
            attribute("reason").starts_with("the body is no event: missing field"),
            "{message}"
        );
        assert_eq!(attribute("source-queue"), "arn:aws:sqs:us-east-1:000000000000:order-view");
        assert_eq!(attribute("poison-id").len(), 36, "{message}");
        let body: Value =
            serde_json::from_str(message["Body"].as_str().expect("text")).expect("the whole event");
        assert_eq!(body["detail-type"], "OrderPlaced");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_fails_again_and_again_is_received_five_times_and_then_put_aside() {
    let shop = Shop::start().await;
    let anna = &shop.anna;
    let id = anna.place("key-1", &order("TEA-ASSAM-100", 1)).order_id();
    shop.equation().await;
    let history = anna.get(&format!("/orders/{id}/history"));
    let mut gap = history.body["events"][0].clone();
    // An event of a stream whose beginning nobody has: it may yet come, so it is tried again.
    let stranger = "01M7YQ1WE07VNQX5Q5KKJ0Z75H";
    gap["metadata"]["id"] = "01M7YQ1WECFW0SW3JXZSTMYPJD".into();
    gap["metadata"]["stream"] = format!("order#{stranger}").into();
    gap["metadata"]["subject"] = stranger.into();
    gap["metadata"]["version"] = 3.into();
    gap["metadata"]["previous"] = 2.into();
    gap["data"]["orderId"] = stranger.into();
    shop.running.switch("order-view", false).await;
    anna.publish(&[("shop.orders", "OrderPlaced", gap)]);
    let good = anna.place("key-2", &order("TEA-ASSAM-100", 2)).order_id();
    shop.running.wait_until_idle().await;
    shop.running.switch("order-view", true).await;
    for receives in 1..=5 {
        shop.running.wait_until_time_must_pass().await;
        let ledger = shop.running.ledger().await;
        let queue = ledger.queue("order-view");
        assert_eq!((queue.there, queue.dead), (1, 0), "after {receives} receives: {ledger}");
        assert!(shop.rows().contains_key(&good), "the other of its batch is done at once");
        shop.pass(60).await;
    }
    let ledger = shop.equation().await;
    let queue = ledger.queue("order-view");
    assert_eq!((queue.handled, queue.dead), (2, 1), "{ledger}");
    let dead = anna.receive("order-view-dlq");
    assert_eq!(dead.len(), 1);
    assert!(dead[0]["Body"].as_str().is_some_and(|body| body.contains(stranger)));
}
