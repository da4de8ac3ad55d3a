//! Generated calls: keys that collide, conditions that are nearly true, numbers and sizes at DynamoDB's edges.

use pointsman_kit::table::{
    Action, Compare, Condition, Cursor, Index, Item, Key, Op, Query, Range, Scan, Update, Value,
};
use proptest::collection::{btree_map, vec};
use proptest::option;
use proptest::prelude::*;
use proptest::sample::{Index as Any, select};
use std::sync::Arc;

/// The index that both tables have.
pub(super) const INDEX: Index = Index { name: "by-customer", pk: "customer", sk: "placedAt" };

/// One call of the port.
#[derive(Debug, Clone)]
pub(super) enum Call {
    Get(Key),
    /// All pages from the beginning, or behind a cursor of an earlier call, which may be quite another query's.
    Pages(Query, Option<Foreign>),
    /// All parts, all pages.
    Scan(Scan),
    Write(Op),
    Transact(Vec<Op>),
}

/// One of the cursors seen before.
#[derive(Debug, Clone)]
pub(super) struct Foreign(Any);

impl Foreign {
    pub(super) fn get_from<'a>(&self, cursors: &'a [Cursor]) -> Option<&'a Cursor> {
        (!cursors.is_empty()).then(|| self.0.get(cursors))
    }
}

/// About forty calls.
pub(super) fn sequence(tables: &[Arc<str>; 2]) -> impl Strategy<Value = Vec<Call>> + use<> {
    vec(call(tables), 30..50)
}

fn call(tables: &[Arc<str>; 2]) -> impl Strategy<Value = Call> + use<> {
    let tables = select(tables.to_vec());
    let key = (tables.clone(), pk(), sk()).prop_map(|(table, pk, sk)| Key::new(table, pk, sk));
    let key = key.boxed();
    let pages = (query(tables.clone()), option::weighted(0.2, any::<Any>().prop_map(Foreign)));
    let transact = prop_oneof![
        20 => vec(op(key.clone(), true), 1..6),
        1 => vec(op(key.clone(), true), 0..2),
    ];
    prop_oneof![
        2 => key.clone().prop_map(Call::Get),
        3 => pages.prop_map(|(query, after)| Call::Pages(query, after)),
        1 => scan(tables).prop_map(Call::Scan),
        8 => op(key, false).prop_map(Call::Write),
        4 => transact.prop_map(Call::Transact),
    ]
}

fn pk() -> impl Strategy<Value = String> {
    prop_oneof![
        60 => select(vec!["order#1", "order#2", "order"]).prop_map(str::to_owned),
        1 => select(vec![0, 2047, 2048, 2049]).prop_map(|n| "p".repeat(n)),
    ]
}

/// Some sort otherwise by UTF-16 than by UTF-8, in which DynamoDB sorts.
fn sk() -> impl Strategy<Value = String> {
    let sks =
        vec!["0000000001", "0000000002", "0000000010", ":", "guard", "g", "\u{ffee}", "\u{1f600}"];
    prop_oneof![
        60 => select(sks).prop_map(str::to_owned),
        1 => select(vec![0, 1023, 1024, 1025]).prop_map(|n| "s".repeat(n)),
    ]
}

fn query(tables: impl Strategy<Value = Arc<str>>) -> impl Strategy<Value = Query> {
    let range = prop_oneof![
        2 => Just(Range::All),
        2 => sk().prop_map(Range::Below),
        2 => sk().prop_map(Range::From),
        3 => (sk(), sk()).prop_map(|(from, to)| Range::Between(from, to)),
        3 => select(vec!["", "0", "00000000", "g", "\u{1f600}", "x"]).prop_map(|prefix| Range::Prefix(prefix.to_owned())),
    ];
    // The engine answers of partitions that cannot be, which DynamoDB and the memory table refuse (decision 001 again).
    let pk = pk().prop_filter("a partition", |pk| (1..=2048).contains(&pk.len()));
    let of_table = (pk, range, Just(None)).boxed();
    let placed = select(vec!["", "2026", "2026-01-01", "2026-02-01", "3"]).prop_map(str::to_owned);
    let range = prop_oneof![
        2 => Just(Range::All),
        1 => placed.clone().prop_map(Range::Prefix),
        1 => placed.clone().prop_map(Range::From),
        1 => (placed.clone(), placed).prop_map(|(from, to)| Range::Between(from, to)),
    ];
    let of_index = (customer(), range, Just(Some(INDEX))).boxed();
    let limit = option::of(prop_oneof![20 => 1..5_usize, 1 => Just(0), 1 => Just(1000)]);
    (tables, prop_oneof![2 => of_table, 1 => of_index], any::<bool>(), limit).prop_map(
        |(table, (pk, range, index), descending, limit)| {
            let mut query = Query::new(table, pk).range(range);
            (query.index, query.descending, query.limit) = (index, descending, limit);
            query
        },
    )
}

