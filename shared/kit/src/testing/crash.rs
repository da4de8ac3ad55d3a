//! A process that dies at a chosen call, for tests of what is left behind.

use std::{
    convert::Infallible,
    pin::pin,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    task::Poll,
};

/// Ends a piece of work at a call to a memory adapter, as the death of its process would.
///
/// The adapters that were told of it strike by chance (`crashing`) or when asked (`fail_next`), just
/// before or just after they did what they were called for. [`Crash::run`] then drops the work where
/// it stands. No time passes. Clones share one process.
///
/// ```
/// # tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
/// use pointsman_kit::table::{Fault, Item, Key, Memory, Op, Tables};
/// use pointsman_kit::testing::Crash;
///
/// let (tables, crash) = (Memory::new(), Crash::new());
/// tables.crashing(&crash, 0, 0);
/// tables.fail_next(Fault::CrashAfter);
/// let put = Op::put(Key::new("T", "lamp#7", "lamp"), Item::new());
/// assert_eq!(crash.run(tables.write(put.clone())).await, None);
/// assert_eq!(tables.items("T").len(), 1, "written, but nobody was told");
/// assert_eq!(crash.run(tables.write(put)).await, Some(Ok(())));
/// # });
/// ```
#[derive(Debug, Clone, Default)]
pub struct Crash(Arc<AtomicBool>);

/// When, of a call, a crash comes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Moment {
    Before,
    After,
}

/// An adapter's part in it: which process its calls belong to, and how likely each is its last.
#[derive(Debug, Clone, Default)]
pub(crate) struct Crashing {
    crash: Crash,
    chance: Option<(fastrand::Rng, u8)>,
}

impl Crash {
    /// A process in good health.
    pub fn new() -> Self {
        Self::default()
    }

    /// Runs `work` to its end, or until a call of it strikes: then it is dropped, and the answer is
    /// `None`. The next piece of work runs in a new process, as it were.
    pub async fn run<T>(&self, work: impl Future<Output = T>) -> Option<T> {
        let mut work = pin!(work);
        std::future::poll_fn(|context| {
            let poll = work.as_mut().poll(context);
            // Whatever else the work did at the same time: a dead process has not ended it.
            match (poll, self.0.swap(false, Ordering::Relaxed)) {
                (_, true) => Poll::Ready(None),
                (Poll::Ready(done), false) => Poll::Ready(Some(done)),
                (Poll::Pending, false) => Poll::Pending,
            }
        })
        .await
    }

    /// Strikes: the call never ends.
    pub(crate) async fn strike(&self) -> Infallible {
        self.0.store(true, Ordering::Relaxed);
        std::future::pending().await
    }
}

impl Crashing {
    /// From now on `percent` of all calls are the last of `crash`'s process, drawn from `seed`.
    pub(crate) fn new(crash: &Crash, seed: u64, percent: u8) -> Self {
        Self { crash: crash.clone(), chance: Some((fastrand::Rng::with_seed(seed), percent)) }
    }

    /// Whether the next call is one of them.
    pub(crate) fn draw(&mut self) -> Option<Moment> {
        let (rng, percent) = self.chance.as_mut()?;
        (rng.u8(0..100) < *percent).then(|| if rng.bool() { Moment::Before } else { Moment::After })
    }

    /// The process its calls belong to.
    pub(crate) fn crash(&self) -> Crash {
        self.crash.clone()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_dead_process_has_ended_nothing() {
        let crash = Crash::new();
        let work = async {
            tokio::select! {
                biased;
                never = crash.strike() => match never {},
                () = std::future::ready(()) => {}
            }
        };
        assert_eq!(crash.run(work).await, None);
        assert_eq!(crash.run(async { 1 }).await, Some(1), "the next process lives");
    }

    #[test]
    fn a_seed_strikes_alike_each_time_and_as_often_as_it_was_told() {
        let drawn = |percent| -> Vec<Option<Moment>> {
            let mut crashing = Crashing::new(&Crash::new(), 7, percent);
            (0..1000).map(|_| crashing.draw()).collect()
        };
        assert_eq!(drawn(10), drawn(10));
        let count = |moment| drawn(10).iter().filter(|drawn| **drawn == moment).count();
        assert!((30..=70).contains(&count(Some(Moment::Before))));
        assert!((30..=70).contains(&count(Some(Moment::After))));
        assert!(drawn(0).iter().all(Option::is_none));
        assert!(drawn(100).iter().all(Option::is_some));
    }
}
