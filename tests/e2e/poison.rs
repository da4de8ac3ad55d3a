//! Scenario 8: a message that can never be handled ends in the DLQ with the reason; the others of its batch are done.
//!
//! With `POINTSMAN_FUNCTIONS` it runs the binaries of another folder, `order-view/bootstrap` and so on: the test command
//! once gives it what `sam build` made.
//!
//! A partial failure that is dropped on the way (by the harness, which answers it, or by the mapping, which reads the
//! answer) deletes a message that was never handled: the second test then finds nothing in the DLQ.

use crate::shop::{SAGA, STRANGER, Shop};
use crate::support::{binary, order};
use serde_json::{Value, json};
use std::process::Command;

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
    // An open order waits for time, too.
    shop.running.switch("fulfilment", false).await;
    shop.running.switch("order-view", false).await;
    shop.publish_gap();
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
    assert_eq!((queue.handled, queue.dead), (3, 1), "{ledger}");
    let dead = anna.receive("order-view-dlq");
    assert_eq!(dead.len(), 1);
    assert!(dead[0]["Body"].as_str().is_some_and(|body| body.contains(STRANGER)));
}

#[tokio::test(flavor = "multi_thread")]
async fn poison_in_each_queue_of_an_order_s_way_is_put_aside_and_the_order_goes_on() {
    let shop = Shop::selling().await;
    let bodies = [
        json!({ "nonsense": true }),
        // Of a kind that nobody here understands.
        json!({ "detail-type": "CookOrder", "detail": { "metadata": { "type": "CookOrder" }, "data": {} } }),
    ];
    for queue in SAGA {
        shop.running.switch(queue, false).await;
        shop.anna.send_all(queue, &bodies.clone().map(|body| body.to_string()));
        let id = shop.places(queue, "TEA-ASSAM-100", 1).remove(0);
        shop.running.wait_until_idle().await;
        shop.running.switch(queue, true).await;
        shop.running.wait_until_idle().await;
        // What shared a batch with it (payment's are of one) was handled then, not a minute later.
        assert_eq!(shop.books().order(&id).end().as_deref(), Some("OrderFulfilled"), "{queue}");
        let dead = shop.anna.receive(&format!("{queue}-dlq"));
        assert_eq!(dead.len(), 2, "{queue}: {dead:?}");
        for message in dead {
            let attribute = |name: &str| {
                message["MessageAttributes"][name]["StringValue"].as_str().unwrap_or_default()
            };
            let reason = "the body is no event: missing field";
            assert!(attribute("reason").starts_with(reason), "{message}");
            let arn = format!("arn:aws:sqs:us-east-1:000000000000:{queue}");
            assert_eq!(attribute("source-queue"), arn);
        }
    }
    let (ledger, _) = shop.ended().await;
    for queue in SAGA.map(|name| ledger.queue(&format!("{name}-dlq"))) {
        assert_eq!((queue.accepted, queue.there), (2, 2), "{ledger}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_failed_until_it_was_given_up_goes_on_when_it_is_redriven_after_the_fix() {
    let shop = Shop::selling().await;
    // The provider is down for as often as a message is received.
    shop.script("anna", &["timeout"; 5]);
    let id = shop.places("anna", "TEA-ASSAM-100", 1).remove(0);
    for _ in 0..5 {
        shop.running.wait_until_time_must_pass().await;
        shop.anna.unlock();
        shop.pass(60).await;
    }
    shop.running.wait_until_idle().await;
    let dead = shop.running.ledger().await;
    assert_eq!(dead.queue("payment-dlq").there, 1, "{dead}");
    assert_eq!(shop.status(&id), "paymentRequested", "its deadline has not come");

    let output = Command::new(binary("pointsman"))
        .args(["redrive", "payment-dlq"])
        .env("AWS_ENDPOINT_URL", shop.running.endpoint())
        .output()
        .expect("pointsman is built");
    let said = String::from_utf8_lossy(&output.stdout);
    assert_eq!(said, "payment-dlq: 1 looked at, 1 moved, 0 left, 0 failed\n", "{output:?}");
    let (ledger, books) = shop.ended().await;
    assert_eq!(ledger.queue("payment-dlq").there, 0, "{ledger}");
    assert_eq!(books.order(&id).end().as_deref(), Some("OrderFulfilled"));
    assert_eq!((books.order(&id).account().calls, books.order(&id).account().taken), (6, 1580));
}
