//! The AWS CLI in both its versions, boto3 and the Rust SDK against the engine, each unchanged: they put events, receive
//! and delete what a rule delivered, invoke a function, and scan a table.
//!
//! All but the last need `target/tools`, which `cargo verify` makes. Without it they say so and pass.

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
