//! Scenario 7: what was committed is published, whatever happens in between; what was not is never seen.

use crate::shop::Shop;
use crate::support::order;
use serde_json::json;

#[tokio::test(flavor = "multi_thread")]
async fn killed_between_commit_and_publish_the_event_still_comes() {
    let mut shop = Shop::start().await;
    shop.running.switch("outbox-relay", false).await;
    let id = shop.anna.place("key-1", &order("TEA-ASSAM-100", 2)).order_id();

    shop.running.kill().await;
    shop.running.restart().await.expect("it starts again");
    assert_eq!(shop.running.ledger().await.events, 0, "nothing is published yet");
    assert_eq!(shop.rows().len(), 0);
    let early = shop.anna.get(&format!("/orders/{id}"));
    assert_eq!((early.status, &early.body["code"]), (409, &json!("Behind")), "{early:?}");

    shop.running.switch("outbox-relay", true).await;
    let ledger = shop.equation().await;
    assert_eq!(ledger.events, 1, "{ledger}");
    assert_eq!(shop.anna.get(&format!("/orders/{id}?min_version=1")).status, 200);
    let again = shop.anna.place("key-1", &order("TEA-ASSAM-100", 2));
    assert_eq!(again.order_id(), id, "the answer is kept, too");
}

#[tokio::test(flavor = "multi_thread")]
async fn killed_between_publish_and_read_model_the_effect_still_comes() {
    let mut shop = Shop::start().await;
    shop.running.switch("order-view", false).await;
    let id = shop.anna.place("key-1", &order("TEA-ASSAM-100", 2)).order_id();
    shop.running.wait_until_idle().await;
    shop.running.kill().await;
    shop.running.restart().await.expect("it starts again");
    assert_eq!(shop.running.ledger().await.queue("order-view").there, 1);
    shop.running.switch("order-view", true).await;
    let ledger = shop.equation().await;
    assert_eq!(ledger.queue("order-view").handled, 1, "{ledger}");
    assert_eq!(shop.rows()[&id].rev, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_transaction_that_is_aborted_leaves_no_event() {
    let shop = Shop::start().await;
    let anna = &shop.anna;
    let id = anna.place("key-1", &order("TEA-ASSAM-100", 2)).order_id();
    // As fulfilment will do it when payment is requested.
    let guard = json!({ "pk": { "S": format!("fulfilment#{id}") }, "sk": { "S": "guard" }, "kind": { "S": "guard" } });
    let put = json!({ "TableName": "local-EventStore", "Item": guard });
    anna.call("DynamoDB_20120810.PutItem", &put);
    shop.equation().await;
    let before = shop.counts();

    let item = json!({ "sku": "CUP-BLUE", "quantity": 1 }).to_string();
    let refused = anna.post(&format!("/orders/{id}/items"), Some("key-2"), &item);
    assert_eq!(
        (refused.status, &refused.body["code"]),
        (409, &json!("PaymentRequested")),
        "{refused:?}"
    );
    assert_eq!(shop.counts(), before, "neither an event nor the request's key");
    let ledger = shop.equation().await;
    assert_eq!(ledger.events, 1, "{ledger}");

    // Nothing of it sticks: when the guard is gone, the same request goes through.
    let key = json!({ "pk": guard["pk"], "sk": guard["sk"] });
    anna.call(
        "DynamoDB_20120810.DeleteItem",
        &json!({ "TableName": "local-EventStore", "Key": key }),
    );
    assert_eq!(anna.post(&format!("/orders/{id}/items"), Some("key-2"), &item).status, 202);
    let ledger = shop.equation().await;
    assert_eq!(ledger.events, 2, "{ledger}");
}
