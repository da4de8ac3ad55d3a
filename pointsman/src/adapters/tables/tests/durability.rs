use super::{Api, NOON, Shop, call, open_at, parsed, row, store};
use crate::adapters::tables::{Answer, Call, StreamSource, SyncLog, Tables, TablesError};
use serde_json::{Value, json};
use std::fs::{self, File, OpenOptions};
use std::future::Future;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::pin::Pin;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicUsize, Ordering::SeqCst};
use std::sync::mpsc::{self, Receiver, Sender};
use std::task::{Context, Poll, Waker};
use std::time::Duration;

const FILES: [&str; 2] = ["tables.sqlite", "tables.sqlite-wal"];

/// Rows in the store, and records in its stream, as `0000000001`, …
async fn rows(folder: &Path) -> (Vec<String>, Vec<String>) {
    let tables = open_at(folder, Arc::new(AtomicI64::new(NOON)), Box::new(File::sync_data));
    let scan = json!({ "TableName": "EventStore", "ConsistentRead": true });
    let answer = call(&tables, Api::DynamoDb, "Scan", &scan, None).await;
    let sort_key = |item: &Value| item["sk"]["S"].as_str().unwrap_or_default().to_owned();
    let found = parsed(&answer.body)["Items"].as_array().cloned().unwrap_or_default();
    let mut found: Vec<_> = found.iter().map(sort_key).collect();
    found.sort();
    let records = tables.read("EventStore", None, usize::MAX).await.unwrap_or_default();
    let streamed =
        records.iter().map(|record| sort_key(&parsed(&record.json)["dynamodb"]["Keys"])).collect();
    (found, streamed)
}

fn names(count: usize) -> Vec<String> {
    (1..=count).map(|n| format!("{n:010}")).collect()
}

fn copy(from: &Path, to: &Path) {
    for file in FILES {
        fs::copy(from.join(file), to.join(file)).expect("the file is copied");
    }
}

/// How many of `count` acknowledged writes a power cut right after the last leaves, when `sync` is what the store
/// calls and `platter` is what the disk holds.
async fn left_after_power_cut(count: usize, honest: bool) -> usize {
    let platter = tempfile::tempdir().expect("a folder");
    let folder = tempfile::tempdir().expect("a folder");
    let (from, to) = (folder.path().to_owned(), platter.path().to_owned());
    let sync: SyncLog = match honest {
        true => Box::new(move |_| {
            copy(&from, &to);
            Ok(())
        }),
        false => Box::new(|_| Ok(())),
    };
    let shop = Shop::open_in(folder, sync);
    shop.tables.reconcile(&[store()]).await.expect("the store is made");
    if !honest {
        copy(shop.folder.path(), platter.path());
    }
    for name in names(count) {
        shop.put("order#1", &name).await;
    }
    // Of what was not synced, some may have reached the disk all the same, torn anywhere.
    let synced = fs::metadata(platter.path().join(FILES[1])).expect("a log").len() as usize;
    let live = fs::read(shop.folder.path().join(FILES[1])).expect("a log");
    if live.len() > synced {
        let torn = synced + (live.len() - synced) / 2;
        fs::write(platter.path().join(FILES[1]), &live[..torn]).expect("a torn log");
    }
    let (found, streamed) = rows(platter.path()).await;
    assert_eq!(found, streamed, "rows and records are written together");
    assert_eq!(found, names(found.len()));
    found.len()
}

#[tokio::test]
async fn an_acknowledged_write_survives_a_power_cut() {
    for count in 1..=12 {
        assert_eq!(left_after_power_cut(count, true).await, count);
    }
}

#[tokio::test]
async fn leaving_the_sync_out_is_caught() {
    assert!(left_after_power_cut(12, false).await < 12);
}

#[tokio::test]
async fn a_log_cut_off_anywhere_keeps_what_was_acknowledged_before() {
    let shop = Shop::with_store().await;
    let log = shop.folder.path().join(FILES[1]);
    let length = || fs::metadata(&log).expect("a log").len();
    let mut acknowledged = vec![length()];
    for name in names(6) {
        shop.put("order#1", &name).await;
        acknowledged.push(length());
    }
    for (count, ends) in acknowledged.iter().enumerate() {
        for torn in [0, 1, 100, 4096] {
            let cut = tempfile::tempdir().expect("a folder");
            copy(shop.folder.path(), cut.path());
            let log =
                OpenOptions::new().write(true).open(cut.path().join(FILES[1])).expect("a log");
            log.set_len((ends + torn).min(length())).expect("a shorter log");
            let (found, streamed) = rows(cut.path()).await;
            assert_eq!((&found, &streamed), (&names(count), &names(count)), "torn by {torn}");
        }
    }
}

