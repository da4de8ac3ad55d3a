use crate::engine::State;
use std::collections::BTreeMap;
use std::fmt;

/// What went in, what came out, what is still there: of a sound system the two sides are equal.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Ledger {
    /// Queues by name.
    pub queues: BTreeMap<String, QueueLedger>,
    /// Events that buses accepted.
    pub events: u64,
    /// Of these, events that no rule took.
    pub unmatched: u64,
}

/// A queue's page.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct QueueLedger {
    /// Accepted: sent, delivered, or moved here as dead letters.
    pub accepted: u64,
    /// Handled: deleted by their receiver.
    pub handled: u64,
    /// Moved to the dead-letter queue.
    pub dead: u64,
    /// Too old, or purged.
    pub dropped: u64,
    /// Still there, in whatever state.
    pub there: u64,
}

impl QueueLedger {
    /// Accepted = handled + dead + dropped + there.
    pub fn is_balanced(&self) -> bool {
        self.accepted == self.handled + self.dead + self.dropped + self.there
    }
}

impl Ledger {
    pub(super) fn of(state: &State) -> Ledger {
        let queues = state.queues.iter().map(|(name, queue)| {
            let counts = queue.counts;
            let page = QueueLedger {
                accepted: counts.entered,
                handled: counts.deleted,
                dead: counts.dead_lettered,
                dropped: counts.dropped,
                there: queue.len() as u64,
            };
            (name.to_string(), page)
        });
        Ledger {
            queues: queues.collect(),
            events: state.buses.values().map(|bus| bus.counts.accepted).sum(),
            unmatched: state.buses.values().map(|bus| bus.counts.unmatched).sum(),
        }
    }

    /// A queue's page; an empty one for a queue that is not there.
    pub fn queue(&self, name: &str) -> QueueLedger {
        self.queues.get(name).copied().unwrap_or_default()
    }

    /// Every queue's page is balanced.
    pub fn is_balanced(&self) -> bool {
        self.queues.values().all(QueueLedger::is_balanced)
    }
}

impl fmt::Display for Ledger {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{} events, {} of them unmatched", self.events, self.unmatched)?;
        for (name, q) in &self.queues {
            writeln!(
                f,
                "{name}: accepted {} = handled {} + dead {} + dropped {} + there {}",
                q.accepted, q.handled, q.dead, q.dropped, q.there
            )?;
        }
        Ok(())
    }
}
