//! Everything that touches the outside.
//!
//! - [`wire`]: AWS's protocols on one port; [`http`]: HTTP APIs with their authorizers
//! - [`runner`]: functions' processes over the Lambda Runtime API
//! - [`tables`]: DynamoDB and its streams
//! - [`control`]: what `pointsman`'s own commands ask of a running engine

pub mod control;
pub mod http;
pub mod runner;
pub mod tables;
pub mod wire;

mod digest;
mod lineage;
mod receipt;
mod server;
