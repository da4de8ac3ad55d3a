//! What an environment is asked, and what it says.

use crate::clock::Time;
use crate::engine::{Id, InvocationId};
use crate::services::function::Finished;
use bytes::Bytes;
use tokio::sync::oneshot;

/// What an environment is asked: by the pool, or by its own process over the Runtime API.
pub(super) enum Ask {
    /// Run this.
    Run(Work),
    /// The process asks for work.
    Next(oneshot::Sender<Result<Given, Refusal>>),
    /// The process has an answer, or an error, for the invocation with this request id.
    Answer { request: String, finished: Finished, tell: oneshot::Sender<Result<(), Refusal>> },
    /// A fault on request kills the process; told when it has been.
    Kill(oneshot::Sender<()>),
    /// The process could not make itself ready.
    InitError { finished: Finished, tell: oneshot::Sender<Result<(), Refusal>> },
    /// End.
    Stop,
}

/// An invocation for an environment.
pub(super) struct Work {
    pub(super) id: InvocationId,
    pub(super) request: Id,
    pub(super) payload: Bytes,
    pub(super) attempt: u32,
    pub(super) tell: oneshot::Sender<Ran>,
}

/// What became of an invocation.
pub(super) enum Ran {
    Finished(Finished),
    /// The process never saw it: another one may have it.
    NotTaken,
    /// The engine ends.
    Stopped,
}

/// What a process that asks for work is given.
pub(super) struct Given {
    pub(super) request: Id,
    pub(super) payload: Bytes,
    /// Wall time.
    pub(super) deadline: Time,
    pub(super) trace: String,
    pub(super) function_arn: String,
}

/// Why the Runtime API refuses.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Refusal {
    /// There is no such invocation here (any more).
    RequestId,
    /// Not now.
    Transition(&'static str),
}

/// Says that the process never saw it.
pub(super) fn not_taken(work: Option<Work>) {
    tell(work, Ran::NotTaken);
}

/// Says what became of it, if there is any.
pub(super) fn tell(work: Option<Work>, ran: Ran) {
    if let Some(work) = work {
        // Whoever asked may have gone.
        let _ = work.tell.send(ran);
    }
}

/// Answers what cannot be granted in this state.
pub(super) fn refuse(ask: Ask) {
    // A process that hung up needs no answer.
    match ask {
        Ask::Run(work) => not_taken(Some(work)),
        Ask::Next(next) => {
            let why = "the invocation before has no answer yet";
            let _ = next.send(Err(Refusal::Transition(why)));
        }
        Ask::Answer { tell, .. } => drop(tell.send(Err(Refusal::RequestId))),
        Ask::InitError { tell, .. } => {
            let why = "initialization is over";
            let _ = tell.send(Err(Refusal::Transition(why)));
        }
        Ask::Stop | Ask::Kill(_) => {}
    }
}
