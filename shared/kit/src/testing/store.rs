//! What the event store and its transactions must do on every adapter of the table port.

use crate::{
    clock::Deadline,
    idempotency::{Once, Seen},
    live::Live,
    store::{Kind, New, Store},
    table::{Condition, Item, Key, Op, Tables},
    transaction::{Transaction, Verdict},
};
use pointsman_event::{
    Cause, Command, Event, Origin, SchemaVersion, StreamName, Timestamp, event_set,
};
use serde::{Deserialize, Serialize};
use std::{sync::Arc, time::Duration};

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct SuiteBegan {
    text: String,
}

impl Event for SuiteBegan {
    const NAME: &str = "SuiteBegan";
    const VERSION: SchemaVersion = SchemaVersion::new(1, 0);
    const SOURCE: &str = "kit.suite";
    const STREAM: &str = "suite";
    const OWNER: &str = "kit";
    const REASON: &str = "An adapter is being tried.";
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct EndSuite {}

impl Command for EndSuite {
    const NAME: &str = "EndSuite";
    const VERSION: SchemaVersion = SchemaVersion::new(1, 0);
    const ORIGIN: Origin = Origin::Stream { stream: "suite", source: "kit.suite" };
    const OWNER: &str = "kit";
    const REASON: &str = "An adapter has been tried.";
}

event_set! {
    #[derive(Debug, Clone, PartialEq)]
    enum Suite { SuiteBegan }
}

fn began(text: &str) -> New {
    New::event(&Suite::from(SuiteBegan { text: text.to_owned() })).expect("it has a JSON form")
}

fn now() -> Timestamp {
    Timestamp::from_ms(1_700_000_000_000)
}

fn soon() -> Deadline {
    Deadline::after(Duration::from_secs(20))
}

/// Runs the event store's suite in `table`, in the stream `suite#<salt>`, which must be new.
///
/// # Panics
/// If the store does not keep its promises on this adapter.
pub async fn store_suite(tables: Arc<dyn Tables>, table: &str, salt: &str) {
    let store = Store::new(tables, table);
    let stream = StreamName::new("suite", salt).expect("a stream's name");
    let cause = Cause::request("suite", now());
    let live = Live::by_hand();
    let start = store.read(&stream).await.expect("a read").position;
    assert_eq!(start.version(), 0, "{stream} is new");

    // 24 rows of 60 KB: a history of more than one page.
    let mut end = start.clone();
    for n in 0..12 {
        let text = format!("{n}{}", "x".repeat(60_000));
        let command = New::command(&EndSuite {}).expect("it has a JSON form");
        let new = [began(&text), command];
        let appended = store.append(&live, &end, &cause, now(), new).expect("rows of the stream");
        let verdict = appended.add_to(Transaction::new()).commit(store.tables(), soon()).await;
        assert_eq!(verdict, Ok(Verdict::Committed));
        end = appended.position;
    }
    let history = store.read(&stream).await.expect("a read");
    assert_eq!(history.position, end);
    assert_eq!((end.version(), end.last_event()), (24, 23));
    let places: Vec<(u64, u64)> = history
        .rows
        .iter()
        .filter(|row| row.kind == Kind::Event)
        .map(|row| (row.envelope.metadata.version, row.envelope.metadata.previous))
        .collect();
    assert_eq!(places[..3], [(1, 0), (3, 1), (5, 3)]);
    let events = history.events::<Suite>().expect("events of the set");
    let Suite::SuiteBegan(last) = &events[11].data;
    assert!(last.text.starts_with("11x"));

    let late = store.append(&live, &start, &cause, now(), [began("")]).expect("a row");
    let verdict = late.add_to(Transaction::new()).commit(store.tables(), soon()).await;
    assert_eq!(verdict, Ok(Verdict::VersionTaken));

    store.save(&end, 1, &"state").await.expect("a snapshot");
    store.save(&start, 1, &"older").await.expect("an older snapshot is none");
    let loaded = store.load::<String>(&stream, 1).await.expect("a load");
    assert_eq!(loaded.state.as_deref(), Some("state"));
    assert!(loaded.history.is_empty());
    assert_eq!(loaded.history.position, end);

    let close = || Transaction::new().effect("Closed", store.close(&live, &stream));
    assert_eq!(close().commit(store.tables(), soon()).await, Ok(Verdict::Committed));
    let open = Transaction::new().guard("Closed", store.open(&stream));
    assert_eq!(open.commit(store.tables(), soon()).await, Ok(Verdict::Refused("Closed")));
    assert_eq!(store.read(&stream).await.expect("a read").position, end);
}

/// Runs the suite of idempotent transactions over two tables, in partitions made of `salt`.
///
/// # Panics
/// If a transaction is not read as it should be on this adapter.
pub async fn transaction_suite(tables: Arc<dyn Tables>, events: &str, services: &str, salt: &str) {
    let store = Store::new(tables.clone(), events);
    let stream = StreamName::new("suite", format!("{salt}-once")).expect("a stream's name");
    let cause = Cause::request("suite", now());
    let start = store.read(&stream).await.expect("a read").position;
    let stock = Key::new(services, format!("stock#{salt}"), "stock");
    tables.write(Op::put(stock.clone(), Item::new())).await.expect("a put");
    tables.write(Op::update(stock.clone()).set("left", 2)).await.expect("an update");

    let request =
        |key: &str, body: &[u8]| Once::request(services, salt, "POST /suite", key, body, now());
    let attempt = async |once: &Once| {
        let position = store.read(&stream).await.expect("a read").position;
        let row = store.append(&Live::by_hand(), &position, &cause, now(), [began("")]);
        let take = Op::update(stock.clone()).add("left", -1).when(Condition::at_least("left", 1));
        let transaction = Transaction::new().once(once, Some("answer".to_owned()));
        let transaction = row.expect("a row").add_to(transaction).effect("OutOfStock", take);
        transaction.commit(&*tables, soon()).await.expect("a verdict")
    };
    let done = Some("answer".to_owned());
    let first = request("1", b"a");
    assert_eq!(first.seen(&*tables).await, Ok(None));
    assert_eq!(attempt(&first).await, Verdict::Committed);
    assert_eq!(attempt(&first).await, Verdict::Done(done.clone()));
    assert_eq!(first.seen(&*tables).await, Ok(Some(Seen::Done(done))));
    assert_eq!(attempt(&request("1", b"b")).await, Verdict::Mismatch);
    assert_eq!(attempt(&request("2", b"a")).await, Verdict::Committed);
    assert_eq!(attempt(&request("3", b"a")).await, Verdict::Refused("OutOfStock"));
    assert_eq!(request("3", b"a").seen(&*tables).await, Ok(None), "a refusal keeps no key");

    let late = store.append(&Live::by_hand(), &start, &cause, now(), [began("")]).expect("a row");
    let late = late.add_to(Transaction::new().once(&request("4", b"a"), None));
    assert_eq!(late.commit(&*tables, soon()).await, Ok(Verdict::VersionTaken));

    let history = store.read(&stream).await.expect("a read");
    assert_eq!(history.position.version(), 2);
    let left = tables.get(&stock).await.expect("a get").expect("the stock");
    assert_eq!(left["left"], 0.into());
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        table::{Index, Memory},
        testing::table_suite,
    };

    #[tokio::test]
    async fn the_memory_adapter_passes_the_suites() {
        let tables = Arc::new(Memory::new());
        let index = Index { name: "by-customer", pk: "customer", sk: "placedAt" };
        table_suite(&*tables, "T", "a-", Some(index)).await;
        store_suite(tables.clone(), "EventStore", "1").await;
        transaction_suite(tables, "EventStore", "Services", "1").await;
    }
}
