//! An order: the stream `order#<orderId>`, from OrderPlaced until it is paid for, and the wish to cancel it.
//!
//! That an order is closed once PaymentRequested is appended is not decided here: the write itself
//! is conditional on the guard row's absence, and its failure is [`Refusal::PaymentRequested`].

#[cfg(test)]
mod tests;

use crate::{Prices, Refusal, prices::Price};
use contract::{
    order::{
        AddItem, CancellationRequested, Item, ItemAdded, Line, MAX_LINES, OrderEvent, OrderPlaced,
        PlaceOrder, ShippingAddressUpdated, UpdateShippingAddress,
    },
    values::{Address, Amount, Currency, CustomerId, OrderId, Quantity, Sku},
};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// What its own stream says of an order.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Order {
    /// Which.
    pub order_id: OrderId,
    /// Whose.
    pub customer_id: CustomerId,
    /// The currency of all amounts.
    pub currency: Currency,
    /// What is ordered, each sku once.
    pub lines: Vec<Line>,
    /// The sum of all lines.
    pub total: Amount,
    /// Where it is to be sent.
    pub shipping_address: Address,
    /// Whether the customer wants it cancelled.
    #[serde(default)]
    pub cancellation_requested: bool,
}

/// What may be asked of an order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Command {
    /// Open it.
    Place(PlaceOrder),
    /// Add to it.
    Add(AddItem),
    /// Send it elsewhere.
    UpdateAddress(UpdateShippingAddress),
    /// Cancel it, at whatever stage it is.
    Cancel,
}

/// What a decision needs beside state and command.
#[derive(Debug, Clone, Copy)]
pub struct Context<'a> {
    /// The order that is asked about; for a new one, the id minted for it.
    pub order_id: OrderId,
    /// Who asks: the token's `sub`.
    pub caller: &'a CustomerId,
    /// Today's prices.
    pub prices: &'a Prices,
}

/// The state behind one more event; `None` before OrderPlaced.
#[must_use]
pub fn apply(state: Option<Order>, event: &OrderEvent) -> Option<Order> {
    let Some(mut order) = state else {
        return match event {
            OrderEvent::OrderPlaced(placed) => Some(open(placed)),
            OrderEvent::ItemAdded(_)
            | OrderEvent::ShippingAddressUpdated(_)
            | OrderEvent::CancellationRequested(_) => None,
        };
    };
    match event {
        OrderEvent::OrderPlaced(_) => {}
        OrderEvent::ItemAdded(ItemAdded { line, total, .. }) => {
            merge(&mut order.lines, line);
            order.total = *total;
        }
        OrderEvent::ShippingAddressUpdated(updated) => {
            order.shipping_address = updated.shipping_address.clone();
        }
        OrderEvent::CancellationRequested(_) => order.cancellation_requested = true,
    }
    Some(order)
}

/// The state that `events` lead to.
pub fn fold<'a>(events: impl IntoIterator<Item = &'a OrderEvent>) -> Option<Order> {
    events.into_iter().fold(None, apply)
}

/// What follows from `command`. An empty list means that it is so already.
///
/// # Errors
/// If the shop's rules forbid it; then nothing has changed.
pub fn decide(
    state: Option<&Order>,
    command: &Command,
    context: Context<'_>,
) -> Result<Vec<OrderEvent>, Refusal> {
    match command {
        Command::Place(command) => match state {
            None => Ok(vec![place(command, context)?.into()]),
            Some(order) if order.customer_id == *context.caller => Err(Refusal::AlreadyPlaced),
            Some(_) => Err(Refusal::OrderNotFound),
        },
        Command::Add(command) => {
            Ok(vec![add(changeable(state, context.caller)?, command, context)?.into()])
        }
        Command::UpdateAddress(UpdateShippingAddress { shipping_address }) => {
            let order = changeable(state, context.caller)?;
            if *shipping_address == order.shipping_address {
                return Ok(Vec::new());
            }
            let (order_id, shipping_address) = (order.order_id, shipping_address.clone());
            Ok(vec![ShippingAddressUpdated { order_id, shipping_address }.into()])
        }
        Command::Cancel => {
            let order = owned(state, context.caller)?;
            if order.cancellation_requested {
                return Ok(Vec::new());
            }
            let (order_id, customer_id) = (order.order_id, order.customer_id.clone());
            Ok(vec![CancellationRequested { order_id, customer_id }.into()])
        }
    }
}

impl Command {
    /// Whether it changes what is paid for, and so needs the order to be open. A wish to cancel is
    /// taken at every stage; fulfilment says what comes of it.
    pub fn needs_open(&self) -> bool {
        match self {
            Self::Add(_) | Self::UpdateAddress(_) => true,
            Self::Place(_) | Self::Cancel => false,
        }
    }
}

/// The order, if it is the caller's.
///
/// # Errors
/// [`Refusal::OrderNotFound`] if there is none or it is another's.
pub fn owned<'a>(state: Option<&'a Order>, caller: &CustomerId) -> Result<&'a Order, Refusal> {
    state.filter(|order| order.customer_id == *caller).ok_or(Refusal::OrderNotFound)
}

