//! The read model made anew, beside the one that is read.

use super::{
    Examples,
    generations::{check_name, open},
    sweep::{Places, Swept, segments, sweep},
};
use crate::read_model::{self, ReadModel};
use contract::{event::StreamName, order::STREAM, values::OrderId};
use domain::view::{OrderView, STREAMS, catch_up};
use pointsman_kit::{
    clock::Deadline,
    consumer::Failure,
    store::{self, Store},
    table::{Item, PK, Scan, Tables, Value},
};
use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// How often an order is folded anew when a live event came in between.
const FOLD_AGAIN: usize = 5;
/// How many rows of the store a page has at most, so that its orders are folded well within an
/// invocation.
const PAGE: usize = 500;

/// Which generation is built, and how far that has gone.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Rebuild {
    /// The generation.
    pub generation: String,
    /// How many parts of the store are read at once.
    #[serde(default = "segments")]
    pub segments: u32,
    /// How far it has gone.
    #[serde(default)]
    pub places: Places,
    /// What was done so far.
    #[serde(default)]
    pub rebuilt: Rebuilt,
}

/// What a rebuild did.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Rebuilt {
    /// Orders whose row says what their streams say.
    pub orders: u64,
    /// Orders that can't be folded: they have no row, or an old one.
    pub unreadable: u64,
    /// Some of these, with the reason.
    pub examples: Examples,
}

/// Opens the generation, so that it gets every live event from then on, and then folds the history
/// of every order into it: so nothing falls in between.
///
/// # Errors
/// If the generation is the live one or has no name; what can't pass.
pub async fn run(
    tables: &Arc<dyn Tables>,
    store: &Store,
    event_store: &str,
    read_model: &ReadModel,
    rebuild: &mut Rebuild,
    deadline: Deadline,
) -> Result<Swept, Failure> {
    check_name(&rebuild.generation)?;
    open(read_model, &rebuild.generation).await?;
    let scan = Scan::new(event_store).only(store::first()).limit(PAGE);
    let Rebuild { generation, segments, places, rebuilt } = rebuild;
    let visit = async |items: Vec<Item>| {
        let mut done = Rebuilt::default();
        for order_id in items.iter().filter_map(order_of) {
            match fold(store, read_model, generation, order_id).await {
                Ok(()) => done.orders += 1,
                Err(failure) if failure.is_reject() => {
                    done.unreadable += 1;
                    done.examples.add(format!("{order_id}: {failure}"));
                }
                Err(failure) => return Err(failure),
            }
        }
        rebuilt.orders += done.orders;
        rebuilt.unreadable += done.unreadable;
        rebuilt.examples.extend(done.examples);
        Ok(())
    };
    sweep(tables, &scan, *segments, places, deadline, visit).await
}

/// Makes an order's row say what its streams say, whatever it said: another code may have written it.
///
/// The row's revision is read before the streams are, so they have at least what is in it.
async fn fold(
    store: &Store,
    read_model: &ReadModel,
    generation: &str,
    order_id: OrderId,
) -> Result<(), Failure> {
    for _ in 0..=FOLD_AGAIN {
        let found = read_model.find(generation, order_id).await.map_err(super::of_table)?;
        let mut view = OrderView::new(order_id);
        for kind in STREAMS {
            let stream = StreamName::new(kind, order_id).map_err(Failure::reject)?;
            let rows = store.read(&stream).await.map_err(super::of_store)?.rows;
            view = catch_up(view, read_model::events(&rows)).map_err(Failure::reject)?;
        }
        let same = found.rev.is_some() && found.view == view;
        let saved =
            same || read_model.save(generation, &view, found.rev).await.map_err(super::of_table)?;
        if saved {
            return Ok(());
        }
    }
    Err(Failure::retry(format!("the row of order {order_id} kept changing")))
}

/// The order that a stream's first row is of.
fn order_of(item: &Item) -> Option<OrderId> {
    let stream: StreamName = item.get(PK).and_then(Value::as_s)?.parse().ok()?;
    (stream.kind() == STREAM).then(|| stream.id().parse().ok()).flatten()
}
