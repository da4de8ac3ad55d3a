//! AllocateInventory | ReleaseInventory → InventoryAllocated | InventoryUnavailable | InventoryReleased
//!
//! Stock, reservation and event change in one transaction, each sku under the condition that there
//! is enough. So stock is read only to say what is missing, once that condition was false.

use contract::{event::StreamName, inventory::STREAM, values::Sku};
use domain::inventory::{self, Decided, InventoryCommand, Moves, Reservation};
use functions::{row, service::Service, stock};
use pointsman_kit::{
    consumer::{self, Failure, Harness, Record},
    live::Live,
    process::{Decision, Process},
    runtime::Error,
    table::Op,
};
use std::collections::BTreeMap;

/// What it is called that there was not enough.
const OUT_OF_STOCK: &str = "OutOfStock";

/// What a record is handled with.
pub(crate) struct Inventory {
    pub(crate) process: Process,
    /// The table of stock and reservations.
    pub(crate) services: String,
}

fn main() -> Result<(), Error> {
    consumer::run("inventory", init, handle)
}

async fn init() -> Result<(Harness, Inventory), Error> {
    let Service { harness, process, services, .. } = Service::start("inventory").await?;
    Ok((harness, Inventory { process, services }))
}

pub(crate) async fn handle(
    inventory: &Inventory,
    record: Record<InventoryCommand>,
    live: Live,
) -> Result<(), Failure> {
    let Inventory { process, services } = inventory;
    let command = &record.event.data;
    let stream = StreamName::new(STREAM, command.order_id()).map_err(Failure::reject)?;
    let key = row::key(services, "reservation", command.order_id());
    let step = process.handle(&live, &record, &stream, async |turn| {
        let found: Option<Reservation> = row::find(process.tables(), &key).await?;
        let missing = match turn.refused() {
            Some(OUT_OF_STOCK) => inventory.missing(command).await?,
            _ => Vec::new(),
        };
        let decided = inventory::decide(command, found.as_ref(), &missing);
        let Some(Decided { reservation, event, moves }) = decided.map_err(Failure::reject)? else {
            return Ok(Decision::nothing());
        };
        let attributes = row::attributes(&reservation)?;
        let row = match found {
            None => row::first(&key, attributes),
            Some(_) => row::set(Op::update(key.clone()), &attributes).when(row::says("allocated")),
        };
        let decision = Decision::nothing().event(event).effect("ReservationChanged", row);
        Ok(match moves {
            Moves::Nothing => decision,
            Moves::Take(items) => items.iter().fold(decision, |decision, item| {
                decision.effect(OUT_OF_STOCK, stock::take(services, item))
            }),
            Moves::PutBack(items) => items.iter().fold(decision, |decision, item| {
                decision.effect("StockChanged", stock::put_back(services, item))
            }),
        })
    });
    step.await.map(drop)
}

impl Inventory {
    /// What there is too little of at this moment; none if it has come back meanwhile.
    async fn missing(&self, command: &InventoryCommand) -> Result<Vec<Sku>, Failure> {
        let InventoryCommand::AllocateInventory(command) = command else { return Ok(Vec::new()) };
        let mut available = BTreeMap::new();
        for item in &command.items {
            let left = stock::available(self.process.tables(), &self.services, &item.sku).await?;
            available.insert(&item.sku, left);
        }
        Ok(inventory::missing(&command.items, |sku| available.get(sku).copied().unwrap_or(0)))
    }
}
