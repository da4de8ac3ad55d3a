//! Back through history, newest first: from what is asked for to the requests it all began with.
//!
//! An invocation may have been given many messages or records. What it did then has one cause and several possible
//! parents. All of them are followed until one is found that the effect names as its own ([`Hint`]); the others are
//! dropped then, whatever was found behind them.

use super::hint::Hint;
use super::key::{Key, Target, low};
use super::present::Unread;
use crate::engine::{
    Cause, Delivered, Delivery, Entry, Fact, History, Id, Name, PastBatch, ReadRecord, Why,
};
use std::collections::{BTreeMap, HashMap};
use std::io;

/// So many places of a text are followed back, the newest.
const PLACES: usize = 1_000;

/// So many ways back are followed at once.
const WAYS: usize = 50_000;

/// Where trees begin.
#[derive(Debug, Default)]
pub(super) struct Found {
    /// What was asked for, in words; `None` if nothing has it.
    pub(super) what: Option<String>,
    /// Each with the number of a fact that does not come after its first.
    pub(super) roots: BTreeMap<Key, u64>,
    /// There were more places than are followed.
    pub(super) cut: bool,
}

/// Looks for `text`, by what it may be an id of, else wherever it stands.
///
/// # Errors
/// The disk's.
pub(super) fn seek(history: &dyn History, text: &str, unread: &[Unread]) -> io::Result<Found> {
    let target = Target::of(text);
    if target != Target::Text {
        let found = Seek::new(text, target).run(history, &[])?;
        if found.what.is_some() {
            return Ok(found);
        }
    }
    Seek::new(text, Target::Text).run(history, unread)
}

/// A way back.
#[derive(Clone)]
struct Way {
    /// What its beginning says of itself.
    hint: Hint,
    /// How far it has come, and in which batch: the root if history ends before it does.
    from: Key,
    seq: u64,
    /// The choices it depends on: which group, and which of it.
    choices: Vec<(usize, usize)>,
}

struct Seek<'a> {
    text: &'a str,
    target: Target,
    /// Ways that go on at a fact about this.
    at: HashMap<Key, Vec<Way>>,
    /// Ways that go on at whatever has this envelope's id, or is the request with it.
    named: HashMap<String, Vec<Way>>,
    /// Of each group the one that was chosen.
    chosen: Vec<Option<usize>>,
    roots: Vec<(Key, u64, Vec<(usize, usize)>)>,
    what: Option<&'static str>,
    places: usize,
    ways: usize,
}

impl<'a> Seek<'a> {
    fn new(text: &'a str, target: Target) -> Self {
        Seek {
            text,
            target,
            at: HashMap::new(),
            named: HashMap::new(),
            chosen: vec![],
            roots: vec![],
            what: None,
            places: 0,
            ways: 0,
        }
    }

    fn run(mut self, history: &dyn History, unread: &[Unread]) -> io::Result<Found> {
        for unread in unread.iter().filter(|unread| unread.holds(self.text)) {
            self.places += 1;
            self.what = Some("text");
            self.record(&unread.table, &unread.read, u64::MAX, vec![]);
        }
        for batch in history.batches_back() {
            let batch = batch?;
            let Some(first) = batch.records.first().map(|(seq, _)| *seq) else { continue };
            let entries: Vec<Entry> = batch.entries().map(|(_, entry)| entry).collect();
            for entry in &entries {
                self.find(entry, &batch, first);
            }
            for entry in entries.iter().rev() {
                self.go_on(entry, &batch, first);
            }
            if self.target != Target::Text && self.what.is_some() && !self.is_under_way() {
                break;
            }
        }
        Ok(self.end())
    }

    fn is_alive(&self, way: &Way) -> bool {
        self.stands(&way.choices)
    }

    fn stands(&self, choices: &[(usize, usize)]) -> bool {
        choices.iter().all(|(group, one)| self.chosen[*group].is_none_or(|chosen| chosen == *one))
    }

    fn is_under_way(&self) -> bool {
        self.at.values().chain(self.named.values()).flatten().any(|way| self.is_alive(way))
    }

