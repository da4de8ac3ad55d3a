//! An order's shipment: who comes first, the order to ship or its undo, has decided.

#[cfg(test)]
mod tests;

use contract::{
    event::{Timestamp, command_set},
    fulfilment::{CancelShipment, ShipOrder},
    shipping::{OrderShipped, ShipmentCancelled, ShipmentEvent},
    values::{Address, CustomerId, OrderId, Pick, ShipmentId},
};
use serde::{Deserialize, Serialize};

command_set! {
    /// What is asked of shipping.
    #[derive(Debug, Clone, PartialEq, Eq)]
    pub enum ShippingCommand { ShipOrder, CancelShipment }
}

/// What is kept of an order's shipment.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "state", rename_all = "camelCase")]
pub enum State {
    /// It left.
    Shipped(Box<Shipment>),
    /// It did not, and won't.
    Cancelled,
}

/// A shipment that left. OrderShipped only names it; this is what its readers fetch, as the
/// snapshot of the stream `shipment#<orderId>`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Shipment {
    /// Which.
    pub shipment_id: ShipmentId,
    /// The order that left with it.
    pub order_id: OrderId,
    /// Who receives it.
    pub customer_id: CustomerId,
    /// What is in it, each sku once.
    pub items: Vec<Pick>,
    /// Where it goes.
    pub shipping_address: Address,
    /// When it left.
    pub shipped_at: Timestamp,
}

impl Shipment {
    /// The shape of its snapshot; another one is not read.
    pub const SHAPE: u32 = 1;
}

/// What the row says from now on, and the event that says so; `None` if it was decided before.
#[must_use]
pub fn decide(
    command: &ShippingCommand,
    found: Option<&State>,
    shipment_id: ShipmentId,
    now: Timestamp,
) -> Option<(State, ShipmentEvent)> {
    match (command, found) {
        (_, Some(_)) => None,
        (ShippingCommand::ShipOrder(command), None) => {
            let ShipOrder { order_id, customer_id, items, shipping_address } = command.clone();
            let shipment = Shipment {
                shipment_id,
                order_id,
                customer_id,
                items,
                shipping_address,
                shipped_at: now,
            };
            Some((
                State::Shipped(Box::new(shipment)),
                OrderShipped { order_id, shipment_id }.into(),
            ))
        }
        (ShippingCommand::CancelShipment(CancelShipment { order_id, .. }), None) => {
            Some((State::Cancelled, ShipmentCancelled { order_id: *order_id }.into()))
        }
    }
}

impl ShippingCommand {
    /// The order it is about.
    pub fn order_id(&self) -> OrderId {
        match self {
            Self::ShipOrder(command) => command.order_id,
            Self::CancelShipment(command) => command.order_id,
        }
    }
}
