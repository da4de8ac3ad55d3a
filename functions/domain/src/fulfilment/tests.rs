mod table;

use super::*;
use contract::{
    event::Ulid,
    fulfilment::ProcessPayment,
    inventory::{InventoryAllocated, InventoryReleased, InventoryUnavailable, UnavailableReason},
    order::{CancellationRequested, ItemAdded, Line, OrderPlaced},
    payment::{DeclineReason, PaymentDeclined, PaymentProcessed, PaymentRefunded},
    shipping::ShipmentCancelled,
    values::{Address, Amount, Currency, Quantity, ShipmentId},
};

const NOW: i64 = 1_767_225_600_000;
const WINDOW: Duration = Duration::from_secs(2);
const DEADLINE: Duration = Duration::from_secs(3600);

fn order_id() -> OrderId {
    OrderId(Ulid::new(1, [7; 10]))
}

fn ann() -> CustomerId {
    "ann".parse().unwrap()
}

fn euro() -> Currency {
    "EUR".parse().unwrap()
}

fn amount(minor: u64) -> Amount {
    minor.try_into().unwrap()
}

fn line(sku: &str, quantity: u32, unit_price: u64) -> Line {
    let quantity = Quantity::try_from(quantity).unwrap();
    Line { sku: sku.parse().unwrap(), quantity, unit_price: amount(unit_price) }
}

fn address() -> Address {
    let json = serde_json::json!({
        "recipient": "Ann", "street": "Lindenallee 1", "postalCode": "10115",
        "city": "Berlin", "country": "DE"
    });
    serde_json::from_value(json).unwrap()
}

/// Two of TEA, sold at two prices, and a CUP.
fn order() -> Order {
    Order {
        order_id: order_id(),
        customer_id: ann(),
        currency: euro(),
        lines: vec![line("TEA", 1, 450), line("CUP", 1, 1200), line("TEA", 1, 500)],
        total: amount(2150),
        shipping_address: address(),
        cancellation_requested: false,
    }
}

fn placed() -> Heard {
    let Order { order_id, customer_id, currency, lines, total, shipping_address, .. } = order();
    let placed = OrderPlaced { order_id, customer_id, currency, lines, total, shipping_address };
    Heard::Order(placed.into())
}

fn added() -> Heard {
    let (order_id, currency, line) = (order_id(), euro(), line("TEA", 1, 450));
    Heard::Order(ItemAdded { order_id, currency, line, total: amount(2600) }.into())
}

fn wish() -> Heard {
    let (order_id, customer_id) = (order_id(), ann());
    Heard::Order(CancellationRequested { order_id, customer_id }.into())
}

fn processed() -> Heard {
    let (amount, transaction_id) = (amount(2150), "t-1".parse().unwrap());
    let (order_id, customer_id, currency) = (order_id(), ann(), euro());
    let paid = PaymentProcessed { order_id, customer_id, amount, currency, transaction_id };
    Heard::Payment(paid.into())
}

fn declined() -> Heard {
    let (order_id, customer_id, reason) = (order_id(), ann(), DeclineReason::Refused);
    Heard::Payment(PaymentDeclined { order_id, customer_id, reason }.into())
}

fn refunded() -> Heard {
    let (amount, transaction_id) = (amount(2150), "t-1".parse().unwrap());
    let (order_id, customer_id, currency) = (order_id(), ann(), euro());
    let refund = PaymentRefunded { order_id, customer_id, amount, currency, transaction_id };
    Heard::Payment(refund.into())
}

fn set_aside() -> Heard {
    Heard::Inventory(InventoryAllocated { order_id: order_id(), items: vec![] }.into())
}

fn unavailable() -> Heard {
    let (order_id, reason) = (order_id(), UnavailableReason::OutOfStock);
    Heard::Inventory(InventoryUnavailable { order_id, reason, missing: vec![] }.into())
}

fn released() -> Heard {
    Heard::Inventory(InventoryReleased { order_id: order_id(), items: vec![] }.into())
}

fn shipment_id() -> ShipmentId {
    ShipmentId(Ulid::new(2, [8; 10]))
}

