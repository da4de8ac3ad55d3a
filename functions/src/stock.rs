//! How much of a sku is left: the row `stock#<sku>`, `stock` of the table `Services`, attribute
//! `available`, a whole number.
//!
//! Whoever takes from it does so under the condition that there is as much.

use contract::values::{Pick, Sku};
use pointsman_kit::table::{Condition, Error, Key, Op, Tables, Value};

/// The attribute that counts.
pub const AVAILABLE: &str = "available";

/// The key of a sku's row.
pub fn key(services: &str, sku: &Sku) -> Key {
    Key::new(services, format!("stock#{sku}"), "stock")
}

/// Takes `pick`, if there is as much.
pub fn take(services: &str, pick: &Pick) -> Op {
    let quantity = i64::from(pick.quantity.get());
    let enough = Condition::at_least(AVAILABLE, quantity);
    Op::update(key(services, &pick.sku)).add(AVAILABLE, -quantity).when(enough)
}

/// Puts `pick` back.
pub fn put_back(services: &str, pick: &Pick) -> Op {
    Op::update(key(services, &pick.sku)).add(AVAILABLE, pick.quantity.get().into())
}

/// How much there is of a sku, read consistently; of one that was never in stock, nothing.
///
/// # Errors
/// The table's.
pub async fn available(tables: &dyn Tables, services: &str, sku: &Sku) -> Result<u64, Error> {
    let item = tables.get(&key(services, sku)).await?;
    Ok(item.as_ref().and_then(|item| item.get(AVAILABLE)).and_then(Value::as_n).unwrap_or(0))
}
