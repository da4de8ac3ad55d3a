//! A payment provider in a table, for want of a real one: durable, shared by all processes,
//! idempotent by key, and as unpleasant as it is told to be.
//!
//! | pk | sk | holds |
//! |---|---|---|
//! | `provider#<key>` | `charge` | what became of the key, and what went to and fro under it |
//! | `provider#script#<customerId>` | `script` | what happens to this customer's next charges |
//!
//! A charge's row counts: `calls` to charge, and in minor units what was `taken` and `refunded`, so
//! that a test can add up the money. A script is a list of [`Behaviour`]s by their names, used up
//! one a charge; without one every charge succeeds:
//!
//! ```sh
//! aws --endpoint-url http://127.0.0.1:4566 dynamodb put-item --table-name local-Services --item \
//!   '{"pk": {"S": "provider#script#anna"}, "sk": {"S": "script"},
//!     "behaviours": {"L": [{"S": "lost"}, {"S": "decline"}]}}'
//! ```

use super::{Answer, Charge, Outcome, Provider, Receipt, Undone, Unknown};
use async_trait::async_trait;
use contract::values::{CustomerId, TransactionId};
use pointsman_kit::{
    live::Live,
    table::{Condition, Error, Key, Op, Reason, Tables, Value, from_item},
};
use serde::{Deserialize, Serialize};
use std::sync::Arc;

const STATE: &str = "state";
const BEHAVIOURS: &str = "behaviours";

/// How often a row is looked at again when another call came first.
const TRIES: usize = 5;

/// What happens to a charge.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Behaviour {
    /// The money is taken.
    Succeed,
    /// It is refused.
    Decline,
    /// No answer comes, and nothing is done.
    Timeout,
    /// The money is taken, but no answer comes.
    Lost,
    /// No answer comes, and nothing is seen of it by the first who looks; the money is taken after
    /// that look, unless it was cancelled.
    Late,
    /// The call arrives twice, as after a repetition on its way.
    Twice,
}

/// A simulated provider. Clones are the same.
#[derive(Clone)]
pub struct Simulator {
    tables: Arc<dyn Tables>,
    table: Arc<str>,
}

/// What became of a key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
enum State {
    /// Under way, as [`Behaviour::Late`] has it.
    Late,
    Charged,
    Declined,
    Cancelled,
    Refunded,
}

/// What became of a key, and of how much.
#[derive(Deserialize)]
struct Account {
    state: State,
    #[serde(flatten)]
    receipt: Option<Receipt>,
}

/// What one look and one write come to; `None` if another call came in between.
type Step<T> = Result<Option<T>, Unknown>;

impl Simulator {
    /// The provider whose books are in `table`.
    pub fn new(tables: Arc<dyn Tables>, table: impl Into<Arc<str>>) -> Self {
        Self { tables, table: table.into() }
    }

    /// The write that has these things happen to the customer's next charges.
    pub fn script(&self, customer_id: &CustomerId, behaviours: &[Behaviour]) -> Op {
        let names = behaviours.iter().map(|behaviour| name(behaviour).into()).collect();
        Op::update(self.script_key(customer_id)).set(BEHAVIOURS, Value::L(names))
    }
}

#[async_trait]
impl Provider for Simulator {
    async fn charge(&self, _: &Live, charge: &Charge) -> Result<Answer, Unknown> {
        for _ in 0..TRIES {
            let step = match self.account(&charge.key).await? {
                None => self.charge_first(charge).await?,
                Some(account) => self.charge_again(charge, account).await?,
            };
            if let Some(answer) = step {
                return Ok(answer);
            }
        }
        Err(busy())
    }

