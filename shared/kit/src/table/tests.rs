use super::{
    Change, ChangeKind, Compare, Condition, Cursor, Error, Fault, Index, Item, Key, Memory, Op,
    Query, Range, Reason, Tables, Value, expression::Placeholders, from_item, number, to_item,
};
use proptest::prelude::*;
use serde_json::json;

#[track_caller]
fn holds(condition: Condition, item: Option<serde_json::Value>, expected: bool) {
    let item = item.map(|item| to_item(&item).unwrap());
    assert_eq!(condition.holds(item.as_ref()), expected, "{condition:?} of {item:?}");
}

#[test]
fn a_condition_holds_as_dynamodb_has_it() {
    let item = || Some(json!({ "n": 2, "s": "b", "t": true }));
    let n = |compare, value: i64| Condition::Attribute("n".into(), compare, value.into());
    holds(Condition::Absent, None, true);
    holds(Condition::Absent, item(), false);
    holds(Condition::Exists, None, false);
    holds(Condition::Exists, item(), true);
    holds(Condition::Without("x".into()), item(), true);
    holds(Condition::Without("n".into()), item(), false);
    holds(Condition::Without("n".into()), None, true);
    holds(n(Compare::Equal, 2), item(), true);
    holds(n(Compare::Less, 2), item(), false);
    holds(n(Compare::AtMost, 2), item(), true);
    holds(n(Compare::Greater, 1), item(), true);
    holds(n(Compare::AtLeast, 3), item(), false);
    // Numbers by value, not by spelling or as text.
    holds(Condition::equal("n", Value::N("2.0".into())), item(), true);
    holds(Condition::less("n", 10), item(), true);
    // A missing attribute or another type satisfies nothing but `<>`.
    holds(Condition::equal("x", 2), item(), false);
    holds(Condition::less("x", 2), item(), false);
    holds(Condition::Attribute("x".into(), Compare::NotEqual, 2.into()), item(), true);
    holds(Condition::Attribute("x".into(), Compare::NotEqual, 2.into()), None, true);
    holds(Condition::equal("s", 2), item(), false);
    holds(Condition::less("t", true), item(), false);
    holds(Condition::less("s", "c"), item(), true);
    holds(Condition::All(vec![Condition::Exists, Condition::less("n", 2)]), item(), false);
    holds(Condition::Any(vec![Condition::Absent, Condition::less("n", 3)]), item(), true);
}

#[test]
fn expressions_use_placeholders_for_every_name_and_value() {
    let op = Op::update(key("a"))
        .set("size", 3)
        .add("count", -1)
        .remove("old")
        .when(Condition::Exists)
        .when(Condition::Any(vec![Condition::less("size", 3), Condition::Without("size".into())]));
    let mut used = Placeholders::default();
    assert_eq!(
        used.condition(&op).unwrap(),
        "(attribute_exists(#0) AND (#1 < :0 OR attribute_not_exists(#1)))"
    );
    let super::Action::Update(updates) = &op.action else { unreachable!() };
    assert_eq!(used.update(updates), "SET #1 = :1 ADD #2 :2 REMOVE #3");
    assert_eq!(used.names["#1"], "size");
    assert_eq!(used.values[":2"], Value::N("-1".into()));

    let index = Index { name: "by-customer", pk: "customer", sk: "placedAt" };
    let query = Query::new("T", "c1").index(index).range(Range::Prefix("2026".into()));
    let mut used = Placeholders::default();
    assert_eq!(used.key(&query), "#0 = :0 AND begins_with(#1, :1)");
    assert_eq!(used.names["#1"], "placedAt");
}

#[tokio::test]
async fn a_cancelled_transaction_writes_nothing_and_gives_a_reason_for_each() {
    let tables = Memory::new();
    tables.force(Op::put(key("a"), item(json!({ "n": 1 }))));
    let answer = tables
        .transact(vec![
            Op::put(key("b"), item(json!({}))).when(Condition::Absent),
            Op::put(key("a"), item(json!({}))).when(Condition::Absent).returning(),
            Op::check(key("c"), Condition::equal("n", 2)),
            Op::update(key("d")).add("pk", 1),
        ])
        .await;
    let Err(Error::Cancelled(reasons)) = answer else { panic!("{answer:?}") };
    let codes: Vec<&str> = reasons.iter().map(Reason::code).collect();
    let failed = "ConditionalCheckFailed";
    assert_eq!(codes, ["None", failed, failed, "ValidationError"]);
    let Reason::ConditionFailed { item: Some(old) } = &reasons[1] else { panic!("{reasons:?}") };
    assert_eq!(old["n"], Value::N("1".into()));
    assert_eq!(reasons[2], Reason::ConditionFailed { item: None });
    assert_eq!(tables.items("T").len(), 1);
}