/// Holds every sync until it is let go.
struct Gate {
    entered: Receiver<()>,
    go: Sender<()>,
    syncs: Arc<AtomicUsize>,
}

impl Gate {
    /// Waits until a sync is held; the limit only turns a hang into a failure.
    fn entered(&self) {
        self.entered.recv_timeout(Duration::from_secs(20)).expect("a sync");
    }
}

fn gated() -> (SyncLog, Gate) {
    let (enter, entered) = mpsc::channel();
    let (go, gone) = mpsc::channel();
    let syncs = Arc::new(AtomicUsize::new(0));
    let count = syncs.clone();
    let sync = Box::new(move |_: &File| {
        count.fetch_add(1, SeqCst);
        // A test that has ended lets everything through.
        if enter.send(()).is_ok() {
            let _ = gone.recv();
        }
        Ok(())
    });
    (sync, Gate { entered, go, syncs })
}

type Asked<'a> = Pin<Box<dyn Future<Output = Result<Answer, TablesError>> + Send + 'a>>;

/// Sends a request, and gives what will be its answer.
fn ask<'a>(shop: &'a Shop, operation: &str, request: Value) -> Asked<'a> {
    let mut asked = shop.tables.call(Call {
        api: Api::DynamoDb,
        operation: operation.into(),
        body: request.to_string().into(),
        cause: None,
    });
    assert!(waits(&mut asked), "{operation} was answered at once");
    asked
}

fn waits(asked: &mut Asked<'_>) -> bool {
    matches!(asked.as_mut().poll(&mut Context::from_waker(Waker::noop())), Poll::Pending)
}

fn put(sk: &str) -> Value {
    json!({ "TableName": "EventStore", "Item": row("order#1", sk) })
}

#[tokio::test]
async fn nothing_is_answered_before_its_sync_and_a_group_shares_one() {
    let (sync, gate) = gated();
    let shop = Shop::open_in(tempfile::tempdir().expect("a folder"), sync);
    // Goes before the shop does, which waits for its thread, should this fail.
    let gate = gate;
    let mut woken = shop.tables.woken();
    let spec = [store()];
    let mut made = shop.tables.reconcile(&spec);
    assert!(made.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_pending());
    gate.entered();
    gate.go.send(()).expect("let go");
    made.await.expect("the store is made");

    let mut first = ask(&shop, "PutItem", put("0"));
    gate.entered();
    assert!(waits(&mut first), "answered before its sync ended");
    let key = json!({ "pk": { "S": "order#1" }, "sk": { "S": "5" } });
    let mut group: Vec<_> = (1..=16).map(|n| ask(&shop, "PutItem", put(&n.to_string()))).collect();
    group.push(ask(&shop, "GetItem", json!({ "TableName": "EventStore", "Key": key })));
    let mut records = shop.tables.read("EventStore", None, 100);
    assert!(records.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_pending());

    gate.go.send(()).expect("let go");
    gate.entered();
    assert_eq!(first.await.map(|answer| answer.status), Ok(200));
    assert!(group.iter_mut().all(waits), "answered before the group's sync ended");
    assert!(
        records.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_pending(),
        "records were shown that a power cut could have taken back"
    );
    assert_eq!(*woken.borrow_and_update(), 1);

    // From here on nothing is held.
    let Gate { go, syncs, .. } = gate;
    drop(go);
    for asked in group {
        assert_eq!(asked.await.map(|answer| answer.status), Ok(200));
    }
    assert_eq!(records.await.map(|records| records.len()), Ok(17));
    assert_eq!(*woken.borrow_and_update(), 17);
    assert_eq!(syncs.load(SeqCst), 3, "of the table, of the first write, of the group");
}

