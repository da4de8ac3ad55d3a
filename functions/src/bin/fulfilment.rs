//! OrderPlaced | CancellationRequested | Payment… | Inventory… | Shipment… | CheckDeadline → PaymentRequested | OrderFulfilled | OrderCancelled | CancellationRefused, and all commands
//!
//! The saga. What it does in which state is decided in `domain::fulfilment`; here its stream and,
//! where a decision asks for it, the order's are read, and what follows is written in one
//! transaction.

use contract::{
    event::StreamName,
    fulfilment,
    order::{self, OrderEvent},
    values::OrderId,
};
use domain::{
    fulfilment::{Answer, Context, Heard, OrderRead, Own, Saga, Settings, apply, decide},
    order as orders,
};
use functions::service::Service;
use pointsman_kit::{
    consumer::{self, Failure, Harness, Record},
    live::Live,
    process::{Decision, Process},
    runtime::Error,
    store::{Position, Store},
};
use std::time::Duration;

/// What a record is handled with.
pub(crate) struct Fulfilment {
    pub(crate) process: Process,
    pub(crate) settings: Settings,
}

fn main() -> Result<(), Error> {
    consumer::run("fulfilment", init, handle)
}

async fn init() -> Result<(Harness, Fulfilment), Error> {
    let Service { harness, process, .. } = Service::start("fulfilment").await?;
    let settings = Settings {
        amendment_window: seconds("AMENDMENT_WINDOW_SECONDS")?,
        step_deadline: seconds("STEP_DEADLINE_SECONDS")?,
    };
    Ok((harness, Fulfilment { process, settings }))
}

pub(crate) async fn handle(
    fulfilment: &Fulfilment,
    record: Record<Heard>,
    live: Live,
) -> Result<(), Failure> {
    let Fulfilment { process, settings } = fulfilment;
    let heard = &record.event.data;
    // Every stream that is heard of is an order's.
    let order_id: OrderId = record.event.metadata.stream.id().parse().map_err(Failure::reject)?;
    let stream = stream(fulfilment::STREAM, order_id)?;
    let step = process.handle(&live, &record, &stream, async |turn| {
        let saga = turn.fold(Saga::default(), |saga, row: &Own| apply(saga, row))?;
        let previous = record.event.metadata.previous;
        let context = Context { now: record.now, settings: *settings, previous, order: None };
        let (answer, position) = match decide(&saga, heard, context) {
            Answer::NeedsOrder => {
                let (order, position) = read_order(process.store(), order_id).await?;
                let context = Context { order: Some(&order), ..context };
                (decide(&saga, heard, context), Some(position))
            }
            answer => (answer, None),
        };
        match (answer, position) {
            (Answer::Follows(events, commands), _) => Ok((events, commands).into()),
            // In one moment: nothing was added since it was read, and nothing will be from now on.
            (Answer::Closes(events, commands), Some(position)) => {
                Ok(Decision::from((events, commands))
                    .guard("OrderChanged", process.store().unchanged(&position))
                    .effect("OrderClosed", process.store().close(&live, &stream)))
            }
            (Answer::Closes(..), None) => Err(Failure::retry("the order was not read")),
            (Answer::NeedsOrder, _) => Err(Failure::retry("the order was read already")),
        }
    });
    step.await.map(drop)
}

/// The order as its stream has it now, and where that ends.
async fn read_order(store: &Store, order_id: OrderId) -> Result<(OrderRead, Position), Failure> {
    let history = store.read(&stream(order::STREAM, order_id)?).await?;
    let order = history
        .fold(None, |order, event: &OrderEvent| orders::apply(order, event))
        .map_err(Failure::retry)?
        .ok_or_else(|| Failure::retry(format!("order {order_id} is not in the store")))?;
    let version = history.position.version();
    Ok((OrderRead { order, version }, history.position))
}

fn stream(kind: &str, order_id: OrderId) -> Result<StreamName, Failure> {
    StreamName::new(kind, order_id).map_err(Failure::reject)
}

fn seconds(name: &str) -> Result<Duration, Error> {
    let text = functions::variable(name)?;
    let seconds =
        text.parse().map_err(|_| format!("{name} is {text:?}, not a number of seconds"))?;
    Ok(Duration::from_secs(seconds))
}
