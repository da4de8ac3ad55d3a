//! ProcessPayment | RefundPayment → PaymentProcessed | PaymentDeclined | PaymentRefunded
//!
//! The provider is outside of every transaction. So the payment's row is locked before it is asked,
//! and what it said is written, with the event, under the lock's fence. `domain::payment` decides.

use contract::{event::StreamName, fulfilment::ProcessPayment, payment::STREAM};
use domain::payment::{self, Found, Next, Payment, PaymentCommand, Question, Settled};
use functions::{
    provider::{self, Provider, Simulator},
    row,
    service::Service,
};
use pointsman_kit::{
    clock::Wall,
    consumer::{self, Failure, Harness, Record},
    live::Live,
    lock::{self, Acquired, Lock},
    process::{Decision, Done, Process},
    runtime::Error,
    table::{Key, Op},
};
use std::{sync::Arc, time::Duration};

/// How long a payment is held while the provider is asked: longer than an invocation may last
/// (10 s), so that nobody is overtaken who is still at it; shorter than the queue's visibility
/// timeout (60 s), so that a command that comes again finds the lock expired.
const LEASE: Duration = Duration::from_secs(30);
const _: () =
    assert!(2 * provider::TIMEOUT.as_secs() < 10 && 10 < LEASE.as_secs() && LEASE.as_secs() < 60);

/// How often a row is looked at when it keeps changing.
const LOOKS: usize = 4;

/// What a record is handled with.
pub(crate) struct Payments {
    pub(crate) process: Process,
    /// The table of the payments' rows.
    pub(crate) services: String,
    pub(crate) provider: Arc<dyn Provider>,
    /// Whose time a payment's lock expires in.
    pub(crate) wall: Wall,
}

/// What a look at a payment's row, and a word with the provider, led to.
enum Step {
    /// The command was answered before.
    Answered,
    /// The row has changed meanwhile.
    Again,
    /// To be written, if the row is still as it was.
    Write(Decision),
}

fn main() -> Result<(), Error> {
    consumer::run("payment", init, handle)
}

async fn init() -> Result<(Harness, Payments), Error> {
    let Service { harness, process, services, tables } = Service::start("payment").await?;
    let provider = Arc::new(Simulator::new(tables, services.as_str()));
    Ok((harness, Payments { process, services, provider, wall: Wall::system() }))
}

pub(crate) async fn handle(
    payments: &Payments,
    record: Record<PaymentCommand>,
    live: Live,
) -> Result<(), Failure> {
    let command = &record.event.data;
    let stream = StreamName::new(STREAM, command.order_id()).map_err(Failure::reject)?;
    for _ in 0..LOOKS {
        let decision = match payments.step(command, &live).await? {
            Step::Answered => return Ok(()),
            Step::Again => continue,
            Step::Write(decision) => decision,
        };
        let done = payments.process.handle(&live, &record, &stream, async |turn| {
            Ok(match turn.refused() {
                None => decision.clone(),
                // Nothing of this: what the row says by now counts.
                Some(_) => Decision::nothing(),
            })
        });
        if done.await? != Done::Nothing {
            return Ok(());
        }
    }
    Err(Failure::retry("the payment's row kept changing"))
}

impl Step {
    fn write(settled: Settled, row: Op) -> Self {
        Self::Write(Decision::nothing().event(settled.event).effect("RowChanged", row))
    }
}

impl Payments {
    async fn step(&self, command: &PaymentCommand, live: &Live) -> Result<Step, Failure> {
        let key = row::key(&self.services, "payment", command.order_id());
        Ok(match payment::next(command, &self.look(&key, command).await?) {
            Next::Nothing => Step::Answered,
            Next::Wait => return Err(Failure::retry("the payment is still being charged")),
            Next::Tombstone => {
                let settled = payment::tombstone(command);
                let row = row::first(&key, row::attributes(&settled.payment)?);
                Step::write(settled, row)
            }
            Next::Lock => self.ask_alone(&key, command, live).await?,
            Next::Refund => {
                let settled = self.ask(command, &Question::Cancel, live).await?;
                let row = Op::update(key).when(row::says("charged"));
                let row = row::set(row, &row::attributes(&settled.payment)?);
                Step::write(settled, row)
            }
        })
    }

    async fn look(&self, key: &Key, command: &PaymentCommand) -> Result<Found, Failure> {
        Ok(match lock(key, command).look(self.process.tables(), self.wall.now()).await? {
            lock::Found::Absent => Found::Absent,
            lock::Found::Held { .. } => Found::Charging,
            lock::Found::Expired(_) => Found::LeftCharging,
            lock::Found::Settled(item) => Found::Settled(row::state::<Payment>(key, &item)?.state),
            lock::Found::Other => return Err(other()),
        })
    }

    /// Asks the provider under the row's lock.
    async fn ask_alone(
        &self,
        key: &Key,
        command: &PaymentCommand,
        live: &Live,
    ) -> Result<Step, Failure> {
        let meanwhile = payment::charging(command).map(|payment| row::attributes(&payment));
        let meanwhile = meanwhile.transpose()?.unwrap_or_default();
        let (tables, now, lock) = (self.process.tables(), self.wall.now(), lock(key, command));
        let acquired = lock.acquire(tables, now, LEASE, |op| row::set(op, &meanwhile)).await?;
        let lease = match acquired {
            Acquired::Taken(lease) => lease,
            Acquired::Held { .. } | Acquired::Settled(_) => return Ok(Step::Again),
            Acquired::Other => return Err(other()),
        };
        let question = payment::question(command, lease.taken_over().is_some());
        let settled = match self.ask(command, &question, live).await {
            Ok(settled) => settled,
            Err(unknown) => {
                // Nobody asks any more, so the next one may at once. Should this fail, the lock expires.
                let _expires = tables.write(lease.release()).await;
                return Err(unknown);
            }
        };
        let row = row::set(lease.finish(), &row::attributes(&settled.payment)?);
        Ok(Step::write(settled, row))
    }

    /// What the provider's word makes of the payment. Without one it stays as it is, and the
    /// command comes again.
    async fn ask(
        &self,
        command: &PaymentCommand,
        question: &Question,
        live: &Live,
    ) -> Result<Settled, Failure> {
        // The provider knows a payment by its order, now and for all time.
        let (key, customer_id) = (command.order_id().to_string(), command.customer_id());
        let outcome = provider::ask(&*self.provider, live, question, &key, customer_id).await;
        Ok(payment::settled(command, outcome.map_err(Failure::retry)?))
    }
}

/// The lock in the payment's row. What is charged is its content: one order is not paid for twice
/// with different amounts. An undo takes it whatever it holds.
fn lock(key: &Key, command: &PaymentCommand) -> Lock {
    let lock = Lock::new(key.clone());
    match command {
        PaymentCommand::RefundPayment(_) => lock,
        PaymentCommand::ProcessPayment(process) => {
            let ProcessPayment { customer_id, amount, currency, .. } = process;
            lock.content(format!("{amount} {currency} {customer_id}").as_bytes())
        }
    }
}

fn other() -> Failure {
    Failure::reject("the order's payment was begun with another amount or customer")
}
