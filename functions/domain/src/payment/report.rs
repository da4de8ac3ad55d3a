//! What the provider reports by itself, some time after it was asked: the word of a webhook.
//!
//! It comes late, several times and in any order, and to a payment that is anywhere by then. A
//! success that nobody waits for any more is recorded all the same, since the money is there: the
//! saga hears of it and asks for it to be given back. What is known already is no news.

#[cfg(test)]
mod tests;

use super::{Answer, Outcome, Payment, Receipt, Settled, State, settled_of};
use contract::values::OrderId;

/// What the provider reports of a payment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Report {
    /// It has the money.
    Charged(Receipt),
    /// It does not take it.
    Declined,
}

/// What there is to be done about a report.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reported {
    /// Nothing: it is known, or too late to matter.
    Known,
    /// It can't be true of this payment, for the sake of this field: somebody must look.
    Contradicts(&'static str),
    /// The row and the event, if the payment is still as it was.
    News(Settled),
}

/// What follows from `report` about the payment of an order, as its row has it.
#[must_use]
pub fn reported(order_id: OrderId, payment: &Payment, report: &Report) -> Reported {
    let Payment { customer_id, state } = payment;
    let news = |answer| {
        Reported::News(settled_of(order_id, customer_id.clone(), Outcome::Answered(answer)))
    };
    match (state, report) {
        // Whoever asks the provider at this moment finds the payment settled, and looks again.
        (State::Charging(price), Report::Charged(receipt)) if *price != receipt.price => {
            Reported::Contradicts("amount")
        }
        (State::Charging(_), Report::Declined) => news(Answer::Declined),
        // Undone, or refused, and charged after all.
        (State::Charging(_) | State::Declined | State::Tombstone, Report::Charged(receipt)) => {
            news(Answer::Charged(receipt.clone()))
        }
        (State::Charged(known) | State::Refunded(known), Report::Charged(receipt)) => {
            if known.transaction_id != receipt.transaction_id {
                Reported::Contradicts("transactionId")
            } else if known.price != receipt.price {
                Reported::Contradicts("amount")
            } else {
                Reported::Known
            }
        }
        // It was refused before it was taken, or is refused what nobody wants any more.
        (
            State::Charged(_) | State::Declined | State::Refunded(_) | State::Tombstone,
            Report::Declined,
        ) => Reported::Known,
    }
}
