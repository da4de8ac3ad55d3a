//! The only place of the kit that reads a clock.
//!
//! Business time is not read here: it reaches a handler as `now`, from what AWS stamped on the
//! record or request ([`crate::consumer`], [`crate::http`]), so that a clock moved by hand reaches
//! real binaries too. Wall time serves what must not move: an invocation's own deadline, log lines,
//! a row's `recordedAt`, signatures and lock expiries.

#![expect(clippy::disallowed_methods, reason = "this is the clock module")]

use pointsman_event::Timestamp;
use std::{
    sync::{
        Arc,
        atomic::{AtomicI64, Ordering},
    },
    time::{Duration, SystemTime, UNIX_EPOCH},
};
use tokio::time::Instant;

/// The wall's time.
pub fn wall() -> Timestamp {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    Timestamp::from_ms(i64::try_from(since.as_millis()).unwrap_or(i64::MAX))
}

/// The wall's time as something to be handed over, so that a test may have walls of its own.
#[derive(Debug, Clone)]
pub struct Wall(Option<Arc<AtomicI64>>);

impl Wall {
    /// The real one: [`wall`].
    pub fn system() -> Self {
        Self(None)
    }

    /// One that stands at `start` until it is [set](Wall::set). Clones share it.
    pub fn by_hand(start: Timestamp) -> Self {
        Self(Some(Arc::new(AtomicI64::new(start.as_ms()))))
    }

    /// Its time now.
    pub fn now(&self) -> Timestamp {
        match &self.0 {
            Some(ms) => Timestamp::from_ms(ms.load(Ordering::Relaxed)),
            None => wall(),
        }
    }

    /// Sets one that is moved by hand, forward or back.
    ///
    /// # Panics
    /// If it is the real one.
    pub fn set(&self, to: Timestamp) {
        let ms = self.0.as_ref().expect("the real wall clock can't be set");
        ms.store(to.as_ms(), Ordering::Relaxed);
    }
}

/// The instant by which an invocation must have answered.
///
/// It runs on a monotonic clock, so that a wall clock set back does not prolong it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Deadline(Instant);

/// A day: no invocation lasts so long, and no instant of today is so near to the epoch.
const LARGEST_DURATION_MS: u64 = 86_400_000;

impl Deadline {
    /// So far from now.
    pub fn after(duration: Duration) -> Self {
        Self(Instant::now() + duration)
    }

    /// At `epoch_ms`, milliseconds since the epoch, as the Lambda Runtime API states it.
    ///
    /// `cargo lambda watch` states 600,000 for ten minutes: what lies in the epoch's first day is taken as a duration.
    pub fn at_epoch_ms(epoch_ms: u64) -> Self {
        if epoch_ms < LARGEST_DURATION_MS {
            return Self::after(Duration::from_millis(epoch_ms));
        }
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wall_by_hand_stands_where_it_was_set() {
        let wall = Wall::by_hand(Timestamp::from_ms(5));
        let clone = wall.clone();
        assert_eq!(wall.now(), Timestamp::from_ms(5));
        clone.set(Timestamp::from_ms(3));
        assert_eq!(wall.now(), Timestamp::from_ms(3));
        assert!(Wall::system().now() > wall.now());
    }

    #[tokio::test(start_paused = true)]
    async fn a_deadline_within_the_epoch_s_first_day_is_a_time_to_go_and_any_other_a_date() {
        // Instants stand still here, so a time to go is met to the millisecond.
        let day = 86_400_000;
        for to_go in [0, 1, 600_000, day - 1] {
            let deadline = Deadline::at_epoch_ms(to_go);
            assert_eq!(deadline, Deadline::after(Duration::from_millis(to_go)), "{to_go} ms");
        }
        for date in [day, day + 600_000] {
            assert!(Deadline::at_epoch_ms(date).passed(), "{date} ms: in 1970");
        }
        let now = u64::try_from(wall().as_ms()).expect("it is not before 1970");
        assert!(Deadline::at_epoch_ms(now - 1).passed());
        // The wall goes on meanwhile; how fast, a test does not say.
        let left = Deadline::at_epoch_ms(now + day).left();
        assert!(left <= Duration::from_millis(day) && !left.is_zero(), "{left:?}");
        assert!(!Deadline::at_epoch_ms(u64::MAX).passed(), "and none is too far away");
    }
}
