//! Functions and their invocations: pure state and decisions.
//!
//! - [`Function`], [`Invocation`], [`AsyncEvent`]: the state
//! - [`Invoke`]: an invocation somebody waits for; [`InvokeAsync`]: one that is queued
//! - `StartAsync`: begins what is queued; [`Finish`]: what the function made of an invocation

mod finish;
mod invoke;
mod state;
mod status;

#[cfg(test)]
mod tests;

pub use finish::{Finish, Finished};
pub use invoke::{HttpCall, Invoke, InvokeAsync};
pub use state::{AsyncEvent, Counts, Function, Invocation};

pub(crate) use invoke::{StartAsync, start};
pub(crate) use state::AsyncPlace;
