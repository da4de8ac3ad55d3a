//! The orders as customers read them: rows that order-view writes and order-queries reads.
//!
//! | pk | sk | holds |
//! |---|---|---|
//! | `<generation>#order#<id>` | `order` | the view, its `rev`, and the keys of a customer's list |
//! | `order-view` | `generations` | which generation is `live`, and which are `building` |
//!
//! A generation is a whole read model of its own: a new one is built beside the live one, compared,
//! and made live by changing one row.

use contract::{
    event::Envelope,
    values::{CustomerId, OrderId},
};
use domain::view::OrderView;
use pointsman_kit::{
    store::{Kind, Row},
    table::{
        Compare, Condition, Cursor, Error, Index, Item, Key, Op, PK, Page, Query, Scan, Tables,
        Value, from_item, to_item,
    },
};
use serde::{Deserialize, Serialize};
use std::{fmt, sync::Arc};

/// A customer's orders by the time they were placed.
const BY_CUSTOMER: Index = Index { name: "by-customer", pk: "customer", sk: "placedAt" };
const REV: &str = "rev";
/// How many rows a page of a scan has at most.
const PAGE: usize = 500;

/// The table of the read model.
#[derive(Clone)]
pub struct ReadModel {
    tables: Arc<dyn Tables>,
    table: Arc<str>,
}

/// The generations that are open: they get every live event.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Generations {
    /// The one that is read.
    pub live: String,
    /// Those that are being built.
    #[serde(default)]
    pub building: Vec<String>,
}

/// A view as it was found, or the empty one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Found {
    /// The view.
    pub view: OrderView,
    /// The revision of its row; `None` if there is no row.
    pub rev: Option<u64>,
}

impl Default for Generations {
    /// Those before the first rebuild.
    fn default() -> Self {
        Self { live: "1".to_owned(), building: Vec::new() }
    }
}

impl ReadModel {
    /// The read model in `table`.
    pub fn new(tables: Arc<dyn Tables>, table: impl Into<Arc<str>>) -> Self {
        Self { tables, table: table.into() }
    }

    /// Where the generations are named. Before the first rebuild there is no such row.
    pub fn pointer(&self) -> Key {
        Key::new(self.table.clone(), "order-view", "generations")
    }

    /// The open generations.
    ///
    /// # Errors
    /// The table's; a malformed row.
    pub async fn generations(&self) -> Result<Generations, Error> {
        Ok(self.pointed().await?.unwrap_or_default())
    }

    /// What the pointer's row says, if there is one.
    ///
    /// # Errors
    /// The table's; a malformed row.
    pub async fn pointed(&self) -> Result<Option<Generations>, Error> {
        let pointer = self.pointer();
        let item = self.tables.get(&pointer).await?;
        item.map(|item| from_item(&item).map_err(|error| malformed(&pointer, &error))).transpose()
    }

    /// Has the pointer's row say `to`, if it still says `from`. `false` if it does not.
    ///
    /// # Errors
    /// The table's. After [`Error::Lost`] it may be in.
    pub async fn point(&self, from: Option<&Generations>, to: &Generations) -> Result<bool, Error> {
        let pointer = self.pointer();
        let item = |generations: &Generations| {
            to_item(generations).map_err(|error| malformed(&pointer, &error))
        };
        let unchanged = match from {
            None => Condition::Absent,
            Some(from) => {
                let says = |(name, value)| Condition::Attribute(name, Compare::Equal, value);
                Condition::All(item(from)?.into_iter().map(says).collect())
            }
        };
        let put = Op::put(pointer.clone(), item(to)?).when(unchanged);
        self.tables.write(put).await.map(|()| true).or_else(condition_failed)
    }

    /// An order's view, read consistently.
    ///
    /// # Errors
    /// The table's; a malformed row.
    pub async fn find(&self, generation: &str, order_id: OrderId) -> Result<Found, Error> {
        let key = self.key(generation, order_id);
        let Some(item) = self.tables.get(&key).await? else {
            return Ok(Found { view: OrderView::new(order_id), rev: None });
        };
        let rev = item.get(REV).and_then(Value::as_n);
        let rev = Some(rev.ok_or_else(|| malformed(&key, &"no rev"))?);
        Ok(Found { view: view_of(&item).map_err(|error| malformed(&key, &error))?, rev })
    }

