use super::*;
use contract::{event::Ulid, fulfilment::CancelReason};

fn order_id() -> OrderId {
    OrderId(Ulid::new(1, [7; 10]))
}

fn ann() -> CustomerId {
    "ann".parse().unwrap()
}

fn price() -> Price {
    Price { amount: 790.try_into().unwrap(), currency: "EUR".parse().unwrap() }
}

fn receipt() -> Receipt {
    Receipt { price: price(), transaction_id: "t-1".parse().unwrap() }
}

fn process() -> PaymentCommand {
    let Price { amount, currency } = price();
    ProcessPayment { order_id: order_id(), customer_id: ann(), amount, currency }.into()
}

fn refund() -> PaymentCommand {
    let (order_id, customer_id) = (order_id(), ann());
    RefundPayment { order_id, customer_id, reason: CancelReason::Customer }.into()
}

fn declined(reason: DeclineReason) -> PaymentEvent {
    PaymentDeclined { order_id: order_id(), customer_id: ann(), reason }.into()
}

#[track_caller]
fn leads_to(found: &Found, processed: Next, refunded: Next) {
    assert_eq!(next(&process(), found), processed, "ProcessPayment, {found:?}");
    assert_eq!(next(&refund(), found), refunded, "RefundPayment, {found:?}");
}

#[test]
fn each_command_has_one_thing_to_do_in_each_state() {
    let settled = Found::Settled;
    leads_to(&Found::Absent, Next::Lock, Next::Tombstone);
    leads_to(&Found::Charging, Next::Wait, Next::Wait);
    leads_to(&Found::LeftCharging, Next::Lock, Next::Lock);
    leads_to(&settled(State::Charged(receipt())), Next::Nothing, Next::Refund);
    leads_to(&settled(State::Declined), Next::Nothing, Next::Nothing);
    leads_to(&settled(State::Refunded(receipt())), Next::Nothing, Next::Nothing);
    leads_to(&settled(State::Tombstone), Next::Nothing, Next::Nothing);
    // A row that says so without a lock is damaged: neither charged again nor taken for settled.
    leads_to(&settled(State::Charging(price())), Next::Wait, Next::Wait);
}

#[test]
fn an_undo_that_comes_first_declines() {
    let Settled { payment, event } = tombstone(&refund());
    assert_eq!(payment, Payment { customer_id: ann(), state: State::Tombstone });
    assert_eq!(event, declined(DeclineReason::Cancelled));
}

#[test]
fn who_takes_over_a_charge_asks_what_became_of_it() {
    assert_eq!(question(&process(), false), Question::Charge(price()));
    assert_eq!(question(&process(), true), Question::FindOrCharge(price()));
    let state = State::Charging(price());
    assert_eq!(charging(&process()), Some(Payment { customer_id: ann(), state }));
    for left in [false, true] {
        assert_eq!(question(&refund(), left), Question::Cancel);
    }
    assert_eq!(charging(&refund()), None);
}

#[track_caller]
fn settles(outcome: &Outcome, state: &State, event: &PaymentEvent) {
    // Whoever asks: who takes over a charge may find that its undo had been there.
    for command in [process(), refund()] {
        let expected = Settled {
            payment: Payment { customer_id: ann(), state: state.clone() },
            event: event.clone(),
        };
        assert_eq!(settled(&command, outcome.clone()), expected, "{command:?}");
    }
}

#[test]
fn the_providers_word_settles_a_payment() {
    let answered = |answer| Outcome::Answered(answer);
    let undone = |undone| Outcome::Undone(undone);
    let Receipt { price: Price { amount, currency }, transaction_id } = receipt();
    let (order_id, customer_id) = (order_id(), ann());

    let processed = PaymentProcessed {
        order_id,
        customer_id: customer_id.clone(),
        amount,
        currency: currency.clone(),
        transaction_id: transaction_id.clone(),
    };
    let charged = answered(Answer::Charged(receipt()));
    settles(&charged, &State::Charged(receipt()), &processed.into());
    let refused = declined(DeclineReason::Refused);
    settles(&answered(Answer::Declined), &State::Declined, &refused);
    let cancelled = declined(DeclineReason::Cancelled);
    settles(&undone(Undone::NothingTaken), &State::Declined, &cancelled);
    let refunded = PaymentRefunded { order_id, customer_id, amount, currency, transaction_id };
    let back = undone(Undone::Refunded(receipt()));
    settles(&back, &State::Refunded(receipt()), &refunded.into());
}

#[track_caller]
fn is_kept_as(state: State, json: &str) {
    let payment = Payment { customer_id: ann(), state };
    assert_eq!(serde_json::to_string(&payment).unwrap(), json);
    assert_eq!(serde_json::from_str::<Payment>(json).unwrap(), payment);
}

#[test]
fn a_payment_is_kept_flat_and_read_as_it_was() {
    is_kept_as(State::Tombstone, r#"{"customerId":"ann","state":"tombstone"}"#);
    is_kept_as(
        State::Charging(price()),
        r#"{"customerId":"ann","state":"charging","amount":790,"currency":"EUR"}"#,
    );
    is_kept_as(
        State::Refunded(receipt()),
        r#"{"customerId":"ann","state":"refunded","amount":790,"currency":"EUR","transactionId":"t-1"}"#,
    );
}
