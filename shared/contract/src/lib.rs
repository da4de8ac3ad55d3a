//! Every event and command of the shop, declared once.
//!
//! | module | has |
//! |---|---|
//! | [`order`] | the events of `order#<orderId>` and what a client may ask of an order |
//! | [`customer`] | the events of `customer#<customerId>` and what a client may ask for itself |
//! | [`values`] | what they are made of, each parsed once into a type that proves it |
//! | [`registry`] | all of them as a list; the catalogue under `events/` is printed from it |
//!
//! Events are for ever: what is once in a store is read by all later code. So a field is added as
//! optional with a minor version; anything else is a new major version with an upcaster. Readers
//! tolerate unknown fields of events; requests with unknown fields are refused.

pub mod customer;
pub mod order;
pub mod registry;
pub mod values;

pub use pointsman_event as event;
pub use registry::all;
