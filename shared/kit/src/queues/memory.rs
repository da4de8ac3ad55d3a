//! Queues in memory, with failures on request.

use super::{Message, Queues};
use crate::delivery::{Answer, Failure, MAX_BYTES, MAX_ITEMS};
use async_trait::async_trait;
use std::{
    collections::VecDeque,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

/// In-memory [`Queues`]. Clones share what they took.
#[derive(Clone, Default)]
pub struct Memory(Arc<Mutex<State>>);

#[derive(Default)]
struct State {
    taken: Vec<Message>,
    next: VecDeque<Failure>,
}

impl Memory {
    /// Queues without faults.
    pub fn new() -> Self {
        Self::default()
    }

    /// Lets the first message of the next call fail so; several are used up in order.
    pub fn fail_next(&self, failure: Failure) {
        self.lock().next.push_back(failure);
    }

    /// Everything sent so far, in order.
    pub fn messages(&self) -> Vec<Message> {
        self.lock().taken.clone()
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[async_trait]
impl Queues for Memory {
    async fn send(&self, messages: &[&Message]) -> Answer {
        let mut state = self.lock();
        let bytes: usize = messages.iter().map(|message| message.size()).sum();
        if messages.is_empty() || messages.len() > MAX_ITEMS || bytes > MAX_BYTES {
            let text = format!("{} messages of {bytes} bytes", messages.len());
            return Err(Failure::permanent("AWS.SimpleQueueService.BatchRequestTooLong", &text));
        }
        let failure = state.next.pop_front();
        let first = usize::from(failure.is_some());
        let mut results: Vec<_> = failure.into_iter().map(Err).collect();
        for message in &messages[first..] {
            state.taken.push((*message).clone());
            results.push(Ok(format!("message-{}", state.taken.len())));
        }
        Ok(results)
    }
}
