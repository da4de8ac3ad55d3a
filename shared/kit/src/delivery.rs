//! Getting many things to a service that takes ten at a time and may refuse each on its own.
//!
//! The bus and the queues share this loop: batches within the service's limits, results matched by
//! index, only what failed sent again, with full jitter, until the deadline. An item is `Accepted`
//! only when the service said so about that very item.

use crate::{clock::Deadline, retry::Backoff};
use std::{collections::VecDeque, fmt};

/// The most items one call may hold.
pub(crate) const MAX_ITEMS: usize = 10;
/// The bytes one call may hold (1 MiB), as the service counts them.
pub(crate) const MAX_BYTES: usize = 1024 * 1024;

/// What became of one item.
#[derive(Debug, Clone, PartialEq, Eq)]
#[must_use]
pub enum Outcome {
    /// The service has it, under this id.
    Accepted(String),
    /// The deadline came first. It may be in, if an answer was lost: sending it again may make a
    /// duplicate, not sending it may lose it.
    Unsent(Failure),
    /// The service will never take it as it is: it belongs in quarantine.
    Rejected(Failure),
}

/// Why the service did not take an item, or a whole call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failure {
    /// AWS's error code.
    pub code: String,
    /// AWS's text.
    pub message: String,
    /// Whether trying again can't help. Unknown codes are not permanent.
    pub permanent: bool,
}

/// What a call answered about each of its items, in their order; or that it failed as a whole.
pub type Answer = Result<Vec<Result<String, Failure>>, Failure>;

/// A service that takes batches.
pub(crate) trait Endpoint {
    type Item;

    /// Items of different groups never share a call.
    fn group(item: &Self::Item) -> &str;

    /// What the service counts for the item, in bytes.
    fn size(item: &Self::Item) -> usize;

    /// One call.
    async fn call(&self, items: &[&Self::Item]) -> Answer;
}

/// Delivers `items`; the outcomes are in their order.
pub(crate) async fn deliver<E: Endpoint>(
    endpoint: &E,
    items: &[E::Item],
    deadline: Deadline,
    mut backoff: Backoff,
) -> Vec<Outcome> {
    let mut outcomes: Vec<Option<Outcome>> = items.iter().map(too_large::<E>).collect();
    let open = (0..items.len()).filter(|at| outcomes[*at].is_none()).collect();
    let mut calls = VecDeque::from(batches::<E>(items, open));
    let mut failed: Vec<(usize, Failure)> = Vec::new();
    loop {
        while let Some(batch) = calls.pop_front() {
            let sent: Vec<&E::Item> = batch.iter().map(|at| &items[*at]).collect();
            match answered(deadline, endpoint.call(&sent), batch.len()).await {
                Ok(results) => {
                    for (at, result) in batch.into_iter().zip(results) {
                        match result {
                            Ok(id) => outcomes[at] = Some(Outcome::Accepted(id)),
                            Err(failure) if failure.permanent => {
                                outcomes[at] = Some(Outcome::Rejected(failure));
                            }
                            Err(failure) => failed.push((at, failure)),
                        }
                    }
                }
                // One bad item may have spoilt the call: find it by sending each alone.
                Err(failure) if failure.permanent && batch.len() > 1 => {
                    for at in batch.into_iter().rev() {
                        calls.push_front(vec![at]);
                    }
                }
                Err(failure) if failure.permanent => {
                    outcomes[batch[0]] = Some(Outcome::Rejected(failure));
                }
                Err(failure) => failed.extend(batch.into_iter().map(|at| (at, failure.clone()))),
            }
        }
        if failed.is_empty() || !backoff.pause().await {
            break;
        }
        let mut again: Vec<usize> = failed.drain(..).map(|(at, _)| at).collect();
        again.sort_unstable();
        calls = batches::<E>(items, again).into();
    }
    for (at, failure) in failed {
        outcomes[at] = Some(Outcome::Unsent(failure));
    }
    let settled = |outcome: Option<Outcome>| {
        outcome.unwrap_or_else(|| Outcome::Unsent(Failure::transient("Unsent", "not sent")))
    };
    outcomes.into_iter().map(settled).collect()
}

/// The answer to a call, if it came in time and speaks of every item.
async fn answered(deadline: Deadline, call: impl Future<Output = Answer>, items: usize) -> Answer {
    let results = tokio::time::timeout_at(deadline.instant(), call)
        .await
        .unwrap_or_else(|_| Err(Failure::transient("Timeout", "no answer before the deadline")))?;
    if results.len() == items {
        return Ok(results);
    }
    let text = format!("{} results for {items} items", results.len());
    Err(Failure::transient("MisalignedAnswer", &text))
}

fn too_large<E: Endpoint>(item: &E::Item) -> Option<Outcome> {
    let size = E::size(item);
    (size > MAX_BYTES).then(|| {
        Outcome::Rejected(Failure {
            code: "TooLarge".to_owned(),
            message: format!("{size} bytes, of at most {MAX_BYTES}"),
            permanent: true,
        })
    })
}

/// Splits items into calls: by group, in order, within the limits.
fn batches<E: Endpoint>(items: &[E::Item], open: Vec<usize>) -> Vec<Vec<usize>> {
    let mut batches: Vec<(Vec<usize>, usize)> = Vec::new();
    for at in open {
        let (group, size) = (E::group(&items[at]), E::size(&items[at]));
        // The newest batch of the group, so that items of one group keep their order.
        let last = batches.iter_mut().rev().find(|(batch, _)| E::group(&items[batch[0]]) == group);
        match last {
            Some((batch, bytes)) if batch.len() < MAX_ITEMS && *bytes + size < MAX_BYTES => {
                batch.push(at);
                *bytes += size;
            }
            _ => batches.push((vec![at], size)),
        }
    }
    batches.into_iter().map(|(batch, _)| batch).collect()
}

impl Outcome {
    /// Whether the service has the item.
    pub fn is_accepted(&self) -> bool {
        matches!(self, Self::Accepted(_))
    }
}

impl Failure {
    /// A failure that may pass.
    pub fn transient(code: &str, message: &str) -> Self {
        Self { code: code.to_owned(), message: message.to_owned(), permanent: false }
    }

    /// A failure that will stay.
    pub fn permanent(code: &str, message: &str) -> Self {
        Self { code: code.to_owned(), message: message.to_owned(), permanent: true }
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.code, self.message)
    }
}

impl std::error::Error for Failure {}