#[tokio::test]
async fn a_transaction_is_refused_whole_when_malformed() {
    let tables = Memory::new();
    let put = |sk: &str| Op::put(key(sk), Item::new());
    let refused = async |ops: Vec<Op>| {
        let answer = tables.transact(ops).await;
        assert!(matches!(&answer, Err(Error::Refused { .. })), "{answer:?}");
    };
    refused(vec![]).await;
    refused((0..101).map(|n| put(&n.to_string())).collect()).await;
    refused(vec![put("a"), Op::check(key("a"), Condition::Exists)]).await;
    refused(vec![put("")]).await;
    let large = "x".repeat(399_000);
    let large: Vec<Op> =
        (0..11).map(|n| put(&n.to_string())).map(|op| with(op, "v", &large)).collect();
    refused(large).await;
    let answer = tables.write(Op::check(key("a"), Condition::Exists)).await;
    assert!(matches!(answer, Err(Error::Refused { .. })));
    let answer = tables.write(with(put("a"), "v", &"x".repeat(410_000))).await;
    assert!(matches!(answer, Err(Error::Refused { .. })), "over 400 KB");
    assert_eq!(tables.changes(0), []);
}

#[tokio::test]
async fn a_query_reads_all_pages_in_order_and_stops_at_its_limit() {
    let tables = Memory::new().with_page_bytes(100);
    for n in 1..=25 {
        tables.force(Op::put(key(&format!("{n:010}")), item(json!({ "n": n }))));
    }
    tables.force(Op::put(key("guard"), Item::new()));
    tables.force(Op::put(Key::new("T", "other", "0000000001"), Item::new()));
    let numbers = async |query: Query| -> Vec<i64> {
        let items = tables.query(&query).await.unwrap();
        items.iter().map(|item| item["n"].as_n().unwrap()).collect()
    };
    let all = || Query::new("T", "p").range(Range::Below(":".into()));
    assert_eq!(numbers(all()).await, (1..=25).collect::<Vec<_>>());
    assert_eq!(numbers(all().descending().limit(3)).await, [25, 24, 23]);
    let from = Range::Between("0000000010".into(), "0000000012".into());
    assert_eq!(numbers(Query::new("T", "p").range(from)).await, [10, 11, 12]);

    let first = tables.page(&all().limit(2), None).await.unwrap();
    let cursor = Cursor::parse(&first.next.unwrap().token()).unwrap();
    let second = tables.page(&all().limit(2), Some(&cursor)).await.unwrap();
    assert_eq!(second.items[0]["n"], Value::N("3".into()));
    let elsewhere = tables.page(&Query::new("T", "other"), Some(&cursor)).await;
    assert!(matches!(elsewhere, Err(Error::Refused { .. })));
    assert!(Cursor::parse("nonsense").is_err());
}

#[tokio::test]
async fn an_index_holds_the_items_that_have_its_keys() {
    let tables = Memory::new();
    let row =
        |customer: &str, placed: &str| item(json!({ "customer": customer, "placedAt": placed }));
    tables.force(Op::put(key("1"), row("c", "2026-02")));
    tables.force(Op::put(key("2"), row("c", "2026-01")));
    tables.force(Op::put(key("3"), row("d", "2026-01")));
    tables.force(Op::put(key("4"), item(json!({ "customer": "c" }))));
    let index = Index { name: "by-customer", pk: "customer", sk: "placedAt" };
    let query = Query::new("T", "c").index(index).descending().limit(1);
    let first = tables.page(&query, None).await.unwrap();
    assert_eq!(first.items[0]["sk"], "1".into());
    let second = tables.page(&query, first.next.as_ref()).await.unwrap();
    assert_eq!(second.items[0]["sk"], "2".into());
}

#[tokio::test]
async fn the_stream_has_each_change_once_and_none_for_a_write_that_changed_nothing() {
    let tables = Memory::new();
    for _ in 0..2 {
        tables.write(Op::put(key("a"), item(json!({ "n": 1 })))).await.unwrap();
    }
    tables.write(Op::update(key("a")).add("n", 1)).await.unwrap();
    tables.write(Op::delete(key("a"))).await.unwrap();
    tables.write(Op::delete(key("a"))).await.unwrap();
    let changes = tables.changes(0);
    let kinds: Vec<ChangeKind> = changes.iter().map(|change| change.kind).collect();
    assert_eq!(kinds, [ChangeKind::Insert, ChangeKind::Modify, ChangeKind::Remove]);
    assert_eq!(tables.changes(2), changes[2..]);
    let Change { old, new, .. } = &changes[1];
    assert_eq!(old.as_ref().unwrap()["n"], Value::N("1".into()));
    assert_eq!(new.as_ref().unwrap()["n"], Value::N("2".into()));
    let record = changes[1].to_record(1_700_000_000);
    assert_eq!(record["dynamodb"]["NewImage"]["n"], json!({ "N": "2" }));
}

