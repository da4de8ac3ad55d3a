//! The saga: leads every order to Fulfilled or Cancelled, with money and goods right.
//!
//! A process manager. Its state is folded from its own stream, `fulfilment#<orderId>`: the commands
//! there say what was asked of others, so they say what is waited for. What it hears are the events
//! of an order's other streams, late, doubled and in any order, and its own delayed commands.
//!
//! ```text
//! Waiting ─▶ Open ─▶ Paying ─▶ Allocating ─▶ Shipping ─▶ Fulfilled
//!    │        │        │           │            │
//!    └────────┴────────┴── undo, one step at a time, the last first ──▶ Cancelled
//! ```
//!
//! `docs/saga.md` has every state and what is done about each event in it, printed from this code.

mod close;
#[cfg(test)]
mod tests;
mod undo;

use crate::order::Order;
use contract::{
    event::{Due, Timestamp, message_set},
    fulfilment::{
        AllocateInventory, CancelReason, CancellationRefused, CheckDeadline, FulfilmentCommand,
        FulfilmentEvent, OrderCancelled, OrderFulfilled, PaymentRequested, ShipOrder, Step,
    },
    inventory::InventoryEvent,
    order::OrderEvent,
    payment::PaymentEvent,
    shipping::{OrderShipped, ShipmentEvent},
    values::{CustomerId, OrderId, Pick, Sku},
};
use std::{collections::BTreeMap, num::NonZeroU32, time::Duration};

message_set! {
    /// What the saga hears.
    #[derive(Debug, Clone, PartialEq, Eq)]
    pub enum Heard {
        Order(OrderEvent),
        Payment(PaymentEvent),
        Inventory(InventoryEvent),
        Shipment(ShipmentEvent),
        Own(FulfilmentCommand),
    }
}

message_set! {
    /// A row of the saga's own stream.
    #[derive(Debug, Clone, PartialEq, Eq)]
    pub enum Own {
        Event(FulfilmentEvent),
        Command(FulfilmentCommand),
    }
}

/// Where an order is on its way.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Saga {
    /// What it waits for.
    pub stage: Stage,
    /// What is paid for, from PaymentRequested on.
    pub requested: Option<PaymentRequested>,
    /// Whether the customer was told that it is too late to cancel.
    pub refused: bool,
}

/// What the saga waits for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Stage {
    /// Nothing has been heard yet.
    #[default]
    Waiting,
    /// The customer may change the order until the amendment window ends.
    Open,
    /// The payment's answer.
    Paying,
    /// The stock's answer.
    Allocating,
    /// The shipment's answer.
    Shipping,
    /// The answer to the undo of a step; what lies behind it is undone already.
    Undoing(Undoable, CancelReason),
    /// The good end.
    Fulfilled,
    /// The other end.
    Cancelled(CancelReason),
}

/// A step that can be undone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Undoable {
    /// The payment.
    Payment,
    /// The goods set aside.
    Inventory,
    /// The shipment.
    Shipment,
}

/// How long things may take.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Settings {
    /// How long a customer may change an order; with none it is closed when it is placed.
    pub amendment_window: Duration,
    /// How long a step may stay unanswered.
    pub step_deadline: Duration,
}

/// What a decision needs beside the saga and what was heard.
#[derive(Debug, Clone, Copy)]
pub struct Context<'a> {
    /// Business time.
    pub now: Timestamp,
    /// How long things may take.
    pub settings: Settings,
    /// The version of the event before the one heard, in its stream; 0 if it is the first.
    pub previous: u64,
    /// The order as its stream has it now, where a decision asked for it ([`Answer::NeedsOrder`]).
    pub order: Option<&'a OrderRead>,
}

/// The order's stream, read as a whole.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OrderRead {
    /// The order.
    pub order: Order,
    /// The version of its stream.
    pub version: u64,
}

/// What follows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Answer {
    /// These rows; often none.
    Follows(Vec<FulfilmentEvent>, Vec<Due<FulfilmentCommand>>),
    /// These rows, PaymentRequested among them. The order must be closed in the same moment, and must
    /// not have changed since it was read.
    Closes(Vec<FulfilmentEvent>, Vec<Due<FulfilmentCommand>>),
    /// It depends on what the order's stream has by now: to be decided again with it.
    NeedsOrder,
}

