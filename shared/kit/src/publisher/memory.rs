//! A bus in memory, with EventBridge's limits and its failures on request.

use super::{Bus, Entry};
use crate::{
    delivery::{Answer, Failure, MAX_BYTES, MAX_ITEMS},
    testing::{Crash, Crashing, Moment},
};
use async_trait::async_trait;
use std::{
    collections::VecDeque,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

/// An in-memory [`Bus`]. Clones share what it took.
#[derive(Clone, Default)]
pub struct Memory(Arc<Mutex<State>>);

/// A way for a call to fail.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fault {
    /// The entry at this index fails with this code; the others are taken.
    Entry(usize, &'static str),
    /// The call fails with this code; nothing is taken.
    Call(&'static str),
    /// Everything is taken, but the answer does not come.
    LostAnswer,
    /// Everything is taken, but the answer speaks of one entry less.
    ShortAnswer,
    /// The call never ends.
    Hang,
    /// The [process](Crash) that calls dies before anything is taken.
    CrashBefore,
    /// Everything is taken, then the [process](Crash) that calls dies.
    CrashAfter,
}

#[derive(Default)]
struct State {
    taken: Vec<Entry>,
    accepted: usize,
    calls: usize,
    next: VecDeque<Fault>,
    flaky: Option<(fastrand::Rng, u8)>,
    crashing: Crashing,
}

impl Memory {
    /// A bus without faults.
    pub fn new() -> Self {
        Self::default()
    }

    /// Lets the next call fail so; several are used up in order.
    pub fn fail_next(&self, fault: Fault) {
        self.lock().next.push_back(fault);
    }

    /// From now on no call fails that was told to by [`Memory::fail_next`].
    pub fn forget_faults(&self) {
        self.lock().next.clear();
    }

    /// From now on lets `percent` of all entries, and of all calls, fail, drawn from `seed`.
    pub fn flaky(&self, seed: u64, percent: u8) {
        self.lock().flaky = Some((fastrand::Rng::with_seed(seed), percent));
    }

    /// From now on `percent` of all calls are the last of `crash`'s process, drawn from `seed`; half
    /// of those are still taken. It is this process, too, that [`Fault::CrashBefore`] and
    /// [`Fault::CrashAfter`] end.
    pub fn crashing(&self, crash: &Crash, seed: u64, percent: u8) {
        self.lock().crashing = Crashing::new(crash, seed, percent);
    }

    /// What the bus took since this was last asked, in order. It is then forgotten.
    pub fn take(&self) -> Vec<Entry> {
        std::mem::take(&mut self.lock().taken)
    }

    /// Everything the bus took, in order; an event sent twice is there twice.
    pub fn events(&self) -> Vec<Entry> {
        self.lock().taken.clone()
    }

    /// How many calls it answered or failed.
    pub fn calls(&self) -> usize {
        self.lock().calls
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[async_trait]
impl Bus for Memory {
    async fn put(&self, entries: &[&Entry]) -> Answer {
        let (fault, crash) = {
            let mut state = self.lock();
            (state.next_fault(), state.crashing.crash())
        };
        match fault {
            Some(Fault::Hang) => std::future::pending().await,
            Some(Fault::CrashBefore) => match crash.strike().await {},
            Some(Fault::CrashAfter) => {
                let _ = self.lock().put(entries, None);
                match crash.strike().await {}
            }
            fault => self.lock().put(entries, fault),
        }
    }
}

impl State {
    fn next_fault(&mut self) -> Option<Fault> {
        self.calls += 1;
        if let Some(fault) = self.next.pop_front() {
            return Some(fault);
        }
        let crash = self.crashing.draw().map(|moment| match moment {
            Moment::Before => Fault::CrashBefore,
            Moment::After => Fault::CrashAfter,
        });
        crash.or_else(|| {
            let (rng, percent) = self.flaky.as_mut()?;
            (rng.u8(0..100) < *percent).then(|| match rng.u8(0..4) {
                0 => Fault::Call("ThrottlingException"),
                1 => Fault::LostAnswer,
                2 => Fault::ShortAnswer,
                _ => Fault::Call("InternalException"),
            })
        })
    }

    fn put(&mut self, entries: &[&Entry], fault: Option<Fault>) -> Answer {
        let bytes: usize = entries.iter().map(|entry| entry.size()).sum();
        if entries.is_empty() || entries.len() > MAX_ITEMS || bytes > MAX_BYTES {
            let text = format!("{} entries of {bytes} bytes", entries.len());
            return Err(Failure::permanent("ValidationException", &text));
        }
        if let Some(Fault::Call(code)) = fault {
            return Err(failure(code));
        }
        let mut results = Vec::with_capacity(entries.len());
        for (at, entry) in entries.iter().enumerate() {
            let code = match &fault {
                Some(Fault::Entry(failing, code)) if *failing == at => Some(*code),
                _ => self.judge(entry),
            };
            results.push(match code {
                Some(code) => Err(failure(code)),
                None => {
                    self.taken.push((*entry).clone());
                    self.accepted += 1;
                    Ok(format!("event-{}", self.accepted))
                }
            });
        }
        match fault {
            Some(Fault::LostAnswer) => Err(failure("ResponseError")),
            Some(Fault::ShortAnswer) => {
                results.pop();
                Ok(results)
            }
            _ => Ok(results),
        }
    }

    /// What EventBridge would say to the entry, and by chance what it says when it is unwell.
    fn judge(&mut self, entry: &Entry) -> Option<&'static str> {
        if entry.source.is_empty() || entry.detail_type.is_empty() {
            return Some("InvalidArgument");
        }
        if serde_json::from_str::<serde_json::Map<_, _>>(&entry.detail).is_err() {
            return Some("MalformedDetail");
        }
        let (rng, percent) = self.flaky.as_mut()?;
        (rng.u8(0..100) < *percent)
            .then(|| if rng.bool() { "InternalFailure" } else { "ThrottlingException" })
    }
}

fn failure(code: &'static str) -> Failure {
    Failure { permanent: super::is_permanent(code), code: code.to_owned(), message: String::new() }
}