    /// Writes a view over the row whose revision is `over`. `false` if it is another by now.
    ///
    /// # Errors
    /// The table's. After [`Error::Lost`] it may be in.
    pub async fn save(
        &self,
        generation: &str,
        view: &OrderView,
        over: Option<u64>,
    ) -> Result<bool, Error> {
        let key = self.key(generation, view.order_id);
        let mut item = to_item(view).map_err(|error| malformed(&key, &error))?;
        // An index takes no row whose key attribute is there and is no string.
        item.retain(|_, value| *value != Value::Null);
        item.insert(REV.to_owned(), (over.unwrap_or(0) + 1).into());
        if let Some(order) = &view.order {
            let customer = list(generation, &order.customer_id);
            item.insert(BY_CUSTOMER.pk.to_owned(), customer.into());
        }
        let unchanged = over.map_or(Condition::Absent, |rev| Condition::equal(REV, rev));
        let put = Op::put(key, item).when(unchanged);
        self.tables.write(put).await.map(|()| true).or_else(condition_failed)
    }

    /// Removes an order's row, if there.
    ///
    /// # Errors
    /// The table's.
    pub async fn remove(&self, generation: &str, order_id: OrderId) -> Result<(), Error> {
        self.tables.write(Op::delete(self.key(generation, order_id))).await
    }

    /// All rows of all generations, so many a page that they are dealt with well within an
    /// invocation; [`identity`] tells them apart.
    pub fn everything(&self) -> Scan {
        Scan::new(self.table.clone()).limit(PAGE)
    }

    /// A page of a customer's orders, the latest first. The index may lag behind the rows.
    ///
    /// # Errors
    /// The table's; [`Error::Refused`] if `after` is no place in this list.
    pub async fn list(
        &self,
        generation: &str,
        customer: &CustomerId,
        limit: usize,
        after: Option<&Cursor>,
    ) -> Result<Page, Error> {
        let query = Query::new(self.table.clone(), list(generation, customer)).index(BY_CUSTOMER);
        self.tables.page(&query.descending().limit(limit), after).await
    }

    fn key(&self, generation: &str, order_id: OrderId) -> Key {
        Key::new(self.table.clone(), format!("{generation}#order#{order_id}"), "order")
    }
}

impl Generations {
    /// All of them, the live one first.
    pub fn open(self) -> Vec<String> {
        let mut open = vec![self.live];
        open.extend(self.building);
        open
    }
}

/// Of a stream's rows, the events that a view is folded from.
pub fn events(rows: &[Row]) -> impl Iterator<Item = &Envelope> {
    rows.iter().filter(|row| row.kind == Kind::Event).map(|row| &row.envelope)
}

/// The view that a row holds.
///
/// # Errors
/// If it is no such row.
pub fn view_of(item: &Item) -> Result<OrderView, Error> {
    from_item(item).map_err(|error| Error::Refused {
        code: "MalformedRow".to_owned(),
        message: format!("a row of the read model: {error}"),
    })
}

/// The generation and the order that a row is of; `None` for the pointer's.
pub fn identity(item: &Item) -> Option<(&str, OrderId)> {
    let (generation, order_id) = item.get(PK)?.as_s()?.split_once("#order#")?;
    Some((generation, order_id.parse().ok()?))
}

/// Another wrote first.
fn condition_failed(error: Error) -> Result<bool, Error> {
    match error {
        Error::ConditionFailed { .. } => Ok(false),
        error => Err(error),
    }
}

fn list(generation: &str, customer: &CustomerId) -> String {
    format!("{generation}#customer#{customer}")
}

fn malformed(key: &Key, error: &dyn fmt::Display) -> Error {
    Error::Refused { code: "MalformedRow".to_owned(), message: format!("{key}: {error}") }
}
