//! The loop around a consumer's function.

use super::{Batch, BatchFailures, Failure, Record, wire::Message};
use crate::{
    clock::Deadline,
    observability::Log,
    queues::{self, Sender},
    runtime::{Invocation, Watched, watch},
};
use pointsman_event::Readable;

/// A consumer's name, and what its records need besides the function.
#[derive(Clone)]
pub struct Harness {
    name: String,
    poison: Option<(Sender, String)>,
}

impl Harness {
    /// The harness of the consumer `name`, which is its function's and its queue's name, too.
    ///
    /// Without more it leaves rejected records to the queue's own redrive policy.
    pub fn new(name: &str) -> Self {
        Self { name: name.to_owned(), poison: None }
    }

    /// Sends rejected records to the queue at `url`, with the reason.
    #[must_use]
    pub fn dlq(mut self, sender: Sender, url: &str) -> Self {
        self.poison = Some((sender, url.to_owned()));
        self
    }

    /// The consumer's name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Brings each record of the batch to its end.
    pub(super) async fn each<S: Readable>(
        &self,
        batch: Batch,
        invocation: &Invocation,
        visit: impl AsyncFn(Record<S>) -> Result<(), Failure>,
    ) -> BatchFailures {
        let total = batch.records.len();
        let mut failures = BatchFailures::none();
        let mut rejected = 0;
        for message in batch.records {
            let log = invocation.log.with("messageId", &message.message_id);
            let end = if invocation.deadline.passed() {
                Err(Failure::retry("not begun before the deadline"))
            } else {
                self.one(&message, invocation.deadline, &log, &visit).await
            };
            let failure = match end {
                Ok(()) => continue,
                Err(failure) if failure.is_reject() => {
                    rejected += 1;
                    match self.reject(&message, &failure, invocation.deadline, &log).await {
                        Ok(()) => continue,
                        Err(failure) => failure,
                    }
                }
                Err(failure) => failure,
            };
            log.warn("to be tried again").cause(&failure).emit();
            failures.push(message.message_id);
        }
        let failed = failures.ids().count();
        let line = invocation.log.info("batch").field("records", total).field("again", failed);
        line.field("rejected", rejected).emit();
        failures
    }

    async fn one<S: Readable>(
        &self,
        message: &Message,
        deadline: Deadline,
        log: &Log,
        visit: impl AsyncFn(Record<S>) -> Result<(), Failure>,
    ) -> Result<(), Failure> {
        let work = async { visit(Record::read(message, deadline, log)?).await };
        match watch(deadline, work).await {
            Watched::Done(end) => end,
            Watched::Panicked(text) => Err(Failure::retry(format!("panic: {text}"))),
            Watched::Late => Err(Failure::retry("not done before the deadline")),
        }
    }

    /// Puts poison aside. `Ok` only if it is in the DLQ; else SQS has to go on trying it.
    async fn reject(
        &self,
        message: &Message,
        failure: &Failure,
        deadline: Deadline,
        log: &Log,
    ) -> Result<(), Failure> {
        log.error("rejected").cause(failure).emit();
        log.count("Rejected");
        let Some((sender, url)) = &self.poison else { return Err(failure.clone()) };
        let poison = queues::Message::new(url, &message.body)
            .attribute("reason", &attribute(failure.reason()))
            .attribute("source-queue", &attribute(&message.queue_arn))
            .attribute("poison-id", &message.message_id);
        let outcomes = sender.send(&[poison], deadline).await;
        match outcomes.first() {
            Some(outcome) if outcome.is_accepted() => Ok(()),
            outcome => {
                Err(Failure::retry(format!("rejected, but the DLQ did not take it: {outcome:?}")))
            }
        }
    }
}

/// A text that SQS takes as an attribute: not empty, no control characters, not endless.
fn attribute(text: &str) -> String {
    let clean: String = text
        .chars()
        .map(|c| if c.is_control() || matches!(c, '\u{fffe}' | '\u{ffff}') { ' ' } else { c })
        .take(1000)
        .collect();
    if clean.is_empty() { "-".to_owned() } else { clean }
}
