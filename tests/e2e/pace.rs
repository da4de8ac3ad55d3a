//! From 202 to Fulfilled at so many orders a second, printed and not judged:
//! `PACE=20 cargo test --workspace --test e2e pace -- --ignored --nocapture`.

use crate::shop::Shop;
use crate::support::{Client, order};
use serde_json::Value;
use std::collections::BTreeMap;
use std::time::{Duration, Instant};

/// How long orders are placed.
const SECONDS: u64 = 15;

#[tokio::test(flavor = "multi_thread")]
#[ignore = "a measurement"]
async fn orders_at_a_pace() {
    let pace = std::env::var("PACE").ok().and_then(|text| text.parse().ok()).unwrap_or(20u64);
    let shop = Shop::selling().await;
    // What starts with the first order is not what is measured.
    shop.places("first", "TEA-ASSAM-100", 5);
    shop.running.wait_until_idle().await;

    let (sender, ids) = std::sync::mpsc::channel::<(String, Duration)>();
    let began = now();
    let workers: Vec<_> = (0..pace.min(16))
        .map(|worker| {
            let (client, sender) = (shop.anna.clone(), sender.clone());
            std::thread::spawn(move || place(&client, [worker, pace.min(16), pace], began, &sender))
        })
        .collect();
    drop(sender);
    workers.into_iter().for_each(|worker| worker.join().expect("it places orders"));
    let placed_in = began.elapsed();
    let accepted: BTreeMap<String, Duration> = ids.into_iter().collect();
    shop.running.wait_until_idle().await;
    let all_in = began.elapsed();

    // When each ended, as the functions said it of the record they handled.
    let mut took = vec![];
    let mut posts: Vec<Duration> = accepted.values().copied().collect();
    for row in shop.anna.scan("EventStore") {
        let detail: Value = match row["detail"]["S"].as_str() {
            Some(detail) => serde_json::from_str(detail).expect("an envelope"),
            None => continue,
        };
        let name = &detail["metadata"]["type"];
        let order = detail["data"]["orderId"].as_str().unwrap_or_default();
        if accepted.contains_key(order) && (name == "OrderPlaced" || name == "OrderFulfilled") {
            let at = row["recordedAt"]["S"].as_str().expect("a time").to_owned();
            took.push((order.to_owned(), name == "OrderFulfilled", at));
        }
    }
    let mut spans: BTreeMap<String, [i64; 2]> = BTreeMap::new();
    for (order, is_end, at) in took {
        let at: pointsman_kit::event::Timestamp = at.parse().expect("RFC 3339");
        spans.entry(order).or_default()[usize::from(is_end)] = at.as_ms();
    }
    let mut spans: Vec<i64> = spans.values().map(|[from, to]| to - from).collect();
    spans.sort_unstable();
    posts.sort_unstable();
    let of = |part: usize, all: usize| all * part / 100;
    println!(
        "{pace} orders/s wanted, {} placed in {placed_in:.1?}, all fulfilled after {all_in:.1?}\n\
         POST → 202: p50 {:.1?}, p99 {:.1?}\n\
         stored → Fulfilled stored: p50 {} ms, p99 {} ms",
        posts.len(),
        posts[of(50, posts.len())],
        posts[of(99, posts.len())],
        spans[of(50, spans.len())],
        spans[of(99, spans.len())],
    );
    shop.ended_well().await;
}

/// Places one worker's share of the orders, each at its time.
fn place(
    client: &Client,
    [worker, workers, pace]: [u64; 3],
    began: Instant,
    sender: &std::sync::mpsc::Sender<(String, Duration)>,
) {
    for n in (worker..pace * SECONDS).step_by(usize::try_from(workers).expect("a few")) {
        let due = began + Duration::from_millis(n * 1000 / pace);
        std::thread::sleep(due.saturating_duration_since(now()));
        let asked = now();
        let id = client.place(&format!("pace-{n}"), &order("TEA-ASSAM-100", 1)).order_id();
        sender.send((id, now() - asked)).expect("somebody counts");
    }
}

#[expect(clippy::disallowed_methods, reason = "wall time is what is measured, and only printed")]
fn now() -> Instant {
    Instant::now()
}