    async fn find(&self, key: &str) -> Result<Option<Outcome>, Unknown> {
        for _ in 0..TRIES {
            let Some(account) = self.account(key).await? else { return Ok(None) };
            let outcome = match account.state {
                State::Late => {
                    let arrives = taken(self.update(key), &account.receipt()?);
                    if self.write(vec![arrives.when(says(State::Late))]).await? {
                        return Ok(None);
                    }
                    continue;
                }
                State::Charged => Outcome::Answered(Answer::Charged(account.receipt()?)),
                State::Declined => Outcome::Answered(Answer::Declined),
                State::Cancelled => Outcome::Undone(Undone::NothingTaken),
                State::Refunded => Outcome::Undone(Undone::Refunded(account.receipt()?)),
            };
            return Ok(Some(outcome));
        }
        Err(busy())
    }

    async fn cancel(&self, _: &Live, key: &str) -> Result<Undone, Unknown> {
        for _ in 0..TRIES {
            if let Some(undone) = self.cancel_once(key).await? {
                return Ok(undone);
            }
        }
        Err(busy())
    }
}

impl Simulator {
    async fn charge_first(&self, charge: &Charge) -> Step<Answer> {
        let (behaviour, script) = self.next(&charge.customer_id).await?;
        let receipt = receipt(charge)?;
        let row = self.update(&charge.key).add("calls", 1);
        let row = row.set("customerId", charge.customer_id.as_str());
        let row = match behaviour {
            Behaviour::Succeed | Behaviour::Lost | Behaviour::Twice => taken(row, &receipt),
            Behaviour::Decline => row.set(STATE, name(&State::Declined)),
            Behaviour::Late => noted(row, &receipt).set(STATE, name(&State::Late)),
            Behaviour::Timeout => row,
        };
        let row = row.when(Condition::Without(STATE.to_owned()));
        if !self.write(std::iter::once(row).chain(script).collect()).await? {
            return Ok(None);
        }
        match behaviour {
            Behaviour::Succeed => Ok(Some(Answer::Charged(receipt))),
            Behaviour::Decline => Ok(Some(Answer::Declined)),
            // It arrives once more.
            Behaviour::Twice => Ok(None),
            Behaviour::Timeout | Behaviour::Lost | Behaviour::Late => {
                Err(Unknown("no answer in time".to_owned()))
            }
        }
    }

    async fn charge_again(&self, charge: &Charge, account: Account) -> Step<Answer> {
        let row = self.update(&charge.key).add("calls", 1).when(says(account.state));
        let (row, answer) = match account.state {
            State::Declined | State::Cancelled | State::Refunded => (row, Answer::Declined),
            State::Late | State::Charged => {
                let receipt = account.receipt()?;
                if receipt.price != charge.price {
                    let text = format!("the key {} was used for another amount", charge.key);
                    return Err(Unknown(text));
                }
                let arrives = account.state == State::Late;
                let row = if arrives { taken(row, &receipt) } else { row };
                (row, Answer::Charged(receipt))
            }
        };
        Ok(self.write(vec![row]).await?.then_some(answer))
    }

    async fn cancel_once(&self, key: &str) -> Step<Undone> {
        let cancelled = self.update(key).set(STATE, name(&State::Cancelled));
        let (row, undone) = match self.account(key).await? {
            None => {
                let unknown = Condition::Without(STATE.to_owned());
                (cancelled.when(unknown), Undone::NothingTaken)
            }
            Some(Account { state: State::Late, .. }) => {
                (cancelled.when(says(State::Late)), Undone::NothingTaken)
            }
            Some(Account { state: State::Declined | State::Cancelled, .. }) => {
                return Ok(Some(Undone::NothingTaken));
            }
            Some(account @ Account { state: State::Refunded, .. }) => {
                return Ok(Some(Undone::Refunded(account.receipt()?)));
            }
            Some(account @ Account { state: State::Charged, .. }) => {
                let receipt = account.receipt()?;
                let row = self.update(key).set(STATE, name(&State::Refunded));
                let row = row.add("refunded", minor_units(&receipt)).when(says(State::Charged));
                (row, Undone::Refunded(receipt))
            }
        };
        Ok(self.write(vec![row]).await?.then_some(undone))
    }

