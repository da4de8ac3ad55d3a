//! Money: the stream `payment#<orderId>`.

use crate::values::{Amount, Currency, CustomerId, OrderId, TransactionId};
use pointsman_event::{Event, SchemaVersion, event_set};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The stream's type, the part of its name before `#`.
pub const STREAM: &str = "payment";
/// The source its events speak as.
pub const SOURCE: &str = "shop.payments";
/// The team that answers for payments.
pub const OWNER: &str = "payments";

event_set! {
    /// What happens to an order's payment.
    #[derive(Debug, Clone, PartialEq, Eq)]
    pub enum PaymentEvent { PaymentProcessed, PaymentDeclined, PaymentRefunded }
}

/// The money was taken.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct PaymentProcessed {
    /// The order it was paid for.
    pub order_id: OrderId,
    /// Who paid.
    pub customer_id: CustomerId,
    /// How much, in minor units.
    pub amount: Amount,
    /// Of which currency.
    pub currency: Currency,
    /// What the provider calls it.
    pub transaction_id: TransactionId,
}

/// The money was not taken.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct PaymentDeclined {
    /// The order it was to be paid for.
    pub order_id: OrderId,
    /// Who was to pay.
    pub customer_id: CustomerId,
    /// Why.
    pub reason: DeclineReason,
}

/// Why money was not taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum DeclineReason {
    /// The provider refused.
    Refused,
    /// The order was cancelled first.
    Cancelled,
}

/// The money was given back, all of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct PaymentRefunded {
    /// The order it was paid for.
    pub order_id: OrderId,
    /// Who got it back.
    pub customer_id: CustomerId,
    /// How much, in minor units.
    pub amount: Amount,
    /// Of which currency.
    pub currency: Currency,
    /// What the provider calls the payment that was undone.
    pub transaction_id: TransactionId,
}

impl Event for PaymentProcessed {
    const NAME: &str = "PaymentProcessed";
    const VERSION: SchemaVersion = SchemaVersion::new(1, 0);
    const SOURCE: &str = SOURCE;
    const STREAM: &str = STREAM;
    const OWNER: &str = OWNER;
    const REASON: &str = "An order was paid for.";
}

impl Event for PaymentDeclined {
    const NAME: &str = "PaymentDeclined";
    const VERSION: SchemaVersion = SchemaVersion::new(1, 0);
    const SOURCE: &str = SOURCE;
    const STREAM: &str = STREAM;
    const OWNER: &str = OWNER;
    const REASON: &str = "An order will not be paid for.";
}

impl Event for PaymentRefunded {
    const NAME: &str = "PaymentRefunded";
    const VERSION: SchemaVersion = SchemaVersion::new(1, 0);
    const SOURCE: &str = SOURCE;
    const STREAM: &str = STREAM;
    const OWNER: &str = OWNER;
    const REASON: &str = "A customer got the money back.";
}
