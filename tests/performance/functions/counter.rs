//! An SQS batch → the number of each of its events, told to `COUNT_AT`
//!
//! A function with nothing to do, on `lambda_runtime` alone: what is measured is the way to it.

use lambda_runtime::{Error, LambdaEvent, service_fn};
use serde::Deserialize;
use serde_json::{Value, json};
use std::cell::RefCell;
use std::io::Write;
use std::net::TcpStream;

#[derive(Deserialize)]
struct Batch {
    #[serde(rename = "Records")]
    records: Vec<Record>,
}

#[derive(Deserialize)]
struct Record {
    body: String,
}

#[derive(Deserialize)]
struct Event {
    detail: Detail,
}

#[derive(Deserialize)]
struct Detail {
    id: u64,
}

fn main() -> Result<(), Error> {
    let at = std::env::var("COUNT_AT")?;
    let told = RefCell::new(TcpStream::connect(at)?);
    let handle = async |event: LambdaEvent<Batch>| -> Result<Value, Error> {
        let mut numbers = vec![];
        for record in &event.payload.records {
            let event: Event = serde_json::from_str(&record.body)?;
            numbers.extend_from_slice(&event.detail.id.to_le_bytes());
        }
        told.borrow_mut().write_all(&numbers)?;
        Ok(json!({"batchItemFailures": []}))
    };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(lambda_runtime::run(service_fn(handle)))
}
