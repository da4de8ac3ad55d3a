//! maintenance: whatever interrupts an action, and however often it is called, the same comes of it.

use crate::by_hand::{Maintenance, handle};
use crate::shop::{Shop, add, get, now};
use crate::slow::Slow;
use contract::event::{CommandSet, Timestamp};
use contract::fulfilment::FulfilmentCommand;
use functions::read_model::{Generations, identity};
use pointsman_kit::{
    clock::Wall,
    publisher,
    runtime::Invocation,
    table::{Fault, Item, Key, Memory, Op, Value},
};
use serde_json::{Value as Json, json};
use std::{collections::BTreeMap, sync::Arc, time::Duration};

const ORDER: &str = "order#01ARZ3NDEKTSV4RRFFQ69G5FAV";
const FULFILMENT: &str = "fulfilment#01ARZ3NDEKTSV4RRFFQ69G5FAV";
/// Long before anything is recorded.
const EVER: &str = "2020-01-01T00:00:00.000Z";
/// In memory that is time for everything.
const ENOUGH: u64 = 250_000;
/// Milliseconds of an invocation that is over after one page of each segment, after two, ….
const SHORT: [u64; 3] = [3500, 4500, 6500];

/// A shop whose tables have small pages, and a hand at it.
struct Hand {
    shop: Shop,
    world: Maintenance,
}

impl Hand {
    fn new() -> Self {
        let shop = Shop::over(Memory::new().with_page_bytes(1500));
        let route = |name: &str| (("fulfilment".to_owned(), name.to_owned()), format!("q-{name}"));
        let commands = FulfilmentCommand::declarations();
        let world = Maintenance {
            tables: Arc::new(Slow(shop.tables.clone())),
            event_store: "EventStore".to_owned(),
            services: "Services".to_owned(),
            read_model: shop.view.read_model.clone(),
            publisher: shop.relay.publisher.clone(),
            sender: shop.relay.sender.clone(),
            commands: commands.iter().map(|command| route(command.name)).collect(),
            wall: Wall::by_hand(now()),
        };
        Self { shop, world }
    }

    /// One call that has `ms` milliseconds.
    async fn call(&self, payload: Json, ms: u64) -> Result<Json, String> {
        let left = Duration::from_millis(ms);
        let invocation = Invocation::new("by-hand", left, &self.shop.log);
        handle(&self.world, payload, &invocation).await.map_err(|error| error.to_string())
    }

    /// One call that does all.
    async fn done(&self, payload: Json) -> Json {
        let answer = self.call(payload, ENOUGH).await.unwrap();
        assert_eq!((&answer["done"], &answer["continue"]), (&json!(true), &Json::Null), "{answer}");
        answer["result"].clone()
    }

    /// As many calls of `ms` milliseconds as it takes; the last result, and how many calls.
    async fn in_steps(&self, payload: Json, ms: u64) -> (Json, usize) {
        let mut payload = payload;
        for calls in 1..1000 {
            let answer = self.call(payload, ms).await.unwrap();
            if answer["done"] == true {
                return (answer["result"].clone(), calls);
            }
            payload = answer["continue"].clone();
        }
        panic!("it never ends: {payload}")
    }

    /// Places orders, of which every second gets an item more; their ids.
    async fn orders(&self, count: usize) -> Vec<String> {
        let mut orders = Vec::new();
        for n in 0..count {
            let id = self.shop.place("ann", &format!("place-{n}")).await;
            if n % 2 == 0 {
                self.add(&id).await;
            }
            orders.push(id);
        }
        orders
    }

    async fn add(&self, id: &str) {
        let key = format!("add-{}", self.shop.writes());
        assert_eq!(self.shop.ask(add("ann", &key, id, "CUP-BLUE", 1)).await.status, 202);
    }

    /// The views of a generation by order, without what names the generation or counts writes.
    fn views(&self, generation: &str) -> BTreeMap<String, Item> {
        let mut views = BTreeMap::new();
        for mut item in self.shop.tables.items("ReadModel") {
            let Some((of, id)) = identity(&item) else { continue };
            if of == generation {
                let id = id.to_string();
                for name in ["pk", "customer", "rev"] {
                    item.remove(name);
                }
                views.insert(id, item);
            }
        }
        views
    }

