//! The store as its users see it: functions over the wire, mappings over the stream, the engine at start.

mod calls;
mod durability;
mod memory;
mod reconcile;
mod streams;

use super::{Answer, Api, Call, Options, SqliteTables, StreamSource, SyncLog, Tables};
use crate::topology::{Region, TableIndex, TableSpec};
use bytes::Bytes;
use serde_json::{Value, json};
use std::fs::File;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering::SeqCst};

/// 21 November 2026, 12:00.
const NOON: i64 = 1_795_262_400_000;

/// Tables in a folder of their own, with a clock that stands still until it is moved.
struct Shop {
    tables: SqliteTables,
    clock: Arc<AtomicI64>,
    folder: tempfile::TempDir,
}

impl Shop {
    fn open() -> Self {
        Self::open_in(tempfile::tempdir().expect("a folder"), Box::new(File::sync_data))
    }

    /// With the event store of an order system in it.
    async fn with_store() -> Self {
        let shop = Self::open();
        shop.tables.reconcile(&[store()]).await.expect("the store is made");
        shop
    }

    fn open_in(folder: tempfile::TempDir, sync: SyncLog) -> Self {
        let clock = Arc::new(AtomicI64::new(NOON));
        let tables = open_at(folder.path(), clock.clone(), sync);
        Shop { tables, clock, folder }
    }

    fn reopened(self) -> Self {
        let Shop { tables, clock, folder } = self;
        drop(tables);
        let tables = open_at(folder.path(), clock.clone(), Box::new(File::sync_data));
        Shop { tables, clock, folder }
    }

    fn pass(&self, milliseconds: i64) {
        self.clock.fetch_add(milliseconds, SeqCst);
    }

    async fn call(&self, operation: &str, request: Value) -> (u16, Value) {
        read(call(&self.tables, Api::DynamoDb, operation, &request, None).await)
    }

    async fn ok(&self, operation: &str, request: Value) -> Value {
        let (status, body) = self.call(operation, request).await;
        assert_eq!(status, 200, "{operation}: {body}");
        body
    }

    async fn stream_ok(&self, operation: &str, request: Value) -> Value {
        let answer = call(&self.tables, Api::Streams, operation, &request, None).await;
        let (status, body) = read(answer);
        assert_eq!(status, 200, "{operation}: {body}");
        body
    }

    async fn put(&self, pk: &str, sk: &str) -> Value {
        self.ok("PutItem", json!({ "TableName": "EventStore", "Item": row(pk, sk) })).await
    }

    /// What Lambda would be given of the event store's stream after `after`.
    async fn records(&self, after: Option<&str>) -> Vec<Value> {
        let records =
            self.tables.read("EventStore", after, 1000).await.expect("the stream is read");
        records.iter().map(|record| parsed(&record.json)).collect()
    }
}

fn open_at(folder: &Path, clock: Arc<AtomicI64>, sync: SyncLog) -> SqliteTables {
    let now = Arc::new(move || clock.load(SeqCst));
    SqliteTables::open(folder, Options { sync, ..Options::new(region(), now) })
        .expect("tables open")
}

async fn call(
    tables: &SqliteTables,
    api: Api,
    operation: &str,
    request: &Value,
    cause: Option<&str>,
) -> Answer {
    let call = Call {
        api,
        operation: operation.to_owned(),
        body: Bytes::from(request.to_string()),
        cause: cause.map(str::to_owned),
    };
    tables.call(call).await.expect("the store answers")
}

fn read(answer: Answer) -> (u16, Value) {
    (answer.status, parsed(&answer.body))
}

fn parsed(body: &Bytes) -> Value {
    serde_json::from_slice(body).unwrap_or_else(|error| panic!("{error} in {body:?}"))
}

fn region() -> Region {
    Region { account: "123456789012".into(), name: "eu-central-1".into() }
}

fn row(pk: &str, sk: &str) -> Value {
    json!({ "pk": { "S": pk }, "sk": { "S": sk }, "kind": { "S": "event" } })
}

fn text(name: &str) -> (String, String) {
    (name.to_owned(), "S".to_owned())
}

fn store() -> TableSpec {
    TableSpec {
        name: "EventStore".into(),
        hash: text("pk"),
        range: Some(text("sk")),
        indexes: Vec::new(),
        stream: Some("NEW_AND_OLD_IMAGES".into()),
        ttl: None,
    }
}

fn read_model() -> TableSpec {
    TableSpec {
        name: "ReadModel".into(),
        hash: text("pk"),
        range: None,
        indexes: vec![TableIndex {
            name: "byCustomer".into(),
            hash: text("customer"),
            range: Some(text("placedAt")),
            projection: "ALL".into(),
            include: Vec::new(),
        }],
        stream: None,
        ttl: Some("expires".into()),
    }
}
