use crate::sdk_config::sdk_config;
use crate::shop::{BUS, EMPTY_BATCH, FUNCTION, QUEUE, SOURCE, TABLE, all_were_deleted, start};
use aws_sdk_dynamodb::types::AttributeValue;
use aws_sdk_eventbridge::types::PutEventsRequestEntry;
use aws_sdk_lambda::primitives::Blob;
use aws_sdk_lambda::types::InvocationType;
use std::collections::HashSet;

#[tokio::test(flavor = "multi_thread")]
async fn the_rust_sdk_puts_events_and_receives_and_deletes_what_the_rule_delivered() {
    let shop = start().await;
    let config = sdk_config(shop.endpoint()).await;
    let events = aws_sdk_eventbridge::Client::new(&config);
    let entry = |source: &str, detail: &str| {
        let entry = PutEventsRequestEntry::builder().event_bus_name(BUS).source(source);
        entry.detail_type("OrderPlaced").detail(detail).build()
    };
    let put = events
        .put_events()
        .entries(entry(SOURCE, r#"{"n":1}"#))
        .entries(entry("another.source", r#"{"n":2}"#))
        .entries(entry(SOURCE, "no JSON"))
        .entries(entry(SOURCE, r#"{"n":3}"#));
    let put = put.send().await.expect("PutEvents");
    assert_eq!(put.failed_entry_count(), 1);
    let codes: Vec<_> = put.entries().iter().map(|entry| entry.error_code()).collect();
    assert_eq!(codes, [None, None, Some("MalformedDetail"), None]);
    let ids: HashSet<_> = put.entries().iter().filter_map(|entry| entry.event_id()).collect();
    assert_eq!(ids.len(), 3, "each accepted event has an id of its own");

    let queues = aws_sdk_sqs::Client::new(&config);
    let url = queues.get_queue_url().queue_name(QUEUE).send().await.expect("GetQueueUrl");
    let url = url.queue_url().expect("a URL");
    let mut numbers = vec![];
    while numbers.len() < 2 {
        let receive = queues.receive_message().queue_url(url).max_number_of_messages(10);
        let received = receive.wait_time_seconds(20).send().await.expect("ReceiveMessage");
        assert!(!received.messages().is_empty(), "both events are delivered: {numbers:?}");
        for message in received.messages() {
            let body: serde_json::Value =
                serde_json::from_str(message.body().expect("a body")).expect("an event");
            assert_eq!(
                (&body["source"], &body["detail-type"]),
                (&SOURCE.into(), &"OrderPlaced".into())
            );
            assert!(ids.contains(body["id"].as_str().expect("an id")), "{body}");
            numbers.push(body["detail"]["n"].as_i64().expect("a number"));
            let handle = message.receipt_handle().expect("a handle");
            let delete = queues.delete_message().queue_url(url).receipt_handle(handle);
            delete.send().await.expect("DeleteMessage");
        }
    }
    numbers.sort_unstable();
    assert_eq!(numbers, [1, 3]);
    all_were_deleted(&shop, 2).await;
    shop.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_rust_sdk_invokes_a_function_and_reads_its_error() {
    let shop = start().await;
    let lambda = aws_sdk_lambda::Client::new(&sdk_config(shop.endpoint()).await);
    let invoke =
        |payload: &str| lambda.invoke().function_name(FUNCTION).payload(Blob::new(payload));
    let answer = invoke(EMPTY_BATCH).send().await.expect("Invoke");
    assert_eq!((answer.status_code(), answer.function_error()), (200, None));
    let payload = answer.payload().expect("a payload").as_ref();
    let payload: serde_json::Value = serde_json::from_slice(payload).expect("JSON");
    assert_eq!(payload, serde_json::json!({ "batchItemFailures": [] }));

    let failed = invoke(r#""no batch""#).send().await.expect("Invoke");
    assert_eq!((failed.status_code(), failed.function_error()), (200, Some("Unhandled")));
    let payload = failed.payload().expect("a payload").as_ref();
    let payload: serde_json::Value = serde_json::from_slice(payload).expect("JSON");
    assert!(payload["errorMessage"].as_str().is_some_and(|text| !text.is_empty()), "{payload}");

    let event = invoke(EMPTY_BATCH).invocation_type(InvocationType::Event);
    assert_eq!(event.send().await.expect("Invoke").status_code(), 202);
    shop.wait_until_idle().await;

    let unknown = lambda.invoke().function_name("nobody").send().await;
    let unknown = unknown.expect_err("there is no such function").into_service_error();
    assert!(unknown.is_resource_not_found_exception(), "{unknown:?}");
    shop.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_rust_sdk_scans_a_table_by_pages() {
    let shop = start().await;
    let tables = aws_sdk_dynamodb::Client::new(&sdk_config(shop.endpoint()).await);
    for n in 0..5 {
        let put = tables.put_item().table_name(TABLE);
        let put = put.item("pk", AttributeValue::S(format!("p{n}")));
        let put = put.item("sk", AttributeValue::S("s".into()));
        put.item("n", AttributeValue::N(n.to_string())).send().await.expect("PutItem");
    }
    let scan = tables.scan().table_name(TABLE).limit(2).into_paginator().items().send();
    let items = scan.collect::<Result<Vec<_>, _>>().await.expect("Scan");
    let mut numbers: Vec<_> = items.iter().filter_map(|item| item["n"].as_n().ok()).collect();
    numbers.sort_unstable();
    assert_eq!(numbers, ["0", "1", "2", "3", "4"]);
    shop.stop().await;
}
