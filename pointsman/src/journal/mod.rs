//! The engine's log on the store: one write and one sync a batch, and a thread that keeps the folder small.

mod recent;

use crate::engine::{Log, Past, PastBatch, State};
use crate::storage::{
    AppendError, Batch, Bodies, BodyId, Compactor, Disk, History, OpenError, Opened, Options,
    Store, Writer, Written,
};
use bytes::Bytes;
use recent::Recent;
use std::io;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

/// Bytes of bodies that are moved out of old segments in one go.
const MOVED_AT_ONCE: usize = 1024 * 1024;
/// How often the compactor looks whether there is something to do.
const ROUND: Duration = Duration::from_millis(500);

/// What opening a journal gives.
pub struct Journal {
    /// What its facts made.
    pub state: State,
    /// What was found.
    pub opened: Opened,
    /// For the engine.
    pub log: JournalLog,
    /// Keeps the folder small.
    pub keeper: Keeper,
}

impl Journal {
    /// Opens the journal of a disk, or begins one.
    ///
    /// # Errors
    /// See [`OpenError`].
    pub fn open(disk: Arc<dyn Disk>, options: Options) -> Result<Journal, OpenError> {
        let mut state = State::default();
        let (store, opened) = Store::open(disk, options, &mut state)?;
        let (moves, to_move) = channel();
        let log = JournalLog {
            writer: store.writer,
            bodies: store.bodies,
            history: store.history,
            batch: Batch::new(),
            recent: Arc::default(),
            to_move,
        };
        let keeper = Keeper { compactor: store.compactor, moves };
        Ok(Journal { state, opened, log, keeper })
    }
}

/// The engine's log on a store.
pub struct JournalLog {
    writer: Writer,
    bodies: Bodies,
    history: History,
    batch: Batch,
    recent: Arc<Recent>,
    to_move: Receiver<Vec<(BodyId, Bytes)>>,
}

impl Log for JournalLog {
    fn commit(&mut self, records: Vec<Vec<u8>>, bodies: Vec<(u64, Bytes)>) -> io::Result<()> {
        self.batch.clear();
        for (id, bytes) in &bodies {
            self.batch.body(BodyId(*id), bytes.clone());
        }
        for record in &records {
            self.batch.record(record);
        }
        if let Ok(moved) = self.to_move.try_recv() {
            for (id, bytes) in moved {
                self.batch.moved_body(id, bytes);
            }
        }
        if self.batch.is_empty() {
            return Ok(());
        }
        self.writer.append(&self.batch).map_err(|error| match error {
            AppendError::Broken(error) => error,
            other => io::Error::other(other.to_string()),
        })?;
        self.writer.sync()?;
        self.recent.keep(&bodies);
        Ok(())
    }

    fn reader(&self) -> Arc<dyn Fn(u64) -> io::Result<Bytes> + Send + Sync> {
        let (bodies, recent) = (self.bodies.clone(), self.recent.clone());
        Arc::new(move |id| recent.get(id).map_or_else(|| bodies.read(BodyId(id)), Ok))
    }

    fn history(&self) -> Arc<dyn crate::engine::History> {
        Arc::new(Records { history: self.history.clone(), bodies: self.bodies.clone() })
    }

    fn release(&mut self, gone: &[u64]) {
        self.recent.forget(gone);
        self.bodies.release(gone.iter().map(|id| BodyId(*id)));
    }
}

/// The store's durable records, for those who follow.
struct Records {
    history: History,
    bodies: Bodies,
}

impl crate::engine::History for Records {
    fn oldest(&self) -> u64 {
        self.history.oldest_seq()
    }

    fn read(&self, from: u64, most: usize) -> io::Result<Vec<(u64, Bytes)>> {
        self.history.records_from(from)?.take(most).collect()
    }

    fn body(&self, id: u64) -> Option<Bytes> {
        self.bodies.read(BodyId(id)).ok()
    }

    fn batches_from(&self, from: u64) -> io::Result<Past> {
        Ok(Box::new(self.history.batches_from(from)?.map(|written| written.map(again))))
    }

    fn batches_back(&self) -> Past {
        Box::new(self.history.batches_back().map(|written| written.map(again)))
    }
}

fn again(written: Written) -> PastBatch {
    let records = written.records().collect();
    // A body that has rotted is told of by whoever needs it.
    PastBatch { records, body: Box::new(move |id| written.body(BodyId(id)).ok().flatten()) }
}

/// Makes snapshots and frees space, in the background.
pub struct Keeper {
    compactor: Compactor,
    moves: Sender<Vec<(BodyId, Bytes)>>,
}

/// A keeper that runs; dropping it ends and awaits it.
pub struct Keeping {
    stop: Arc<(Mutex<bool>, Condvar)>,
    thread: Option<JoinHandle<()>>,
}

impl Keeper {
    /// Begins. `nudge` makes the engine commit even if nobody asks for anything, so that moved bodies get written;
    /// `complain` is told, once for each new reason, why a round failed.
    pub fn start(
        mut self,
        nudge: impl Fn() + Send + 'static,
        complain: impl Fn(String) + Send + 'static,
    ) -> io::Result<Keeping> {
        let stop = Arc::new((Mutex::new(false), Condvar::new()));
        let stopped = stop.clone();
        let thread = std::thread::Builder::new().name("compact".into()).spawn(move || {
            let mut last = String::new();
            while !wait(&stopped) {
                if let Err(error) = self.round(&nudge)
                    && last != error.to_string()
                {
                    last = error.to_string();
                    complain(last.clone());
                }
            }
        })?;
        Ok(Keeping { stop, thread: Some(thread) })
    }

    fn round(&mut self, nudge: &impl Fn()) -> io::Result<()> {
        self.compactor.prepare()?;
        if self.compactor.is_due() {
            self.compactor.compact_once(State::default())?;
        }
        let moves = self.compactor.next_moves(MOVED_AT_ONCE)?;
        // An engine that has ended takes no more; they are handed out again at the next start.
        if !moves.is_empty() && self.moves.send(moves).is_ok() {
            nudge();
        }
        Ok(())
    }
}

/// Waits for the next round; true when it is time to end.
fn wait(stop: &(Mutex<bool>, Condvar)) -> bool {
    let stopped = stop.0.lock().unwrap_or_else(PoisonError::into_inner);
    let waited = stop.1.wait_timeout_while(stopped, ROUND, |stopped| !*stopped);
    let (stopped, _) = waited.unwrap_or_else(PoisonError::into_inner);
    *stopped
}

impl Drop for Keeping {
    fn drop(&mut self) {
        *self.stop.0.lock().unwrap_or_else(PoisonError::into_inner) = true;
        self.stop.1.notify_all();
        if let Some(thread) = self.thread.take() {
            // A thread that panicked has said so already.
            let _ = thread.join();
        }
    }
}

#[cfg(test)]
mod tests;
