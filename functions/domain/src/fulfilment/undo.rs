//! Undoing: one step at a time, the last first, each when the one behind it has answered.

use super::{Answer, Heard, Next, Stage, Undoable, cancelled, follows, nothing, refused};
use contract::{
    event::Due,
    fulfilment::{
        CancelReason, CancelShipment, FulfilmentCommand, OrderFulfilled, RefundPayment,
        ReleaseInventory,
    },
    inventory::InventoryEvent,
    payment::PaymentEvent,
    shipping::ShipmentEvent,
};

impl Next<'_> {
    /// The customer wants out, behind PaymentRequested.
    pub(super) fn wish(&self) -> Answer {
        match self.saga.stage {
            Stage::Paying => self.undo(Undoable::Payment, CancelReason::Customer),
            Stage::Allocating => self.undo(Undoable::Inventory, CancelReason::Customer),
            Stage::Shipping => self.undo(Undoable::Shipment, CancelReason::Customer),
            Stage::Fulfilled if !self.saga.refused => match &self.saga.requested {
                Some(order) => follows([refused(order)], []),
                None => nothing(),
            },
            _ => nothing(),
        }
    }

    /// Asks for the undo of a step, done or not.
    pub(super) fn undo(&self, step: Undoable, reason: CancelReason) -> Answer {
        let Some(order) = &self.saga.requested else { return nothing() };
        let order_id = order.order_id;
        let command: FulfilmentCommand = match step {
            Undoable::Shipment => CancelShipment { order_id, reason }.into(),
            Undoable::Inventory => ReleaseInventory { order_id, reason }.into(),
            Undoable::Payment => {
                let customer_id = order.customer_id.clone();
                RefundPayment { order_id, customer_id, reason }.into()
            }
        };
        follows([], [Due::now(command)])
    }

    /// Money or goods answer while something is being undone.
    pub(super) fn undoing(&self, step: Undoable, reason: CancelReason, heard: &Heard) -> Answer {
        use InventoryEvent as I;
        use PaymentEvent as P;
        match (step, heard) {
            (
                Undoable::Inventory,
                Heard::Inventory(I::InventoryReleased(_) | I::InventoryUnavailable(_)),
            ) => self.undo(Undoable::Payment, reason),
            (Undoable::Payment, Heard::Payment(P::PaymentRefunded(_) | P::PaymentDeclined(_))) => {
                match &self.saga.requested {
                    Some(order) => cancelled(order.order_id, &order.customer_id, reason),
                    None => nothing(),
                }
            }
            // Not the payment that is being undone, but one that came behind its undo's answer.
            (Undoable::Payment, Heard::Payment(P::PaymentProcessed(_)))
                if self.context.previous > 0 =>
            {
                self.undo(Undoable::Payment, reason)
            }
            _ => nothing(),
        }
    }

    /// The shipment answers while something is being undone: it was stopped, or it had left.
    pub(super) fn stopping(
        &self,
        step: Undoable,
        reason: CancelReason,
        shipment: &ShipmentEvent,
    ) -> Answer {
        match (step, shipment) {
            (Undoable::Shipment, ShipmentEvent::ShipmentCancelled(_)) => {
                self.undo(Undoable::Inventory, reason)
            }
            (Undoable::Shipment, ShipmentEvent::OrderShipped(shipped)) => {
                let Some(order) = &self.saga.requested else { return nothing() };
                let asked = match (reason, self.context.order) {
                    (CancelReason::Customer, _) => true,
                    // The wish may have come while a late step was being undone.
                    (_, Some(read)) => read.order.cancellation_requested,
                    (_, None) => return Answer::NeedsOrder,
                };
                let (order_id, customer_id) = (order.order_id, order.customer_id.clone());
                let shipment_id = shipped.shipment_id;
                let fulfilled = OrderFulfilled { order_id, customer_id, shipment_id };
                let mut events = vec![fulfilled.into()];
                events.extend(asked.then(|| refused(order)));
                follows(events, [])
            }
            _ => nothing(),
        }
    }
}
