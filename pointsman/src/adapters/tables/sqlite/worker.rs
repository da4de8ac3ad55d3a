//! One thread does all work on the file, in groups: every job that waits is done, the log is synced once, and then
//! all of the group are answered. While a sync runs, the next group gathers.

use super::SyncLog;
use super::store::Store;
use crate::adapters::tables::TablesError;
use std::fs::File;
use std::sync::mpsc::{self, Receiver, Sender};
use std::sync::{Arc, OnceLock};
use std::thread::{self, JoinHandle};
use tokio::sync::{oneshot, watch};

/// Jobs in a group at most, so that the first of it does not wait for long.
const GROUP: usize = 64;

type Job = Box<dyn FnOnce(&mut Store) -> Reply + Send>;
type Reply = Box<dyn FnOnce() + Send>;

pub(super) struct Worker {
    jobs: Option<Sender<Job>>,
    /// Why the thread ended, if it did so by itself.
    failure: Arc<OnceLock<TablesError>>,
    thread: Option<JoinHandle<()>>,
}

impl Worker {
    pub(super) fn start(
        store: Store,
        sync: SyncLog,
        wake: watch::Sender<u64>,
    ) -> Result<Self, TablesError> {
        let (jobs, waiting) = mpsc::channel();
        let failure = Arc::new(OnceLock::new());
        let mut groups = Groups { store, sync, wake, failure: failure.clone() };
        let thread = thread::Builder::new()
            .name("tables".into())
            .spawn(move || {
                if groups.serve(&waiting).is_err() {
                    // Closing would fold the log into the file, as if what was lost were not.
                    std::mem::forget(groups.store);
                }
            })
            .map_err(|error| TablesError::Open(format!("no thread for the tables: {error}")))?;
        Ok(Worker { jobs: Some(jobs), failure, thread: Some(thread) })
    }

    /// Does `work` on the thread, and answers when all it saw is durable.
    pub(super) async fn run<T: Send + 'static>(
        &self,
        work: impl FnOnce(&mut Store) -> Result<T, TablesError> + Send + 'static,
    ) -> Result<T, TablesError> {
        let (answer, answered) = oneshot::channel();
        let job: Job = Box::new(move |store| {
            let result = work(store);
            Box::new(move || {
                // The caller may have gone away meanwhile.
                let _ = answer.send(result);
            })
        });
        let gone = || self.failure.get().cloned().unwrap_or(TablesError::Closed);
        self.jobs.as_ref().ok_or(TablesError::Closed)?.send(job).map_err(|_| gone())?;
        answered.await.map_err(|_| gone())?
    }
}

impl Drop for Worker {
    fn drop(&mut self) {
        drop(self.jobs.take());
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

struct Groups {
    store: Store,
    sync: SyncLog,
    wake: watch::Sender<u64>,
    failure: Arc<OnceLock<TablesError>>,
}

impl Groups {
    /// Until there is nobody left to ask for anything, or a sync fails.
    fn serve(&mut self, waiting: &Receiver<Job>) -> Result<(), ()> {
        while let Ok(first) = waiting.recv() {
            let mut replies = vec![first(&mut self.store)];
            while replies.len() < GROUP {
                match waiting.try_recv() {
                    Ok(job) => replies.push(job(&mut self.store)),
                    Err(_) => break,
                }
            }
            // A failure is noted before the replies go unsent, so that whoever waits for one finds the reason.
            self.commit().map_err(|error| self.fail(error))?;
            for reply in replies {
                reply();
            }
            self.store.checkpoint_if_due().map_err(|error| self.fail(error))?;
        }
        Ok(())
    }

    fn fail(&self, error: TablesError) {
        // The first one stays.
        let _ = self.failure.set(error);
    }

    fn commit(&mut self) -> Result<(), TablesError> {
        if !self.store.take_dirty() {
            return Ok(());
        }
        let log: &File = self.store.log();
        (self.sync)(log).map_err(|error| {
            TablesError::Lost(format!(
                "{} cannot be synced: {error}",
                self.store.log_path().display()
            ))
        })?;
        let records = self.store.take_appended();
        if records > 0 {
            self.wake.send_modify(|count| *count += records);
        }
        Ok(())
    }
}
