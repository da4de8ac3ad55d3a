//! HTTP GET orders → ReadModel; an order's history → EventStore
//!
//! An order is its owner's alone: another's is as if it were not there.

use contract::{
    event::{Envelope, StreamName, Timestamp},
    fulfilment::CancelReason,
    order::{OrderEvent, STREAM},
    values::{CustomerId, OrderId, ShipmentId},
};
use domain::{
    Refusal, history,
    order::{self, Order},
    view::{Goods, OrderView, Payment, STREAMS, Status},
};
use functions::{
    http::{caller, order_id, refused},
    read_model::{ReadModel, view_of},
};
use pointsman_kit::{
    aws,
    http::{self, Problem, Request, Response},
    runtime::{Error, Invocation},
    store::{self, History, Kind, Store},
    table::{self, Cursor},
};
use serde::Serialize;

/// The most orders in one page of a list, and how many there are if none is named.
const MAX_PAGE: usize = 100;
const PAGE: usize = 20;

/// What a request is handled with.
pub(crate) struct Queries {
    pub(crate) store: Store,
    pub(crate) read_model: ReadModel,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct OrderBody<'a> {
    /// The last version of the order's own stream that is in it.
    version: u64,
    placed_at: Option<Timestamp>,
    status: Status,
    #[serde(flatten)]
    order: &'a Order,
    /// Whether it was too late to cancel it.
    cancellation_refused: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    cancellation_reason: Option<CancelReason>,
    #[serde(skip_serializing_if = "Option::is_none")]
    payment: Option<&'a Payment>,
    #[serde(skip_serializing_if = "Option::is_none")]
    goods: Option<&'a Goods>,
    #[serde(skip_serializing_if = "Option::is_none")]
    shipment_id: Option<ShipmentId>,
}

#[derive(Serialize)]
struct ListBody<'a> {
    orders: Vec<OrderBody<'a>>,
    /// Where to go on; null at the end.
    next: Option<String>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct HistoryBody {
    order_id: OrderId,
    /// Causes first; there is no total order over streams.
    events: Vec<Envelope>,
}

fn main() -> Result<(), Error> {
    http::run("order-queries", init, handle)
}

async fn init() -> Result<Queries, Error> {
    let tables = functions::tables(&aws::config().await);
    Ok(Queries {
        store: Store::new(tables.clone(), functions::variable("EVENT_STORE_TABLE")?),
        read_model: ReadModel::new(tables, functions::variable("READ_MODEL_TABLE")?),
    })
}

pub(crate) async fn handle(
    queries: &Queries,
    request: Request,
    _: &Invocation,
) -> Result<Response, Problem> {
    let caller = caller(&request)?;
    match request.route.as_str() {
        "GET /orders" => queries.list(&request, &caller).await,
        "GET /orders/{id}" => queries.order(&request, order_id(&request)?, &caller).await,
        "GET /orders/{id}/history" => queries.history(order_id(&request)?, &caller).await,
        route => Err(Problem::internal(&format!("the template sends {route} here"))),
    }
}

impl Queries {
    /// The caller's orders, the latest first. The list may lag behind the orders themselves.
    async fn list(&self, request: &Request, caller: &CustomerId) -> Result<Response, Problem> {
        let limit = number(request, "limit")?.unwrap_or(PAGE);
        if !(1..=MAX_PAGE).contains(&limit) {
            let text = format!("it must be 1 to {MAX_PAGE}");
            return Err(Problem::bad_request(&text).at("limit"));
        }
        let stale =
            || Problem::bad_request("this token is not from your list of orders").at("next");
        let after = request.query("next").map(Cursor::parse).transpose().map_err(|_| stale())?;
        let generation = self.read_model.generations().await?.live;
        let page = self.read_model.list(&generation, caller, limit, after.as_ref()).await;
        let page = page.map_err(|error| match error {
            table::Error::Refused { code, .. }
                if after.is_some() && code == "ValidationException" =>
            {
                stale()
            }
            error => error.into(),
        })?;
        let views: Vec<OrderView> = page.items.iter().map(view_of).collect::<Result<_, _>>()?;
        let orders = views.iter().filter_map(body).collect();
        Ok(Response::json(200, &ListBody { orders, next: page.next.map(|next| next.token()) }))
    }

    /// One order, at least as new as `min_version` of its own stream if that is asked for.
    async fn order(
        &self,
        request: &Request,
        order_id: OrderId,
        caller: &CustomerId,
    ) -> Result<Response, Problem> {
        let min_version: u64 = number(request, "min_version")?.unwrap_or(0);
        let generation = self.read_model.generations().await?.live;
        let view = self.read_model.find(&generation, order_id).await?.view;
        let Some(body) = body(&view) else {
            // Not in the read model (yet): only the store knows whether it will be.
            owned(&self.read(STREAM, order_id).await?, caller)?;
            return Err(behind(0));
        };
        if body.order.customer_id != *caller {
            return Err(refused(&Refusal::OrderNotFound));
        }
        if body.version < min_version {
            return Err(behind(body.version));
        }
        Ok(Response::json(200, &body))
    }

    /// All that happened to an order, from the streams themselves.
    async fn history(&self, order_id: OrderId, caller: &CustomerId) -> Result<Response, Problem> {
        let [order, fulfilment, payment, inventory, shipment] =
            STREAMS.map(|kind| self.read(kind, order_id));
        let order = order.await?;
        owned(&order, caller)?;
        let (fulfilment, payment, inventory, shipment) =
            tokio::try_join!(fulfilment, payment, inventory, shipment)?;
        let rows = [order, fulfilment, payment, inventory, shipment]
            .into_iter()
            .flat_map(|stream| stream.rows);
        let rows = rows.map(|row| {
            let kind = if row.kind == Kind::Command {
                history::RowKind::Command
            } else {
                history::RowKind::Event
            };
            history::Row { kind, envelope: row.envelope }
        });
        let events = history::merge(rows.collect());
        Ok(Response::json(200, &HistoryBody { order_id, events }))
    }

    async fn read(&self, kind: &str, order_id: OrderId) -> Result<History, Problem> {
        let stream = StreamName::new(kind, order_id);
        let stream = stream.map_err(|error| Problem::internal(&error.to_string()))?;
        self.store.read(&stream).await.map_err(store::Error::into)
    }
}

/// Whether the order is there and the caller's.
fn owned(stream: &History, caller: &CustomerId) -> Result<(), Problem> {
    let events = stream.events::<OrderEvent>()?;
    let order = order::fold(events.iter().map(|event| &event.data));
    order::owned(order.as_ref(), caller).map(drop).map_err(|refusal| refused(&refusal))
}

fn body(view: &OrderView) -> Option<OrderBody<'_>> {
    let order = view.order.as_ref()?;
    Some(OrderBody {
        version: view.position(STREAM),
        placed_at: view.placed_at,
        status: view.status(),
        order,
        cancellation_refused: view.course.cancellation_refused,
        cancellation_reason: view.course.cancelled,
        payment: view.payment.as_ref(),
        goods: view.goods.as_ref(),
        shipment_id: view.shipment.as_ref().and_then(|shipment| shipment.shipment_id),
    })
}

/// The read model has not come as far as is asked for; it will.
fn behind(version: u64) -> Problem {
    let text = format!("the read model has the order only up to version {version} so far");
    Problem::conflict(&text).code("Behind").header("retry-after", 1)
}

fn number<T: std::str::FromStr>(request: &Request, name: &str) -> Result<Option<T>, Problem> {
    let parsed = request.query(name).map(|text| text.parse());
    parsed.transpose().map_err(|_| Problem::bad_request("it must be a whole number").at(name))
}
