//! outbox-relay: what is published, what is put aside, and what comes again.

use crate::shop::{Shop, add, now};
use contract::{
    event::{CommandDeclaration, CommandSet, Timestamp},
    fulfilment::FulfilmentCommand,
};
use functions::relay::CommandQueues;
use pointsman_kit::{
    delivery::Failure,
    publisher::Fault,
    table::{Item, Key, Op},
};
use serde_json::json;

const FULFILMENT: &str = "fulfilment#01ARZ3NDEKTSV4RRFFQ69G5FAV";
const ORDER: &str = "order#01ARZ3NDEKTSV4RRFFQ69G5FAV";

#[tokio::test(start_paused = true)]
async fn only_new_events_are_published_and_their_source_is_their_streams() {
    let shop = Shop::new();
    shop.put_row("event", ORDER, 1, "OrderPlaced", json!({ "source": "shop.payments" }));
    shop.put_row("event", "customer#ann", 1, "UserRegistered", json!({}));
    for sk in ["guard", "snapshot"] {
        let item = Item::from([("kind".to_owned(), sk.into())]);
        shop.tables.force(Op::put(Key::new("EventStore", ORDER, sk), item));
    }
    let key = || Key::new("EventStore", ORDER, "0000000001");
    shop.tables.force(Op::update(key()).set("note", "changed by hand"));
    shop.tables.force(Op::delete(key()));

    let changes = shop.changes();
    assert_eq!(changes.len(), 6);
    assert!(shop.relay(&changes).await.is_empty());
    let events = shop.bus.events();
    let sources: Vec<&str> = events.iter().map(|entry| entry.source.as_str()).collect();
    assert_eq!(sources, ["shop.orders", "shop.customers"]);
    assert_eq!(shop.queues.messages(), []);
}

#[tokio::test(start_paused = true)]
async fn of_a_batch_only_what_failed_is_sent_again() {
    let shop = Shop::new();
    for version in 1..=4 {
        shop.put_row("event", ORDER, version, "ItemAdded", json!({}));
    }
    shop.bus.fail_next(Fault::Entry(2, "ThrottlingException"));
    assert!(shop.relay(&shop.changes()).await.is_empty());
    let versions: Vec<bool> =
        shop.bus.events().iter().map(|e| e.detail.contains("G0003")).collect();
    assert_eq!(versions, [false, false, false, true]);
    assert_eq!(shop.bus.calls(), 2);
}

#[tokio::test(start_paused = true)]
async fn what_still_fails_is_returned_and_comes_again_with_all_behind_it() {
    let shop = Shop::new();
    for version in 1..=12 {
        shop.put_row("event", ORDER, version, "ItemAdded", json!({}));
    }
    let changes = shop.changes();
    // The second call, with the last two, never ends; the first ten are in.
    shop.bus.fail_next(Fault::Entry(usize::MAX, ""));
    shop.bus.fail_next(Fault::Hang);
    let failures = shop.relay(&changes).await;
    let first = format!("{:021}", changes[10].sequence);
    assert_eq!(failures.ids().collect::<Vec<_>>(), [first]);
    assert_eq!(shop.bus.events().len(), 10);

    assert!(shop.relay(&changes[10..]).await.is_empty());
    assert_eq!(shop.bus.events().len(), 12);
}

