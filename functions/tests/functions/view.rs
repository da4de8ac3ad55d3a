//! order-view: the same row from events in any order, with gaps and duplicates, for each generation.

use crate::shop::{Shop, add, at_once, get, send_to};
use pointsman_kit::table::{Fault, Item, Key, Memory, Op, Value, to_item};
use serde_json::json;

/// An order of five events, and these as its queue gets them; nothing is shown yet.
async fn five_events(shop: &Shop) -> (String, Vec<String>) {
    let order_id = shop.place("ann", "k0").await;
    for (key, sku) in [("k1", "CUP-BLUE"), ("k2", "POT-IRON"), ("k3", "CUP-BLUE")] {
        assert_eq!(shop.ask(add("ann", key, &order_id, sku, 1)).await.status, 202);
    }
    assert_eq!(shop.ask(send_to("ann", &order_id, "Rome")).await.status, 202);
    let bodies = shop.relayed().await;
    assert_eq!(bodies.len(), 5);
    (order_id, bodies)
}

/// A row without its revision, which counts writes and not events.
fn content(row: Option<Item>) -> Item {
    let mut row = row.expect("a row");
    row.remove("rev");
    row
}

#[tokio::test(start_paused = true)]
async fn any_order_and_any_duplicates_lead_to_the_same_row() {
    let shop = Shop::new();
    let (order_id, bodies) = five_events(&shop).await;
    assert!(shop.show(&bodies).await.is_empty());
    let expected = content(shop.row("1", &order_id));
    assert_eq!(position(&expected), 5);

    let mut order: Vec<usize> = (0..5).collect();
    for nth in 0..120 {
        permute(&mut order, nth);
        shop.tables.force(Op::delete(row_key(&shop, &order_id)));
        for at in &order {
            let twice = [bodies[*at].clone(), bodies[*at].clone()];
            assert!(shop.show(&twice).await.is_empty(), "{order:?}");
        }
        assert_eq!(content(shop.row("1", &order_id)), expected, "{order:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn what_is_missing_before_an_event_is_read_from_the_store() {
    let shop = Shop::new();
    let (order_id, bodies) = five_events(&shop).await;
    assert!(shop.show(&bodies[2..3]).await.is_empty());
    // The store is read to its end, so what comes later is known already.
    let reply = shop.ask(get("ann", &order_id).query("min_version", "5")).await;
    assert_eq!(reply.status, 200, "{reply:?}");
    assert!(shop.show(&bodies).await.is_empty());
    assert_eq!(shop.row("1", &order_id).unwrap()["rev"], 1.into());
    let lines = shop.lines.take();
    assert_eq!(lines.iter().filter(|line| line.contains("GapRead")).count(), 1);
    assert_eq!(lines.iter().filter(|line| line.contains("\"Duplicate\"")).count(), 5);
}

#[tokio::test(start_paused = true)]
async fn a_row_that_another_wrote_meanwhile_is_folded_again() {
    let shop = Shop::new();
    let (order_id, bodies) = five_events(&shop).await;
    assert!(shop.show(&bodies[..1]).await.is_empty());
    let rival = bodies[1].clone();
    shop.tables.race(move |tables| {
        assert!(at_once(Shop::over(tables.clone()).show(&[rival])).is_empty());
    });
    assert!(shop.show(&bodies[2..3]).await.is_empty());
    let row = shop.row("1", &order_id).unwrap();
    assert_eq!((&row["rev"], position(&row)), (&3.into(), 3));
}

#[tokio::test(start_paused = true)]
async fn a_row_that_keeps_changing_is_left_for_another_time() {
    fn rival(tables: &Memory, key: Key) {
        tables.race(move |tables| {
            tables.force(Op::update(key.clone()).add("rev", 1));
            rival(tables, key);
        });
    }
    let shop = Shop::new();
    let (order_id, bodies) = five_events(&shop).await;
    assert!(shop.show(&bodies[..1]).await.is_empty());
    rival(&shop.tables, row_key(&shop, &order_id));
    let failures = shop.show(&bodies[1..2]).await;
    assert_eq!(failures.ids().collect::<Vec<_>>(), ["m0"]);
    assert_eq!(position(&shop.row("1", &order_id).unwrap()), 1);
}

#[tokio::test(start_paused = true)]
async fn a_record_that_met_a_fault_comes_again_alone() {
    for fault in [Fault::Conflict, Fault::Unsent, Fault::LostAnswer] {
        let shop = Shop::new();
        shop.place("ann", "k1").await;
        shop.place("ann", "k2").await;
        let bodies = shop.relayed().await;
        shop.tables.fail_next(fault);
        let failures = shop.show(&bodies).await;
        assert_eq!(failures.ids().collect::<Vec<_>>(), ["m0"], "{fault:?}");
        assert!(shop.show(&bodies[..1]).await.is_empty(), "{fault:?}");
        let orders = shop.tables.items("ReadModel");
        assert_eq!(orders.len(), 2, "{fault:?}");
        assert!(orders.iter().all(|row| row["rev"] == 1.into()), "{fault:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn poison_goes_to_the_dlq_with_its_reason_and_leaves_the_others_alone() {
    let shop = Shop::new();
    let (order_id, bodies) = five_events(&shop).await;
    let other_stream = bodies[1].replace(&format!("order#{order_id}"), "order#7");
    let unknown = bodies[1].replace("ItemAdded", "ItemEaten");
    let unreadable = bodies[1].replace("\"line\"", "\"lime\"");
    let batch = [
        "no event".to_owned(),
        bodies[0].clone(),
        other_stream,
        unknown,
        unreadable,
        bodies[1].clone(),
    ];
    assert!(shop.show(&batch).await.is_empty());
    let reasons = ["no event", "ULID", "ItemEaten", "line"];
    let poison = shop.queues.messages();
    assert_eq!(poison.len(), reasons.len());
    for ((message, reason), id) in poison.iter().zip(reasons).zip(["m0", "m2", "m3", "m4"]) {
        assert_eq!((message.queue.as_str(), message.attributes["poison-id"].as_str()), ("dlq", id));
        assert!(message.attributes["reason"].contains(reason), "{message:?}");
        assert!(message.attributes["source-queue"].ends_with(":order-view"));
    }
    // The ledger: six came, two are in the view, four in the DLQ.
    assert_eq!(shop.row("1", &order_id).unwrap()["rev"], 2.into());
}

#[tokio::test(start_paused = true)]
async fn a_good_event_behind_a_stored_one_that_cannot_be_read_comes_again() {
    let shop = Shop::new();
    let (order_id, bodies) = five_events(&shop).await;
    let key = Key::new("EventStore", format!("order#{order_id}"), "0000000002");
    let stored = shop.tables.items("EventStore").into_iter();
    let mut row = stored.into_iter().find(|row| row["sk"].as_s() == Some(&key.sk)).unwrap();
    let good = row.clone();
    let detail = row["detail"].as_s().unwrap().replace("\"line\"", "\"lime\"");
    row.insert("detail".to_owned(), detail.into());
    shop.tables.force(Op::put(key.clone(), row));
    assert_eq!(shop.show(&bodies[2..3]).await.ids().collect::<Vec<_>>(), ["m0"]);
    assert!(shop.queues.messages().is_empty(), "it is not the record's fault");
    shop.tables.force(Op::put(key, good));
    assert!(shop.show(&bodies[2..3]).await.is_empty());
    assert_eq!(position(&shop.row("1", &order_id).unwrap()), 5);
}

#[tokio::test(start_paused = true)]
async fn a_live_event_is_folded_for_each_open_generation_and_a_replayed_one_for_its_own() {
    let shop = Shop::new();
    let (order_id, bodies) = five_events(&shop).await;
    let pointer = shop.view.read_model.pointer();
    let generations = to_item(&json!({ "live": "2", "building": ["3", "4"] })).unwrap();
    shop.tables.force(Op::put(pointer, generations));
    let replayed = |name: &str, body: &str| {
        let mut event: serde_json::Value = serde_json::from_str(body).unwrap();
        event["replay-name"] = name.into();
        event.to_string()
    };
    let ignored = ["order-view.1.1", "insights.3.1", "order-view.5.1", "order-view", "2"];
    for name in ignored {
        assert!(shop.show(&[replayed(name, &bodies[0])]).await.is_empty(), "{name}");
    }
    assert_eq!(shop.tables.items("ReadModel").len(), 1);

    let history: Vec<String> = bodies.iter().map(|b| replayed("order-view.3.1", b)).collect();
    assert!(shop.show(&history).await.is_empty());
    assert!(shop.row("2", &order_id).is_none() && shop.row("4", &order_id).is_none());
    assert!(shop.show(&bodies).await.is_empty());
    assert!(shop.row("1", &order_id).is_none());
    let mut rows = ["2", "3", "4"].map(|generation| content(shop.row(generation, &order_id)));
    for row in &mut rows {
        row.remove("pk");
        row.remove("customer");
    }
    assert!(rows[0] == rows[1] && rows[1] == rows[2]);
    assert_eq!(shop.ask(get("ann", &order_id)).await.body["version"], 5);
}

/// How far the order's own stream is in the row.
fn position(row: &Item) -> u64 {
    let Value::M(positions) = &row["positions"] else { panic!("{row:?}") };
    positions["order"].as_n().unwrap()
}

fn row_key(shop: &Shop, order_id: &str) -> Key {
    let row = shop.row("1", order_id).expect("a row");
    let text = |name: &str| row[name].as_s().unwrap().to_owned();
    Key::new("ReadModel", text("pk"), text("sk"))
}

/// The `nth` permutation of the numbers below 5.
fn permute(order: &mut Vec<usize>, mut nth: usize) {
    let mut left: Vec<usize> = (0..5).collect();
    order.clear();
    for size in (1..=5).rev() {
        order.push(left.remove(nth % size));
        nth /= size;
    }
}
