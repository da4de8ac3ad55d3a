//! Back through history, newest first: from what is asked for to the requests it all began with.
//!
//! An invocation may have been given many messages or records. What it did then has one cause and several possible
//! parents. All of them are followed until one is found that the effect names as its own ([`Hint`]); the others are
//! dropped then, whatever was found behind them.

use super::hint::Hint;
use super::key::{Key, Target};
use super::present::Unread;
use crate::engine::{
    Cause, Delivered, Delivery, Entry, Fact, History, Name, PastBatch, ReadRecord, Tried, Why,
};
use std::collections::{BTreeMap, HashMap, HashSet};
use std::io;

mod find;

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

/// Choices between what an invocation was given: which choice, and which of it.
type Forks = Vec<(usize, usize)>;

/// A way back.
#[derive(Clone)]
struct Way {
    /// What its beginning says of itself.
    hint: Hint,
    /// How far it has come, and in which batch: the root if history ends before it does.
    from: Key,
    seq: u64,
    /// The choices it depends on.
    choices: Forks,
}

struct Seek<'a> {
    text: &'a str,
    target: Target,
    /// Ways that go on at a fact about this.
    at: HashMap<Key, Vec<Way>>,
    /// Ways that go on at whatever has this envelope's id, or is the request with it.
    named: HashMap<String, Vec<Way>>,
    /// Ways from messages that were sent from outside: they go on at one with the same body that was deleted from outside
    /// after that, for then it was passed on by hand.
    copies: HashMap<u64, Vec<Way>>,
    /// Messages that somebody outside deletes further on in history.
    deleted: HashSet<u64>,
    /// Of each group the one that was chosen.
    chosen: Vec<Option<usize>>,
    roots: Vec<(Key, u64, Forks)>,
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
            copies: HashMap::new(),
            deleted: HashSet::new(),
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
        let ways = self.at.values().chain(self.named.values()).chain(self.copies.values());
        ways.flatten().any(|way| self.is_alive(way))
    }

    /// Ways that history is too short for end where they are.
    fn end(mut self) -> Found {
        let left = self.at.drain().map(|(_, ways)| ways);
        let left = left.chain(self.named.drain().map(|(_, ways)| ways));
        let left = left.chain(self.copies.drain().map(|(_, ways)| ways));
        for way in left.flatten() {
            self.roots.push((way.from, way.seq, way.choices));
        }
        let what = self.what.map(|what| match what {
            "text" if self.places == 1 => "text in one place".to_owned(),
            "text" => format!("text in {} places", self.places.min(PLACES)),
            what => what.to_owned(),
        });
        let cut = self.places > PLACES || self.ways > WAYS;
        let mut found = Found { what, roots: BTreeMap::new(), cut };
        for (key, seq, choices) in &self.roots {
            if self.stands(choices) {
                let from = found.roots.entry(key.clone()).or_insert(*seq);
                *from = (*from).min(*seq);
            }
        }
        found
    }

    /// Goes on with the ways that lead to a fact.
    fn go_on(&mut self, entry: &Entry, batch: &PastBatch, first: u64) {
        if !self.named.is_empty() {
            self.answer_to_name(entry, batch, first);
        }
        if !self.copies.is_empty() {
            self.find_copied(entry, batch);
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
                    match (&entry.cause, hint.whole()) {
                        (Cause::Request(id), Some(whole)) if !self.deleted.is_empty() => {
                            let from = |way| Way { from: Key::Request(*id), seq: first, ..way };
                            let copies = self.copies.entry(whole).or_default();
                            copies.extend(ways.into_iter().map(from));
                        }
                        _ => self.arrive(ways, &key, &hint, &entry.cause, first),
                    }
                }
            }
            Fact::Deleted { messages, .. } if entry.caller.is_outside() => {
                self.deleted.extend(messages);
            }
            Fact::DeadLettered { message, seq, .. } => {
                if self.deleted.contains(seq) {
                    self.deleted.insert(*message);
                }
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
            Fact::ScheduleFired { outcome, .. } | Fact::FiringTried { outcome, .. } => {
                self.fired(entry, outcome, first);
            }
            _ => {}
        }
    }

    /// A schedule that fired is a root; what was tried again leads to the first try.
    fn fired(&mut self, entry: &Entry, outcome: &Tried, first: u64) {
        let Cause::Schedule { arn, scheduled } = &entry.cause else { return };
        let key = Key::Firing(arn.clone(), *scheduled);
        let mut ways = vec![];
        if let Tried::Settled { deliveries } = outcome {
            ways.extend(deliveries.iter().flat_map(|delivery| self.take_delivery(delivery)));
        }
        if !matches!(entry.fact, Fact::ScheduleFired { .. }) {
            for way in ways {
                self.want(key.clone(), Way { from: key.clone(), seq: first, ..way });
            }
            return;
        }
        ways.extend(self.take(&key));
        for way in ways {
            self.roots.push((key.clone(), first, way.choices));
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
    fn record(&mut self, table: &Name, record: &ReadRecord, first: u64, choices: Forks) {
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

    /// Ways from copies to the message that was passed on.
    fn find_copied(&mut self, entry: &Entry, batch: &PastBatch) {
        let (messages, body) = match &entry.fact {
            Fact::EventAccepted { body, deliveries, .. } => {
                let message = |delivery: &Delivery| match &delivery.outcome {
                    Delivered::Queued { message, .. } | Delivered::DeadLettered { message, .. } => {
                        Some(message.seq)
                    }
                    Delivered::Invoked { .. } | Delivered::Lost { .. } | Delivered::Put { .. } => {
                        None
                    }
                };
                (deliveries.iter().filter_map(message).collect::<Vec<u64>>(), body)
            }
            Fact::MessageSent { message, .. } => (vec![message.seq], &message.body),
            _ => return,
        };
        let Some(passed_on) = messages.into_iter().find(|seq| self.deleted.contains(seq)) else {
            return;
        };
        let whole = Hint::of_body((batch.body)(body.id)).whole();
        let copies = whole.and_then(|whole| self.copies.remove(&whole));
        for way in copies.unwrap_or_default() {
            self.want(Key::Message(passed_on), Way { hint: Hint::default(), ..way });
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
            Cause::Schedule { arn, scheduled } if arn.contains(":scheduler:") => {
                self.want(Key::Firing(arn.clone(), *scheduled), Way { from, seq: first, ..way });
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
            Delivered::Put { event, .. } => self.take(&Key::Event(*event)),
            Delivered::Lost { .. } => vec![],
        }
    }
}
