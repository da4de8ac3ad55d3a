//! The table port: what the kit needs of DynamoDB, and no more.
//!
//! Every table of a system built on the kit has the same two key attributes, the strings `pk` and
//! `sk`, so that one port serves them all. An operation names its table, because one transaction
//! often spans two (an event row in one, its marker in another).
//!
//! [`Memory`] evaluates keys, conditions and updates as DynamoDB does and is what tests run
//! against; `DynamoDb` (feature `dynamodb`) is the real one.
//!
//! ```
//! # tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
//! use pointsman_kit::table::{Condition, Error, Key, Memory, Op, Tables, to_item};
//!
//! let tables = Memory::new();
//! let key = Key::new("Services", "stock#apple", "stock");
//! let row = to_item(&serde_json::json!({ "onHand": 3 })).unwrap();
//! tables.write(Op::put(key.clone(), row).when(Condition::Absent)).await.unwrap();
//!
//! let take = |n: i64| {
//!     Op::update(key.clone()).add("onHand", -n).when(Condition::at_least("onHand", n))
//! };
//! tables.write(take(2)).await.unwrap();
//! assert!(matches!(tables.write(take(2)).await, Err(Error::ConditionFailed { .. })));
//! # });
//! ```

mod condition;
#[cfg(feature = "dynamodb")]
mod dynamodb;
mod error;
#[cfg(any(feature = "dynamodb", test))]
mod expression;
mod memory;
mod number;
mod op;
mod query;
mod scan;
#[cfg(test)]
mod tests;
mod value;

pub use condition::{Compare, Condition};
#[cfg(feature = "dynamodb")]
pub use dynamodb::DynamoDb;
pub use error::{Error, Reason};
pub use memory::{Change, ChangeKind, Fault, Memory};
pub use op::{Action, Op, Update};
pub use query::{Cursor, Index, Page, Query, Range};
pub use scan::Scan;
pub use value::{Item, Unrepresentable, Value, from_item, to_item};

use async_trait::async_trait;
use std::sync::Arc;

/// The attribute that holds the partition key of every table.
pub const PK: &str = "pk";
/// The attribute that holds the sort key of every table.
pub const SK: &str = "sk";
/// The most operations one transaction may hold.
pub const MAX_TRANSACTION: usize = 100;

/// An item store with DynamoDB's semantics.
///
/// No method tries again for long: who calls knows the deadline. Reads and transactions are safe to
/// repeat, and so may be; a lone write is repeated only where it was told to have written nothing.
#[async_trait]
pub trait Tables: Send + Sync {
    /// The item under `key`, read consistently, or `None`.
    async fn get(&self, key: &Key) -> Result<Option<Item>, Error>;

    /// One page of `query` (at most 1 MB), starting behind `after`. Consistent, but for an index,
    /// which DynamoDB can't read so. A page may be empty and still have a next one.
    async fn page(&self, query: &Query, after: Option<&Cursor>) -> Result<Page, Error>;

    /// One page of `scan` (at most 1 MB looked at), starting behind `after`. Consistent. A page may be
    /// empty and still have a next one.
    async fn scan(&self, scan: &Scan, after: Option<&Cursor>) -> Result<Page, Error>;

    /// One conditional write. A [`Action::Check`] alone is refused: it belongs in a transaction.
    async fn write(&self, op: Op) -> Result<(), Error>;

    /// All of `ops` or none: 1 to [`MAX_TRANSACTION`], on distinct items.
    ///
    /// # Errors
    /// [`Error::Cancelled`] has a reason for each of `ops`, in their order.
    async fn transact(&self, ops: Vec<Op>) -> Result<(), Error>;

    /// All items of `query`, page after page, up to its limit.
    async fn query(&self, query: &Query) -> Result<Vec<Item>, Error> {
        let mut items = Vec::new();
        let mut after = None;
        loop {
            let page = self.page(query, after.as_ref()).await?;
            items.extend(page.items);
            if let Some(limit) = query.limit
                && items.len() >= limit
            {
                items.truncate(limit);
                return Ok(items);
            }
            match page.next {
                Some(next) => after = Some(next),
                None => return Ok(items),
            }
        }
    }
}

/// Where an item lives: its table and the values of [`PK`] and [`SK`].
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Key {
    /// The table's name.
    pub table: Arc<str>,
    /// The partition key.
    pub pk: String,
    /// The sort key.
    pub sk: String,
}

impl Key {
    /// The key `pk`, `sk` in `table`.
    pub fn new(table: impl Into<Arc<str>>, pk: impl Into<String>, sk: impl Into<String>) -> Self {
        Self { table: table.into(), pk: pk.into(), sk: sk.into() }
    }

    /// The two key attributes as an item.
    pub fn attributes(&self) -> Item {
        Item::from([
            (PK.to_owned(), Value::S(self.pk.clone())),
            (SK.to_owned(), Value::S(self.sk.clone())),
        ])
    }
}

impl std::fmt::Display for Key {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}[{}, {}]", self.table, self.pk, self.sk)
    }
}