    /// Ways that history is too short for end where they are.
    fn end(mut self) -> Found {
        let left: Vec<Way> = self
            .at
            .drain()
            .chain([])
            .flat_map(|(_, ways)| ways)
            .chain(self.named.drain().flat_map(|(_, ways)| ways))
            .collect();
        for way in left {
            self.roots.push((way.from, way.seq, way.choices));
        }
        let mut found = Found::default();
        found.what = self.what.map(|what| match what {
            "text" if self.places == 1 => "text in one place".to_owned(),
            "text" => format!("text in {} places", self.places.min(PLACES)),
            what => what.to_owned(),
        });
        found.cut = self.places > PLACES || self.ways > WAYS;
        for (key, seq, choices) in &self.roots {
            if self.stands(choices) {
                let from = found.roots.entry(key.clone()).or_insert(*seq);
                *from = (*from).min(*seq);
            }
        }
        found
    }

    /// Begins a way at a fact, if it is what is asked for.
    fn find(&mut self, entry: &Entry, batch: &PastBatch, first: u64) {
        let start = |hint| Way { hint, from: Key::Message(0), seq: first, choices: vec![] };
        let (what, key) = match self.target {
            Target::Text => return self.find_text(entry, batch, first),
            Target::Id(id) => match named(entry, id) {
                Some(found) => found,
                None => return,
            },
            Target::Number(number) | Target::Trace { invocation: number, .. } => {
                match (&entry.fact, &self.target) {
                    (Fact::InvocationStarted { id, .. }, _) if *id == number => {
                        ("an invocation", Key::Invocation(number))
                    }
                    (Fact::HttpRequested { request, .. }, Target::Trace { low: wanted, .. })
                        if low(*request) == *wanted =>
                    {
                        ("an HTTP request", Key::Request(*request))
                    }
                    _ => return,
                }
            }
        };
        // Facts of one request come one after the other, what says most of it first.
        self.what.get_or_insert(what);
        match key {
            Key::Request(_) => self.roots.push((key, first, vec![])),
            key => {
                let way = Way { from: key.clone(), ..start(Hint::default()) };
                self.want(key, way);
            }
        }
    }

    fn find_text(&mut self, entry: &Entry, batch: &PastBatch, first: u64) {
        let text = self.text;
        let has = |id: u64| {
            let body = (batch.body)(id);
            body.is_some_and(|b| std::str::from_utf8(&b).is_ok_and(|b| b.contains(text)))
        };
        let key = match &entry.fact {
            Fact::EventAccepted { id, body, .. } if has(body.id) => Key::Event(*id),
            Fact::MessageSent { message, .. } if has(message.body.id) => Key::Message(message.seq),
            Fact::AsyncAccepted { event, body, .. } if has(body.id) => Key::Async(*event),
            // What only reads is in nobody's way: it is found by its id.
            Fact::HttpRequested { request, path, method, .. }
                if path.contains(text) && method != "GET" && method != "HEAD" =>
            {
                Key::Request(*request)
            }
            Fact::RecordsRead { table, records, .. } => {
                for record in records.iter().filter(|record| record.keys.contains(text)) {
                    self.places += 1;
                    self.what = Some("text");
                    if self.places <= PLACES {
                        self.record(table, record, first, vec![]);
                    }
                }
                return;
            }
            _ => return,
        };
        self.what = Some("text");
        self.places += 1;
        match key {
            _ if self.places > PLACES => {}
            Key::Request(_) => self.roots.push((key, first, vec![])),
            key => {
                let hint = Hint::default();
                let way = Way { hint, from: key.clone(), seq: first, choices: vec![] };
                self.want(key, way);
            }
        }
    }

