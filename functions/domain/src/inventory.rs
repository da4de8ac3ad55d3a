//! An order's goods: all of them set aside, or none.
//!
//! ```text
//!        ┌▶ allocated ──▶ released
//! none ──┼▶ unavailable
//!        └▶ tombstone      its undo came first: nothing is set aside any more
//! ```
//!
//! How much of a sku is left is a number that each change of it is conditional on, so that no two
//! orders get the same last one, whatever was read before.

#[cfg(test)]
mod tests;

use contract::{
    event::command_set,
    fulfilment::{AllocateInventory, ReleaseInventory},
    inventory::{
        InventoryAllocated, InventoryEvent, InventoryReleased, InventoryUnavailable,
        UnavailableReason,
    },
    values::{OrderId, Pick, Sku},
};
use serde::{Deserialize, Serialize};
use std::{collections::BTreeSet, fmt};

command_set! {
    /// What is asked of inventory.
    #[derive(Debug, Clone, PartialEq, Eq)]
    pub enum InventoryCommand { AllocateInventory, ReleaseInventory }
}

/// The most skus of one order: all of them change in one transaction. Of its 100 parts three are
/// the marker, the event and the reservation. An order has at most 50.
pub const MAX_SKUS: usize = 97;

/// What is kept of an order's goods.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "state", rename_all = "camelCase")]
pub enum Reservation {
    /// They are set aside.
    Allocated {
        /// What, each sku once.
        items: Vec<Pick>,
    },
    /// There was too little.
    Unavailable,
    /// They were set aside, and put back.
    Released,
    /// They never were, and won't be.
    Tombstone,
}

/// What follows: the row from now on, the event that says so, and what it does to the stock.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Decided {
    /// The row.
    pub reservation: Reservation,
    /// The event.
    pub event: InventoryEvent,
    /// What happens to the stock.
    pub moves: Moves,
}

/// What happens to the stock.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Moves {
    /// Nothing.
    Nothing,
    /// This is taken, of each sku only where there is as much.
    Take(Vec<Pick>),
    /// This is put back.
    PutBack(Vec<Pick>),
}

/// A command that can't be carried out, ever.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Unfit {
    /// It names a sku more than once.
    Twice(Sku),
    /// It names more than [`MAX_SKUS`].
    TooMany(usize),
}

/// What follows from `command`; `None` if it was answered before. `missing` says of which items
/// there is known to be too little.
///
/// # Errors
/// If the command is not as it should be.
pub fn decide(
    command: &InventoryCommand,
    found: Option<&Reservation>,
    missing: &[Sku],
) -> Result<Option<Decided>, Unfit> {
    match (command, found) {
        (InventoryCommand::AllocateInventory(command), None) => {
            check(&command.items)?;
            Ok(Some(allocate(command, missing)))
        }
        (InventoryCommand::ReleaseInventory(command), None) => Ok(Some(Decided {
            reservation: Reservation::Tombstone,
            event: unavailable(command.order_id, UnavailableReason::Cancelled, &[]),
            moves: Moves::Nothing,
        })),
        (InventoryCommand::ReleaseInventory(command), Some(Reservation::Allocated { items })) => {
            Ok(Some(Decided {
                reservation: Reservation::Released,
                event: InventoryReleased { order_id: command.order_id, items: items.clone() }
                    .into(),
                moves: Moves::PutBack(items.clone()),
            }))
        }
        (_, Some(_)) => Ok(None),
    }
}

/// The skus of which there is less than is wanted.
pub fn missing(items: &[Pick], available: impl Fn(&Sku) -> u64) -> Vec<Sku> {
    let short = items.iter().filter(|item| available(&item.sku) < item.quantity.get().into());
    short.map(|item| item.sku.clone()).collect()
}

fn allocate(command: &AllocateInventory, missing: &[Sku]) -> Decided {
    let AllocateInventory { order_id, items } = command;
    if !missing.is_empty() {
        return Decided {
            reservation: Reservation::Unavailable,
            event: unavailable(*order_id, UnavailableReason::OutOfStock, missing),
            moves: Moves::Nothing,
        };
    }
    Decided {
        reservation: Reservation::Allocated { items: items.clone() },
        event: InventoryAllocated { order_id: *order_id, items: items.clone() }.into(),
        moves: Moves::Take(items.clone()),
    }
}

fn unavailable(order_id: OrderId, reason: UnavailableReason, missing: &[Sku]) -> InventoryEvent {
    InventoryUnavailable { order_id, reason, missing: missing.to_vec() }.into()
}

fn check(items: &[Pick]) -> Result<(), Unfit> {
    let mut seen = BTreeSet::new();
    match items.iter().find(|item| !seen.insert(&item.sku)) {
        Some(item) => Err(Unfit::Twice(item.sku.clone())),
        None if items.len() > MAX_SKUS => Err(Unfit::TooMany(items.len())),
        None => Ok(()),
    }
}

impl InventoryCommand {
    /// The order it is about.
    pub fn order_id(&self) -> OrderId {
        match self {
            Self::AllocateInventory(command) => command.order_id,
            Self::ReleaseInventory(command) => command.order_id,
        }
    }
}

impl fmt::Display for Unfit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Twice(sku) => write!(f, "{sku} is named more than once"),
            Self::TooMany(skus) => write!(f, "{skus} skus, but at most {MAX_SKUS} at once"),
        }
    }
}

impl std::error::Error for Unfit {}
