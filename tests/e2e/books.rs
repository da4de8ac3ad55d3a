//! What the tables of the shop must say together, whatever happened on the way.

use crate::shop::Shop;
use crate::support::Client;
use domain::view::{OrderView, catch_up};
use pointsman_kit::event::Envelope;
use serde_json::{Map, Value, json};
use std::collections::{BTreeMap, BTreeSet};

/// The shop's tables, read as a whole.
pub(crate) struct Books {
    orders: BTreeMap<String, Book>,
    /// By sku, what is left on the shelves.
    left: BTreeMap<String, u64>,
}

/// What they say of an order.
#[derive(Default)]
pub(crate) struct Book {
    /// The rows of its streams, each stream in order.
    rows: Vec<Told>,
    view: Option<OrderView>,
    account: Account,
    /// By sku, what is set aside.
    reserved: BTreeMap<String, u64>,
}

/// The payment provider's account of an order, in minor units.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Account {
    /// How often it was asked to charge.
    pub(crate) calls: u64,
    pub(crate) taken: u64,
    pub(crate) refunded: u64,
}

struct Told {
    is_event: bool,
    envelope: Envelope,
}

impl Books {
    pub(crate) fn read(client: &Client) -> Books {
        let mut books = Books { orders: BTreeMap::new(), left: BTreeMap::new() };
        let mut rows: Vec<Value> = client.scan("EventStore").iter().map(plain).collect();
        rows.sort_by_key(|row| (row["pk"].to_string(), row["sk"].to_string()));
        for row in rows {
            let is_event = row["kind"] == "event";
            let stream = row["pk"].as_str().expect("a stream");
            let (kind, order) = stream.split_once('#').expect("a stream's name");
            if kind == "customer" || !is_event && row["kind"] != "command" {
                continue;
            }
            let detail = row["detail"].as_str().expect("what happened");
            let envelope = serde_json::from_str(detail).expect("an envelope");
            books.of(order).rows.push(Told { is_event, envelope });
        }
        for row in client.scan("ReadModel").iter().map(plain) {
            if let Some(order) = row["pk"].as_str().and_then(|pk| pk.strip_prefix("1#order#")) {
                let order = order.to_owned();
                books.of(&order).view = Some(serde_json::from_value(row).expect("a view"));
            }
        }
        for row in client.scan("Services").iter().map(plain) {
            books.keep(&row);
        }
        books
    }

    /// What is there of an order; nothing, of one that is not there.
    pub(crate) fn order(&self, order: &str) -> &Book {
        self.orders.get(order).unwrap_or_else(|| panic!("there is no order {order}"))
    }

    /// What is left of a sku.
    pub(crate) fn left(&self, sku: &str) -> u64 {
        self.left.get(sku).copied().unwrap_or(0)
    }

    /// Holds the tables together, of which so much of each sku was ever loaded:
    ///
    /// - no command or event was acted upon twice, and there is one end at most;
    /// - what a customer reads is the fold of what happened;
    /// - the provider took the price once at most, and gave back no more than that;
    /// - goods are on the shelves or set aside, and none are missing.
    #[track_caller]
    pub(crate) fn balance(&self, loaded: &BTreeMap<String, u64>) {
        let mut goods = self.left.clone();
        for (order, book) in &self.orders {
            book.balance(order);
            for (sku, quantity) in &book.reserved {
                *goods.entry(sku.clone()).or_default() += quantity;
            }
        }
        goods.retain(|_, quantity| *quantity > 0);
        assert_eq!(&goods, loaded, "goods come and go");
    }

    /// Each order has come to its end, and what is kept of money and goods is what left.
    #[track_caller]
    pub(crate) fn ended(&self) {
        for (order, book) in &self.orders {
            book.ended(order);
        }
    }

    fn keep(&mut self, row: &Value) {
        let (Some(pk), Some(sk)) = (row["pk"].as_str(), row["sk"].as_str()) else { return };
        match (sk, pk.split_once('#')) {
            ("charge", Some(("provider", order))) => {
                let number = |name: &str| row[name].as_u64().unwrap_or(0);
                let [calls, taken, refunded] = ["calls", "taken", "refunded"].map(number);
                self.of(order).account = Account { calls, taken, refunded };
            }
            ("stock", Some(("stock", sku))) => {
                let available = row["available"].as_i64().expect("a number");
                let left = u64::try_from(available).expect("stock is never below nothing");
                self.left.insert(sku.to_owned(), left);
            }
            ("reservation", Some(("reservation", order))) if row["state"] == "allocated" => {
                let items = row["items"].as_array().expect("items");
                let item = |item: &Value| {
                    Some((item["sku"].as_str()?.to_owned(), item["quantity"].as_u64()?))
                };
                self.of(order).reserved = items.iter().filter_map(item).collect();
            }
            _ => {}
        }
    }

