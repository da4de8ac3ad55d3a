//! What everybody outside the engine's threads holds.

use super::context::{Caller, Cause, InvocationId};
use super::core::Core;
use super::decision::{Answer, Command, Fault, Handed};
use super::desk::{Desk, Ended, Job};
use super::feed::{Feed, Follower, History};
use super::parked::Receiver;
use super::state::State;
use crate::clock::{Clock, Time};
use crate::services::function;
use crate::services::queue::Receive;
use bytes::Bytes;
use std::collections::HashMap;
use std::io;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;
use tokio::sync::{oneshot, watch};

/// Who asks, and why: from the adapter that got the request.
#[derive(Clone, Debug)]
pub struct Asked {
    /// Who.
    pub caller: Caller,
    /// Why.
    pub cause: Cause,
}

/// The engine: cheap to clone, usable from any task.
///
/// Nothing it returns is told before the state it was computed from is durable.
#[derive(Clone)]
pub struct Engine {
    shared: Arc<Shared>,
}

pub(super) struct Shared {
    desk: Arc<Desk>,
    feed: Feed,
    read_body: Arc<dyn Fn(u64) -> io::Result<Bytes> + Send + Sync>,
    clock: Arc<dyn Clock>,
    epoch: AtomicU64,
    offset_ms: AtomicI64,
    last_ms: AtomicI64,
    waiting: Mutex<HashMap<InvocationId, oneshot::Sender<Answer>>>,
    /// The next receiver's number.
    receivers: AtomicU64,
    mappings: watch::Sender<u64>,
    topology: watch::Sender<u64>,
    threads: Mutex<Vec<JoinHandle<()>>>,
}

impl Engine {
    pub(super) fn new(shared: Arc<Shared>) -> Self {
        Engine { shared }
    }

    /// Decides a command; the reply comes when its facts are durable.
    ///
    /// # Errors
    /// The command's refusal, or `InternalFailure` where the engine has ended.
    pub async fn submit<C: Command>(&self, command: C, asked: Asked) -> Result<C::Reply, Fault> {
        self.run(move |core| core.submit(&command, asked.cause, asked.caller)).await?
    }

