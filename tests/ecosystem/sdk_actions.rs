//! The actions of actions.json by the Rust SDK, each at least once.

use crate::sdk_config::sdk_config;
use crate::shop::{actions, start};
use aws_sdk_dynamodb::types as tables;
use aws_sdk_eventbridge::types as bus;
use aws_sdk_lambda::{primitives::Blob, types::InvocationType};
use aws_sdk_sqs::types as queues;
use std::collections::BTreeSet;
use std::fmt::Debug;
use std::future::Future;

const BUS: &str = "tools";
const RULE: &str = "tried";
const TABLE: &str = "local-ReadModel";

/// The actions that were called.
#[derive(Default)]
struct Called(BTreeSet<String>);

impl Called {
    /// Waits for an answer.
    async fn ok<T, E: Debug>(&mut self, name: &str, sent: impl Future<Output = Result<T, E>>) -> T {
        self.0.insert(name.to_owned());
        sent.await.unwrap_or_else(|error| panic!("{name}: {error:?}"))
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_rust_sdk_calls_every_action_of_the_table() {
    let shop = start().await;
    let config = sdk_config(shop.endpoint()).await;
    let mut called = Called::default();
    let sts = aws_sdk_sts::Client::new(&config);
    let me = called.ok("sts GetCallerIdentity", sts.get_caller_identity().send()).await;
    assert_eq!(me.account(), Some("000000000000"));
    buses_and_queues(&mut called, &config).await;
    functions(&mut called, &config).await;
    items(&mut called, &config).await;
    let name = |row: &serde_json::Value| {
        format!(
            "{} {}",
            row["service"].as_str().unwrap_or(""),
            row["action"].as_str().unwrap_or("")
        )
    };
    assert_eq!(called.0, actions().iter().map(name).collect::<BTreeSet<_>>());
    shop.stop().await;
}

async fn buses_and_queues(called: &mut Called, config: &aws_config::SdkConfig) {
    let events = aws_sdk_eventbridge::Client::new(config);
    let sqs = aws_sdk_sqs::Client::new(config);
    called.ok("events CreateEventBus", events.create_event_bus().name(BUS).send()).await;
    let shown = events.describe_event_bus().name(BUS).send();
    assert_eq!(called.ok("events DescribeEventBus", shown).await.name(), Some(BUS));
    let listed = events.list_event_buses().name_prefix("tool").send();
    assert_eq!(called.ok("events ListEventBuses", listed).await.event_buses().len(), 1);
    let event = r#"{"id": "1", "account": "000000000000", "source": "tools", "time": "2026-11-21T09:30:00Z",
        "region": "us-east-1", "resources": [], "detail-type": "Tried", "detail": {}}"#;
    let pattern = r#"{"source": ["tools"]}"#;
    let tested = events.test_event_pattern().event_pattern(pattern).event(event).send();
    assert!(called.ok("events TestEventPattern", tested).await.result());
    let rule = events.put_rule().name(RULE).event_bus_name(BUS).event_pattern(pattern);
    called.ok("events PutRule", rule.send()).await;
    let shown = events.describe_rule().name(RULE).event_bus_name(BUS).send();
    assert_eq!(called.ok("events DescribeRule", shown).await.event_pattern(), Some(pattern));
    let listed = events.list_rules().event_bus_name(BUS).send();
    assert_eq!(called.ok("events ListRules", listed).await.rules().len(), 1);

    let dlq = sqs.create_queue().queue_name("tools-dlq").send();
    let dlq = called.ok("sqs CreateQueue", dlq).await.queue_url.expect("a URL");
    let redrive = r#"{"deadLetterTargetArn": "arn:aws:sqs:us-east-1:000000000000:tools-dlq", "maxReceiveCount": "5"}"#;
    let queue = sqs.create_queue().queue_name("tools");
    let queue = queue.attributes(queues::QueueAttributeName::RedrivePolicy, redrive).send();
    let queue = called.ok("sqs CreateQueue", queue).await.queue_url.expect("a URL");
    let url = called.ok("sqs GetQueueUrl", sqs.get_queue_url().queue_name("tools").send()).await;
    assert_eq!(url.queue_url(), Some(&*queue));
    let listed = sqs.list_queues().queue_name_prefix("tools").send();
    assert_eq!(called.ok("sqs ListQueues", listed).await.queue_urls().len(), 2);
    let sources = sqs.list_dead_letter_source_queues().queue_url(&dlq).send();
    let sources = called.ok("sqs ListDeadLetterSourceQueues", sources).await;
    assert_eq!(sources.queue_urls(), std::slice::from_ref(&queue));
    let visibility = queues::QueueAttributeName::VisibilityTimeout;
    let set = sqs.set_queue_attributes().queue_url(&queue).attributes(visibility.clone(), "30");
    called.ok("sqs SetQueueAttributes", set.send()).await;
    let got = sqs.get_queue_attributes().queue_url(&queue).attribute_names(visibility.clone());
    let got = called.ok("sqs GetQueueAttributes", got.send()).await;
    assert_eq!(got.attributes().map(|all| &*all[&visibility]), Some("30"));

    let target = bus::Target::builder().id("tools").arn("arn:aws:sqs:us-east-1:000000000000:tools");
    let target = target.build().expect("a target");
    let put = events.put_targets().rule(RULE).event_bus_name(BUS).targets(target).send();
    assert_eq!(called.ok("events PutTargets", put).await.failed_entry_count(), 0);
    let listed = events.list_targets_by_rule().rule(RULE).event_bus_name(BUS).send();
    assert_eq!(called.ok("events ListTargetsByRule", listed).await.targets().len(), 1);
    let off = events.disable_rule().name(RULE).event_bus_name(BUS);
    called.ok("events DisableRule", off.send()).await;
    let on = events.enable_rule().name(RULE).event_bus_name(BUS);
    called.ok("events EnableRule", on.send()).await;
    let entry = bus::PutEventsRequestEntry::builder().event_bus_name(BUS).source("tools");
    let entry = entry.detail_type("Tried").detail("{}").build();
    let put = events.put_events().entries(entry).send();
    assert_eq!(called.ok("events PutEvents", put).await.failed_entry_count(), 0);
    messages(called, &sqs, &queue).await;
    let gone = events.remove_targets().rule(RULE).event_bus_name(BUS).ids("tools").send();
    assert_eq!(called.ok("events RemoveTargets", gone).await.failed_entry_count(), 0);
    let gone = events.delete_rule().name(RULE).event_bus_name(BUS);
    called.ok("events DeleteRule", gone.send()).await;
    called.ok("sqs DeleteQueue", sqs.delete_queue().queue_url(&queue).send()).await;
}

/// One message, an event, is in the queue already.
async fn messages(called: &mut Called, sqs: &aws_sdk_sqs::Client, queue: &str) {
    let receive = || sqs.receive_message().queue_url(queue).wait_time_seconds(20).send();
    let handle = |received: aws_sdk_sqs::operation::receive_message::ReceiveMessageOutput| {
        let [message] = received.messages() else { panic!("one message is wanted: {received:?}") };
        message.receipt_handle().expect("a handle").to_owned()
    };
    let event = handle(called.ok("sqs ReceiveMessage", receive()).await);
    let longer = sqs.change_message_visibility().queue_url(queue).receipt_handle(&event);
    called.ok("sqs ChangeMessageVisibility", longer.visibility_timeout(600).send()).await;
    let gone = sqs.delete_message().queue_url(queue).receipt_handle(&event).send();
    called.ok("sqs DeleteMessage", gone).await;
    let sent = sqs.send_message().queue_url(queue).message_body("one").send();
    let sent = called.ok("sqs SendMessage", sent).await;
    assert_eq!(sent.md5_of_message_body(), Some("f97c5d29941bfb1b2fdab0874906ab82"));
    let one = handle(called.ok("sqs ReceiveMessage", receive()).await);
    let entry = queues::ChangeMessageVisibilityBatchRequestEntry::builder().id("a");
    let entry = entry.receipt_handle(&one).visibility_timeout(600).build().expect("an entry");
    let longer = sqs.change_message_visibility_batch().queue_url(queue).entries(entry).send();
    let longer = called.ok("sqs ChangeMessageVisibilityBatch", longer).await;
    assert_eq!(longer.successful().len(), 1);
    let entry = queues::DeleteMessageBatchRequestEntry::builder().id("a").receipt_handle(&one);
    let entry = entry.build().expect("an entry");
    let gone = sqs.delete_message_batch().queue_url(queue).entries(entry).send();
    assert_eq!(called.ok("sqs DeleteMessageBatch", gone).await.successful().len(), 1);
    let entry = queues::SendMessageBatchRequestEntry::builder().id("a").message_body("two");
    let entry = entry.build().expect("an entry");
    let sent = sqs.send_message_batch().queue_url(queue).entries(entry).send();
    assert_eq!(called.ok("sqs SendMessageBatch", sent).await.successful().len(), 1);
    called.ok("sqs PurgeQueue", sqs.purge_queue().queue_url(queue).send()).await;
}

async fn functions(called: &mut Called, config: &aws_config::SdkConfig) {
    let lambda = aws_sdk_lambda::Client::new(config);
    let listed = called.ok("lambda ListFunctions", lambda.list_functions().send()).await;
    assert!(!listed.functions().is_empty());
    let shown = lambda.get_function().function_name("outbox-relay").send();
    assert!(called.ok("lambda GetFunction", shown).await.configuration().is_some());
    let listed = lambda.list_event_source_mappings().function_name("order-view").send();
    let listed = called.ok("lambda ListEventSourceMappings", listed).await;
    let uuid = listed.event_source_mappings()[0].uuid().expect("an id");
    let shown = lambda.get_event_source_mapping().uuid(uuid).send();
    assert_eq!(called.ok("lambda GetEventSourceMapping", shown).await.uuid(), Some(uuid));
    let updated = lambda.update_event_source_mapping().uuid(uuid).batch_size(5).send();
    let updated = called.ok("lambda UpdateEventSourceMapping", updated).await;
    assert_eq!(updated.batch_size(), Some(5));
    let kinds = [InvocationType::RequestResponse, InvocationType::Event, InvocationType::DryRun];
    for (kind, status) in kinds.into_iter().zip([200, 202, 204]) {
        let invoke = lambda.invoke().function_name("outbox-relay").invocation_type(kind);
        let invoke = invoke.payload(Blob::new(r#"{"Records": []}"#)).send();
        assert_eq!(called.ok("lambda Invoke", invoke).await.status_code(), status);
    }
}

async fn items(called: &mut Called, config: &aws_config::SdkConfig) {
    let client = aws_sdk_dynamodb::Client::new(config);
    let text = |text: &str| tables::AttributeValue::S(text.into());
    let listed = called.ok("dynamodb ListTables", client.list_tables().send()).await;
    assert!(listed.table_names().iter().any(|name| name == TABLE));
    let shown = client.describe_table().table_name(TABLE).send();
    assert!(called.ok("dynamodb DescribeTable", shown).await.table().is_some());
    let put = client.put_item().table_name(TABLE).item("pk", text("tools")).item("sk", text("1"));
    called.ok("dynamodb PutItem", put.send()).await;
    let update = client.update_item().table_name(TABLE).key("pk", text("tools"));
    let update = update.key("sk", text("1")).update_expression("SET n = :n");
    let update = update.expression_attribute_values(":n", text("two"));
    called.ok("dynamodb UpdateItem", update.send()).await;
    let got = client.get_item().table_name(TABLE).key("pk", text("tools")).key("sk", text("1"));
    let got = called.ok("dynamodb GetItem", got.send()).await;
    assert_eq!(got.item().map(|item| &item["n"]), Some(&text("two")));
    let put = tables::Put::builder().table_name(TABLE).item("pk", text("tools"));
    let put = put.item("sk", text("2")).build().expect("a put");
    let write = tables::TransactWriteItem::builder().put(put).build();
    let written = client.transact_write_items().transact_items(write).send();
    called.ok("dynamodb TransactWriteItems", written).await;
    let put = tables::PutRequest::builder().item("pk", text("tools")).item("sk", text("3"));
    let put = tables::WriteRequest::builder().put_request(put.build().expect("a put")).build();
    let written = client.batch_write_item().request_items(TABLE, vec![put]).send();
    called.ok("dynamodb BatchWriteItem", written).await;
    let key = [("pk".to_owned(), text("tools")), ("sk".to_owned(), text("3"))];
    let keys = tables::KeysAndAttributes::builder().keys(key.into()).build().expect("keys");
    let got = client.batch_get_item().request_items(TABLE, keys).send();
    let got = called.ok("dynamodb BatchGetItem", got).await;
    assert_eq!(got.responses().map(|tables| tables[TABLE].len()), Some(1));
    let query = client.query().table_name(TABLE).key_condition_expression("pk = :pk");
    let query = query.expression_attribute_values(":pk", text("tools")).send();
    assert_eq!(called.ok("dynamodb Query", query).await.count(), 3);
    let gone = client.delete_item().table_name(TABLE).key("pk", text("tools"));
    called.ok("dynamodb DeleteItem", gone.key("sk", text("3")).send()).await;
    let scan = called.ok("dynamodb Scan", client.scan().table_name(TABLE).send()).await;
    assert_eq!(scan.count(), 2);
}