    fn of(&mut self, order: &str) -> &mut Book {
        self.orders.entry(order.to_owned()).or_default()
    }
}

impl Book {
    /// The events' names, of one stream type: in order.
    pub(crate) fn events(&self, stream: &str) -> Vec<&str> {
        self.told(true, stream)
    }

    /// The names of the commands that were given, in order.
    pub(crate) fn commands(&self) -> Vec<&str> {
        self.told(false, "fulfilment")
    }

    /// The first event or command of this name.
    #[track_caller]
    pub(crate) fn first(&self, name: &str) -> &Envelope {
        let mut found = self.rows.iter().map(|told| &told.envelope);
        let first = found.find(|envelope| envelope.metadata.event_type == name);
        first.unwrap_or_else(|| panic!("there is no {name}"))
    }

    /// The last event or command of this name.
    #[track_caller]
    pub(crate) fn last(&self, name: &str) -> &Envelope {
        let mut found = self.rows.iter().rev().map(|told| &told.envelope);
        let last = found.find(|envelope| envelope.metadata.event_type == name);
        last.unwrap_or_else(|| panic!("there is no {name}"))
    }

    /// How often something of this name happened or was asked for.
    pub(crate) fn count(&self, name: &str) -> usize {
        self.rows.iter().filter(|told| told.envelope.metadata.event_type == name).count()
    }

    pub(crate) fn account(&self) -> Account {
        self.account
    }

    /// OrderFulfilled or OrderCancelled, with the reason: `OrderCancelled outOfStock`.
    pub(crate) fn end(&self) -> Option<String> {
        let metadata = |told: &&Told| told.envelope.metadata.event_type.clone();
        let is_end = |told: &&Told| ENDS.contains(&metadata(told).as_str());
        let end = self.rows.iter().find(is_end)?;
        let reason = end.envelope.data["reason"].as_str();
        Some(match reason {
            Some(reason) => format!("{} {reason}", metadata(&end)),
            None => metadata(&end),
        })
    }

    fn told(&self, is_event: bool, stream: &str) -> Vec<&str> {
        let wanted = |told: &&Told| {
            told.is_event == is_event && told.envelope.metadata.stream.kind() == stream
        };
        self.rows.iter().filter(wanted).map(|told| &*told.envelope.metadata.event_type).collect()
    }

    #[track_caller]
    fn balance(&self, order: &str) {
        let mut steps = BTreeSet::new();
        let mut versions: BTreeMap<&str, u64> = BTreeMap::new();
        for Told { envelope, .. } in &self.rows {
            let metadata = &envelope.metadata;
            let version = versions.entry(metadata.stream.as_str()).or_default();
            *version += 1;
            assert_eq!(metadata.version, *version, "{} has a gap", metadata.stream);
            let step = (metadata.stream.as_str(), &metadata.causation_id, &metadata.event_type);
            assert!(steps.insert(step), "{order}: twice from the same cause: {step:?}");
        }
        for name in ONCE {
            assert!(self.count(name) <= 1, "{order}: {name} more than once");
        }
        assert!(self.count(ENDS[0]) + self.count(ENDS[1]) <= 1, "{order} has two ends");
        let Account { taken, refunded, .. } = self.account;
        assert!(taken == 0 || taken == self.total(), "{order}: {taken} taken: {:?}", self.account);
        assert!(refunded <= taken, "{order}: given back what was not taken: {:?}", self.account);

        let events = self.rows.iter().filter(|told| told.is_event).map(|told| &told.envelope);
        let view = self.view.as_ref().unwrap_or_else(|| panic!("{order} is not shown"));
        let folded = catch_up(OrderView::new(view.order_id), events).expect("all events fit");
        assert_eq!(*view, folded, "{order}: what is shown is what happened");
    }

    #[track_caller]
    fn ended(&self, order: &str) {
        let end = self.end().unwrap_or_else(|| panic!("{order} has no end: {:?}", self.commands()));
        let Account { taken, refunded, .. } = self.account;
        let left = self.count("OrderShipped") == 1;
        assert_eq!(end == ENDS[0], left, "{order}: {end}, but shipped: {left}");
        assert_eq!(!self.reserved.is_empty(), left, "{order}: {end}: {:?}", self.reserved);
        let price = if left { self.total() } else { 0 };
        assert_eq!(taken - refunded, price, "{order}: {end}: {:?}", self.account);
        if self.count("PaymentRequested") == 1 {
            let order_now = self.view.as_ref().and_then(|view| view.order.as_ref());
            let total = order_now.map(|order| order.total.get());
            assert_eq!(total, Some(self.total()), "{order}: what was added late is lost");
        }
    }

