use super::*;
use contract::{event::Ulid, fulfilment::CancelReason};

fn order_id() -> OrderId {
    OrderId(Ulid::new(1, [7; 10]))
}

fn shipment_id() -> ShipmentId {
    ShipmentId(Ulid::new(2, [8; 10]))
}

fn now() -> Timestamp {
    Timestamp::from_ms(1_767_225_600_000)
}

fn ship() -> ShippingCommand {
    let json = serde_json::json!({
        "orderId": order_id(), "customerId": "ann",
        "items": [{ "sku": "TEA", "quantity": 3 }],
        "shippingAddress": {
            "recipient": "Ann", "street": "Lindenallee 1", "postalCode": "10115",
            "city": "Berlin", "country": "DE"
        }
    });
    serde_json::from_value::<ShipOrder>(json).unwrap().into()
}

fn cancel() -> ShippingCommand {
    CancelShipment { order_id: order_id(), reason: CancelReason::Customer }.into()
}

fn ask(command: &ShippingCommand, found: Option<&State>) -> Option<(State, ShipmentEvent)> {
    decide(command, found, shipment_id(), now())
}

#[test]
fn the_first_command_decides_and_the_others_change_nothing() {
    for (first, second) in [(ship(), cancel()), (cancel(), ship())] {
        let (state, _) = ask(&first, None).unwrap();
        assert_eq!(ask(&first, Some(&state)), None);
        assert_eq!(ask(&second, Some(&state)), None);
    }
}

#[test]
fn what_left_is_known_in_full_and_its_event_only_names_it() {
    let (state, event) = ask(&ship(), None).unwrap();
    let (order_id, shipment_id) = (order_id(), shipment_id());
    assert_eq!(event, OrderShipped { order_id, shipment_id }.into());
    let State::Shipped(shipment) = &state else { panic!("{state:?}") };
    assert_eq!((shipment.shipment_id, shipment.order_id), (shipment_id, order_id));
    assert_eq!((shipment.customer_id.as_str(), shipment.shipped_at), ("ann", now()));
    assert_eq!((shipment.items[0].quantity.get(), shipment.items.len()), (3, 1));
    assert_eq!(shipment.shipping_address.city.as_str(), "Berlin");

    let json = serde_json::to_value(&state).unwrap();
    assert_eq!((&json["state"], &json["items"][0]["sku"]), (&"shipped".into(), &"TEA".into()));
    assert_eq!(serde_json::from_value::<State>(json).unwrap(), state);
}

#[test]
fn what_was_stopped_says_so() {
    let stopped = (State::Cancelled, ShipmentCancelled { order_id: order_id() }.into());
    assert_eq!(ask(&cancel(), None), Some(stopped));
}
