//! all that happens to an order → its row in ReadModel
//!
//! A projection: it can be dropped and built anew, so it keeps positions and no markers. Events come
//! in any order and more than once; what is missing before one is read from the event store.

use contract::values::OrderId;
use domain::view::{OrderView, Projection, Told, Unfit, catch_up, step};
use functions::read_model::{self, ReadModel};
use pointsman_kit::{
    aws,
    consumer::{self, Failure, Harness, Record},
    runtime::Error,
    store::Store,
};

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
    let dlq = functions::variable("DLQ_URL")?;
    let harness = Harness::new("order-view").dlq(functions::sender(&config), &dlq);
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
    record: &Record<Told>,
    generation: &str,
) -> Result<(), Failure> {
    let (event, told) = (&record.event.metadata, Some(&record.event.data));
    let order_id: OrderId = event.stream.id().parse().map_err(Failure::reject)?;
    for _ in 0..=FOLD_AGAIN {
        let found = view.read_model.find(generation, order_id).await?;
        let after = match step(&found.view, event, told).map_err(Failure::reject)? {
            Projection::Duplicate => {
                record.log.count("Duplicate");
                return Ok(());
            }
            Projection::Apply(after) => *after,
            Projection::Gap { .. } => {
                record.log.count("GapRead");
                caught_up(&view.store, found.view, record).await?
            }
        };
        if view.read_model.save(generation, &after, found.rev).await? {
            let line = record.log.info("applied").field("generation", generation);
            line.field("stream", &event.stream).field("positions", &after.positions).emit();
            return Ok(());
        }
    }
    Err(Failure::retry("the order's row kept changing"))
}

/// The view behind all that the record's stream has by now, which is at least the record's event.
async fn caught_up(
    store: &Store,
    view: OrderView,
    record: &Record<Told>,
) -> Result<OrderView, Failure> {
    let (event, told) = (&record.event.metadata, Some(&record.event.data));
    let rows = store.read(&event.stream).await?.rows;
    // A row that does not fit is not the record's fault, and what is missing may come.
    let view = catch_up(view, read_model::events(&rows)).map_err(Failure::retry)?;
    match step(&view, event, told).map_err(Failure::reject)? {
        Projection::Apply(after) => Ok(*after),
        Projection::Duplicate => Ok(view),
        Projection::Gap { stream, position, needed } => {
            Err(Failure::retry(Unfit::Gap { stream, position, needed }))
        }
    }
}
