//! Scenario 7 on an order's whole way: what was committed is published, whoever is killed in between; a relay that was
//! off for longer than its stream keeps anything is made up for.

use crate::shop::{SAGA, Shop};
use crate::support::order;
use pointsman::engine::Fact;
use pointsman::faults::{At, Injected};
use pointsman_kit::clock::Wall;
use serde_json::{Value, json};
use std::time::Duration;

const DAY_AND_MORE: Duration = Duration::from_secs(25 * 60 * 60);

#[tokio::test(flavor = "multi_thread")]
async fn killed_before_and_after_each_write_and_each_publish_an_order_still_comes_to_its_end() {
    let shop = Shop::selling().await;
    let mut places = vec![
        At::request("PutEvents").of("outbox-relay"),
        At::answer("PutEvents").of("outbox-relay"),
        At::request("SendMessageBatch").of("outbox-relay"),
        At::answer("SendMessageBatch").of("outbox-relay"),
        At::response().of("outbox-relay"),
    ];
    for function in SAGA.into_iter().chain(["order-view"]) {
        places.push(At::before_write().of(function));
        places.push(At::after_write().of(function));
    }
    for (n, at) in places.into_iter().enumerate() {
        let mut killed = shop.running.faults().once(at.clone(), Injected::Kill);
        let id = shop.places(&format!("customer-{n}"), "TEA-ASSAM-100", 1).remove(0);
        killed.hit().await;
        shop.settle().await;
        let books = shop.books();
        assert_eq!(books.order(&id).end().as_deref(), Some("OrderFulfilled"), "{at}");
        assert_eq!(books.order(&id).account().taken, 1580, "{at}");
    }
    shop.ended_well().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_engine_that_crashes_on_an_order_s_way_goes_on_with_it() {
    let mut shop = Shop::selling().await;
    let is = |name: &'static str| move |fact: &Fact| matches!(fact, Fact::EventAccepted { detail_type, .. } if &**detail_type == name);
    for (n, at) in [
        At::commit(is("OrderPlaced")),
        At::committed(is("PaymentRequested")),
        At::commit(is("PaymentProcessed")),
        At::committed(is("OrderShipped")),
    ]
    .into_iter()
    .enumerate()
    {
        let mut crashed = shop.running.faults().once(at.clone(), Injected::Crash);
        let customer = shop.anna.of(&format!("customer-{n}"));
        let body = order("TEA-ASSAM-100", 2).to_string();
        // Whoever is not answered, since the crash came first, asks again under the same key.
        let _ = customer.send("POST", "/orders", Some("crash"), Some(&body));
        crashed.hit().await;
        shop.running.kill().await;
        shop.running.restart().await.expect("it starts again");
        let id = customer.post("/orders", Some("crash"), &body).order_id();
        shop.settle().await;
        assert_eq!(shop.books().order(&id).end().as_deref(), Some("OrderFulfilled"), "{at}");
    }
    shop.ended_well().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_transaction_that_is_aborted_leaves_neither_event_nor_command() {
    let shop = Shop::selling().await;
    // As often as the SDK and the harness try within the invocation.
    let at = At::request("TransactWriteItems").of("fulfilment");
    shop.running.faults().times(1_000, at, Injected::Throttle);
    let id = shop.places("anna", "TEA-ASSAM-100", 1).remove(0);
    shop.running.wait_until_time_must_pass().await;
    let books = shop.books();
    assert_eq!(books.order(&id).events("fulfilment"), [""; 0]);
    assert_eq!(books.order(&id).commands(), [""; 0]);
    let ledger = shop.running.ledger().await;
    assert_eq!((ledger.events, ledger.queue("payment").accepted), (1, 0), "{ledger}");
    assert_eq!(ledger.queue("fulfilment").there, 1, "it comes again: {ledger}");
    let (_, books) = shop.ended_well().await;
    assert_eq!(books.order(&id).end().as_deref(), Some("OrderFulfilled"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_relay_that_was_off_for_25_hours_is_repaired() {
    let shop = Shop::selling().await;
    let since = Wall::system().now().to_string();
    let place = |customer: &str| shop.places(customer, "TEA-ASSAM-100", 1).remove(0);
    // When the relay goes, one order is being paid for, of one the saga is about to hear, and one is not placed yet.
    shop.running.switch("payment", false).await;
    let paying = place("ann");
    shop.running.wait_until_idle().await;
    shop.running.switch("fulfilment", false).await;
    let heard = place("bob");
    shop.running.wait_until_idle().await;
    shop.running.switch("outbox-relay", false).await;
    shop.running.switch("payment", true).await;
    shop.running.switch("fulfilment", true).await;
    let placed = place("cleo");
    shop.running.wait_until_idle().await;
    let moved = shop.running.advance(DAY_AND_MORE).await;
    assert!(moved.records > 0, "a stream keeps a day: {moved:?}");
    shop.running.switch("outbox-relay", true).await;
    shop.running.wait_until_idle().await;
    let behind = shop.running.ledger().await;
    assert_eq!(behind.events, 3, "two orders, and that one was closed: {behind}");

    let mut repair = json!({ "action": "repair", "since": since });
    let done = |answer: Value| {
        assert_eq!(
            (&answer["done"], &answer["result"]["unfit"]),
            (&json!(true), &json!(0)),
            "{answer}"
        );
        answer["result"].clone()
    };
    let result = done(shop.anna.invoke("maintenance", &repair));
    assert_eq!((&result["published"], &result["sent"]), (&json!(6), &json!(0)), "{result}");
    shop.running.wait_until_idle().await;
    let books = shop.books();
    for id in [&paying, &placed] {
        assert_eq!(books.order(id).end().as_deref(), Some("OrderFulfilled"));
    }
    assert_eq!(books.order(&heard).end(), None, "its payment was never asked for");

    // Commands are sent again on request alone. That one's deadline is long past.
    repair["commands"] = true.into();
    let result = done(shop.anna.invoke("maintenance", &repair));
    assert!(result["sent"].as_u64() >= Some(6), "{result}");
    let (_, books) = shop.ended_well().await;
    let end = books.order(&heard).end().expect("an end");
    assert!(["OrderCancelled paymentLate", "OrderFulfilled"].contains(&end.as_str()), "{end}");
}
