use crate::engine::{InvocationId, Name};
use async_trait::async_trait;

/// Who an access key belongs to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Key {
    /// An execution environment.
    Environment {
        /// Its function.
        function: Name,
        /// What it is running, if it is running something.
        invocation: Option<InvocationId>,
    },
    /// An environment that has ended: nothing that it still sends counts.
    Ended,
}

/// Knows the functions' execution environments by what their requests carry.
///
/// Asked on every request: an answer must not wait for anything.
#[async_trait]
pub trait Callers: Send + Sync + 'static {
    /// Whose this access key is; `None` for a key that never belonged to a function.
    fn of_key(&self, access_key: &str) -> Option<Key>;

    /// The invocation that an `X-Amzn-Trace-Id` header names, if it is one of ours.
    fn of_trace(&self, header: &str) -> Option<InvocationId>;

    /// Kills the process that has this access key, if it is an environment's, and waits until it has been.
    async fn kill(&self, access_key: &str);
}

/// No functions: every caller is the account's administrator.
#[derive(Clone, Copy, Debug, Default)]
pub struct NoCallers;

#[async_trait]
impl Callers for NoCallers {
    fn of_key(&self, _: &str) -> Option<Key> {
        None
    }

    fn of_trace(&self, _: &str) -> Option<InvocationId> {
        None
    }

    async fn kill(&self, _: &str) {}
}
