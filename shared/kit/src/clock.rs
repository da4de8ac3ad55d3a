//! The only place of the kit that reads a clock.
//!
//! Business time is not read here: it reaches a handler as `now`, from what AWS stamped on the
//! record or request ([`crate::consumer`], [`crate::http`]), so that a clock moved by hand reaches
//! real binaries too. Wall time serves what must not move: an invocation's own deadline, log lines,
//! a row's `recordedAt`, signatures and lock expiries.

#![expect(clippy::disallowed_methods, reason = "this is the clock module")]

use pointsman_event::Timestamp;
use std::time::{Duration, SystemTime, UNIX_EPOCH};
use tokio::time::Instant;

/// The wall's time.
pub fn wall() -> Timestamp {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    Timestamp::from_ms(i64::try_from(since.as_millis()).unwrap_or(i64::MAX))
}

/// The instant by which an invocation must have answered.
///
/// It runs on a monotonic clock, so that a wall clock set back does not prolong it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Deadline(Instant);

impl Deadline {
    /// So far from now.
    pub fn after(duration: Duration) -> Self {
        Self(Instant::now() + duration)
    }

    /// At `epoch_ms`, milliseconds since the epoch, as the Lambda Runtime API states it.
    pub fn at_epoch_ms(epoch_ms: u64) -> Self {
        let now = u64::try_from(wall().as_ms()).unwrap_or(0);
        Self::after(Duration::from_millis(epoch_ms.saturating_sub(now)))
    }

    /// The same deadline, earlier by `margin`: what must be done before leaves that much time.
    #[must_use]
    pub fn earlier(self, margin: Duration) -> Self {
        Self(self.0.checked_sub(margin).unwrap_or(self.0))
    }

    /// The time left; zero once it has passed.
    pub fn left(self) -> Duration {
        self.0.saturating_duration_since(Instant::now())
    }

    /// Whether it has passed.
    pub fn passed(self) -> bool {
        self.left().is_zero()
    }

    /// The moment itself, for `tokio::time`.
    pub fn instant(self) -> Instant {
        self.0
    }
}
