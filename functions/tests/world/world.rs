//! One world: its parts, and what may happen in them at any moment.

use crate::{
    customers::{self, Act, Deed, Known, SKUS},
    fulfilment, inventory,
    mail::{Mail, Parcel},
    order_commands, order_view, outbox_relay, payment, shipping,
};
use contract::{
    event::{Origin, Timestamp},
    registry,
};
use domain::{Prices, fulfilment::Settings, prices};
use fastrand::Rng;
use functions::{provider::Simulator, read_model::ReadModel};
use pointsman_kit::{
    clock::Wall,
    consumer::{self, BatchFailures, Harness},
    http,
    ids::Ids,
    observability::{Lines, Log},
    process::Process,
    publisher::{self, Entry, Publisher},
    queues::{self, Sender},
    runtime::Invocation,
    store::Store,
    stream,
    table::{Change, Item, Key, Memory, Op, Value},
    testing::{self, Crash, Delivery},
};
use std::{
    collections::{BTreeMap, VecDeque},
    sync::Arc,
    time::Duration,
};

/// When every world begins.
const START: i64 = 1_767_225_600_000;
/// So many steps in which things may go wrong; then all is well and everything must come to an end.
const TROUBLED: u32 = 600;
/// A world that moves for longer than this does not come to rest.
const PATIENCE: u32 = 6_000;
/// The events that fulfilment's rule takes.
const OF_FULFILMENT: [&str; 10] = [
    "OrderPlaced",
    "CancellationRequested",
    "PaymentProcessed",
    "PaymentDeclined",
    "PaymentRefunded",
    "InventoryAllocated",
    "InventoryUnavailable",
    "InventoryReleased",
    "OrderShipped",
    "ShipmentCancelled",
];

/// A world.
pub(crate) struct World {
    pub(crate) tables: Memory,
    pub(crate) store: Store,
    pub(crate) read_model: ReadModel,
    pub(crate) mail: Mail,
    /// The orders as their customers know them.
    pub(crate) known: Vec<Known>,
    /// By sku, what was in stock in the beginning.
    pub(crate) stock: BTreeMap<&'static str, i64>,
    /// What was put aside since it can't be relayed.
    pub(crate) quarantined: usize,
    pub(crate) crashes: u64,
    /// Whether there ever was less than nothing of something.
    pub(crate) negative: bool,
    pub(crate) redriven: usize,
    rng: Rng,
    now: i64,
    wall: Wall,
    crash: Crash,
    acts: Vec<Act>,
    bus: publisher::Memory,
    queues: queues::Memory,
    /// Up to where the tables' changes were read.
    cursor: u64,
    /// The event store's changes that were not relayed yet.
    unread: VecDeque<Change>,
    relay_off_until: i64,
    troubled: bool,
    tell: bool,
    log: Log,
    lines: Lines,
    commands: order_commands::Commands,
    relay: outbox_relay::Relay,
    fulfilment: fulfilment::Fulfilment,
    payments: payment::Payments,
    inventory: inventory::Inventory,
    shipping: shipping::Shipping,
    view: order_view::View,
}

/// What may happen next.
enum Turn {
    Customer(usize),
    Relay,
    Queue(String),
}

