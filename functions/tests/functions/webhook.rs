//! payment-webhook: the provider's late word counts once, wherever the payment is by then.

use crate::{
    payment::{PRICE, Slow, given, money},
    payment_webhook::{self, Webhook},
    shop::{Call, Reply, at_once},
    steps::{End, Steps, order_id, process_payment, refund_payment},
};
use functions::provider::{Charge, Price, Provider};
use pointsman_kit::{
    event::Timestamp,
    http::{self, signature},
    live::Live,
    observability::Log,
    runtime::Invocation,
    table::{Fault, Key, Memory, Op},
};
use serde_json::{Value, json};
use std::{fs, path::Path, time::Duration};

const OLD: &str = "the-old-secret-of-ours";
const NEW: &str = "the-new-secret-of-ours";

/// The function beside the services of an order's steps.
fn webhook(steps: &Steps) -> Webhook {
    Webhook {
        store: steps.store.clone(),
        services: "Services".to_owned(),
        secrets: signature::Secrets::new(&format!("{NEW} {OLD}")).unwrap(),
        wall: steps.wall.clone(),
        seed: Some(1),
    }
}

async fn ask(steps: &Steps, call: &Call) -> Reply {
    let (log, _) = Log::captured("test");
    let of = Invocation::new("invocation-1", Duration::from_secs(9), &log);
    let answer = http::answer(&webhook(steps), call.event(), of, payment_webhook::handle).await;
    Reply::of(&serde_json::to_value(answer).unwrap())
}

fn call(body: &str, signature: &str) -> Call {
    let call = Call::new("POST /webhooks/payments", "").anonymous().text(body);
    call.header("payment-signature", signature)
}

/// As the provider sends it now.
fn signed(steps: &Steps, body: &Value) -> Call {
    let body = body.to_string();
    call(&body, &signature::sign(NEW, steps.wall.now(), body.as_bytes()))
}

async fn tell(steps: &Steps, body: &Value) -> Reply {
    ask(steps, &signed(steps, body)).await
}

fn succeeded(id: &str) -> Value {
    let order_id = order_id();
    let charge = json!({
        "key": order_id, "transactionId": format!("sim-{order_id}"), "amount": PRICE,
        "currency": "EUR",
    });
    json!({ "id": id, "type": "charge.succeeded", "charge": charge })
}

fn declined(id: &str) -> Value {
    json!({ "id": id, "type": "charge.declined", "charge": { "key": order_id() } })
}

fn writes(steps: &Steps) -> usize {
    steps.tables.changes(0).len()
}

/// Given a state, a word is answered so, adds this event, if any, and leaves the row so.
async fn leads_to(state: &str, word: &Value, result: &str, event: &str, row: &str) {
    let steps = given(state).await;
    let before = steps.events("payment").await.len();
    let reply = tell(&steps, word).await;
    assert_eq!((reply.status, &reply.body["result"]), (200, &result.into()), "{state}: {word}");
    let events = steps.events("payment").await.split_off(before);
    let expected: Vec<&str> = if event.is_empty() { vec![] } else { vec![event] };
    assert_eq!(events, expected, "{state}: {word}");
    assert_eq!(steps.state("payment").as_deref(), Some(row), "{state}: {word}");
    // The same word gets the same answer, also when the payment has gone on since.
    let writes = writes(&steps);
    assert_eq!(tell(&steps, word).await, reply, "{state}: {word} again");
    assert_eq!(self::writes(&steps), writes, "{state}: {word} again");
    steps.deal_with(&refund_payment(20)).await;
    assert_eq!(tell(&steps, word).await, reply, "{state}: {word} after an undo");
    // Whoever was asking the provider finds that it is settled.
    assert_eq!(steps.hand(&process_payment(21, PRICE)).await, End::Done, "{state}: {word}");
}

#[tokio::test(start_paused = true)]
async fn each_word_in_each_state_is_recorded_if_it_is_news() {
    let (yes, no) = (&succeeded("evt-1"), &declined("evt-1"));
    for state in ["charging", "left charging", "left charged", "left refunded"] {
        leads_to(state, yes, "recorded", "PaymentProcessed", "charged").await;
        leads_to(state, no, "recorded", "PaymentDeclined", "declined").await;
    }
    for state in ["declined", "tombstone"] {
        leads_to(state, yes, "recorded", "PaymentProcessed", "charged").await;
        leads_to(state, no, "known", "", state).await;
    }
    for state in ["charged", "refunded"] {
        leads_to(state, yes, "known", "", state).await;
        leads_to(state, no, "known", "", state).await;
    }
}

