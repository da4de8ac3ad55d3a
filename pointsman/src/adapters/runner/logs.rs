use super::log_file::LogFile;
use crate::clock::{Clock, Time};
use crate::engine::{Id, Name};
use serde::{Deserialize, Serialize};
use std::borrow::Cow;
use std::collections::VecDeque;
use std::fmt;
use std::io;
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::sync::broadcast;

/// So many lines wait for a slow reader before it is told what it missed.
const WAITING: usize = 8_192;

/// So many bytes of text are kept to be looked at later, oldest dropped first: 4 MiB.
const KEPT: usize = 4 * 1024 * 1024;

/// A line of a function's log.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct LogLine {
    /// Wall time.
    pub at: Time,
    /// The function.
    pub function: Name,
    /// The environment, by its number in this epoch; 0 where there is none.
    pub environment: u64,
    /// The invocation it belongs to; `None` before the first.
    pub request: Option<Id>,
    /// What it says.
    pub said: Said,
}

/// What a line says; its text is as Lambda writes it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Said {
    /// The function wrote this to standard output.
    Out(String),
    /// The function wrote this to standard error.
    Err(String),
    /// An invocation began.
    Start,
    /// An invocation ended.
    End,
    /// What an invocation took.
    Report {
        /// From handing it over to the answer.
        duration: Duration,
        /// `MemorySize` in MB.
        memory: u32,
        /// The most the process ever used in MB, where the system tells.
        peak: Option<u32>,
        /// From the start of the process to its first question for work, for the first invocation.
        init: Option<Duration>,
        /// `error` or `timeout`; `None` for an answer.
        status: Option<Cow<'static, str>>,
    },
    /// Something went wrong outside of the function: it could not be started, a filter cannot be read.
    Trouble(String),
}

impl fmt::Display for LogLine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let request = self.request.map(|id| id.to_string()).unwrap_or_default();
        match &self.said {
            Said::Out(text) | Said::Err(text) | Said::Trouble(text) => f.write_str(text),
            Said::Start => write!(f, "START RequestId: {request} Version: $LATEST"),
            Said::End => write!(f, "END RequestId: {request}"),
            Said::Report { duration, memory, peak, init, status } => {
                write!(f, "REPORT RequestId: {request}\tDuration: {:.2} ms", millis(*duration))?;
                let billed = (*duration + init.unwrap_or_default()).as_nanos().div_ceil(1_000_000);
                write!(f, "\tBilled Duration: {billed} ms\tMemory Size: {memory} MB")?;
                if let Some(peak) = peak {
                    write!(f, "\tMax Memory Used: {peak} MB")?;
                }
                if let Some(init) = init {
                    write!(f, "\tInit Duration: {:.2} ms", millis(*init))?;
                }
                status.as_ref().map_or(Ok(()), |status| write!(f, "\tStatus: {status}"))
            }
        }
    }
}

fn millis(duration: Duration) -> f64 {
    duration.as_secs_f64() * 1000.0
}

/// The logs of all functions: to follow, and the last of them to look back on, also those of earlier starts.
#[derive(Clone)]
pub struct Logs {
    clock: Arc<dyn Clock>,
    sender: broadcast::Sender<Arc<LogLine>>,
    kept: Arc<Mutex<Kept>>,
    file: Option<LogFile>,
}

#[derive(Default)]
struct Kept {
    lines: VecDeque<Arc<LogLine>>,
    bytes: usize,
}

impl Logs {
    /// Logs of this start alone, or also those that earlier starts have left in a folder.
    pub(super) fn new(clock: Arc<dyn Clock>, folder: Option<&Path>) -> io::Result<Self> {
        let kept: Arc<Mutex<Kept>> = Arc::default();
        let file = match folder {
            Some(folder) => {
                let kept = kept.clone();
                Some(LogFile::open(folder, move |lines| lock(&kept).begin_with(lines))?)
            }
            None => None,
        };
        Ok(Logs { clock, sender: broadcast::channel(WAITING).0, kept, file })
    }

    /// Every line from now on. A reader that is too slow is told how many passed it by.
    pub fn follow(&self) -> broadcast::Receiver<Arc<LogLine>> {
        self.sender.subscribe()
    }

    /// The last lines, oldest first: as many as 4 MiB of text hold.
    pub fn recent(&self) -> Vec<Arc<LogLine>> {
        self.kept().lines.iter().cloned().collect()
    }

    /// [`Logs::recent`] and what [`Logs::follow`] tells from just behind them on.
    pub fn recent_and_follow(&self) -> (Vec<Arc<LogLine>>, broadcast::Receiver<Arc<LogLine>>) {
        let kept = self.kept();
        (kept.lines.iter().cloned().collect(), self.sender.subscribe())
    }

    pub(super) fn say(&self, function: &Name, environment: u64, request: Option<Id>, said: Said) {
        let at = self.clock.wall();
        let line = Arc::new(LogLine { at, function: function.clone(), environment, request, said });
        let mut kept = self.kept();
        kept.push(line.clone());
        if let Some(file) = &self.file {
            file.keep(line.clone());
        }
        // In the same order for those who follow; nobody there is no fault.
        let _ = self.sender.send(line);
    }

    fn kept(&self) -> MutexGuard<'_, Kept> {
        lock(&self.kept)
    }
}

/// A panic elsewhere leaves the lines whole: each change is one call.
fn lock(kept: &Mutex<Kept>) -> MutexGuard<'_, Kept> {
    kept.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Kept {
    /// Puts lines of earlier starts before all others, as far as there is room.
    fn begin_with(&mut self, lines: Vec<LogLine>) {
        for line in lines.into_iter().rev().map(Arc::new) {
            let size = size(&line);
            if self.bytes + size > KEPT {
                return;
            }
            self.bytes += size;
            self.lines.push_front(line);
        }
    }

    fn push(&mut self, line: Arc<LogLine>) {
        self.bytes += size(&line);
        self.lines.push_back(line);
        while self.bytes > KEPT
            && let Some(oldest) = self.lines.pop_front()
        {
            self.bytes -= size(&oldest);
        }
    }
}

fn size(line: &LogLine) -> usize {
    let text = match &line.said {
        Said::Out(text) | Said::Err(text) | Said::Trouble(text) => text.len(),
        _ => 0,
    };
    text + size_of::<LogLine>()
}
