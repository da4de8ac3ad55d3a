//! The one place that reads the wall clock.
//!
//! *Wall time* is what the machine says. *Engine time* is wall time plus the offset by which somebody moved the
//! clock, and never before the last journaled instant; the engine works it out from a [`Clock`] it is given.

use serde::{Deserialize, Serialize};
use std::ops::{Add, Sub};
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

/// An instant in milliseconds since 1970-01-01T00:00:00Z.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
pub struct Time(pub i64);

impl Time {
    /// Whole seconds since the epoch, rounded down.
    pub fn seconds(self) -> i64 {
        self.0.div_euclid(1000)
    }

    /// This many seconds later.
    pub fn plus_seconds(self, seconds: u32) -> Time {
        Time(self.0.saturating_add(i64::from(seconds) * 1000))
    }

    /// RFC 3339 in UTC with whole seconds, as EventBridge stamps events.
    pub fn rfc3339(self) -> String {
        let seconds = self.0.div_euclid(1000);
        jiff::Timestamp::from_second(seconds).unwrap_or_default().to_string()
    }

    /// RFC 3339 in UTC with milliseconds.
    pub fn rfc3339_millis(self) -> String {
        format!("{}.{:03}Z", self.format("%Y-%m-%dT%H:%M:%S"), self.0.rem_euclid(1000))
    }

    /// `strftime` in UTC.
    pub fn format(self, format: &str) -> String {
        let stamp = jiff::Timestamp::from_millisecond(self.0).unwrap_or_default();
        stamp.strftime(format).to_string()
    }
}

impl Add<Duration> for Time {
    type Output = Time;
    fn add(self, by: Duration) -> Time {
        Time(self.0.saturating_add(i64::try_from(by.as_millis()).unwrap_or(i64::MAX)))
    }
}

impl Sub for Time {
    type Output = Duration;
    /// The time from `earlier` to `self`; zero if it is not earlier.
    fn sub(self, earlier: Time) -> Duration {
        Duration::from_millis(u64::try_from(self.0.saturating_sub(earlier.0)).unwrap_or(0))
    }
}

/// Where wall time comes from.
pub trait Clock: Send + Sync + 'static {
    /// Wall time now.
    fn wall(&self) -> Time;
}

/// The machine's clock.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    #[expect(clippy::disallowed_methods, reason = "this is the clock module")]
    fn wall(&self) -> Time {
        let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
        Time(since.map_or(0, |d| i64::try_from(d.as_millis()).unwrap_or(i64::MAX)))
    }
}

/// A clock that stands still until it is set: for tests and simulations.
#[derive(Debug, Default)]
pub struct ManualClock(AtomicI64);

impl ManualClock {
    /// A clock that shows `at`.
    pub fn new(at: Time) -> Self {
        ManualClock(AtomicI64::new(at.0))
    }

    /// Moves it on.
    pub fn advance(&self, by: Duration) {
        self.0.fetch_add(i64::try_from(by.as_millis()).unwrap_or(i64::MAX), Ordering::SeqCst);
    }
}

impl Clock for ManualClock {
    fn wall(&self) -> Time {
        Time(self.0.load(Ordering::SeqCst))
    }
}

/// Sleeps for `by` of wall time on the async runtime.
pub(crate) async fn sleep(by: Duration) {
    tokio::time::sleep(by).await;
}

/// Measures how long something takes, in wall time that nobody sets.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Stopwatch(tokio::time::Instant);

impl Stopwatch {
    /// Begins to measure.
    #[expect(clippy::disallowed_methods, reason = "this is the clock module")]
    pub(crate) fn start() -> Self {
        Stopwatch(tokio::time::Instant::now())
    }

    /// The time since.
    pub(crate) fn elapsed(self) -> Duration {
        self.0.elapsed()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_instant_prints_as_eventbridge_and_as_rfc3339() {
        let t = Time(1_647_988_783_042);
        assert_eq!(t.rfc3339(), "2022-03-22T22:39:43Z");
        assert_eq!(t.rfc3339_millis(), "2022-03-22T22:39:43.042Z");
    }
}
