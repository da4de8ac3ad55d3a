//! On through history, oldest first: from roots to all that followed from them. What is held grows with the trees, not
//! with history.

use super::hint::Hint;
use super::key::Key;
use super::present::Unread;
use super::tree::What;
use super::twig::{Holder, Stand, Twig};
use crate::clock::Time;
use crate::engine::{
    Cause, Delivered, Delivery, Entry, Fact, History, Id, InvocationId, Name, PastBatch,
    ReadRecord, Why,
};
use bytes::Bytes;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::io;

mod ends;
mod place;
mod schedules;

pub(super) use schedules::body;

/// So many nodes at most.
const NODES: usize = 100_000;

/// What grows.
#[derive(Debug, Default)]
pub(super) struct Follow {
    pub(super) twigs: Vec<Twig>,
    /// Events that no rule took: node, bus and event.
    pub(super) unmatched: Vec<(usize, Name, Bytes)>,
    /// Nodes by what they are about; roots before they are met have none.
    at: HashMap<Key, Option<usize>>,
    /// Nodes of invocations: one for each of what they were given that is in a tree.
    runs: HashMap<InvocationId, Run>,
    /// Nodes by the id that their envelopes have.
    named: HashMap<String, usize>,
    /// Records that a mapping is not through with, by mapping and sequence number.
    reading: HashMap<Name, BTreeMap<String, usize>>,
    /// Messages that a receiver from outside holds.
    outside: BTreeSet<usize>,
    /// The invocation that began last: what was read for it is told behind it.
    began: Option<Began>,
}

#[derive(Debug, Default)]
struct Run {
    nodes: Vec<usize>,
    /// How much it was given, in a tree or not.
    given: usize,
    /// What the records say of themselves that it was given and that are in no tree.
    others: Vec<Hint>,
}

#[derive(Clone, Debug)]
struct Began {
    id: InvocationId,
    request: Id,
    function: Name,
    at: Time,
}

/// Follows from roots, each with a fact that does not come after its first.
///
/// # Errors
/// The disk's.
pub(super) fn follow(
    history: &dyn History,
    roots: &BTreeMap<Key, u64>,
    unread: &[Unread],
) -> io::Result<Follow> {
    let mut follow = Follow::default();
    follow.at.extend(roots.keys().map(|root| (root.clone(), None)));
    // A record that nobody has read is a root that history does not have.
    let first = roots.values().copied().filter(|seq| *seq < u64::MAX).min();
    if let Some(first) = first {
        for batch in history.batches_from(first)? {
            let batch = batch?;
            for (_, entry) in batch.entries() {
                follow.take(&entry, &batch);
            }
        }
    }
    for unread in unread {
        follow.not_read(unread);
    }
    Ok(follow)
}

impl Follow {
    /// More was found than is kept.
    pub(super) fn is_cut(&self) -> bool {
        self.twigs.len() >= NODES
    }

    fn take(&mut self, entry: &Entry, batch: &PastBatch) {
        if self.is_cut() {
            return;
        }
        let (at, cause) = (entry.at, &entry.cause);
        self.meet(entry);
        match &entry.fact {
            Fact::InvocationStarted { id, request, function, why } => {
                let began = Began { id: *id, request: *request, function: function.clone(), at };
                self.begin(&began, why, cause);
                self.began = Some(began);
            }
            Fact::RecordsRead { mapping, table, invocation, records } => {
                let began = self.began.clone().filter(|began| Some(began.id) == *invocation);
                let (began, mut others) = (began.as_ref(), vec![]);
                for record in records {
                    if !self.read(at, mapping, table, record, began, records.len()) {
                        others.push(record);
                    }
                }
                if let Some(run) = began.and_then(|began| self.runs.get_mut(&began.id)) {
                    run.others = others.into_iter().map(Hint::of_record).collect();
                }
            }
            Fact::EventAccepted { id, bus, source, detail_type, body, deliveries } => {
                let key = Key::Event(*id);
                if !self.concerns(&key, cause) {
                    return;
                }
                let bytes = (batch.body)(body.id);
                let hint = Hint::of_body(bytes.clone());
                let Some((parent, joint)) = self.parent(&key, cause, &hint) else { return };
                let what = What::Event {
                    id: id.to_string(),
                    bus: bus.to_string(),
                    source: source.to_string(),
                    detail_type: detail_type.to_string(),
                    subject: hint.subject.clone(),
                    dropped: false,
                    refused: vec![],
                };
                let event = Twig::new(parent, at, what, Stand::Done(None));
                let event = self.add(Some(key), Twig { joint, hint: hint.clone(), ..event });
                if let (true, Some(bytes)) = (deliveries.is_empty(), bytes) {
                    self.unmatched.push((event, bus.clone(), bytes));
                }
                for delivery in deliveries {
                    self.deliver(event, at, delivery, &hint, false);
                }
            }
            Fact::EventDropped { id, bus, source, detail_type } => {
                let key = Key::Event(*id);
                let Some((parent, joint)) = self.parent(&key, cause, &Hint::default()) else {
                    return;
                };
                let what = What::Event {
                    id: id.to_string(),
                    bus: bus.to_string(),
                    source: source.to_string(),
                    detail_type: detail_type.to_string(),
                    subject: None,
                    dropped: true,
                    refused: vec![],
                };
                let lost = Stand::Failed(format!("dropped: there is no bus {bus}"));
                self.add(Some(key), Twig { joint, ..Twig::new(parent, at, what, lost) });
            }
            Fact::MessageSent { queue, message } => {
                let key = Key::Message(message.seq);
                let concerns = self.concerns(&key, cause);
                if !concerns && (self.outside.is_empty() || !matches!(cause, Cause::Request(_))) {
                    return;
                }
                let hint = Hint::of_body((batch.body)(message.body.id));
                let parent = match concerns {
                    true => self.parent(&key, cause, &hint),
                    false => self.passed_on(&hint).map(|held| (Some(held), false)),
                };
                let Some((parent, joint)) = parent else { return };
                let twig = Twig::message(parent, at, queue, message, None, false);
                self.add(Some(key), Twig { joint, hint, ..twig });
            }
            Fact::AsyncAccepted { event, function, request, .. } => {
                let key = Key::Async(*event);
                let Some((parent, joint)) = self.parent(&key, cause, &Hint::default()) else {
                    return;
                };
                let what = invoked(function, *request, None);
                let twig = Twig::new(parent, at, what, Stand::Queued);
                self.add(Some(key), Twig { joint, ..twig });
            }
            Fact::ScheduleFired { .. } | Fact::FiringTried { .. } => self.fire(entry, batch),
            _ => self.change(entry),
        }
    }

