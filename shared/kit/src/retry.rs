//! Waiting before trying again: exponential, with full jitter, never past the deadline.
//!
//! Full jitter (any pause between nothing and the ceiling, each as likely) spreads out writers that
//! met in a conflict; equal pauses would let them meet again.

use crate::clock::Deadline;
use std::time::Duration;

/// The ceilings of the pauses between attempts: `base`, doubling up to `cap`.
#[derive(Debug, Clone)]
pub struct Backoff {
    rng: fastrand::Rng,
    deadline: Deadline,
    ceiling: Duration,
    cap: Duration,
}

impl Backoff {
    /// Pauses from at most 20 ms up to at most 2 s, until `deadline`.
    pub fn until(deadline: Deadline) -> Self {
        Self {
            rng: fastrand::Rng::new(),
            deadline,
            ceiling: Duration::from_millis(20),
            cap: Duration::from_secs(2),
        }
    }

    /// Draws the pauses from `seed`.
    #[must_use]
    pub fn seeded(mut self, seed: u64) -> Self {
        self.rng = fastrand::Rng::with_seed(seed);
        self
    }

    /// Waits before the next attempt. `false`, without waiting, if the deadline would come first:
    /// then there is no next attempt.
    pub async fn pause(&mut self) -> bool {
        let pause = self.next();
        if pause >= self.deadline.left() {
            return false;
        }
        tokio::time::sleep(pause).await;
        true
    }

    fn next(&mut self) -> Duration {
        let ceiling = self.ceiling;
        self.ceiling = (ceiling * 2).min(self.cap);
        // At least a millisecond: a loop that draws zeros would spin.
        ceiling.mul_f64(self.rng.f64()).max(Duration::from_millis(1))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn pauses_stay_below_their_ceiling_and_end_before_the_deadline() {
        for seed in 0..50 {
            let deadline = Deadline::after(Duration::from_secs(10));
            let mut backoff = Backoff::until(deadline).seeded(seed);
            let mut ceiling = Duration::from_millis(20);
            let (mut before, mut pauses) = (deadline.left(), 0);
            while backoff.pause().await {
                pauses += 1;
                let paused = before - deadline.left();
                // tokio's timer counts in milliseconds and rounds up.
                assert!(paused <= ceiling + Duration::from_millis(1), "seed {seed}: {paused:?}");
                ceiling = (ceiling * 2).min(Duration::from_secs(2));
                before = deadline.left();
            }
            assert!(!deadline.passed(), "seed {seed}");
            assert!((10..60).contains(&pauses), "seed {seed}: {pauses}");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn after_the_deadline_there_is_no_attempt() {
        let mut backoff = Backoff::until(Deadline::after(Duration::ZERO));
        assert!(!backoff.pause().await);
    }
}
