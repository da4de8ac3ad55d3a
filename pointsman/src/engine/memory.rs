use super::feed::{History, Past, PastBatch};
use super::threads::Log;
use bytes::Bytes;
use std::collections::HashMap;
use std::io;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// A log in memory, for tests of what stands on the engine: nothing survives the process.
#[derive(Debug, Default)]
pub struct MemoryLog {
    bodies: Arc<Mutex<HashMap<u64, Bytes>>>,
    records: Arc<Mutex<Vec<Bytes>>>,
}

impl Log for MemoryLog {
    fn commit(&mut self, records: Vec<Vec<u8>>, bodies: Vec<(u64, Bytes)>) -> io::Result<()> {
        lock(&self.bodies).extend(bodies);
        lock(&self.records).extend(records.into_iter().map(Bytes::from));
        Ok(())
    }

    fn reader(&self) -> Arc<dyn Fn(u64) -> io::Result<Bytes> + Send + Sync> {
        let bodies = self.bodies.clone();
        Arc::new(move |id| {
            lock(&bodies).get(&id).cloned().ok_or_else(|| io::ErrorKind::NotFound.into())
        })
    }

    fn history(&self) -> Arc<dyn History> {
        Arc::new(MemoryLog { bodies: self.bodies.clone(), records: self.records.clone() })
    }

    fn release(&mut self, gone: &[u64]) {
        let mut bodies = lock(&self.bodies);
        gone.iter().for_each(|id| drop(bodies.remove(id)));
    }
}

impl History for MemoryLog {
    fn oldest(&self) -> u64 {
        1
    }

    fn read(&self, from: u64, most: usize) -> io::Result<Vec<(u64, Bytes)>> {
        let records = lock(&self.records);
        let numbered = (1..).zip(records.iter().cloned());
        Ok(numbered.skip_while(|(seq, _)| *seq < from).take(most).collect())
    }

    fn body(&self, id: u64) -> Option<Bytes> {
        lock(&self.bodies).get(&id).cloned()
    }

    fn batches_from(&self, from: u64) -> io::Result<Past> {
        let bodies = self.bodies.clone();
        let body = Box::new(move |id| lock(&bodies).get(&id).cloned());
        let batch = PastBatch { records: self.read(from, usize::MAX)?, body };
        Ok(Box::new(std::iter::once(Ok(batch))))
    }

    fn batches_back(&self) -> Past {
        self.batches_from(1).unwrap_or_else(|error| Box::new(std::iter::once(Err(error))))
    }
}

/// Each change is one call, so that a panic elsewhere leaves the data whole.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
