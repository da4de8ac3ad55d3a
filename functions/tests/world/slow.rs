//! Tables that take their time, so that functions at work at the same moment come between each
//! other's reads and writes; and the time that passes meanwhile.

use async_trait::async_trait;
use contract::event::Timestamp;
use fastrand::Rng;
use pointsman_kit::{
    clock::Wall,
    table::{Cursor, Error, Item, Key, Memory, Op, Page, Query, Scan, Tables},
};
use std::{
    sync::{Mutex, PoisonError},
    time::Duration,
};
use tokio::time::{Instant, sleep};

/// The time of a world: it passes only while everybody waits. Clones are the same.
#[derive(Clone)]
pub(crate) struct Time {
    began: Instant,
    start: i64,
    /// The same, as functions get it that use a lock.
    pub(crate) wall: Wall,
}

impl Time {
    #[expect(clippy::disallowed_methods, reason = "this is the clock of a world")]
    pub(crate) fn new(start: i64) -> Self {
        let wall = Wall::by_hand(Timestamp::from_ms(start));
        Self { began: Instant::now(), start, wall }
    }

    /// Milliseconds since the epoch.
    pub(crate) fn now(&self) -> i64 {
        let passed = self.began.elapsed().as_millis();
        self.start + i64::try_from(passed).unwrap_or(i64::MAX)
    }

    pub(crate) async fn pass(&self, ms: i64) {
        sleep(Duration::from_millis(u64::try_from(ms).unwrap_or(0))).await;
        self.wall.set(Timestamp::from_ms(self.now()));
    }
}

/// Tables in memory, slower than they are.
pub(crate) struct Slow {
    tables: Memory,
    time: Time,
    rng: Mutex<Rng>,
}

impl Slow {
    pub(crate) fn new(tables: Memory, time: Time, seed: u64) -> Self {
        Self { tables, time, rng: Mutex::new(Rng::with_seed(seed)) }
    }

    async fn wait(&self) {
        let ms = {
            let mut rng = self.rng.lock().unwrap_or_else(PoisonError::into_inner);
            match rng.u8(0..100) {
                // So long that an invocation may end before its answer comes.
                0 => rng.i64(0..6_000),
                1..40 => rng.i64(1..30),
                _ => return,
            }
        };
        self.time.pass(ms).await;
    }
}

#[async_trait]
impl Tables for Slow {
    async fn get(&self, key: &Key) -> Result<Option<Item>, Error> {
        self.wait().await;
        self.tables.get(key).await
    }

    async fn page(&self, query: &Query, after: Option<&Cursor>) -> Result<Page, Error> {
        self.wait().await;
        self.tables.page(query, after).await
    }

    async fn scan(&self, scan: &Scan, after: Option<&Cursor>) -> Result<Page, Error> {
        self.wait().await;
        self.tables.scan(scan, after).await
    }

    async fn write(&self, op: Op) -> Result<(), Error> {
        self.wait().await;
        let written = self.tables.write(op).await;
        self.wait().await;
        written
    }

    async fn transact(&self, ops: Vec<Op>) -> Result<(), Error> {
        self.wait().await;
        let written = self.tables.transact(ops).await;
        self.wait().await;
        written
    }
}
