//! What the functions start with that take messages from a queue and write to a stream of their own.

use crate::{sender, tables, variable};
use pointsman_kit::{
    aws, consumer::Harness, process::Process, runtime::Error, store::Store, table::Tables,
};
use std::sync::Arc;

/// The parts, as the template's variables name them.
pub struct Service {
    /// Rejected messages go to the queue `DLQ_URL`.
    pub harness: Harness,
    /// Streams are in the table `EVENT_STORE_TABLE`, markers in `SERVICES_TABLE`.
    pub process: Process,
    /// The name of the table `SERVICES_TABLE`.
    pub services: String,
    /// The tables themselves.
    pub tables: Arc<dyn Tables>,
}

impl Service {
    /// The parts of the function `name`.
    ///
    /// # Errors
    /// If a variable is missing; the text names it.
    pub async fn start(name: &str) -> Result<Self, Error> {
        let config = aws::config().await;
        let tables = tables(&config);
        let harness = Harness::new(name).dlq(sender(&config), &variable("DLQ_URL")?);
        let store = Store::new(tables.clone(), variable("EVENT_STORE_TABLE")?);
        let services = variable("SERVICES_TABLE")?;
        let process = Process::new(name, store, &services);
        Ok(Self { harness, process, services, tables })
    }
}
