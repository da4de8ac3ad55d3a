//! Orders: the stream `order#<orderId>`.

use crate::values::{Address, Amount, Currency, CustomerId, OrderId, Quantity, Sku, StrictAddress};
use pointsman_event::{Command, Event, Origin, SchemaVersion, event_set};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The stream's type, the part of its name before `#`.
pub const STREAM: &str = "order";
/// The source its events speak as.
pub const SOURCE: &str = "shop.orders";
/// The team that answers for orders.
pub const OWNER: &str = "orders";
/// The most lines an order may have.
pub const MAX_LINES: usize = 50;

event_set! {
    /// What happens to an order, as its own stream tells it.
    #[derive(Debug, Clone, PartialEq, Eq)]
    pub enum OrderEvent { OrderPlaced, ItemAdded, ShippingAddressUpdated, CancellationRequested }
}

/// A customer ordered. It opens the order's stream.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct OrderPlaced {
    /// The order.
    pub order_id: OrderId,
    /// Whose it is, and no one else's.
    pub customer_id: CustomerId,
    /// The one currency of all its amounts.
    pub currency: Currency,
    /// What is ordered: at least one line and at most 50, each sku once.
    #[schemars(length(min = 1, max = 50))]
    pub lines: Vec<Line>,
    /// The sum of all lines, in minor units.
    pub total: Amount,
    /// Where it is to be sent.
    pub shipping_address: Address,
}

/// More of something was added to an order before it was paid for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ItemAdded {
    /// The order.
    pub order_id: OrderId,
    /// The order's currency.
    pub currency: Currency,
    /// What was added; its quantity is what came on top, not what the order now has.
    pub line: Line,
    /// The sum of all the order's lines behind this event, in minor units.
    pub total: Amount,
}

/// The customer wants the order sent elsewhere.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ShippingAddressUpdated {
    /// The order.
    pub order_id: OrderId,
    /// Where it is to be sent from now on.
    pub shipping_address: Address,
}

/// The customer wants the order cancelled, at whatever stage it is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct CancellationRequested {
    /// The order.
    pub order_id: OrderId,
    /// Whose it is.
    pub customer_id: CustomerId,
}

/// One sku of an order.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Line {
    /// What.
    pub sku: Sku,
    /// How many.
    pub quantity: Quantity,
    /// What one is charged, in minor units of the order's currency. Later price changes leave it.
    pub unit_price: Amount,
}

impl Event for OrderPlaced {
    const NAME: &str = "OrderPlaced";
    const VERSION: SchemaVersion = SchemaVersion::new(1, 0);
    const SOURCE: &str = SOURCE;
    const STREAM: &str = STREAM;
    const OWNER: &str = OWNER;
    const REASON: &str = "A customer ordered: the order's life begins.";
}

impl Event for ItemAdded {
    const NAME: &str = "ItemAdded";
    const VERSION: SchemaVersion = SchemaVersion::new(1, 0);
    const SOURCE: &str = SOURCE;
    const STREAM: &str = STREAM;
    const OWNER: &str = OWNER;
    const REASON: &str = "An order grew before it was paid for.";
}

impl Event for ShippingAddressUpdated {
    const NAME: &str = "ShippingAddressUpdated";
    const VERSION: SchemaVersion = SchemaVersion::new(1, 0);
    const SOURCE: &str = SOURCE;
    const STREAM: &str = STREAM;
    const OWNER: &str = OWNER;
    const REASON: &str = "An order is to be sent elsewhere.";
}

impl Event for CancellationRequested {
    const NAME: &str = "CancellationRequested";
    const VERSION: SchemaVersion = SchemaVersion::new(1, 0);
    const SOURCE: &str = SOURCE;
    const STREAM: &str = STREAM;
    const OWNER: &str = OWNER;
    const REASON: &str =
        "A customer no longer wants an order; whether it can still be stopped is decided later.";
}

/// The body of POST `/orders`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct PlaceOrder {
    /// What is wanted. The same sku may come twice: its quantities are added up.
    pub items: Vec<Item>,
    /// Where it is to be sent.
    #[serde(with = "StrictAddress")]
    #[schemars(with = "StrictAddress")]
    pub shipping_address: Address,
}

/// What is wanted of one sku. A client names no price.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Item {
    /// What.
    pub sku: Sku,
    /// How many. That it is 1 to 999 is the shop's rule, not the format's: it is judged once the
    /// quantities of a sku are added up.
    pub quantity: u32,
}

/// The body of POST `/orders/{id}/items`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct AddItem {
    /// What.
    pub sku: Sku,
    /// How many to add; 1 to 999, and no more than 999 with what is ordered already.
    pub quantity: u32,
}

/// The body of PUT `/orders/{id}/shipping-address`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct UpdateShippingAddress {
    /// Where the order is to be sent instead.
    #[serde(with = "StrictAddress")]
    #[schemars(with = "StrictAddress")]
    pub shipping_address: Address,
}

/// DELETE `/orders/{id}`; it has no body.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct CancelOrder {}

impl Command for PlaceOrder {
    const NAME: &str = "PlaceOrder";
    const VERSION: SchemaVersion = SchemaVersion::new(1, 0);
    const ORIGIN: Origin = Origin::Door;
    const OWNER: &str = OWNER;
    const REASON: &str = "A customer wants to order.";
}

impl Command for AddItem {
    const NAME: &str = "AddItem";
    const VERSION: SchemaVersion = SchemaVersion::new(1, 0);
    const ORIGIN: Origin = Origin::Door;
    const OWNER: &str = OWNER;
    const REASON: &str = "A customer wants more in an order that is not yet being paid for.";
}

impl Command for UpdateShippingAddress {
    const NAME: &str = "UpdateShippingAddress";
    const VERSION: SchemaVersion = SchemaVersion::new(1, 0);
    const ORIGIN: Origin = Origin::Door;
    const OWNER: &str = OWNER;
    const REASON: &str = "A customer wants an order sent elsewhere.";
}

impl Command for CancelOrder {
    const NAME: &str = "CancelOrder";
    const VERSION: SchemaVersion = SchemaVersion::new(1, 0);
    const ORIGIN: Origin = Origin::Door;
    const OWNER: &str = OWNER;
    const REASON: &str = "A customer no longer wants an order.";
}
