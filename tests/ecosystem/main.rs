//! AWS CLI, boto3 and the Rust SDK against the engine, each unchanged: they put events, receive and delete what a rule
//! delivered, invoke a function, and scan a table.
//!
//! The two in Python need `target/tools`, which `cargo verify` makes. Without it they say so and pass.

mod cargo_lambda;
mod cli;
mod deploy;
mod python;
mod sdk;
mod sdk_actions;
mod sdk_config;
mod shop;
#[path = "../support/mod.rs"]
mod support;
