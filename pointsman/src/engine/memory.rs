use super::threads::Log;
use bytes::Bytes;
use std::collections::HashMap;
use std::io;
use std::sync::{Arc, Mutex, PoisonError};

/// A log in memory, for tests of what stands on the engine: nothing survives the process.
#[derive(Debug, Default)]
pub struct MemoryLog {
    bodies: Arc<Mutex<HashMap<u64, Bytes>>>,
}

impl Log for MemoryLog {
    fn commit(&mut self, _: Vec<Vec<u8>>, bodies: Vec<(u64, Bytes)>) -> io::Result<()> {
        self.bodies.lock().unwrap_or_else(PoisonError::into_inner).extend(bodies);
        Ok(())
    }

    fn reader(&self) -> Arc<dyn Fn(u64) -> io::Result<Bytes> + Send + Sync> {
        let bodies = self.bodies.clone();
        Arc::new(move |id| {
            let bodies = bodies.lock().unwrap_or_else(PoisonError::into_inner);
            bodies.get(&id).cloned().ok_or_else(|| io::ErrorKind::NotFound.into())
        })
    }

    fn release(&mut self, gone: &[u64]) {
        let mut bodies = self.bodies.lock().unwrap_or_else(PoisonError::into_inner);
        gone.iter().for_each(|id| drop(bodies.remove(id)));
    }
}
