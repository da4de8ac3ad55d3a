//! Scenario 3: a consumer is down, or far behind: nobody else notices, and nothing is lost or done twice.

use crate::shop::{SAGA, Shop};
use crate::support::order;
use std::collections::BTreeMap;
use std::time::Duration;

/// How many messages a consumer is behind.
const BACKLOG: u64 = 10_000;

#[tokio::test(flavor = "multi_thread")]
async fn each_consumer_in_turn_is_down_and_comes_back() {
    let shop = Shop::selling().await;
    let mut placed = 0;
    for down in SAGA.into_iter().chain(["order-view"]) {
        shop.running.switch(down, false).await;
        let before = shop.running.ledger().await.queue(down);
        let orders = shop.places(&format!("customer-of-{down}"), "TEA-ASSAM-100", 3);
        placed += orders.len();
        shop.running.wait_until_idle().await;
        let ledger = shop.running.ledger().await;
        let queue = ledger.queue(down);
        assert!(queue.there >= before.there + 3, "its queue grows: {ledger}");
        assert_eq!(queue.handled, before.handled, "{ledger}");
        shop.running.switch(down, true).await;
        shop.running.wait_until_idle().await;
        let books = shop.books();
        for id in &orders {
            assert_eq!(books.order(id).end().as_deref(), Some("OrderFulfilled"), "{down}");
        }
    }
    let (ledger, books) = shop.ended_well().await;
    assert_eq!(ledger.queue("payment").handled, placed as u64, "{ledger}");
    assert_eq!(books.left("TEA-ASSAM-100"), 10_000 - 2 * placed as u64);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_backlog_of_ten_thousand_is_its_consumers_alone() {
    let shop = Shop::selling().await;
    shop.running.switch("payment", false).await;
    let waiting = shop.places("ben", "TEA-ASSAM-100", 4);
    shop.running.wait_until_idle().await;
    let before = until_shown(&shop, "before");

    // Four of them are the orders' own; the rest are the same ones again and again.
    let messages = shop.anna.receive("payment");
    let body = |n: usize| messages[n % messages.len()]["Body"].as_str().expect("text").to_owned();
    let there = shop.running.ledger().await.queue("payment").there;
    let more = usize::try_from(BACKLOG - there).expect("it is no more yet");
    shop.anna.send_all("payment", &(0..more).map(body).collect::<Vec<_>>());

    let behind = until_shown(&shop, "behind");
    eprintln!("202 → shown, median of 20: {before:?}; beside a backlog of {BACKLOG}: {behind:?}");
    shop.running.wait_until_idle().await;
    let ledger = shop.running.ledger().await;
    assert!(ledger.queue("payment").there >= BACKLOG, "nobody touched it: {ledger}");
    for (name, page) in &ledger.queues {
        let delayed = if name == "fulfilment" { shop.anna.depth(name) } else { 0 };
        let there = if name == "payment" { 0 } else { page.there };
        assert_eq!(there, delayed, "{name} waits for its own time alone: {ledger}");
    }
    let stages = shop.anna.get("/orders?limit=100").body["orders"].clone();
    let stages = stages.as_array().expect("orders").iter();
    let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
    stages.for_each(|o| *counts.entry(o["status"].as_str().unwrap_or_default()).or_default() += 1);
    assert_eq!(counts, BTreeMap::from([("paymentRequested", 40)]), "each has come so far");

    shop.running.switch("payment", true).await;
    let (ledger, books) = shop.ended_well().await;
    let payment = ledger.queue("payment");
    assert!(payment.handled >= BACKLOG && payment.handled == payment.accepted, "{ledger}");
    for id in &waiting {
        assert_eq!(books.order(id).end().as_deref(), Some("OrderFulfilled"));
        assert_eq!(books.order(id).account().calls, 1, "each was charged once");
    }
}

/// The median of twenty orders' times from their 202 until they are shown.
fn until_shown(shop: &Shop, key: &str) -> Duration {
    let mut took: Vec<Duration> = (0..20)
        .map(|n| {
            let placed = shop.anna.place(&format!("{key}-{n}"), &order("TEA-ASSAM-100", 1));
            let began = now();
            while shop.anna.get(&placed.headers["location"]).status != 200 {}
            now() - began
        })
        .collect();
    took.sort_unstable();
    took[took.len() / 2]
}

#[expect(clippy::disallowed_methods, reason = "wall time is what is measured, and only printed")]
fn now() -> std::time::Instant {
    std::time::Instant::now()
}