impl World {
    pub(crate) fn new(seed: u64, tell: bool) -> Self {
        let mut rng = Rng::with_seed(seed);
        let crash = Crash::new();
        let (tables, bus, queues) =
            (Memory::new(), publisher::Memory::new(), queues::Memory::new());
        let percent = [0, 2, 5, 12][rng.usize(0..4)];
        tables.crashing(&crash, rng.u64(..), percent);
        bus.crashing(&crash, rng.u64(..), percent);
        queues.crashing(&crash, rng.u64(..), percent);
        let percent = [0, 2, 10][rng.usize(0..3)];
        tables.flaky(rng.u64(..), percent);
        bus.flaky(rng.u64(..), percent);
        queues.flaky(rng.u64(..), percent);

        let store = Store::new(Arc::new(tables.clone()), "EventStore");
        let store = store.with_ids(Ids::seeded(rng.u64(..)));
        let read_model = ReadModel::new(Arc::new(tables.clone()), "ReadModel");
        let wall = Wall::by_hand(Timestamp::from_ms(START));
        let (log, lines) = Log::captured("world");
        let window = [0, 2][rng.usize(0..2)];
        let settings = Settings {
            amendment_window: Duration::from_secs(window),
            step_deadline: Duration::from_secs([400, 1_200][rng.usize(0..2)]),
        };
        let seed = rng.u64(..);
        let process = |name| Process::new(name, store.clone(), "Services").seeded(seed);
        let window = i64::try_from(window).expect("a short time") * 1_000;
        let acts = customers::plan(&mut rng, START, window);
        let orders = acts.iter().map(|act| act.order + 1).max().unwrap_or(0);
        let mut world = Self {
            commands: order_commands::Commands {
                store: store.clone(),
                services: "Services".to_owned(),
                prices: Prices::parse(prices::JSON).expect("the price list"),
            },
            relay: outbox_relay::Relay {
                publisher: Publisher::new(Arc::new(bus.clone())).seeded(seed),
                sender: Sender::new(Arc::new(queues.clone())).seeded(seed),
                quarantine: "quarantine".to_owned(),
                commands: command_queues(),
            },
            fulfilment: fulfilment::Fulfilment { process: process("fulfilment"), settings },
            payments: payment::Payments {
                process: process("payment"),
                services: "Services".to_owned(),
                provider: Arc::new(Simulator::new(Arc::new(tables.clone()), "Services")),
                wall: wall.clone(),
            },
            inventory: inventory::Inventory {
                process: process("inventory"),
                services: "Services".to_owned(),
            },
            shipping: shipping::Shipping {
                process: process("shipping"),
                services: "Services".to_owned(),
            },
            view: order_view::View { store: store.clone(), read_model: read_model.clone() },
            known: vec![Known::default(); orders],
            stock: BTreeMap::new(),
            quarantined: 0,
            crashes: 0,
            negative: false,
            redriven: 0,
            mail: Mail::default(),
            cursor: 0,
            unread: VecDeque::new(),
            relay_off_until: 0,
            troubled: true,
            now: START,
            tables,
            store,
            read_model,
            wall,
            crash,
            acts,
            bus,
            queues,
            tell,
            log,
            lines,
            rng,
        };
        world.fill();
        world
    }

    /// Stock on the shelves, and a provider with moods.
    fn fill(&mut self) {
        for (sku, _) in SKUS {
            let available = self.rng.i64(0..7);
            self.stock.insert(sku, available);
            let key = Key::new("Services", format!("stock#{sku}"), "stock");
            let item = Item::from([("available".to_owned(), available.into())]);
            self.tables.force(Op::put(key, item));
        }
        let moods = ["succeed", "succeed", "decline", "timeout", "lost", "late", "twice"];
        for customer in 0..2 {
            let script = (0..4).map(|_| Value::from(moods[self.rng.usize(0..moods.len())]));
            let script = Value::L(script.collect());
            let name = customers::name(customer);
            let key = Key::new("Services", format!("provider#script#{name}"), "script");
            self.tables.force(Op::put(key, Item::from([("behaviours".to_owned(), script)])));
        }
    }

    /// Lets everything happen until nothing moves any more.
    pub(crate) async fn run(&mut self) -> Result<(), String> {
        for step in 0..PATIENCE {
            if self.troubled && step == TROUBLED {
                self.calm();
            }
            let Some(turn) = self.next() else {
                if self.troubled {
                    self.calm();
                }
                let redriven = self.mail.redrive(self.now);
                self.redriven += redriven;
                if redriven > 0 {
                    continue;
                }
                return Ok(());
            };
            match turn {
                Turn::Customer(at) => self.ask(at).await,
                Turn::Relay => self.pass_on().await,
                Turn::Queue(queue) => self.deliver(&queue).await,
            }
            self.lines.take();
        }
        Err(format!("it does not come to rest in {PATIENCE} steps"))
    }

    /// From now on nothing goes wrong any more.
    fn calm(&mut self) {
        self.troubled = false;
        self.relay_off_until = 0;
        self.say(|| "from here on nothing goes wrong".to_owned());
        self.tables.crashing(&self.crash, 0, 0);
        self.bus.crashing(&self.crash, 0, 0);
        self.queues.crashing(&self.crash, 0, 0);
        self.tables.flaky(0, 0);
        self.bus.flaky(0, 0);
        self.queues.flaky(0, 0);
    }

    /// One of the things that may happen now; if none may, time passes until one may.
    fn next(&mut self) -> Option<Turn> {
        if self.troubled && self.rng.u8(0..100) == 0 {
            self.relay_off_until = self.now + self.rng.i64(0..120_000);
        }
        loop {
            let ready = |act: &Act| act.at <= self.now;
            let mut turns: Vec<Turn> = (0..self.acts.len())
                .filter(|at| ready(&self.acts[*at]))
                .map(Turn::Customer)
                .collect();
            self.read_changes();
            let unread = !self.unread.is_empty();
            if unread && self.relay_off_until <= self.now {
                turns.push(Turn::Relay);
            }
            turns.extend(self.mail.ready(self.now).into_iter().map(Turn::Queue));
            if !turns.is_empty() {
                let now = self.now + self.rng.i64(0..40);
                self.set(now);
                return Some(turns.swap_remove(self.rng.usize(0..turns.len())));
            }
            let relay = unread.then_some(self.relay_off_until);
            let act = self.acts.iter().map(|act| act.at).min();
            let later = [relay, act, self.mail.next()].into_iter().flatten().min()?;
            self.set(later.max(self.now));
        }
    }

