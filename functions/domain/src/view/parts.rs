//! What each of an order's other streams says, as far as its customer cares.

use contract::{
    fulfilment::{CancelReason, FulfilmentEvent},
    inventory::{InventoryEvent, UnavailableReason},
    payment::{DeclineReason, PaymentEvent},
    shipping::ShipmentEvent,
    values::{Amount, Currency, ShipmentId, Sku, TransactionId},
};
use serde::{Deserialize, Serialize};

/// How far the saga has led an order.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Course {
    /// Whether it is complete and closed.
    pub payment_requested: bool,
    /// Whether it reached its good end.
    pub fulfilled: bool,
    /// Why it was cancelled, if it was.
    pub cancelled: Option<CancelReason>,
    /// Whether its customer was told that it is too late to cancel.
    pub cancellation_refused: bool,
}

/// An order's payment.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Payment {
    /// What became of it.
    pub state: PaymentState,
    /// Why it was declined, if it was.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<DeclineReason>,
    /// How much was taken, and perhaps given back, in minor units.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub amount: Option<Amount>,
    /// Of which currency.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub currency: Option<Currency>,
    /// What the provider calls it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub transaction_id: Option<TransactionId>,
}

/// What became of a payment.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum PaymentState {
    /// The money was taken.
    Processed,
    /// It was not.
    Declined,
    /// It was given back.
    Refunded,
}

/// An order's goods.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Goods {
    /// What became of them.
    pub state: GoodsState,
    /// Why they can't be had, if so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<UnavailableReason>,
    /// What there was too little of.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub missing: Vec<Sku>,
}

/// What became of an order's goods.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum GoodsState {
    /// They are set aside.
    Allocated,
    /// They can't be had.
    Unavailable,
    /// They are free for others again.
    Released,
}

/// An order's shipment.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Shipment {
    /// The shipment it left with; `None` if it never will.
    pub shipment_id: Option<ShipmentId>,
}

impl Course {
    pub(super) fn fold(&mut self, event: &FulfilmentEvent) {
        match event {
            FulfilmentEvent::PaymentRequested(_) => self.payment_requested = true,
            FulfilmentEvent::OrderFulfilled(_) => self.fulfilled = true,
            FulfilmentEvent::OrderCancelled(cancelled) => self.cancelled = Some(cancelled.reason),
            FulfilmentEvent::CancellationRefused(_) => self.cancellation_refused = true,
        }
    }
}

impl Payment {
    /// The payment behind `event`, whatever was before.
    pub(super) fn after(event: &PaymentEvent) -> Self {
        let told = |state, amount: Amount, currency: &Currency, transaction: &TransactionId| Self {
            state,
            reason: None,
            amount: Some(amount),
            currency: Some(currency.clone()),
            transaction_id: Some(transaction.clone()),
        };
        match event {
            PaymentEvent::PaymentProcessed(paid) => {
                told(PaymentState::Processed, paid.amount, &paid.currency, &paid.transaction_id)
            }
            PaymentEvent::PaymentRefunded(back) => {
                told(PaymentState::Refunded, back.amount, &back.currency, &back.transaction_id)
            }
            PaymentEvent::PaymentDeclined(declined) => Self {
                state: PaymentState::Declined,
                reason: Some(declined.reason),
                amount: None,
                currency: None,
                transaction_id: None,
            },
        }
    }
}

impl Goods {
    /// The goods behind `event`, whatever was before.
    pub(super) fn after(event: &InventoryEvent) -> Self {
        let told = |state| Self { state, reason: None, missing: Vec::new() };
        match event {
            InventoryEvent::InventoryAllocated(_) => told(GoodsState::Allocated),
            InventoryEvent::InventoryReleased(_) => told(GoodsState::Released),
            InventoryEvent::InventoryUnavailable(unavailable) => Self {
                state: GoodsState::Unavailable,
                reason: Some(unavailable.reason),
                missing: unavailable.missing.clone(),
            },
        }
    }
}

impl Shipment {
    /// The shipment behind `event`, whatever was before.
    pub(super) fn after(event: &ShipmentEvent) -> Self {
        let shipment_id = match event {
            ShipmentEvent::OrderShipped(shipped) => Some(shipped.shipment_id),
            ShipmentEvent::ShipmentCancelled(_) => None,
        };
        Self { shipment_id }
    }
}
