//! The durable facts in order, for everybody who follows: tail, ledger, tests.

use super::fact::{Entry, Fact};
use bytes::Bytes;
use std::sync::Arc;
use tokio::sync::broadcast;

/// So many items wait for a slow follower before it is told what it missed.
const WAITING: usize = 16_384;

/// A durable fact.
#[derive(Clone, Debug)]
pub struct Item {
    /// Its number in the journal.
    pub seq: u64,
    /// The fact.
    pub entry: Entry,
    /// Bytes of the event or message that the fact brought in.
    pub body: Option<Bytes>,
}

/// What a follower gets.
#[derive(Clone, Debug)]
pub enum Followed {
    /// The next fact.
    Item(Arc<Item>),
    /// It was too slow: so many facts passed it by.
    Missed(u64),
}

/// Hands durable facts to whoever follows.
#[derive(Clone, Debug)]
pub struct Feed {
    sender: broadcast::Sender<Arc<Item>>,
}

impl Default for Feed {
    fn default() -> Self {
        Feed { sender: broadcast::channel(WAITING).0 }
    }
}

impl Feed {
    /// Everything that becomes durable from now on.
    pub fn follow(&self) -> Follower {
        Follower { receiver: self.sender.subscribe() }
    }

    pub(super) fn publish(&self, first: u64, entries: Vec<Entry>, bodies: &[(u64, Bytes)]) {
        if self.sender.receiver_count() == 0 {
            return;
        }
        for (seq, entry) in (first..).zip(entries) {
            let body = match &entry.fact {
                Fact::EventAccepted { body, .. } => Some(body.id),
                Fact::MessageSent { message, .. } => Some(message.body.id),
                _ => None,
            };
            let body = body.and_then(|id| {
                bodies.binary_search_by_key(&id, |(id, _)| *id).ok().map(|i| bodies[i].1.clone())
            });
            // Nobody there any more is no fault.
            let _ = self.sender.send(Arc::new(Item { seq, entry, body }));
        }
    }
}

/// One who follows.
#[derive(Debug)]
pub struct Follower {
    receiver: broadcast::Receiver<Arc<Item>>,
}

impl Follower {
    /// The next, or `None` when the engine has ended.
    pub async fn next(&mut self) -> Option<Followed> {
        match self.receiver.recv().await {
            Ok(item) => Some(Followed::Item(item)),
            Err(broadcast::error::RecvError::Lagged(missed)) => Some(Followed::Missed(missed)),
            Err(broadcast::error::RecvError::Closed) => None,
        }
    }
}
