use super::*;
use crate::payment::Price;
use contract::{
    event::Ulid,
    payment::{DeclineReason, PaymentDeclined, PaymentEvent, PaymentProcessed},
    values::CustomerId,
};

fn order_id() -> OrderId {
    OrderId(Ulid::new(1, [7; 10]))
}

fn ann() -> CustomerId {
    "ann".parse().unwrap()
}

fn price(amount: u64) -> Price {
    Price { amount: amount.try_into().unwrap(), currency: "EUR".parse().unwrap() }
}

fn receipt() -> Receipt {
    Receipt { price: price(790), transaction_id: "t-1".parse().unwrap() }
}

fn of(state: &State, report: &Report) -> Reported {
    let payment = Payment { customer_id: ann(), state: state.clone() };
    reported(order_id(), &payment, report)
}

/// It is news, and makes this of the payment.
#[track_caller]
fn news(state: &State, report: &Report, after: State, event: impl Into<PaymentEvent>) {
    let payment = Payment { customer_id: ann(), state: after };
    let settled = Settled { payment, event: event.into() };
    assert_eq!(of(state, report), Reported::News(settled), "{state:?}");
}

#[test]
fn money_that_came_is_recorded_wherever_the_payment_is_by_then() {
    let processed = PaymentProcessed {
        order_id: order_id(),
        customer_id: ann(),
        amount: receipt().price.amount,
        currency: receipt().price.currency,
        transaction_id: receipt().transaction_id,
    };
    for state in [State::Charging(price(790)), State::Declined, State::Tombstone] {
        let charged = State::Charged(receipt());
        news(&state, &Report::Charged(receipt()), charged, processed.clone());
    }
    for state in [State::Charged(receipt()), State::Refunded(receipt())] {
        assert_eq!(of(&state, &Report::Charged(receipt())), Reported::Known, "{state:?}");
    }
}

#[test]
fn a_refusal_is_news_only_while_the_provider_is_asked() {
    let declined = PaymentDeclined {
        order_id: order_id(),
        customer_id: ann(),
        reason: DeclineReason::Refused,
    };
    news(&State::Charging(price(790)), &Report::Declined, State::Declined, declined);
    for state in
        [State::Charged(receipt()), State::Declined, State::Refunded(receipt()), State::Tombstone]
    {
        assert_eq!(of(&state, &Report::Declined), Reported::Known, "{state:?}");
    }
}

#[test]
fn what_cannot_be_true_names_the_field() {
    let other_amount = Report::Charged(Receipt { price: price(791), ..receipt() });
    let other_transaction =
        Report::Charged(Receipt { transaction_id: "t-2".parse().unwrap(), ..receipt() });
    for state in
        [State::Charging(price(790)), State::Charged(receipt()), State::Refunded(receipt())]
    {
        assert_eq!(of(&state, &other_amount), Reported::Contradicts("amount"), "{state:?}");
    }
    // A second charge of one order.
    for state in [State::Charged(receipt()), State::Refunded(receipt())] {
        let contradicts = Reported::Contradicts("transactionId");
        assert_eq!(of(&state, &other_transaction), contradicts, "{state:?}");
    }
}
