use super::*;
use proptest::prelude::*;
use std::sync::LazyLock;

const ANN: &str = "ann";

fn sku(text: &str) -> Sku {
    text.parse().unwrap()
}

/// `TEA` 450, `CUP` 1200 and `S0`…`S99` 10 each in EUR; `USA` in USD; `GOLD` at the highest price.
static PRICES: LazyLock<Prices> = LazyLock::new(prices);

fn prices() -> Prices {
    let mut json = serde_json::json!({
        "TEA": { "amount": 450, "currency": "EUR" },
        "CUP": { "amount": 1200, "currency": "EUR" },
        "USA": { "amount": 1, "currency": "USD" },
        "GOLD": { "amount": crate::prices::MAX_PRICE, "currency": "EUR" }
    });
    for number in 0..100 {
        json[format!("S{number}")] = serde_json::json!({ "amount": 10, "currency": "EUR" });
    }
    Prices::parse(&json.to_string()).unwrap()
}

fn address(city: &str) -> Address {
    let json = serde_json::json!({
        "recipient": "Ann", "street": "Lindenallee 1", "postalCode": "10115",
        "city": city, "country": "DE"
    });
    serde_json::from_value(json).unwrap()
}

fn place_order(items: &[(&str, u32)]) -> Command {
    let items = items.iter().map(|&(text, quantity)| Item { sku: sku(text), quantity }).collect();
    Command::Place(PlaceOrder { items, shipping_address: address("Berlin") })
}

fn add_item(text: &str, quantity: u32) -> Command {
    Command::Add(AddItem { sku: sku(text), quantity })
}

fn send_to(city: &str) -> Command {
    Command::UpdateAddress(UpdateShippingAddress { shipping_address: address(city) })
}

fn ask(state: Option<&Order>, command: &Command, who: &str) -> Result<Vec<OrderEvent>, Refusal> {
    let caller = who.parse().unwrap();
    let order_id = OrderId(contract::event::Ulid::new(1, [7; 10]));
    decide(state, command, Context { order_id, caller: &caller, prices: &PRICES })
}

/// The state behind `commands` of Ann, all of which the shop accepts.
#[track_caller]
fn given(commands: &[Command]) -> Option<Order> {
    commands.iter().fold(None, |state, command| {
        let events = ask(state.as_ref(), command, ANN).expect("given is accepted");
        events.iter().fold(state, apply)
    })
}

#[track_caller]
fn refused(state: Option<&Order>, command: Command, code: &str) {
    let refusal = ask(state, &command, ANN).expect_err("must be refused");
    assert_eq!(refusal.code(), code, "{refusal}");
}

/// Sku, quantity and price of each line, and the total.
fn content(order: &Order) -> (Vec<(&str, u32, u64)>, u64) {
    let lines = order.lines.iter();
    let lines = lines.map(|l| (l.sku.as_str(), l.quantity.get(), l.unit_price.get())).collect();
    (lines, order.total.get())
}

#[test]
fn an_order_is_placed_with_lines_merged_and_prices_charged() {
    let order = given(&[place_order(&[("TEA", 2), ("CUP", 1), ("TEA", 3)])]).unwrap();
    assert_eq!(content(&order), (vec![("CUP", 1, 1200), ("TEA", 5, 450)], 3450));
    assert_eq!((order.currency.as_str(), order.customer_id.as_str()), ("EUR", ANN));
}

#[test]
fn an_order_against_the_rules_is_refused_by_name() {
    refused(None, place_order(&[]), "NoLines");
    refused(None, place_order(&[("TEA", 0)]), "QuantityOutOfRange");
    refused(None, place_order(&[("TEA", 0), ("TEA", 5)]), "QuantityOutOfRange");
    refused(None, place_order(&[("TEA", 500), ("TEA", 500)]), "QuantityOutOfRange");
    refused(None, place_order(&[("TEA", u32::MAX), ("TEA", u32::MAX)]), "QuantityOutOfRange");
    refused(None, place_order(&[("MILK", 1)]), "UnknownSku");
    refused(None, place_order(&[("TEA", 1), ("USA", 1)]), "MixedCurrencies");
    let names: Vec<String> = (0..51).map(|number| format!("S{number}")).collect();
    let items: Vec<_> = names.iter().map(|name| (name.as_str(), 1)).collect();
    refused(None, place_order(&items), "TooManyLines");
    assert_eq!(given(&[place_order(&items[..50])]).unwrap().lines.len(), 50);
}

#[test]
fn an_added_item_joins_its_line_at_the_price_first_charged() {
    let mut order = given(&[place_order(&[("TEA", 2)])]).unwrap();
    // As if the price had been 400 when it was placed.
    order.lines[0].unit_price = 400.try_into().unwrap();
    order.total = 800.try_into().unwrap();
    let events = ask(Some(&order), &add_item("TEA", 3), ANN).unwrap();
    let order = events.iter().fold(Some(order), apply).unwrap();
    assert_eq!(content(&order), (vec![("TEA", 5, 400)], 2000));
    let events = ask(Some(&order), &add_item("CUP", 1), ANN).unwrap();
    let order = events.iter().fold(Some(order), apply).unwrap();
    assert_eq!(content(&order), (vec![("TEA", 5, 400), ("CUP", 1, 1200)], 3200));
}