#[tokio::test(start_paused = true)]
async fn what_can_never_be_published_is_put_aside_whole_and_holds_up_nothing() {
    let shop = Shop::new();
    shop.put_row("event", "nobody#1", 1, "Nothing", json!({}));
    shop.put_row("event", ORDER, 1, "OrderPlaced", json!({ "version": 7 }));
    shop.put_row("command", ORDER, 2, "ProcessPayment", json!({}));
    shop.put_row("other", ORDER, 3, "OrderPlaced", json!({}));
    shop.put_row("event", ORDER, 4, "ItemAdded", json!({}));
    shop.put_row("event", ORDER, 5, "ItemAdded", json!({}));
    shop.bus.fail_next(Fault::Entry(1, "MalformedDetail"));
    assert!(shop.relay(&shop.changes()).await.is_empty());

    assert_eq!(shop.bus.events().len(), 1);
    let reasons = [
        ("nobody#1", "no stream of type nobody"),
        (ORDER, "it holds version 7"),
        ("ProcessPayment", "sends no ProcessPayment"),
        ("other", "neither event nor command"),
        ("G0005", "MalformedDetail"),
    ];
    let aside = shop.queues.messages();
    assert_eq!(aside.len(), reasons.len());
    for (message, (part, reason)) in aside.iter().zip(reasons) {
        assert_eq!(message.queue, "quarantine");
        assert!(message.attributes["reason"].contains(reason), "{message:?}");
        let record: serde_json::Value = serde_json::from_str(&message.body).unwrap();
        assert_eq!(record["eventName"], "INSERT");
        assert!(record["dynamodb"]["NewImage"].to_string().contains(part), "{record}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_denial_fails_the_batch_and_puts_no_good_event_aside() {
    let shop = Shop::new();
    for version in 1..=3 {
        shop.put_row("event", ORDER, version, "ItemAdded", json!({}));
    }
    let changes = shop.changes();
    let first = format!("{:021}", changes[0].sequence);
    for denial in ["AccessDeniedException", "ResourceNotFoundException", "ExpiredTokenException"] {
        // For longer than an invocation lasts.
        for _ in 0..1000 {
            shop.bus.fail_next(Fault::Call(denial));
        }
        let failures = shop.relay(&changes).await;
        assert_eq!(failures.ids().collect::<Vec<_>>(), [first.as_str()], "{denial}");
        assert_eq!((shop.bus.events(), shop.queues.messages()), (vec![], vec![]), "{denial}");
        shop.bus.forget_faults();
    }
    assert!(shop.relay(&changes).await.is_empty(), "once the role is right, all goes out");
    assert_eq!((shop.bus.events().len(), shop.queues.messages().len()), (3, 0));
}

#[tokio::test(start_paused = true)]
async fn a_quarantine_that_refuses_fails_the_batch_from_there() {
    let shop = Shop::new();
    shop.put_row("event", ORDER, 1, "OrderPlaced", json!({}));
    shop.put_row("event", "nobody#1", 1, "Nothing", json!({}));
    shop.queues.fail_next(Failure::permanent("AWS.SimpleQueueService.NonExistentQueue", ""));
    let changes = shop.changes();
    let failures = shop.relay(&changes).await;
    let second = format!("{:021}", changes[1].sequence);
    assert_eq!(failures.ids().collect::<Vec<_>>(), [second]);
    assert_eq!(shop.bus.events().len(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_command_goes_to_its_queue_and_waits_there_until_it_is_due() {
    let mut shop = Shop::new();
    shop.relay.commands = queues();
    let due = |ms: i64| json!({ "due": Timestamp::from_ms(now().as_ms() + ms).to_string() });
    let cases = [
        (json!({}), 0),
        (due(0), 0),
        (due(1), 1),
        (due(1000), 1),
        (due(2000), 2),
        (due(2001), 3),
        (due(-1), 0),
        (due(-86_400_000), 0),
        (due(900_000), 900),
        (due(3_600_000), 900),
        (due(i64::MAX / 2), 900),
    ];
    for (n, (over, _)) in cases.iter().enumerate() {
        shop.put_row("command", FULFILMENT, n as u64 + 1, "CheckDeadline", over.clone());
    }
    assert!(shop.relay(&shop.changes()).await.is_empty());
    let sent = shop.queues.messages();
    assert_eq!(sent.len(), cases.len());
    for (message, (over, delay)) in sent.iter().zip(&cases) {
        assert_eq!((message.queue.as_str(), message.delay), ("q-CheckDeadline", *delay), "{over}");
        let body: serde_json::Value = serde_json::from_str(&message.body).unwrap();
        assert_eq!(
            (&body["detail-type"], &body["source"]),
            (&json!("CheckDeadline"), &json!("shop.fulfilment"))
        );
    }
    assert_eq!(shop.bus.events(), []);
}

#[tokio::test(start_paused = true)]
async fn fulfilment_alone_sends_commands_each_to_its_own_queue() {
    let mut shop = Shop::new();
    shop.relay.commands = queues();
    let commands = FulfilmentCommand::declarations();
    assert_eq!(commands.len(), shop.relay.commands.len());
    let streams = ["customer", "order", "payment", "inventory", "shipment"];
    for (n, command) in commands.iter().enumerate() {
        let version = n as u64 + 1;
        shop.put_row("command", FULFILMENT, version, command.name, json!({}));
        for stream in streams {
            let stream = FULFILMENT.replace("fulfilment", stream);
            shop.put_row("command", &stream, version, command.name, json!({}));
        }
    }
    shop.put_row("command", FULFILMENT, 8, "PlaceOrder", json!({}));
    assert!(shop.relay(&shop.changes()).await.is_empty());

    let (aside, sent): (Vec<_>, Vec<_>) =
        shop.queues.messages().into_iter().partition(|message| message.queue == "quarantine");
    let names: Vec<&str> = sent.iter().map(|message| &message.queue["q-".len()..]).collect();
    assert_eq!(names, commands.iter().map(|command| command.name).collect::<Vec<_>>());
    assert_eq!(aside.len(), commands.len() * streams.len() + 1);
    assert_eq!(shop.bus.events(), []);
}

/// A queue for each command that a stream sends.
fn queues() -> CommandQueues {
    let queue = |command: &CommandDeclaration| {
        let route = ("fulfilment".to_owned(), command.name.to_owned());
        (route, format!("q-{}", command.name))
    };
    FulfilmentCommand::declarations().iter().map(queue).collect()
}

#[tokio::test(start_paused = true)]
async fn every_event_gets_out_however_unwell_the_bus_is() {
    for seed in 0..30 {
        let shop = Shop::new();
        let order_id = shop.place("ann", "k").await;
        for n in 0..25 {
            assert_eq!(
                shop.ask(add("ann", &format!("k{n}"), &order_id, "CUP-BLUE", 1)).await.status,
                202
            );
        }
        shop.bus.flaky(seed, 40);
        let mut left = shop.changes();
        while !left.is_empty() {
            let failures = shop.relay(&left).await;
            let from = failures.ids().next().map(|id| id.parse::<u64>().unwrap());
            left.retain(|change| from.is_some_and(|from| change.sequence >= from));
        }
        let mut details: Vec<String> = shop.bus.events().into_iter().map(|e| e.detail).collect();
        details.sort_unstable();
        details.dedup();
        assert_eq!(details.len(), 26, "seed {seed}");
        assert_eq!(shop.queues.messages(), [], "seed {seed}");
    }
}
