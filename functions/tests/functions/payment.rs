//! payment: one charge, at most one refund, whatever the provider does and whoever dies.

use crate::{
    shop::at_once,
    steps::{End, Message, Steps, order_id, process_payment, refund_payment},
};
use async_trait::async_trait;
use contract::values::CustomerId;
use functions::provider::{
    Answer, Behaviour, Charge, Outcome, Provider, Simulator, Undone, Unknown,
};
use pointsman_kit::{
    event::Timestamp,
    live::Live,
    table::{Fault, Item, Key, Op, Value},
};
use std::{
    sync::{Mutex, PoisonError},
    time::Duration,
};

pub(crate) const PRICE: u64 = 790;
const HALF_A_MINUTE: Duration = Duration::from_secs(30);

/// What the provider's books say about the order: taken, given back.
pub(crate) fn money(steps: &Steps) -> (u64, u64) {
    (count(steps, "taken"), count(steps, "refunded"))
}

/// How often it was asked to charge.
fn calls(steps: &Steps) -> u64 {
    count(steps, "calls")
}

fn count(steps: &Steps, name: &str) -> u64 {
    let row = steps.row(&format!("provider#{}", order_id())).unwrap_or_default();
    row.get(name).and_then(Value::as_n).unwrap_or(0)
}

fn script(steps: &Steps, behaviours: &[Behaviour]) {
    let ann: CustomerId = "ann".parse().unwrap();
    steps.put(steps.simulator.script(&ann, behaviours));
}

/// The order's payment as it comes to be in each state, with as little as possible.
pub(crate) async fn given(state: &str) -> Steps {
    let steps = Steps::new();
    let (process, refund) = (process_payment(1, PRICE), refund_payment(2));
    let key = order_id().to_string();
    match state {
        "absent" => {}
        "charging" | "left charging" => {
            // Its row is locked, and nobody gives the lock back.
            steps.die_at(0, Fault::CrashAfter);
            assert_eq!(steps.hand(&process).await, End::Died);
        }
        "left charged" => {
            script(&steps, &[Behaviour::Lost]);
            assert_eq!(steps.hand(&process).await, End::Again);
        }
        "left cancelled" => {
            script(&steps, &[Behaviour::Timeout]);
            assert_eq!(steps.hand(&process).await, End::Again);
            steps.simulator.cancel(&Live::by_hand(), &key).await.unwrap();
        }
        "left refunded" => {
            script(&steps, &[Behaviour::Lost]);
            assert_eq!(steps.hand(&process).await, End::Again);
            steps.simulator.cancel(&Live::by_hand(), &key).await.unwrap();
        }
        "charged" => assert_eq!(steps.hand(&process).await, End::Done),
        "declined" => {
            script(&steps, &[Behaviour::Decline]);
            assert_eq!(steps.hand(&process).await, End::Done);
        }
        "refunded" => {
            assert_eq!(steps.hand(&process).await, End::Done);
            assert_eq!(steps.hand(&refund).await, End::Done);
        }
        "tombstone" => assert_eq!(steps.hand(&refund).await, End::Done),
        other => panic!("{other}"),
    }
    if state.starts_with("left") {
        steps.pass(HALF_A_MINUTE);
    }
    steps
}

/// Given a state, a command ends so, adds this event, if any, and leaves row and money so.
async fn leads_to(
    (state, command): (&str, &Message),
    (end, event): (End, &str),
    (row, books): (&str, (u64, u64)),
) {
    let steps = given(state).await;
    let before = steps.events("payment").await.len();
    assert_eq!(steps.hand(command).await, end, "{state}: {command:?}");
    let events = steps.events("payment").await.split_off(before);
    let expected: Vec<&str> = if event.is_empty() { vec![] } else { vec![event] };
    assert_eq!(events, expected, "{state}: {command:?}");
    assert_eq!(steps.state("payment").as_deref(), Some(row), "{state}: {command:?}");
    assert_eq!(money(&steps), books, "{state}: {command:?}");
    // Whatever came of it: once more changes nothing.
    let changes = steps.tables.changes(0).len();
    assert_eq!(steps.hand(command).await, end, "{state}: {command:?} again");
    assert_eq!(steps.tables.changes(0).len(), changes, "{state}: {command:?} again");
}

