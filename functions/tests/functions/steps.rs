//! The three services of an order's steps over one table, fed with commands as fulfilment sends them.

#[path = "../../src/bin/inventory.rs"]
#[expect(dead_code, reason = "main and init belong to the binary")]
mod inventory;

#[path = "../../src/bin/payment.rs"]
#[expect(dead_code, reason = "main and init belong to the binary")]
mod payment;

#[path = "../../src/bin/shipping.rs"]
#[expect(dead_code, reason = "main and init belong to the binary")]
mod shipping;

use crate::shop::NOW;
use contract::{
    event::{Command, Readable, Timestamp, Ulid},
    fulfilment::{
        AllocateInventory, CancelReason, CancelShipment, ProcessPayment, RefundPayment,
        ReleaseInventory, ShipOrder,
    },
    values::{OrderId, Pick},
};
use functions::provider::{Provider, Simulator};
use pointsman_kit::{
    clock::Wall,
    consumer::{self, Failure, Harness, Record},
    live::Live,
    observability::Log,
    process::Process,
    queues::{self, Sender},
    runtime::Invocation,
    store::{Kind, Store},
    table::{Fault, Item, Memory, Op, Value},
    testing::{Crash, queue_batch},
};
use serde_json::{Value as Json, json};
use std::{sync::Arc, time::Duration};

pub(crate) struct Steps {
    pub(crate) tables: Memory,
    pub(crate) wall: Wall,
    pub(crate) crash: Crash,
    pub(crate) store: Store,
    pub(crate) simulator: Simulator,
    payments: payment::Payments,
    inventory: inventory::Inventory,
    shipping: shipping::Shipping,
    dlq: queues::Memory,
}

/// How a message ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum End {
    Done,
    /// It comes again.
    Again,
    /// It is in the DLQ, for this reason.
    Rejected(String),
    /// The function died.
    Died,
}

/// A command in its queue: its body, and which of the services takes it.
#[derive(Debug, Clone)]
pub(crate) struct Message {
    service: &'static str,
    body: String,
}

impl Steps {
    pub(crate) fn new() -> Self {
        let start = Timestamp::from_ms(NOW);
        Self::over(Memory::new(), Wall::by_hand(start))
    }

    /// One more process of each service.
    pub(crate) fn beside(&self) -> Self {
        Self::over(self.tables.clone(), self.wall.clone())
    }

    pub(crate) fn over(tables: Memory, wall: Wall) -> Self {
        let crash = Crash::new();
        tables.crashing(&crash, 0, 0);
        let shared = Arc::new(tables.clone());
        let store = Store::new(shared.clone(), "EventStore");
        let process = |name| Process::new(name, store.clone(), "Services").seeded(1);
        let services = || "Services".to_owned();
        let simulator = Simulator::new(shared, "Services");
        Self {
            payments: payment::Payments {
                process: process("payment"),
                services: services(),
                provider: Arc::new(simulator.clone()),
                wall: wall.clone(),
            },
            inventory: inventory::Inventory { process: process("inventory"), services: services() },
            shipping: shipping::Shipping { process: process("shipping"), services: services() },
            tables,
            wall,
            crash,
            store,
            simulator,
            dlq: queues::Memory::new(),
        }
    }

    pub(crate) fn with_provider(mut self, provider: impl Provider + 'static) -> Self {
        self.payments.provider = Arc::new(provider);
        self
    }

    /// Hands the message out once.
    pub(crate) async fn hand(&self, message: &Message) -> End {
        match message.service {
            "payment" => self.give(message, &self.payments, payment::handle).await,
            "inventory" => self.give(message, &self.inventory, inventory::handle).await,
            _ => self.give(message, &self.shipping, shipping::handle).await,
        }
    }

    /// Hands it out as SQS does, every minute, until it is dealt with: how often that was.
    pub(crate) async fn deal_with(&self, message: &Message) -> usize {
        for time in 1..10 {
            match self.hand(message).await {
                End::Done => return time,
                End::Rejected(reason) => panic!("{message:?}: {reason}"),
                End::Again | End::Died => self.pass(Duration::from_secs(60)),
            }
        }
        panic!("{message:?} comes again and again")
    }

    pub(crate) fn pass(&self, time: Duration) {
        let ms = i64::try_from(time.as_millis()).unwrap();
        self.wall.set(Timestamp::from_ms(self.wall.now().as_ms() + ms));
    }

    /// Lets the process die at the `nth` write from now on.
    pub(crate) fn die_at(&self, nth: usize, fault: Fault) {
        self.tables.race(move |tables| count_down(tables, nth, fault));
    }

    /// The events of a stream, by their names and in order.
    pub(crate) async fn events(&self, kind: &str) -> Vec<String> {
        let stream = format!("{kind}#{}", order_id()).parse().unwrap();
        let rows = self.store.read(&stream).await.unwrap().rows;
        assert!(rows.iter().all(|row| row.kind == Kind::Event));
        rows.into_iter().map(|row| row.envelope.metadata.event_type).collect()
    }

