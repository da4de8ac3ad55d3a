//! Goods: the stream `inventory#<orderId>`.

use crate::values::{OrderId, Pick, Sku};
use pointsman_event::{Event, SchemaVersion, event_set};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The stream's type, the part of its name before `#`.
pub const STREAM: &str = "inventory";
/// The source its events speak as.
pub const SOURCE: &str = "shop.inventory";
/// The team that answers for stock.
pub const OWNER: &str = "inventory";

event_set! {
    /// What happens to an order's goods.
    #[derive(Debug, Clone, PartialEq, Eq)]
    pub enum InventoryEvent { InventoryAllocated, InventoryUnavailable, InventoryReleased }
}

/// The goods were set aside for the order.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct InventoryAllocated {
    /// The order.
    pub order_id: OrderId,
    /// What was set aside, each sku once.
    pub items: Vec<Pick>,
}

/// The goods were not set aside; nothing of the order was.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct InventoryUnavailable {
    /// The order.
    pub order_id: OrderId,
    /// Why.
    pub reason: UnavailableReason,
    /// What there was too little of; nothing if the order was cancelled first.
    pub missing: Vec<Sku>,
}

/// Why goods were not set aside.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum UnavailableReason {
    /// There is too little.
    OutOfStock,
    /// The order was cancelled first.
    Cancelled,
}

/// The goods are free again.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct InventoryReleased {
    /// The order.
    pub order_id: OrderId,
    /// What was put back, each sku once.
    pub items: Vec<Pick>,
}

impl Event for InventoryAllocated {
    const NAME: &str = "InventoryAllocated";
    const VERSION: SchemaVersion = SchemaVersion::new(1, 0);
    const SOURCE: &str = SOURCE;
    const STREAM: &str = STREAM;
    const OWNER: &str = OWNER;
    const REASON: &str = "An order's goods were set aside.";
}

impl Event for InventoryUnavailable {
    const NAME: &str = "InventoryUnavailable";
    const VERSION: SchemaVersion = SchemaVersion::new(1, 0);
    const SOURCE: &str = SOURCE;
    const STREAM: &str = STREAM;
    const OWNER: &str = OWNER;
    const REASON: &str = "An order's goods can't be had.";
}

impl Event for InventoryReleased {
    const NAME: &str = "InventoryReleased";
    const VERSION: SchemaVersion = SchemaVersion::new(1, 0);
    const SOURCE: &str = SOURCE;
    const STREAM: &str = STREAM;
    const OWNER: &str = OWNER;
    const REASON: &str = "Goods that were set aside are free for others.";
}
