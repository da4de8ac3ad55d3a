//! The shop in memory: the four functions between one table, one bus and one set of queues.

use crate::{order_commands, order_queries, order_view, outbox_relay};
use contract::event::Timestamp;
use domain::{Prices, prices};
use functions::read_model::ReadModel;
use pointsman_kit::{
    consumer::{self, BatchFailures, Harness},
    http,
    observability::{Lines, Log},
    publisher::{self, Entry, Publisher},
    queues::{self, Sender},
    runtime::Invocation,
    store::Store,
    stream,
    table::{Change, Item, Key, Memory, Op, Value},
    testing,
};
use serde_json::{Value as Json, json};
use std::{cell::Cell, collections::BTreeMap, pin::pin, sync::Arc, task, time::Duration};

pub(crate) const NOW: i64 = 1_767_225_600_000;

pub(crate) struct Shop {
    pub(crate) tables: Memory,
    pub(crate) bus: publisher::Memory,
    pub(crate) queues: queues::Memory,
    pub(crate) commands: order_commands::Commands,
    pub(crate) relay: outbox_relay::Relay,
    pub(crate) view: order_view::View,
    pub(crate) queries: order_queries::Queries,
    pub(crate) log: Log,
    pub(crate) lines: Lines,
    /// Up to where the tables' changes were read.
    cursor: Cell<u64>,
}

/// What a function answered through API Gateway.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Reply {
    pub(crate) status: u64,
    pub(crate) headers: Json,
    pub(crate) body: Json,
}

/// A request as API Gateway hands it over, in the making.
#[derive(Clone)]
pub(crate) struct Call(Json);

impl Shop {
    pub(crate) fn new() -> Self {
        Self::over(Memory::new())
    }

    pub(crate) fn over(tables: Memory) -> Self {
        let bus = publisher::Memory::new();
        let queues = queues::Memory::new();
        let sender = Sender::new(Arc::new(queues.clone())).seeded(1);
        let store = Store::new(Arc::new(tables.clone()), "EventStore");
        let read_model = ReadModel::new(Arc::new(tables.clone()), "ReadModel");
        let (log, lines) = Log::captured("test");
        Self {
            commands: order_commands::Commands {
                store: store.clone(),
                services: "Services".to_owned(),
                prices: Prices::parse(prices::JSON).unwrap(),
            },
            relay: outbox_relay::Relay {
                publisher: Publisher::new(Arc::new(bus.clone())).seeded(1),
                sender,
                quarantine: "quarantine".to_owned(),
                commands: BTreeMap::new(),
            },
            view: order_view::View { store: store.clone(), read_model: read_model.clone() },
            queries: order_queries::Queries { store, read_model },
            tables,
            bus,
            queues,
            log,
            lines,
            cursor: Cell::new(0),
        }
    }

    /// Asks the function that the template routes it to.
    pub(crate) async fn ask(&self, call: Call) -> Reply {
        let event = call.event();
        let answer = if call.0["requestContext"]["http"]["method"] == "GET" {
            http::answer(&self.queries, event, self.invocation(), order_queries::handle).await
        } else {
            http::answer(&self.commands, event, self.invocation(), order_commands::handle).await
        };
        Reply::of(&serde_json::to_value(answer).unwrap())
    }

    /// Places an order of one sort of tea; its id.
    pub(crate) async fn place(&self, caller: &str, key: &str) -> String {
        let reply = self.ask(place(caller, key)).await;
        assert_eq!(reply.status, 202, "{reply:?}");
        reply.body["orderId"].as_str().unwrap().to_owned()
    }

    /// The changes of the event store that no relay has got yet.
    pub(crate) fn changes(&self) -> Vec<Change> {
        let changes = self.tables.changes(self.cursor.get());
        self.cursor.set(changes.last().map_or(self.cursor.get(), |last| last.sequence));
        changes.into_iter().filter(|change| &*change.key.table == "EventStore").collect()
    }