#[tokio::test(start_paused = true)]
async fn each_command_in_each_state_asks_the_provider_no_more_than_it_must() {
    let (process, refund) = (&process_payment(11, PRICE), &refund_payment(12));
    let (none, taken, back) = ((0, 0), (PRICE, 0), (PRICE, PRICE));
    let (processed, declined, refunded) =
        ("PaymentProcessed", "PaymentDeclined", "PaymentRefunded");
    let done = |event| (End::Done, event);
    let again = (End::Again, "");

    leads_to(("absent", process), done(processed), ("charged", taken)).await;
    leads_to(("charging", process), again.clone(), ("charging", none)).await;
    leads_to(("left charging", process), done(processed), ("charged", taken)).await;
    leads_to(("left charged", process), done(processed), ("charged", taken)).await;
    leads_to(("left cancelled", process), done(declined), ("declined", none)).await;
    leads_to(("left refunded", process), done(refunded), ("refunded", back)).await;
    leads_to(("charged", process), done(""), ("charged", taken)).await;
    leads_to(("declined", process), done(""), ("declined", none)).await;
    leads_to(("refunded", process), done(""), ("refunded", back)).await;
    leads_to(("tombstone", process), done(""), ("tombstone", none)).await;

    leads_to(("absent", refund), done(declined), ("tombstone", none)).await;
    leads_to(("charging", refund), again, ("charging", none)).await;
    leads_to(("left charging", refund), done(declined), ("declined", none)).await;
    leads_to(("left charged", refund), done(refunded), ("refunded", back)).await;
    leads_to(("left cancelled", refund), done(declined), ("declined", none)).await;
    leads_to(("left refunded", refund), done(refunded), ("refunded", back)).await;
    leads_to(("charged", refund), done(refunded), ("refunded", back)).await;
    leads_to(("declined", refund), done(""), ("declined", none)).await;
    leads_to(("refunded", refund), done(""), ("refunded", back)).await;
    leads_to(("tombstone", refund), done(""), ("tombstone", none)).await;
}

#[tokio::test(start_paused = true)]
async fn the_event_says_what_was_paid_and_why_not() {
    let steps = given("charged").await;
    let data = steps.last("payment").await;
    assert_eq!((&data["amount"], &data["currency"]), (&PRICE.into(), &"EUR".into()));
    assert_eq!(data["transactionId"], format!("sim-{}", order_id()));
    steps.hand(&refund_payment(2)).await;
    let refund = steps.last("payment").await;
    assert_eq!(refund, data, "what is given back is what was taken");
    for (state, reason) in [("declined", "refused"), ("tombstone", "cancelled")] {
        assert_eq!(given(state).await.last("payment").await["reason"], reason);
    }
    let steps = given("left charging").await;
    steps.hand(&refund_payment(2)).await;
    assert_eq!(steps.last("payment").await["reason"], "cancelled");
}

