use crate::support::{Client, template};
use pointsman::faults::Plan;
use pointsman::testing::{self, Ledger, Running};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

/// The shop in this process.
pub(crate) struct Shop {
    pub(crate) running: Running,
    pub(crate) anna: Client,
}

/// A row of the read model.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Row {
    /// The last version of the order's stream that is in it.
    pub(crate) version: u64,
    /// How often it was written.
    pub(crate) rev: u64,
}

impl Shop {
    pub(crate) async fn start() -> Shop {
        Shop::with(testing::Setup::new(template())).await
    }

    /// The shop in which things go wrong as a plan says.
    pub(crate) async fn under(plan: Plan) -> Shop {
        Shop::with(testing::Setup::new(template()).faults(plan)).await
    }

    async fn with(setup: testing::Setup) -> Shop {
        let running = setup.start().await.expect("the shop starts");
        let anna = Client::new(running.http(), running.endpoint());
        Shop { running, anna }
    }

    /// Waits until nothing moves and holds the books together:
    ///
    /// - each queue: accepted = handled + moved to the DLQ + dropped + there;
    /// - the shop's consumer: what it took and what lies in its DLQ is all that its queue ever accepted;
    /// - effects = distinct ids: the versions that the read model shows are as many as the store has events of orders,
    ///   and no row was written more often than its order has events, over all its streams.
    pub(crate) async fn equation(&self) -> Ledger {
        self.running.wait_until_idle().await;
        let ledger = self.running.ledger().await;
        assert!(ledger.is_balanced(), "{ledger}");
        let queue = ledger.queue("order-view");
        assert_eq!((queue.there, queue.dropped), (0, 0), "nothing waits any more: {ledger}");
        let rows = self.rows();
        let mut shown = BTreeSet::new();
        let happened = self.happened();
        for (order, row) in &rows {
            shown.extend((1..=row.version).map(|version| (order.clone(), version)));
            let events = happened[order];
            assert!(row.rev <= events, "{order} was written more often than it changed: {row:?}");
        }
        let stored: BTreeSet<_> = self
            .events()
            .into_iter()
            .filter_map(|(stream, v)| Some((stream.strip_prefix("order#")?.to_owned(), v)))
            .collect();
        assert_eq!(shown, stored, "the read model shows what the store holds");
        ledger
    }

    /// The read model's rows by order.
    pub(crate) fn rows(&self) -> BTreeMap<String, Row> {
        let items = self.anna.scan("ReadModel");
        let rows = items.iter().map(|item| {
            let number = |value: &Value| value["N"].as_str().and_then(|n| n.parse().ok());
            let order = item["pk"]["S"].as_str().and_then(|pk| pk.strip_prefix("1#order#"));
            let version = number(&item["positions"]["M"]["order"]).expect("a position");
            (
                order.expect("an order's row").to_owned(),
                Row { version, rev: number(&item["rev"]).expect("a rev") },
            )
        });
        rows.collect()
    }

    /// How much happened to each order of the read model, over all its streams.
    fn happened(&self) -> BTreeMap<String, u64> {
        let items = self.anna.scan("ReadModel");
        let orders = items.iter().filter_map(|item| {
            let order = item["pk"]["S"].as_str()?.strip_prefix("1#order#")?;
            let positions = item["positions"]["M"].as_object()?.values();
            let events = positions.filter_map(|p| p["N"].as_str()?.parse::<u64>().ok()).sum();
            Some((order.to_owned(), events))
        });
        orders.collect()
    }

    /// The store's events: stream and version.
    pub(crate) fn events(&self) -> BTreeSet<(String, u64)> {
        let items = self.anna.scan("EventStore");
        let events = items.iter().filter(|item| item["kind"]["S"] == "event");
        let text = |value: &Value| value["S"].as_str().expect("a string").to_owned();
        events
            .map(|item| (text(&item["pk"]), text(&item["sk"]).parse().expect("a version")))
            .collect()
    }

    /// How many rows each table has.
    pub(crate) fn counts(&self) -> [usize; 3] {
        ["EventStore", "ReadModel", "Services"].map(|table| self.anna.scan(table).len())
    }

    /// Lets so many seconds of engine time pass.
    pub(crate) async fn pass(&self, seconds: u64) {
        self.running.advance(Duration::from_secs(seconds)).await;
    }
}