fn shipped() -> Heard {
    let (order_id, shipment_id) = (order_id(), shipment_id());
    Heard::Shipment(OrderShipped { order_id, shipment_id }.into())
}

fn stopped() -> Heard {
    Heard::Shipment(ShipmentCancelled { order_id: order_id() }.into())
}

/// The check of a step's deadline that is due at `due`, seen from [`NOW`] in milliseconds.
fn check(step: Step, due: i64) -> Heard {
    let due = Timestamp::from_ms(NOW + due);
    Heard::Own(CheckDeadline { order_id: order_id(), step, due }.into())
}

fn settings() -> Settings {
    Settings { amendment_window: WINDOW, step_deadline: DEADLINE }
}

fn context() -> Context<'static> {
    Context { now: Timestamp::from_ms(NOW), settings: settings(), previous: 0, order: None }
}

fn requests_payment(events: &[FulfilmentEvent]) -> bool {
    events.iter().any(|event| matches!(event, FulfilmentEvent::PaymentRequested(_)))
}

/// The answer, with the order read as `order` if it is asked for.
fn answer(
    saga: &Saga,
    heard: &Heard,
    order: &Order,
    previous: u64,
) -> (Vec<FulfilmentEvent>, Vec<Due<FulfilmentCommand>>) {
    let context = Context { previous, ..context() };
    let read = OrderRead { order: order.clone(), version: 3 };
    match decide(saga, heard, context) {
        Answer::Follows(events, commands) => (events, commands),
        Answer::Closes(..) => panic!("it closes an order that it has not read"),
        Answer::NeedsOrder => {
            match decide(saga, heard, Context { order: Some(&read), ..context }) {
                Answer::Follows(events, commands) => {
                    assert!(!requests_payment(&events), "{events:?} leaves the order open");
                    (events, commands)
                }
                Answer::Closes(events, commands) => {
                    assert!(requests_payment(&events), "{events:?} closes the order");
                    (events, commands)
                }
                Answer::NeedsOrder => panic!("it asks for the order again and again"),
            }
        }
    }
}

/// The saga behind one more answer.
fn step(saga: Saga, heard: &Heard, order: &Order, previous: u64) -> Saga {
    let (events, commands) = answer(&saga, heard, order, previous);
    let rows = events.into_iter().map(Own::Event);
    let rows = rows.chain(commands.into_iter().map(|due| Own::Command(due.command)));
    rows.fold(saga, |saga, row| apply(saga, &row))
}

/// The saga that has heard `heard`, one after the other.
fn given(heard: &[Heard]) -> Saga {
    heard.iter().fold(Saga::default(), |saga, heard| step(saga, heard, &order(), 0))
}

fn open() -> Vec<Heard> {
    vec![placed()]
}

fn paying() -> Vec<Heard> {
    [open(), vec![check(Step::Amendment, 0)]].concat()
}

fn allocating() -> Vec<Heard> {
    [paying(), vec![processed()]].concat()
}

fn shipping() -> Vec<Heard> {
    [allocating(), vec![set_aside()]].concat()
}

/// The names of what follows, with the reason of an undo or an end.
fn follows(saga: &Saga, heard: &Heard, order: &Order, previous: u64) -> Vec<String> {
    use contract::event::{CommandSet, EventSet};
    let (events, commands) = answer(saga, heard, order, previous);
    let reason = |data: serde_json::Value| match &data["reason"] {
        serde_json::Value::String(reason) => format!("({reason})"),
        _ => String::new(),
    };
    let events = events
        .iter()
        .map(|event| format!("{}{}", event.declaration().name, reason(event.to_data().unwrap())));
    let commands = commands.iter().map(|Due { command, at, .. }| {
        let name = command.declaration().name;
        match (command, at) {
            (FulfilmentCommand::CheckDeadline(check), Some(at)) => {
                assert_eq!(check.due, *at, "it comes when it is due");
                let step = serde_json::to_value(check.step).unwrap();
                format!("{name}({})", step.as_str().unwrap())
            }
            _ => format!("{name}{}", reason(command.to_data().unwrap())),
        }
    });
    events.chain(commands).collect()
}

