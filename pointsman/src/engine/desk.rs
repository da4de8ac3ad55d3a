//! The core behind a lock. Whoever asks decides on its own thread; one thread commits, and one watches the time.

use super::core::{Batch, Core};
use crate::clock::Time;
use std::collections::VecDeque;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// The longest that nobody looks at the time, so that a clock set by hand is noticed.
const LONGEST_SLEEP: Duration = Duration::from_millis(200);

/// Something the core is asked.
pub(super) type Job = Box<dyn FnOnce(&mut Core) + Send>;

/// The engine has ended, and nothing is decided any more.
#[derive(Debug)]
pub(super) struct Ended;

/// Where decisions are made, one after the other.
pub(super) struct Desk {
    /// None once the engine has ended.
    held: Mutex<Option<Held>>,
    /// There is something to commit.
    work: Condvar,
    /// Something comes due before the next look at the time.
    time: Condvar,
}

struct Held {
    core: Core,
    /// What has to wait until the disk has caught up.
    jobs: VecDeque<Job>,
    /// The committing thread waits for work.
    is_idle: bool,
    /// When somebody looks at the time next.
    next_look: Time,
    is_stopping: bool,
}

impl Desk {
    pub(super) fn new(core: Core) -> Self {
        let held = Held {
            core,
            jobs: VecDeque::new(),
            is_idle: false,
            next_look: Time(i64::MIN),
            is_stopping: false,
        };
        Desk { held: Mutex::new(Some(held)), work: Condvar::new(), time: Condvar::new() }
    }

    /// Has the job done: at once, or where the next batch is full already, when that is on its way to the disk.
    ///
    /// # Errors
    /// The engine has ended.
    pub(super) fn ask(&self, job: Job) -> Result<(), Ended> {
        let _panic = Panic(self);
        let mut held = self.lock();
        let held = held.as_mut().ok_or(Ended)?;
        held.jobs.push_back(job);
        held.advance();
        self.rouse(held);
        Ok(())
    }

    /// For the committing thread: what is to be made durable next. None: everything is, and the engine has ended.
    pub(super) fn next_batch(&self) -> Option<Batch> {
        let _panic = Panic(self);
        let mut guard = self.lock();
        loop {
            let held = guard.as_mut()?;
            held.advance();
            if !held.core.batch().is_empty() {
                let batch = held.core.take_batch();
                // What had to wait for this gathers while it is written.
                held.advance();
                return Some(batch);
            }
            if held.is_stopping {
                *guard = None;
                self.time.notify_all();
                return None;
            }
            held.is_idle = true;
            guard = self.work.wait(guard).unwrap_or_else(ended);
        }
    }

    /// For the timing thread: does what comes due, until the engine ends.
    pub(super) fn watch(&self) {
        let _panic = Panic(self);
        let mut guard = self.lock();
        while let Some(held) = guard.as_mut() {
            let wait = match (held.core.tick(), held.core.state().next_due()) {
                // With a full batch, the rest is done when that is taken.
                (false, _) | (true, None) => LONGEST_SLEEP,
                (true, Some(due)) => (due - held.core.now()).min(LONGEST_SLEEP),
            };
            held.next_look = held.core.now() + wait;
            self.rouse(held);
            guard = match self.time.wait_timeout(guard, wait) {
                Ok((guard, _)) => guard,
                Err(poisoned) => ended(PoisonError::new(poisoned.into_inner().0)),
            };
        }
    }

    /// Ends the engine when all that is decided is committed.
    pub(super) fn stop(&self) {
        if let Some(held) = self.lock().as_mut() {
            held.is_stopping = true;
            self.work.notify_all();
        }
    }

    /// Ends the engine at once; whoever waits for something to be committed is told so, by the end of what it waits on.
    pub(super) fn end(&self) {
        *self.lock() = None;
        self.work.notify_all();
        self.time.notify_all();
    }

    /// Wakes the threads that have something to do.
    fn rouse(&self, held: &mut Held) {
        if held.is_idle && !held.core.batch().is_empty() {
            held.is_idle = false;
            self.work.notify_one();
        }
        if let Some(due) = held.core.state().next_due()
            && due < held.next_look
        {
            held.next_look = due;
            self.time.notify_one();
        }
    }

    fn lock(&self) -> Guard<'_> {
        self.held.lock().unwrap_or_else(ended)
    }
}

type Guard<'a> = MutexGuard<'a, Option<Held>>;

/// A decision that panicked has left its core half changed: the engine has ended.
fn ended(poisoned: PoisonError<Guard<'_>>) -> Guard<'_> {
    let mut guard = poisoned.into_inner();
    *guard = None;
    guard
}

impl Held {
    /// Does what is due and then what was asked, as far as the batch has room: nobody is asked anything before what is
    /// due has happened.
    fn advance(&mut self) {
        while self.core.tick() && !self.core.batch().is_full() {
            let Some(job) = self.jobs.pop_front() else { return };
            job(&mut self.core);
        }
    }
}

/// Dropped by a panic, it ends the engine also for those who wait.
struct Panic<'a>(&'a Desk);

impl Drop for Panic<'_> {
    fn drop(&mut self) {
        if std::thread::panicking() {
            self.0.end();
        }
    }
}