    /// Goes on with the ways that lead to a fact.
    fn go_on(&mut self, entry: &Entry, batch: &PastBatch, first: u64) {
        if !self.named.is_empty() {
            self.answer_to_name(entry, batch, first);
        }
        match &entry.fact {
            Fact::EventAccepted { id, body, deliveries, .. } => {
                let event = Key::Event(*id);
                let mut ways = self.take(&event);
                ways.extend(deliveries.iter().flat_map(|delivery| self.take_delivery(delivery)));
                if !ways.is_empty() {
                    let hint = Hint::of_body((batch.body)(body.id));
                    self.arrive(ways, &event, &hint, &entry.cause, first);
                }
            }
            Fact::EventDropped { id, .. } => {
                let event = Key::Event(*id);
                let ways = self.take(&event);
                self.arrive(ways, &event, &Hint::default(), &entry.cause, first);
            }
            Fact::MessageSent { message, .. } => {
                let key = Key::Message(message.seq);
                let ways = self.take(&key);
                if !ways.is_empty() {
                    let hint = Hint::of_body((batch.body)(message.body.id));
                    self.arrive(ways, &key, &hint, &entry.cause, first);
                }
            }
            Fact::DeadLettered { message, seq, .. } => {
                for way in self.take(&Key::Message(*seq)) {
                    self.want(Key::Message(*message), way);
                }
            }
            Fact::AsyncAccepted { event, .. } => {
                let key = Key::Async(*event);
                let ways = self.take(&key);
                self.arrive(ways, &key, &Hint::default(), &entry.cause, first);
            }
            Fact::AsyncEnded { event, delivery: Some(delivery) } => {
                for way in self.take_delivery(delivery) {
                    self.want(Key::Async(*event), way);
                }
            }
            Fact::StreamDiscarded { delivery: Some(delivery), .. } => {
                for way in self.take_delivery(delivery) {
                    let from = way.from.clone();
                    self.up(way, from, &entry.cause, first);
                }
            }
            Fact::RecordsRead { table, invocation: Some(id), records, .. } => {
                for way in self.take(&Key::Invocation(*id)) {
                    let fits = |record: &&ReadRecord| way.hint.follows_record(record);
                    let mut led: Vec<&ReadRecord> = records.iter().filter(fits).collect();
                    if led.is_empty() {
                        led = records.iter().filter(|record| record.wanted).collect();
                    }
                    for record in led {
                        self.record(table, record, first, way.choices.clone());
                    }
                }
            }
            Fact::InvocationStarted { id, why, .. } => {
                let key = Key::Invocation(*id);
                for way in self.take(&key) {
                    self.began(way, &key, why, &entry.cause, first);
                }
            }
            _ => {}
        }
    }

    fn began(&mut self, way: Way, key: &Key, why: &Why, cause: &Cause, first: u64) {
        match why {
            Why::Request => self.up(way, key.clone(), cause, first),
            Why::Async { event, .. } => self.want(Key::Async(*event), way),
            Why::Messages { messages, .. } => {
                self.chosen.push(None);
                let group = self.chosen.len() - 1;
                for (one, seq) in messages.iter().enumerate() {
                    let mut choices = way.choices.clone();
                    choices.push((group, one));
                    let (hint, from) = (way.hint.clone(), key.clone());
                    self.want(Key::Message(*seq), Way { hint, from, seq: first, choices });
                }
            }
            // Of a time in which nobody noted what was read.
            Why::Records { .. } => self.roots.push((key.clone(), first, way.choices)),
        }
    }

    /// From a record to what wrote it.
    fn record(
        &mut self,
        table: &Name,
        record: &ReadRecord,
        first: u64,
        choices: Vec<(usize, usize)>,
    ) {
        let from = Key::Record(table.clone(), record.sequence.clone());
        let way = Way { hint: Hint::of_record(record), from: from.clone(), seq: first, choices };
        match (record.writer, &record.causation) {
            (Some(writer), _) => match Key::from(writer) {
                request @ Key::Request(_) => self.roots.push((request, first, way.choices)),
                invocation => self.want(invocation, way),
            },
            (None, Some(causation)) => self.named.entry(causation.clone()).or_default().push(way),
            (None, None) => self.roots.push((from, first, way.choices)),
        }
    }

    /// Ways to what they were looking for by its name.
    fn answer_to_name(&mut self, entry: &Entry, batch: &PastBatch, first: u64) {
        let (key, name) = match &entry.fact {
            Fact::HttpRequested { request, .. } => (Key::Request(*request), request.to_string()),
            Fact::EventAccepted { id, body, .. } => {
                let Some(name) = Hint::of_body((batch.body)(body.id)).id else { return };
                (Key::Event(*id), name)
            }
            Fact::MessageSent { message, .. } => {
                let Some(name) = Hint::of_body((batch.body)(message.body.id)).id else { return };
                (Key::Message(message.seq), name)
            }
            _ => return,
        };
        for way in self.named.remove(&name).unwrap_or_default() {
            match &key {
                Key::Request(_) => self.roots.push((key.clone(), first, way.choices)),
                _ => self.want(key.clone(), Way { hint: Hint::default(), ..way }),
            }
        }
    }

