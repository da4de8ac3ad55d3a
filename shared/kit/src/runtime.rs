//! What one invocation of a function knows of itself, and (feature `lambda`) how a function runs.
//!
//! Everything that handles a batch or a request takes an [`Invocation`]; only `run` knows the
//! Lambda Runtime API, so the rest is tested without it.

use crate::{clock::Deadline, observability::Log};
use std::{future::Future, panic::AssertUnwindSafe, pin::pin, task::Poll, time::Duration};

/// Any error that ends a function's start or fails a whole invocation.
pub type Error = Box<dyn std::error::Error + Send + Sync>;

/// What is set aside at the end of an invocation to answer in.
#[cfg(feature = "lambda")]
const MARGIN: Duration = Duration::from_millis(300);

/// One invocation.
#[derive(Debug, Clone)]
pub struct Invocation {
    /// Lambda's id of it.
    pub request_id: String,
    /// By when the work must be done: a little before Lambda ends the invocation.
    pub deadline: Deadline,
    /// Whether it is this process's first.
    pub cold_start: bool,
    /// The log, with the invocation's ids.
    pub log: Log,
}

impl Invocation {
    /// An invocation with all of `left` for its work.
    pub fn new(request_id: &str, left: Duration, log: &Log) -> Self {
        Self {
            request_id: request_id.to_owned(),
            deadline: Deadline::after(left),
            cold_start: false,
            log: log.with("requestId", request_id),
        }
    }
}

/// How a piece of work ended that was watched.
pub(crate) enum Watched<T> {
    /// By itself.
    Done(T),
    /// In a panic, with its text.
    Panicked(String),
    /// Not before the deadline; it was dropped where it waited.
    Late,
}

/// Runs `work` until it ends, panics, or the deadline comes.
pub(crate) async fn watch<T>(deadline: Deadline, work: impl Future<Output = T>) -> Watched<T> {
    let mut work = pin!(work);
    // A panicking future is never polled again, and what it owned is dropped with it.
    let caught = std::future::poll_fn(|context| {
        let poll = AssertUnwindSafe(|| work.as_mut().poll(context));
        match std::panic::catch_unwind(poll) {
            Ok(Poll::Pending) => Poll::Pending,
            Ok(Poll::Ready(done)) => Poll::Ready(Watched::Done(done)),
            Err(panic) => Poll::Ready(Watched::Panicked(panic_text(&*panic))),
        }
    });
    tokio::time::timeout_at(deadline.instant(), caught).await.unwrap_or(Watched::Late)
}

fn panic_text(panic: &(dyn std::any::Any + Send)) -> String {
    let text = panic.downcast_ref::<&str>().map(|text| (*text).to_owned());
    text.or_else(|| panic.downcast_ref::<String>().cloned())
        .unwrap_or_else(|| "a panic without text".to_owned())
}

/// Runs a function until its environment ends: `init` once, then `handle` for each event.
///
/// Functions on a queue, a stream or behind an API have a `run` of their own, with a harness; this is
/// what these share, and for functions that are invoked by hand.
///
/// One thread runs all: half the latency and a third of the CPU of a pool on Lambda's small cores.
///
/// # Errors
/// If `init` fails or the Lambda Runtime API is gone.
#[cfg(feature = "lambda")]
pub fn run<E, A, S>(
    function: &str,
    init: impl AsyncFnOnce() -> Result<S, Error>,
    handle: impl AsyncFn(&S, E, Invocation) -> Result<A, Error>,
) -> Result<(), Error>
where
    E: for<'de> serde::Deserialize<'de>,
    A: serde::Serialize,
{
    let log = Log::new(function);
    report_panics(&log);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async {
        let state =
            init().await.inspect_err(|error| log.error("init failed").cause(error).emit())?;
        let cold = std::cell::Cell::new(true);
        lambda_runtime::run(lambda_runtime::service_fn(
            async |event: lambda_runtime::LambdaEvent<E>| {
                let context = event.context;
                let cold_start = cold.replace(false);
                let invocation = Invocation {
                    deadline: Deadline::at_epoch_ms(context.deadline).earlier(MARGIN),
                    log: log.with("requestId", &context.request_id).with("coldStart", cold_start),
                    request_id: context.request_id,
                    cold_start,
                };
                handle(&state, event.payload, invocation).await
            },
        ))
        .await
    })
}

/// Panics become log lines as well; the default prints text that no query finds.
#[cfg(feature = "lambda")]
fn report_panics(log: &Log) {
    let log = log.clone();
    std::panic::set_hook(Box::new(move |panic| {
        let place = panic.location().map(ToString::to_string);
        log.error("panic").field("place", place).field("error", panic.payload_as_str()).emit();
    }));
}