    /// The first fact of a request that is a root makes its node; the fact of an HTTP request says more.
    fn meet(&mut self, entry: &Entry) {
        let Cause::Request(id) = &entry.cause else { return };
        let key = Key::Request(*id);
        match (self.at.get(&key), &entry.fact) {
            (Some(None), Fact::HttpRequested { request, api, method, path }) => {
                let what = What::HttpRequest {
                    request: request.to_string(),
                    api: api.to_string(),
                    method: method.clone(),
                    path: path.clone(),
                    status: None,
                };
                self.add_request(*id, Twig::new(None, entry.at, what, Stand::Running));
            }
            (Some(None), _) => {
                let what = What::Request { request: id.to_string() };
                self.add_request(*id, Twig::new(None, entry.at, what, Stand::Done(None)));
            }
            _ => {}
        }
    }

    fn add_request(&mut self, id: Id, twig: Twig) {
        let node = self.add(Some(Key::Request(id)), twig);
        self.named.insert(id.to_string(), node);
    }

    /// An invocation began: an attempt at everything of the trees that it was given.
    fn begin(&mut self, began: &Began, why: &Why, cause: &Cause) {
        let key = Key::Invocation(began.id);
        if self.at.contains_key(&key) {
            let given = match why {
                Why::Messages { messages, .. } => messages.len(),
                Why::Records { sequences, .. } => sequences.len(),
                Why::Request | Why::Async { .. } => 1,
            };
            self.attempt(None, began, given);
            return;
        }
        match why {
            Why::Request => {
                if let Some((parent, joint)) = self.parent(&key, cause, &Hint::default()) {
                    let node = self.attempt(parent, began, 1);
                    self.twigs[node].joint = joint;
                }
            }
            Why::Async { event, .. } => {
                if let Some(node) = self.node(&Key::Async(*event)) {
                    self.attempt(Some(node), began, 1);
                    self.twigs[node].stand = Stand::Running;
                }
            }
            Why::Messages { messages, .. } => {
                for message in messages {
                    if let Some(node) = self.node(&Key::Message(*message)) {
                        self.attempt(Some(node), began, messages.len());
                    }
                }
            }
            // What was read is told behind it.
            Why::Records { .. } => {}
        }
    }

    fn attempt(&mut self, parent: Option<usize>, began: &Began, given: usize) -> usize {
        let what = What::Invocation {
            invocation: began.id.0,
            request: began.request.to_string(),
            function: began.function.to_string(),
            batch: given,
            outcome: "running".into(),
            error: None,
            others: 0,
        };
        let mut twig = Twig::new(parent, began.at, what, Stand::Running);
        // What follows from it is compared with what it was given.
        twig.hint = parent.map(|parent| self.twigs[parent].hint.clone()).unwrap_or_default();
        let node = self.add(None, twig);
        let run = self.runs.entry(began.id).or_default();
        run.nodes.push(node);
        run.given = given;
        node
    }

    /// A mapping read a record; whether that is in a tree.
    fn read(
        &mut self,
        at: Time,
        mapping: &Name,
        table: &Name,
        record: &ReadRecord,
        began: Option<&Began>,
        given: usize,
    ) -> bool {
        let Some(node) = self.record(at, table, record) else { return false };
        match began.filter(|_| record.wanted) {
            Some(began) => {
                self.twigs[node].stand = Stand::Reading(mapping.clone());
                self.twigs[node].end = None;
                let reading = self.reading.entry(mapping.clone()).or_default();
                reading.insert(record.sequence.clone(), node);
                self.attempt(Some(node), began, given);
            }
            None if !self.twigs[node].is_open() => {
                let why = "the mapping's filter does not want it".to_owned();
                self.twigs[node].settle(at, Stand::Done(Some(why)));
            }
            None => {}
        }
        true
    }

