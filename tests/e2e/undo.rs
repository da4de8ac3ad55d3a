//! Scenario 6: whatever fails, comes too late or is not wanted any more is undone, and the money is right.

use crate::shop::Shop;
use crate::support::order;
use serde_json::{Value, json};

/// A step's deadline, and the second by which a queue may be late.
const HOUR: u64 = 60 * 60 + 2;

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_is_cancelled_and_paid_back_once() {
    let shop = Shop::selling().await;
    shop.load("few", &[("POT-IRON", 1)]);
    shop.script("ben", &["decline"]);
    // Two pots are wanted, and there is one.
    let gone = shop.places("anna", "POT-IRON", 2);
    let unknown = shop.places("anna", "KETTLE-STEEL", 1);
    let declined = shop.places("ben", "TEA-ASSAM-100", 1);
    // Two orders at once would be paid for in any order.
    shop.running.wait_until_idle().await;
    let accepted = shop.places("ben", "CUP-BLUE", 1);
    // The call arrives twice at the provider.
    shop.script("cleo", &["twice"]);
    let twice = shop.places("cleo", "TEA-ASSAM-100", 1);

    let (ledger, books) = shop.ended_well().await;
    for id in gone.iter().chain(&unknown) {
        let book = books.order(id);
        assert_eq!(book.end().as_deref(), Some("OrderCancelled outOfStock"));
        assert_eq!(book.events("payment"), ["PaymentProcessed", "PaymentRefunded"]);
        assert_eq!(book.count("RefundPayment"), 1);
        let account = book.account();
        assert_eq!((account.calls, account.taken), (1, account.refunded));
        assert_eq!(book.first("InventoryUnavailable").data["reason"], "outOfStock");
    }
    assert_eq!(books.left("POT-IRON"), 1);
    let book = books.order(&declined[0]);
    assert_eq!(book.end().as_deref(), Some("OrderCancelled paymentDeclined"));
    assert_eq!(book.commands(), ["ProcessPayment", "CheckDeadline"]);
    assert_eq!((book.account().calls, book.account().taken), (1, 0));
    // The next one of the same customer is as any other.
    assert_eq!(books.order(&accepted[0]).end().as_deref(), Some("OrderFulfilled"));
    let book = books.order(&twice[0]);
    assert_eq!((book.end().as_deref(), book.account().calls), (Some("OrderFulfilled"), 2));
    assert_eq!(ledger.queue("shipping").accepted, 2, "{ledger}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_step_that_is_too_late_is_undone_whoever_comes_first() {
    let shop = Shop::selling().await;
    for (step, late_first, undo_first) in [
        ("payment", "OrderCancelled paymentLate", "OrderCancelled paymentLate"),
        ("inventory", "OrderCancelled inventoryLate", "OrderCancelled inventoryLate"),
        // What has left is not undone.
        ("shipping", "OrderFulfilled", "OrderCancelled shippingLate"),
    ] {
        shop.running.switch(step, false).await;
        // Of the first order the step is met behind its deadline, before its undo …
        let in_order = shop.places(&format!("ann-{step}"), "TEA-ASSAM-100", 1).remove(0);
        shop.running.wait_until_idle().await;
        shop.pass(HOUR).await;
        assert_eq!(shop.anna.depth(step), 2, "{step}: the command and its undo");
        shop.running.switch(step, true).await;
        shop.running.wait_until_idle().await;
        assert_eq!(shop.books().order(&in_order).end().as_deref(), Some(late_first), "{step}");

        // … of the second it is kept away until the undo is done, and comes then.
        shop.running.switch(step, false).await;
        let undone = shop.places(&format!("bob-{step}"), "TEA-ASSAM-100", 1).remove(0);
        shop.running.wait_until_idle().await;
        let messages = shop.anna.receive(step);
        let [message] = &messages[..] else { panic!("{step}: one command: {messages:?}") };
        let delete = json!({
            "QueueUrl": shop.anna.queue(step), "ReceiptHandle": message["ReceiptHandle"],
        });
        shop.anna.call("AmazonSQS.DeleteMessage", &delete);
        shop.pass(HOUR).await;
        shop.running.switch(step, true).await;
        shop.running.wait_until_idle().await;
        assert_eq!(shop.books().order(&undone).end().as_deref(), Some(undo_first), "{step}");
        let late = message["Body"].as_str().expect("text").to_owned();
        shop.anna.send_all(step, &[late]);
        shop.running.wait_until_idle().await;
        let book = shop.books();
        let book = book.order(&undone);
        assert_eq!(book.end().as_deref(), Some(undo_first), "{step}: it is only acknowledged");
        match step {
            "payment" => assert_eq!(book.events("payment"), ["PaymentDeclined"]),
            "inventory" => assert_eq!(book.events("inventory"), ["InventoryUnavailable"]),
            _ => assert_eq!(book.events("shipment"), ["ShipmentCancelled"]),
        }
    }
    shop.ended_well().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_charge_that_succeeds_later_is_found_or_taken_back() {
    let shop = Shop::selling().await;
    // No answer comes: the money is taken; it will be; it never is.
    let silent = |then: &str| {
        ["lost", "late", "timeout"].map(|behaviour| {
            let customer = format!("{behaviour}-{then}");
            shop.script(&customer, &[behaviour]);
            shop.places(&customer, "TEA-ASSAM-100", 1).remove(0)
        })
    };
    let (found, stuck) = (silent("and-asked-again"), silent("until-too-late"));
    shop.running.wait_until_time_must_pass().await;
    let books = shop.books();
    for id in found.iter().chain(&stuck) {
        assert_eq!(books.order(id).events("payment"), [""; 0], "nobody knows yet");
        assert_eq!(books.order(id).account().calls, 1);
    }
    shop.running.switch("payment", false).await;
    shop.pass(60).await;
    let held = shop.anna.receive("payment");
    assert_eq!(held.len(), 6, "{held:?}");
    let (again, late): (Vec<_>, Vec<_>) = held.iter().partition(|message| {
        let body = message["Body"].as_str().expect("text");
        found.iter().any(|id| body.contains(id.as_str()))
    });
    assert_eq!((again.len(), late.len()), (3, 3));
    hide(&shop, &again, 0);
    hide(&shop, &late, 2 * HOUR);
    shop.anna.unlock();
    shop.running.switch("payment", true).await;
    shop.running.wait_until_time_must_pass().await;
    let books = shop.books();
    for id in &found {
        assert_eq!(books.order(id).end().as_deref(), Some("OrderFulfilled"));
    }
    shop.pass(HOUR).await;
    shop.running.wait_until_time_must_pass().await;
    let books = shop.books();
    for (id, events) in
        stuck.iter().zip([["PaymentRefunded"], ["PaymentDeclined"], ["PaymentDeclined"]])
    {
        assert_eq!(books.order(id).events("payment"), events);
        assert_eq!(books.order(id).end().as_deref(), Some("OrderCancelled paymentLate"));
    }
    // And now the command comes once more.
    let (_, books) = shop.ended_well().await;
    for id in &stuck {
        let account = books.order(id).account();
        assert_eq!((account.calls, account.taken), (1, account.refunded), "it is only acked");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_customer_cancels_at_every_stage() {
    let shop = Shop::start().await;
    shop.load("first", &[("TEA-ASSAM-100", 100)]);
    let cancel = |id: &str| {
        let answer = shop.anna.delete(&format!("/orders/{id}"), &format!("no-{id}"));
        assert_eq!(answer.status, 202, "{answer:?}");
    };
    let place = |key: &str| shop.anna.place(key, &order("TEA-ASSAM-100", 1)).order_id();
    let end = |id: &str| shop.books().order(id).end();

    // The window is open; and, before the saga has heard of the order, too.
    let open = place("open");
    shop.running.wait_until_idle().await;
    cancel(&open);
    shop.running.wait_until_idle().await;
    assert_eq!(end(&open).as_deref(), Some("OrderCancelled customer"));
    assert_eq!(shop.status(&open), "cancelled");
    shop.running.switch("fulfilment", false).await;
    let unheard = place("unheard");
    cancel(&unheard);
    shop.running.wait_until_idle().await;
    shop.running.switch("fulfilment", true).await;
    shop.running.wait_until_idle().await;
    assert_eq!(end(&unheard).as_deref(), Some("OrderCancelled customer"));
    for id in [&open, &unheard] {
        assert_eq!(shop.books().order(id).count("PaymentRequested"), 0, "it was never closed");
    }

    // A step is asked for and has not answered: it does before its undo.
    for (step, ends) in [
        ("payment", "OrderCancelled customer"),
        ("inventory", "OrderCancelled customer"),
        ("shipping", "OrderFulfilled"),
    ] {
        shop.running.switch(step, false).await;
        let id = place(step);
        shop.running.wait_until_idle().await;
        shop.windows_close().await;
        cancel(&id);
        shop.running.wait_until_idle().await;
        assert_eq!(shop.status(&id), "cancelling", "{step}");
        assert_eq!(shop.anna.depth(step), 2, "{step}: the command and its undo");
        shop.running.switch(step, true).await;
        shop.running.wait_until_idle().await;
        assert_eq!(end(&id).as_deref(), Some(ends), "{step}");
        let refused = shop.books().order(&id).count("CancellationRefused");
        assert_eq!(refused, usize::from(step == "shipping"), "{step}");
    }

    // It has left.
    let left = place("left");
    shop.running.wait_until_idle().await;
    shop.windows_close().await;
    assert_eq!(shop.status(&left), "fulfilled");
    cancel(&left);
    shop.running.wait_until_idle().await;
    let shown = shop.anna.get(&format!("/orders/{left}")).body;
    assert_eq!(
        (&shown["status"], &shown["cancellationRefused"]),
        (&json!("fulfilled"), &json!(true))
    );
    let again = shop.anna.delete(&format!("/orders/{left}"), "again");
    assert_eq!(again.status, 202, "the same may be said again: {again:?}");

    let (_, books) = shop.ended_well().await;
    assert_eq!(books.order(&left).events("fulfilment").last(), Some(&"CancellationRefused"));
    assert_eq!(books.left("TEA-ASSAM-100"), 98, "two have left");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_item_added_in_the_race_with_payment_is_charged_or_refused() {
    let shop = Shop::selling().await;
    let (mut charged, mut refused) = (0, 0);
    let item = json!({ "sku": "CUP-BLUE", "quantity": 1 }).to_string();
    for n in 0..12 {
        // As the window closes: the saga hears of the order while the item is on its way.
        shop.running.switch("fulfilment", false).await;
        let id = shop.anna.place(&format!("key-{n}"), &order("TEA-ASSAM-100", 1)).order_id();
        shop.running.wait_until_idle().await;
        let adding = std::thread::spawn({
            let (anna, item) = (shop.anna.clone(), item.clone());
            let path = format!("/orders/{id}/items");
            move || {
                std::thread::sleep(std::time::Duration::from_millis(n * 2));
                anna.post(&path, Some(&format!("item-{n}")), &item)
            }
        });
        shop.running.switch("fulfilment", true).await;
        let answer = adding.join().expect("an answer");
        shop.running.wait_until_idle().await;
        let books = shop.books();
        let requested = &books.order(&id).first("PaymentRequested").data;
        let (version, total) = match answer.status {
            202 => (2, 790 + 1490),
            _ => (1, 790),
        };
        if answer.status == 202 {
            charged += 1;
        } else {
            let code = &answer.body["code"];
            assert_eq!((answer.status, code), (409, &json!("PaymentRequested")), "{answer:?}");
            refused += 1;
        }
        assert_eq!(
            (&requested["orderVersion"], &requested["total"]),
            (&version.into(), &total.into())
        );
        assert_eq!(books.order(&id).account().taken, total);
    }
    eprintln!("{charged} charged, {refused} refused");
    let (ledger, _) = shop.ended_well().await;
    assert_eq!(ledger.queue("payment").handled, 12, "{ledger}");
}

/// Has messages that were received come again after so many seconds.
fn hide(shop: &Shop, messages: &[&Value], seconds: u64) {
    for message in messages {
        let input = json!({
            "QueueUrl": shop.anna.queue("payment"), "ReceiptHandle": message["ReceiptHandle"],
            "VisibilityTimeout": seconds,
        });
        shop.anna.call("AmazonSQS.ChangeMessageVisibility", &input);
    }
}