#[track_caller]
fn then(heard: &[Heard], what: &Heard, expected: &[&str]) {
    assert_eq!(follows(&given(heard), what, &order(), 0), expected, "{:?}", given(heard).stage);
}

#[test]
fn an_order_that_nothing_happens_to_is_paid_set_aside_shipped_and_fulfilled() {
    then(&[], &placed(), &["CheckDeadline(amendment)"]);
    let close = ["PaymentRequested", "ProcessPayment", "CheckDeadline(payment)"];
    then(&open(), &check(Step::Amendment, 0), &close);
    then(&paying(), &processed(), &["AllocateInventory", "CheckDeadline(inventory)"]);
    then(&allocating(), &set_aside(), &["ShipOrder", "CheckDeadline(shipping)"]);
    then(&shipping(), &shipped(), &["OrderFulfilled"]);
}

#[test]
fn payment_is_requested_for_the_order_as_it_was_read_and_not_as_it_was_heard_of() {
    let mut grown = order();
    grown.lines.push(line("POT", 2, 100));
    grown.total = amount(2350);
    let (events, commands) = answer(&given(&open()), &check(Step::Amendment, 0), &grown, 0);
    let [FulfilmentEvent::PaymentRequested(requested)] = &events[..] else { panic!("{events:?}") };
    assert_eq!((requested.order_version, requested.total), (3, amount(2350)));
    assert_eq!((&requested.lines, &requested.customer_id), (&grown.lines, &ann()));
    let process = ProcessPayment {
        order_id: order_id(),
        customer_id: ann(),
        amount: amount(2350),
        currency: euro(),
    };
    assert_eq!(commands[0], Due::now(process));
}

#[test]
fn what_was_sold_at_two_prices_is_one_pick() {
    let (_, commands) = answer(&given(&paying()), &processed(), &order(), 0);
    let FulfilmentCommand::AllocateInventory(allocate) = &commands[0].command else {
        panic!("{commands:?}")
    };
    let picks = allocate.items.iter().map(|pick| (pick.sku.as_str(), pick.quantity.get()));
    assert_eq!(picks.collect::<Vec<_>>(), [("CUP", 1), ("TEA", 2)]);
    let (_, commands) = answer(&given(&allocating()), &set_aside(), &order(), 0);
    let FulfilmentCommand::ShipOrder(ship) = &commands[0].command else { panic!("{commands:?}") };
    assert_eq!((&ship.items, &ship.shipping_address), (&allocate.items, &address()));
}

#[test]
fn without_a_window_the_order_is_closed_when_it_is_placed() {
    let read = OrderRead { order: order(), version: 1 };
    let settings = Settings { amendment_window: Duration::ZERO, ..settings() };
    let context = Context { settings, ..context() };
    assert_eq!(decide(&Saga::default(), &placed(), context), Answer::NeedsOrder);
    let context = Context { order: Some(&read), ..context };
    let Answer::Closes(events, commands) = decide(&Saga::default(), &placed(), context) else {
        panic!("the order was read")
    };
    assert!(matches!(&events[..], [FulfilmentEvent::PaymentRequested(_)]), "{events:?}");
    let asked = commands.iter().map(|due| &due.command).collect::<Vec<_>>();
    assert!(
        matches!(
            asked[..],
            [FulfilmentCommand::ProcessPayment(_), FulfilmentCommand::CheckDeadline(_)]
        ),
        "no delayed command but the payment's deadline: {asked:?}"
    );
}

#[test]
fn a_deadline_that_comes_early_is_put_off_and_counts_no_hop() {
    let early = check(Step::Payment, 1);
    let (events, commands) = answer(&given(&paying()), &early, &order(), 0);
    assert!(events.is_empty());
    let [Due { command, at, again: true }] = &commands[..] else { panic!("{commands:?}") };
    assert_eq!((Heard::Own(command.clone()), at), (early, &Some(Timestamp::from_ms(NOW + 1))));
    // Put off, nothing else changes.
    assert_eq!(step(given(&paying()), &check(Step::Payment, 1), &order(), 0), given(&paying()));
    then(&paying(), &check(Step::Payment, 0), &["RefundPayment(paymentLate)"]);
}