    fn stock(&self, sku: &str) -> Option<i64> {
        let pk = Value::S(format!("stock#{sku}"));
        let row = self.shop.tables.items("Services").into_iter().find(|item| item["pk"] == pk);
        row.and_then(|row| row["available"].as_n())
    }

    /// How often each event is on the bus, by its text.
    fn published(&self) -> BTreeMap<String, usize> {
        let mut events = BTreeMap::new();
        for entry in self.shop.bus.events() {
            *events.entry(entry.detail).or_default() += 1;
        }
        events
    }
}

#[tokio::test(start_paused = true)]
async fn a_delivery_is_added_to_the_stock_once() {
    let hand = Hand::new();
    let load = |name: &str, cups: u32| {
        let items = json!([
            { "sku": "CUP-BLUE", "quantity": cups },
            { "sku": "POT-IRON", "quantity": 1 },
            { "sku": "CUP-BLUE", "quantity": 2 },
        ]);
        json!({ "action": "loadStock", "delivery": name, "items": items })
    };
    let first = hand.done(load("d-1", 5)).await;
    let items = json!({ "CUP-BLUE": 7, "POT-IRON": 1 });
    assert_eq!(first, json!({ "delivery": "d-1", "loaded": true, "items": items }));
    let again = hand.done(load("d-1", 5)).await;
    assert_eq!(again, json!({ "delivery": "d-1", "loaded": false, "items": items }));
    let other = hand.call(load("d-1", 6), ENOUGH).await.unwrap_err();
    assert!(other.contains("d-1") && other.contains("other goods"), "{other}");
    assert_eq!((hand.stock("CUP-BLUE"), hand.stock("POT-IRON")), (Some(7), Some(1)));

    for fault in [Fault::LostAnswer, Fault::Conflict, Fault::Unsent] {
        hand.shop.tables.fail_next(fault);
        hand.done(load(&format!("{fault:?}"), 1)).await;
    }
    assert_eq!((hand.stock("CUP-BLUE"), hand.stock("POT-IRON")), (Some(16), Some(4)));
}

#[tokio::test(start_paused = true)]
async fn what_makes_no_sense_is_refused_by_name_and_changes_nothing() {
    let hand = Hand::new();
    hand.orders(2).await;
    hand.shop.settle().await;
    let writes = hand.shop.writes();
    let many: Vec<Json> =
        (0..100).map(|n| json!({ "sku": format!("A-{n}"), "quantity": 1 })).collect();
    let huge = [u32::MAX, 1].map(|quantity| json!({ "sku": "A", "quantity": quantity }));
    let load = |items: Json| json!({ "action": "loadStock", "delivery": "d", "items": items });
    let cases = [
        (json!({}), "action"),
        (json!({ "action": "eraseAll" }), "eraseAll"),
        (load(json!([])), "items"),
        (load(json!(many)), "items"),
        (load(json!(huge)), "too much of A"),
        (load(json!([{ "sku": "A", "quantity": 0 }])), "nonzero"),
        (json!({ "action": "loadStock", "delivery": "", "items": [] }), "delivery"),
        (json!({ "action": "repair", "since": "yesterday" }), "yesterday"),
        (json!({ "action": "repair", "since": EVER, "segments": 0 }), "segments"),
        (json!({ "action": "repair", "since": EVER, "segments": 65 }), "segments"),
        (json!({ "action": "repair", "since": EVER, "sinse": 1 }), "sinse"),
        (json!({ "action": "repair", "since": EVER, "places": ["done"] }), "1 places"),
        (json!({ "action": "rebuild", "generation": "1" }), "live"),
        (json!({ "action": "rebuild", "generation": "a#b" }), "generation"),
        (json!({ "action": "rebuild", "generation": "a.b" }), "generation"),
        (json!({ "action": "compare", "generation": "1" }), "live"),
        (json!({ "action": "switch", "generation": "2" }), "not being built"),
        (json!({ "action": "drop", "generation": "1" }), "live"),
    ];
    for (payload, part) in cases {
        let error = hand.call(payload.clone(), ENOUGH).await.unwrap_err();
        assert!(error.contains(part), "{payload}: {error}");
    }
    assert_eq!(hand.shop.writes(), writes);
}

