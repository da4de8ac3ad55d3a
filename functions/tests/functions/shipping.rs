//! shipping: an order leaves, or is stopped; whoever comes first has decided.

use crate::{
    shop::{NOW, at_once},
    steps::{End, Message, Steps, cancel_shipment, order_id, ship},
};
use domain::shipping::Shipment;
use pointsman_kit::{event::Timestamp, table::Fault};

async fn given(state: &str) -> Steps {
    let steps = Steps::new();
    let end = match state {
        "shipped" => steps.hand(&ship(1)).await,
        "cancelled" => steps.hand(&cancel_shipment(2)).await,
        _ => End::Done,
    };
    assert_eq!(end, End::Done);
    steps
}

async fn leads_to((state, command): (&str, &Message), events: &[&str], row: &str) {
    let steps = given(state).await;
    for _ in 0..2 {
        assert_eq!(steps.hand(command).await, End::Done, "{state}: {command:?}");
        assert_eq!(steps.events("shipment").await, events, "{state}: {command:?}");
        assert_eq!(steps.state("shipment").as_deref(), Some(row), "{state}: {command:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn the_first_command_decides_and_later_ones_change_nothing() {
    let (ship, cancel) = (&ship(11), &cancel_shipment(12));
    leads_to(("absent", ship), &["OrderShipped"], "shipped").await;
    leads_to(("shipped", ship), &["OrderShipped"], "shipped").await;
    leads_to(("cancelled", ship), &["ShipmentCancelled"], "cancelled").await;
    leads_to(("absent", cancel), &["ShipmentCancelled"], "cancelled").await;
    leads_to(("shipped", cancel), &["OrderShipped"], "shipped").await;
    leads_to(("cancelled", cancel), &["ShipmentCancelled"], "cancelled").await;
}

#[tokio::test(start_paused = true)]
async fn at_the_same_moment_one_of_them_comes_first() {
    let pairs = [(ship(1), cancel_shipment(2)), (cancel_shipment(2), ship(1)), (ship(1), ship(1))];
    for (second, first) in pairs {
        let steps = Steps::new();
        let (beside, message) = (steps.beside(), first.clone());
        steps.tables.race(move |_| assert_eq!(at_once(beside.hand(&message)), End::Done));
        assert_eq!(steps.hand(&second).await, End::Done);
        assert_eq!(steps.events("shipment").await.len(), 1, "{first:?}");
        let shipped = steps.state("shipment").as_deref() == Some("shipped");
        assert_eq!(steps.events("shipment").await[0] == "OrderShipped", shipped);
    }
}

#[tokio::test(start_paused = true)]
async fn what_left_is_fetched_from_its_stream_by_those_who_are_told() {
    let steps = given("shipped").await;
    let stream = format!("shipment#{}", order_id()).parse().unwrap();
    let loaded = steps.store.load::<Shipment>(&stream, Shipment::SHAPE).await.unwrap();
    let shipment = loaded.state.unwrap();
    assert!(loaded.history.is_empty(), "it is the state behind OrderShipped");
    let event = steps.last("shipment").await;
    assert_eq!(event["shipmentId"], shipment.shipment_id.to_string());
    assert_eq!(event.as_object().unwrap().len(), 2, "the event is an identifier: {event}");
    assert_eq!(shipment.shipping_address.city.as_str(), "Berlin");
    assert_eq!((shipment.items.len(), shipment.shipped_at), (1, Timestamp::from_ms(NOW)));

    let steps = given("cancelled").await;
    assert_eq!(steps.store.load::<Shipment>(&stream, Shipment::SHAPE).await.unwrap().state, None);
}

#[tokio::test(start_paused = true)]
async fn a_death_at_the_write_ships_once() {
    for fault in [Fault::CrashBefore, Fault::CrashAfter, Fault::LostAnswer, Fault::Unsent] {
        for message in [ship(1), cancel_shipment(2)] {
            let steps = Steps::new();
            steps.tables.fail_next(fault);
            steps.deal_with(&message).await;
            assert_eq!(steps.events("shipment").await.len(), 1, "{fault:?}");
        }
    }
}