#[test]
fn a_window_and_a_deadline_begin_when_the_step_begins() {
    for (heard, what, after) in [
        (vec![], placed(), WINDOW),
        (open(), check(Step::Amendment, 0), DEADLINE),
        (paying(), processed(), DEADLINE),
        (allocating(), set_aside(), DEADLINE),
    ] {
        let (_, commands) = answer(&given(&heard), &what, &order(), 0);
        let after = i64::try_from(after.as_millis()).unwrap();
        let due = commands.last().unwrap().at;
        assert_eq!(due, Some(Timestamp::from_ms(NOW + after)), "{what:?}");
    }
}

#[test]
fn a_step_too_late_is_undone_with_all_before_it_the_last_first() {
    let late = [shipping(), vec![check(Step::Shipping, 0)]].concat();
    then(&shipping(), &check(Step::Shipping, 0), &["CancelShipment(shippingLate)"]);
    then(&late, &stopped(), &["ReleaseInventory(shippingLate)"]);
    let late = [late, vec![stopped()]].concat();
    then(&late, &released(), &["RefundPayment(shippingLate)"]);
    let late = [late, vec![released()]].concat();
    then(&late, &refunded(), &["OrderCancelled(shippingLate)"]);
}

#[test]
fn a_parcel_that_left_while_it_was_being_stopped_is_the_good_end() {
    let late = [shipping(), vec![check(Step::Shipping, 0)]].concat();
    then(&late, &shipped(), &["OrderFulfilled"]);
    let cancelled = [shipping(), vec![wish()]].concat();
    then(&cancelled, &shipped(), &["OrderFulfilled", "CancellationRefused"]);
    // The wish came while the late parcel was being stopped: the order's stream knows of it.
    let mut wished = order();
    wished.cancellation_requested = true;
    let follows = follows(&given(&late), &shipped(), &wished, 0);
    assert_eq!(follows, ["OrderFulfilled", "CancellationRefused"]);
    // Heard of later, it is not refused twice.
    let ended = step(given(&late), &shipped(), &wished, 0);
    assert_eq!(answer(&ended, &wish(), &wished, 0), (vec![], vec![]));
}

#[test]
fn a_wish_that_the_saga_has_not_heard_of_counts_when_the_order_is_closed() {
    let mut wished = order();
    wished.cancellation_requested = true;
    let follows = follows(&given(&open()), &check(Step::Amendment, 0), &wished, 0);
    assert_eq!(follows, ["OrderCancelled(customer)"]);
}

#[test]
fn a_success_behind_the_answer_to_its_undo_is_undone_as_well() {
    let undoing = [paying(), vec![wish()]].concat();
    let cancelled = [undoing.clone(), vec![declined()]].concat();
    for heard in [&undoing, &cancelled] {
        // The first event of its stream: the payment that the undo has met, or will meet.
        assert!(follows(&given(heard), &processed(), &order(), 0).is_empty());
        let late = follows(&given(heard), &processed(), &order(), 1);
        assert_eq!(late, ["RefundPayment(customer)"], "{:?}", given(heard).stage);
    }
    // The end stays the end.
    let ended = step(given(&cancelled), &processed(), &order(), 1);
    assert_eq!(ended.stage, Stage::Cancelled(CancelReason::Customer));
}

#[test]
fn undos_of_what_was_never_done_lead_to_the_same_end() {
    let undoing = [allocating(), vec![wish()]].concat();
    then(&allocating(), &wish(), &["ReleaseInventory(customer)"]);
    then(&undoing, &unavailable(), &["RefundPayment(customer)"]);
    then(&[paying(), vec![wish()]].concat(), &declined(), &["OrderCancelled(customer)"]);
    // What is being undone answers late that it was done: its undo answers, too.
    then(&undoing, &set_aside(), &[]);
}
