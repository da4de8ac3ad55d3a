//! The way to the payment provider.
//!
//! [`Simulator`] stands in for one. To use a real one, implement [`Provider`] on its client, and
//! give that to `src/bin/payment.rs` in its `init`; nothing else knows which it is. What it must
//! have is what card payment interfaces commonly offer: idempotency keys, a look-up by them, and a
//! way to void or refund. Where cancelling is not final at the provider, the implementation has to
//! make it so, by keeping for each key that it was cancelled and refusing to charge it.
//!
//! What a provider says later by itself comes to `src/bin/payment-webhook.rs`: the names in its body,
//! and how it is signed, are that provider's to say, and the only other place that knows them.

mod simulator;

pub use domain::payment::{Answer, Outcome, Price, Question, Receipt, Undone};
pub use simulator::{Behaviour, Simulator};

use async_trait::async_trait;
use contract::values::CustomerId;
use pointsman_kit::live::Live;
use std::{fmt, time::Duration};

/// How long one question to the provider may take. Two of them, one after the other, fit into the
/// 10 s that the template gives an invocation.
pub const TIMEOUT: Duration = Duration::from_secs(4);

/// A payment provider. Each call may be repeated, and does no more then.
#[async_trait]
pub trait Provider: Send + Sync {
    /// Charges once under `charge.key`. The same charge again gets the same answer, and takes
    /// nothing.
    ///
    /// # Errors
    /// If what it did is not known: it may have the money, or may still take it.
    async fn charge(&self, live: &Live, charge: &Charge) -> Result<Answer, Unknown>;

    /// What became of a key; `None` if nothing has, so far. A charge that is on its way may be
    /// missing.
    ///
    /// # Errors
    /// If that is not known.
    async fn find(&self, key: &str) -> Result<Option<Outcome>, Unknown>;

    /// Gives back all that was taken under the key. It is final: a charge that comes later, or is
    /// still on its way, is refused.
    ///
    /// # Errors
    /// If what it did is not known.
    async fn cancel(&self, live: &Live, key: &str) -> Result<Undone, Unknown>;
}

/// A charge.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Charge {
    /// What it is known by at the provider, now and for all time.
    pub key: String,
    /// Who pays.
    pub customer_id: CustomerId,
    /// How much of what.
    pub price: Price,
}

/// Asks a question about the payment `key` of `customer_id`, each part of it for at most [`TIMEOUT`].
///
/// # Errors
/// If the provider's word is not known: it comes late, is none, or can't be used.
pub async fn ask(
    provider: &dyn Provider,
    live: &Live,
    question: &Question,
    key: &str,
    customer_id: &CustomerId,
) -> Result<Outcome, Unknown> {
    if let Question::FindOrCharge(_) = question
        && let Some(outcome) = in_time(provider.find(key)).await?
    {
        return Ok(outcome);
    }
    match question {
        Question::Charge(price) | Question::FindOrCharge(price) => {
            let (key, customer_id, price) = (key.to_owned(), customer_id.clone(), price.clone());
            let charge = Charge { key, customer_id, price };
            Ok(Outcome::Answered(in_time(provider.charge(live, &charge)).await?))
        }
        Question::Cancel => Ok(Outcome::Undone(in_time(provider.cancel(live, key)).await?)),
    }
}

async fn in_time<T>(asked: impl Future<Output = Result<T, Unknown>>) -> Result<T, Unknown> {
    let late = |_| Unknown("no answer in time".to_owned());
    tokio::time::timeout(TIMEOUT, asked).await.map_err(late)?
}

/// No answer, or none that can be used, with the reason.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unknown(pub String);

impl fmt::Display for Unknown {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the payment provider: {}", self.0)
    }
}

impl std::error::Error for Unknown {}
