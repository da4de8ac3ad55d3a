//! Tables in one SQLite file, through the library `dynoxide`, which knows DynamoDB's expressions, checks and errors.
//!
//! What the library leaves open is mended around it: group commit (`worker`), order and retention of streams
//! (`streams`), records of writes that changed nothing (`unchanged`), tokens in engine time (`tokens`), time to live
//! without reading whole tables (`expiry`), account and region (`arns`).

mod actions;
mod arns;
mod errors;
mod expiry;
mod reconcile;
mod store;
mod streams;
mod tokens;
mod unchanged;
mod worker;

use super::causes::Causes;
use super::{
    Answer, Bounds, Call, Now, Reconciled, StreamRecord, StreamSource, Swept, Tables, TablesError,
};
use crate::topology::{Region, TableSpec};
use async_trait::async_trait;
use std::fs::File;
use std::io;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use store::Store;
use tokio::sync::watch;
use worker::Worker;

/// Makes what was written to a file durable; [`File::sync_data`] but for tests.
pub type SyncLog = Box<dyn FnMut(&File) -> io::Result<()> + Send>;

/// How tables are opened.
pub struct Options {
    /// Account and region in every ARN; a request that names another is refused.
    pub region: Region,
    /// Engine time.
    pub now: Now,
    /// Called once for each group of writes, before any of them is answered.
    pub sync: SyncLog,
}

impl Options {
    /// Durable tables of `region`.
    pub fn new(region: Region, now: Now) -> Self {
        Options { region, now, sync: Box::new(File::sync_data) }
    }
}

/// Durable tables. All work is done by one thread; dropping this waits for it to end.
pub struct SqliteTables {
    worker: Worker,
    causes: Arc<Mutex<Causes>>,
    woken: watch::Receiver<u64>,
}

impl SqliteTables {
    /// Opens the tables of a folder, or makes them. Blocks while the file is read.
    ///
    /// # Errors
    /// [`TablesError::Open`], which names the file, if it cannot be opened or was written by a newer version.
    pub fn open(folder: &Path, options: Options) -> Result<Self, TablesError> {
        let causes = Arc::new(Mutex::new(Causes::default()));
        let (wake, woken) = watch::channel(0);
        let store = Store::open(folder, options.region, options.now, causes.clone())?;
        let worker = Worker::start(store, options.sync, wake)?;
        Ok(SqliteTables { worker, causes, woken })
    }
}

#[async_trait]
impl Tables for SqliteTables {
    async fn call(&self, call: Call) -> Result<Answer, TablesError> {
        self.worker.run(move |store| Ok(store.call(&call))).await
    }

    async fn reconcile(&self, tables: &[TableSpec]) -> Result<Vec<Reconciled>, TablesError> {
        let tables = tables.to_vec();
        self.worker.run(move |store| store.reconcile(&tables)).await
    }

    async fn sweep(&self) -> Result<Swept, TablesError> {
        self.worker.run(Store::sweep).await
    }
}

#[async_trait]
impl StreamSource for SqliteTables {
    async fn read(
        &self,
        table: &str,
        after: Option<&str>,
        limit: usize,
    ) -> Result<Vec<StreamRecord>, TablesError> {
        let (table, after) = (table.to_owned(), after.map(str::to_owned));
        self.worker.run(move |store| store.read_stream(&table, after.as_deref(), limit)).await
    }

    async fn bounds(&self, table: &str) -> Result<Bounds, TablesError> {
        let table = table.to_owned();
        self.worker.run(move |store| store.bounds(&table)).await
    }

    fn woken(&self) -> watch::Receiver<u64> {
        let mut woken = self.woken.clone();
        woken.mark_unchanged();
        woken
    }

    fn writer(&self, table: &str, sequence: &str) -> Option<String> {
        self.causes.lock().unwrap_or_else(PoisonError::into_inner).writer(table, sequence)
    }
}