    /// What was to be paid; nothing, as long as that is open.
    fn total(&self) -> u64 {
        match self.count("PaymentRequested") {
            0 => 0,
            _ => self.first("PaymentRequested").data["total"].as_u64().expect("an amount"),
        }
    }
}

const ENDS: [&str; 2] = ["OrderFulfilled", "OrderCancelled"];

/// What happens to an order once at most.
const ONCE: [&str; 10] = [
    "OrderPlaced",
    "PaymentRequested",
    "PaymentProcessed",
    "PaymentRefunded",
    "InventoryAllocated",
    "InventoryReleased",
    "OrderShipped",
    "ShipmentCancelled",
    "CancellationRequested",
    "CancellationRefused",
];

/// An item of a table without DynamoDB's types.
fn plain(item: &Value) -> Value {
    let fields = item.as_object().expect("an item");
    fields.iter().map(|(name, value)| (name.clone(), untyped(value))).collect::<Map<_, _>>().into()
}

fn untyped(value: &Value) -> Value {
    let (kind, value) = value.as_object().and_then(|v| v.iter().next()).expect("a typed value");
    match kind.as_str() {
        "N" => serde_json::from_str(value.as_str().expect("digits")).expect("a number"),
        "M" => plain(value),
        "L" => value.as_array().expect("a list").iter().map(untyped).collect(),
        "NULL" => Value::Null,
        _ => value.clone(),
    }
}

/// The books are what all other tests rest on, so they must notice whatever is amiss.
#[tokio::test(flavor = "multi_thread")]
async fn books_in_which_anything_is_amiss_do_not_balance() {
    let shop = Shop::selling().await;
    shop.script("ben", &["decline"]);
    let good = shop.places("anna", "TEA-ASSAM-100", 1).remove(0);
    shop.places("ben", "TEA-ASSAM-100", 1);
    let gone = shop.places("cleo", "KETTLE-STEEL", 1).remove(0);
    shop.ended_well().await;

    let of = |thing: &str, order: &str| format!("{thing}#{order}");
    let n = |number: u64| json!({ "N": number.to_string() });
    let s = |text: &str| json!({ "S": text });
    amiss(&shop, "Services", "stock#TEA-ASSAM-100", "available", &n(9_999));
    amiss(&shop, "Services", &of("reservation", &good), "state", &s("released"));
    amiss(&shop, "Services", &of("provider", &good), "taken", &n(2 * 1_580));
    amiss(&shop, "Services", &of("provider", &good), "taken", &n(0));
    amiss(&shop, "Services", &of("provider", &good), "refunded", &n(1_580));
    amiss(&shop, "Services", &of("provider", &gone), "refunded", &n(0));
    amiss(&shop, "ReadModel", &of("1#order", &good), "payment", &json!({ "NULL": true }));
    amiss(&shop, "ReadModel", &of("1#order", &gone), "course", &json!({ "M": {} }));
    amiss(&shop, "EventStore", &of("payment", &good), "kind", &s("command"));
    amiss(&shop, "EventStore", &of("payment", &gone), "kind", &s("guard"));
    amiss(&shop, "EventStore", &of("shipment", &good), "kind", &s("snapshot"));
    shop.equation().await;
}

/// With the first row of `pk` changed like this, which is then undone, the books do not balance.
fn amiss(shop: &Shop, table: &str, pk: &str, attribute: &str, value: &Value) {
    let items = shop.anna.scan(table);
    let item = items.iter().find(|item| item["pk"]["S"] == pk);
    let item = item.unwrap_or_else(|| panic!("{table} has no {pk}"));
    let put = |item: &Value| {
        let input = json!({ "TableName": format!("local-{table}"), "Item": item });
        shop.anna.call("DynamoDB_20120810.PutItem", &input);
    };
    let mut changed = item.clone();
    changed[attribute] = value.clone();
    put(&changed);
    let looked = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
        let books = shop.books();
        books.balance(&shop.loaded());
        books.ended();
    }));
    put(item);
    assert!(looked.is_err(), "{table}, {pk}: nobody notices {attribute} = {value}");
}