fn scan(tables: impl Strategy<Value = Arc<str>>) -> impl Strategy<Value = Scan> {
    let parts = prop_oneof![
        5 => Just((0, 1)),
        5 => (0..4_u32).prop_map(|of| (0, of)),
        1 => Just((3, 3)),
        1 => Just((1_000_000, 1_000_001)),
    ];
    let limit = option::of(prop_oneof![10 => 1..6_usize, 1 => Just(0)]);
    (tables, parts, option::of(condition()), limit).prop_map(|(table, (at, of), filter, limit)| {
        let mut scan = Scan::new(table).segment(at, of);
        (scan.filter, scan.limit) = (filter, limit);
        scan
    })
}

fn op(key: BoxedStrategy<Key>, in_transaction: bool) -> impl Strategy<Value = Op> {
    let put = item().prop_map(Action::Put);
    let update = prop_oneof![10 => vec(update(), 1..4), 1 => vec(update(), 0..1)];
    // The engine lets a transaction's update touch the item's own key, which DynamoDB and the memory table refuse
    // (decision 001 again).
    let update = update.prop_map(move |mut updates| {
        updates.retain(|one| !in_transaction || !["pk", "sk"].contains(&one.attribute()));
        Action::Update(updates)
    });
    let checks = if in_transaction { 3 } else { 0 };
    let action = prop_oneof![
        5 => put,
        5 => update,
        1 => Just(Action::Delete),
        checks => Just(Action::Check),
    ];
    (key, action, option::weighted(0.6, condition()), any::<bool>())
        .prop_map(|(key, action, condition, returning)| Op { key, action, condition, returning })
}

fn update() -> impl Strategy<Value = Update> {
    let n = prop_oneof![
        5 => -3..4_i64,
        1 => select(vec![i64::MAX, i64::MIN, 1_000_000_000_000]),
    ];
    prop_oneof![
        4 => attribute().prop_map(|(name, value)| Update::Set(name, value)),
        4 => (name(), n).prop_map(|(name, n)| Update::Add(name, n)),
        2 => name().prop_map(Update::Remove),
    ]
}

/// Mostly about the attributes that items have, and of the values that they have.
fn condition() -> impl Strategy<Value = Condition> {
    let compare = select(vec![
        Compare::Equal,
        Compare::NotEqual,
        Compare::Less,
        Compare::AtMost,
        Compare::Greater,
        Compare::AtLeast,
    ]);
    let attribute = (prop_oneof![9 => attribute(), 1 => key_attribute()], compare).prop_map(
        |((name, value), compare)| {
            // The engine takes an order by what has none and calls it false; DynamoDB and the memory table refuse it
            // (docs/decisions/001-tables-by-library.md).
            let ordered = matches!(value, Value::S(_) | Value::N(_) | Value::B(_));
            let compare = match compare {
                Compare::Equal | Compare::NotEqual => compare,
                compare if ordered => compare,
                _ => Compare::NotEqual,
            };
            Condition::Attribute(name, compare, value)
        },
    );
    let leaf = prop_oneof![
        2 => Just(Condition::Absent),
        2 => Just(Condition::Exists),
        2 => name().prop_map(Condition::Without),
        6 => attribute,
    ];
    leaf.prop_recursive(2, 6, 3, |inner| {
        prop_oneof![
            vec(inner.clone(), 1..4).prop_map(Condition::All),
            vec(inner, 1..4).prop_map(Condition::Any),
        ]
    })
}

fn item() -> impl Strategy<Value = Item> {
    let big = (
        select(vec![409_500_usize, 409_540, 409_560, 409_570, 409_580, 409_590, 409_600]),
        item_of(0..3),
    );
    let big = big.prop_map(|(size, mut item)| {
        item.insert("big".to_owned(), Value::S("x".repeat(size)));
        item
    });
    prop_oneof![50 => item_of(0..5), 1 => big]
}

fn item_of(attributes: std::ops::Range<usize>) -> impl Strategy<Value = Item> {
    vec(attribute(), attributes).prop_map(|attributes| attributes.into_iter().collect())
}

