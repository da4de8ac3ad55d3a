//! Tables that take their time, so that an invocation ends in the middle of them.

use async_trait::async_trait;
use pointsman_kit::table::{Cursor, Error, Item, Key, Memory, Op, Page, Query, Scan, Tables};
use std::time::Duration;

/// Tables of which a page takes a second.
pub(crate) struct Slow(pub(crate) Memory);

#[async_trait]
impl Tables for Slow {
    async fn get(&self, key: &Key) -> Result<Option<Item>, Error> {
        self.0.get(key).await
    }

    async fn page(&self, query: &Query, after: Option<&Cursor>) -> Result<Page, Error> {
        self.0.page(query, after).await
    }

    async fn scan(&self, scan: &Scan, after: Option<&Cursor>) -> Result<Page, Error> {
        tokio::time::sleep(Duration::from_secs(1)).await;
        self.0.scan(scan, after).await
    }

    async fn write(&self, op: Op) -> Result<(), Error> {
        self.0.write(op).await
    }

    async fn transact(&self, ops: Vec<Op>) -> Result<(), Error> {
        self.0.transact(ops).await
    }
}
