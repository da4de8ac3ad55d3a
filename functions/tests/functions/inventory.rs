//! inventory: all of an order's goods or none, and never more than there are.

use crate::{
    shop::{NOW, at_once},
    steps::{End, Message, Steps, allocate, order_id, release},
};
use contract::{event::Ulid, values::OrderId};
use pointsman_kit::table::{Fault, Item, Key, Op, Value};

const ITEMS: &[(&str, u32)] = &[("CUP", 1), ("TEA", 3)];

fn load(steps: &Steps, sku: &str, available: i64) {
    let item = Item::from([("available".to_owned(), available.into())]);
    steps.put(Op::put(Key::new("Services", format!("stock#{sku}"), "stock"), item));
}

fn left(steps: &Steps, sku: &str) -> Option<i64> {
    steps.row(&format!("stock#{sku}"))?.get("available").and_then(Value::as_n)
}

fn other_order() -> OrderId {
    OrderId(Ulid::new(u64::try_from(NOW).unwrap(), [8; 10]))
}

/// The order's goods as they come to be in each state; of each sku there are four at first.
async fn given(state: &str) -> Steps {
    let steps = Steps::new();
    load(&steps, "CUP", 4);
    load(&steps, "TEA", 4);
    let messages = match state {
        "absent" => vec![],
        "allocated" => vec![allocate(1, order_id(), ITEMS)],
        "unavailable" => vec![allocate(1, order_id(), &[("CUP", 1), ("TEA", 5)])],
        "released" => vec![allocate(1, order_id(), ITEMS), release(2)],
        "tombstone" => vec![release(2)],
        other => panic!("{other}"),
    };
    for message in messages {
        assert_eq!(steps.hand(&message).await, End::Done, "{state}");
    }
    steps
}