#[tokio::test]
async fn faults_come_in_the_order_asked_for_and_a_lost_answer_has_gone_in() {
    let tables = Memory::new();
    for fault in [Fault::Conflict, Fault::Throttled, Fault::Unsent, Fault::LostAnswer] {
        tables.fail_next(fault);
    }
    let add = || vec![Op::update(key("a")).add("n", 1)];
    assert_eq!(tables.transact(add()).await, Err(Error::Cancelled(vec![Reason::Conflict])));
    assert_eq!(tables.transact(add()).await, Err(Error::Cancelled(vec![Reason::Throttled])));
    assert!(matches!(tables.transact(add()).await, Err(Error::Lost { .. })));
    assert!(tables.items("T").is_empty());
    assert!(matches!(tables.transact(add()).await, Err(Error::Lost { .. })));
    assert_eq!(tables.items("T")[0]["n"], Value::N("1".into()));
    tables.race(|rival| rival.force(Op::put(key("a"), Item::new())));
    let answer = tables.write(Op::put(key("a"), Item::new()).when(Condition::equal("n", 1))).await;
    assert_eq!(answer, Err(Error::ConditionFailed { item: None }));
}

#[test]
fn a_set_in_a_stream_record_is_refused_by_name() {
    let error = serde_json::from_value::<Item>(json!({ "a": { "SS": ["x"] } })).unwrap_err();
    assert!(error.to_string().contains("SS"), "{error}");
}

proptest! {
    #[test]
    fn json_survives_the_way_through_an_item(fields in json_object()) {
        let item = to_item(&fields).unwrap();
        let wire = serde_json::to_string(&item).unwrap();
        let item: Item = serde_json::from_str(&wire).unwrap();
        prop_assert_eq!(from_item::<serde_json::Value>(&item).unwrap(), fields);
    }

    #[test]
    fn numbers_compare_by_value_however_they_are_spelt(a: i64, b: i64, zeros in 0usize..6) {
        let spelt = format!("{b}.{}", "0".repeat(zeros + 1));
        prop_assert_eq!(number::compare(&a.to_string(), &spelt), a.cmp(&b));
        let scaled = |n: i64| format!("{n}e-3");
        prop_assert_eq!(number::compare(&scaled(a), &scaled(b)), a.cmp(&b));
    }

    /// The naive model: a transaction is its operations one by one on a copy, kept if all succeed.
    #[test]
    fn a_transaction_is_all_or_nothing(ops in prop::collection::vec(any_op(), 1..6), given in prop::collection::vec(any_op(), 0..6)) {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        runtime.block_on(async {
            let (tables, copy) = (Memory::new(), Memory::new());
            for op in given {
                let _ = tables.write(op.clone()).await;
                let _ = copy.write(op).await;
            }
            let before = tables.items("T");
            match tables.transact(ops.clone()).await {
                Ok(()) => {
                    for op in ops {
                        prop_assert!(copy.write(op).await.is_ok());
                    }
                    prop_assert_eq!(tables.items("T"), copy.items("T"));
                }
                Err(_) => prop_assert_eq!(tables.items("T"), before),
            }
            Ok(())
        })?;
    }
}

fn any_op() -> impl Strategy<Value = Op> {
    let condition = prop_oneof![
        Just(None),
        Just(Some(Condition::Absent)),
        Just(Some(Condition::Exists)),
        (0i64..4).prop_map(|n| Some(Condition::equal("n", n))),
        (0i64..4).prop_map(|n| Some(Condition::at_least("n", n))),
    ];
    ("[ab]", 0..3, 0i64..4, condition).prop_map(|(sk, action, n, condition)| {
        let op = match action {
            0 => Op::put(key(&sk), item(json!({ "n": n }))),
            1 => Op::update(key(&sk)).add("n", n),
            _ => Op::delete(key(&sk)),
        };
        condition.into_iter().fold(op, Op::when)
    })
}

fn json_object() -> impl Strategy<Value = serde_json::Value> {
    let leaf = prop_oneof![
        Just(serde_json::Value::Null),
        any::<bool>().prop_map(Into::into),
        any::<i64>().prop_map(Into::into),
        any::<u64>().prop_map(Into::into),
        "[a-zä\"]{0,4}".prop_map(Into::into),
    ];
    let value = leaf.prop_recursive(3, 16, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Into::into),
            prop::collection::btree_map("[a-z]{0,3}", inner, 0..4)
                .prop_map(|fields| serde_json::Value::Object(fields.into_iter().collect())),
        ]
    });
    prop::collection::btree_map("[a-z]{1,3}", value, 0..4)
        .prop_map(|fields| serde_json::Value::Object(fields.into_iter().collect()))
}

fn key(sk: &str) -> Key {
    Key::new("T", "p", sk)
}

fn item(json: serde_json::Value) -> Item {
    to_item(&json).unwrap()
}

fn with(mut op: Op, attribute: &str, value: &str) -> Op {
    if let super::Action::Put(item) = &mut op.action {
        item.insert(attribute.to_owned(), value.into());
    }
    op
}
