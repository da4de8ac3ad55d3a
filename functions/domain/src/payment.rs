//! A payment: taken once, or never, and given back at most once.
//!
//! ```text
//! none ──▶ charging ──▶ charged ──▶ refunded
//!   │          ├──▶ declined          ▲
//!   │          └──────────────────────┘  its undo finds money that nobody had heard of
//!   └──▶ tombstone                       its undo came first
//! ```
//!
//! By itself the provider [reports](report), later, what became of a charge. If it took money that
//! was declined or undone, that is charged, too, and undone anew.
//!
//! `charging` is durable before the provider is asked, and held by a lock, so that one asks at a
//! time. Whoever finds it left behind asks what became of it. A tombstone stands only where nobody
//! can have asked: it keeps a payment from being begun behind its undo.

pub mod report;
#[cfg(test)]
mod tests;

use contract::{
    event::command_set,
    fulfilment::{ProcessPayment, RefundPayment},
    payment::{DeclineReason, PaymentDeclined, PaymentEvent, PaymentProcessed, PaymentRefunded},
    values::{Amount, Currency, CustomerId, OrderId, TransactionId},
};
use serde::{Deserialize, Serialize};

command_set! {
    /// What is asked of payment.
    #[derive(Debug, Clone, PartialEq, Eq)]
    pub enum PaymentCommand { ProcessPayment, RefundPayment }
}

/// What is kept of a payment.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Payment {
    /// Who pays.
    pub customer_id: CustomerId,
    /// Where it is.
    #[serde(flatten)]
    pub state: State,
}

/// Where a payment is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "state", rename_all = "camelCase")]
pub enum State {
    /// The provider is being asked, or was and nobody knows what it said.
    Charging(Price),
    /// It has the money.
    Charged(Receipt),
    /// It has no money, and won't take any.
    Declined,
    /// It had the money and gave it back.
    Refunded(Receipt),
    /// It was never asked, and won't be.
    Tombstone,
}

/// What is to be paid.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Price {
    /// How much, in minor units.
    pub amount: Amount,
    /// Of which currency.
    pub currency: Currency,
}

/// What was paid.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Receipt {
    /// How much of what.
    #[serde(flatten)]
    pub price: Price,
    /// What the provider calls it.
    pub transaction_id: TransactionId,
}

/// What a look at the row of a payment finds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Found {
    /// There is none.
    Absent,
    /// Somebody is asking the provider.
    Charging,
    /// Somebody was, and did not finish in time.
    LeftCharging,
    /// It is not being charged.
    Settled(State),
}

/// What is to be done about a command.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Next {
    /// Nothing: it was answered before.
    Nothing,
    /// To wait until somebody else is done.
    Wait,
    /// To put a [tombstone] where there is no row.
    Tombstone,
    /// To lock the row, and under the lock to [ask](question) the provider, whose word
    /// [settles](settled) it.
    Lock,
    /// To have the provider give back what was charged. If the row still says so then, its word
    /// [settles](settled) it.
    Refund,
}

/// What the provider is asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Question {
    /// To charge.
    Charge(Price),
    /// What became of an earlier question; if it knows of none, to charge.
    FindOrCharge(Price),
    /// Never to charge, and to give back what it has.
    Cancel,
}

/// What the provider said to a charge. Asked for once more, it says the same.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Answer {
    /// It has the money.
    Charged(Receipt),
    /// It does not take it, and never will under this key.
    Declined,
}

/// What the provider said to a cancellation. It is final: no charge is taken under the key any more.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Undone {
    /// There was nothing to give back.
    NothingTaken,
    /// It gave back what it had.
    Refunded(Receipt),
}

/// What the provider says has become of a payment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// Its answer to a charge.
    Answered(Answer),
    /// Its answer to a cancellation, which came later, or first.
    Undone(Undone),
}

/// What the row says from now on, and the event that says so.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settled {
    /// The row.
    pub payment: Payment,
    /// The event.
    pub event: PaymentEvent,
}

