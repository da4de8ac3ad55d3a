use super::{Api, NOON, Shop, call, row, store};
use crate::adapters::tables::{STREAM_RETENTION_MS, StreamSource, Tables, TablesError};
use serde_json::{Value, json};

#[tokio::test]
async fn a_record_is_as_lambda_gets_it() {
    let shop = Shop::with_store().await;
    shop.pass(999);
    shop.put("order#1", "0000000001").await;
    let mut record = shop.records(None).await.remove(0);
    let sequence = record["dynamodb"]["SequenceNumber"].as_str().unwrap_or_default().to_owned();
    assert_eq!(sequence.len(), 21, "{sequence}");
    let id = record["eventID"].take();
    assert_eq!(id.as_str().map(str::len), Some(32), "{id}");
    let arn = record["eventSourceARN"].take();
    let table = "arn:aws:dynamodb:eu-central-1:123456789012:table/EventStore/stream/";
    assert!(arn.as_str().is_some_and(|arn| arn.starts_with(table)), "{arn}");
    let size = record["dynamodb"]["SizeBytes"].take();
    assert!(size.as_u64() > Some(20), "{size}");
    assert_eq!(
        record,
        json!({
            "eventID": null,
            "eventName": "INSERT",
            "eventVersion": "1.1",
            "eventSource": "aws:dynamodb",
            "awsRegion": "eu-central-1",
            "dynamodb": {
                "ApproximateCreationDateTime": NOON / 1000,
                "Keys": { "pk": { "S": "order#1" }, "sk": { "S": "0000000001" } },
                "NewImage": row("order#1", "0000000001"),
                "SequenceNumber": sequence,
                "SizeBytes": null,
                "StreamViewType": "NEW_AND_OLD_IMAGES",
            },
            "eventSourceARN": null,
        })
    );
}

#[tokio::test]
async fn records_come_in_order_and_a_write_that_changes_nothing_leaves_none() {
    let shop = Shop::with_store().await;
    let key = json!({ "pk": { "S": "order#1" }, "sk": { "S": "1" } });
    let touch = json!({
        "TableName": "EventStore", "Key": key,
        "UpdateExpression": "SET kind = :kind",
        "ExpressionAttributeValues": { ":kind": { "S": "event" } },
    });
    shop.put("order#1", "1").await;
    shop.put("order#1", "1").await;
    shop.ok("UpdateItem", touch.clone()).await;
    shop.ok("TransactWriteItems", json!({ "TransactItems": [{ "Update": touch }] })).await;
    shop.ok(
        "BatchWriteItem",
        json!({ "RequestItems": { "EventStore": [
        { "PutRequest": { "Item": row("order#1", "1") } }
    ] } }),
    )
    .await;
    let mut changed = row("order#1", "1");
    changed["kind"] = json!({ "S": "guard" });
    shop.ok("PutItem", json!({ "TableName": "EventStore", "Item": changed })).await;
    shop.ok("DeleteItem", json!({ "TableName": "EventStore", "Key": key })).await;
    shop.ok("DeleteItem", json!({ "TableName": "EventStore", "Key": key })).await;

    let records = shop.records(None).await;
    let names: Vec<_> = records.iter().map(|record| record["eventName"].clone()).collect();
    assert_eq!(names, ["INSERT", "MODIFY", "REMOVE"]);
    assert_eq!(records[1]["dynamodb"]["OldImage"], row("order#1", "1"));
    assert_eq!(records[1]["dynamodb"]["NewImage"], changed);
    assert_eq!(records[2]["dynamodb"]["OldImage"], changed);
    assert_eq!(records[2]["dynamodb"].get("NewImage"), None);
}

#[tokio::test]
async fn a_view_without_images_still_leaves_out_what_changed_nothing() {
    let shop = Shop::open();
    let mut keys_only = store();
    keys_only.stream = Some("KEYS_ONLY".into());
    shop.tables.reconcile(&[keys_only]).await.expect("the table is made");
    shop.put("order#1", "1").await;
    shop.put("order#1", "1").await;
    let shop = shop.reopened();
    shop.put("order#1", "1").await;
    let records = shop.records(None).await;
    assert_eq!(records.len(), 1);
    assert_eq!(records[0]["dynamodb"].get("NewImage"), None);
}

#[tokio::test]
async fn a_reader_goes_on_after_its_cursor_and_is_woken() {
    let shop = Shop::with_store().await;
    let mut woken = shop.tables.woken();
    shop.put("order#1", "1").await;
    assert!(woken.has_changed().is_ok_and(|changed| changed));
    woken.mark_unchanged();
    let first = shop.tables.read("EventStore", None, 10).await.expect("a page");
    assert_eq!(first.len(), 1);
    let cursor = first[0].sequence.clone();
    assert_eq!(shop.tables.read("EventStore", Some(&cursor), 10).await, Ok(Vec::new()));

    shop.ok(
        "TransactWriteItems",
        json!({ "TransactItems": (2..=4).map(|n| {
        json!({ "Put": { "TableName": "EventStore", "Item": row("order#1", &n.to_string()) } })
    }).collect::<Vec<_>>() }),
    )
    .await;
    assert!(woken.has_changed().is_ok_and(|changed| changed));
    let page = shop.tables.read("EventStore", Some(&cursor), 2).await.expect("a page");
    let rest = shop.tables.read("EventStore", Some(&page[1].sequence), 2).await.expect("a page");
    assert_eq!((page.len(), rest.len()), (2, 1));
    let sequences: Vec<_> =
        first.iter().chain(&page).chain(&rest).map(|r| r.sequence.clone()).collect();
    assert!(sequences.is_sorted() && sequences.windows(2).all(|pair| pair[0] != pair[1]));
    assert_eq!(page[0].created_at, NOON);
}

