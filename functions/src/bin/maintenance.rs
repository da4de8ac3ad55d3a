//! by hand: loadStock | repair | rebuild | compare | switch | drop → what was done, and how to go on
//!
//! The payload is `{"action": …}` with what the action needs. An answer that is not `done` has under
//! `continue` the payload to call with next; calling with an old one again does no harm.

use contract::event::Timestamp;
use functions::{
    maintenance::{
        compare::{self, Compare},
        delivery::{self, Delivery},
        generations::{self, Drop, Switch},
        rebuild::{self, Rebuild},
        repair::{self, Repair, Ways},
        sweep::Swept,
    },
    read_model::ReadModel,
    relay::{CommandQueues, command_queues},
    variable,
};
use pointsman_kit::{
    aws,
    clock::Wall,
    consumer::Failure,
    publisher::Publisher,
    queues::Sender,
    runtime::{self, Error, Invocation},
    store::Store,
    table::Tables,
};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use std::{sync::Arc, time::Duration};

/// What of an invocation is kept for the answer.
const RESERVE: Duration = Duration::from_secs(2);

/// What a request is handled with.
pub(crate) struct Maintenance {
    pub(crate) tables: Arc<dyn Tables>,
    /// The table of the event store.
    pub(crate) event_store: String,
    /// The table of stock and markers.
    pub(crate) services: String,
    pub(crate) read_model: ReadModel,
    pub(crate) publisher: Publisher,
    pub(crate) sender: Sender,
    /// Where commands go.
    pub(crate) commands: CommandQueues,
    pub(crate) wall: Wall,
}

/// What is to be done, and how far it has gone already.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(tag = "action", rename_all = "camelCase")]
enum Request {
    LoadStock(Delivery),
    Repair(Repair),
    Rebuild(Rebuild),
    Compare(Compare),
    Switch(Switch),
    Drop(Drop),
}

/// What was done.
#[derive(Debug, Serialize)]
struct Answer {
    /// Whether nothing is left to do.
    done: bool,
    /// What was done, in all calls so far.
    result: Value,
    /// What did not go well, if that is why it stopped.
    #[serde(skip_serializing_if = "Option::is_none")]
    trouble: Option<String>,
    /// The payload to go on with.
    #[serde(rename = "continue", skip_serializing_if = "Option::is_none")]
    next: Option<Request>,
}

fn main() -> Result<(), Error> {
    runtime::run("maintenance", init, async |world: &Maintenance, payload, invocation| {
        handle(world, payload, &invocation).await
    })
}

async fn init() -> Result<Maintenance, Error> {
    let config = aws::config().await;
    let tables = functions::tables(&config);
    Ok(Maintenance {
        event_store: variable("EVENT_STORE_TABLE")?,
        services: variable("SERVICES_TABLE")?,
        read_model: ReadModel::new(tables.clone(), variable("READ_MODEL_TABLE")?),
        tables,
        publisher: functions::publisher(&config, &variable("BUS_NAME")?),
        sender: functions::sender(&config),
        commands: command_queues()?,
        wall: Wall::system(),
    })
}

/// Does what the payload says, as far as the invocation's time goes.
pub(crate) async fn handle(
    world: &Maintenance,
    payload: Value,
    invocation: &Invocation,
) -> Result<Value, Error> {
    let request: Request = serde_json::from_value(payload)?;
    let answer = world.answer(request, invocation).await?;
    let line = invocation.log.info("maintained").field("done", answer.done);
    line.field("result", &answer.result).field("trouble", &answer.trouble).emit();
    Ok(serde_json::to_value(answer)?)
}

impl Maintenance {
    async fn answer(&self, request: Request, invocation: &Invocation) -> Result<Answer, Error> {
        let Self { tables, read_model, event_store, services, .. } = self;
        let deadline = invocation.deadline.earlier(RESERVE);
        match request {
            Request::LoadStock(goods) => {
                let now = self.now();
                at_once(delivery::load(&**tables, services, &goods, now, deadline).await)
            }
            Request::Switch(to) => at_once(generations::switch(read_model, &to).await),
            Request::Repair(mut repair) => {
                let swept = repair::run(&self.ways(), &mut repair, deadline).await?;
                let result = json!(repair.repaired);
                Ok(in_parts(swept, result, Request::Repair(repair)))
            }
            Request::Rebuild(mut rebuild) => {
                let store = Store::new(tables.clone(), event_store.as_str());
                let swept =
                    rebuild::run(tables, &store, event_store, read_model, &mut rebuild, deadline);
                let swept = swept.await?;
                let result = json!(rebuild.rebuilt);
                Ok(in_parts(swept, result, Request::Rebuild(rebuild)))
            }
            Request::Compare(mut compare) => {
                let swept = compare::run(tables, read_model, &mut compare, deadline).await?;
                let result = json!(compare.compared);
                Ok(in_parts(swept, result, Request::Compare(compare)))
            }
            Request::Drop(mut drop) => {
                let swept = generations::remove(tables, read_model, &mut drop, deadline).await?;
                let result = json!({ "removed": drop.removed });
                Ok(in_parts(swept, result, Request::Drop(drop)))
            }
        }
    }

    fn ways(&self) -> Ways<'_> {
        Ways {
            tables: &self.tables,
            event_store: &self.event_store,
            publisher: &self.publisher,
            sender: &self.sender,
            commands: &self.commands,
            now: self.now(),
        }
    }

    /// Nothing that AWS stamps comes with a call by hand, so this is the wall's time.
    fn now(&self) -> Timestamp {
        self.wall.now()
    }
}

/// The answer to what is done in one go.
fn at_once(result: Result<impl Serialize, Failure>) -> Result<Answer, Error> {
    Ok(Answer { done: true, result: json!(result?), trouble: None, next: None })
}

/// The answer to what may have stopped on its way.
fn in_parts(swept: Swept, result: Value, request: Request) -> Answer {
    match swept {
        Swept::Done => Answer { done: true, result, trouble: None, next: None },
        Swept::Stopped(trouble) => Answer { done: false, result, trouble, next: Some(request) },
    }
}
