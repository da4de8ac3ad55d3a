//! The simulated provider keeps what its trait promises, and does what it is told.

use contract::values::CustomerId;
use functions::provider::{
    Answer, Behaviour, Charge, Outcome, Price, Provider, Receipt, Simulator, Undone,
};
use pointsman_kit::{
    live::Live,
    table::{Fault, Item, Key, Memory, Op, Value},
};
use std::sync::Arc;

fn ann() -> CustomerId {
    "ann".parse().unwrap()
}

fn charge(amount: u64) -> Charge {
    let price = Price { amount: amount.try_into().unwrap(), currency: "EUR".parse().unwrap() };
    Charge { key: "7".to_owned(), customer_id: ann(), price }
}

fn receipt() -> Receipt {
    Receipt { price: charge(300).price, transaction_id: "sim-7".parse().unwrap() }
}

fn simulator(behaviours: &[Behaviour]) -> (Memory, Simulator) {
    let tables = Memory::new();
    let simulator = Simulator::new(Arc::new(tables.clone()), "Services");
    tables.force(simulator.script(&ann(), behaviours));
    (tables, simulator)
}

/// What it took and gave back under the key.
fn books(tables: &Memory) -> (u64, u64) {
    let row = tables.items("Services").into_iter().find(|item| item["pk"] == "provider#7".into());
    let row = row.unwrap_or_default();
    let count = |name: &str| row.get(name).and_then(Value::as_n).unwrap_or(0);
    (count("taken"), count("refunded"))
}

#[tokio::test]
async fn each_behaviour_is_one_answer_and_one_truth() {
    let (live, charged) = (Live::by_hand(), Outcome::Answered(Answer::Charged(receipt())));
    let declined = Outcome::Answered(Answer::Declined);
    // What it answers, and what is found then, and after that.
    let cases = [
        (Behaviour::Succeed, Some(charged.clone()), Some(&charged), Some(&charged)),
        (Behaviour::Twice, Some(charged.clone()), Some(&charged), Some(&charged)),
        (Behaviour::Decline, Some(declined.clone()), Some(&declined), Some(&declined)),
        (Behaviour::Timeout, None, None, None),
        (Behaviour::Lost, None, Some(&charged), Some(&charged)),
        (Behaviour::Late, None, None, Some(&charged)),
    ];
    for (behaviour, answer, first, second) in cases {
        let (tables, simulator) = simulator(&[behaviour]);
        let got = simulator.charge(&live, &charge(300)).await;
        assert_eq!(got.ok().map(Outcome::Answered), answer, "{behaviour:?}");
        assert_eq!(simulator.find("7").await.unwrap().as_ref(), first, "{behaviour:?}");
        assert_eq!(simulator.find("7").await.unwrap().as_ref(), second, "{behaviour:?}");
        // The script is used up: what has no answer yet gets one, what has one keeps it.
        let again = simulator.charge(&live, &charge(300)).await.unwrap();
        let expected = if behaviour == Behaviour::Decline { &declined } else { &charged };
        assert_eq!(&Outcome::Answered(again), expected, "{behaviour:?}");
        let taken = if behaviour == Behaviour::Decline { 0 } else { 300 };
        assert_eq!(books(&tables), (taken, 0), "{behaviour:?}");
    }
}

#[tokio::test]
async fn a_cancellation_is_final_and_gives_back_once() {
    let live = Live::by_hand();
    let cases = [
        (Behaviour::Succeed, Undone::Refunded(receipt())),
        (Behaviour::Lost, Undone::Refunded(receipt())),
        (Behaviour::Decline, Undone::NothingTaken),
        (Behaviour::Timeout, Undone::NothingTaken),
        (Behaviour::Late, Undone::NothingTaken),
    ];
    for (behaviour, undone) in cases {
        let (tables, simulator) = simulator(&[behaviour]);
        drop(simulator.charge(&live, &charge(300)).await);
        for _ in 0..2 {
            assert_eq!(simulator.cancel(&live, "7").await.as_ref(), Ok(&undone), "{behaviour:?}");
            let later = simulator.charge(&live, &charge(300)).await;
            assert_eq!(later, Ok(Answer::Declined), "{behaviour:?}");
        }
        let (taken, refunded) = books(&tables);
        assert_eq!(taken, refunded, "{behaviour:?}");
        let found = simulator.find("7").await.unwrap().unwrap();
        match behaviour {
            Behaviour::Decline => assert_eq!(found, Outcome::Answered(Answer::Declined)),
            _ => assert_eq!(found, Outcome::Undone(undone), "{behaviour:?}"),
        }
    }
    let (tables, simulator) = simulator(&[]);
    assert_eq!(simulator.cancel(&live, "7").await, Ok(Undone::NothingTaken));
    assert_eq!(simulator.charge(&live, &charge(300)).await, Ok(Answer::Declined));
    assert_eq!(books(&tables), (0, 0));
}

#[tokio::test]
async fn a_script_is_used_up_one_behaviour_a_charge() {
    let live = Live::by_hand();
    let (_, simulator) = simulator(&[Behaviour::Decline, Behaviour::Succeed]);
    for (key, answered) in [("1", false), ("1", false), ("2", true), ("3", true)] {
        let charge = Charge { key: key.to_owned(), ..charge(300) };
        let answer = simulator.charge(&live, &charge).await.unwrap();
        assert_eq!(matches!(answer, Answer::Charged(_)), answered, "{key}");
    }
}

#[tokio::test]
async fn what_it_is_told_wrongly_it_names() {
    let live = Live::by_hand();
    let (tables, simulator) = simulator(&[]);
    let key = Key::new("Services", "provider#script#ann", "script");
    let wrong = Value::L(vec!["explode".into()]);
    tables.force(Op::put(key, Item::from([("behaviours".to_owned(), wrong)])));
    let error = simulator.charge(&live, &charge(300)).await.unwrap_err().to_string();
    assert!(error.contains("provider#script#ann") && error.contains("explode"), "{error}");
    assert!(error.contains("decline"), "it names what there is: {error}");

    let (tables, simulator) = self::simulator(&[]);
    simulator.charge(&live, &charge(300)).await.unwrap();
    let error = simulator.charge(&live, &charge(301)).await.unwrap_err().to_string();
    assert!(error.contains("another amount"), "{error}");
    assert_eq!(books(&tables), (300, 0));
}

#[tokio::test]
async fn calls_at_the_same_time_and_faults_take_money_once() {
    let live = Live::by_hand();
    for fault in [Fault::Conflict, Fault::Unsent, Fault::LostAnswer] {
        let (tables, simulator) = simulator(&[Behaviour::Succeed, Behaviour::Decline]);
        tables.fail_next(fault);
        assert!(simulator.charge(&live, &charge(300)).await.is_err(), "{fault:?}");
        let answer = simulator.charge(&live, &charge(300)).await.unwrap();
        assert_eq!(answer, Answer::Charged(receipt()), "{fault:?}");
        tables.fail_next(fault);
        assert!(simulator.cancel(&live, "7").await.is_err(), "{fault:?}");
        assert_eq!(simulator.cancel(&live, "7").await, Ok(Undone::Refunded(receipt())));
        assert_eq!(books(&tables), (300, 300), "{fault:?}");
    }
    let (tables, simulator) = self::simulator(&[]);
    let beside = simulator.clone();
    tables.race(move |_| {
        let charge = charge(300);
        crate::shop::at_once(beside.charge(&Live::by_hand(), &charge)).unwrap();
    });
    assert_eq!(simulator.cancel(&live, "7").await, Ok(Undone::Refunded(receipt())));
    assert_eq!(books(&tables), (300, 300));
}
