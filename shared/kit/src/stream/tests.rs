use super::*;
use crate::{
    observability::Log,
    table::{Key, Memory, Op},
};
use serde_json::json;
use std::time::Duration;

const AT: i64 = 1_700_000_000;

fn records(n: usize) -> Vec<serde_json::Value> {
    let tables = Memory::new();
    for n in 0..n {
        tables.force(Op::put(Key::new("T", "s#1", format!("{n:010}")), Item::new()));
    }
    tables.changes(0).iter().map(|change| change.to_record(AT)).collect()
}

fn batch(records: &[serde_json::Value]) -> Batch {
    serde_json::from_str(&json!({ "Records": records }).to_string()).unwrap()
}

async fn lowest(
    records: &[serde_json::Value],
    handle: impl AsyncFn(&(), &[Record], &Invocation) -> Vec<bool>,
) -> Option<usize> {
    let (log, _) = Log::captured("relay");
    let invocation = Invocation::new("r", Duration::from_secs(5), &log);
    let failures = handle_batch(batch(records), &invocation, &(), handle).await;
    let failures: Vec<&str> = failures.ids().collect();
    assert!(failures.len() <= 1, "Lambda wants one checkpoint");
    let numbers = |record: &serde_json::Value| record["dynamodb"]["SequenceNumber"].clone();
    failures.first().map(|id| records.iter().position(|r| numbers(r) == *id).unwrap())
}

#[tokio::test(start_paused = true)]
async fn everything_from_the_first_undone_record_comes_again() {
    let all = records(5);
    assert_eq!(lowest(&all, async |_, records, _| vec![true; records.len()]).await, None);
    let some = async |(): &(), _: &[Record], _: &Invocation| vec![true, false, true, false, true];
    assert_eq!(lowest(&all, some).await, Some(1));
    assert_eq!(lowest(&all, async |_, _, _| vec![true, true]).await, Some(2));
    assert_eq!(lowest(&all, async |_, _, _| Vec::new()).await, Some(0));
    assert_eq!(lowest(&all, async |_, _, _| panic!("no")).await, Some(0));
    assert_eq!(lowest(&all, async |_, _, _| std::future::pending().await).await, Some(0));
}

#[tokio::test(start_paused = true)]
async fn the_lowest_number_is_the_smallest_by_value() {
    let mut all = records(2);
    all[0]["dynamodb"]["SequenceNumber"] = "100000000000000000000000001".into();
    all[1]["dynamodb"]["SequenceNumber"] = "99999999999999999999999999".into();
    assert_eq!(lowest(&all, async |_, _, _| Vec::new()).await, Some(1));
    all[1]["dynamodb"]["SequenceNumber"] = "000000000000000000000000000099".into();
    assert_eq!(lowest(&all, async |_, _, _| Vec::new()).await, Some(1));
}

#[tokio::test(start_paused = true)]
async fn a_record_that_cannot_be_read_is_handed_over_whole() {
    let mut all = records(2);
    all[1]["dynamodb"]["NewImage"]["tags"] = json!({ "SS": ["a"] });
    let check = async |(): &(), records: &[Record], _: &Invocation| {
        let change = records[0].change.as_ref().unwrap();
        assert_eq!(change.kind, ChangeKind::Insert);
        assert_eq!(change.at.as_ms(), AT * 1000);
        assert_eq!(change.keys["pk"].as_s(), Some("s#1"));
        assert!(change.new.is_some() && change.old.is_none());
        assert!(records[1].change.is_err());
        assert!(records[1].raw.contains("\"SS\"") && !records[1].sequence.is_empty());
        vec![true, true]
    };
    assert_eq!(lowest(&all, check).await, None);
}