    async fn account(&self, key: &str) -> Result<Option<Account>, Unknown> {
        let key = self.charge_key(key);
        match self.tables.get(&key).await.map_err(unknown)? {
            Some(item) if item.contains_key(STATE) => from_item(&item).map(Some).map_err(unknown),
            _ => Ok(None),
        }
    }

    /// What happens to the customer's next charge, and the write that uses it up.
    async fn next(&self, customer_id: &CustomerId) -> Result<(Behaviour, Option<Op>), Unknown> {
        let key = self.script_key(customer_id);
        let item = self.tables.get(&key).await.map_err(unknown)?.unwrap_or_default();
        let Some(Value::L(script)) = item.get(BEHAVIOURS) else {
            return Ok((Behaviour::Succeed, None));
        };
        let Some((first, rest)) = script.split_first() else {
            return Ok((Behaviour::Succeed, None));
        };
        let behaviour = first.to_json().map_err(unknown)?;
        let behaviour = serde_json::from_value(behaviour)
            .map_err(|error| Unknown(format!("{key}, {BEHAVIOURS}: {error}")))?;
        let unchanged = Condition::equal(BEHAVIOURS, Value::L(script.clone()));
        let rest = Op::update(key).set(BEHAVIOURS, Value::L(rest.to_vec())).when(unchanged);
        Ok((behaviour, Some(rest)))
    }

    /// Writes all of it; `false` if a condition is false by now.
    async fn write(&self, ops: Vec<Op>) -> Result<bool, Unknown> {
        match self.tables.transact(ops).await {
            Ok(()) => Ok(true),
            Err(Error::Cancelled(reasons))
                if reasons.iter().any(|r| matches!(r, Reason::ConditionFailed { .. })) =>
            {
                Ok(false)
            }
            Err(error) => Err(unknown(error)),
        }
    }

    fn update(&self, key: &str) -> Op {
        Op::update(self.charge_key(key))
    }

    fn charge_key(&self, key: &str) -> Key {
        Key::new(self.table.clone(), format!("provider#{key}"), "charge")
    }

    fn script_key(&self, customer_id: &CustomerId) -> Key {
        Key::new(self.table.clone(), format!("provider#script#{customer_id}"), "script")
    }
}

impl Account {
    fn receipt(&self) -> Result<Receipt, Unknown> {
        self.receipt.clone().ok_or_else(|| Unknown(format!("{:?}, but no receipt", self.state)))
    }
}

fn receipt(charge: &Charge) -> Result<Receipt, Unknown> {
    let transaction_id: TransactionId = format!("sim-{}", charge.key).parse().map_err(unknown)?;
    Ok(Receipt { price: charge.price.clone(), transaction_id })
}

/// The money is taken with `row`'s write.
fn taken(row: Op, receipt: &Receipt) -> Op {
    let row = noted(row, receipt).set(STATE, name(&State::Charged));
    row.add("taken", minor_units(receipt))
}

fn noted(row: Op, receipt: &Receipt) -> Op {
    row.set("amount", receipt.price.amount.get())
        .set("currency", receipt.price.currency.as_str())
        .set("transactionId", receipt.transaction_id.as_str())
}

fn minor_units(receipt: &Receipt) -> i64 {
    i64::try_from(receipt.price.amount.get()).unwrap_or(i64::MAX)
}

fn says(state: State) -> Condition {
    Condition::equal(STATE, name(&state))
}

/// The name of a variant, as it is in a row.
fn name(variant: &impl Serialize) -> String {
    match serde_json::to_value(variant) {
        Ok(serde_json::Value::String(name)) => name,
        other => unreachable!("a variant without fields is a string, not {other:?}"),
    }
}

fn busy() -> Unknown {
    Unknown("others keep asking under the same key".to_owned())
}

fn unknown(error: impl std::fmt::Display) -> Unknown {
    Unknown(error.to_string())
}
