//! ProcessPayment | RefundPayment → PaymentProcessed | PaymentDeclined | PaymentRefunded
//!
//! The provider is outside of every transaction. So the payment's row is locked before it is asked,
//! and what it said is written, with the event, under the lock's fence. `domain::payment` decides.

use contract::{event::StreamName, fulfilment::ProcessPayment, payment::STREAM};
use domain::payment::{
    self, Found, Next, Outcome, Payment, PaymentCommand, Question, Settled, State,
};
use functions::{
    provider::{self, Charge, Provider, Simulator, Unknown},
    row,
};
use pointsman_kit::{
    aws,
    clock::Wall,
    consumer::{self, Failure, Harness, Record},
    live::Live,
    lock::{self, Acquired, Lock},
    process::{Decision, Done, Process},
    queues::{Sender, Sqs},
    runtime::Error,
    store::Store,
    table::{Item, Key, Op},
};
use std::{sync::Arc, time::Duration};

/// How long a payment is held while the provider is asked: longer than an invocation may last
/// (10 s), so that nobody is overtaken who is still at it; shorter than the queue's visibility
/// timeout (60 s), so that a command that comes again finds the lock expired.
const LEASE: Duration = Duration::from_secs(30);
const _: () = assert!(2 * provider::TIMEOUT.as_secs() < 10 && LEASE.as_secs() < 60);

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
    Write(Settled, Op),
}

fn main() -> Result<(), Error> {
    consumer::run("payment", init, handle)
}

async fn init() -> Result<(Harness, Payments), Error> {
    let config = aws::config().await;
    let tables = functions::tables(&config);
    let sender = Sender::new(Arc::new(Sqs::new(aws_sdk_sqs::Client::new(&config))));
    let harness = Harness::new("payment").dlq(sender, &functions::variable("DLQ_URL")?);
    let store = Store::new(tables.clone(), functions::variable("EVENT_STORE_TABLE")?);
    let services = functions::variable("SERVICES_TABLE")?;
    let payments = Payments {
        process: Process::new("payment", store, &services),
        provider: Arc::new(Simulator::new(tables, services.as_str())),
        services,
        wall: Wall::system(),
    };
    Ok((harness, payments))
}

pub(crate) async fn handle(
    payments: &Payments,
    record: Record<PaymentCommand>,
    live: Live,
) -> Result<(), Failure> {
    let command = &record.event.data;
    let stream = StreamName::new(STREAM, command.order_id()).map_err(Failure::reject)?;
    for _ in 0..LOOKS {
        let (settled, row) = match payments.step(command, &live).await? {
            Step::Answered => return Ok(()),
            Step::Again => continue,
            Step::Write(settled, row) => (settled, row),
        };
        let done = payments.process.handle(&live, &record, &stream, async |turn| {
            Ok(match turn.refused() {
                None => Decision::nothing()
                    .event(settled.event.clone())
                    .effect("RowChanged", row.clone()),
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

impl Payments {
    async fn step(&self, command: &PaymentCommand, live: &Live) -> Result<Step, Failure> {
        let key = row::key(&self.services, "payment", command.order_id());
        Ok(match payment::next(command, &self.look(&key, command).await?) {
            Next::Nothing => Step::Answered,
            Next::Wait => return Err(Failure::retry("the provider is being asked")),
            Next::Tombstone(settled) => {
                let row = row::first(&key, row::attributes(&settled.payment)?);
                Step::Write(settled, row)
            }
            Next::Lock(question) => self.ask_alone(&key, command, &question, live).await?,
            Next::Refund => {
                let settled = self.ask(command, &Question::Cancel, live).await?;
                let row = Op::update(key).when(row::says("charged"));
                let row = row::set(row, &row::attributes(&settled.payment)?);
                Step::Write(settled, row)
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
        question: &Question,
        live: &Live,
    ) -> Result<Step, Failure> {
        let charging = match question {
            Question::Charge(price) | Question::FindOrCharge(price) => {
                let (customer_id, state) =
                    (command.customer_id().clone(), State::Charging(price.clone()));
                row::attributes(&Payment { customer_id, state })?
            }
            Question::Cancel => Item::new(),
        };
        let (tables, now) = (self.process.tables(), self.wall.now());
        let lock = lock(key, command);
        let acquired = lock.acquire(tables, now, LEASE, |op| row::set(op, &charging)).await?;
        let lease = match acquired {
            Acquired::Taken(lease) => lease,
            Acquired::Held { .. } | Acquired::Settled(_) => return Ok(Step::Again),
            Acquired::Other => return Err(other()),
        };
        let settled = self.ask(command, question, live).await?;
        let row = row::set(lease.finish(), &row::attributes(&settled.payment)?);
        Ok(Step::Write(settled, row))
    }

    /// What the provider's word makes of the payment. Without one it stays as it is, and the
    /// command comes again.
    async fn ask(
        &self,
        command: &PaymentCommand,
        question: &Question,
        live: &Live,
    ) -> Result<Settled, Failure> {
        let (provider, key) = (&self.provider, command.order_id().to_string());
        if let Question::FindOrCharge(_) = question
            && let Some(outcome) = in_time(provider.find(&key)).await?
        {
            return Ok(payment::settled(command, outcome));
        }
        let outcome = match question {
            Question::Charge(price) | Question::FindOrCharge(price) => {
                let (customer_id, price) = (command.customer_id().clone(), price.clone());
                let charge = Charge { key, customer_id, price };
                Outcome::Answered(in_time(provider.charge(live, &charge)).await?)
            }
            Question::Cancel => Outcome::Undone(in_time(provider.cancel(live, &key)).await?),
        };
        Ok(payment::settled(command, outcome))
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

async fn in_time<T>(asked: impl Future<Output = Result<T, Unknown>>) -> Result<T, Failure> {
    match tokio::time::timeout(provider::TIMEOUT, asked).await {
        Ok(word) => word.map_err(Failure::retry),
        Err(_) => Err(Failure::retry("the payment provider did not answer in time")),
    }
}

fn other() -> Failure {
    Failure::reject("the order's payment was begun with another amount or customer")
}
