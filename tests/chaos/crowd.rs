use crate::support::{Client, Pointsman, functions_of, order, template};
use pointsman::testing::Setup;
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

/// Customers who order all the time, each from a thread of its own, until they are told to stop.
///
/// Whoever gets no answer, or one that it should come again, asks again under the same Idempotency-Key.
pub(crate) struct Crowd {
    stop: Arc<AtomicBool>,
    /// So many orders were acknowledged.
    placed: Arc<AtomicU64>,
    customers: Vec<JoinHandle<BTreeMap<String, u64>>>,
}

impl Crowd {
    pub(crate) fn of(customers: usize, client: &Client) -> Crowd {
        let (stop, placed) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicU64::new(0)));
        let customers = (0..customers).map(|n| {
            let client = client.of(&format!("customer-{n}"));
            let (stop, placed) = (stop.clone(), placed.clone());
            std::thread::spawn(move || orders(&client, &stop, &placed))
        });
        Crowd { customers: customers.collect(), stop, placed }
    }

    /// Waits until that many orders were acknowledged: on a slow machine, kills could come before every answer.
    pub(crate) fn keep_up(&self, orders: u64) {
        // Far longer than any start takes.
        for _ in 0..6_000 {
            if self.placed.load(Ordering::Relaxed) >= orders {
                return;
            }
            std::thread::sleep(Duration::from_millis(10));
        }
        panic!("{orders} orders are never acknowledged");
    }

    /// Sends them home: every order that was acknowledged, with the last version that was.
    pub(crate) fn go_home(self) -> BTreeMap<String, u64> {
        self.stop.store(true, Ordering::Relaxed);
        let orders =
            self.customers.into_iter().flat_map(|c| c.join().expect("a customer goes home"));
        orders.collect()
    }
}

/// Orders, and adds to every second order, until it is time to stop; what was begun is finished.
fn orders(client: &Client, stop: &AtomicBool, count: &AtomicU64) -> BTreeMap<String, u64> {
    let mut acknowledged = BTreeMap::new();
    let item = json!({ "sku": "CUP-BLUE", "quantity": 1 }).to_string();
    for n in 0.. {
        if stop.load(Ordering::Relaxed) {
            break;
        }
        let body = order("TEA-ASSAM-100", 1 + n % 9).to_string();
        let placed = insist(client, "/orders", &format!("order-{n}"), &body);
        let placed = placed.expect("no order is refused");
        let id = placed["orderId"].as_str().expect("an order id").to_owned();
        let before = acknowledged.insert(id.clone(), 1);
        assert_eq!(before, None, "two requests, one order: {id}");
        count.fetch_add(1, Ordering::Relaxed);
        if n % 2 == 1 {
            // Refused once the order is being paid for; then it is not in the order.
            let path = format!("/orders/{id}/items");
            if let Some(more) = insist(client, &path, &format!("item-{n}"), &item) {
                acknowledged.insert(id, more["version"].as_u64().expect("a version"));
            }
        }
    }
    acknowledged
}

/// Asks until it is answered with 202, or with the shop's refusal.
fn insist(client: &Client, path: &str, key: &str, body: &str) -> Option<Value> {
    // Far more than any start takes.
    for _ in 0..6_000 {
        match client.send("POST", path, Some(key), Some(body)) {
            Ok(answer) if answer.status == 202 => return Some(answer.body),
            Ok(answer) if answer.body["code"] == "PaymentRequested" => return None,
            // A function or the engine died meanwhile.
            Ok(answer) if answer.status >= 500 => {}
            Ok(answer) => panic!("POST {path} under {key}: {answer:?}"),
            Err(_) => {}
        }
        std::thread::sleep(Duration::from_millis(10));
    }
    panic!("POST {path} under {key} is never answered");
}

/// Puts goods on the shelves: enough for all.
pub(crate) fn load(client: &Client) {
    let items = ["TEA-ASSAM-100", "CUP-BLUE"].map(|sku| json!({ "sku": sku, "quantity": 100_000 }));
    let load = json!({ "action": "loadStock", "delivery": "all", "items": items });
    assert_eq!(client.invoke("maintenance", &load)["done"], true);
}

