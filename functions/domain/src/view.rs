//! An order as it is read: a fold over the events of all the streams an order has.
//!
//! Events come in any order over streams, more than once, and with gaps. A view keeps a position a
//! stream: the version of the last event folded in. Commands take versions, too, but never arrive
//! here, so an event names the version of the event before it (`previous`).
//!
//! Each stream is folded into a part of its own, and [`OrderView::status`] is computed from the
//! parts: so it does not matter how streams interleave.

mod parts;
#[cfg(test)]
mod tests;

pub use parts::{Course, Goods, GoodsState, Payment, PaymentState, Shipment};

use crate::order::{self, Order};
use contract::{
    event::{Envelope, Metadata, ReadError, Readable, StreamName, Timestamp, message_set},
    fulfilment::{self, FulfilmentEvent},
    inventory::{self, InventoryEvent},
    order::{self as orders, OrderEvent},
    payment::{self, PaymentEvent},
    shipping::{self, ShipmentEvent},
    values::OrderId,
};
use serde::{Deserialize, Serialize};
use std::{collections::BTreeMap, fmt};

/// The types of the streams that an order has.
pub const STREAMS: [&str; 5] =
    [orders::STREAM, fulfilment::STREAM, payment::STREAM, inventory::STREAM, shipping::STREAM];

message_set! {
    /// An event of one of an order's streams.
    #[derive(Debug, Clone, PartialEq, Eq)]
    pub enum Told {
        Order(OrderEvent),
        Fulfilment(FulfilmentEvent),
        Payment(PaymentEvent),
        Inventory(InventoryEvent),
        Shipment(ShipmentEvent),
    }
}

/// An order as it is read.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct OrderView {
    /// Which.
    pub order_id: OrderId,
    /// What its own stream says; `None` while events of other streams came first.
    pub order: Option<Order>,
    /// When it was placed; what a customer's list is sorted by.
    pub placed_at: Option<Timestamp>,
    /// How far the saga has led it.
    #[serde(default)]
    pub course: Course,
    /// Its payment, once that was answered.
    pub payment: Option<Payment>,
    /// Its goods, once the stock has answered.
    pub goods: Option<Goods>,
    /// Its shipment, once it left or never will.
    pub shipment: Option<Shipment>,
    /// By stream type, the version of the last event folded in.
    pub positions: BTreeMap<String, u64>,
}

/// Where an order is, in a customer's words.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum Status {
    /// It may still be changed.
    Placed,
    /// It is complete, and is being paid for.
    PaymentRequested,
    /// It is paid for.
    Paid,
    /// Its goods are set aside.
    Allocated,
    /// It has left.
    Shipped,
    /// Something failed, or its customer wants out: it is being undone, unless it leaves first.
    Cancelling,
    /// Its good end.
    Fulfilled,
    /// Its other end.
    Cancelled,
}

/// What an event does to a view.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Projection {
    /// The view behind it.
    Apply(Box<OrderView>),
    /// It is in the view already.
    Duplicate,
    /// Events before it are missing: they are to be read from the store.
    Gap {
        /// Of which stream.
        stream: StreamName,
        /// The version up to which the view has them.
        position: u64,
        /// The version up to which it must have them.
        needed: u64,
    },
}

/// An event that has no place in this view.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Unfit {
    /// Its stream is of another order.
    OtherOrder(StreamName),
    /// It can't be read.
    Unreadable(ReadError),
    /// Of its stream, events before it are not there.
    Gap {
        /// The stream.
        stream: StreamName,
        /// The version up to which they are.
        position: u64,
        /// The version up to which they should be.
        needed: u64,
    },
}

impl fmt::Display for Unfit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::OtherOrder(stream) => write!(f, "{stream} is not of this order"),
            Self::Unreadable(error) => error.fmt(f),
            Self::Gap { stream, position, needed } => {
                write!(f, "{stream} does not have what leads from {position} to {needed}")
            }
        }
    }
}

impl std::error::Error for Unfit {}

impl OrderView {
    /// The view before any event.
    pub fn new(order_id: OrderId) -> Self {
        Self {
            order_id,
            order: None,
            placed_at: None,
            course: Course::default(),
            payment: None,
            goods: None,
            shipment: None,
            positions: BTreeMap::new(),
        }
    }

