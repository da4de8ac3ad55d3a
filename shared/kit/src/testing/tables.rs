//! What every adapter of the table port must do alike.

mod scans;

use crate::table::{
    Compare, Condition, Cursor, Error, Index, Item, Key, Op, Query, Range, Reason, Tables, Value,
    to_item,
};
use serde_json::json;

/// Runs the port's suite in `table`, whose keys are `pk` and `sk`, within partitions that begin with
/// `salt`. If the table has the index, it is read as well.
///
/// # Panics
/// If the adapter does not keep to the port.
pub async fn table_suite(tables: &dyn Tables, table: &str, salt: &str, index: Option<Index>) {
    let suite = Suite { tables, table, salt };
    suite.values_come_back_as_they_were().await;
    suite.conditions_hold_as_the_port_says().await;
    suite.updates_change_single_attributes().await;
    suite.transactions_are_all_or_nothing().await;
    suite.what_is_malformed_is_refused().await;
    suite.queries_read_every_page_in_order().await;
    scans::suite(tables, table, salt).await;
    if let Some(index) = index {
        suite.an_index_holds_what_has_its_keys(index).await;
    }
}

struct Suite<'a> {
    tables: &'a dyn Tables,
    table: &'a str,
    salt: &'a str,
}

impl Suite<'_> {
    fn key(&self, pk: &str, sk: &str) -> Key {
        Key::new(self.table, format!("{}{pk}", self.salt), sk)
    }

    async fn put(&self, key: &Key, fields: serde_json::Value) {
        let item = item(fields);
        self.tables.write(Op::put(key.clone(), item)).await.expect("an unconditional put");
    }

    async fn values_come_back_as_they_were(&self) {
        let key = self.key("values", "1");
        assert_eq!(self.tables.get(&key).await, Ok(None));
        let mut item = item(json!({
            "text": "ä \"quoted\"", "empty": "", "n": -12, "big": u64::MAX, "yes": true, "no": null,
            "list": [1, "two", [], {}], "map": { "a": { "b": "c" } },
        }));
        item.insert("bytes".to_owned(), Value::B(vec![0, 255]));
        self.tables.write(Op::put(key.clone(), item.clone())).await.expect("a put");
        item.extend(key.attributes());
        assert_eq!(self.tables.get(&key).await, Ok(Some(item)));
        self.tables.write(Op::delete(key.clone())).await.expect("a delete");
        self.tables.write(Op::delete(key.clone())).await.expect("a delete of nothing");
        assert_eq!(self.tables.get(&key).await, Ok(None));
    }

    async fn conditions_hold_as_the_port_says(&self) {
        let there = self.key("conditions", "there");
        let nowhere = self.key("conditions", "nowhere");
        self.put(&there, json!({ "n": 2, "s": "b" })).await;
        let n = |compare, value: i64| Condition::Attribute("n".to_owned(), compare, value.into());
        let missing = |compare| Condition::Attribute("x".to_owned(), compare, 1.into());
        let cases = [
            (&there, Condition::Exists, true),
            (&there, Condition::Absent, false),
            (&nowhere, Condition::Exists, false),
            (&nowhere, Condition::Absent, true),
            (&there, Condition::Without("x".to_owned()), true),
            (&there, Condition::Without("n".to_owned()), false),
            (&there, n(Compare::Equal, 2), true),
            (&there, n(Compare::NotEqual, 2), false),
            (&there, n(Compare::Less, 10), true),
            (&there, n(Compare::AtMost, 2), true),
            (&there, n(Compare::Greater, 2), false),
            (&there, n(Compare::AtLeast, 2), true),
            (&there, Condition::equal("n", "2"), false),
            (&there, Condition::less("s", "c"), true),
            (&there, missing(Compare::Equal), false),
            (&there, missing(Compare::Less), false),
            (&there, missing(Compare::NotEqual), true),
            (&nowhere, missing(Compare::NotEqual), true),
            (&there, Condition::All(vec![Condition::Exists, n(Compare::Less, 2)]), false),
            (&there, Condition::Any(vec![Condition::Absent, n(Compare::Equal, 2)]), true),
        ];
        for (key, condition, expected) in cases {
            let check = Op::check(key.clone(), condition.clone());
            let holds = match self.tables.transact(vec![check]).await {
                Ok(()) => true,
                Err(Error::Cancelled(reasons)) => {
                    assert_eq!(reasons, [Reason::ConditionFailed { item: None }]);
                    false
                }
                Err(error) => panic!("{condition:?}: {error}"),
            };
            assert_eq!(holds, expected, "{condition:?} of {key}");
        }
        let put = Op::put(there.clone(), Item::new()).when(Condition::Absent);
        let failed = Err(Error::ConditionFailed { item: None });
        assert_eq!(self.tables.write(put.clone()).await, failed);
        match self.tables.write(put.returning()).await {
            Err(Error::ConditionFailed { item: Some(old) }) => assert_eq!(old["s"], "b".into()),
            other => panic!("{other:?}"),
        }
    }

    async fn updates_change_single_attributes(&self) {
        let key = self.key("updates", "1");
        let update = || Op::update(key.clone());
        for op in [
            update().add("n", 5).set("size", "a"),
            update().add("n", -7).set("size", "b"),
            update().remove("size").when(Condition::equal("n", -2)),
        ] {
            self.tables.write(op).await.expect("an update");
        }
        let mut expected = item(json!({ "n": -2 }));
        expected.extend(key.attributes());
        assert_eq!(self.tables.get(&key).await, Ok(Some(expected)));
    }

    async fn transactions_are_all_or_nothing(&self) {
        let (one, two) = (self.key("transactions", "1"), self.key("transactions", "2"));
        let both = || {
            vec![
                Op::put(one.clone(), item(json!({ "n": 1 }))).when(Condition::Absent).returning(),
                Op::update(two.clone()).add("n", 1),
                Op::check(self.key("transactions", "3"), Condition::Absent),
            ]
        };
        self.tables.transact(both()).await.expect("a transaction");
        let Err(Error::Cancelled(reasons)) = self.tables.transact(both()).await else {
            panic!("the second is cancelled")
        };
        let Reason::ConditionFailed { item: Some(old) } = &reasons[0] else {
            panic!("{reasons:?}")
        };
        assert_eq!(old["n"], 1.into());
        assert_eq!(reasons[1..], [Reason::None, Reason::None]);
        let two = self.tables.get(&two).await.expect("a get").expect("an item");
        assert_eq!(two["n"], 1.into());
    }

    async fn what_is_malformed_is_refused(&self) {
        let put = |sk: &str| Op::put(self.key("malformed", sk), Item::new());
        let check = || Op::check(self.key("malformed", "1"), Condition::Absent);
        let large = item(json!({ "text": "x".repeat(410_000) }));
        let refused = [
            self.tables.transact(vec![]).await,
            self.tables.transact(vec![put("1"), check()]).await,
            self.tables.transact((0..101).map(|n| put(&n.to_string())).collect()).await,
            self.tables.write(check()).await,
            self.tables.write(put("")).await,
            self.tables.write(Op::put(self.key("malformed", "1"), large)).await,
            self.tables.write(put("1").when(Condition::All(vec![]))).await,
            self.tables.write(put("1").when(Condition::Any(vec![]))).await,
        ];
        for (n, result) in refused.into_iter().enumerate() {
            assert!(matches!(result, Err(Error::Refused { .. })), "case {n}: {result:?}");
        }
    }

    async fn queries_read_every_page_in_order(&self) {
        // 30 items of 50 KB: more than the 1 MB of one page.
        let text = "x".repeat(50_000);
        for n in (1..=30).rev() {
            self.put(&self.key("query", &format!("{n:010}")), json!({ "n": n, "text": text }))
                .await;
        }
        self.put(&self.key("query", "guard"), json!({})).await;
        let query = || Query::new(self.table, format!("{}query", self.salt));
        let rows = || query().range(Range::Below(":".to_owned()));
        let numbers = async |query: Query| -> Vec<i64> {
            let items = self.tables.query(&query).await.expect("a query");
            items.iter().filter_map(|item| item.get("n")?.as_n()).collect()
        };
        assert_eq!(numbers(rows()).await, (1..=30).collect::<Vec<_>>());
        assert_eq!(numbers(rows().descending().limit(2)).await, [30, 29]);
        let between = Range::Between("0000000007".to_owned(), "0000000009".to_owned());
        assert_eq!(numbers(query().range(between)).await, [7, 8, 9]);
        assert_eq!(numbers(query().range(Range::Prefix("000000002".to_owned()))).await.len(), 10);
        let from = Range::From("0000000029".to_owned());
        assert_eq!(self.tables.query(&query().range(from)).await.map(|items| items.len()), Ok(3));

        let page = self.tables.page(&rows().limit(3), None).await.expect("a page");
        let token = page.next.expect("a next page").token();
        let cursor = Cursor::parse(&token).expect("its own token");
        let next = self.tables.page(&rows().limit(3), Some(&cursor)).await.expect("a page");
        assert_eq!(next.items[0]["n"], 4.into());
    }

    async fn an_index_holds_what_has_its_keys(&self, index: Index) {
        let customer = format!("{}customer", self.salt);
        for (sk, place) in [("1", Some("b")), ("2", Some("a")), ("3", None)] {
            let mut fields = json!({ index.pk: customer });
            if let Some(place) = place {
                fields[index.sk] = place.into();
            }
            self.put(&self.key("index", sk), fields).await;
        }
        let query = Query::new(self.table, customer).index(index).descending();
        let items = self.tables.query(&query).await.expect("a query of the index");
        let found: Vec<Option<&str>> = items.iter().map(|item| item["sk"].as_s()).collect();
        assert_eq!(found, [Some("1"), Some("2")]);
    }
}

fn item(fields: serde_json::Value) -> Item {
    to_item(&fields).expect("an object")
}