/// The caller's order, if it is not to be cancelled.
fn changeable<'a>(state: Option<&'a Order>, caller: &CustomerId) -> Result<&'a Order, Refusal> {
    let order = owned(state, caller)?;
    if order.cancellation_requested { Err(Refusal::CancellationRequested) } else { Ok(order) }
}

fn place(command: &PlaceOrder, context: Context<'_>) -> Result<OrderPlaced, Refusal> {
    let wanted = merged(&command.items)?;
    let mut currency: Option<Currency> = None;
    let mut lines = Vec::with_capacity(wanted.len());
    for (sku, quantity) in wanted {
        let price = price(sku, context.prices)?;
        let quantity = in_range(sku, quantity)?;
        same_currency(currency.get_or_insert_with(|| price.currency.clone()), sku, price)?;
        lines.push(Line { sku: sku.clone(), quantity, unit_price: price.amount });
    }
    Ok(OrderPlaced {
        order_id: context.order_id,
        customer_id: context.caller.clone(),
        currency: currency.ok_or(Refusal::NoLines)?,
        total: total(&lines).ok_or(Refusal::TotalTooLarge)?,
        lines,
        shipping_address: command.shipping_address.clone(),
    })
}

fn add(order: &Order, command: &AddItem, context: Context<'_>) -> Result<ItemAdded, Refusal> {
    let AddItem { sku, quantity } = command;
    let price = price(sku, context.prices)?;
    let added = in_range(sku, u64::from(*quantity))?;
    same_currency(&order.currency, sku, price)?;
    let line = order.lines.iter().find(|line| line.sku == *sku);
    // What is in the order already keeps the price first charged, so that a sku has one price.
    let unit_price = line.map_or(price.amount, |line| line.unit_price);
    match line {
        Some(line) => {
            in_range(sku, u64::from(line.quantity.get()) + u64::from(added.get()))?;
        }
        None if order.lines.len() >= MAX_LINES => {
            return Err(Refusal::TooManyLines(order.lines.len() + 1));
        }
        None => {}
    }
    let total = unit_price.times(added).and_then(|more| order.total.plus(more));
    Ok(ItemAdded {
        order_id: order.order_id,
        currency: order.currency.clone(),
        line: Line { sku: sku.clone(), quantity: added, unit_price },
        total: total.ok_or(Refusal::TotalTooLarge)?,
    })
}

/// The quantities by sku. The sums are in 64 bits: no list that fits a request overflows them.
fn merged(items: &[Item]) -> Result<BTreeMap<&Sku, u64>, Refusal> {
    let mut quantities = BTreeMap::new();
    for Item { sku, quantity } in items {
        // Nothing of a sku is refused even where more of it is asked for elsewhere in the list.
        if *quantity == 0 {
            return Err(Refusal::QuantityOutOfRange { sku: sku.clone(), quantity: 0 });
        }
        *quantities.entry(sku).or_default() += u64::from(*quantity);
    }
    if quantities.len() > MAX_LINES {
        return Err(Refusal::TooManyLines(quantities.len()));
    }
    Ok(quantities)
}

fn price<'a>(sku: &Sku, prices: &'a Prices) -> Result<&'a Price, Refusal> {
    prices.of(sku).ok_or_else(|| Refusal::UnknownSku(sku.clone()))
}

fn in_range(sku: &Sku, quantity: u64) -> Result<Quantity, Refusal> {
    u32::try_from(quantity)
        .ok()
        .and_then(|small| Quantity::try_from(small).ok())
        .ok_or_else(|| Refusal::QuantityOutOfRange { sku: sku.clone(), quantity })
}

fn same_currency(order: &Currency, sku: &Sku, price: &Price) -> Result<(), Refusal> {
    if price.currency == *order {
        return Ok(());
    }
    let (order, other) = (order.clone(), price.currency.clone());
    Err(Refusal::MixedCurrencies { order, sku: sku.clone(), other })
}

fn open(placed: &OrderPlaced) -> Order {
    Order {
        order_id: placed.order_id,
        customer_id: placed.customer_id.clone(),
        currency: placed.currency.clone(),
        lines: placed.lines.clone(),
        total: placed.total,
        shipping_address: placed.shipping_address.clone(),
        cancellation_requested: false,
    }
}

/// Adds to the line of the same sku and price. What does not fit there gets a line of its own: a
/// fold loses nothing, whatever later or older code decided.
fn merge(lines: &mut Vec<Line>, added: &Line) {
    let same = |line: &&mut Line| line.sku == added.sku && line.unit_price == added.unit_price;
    if let Some(line) = lines.iter_mut().find(same)
        && let Some(quantity) = line.quantity.plus(added.quantity)
    {
        line.quantity = quantity;
    } else {
        lines.push(added.clone());
    }
}

/// The sum of all lines; `None` if it is more than an [`Amount`] can be.
pub fn total(lines: &[Line]) -> Option<Amount> {
    lines.iter().try_fold(Amount::ZERO, |sum, line| sum.plus(line.unit_price.times(line.quantity)?))
}
