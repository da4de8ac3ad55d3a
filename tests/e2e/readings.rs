//! Readings of servers: told in batches, each with its own answer, straight to the bus.

use crate::shop::Shop;
use pointsman::testing::What;
use pointsman_kit::event::Timestamp;
use serde_json::{Value, json};

#[tokio::test(flavor = "multi_thread")]
async fn readings_are_on_the_bus_and_who_told_them_knows_which() {
    let shop = Shop::start().await;
    let anna = &shop.anna;
    let collector = anna.with_token(&anna.token("collector", "readings:write"));
    let before = shop.counts();
    let mut tail = anna.tail();
    let reading = |host: &str, percent: Value| json!({ "host": host, "at": "2026-11-21T09:30:00Z", "cpuPercent": percent });
    let mut told: Vec<Value> = (0..12).map(|n| reading(&format!("web-{n}"), json!(n))).collect();
    told[3] = reading("web-3", json!(101));
    told.push(told[0].clone());
    let body = json!({ "readings": told }).to_string();

    let answer = collector.post("/readings", None, &body);
    assert_eq!(answer.status, 207, "{answer:?}");
    let results = answer.body["results"].as_array().expect("results");
    assert_eq!((&results[3]["status"], &results[3]["field"]), (&json!(400), &json!("cpuPercent")));
    let accepted = results.iter().filter(|result| result["status"] == 202).count();
    assert_eq!((accepted, results.len(), &results[12]), (12, 13, &results[0]));
    // Nobody listens for it, which is told.
    let told = tail.find(|line| line["detailType"] == "CpuUsageRecorded");
    assert_eq!(
        (&told["source"], &told["targets"]),
        (&json!("shop.readings"), &json!([])),
        "{told}"
    );
    // The same again is the same events.
    assert_eq!(collector.post("/readings", None, &body).body, answer.body);

    assert_eq!(anna.post("/readings", None, &body).status, 403, "another scope");
    assert_eq!(anna.with_token("").post("/readings", None, &body).status, 401);
    let wrong = collector.post("/readings", None, "{\"readings\": []}");
    assert_eq!((wrong.status, &wrong.body["field"]), (422, &json!("readings")));
    assert_eq!(shop.counts(), before, "readings are in no table");
    let ledger = shop.equation().await;
    assert_eq!(ledger.events, 22, "{ledger}");
}

#[tokio::test(flavor = "multi_thread")]
async fn every_minute_the_schedule_takes_a_reading_for_the_minute_that_was_due() {
    let shop = Shop::with_parameter("ReadingsSchedule", "ENABLED").await;
    let mut tail = shop.anna.tail();
    shop.pass(3 * 60).await;
    shop.running.wait_until_idle().await;
    let ledger = shop.running.ledger().await;
    if !cfg!(target_os = "linux") {
        // Elsewhere a machine does not tell its load.
        assert_eq!(ledger.events, 0, "{ledger}");
        return;
    }
    // At once, and then every minute.
    assert_eq!(ledger.events, 4, "{ledger}");
    let mut minutes = vec![];
    for _ in 0..3 {
        let told = tail.find(|line| line["detailType"] == "CpuUsageRecorded");
        let trace = shop.running.trace(told["id"].as_str().expect("an id")).await;
        let [tree] = &trace.trees[..] else { panic!("{trace:?}") };
        let What::Schedule { scheduled, .. } = &tree.what else { panic!("{tree:?}") };
        minutes.push(scheduled.parse::<Timestamp>().expect("a time").as_ms());
    }
    let apart: Vec<i64> = minutes.windows(2).map(|two| two[1] - two[0]).collect();
    assert_eq!(apart, [60_000, 60_000], "each for its own minute");
}
