//! The shop as its customers and operators see it: the real template, the real binaries, the local engine.
//!
//! Every test ends in the ledger equation (see [`shop::Shop::equation`]): what queues accepted was handled, lies in a
//! dead-letter queue, or is still there; and each event and command had its effect once, on orders, money and goods
//! (see [`books::Books::balance`]).

mod books;
mod crashes;
mod daily;
mod deadline;
mod disorder;
mod faults;
mod fulfilment;
mod journey;
mod killed;
mod operations;
mod pace;
mod poison;
mod readings;
mod refusals;
mod routing;
mod schedules;
mod seeds;
mod shop;
mod slow;
#[path = "../support/mod.rs"]
mod support;
mod time;
mod trace;
mod twice;
mod undo;
mod up;
mod verbs;
mod walk;
mod webhook;
