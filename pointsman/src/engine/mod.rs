//! The engine: decides once, journals what it decided, and folds it.
//!
//! - [`State`] and [`Fact`]: what is, and what changed it; [`Entry`]: a fact with cause and caller
//! - [`Command`], [`Context`], [`Decision`]: what is asked, what a decision may know, what follows
//! - [`Core`]: state, clock and seeds in one hand, without threads: what simulations drive
//! - [`Engine`]: the same behind a lock, with group commit, for everybody else
//! - [`Feed`]: the durable facts in order
//! - [`Log`]: where batches become durable; [`MemoryLog`] forgets

mod apply;
mod apply_invocation;
mod apply_schedule;
mod context;
mod core;
mod decision;
mod desk;
mod fact;
mod feed;
mod handle;
mod memory;
mod parked;
mod record;
#[cfg(test)]
mod simulation;
mod state;
mod threads;
mod work;

#[cfg(test)]
pub(crate) mod testing;
#[cfg(test)]
mod tests;

pub use self::core::{Batch, Core, OsRandom, Random, SeededRandom};
pub use context::{Caller, Cause, Choices, Context, Id, InvocationId, Name};
pub use decision::{Answer, Command, Decision, Effect, Fault, Handed, Invoke, Payload};
pub use fact::{
    Attribute, AttributeValue, Body, Coming, Delivered, Delivery, Entry, Extra, Fact, Kind,
    NewMessage, Outcome, Owner, Tried, Why,
};
pub use feed::{Feed, Followed, Follower, History, Item, Past, PastBatch};
pub use handle::{Asked, Engine};
pub use memory::MemoryLog;
pub use record::{ReadRecord, Writer};
pub use state::{Owned, ResourcePolicy, State};
pub use threads::{Fatal, Log, Setup, start};

pub(crate) use apply::policy_name;
pub(crate) use decision::Draft;
pub(crate) use state::Timer;