#[tokio::test(start_paused = true)]
async fn what_a_lost_relay_left_is_published_once_more_wherever_repair_was_interrupted() {
    let whole = Hand::new();
    whole.orders(8).await;
    let repair = |segments: u32| json!({ "action": "repair", "since": EVER, "segments": segments });
    let result = whole.done(repair(1)).await;
    let expected = json!({
        "published": 12, "sent": 0, "tooOld": 0, "unfit": 0, "examples": [],
    });
    assert_eq!(result, expected);
    assert_eq!(whole.published().len(), 12);

    for (segments, ms) in [1, 2, 5].into_iter().flat_map(|n| SHORT.map(|ms| (n, ms))) {
        let hand = Hand::new();
        hand.orders(8).await;
        let (result, calls) = hand.in_steps(repair(segments), ms).await;
        assert_eq!(result, expected, "{segments} {ms}");
        let events = hand.published();
        assert_eq!(events.len(), 12);
        assert!(events.values().all(|times| *times == 1), "{segments} {ms}: {events:?}");
        assert!(calls > 1 || segments > 1, "{segments} {ms}: {calls}");
        // Once more, and every event is there once more.
        assert_eq!(hand.done(repair(segments)).await, expected);
        assert!(hand.published().values().all(|times| *times == 2));
    }
}

#[tokio::test(start_paused = true)]
async fn a_page_that_did_not_get_out_is_not_passed_over() {
    let hand = Hand::new();
    hand.orders(8).await;
    let repair = json!({ "action": "repair", "since": EVER, "segments": 1 });
    hand.shop.bus.fail_next(publisher::Fault::Hang);
    let answer = hand.call(repair.clone(), 6500).await.unwrap();
    assert_eq!((&answer["done"], &answer["result"]["published"]), (&json!(false), &json!(0)));
    hand.shop.bus.flaky(7, 40);
    let (result, _) = hand.in_steps(answer["continue"].clone(), ENOUGH).await;
    assert_eq!(result["published"], 12);
    assert_eq!(hand.published().len(), 12);

    // A table that is unwell is told, if it stays so until the end.
    hand.shop.tables.flaky(1, 100);
    let answer = hand.call(repair, 6500).await.unwrap();
    assert_eq!(answer["done"], false);
    assert!(answer["trouble"].is_string(), "{answer}");
}

#[tokio::test(start_paused = true)]
async fn repair_takes_what_is_recent_and_commands_only_if_told_and_young() {
    let hand = Hand::new();
    hand.shop.put_row("event", ORDER, 1, "OrderPlaced", json!({}));
    hand.shop.put_row("event", "nobody#1", 1, "Nothing", json!({}));
    let due = now().plus(Duration::from_secs(60)).to_string();
    hand.shop.put_row("command", FULFILMENT, 1, "CheckDeadline", json!({ "due": due }));
    let guard = Item::from([("kind".to_owned(), "guard".into())]);
    hand.shop.tables.force(Op::put(Key::new("EventStore", FULFILMENT, "guard"), guard));
    // All of them are recorded a second past midnight.
    let repair = |since: &str, commands: bool| {
        let since = format!("2026-01-01T{since}.000Z");
        json!({ "action": "repair", "since": since, "commands": commands })
    };
    let nothing = hand.done(repair("01:00:02", true)).await;
    assert_eq!((&nothing["published"], &nothing["unfit"]), (&json!(0), &json!(0)));
    assert_eq!(nothing["sent"], 0);

    let events = hand.done(repair("01:00:01", false)).await;
    assert_eq!((&events["published"], &events["sent"]), (&json!(1), &json!(0)));
    assert_eq!(events["unfit"], 1);
    assert!(events["examples"][0].as_str().unwrap().contains("no stream of type nobody"));
    assert_eq!(hand.shop.queues.messages(), []);

    let all = hand.done(repair("00:00:00", true)).await;
    assert_eq!((&all["published"], &all["sent"]), (&json!(1), &json!(1)));
    let sent = hand.shop.queues.messages();
    assert_eq!((sent[0].queue.as_str(), sent[0].delay), ("q-CheckDeadline", 60));

    let day = Duration::from_secs(24 * 3600);
    hand.world.wall.set(now().plus(day * 28));
    assert_eq!(hand.done(repair("00:00:00", true)).await["sent"], 1);
    hand.world.wall.set(now().plus(day * 28 + Duration::from_secs(2)));
    let late = hand.done(repair("00:00:00", true)).await;
    assert_eq!((&late["published"], &late["sent"]), (&json!(1), &json!(0)));
    assert_eq!(late["tooOld"], 1);
}

