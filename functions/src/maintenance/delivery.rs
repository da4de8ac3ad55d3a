//! What was delivered, added to the stock.

use crate::stock;
use contract::{
    event::Timestamp,
    values::{Pick, Sku},
};
use pointsman_kit::{
    clock::Deadline,
    consumer::Failure,
    idempotency::Once,
    table::{MAX_TRANSACTION, Tables},
    transaction::{Transaction, Verdict},
};
use serde::{Deserialize, Serialize};
use std::{collections::BTreeMap, num::NonZeroU32};

/// The most characters of a delivery's name.
const MAX_NAME: usize = 128;

/// Goods that came.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Delivery {
    /// Its name: under one name, goods are added once (within the 60 days that markers are kept).
    pub delivery: String,
    /// What came. A sku that comes twice is added up.
    pub items: Vec<Pick>,
}

/// What became of a delivery.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Delivered {
    /// Its name.
    pub delivery: String,
    /// Whether it was added now; else it had been before.
    pub loaded: bool,
    /// What it added, by sku.
    pub items: BTreeMap<Sku, NonZeroU32>,
}

/// Adds a delivery to the stock, all of it in one transaction.
///
/// # Errors
/// If it has no item, or too many for a transaction; if its name was used for other goods; the
/// table's.
pub async fn load(
    tables: &dyn Tables,
    services: &str,
    delivery: &Delivery,
    now: Timestamp,
    deadline: Deadline,
) -> Result<Delivered, Failure> {
    let Delivery { delivery: name, items } = delivery;
    if name.is_empty() || name.chars().count() > MAX_NAME {
        return Err(Failure::reject(format!("delivery: 1 to {MAX_NAME} characters")));
    }
    let mut goods: BTreeMap<Sku, NonZeroU32> = BTreeMap::new();
    for Pick { sku, quantity } in items {
        let sum = goods.get(sku).map_or(Some(*quantity), |had| had.checked_add(quantity.get()));
        let sum = sum.ok_or_else(|| Failure::reject(format!("items: too much of {sku}")))?;
        goods.insert(sku.clone(), sum);
    }
    // One place in the transaction is the marker's.
    if goods.is_empty() || goods.len() >= MAX_TRANSACTION {
        let text = format!("items: 1 to {} skus, not {}", MAX_TRANSACTION - 1, goods.len());
        return Err(Failure::reject(text));
    }
    let content = serde_json::to_vec(&goods).map_err(Failure::reject)?;
    let once = Once::marker(services, "maintenance", "1", name, &content, now);
    let mut transaction = Transaction::new().once(&once, None);
    for (sku, quantity) in &goods {
        let pick = Pick { sku: sku.clone(), quantity: *quantity };
        transaction = transaction.effect("Stock", stock::put_back(services, &pick));
    }
    let loaded = match transaction.commit(tables, deadline).await.map_err(super::of_table)? {
        Verdict::Committed => true,
        Verdict::Done(_) => false,
        Verdict::Mismatch => {
            return Err(Failure::reject(format!(
                "delivery {name} was loaded before, with other goods"
            )));
        }
        // Neither a stream nor a condition is in it.
        verdict @ (Verdict::VersionTaken | Verdict::Refused(_)) => {
            return Err(Failure::reject(format!("unexpected: {verdict:?}")));
        }
    };
    Ok(Delivered { delivery: name.clone(), loaded, items: goods })
}
