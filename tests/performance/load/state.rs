use super::Outcome;
use crate::clock;
use crate::proc::Cpu;
use std::ops::Range;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};
use std::time::{Duration, Instant};

/// What the threads of one load know together: which events were sent when, and which came.
pub(crate) struct Board {
    began: Instant,
    limit: Duration,
    events: u64,
    /// Events with lower numbers were there before.
    backlog: u64,
    next: AtomicU64,
    accepted: AtomicU64,
    /// Nanoseconds from the beginning, by number; those of the backlog have none.
    sent: Vec<AtomicU64>,
    seen: Vec<AtomicBool>,
    came: AtomicU64,
    again: AtomicU64,
    /// When the last that counts came.
    last: AtomicU64,
    put: AtomicU64,
    stop: AtomicBool,
    latencies: Mutex<Vec<u64>>,
    cpu: Mutex<(Cpu, Cpu)>,
    fault: Mutex<Option<String>>,
}

impl Board {
    pub(crate) fn new(events: u64, limit: Duration) -> Board {
        Board::with_backlog(events, 0, limit)
    }

    pub(crate) fn with_backlog(events: u64, backlog: u64, limit: Duration) -> Board {
        let all = usize::try_from(events + backlog).unwrap_or_default();
        Board {
            began: clock::now(),
            limit,
            events,
            backlog,
            next: AtomicU64::new(0),
            accepted: AtomicU64::new(0),
            sent: (0..all).map(|_| AtomicU64::new(0)).collect(),
            seen: (0..all).map(|_| AtomicBool::new(false)).collect(),
            came: AtomicU64::new(0),
            again: AtomicU64::new(0),
            last: AtomicU64::new(0),
            put: AtomicU64::new(0),
            stop: AtomicBool::new(false),
            latencies: Mutex::default(),
            cpu: Mutex::default(),
            fault: Mutex::default(),
        }
    }

    /// The next events to send, at most so many; none when all are taken or time is up.
    pub(super) fn next(&self, most: u64) -> Option<Range<u64>> {
        if self.stopped() || self.late() {
            return None;
        }
        let start = self.next.fetch_add(most, Relaxed);
        (start < self.events).then(|| start..(start + most).min(self.events))
    }

    /// Waits until so many seconds from the beginning; whether they were over already.
    pub(super) fn until(&self, seconds: f64) -> bool {
        let due = Duration::from_secs_f64(seconds);
        let Some(left) = due.checked_sub(self.began.elapsed()) else { return true };
        std::thread::sleep(left);
        false
    }

    /// Notes that events are being sent: now, or since their due at a rate of so many a second.
    pub(super) fn sent(&self, range: Range<u64>, first: u64, due: Option<f64>) {
        for number in range {
            let now = due.map(|rate| (number as f64 / rate * 1e9) as u64);
            let now = now.unwrap_or_else(|| self.elapsed());
            if let Some(sent) = self.at(&self.sent, first + number) {
                sent.store(now.max(1), Relaxed);
            }
        }
    }

    pub(super) fn accept(&self, events: u64) {
        self.accepted.fetch_add(events, Relaxed);
    }

    pub(crate) fn accepted(&self) -> u64 {
        self.accepted.load(Relaxed)
    }

    /// Notes that all is put.
    pub(crate) fn all_put(&self) {
        self.put.store(self.elapsed(), Relaxed);
    }

    /// Notes that an event came, at a time of [`Board::elapsed`].
    pub(crate) fn received(&self, number: u64, now: u64) {
        let Some(seen) = self.at(&self.seen, number) else { return };
        if seen.swap(true, Relaxed) {
            self.again.fetch_add(1, Relaxed);
            return;
        }
        if let Some(sent) = self.at(&self.sent, number).map(|sent| sent.load(Relaxed))
            && sent > 0
            && let Ok(mut latencies) = self.latencies.lock()
        {
            latencies.push(now.saturating_sub(sent));
        }
        if self.came.fetch_add(1, Relaxed) < self.events {
            self.last.fetch_max(now, Relaxed);
        }
    }