    /// Looks at the state; told when what was seen is durable.
    ///
    /// # Errors
    /// `InternalFailure` where the engine has ended.
    pub async fn read<R: Send + 'static>(
        &self,
        look: impl FnOnce(&State, Time) -> R + Send + 'static,
    ) -> Result<R, Fault> {
        self.run(move |core| look(core.state(), core.now())).await
    }

    /// Begins an invocation; the receiver gets its end, or an error where the engine ended first.
    ///
    /// # Errors
    /// `ResourceNotFoundException`, `TooManyRequestsException`, `InternalFailure`.
    pub async fn invoke(
        &self,
        command: function::Invoke,
        asked: Asked,
    ) -> Result<(InvocationId, super::Id, oneshot::Receiver<Answer>), Fault> {
        let (tell, told) = oneshot::channel();
        let shared = self.shared.clone();
        let started = self.run(move |core| {
            let started = core.submit(&command, asked.cause, asked.caller);
            if let Ok((id, _)) = &started {
                lock(&shared.waiting).insert(*id, tell);
            }
            started
        });
        let (id, request) = started.await??;
        Ok((id, request, told))
    }

    /// `ReceiveMessage` with its waiting: at once if there is anything, else when something comes or the time is up.
    ///
    /// # Errors
    /// `AWS.SimpleQueueService.NonExistentQueue`, `InternalFailure`; without waiting also `OverLimit`.
    pub async fn receive(
        &self,
        receive: Receive,
        wait: Duration,
        asked: Asked,
    ) -> Result<Vec<Handed>, Fault> {
        if wait.is_zero() {
            return self.submit(receive, asked).await;
        }
        let (tell, mut told) = oneshot::channel();
        let number = self.shared.receivers.fetch_add(1, Ordering::Relaxed);
        let queue = receive.queue.clone();
        let receiver = Receiver { number, receive, asked, tell };
        self.ask(Box::new(move |core| core.receive(receiver)))?;
        tokio::select! {
            received = &mut told => return received.map_err(|_| ended())?,
            () = crate::clock::sleep(wait) => {}
        }
        // What it was given at the last moment is on its way.
        self.ask(Box::new(move |core| core.send_away(&queue, number)))?;
        told.await.map_err(|_| ended())?
    }

    /// Makes a batch be committed even if nobody asks for anything.
    pub fn nudge(&self) {
        // An engine that has ended has nothing to commit.
        let _ = self.ask(Box::new(|core| core.after(Box::new(|| ()))));
    }

    /// The bytes of a body.
    ///
    /// # Errors
    /// The disk's, or that nothing needs the body any more.
    pub fn body(&self, id: u64) -> io::Result<Bytes> {
        (self.shared.read_body)(id)
    }

    /// The durable facts in order: from number `from` on, those of before first; without it, from now on.
    pub fn subscribe(&self, from: Option<u64>) -> Follower {
        self.shared.feed.subscribe(from)
    }

    /// The durable facts again, as far back as they are kept.
    pub fn history(&self) -> Arc<dyn History> {
        self.shared.feed.history()
    }

    /// Changes whenever a mapping changed: what reads streams for mappings looks again.
    pub fn mappings_changed(&self) -> watch::Receiver<u64> {
        self.shared.mappings.subscribe()
    }

    /// Changes whenever resources came, changed or went.
    pub fn topology_changed(&self) -> watch::Receiver<u64> {
        self.shared.topology.subscribe()
    }

    /// The clock that wall time comes from.
    pub fn clock(&self) -> &Arc<dyn Clock> {
        &self.shared.clock
    }

    /// Engine time as far as it is durable: wall time and by how much the clock was moved, and never before the last
    /// fact.
    pub fn now(&self) -> Time {
        let offset = self.shared.offset_ms.load(Ordering::Acquire);
        let last = Time(self.shared.last_ms.load(Ordering::Acquire));
        Time(self.shared.clock.wall().0.saturating_add(offset)).max(last)
    }

    /// How often this journal's engine has started.
    pub fn epoch(&self) -> u64 {
        self.shared.epoch.load(Ordering::Acquire)
    }

    /// Commits what is decided and ends both threads. Later calls fail.
    pub fn stop(&self) {
        self.shared.desk.stop();
        let threads = std::mem::take(&mut *lock(&self.shared.threads));
        for thread in threads {
            // A thread that panicked has said so already.
            let _ = thread.join();
        }
    }

    async fn run<R: Send + 'static>(
        &self,
        job: impl FnOnce(&mut Core) -> R + Send + 'static,
    ) -> Result<R, Fault> {
        let (tell, told) = oneshot::channel();
        self.ask(Box::new(move |core| {
            let result = job(core);
            core.after(Box::new(move || {
                // The asker may have gone.
                let _ = tell.send(result);
            }));
        }))?;
        told.await.map_err(|_| ended())
    }

    fn ask(&self, job: Job) -> Result<(), Fault> {
        self.shared.desk.ask(job).map_err(|Ended| ended())
    }

    pub(super) fn joins(&self, threads: Vec<JoinHandle<()>>) {
        lock(&self.shared.threads).extend(threads);
    }
}

impl Shared {
    pub(super) fn new(
        desk: Arc<Desk>,
        feed: Feed,
        read_body: Arc<dyn Fn(u64) -> io::Result<Bytes> + Send + Sync>,
        clock: Arc<dyn Clock>,
    ) -> Self {
        Shared {
            desk,
            feed,
            read_body,
            clock,
            epoch: AtomicU64::new(0),
            offset_ms: AtomicI64::new(0),
            last_ms: AtomicI64::new(i64::MIN),
            waiting: Mutex::default(),
            receivers: AtomicU64::new(0),
            mappings: watch::channel(0).0,
            topology: watch::channel(0).0,
            threads: Mutex::default(),
        }
    }

    pub(super) fn set_epoch(&self, epoch: u64) {
        self.epoch.store(epoch, Ordering::Release);
    }

    pub(super) fn set_offset(&self, offset_ms: i64) {
        self.offset_ms.store(offset_ms, Ordering::Release);
    }

    /// Engine time of the last durable fact.
    pub(super) fn set_last(&self, last: Time) {
        self.last_ms.store(last.0, Ordering::Release);
    }

    pub(super) fn answer(&self, invocation: InvocationId, answer: Answer) {
        if let Some(tell) = lock(&self.waiting).remove(&invocation) {
            // Whoever waited may have gone.
            let _ = tell.send(answer);
        }
    }

    pub(super) fn wake(&self, mappings: bool, topology: bool) {
        if mappings {
            self.mappings.send_modify(|n| *n += 1);
        }
        if topology {
            self.topology.send_modify(|n| *n += 1);
        }
    }

    /// Nothing is committed any more: whoever waits is told so, by the end of what it waits on.
    pub(super) fn end(&self) {
        lock(&self.waiting).clear();
        self.feed.close();
    }
}

fn ended() -> Fault {
    Fault::new("InternalFailure", "The engine has ended.")
}

/// A lock whose holder panicked still guards data that is whole: each critical section is one map operation.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
