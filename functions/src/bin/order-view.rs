//! OrderPlaced | ItemAdded | ShippingAddressUpdated → an order's row in ReadModel
//!
//! A projection: it can be dropped and built anew, so it keeps positions and no markers. Events come
//! in any order and more than once; what is missing before one is read from the event store.

use contract::{
    event::{Envelope, EventSet, Metadata, StreamName},
    order::OrderEvent,
    values::OrderId,
};
use domain::view::{OrderView, Projection, project};
use functions::read_model::ReadModel;
use pointsman_kit::{
    aws,
    consumer::{self, Failure, Harness, Record},
    queues::{Sender, Sqs},
    runtime::Error,
    store::{Kind, Store},
};
use std::sync::Arc;

/// How often a view is folded anew when another writer came first.
const FOLD_AGAIN: usize = 5;

/// What a record is handled with.
pub(crate) struct View {
    pub(crate) store: Store,
    pub(crate) read_model: ReadModel,
}

fn main() -> Result<(), Error> {
    consumer::run_projection("order-view", init, open, handle)
}

async fn init() -> Result<(Harness, View), Error> {
    let config = aws::config().await;
    let tables = functions::tables(&config);
    let sender = Sender::new(Arc::new(Sqs::new(aws_sdk_sqs::Client::new(&config))));
    let harness = Harness::new("order-view").dlq(sender, &functions::variable("DLQ_URL")?);
    let view = View {
        store: Store::new(tables.clone(), functions::variable("EVENT_STORE_TABLE")?),
        read_model: ReadModel::new(tables, functions::variable("READ_MODEL_TABLE")?),
    };
    Ok((harness, view))
}

/// The generations that get every live event.
pub(crate) async fn open(view: &View) -> Result<Vec<String>, Failure> {
    Ok(view.read_model.generations().await?.open())
}

/// Folds one event into one generation of its order's row, under the row's revision as it was read.
pub(crate) async fn handle(
    view: &View,
    record: &Record<OrderEvent>,
    generation: &str,
) -> Result<(), Failure> {
    let event = untyped(&record.event)?;
    let order_id: OrderId = event.metadata.stream.id().parse().map_err(Failure::reject)?;
    for _ in 0..=FOLD_AGAIN {
        let found = view.read_model.find(generation, order_id).await?;
        let after = match project(&found.view, &event).map_err(Failure::reject)? {
            Projection::Duplicate => {
                record.log.count("Duplicate");
                return Ok(());
            }
            Projection::Apply(after) => *after,
            Projection::Gap { stream, .. } => {
                record.log.count("GapRead");
                caught_up(&view.store, found.view, &stream, &event).await?
            }
        };
        if view.read_model.save(generation, &after, found.rev).await? {
            let line = record.log.info("applied").field("generation", generation);
            line.field("stream", &event.metadata.stream)
                .field("positions", &after.positions)
                .emit();
            return Ok(());
        }
    }
    Err(Failure::retry("the order's row kept changing"))
}

/// The view behind all that the stream has by now, which is at least `event`.
async fn caught_up(
    store: &Store,
    mut view: OrderView,
    stream: &StreamName,
    event: &Envelope,
) -> Result<OrderView, Failure> {
    let rows = store.read(stream).await?.rows;
    let events = rows.iter().filter(|row| row.kind == Kind::Event).map(|row| &row.envelope);
    for one in events.chain([event]) {
        match project(&view, one).map_err(Failure::reject)? {
            Projection::Apply(after) => view = *after,
            Projection::Duplicate => {}
            Projection::Gap { position, needed, .. } => {
                let text = format!("{stream} does not have what leads from {position} to {needed}");
                return Err(Failure::retry(text));
            }
        }
    }
    Ok(view)
}

/// The event as the fold takes it: its data is of today's version, and says so.
fn untyped(event: &Envelope<OrderEvent>) -> Result<Envelope, Failure> {
    let schema_version = event.data.declaration().version;
    let metadata = Metadata { schema_version, ..event.metadata.clone() };
    Ok(Envelope { metadata, data: event.data.to_data().map_err(Failure::reject)? })
}