#[tokio::test(start_paused = true)]
async fn money_that_came_behind_its_undo_is_given_back_by_the_next() {
    let steps = given("tombstone").await;
    let customer_id = "ann".parse().unwrap();
    let price = Price { amount: PRICE.try_into().unwrap(), currency: "EUR".parse().unwrap() };
    let charge = Charge { key: order_id().to_string(), customer_id, price };
    steps.simulator.charge(&Live::by_hand(), &charge).await.unwrap();
    assert_eq!(tell(&steps, &succeeded("evt-1")).await.status, 200);
    assert_eq!(steps.hand(&refund_payment(3)).await, End::Done);
    let events = ["PaymentDeclined", "PaymentProcessed", "PaymentRefunded"];
    assert_eq!(steps.events("payment").await, events);
    assert_eq!(money(&steps), (PRICE, PRICE));
    // Told once more, under an id of its own, it is known.
    assert_eq!(tell(&steps, &succeeded("evt-2")).await.body["result"], "known");
}

#[tokio::test(start_paused = true)]
async fn what_is_wrong_is_named_and_nothing_is_stored() {
    let steps = given("charging").await;
    let before = writes(&steps);
    let good = succeeded("evt-1");
    let with = |path: &str, value: Value| {
        let mut word = good.clone();
        *word.pointer_mut(path).unwrap() = value;
        word
    };
    let without = |field: &str| {
        let mut word = good.clone();
        word["charge"].as_object_mut().unwrap().remove(field);
        word
    };
    let text = good.to_string();
    let now = steps.wall.now();
    let at = |seconds: i64| Timestamp::from_ms(now.as_ms() + seconds * 1000);
    let sign = |secret, at| signature::sign(secret, at, text.as_bytes());
    let other_body = text.replace("790", "1");
    let header = "Payment-Signature";
    let cases: Vec<(Call, u64, &str)> = vec![
        (Call::new("POST /webhooks/payments", "").anonymous().text(&text), 401, header),
        (call(&text, "nonsense"), 401, header),
        (call(&text, &sign("a-secret-of-somebody", now)), 401, header),
        (call(&text, &sign(NEW, at(-301))), 401, header),
        (call(&text, &sign(NEW, at(301))), 401, header),
        (call(&other_body, &sign(NEW, now)), 401, header),
        (signed(&steps, &json!([])), 400, ""),
        (signed(&steps, &with("/id", json!(""))), 400, "id"),
        (signed(&steps, &with("/id", json!("x".repeat(101)))), 400, "id"),
        (signed(&steps, &with("/type", json!(7))), 400, "type"),
        (signed(&steps, &with("/charge", json!(null))), 400, "charge"),
        (signed(&steps, &with("/charge/key", json!("7"))), 400, "charge.key"),
        (signed(&steps, &with("/charge/amount", json!(-1))), 400, "charge.amount"),
        (signed(&steps, &with("/charge/currency", json!("euro"))), 400, "charge.currency"),
        (signed(&steps, &without("transactionId")), 400, "charge.transactionId"),
        (
            signed(&steps, &with("/charge/key", json!("01ARZ3NDEKTSV4RRFFQ69G5FAV"))),
            404,
            "charge.key",
        ),
        (signed(&steps, &with("/charge/amount", json!(1))), 409, "charge.amount"),
    ];
    for (call, status, field) in cases {
        let reply = ask(&steps, &call).await;
        assert_eq!(reply.status, status, "{field}: {reply:?}");
        assert_eq!(reply.body["field"].as_str().unwrap_or_default(), field, "{reply:?}");
        assert!(reply.body["error"].is_string(), "{reply:?}");
        assert_eq!(writes(&steps), before, "{reply:?}");
    }
    // An id stands for one word.
    assert_eq!(tell(&steps, &good).await.status, 200);
    let before = writes(&steps);
    for other in [declined("evt-1"), with("/charge/transactionId", json!("t-2"))] {
        let reply = tell(&steps, &other).await;
        assert_eq!(reply.status, 409, "{reply:?}");
        assert_eq!(writes(&steps), before);
    }
}

#[tokio::test(start_paused = true)]
async fn either_secret_signs_and_a_body_in_base64_is_judged_by_its_bytes() {
    let steps = given("charging").await;
    let unknown = r#"{"id":"evt-1","type":"charge.disputed"}"#;
    let before = writes(&steps);
    for secret in [NEW, OLD] {
        let signature = signature::sign(secret, steps.wall.now(), unknown.as_bytes());
        let encoded = "eyJpZCI6ImV2dC0xIiwidHlwZSI6ImNoYXJnZS5kaXNwdXRlZCJ9";
        for call in [call(unknown, &signature), call("", &signature).base64(encoded)] {
            let reply = ask(&steps, &call).await;
            assert_eq!((reply.status, &reply.body["result"]), (200, &"ignored".into()));
        }
        let reply = ask(&steps, &call("", &signature).base64("no base64")).await;
        assert_eq!(reply.status, 400, "{reply:?}");
    }
    assert_eq!(writes(&steps), before, "a type that nobody knows stores nothing");
}