async fn leads_to((state, command): (&str, &Message), event: &str, row: &str, stock: (i64, i64)) {
    let steps = given(state).await;
    let before = steps.events("inventory").await.len();
    // Twice: the second changes nothing.
    for _ in 0..2 {
        assert_eq!(steps.hand(command).await, End::Done, "{state}: {command:?}");
        let events = steps.events("inventory").await.split_off(before);
        let expected: Vec<&str> = if event.is_empty() { vec![] } else { vec![event] };
        assert_eq!(events, expected, "{state}: {command:?}");
        assert_eq!(steps.state("reservation").as_deref(), Some(row), "{state}: {command:?}");
        let there = (left(&steps, "CUP").unwrap(), left(&steps, "TEA").unwrap());
        assert_eq!(there, stock, "{state}: {command:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn each_command_in_each_state_moves_stock_once_or_not_at_all() {
    let (take, back) = (&allocate(11, order_id(), ITEMS), &release(12));
    let (all, less) = ((4, 4), (3, 1));
    leads_to(("absent", take), "InventoryAllocated", "allocated", less).await;
    leads_to(("allocated", take), "", "allocated", less).await;
    leads_to(("unavailable", take), "", "unavailable", all).await;
    leads_to(("released", take), "", "released", all).await;
    leads_to(("tombstone", take), "", "tombstone", all).await;

    leads_to(("absent", back), "InventoryUnavailable", "tombstone", all).await;
    leads_to(("allocated", back), "InventoryReleased", "released", all).await;
    leads_to(("unavailable", back), "", "unavailable", all).await;
    leads_to(("released", back), "", "released", all).await;
    leads_to(("tombstone", back), "", "tombstone", all).await;
}

#[tokio::test(start_paused = true)]
async fn what_is_missing_is_named_and_nothing_is_taken() {
    let steps = given("absent").await;
    let items = [("CUP", 4), ("POT", 1), ("TEA", 5)];
    assert_eq!(steps.hand(&allocate(1, order_id(), &items)).await, End::Done);
    let data = steps.last("inventory").await;
    assert_eq!(data["reason"], "outOfStock");
    assert_eq!(data["missing"], serde_json::json!(["POT", "TEA"]));
    let there = (left(&steps, "CUP"), left(&steps, "TEA"), left(&steps, "POT"));
    assert_eq!(there, (Some(4), Some(4), None), "nothing is taken, and no row comes to be");

    let steps = given("tombstone").await;
    let data = steps.last("inventory").await;
    assert_eq!(data["reason"], "cancelled");
    assert_eq!(data["missing"], serde_json::json!([]));
}

#[tokio::test(start_paused = true)]
async fn of_two_orders_for_the_last_one_gets_it_and_one_is_told() {
    let steps = Steps::new();
    load(&steps, "POT", 1);
    let (beside, rival) = (steps.beside(), allocate(5, other_order(), &[("POT", 1)]));
    steps.tables.race(move |_| assert_eq!(at_once(beside.hand(&rival)), End::Done));
    assert_eq!(steps.hand(&allocate(1, order_id(), &[("POT", 1)])).await, End::Done);
    assert_eq!(left(&steps, "POT"), Some(0));
    assert_eq!(steps.events("inventory").await, ["InventoryUnavailable"]);
    assert_eq!(steps.last("inventory").await["missing"], serde_json::json!(["POT"]));
    let other = steps.row(&format!("reservation#{}", other_order())).unwrap();
    assert_eq!(other["state"], "allocated".into());
}

#[tokio::test(start_paused = true)]
async fn goods_and_their_release_at_the_same_moment_have_one_end() {
    let (take, back) = (allocate(1, order_id(), ITEMS), release(2));
    for (first, rival) in [(&take, &back), (&back, &take), (&take, &take), (&back, &back)] {
        let steps = given("absent").await;
        let (beside, message) = (steps.beside(), rival.clone());
        steps.tables.race(move |_| assert_eq!(at_once(beside.hand(&message)), End::Done));
        assert_eq!(steps.hand(first).await, End::Done);
        assert_eq!(steps.hand(&release(3)).await, End::Done);
        assert_eq!((left(&steps, "CUP"), left(&steps, "TEA")), (Some(4), Some(4)));
        let events = steps.events("inventory").await;
        assert!(events.len() <= 2, "{first:?} | {rival:?}: {events:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn fifty_skus_are_one_transaction_and_so_is_their_return() {
    let steps = Steps::new();
    let names: Vec<String> = (0..50).map(|n| format!("SKU-{n}")).collect();
    let items: Vec<(&str, u32)> = names.iter().map(|name| (name.as_str(), 2)).collect();
    for name in &names {
        load(&steps, name, 2);
    }
    assert_eq!(steps.hand(&allocate(1, order_id(), &items)).await, End::Done);
    assert!(names.iter().all(|name| left(&steps, name) == Some(0)));
    assert_eq!(steps.hand(&release(2)).await, End::Done);
    assert!(names.iter().all(|name| left(&steps, name) == Some(2)));
    assert_eq!(steps.events("inventory").await, ["InventoryAllocated", "InventoryReleased"]);
}

#[tokio::test(start_paused = true)]
async fn a_fault_or_a_death_at_the_write_moves_no_stock_twice() {
    let faults = [
        Fault::Conflict,
        Fault::Throttled,
        Fault::LostAnswer,
        Fault::Unsent,
        Fault::CrashBefore,
        Fault::CrashAfter,
    ];
    for fault in faults {
        let steps = given("absent").await;
        steps.tables.fail_next(fault);
        steps.deal_with(&allocate(1, order_id(), ITEMS)).await;
        assert_eq!((left(&steps, "CUP"), left(&steps, "TEA")), (Some(3), Some(1)), "{fault:?}");
        steps.tables.fail_next(fault);
        steps.deal_with(&release(2)).await;
        assert_eq!((left(&steps, "CUP"), left(&steps, "TEA")), (Some(4), Some(4)), "{fault:?}");
        let events = steps.events("inventory").await;
        assert_eq!(events, ["InventoryAllocated", "InventoryReleased"], "{fault:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_command_that_can_never_be_carried_out_is_put_aside() {
    let steps = given("absent").await;
    let twice = allocate(1, order_id(), &[("TEA", 1), ("TEA", 1)]);
    let End::Rejected(reason) = steps.hand(&twice).await else { panic!("it was taken") };
    assert_eq!(reason, "TEA is named more than once");
    assert_eq!(left(&steps, "TEA"), Some(4));
}
