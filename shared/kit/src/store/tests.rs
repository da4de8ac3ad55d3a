use super::*;
use crate::{
    clock::Deadline,
    table::Memory,
    transaction::{Transaction, Verdict},
};
use pointsman_event::{Command, Event, Origin, SchemaVersion, event_set, upcast::Upcaster};
use proptest::prelude::*;
use serde::{Deserialize, Serialize};
use std::time::Duration;

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Lit {
    watts: u32,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct WentOut {}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct DoorOpened {}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct ChangeBulb {}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Ask {}

macro_rules! event {
    ($event:ident, $stream:literal, $version:expr, $upcasters:expr) => {
        impl Event for $event {
            const NAME: &str = stringify!($event);
            const VERSION: SchemaVersion = $version;
            const SOURCE: &str = "house";
            const STREAM: &str = $stream;
            const OWNER: &str = "house";
            const REASON: &str = "A test.";
            const UPCASTERS: &[Upcaster] = $upcasters;
        }
    };
}
const V2: SchemaVersion = SchemaVersion::new(2, 0);
event!(Lit, "lamp", V2, &[Upcaster { from: 1, step: |data| Ok(data["old"].clone()) }]);
event!(WentOut, "lamp", SchemaVersion::new(1, 0), &[]);
event!(DoorOpened, "door", SchemaVersion::new(1, 0), &[]);

macro_rules! command {
    ($command:ident, $origin:expr) => {
        impl Command for $command {
            const NAME: &str = stringify!($command);
            const VERSION: SchemaVersion = SchemaVersion::new(1, 0);
            const ORIGIN: Origin = $origin;
            const OWNER: &str = "house";
            const REASON: &str = "A test.";
        }
    };
}
command!(ChangeBulb, Origin::Stream { stream: "lamp", source: "house" });
command!(Ask, Origin::Door);

event_set! {
    #[derive(Debug, Clone, PartialEq)]
    enum Lamp { Lit, WentOut }
}
event_set! { enum Door { DoorOpened } }
event_set! {
    #[derive(Debug)]
    enum Narrow { WentOut }
}

fn now() -> Timestamp {
    Timestamp::from_ms(1_700_000_000_000)
}

fn stream() -> StreamName {
    "lamp#7".parse().unwrap()
}

fn lit(watts: u32) -> New {
    New::event(&Lamp::from(Lit { watts })).unwrap()
}

fn out() -> New {
    New::event(&Lamp::from(WentOut {})).unwrap()
}

fn bulb() -> New {
    New::command(&ChangeBulb {}).unwrap()
}

/// Appends what nobody disputes; the stream's new end.
async fn append(store: &Store, at: &Position, new: Vec<New>) -> Position {
    let (verdict, position) = try_append(store, at, new).await;
    assert_eq!(verdict, Verdict::Committed);
    position
}

async fn try_append(store: &Store, at: &Position, new: Vec<New>) -> (Verdict, Position) {
    let cause = Cause::request("r", now());
    let appended = store.append(&Live::by_hand(), at, &cause, now(), new).unwrap();
    let deadline = Deadline::after(Duration::from_secs(1));
    let transaction = appended.add_to(Transaction::new());
    (transaction.commit(store.tables(), deadline).await.unwrap(), appended.position)
}

fn store() -> (Store, Memory) {
    let tables = Memory::new().with_page_bytes(700);
    (Store::new(Arc::new(tables.clone()), "EventStore").with_ids(Ids::seeded(1)), tables)
}

#[tokio::test]
async fn what_was_appended_is_read_back_in_order_with_its_places() {
    let (store, _) = store();
    let start = store.read(&stream()).await.unwrap();
    assert!(start.is_empty());
    let due = Timestamp::from_ms(1_700_000_060_000);
    let new = vec![lit(1), bulb().due(due), bulb(), out().about("hall")];
    let position = append(&store, &start.position, new).await;
    append(&store, &position, vec![lit(2)]).await;

    let history = store.read(&stream()).await.unwrap();
    assert!(!history.is_empty());
    let places: Vec<(Kind, u64, u64, &str)> = history
        .rows
        .iter()
        .map(|row| (row, &row.envelope.metadata))
        .map(|(row, m)| (row.kind, m.version, m.previous, m.subject.as_str()))
        .collect();
    let (event, command) = (Kind::Event, Kind::Command);
    assert_eq!(
        places,
        [
            (event, 1, 0, "7"),
            (command, 2, 1, "7"),
            (command, 3, 1, "7"),
            (event, 4, 1, "hall"),
            (event, 5, 4, "7"),
        ]
    );
    assert_eq!(history.rows[1].due, Some(due));
    assert_eq!((history.position.version(), history.position.last_event()), (5, 5));
    let events: Vec<Lamp> = history.events().unwrap().into_iter().map(|event| event.data).collect();
    assert_eq!(events, [Lit { watts: 1 }.into(), WentOut {}.into(), Lit { watts: 2 }.into()]);
}

#[tokio::test]
async fn who_comes_second_finds_the_version_taken() {
    let (store, tables) = store();
    let start = store.read(&stream()).await.unwrap().position;
    append(&store, &start, vec![lit(1)]).await;
    let before = tables.changes(0).len();
    let (verdict, _) = try_append(&store, &start, vec![out(), lit(2)]).await;
    assert_eq!(verdict, Verdict::VersionTaken);
    assert_eq!(tables.changes(0).len(), before);
}

#[tokio::test]
async fn only_what_belongs_to_the_stream_can_be_appended() {
    let (store, _) = store();
    let position = store.read(&stream()).await.unwrap().position;
    let door = New::event(&Door::from(DoorOpened {})).unwrap();
    let cause = Cause::request("r", now());
    let error = store.append(&Live::by_hand(), &position, &cause, now(), [door]).unwrap_err();
    assert!(error.to_string().contains("type door, not to lamp#7"), "{error}");
    assert!(New::command(&Ask {}).is_err());
}

#[tokio::test]
async fn rows_of_an_older_version_are_brought_up_and_unknown_ones_refused() {
    let (store, tables) = store();
    let start = store.read(&stream()).await.unwrap().position;
    append(&store, &start, vec![lit(1)]).await;
    let mut item = tables.items("EventStore")[0].clone();
    let mut detail: serde_json::Value =
        serde_json::from_str(item["detail"].as_s().unwrap()).unwrap();
    detail["metadata"]["schemaVersion"] = "1.0".into();
    detail["data"] = serde_json::json!({ "old": { "watts": 5 } });
    item.insert("detail".to_owned(), detail.to_string().into());
    tables.force(Op::put(Key::new("EventStore", "lamp#7", "0000000001"), item));
    let history = store.read(&stream()).await.unwrap();
    assert_eq!(history.events::<Lamp>().unwrap()[0].data, Lit { watts: 5 }.into());
    assert!(history.events::<Narrow>().unwrap_err().to_string().contains("\"Lit\""));
}

#[tokio::test]
async fn a_guard_refuses_what_checks_it_and_is_no_part_of_the_history() {
    let (store, _) = store();
    let deadline = Deadline::after(Duration::from_secs(1));
    let start = store.read(&stream()).await.unwrap().position;
    append(&store, &start, vec![lit(1)]).await;
    let commit = async |transaction: Transaction| {
        transaction.commit(store.tables(), deadline).await.unwrap()
    };
    let live = Live::by_hand();
    let position = store.read(&stream()).await.unwrap().position;
    let unchanged = || Transaction::new().guard("Changed", store.unchanged(&position));
    let open = || Transaction::new().guard("Closed", store.open(&stream()));
    assert_eq!(commit(unchanged()).await, Verdict::Committed);
    assert_eq!(commit(open()).await, Verdict::Committed);
    let close = Transaction::new().effect("Closed", store.close(&live, &stream()));
    assert_eq!(commit(close).await, Verdict::Committed);
    assert_eq!(commit(open()).await, Verdict::Refused("Closed"));
    assert_eq!(store.read(&stream()).await.unwrap().position, position);
    append(&store, &position, vec![lit(2)]).await;
    assert_eq!(commit(unchanged()).await, Verdict::Refused("Changed"));
}

#[tokio::test]
async fn a_gap_and_a_foreign_row_are_named() {
    let (store, tables) = store();
    let start = store.read(&stream()).await.unwrap().position;
    append(&store, &start, vec![lit(1), lit(2), lit(3)]).await;
    let key = Key::new("EventStore", "lamp#7", "0000000002");
    let second = tables.items("EventStore")[1].clone();
    tables.force(Op::delete(key.clone()));
    let error = store.read(&stream()).await.unwrap_err();
    assert!(matches!(error, Error::Gap { after: 1, .. }), "{error}");
    tables.force(Op::put(key, Item::new()));
    let error = store.read(&stream()).await.unwrap_err();
    assert!(error.to_string().contains("lamp#7, 0000000002"), "{error}");
    tables.force(Op::put(Key::new("EventStore", "lamp#8", "0000000001"), second));
    let error = store.read(&"lamp#8".parse().unwrap()).await.unwrap_err();
    assert!(error.to_string().contains("holds version 2 of lamp#7"), "{error}");
}

#[tokio::test]
async fn a_row_is_read_only_under_its_own_keys() {
    let (store, tables) = store();
    let start = store.read(&stream()).await.unwrap().position;
    append(&store, &start, vec![lit(1), lit(2)]).await;
    let second = tables.items("EventStore")[1].clone();
    let under = |pk: &str, sk: &str| {
        let mut item = second.clone();
        item.extend(Key::new("EventStore", pk, sk).attributes());
        Row::from_item(&item).map(|row| row.envelope.metadata.version)
    };
    assert_eq!(under("lamp#7", "0000000002"), Ok(2));
    for (pk, sk) in [("lamp#8", "0000000002"), ("lamp#7", "0000000003")] {
        let error = under(pk, sk).unwrap_err();
        assert_eq!(error.to_string(), format!("row [{pk}, {sk}]: it holds version 2 of lamp#7"));
    }
}

#[tokio::test]
async fn a_scan_finds_rows_by_kind_by_time_and_the_first_of_each_stream() {
    let (store, tables) = store();
    for name in ["lamp#7", "lamp#8"] {
        let start = store.read(&name.parse().unwrap()).await.unwrap().position;
        let end = append(&store, &start, vec![lit(1), bulb(), out()]).await;
        store.save(&end, 1, &1_u32).await.unwrap();
        tables.force(store.close(&Live::by_hand(), end.stream()));
    }
    let recorded_at = store.read(&stream()).await.unwrap().rows[0].recorded_at;
    let hour = |hours: i64| Timestamp::from_ms(recorded_at.as_ms() + hours * 3_600_000);
    let found = async |condition: table::Condition| {
        let scan = table::Scan::new("EventStore").only(condition);
        let (mut found, mut after) = (Vec::new(), None);
        loop {
            let page = tables.scan(&scan, after.as_ref()).await.unwrap();
            found.extend(page.items.iter().map(|item| item["sk"].as_s().unwrap().to_owned()));
            match page.next {
                Some(next) => after = Some(next),
                None => break,
            }
        }
        found.sort();
        found
    };
    assert_eq!(found(first()).await, ["0000000001"; 2]);
    assert_eq!(found(Kind::Command.is()).await, ["0000000002"; 2]);
    let events = ["0000000001", "0000000001", "0000000003", "0000000003"];
    assert_eq!(found(Kind::Event.is()).await, events);
    assert_eq!(found(Kind::Guard.is()).await, ["guard"; 2]);
    assert_eq!(found(Kind::Snapshot.is()).await, ["snapshot"; 2]);
    assert_eq!(found(recorded_since(hour(-1))).await.len(), 8, "all but the guards");
    assert!(found(recorded_since(hour(1))).await.is_empty());
}

#[tokio::test]
async fn a_snapshot_spares_the_rows_before_it() {
    let (store, _) = store();
    let start = store.read(&stream()).await.unwrap().position;
    let two = append(&store, &start, vec![lit(1), bulb()]).await;
    let three = append(&store, &two, vec![lit(2)]).await;
    let loaded = async |shape| store.load::<u32>(&stream(), shape).await.unwrap();
    assert_eq!(loaded(1).await.state, None);
    store.save(&two, 1, &10_u32).await.unwrap();
    let from_two = loaded(1).await;
    assert_eq!((from_two.state, from_two.history.rows.len()), (Some(10), 1));
    assert_eq!(from_two.history.position, three);
    store.save(&three, 1, &20_u32).await.unwrap();
    store.save(&two, 1, &10_u32).await.unwrap();
    assert_eq!(loaded(1).await.state, Some(20), "the older one did not replace it");
    store.save(&three, 1, &21_u32).await.unwrap();
    assert_eq!(loaded(1).await.state, Some(21), "one of the same version did");
    let other = loaded(2).await;
    assert_eq!((other.state, other.history.rows.len()), (None, 3));
    store.save(&two, 2, &5_u32).await.unwrap();
    assert_eq!(loaded(2).await.state, Some(5), "of another shape, an older one did");
    store.save(&two, 2, &"text").await.unwrap();
    let unreadable = loaded(2).await;
    assert_eq!((unreadable.state, unreadable.history.rows.len()), (None, 3));
    assert_eq!(store.read(&stream()).await.unwrap().position, three);
}

proptest! {
    /// Two writers who read, decide and append, in any interleaving and on a flaky table: no gap,
    /// no overwritten row, and what one was told is in, is in.
    #[test]
    fn racing_writers_make_one_history(
        turns in prop::collection::vec((any::<bool>(), any::<bool>(), 1usize..4), 1..20),
        seed: u64,
        percent in 0u8..50,
    ) {
        let runtime =
            tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build();
        runtime.unwrap().block_on(async {
            let (store, tables) = store();
            let start = store.read(&stream()).await.unwrap().position;
            let mut read = [start.clone(), start];
            let mut told = Vec::new();
            let cause = Cause::request("r", now());
            for (writer, refresh, rows) in turns {
                let writer = usize::from(writer);
                if refresh {
                    read[writer] = store.read(&stream()).await.unwrap().position;
                }
                let new = (0..rows).map(|n| if n % 2 == 0 { lit(n as u32) } else { bulb() });
                let live = Live::by_hand();
                let appended = store.append(&live, &read[writer], &cause, now(), new).unwrap();
                tables.flaky(seed, percent);
                let deadline = Deadline::after(Duration::from_secs(5));
                let verdict =
                    appended.add_to(Transaction::new().seeded(seed)).commit(&tables, deadline).await;
                tables.flaky(seed, 0);
                if let Ok(Verdict::Committed) = verdict {
                    told.extend(appended.rows.iter().map(|row| row.envelope.metadata.id));
                    read[writer] = appended.position;
                }
            }
            let history = store.read(&stream()).await.unwrap();
            let ids: Vec<_> = history.rows.iter().map(|row| row.envelope.metadata.id).collect();
            for id in told {
                prop_assert!(ids.contains(&id));
            }
            let changed = tables.changes(0).iter().filter(|c| c.old.is_some()).count();
            prop_assert_eq!(changed, 0, "rows are only ever inserted");
            Ok(())
        })?;
    }
}

#[test]
fn what_may_be_read_again_is_what_the_table_could_not_do_this_time() {
    let busy = table::Error::Busy { code: "ThrottlingException".into() };
    let refused =
        table::Error::Refused { code: "ValidationException".into(), message: "no".into() };
    assert!(Error::from(busy).is_retryable());
    assert!(!Error::from(refused).is_retryable());
    assert!(!Error::Gap { stream: stream(), after: 1 }.is_retryable());
}