#[tokio::test(start_paused = true)]
async fn a_rebuilt_generation_is_the_live_one_wherever_it_was_interrupted() {
    for (segments, ms) in [1, 2, 5].into_iter().flat_map(|n| SHORT.map(|ms| (n, ms))) {
        let hand = Hand::new();
        let orders = hand.orders(8).await;
        hand.shop.settle().await;
        let expected = hand.views("1");
        assert_eq!(expected.len(), 8);
        // A row of old, that says what is not so.
        stale(&hand, &orders[3]);
        let rebuild = json!({ "action": "rebuild", "generation": "2", "segments": segments });
        let (result, calls) = hand.in_steps(rebuild.clone(), ms).await;
        assert_eq!(result, json!({ "orders": 8, "unreadable": 0, "examples": [] }));
        assert_eq!(hand.views("2"), expected, "{segments} {ms}");
        assert!(calls > 1 || segments > 1, "{segments} {ms}: {calls}");

        let writes = hand.shop.writes();
        assert_eq!(hand.done(rebuild).await["orders"], 8);
        assert_eq!(hand.shop.writes(), writes, "what is so already is not written again");

        let compare = json!({ "action": "compare", "generation": "2", "segments": segments });
        let (compared, _) = hand.in_steps(compare, ms).await;
        let equal = json!({ "equal": 8, "different": 0, "missing": 0, "examples": [] });
        assert_eq!(compared, equal, "{segments} {ms}");

        let drop = json!({ "action": "drop", "generation": "2", "segments": segments });
        let (dropped, _) = hand.in_steps(drop, ms).await;
        assert_eq!(dropped, json!({ "removed": 8 }));
        assert_eq!((hand.views("2").len(), hand.views("1")), (0, expected));
        let open = hand.world.read_model.generations().await.unwrap();
        assert_eq!(open, Generations::default());
    }
}

#[tokio::test(start_paused = true)]
async fn what_happens_while_a_generation_is_built_is_in_it() {
    let hand = Hand::new();
    let orders = hand.orders(8).await;
    hand.shop.settle().await;
    let mut payload = json!({ "action": "rebuild", "generation": "2", "segments": 1 });
    let mut calls = 0;
    loop {
        let answer = hand.call(payload, SHORT[0]).await.unwrap();
        if answer["done"] == true {
            break;
        }
        payload = answer["continue"].clone();
        // Orders that the scan has passed and orders that it has not, and new ones.
        hand.add(&orders[calls % orders.len()]).await;
        hand.shop.place("bob", &format!("late-{calls}")).await;
        hand.shop.settle().await;
        calls += 1;
    }
    assert!(calls > 2, "{calls}");
    let compared = hand.done(json!({ "action": "compare", "generation": "2" })).await;
    assert_eq!(compared["equal"], 8 + calls, "{compared}");
    assert_eq!((&compared["different"], &compared["missing"]), (&json!(0), &json!(0)));
}

