//! An order as it is read: a fold over the events of all the streams an order has.
//!
//! Events come in any order over streams, more than once, and with gaps. A view keeps a position a
//! stream: the version of the last event folded in. Commands take versions, too, but never arrive
//! here, so an event names the version of the event before it (`previous`).

#[cfg(test)]
mod tests;

use crate::order::{self, Order};
use contract::{
    event::{Envelope, ReadError, Readable, StreamName, Timestamp},
    order::{OrderEvent, STREAM},
    values::OrderId,
};
use serde::{Deserialize, Serialize};
use std::{collections::BTreeMap, fmt};

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
    /// By stream type, the version of the last event folded in.
    pub positions: BTreeMap<String, u64>,
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
}

impl fmt::Display for Unfit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::OtherOrder(stream) => write!(f, "{stream} is not of this order"),
            Self::Unreadable(error) => error.fmt(f),
        }
    }
}

impl std::error::Error for Unfit {}

impl OrderView {
    /// The view before any event.
    pub fn new(order_id: OrderId) -> Self {
        Self { order_id, order: None, placed_at: None, positions: BTreeMap::new() }
    }

    /// The version of the last event of a stream type that is in the view; 0 if none is.
    pub fn position(&self, stream_type: &str) -> u64 {
        self.positions.get(stream_type).copied().unwrap_or(0)
    }
}

/// Folds one event into a view.
///
/// An event of a type that this code does not know moves its stream's position and nothing else: an
/// old projection survives new events, and a later one is built anew beside it.
///
/// # Errors
/// If the event is of another order, or can't be read.
pub fn project(view: &OrderView, envelope: &Envelope) -> Result<Projection, Unfit> {
    let metadata = &envelope.metadata;
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
    if stream.kind() == STREAM
        && let Some(event) = OrderEvent::read(envelope).map_err(Unfit::Unreadable)?
    {
        if let OrderEvent::OrderPlaced(_) = event {
            view.placed_at.get_or_insert(metadata.occurred_at);
        }
        view.order = order::apply(view.order, &event);
    }
    Ok(Projection::Apply(Box::new(view)))
}