    /// The version of the last event of a stream type that is in the view; 0 if none is.
    pub fn position(&self, stream_type: &str) -> u64 {
        self.positions.get(stream_type).copied().unwrap_or(0)
    }

    /// Where the order is, by all that its streams have told so far.
    pub fn status(&self) -> Status {
        let course = &self.course;
        let wanted_out = self.order.as_ref().is_some_and(|order| order.cancellation_requested);
        let paid = self.payment.as_ref().map(|payment| payment.state);
        let goods = self.goods.as_ref().map(|goods| goods.state);
        let left = self.shipment.as_ref().map(|shipment| shipment.shipment_id.is_some());
        let undone = wanted_out
            || left == Some(false)
            || goods.is_some_and(|state| state != GoodsState::Allocated)
            || paid.is_some_and(|state| state != PaymentState::Processed);
        if course.cancelled.is_some() {
            Status::Cancelled
        } else if course.fulfilled {
            Status::Fulfilled
        } else if left == Some(true) {
            Status::Shipped
        } else if undone {
            Status::Cancelling
        } else if goods.is_some() {
            Status::Allocated
        } else if paid.is_some() {
            Status::Paid
        } else if course.payment_requested {
            Status::PaymentRequested
        } else {
            Status::Placed
        }
    }
}

/// Folds one event, as it is stored, into a view.
///
/// An event of a type that this code does not know moves its stream's position and nothing else: an
/// old projection survives new events, and a later one is built anew beside it.
///
/// # Errors
/// If the event is of another order, or can't be read.
pub fn project(view: &OrderView, envelope: &Envelope) -> Result<Projection, Unfit> {
    let told = Told::read(envelope).map_err(Unfit::Unreadable)?;
    step(view, &envelope.metadata, told.as_ref())
}

/// Folds one event that has been read; `None` is one that this code does not know.
///
/// # Errors
/// If the event is of another order.
pub fn step(
    view: &OrderView,
    metadata: &Metadata,
    told: Option<&Told>,
) -> Result<Projection, Unfit> {
    let stream = &metadata.stream;
    if stream.id() != view.order_id.to_string() {
        return Err(Unfit::OtherOrder(stream.clone()));
    }
    let position = view.position(stream.kind());
    if metadata.version <= position {
        return Ok(Projection::Duplicate);
    }
    if metadata.previous > position {
        let (stream, needed) = (stream.clone(), metadata.previous);
        return Ok(Projection::Gap { stream, position, needed });
    }
    let mut view = view.clone();
    view.positions.insert(stream.kind().to_owned(), metadata.version);
    // What does not belong into its stream tells nothing.
    if let Some(told) = told.filter(|told| told.stream() == stream.kind()) {
        view.fold(told, metadata.occurred_at);
    }
    Ok(Projection::Apply(Box::new(view)))
}

/// Folds all of `events`, as they are stored, into a view; of each stream they come in order.
///
/// # Errors
/// If one does not fit, or events are missing before it.
pub fn catch_up<'a>(
    mut view: OrderView,
    events: impl IntoIterator<Item = &'a Envelope>,
) -> Result<OrderView, Unfit> {
    for event in events {
        match project(&view, event)? {
            Projection::Apply(after) => view = *after,
            Projection::Duplicate => {}
            Projection::Gap { stream, position, needed } => {
                return Err(Unfit::Gap { stream, position, needed });
            }
        }
    }
    Ok(view)
}

impl OrderView {
    fn fold(&mut self, told: &Told, at: Timestamp) {
        match told {
            Told::Order(event) => {
                if let OrderEvent::OrderPlaced(_) = event {
                    self.placed_at.get_or_insert(at);
                }
                self.order = order::apply(self.order.take(), event);
            }
            Told::Fulfilment(event) => self.course.fold(event),
            Told::Payment(event) => self.payment = Some(Payment::after(event)),
            Told::Inventory(event) => self.goods = Some(Goods::after(event)),
            Told::Shipment(event) => self.shipment = Some(Shipment::after(event)),
        }
    }
}

impl Told {
    /// The type of the stream it belongs to.
    fn stream(&self) -> &'static str {
        match self {
            Self::Order(_) => orders::STREAM,
            Self::Fulfilment(_) => fulfilment::STREAM,
            Self::Payment(_) => payment::STREAM,
            Self::Inventory(_) => inventory::STREAM,
            Self::Shipment(_) => shipping::STREAM,
        }
    }
}
