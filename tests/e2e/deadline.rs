//! Of scenario 14: a deadline of an hour passes at once.

use crate::shop::Shop;
use pointsman_kit::event::Timestamp;

const HOUR: u64 = 60 * 60;

#[tokio::test(flavor = "multi_thread")]
async fn an_hour_that_passes_is_over_for_the_real_binaries_and_a_minute_less_is_not() {
    let shop = Shop::selling().await;
    for (step, undo, end) in [
        ("payment", "RefundPayment", "OrderCancelled paymentLate"),
        ("inventory", "ReleaseInventory", "OrderCancelled inventoryLate"),
        ("shipping", "CancelShipment", "OrderFulfilled"),
    ] {
        shop.running.switch(step, false).await;
        let id = shop.places(step, "TEA-ASSAM-100", 1).remove(0);
        shop.running.wait_until_idle().await;
        shop.pass(HOUR - 60).await;
        let books = shop.books();
        assert_eq!(books.order(&id).count(undo), 0, "{step}: it is not too late yet");
        // A queue delays for a quarter of an hour at most: the check has come back again and again.
        assert!(
            books.order(&id).count("CheckDeadline") > 3,
            "{step}: {:?}",
            books.order(&id).commands()
        );
        shop.pass(62).await;
        let books = shop.books();
        let undone = books.order(&id).first(undo);
        assert_eq!(undone.data["reason"], format!("{step}Late"));
        let asked = books.order(&id).last("CheckDeadline");
        let due: Timestamp = asked.data["due"].as_str().expect("a time").parse().expect("RFC 3339");
        let late = undone.metadata.occurred_at.as_ms() - due.as_ms();
        assert!((0..=2_000).contains(&late), "{step}: {late} ms of engine time behind it");
        assert!(undone.metadata.hops < 16, "waiting counts no hop: {}", undone.metadata.hops);
        shop.running.switch(step, true).await;
        shop.settle().await;
        assert_eq!(shop.books().order(&id).end().as_deref(), Some(end), "{step}");
    }
    shop.ended_well().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_machine_that_slept_for_a_day_goes_on_where_it_was() {
    let shop = Shop::selling().await;
    shop.running.switch("inventory", false).await;
    let id = shop.places("anna", "TEA-ASSAM-100", 1).remove(0);
    shop.running.wait_until_idle().await;
    shop.running.switch("inventory", true).await;
    shop.running.jump(std::time::Duration::from_secs(24 * HOUR)).await;
    let (_, books) = shop.ended_well().await;
    // Whether the goods or the deadline came first: both is right, and nothing is half done.
    let end = books.order(&id).end().expect("an end");
    assert!(["OrderFulfilled", "OrderCancelled inventoryLate"].contains(&end.as_str()), "{end}");
}
