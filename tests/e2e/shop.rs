use crate::books::Books;
use crate::support::{Client, order, template};
use pointsman::faults::Plan;
use pointsman::testing::{Ledger, Running, Setup};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

/// The amendment window of [`Shop::start`]: the longest that a queue delays.
const WINDOW: u64 = 900;

/// The functions that lead an order to its end, each with a queue of its name.
pub(crate) const SAGA: [&str; 4] = ["fulfilment", "payment", "inventory", "shipping"];

/// Less than a message is hidden after it failed.
const BETWEEN_TRIES: Duration = Duration::from_secs(59);

/// So often at most does time pass up to the next thing that comes due: what still waits then never ends.
const STEPS: usize = 2_000;

/// The shop in this process.
pub(crate) struct Shop {
    pub(crate) running: Running,
    pub(crate) anna: Client,
    /// By sku, what was ever put on the shelves.
    loaded: Mutex<BTreeMap<String, u64>>,
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
    /// The shop in which an order stays open, and so alone, until a quarter of an hour is let pass.
    pub(crate) async fn start() -> Shop {
        Shop::with(open()).await
    }

    /// The same shop, in which things go wrong as a plan says.
    pub(crate) async fn under(plan: Plan) -> Shop {
        Shop::with(open().faults(plan)).await
    }

    /// The shop in which an order is closed as it is placed and goes its way at once, with goods on the shelves.
    pub(crate) async fn selling() -> Shop {
        Shop::selling_under(Plan::quiet(0)).await
    }

    /// The same shop, in which things go wrong as a plan says.
    pub(crate) async fn selling_under(plan: Plan) -> Shop {
        let setup = Setup::new(template()).parameter("AmendmentWindowSeconds", "0");
        let shop = Shop::with(setup.faults(plan)).await;
        shop.load("first", &[("TEA-ASSAM-100", 10_000), ("CUP-BLUE", 10_000)]);
        shop
    }

    /// The shop in which orders stay open, with another value of a parameter.
    pub(crate) async fn with_parameter(name: &str, value: &str) -> Shop {
        Shop::with(open().parameter(name, value)).await
    }

    async fn with(setup: Setup) -> Shop {
        let running = setup.start().await.expect("the shop starts");
        let anna = Client::new(running.http(), running.endpoint());
        Shop { running, anna, loaded: Mutex::default() }
    }

    /// Waits until nothing moves and holds the books together:
    ///
    /// - each queue: accepted = handled + moved to the DLQ + dropped + there;
    /// - the view's queue: what it took and what lies in its DLQ is all that its queue ever accepted;
    /// - effects = distinct ids: see [`Books::balance`]; and no row of the read model was written more often than its
    ///   order has events.
    pub(crate) async fn equation(&self) -> Ledger {
        self.running.wait_until_idle().await;
        let ledger = self.running.ledger().await;
        assert!(ledger.is_balanced(), "{ledger}");
        let queue = ledger.queue("order-view");
        assert_eq!((queue.there, queue.dropped), (0, 0), "nothing waits any more: {ledger}");
        let happened = self.happened();
        for (order, row) in &self.rows() {
            let events = happened[order];
            assert!(row.rev <= events, "{order} was written more often than it changed: {row:?}");
        }
        Books::read(&self.anna).balance(&self.loaded());
        ledger
    }

    /// Lets time pass until nothing waits for it, and then holds the equation: no queue that a function reads has
    /// anything left, and every order has come to its end.
    pub(crate) async fn ended(&self) -> (Ledger, Books) {
        self.settle().await;
        let ledger = self.equation().await;
        for name in SAGA {
            let queue = ledger.queue(name);
            assert_eq!((queue.there, queue.dropped), (0, 0), "{name} is not done: {ledger}");
        }
        let books = Books::read(&self.anna);
        books.ended();
        (ledger, books)
    }

    /// The same, and nothing was given up: no message lies in a dead-letter queue or in quarantine.
    pub(crate) async fn ended_well(&self) -> (Ledger, Books) {
        let (ledger, books) = self.ended().await;
        let grave = |name: &str| name.ends_with("-dlq") || name.ends_with("-quarantine");
        let given_up = ledger.queues.iter().filter(|(name, page)| grave(name) && page.accepted > 0);
        assert_eq!(given_up.count(), 0, "nothing good is given up: {ledger}");
        (ledger, books)
    }

