//! Every event and command of the shop, declared once.
//!
//! | module | has |
//! |---|---|
//! | [`order`] | the events of `order#<orderId>` and what a client may ask of an order |
//! | [`fulfilment`] | the events of `fulfilment#<orderId>`, and every command that a stream sends |
//! | [`payment`], [`inventory`], [`shipping`] | the events of the steps, `payment#<orderId>` and so on |
//! | [`customer`] | the events of `customer#<customerId>` and what a client may ask for itself |
//! | [`reading`] | what is read off the servers; its events are in no stream |
//! | [`values`] | what they are made of, each parsed once into a type that proves it |
//! | [`registry`] | all of them as a list; the catalogue under `events/` is printed from it |
//!
//! Events are for ever: what is once in a store is read by all later code. So a field is added as
//! optional with a minor version; anything else is a new major version with an upcaster. Readers
//! tolerate unknown fields of events; requests with unknown fields are refused.

pub mod customer;
pub mod fulfilment;
pub mod inventory;
pub mod order;
pub mod payment;
pub mod reading;
pub mod registry;
pub mod shipping;
pub mod values;

pub use pointsman_event as event;
pub use registry::all;
