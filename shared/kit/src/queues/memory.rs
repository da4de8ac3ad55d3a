//! Queues in memory, with SQS's limits and its failures on request.

use super::{MAX_DELAY, Message, Queues};
use crate::{
    delivery::{Answer, Failure, MAX_BYTES, MAX_ITEMS},
    testing::{Crash, Crashing, Moment},
};
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
    accepted: usize,
    next: VecDeque<Failure>,
    flaky: Option<(fastrand::Rng, u8)>,
    crashing: Crashing,
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

    /// From now on lets `percent` of all messages, and of all calls, fail, drawn from `seed`; half
    /// of the calls that fail have been taken, and only their answer is lost.
    pub fn flaky(&self, seed: u64, percent: u8) {
        self.lock().flaky = Some((fastrand::Rng::with_seed(seed), percent));
    }

    /// From now on `percent` of all calls are the last of `crash`'s process, drawn from `seed`; half
    /// of those are still taken.
    pub fn crashing(&self, crash: &Crash, seed: u64, percent: u8) {
        self.lock().crashing = Crashing::new(crash, seed, percent);
    }

    /// What was sent since this was last asked, in order. It is then forgotten.
    pub fn take(&self) -> Vec<Message> {
        std::mem::take(&mut self.lock().taken)
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
        let (moment, crash) = {
            let mut state = self.lock();
            (state.crashing.draw(), state.crashing.crash())
        };
        match moment {
            Some(Moment::Before) => match crash.strike().await {},
            Some(Moment::After) => {
                let _ = self.lock().take_all(messages);
                match crash.strike().await {}
            }
            None => self.lock().send(messages),
        }
    }
}

impl State {
    fn send(&mut self, messages: &[&Message]) -> Answer {
        if !self.unlucky() {
            return self.take_all(messages);
        }
        if self.flaky.as_mut().is_some_and(|(rng, _)| rng.bool()) {
            let _ = self.take_all(messages);
        }
        Err(Failure::transient("ResponseError", ""))
    }

    fn take_all(&mut self, messages: &[&Message]) -> Answer {
        let bytes: usize = messages.iter().map(|message| message.size()).sum();
        if messages.is_empty() || messages.len() > MAX_ITEMS || bytes > MAX_BYTES {
            let text = format!("{} messages of {bytes} bytes", messages.len());
            return Err(Failure::permanent("AWS.SimpleQueueService.BatchRequestTooLong", &text));
        }
        let mut told = self.next.pop_front();
        let results = messages.iter().map(|message| {
            if let Some(failure) = told.take() {
                return Err(failure);
            }
            if let Some(code) = fault(message) {
                return Err(Failure::permanent(code, ""));
            }
            if self.unlucky() {
                return Err(Failure::transient("InternalError", ""));
            }
            self.taken.push((*message).clone());
            self.accepted += 1;
            Ok(format!("message-{}", self.accepted))
        });
        Ok(results.collect())
    }

    fn unlucky(&mut self) -> bool {
        self.flaky.as_mut().is_some_and(|(rng, percent)| rng.u8(0..100) < *percent)
    }
}

/// What SQS finds wrong with a message.
fn fault(message: &Message) -> Option<&'static str> {
    if message.body.is_empty() {
        return Some("MissingParameter");
    }
    if message.delay > MAX_DELAY || message.attributes.values().any(String::is_empty) {
        return Some("InvalidParameterValue");
    }
    let mut texts = std::iter::once(&message.body).chain(message.attributes.values());
    let readable = texts.all(|text| text.chars().all(is_readable));
    (!readable).then_some("InvalidMessageContents")
}

/// Whether XML, and so SQS, has the character.
fn is_readable(letter: char) -> bool {
    matches!(letter, '\t' | '\n' | '\r' | ' '..='\u{d7ff}' | '\u{e000}'..='\u{fffd}' | '\u{10000}'..)
}