#[tokio::test]
async fn a_read_wakes_nobody() {
    let shop = Shop::with_store().await;
    shop.put("order#1", "1").await;
    let woken = shop.tables.woken();
    shop.ok("Scan", json!({ "TableName": "EventStore" })).await;
    shop.put("order#1", "1").await;
    assert!(woken.has_changed().is_ok_and(|changed| !changed));
}

#[tokio::test]
async fn who_wrote_a_record_is_known_until_the_next_start() {
    let shop = Shop::with_store().await;
    let put = json!({ "TableName": "EventStore", "Item": row("order#1", "1") });
    call(&shop.tables, Api::DynamoDb, "PutItem", &put, Some("invocation-7")).await;
    shop.put("order#1", "2").await;
    let records = shop.tables.read("EventStore", None, 10).await.expect("a page");
    let writer = |shop: &Shop, n: usize| shop.tables.writer("EventStore", &records[n].sequence);
    assert_eq!(writer(&shop, 0).as_deref(), Some("invocation-7"));
    assert_eq!(writer(&shop, 1), None);
    assert_eq!(writer(&shop.reopened(), 0), None);
}

#[tokio::test]
async fn records_are_kept_for_a_day_of_engine_time_and_numbers_never_come_twice() {
    let shop = Shop::with_store().await;
    shop.put("order#1", "1").await;
    shop.put("order#1", "2").await;
    let old = shop.tables.bounds("EventStore").await.expect("bounds");
    shop.pass(STREAM_RETENTION_MS);
    assert_eq!(shop.records(None).await.len(), 2);
    shop.pass(1000);
    assert_eq!(shop.records(None).await.len(), 0);
    let bounds = shop.tables.bounds("EventStore").await.expect("bounds");
    assert_eq!((&bounds.horizon, &bounds.latest), (&None, &old.latest));
    assert_eq!(shop.tables.sweep().await.map(|swept| swept.records), Ok(1));
    assert_eq!(shop.tables.sweep().await.map(|swept| swept.records), Ok(0));

    // A wall clock set back must not bring numbers that a reader has passed.
    shop.pass(-2 * STREAM_RETENTION_MS);
    let shop = shop.reopened();
    shop.put("order#1", "3").await;
    let latest = shop.tables.bounds("EventStore").await.expect("bounds").latest;
    assert!(latest > old.latest, "{latest:?} after {:?}", old.latest);
}

#[tokio::test]
async fn a_cursor_must_be_a_number_of_ours_and_a_table_must_have_a_stream() {
    let shop = Shop::with_store().await;
    assert_eq!(
        shop.tables.read("EventStore", Some("12"), 1).await,
        Err(TablesError::Sequence("12".into()))
    );
    assert_eq!(
        shop.tables.read("Nowhere", None, 1).await,
        Err(TablesError::NoStream("Nowhere".into()))
    );
}

#[tokio::test]
async fn outsiders_read_the_stream_by_its_api() {
    let shop = Shop::with_store().await;
    shop.put("order#1", "1").await;
    shop.put("order#1", "2").await;
    let streams = shop.stream_ok("ListStreams", json!({ "TableName": "EventStore" })).await;
    let arn = streams["Streams"][0]["StreamArn"].clone();
    let described = shop.stream_ok("DescribeStream", json!({ "StreamArn": arn })).await;
    let described = &described["StreamDescription"];
    assert_eq!(described["StreamArn"], arn);
    let bounds = shop.tables.bounds("EventStore").await.expect("bounds");
    assert_eq!(
        (&json!(bounds.arn), &json!(bounds.shard)),
        (&arn, &described["Shards"][0]["ShardId"])
    );
    assert_eq!(
        json!([bounds.horizon, bounds.latest]),
        json!([
            described["Shards"][0]["SequenceNumberRange"]["StartingSequenceNumber"],
            described["Shards"][0]["SequenceNumberRange"]["EndingSequenceNumber"],
        ])
    );
    assert_eq!(described["StreamStatus"], "ENABLED");
    let iterator = shop
        .stream_ok(
            "GetShardIterator",
            json!({
                "StreamArn": arn,
                "ShardId": described["Shards"][0]["ShardId"],
                "ShardIteratorType": "TRIM_HORIZON",
            }),
        )
        .await;
    let page =
        shop.stream_ok("GetRecords", json!({ "ShardIterator": iterator["ShardIterator"] })).await;
    let records = page["Records"].as_array().cloned().unwrap_or_default();
    assert_eq!(records.len(), 2);
    assert_eq!(records[0]["awsRegion"], "eu-central-1");
    let lambdas = shop.records(None).await;
    let number = |record: &Value| record["dynamodb"]["SequenceNumber"].clone();
    assert_eq!(number(&records[1]), number(&lambdas[1]));
    let next =
        shop.stream_ok("GetRecords", json!({ "ShardIterator": page["NextShardIterator"] })).await;
    assert_eq!(next["Records"], json!([]));

    shop.pass(STREAM_RETENTION_MS + 1000);
    let late =
        shop.stream_ok("GetRecords", json!({ "ShardIterator": iterator["ShardIterator"] })).await;
    assert_eq!(late["Records"], json!([]));
}

#[tokio::test]
async fn a_table_made_anew_begins_with_no_records() {
    let shop = Shop::with_store().await;
    shop.put("order#1", "1").await;
    shop.ok("DeleteTable", json!({ "TableName": "EventStore" })).await;
    shop.tables.reconcile(&[store()]).await.expect("the table is made");
    assert_eq!(shop.records(None).await.len(), 0);
    shop.put("order#1", "1").await;
    assert_eq!(shop.records(None).await.len(), 1);
}
