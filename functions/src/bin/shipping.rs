//! ShipOrder | CancelShipment → OrderShipped | ShipmentCancelled
//!
//! The first of the two decides. What left is kept as the snapshot of the shipment's stream, where
//! the readers of OrderShipped fetch it.

use contract::{event::StreamName, shipping::STREAM, values::ShipmentId};
use domain::shipping::{self, Shipment, ShippingCommand, State};
use functions::{row, service::Service};
use pointsman_kit::{
    consumer::{self, Failure, Harness, Record},
    live::Live,
    process::{Decision, Process},
    runtime::Error,
};

/// What a record is handled with.
pub(crate) struct Shipping {
    pub(crate) process: Process,
    /// The table of the shipments' rows.
    pub(crate) services: String,
}

fn main() -> Result<(), Error> {
    consumer::run("shipping", init, handle)
}

async fn init() -> Result<(Harness, Shipping), Error> {
    let Service { harness, process, services, .. } = Service::start("shipping").await?;
    Ok((harness, Shipping { process, services }))
}

pub(crate) async fn handle(
    shipping: &Shipping,
    record: Record<ShippingCommand>,
    live: Live,
) -> Result<(), Failure> {
    let Shipping { process, services } = shipping;
    let command = &record.event.data;
    let stream = StreamName::new(STREAM, command.order_id()).map_err(Failure::reject)?;
    let key = row::key(services, "shipment", command.order_id());
    let step = process.handle(&live, &record, &stream, async |_| {
        let found: Option<State> = row::find(process.tables(), &key).await?;
        let minted = ShipmentId(process.store().mint(record.now));
        let decided = shipping::decide(command, found.as_ref(), minted, record.now);
        let Some((state, event)) = decided else { return Ok(Decision::nothing()) };
        let row = row::first(&key, row::attributes(&state)?);
        let decision = Decision::nothing().event(event).effect("DecidedBefore", row);
        Ok(match &state {
            State::Shipped(shipment) => decision.snapshot(Shipment::SHAPE, &**shipment),
            State::Cancelled => decision,
        })
    });
    step.await.map(drop)
}