/// Ends the engine in order, brings up its state in this process, lets time pass until nothing moves, and holds the
/// books together:
///
/// - every order that was acknowledged is in the read model once, at the version that was acknowledged, and no other;
/// - each was fulfilled and paid for, once, and written no more often than it has events: no effect twice;
/// - each queue: accepted = handled + moved to the DLQ + dropped + there; the DLQs are empty, nothing was dropped;
/// - no function process is left.
pub(crate) fn settle(mut engine: Pointsman, state: &Path, acknowledged: &BTreeMap<String, u64>) {
    assert!(engine.interrupt().success(), "Ctrl-C is no failure");
    assert_eq!(functions_of(&engine.endpoint), [], "no function outlives its engine");
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build();
    runtime.expect("threads").block_on(async {
        let shop = Setup::new(template()).folder(state).start().await.expect("its state is whole");
        let client = Client::new(shop.http(), shop.endpoint());
        // Messages that a killed function held come back when their visibility timeout is over; the checks of steps'
        // deadlines, long answered, an hour later.
        for pause in [61, 61, 61, 61, 3_700, 61] {
            shop.wait_until_time_must_pass().await;
            client.unlock();
            shop.advance(Duration::from_secs(pause)).await;
        }
        shop.wait_until_idle().await;
        let ledger = shop.ledger().await;
        println!("{} orders\n{ledger}", acknowledged.len());
        assert!(ledger.is_balanced(), "{ledger}");
        for (name, queue) in &ledger.queues {
            assert_eq!((queue.there, queue.dead, queue.dropped), (0, 0, 0), "{name}: {ledger}");
        }
        assert_eq!(ledger.queue("order-view").accepted, ledger.events, "{ledger}");

        let number = |value: &Value| value["N"].as_str().and_then(|n| n.parse::<u64>().ok());
        let mut shown = BTreeMap::new();
        for row in client.scan("ReadModel") {
            let id = row["orderId"]["S"].as_str().expect("an order id").to_owned();
            let positions = row["positions"]["M"].as_object().expect("positions");
            let version = number(&positions["order"]).expect("a position");
            let rev = number(&row["rev"]).expect("a rev");
            let last: u64 = positions.values().filter_map(number).sum();
            assert!(rev <= last, "{id} was written {rev} times for {last} rows");
            assert_eq!(shown.insert(id.clone(), version), None, "{id} is there twice");
        }
        let lost: BTreeSet<_> = acknowledged.keys().filter(|id| !shown.contains_key(*id)).collect();
        assert!(lost.is_empty(), "acknowledged and lost: {lost:?}");
        assert_eq!(&shown, acknowledged, "nothing but what was acknowledged, and all of it");

        let rows = client.scan("EventStore");
        let of = |row: &Value, name: &str| row[name]["S"].as_str().unwrap_or_default().to_owned();
        let count = |is: &dyn Fn(&Value) -> bool| rows.iter().filter(|row| is(row)).count() as u64;
        let changes = count(&|row| of(row, "pk").starts_with("order#"));
        assert_eq!(changes, acknowledged.values().sum::<u64>(), "each event is stored once");
        let ends = ["OrderFulfilled", "PaymentProcessed", "InventoryAllocated", "OrderShipped"];
        for end in ends {
            let times = count(&|row| of(row, "type") == end);
            assert_eq!(times, acknowledged.len() as u64, "{end}, once an order");
        }
        let events = count(&|row| of(row, "kind") == "event");
        assert!(ledger.events >= events, "and published at least once: {ledger}");
        let refunds: u64 =
            client.scan("Services").iter().filter_map(|row| number(&row["refunded"])).sum();
        assert_eq!(refunds, 0, "nobody gets anything back");
        shop.stop().await;
    });
}

/// Numbers from a seed: SplitMix64.
pub(crate) struct Dice(u64);

impl Dice {
    /// From `CHAOS_SEED`, or from the machine; prints the seed.
    pub(crate) fn cast(what: &str) -> Dice {
        let given = std::env::var("CHAOS_SEED").ok().and_then(|seed| seed.parse().ok());
        let random = || std::hash::BuildHasher::hash_one(&std::hash::RandomState::new(), what);
        let seed = given.unwrap_or_else(random);
        println!("{what}: CHAOS_SEED={seed}");
        Dice(seed)
    }

    /// A number below `end`.
    pub(crate) fn below(&mut self, end: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (z ^ (z >> 31)) % end
    }
}
