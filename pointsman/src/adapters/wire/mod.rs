//! AWS's protocols on one port: requests in, engine commands out, replies in the form the client speaks.
//!
//! - [`serve`]: the server, a function of a listener and a shutdown
//! - [`WireState`]: what it stands on; [`Callers`] knows whose access key a request carries, [`Fallback`] answers
//!   what is no AWS request
//! - `events`, `sqs`, `lambda`, `scheduler`, `sts`, `tables`: a module a service, a file an action
//! - `route`: which service and action; `action`, `query`, `xml`: one codec for JSON and Query; `fault`: AWS's errors
//!
//! Signatures are not verified yet; the access key alone says who asks.

mod action;
mod ask;
mod callers;
mod credential;
mod events;
mod fault;
mod field;
mod lambda;
mod page;
mod query;
mod reply;
mod route;
mod scheduler;
mod server;
mod sqs;
mod struck;
mod sts;
mod tables;
mod xml;

#[cfg(test)]
mod tests;

pub use callers::{Callers, Key, NoCallers};
pub use reply::{Body, Fallback, NoFallback};
pub use server::serve;

use crate::adapters::tables::{Tables, TablesError};
use crate::engine::Engine;
use crate::faults::Faults;
use crate::topology::Region;
use std::sync::Arc;

/// What the wire stands on.
pub struct WireState {
    /// The engine.
    pub engine: Engine,
    /// Account and region, the engine's: requests for another are refused by name.
    pub region: Region,
    /// `http://127.0.0.1:4566`: what queue URLs begin with.
    pub endpoint: String,
    /// DynamoDB and its streams.
    pub tables: Arc<dyn Tables>,
    /// Told when the tables are lost, which is when the process should end.
    pub lost: Box<dyn Fn(&TablesError) + Send + Sync>,
    /// Whose access keys are whose.
    pub callers: Arc<dyn Callers>,
    /// What goes wrong on request.
    pub faults: Arc<dyn Faults>,
    /// Answers what is no AWS request.
    pub fallback: Arc<dyn Fallback>,
}