    pub(crate) async fn relay(&self, changes: &[Change]) -> BatchFailures {
        let batch = testing::stream_batch(changes, now());
        stream::handle_batch(batch, &self.invocation(), &self.relay, outbox_relay::handle).await
    }

    /// Hands these events to order-view, in one batch.
    pub(crate) async fn show(&self, bodies: &[String]) -> BatchFailures {
        let batch = testing::queue_batch("order-view", bodies, now());
        let sender = Sender::new(Arc::new(self.queues.clone())).seeded(1);
        let harness = Harness::new("order-view").dlq(sender, "dlq");
        let invocation = self.invocation();
        let (open, handle) = (order_view::open, order_view::handle);
        consumer::handle_projection_batch(&harness, batch, &invocation, &self.view, open, handle)
            .await
    }

    /// What was changed since the last time, relayed; what the rule of order-view takes of it.
    pub(crate) async fn relayed(&self) -> Vec<String> {
        let before = self.bus.events().len();
        let failures = self.relay(&self.changes()).await;
        assert!(failures.is_empty(), "{failures:?}");
        let events = self.bus.events().into_iter().skip(before);
        events.filter(of_orders).map(|entry| testing::delivered(&entry)).collect()
    }

    /// Lets everything that was appended reach the read model.
    pub(crate) async fn settle(&self) {
        let failures = self.show(&self.relayed().await).await;
        assert!(failures.is_empty(), "{failures:?}");
    }

    pub(crate) fn invocation(&self) -> Invocation {
        Invocation::new("invocation-1", Duration::from_secs(9), &self.log)
    }

    /// How many changes all tables have seen.
    pub(crate) fn writes(&self) -> usize {
        self.tables.changes(0).len()
    }

    /// The order's row in a generation of the read model.
    pub(crate) fn row(&self, generation: &str, order_id: &str) -> Option<Item> {
        let pk = Value::S(format!("{generation}#order#{order_id}"));
        self.tables.items("ReadModel").into_iter().find(|item| item["pk"] == pk)
    }

    /// Sets the guard that fulfilment sets with PaymentRequested.
    pub(crate) fn request_payment(&self, order_id: &str) {
        let item = Item::from([("kind".to_owned(), "guard".into())]);
        let key = Key::new("EventStore", format!("fulfilment#{order_id}"), "guard");
        self.tables.force(Op::put(key, item));
    }

    /// Puts a row into the event store as its owner would; `metadata` overrides what it has.
    pub(crate) fn put_row(&self, kind: &str, stream: &str, version: u64, name: &str, over: Json) {
        let id = format!("01ARZ3NDEKTSV4RRFFQ69G{version:04}");
        let mut metadata = json!({
            "id": id, "type": name, "source": "shop.test", "subject": "s", "stream": stream,
            "version": version, "previous": version - 1, "schemaVersion": "1.0",
            "occurredAt": "2026-01-01T00:00:01.000Z", "correlationId": "r", "causationId": "r",
            "hops": 0,
        });
        metadata.as_object_mut().unwrap().extend(over.as_object().unwrap().clone());
        let detail = json!({ "metadata": metadata, "data": {} }).to_string();
        let item = json!({
            "kind": kind, "id": id, "type": name, "detail": detail,
            "recordedAt": "2026-01-01T00:00:01.000Z", "due": over.get("due"),
        });
        let mut item = pointsman_kit::table::to_item(&item).unwrap();
        item.retain(|_, value| *value != Value::Null);
        let key = Key::new("EventStore", stream, format!("{version:010}"));
        self.tables.force(Op::put(key, item));
    }
}

impl Reply {
    /// What a function gives Lambda for API Gateway.
    pub(crate) fn of(answer: &Json) -> Self {
        Self {
            status: answer["statusCode"].as_u64().unwrap(),
            headers: answer["headers"].clone(),
            body: serde_json::from_str(answer["body"].as_str().unwrap()).unwrap(),
        }
    }
}

