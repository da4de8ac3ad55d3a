//! Publishing events to a bus, so that none is believed to be in that is not.
//!
//! `PutEvents` answers 200 also when it took nothing: every entry has its own result. [`Publisher`]
//! reads them all, sends the failed ones again until the deadline, and hands back what became of
//! each. The bus itself is behind [`Bus`]: `EventBridge` (feature `eventbridge`) or [`Memory`].
//!
//! ```
//! # tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap().block_on(async {
//! use pointsman_kit::{clock::Deadline, publisher::{Entry, Memory, Publisher}};
//! use std::{sync::Arc, time::Duration};
//!
//! let bus = Memory::new();
//! let publisher = Publisher::new(Arc::new(bus.clone()));
//! let entry = Entry::new("shop.orders", "OrderPlaced", r#"{"metadata":{},"data":{}}"#);
//! let outcomes = publisher.publish(&[entry], Deadline::after(Duration::from_secs(1))).await;
//! assert!(outcomes[0].is_accepted());
//! assert_eq!(bus.events().len(), 1);
//! # });
//! ```

#[cfg(feature = "eventbridge")]
mod eventbridge;
mod memory;
#[cfg(test)]
mod tests;

#[cfg(feature = "eventbridge")]
pub use eventbridge::EventBridge;
pub use memory::{Fault, Memory};

use crate::{
    clock::Deadline,
    delivery::{Answer, Endpoint, Outcome, deliver},
    retry::Backoff,
};
use async_trait::async_trait;
use pointsman_event::Timestamp;
use std::sync::Arc;

/// A bus that takes events.
#[async_trait]
pub trait Bus: Send + Sync {
    /// One request with at most ten entries of one source: a result for each, in their order.
    async fn put(&self, entries: &[&Entry]) -> Answer;
}

/// One event on its way to a bus.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// Who publishes it, `shop.orders`.
    pub source: String,
    /// What happened, `OrderPlaced`.
    pub detail_type: String,
    /// The event itself: a JSON object.
    pub detail: String,
    /// When it happened; the bus keeps whole seconds of it.
    pub time: Option<Timestamp>,
    /// The X-Ray trace header it belongs to.
    pub trace: Option<String>,
}

/// Publishes to a [`Bus`].
#[derive(Clone)]
pub struct Publisher {
    bus: Arc<dyn Bus>,
    seed: Option<u64>,
}

impl Publisher {
    /// Publishes to `bus`.
    pub fn new(bus: Arc<dyn Bus>) -> Self {
        Self { bus, seed: None }
    }

    /// Draws its pauses from `seed`.
    #[must_use]
    pub fn seeded(mut self, seed: u64) -> Self {
        self.seed = Some(seed);
        self
    }

    /// Publishes `entries`, trying again until `deadline`. The outcomes are in their order.
    ///
    /// An entry is sent again until it is known to be in, so the bus may get it twice, never not
    /// at all without its outcome saying so.
    pub async fn publish(&self, entries: &[Entry], deadline: Deadline) -> Vec<Outcome> {
        let mut backoff = Backoff::until(deadline);
        if let Some(seed) = self.seed {
            backoff = backoff.seeded(seed);
        }
        deliver(&Calls(&*self.bus), entries, deadline, backoff).await
    }
}

impl Entry {
    /// An entry without a time, which the bus then sets.
    pub fn new(
        source: impl Into<String>,
        detail_type: impl Into<String>,
        detail: impl Into<String>,
    ) -> Self {
        Self {
            source: source.into(),
            detail_type: detail_type.into(),
            detail: detail.into(),
            time: None,
            trace: None,
        }
    }

    /// What EventBridge counts for the entry, in bytes.
    pub fn size(&self) -> usize {
        let time = if self.time.is_some() { 14 } else { 0 };
        time + self.source.len() + self.detail_type.len() + self.detail.len()
    }
}

struct Calls<'a>(&'a dyn Bus);

impl Endpoint for Calls<'_> {
    type Item = Entry;

    /// One source a request, so that a denial, which may hit a whole request, is unambiguous.
    fn group(entry: &Entry) -> &str {
        &entry.source
    }

    fn size(entry: &Entry) -> usize {
        entry.size()
    }

    async fn call(&self, entries: &[&Entry]) -> Answer {
        self.0.put(entries).await
    }
}

/// Whether EventBridge's code finds fault with the entry itself, so that it will be refused again.
///
/// Anything else is tried again: a denial, an unknown bus or an expired token is the caller's or the
/// deployment's fault, and a good event must outlast its repair. A code that EventBridge does not
/// document is, too: it is better to be late than to give up what would have gone in.
fn is_permanent(code: &str) -> bool {
    matches!(
        code,
        "InvalidArgument" | "MalformedDetail" | "RedactionFailure" | "ValidationException"
    )
}