/// What to do about `command`, given what was found.
#[must_use]
pub fn next(command: &PaymentCommand, found: &Found) -> Next {
    use PaymentCommand as C;
    match (command, found) {
        // The lock ends with the charging, so the latter alone is a row that somebody must look at.
        (_, Found::Charging | Found::Settled(State::Charging(_))) => Next::Wait,
        (C::ProcessPayment(_), Found::Absent) => Next::Lock,
        (_, Found::LeftCharging) => Next::Lock,
        (C::RefundPayment(_), Found::Absent) => Next::Tombstone,
        (C::RefundPayment(_), Found::Settled(State::Charged(_))) => Next::Refund,
        (_, Found::Settled(_)) => Next::Nothing,
    }
}

/// A payment that is undone before it was begun.
#[must_use]
pub fn tombstone(command: &PaymentCommand) -> Settled {
    let (order_id, customer_id) = (command.order_id(), command.customer_id());
    let event = declined(order_id, customer_id, DeclineReason::Cancelled).into();
    let payment = Payment { customer_id: customer_id.clone(), state: State::Tombstone };
    Settled { payment, event }
}

/// What the row says while the provider is asked; `None`: what it did before.
#[must_use]
pub fn charging(command: &PaymentCommand) -> Option<Payment> {
    let PaymentCommand::ProcessPayment(process) = command else { return None };
    let state = State::Charging(price(process));
    Some(Payment { customer_id: process.customer_id.clone(), state })
}

/// What to ask the provider once the row is locked. It is `left` if the lock was taken from somebody
/// who did not finish.
#[must_use]
pub fn question(command: &PaymentCommand, left: bool) -> Question {
    match command {
        PaymentCommand::RefundPayment(_) => Question::Cancel,
        PaymentCommand::ProcessPayment(process) if left => Question::FindOrCharge(price(process)),
        PaymentCommand::ProcessPayment(process) => Question::Charge(price(process)),
    }
}

/// What the provider's word makes of the payment that `command` is about.
///
/// Its word counts, not the command: who takes over a charge may find that it was cancelled.
#[must_use]
pub fn settled(command: &PaymentCommand, outcome: Outcome) -> Settled {
    settled_of(command.order_id(), command.customer_id().clone(), outcome)
}

fn settled_of(order_id: OrderId, customer_id: CustomerId, outcome: Outcome) -> Settled {
    let (state, event): (State, PaymentEvent) = match outcome {
        Outcome::Answered(Answer::Declined) => {
            (State::Declined, declined(order_id, &customer_id, DeclineReason::Refused).into())
        }
        Outcome::Undone(Undone::NothingTaken) => {
            (State::Declined, declined(order_id, &customer_id, DeclineReason::Cancelled).into())
        }
        Outcome::Answered(Answer::Charged(receipt)) => {
            let Receipt { price: Price { amount, currency }, transaction_id } = receipt.clone();
            let customer_id = customer_id.clone();
            let event =
                PaymentProcessed { order_id, customer_id, amount, currency, transaction_id };
            (State::Charged(receipt), event.into())
        }
        Outcome::Undone(Undone::Refunded(receipt)) => {
            let Receipt { price: Price { amount, currency }, transaction_id } = receipt.clone();
            let customer_id = customer_id.clone();
            let event = PaymentRefunded { order_id, customer_id, amount, currency, transaction_id };
            (State::Refunded(receipt), event.into())
        }
    };
    Settled { payment: Payment { customer_id, state }, event }
}

fn declined(order_id: OrderId, customer_id: &CustomerId, reason: DeclineReason) -> PaymentDeclined {
    PaymentDeclined { order_id, customer_id: customer_id.clone(), reason }
}

fn price(process: &ProcessPayment) -> Price {
    Price { amount: process.amount, currency: process.currency.clone() }
}

impl PaymentCommand {
    /// The order it is about.
    pub fn order_id(&self) -> OrderId {
        match self {
            Self::ProcessPayment(command) => command.order_id,
            Self::RefundPayment(command) => command.order_id,
        }
    }

    /// Who pays.
    pub fn customer_id(&self) -> &CustomerId {
        match self {
            Self::ProcessPayment(command) => &command.customer_id,
            Self::RefundPayment(command) => &command.customer_id,
        }
    }
}
