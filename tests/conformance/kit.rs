use crate::sdk_config::sdk_config;
use pointsman::testing::{self, Running};
use pointsman_kit::clock::Deadline;
use pointsman_kit::delivery::Outcome;
use pointsman_kit::publisher::{Entry, EventBridge, Publisher};
use pointsman_kit::queues::{Message, Sender, Sqs};
use pointsman_kit::table::{DynamoDb, Index};
use pointsman_kit::testing::{lock_suite, store_suite, table_suite, transaction_suite};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

/// A table of the template without a stream.
const SERVICES: &str = "local-Services";
const READ_MODEL: &str = "local-ReadModel";

#[tokio::test(flavor = "multi_thread")]
async fn the_table_adapter_passes_the_ports_suites_on_the_engine() {
    let shop = start().await;
    let client = aws_sdk_dynamodb::Client::new(&sdk_config(shop.endpoint()).await);
    let tables = Arc::new(DynamoDb::new(client));
    let index = Index { name: "by-customer", pk: "customer", sk: "placedAt" };
    table_suite(&*tables, READ_MODEL, "table-", Some(index)).await;
    store_suite(tables.clone(), SERVICES, "store").await;
    lock_suite(&*tables, SERVICES, "lock").await;
    transaction_suite(tables, READ_MODEL, SERVICES, "transaction").await;
    shop.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_publisher_gets_events_onto_the_engines_bus_and_says_which_can_never_be() {
    let shop = start().await;
    shop.switch("order-view", false).await;
    let client = aws_sdk_eventbridge::Client::new(&sdk_config(shop.endpoint()).await);
    let publisher = Publisher::new(Arc::new(EventBridge::new(client, "shop")));
    let entries: Vec<Entry> = (0..25)
        .map(|n| {
            let detail = if n == 13 { "no JSON".to_owned() } else { format!(r#"{{"n":{n}}}"#) };
            Entry::new("shop.orders", "OrderPlaced", detail)
        })
        .collect();
    let outcomes = publisher.publish(&entries, soon()).await;
    assert_eq!(outcomes.len(), 25);
    for (n, outcome) in outcomes.iter().enumerate() {
        match outcome {
            Outcome::Rejected(failure) => assert_eq!((n, &*failure.code), (13, "MalformedDetail")),
            outcome => assert!(outcome.is_accepted(), "{n}: {outcome:?}"),
        }
    }
    shop.wait_until_idle().await;
    let ledger = shop.ledger().await;
    assert_eq!((ledger.events, ledger.queue("order-view").accepted), (24, 24), "{ledger}");
    shop.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_sender_gets_messages_into_the_engines_queues_and_says_which_can_never_be() {
    let shop = start().await;
    let client = aws_sdk_sqs::Client::new(&sdk_config(shop.endpoint()).await);
    let url = client.get_queue_url().queue_name("outbox-relay-quarantine").send().await;
    let url = url.expect("GetQueueUrl").queue_url.expect("a URL");
    let sender = Sender::new(Arc::new(Sqs::new(client.clone())));
    let messages: Vec<Message> = (0..25)
        .map(|n| {
            // A character that XML, and so a message, cannot hold.
            let body = if n == 13 { "\u{1}".to_owned() } else { n.to_string() };
            Message::new(url.clone(), body).attribute("number", &n.to_string())
        })
        .collect();
    let outcomes = sender.send(&messages, soon()).await;
    let rejected: Vec<usize> =
        outcomes.iter().enumerate().filter(|(_, o)| !o.is_accepted()).map(|(n, _)| n).collect();
    assert_eq!(rejected, [13], "{:?}", outcomes[13]);
    assert!(matches!(&outcomes[13], Outcome::Rejected(_)), "{:?}", outcomes[13]);

    let mut numbers = vec![];
    while numbers.len() < 24 {
        let receive = client.receive_message().queue_url(&url).max_number_of_messages(10);
        let received = receive.wait_time_seconds(20).message_attribute_names("All").send().await;
        let received = received.expect("ReceiveMessage");
        assert!(!received.messages().is_empty(), "{} of 24 came", numbers.len());
        for message in received.messages() {
            let attributes = message.message_attributes().expect("attributes");
            assert_eq!(attributes["number"].string_value(), message.body());
            numbers.push(message.body().expect("a body").parse::<usize>().expect("a number"));
        }
    }
    numbers.sort_unstable();
    assert_eq!(numbers, (0..25).filter(|n| *n != 13).collect::<Vec<_>>());
    shop.stop().await;
}

async fn start() -> Running {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("tests is a member");
    testing::start(root.join("infra/template.yaml")).await.expect("the shop starts")
}

fn soon() -> Deadline {
    Deadline::after(Duration::from_secs(20))
}
