//! HTTP PlaceOrder | AddItem | UpdateShippingAddress | CancelOrder | RegisterUser → OrderPlaced | ItemAdded | ShippingAddressUpdated | CancellationRequested | UserRegistered
//!
//! Only appends: the answer is 202 and the version to ask order-queries for. An order is its
//! owner's, the token's `sub`; another's is as if it were not there.

use contract::{
    customer::{self, CustomerEvent, RegisterUser},
    event::StreamName,
    fulfilment,
    order::{self, OrderEvent},
    values::{CustomerId, OrderId},
};
use domain::{Prices, customer as customers, order as orders, prices};
use functions::{
    command::Task,
    http::{caller, order_id},
};
use pointsman_kit::{
    aws,
    http::{self, Problem, Request, Response},
    runtime::{Error, Invocation},
    store::Store,
};
use serde::Serialize;

/// What a request is handled with.
pub(crate) struct Commands {
    pub(crate) store: Store,
    /// The table that keeps the answers.
    pub(crate) services: String,
    pub(crate) prices: Prices,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct OrderAccepted {
    order_id: OrderId,
    version: u64,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct CustomerAccepted<'a> {
    customer_id: &'a CustomerId,
    version: u64,
}

fn main() -> Result<(), Error> {
    http::run("order-commands", init, handle)
}

async fn init() -> Result<Commands, Error> {
    let tables = functions::tables(&aws::config().await);
    Ok(Commands {
        store: Store::new(tables, functions::variable("EVENT_STORE_TABLE")?),
        services: functions::variable("SERVICES_TABLE")?,
        prices: Prices::parse(prices::JSON)?,
    })
}

pub(crate) async fn handle(
    commands: &Commands,
    request: Request,
    invocation: &Invocation,
) -> Result<Response, Problem> {
    let caller = &caller(&request)?;
    let Commands { store, services, .. } = commands;
    let task = Task::new(store, services, caller.as_str(), &request, invocation)?;
    match request.route.as_str() {
        "POST /orders" => {
            let command = orders::Command::Place(request.json()?);
            commands.order(&task, OrderId(store.mint(request.now)), command, caller).await
        }
        "POST /orders/{id}/items" => {
            let command = orders::Command::Add(request.json()?);
            commands.order(&task, order_id(&request)?, command, caller).await
        }
        "PUT /orders/{id}/shipping-address" => {
            let command = orders::Command::UpdateAddress(request.json()?);
            commands.order(&task, order_id(&request)?, command, caller).await
        }
        "DELETE /orders/{id}" => {
            commands.order(&task, order_id(&request)?, orders::Command::Cancel, caller).await
        }
        "POST /customers" => register(&task, &request.json()?, caller).await,
        route => Err(Problem::internal(&format!("the template sends {route} here"))),
    }
}

impl Commands {
    async fn order(
        &self,
        task: &Task<'_>,
        order_id: OrderId,
        command: orders::Command,
        caller: &CustomerId,
    ) -> Result<Response, Problem> {
        // Fulfilment sets its guard where it closes the order.
        let guard =
            command.needs_open().then(|| stream(fulfilment::STREAM, order_id)).transpose()?;
        let context = orders::Context { order_id, caller, prices: &self.prices };
        let decide = |events: &[OrderEvent]| {
            orders::decide(orders::fold(events).as_ref(), &command, context)
        };
        let answer = |version| {
            Response::json(202, &OrderAccepted { order_id, version })
                .header("location", format!("/orders/{order_id}?min_version={version}"))
        };
        let stream = stream(order::STREAM, order_id)?;
        task.append(&stream, guard.as_ref(), decide, answer).await
    }
}

async fn register(
    task: &Task<'_>,
    command: &RegisterUser,
    caller: &CustomerId,
) -> Result<Response, Problem> {
    let decide = |events: &[CustomerEvent]| {
        customers::register(customers::fold(events).as_ref(), command, caller)
    };
    let answer = |version| Response::json(202, &CustomerAccepted { customer_id: caller, version });
    task.append(&stream(customer::STREAM, caller)?, None, decide, answer).await
}

fn stream(kind: &str, id: impl std::fmt::Display) -> Result<StreamName, Problem> {
    StreamName::new(kind, id).map_err(|error| Problem::internal(&error.to_string()))
}