    fn set(&mut self, now: i64) {
        self.now = now;
        self.wall.set(Timestamp::from_ms(now));
    }

    /// A customer's request, answered or not.
    async fn ask(&mut self, at: usize) {
        let act = self.acts[at].clone();
        let known = &self.known[act.order];
        let Some(request) = act.request(known.id, self.now) else {
            // There is no order yet to be changed.
            self.acts[at].at = self.now + 500;
            return;
        };
        let invocation = self.invocation();
        let answer = http::answer(&self.commands, request, invocation, order_commands::handle);
        let answer = self.crash.run(answer).await;
        let answer = answer.map(|answer| serde_json::to_value(answer).expect("an answer"));
        let status = answer.as_ref().and_then(|answer| answer["statusCode"].as_u64());
        self.say(|| format!("{:?} of order {}: {status:?}", act.deed, act.order));
        let known = &mut self.known[act.order];
        match status {
            Some(202) => match act.deed {
                Deed::Place { .. } => {
                    let body = answer.as_ref().and_then(|answer| answer["body"].as_str());
                    let body: serde_json::Value =
                        serde_json::from_str(body.expect("a body")).expect("JSON");
                    known.id = body["orderId"].as_str().and_then(|id| id.parse().ok());
                }
                Deed::Add { .. } => known.added.push(act.key),
                Deed::Move => {}
                Deed::Cancel => known.cancelled = true,
            },
            Some(409) if !contended(answer.as_ref()) => known.refused += 1,
            // Nobody answered, or not now: asked again, under the same key.
            None | Some(409 | 500..) => {
                self.acts[at].at = self.now + self.rng.i64(0..5_000);
                self.crashes += u64::from(status.is_none());
                return;
            }
            Some(status) => panic!("{status}: {answer:?}"),
        }
        self.acts.swap_remove(at);
    }

    /// The event store's stream.
    fn read_changes(&mut self) {
        let changes = self.tables.changes(self.cursor);
        self.cursor = changes.last().map_or(self.cursor, |last| last.sequence);
        let of_the_store = |change: &Change| &*change.key.table == "EventStore";
        self.unread.extend(changes.into_iter().filter(of_the_store));
    }

    /// The relay gets a batch of the stream.
    async fn pass_on(&mut self) {
        let most = self.rng.usize(1..=6);
        let changes: Vec<Change> = self.unread.iter().take(most).cloned().collect();
        let batch = testing::stream_batch(&changes, Timestamp::from_ms(self.now));
        let of = &self.invocation();
        let work = stream::handle_batch(batch, of, &self.relay, outbox_relay::handle);
        match self.crash.run(work).await {
            // It died: the stream stays where it is, whatever was published.
            None => self.crashes += 1,
            Some(failures) => {
                let first = failures.ids().next();
                let undone =
                    |change: &Change| Some(format!("{:021}", change.sequence).as_str()) == first;
                let done = changes.iter().position(undone).unwrap_or(changes.len());
                self.unread.drain(..done);
            }
        }
        for entry in self.bus.take() {
            self.route(&entry);
        }
        self.collect();
    }

    /// What was sent to queues arrives there.
    fn collect(&mut self) {
        for message in self.queues.take() {
            if message.queue == "quarantine" {
                self.say(|| format!("put aside: {message:?}"));
                self.quarantined += 1;
            } else {
                self.post(&message.queue, &message.body, i64::from(message.delay) * 1_000);
            }
        }
    }

    /// The rules.
    fn route(&mut self, entry: &Entry) {
        let body = testing::delivered(entry);
        if OF_FULFILMENT.contains(&entry.detail_type.as_str()) {
            self.post("fulfilment", &body, 0);
        }
        self.post("order-view", &body, 0);
    }

    /// Puts a message into a queue: as a rule soon and once.
    fn post(&mut self, queue: &str, body: &str, delay: i64) {
        self.say(|| format!("  {queue} ◀ {} in {delay} ms", about(body)));
        let copies = 1 + usize::from(self.troubled && self.rng.u8(0..100) < 5);
        for _ in 0..copies {
            let late = match (self.troubled, self.rng.u8(0..100)) {
                (true, 0..5) => self.rng.i64(0..1_500_000),
                (true, 5..20) => self.rng.i64(0..5_000),
                _ => self.rng.i64(0..50),
            };
            self.mail.send(queue, body.to_owned(), self.now + delay + late);
        }
    }