    fn at<'a, T>(&self, all: &'a [T], number: u64) -> Option<&'a T> {
        usize::try_from(number).ok().and_then(|number| all.get(number))
    }

    /// Waits until as many came as were sent, or time is up, or something failed.
    pub(crate) fn wait(&self) {
        while !self.full() && !self.late() && !self.stopped() {
            std::thread::sleep(Duration::from_millis(1));
        }
    }

    /// Whether as many came as were sent.
    pub(super) fn full(&self) -> bool {
        self.came.load(Relaxed) >= self.events
    }

    /// Ends whatever waits: a long poll, or producers.
    pub(crate) fn stop(&self) {
        self.stop.store(true, Relaxed);
    }

    pub(super) fn stopped(&self) -> bool {
        self.stop.load(Relaxed)
    }

    /// Notes what a thread ended with; a fault ends all.
    pub(crate) fn noted(&self, result: Result<(), String>) {
        let Err(why) = result else { return };
        // A server that is given up may answer no more.
        if !self.stopped()
            && !self.late()
            && let Ok(mut fault) = self.fault.lock()
        {
            fault.get_or_insert(why);
        }
        self.stop();
    }

    pub(crate) fn fault(&self) -> Option<String> {
        self.fault.lock().ok().and_then(|fault| fault.clone())
    }

    /// Nanoseconds from the beginning.
    pub(crate) fn elapsed(&self) -> u64 {
        u64::try_from(self.began.elapsed().as_nanos()).unwrap_or(u64::MAX)
    }

    pub(super) fn limit(&self) -> Duration {
        self.limit
    }

    fn late(&self) -> bool {
        self.began.elapsed() > self.limit
    }

    /// Keeps what the load and the server used.
    pub(crate) fn measured(&self, own: Cpu, server: Cpu) {
        if let Ok(mut cpu) = self.cpu.lock() {
            *cpu = (own, server);
        }
    }

    /// The figures, once all threads have ended; `resident` are the server's megabytes.
    pub(crate) fn outcome(&self, burst: bool, resident: f64) -> Result<Outcome, String> {
        if let Some(fault) = self.fault() {
            return Err(fault);
        }
        let came = self.came.load(Relaxed).min(self.events);
        if came < self.events {
            return Ok(Outcome::given_up(format!(
                "gave up after {} s: {came} of {} came",
                self.limit.as_secs(),
                self.events
            )));
        }
        let mut outcome = Outcome::default();
        let seconds = |nanoseconds: u64| nanoseconds as f64 / 1e9;
        let (put, last) =
            (seconds(self.put.load(Relaxed)), seconds(self.last.load(Relaxed).max(1)));
        // A backlog can be received faster than the stream is put: what counts is when both are done.
        let whole = if self.backlog > 0 { last.max(put) } else { last };
        let events = self.events as f64;
        outcome.set("events_per_s", events / whole);
        outcome.set("put_per_s", events / put);
        if burst {
            outcome.set("drain_per_s", events / (last - put).max(1e-9));
        }
        let mut latencies = self.latencies.lock().map_err(|_| "a thread panicked")?;
        latencies.sort_unstable();
        if self.backlog == 0 {
            outcome.set("p50_ms", percentile(&latencies, 0.5) / 1e6);
            outcome.set("p99_ms", percentile(&latencies, 0.99) / 1e6);
        }
        let (own, server) = *self.cpu.lock().map_err(|_| "a thread panicked")?;
        outcome.set("server_us", server.total() * 1e6 / events);
        outcome.set("server_system_us", server.system * 1e6 / events);
        outcome.set("load_us", own.total() * 1e6 / events);
        outcome.set("resident_mb", resident);
        outcome.set("twice", self.again.load(Relaxed) as f64);
        Ok(outcome)
    }
}

fn percentile(sorted: &[u64], part: f64) -> f64 {
    let last = sorted.len().saturating_sub(1) as f64;
    sorted.get((last * part).round() as usize).copied().unwrap_or_default() as f64
}