/// The saga behind one more row of its stream.
#[must_use]
pub fn apply(mut saga: Saga, row: &Own) -> Saga {
    use FulfilmentCommand as C;
    use FulfilmentEvent as E;
    let ended = matches!(saga.stage, Stage::Fulfilled | Stage::Cancelled(_));
    saga.stage = match row {
        Own::Event(E::PaymentRequested(requested)) => {
            saga.requested = Some(requested.clone());
            Stage::Paying
        }
        Own::Event(E::OrderFulfilled(_)) => Stage::Fulfilled,
        Own::Event(E::OrderCancelled(cancelled)) => Stage::Cancelled(cancelled.reason),
        Own::Event(E::CancellationRefused(_)) => {
            saga.refused = true;
            saga.stage
        }
        // What is asked for behind the end mends what came late; the end stays.
        Own::Command(_) if ended => saga.stage,
        Own::Command(C::AllocateInventory(_)) => Stage::Allocating,
        Own::Command(C::ShipOrder(_)) => Stage::Shipping,
        Own::Command(C::CancelShipment(undo)) => Stage::Undoing(Undoable::Shipment, undo.reason),
        Own::Command(C::ReleaseInventory(undo)) => Stage::Undoing(Undoable::Inventory, undo.reason),
        Own::Command(C::RefundPayment(undo)) => Stage::Undoing(Undoable::Payment, undo.reason),
        Own::Command(C::CheckDeadline(check)) if check.step == Step::Amendment => Stage::Open,
        Own::Command(C::CheckDeadline(_) | C::ProcessPayment(_)) => saga.stage,
    };
    saga
}

/// What follows from what was heard.
pub fn decide(saga: &Saga, heard: &Heard, context: Context<'_>) -> Answer {
    use InventoryEvent as I;
    use OrderEvent as O;
    use PaymentEvent as P;
    use ShipmentEvent as S;
    let next = Next { saga, context };
    match (saga.stage, heard) {
        (Stage::Waiting, Heard::Order(O::OrderPlaced(placed))) => next.placed(placed.order_id),
        // Whoever cancels first, even before the order is heard of, has cancelled.
        (Stage::Waiting | Stage::Open, Heard::Order(O::CancellationRequested(wish))) => {
            cancelled(wish.order_id, &wish.customer_id, CancelReason::Customer)
        }
        (_, Heard::Order(O::CancellationRequested(_))) => next.wish(),

        (Stage::Paying, Heard::Payment(P::PaymentProcessed(_))) => next.paid(),
        (Stage::Paying, Heard::Payment(P::PaymentDeclined(declined))) => {
            let reason = CancelReason::PaymentDeclined;
            cancelled(declined.order_id, &declined.customer_id, reason)
        }
        (Stage::Allocating, Heard::Inventory(I::InventoryAllocated(_))) => next.allocated(),
        (Stage::Allocating, Heard::Inventory(I::InventoryUnavailable(_))) => {
            next.undo(Undoable::Payment, CancelReason::OutOfStock)
        }
        (Stage::Shipping, Heard::Shipment(S::OrderShipped(shipped))) => next.fulfilled(shipped),

        (Stage::Undoing(step, reason), Heard::Payment(_) | Heard::Inventory(_)) => {
            next.undoing(step, reason, heard)
        }
        (Stage::Undoing(step, reason), Heard::Shipment(shipment)) => {
            next.stopping(step, reason, shipment)
        }
        // The answer to an undo has been given, and still a success comes: it is undone, too.
        (Stage::Cancelled(reason), Heard::Payment(P::PaymentProcessed(_)))
            if context.previous > 0 =>
        {
            next.undo(Undoable::Payment, reason)
        }
        (stage, Heard::Own(FulfilmentCommand::CheckDeadline(check))) => {
            if stage.waits_for() == Some(check.step) { next.deadline(check) } else { nothing() }
        }
        _ => nothing(),
    }
}

/// A decision in the making.
struct Next<'a> {
    saga: &'a Saga,
    context: Context<'a>,
}

