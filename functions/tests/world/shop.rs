//! The shop's functions, each with what it is given: the same tables, bus and queues.

use crate::{
    fulfilment, inventory, order_commands, order_view, outbox_relay, payment, payment_webhook,
    provider, shipping, slow::Slow, template::queue_of,
};
use contract::{event::Origin, registry};
use domain::{Prices, fulfilment::Settings, prices};
use functions::{provider::Simulator, read_model::ReadModel};
use pointsman_kit::{
    clock::Wall,
    consumer::{self, Batch, BatchFailures, Harness},
    http::{self, signature::Secrets},
    ids::Ids,
    process::Process,
    publisher::{self, Publisher},
    queues::{self, Sender},
    runtime::Invocation,
    store::Store,
    stream,
};
use std::{
    collections::BTreeMap,
    sync::{Arc, LazyLock},
};

/// All functions of the shop.
pub(crate) struct Shop {
    commands: order_commands::Commands,
    relay: outbox_relay::Relay,
    fulfilment: fulfilment::Fulfilment,
    payments: payment::Payments,
    inventory: inventory::Inventory,
    shipping: shipping::Shipping,
    view: order_view::View,
    webhook: payment_webhook::Webhook,
    sender: Sender,
}

impl Shop {
    pub(crate) fn new(
        tables: Arc<Slow>,
        bus: &publisher::Memory,
        queues: &queues::Memory,
        wall: &Wall,
        settings: Settings,
        seed: u64,
    ) -> Self {
        let store = Store::new(tables.clone(), "EventStore").with_ids(Ids::seeded(seed));
        let read_model = ReadModel::new(tables.clone(), "ReadModel");
        let services = || "Services".to_owned();
        let process = |name| Process::new(name, store.clone(), "Services").seeded(seed);
        let sender = Sender::new(Arc::new(queues.clone())).seeded(seed);
        Self {
            commands: order_commands::Commands {
                store: store.clone(),
                services: services(),
                prices: Prices::parse(prices::JSON).expect("the price list"),
            },
            relay: outbox_relay::Relay {
                publisher: Publisher::new(Arc::new(bus.clone())).seeded(seed),
                sender: sender.clone(),
                quarantine: "quarantine".to_owned(),
                commands: COMMAND_QUEUES.clone(),
            },
            fulfilment: fulfilment::Fulfilment { process: process("fulfilment"), settings },
            payments: payment::Payments {
                process: process("payment"),
                services: services(),
                provider: Arc::new(Simulator::new(tables, "Services")),
                wall: wall.clone(),
            },
            inventory: inventory::Inventory { process: process("inventory"), services: services() },
            shipping: shipping::Shipping { process: process("shipping"), services: services() },
            webhook: payment_webhook::Webhook {
                store: store.clone(),
                services: services(),
                secrets: Secrets::new(provider::SECRET).expect("a secret"),
                wall: wall.clone(),
                seed: Some(seed),
            },
            view: order_view::View { store, read_model },
            sender,
        }
    }

    /// How long things may take here.
    pub(crate) fn settings(&self) -> Settings {
        self.fulfilment.settings
    }

    /// What a customer is answered.
    pub(crate) async fn answer(&self, request: http::Event, of: Invocation) -> serde_json::Value {
        let answer = http::answer(&self.commands, request, of, order_commands::handle).await;
        serde_json::to_value(answer).expect("an answer")
    }

    /// What the payment provider is answered.
    pub(crate) async fn told(&self, request: http::Event, of: Invocation) -> serde_json::Value {
        let answer = http::answer(&self.webhook, request, of, payment_webhook::handle).await;
        serde_json::to_value(answer).expect("an answer")
    }

    pub(crate) async fn relay(&self, batch: stream::Batch, of: &Invocation) -> BatchFailures {
        stream::handle_batch(batch, of, &self.relay, outbox_relay::handle).await
    }

    /// What the function that reads `queue` does with a batch of it.
    pub(crate) async fn handle(&self, queue: &str, batch: Batch, of: &Invocation) -> BatchFailures {
        let harness = &Harness::new(queue).dlq(self.sender.clone(), "quarantine");
        match queue {
            "fulfilment" => {
                let handle = fulfilment::handle;
                consumer::handle_batch(harness, batch, of, &self.fulfilment, handle).await
            }
            "payment" => {
                consumer::handle_batch(harness, batch, of, &self.payments, payment::handle).await
            }
            "inventory" => {
                let handle = inventory::handle;
                consumer::handle_batch(harness, batch, of, &self.inventory, handle).await
            }
            "shipping" => {
                consumer::handle_batch(harness, batch, of, &self.shipping, shipping::handle).await
            }
            "order-view" => {
                let (open, handle) = (order_view::open, order_view::handle);
                let view = &self.view;
                consumer::handle_projection_batch(harness, batch, of, view, open, handle).await
            }
            other => panic!("no function reads {other}"),
        }
    }
}

/// Which queue each command of a stream goes to.
static COMMAND_QUEUES: LazyLock<BTreeMap<(String, String), String>> = LazyLock::new(|| {
    let queue = |command: &registry::CommandEntry| match command.declaration.origin {
        Origin::Door => None,
        Origin::Stream { stream, .. } => {
            let name = command.declaration.name;
            Some(((stream.to_owned(), name.to_owned()), queue_of(name).to_owned()))
        }
    };
    registry::commands().iter().filter_map(queue).collect()
});