    /// Ends all faults on request and lets engine time pass until every message is where it stays.
    ///
    /// A payment that somebody left in the middle is locked by wall time, which passes too, between one try of a message
    /// and the next: as much as it takes.
    pub(crate) async fn settle(&self) {
        self.running.faults().stop();
        for _ in 0..STEPS {
            self.running.wait_until_time_must_pass().await;
            let ledger = self.running.ledger().await;
            if SAGA.iter().chain(&["order-view"]).all(|name| ledger.queue(name).there == 0) {
                return;
            }
            self.anna.unlock();
            let shown = self.running.system().control().time().await.expect("the engine runs");
            let due = shown.next.map_or(0, |next| next.due_ms - shown.engine_ms);
            let due = Duration::from_millis(u64::try_from(due).unwrap_or(0));
            self.running.advance(due.max(BETWEEN_TRIES)).await;
        }
        panic!("messages come again and again: {}", self.running.ledger().await);
    }

    /// Puts goods on the shelves, as an operator does.
    pub(crate) fn load(&self, delivery: &str, goods: &[(&str, u64)]) {
        let item = |(sku, quantity): &(&str, u64)| json!({ "sku": sku, "quantity": quantity });
        let items: Vec<Value> = goods.iter().map(item).collect();
        let payload = json!({ "action": "loadStock", "delivery": delivery, "items": items });
        let answer = self.anna.invoke("maintenance", &payload);
        assert_eq!((&answer["done"], &answer["result"]["loaded"]), (&json!(true), &json!(true)));
        let mut loaded = self.loaded.lock().unwrap_or_else(PoisonError::into_inner);
        for (sku, quantity) in goods {
            *loaded.entry((*sku).to_owned()).or_default() += quantity;
        }
    }

    /// By sku, what was ever put on the shelves.
    pub(crate) fn loaded(&self) -> BTreeMap<String, u64> {
        self.loaded.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// What the payment provider does at a customer's next charges.
    pub(crate) fn script(&self, customer: &str, behaviours: &[&str]) {
        let behaviours: Vec<Value> = behaviours.iter().map(|b| json!({ "S": b })).collect();
        let item = json!({
            "pk": { "S": format!("provider#script#{customer}") }, "sk": { "S": "script" },
            "behaviours": { "L": behaviours },
        });
        let put = json!({ "TableName": "local-Services", "Item": item });
        self.anna.call("DynamoDB_20120810.PutItem", &put);
    }

    /// Orders that this customer places of a sku, one by one.
    pub(crate) fn places(&self, customer: &str, sku: &str, count: usize) -> Vec<String> {
        let client = self.anna.of(customer);
        let key = |n| format!("{customer}-{sku}-{n}");
        (0..count).map(|n| client.place(&key(n), &order(sku, 2)).order_id()).collect()
    }

    /// An event of an order whose beginning nobody has, for order-view alone: it may yet come, so it is tried again.
    pub(crate) fn publish_gap(&self) {
        self.anna.publish(&[("shop.orders", "ItemAdded", gap(&self.anna))]);
    }

    /// Where an order is, as its customer anna is told.
    pub(crate) fn status(&self, order: &str) -> String {
        let shown = self.anna.get(&format!("/orders/{order}"));
        shown.body["status"].as_str().unwrap_or_else(|| panic!("{shown:?}")).to_owned()
    }

    pub(crate) fn books(&self) -> Books {
        Books::read(&self.anna)
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

    /// How many rows each table has.
    pub(crate) fn counts(&self) -> [usize; 3] {
        ["EventStore", "ReadModel", "Services"].map(|table| self.anna.scan(table).len())
    }

    /// Lets the amendment window of every order pass, and the second by which a queue may be late.
    pub(crate) async fn windows_close(&self) {
        self.pass(WINDOW + 2).await;
        self.running.wait_until_idle().await;
    }

    /// Lets so many seconds of engine time pass.
    pub(crate) async fn pass(&self, seconds: u64) {
        self.running.advance(Duration::from_secs(seconds)).await;
    }
}

/// The order that [`gap`] is of.
pub(crate) const STRANGER: &str = "01M7YQ1WE07VNQX5Q5KKJ0Z75H";

/// ItemAdded to an order that was never placed, made from one to an order that is for this.
pub(crate) fn gap(anna: &Client) -> Value {
    let id = anna.place("before-a-gap", &order("TEA-ASSAM-100", 1)).order_id();
    let item = json!({ "sku": "TEA-ASSAM-100", "quantity": 1 }).to_string();
    assert_eq!(anna.post(&format!("/orders/{id}/items"), Some("gap"), &item).status, 202);
    let mut gap = anna.get(&format!("/orders/{id}/history")).body["events"][1].clone();
    assert_eq!(gap["metadata"]["type"], "ItemAdded");
    gap["metadata"]["id"] = "01M7YQ1WECFW0SW3JXZSTMYPJD".into();
    gap["metadata"]["stream"] = format!("order#{STRANGER}").into();
    gap["metadata"]["subject"] = STRANGER.into();
    gap["data"]["orderId"] = STRANGER.into();
    gap
}

/// The template with orders that stay open.
fn open() -> Setup {
    Setup::new(template()).parameter("AmendmentWindowSeconds", &WINDOW.to_string())
}
