//! An order's way to its end: the stream `fulfilment#<orderId>`, its events and all commands.

use crate::{
    order::Line,
    values::{Address, Amount, Currency, CustomerId, OrderId, Pick, ShipmentId},
};
use pointsman_event::{Command, Event, Origin, SchemaVersion, Timestamp, command_set, event_set};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::fmt;

/// The stream's type, the part of its name before `#`.
pub const STREAM: &str = "fulfilment";
/// The source its events and commands speak as.
pub const SOURCE: &str = "shop.fulfilment";
/// The team that answers for it.
pub const OWNER: &str = "fulfilment";

/// Who sends all commands.
const ORIGIN: Origin = Origin::Stream { stream: STREAM, source: SOURCE };

event_set! {
    /// What happens on an order's way to its end.
    #[derive(Debug, Clone, PartialEq, Eq)]
    pub enum FulfilmentEvent { PaymentRequested, OrderFulfilled, OrderCancelled, CancellationRefused }
}

command_set! {
    /// What is asked of others, and of itself at a later time, on an order's way to its end.
    #[derive(Debug, Clone, PartialEq, Eq)]
    pub enum FulfilmentCommand {
        ProcessPayment,
        RefundPayment,
        AllocateInventory,
        ReleaseInventory,
        ShipOrder,
        CancelShipment,
        CheckDeadline,
    }
}

/// What an order waits for on its way.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "camelCase")]
pub enum Step {
    /// The customer's last changes.
    Amendment,
    /// The money.
    Payment,
    /// The goods.
    Inventory,
    /// The parcel.
    Shipping,
}

/// Why an order was cancelled.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum CancelReason {
    /// The customer asked for it.
    Customer,
    /// The payment was declined.
    PaymentDeclined,
    /// Something is out of stock.
    OutOfStock,
    /// The payment had no answer by its deadline.
    PaymentLate,
    /// The stock had no answer by its deadline.
    InventoryLate,
    /// The parcel was not on its way by its deadline.
    ShippingLate,
}

impl fmt::Display for CancelReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Customer => "customer",
            Self::PaymentDeclined => "paymentDeclined",
            Self::OutOfStock => "outOfStock",
            Self::PaymentLate => "paymentLate",
            Self::InventoryLate => "inventoryLate",
            Self::ShippingLate => "shippingLate",
        })
    }
}

/// The order is complete and closed, and is to be paid for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct PaymentRequested {
    /// The order.
    pub order_id: OrderId,
    /// Whose it is.
    pub customer_id: CustomerId,
    /// The version of the order's stream that this was decided on. Nothing changed the order since.
    #[schemars(range(min = 1))]
    pub order_version: u64,
    /// The currency of all amounts.
    pub currency: Currency,
    /// What is ordered in the end.
    pub lines: Vec<Line>,
    /// What is to be paid, in minor units.
    pub total: Amount,
    /// Where it is to be sent.
    pub shipping_address: Address,
}

/// The order was paid for and is on its way: its good end.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct OrderFulfilled {
    /// The order.
    pub order_id: OrderId,
    /// Whose it is.
    pub customer_id: CustomerId,
    /// The shipment it left with.
    pub shipment_id: ShipmentId,
}

/// The order ended without goods, and without money kept.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct OrderCancelled {
    /// The order.
    pub order_id: OrderId,
    /// Whose it was.
    pub customer_id: CustomerId,
    /// Why.
    pub reason: CancelReason,
}

/// The customer's wish to cancel came when the order was on its way.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct CancellationRefused {
    /// The order.
    pub order_id: OrderId,
    /// Whose it is.
    pub customer_id: CustomerId,
}

/// To payment: take the money.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ProcessPayment {
    /// The order.
    pub order_id: OrderId,
    /// Who pays.
    pub customer_id: CustomerId,
    /// How much, in minor units.
    pub amount: Amount,
    /// Of which currency.
    pub currency: Currency,
}

/// To payment: give the money back, or never take it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct RefundPayment {
    /// The order.
    pub order_id: OrderId,
    /// Who paid.
    pub customer_id: CustomerId,
    /// Why.
    pub reason: CancelReason,
}

/// To inventory: set the goods aside.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct AllocateInventory {
    /// The order.
    pub order_id: OrderId,
    /// What, each sku once.
    pub items: Vec<Pick>,
}

/// To inventory: put the goods back, or never set them aside.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ReleaseInventory {
    /// The order.
    pub order_id: OrderId,
    /// Why.
    pub reason: CancelReason,
}

