use crate::adapters::runner::{KeyOwner, Runner};
use crate::adapters::wire::{Callers, Key};
use crate::engine::InvocationId;
use async_trait::async_trait;
use std::sync::Arc;

/// The runner's environments, as the wire asks for them.
pub(super) struct Environments(pub(super) Arc<Runner>);

#[async_trait]
impl Callers for Environments {
    fn of_key(&self, access_key: &str) -> Option<Key> {
        Some(match self.0.caller_of_key(access_key)? {
            KeyOwner::Environment { function, invocation } => {
                Key::Environment { function, invocation }
            }
            KeyOwner::Ended => Key::Ended,
        })
    }

    fn of_trace(&self, header: &str) -> Option<InvocationId> {
        self.0.caller_of_trace(header).map(|(_, invocation)| invocation)
    }

    async fn kill(&self, access_key: &str) {
        self.0.kill(access_key).await;
    }
}
