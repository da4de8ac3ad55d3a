//! Faults on request: named points at which something may go wrong, and what then does. Empty in production.
//!
//! - [`Faults`]: the seam; [`NoFaults`] is the production form, in which nothing strikes and nothing is allocated or
//!   locked
//! - [`Point`]: where something may strike; [`Injected`]: what
//! - [`Mishaps`]: what may befall messages on their way into queues, as an argument of the decisions that send them
//! - [`Plan`]: how often what goes wrong, from which seed; [`Injector`] does it, counts it and tells of it
//! - [`At`], [`Hit`]: one precise fault at one place, and whether it has struck
//!
//! A decision stays deterministic: it is given [`Mishaps`] as it is given time and a seed, and what befell is in its
//! facts, as a message that is there twice or comes later. A journal is folded without any faults.

mod at;
mod injector;
mod mishap;
mod plan;
#[cfg(test)]
mod tests;
mod told;

pub use at::At;
pub use injector::{Hit, Injector};
pub use plan::Plan;
pub use told::{Counts, Told};

pub use mishap::{Befallen, Mishap, Mishaps};

use crate::engine::{Caller, Entry, InvocationId};
use std::sync::Arc;
use std::time::Duration;

/// What may go wrong, asked at each [`Point`] by whoever passes it.
pub trait Faults: Send + Sync + 'static {
    /// What strikes here. Called once for each thing that passes the point, and must not wait.
    ///
    /// What a point does not name as possible there does nothing.
    fn strike(&self, point: Point<'_>) -> Option<Injected>;

    /// What may befall the messages of the next decision.
    fn mishaps(&self) -> Option<Arc<Mishaps>>;

    /// What befell a decision's messages.
    fn befell(&self, what: Vec<Mishap>);
}

/// Nothing goes wrong that does not go wrong by itself.
#[derive(Clone, Copy, Debug, Default)]
pub struct NoFaults;

impl Faults for NoFaults {
    fn strike(&self, _: Point<'_>) -> Option<Injected> {
        None
    }

    fn mishaps(&self) -> Option<Arc<Mishaps>> {
        None
    }

    fn befell(&self, _: Vec<Mishap>) {}
}

/// Where something may strike.
#[derive(Clone, Copy, Debug)]
pub enum Point<'a> {
    /// A request to an AWS service has been read, and nothing is done of it yet. It may be throttled, fail, be lost,
    /// or die with the function that sent it.
    Request(Request<'a>),
    /// What a request asked for is done and durable, and the answer is not sent yet. The answer may be lost, or the
    /// function that waits for it die.
    Answer(Request<'a>),
    /// A process is about to be given an invocation. It may wait, or the process die as soon as it has it.
    Invocation(Invocation<'a>),
    /// A process has answered an invocation, and nothing follows from it yet. The process may die as if it had not.
    Response(Invocation<'a>),
    /// Facts are decided and about to be written. The engine may crash: nobody was told of them, and they are gone.
    Commit(&'a [Entry]),
    /// Facts are durable. The engine may crash before anybody is told of them.
    Committed(&'a [Entry]),
}

/// A request to an AWS service, at [`Point::Request`] and [`Point::Answer`].
#[derive(Clone, Copy, Debug)]
pub struct Request<'a> {
    /// `events`, `sqs`, `lambda`, `sts`, `dynamodb`.
    pub service: &'static str,
    /// Such as `PutItem`.
    pub action: &'a str,
    /// Who asks.
    pub caller: &'a Caller,
    /// The invocation during which a function asks.
    pub invocation: Option<InvocationId>,
}

/// An invocation, at [`Point::Invocation`] and [`Point::Response`].
#[derive(Clone, Copy, Debug)]
pub struct Invocation<'a> {
    /// Its number.
    pub id: InvocationId,
    /// The function.
    pub function: &'a str,
    /// The how manieth try it is of what it was given, from 1: of a batch, that of its most often received message.
    pub attempt: u32,
}

/// What strikes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Injected {
    /// The service refuses a request because there were too many.
    Throttle,
    /// The service fails with status 500.
    Fail,
    /// The connection is closed without an answer.
    Lose,
    /// The function's process is killed (SIGKILL).
    Kill,
    /// It comes later: an invocation by so much wall time, a message by so much engine time.
    Delay(Duration),
    /// A message is there twice, the second copy later by so much engine time.
    Duplicate(Duration),
    /// The engine ends on the spot.
    Crash,
}
