//! Readings of the shop's servers: which of a batch are recorded, and what one is made from.
//!
//! A host has one CPU usage at an instant. So host and instant are what a reading is known by: told
//! again, in the same request or another, it is the same event, which consumers meet as a
//! duplicate. A host that could not reach the shop for a day may tell of all of it; what comes from
//! the future is refused, since a consumer judges a span of time once it has heard from behind it.

#[cfg(test)]
mod tests;

use crate::Refusal;
use contract::{
    event::Timestamp,
    reading::{CpuUsageRecorded, RecordCpuUsage},
    values::{Host, Percent},
};
use std::collections::BTreeMap;

/// By how much a host's clock may be ahead of ours, in milliseconds.
pub const AHEAD_MS: i64 = 60_000;

/// A batch, judged reading by reading.
#[derive(Debug)]
pub struct Batch {
    now: Timestamp,
    told: BTreeMap<(Host, Timestamp), (usize, Percent)>,
}

/// What becomes of a reading.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// It is recorded.
    Recorded(CpuUsageRecorded),
    /// It is the one at this place of the batch, told again.
    SameAs(usize),
    /// It is not recorded.
    Refused(Refusal),
}

impl Batch {
    /// A batch that came at `now`.
    pub fn at(now: Timestamp) -> Self {
        Self { now, told: BTreeMap::new() }
    }

    /// What becomes of the reading at `place`.
    pub fn judge(&mut self, place: usize, reading: RecordCpuUsage) -> Verdict {
        let RecordCpuUsage { host, at, cpu_percent } = reading;
        if at.as_ms() > self.now.as_ms().saturating_add(AHEAD_MS) {
            return Verdict::Refused(Refusal::ReadingInFuture);
        }
        match self.told.insert((host.clone(), at), (place, cpu_percent)) {
            None => Verdict::Recorded(CpuUsageRecorded { host, at, cpu_percent }),
            Some(first) => {
                self.told.insert((host, at), first);
                if first.1 == cpu_percent {
                    Verdict::SameAs(first.0)
                } else {
                    Verdict::Refused(Refusal::ReadingContradicted)
                }
            }
        }
    }
}

/// How busy a machine is, from the text of Linux's `/proc/loadavg`: the average number of tasks that
/// ran or waited over the last minute, held against its processors, at most all of them. `None` if
/// that is no such text.
pub fn busy(loadavg: &str, processors: usize) -> Option<Percent> {
    let load: f64 = loadavg.split_whitespace().next()?.parse().ok()?;
    if !load.is_finite() {
        return None;
    }
    // Far below 2^53.
    let processors = processors.max(1) as f64;
    Percent::try_from((load / processors * 100.0).min(100.0)).ok()
}
