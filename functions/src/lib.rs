//! What the shop's functions share. Each function itself is a file of `src/bin`.
//!
//! | module | yields |
//! |---|---|
//! | [`command`] | a request that changes a stream: decided, appended once, answered |
//! | [`http`] | of a request: who asks, for which order, and how a refusal is told |
//! | [`maintenance`] | what is done by hand: stock, repair, the read model's generations |
//! | [`read_model`] | the orders as customers read them, by generation |
//! | [`relay`] | what leaves the event store: where a row goes, and how |
//! | [`service`] | what a function with a queue and a stream of its own starts with |
//! | [`row`] | a row of the table `Services` that says where one thing is: a payment, a shipment |
//! | [`stock`] | how much of a sku is left |
//! | [`provider`] | the way to the payment provider, and one that is simulated |

pub mod command;
pub mod http;
pub mod maintenance;
pub mod provider;
pub mod read_model;
pub mod relay;
pub mod row;
pub mod service;
pub mod stock;

use pointsman_kit::{
    aws::SdkConfig,
    publisher::{EventBridge, Publisher},
    queues::{Sender, Sqs},
    runtime::Error,
    table::DynamoDb,
};
use std::{env, sync::Arc};

/// The value of an environment variable that the template sets.
///
/// # Errors
/// If it is missing or empty; the text names it.
pub fn variable(name: &str) -> Result<String, Error> {
    env::var(name)
        .ok()
        .filter(|value| !value.is_empty())
        .ok_or_else(|| format!("the environment variable {name} is not set").into())
}

/// The tables of this account and region.
pub fn tables(config: &SdkConfig) -> Arc<DynamoDb> {
    Arc::new(DynamoDb::new(aws_sdk_dynamodb::Client::new(config)))
}

/// The way to its queues.
pub fn sender(config: &SdkConfig) -> Sender {
    Sender::new(Arc::new(Sqs::new(aws_sdk_sqs::Client::new(config))))
}

/// The way to its bus of this name.
pub fn publisher(config: &SdkConfig, bus: &str) -> Publisher {
    Publisher::new(Arc::new(EventBridge::new(aws_sdk_eventbridge::Client::new(config), bus)))
}