impl Call {
    /// As a function gets it.
    pub(crate) fn event<T: serde::de::DeserializeOwned>(&self) -> T {
        serde_json::from_str(&self.0.to_string()).unwrap()
    }

    /// With a body that API Gateway took for no text.
    pub(crate) fn base64(mut self, body: &str) -> Self {
        self.0["isBase64Encoded"] = true.into();
        self.text(body)
    }

    pub(crate) fn new(route: &str, caller: &str) -> Self {
        let (method, path) = route.split_once(' ').unwrap();
        Self(json!({
            "version": "2.0",
            "routeKey": route,
            "rawPath": path,
            "rawQueryString": "",
            "headers": { "authorization": "Bearer token" },
            "requestContext": {
                "accountId": "000000000000",
                "authorizer": { "jwt": { "claims": { "sub": caller, "scope": "orders:write" }, "scopes": null } },
                "http": { "method": method, "path": path, "protocol": "HTTP/1.1" },
                "requestId": "request-1",
                "routeKey": route,
                "stage": "$default",
                "timeEpoch": NOW,
            },
            "isBase64Encoded": false,
        }))
    }

    pub(crate) fn order(mut self, id: &str) -> Self {
        self.0["pathParameters"] = json!({ "id": id });
        self.0["rawPath"] = self.0["rawPath"].as_str().unwrap().replace("{id}", id).into();
        self
    }

    pub(crate) fn key(self, key: &str) -> Self {
        self.header("idempotency-key", key)
    }

    pub(crate) fn header(mut self, name: &str, value: &str) -> Self {
        self.0["headers"][name] = value.into();
        self
    }

    pub(crate) fn query(mut self, name: &str, value: &str) -> Self {
        self.0["queryStringParameters"][name] = value.into();
        self
    }

    pub(crate) fn body(self, body: Json) -> Self {
        self.text(&body.to_string())
    }

    pub(crate) fn text(mut self, body: &str) -> Self {
        self.0["body"] = body.into();
        self
    }

    pub(crate) fn at(mut self, ms: i64) -> Self {
        self.0["requestContext"]["timeEpoch"] = ms.into();
        self
    }

    pub(crate) fn anonymous(mut self) -> Self {
        self.0["requestContext"]["authorizer"] = Json::Null;
        self
    }
}

pub(crate) fn place(caller: &str, key: &str) -> Call {
    let items = json!([{ "sku": "TEA-ASSAM-100", "quantity": 2 }]);
    Call::new("POST /orders", caller)
        .key(key)
        .body(json!({ "items": items, "shippingAddress": address("Berlin") }))
}

pub(crate) fn add(caller: &str, key: &str, order_id: &str, sku: &str, quantity: u32) -> Call {
    Call::new("POST /orders/{id}/items", caller)
        .order(order_id)
        .key(key)
        .body(json!({ "sku": sku, "quantity": quantity }))
}

pub(crate) fn send_to(caller: &str, order_id: &str, city: &str) -> Call {
    Call::new("PUT /orders/{id}/shipping-address", caller)
        .order(order_id)
        .body(json!({ "shippingAddress": address(city) }))
}

pub(crate) fn get(caller: &str, order_id: &str) -> Call {
    Call::new("GET /orders/{id}", caller).order(order_id)
}

pub(crate) fn address(city: &str) -> Json {
    json!({
        "recipient": "Ann", "street": "Main Street 1", "postalCode": "10115",
        "city": city, "country": "DE",
    })
}

pub(crate) fn now() -> Timestamp {
    Timestamp::from_ms(NOW)
}

/// The pattern of order-view's rule, as far as these events go.
fn of_orders(entry: &Entry) -> bool {
    entry.source != "shop.customers"
}

/// What comes of a future that waits for nothing: for a rival inside a write.
pub(crate) fn at_once<T>(future: impl Future<Output = T>) -> T {
    match pin!(future).poll(&mut task::Context::from_waker(task::Waker::noop())) {
        task::Poll::Ready(done) => done,
        task::Poll::Pending => panic!("it waits"),
    }
}