    /// Ways that come to something with a body: its descent decides between the rivals of its group.
    fn arrive(&mut self, ways: Vec<Way>, key: &Key, hint: &Hint, cause: &Cause, first: u64) {
        for mut way in ways {
            if let Some((group, one)) = way.choices.last()
                && way.hint.follows(hint)
            {
                self.chosen[*group].get_or_insert(*one);
            }
            if self.is_alive(&way) {
                way.hint = hint.clone();
                self.up(way, key.clone(), cause, first);
            }
        }
    }

    fn up(&mut self, way: Way, from: Key, cause: &Cause, first: u64) {
        match cause {
            Cause::Request(id) => self.roots.push((Key::Request(*id), first, way.choices)),
            Cause::Invocation(id) => {
                self.want(Key::Invocation(*id), Way { from, seq: first, ..way });
            }
            // The engine by itself.
            _ => self.roots.push((from, first, way.choices)),
        }
    }

    fn want(&mut self, key: Key, way: Way) {
        let ways = self.at.entry(key).or_default();
        // Of two that depend on nothing and look for the same, one is enough.
        let is_there = way.choices.is_empty()
            && ways.iter().any(|other| other.choices.is_empty() && other.hint == way.hint);
        if !is_there && self.ways <= WAYS {
            self.ways += 1;
            ways.push(way);
        }
    }

    fn take(&mut self, key: &Key) -> Vec<Way> {
        let ways = self.at.remove(key).unwrap_or_default();
        ways.into_iter().filter(|way| self.is_alive(way)).collect()
    }

    fn take_delivery(&mut self, delivery: &Delivery) -> Vec<Way> {
        match &delivery.outcome {
            Delivered::Queued { message, .. } | Delivered::DeadLettered { message, .. } => {
                self.take(&Key::Message(message.seq))
            }
            Delivered::Invoked { event, .. } => self.take(&Key::Async(*event)),
            Delivered::Lost { .. } => vec![],
        }
    }
}

/// What of a fact has this id.
fn named(entry: &Entry, id: Id) -> Option<(&'static str, Key)> {
    let message = |delivery: &Delivery| match &delivery.outcome {
        Delivered::Queued { message, .. } | Delivered::DeadLettered { message, .. } => {
            (message.id == id).then_some(("a message", Key::Message(message.seq)))
        }
        Delivered::Invoked { event, request, .. } => {
            (*request == id).then_some(("an asynchronous invocation", Key::Async(*event)))
        }
        Delivered::Lost { .. } => None,
    };
    match &entry.fact {
        Fact::HttpRequested { request, .. } if *request == id => {
            Some(("an HTTP request", Key::Request(id)))
        }
        Fact::EventAccepted { id: event, .. } | Fact::EventDropped { id: event, .. }
            if *event == id =>
        {
            Some(("an event", Key::Event(id)))
        }
        Fact::EventAccepted { deliveries, .. }
            if deliveries.iter().any(|d| message(d).is_some()) =>
        {
            deliveries.iter().find_map(message)
        }
        Fact::MessageSent { message, .. } if message.id == id => {
            Some(("a message", Key::Message(message.seq)))
        }
        Fact::AsyncAccepted { event, request, .. } if *request == id => {
            Some(("an asynchronous invocation", Key::Async(*event)))
        }
        Fact::AsyncEnded { delivery: Some(delivery), .. }
        | Fact::StreamDiscarded { delivery: Some(delivery), .. }
            if message(delivery).is_some() =>
        {
            message(delivery)
        }
        Fact::InvocationStarted { id: invocation, request, .. } if *request == id => {
            Some(("an invocation", Key::Invocation(*invocation)))
        }
        _ if entry.cause == Cause::Request(id) => Some(("a request", Key::Request(id))),
        _ => None,
    }
}
