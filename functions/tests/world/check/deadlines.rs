//! No step is given up before its deadline, and none is waited for long behind it.

use super::{Streams, expect};
use crate::world::World;
use contract::fulfilment::CancelReason;
use std::time::Duration;

/// For so long a deadline may go unheard: commands wait, are hidden after each failure, and the relay pauses.
const TO_HEAR_OF_IT: Duration = Duration::from_hours(1);

/// The steps, what undoes each, and what follows it.
const STEPS: [(&str, &str, &str); 3] = [
    ("ProcessPayment", "RefundPayment", "AllocateInventory"),
    ("AllocateInventory", "ReleaseInventory", "ShipOrder"),
    ("ShipOrder", "CancelShipment", "OrderFulfilled"),
];

/// Of a fulfilled order: a step that took longer than its deadline was to be undone, unless hearing of the deadline went
/// wrong too often.
pub(super) fn heard(world: &World, streams: &Streams) -> Result<(), String> {
    if world.redriven > 0 {
        return Ok(());
    }
    let at = |name: &str| streams.at(name).ok_or(format!("fulfilled, but no {name}"));
    let most = world.settings().step_deadline + TO_HEAR_OF_IT;
    for (step, undo, next) in STEPS {
        let took = at(next)? - at(step)?;
        let is_late = i128::from(took) > most.as_millis().cast_signed();
        expect(!is_late || streams.at(undo).is_some(), || {
            format!("{step} took {took} ms, and there was no {undo}")
        })?;
    }
    Ok(())
}

/// A step is called late no earlier than its deadline.
pub(super) fn over(world: &World, streams: &Streams, reason: CancelReason) -> Result<(), String> {
    let (step, undo) = match reason {
        CancelReason::PaymentLate => ("ProcessPayment", "RefundPayment"),
        CancelReason::InventoryLate => ("AllocateInventory", "ReleaseInventory"),
        CancelReason::ShippingLate => ("ShipOrder", "CancelShipment"),
        CancelReason::Customer | CancelReason::PaymentDeclined | CancelReason::OutOfStock => {
            return Ok(());
        }
    };
    let at = |name: &str| streams.at(name).ok_or(format!("{reason}, but no {name}"));
    let took = at(undo)? - at(step)?;
    let deadline = world.settings().step_deadline;
    expect(i128::from(took) >= deadline.as_millis().cast_signed(), || {
        format!("{reason} after {took} ms of {deadline:?}")
    })
}
