//! Rows of the table `Services` that say where one thing is: `<thing>#<order>`, `<thing>`.

use contract::values::OrderId;
use pointsman_kit::{
    consumer::Failure,
    table::{Condition, Item, Key, Op, Tables, from_item, to_item},
};
use serde::{Serialize, de::DeserializeOwned};

/// The key of an order's row: `thing` is "payment", "reservation" or "shipment".
pub fn key(services: &str, thing: &str, order_id: OrderId) -> Key {
    Key::new(services, format!("{thing}#{order_id}"), thing)
}

/// The row under `key`, read consistently.
///
/// # Errors
/// As [`state`], and the table's.
pub async fn find<T: DeserializeOwned>(
    tables: &dyn Tables,
    key: &Key,
) -> Result<Option<T>, Failure> {
    tables.get(key).await?.map(|item| state(key, &item)).transpose()
}

/// What the row says. Attributes that `T` does not know are left to others.
///
/// # Errors
/// If it can't be read: that is not the record's fault, so it comes again.
pub fn state<T: DeserializeOwned>(key: &Key, item: &Item) -> Result<T, Failure> {
    from_item(item).map_err(|error| Failure::retry(format!("{key}: {error}")))
}

/// The attributes that say `state`.
///
/// # Errors
/// If it has no form as an item.
pub fn attributes<T: Serialize>(state: &T) -> Result<Item, Failure> {
    to_item(state).map_err(Failure::retry)
}

/// The row, where there is none.
pub fn first(key: &Key, attributes: Item) -> Op {
    Op::put(key.clone(), attributes).when(Condition::Absent)
}

/// `update` that also sets these attributes. Others that an earlier state had stay.
#[must_use]
pub fn set(update: Op, attributes: &Item) -> Op {
    attributes.iter().fold(update, |update, (name, value)| update.set(name, value.clone()))
}

/// That the row says `name` in its attribute `state`, the tag of all these rows.
pub fn says(name: &str) -> Condition {
    Condition::equal("state", name)
}
