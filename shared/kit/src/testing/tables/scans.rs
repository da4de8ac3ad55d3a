//! What every adapter of the table port must do alike when a whole table is read.

use crate::table::{Condition, Cursor, Error, Item, Key, Op, Page, Scan, Tables, to_item};
use serde_json::json;
use std::collections::BTreeSet;

/// Scans `table`, which may have other items: ours have partition keys that begin with `salt`.
pub(super) async fn suite(tables: &dyn Tables, table: &str, salt: &str) {
    let salt = &format!("{salt}scan-");
    let suite = Suite { tables, table, salt };
    let mut all = BTreeSet::new();
    for n in 0..40 {
        // More than the 1 MB of one page, in partitions of two items.
        let fields = json!({ "n": n, "text": "x".repeat(30_000) });
        let item = to_item(&fields).expect("an object");
        let key = Key::new(table, format!("{salt}{:02}", n / 2), format!("{n}"));
        all.insert((key.pk.clone(), key.sk.clone()));
        tables.write(Op::put(key, item)).await.expect("an unconditional put");
    }
    suite.every_item_is_found_once(&all).await;
    suite.segments_share_all_items_and_no_partition(&all).await;
    suite.a_filter_and_a_limit_leave_pages_that_go_on().await;
    suite.what_is_malformed_is_refused().await;
}

struct Suite<'a> {
    tables: &'a dyn Tables,
    table: &'a str,
    salt: &'a str,
}

impl Suite<'_> {
    async fn every_item_is_found_once(&self, all: &BTreeSet<(String, String)>) {
        let pages = self.pages(Scan::new(self.table)).await;
        assert!(pages.len() > 1, "a page has at most 1 MB");
        let found = self.keys(&pages);
        assert_eq!(found.len(), all.len());
        assert_eq!(found.into_iter().collect::<BTreeSet<_>>(), *all);
    }

    async fn segments_share_all_items_and_no_partition(&self, all: &BTreeSet<(String, String)>) {
        let (mut found, mut partitions) = (Vec::new(), Vec::new());
        for segment in 0..3 {
            let keys = self.keys(&self.pages(Scan::new(self.table).segment(segment, 3)).await);
            let own: BTreeSet<String> = keys.iter().map(|(pk, _)| pk.clone()).collect();
            partitions.extend(own);
            found.extend(keys);
        }
        assert_eq!(found.len(), all.len());
        assert_eq!(found.into_iter().collect::<BTreeSet<_>>(), *all);
        let distinct: BTreeSet<&String> = partitions.iter().collect();
        assert_eq!(distinct.len(), partitions.len(), "a partition is of one segment");
    }

    async fn a_filter_and_a_limit_leave_pages_that_go_on(&self) {
        let high = Condition::at_least("n", 30);
        let pages = self.pages(Scan::new(self.table).only(high).limit(3)).await;
        assert!(pages.iter().all(|page| page.items.len() <= 3));
        assert!(pages.iter().any(|page| page.items.len() < 3 && page.next.is_some()));
        let mut numbers: Vec<i64> = pages
            .iter()
            .flat_map(|page| &page.items)
            .filter(|item| self.is_own(item))
            .filter_map(|item| item.get("n")?.as_n())
            .collect();
        numbers.sort_unstable();
        assert_eq!(numbers, (30..40).collect::<Vec<_>>());
    }

    async fn what_is_malformed_is_refused(&self) {
        let scan = || Scan::new(self.table);
        for wrong in [scan().segment(3, 3), scan().segment(0, 0), scan().limit(0)] {
            let page = self.tables.scan(&wrong, None).await;
            assert!(matches!(page, Err(Error::Refused { .. })), "{wrong:?}: {page:?}");
        }
    }

    /// All pages; the cursor travels as text, as a caller would keep it.
    async fn pages(&self, scan: Scan) -> Vec<Page> {
        let (mut pages, mut after) = (Vec::new(), None);
        loop {
            let page = self.tables.scan(&scan, after.as_ref()).await.expect("a page");
            let token = page.next.as_ref().map(Cursor::token);
            pages.push(page);
            match token {
                Some(token) => after = Some(Cursor::parse(&token).expect("its own token")),
                None => return pages,
            }
        }
    }

    fn keys(&self, pages: &[Page]) -> Vec<(String, String)> {
        let items = pages.iter().flat_map(|page| &page.items).filter(|item| self.is_own(item));
        items.map(|item| (text(item, "pk"), text(item, "sk"))).collect()
    }

    fn is_own(&self, item: &Item) -> bool {
        text(item, "pk").starts_with(self.salt)
    }
}

fn text(item: &Item, name: &str) -> String {
    item[name].as_s().expect("a string").to_owned()
}