#[test]
fn an_item_against_the_rules_is_refused_by_name() {
    let order = given(&[place_order(&[("TEA", 990)])]);
    refused(order.as_ref(), add_item("TEA", 0), "QuantityOutOfRange");
    refused(order.as_ref(), add_item("TEA", 10), "QuantityOutOfRange");
    refused(order.as_ref(), add_item("CUP", u32::MAX), "QuantityOutOfRange");
    let most = given(&[place_order(&[("TEA", 999)])]);
    refused(most.as_ref(), add_item("TEA", 1), "QuantityOutOfRange");
    refused(order.as_ref(), add_item("USA", 1), "MixedCurrencies");
    refused(order.as_ref(), add_item("MILK", 1), "UnknownSku");
    let names: Vec<String> = (0..50).map(|number| format!("S{number}")).collect();
    let items: Vec<_> = names.iter().map(|name| (name.as_str(), 1)).collect();
    let full = given(&[place_order(&items)]);
    let refusal = ask(full.as_ref(), &add_item("TEA", 1), ANN).unwrap_err();
    assert!(matches!(refusal, Refusal::TooManyLines(51)), "{refusal}");
    assert_eq!(ask(full.as_ref(), &add_item("S7", 1), ANN).unwrap().len(), 1);
}

#[test]
fn an_address_is_changed_once() {
    let commands = [place_order(&[("TEA", 1)]), send_to("Hamburg")];
    let order = given(&commands);
    assert_eq!(order.as_ref().unwrap().shipping_address, address("Hamburg"));
    assert_eq!(ask(order.as_ref(), &send_to("Hamburg"), ANN), Ok(Vec::new()));
}

#[test]
fn only_what_changes_an_order_needs_it_to_be_open() {
    assert!(add_item("TEA", 1).needs_open() && send_to("Hamburg").needs_open());
    assert!(!place_order(&[("TEA", 1)]).needs_open() && !Command::Cancel.needs_open());
}

#[test]
fn anothers_order_is_as_if_it_were_not_there() {
    let order = given(&[place_order(&[("TEA", 1)])]);
    refused(order.as_ref(), place_order(&[("TEA", 1)]), "AlreadyPlaced");
    for command in [add_item("TEA", 1), send_to("Hamburg"), place_order(&[("TEA", 1)])] {
        assert_eq!(ask(order.as_ref(), &command, "eve"), Err(Refusal::OrderNotFound));
    }
    refused(None, add_item("TEA", 1), "OrderNotFound");
    refused(None, send_to("Hamburg"), "OrderNotFound");
}

#[test]
fn the_dearest_order_possible_still_has_an_exact_total() {
    let order = given(&[place_order(&[("GOLD", 999)])]).unwrap();
    let dearest = u128::from(order.total.get()) * MAX_LINES as u128;
    assert!(dearest <= u128::from(Amount::MAX), "{dearest}");
}

fn commands() -> impl Strategy<Value = Vec<Command>> {
    let name = prop_oneof![
        8 => (0..60u32).prop_map(|number| format!("S{number}")),
        1 => Just("GOLD".to_owned()),
        1 => Just("USA".to_owned()),
    ];
    let item = (name, prop_oneof![9 => 0..400u32, 1 => any::<u32>()]);
    let first = prop::collection::vec(item.clone(), 1..60).prop_map(|items| {
        let items: Vec<_> = items.iter().map(|(name, n)| (name.as_str(), *n)).collect();
        place_order(&items)
    });
    let later = prop_oneof![
        9 => item.prop_map(|(name, quantity)| add_item(&name, quantity)),
        1 => prop_oneof![Just("Hamburg"), Just("Berlin")].prop_map(send_to),
    ];
    (prop::collection::vec(first, 1..4), prop::collection::vec(later, 0..60))
        .prop_map(|(first, later)| first.into_iter().chain(later).collect())
}

proptest! {
    #[test]
    fn whatever_is_asked_an_accepted_order_keeps_the_rules(commands in commands()) {
        let (mut state, mut events) = (None, Vec::new());
        for command in &commands {
            match ask(state.as_ref(), command, ANN) {
                Ok(decided) => {
                    state = decided.iter().fold(state, apply);
                    events.extend(decided);
                }
                Err(refusal) => prop_assert!(!refusal.to_string().is_empty()),
            }
        }
        prop_assert_eq!(fold(&events), state.clone());
        if let Some(order) = state {
            prop_assert!((1..=MAX_LINES).contains(&order.lines.len()));
            prop_assert_eq!(total(&order.lines), Some(order.total));
            let skus: std::collections::BTreeSet<_> = order.lines.iter().map(|l| &l.sku).collect();
            prop_assert_eq!(skus.len(), order.lines.len(), "each sku once");
        }
    }

    #[test]
    fn the_order_of_items_in_a_request_does_not_matter(
        items in prop::collection::vec((0..20u32, 1..40u32), 1..30), seed: u64,
    ) {
        let names: Vec<_> = items.iter().map(|(n, q)| (format!("S{n}"), *q)).collect();
        let mut items: Vec<_> = names.iter().map(|(name, q)| (name.as_str(), *q)).collect();
        let first = ask(None, &place_order(&items), ANN);
        let len = items.len();
        items.rotate_left(seed as usize % len);
        prop_assert_eq!(ask(None, &place_order(&items), ANN), first);
    }
}
