use super::Running;
use std::time::Duration;

/// So often at most does time pass up to the next message that waits for it: what still waits then never ends.
const STEPS: usize = 2_000;

impl Running {
    /// Ends all faults on request and lets engine time pass until every message is where it stays: handled, or in a
    /// queue that no mapping reads.
    ///
    /// # Panics
    /// If it does not end, with what the ledger says.
    pub async fn drain(&self) {
        self.faults().stop();
        for _ in 0..STEPS {
            self.wait_until_time_must_pass().await;
            let Some(wait) = self.next_message().await else { return };
            self.advance(wait).await;
        }
        panic!("messages come again and again: {}", self.ledger().await);
    }

    /// How long until something comes due, if a message that a mapping should get waits for time to pass.
    async fn next_message(&self) -> Option<Duration> {
        let looked = self.engine().read(|state, now| {
            let mut mapped = state.mappings.values().filter(|m| m.spec.enabled);
            let waits = mapped.any(|mapping| {
                let queue = mapping.queue().and_then(|name| state.queues.get(name));
                queue.is_some_and(|queue| !queue.is_empty())
            });
            let due = state.next_due().filter(|_| waits)?;
            Some((due - now).max(Duration::from_millis(1)))
        });
        looked.await.expect("the engine runs")
    }
}
