//! A clock moved by hand: everything that waits for time follows it, and the real binaries see it in what AWS stamps.

use crate::shop::Shop;
use crate::support::order;
use pointsman_kit::event::Timestamp;
use serde_json::{Value, json};
use std::time::Duration;

const HOUR: Duration = Duration::from_secs(60 * 60);
const DAY_AND_MORE: Duration = Duration::from_secs(25 * 60 * 60);
/// Wall time that a test may have taken: less than any step of the clock.
const SLACK: i64 = 15 * 60 * 1000;

#[tokio::test(flavor = "multi_thread")]
async fn a_request_is_stamped_with_engine_time_and_so_is_what_follows_from_it() {
    let shop = Shop::start().await;
    let before = shop.anna.place("key-1", &order("TEA-ASSAM-100", 1)).order_id();
    shop.equation().await;
    let moved = shop.running.advance(DAY_AND_MORE).await;
    near(moved.to_ms - moved.from_ms, 0);
    let after = shop.anna.place("key-2", &order("TEA-ASSAM-100", 1)).order_id();
    shop.equation().await;
    // Of requestContext.timeEpoch the handler makes the event's time.
    let placed = |id: &str| {
        let history = shop.anna.get(&format!("/orders/{id}/history"));
        instant(&history.body["events"][0]["metadata"]["occurredAt"])
    };
    near(placed(&after), placed(&before));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_message_is_stamped_with_engine_time_when_it_is_sent_and_when_it_is_first_received() {
    let shop = Shop::start().await;
    let send = |body: &str| {
        let url = shop.anna.queue("undelivered");
        let input = json!({ "QueueUrl": url, "MessageBody": body });
        shop.anna.call("AmazonSQS.SendMessage", &input);
    };
    send("before");
    let first = stamps(&shop.anna.receive("undelivered")[0]);
    shop.running.advance(DAY_AND_MORE).await;
    // The first comes again: it keeps its stamps. The second has those of the new time.
    let again = stamps(&shop.anna.receive("undelivered")[0]);
    assert_eq!(again, first);
    send("after");
    let second = stamps(&shop.anna.receive("undelivered")[0]);
    near(second.0, first.0);
    near(second.1, first.1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_record_of_a_stream_is_stamped_with_engine_time_and_kept_for_a_day_of_it() {
    let shop = Shop::start().await;
    shop.running.switch("outbox-relay", false).await;
    shop.anna.place("key-1", &order("TEA-ASSAM-100", 1));
    let [before] = records(&shop)[..] else { panic!("one record") };
    shop.running.advance(HOUR).await;
    assert_eq!(records(&shop), [before], "an hour is not a day");
    let moved = shop.running.advance(DAY_AND_MORE).await;
    assert_eq!(moved.records, 0, "the newest record stays, for the numbers to go on from it");
    assert!(records(&shop).is_empty(), "but nobody reads it any more");
    shop.anna.place("key-2", &order("TEA-ASSAM-100", 1));
    let [after] = records(&shop)[..] else { panic!("one record") };
    near(after, before + HOUR.as_millis() as i64);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_event_is_stamped_with_engine_time() {
    let shop = Shop::start().await;
    shop.running.switch("order-view", false).await;
    let time = || {
        shop.anna.publish(&[("shop.orders", "OrderPlaced", json!({}))]);
        let messages = shop.anna.receive("order-view");
        let body = messages.last().expect("a message")["Body"].as_str().expect("text");
        instant(&serde_json::from_str::<Value>(body).expect("an event")["time"])
    };
    let before = time();
    shop.running.jump(DAY_AND_MORE).await;
    shop.anna.call("AmazonSQS.PurgeQueue", &json!({ "QueueUrl": shop.anna.queue("order-view") }));
    near(time(), before);
}

#[tokio::test(flavor = "multi_thread")]
async fn retention_and_time_to_live_end_by_engine_time() {
    let shop = Shop::start().await;
    for function in ["order-view", "fulfilment"] {
        shop.running.switch(function, false).await;
    }
    shop.anna.place("key-1", &order("TEA-ASSAM-100", 1));
    shop.running.wait_until_idle().await;
    let keys = || shop.anna.scan("Services").len();
    assert_eq!((shop.anna.depth("order-view"), keys()), (1, 1));
    let moved = shop.running.advance(25 * HOUR).await;
    // A request's key lives for a day, a message of these queues for four.
    assert_eq!((moved.items, moved.expired), (1, 0));
    assert_eq!((shop.anna.depth("order-view"), keys()), (1, 0));
    let moved = shop.running.advance(4 * 24 * HOUR).await;
    assert_eq!((moved.items, moved.expired), (0, 2));
    let ledger = shop.running.ledger().await;
    for queue in ["order-view", "fulfilment"].map(|name| ledger.queue(name)) {
        assert_eq!((queue.there, queue.dropped), (0, 1), "{ledger}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn while_hours_pass_a_function_gets_each_of_its_tries_and_a_jump_is_one() {
    let shop = Shop::start().await;
    // An open order waits for time, too.
    shop.running.switch("fulfilment", false).await;
    shop.publish_gap();
    shop.running.wait_until_time_must_pass().await;
    // In one step the minute of its visibility timeout is over once.
    let moved = shop.running.jump(HOUR).await;
    assert_eq!((moved.visible, moved.dead_lettered), (1, 0));
    shop.running.wait_until_time_must_pass().await;
    // An hour that passes has time for all of the rest: five receives, and then it is put aside.
    let moved = shop.running.advance(HOUR).await;
    assert_eq!((moved.visible, moved.invocations, moved.dead_lettered), (4, 3, 1), "{moved:?}");
    shop.equation().await;
    assert_eq!(shop.anna.depth("order-view-dlq"), 1);
}

/// About 25 hours lie between these, in milliseconds.
#[track_caller]
fn near(later: i64, earlier: i64) {
    let off = later - earlier - DAY_AND_MORE.as_millis() as i64;
    assert!((-SLACK..SLACK).contains(&off), "{off} ms off 25 hours");
}

fn instant(time: &Value) -> i64 {
    let text = time.as_str().expect("a time");
    text.parse::<Timestamp>().expect("RFC 3339").as_ms()
}

/// `SentTimestamp` and `ApproximateFirstReceiveTimestamp`.
fn stamps(message: &Value) -> (i64, i64) {
    let of = |name: &str| {
        message["Attributes"][name].as_str().expect("a stamp").parse().expect("milliseconds")
    };
    (of("SentTimestamp"), of("ApproximateFirstReceiveTimestamp"))
}

/// `ApproximateCreationDateTime` of the event store's records, in milliseconds.
fn records(shop: &Shop) -> Vec<i64> {
    let call = |action: &str, input: Value| {
        shop.anna.call(&format!("DynamoDBStreams_20120810.{action}"), &input)
    };
    let streams = call("ListStreams", json!({ "TableName": "local-EventStore" }));
    let stream = &streams["Streams"][0]["StreamArn"];
    let described = call("DescribeStream", json!({ "StreamArn": stream }));
    let shard = &described["StreamDescription"]["Shards"][0]["ShardId"];
    let at = json!({ "StreamArn": stream, "ShardId": shard, "ShardIteratorType": "TRIM_HORIZON" });
    let iterator = call("GetShardIterator", at)["ShardIterator"].clone();
    let answer = call("GetRecords", json!({ "ShardIterator": iterator }));
    let records = answer["Records"].as_array().expect("records");
    let created = |record: &Value| {
        record["dynamodb"]["ApproximateCreationDateTime"].as_f64().expect("seconds")
    };
    records.iter().map(|record| (created(record) * 1000.0) as i64).collect()
}
