//! The shop's decisions: state and command in, events or a refusal out. No I/O, no clock, no dice.
//!
//! | module | decides or folds |
//! |---|---|
//! | [`order`] | an order: placed, added to, sent elsewhere |
//! | [`fulfilment`] | the saga: an order's way to Fulfilled or Cancelled |
//! | [`payment`] | a payment: taken once, given back at most once |
//! | [`inventory`] | an order's goods: all set aside, or none |
//! | [`shipping`] | a shipment: left, or stopped before |
//! | [`customer`] | a customer: registered |
//! | [`reading`] | readings of the servers: which of a batch are recorded |
//! | [`view`] | an order as it is read: a fold over the events of all its streams |
//! | [`history`] | the events of an order's streams in one list, causes first |
//! | [`prices`] | what things cost, from `prices.json` |
//! | [`Refusal`] | why the shop says no |
//!
//! A handler queries a stream, folds it, asks for a decision and appends what it yields; when it
//! loses the race for a version, it does so again.

pub mod customer;
pub mod fulfilment;
pub mod history;
pub mod inventory;
pub mod order;
pub mod payment;
pub mod prices;
pub mod reading;
mod refusal;
pub mod shipping;
pub mod view;

pub use prices::Prices;
pub use refusal::{Kind, Refusal};