/// An attribute with a value of its usual kind; now and then with any.
fn attribute() -> impl Strategy<Value = (String, Value)> {
    let indexed = |name: &'static str, text: BoxedStrategy<String>| {
        let wrong = prop_oneof![Just(Value::S(String::new())), Just(Value::from(7_i64))];
        let value = prop_oneof![20 => text.prop_map(Value::S), 1 => wrong];
        value.prop_map(move |value| (name.to_owned(), value))
    };
    let placed = select(vec!["2026-01-01", "2026-01-02", "2026-02-01"]).prop_map(str::to_owned);
    prop_oneof![
        6 => (select(vec!["n", "m"]), number()).prop_map(|(name, n)| (name.to_owned(), Value::N(n))),
        4 => select(vec!["", "open", "closed", "opeo"]).prop_map(|text| ("text".to_owned(), text.into())),
        3 => indexed("customer", customer().boxed()),
        3 => indexed("placedAt", placed.boxed()),
        3 => (select(vec!["n", "text", "any"]), value()).prop_map(|(name, value)| (name.to_owned(), value)),
    ]
}

/// What may be said of a key's attributes; an item cannot hold it, and no update may set it.
fn key_attribute() -> impl Strategy<Value = (String, Value)> {
    prop_oneof![
        pk().prop_map(|pk| ("pk".to_owned(), Value::S(pk))),
        sk().prop_map(|sk| ("sk".to_owned(), Value::S(sk))),
        value().prop_map(|value| ("sk".to_owned(), value)),
    ]
}

fn name() -> impl Strategy<Value = String> {
    let names = vec!["n", "n", "m", "text", "any", "customer", "placedAt", "none", "a.b", "size"];
    prop_oneof![30 => select(names), 1 => select(vec!["pk", "sk"])].prop_map(str::to_owned)
}

fn customer() -> impl Strategy<Value = String> {
    select(vec!["ann", "ann", "bob"]).prop_map(str::to_owned)
}

fn value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        2 => number().prop_map(Value::N),
        1 => select(vec!["", "open", "é"]).prop_map(Value::from),
        1 => vec(any::<u8>(), 0..3).prop_map(Value::B),
        1 => any::<bool>().prop_map(Value::Bool),
        1 => Just(Value::Null),
    ];
    let nested = leaf.prop_recursive(3, 8, 3, |inner| {
        prop_oneof![
            vec(inner.clone(), 0..3).prop_map(Value::L),
            btree_map("[a-c]", inner, 0..3).prop_map(Value::M),
        ]
    });
    let deep = (29..35_usize, any::<bool>()).prop_map(|(depth, list)| {
        (0..depth).fold(Value::Null, |inner, _| match list {
            true => Value::L(vec![inner]),
            false => Value::M([("d".to_owned(), inner)].into()),
        })
    });
    prop_oneof![20 => nested, 1 => deep]
}

/// Mostly small; else of any spelling, at the edges of precision and magnitude and beyond, or no number at all.
fn number() -> impl Strategy<Value = String> {
    let nines = "9".repeat(38);
    let edges = [
        &nines,
        "100000000000000000000000000000000000000",
        "123456789012345678901234567890123456789",
        "1234567890123456789012345678901234567800",
        "0.00000000000000000000000000000000000001",
        "9.9999999999999999999999999999999999999e125",
        "9.99999999999999999999999999999999999999e125",
        "1e125",
        "-1e125",
        "1e126",
        "1e-130",
        "-1E-130",
        "1e-131",
        "0e126",
        "0e125",
        "0.0e-130",
    ];
    let spellings = [
        "-0", "0.0", "1.0", "01", "+1", "1e0", "1E+1", "10e-1", "-1.50", "5.", ".5", "1.5", "-0.5",
    ];
    let wrong = [
        "",
        "one",
        "1.2.3",
        " 1",
        "1 ",
        "1_0",
        "NaN",
        "1e",
        "e1",
        "--1",
        "+-1",
        "1e99999999999",
        ".",
    ];
    let texts =
        |texts: &[&str]| select(texts.iter().map(|text| (*text).to_owned()).collect::<Vec<_>>());
    let drawn = ("-?[0-9]{1,20}(\\.[0-9]{1,20})?", option::of(-140..140_i32)).prop_map(
        |(mantissa, exponent)| match exponent {
            Some(exponent) => format!("{mantissa}e{exponent}"),
            None => mantissa,
        },
    );
    prop_oneof![
        20 => (-2..4_i64).prop_map(|n| n.to_string()),
        6 => texts(&spellings),
        4 => texts(&edges),
        3 => drawn,
        1 => texts(&wrong),
    ]
}
