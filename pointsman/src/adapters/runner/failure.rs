//! How an invocation fails, in Lambda's words.

use super::spawner::Exit;
use crate::engine::Id;
use crate::services::function::Finished;
use bytes::Bytes;
use serde::{Deserialize, Serialize};
use std::borrow::Cow;
use std::time::Duration;

/// The most a function may answer, in bytes: 6 MB and a little for the envelope.
pub(super) const LARGEST_ANSWER: usize = 6_291_556;

#[derive(Serialize)]
struct Shown<'a> {
    #[serde(rename = "errorType")]
    kind: &'a str,
    #[serde(rename = "errorMessage")]
    message: &'a str,
}

/// The JSON that an invoker is shown.
pub(super) fn body(kind: &str, message: &str) -> Bytes {
    // Two texts always serialise.
    serde_json::to_vec(&Shown { kind, message }).unwrap_or_default().into()
}

/// A failure of this type and message.
pub(super) fn failed(kind: &str, message: impl Into<String>) -> Finished {
    let message = message.into();
    let body = body(kind, &message);
    Finished::Failed { kind: kind.to_owned(), message, body }
}

/// The process ended before it answered.
pub(super) fn exited(request: Id, exit: Exit) -> Finished {
    failed("Runtime.ExitError", format!("RequestId: {request} Error: {}", how(exit)))
}

/// How a process ended, as a sentence.
pub(super) fn how(exit: Exit) -> String {
    match exit {
        Exit::Status(0) => "Runtime exited without providing a reason".to_owned(),
        Exit::Status(status) => format!("Runtime exited with error: exit status {status}"),
        Exit::Signal(number) => format!("Runtime exited with error: signal: {}", signal(number)),
    }
}

fn signal(number: i32) -> Cow<'static, str> {
    match number {
        4 => "illegal instruction".into(),
        6 => "aborted".into(),
        8 => "floating point exception".into(),
        9 => "killed".into(),
        11 => "segmentation fault".into(),
        13 => "broken pipe".into(),
        15 => "terminated".into(),
        number => format!("signal {number}").into(),
    }
}

/// The function's `Timeout` was over.
pub(super) fn timed_out(request: Id, after: Duration) -> Finished {
    let message = format!(
        "RequestId: {request} Error: Task timed out after {:.2} seconds",
        after.as_secs_f64()
    );
    Finished::TimedOut { body: body("Sandbox.Timedout", &message) }
}

/// The process did not ask for work in time.
pub(super) fn init_timed_out(request: Id, after: Duration) -> Finished {
    let message = format!(
        "RequestId: {request} Error: Initialization timed out after {:.2} seconds",
        after.as_secs_f64()
    );
    failed("Sandbox.Timedout", message)
}

/// There is no process to ask.
pub(super) fn not_started(request: Id, reason: &str) -> Finished {
    failed("Runtime.InvalidEntrypoint", format!("RequestId: {request} Error: {reason}"))
}

/// The function answered more than [`LARGEST_ANSWER`].
pub(super) fn too_large() -> Finished {
    failed(
        "Function.ResponseSizeTooLarge",
        format!(
            "Response payload size exceeded maximum allowed payload size ({LARGEST_ANSWER} bytes)."
        ),
    )
}

/// What a runtime reported as an error, by body and by the header `Lambda-Runtime-Function-Error-Type`.
pub(super) fn reported(header: Option<&str>, posted: &Bytes) -> Finished {
    #[derive(Deserialize)]
    struct Posted {
        #[serde(rename = "errorType")]
        kind: Option<String>,
        #[serde(rename = "errorMessage")]
        message: Option<String>,
    }
    let fallback = || header.unwrap_or("Runtime.Unknown").to_owned();
    match serde_json::from_slice::<Posted>(posted) {
        Ok(parts) => Finished::Failed {
            kind: parts.kind.unwrap_or_else(fallback),
            message: parts.message.unwrap_or_default(),
            body: posted.clone(),
        },
        Err(_) => failed(&fallback(), String::from_utf8_lossy(posted)),
    }
}
