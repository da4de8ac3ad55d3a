//! Scenario 5 at the payment provider's door, and its late word, by which an order goes on.

use crate::shop::Shop;
use crate::support::order;
use pointsman_kit::event::Timestamp;
use pointsman_kit::http::signature::sign;
use serde_json::{Value, json};

/// The one of `infra/local.env`.
const SECRET: &str = "local-only-webhook-secret";

/// An order that nobody placed.
const STRANGER: &str = "01M7YQ1WE07VNQX5Q5KKJ0Z75H";

#[tokio::test(flavor = "multi_thread")]
async fn a_bad_webhook_is_told_what_is_wrong_and_stores_nothing() {
    let shop = Shop::start().await;
    let id = shop.anna.place("good", &order("TEA-ASSAM-100", 2)).order_id();
    shop.equation().await;
    let before = shop.counts();
    let good = succeeded("evt-1", &id).to_string();
    let signed = |body: &str, off: i64| sign(SECRET, now(off), body.as_bytes());
    let forged = sign("the-secret-of-somebody-else", now(0), good.as_bytes());
    let with = |field: &str, value: Value| {
        let mut word = succeeded("evt-1", &id);
        word["charge"][field] = value;
        word.to_string()
    };

    names(&post(&shop, &good, None), 401, "Payment-Signature");
    names(&post(&shop, &good, Some("v1=abc")), 401, "Payment-Signature");
    names(&post(&shop, &good, Some(&forged)), 401, "BadSignature");
    names(&post(&shop, &format!("{good} "), Some(&signed(&good, 0))), 401, "BadSignature");
    for off in [-400, 400] {
        names(&post(&shop, &good, Some(&signed(&good, off))), 401, "Stale");
    }
    for (body, status, fault) in [
        ("{".to_owned(), 400, "EOF"),
        (json!({ "type": "charge.declined" }).to_string(), 400, "id"),
        (with("amount", json!("7.90")), 400, "charge.amount"),
        (with("currency", json!("euro")), 400, "charge.currency"),
        (with("key", json!("no order")), 400, "charge.key"),
        (with("key", json!(STRANGER)), 404, "PaymentNotFound"),
        // It is there, but nothing was asked of the provider yet.
        (good.clone(), 404, "PaymentNotFound"),
    ] {
        names(&post(&shop, &body, Some(&signed(&body, 0))), status, fault);
    }
    assert_eq!(shop.counts(), before);
    let ledger = shop.equation().await;
    assert_eq!(ledger.events, 1, "{ledger}");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_order_goes_on_by_the_providers_late_word_which_counts_once() {
    let shop = Shop::selling().await;
    // The money is taken, and the answer is lost.
    shop.script("anna", &["lost"]);
    let id = shop.places("anna", "TEA-ASSAM-100", 1).remove(0);
    shop.running.wait_until_time_must_pass().await;
    assert_eq!(shop.status(&id), "paymentRequested");

    let word = succeeded("evt-1", &id).to_string();
    let signature = sign(SECRET, now(0), word.as_bytes());
    let first = post(&shop, &word, Some(&signature));
    assert_eq!((first.0, &first.1["result"]), (200, &json!("recorded")), "{first:?}");
    // No time passes: the command that waits to be tried again is not what it waits for.
    shop.running.wait_until_time_must_pass().await;
    assert_eq!(shop.status(&id), "fulfilled");

    let before = shop.counts();
    assert_eq!(post(&shop, &word, Some(&signature)), first, "replayed within its time");
    let anew = succeeded("evt-2", &id).to_string();
    let known = post(&shop, &anew, Some(&sign(SECRET, now(0), anew.as_bytes())));
    assert_eq!((known.0, &known.1["result"]), (200, &json!("known")), "{known:?}");
    assert_eq!(shop.counts(), before);

    let (_, books) = shop.ended_well().await;
    let book = books.order(&id);
    assert_eq!(book.events("payment"), ["PaymentProcessed"]);
    assert_eq!((book.account().calls, book.account().taken), (1, 1_580));
}

#[tokio::test(flavor = "multi_thread")]
async fn money_that_is_taken_behind_a_refusal_is_given_back() {
    let shop = Shop::selling().await;
    shop.script("anna", &["decline"]);
    let id = shop.places("anna", "TEA-ASSAM-100", 1).remove(0);
    shop.running.wait_until_idle().await;
    assert_eq!(shop.status(&id), "cancelled");

    // The provider takes it all the same, and says so.
    let charged = json!({
        "TableName": "local-Services",
        "Key": { "pk": { "S": format!("provider#{id}") }, "sk": { "S": "charge" } },
        "UpdateExpression":
            "SET #state = :charged, amount = :sum, currency = :eur, transactionId = :id, taken = :sum",
        "ExpressionAttributeNames": { "#state": "state" },
        "ExpressionAttributeValues": {
            ":charged": { "S": "charged" }, ":sum": { "N": "1580" }, ":eur": { "S": "EUR" },
            ":id": { "S": format!("sim-{id}") },
        },
    });
    shop.anna.call("DynamoDB_20120810.UpdateItem", &charged);
    let word = succeeded("evt-1", &id).to_string();
    let told = post(&shop, &word, Some(&sign(SECRET, now(0), word.as_bytes())));
    assert_eq!((told.0, &told.1["result"]), (200, &json!("recorded")), "{told:?}");

    let (_, books) = shop.ended_well().await;
    let book = books.order(&id);
    let events = ["PaymentDeclined", "PaymentProcessed", "PaymentRefunded"];
    assert_eq!(book.events("payment"), events);
    assert_eq!(book.end().as_deref(), Some("OrderCancelled paymentDeclined"));
    assert_eq!((book.account().taken, book.account().refunded), (1_580, 1_580));
}

/// A POST to the provider's door.
fn post(shop: &Shop, body: &str, signature: Option<&str>) -> (u16, Value) {
    let url = format!("{}/webhooks/payments", shop.running.http());
    let agent: ureq::Agent =
        ureq::Agent::config_builder().http_status_as_error(false).build().into();
    let request = agent.post(url).header("content-type", "application/json");
    let request = match signature {
        Some(signature) => request.header("Payment-Signature", signature),
        None => request,
    };
    let response = request.send(body).expect("it answers");
    let status = response.status().as_u16();
    let text = response.into_body().read_to_string().expect("text");
    (status, serde_json::from_str(&text).expect("JSON"))
}

fn succeeded(id: &str, order: &str) -> Value {
    let charge = json!({
        "key": order, "transactionId": format!("sim-{order}"), "amount": 1_580, "currency": "EUR",
    });
    json!({ "id": id, "type": "charge.succeeded", "charge": charge })
}

/// The wall's time, so many seconds off.
fn now(off: i64) -> Timestamp {
    Timestamp::from_ms(pointsman_kit::clock::wall().as_ms() + off * 1_000)
}

#[track_caller]
fn names((status, body): &(u16, Value), wanted: u16, fault: &str) {
    assert_eq!(*status, wanted, "{body}");
    assert!(body.to_string().contains(fault), "{fault} is not named: {body}");
}