impl Next<'_> {
    fn placed(&self, order_id: OrderId) -> Answer {
        let window = self.context.settings.amendment_window;
        if window.is_zero() {
            return self.close();
        }
        follows([], [self.check(order_id, Step::Amendment, window)])
    }

    fn paid(&self) -> Answer {
        let Some(order) = &self.saga.requested else { return nothing() };
        let (order_id, items) = (order.order_id, picks(order));
        let allocate = AllocateInventory { order_id, items };
        follows([], [Due::now(allocate), self.deadline_of(order_id, Step::Inventory)])
    }

    fn allocated(&self) -> Answer {
        let Some(order) = &self.saga.requested else { return nothing() };
        let order_id = order.order_id;
        let ship = ShipOrder {
            order_id,
            customer_id: order.customer_id.clone(),
            items: picks(order),
            shipping_address: order.shipping_address.clone(),
        };
        follows([], [Due::now(ship), self.deadline_of(order_id, Step::Shipping)])
    }

    fn fulfilled(&self, shipped: &OrderShipped) -> Answer {
        let Some(order) = &self.saga.requested else { return nothing() };
        let &OrderShipped { order_id, shipment_id } = shipped;
        let customer_id = order.customer_id.clone();
        follows([OrderFulfilled { order_id, customer_id, shipment_id }.into()], [])
    }

    fn deadline(&self, check: &CheckDeadline) -> Answer {
        if self.context.now < check.due {
            // A queue delays for a quarter of an hour at most: it is asked to wait once more.
            return follows([], [Due::again(check.clone(), check.due)]);
        }
        match check.step {
            Step::Amendment => self.close(),
            Step::Payment => self.undo(Undoable::Payment, CancelReason::PaymentLate),
            Step::Inventory => self.undo(Undoable::Inventory, CancelReason::InventoryLate),
            Step::Shipping => self.undo(Undoable::Shipment, CancelReason::ShippingLate),
        }
    }

    /// The deadline of a step that begins now.
    fn deadline_of(&self, order_id: OrderId, step: Step) -> Due<FulfilmentCommand> {
        self.check(order_id, step, self.context.settings.step_deadline)
    }

    fn check(&self, order_id: OrderId, step: Step, after: Duration) -> Due<FulfilmentCommand> {
        let after = i64::try_from(after.as_millis()).unwrap_or(i64::MAX);
        let due = Timestamp::from_ms(self.context.now.as_ms().saturating_add(after));
        Due::at(CheckDeadline { order_id, step, due }, due)
    }
}

impl Stage {
    /// The step whose deadline matters.
    fn waits_for(self) -> Option<Step> {
        match self {
            Self::Open => Some(Step::Amendment),
            Self::Paying => Some(Step::Payment),
            Self::Allocating => Some(Step::Inventory),
            Self::Shipping => Some(Step::Shipping),
            // An undo is waited for without end: there is nothing else to be done.
            Self::Waiting | Self::Undoing(..) | Self::Fulfilled | Self::Cancelled(_) => None,
        }
    }
}

fn nothing() -> Answer {
    follows([], [])
}

fn follows(
    events: impl Into<Vec<FulfilmentEvent>>,
    commands: impl Into<Vec<Due<FulfilmentCommand>>>,
) -> Answer {
    Answer::Follows(events.into(), commands.into())
}

fn cancelled(order_id: OrderId, customer_id: &CustomerId, reason: CancelReason) -> Answer {
    let customer_id = customer_id.clone();
    follows([OrderCancelled { order_id, customer_id, reason }.into()], [])
}

fn refused(order: &PaymentRequested) -> FulfilmentEvent {
    let (order_id, customer_id) = (order.order_id, order.customer_id.clone());
    CancellationRefused { order_id, customer_id }.into()
}

/// What is to be taken from the shelves: each sku once, also where it was sold at two prices.
fn picks(order: &PaymentRequested) -> Vec<Pick> {
    let mut quantities: BTreeMap<&Sku, u32> = BTreeMap::new();
    for line in &order.lines {
        let quantity = quantities.entry(&line.sku).or_default();
        *quantity = quantity.saturating_add(line.quantity.get());
    }
    let pick = |(sku, quantity): (&Sku, u32)| {
        Some(Pick { sku: sku.clone(), quantity: NonZeroU32::new(quantity)? })
    };
    quantities.into_iter().filter_map(pick).collect()
}
