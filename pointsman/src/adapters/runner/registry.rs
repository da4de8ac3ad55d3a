use super::ask::Ask;
use super::identity::{EnvironmentId, invocation_of_trace};
use crate::engine::{InvocationId, Name};
use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tokio::sync::mpsc::UnboundedSender;
use tokio::sync::oneshot;

/// So many ended invocations are still known by their trace: what a function sends while it ends may be late.
const REMEMBERED: usize = 4_096;

/// Who an access key belongs to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum KeyOwner {
    /// An execution environment.
    Environment {
        /// Its function.
        function: Name,
        /// What it is running.
        invocation: Option<InvocationId>,
    },
    /// An environment that has ended, perhaps with an earlier engine: nothing it still sends should count.
    Ended,
}

/// The environments that live, and what they run.
pub(super) struct Registry {
    epoch: u64,
    inner: Mutex<Inner>,
}

#[derive(Default)]
struct Inner {
    last: u64,
    environments: HashMap<u64, Entry>,
    /// By trace: running ones, and the last that ended.
    invocations: HashMap<InvocationId, Name>,
    ended: VecDeque<InvocationId>,
    stopped: bool,
}

struct Entry {
    function: Name,
    ask: UnboundedSender<Ask>,
    running: Option<InvocationId>,
}

impl Registry {
    pub(super) fn new(epoch: u64) -> Arc<Self> {
        Arc::new(Registry { epoch, inner: Mutex::default() })
    }

    /// A new environment; `None` once [`Registry::stop`] was called.
    pub(super) fn add(&self, function: &Name, ask: UnboundedSender<Ask>) -> Option<EnvironmentId> {
        let mut inner = self.inner();
        if inner.stopped {
            return None;
        }
        inner.last += 1;
        let number = inner.last;
        let entry = Entry { function: function.clone(), ask, running: None };
        inner.environments.insert(number, entry);
        Some(EnvironmentId { epoch: self.epoch, number })
    }

    pub(super) fn remove(&self, id: EnvironmentId) {
        self.ends(id);
        self.inner().environments.remove(&id.number);
    }

    /// An environment was given an invocation.
    pub(super) fn runs(&self, id: EnvironmentId, invocation: InvocationId) {
        let mut inner = self.inner();
        let Some(entry) = inner.environments.get_mut(&id.number) else { return };
        entry.running = Some(invocation);
        let function = entry.function.clone();
        inner.invocations.insert(invocation, function);
    }

    /// An environment's invocation is over.
    pub(super) fn ends(&self, id: EnvironmentId) {
        let mut inner = self.inner();
        let running = inner.environments.get_mut(&id.number).and_then(|e| e.running.take());
        let Some(invocation) = running else { return };
        inner.ended.push_back(invocation);
        if inner.ended.len() > REMEMBERED
            && let Some(oldest) = inner.ended.pop_front()
        {
            inner.invocations.remove(&oldest);
        }
    }

    pub(super) fn ask(&self, id: EnvironmentId) -> Option<UnboundedSender<Ask>> {
        let inner = self.inner();
        (id.epoch == self.epoch)
            .then(|| inner.environments.get(&id.number).map(|entry| entry.ask.clone()))?
    }

    /// Has the process with this access key killed, and waits until it has been.
    pub(super) async fn kill(&self, key: &str) {
        let (tell, told) = oneshot::channel();
        let asked = EnvironmentId::of_access_key(key)
            .filter(|id| id.epoch == self.epoch & 0xff_ffff)
            .and_then(|id| self.ask(EnvironmentId { epoch: self.epoch, ..id }))
            .map(|ask| ask.send(Ask::Kill(tell)));
        if let Some(Ok(())) = asked {
            // One that has ended in between needs no killing.
            let _ = told.await;
        }
    }

    /// Tells every environment to end, and lets no new one begin.
    pub(super) fn stop(&self) {
        let mut inner = self.inner();
        inner.stopped = true;
        for entry in inner.environments.values() {
            // One that has ended already needs no telling.
            let _ = entry.ask.send(Ask::Stop);
        }
    }

    pub(super) fn caller_of_key(&self, key: &str) -> Option<KeyOwner> {
        let id = EnvironmentId::of_access_key(key)?;
        let inner = self.inner();
        let entry = (id.epoch == self.epoch & 0xff_ffff)
            .then(|| inner.environments.get(&id.number))
            .flatten();
        Some(match entry {
            Some(entry) => {
                let function = entry.function.clone();
                KeyOwner::Environment { function, invocation: entry.running }
            }
            None => KeyOwner::Ended,
        })
    }

    pub(super) fn caller_of_trace(&self, header: &str) -> Option<(Name, InvocationId)> {
        let invocation = invocation_of_trace(self.epoch, header)?;
        Some((self.inner().invocations.get(&invocation)?.clone(), invocation))
    }

    /// A panic elsewhere leaves the maps whole: each change is one call.
    fn inner(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
