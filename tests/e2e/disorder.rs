//! Scenario 9: any order of delivery, any duplicates, any delay, and whoever is killed: the same end state.
//!
//! Ten seeds in every run. `POINTSMAN_SEEDS=50 cargo test --workspace --test e2e disorder` runs fifty,
//! `POINTSMAN_SEED=7` one, and `POINTSMAN_FAULTS=kill=0.1,lose=0.1` with other chances.

use crate::seeds::{plan, under_seeds};
use crate::shop::Shop;
use crate::support::order;
use std::collections::BTreeMap;
use std::time::Duration;

/// How often a client asks before it gives up.
const PATIENCE: usize = 20;

/// What an order is fated to, whatever happens on its way: its customer's script at the provider, its sku, its end.
const FATES: [(&str, &[&str], &str, &str); 8] = [
    ("plain", &[], "TEA-ASSAM-100", "OrderFulfilled"),
    ("another", &[], "CUP-BLUE", "OrderFulfilled"),
    ("declined", &["decline"], "TEA-ASSAM-100", "OrderCancelled paymentDeclined"),
    ("outOfStock", &[], "KETTLE-STEEL", "OrderCancelled outOfStock"),
    ("lost", &["lost"], "TEA-ASSAM-100", "OrderFulfilled"),
    ("late", &["late"], "CUP-BLUE", "OrderFulfilled"),
    ("unheard", &["timeout"], "TEA-ASSAM-100", "OrderFulfilled"),
    ("twice", &["twice"], "TEA-ASSAM-100", "OrderFulfilled"),
];

#[tokio::test(flavor = "multi_thread")]
async fn whatever_goes_wrong_on_the_way_every_order_comes_to_the_end_it_was_fated_to() {
    under_seeds(10, |seed| async move {
        let shop = Shop::selling_under(plan(seed)).await;
        // Of these only one can have what is left.
        shop.load("last", &[("POT-IRON", 3)]);
        let mut fated: BTreeMap<String, &str> = BTreeMap::new();
        for (customer, script, sku, end) in FATES {
            if !script.is_empty() {
                shop.script(customer, script);
            }
            fated.insert(places(&shop, customer, sku, "fated"), end);
        }
        let rivals: Vec<String> =
            ["ann", "bob"].map(|who| places(&shop, who, "POT-IRON", "rival")).into();
        // Somewhere on its way, its customer wants out.
        let fickle: Vec<String> = (0..4u64)
            .map(|n| {
                let id = places(&shop, &format!("fickle-{n}"), "TEA-ASSAM-100", "fickle");
                std::thread::sleep(Duration::from_millis((seed * 7 + n * 23) % 90));
                let client = shop.anna.of(&format!("fickle-{n}"));
                let path = format!("/orders/{id}");
                until_accepted(|| client.send("DELETE", &path, Some("no"), None));
                id
            })
            .collect();

        shop.running.wait_until_time_must_pass().await;
        shop.settle().await;
        let struck = shop.running.faults().counts();
        let (ledger, books) = shop.ended_well().await;
        assert!(struck.total() > 0, "seed {seed}: something was struck");
        for (id, end) in fated {
            assert_eq!(books.order(&id).end().as_deref(), Some(end), "seed {seed}, {id}");
        }
        let mut ends: Vec<_> = rivals.iter().filter_map(|id| books.order(id).end()).collect();
        ends.sort_unstable();
        assert_eq!(ends, ["OrderCancelled outOfStock", "OrderFulfilled"], "seed {seed}");
        for id in fickle {
            let book = books.order(&id);
            let refused = book.count("CancellationRefused");
            match book.end().as_deref() {
                Some("OrderCancelled customer") => assert_eq!(refused, 0, "seed {seed}, {id}"),
                Some("OrderFulfilled") => assert_eq!(refused, 1, "seed {seed}, {id}"),
                end => panic!("seed {seed}, {id}: {end:?}"),
            }
        }
        eprintln!("seed {seed}: {struck}; {} events", ledger.events);
        shop.running.stop().await;
    })
    .await;
}

/// An order, asked for as often as it takes, as a client does that was not answered.
fn places(shop: &Shop, customer: &str, sku: &str, key: &str) -> String {
    let client = shop.anna.of(customer);
    let order = order(sku, 2).to_string();
    until_accepted(|| client.send("POST", "/orders", Some(key), Some(&order))).order_id()
}

fn until_accepted(
    send: impl Fn() -> Result<crate::support::Answer, ureq::Error>,
) -> crate::support::Answer {
    for _ in 0..PATIENCE {
        match send() {
            Ok(answer) if answer.status < 500 => {
                assert_eq!(answer.status, 202, "{answer:?}");
                return answer;
            }
            Ok(_) | Err(_) => std::thread::sleep(Duration::from_millis(10)),
        }
    }
    panic!("it is not answered after {PATIENCE} tries");
}