#[tokio::test(start_paused = true)]
async fn whatever_the_provider_does_the_money_is_taken_once_and_given_back_once() {
    use Behaviour::{Decline, Late, Lost, Succeed, Timeout, Twice};
    let scripts: &[(&[Behaviour], u64, usize)] = &[
        (&[Succeed], PRICE, 1),
        (&[Twice], PRICE, 1),
        (&[Decline], 0, 1),
        (&[Lost], PRICE, 2),
        (&[Late], PRICE, 2),
        (&[Timeout, Timeout, Succeed], PRICE, 3),
        (&[Timeout, Late], PRICE, 3),
        (&[Timeout, Decline], 0, 2),
        (&[Timeout, Lost], PRICE, 3),
    ];
    for &(behaviours, taken, times) in scripts {
        let steps = Steps::new();
        script(&steps, behaviours);
        assert_eq!(steps.deal_with(&process_payment(1, PRICE)).await, times, "{behaviours:?}");
        assert_eq!(money(&steps), (taken, 0), "{behaviours:?}");
        assert_eq!(steps.deal_with(&refund_payment(2)).await, 1, "{behaviours:?}");
        assert_eq!(money(&steps), (taken, taken), "{behaviours:?}");
        let expected: &[&str] = match taken {
            0 => &["PaymentDeclined"],
            _ => &["PaymentProcessed", "PaymentRefunded"],
        };
        assert_eq!(steps.events("payment").await, expected, "{behaviours:?}");

        // The undo comes while nobody knows what became of the charge.
        let steps = Steps::new();
        script(&steps, behaviours);
        if steps.hand(&process_payment(1, PRICE)).await == End::Again {
            steps.deal_with(&refund_payment(2)).await;
            let (taken, refunded) = money(&steps);
            assert_eq!(taken, refunded, "{behaviours:?}");
            steps.deal_with(&process_payment(1, PRICE)).await;
            assert_eq!(money(&steps), (taken, refunded), "{behaviours:?}");
            assert_eq!(steps.events("payment").await.len(), 1, "{behaviours:?}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn whom_the_provider_does_not_answer_gives_the_payment_to_the_next_at_once() {
    for (behaviour, undone) in [(Behaviour::Timeout, (0, 0)), (Behaviour::Lost, (PRICE, PRICE))] {
        for (next, expected) in
            [(process_payment(1, PRICE), (PRICE, 0)), (refund_payment(2), undone)]
        {
            let steps = Steps::new();
            script(&steps, &[behaviour]);
            assert_eq!(steps.hand(&process_payment(1, PRICE)).await, End::Again);
            // No time has passed: also where a clock is moved by hand, and a lock's is not.
            assert_eq!(steps.hand(&next).await, End::Done, "{behaviour:?}");
            assert_eq!(money(&steps), expected, "{behaviour:?}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn the_same_message_five_times_is_one_charge() {
    let steps = Steps::new();
    for _ in 0..5 {
        assert_eq!(steps.hand(&process_payment(1, PRICE)).await, End::Done);
    }
    assert_eq!((calls(&steps), money(&steps)), (1, (PRICE, 0)));
    assert_eq!(steps.events("payment").await, ["PaymentProcessed"]);
}

#[tokio::test(start_paused = true)]
async fn a_death_at_any_write_leaves_what_the_next_attempt_completes() {
    let (process, refund) = (process_payment(1, PRICE), refund_payment(2));
    // The lock, the provider's books, and the transaction that finishes: who dies before or after
    // one of them is counted, and who loses an answer to the first two.
    type Story<'a> = (usize, &'a [&'a Message], &'a [&'a str], (u64, u64));
    let stories: &[Story<'_>] = &[
        (8, &[&process], &["PaymentProcessed"], (PRICE, 0)),
        (13, &[&process, &refund], &["PaymentProcessed", "PaymentRefunded"], (PRICE, PRICE)),
        (2, &[&refund, &process], &["PaymentDeclined"], (0, 0)),
    ];
    for (expected, messages, events, books) in stories {
        let mut deaths = 0;
        for nth in 0.. {
            let before = deaths;
            for fault in [Fault::CrashBefore, Fault::CrashAfter, Fault::LostAnswer] {
                let steps = Steps::new();
                steps.die_at(nth, fault);
                let mut times = 0;
                for message in *messages {
                    times += steps.deal_with(message).await;
                }
                deaths += times - messages.len();
                assert_eq!(steps.events("payment").await, *events, "{nth}, {fault:?}");
                assert_eq!(money(&steps), *books, "{nth}, {fault:?}");
            }
            if deaths == before {
                break;
            }
        }
        assert_eq!(deaths, *expected, "{events:?}");
    }
}

/// A provider that takes its time: something happens before, or after, it does what it is asked.
pub(crate) struct Slow {
    provider: Simulator,
    before: Meanwhile,
    after: Meanwhile,
}

type Meanwhile = Mutex<Option<Box<dyn FnOnce() + Send>>>;

impl Slow {
    /// What happens once, while the provider is asked.
    pub(crate) fn new(
        provider: Simulator,
        before: bool,
        happens: impl FnOnce() + Send + 'static,
    ) -> Slow {
        let happens: Meanwhile = Mutex::new(Some(Box::new(happens)));
        let (before, after) =
            if before { (happens, Mutex::default()) } else { (Mutex::default(), happens) };
        Slow { provider, before, after }
    }

    fn happens(meanwhile: &Meanwhile) {
        let happens = meanwhile.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(happens) = happens {
            happens();
        }
    }
}

#[async_trait]
impl Provider for Slow {
    async fn charge(&self, live: &Live, charge: &Charge) -> Result<Answer, Unknown> {
        Self::happens(&self.before);
        let answer = self.provider.charge(live, charge).await;
        Self::happens(&self.after);
        answer
    }

    async fn find(&self, key: &str) -> Result<Option<Outcome>, Unknown> {
        self.provider.find(key).await
    }

    async fn cancel(&self, live: &Live, key: &str) -> Result<Undone, Unknown> {
        self.provider.cancel(live, key).await
    }
}

#[tokio::test(start_paused = true)]
async fn a_charge_that_was_overtaken_writes_nothing() {
    let cases = [
        (refund_payment(2), true, "PaymentDeclined", (0, 0)),
        (refund_payment(2), false, "PaymentRefunded", (PRICE, PRICE)),
        (process_payment(1, PRICE), true, "PaymentProcessed", (PRICE, 0)),
        (process_payment(1, PRICE), false, "PaymentProcessed", (PRICE, 0)),
    ];
    for (rival, before, event, books) in cases {
        let steps = Steps::new();
        let (beside, message) = (steps.beside(), rival.clone());
        let overtake = move || {
            beside.pass(HALF_A_MINUTE);
            assert_eq!(at_once(beside.hand(&message)), End::Done);
        };
        let slow = Slow::new(steps.simulator.clone(), before, overtake);
        let steps = steps.with_provider(slow);
        // The one who was overtaken looks again, and finds that all is settled.
        assert_eq!(steps.hand(&process_payment(1, PRICE)).await, End::Done, "{rival:?}");
        assert_eq!(steps.events("payment").await, [event], "{rival:?}, {before}");
        assert_eq!(money(&steps), books, "{rival:?}, {before}");
        let row = steps.row(&format!("payment#{}", order_id())).unwrap();
        assert_eq!(row["fence"], 2.into());
        assert!(!row.contains_key("until"));
    }
}

#[tokio::test(start_paused = true)]
async fn a_payment_begun_and_undone_at_the_same_moment_has_one_end() {
    for (first, rival) in [
        (process_payment(1, PRICE), refund_payment(2)),
        (refund_payment(2), process_payment(1, PRICE)),
        (refund_payment(2), refund_payment(3)),
    ] {
        for nth in 0..4 {
            let steps = Steps::new();
            let (beside, message) = (steps.beside(), rival.clone());
            fn count_down(tables: &pointsman_kit::table::Memory, nth: u32, then: Then) {
                match nth.checked_sub(1) {
                    None => then(),
                    Some(nth) => tables.race(move |tables| count_down(tables, nth, then)),
                }
            }
            type Then = Box<dyn FnOnce() + Send>;
            let then: Then = Box::new(move || drop(at_once(beside.hand(&message))));
            steps.tables.race(move |tables| count_down(tables, nth, then));
            steps.deal_with(&first).await;
            steps.deal_with(&rival).await;
            steps.deal_with(&refund_payment(4)).await;
            let (taken, refunded) = money(&steps);
            assert_eq!(taken, refunded, "{first:?} | {rival:?}, {nth}");
            let events = steps.events("payment").await;
            let one_of: [&[&str]; 2] =
                [&["PaymentDeclined"], &["PaymentProcessed", "PaymentRefunded"]];
            assert!(one_of.contains(&&*events.iter().map(String::as_str).collect::<Vec<_>>()));
        }
    }
}

struct Silent;

#[async_trait]
impl Provider for Silent {
    async fn charge(&self, _: &Live, _: &Charge) -> Result<Answer, Unknown> {
        std::future::pending().await
    }

    async fn find(&self, _: &str) -> Result<Option<Outcome>, Unknown> {
        std::future::pending().await
    }

    async fn cancel(&self, _: &Live, _: &str) -> Result<Undone, Unknown> {
        std::future::pending().await
    }
}

#[tokio::test(start_paused = true)]
async fn a_provider_that_says_nothing_leaves_the_payment_to_the_next_attempt() {
    let steps = Steps::new().with_provider(Silent);
    assert_eq!(steps.hand(&process_payment(1, PRICE)).await, End::Again);
    assert_eq!(steps.state("payment").as_deref(), Some("charging"));
    steps.pass(HALF_A_MINUTE);
    assert_eq!(steps.hand(&refund_payment(2)).await, End::Again);
    assert_eq!(steps.events("payment").await, [""; 0]);
    let steps = steps.beside();
    steps.deal_with(&refund_payment(2)).await;
    assert_eq!(steps.events("payment").await, ["PaymentDeclined"]);
}

#[tokio::test(start_paused = true)]
async fn an_order_is_not_paid_for_with_two_amounts() {
    let other = process_payment(3, PRICE + 1);
    for state in ["charging", "left charged", "charged"] {
        let steps = given(state).await;
        let before = money(&steps);
        let End::Rejected(reason) = steps.hand(&other).await else { panic!("{state}") };
        assert!(reason.contains("another amount"), "{reason}");
        assert_eq!(money(&steps), before, "{state}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_damaged_row_is_waited_for_and_charges_nobody() {
    let damaged = |state: &str| {
        let key = Key::new("Services", format!("payment#{}", order_id()), "payment");
        Op::put(key, Item::from([("state".to_owned(), state.into())]))
    };
    let steps = Steps::new();
    for state in ["charging", "eaten"] {
        steps.put(damaged(state));
        for message in [process_payment(1, PRICE), refund_payment(2)] {
            assert_eq!(steps.hand(&message).await, End::Again, "{state}");
        }
    }
    assert_eq!((calls(&steps), steps.events("payment").await.len()), (0, 0));
    assert_eq!(steps.wall.now(), Timestamp::from_ms(crate::shop::NOW));
}
