//! Receivers of queues that were empty: each gets its messages in the batch that brings them, so that a message and its
//! receipt become durable by one sync.

use super::context::Name;
use super::core::Core;
use super::decision::{Fault, Handed};
use super::handle::Asked;
use crate::services::queue::Receive;
use std::collections::{BTreeSet, HashMap, VecDeque};
use tokio::sync::oneshot;

/// What a receiver is told, once that is durable.
pub(super) type Received = Result<Vec<Handed>, Fault>;

/// Who waits, and where something came.
#[derive(Default)]
pub(super) struct Parked {
    queues: HashMap<Name, VecDeque<Receiver>>,
    /// Queues in which messages became visible since somebody looked.
    news: BTreeSet<Name>,
}

/// A receiver that waits, or will if there is nothing.
pub(super) struct Receiver {
    /// By which it can be sent away.
    pub(super) number: u64,
    pub(super) receive: Receive,
    pub(super) asked: Asked,
    pub(super) tell: oneshot::Sender<Received>,
}

impl Parked {
    /// Messages became visible in these queues.
    pub(super) fn hear(&mut self, queues: &mut BTreeSet<Name>) {
        self.news.append(queues);
    }

    fn park(&mut self, receiver: Receiver) {
        let line = self.queues.entry(receiver.receive.queue.clone()).or_default();
        // Some have gone since.
        line.retain(|other| !other.tell.is_closed());
        line.push_back(receiver);
    }

    /// The one of a queue that has waited longest.
    fn first(&mut self, queue: &Name) -> Option<Receiver> {
        let line = self.queues.get_mut(queue)?;
        while let Some(receiver) = line.pop_front() {
            if !receiver.tell.is_closed() {
                return Some(receiver);
            }
        }
        self.queues.remove(queue);
        None
    }

    fn put_back(&mut self, receiver: Receiver) {
        self.queues.entry(receiver.receive.queue.clone()).or_default().push_front(receiver);
    }

    fn take(&mut self, queue: &Name, number: u64) -> Option<Receiver> {
        let line = self.queues.get_mut(queue)?;
        let at = line.iter().position(|receiver| receiver.number == number)?;
        let receiver = line.remove(at);
        if line.is_empty() {
            self.queues.remove(queue);
        }
        receiver
    }
}

impl Core {
    /// Hands out what there is; if that is nothing, the receiver waits for what comes, or until it is sent away.
    pub(super) fn receive(&mut self, receiver: Receiver) {
        let Asked { caller, cause } = receiver.asked.clone();
        let received = self.submit(&receiver.receive, cause, caller);
        if found(&received) {
            self.hand(receiver, received);
        } else {
            self.parked.park(receiver);
        }
    }

    /// The receiver has waited long enough, unless it has been served.
    pub(super) fn send_away(&mut self, queue: &Name, number: u64) {
        if let Some(receiver) = self.parked.take(queue, number) {
            self.hand(receiver, Ok(vec![]));
        }
    }

    /// Gives what came to those who wait for it, in their order.
    pub(super) fn serve_parked(&mut self) {
        while let Some(queue) = self.parked.news.pop_first() {
            while let Some(receiver) = self.parked.first(&queue) {
                if self.batch().is_full() {
                    self.parked.put_back(receiver);
                    self.parked.news.insert(queue);
                    return;
                }
                let Asked { caller, cause } = receiver.asked.clone();
                let before = self.batch().records.len();
                let received = self.decide(&receiver.receive, self.now(), cause, caller);
                if found(&received) {
                    self.hand(receiver, received);
                    continue;
                }
                self.parked.put_back(receiver);
                // Dead letters were moved out of the way, and what is behind them was not looked at yet.
                if self.batch().records.len() == before {
                    break;
                }
            }
        }
    }

    fn hand(&mut self, receiver: Receiver, received: Received) {
        self.after(Box::new(move || {
            // The receiver may have gone.
            let _ = receiver.tell.send(received);
        }));
    }
}

/// There is something to tell. Messages that must leave flight first are waited for as those that must come.
fn found(received: &Received) -> bool {
    match received {
        Ok(handed) => !handed.is_empty(),
        Err(fault) => fault.code != "OverLimit",
    }
}
