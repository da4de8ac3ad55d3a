//! Parcels: the stream `shipment#<orderId>`.

use crate::values::{OrderId, ShipmentId};
use pointsman_event::{Event, Kind, SchemaVersion, event_set};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The stream's type, the part of its name before `#`.
pub const STREAM: &str = "shipment";
/// The source its events speak as.
pub const SOURCE: &str = "shop.shipping";
/// The team that answers for shipments.
pub const OWNER: &str = "shipping";

event_set! {
    /// What happens to an order's shipment.
    #[derive(Debug, Clone, PartialEq, Eq)]
    pub enum ShipmentEvent { OrderShipped, ShipmentCancelled }
}

/// The goods left. It names the shipment; what is in it and where it goes is fetched.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct OrderShipped {
    /// The order.
    pub order_id: OrderId,
    /// The shipment.
    pub shipment_id: ShipmentId,
}

/// The goods did not leave and won't.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ShipmentCancelled {
    /// The order.
    pub order_id: OrderId,
}

impl Event for OrderShipped {
    const NAME: &str = "OrderShipped";
    const VERSION: SchemaVersion = SchemaVersion::new(1, 0);
    const SOURCE: &str = SOURCE;
    const STREAM: &str = STREAM;
    const OWNER: &str = OWNER;
    const REASON: &str = "An order is on its way to the customer.";
    const KIND: Kind = Kind::Identifier;
}

impl Event for ShipmentCancelled {
    const NAME: &str = "ShipmentCancelled";
    const VERSION: SchemaVersion = SchemaVersion::new(1, 0);
    const SOURCE: &str = SOURCE;
    const STREAM: &str = STREAM;
    const OWNER: &str = OWNER;
    const REASON: &str = "A cancelled order was stopped before it left.";
}