    /// A function gets a batch of its queue.
    async fn deliver(&mut self, queue: &str) {
        let most = self.rng.usize(1..=3);
        let parcels = self.mail.receive(queue, most, self.now, &mut self.rng);
        if parcels.is_empty() {
            return;
        }
        let work = self.invoke(queue, &parcels);
        let failures = self.crash.run(work).await;
        let kept: Vec<String> = match &failures {
            None => parcels.iter().map(|parcel| parcel.id.clone()).collect(),
            Some(failures) => failures.ids().map(str::to_owned).collect(),
        };
        self.crashes += u64::from(failures.is_none());
        for parcel in &parcels {
            let kept = kept.contains(&parcel.id);
            self.say(|| {
                let end = if failures.is_none() {
                    "dies"
                } else if kept {
                    "fails"
                } else {
                    "done"
                };
                format!("{queue} {} #{}: {end}", about(&parcel.body), parcel.receives)
            });
            // What was handled may still be there, as when the queue loses a deletion.
            let forgotten = self.troubled && self.rng.u8(0..100) < 3;
            if !kept && !forgotten {
                self.mail.delete(queue, &parcel.id);
            }
        }
        self.collect();
        if queue == "inventory" {
            self.negative |= crate::check::stock(self).values().any(|available| *available < 0);
        }
        for line in self.lines.take() {
            self.say(|| format!("      {line}"));
        }
    }

    async fn invoke(&self, queue: &str, parcels: &[Parcel]) -> BatchFailures {
        let deliveries: Vec<Delivery> = parcels
            .iter()
            .map(|parcel| Delivery {
                id: parcel.id.clone(),
                body: parcel.body.clone(),
                first_received: parcel.first_received.unwrap_or(Timestamp::from_ms(self.now)),
                receives: parcel.receives,
            })
            .collect();
        let batch = testing::deliveries(queue, &deliveries);
        let sender = Sender::new(Arc::new(self.queues.clone())).seeded(1);
        let harness = &Harness::new(queue).dlq(sender, "quarantine");
        let of = &self.invocation();
        match queue {
            "fulfilment" => {
                consumer::handle_batch(harness, batch, of, &self.fulfilment, fulfilment::handle)
                    .await
            }
            "payment" => {
                consumer::handle_batch(harness, batch, of, &self.payments, payment::handle).await
            }
            "inventory" => {
                consumer::handle_batch(harness, batch, of, &self.inventory, inventory::handle).await
            }
            "shipping" => {
                consumer::handle_batch(harness, batch, of, &self.shipping, shipping::handle).await
            }
            "order-view" => {
                let (open, handle) = (order_view::open, order_view::handle);
                consumer::handle_projection_batch(harness, batch, of, &self.view, open, handle)
                    .await
            }
            other => panic!("no function reads {other}"),
        }
    }

    fn invocation(&self) -> Invocation {
        Invocation::new("invocation", Duration::from_secs(9), &self.log)
    }

    fn say(&self, what: impl FnOnce() -> String) {
        if self.tell {
            println!("{:>9} {}", self.now - START, what());
        }
    }
}

/// Which queue each command of a stream goes to.
fn command_queues() -> BTreeMap<(String, String), String> {
    let queue = |name: &str| match name {
        "ProcessPayment" | "RefundPayment" => "payment",
        "AllocateInventory" | "ReleaseInventory" => "inventory",
        "ShipOrder" | "CancelShipment" => "shipping",
        _ => "fulfilment",
    };
    let queue = |command: &registry::CommandEntry| match command.origin {
        Origin::Door => None,
        Origin::Stream { stream, .. } => {
            Some(((stream.to_owned(), command.name.to_owned()), queue(command.name).to_owned()))
        }
    };
    registry::commands().iter().filter_map(queue).collect()
}

fn contended(answer: Option<&serde_json::Value>) -> bool {
    answer.is_some_and(|answer| {
        answer["body"].as_str().is_some_and(|body| body.contains("Contended"))
    })
}

/// What a message is about, in a word.
fn about(body: &str) -> String {
    let body: serde_json::Value = serde_json::from_str(body).unwrap_or_default();
    let metadata = &body["detail"]["metadata"];
    let word = |value: &serde_json::Value| value.as_str().unwrap_or("?").to_owned();
    format!("{} v{} of {}", word(&metadata["type"]), metadata["version"], word(&metadata["stream"]))
}
