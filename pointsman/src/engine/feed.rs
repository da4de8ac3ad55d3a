//! The durable facts in order, for everybody who follows: tail, ledger, tests.

use super::core::decode;
use super::fact::{Entry, Fact};
use bytes::Bytes;
use std::collections::VecDeque;
use std::io;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tokio::sync::broadcast;

/// So many items wait for a slow follower; one that falls behind further reads the journal instead.
const WAITING: usize = 16_384;

/// So many facts are read from the journal at once.
const READ_AT_ONCE: usize = 512;

/// Reads durable facts again.
pub trait History: Send + Sync + 'static {
    /// The first fact that is still there.
    fn oldest(&self) -> u64;

    /// At most `most` encoded facts from number `from` on, with their numbers.
    ///
    /// # Errors
    /// The disk's, or `NotFound` where `from` was dropped.
    fn read(&self, from: u64, most: usize) -> io::Result<Vec<(u64, Bytes)>>;

    /// Bytes of a body, if something still needs it.
    fn body(&self, id: u64) -> Option<Bytes>;

    /// The durable batches that hold facts from number `from` on, oldest first.
    ///
    /// # Errors
    /// The disk's, or `NotFound` where `from` was dropped.
    fn batches_from(&self, from: u64) -> io::Result<Past>;

    /// The durable batches, newest first.
    fn batches_back(&self) -> Past;
}

/// Batches of facts that became durable together; an error is the last.
pub type Past = Box<dyn Iterator<Item = io::Result<PastBatch>>>;

/// Facts that became durable together.
pub struct PastBatch {
    /// The facts, encoded, with their numbers, in order.
    pub records: Vec<(u64, Bytes)>,
    /// The bytes of a body that these facts brought in: also of one that nothing needs any more.
    pub body: Box<dyn Fn(u64) -> Option<Bytes>>,
}

impl PastBatch {
    /// The facts in order. One that cannot be read is left out.
    pub fn entries(&self) -> impl DoubleEndedIterator<Item = (u64, Entry)> {
        let decoded =
            self.records.iter().filter_map(|(seq, record)| Some((*seq, decode(record).ok()?)));
        decoded.collect::<Vec<_>>().into_iter()
    }
}

/// A durable fact.
#[derive(Clone, Debug)]
pub struct Item {
    /// Its number in the journal.
    pub seq: u64,
    /// The fact.
    pub entry: Entry,
    /// Bytes of the event or message that the fact brought in; of an old fact only while something needs them.
    pub body: Option<Bytes>,
}

/// What a follower gets.
#[derive(Clone, Debug)]
pub enum Followed {
    /// The next fact.
    Item(Arc<Item>),
    /// So many facts are no longer kept.
    Dropped(u64),
}

/// Hands durable facts to whoever follows.
#[derive(Clone)]
pub struct Feed {
    sender: Arc<Mutex<Option<broadcast::Sender<Arc<Item>>>>>,
    history: Arc<dyn History>,
}

impl Feed {
    pub(super) fn new(history: Arc<dyn History>) -> Self {
        Feed { sender: Arc::new(Mutex::new(Some(broadcast::channel(WAITING).0))), history }
    }

    /// Every fact from number `from` on, those of before first; without it, what becomes durable from now on.
    pub fn subscribe(&self, from: Option<u64>) -> Follower {
        Follower {
            receiver: match &*self.sender() {
                Some(sender) => sender.subscribe(),
                // Its sender is gone at once: the engine has ended.
                None => broadcast::channel(1).1,
            },
            history: self.history.clone(),
            next: from,
            behind: from.is_some(),
            read: VecDeque::new(),
        }
    }

    /// What became durable before.
    pub(super) fn history(&self) -> Arc<dyn History> {
        self.history.clone()
    }

    /// Nothing becomes durable any more: followers get what is left, then the end.
    pub(super) fn close(&self) {
        *self.sender() = None;
    }

    fn sender(&self) -> MutexGuard<'_, Option<broadcast::Sender<Arc<Item>>>> {
        self.sender.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn publish(&self, first: u64, entries: Vec<Entry>, bodies: &[(u64, Bytes)]) {
        let sender = self.sender();
        let Some(sender) = sender.as_ref().filter(|s| s.receiver_count() > 0) else { return };
        for (seq, entry) in (first..).zip(entries) {
            let body = brought_in(&entry.fact).and_then(|id| {
                bodies.binary_search_by_key(&id, |(id, _)| *id).ok().map(|i| bodies[i].1.clone())
            });
            // Nobody there any more is no fault.
            let _ = sender.send(Arc::new(Item { seq, entry, body }));
        }
    }
}

/// The body that a fact brought in.
fn brought_in(fact: &Fact) -> Option<u64> {
    match fact {
        Fact::EventAccepted { body, .. } => Some(body.id),
        Fact::MessageSent { message, .. } => Some(message.body.id),
        _ => None,
    }
}

/// One who follows.
pub struct Follower {
    receiver: broadcast::Receiver<Arc<Item>>,
    history: Arc<dyn History>,
    /// The number that comes next, once one is known.
    next: Option<u64>,
    /// The next ones are in the journal, and no longer on their way.
    behind: bool,
    read: VecDeque<Arc<Item>>,
}

impl Follower {
    /// The next, or `None` when the engine has ended.
    pub async fn next(&mut self) -> Option<Followed> {
        loop {
            if let Some(item) = self.read.pop_front() {
                return Some(self.hand_over(item));
            }
            if self.behind {
                match self.catch_up() {
                    Some(dropped) => return Some(Followed::Dropped(dropped)),
                    None if !self.read.is_empty() => continue,
                    None => self.behind = false,
                }
            }
            match self.receiver.recv().await {
                Ok(item) => match self.next {
                    Some(next) if item.seq < next => {}
                    Some(next) if item.seq > next => self.behind = true,
                    _ => return Some(self.hand_over(item)),
                },
                Err(broadcast::error::RecvError::Lagged(_)) => self.behind = true,
                Err(broadcast::error::RecvError::Closed) => return None,
            }
        }
    }

    fn hand_over(&mut self, item: Arc<Item>) -> Followed {
        self.next = Some(item.seq + 1);
        Followed::Item(item)
    }

    /// Reads on in the journal; says how many facts are gone where it cannot.
    fn catch_up(&mut self) -> Option<u64> {
        let oldest = self.history.oldest();
        let from = self.next.unwrap_or(oldest);
        if from < oldest {
            self.next = Some(oldest);
            return Some(oldest - from);
        }
        // A journal that cannot be read ends the engine elsewhere; here nothing more is known.
        for (seq, record) in self.history.read(from, READ_AT_ONCE).unwrap_or_default() {
            if let Ok(entry) = decode(&record) {
                let body = brought_in(&entry.fact).and_then(|id| self.history.body(id));
                self.read.push_back(Arc::new(Item { seq, entry, body }));
            }
        }
        None
    }
}
