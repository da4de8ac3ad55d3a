use super::ask::{Ask, refuse};
use super::identity::EnvironmentId;
use super::registry::Registry;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use tokio::sync::mpsc::UnboundedReceiver;

/// What a process needs that runs a function and was not started by the engine: a debugger's, or one of
/// `cargo lambda watch`.
pub struct Lease {
    /// Environment variables; no `AWS_LAMBDA_RUNTIME_API`, which whoever starts the process has.
    pub variables: Vec<(String, String)>,
    /// Ends when the process is to end. Dropped, it says that the process has ended.
    pub over: Over,
}

/// The end of a [`Lease`].
pub type Over = Pin<Box<dyn Future<Output = ()> + Send>>;

/// The variable that says where a function asks for work.
pub(super) const RUNTIME_API: &str = "AWS_LAMBDA_RUNTIME_API";

/// Keeps the access key of a process that the engine gives no work to, until it is told to end or this is dropped.
pub(super) struct Guest {
    pub(super) registry: Arc<Registry>,
    pub(super) id: EnvironmentId,
    pub(super) inbox: UnboundedReceiver<Ask>,
}

impl Guest {
    pub(super) async fn stay(mut self) {
        loop {
            match self.inbox.recv().await {
                Some(Ask::Kill(killed)) => {
                    // Whoever asked may have gone.
                    let _ = killed.send(());
                    return;
                }
                Some(Ask::Stop) | None => return,
                Some(other) => refuse(other),
            }
        }
    }
}

impl Drop for Guest {
    fn drop(&mut self) {
        self.registry.remove(self.id);
    }
}
