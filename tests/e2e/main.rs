//! The shop as its customers and operators see it: the real template, the real binaries, the local engine.
//!
//! Every test ends in the ledger equation (see [`shop::Shop::equation`]): what queues accepted was handled, lies in a
//! dead-letter queue, or is still there; and the read model holds each event's effect once.

mod crashes;
mod faults;
mod journey;
mod operations;
mod poison;
mod refusals;
mod routing;
mod seeds;
mod shop;
#[path = "../support/mod.rs"]
mod support;
mod time;
mod trace;
mod twice;
mod up;
mod verbs;
