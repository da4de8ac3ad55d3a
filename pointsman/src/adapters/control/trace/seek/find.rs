//! Where what is asked for stands in history.

use super::{PLACES, Seek, Way};
use crate::adapters::control::trace::follow::body;
use crate::adapters::control::trace::hint::Hint;
use crate::adapters::control::trace::key::{Key, Target, low};
use crate::engine::{Cause, Delivered, Delivery, Entry, Fact, Id, PastBatch, Tried};

impl Seek<'_> {
    /// Begins a way at a fact, if it is what is asked for.
    pub(super) fn find(&mut self, entry: &Entry, batch: &PastBatch, first: u64) {
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
            Fact::ScheduleFired { schedule, outcome, .. } => {
                let got = match outcome {
                    Tried::Settled { deliveries } => deliveries.as_slice(),
                    Tried::Failed { .. } => &[],
                };
                let is_in = schedule.contains(text) || got.iter().filter_map(body).any(has);
                match firing(entry).filter(|_| is_in) {
                    Some(key) => key,
                    None => return,
                }
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
}

/// The firing that a fact is about.
fn firing(entry: &Entry) -> Option<Key> {
    let Cause::Schedule { arn, scheduled } = &entry.cause else { return None };
    Some(Key::Firing(arn.clone(), *scheduled))
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
        Delivered::Lost { .. } | Delivered::Put { .. } => None,
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
        Fact::ScheduleFired { outcome: Tried::Settled { deliveries }, .. }
        | Fact::FiringTried { outcome: Tried::Settled { deliveries }, .. }
            if deliveries.iter().any(|d| message(d).is_some()) =>
        {
            deliveries.iter().find_map(message)
        }
        Fact::ScheduleFired { execution, .. } | Fact::FiringTried { execution, .. }
            if *execution == id =>
        {
            firing(entry).map(|key| ("the time of a schedule", key))
        }
        Fact::InvocationStarted { id: invocation, request, .. } if *request == id => {
            Some(("an invocation", Key::Invocation(*invocation)))
        }
        _ if entry.cause == Cause::Request(id) => Some(("a request", Key::Request(id))),
        _ => None,
    }
}