/// To shipping: send the goods.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ShipOrder {
    /// The order.
    pub order_id: OrderId,
    /// To whom.
    pub customer_id: CustomerId,
    /// What, each sku once.
    pub items: Vec<Pick>,
    /// Where to.
    pub shipping_address: Address,
}

/// To shipping: don't send the goods, if they are still here.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct CancelShipment {
    /// The order.
    pub order_id: OrderId,
    /// Why.
    pub reason: CancelReason,
}

/// To fulfilment itself: look whether a step has been answered by now.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct CheckDeadline {
    /// The order.
    pub order_id: OrderId,
    /// Which step.
    pub step: Step,
    /// By when. It may come earlier, since a queue delays for at most 15 minutes.
    #[schemars(with = "String", extend("format" = "date-time"))]
    pub due: Timestamp,
}

impl Event for PaymentRequested {
    const NAME: &str = "PaymentRequested";
    const VERSION: SchemaVersion = SchemaVersion::new(1, 0);
    const SOURCE: &str = SOURCE;
    const STREAM: &str = STREAM;
    const OWNER: &str = OWNER;
    const REASON: &str = "An order is complete: from here on it is not changed, but paid for.";
}

impl Event for OrderFulfilled {
    const NAME: &str = "OrderFulfilled";
    const VERSION: SchemaVersion = SchemaVersion::new(1, 0);
    const SOURCE: &str = SOURCE;
    const STREAM: &str = STREAM;
    const OWNER: &str = OWNER;
    const REASON: &str = "An order reached its good end.";
}

impl Event for OrderCancelled {
    const NAME: &str = "OrderCancelled";
    const VERSION: SchemaVersion = SchemaVersion::new(1, 0);
    const SOURCE: &str = SOURCE;
    const STREAM: &str = STREAM;
    const OWNER: &str = OWNER;
    const REASON: &str = "An order ended with everything undone.";
}

impl Event for CancellationRefused {
    const NAME: &str = "CancellationRefused";
    const VERSION: SchemaVersion = SchemaVersion::new(1, 0);
    const SOURCE: &str = SOURCE;
    const STREAM: &str = STREAM;
    const OWNER: &str = OWNER;
    const REASON: &str = "A customer wished to cancel what was on its way already.";
}

impl Command for ProcessPayment {
    const NAME: &str = "ProcessPayment";
    const VERSION: SchemaVersion = SchemaVersion::new(1, 0);
    const ORIGIN: Origin = ORIGIN;
    const OWNER: &str = OWNER;
    const REASON: &str = "An order is to be paid for.";
}

impl Command for RefundPayment {
    const NAME: &str = "RefundPayment";
    const VERSION: SchemaVersion = SchemaVersion::new(1, 0);
    const ORIGIN: Origin = ORIGIN;
    const OWNER: &str = OWNER;
    const REASON: &str = "An order is being cancelled, so its payment is undone.";
}

impl Command for AllocateInventory {
    const NAME: &str = "AllocateInventory";
    const VERSION: SchemaVersion = SchemaVersion::new(1, 0);
    const ORIGIN: Origin = ORIGIN;
    const OWNER: &str = OWNER;
    const REASON: &str = "An order is paid for, so its goods are to be set aside.";
}

impl Command for ReleaseInventory {
    const NAME: &str = "ReleaseInventory";
    const VERSION: SchemaVersion = SchemaVersion::new(1, 0);
    const ORIGIN: Origin = ORIGIN;
    const OWNER: &str = OWNER;
    const REASON: &str = "An order is being cancelled, so its goods are put back.";
}

impl Command for ShipOrder {
    const NAME: &str = "ShipOrder";
    const VERSION: SchemaVersion = SchemaVersion::new(1, 0);
    const ORIGIN: Origin = ORIGIN;
    const OWNER: &str = OWNER;
    const REASON: &str = "An order's goods are set aside, so they are to be sent.";
}

impl Command for CancelShipment {
    const NAME: &str = "CancelShipment";
    const VERSION: SchemaVersion = SchemaVersion::new(1, 0);
    const ORIGIN: Origin = ORIGIN;
    const OWNER: &str = OWNER;
    const REASON: &str = "An order is being cancelled, so it should not leave.";
}

impl Command for CheckDeadline {
    const NAME: &str = "CheckDeadline";
    const VERSION: SchemaVersion = SchemaVersion::new(1, 0);
    const ORIGIN: Origin = ORIGIN;
    const OWNER: &str = OWNER;
    const REASON: &str = "A step that nobody answers must not hold an order for ever.";
}
