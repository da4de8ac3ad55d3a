//! One world: its parts, and what may happen in them at any moment.

mod outcome;

use crate::{
    customers::{self, Act, Known, SKUS},
    mail::{Mail, Parcel},
    provider::{Early, Letter, Provider, Word},
    shop::Shop,
    slow::{Slow, Time},
};
use contract::{event::Timestamp, values::OrderId};
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
/// The queues of the steps' commands.
const STEPS: [&str; 3] = ["payment", "inventory", "shipping"];
/// No step's queue is left unread for longer.
const LONGEST_CLOSED: i64 = 7_200_000;

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
    pub(crate) provider: Provider,
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
    /// Of how many calls to the bus and the queues, in a hundred, one fails.
    flaky: u8,
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
    /// The provider's letter of this number.
    Word(u64),
}

/// Something that is being done.
enum Job {
    Request(Act, Box<http::Event>),
    Relay(Vec<Change>),
    Batch(String, Vec<Parcel>),
    Word(Letter, Box<http::Event>),
    Early(Early),
}

/// How it ended, if its process did not die over it.
enum End {
    Answered(serde_json::Value),
    Failed(BatchFailures),
    Told(Word, serde_json::Value),
    Silent,
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
        let flaky = [0, 2, 10][rng.usize(0..3)];
        tables.flaky(rng.u64(..), flaky);

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
            provider: Provider::new(rng.u8(0..3) == 0),
            cursor: 0,
            unread: VecDeque::new(),
            relay_off_until: 0,
            flaky,
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
        if world.rng.u8(0..6) == 0 {
            let step = STEPS[world.rng.usize(0..STEPS.len())];
            world.mail.close(step, START + world.rng.i64(0..LONGEST_CLOSED));
        }
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
            if self.troubled {
                let is_out = self.rng.u8(0..60) == 0;
                self.out(if is_out { 100 } else { self.flaky });
            }
            let end = async |at: usize| match jobs.get(at) {
                Some(job) => self.crash.run(self.work(job)).await,
                None => None,
            };
            let ends = <[Option<End>; 3]>::from(tokio::join!(end(0), end(1), end(2)));
            let (words, paid) = (words(&jobs), paid(&jobs));
            self.provider.told.together += u64::from(words.windows(2).any(|two| two[0] == two[1]));
            let mut news = false;
            for (job, end) in jobs.into_iter().zip(ends) {
                self.crashes += u64::from(end.is_none());
                match job {
                    Job::Request(act, _) => self.answered(act, end),
                    Job::Relay(changes) => self.relayed(&changes, end),
                    Job::Batch(queue, parcels) => self.handled(&queue, &parcels, end),
                    Job::Word(letter, _) => news |= self.told(letter, end),
                    Job::Early(_) => news |= self.told_early(end),
                }
            }
            let met = news && words.iter().any(|word| paid.contains(word));
            self.provider.told.against += u64::from(met);
            self.pass_on();
            for line in self.lines.take() {
                let anew = line.contains("DecidedAgain") && line.contains("noticeId");
                self.provider.told.anew += u64::from(anew);
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
        self.out(0);
        self.mail.open();
    }

    /// From now on so many of a hundred calls to the bus and the queues fail.
    fn out(&mut self, percent: u8) {
        self.bus.flaky(self.rng.u64(..), percent);
        self.queues.flaky(self.rng.u64(..), percent);
    }

    /// Some of what may happen now, at the same time; if nothing may, time passes until it may.
    async fn next(&mut self) -> Vec<Job> {
        if self.troubled && self.rng.u8(0..100) == 0 {
            self.relay_off_until = self.time.now() + self.rng.i64(0..120_000);
        }
        if self.troubled && self.rng.u8(0..30) == 0 {
            let known = &self.known[self.rng.usize(0..self.known.len())];
            known.id.into_iter().for_each(|id| self.provider.in_spite(&self.tables, id));
        }
        loop {
            let now = self.time.now();
            self.provider.look(&self.tables, now, self.troubled, &mut self.rng);
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
            turns.extend(self.provider.ready(now).map(Turn::Word));
            if !turns.is_empty() {
                self.time.pass(self.rng.i64(0..40)).await;
                self.rng.shuffle(&mut turns);
                turns.truncate(self.rng.usize(1..=3));
                let jobs = turns.into_iter().filter_map(|turn| self.job(turn));
                let mut jobs: Vec<Job> = jobs.collect();
                // Who acted has left its place; only now may the places move.
                self.acts.retain(|act| !act.key.is_empty());
                if jobs.is_empty() {
                    continue;
                }
                if let (true, Some(order)) = (self.troubled && jobs.len() < 3, paid(&jobs).first())
                    && let Some(early) = self.provider.early(*order, &mut self.rng)
                {
                    jobs.push(Job::Early(early));
                }
                return jobs;
            }
            let relay = unread.then_some(self.relay_off_until);
            let act = self.acts.iter().map(|act| act.at).min();
            let later = [relay, act, self.mail.next(), self.provider.next()];
            let later = later.into_iter().flatten().min();
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
            Turn::Word(number) => {
                let letter = self.provider.take(number)?;
                let request = Box::new(letter.request(now));
                Some(Job::Word(letter, request))
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
            Job::Word(_, request) => End::Answered(self.shop.told((**request).clone(), of).await),
            Job::Early(early) => {
                for pause in &early.pauses {
                    self.time.pass(*pause).await;
                    if let Some(word) = self.provider.news(&self.tables, early.order) {
                        let request = early.request(&word, self.time.now());
                        return End::Told(word, self.shop.told(request, of).await);
                    }
                }
                End::Silent
            }
        }
    }

    fn say(&self, what: impl FnOnce() -> String) {
        if self.tell {
            println!("{:>9} {}", self.time.now() - START, what());
        }
    }
}

/// The orders that the provider speaks of.
fn words(jobs: &[Job]) -> Vec<OrderId> {
    let word = |job: &Job| match job {
        Job::Word(letter, _) => Some(letter.word.order),
        Job::Early(early) => Some(early.order),
        _ => None,
    };
    let mut words: Vec<OrderId> = jobs.iter().filter_map(word).collect();
    words.sort_unstable();
    words
}

/// The orders that `payment` is at.
fn paid(jobs: &[Job]) -> Vec<OrderId> {
    let parcels = jobs.iter().filter_map(|job| match job {
        Job::Batch(queue, parcels) if queue == "payment" => Some(parcels),
        _ => None,
    });
    let order = |parcel: &Parcel| {
        let body: serde_json::Value = serde_json::from_str(&parcel.body).ok()?;
        body["detail"]["data"]["orderId"].as_str()?.parse().ok()
    };
    parcels.flatten().filter_map(order).collect()
}