#[tokio::test(start_paused = true)]
async fn of_two_words_at_the_same_moment_one_is_recorded() {
    for (first, second, known) in [
        (succeeded("evt-1"), succeeded("evt-1"), "recorded"),
        (succeeded("evt-1"), succeeded("evt-2"), "known"),
        (succeeded("evt-1"), declined("evt-2"), "recorded"),
        (declined("evt-1"), succeeded("evt-2"), "known"),
    ] {
        let steps = given("charging").await;
        // In between the look of the first and its write.
        let (beside, rival) = (steps.beside(), second.clone());
        steps.tables.race(move |_| {
            let reply = at_once(tell(&beside, &rival));
            assert_eq!(reply.body["result"], "recorded", "{reply:?}");
        });
        let reply = tell(&steps, &first).await;
        assert_eq!((reply.status, &reply.body["result"]), (200, &known.into()), "{first} {second}");
        let processed =
            steps.events("payment").await.iter().filter(|name| *name == "PaymentProcessed").count();
        let expected = [&first, &second].iter().any(|word| word["type"] == "charge.succeeded");
        assert_eq!(processed, usize::from(expected), "{first} {second}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_word_that_overtakes_the_providers_own_answer_is_the_answer() {
    for before in [true, false] {
        let steps = Steps::new();
        let beside = steps.beside();
        let overtake = move || {
            let reply = at_once(tell(&beside, &succeeded("evt-1")));
            assert_eq!(reply.body["result"], "recorded", "{reply:?}");
        };
        let slow = Slow::new(steps.simulator.clone(), before, overtake);
        let steps = steps.with_provider(slow);
        assert_eq!(steps.hand(&process_payment(1, PRICE)).await, End::Done);
        assert_eq!(steps.events("payment").await, ["PaymentProcessed"]);
        assert_eq!(steps.state("payment").as_deref(), Some("charged"));
        assert_eq!(money(&steps), (PRICE, 0));
        assert!(!steps.row(&format!("payment#{}", order_id())).unwrap().contains_key("until"));
    }
}

#[tokio::test(start_paused = true)]
async fn a_death_at_the_write_or_a_lost_answer_is_made_good_by_the_next_attempt() {
    let (log, _) = Log::captured("test");
    for fault in [Fault::CrashBefore, Fault::CrashAfter, Fault::LostAnswer] {
        let steps = given("left charged").await;
        steps.tables.fail_next(fault);
        let webhook = webhook(&steps);
        let of = Invocation::new("invocation-1", Duration::from_secs(9), &log);
        let event = signed(&steps, &succeeded("evt-1")).event();
        let work = http::answer(&webhook, event, of, payment_webhook::handle);
        let died = steps.crash.run(work).await.is_none();
        assert_eq!(died, fault != Fault::LostAnswer);
        let reply = tell(&steps, &succeeded("evt-1")).await;
        assert_eq!((reply.status, &reply.body["result"]), (200, &"recorded".into()), "{fault:?}");
        assert_eq!(steps.events("payment").await, ["PaymentProcessed"], "{fault:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_payment_that_is_always_changed_first_is_told_again() {
    let steps = given("charging").await;
    // Somebody takes over its lock before each write.
    fn keep_changing(tables: &Memory, times: usize) {
        let key = Key::new("Services", format!("payment#{}", order_id()), "payment");
        tables.force(Op::update(key).add("fence", 1));
        if times > 1 {
            tables.race(move |tables| keep_changing(tables, times - 1));
        }
    }
    steps.tables.race(|tables| keep_changing(tables, 5));
    let reply = tell(&steps, &succeeded("evt-1")).await;
    assert_eq!((reply.status, &reply.body["code"]), (409, &"Contended".into()), "{reply:?}");
    assert_eq!(tell(&steps, &succeeded("evt-1")).await.body["result"], "recorded");
}

#[tokio::test(start_paused = true)]
async fn the_sample_payload_is_signed_with_the_local_secret() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let sample = fs::read_to_string(root.join("events/samples/http-payment-webhook.json")).unwrap();
    let local = fs::read_to_string(root.join("infra/local.env")).unwrap();
    let secret = local.lines().find_map(|line| line.strip_prefix("shop/payment-webhook="));
    let steps = Steps::new();
    let mut webhook = webhook(&steps);
    webhook.secrets = signature::Secrets::new(secret.expect("a local secret")).unwrap();
    let sent: Value = serde_json::from_str(&sample).unwrap();
    let sent_at = sent["requestContext"]["timeEpoch"].as_i64().unwrap();
    steps.wall.set(Timestamp::from_ms(sent_at));
    let (log, _) = Log::captured("test");
    let of = Invocation::new("invocation-1", Duration::from_secs(9), &log);
    let event = serde_json::from_str(&sample).unwrap();
    let answer = http::answer(&webhook, event, of, payment_webhook::handle).await;
    // It is the provider's, and of an order that nobody placed.
    let reply = Reply::of(&serde_json::to_value(answer).unwrap());
    assert_eq!((reply.status, &reply.body["code"]), (404, &"PaymentNotFound".into()));
}