#[tokio::test]
async fn what_writes_nothing_syncs_nothing() {
    let syncs = Arc::new(AtomicUsize::new(0));
    let count = syncs.clone();
    let folder = tempfile::tempdir().expect("a folder");
    let shop = Shop::open_in(
        folder,
        Box::new(move |_| {
            count.fetch_add(1, SeqCst);
            Ok(())
        }),
    );
    shop.tables.reconcile(&[store()]).await.expect("the store is made");
    shop.put("order#1", "1").await;
    let before = syncs.load(SeqCst);
    shop.ok("Scan", json!({ "TableName": "EventStore" })).await;
    let mut refused = put("1");
    refused["ConditionExpression"] = json!("attribute_not_exists(pk)");
    assert_eq!(shop.call("PutItem", refused).await.0, 400);
    shop.records(None).await;
    shop.tables.reconcile(&[store()]).await.expect("nothing to do");
    assert_eq!(syncs.load(SeqCst), before);
}

#[tokio::test]
async fn after_a_sync_that_failed_nothing_is_answered_any_more() {
    let left = Arc::new(AtomicUsize::new(2));
    let folder = tempfile::tempdir().expect("a folder");
    let shop = Shop::open_in(
        folder,
        Box::new(move |_| match left.fetch_update(SeqCst, SeqCst, |left| left.checked_sub(1)) {
            Ok(_) => Ok(()),
            Err(_) => Err(std::io::Error::other("the disk is gone")),
        }),
    );
    shop.tables.reconcile(&[store()]).await.expect("the store is made");
    shop.put("order#1", "0000000001").await;
    for _ in 0..2 {
        let request = Call {
            api: Api::DynamoDb,
            operation: "PutItem".into(),
            body: put("0000000002").to_string().into(),
            cause: None,
        };
        let lost = shop.tables.call(request).await.expect_err("nobody knows what became of it");
        assert!(lost.is_fatal());
        let text = lost.to_string();
        assert!(text.contains("tables.sqlite-wal cannot be synced: the disk is gone"), "{text}");
    }
    let gone = shop.tables.sweep().await;
    assert!(gone.is_err_and(|error| error.is_fatal()));
}

const CHILD: &str = "POINTSMAN_TEST_TABLES_CHILD";

/// Not a test by itself: the process that is killed below.
#[tokio::test]
async fn a_child_that_writes_until_it_is_killed() {
    let Some(folder) = std::env::var_os(CHILD) else { return };
    let clock = Arc::new(AtomicI64::new(NOON));
    let tables = open_at(Path::new(&folder), clock, Box::new(File::sync_data));
    tables.reconcile(&[store()]).await.expect("the store is made");
    let scan = json!({ "TableName": "EventStore", "Select": "COUNT" });
    let count = call(&tables, Api::DynamoDb, "Scan", &scan, None).await;
    let mut n = parsed(&count.body)["Count"].as_u64().unwrap_or_default();
    loop {
        let both: Vec<_> = (n + 1..=n + 2)
            .map(|n| json!({ "Put": { "TableName": "EventStore", "Item": row("order#1", &format!("{n:010}")) } }))
            .collect();
        let request = json!({ "TransactItems": both });
        let answer = call(&tables, Api::DynamoDb, "TransactWriteItems", &request, None).await;
        assert_eq!(answer.status, 200);
        n += 2;
        println!("acknowledged {n}");
    }
}

#[tokio::test]
async fn a_process_that_is_killed_loses_nothing_it_acknowledged() {
    let folder = tempfile::tempdir().expect("a folder");
    let module = module_path!().split_once("::").map_or("", |(_, rest)| rest);
    let child = format!("{module}::a_child_that_writes_until_it_is_killed");
    let mut last = 0;
    for writes in [1, 7, 40, 160, 600] {
        let mut child = Command::new(std::env::current_exe().expect("this test"))
            .args(["--exact", &child, "--nocapture"])
            .env(CHILD, folder.path())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .expect("the child starts");
        let output = BufReader::new(child.stdout.take().expect("its output"));
        let mut seen = 0;
        for line in output.lines().map_while(Result::ok) {
            let Some((_, n)) = line.split_once("acknowledged ") else { continue };
            last = n.parse::<usize>().unwrap_or(last);
            seen += 1;
            if seen == writes {
                child.kill().expect("the child is killed");
            }
        }
        child.wait().expect("the child has ended");
        assert!(seen >= writes, "the child ended by itself after {seen} writes");
        let (found, streamed) = rows(folder.path()).await;
        assert_eq!(found, streamed);
        assert_eq!(found, names(found.len()));
        assert!(found.len() == last || found.len() == last + 2, "{} after {last}", found.len());
    }
}
