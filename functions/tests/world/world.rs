//! One world: its parts, and what may happen in them at any moment.

use crate::{
    customers::{self, Act, Deed, Known, SKUS},
    mail::{Mail, Parcel},
    shop::Shop,
    slow::{Slow, Time},
    template::takes,
};
use contract::event::Timestamp;
use domain::fulfilment::Settings;
use fastrand::Rng;
use functions::read_model::ReadModel;
use pointsman_kit::{
    consumer::BatchFailures,
    http,
    observability::{Lines, Log},
    publisher, queues,
    runtime::Invocation,
    store::Store,
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
    time: Time,
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
    shop: Shop,
}

/// What may happen next.
enum Turn {
    Customer(usize),
    Relay,
    Queue(String),
}

/// Something that is being done.
enum Job {
    Request(Act, Box<http::Event>),
    Relay(Vec<Change>),
    Batch(String, Vec<Parcel>),
}

/// How it ended, if its process did not die over it.
enum End {
    Answered(serde_json::Value),
    Failed(BatchFailures),
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

        let time = Time::new(START);
        let slow = Arc::new(Slow::new(tables.clone(), time.clone(), rng.u64(..)));
        let (log, lines) = Log::captured("world");
        let window = [0, 2][rng.usize(0..2)];
        let settings = Settings {
            amendment_window: Duration::from_secs(window),
            step_deadline: Duration::from_secs([400, 1_200][rng.usize(0..2)]),
        };
        let shop = Shop::new(slow, &bus, &queues, &time.wall, settings, rng.u64(..));
        let window = i64::try_from(window).expect("a short time") * 1_000;
        let acts = customers::plan(&mut rng, START, window);
        let orders = acts.iter().map(|act| act.order + 1).max().unwrap_or(0);
        let mut world = Self {
            shop,
            store: Store::new(Arc::new(tables.clone()), "EventStore"),
            read_model: ReadModel::new(Arc::new(tables.clone()), "ReadModel"),
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
            time: time.clone(),
            tables,
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

    /// How long things may take here.
    pub(crate) fn settings(&self) -> Settings {
        self.shop.settings()
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
            let jobs = self.next().await;
            if jobs.is_empty() {
                if self.troubled {
                    self.calm();
                }
                let redriven = self.mail.redrive(self.time.now());
                self.redriven += redriven;
                if redriven > 0 {
                    continue;
                }
                return Ok(());
            }
            let end = async |at: usize| match jobs.get(at) {
                Some(job) => self.crash.run(self.work(job)).await,
                None => None,
            };
            let ends = <[Option<End>; 3]>::from(tokio::join!(end(0), end(1), end(2)));
            for (job, end) in jobs.into_iter().zip(ends) {
                self.crashes += u64::from(end.is_none());
                match job {
                    Job::Request(act, _) => self.answered(act, end),
                    Job::Relay(changes) => self.relayed(&changes, end),
                    Job::Batch(queue, parcels) => self.handled(&queue, &parcels, end),
                }
            }
            self.pass_on();
            for line in self.lines.take() {
                self.say(|| format!("      {line}"));
            }
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

    /// Some of what may happen now, at the same time; if nothing may, time passes until it may.
    async fn next(&mut self) -> Vec<Job> {
        if self.troubled && self.rng.u8(0..100) == 0 {
            self.relay_off_until = self.time.now() + self.rng.i64(0..120_000);
        }
        loop {
            let now = self.time.now();
            let mut turns: Vec<Turn> = (0..self.acts.len())
                .filter(|at| self.acts[*at].at <= now)
                .map(Turn::Customer)
                .collect();
            self.read_changes();
            let unread = !self.unread.is_empty();
            if unread && self.relay_off_until <= now {
                turns.push(Turn::Relay);
            }
            // A queue may well be read by several at once.
            let ready = self.mail.ready(now);
            turns.extend(ready.iter().chain(&ready).cloned().map(Turn::Queue));
            if !turns.is_empty() {
                self.time.pass(self.rng.i64(0..40)).await;
                self.rng.shuffle(&mut turns);
                turns.truncate(self.rng.usize(1..=3));
                let jobs: Vec<Job> = turns.into_iter().filter_map(|turn| self.job(turn)).collect();
                // Who acted has left its place; only now may the places move.
                self.acts.retain(|act| !act.key.is_empty());
                if jobs.is_empty() {
                    continue;
                }
                return jobs;
            }
            let relay = unread.then_some(self.relay_off_until);
            let act = self.acts.iter().map(|act| act.at).min();
            let later = [relay, act, self.mail.next()].into_iter().flatten().min();
            let Some(later) = later else { return Vec::new() };
            self.time.pass(later - now).await;
        }
    }

    /// What is to be done in this turn; nothing if it is too early for it, after all.
    fn job(&mut self, turn: Turn) -> Option<Job> {
        let now = self.time.now();
        match turn {
            Turn::Customer(at) => {
                let act = &mut self.acts[at];
                let Some(request) = act.request(self.known[act.order].id, now) else {
                    // There is no order yet to be changed.
                    act.at = now + 500;
                    return None;
                };
                let gone = Act { key: String::new(), ..act.clone() };
                Some(Job::Request(std::mem::replace(act, gone), Box::new(request)))
            }
            Turn::Relay => {
                let most = self.rng.usize(1..=6);
                Some(Job::Relay(self.unread.iter().take(most).cloned().collect()))
            }
            Turn::Queue(queue) => {
                let most = self.rng.usize(1..=3);
                let parcels = self.mail.receive(&queue, most, now, &mut self.rng);
                (!parcels.is_empty()).then_some(Job::Batch(queue, parcels))
            }
        }
    }

    /// The event store's stream.
    fn read_changes(&mut self) {
        let changes = self.tables.changes(self.cursor);
        self.cursor = changes.last().map_or(self.cursor, |last| last.sequence);
        let of_the_store = |change: &Change| &*change.key.table == "EventStore";
        self.unread.extend(changes.into_iter().filter(of_the_store));
    }

    async fn work(&self, job: &Job) -> End {
        let of = Invocation::new("invocation", Duration::from_secs(9), &self.log);
        match job {
            Job::Request(_, request) => {
                End::Answered(self.shop.answer((**request).clone(), of).await)
            }
            Job::Relay(changes) => {
                let batch = testing::stream_batch(changes, Timestamp::from_ms(self.time.now()));
                End::Failed(self.shop.relay(batch, &of).await)
            }
            Job::Batch(queue, parcels) => {
                let deliveries: Vec<Delivery> = parcels.iter().map(Parcel::delivery).collect();
                let batch = testing::deliveries(queue, &deliveries);
                End::Failed(self.shop.handle(queue, batch, &of).await)
            }
        }
    }

    /// A customer was answered, or not.
    fn answered(&mut self, act: Act, end: Option<End>) {
        let answer = match end {
            Some(End::Answered(answer)) => answer,
            _ => serde_json::Value::Null,
        };
        let status = answer["statusCode"].as_u64();
        self.say(|| format!("{:?} of order {}: {status:?}", act.deed, act.order));
        let body = answer["body"].as_str().unwrap_or_default();
        let known = &mut self.known[act.order];
        match status {
            Some(202) => match act.deed {
                Deed::Place { .. } => {
                    let body: serde_json::Value = serde_json::from_str(body).expect("JSON");
                    known.id = body["orderId"].as_str().and_then(|id| id.parse().ok());
                }
                Deed::Add { .. } => known.added.push(act.key),
                Deed::Move => {}
                Deed::Cancel => known.cancelled = true,
            },
            Some(409) if !body.contains("Contended") => known.refused += 1,
            // Nobody answered, or not now: asked again, under the same key.
            None | Some(409 | 500..) => {
                let at = self.time.now() + self.rng.i64(0..5_000);
                self.acts.push(Act { at, ..act });
            }
            Some(status) => panic!("{status}: {answer}"),
        }
    }

    /// The stream moves on, as far as the relay got; not at all if it died.
    fn relayed(&mut self, changes: &[Change], end: Option<End>) {
        let Some(End::Failed(failures)) = end else { return };
        let first = failures.ids().next();
        let undone = |change: &Change| Some(format!("{:021}", change.sequence).as_str()) == first;
        let done = changes.iter().position(undone).unwrap_or(changes.len());
        self.unread.drain(..done);
    }

    /// What was handled is deleted; the rest comes again.
    fn handled(&mut self, queue: &str, parcels: &[Parcel], end: Option<End>) {
        let kept: Option<Vec<String>> = match &end {
            Some(End::Failed(failures)) => Some(failures.ids().map(str::to_owned).collect()),
            _ => None,
        };
        for parcel in parcels {
            let done = kept.as_ref().map(|kept| !kept.contains(&parcel.id));
            self.say(|| {
                let end = match done {
                    None => "dies",
                    Some(true) => "done",
                    Some(false) => "fails",
                };
                format!("{queue} {} #{}: {end}", about(&parcel.body), parcel.receives)
            });
            // What was handled may still be there, as when the queue loses a deletion.
            let forgotten = self.troubled && self.rng.u8(0..100) < 3;
            if done == Some(true) && !forgotten {
                self.mail.delete(queue, &parcel.id);
            }
        }
        if queue == "inventory" {
            self.negative |= crate::check::stock(self).values().any(|available| *available < 0);
        }
    }

    /// What was published and sent arrives, whatever became of the sender.
    fn pass_on(&mut self) {
        for entry in self.bus.take() {
            let body = testing::delivered(&entry);
            for (queue, rule) in [("fulfilment", "FulfilmentRule"), ("order-view", "OrderViewRule")]
            {
                if takes(rule, &entry.detail_type) {
                    self.post(queue, &body, 0);
                }
            }
        }
        for message in self.queues.take() {
            if message.queue == "quarantine" {
                self.say(|| format!("put aside: {message:?}"));
                self.quarantined += 1;
            } else {
                self.post(&message.queue, &message.body, i64::from(message.delay) * 1_000);
            }
        }
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
            self.mail.send(queue, body.to_owned(), self.time.now() + delay + late);
        }
    }

    fn say(&self, what: impl FnOnce() -> String) {
        if self.tell {
            println!("{:>9} {}", self.time.now() - START, what());
        }
    }
}

/// What a message is about, in a word.
fn about(body: &str) -> String {
    let body: serde_json::Value = serde_json::from_str(body).unwrap_or_default();
    let metadata = &body["detail"]["metadata"];
    let word = |value: &serde_json::Value| value.as_str().unwrap_or("?").to_owned();
    format!("{} v{} of {}", word(&metadata["type"]), metadata["version"], word(&metadata["stream"]))
}