#[tokio::test(start_paused = true)]
async fn a_comparison_names_what_differs() {
    let hand = Hand::new();
    let orders = hand.orders(8).await;
    hand.shop.settle().await;
    hand.done(json!({ "action": "rebuild", "generation": "2" })).await;
    let key = |generation: &str, order: usize| {
        Key::new("ReadModel", format!("{generation}#order#{}", orders[order]), "order")
    };
    hand.shop.tables.force(Op::update(key("2", 0)).set("placedAt", "2026-02-01T00:00:00.000Z"));
    hand.shop.tables.force(Op::delete(key("1", 1)));
    hand.shop.tables.force(Op::delete(key("2", 2)));
    let result = hand.done(json!({ "action": "compare", "generation": "2" })).await;
    assert_eq!((&result["equal"], &result["different"]), (&json!(5), &json!(1)));
    assert_eq!(result["missing"], 2);
    let mut examples: Vec<&str> =
        result["examples"].as_array().unwrap().iter().map(|e| e.as_str().unwrap()).collect();
    examples.sort_unstable();
    let mut expected = [
        format!("{}: placedAt", orders[0]),
        format!("{}: not in generation 1", orders[1]),
        format!("{}: not in generation 2", orders[2]),
    ];
    expected.sort();
    assert_eq!(examples, expected);
}

#[tokio::test(start_paused = true)]
async fn a_generation_that_was_built_becomes_the_one_that_is_read() {
    let hand = Hand::new();
    let orders = hand.orders(2).await;
    hand.shop.settle().await;
    hand.done(json!({ "action": "rebuild", "generation": "2" })).await;
    let switch = json!({ "action": "switch", "generation": "2" });
    assert_eq!(hand.done(switch.clone()).await, json!({ "live": "2", "was": "1" }));
    assert_eq!(hand.done(switch).await, json!({ "live": "2", "was": null }));
    hand.done(json!({ "action": "drop", "generation": "1" })).await;
    hand.add(&orders[1]).await;
    hand.shop.settle().await;
    let reply = hand.shop.ask(get("ann", &orders[1])).await;
    assert_eq!((reply.status, &reply.body["version"]), (200, &json!(2)));
    assert_eq!((hand.views("1").len(), hand.views("2").len()), (0, 2));
}

#[tokio::test(start_paused = true)]
async fn of_two_who_change_the_generations_at_once_one_is_told_to_call_again() {
    let hand = Hand::new();
    hand.orders(1).await;
    hand.shop.tables.race(|tables| {
        let item = json!({ "live": "1", "building": ["3"] });
        let item = pointsman_kit::table::to_item(&item).unwrap();
        tables.force(Op::put(Key::new("ReadModel", "order-view", "generations"), item));
    });
    let rebuild = json!({ "action": "rebuild", "generation": "2" });
    let error = hand.call(rebuild.clone(), ENOUGH).await.unwrap_err();
    assert!(error.contains("call again"), "{error}");
    hand.done(rebuild).await;
    let open = hand.world.read_model.generations().await.unwrap();
    assert_eq!(open.building, ["3", "2"]);
}

#[tokio::test(start_paused = true)]
async fn an_order_that_can_t_be_folded_is_named_and_holds_up_no_other() {
    let hand = Hand::new();
    hand.orders(3).await;
    hand.shop.put_row("event", ORDER, 1, "OrderPlaced", json!({}));
    let result = hand.done(json!({ "action": "rebuild", "generation": "2" })).await;
    assert_eq!((&result["orders"], &result["unreadable"]), (&json!(3), &json!(1)));
    let example = result["examples"][0].as_str().unwrap();
    assert!(example.starts_with(&ORDER["order#".len()..]), "{example}");
    assert_eq!(hand.views("2").len(), 3);
}

/// Leaves a row of the order in generation 2 that an older rebuild might have made.
fn stale(hand: &Hand, order_id: &str) {
    let mut row = hand.shop.row("1", order_id).expect("a row");
    row.remove("order");
    let key = Key::new("ReadModel", format!("2#order#{order_id}"), "order");
    hand.shop.tables.force(Op::put(key, row));
}

/// A time so much later.
trait Plus {
    fn plus(self, after: Duration) -> Timestamp;
}

impl Plus for Timestamp {
    fn plus(self, after: Duration) -> Timestamp {
        Timestamp::from_ms(self.as_ms() + i64::try_from(after.as_millis()).unwrap())
    }
}