    /// The data of the last event of a stream.
    pub(crate) async fn last(&self, kind: &str) -> Json {
        let stream = format!("{kind}#{}", order_id()).parse().unwrap();
        self.store.read(&stream).await.unwrap().rows.pop().unwrap().envelope.data
    }

    /// The row under `pk` in Services.
    pub(crate) fn row(&self, pk: &str) -> Option<Item> {
        let pk = Value::S(pk.to_owned());
        self.tables.items("Services").into_iter().find(|item| item["pk"] == pk)
    }

    /// What the row `<thing>#<order>` says it is.
    pub(crate) fn state(&self, thing: &str) -> Option<String> {
        let row = self.row(&format!("{thing}#{}", order_id()))?;
        Some(row["state"].as_s().unwrap().to_owned())
    }

    pub(crate) fn put(&self, op: Op) {
        self.tables.force(op);
    }

    async fn give<W, S: Readable>(
        &self,
        message: &Message,
        world: &W,
        handle: impl AsyncFn(&W, Record<S>, Live) -> Result<(), Failure>,
    ) -> End {
        let batch = queue_batch(
            message.service,
            std::slice::from_ref(&message.body),
            Timestamp::from_ms(NOW),
        );
        let sender = Sender::new(Arc::new(self.dlq.clone())).seeded(1);
        let harness = Harness::new(message.service).dlq(sender, "dlq");
        let (log, _) = Log::captured("test");
        let invocation = Invocation::new("invocation-1", Duration::from_secs(9), &log);
        let work = consumer::handle_batch(&harness, batch, &invocation, world, handle);
        let before = self.dlq.messages().len();
        match self.crash.run(work).await {
            None => End::Died,
            Some(failures) if !failures.is_empty() => End::Again,
            Some(_) => match self.dlq.messages().get(before) {
                Some(poison) => End::Rejected(poison.attributes["reason"].clone()),
                None => End::Done,
            },
        }
    }
}

fn count_down(tables: &Memory, nth: usize, fault: Fault) {
    match nth.checked_sub(1) {
        None => tables.fail_next(fault),
        Some(nth) => tables.race(move |tables| count_down(tables, nth, fault)),
    }
}

pub(crate) fn order_id() -> OrderId {
    OrderId(Ulid::new(u64::try_from(NOW).unwrap(), [7; 10]))
}

/// The command as the `nth` of the order's fulfilment, of which another is another command.
pub(crate) fn command<C: Command>(nth: u8, order_id: OrderId, command: &C) -> Message {
    let metadata = json!({
        "id": Ulid::new(u64::try_from(NOW).unwrap(), [nth; 10]).to_string(),
        "type": C::NAME, "source": "shop.fulfilment", "subject": order_id.to_string(),
        "stream": format!("fulfilment#{order_id}"), "version": nth, "previous": 1,
        "schemaVersion": "1.0", "occurredAt": "2026-01-01T00:00:00.000Z",
        "correlationId": "request-1", "causationId": "request-1", "hops": 1,
    });
    let service = match C::NAME {
        "ProcessPayment" | "RefundPayment" => "payment",
        "AllocateInventory" | "ReleaseInventory" => "inventory",
        _ => "shipping",
    };
    let detail = json!({ "metadata": metadata, "data": command });
    Message { service, body: json!({ "detail-type": C::NAME, "detail": detail }).to_string() }
}

pub(crate) fn process_payment(nth: u8, amount: u64) -> Message {
    let order_id = order_id();
    let process = ProcessPayment {
        order_id,
        customer_id: "ann".parse().unwrap(),
        amount: amount.try_into().unwrap(),
        currency: "EUR".parse().unwrap(),
    };
    command(nth, order_id, &process)
}

pub(crate) fn refund_payment(nth: u8) -> Message {
    let (order_id, customer_id) = (order_id(), "ann".parse().unwrap());
    command(nth, order_id, &RefundPayment { order_id, customer_id, reason: CancelReason::Customer })
}

pub(crate) fn allocate(nth: u8, order_id: OrderId, items: &[(&str, u32)]) -> Message {
    command(nth, order_id, &AllocateInventory { order_id, items: picks(items) })
}

pub(crate) fn release(nth: u8) -> Message {
    let order_id = order_id();
    command(nth, order_id, &ReleaseInventory { order_id, reason: CancelReason::Customer })
}

pub(crate) fn ship(nth: u8) -> Message {
    let order_id = order_id();
    let ship = ShipOrder {
        order_id,
        customer_id: "ann".parse().unwrap(),
        items: picks(&[("TEA", 3)]),
        shipping_address: serde_json::from_value(crate::shop::address("Berlin")).unwrap(),
    };
    command(nth, order_id, &ship)
}

pub(crate) fn cancel_shipment(nth: u8) -> Message {
    let order_id = order_id();
    command(nth, order_id, &CancelShipment { order_id, reason: CancelReason::Customer })
}

fn picks(items: &[(&str, u32)]) -> Vec<Pick> {
    let pick = |&(sku, quantity): &(&str, u32)| Pick {
        sku: sku.parse().unwrap(),
        quantity: quantity.try_into().unwrap(),
    };
    items.iter().map(pick).collect()
}