    fn not_read(&mut self, unread: &Unread) {
        let key = Key::Record(unread.table.clone(), unread.read.sequence.clone());
        if self.node(&key).is_some() {
            return;
        }
        if let Some(node) = self.record(unread.at, &unread.table, &unread.read) {
            let parent = self.twigs[node].parent.map(|parent| self.twigs[parent].at);
            // A record's own time is rounded down to a second.
            let at = unread.at.max(parent.unwrap_or(unread.at));
            self.twigs[node].at = at;
            self.twigs[node].stand = Stand::Unread(unread.mapping.clone());
        }
    }

    /// The node of a record, if it belongs to a tree.
    fn record(&mut self, at: Time, table: &Name, record: &ReadRecord) -> Option<usize> {
        let key = Key::Record(table.clone(), record.sequence.clone());
        if let Some(node) = self.node(&key) {
            return Some(node);
        }
        let hint = Hint::of_record(record);
        let known = match record.writer {
            _ if self.at.contains_key(&key) => Some((None, false)),
            Some(writer) => match Key::from(writer) {
                Key::Invocation(id) => self.parent(&key, &Cause::Invocation(id), &hint),
                request => self.written_by(request, at),
            },
            None => None,
        };
        // What lost its writer is found again by what it says of its cause.
        let lost = || record.causation.as_ref().and_then(|cause| self.named.get(cause).copied());
        let (parent, joint, writer_unknown) = match (known, record.writer) {
            (Some((parent, joint)), writer) => (parent, joint, writer.is_none()),
            (None, None) => (Some(lost()?), false, true),
            (None, Some(_)) => return None,
        };
        let what = What::Record {
            table: table.to_string(),
            sequence: record.sequence.clone(),
            event_name: record.event_name.clone(),
            keys: record.keys.clone(),
            writer_unknown,
        };
        let twig = Twig::new(parent, at, what, Stand::Done(None));
        Some(self.add(Some(key), Twig { joint, hint, ..twig }))
    }

    /// A request from outside that wrote a record has no fact of its own.
    fn written_by(&mut self, key: Key, at: Time) -> Option<(Option<usize>, bool)> {
        let node = match (self.at.get(&key)?, &key) {
            (Some(node), _) => *node,
            (None, Key::Request(id)) => {
                let what = What::Request { request: id.to_string() };
                self.add(Some(key.clone()), Twig::new(None, at, what, Stand::Done(None)))
            }
            (None, _) => return None,
        };
        Some((Some(node), false))
    }

    /// What one target of a rule got, or a destination; `dead` if that is for what went wrong.
    fn deliver(&mut self, parent: usize, at: Time, delivery: &Delivery, hint: &Hint, dead: bool) {
        let rule = Some(&delivery.rule);
        match &delivery.outcome {
            Delivered::Queued { queue, message } => {
                let mut twig = Twig::message(Some(parent), at, queue, message, rule, dead);
                twig.trouble = self.twigs[parent].trouble.clone().filter(|_| dead);
                self.add(Some(Key::Message(message.seq)), Twig { hint: hint.clone(), ..twig });
            }
            Delivered::DeadLettered { queue, message, code, reason } => {
                let mut twig = Twig::message(Some(parent), at, queue, message, rule, true);
                twig.trouble = Some(format!("{code}: {reason}"));
                self.add(Some(Key::Message(message.seq)), Twig { hint: hint.clone(), ..twig });
            }
            Delivered::Invoked { function, event, request, .. } => {
                let what = invoked(function, *request, rule);
                let twig = Twig::new(Some(parent), at, what, Stand::Queued);
                self.add(Some(Key::Async(*event)), Twig { hint: hint.clone(), ..twig });
            }
            // It has a fact of its own.
            Delivered::Put { .. } => {}
            Delivered::Lost { code, reason } => {
                let rule = Some(delivery.rule.to_string()).filter(|rule| !rule.is_empty());
                let what = What::Undelivered { rule, target: delivery.target.to_string() };
                let lost = Stand::Failed(format!("{code}: {reason}"));
                self.add(None, Twig::new(Some(parent), at, what, lost));
            }
        }
    }

    fn add(&mut self, key: Option<Key>, twig: Twig) -> usize {
        let node = self.twigs.len();
        if let (Some(id), What::Event { .. } | What::Message { .. }) = (&twig.hint.id, &twig.what) {
            self.named.entry(id.clone()).or_insert(node);
        }
        self.twigs.push(twig);
        if let Some(key) = key {
            self.at.insert(key, Some(node));
        }
        node
    }
}

fn invoked(function: &Name, request: Id, rule: Option<&Name>) -> What {
    What::Async {
        function: function.to_string(),
        request: request.to_string(),
        rule: rule.map(|rule| rule.to_string()).filter(|rule| !rule.is_empty()),
    }
}
