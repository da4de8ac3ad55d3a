//! What goes wrong on the way to a table, on request.

use super::{Error, Memory};
use crate::testing::{Crash, Crashing, Moment};
use std::collections::VecDeque;

/// A way for a write to fail.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// Another transaction holds an item; nothing is written.
    Conflict,
    /// Throttled; nothing is written.
    Throttled,
    /// The write goes in, its answer does not come.
    LostAnswer,
    /// Neither does the write go in, nor does an answer come.
    Unsent,
    /// The [process](Crash) that writes dies before it does.
    CrashBefore,
    /// The [process](Crash) that writes dies right after it did.
    CrashAfter,
}

pub(super) type Rival = Box<dyn FnOnce(&Memory) + Send>;

#[derive(Default)]
pub(super) struct Faults {
    next: VecDeque<Fault>,
    rivals: VecDeque<Rival>,
    flaky: Option<(fastrand::Rng, u8)>,
    crashing: Crashing,
}

impl Faults {
    pub(super) fn push(&mut self, fault: Fault) {
        self.next.push_back(fault);
    }

    pub(super) fn race(&mut self, rival: Rival) {
        self.rivals.push_back(rival);
    }

    pub(super) fn flaky(&mut self, seed: u64, percent: u8) {
        self.flaky = Some((fastrand::Rng::with_seed(seed), percent));
    }

    pub(super) fn crashing(&mut self, crashing: Crashing) {
        self.crashing = crashing;
    }

    pub(super) fn rival(&mut self) -> Option<Rival> {
        self.rivals.pop_front()
    }

    /// What happens to the next write.
    pub(super) fn draw(&mut self) -> Option<Fault> {
        if let Some(fault) = self.next.pop_front() {
            return Some(fault);
        }
        match self.crashing.draw() {
            Some(Moment::Before) => return Some(Fault::CrashBefore),
            Some(Moment::After) => return Some(Fault::CrashAfter),
            None => {}
        }
        let faults = [Fault::Conflict, Fault::Throttled, Fault::LostAnswer, Fault::Unsent];
        self.unlucky()?.choice(faults)
    }

    /// What happens to the next read: it may be throttled.
    pub(super) fn read(&mut self) -> Result<(), Error> {
        match self.unlucky() {
            Some(_) => {
                Err(Error::Busy { code: "ProvisionedThroughputExceededException".to_owned() })
            }
            None => Ok(()),
        }
    }

    /// The process that reads and writes.
    pub(super) fn crash(&self) -> Crash {
        self.crashing.crash()
    }

    fn unlucky(&mut self) -> Option<&mut fastrand::Rng> {
        let (rng, percent) = self.flaky.as_mut()?;
        (rng.u8(0..100) < *percent).then_some(rng)
    }
}

pub(super) fn lost() -> Error {
    Error::Lost { message: "the connection was closed before an answer came".to_owned() }
}
