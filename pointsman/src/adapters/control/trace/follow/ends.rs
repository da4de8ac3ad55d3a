//! What becomes of messages, records and invocations.

use super::{Follow, Holder, Key, Stand, Twig, What};
use crate::clock::Time;
use crate::engine::{Caller, Entry, Fact, InvocationId, Kind, Name, Outcome};
use std::ops::RangeBounds;

impl Follow {
    pub(super) fn change(&mut self, entry: &Entry) {
        let at = entry.at;
        match &entry.fact {
            Fact::HttpAnswered { invocation, status: answered } => {
                let Some(node) = self.runs.get(invocation).and_then(|run| run.nodes.first()) else {
                    return;
                };
                if let Some(parent) = self.twigs[*node].parent
                    && let What::HttpRequest { status, .. } = &mut self.twigs[parent].what
                {
                    *status = Some(*answered);
                }
            }
            Fact::InvocationEnded { id, outcome } => self.ended(*id, outcome, at),
            Fact::BatchEnded { invocation, deleted, kept, .. } => {
                self.of(deleted, |twig| twig.settle(at, Stand::Done(None)));
                self.of(kept, |twig| {
                    twig.trouble = Some("the function's answer named it as failed".into());
                    if let Stand::InFlight(_, holder) = &mut twig.stand {
                        *holder = Holder::Nobody;
                    }
                });
                self.kept(*invocation, kept);
            }
            Fact::Received { messages, until, batch, .. } => {
                let holder = match (batch, &entry.caller) {
                    (Some(batch), _) => Holder::Invocation(*batch),
                    (None, Caller::Function(name)) => Holder::Receiver(name.to_string()),
                    (None, _) => Holder::Receiver("a receiver from outside".into()),
                };
                self.of(messages, |twig| {
                    twig.stand = Stand::InFlight(*until, holder.clone());
                    count(twig, |receives| receives + 1);
                });
                if batch.is_none() {
                    let held = messages.iter().filter_map(|seq| self.node(&Key::Message(*seq)));
                    let held: Vec<usize> = held.collect();
                    self.outside.extend(held);
                }
            }
            Fact::VisibilitySet { message, until, .. } => self.of(&[*message], |twig| {
                if let Stand::InFlight(held, _) = &mut twig.stand {
                    *held = *until;
                }
            }),
            Fact::Visible { messages, uncounted, .. } => {
                self.let_go(messages);
                self.of(messages, |twig| {
                    twig.stand = Stand::Visible(at, false);
                    if *uncounted {
                        count(twig, |receives| receives.saturating_sub(1));
                    }
                });
            }
            Fact::Deleted { messages, .. } => {
                self.let_go(messages);
                let who = match &entry.caller {
                    Caller::Function(name) => format!("deleted by {name}"),
                    _ => "deleted by a receiver from outside".into(),
                };
                self.of(messages, |twig| twig.settle(at, Stand::Done(Some(who.clone()))));
            }
            Fact::Filtered { messages, .. } => {
                let why = "the mapping's filter does not want it";
                self.of(messages, |twig| twig.settle(at, Stand::Done(Some(why.into()))));
            }
            Fact::Expired { messages, .. } => {
                let why = "it grew older than its queue keeps messages";
                self.of(messages, |twig| twig.settle(at, Stand::Failed(why.into())));
            }
            Fact::Purged { queue } => self.gone(queue, at, "its queue was purged"),
            Fact::ResourceGone { kind: Kind::Queue, name } => {
                self.gone(name, at, "its queue was deleted");
            }
            Fact::DeadLettered { message, to, seq, .. } => self.dead(at, *message, to, *seq),
            Fact::AsyncRetried { event, due } => {
                self.asynchronous(*event, |twig| twig.stand = Stand::Again(*due));
            }
            Fact::AsyncDue { event } => {
                self.asynchronous(*event, |twig| twig.stand = Stand::Queued);
            }
            Fact::AsyncEnded { event, delivery } => {
                let Some(node) = self.node(&Key::Async(*event)) else { return };
                let twig = &mut self.twigs[node];
                let stand = match twig.trouble.clone() {
                    Some(why) => Stand::Failed(why),
                    None => Stand::Done(None),
                };
                twig.settle(at, stand);
                if let Some(delivery) = delivery {
                    let (hint, dead) = (twig.hint.clone(), twig.trouble.is_some());
                    self.deliver(node, at, delivery, &hint, dead);
                }
            }
            Fact::StreamAdvanced { mapping, cursor } => {
                for node in self.settled(mapping, ..=cursor.clone()) {
                    self.twigs[node].settle(at, Stand::Done(None));
                }
            }
            Fact::StreamRetried { mapping, due, .. } => {
                let reading = self.reading.get(mapping).into_iter().flatten();
                for (_, node) in reading {
                    self.twigs[*node].stand = Stand::Retry(mapping.clone(), *due);
                }
            }
            Fact::StreamDiscarded { mapping, first, last, reason, delivery, .. } => {
                for (n, node) in
                    self.settled(mapping, first.clone()..=last.clone()).into_iter().enumerate()
                {
                    let twig = &mut self.twigs[node];
                    let trouble = twig.trouble.as_ref().map(|why| format!(" ({why})"));
                    let why = format!("given up: {reason}{}", trouble.unwrap_or_default());
                    twig.settle(at, Stand::Failed(why));
                    if let (0, Some(delivery)) = (n, delivery) {
                        let hint = twig.hint.clone();
                        self.deliver(node, at, delivery, &hint, true);
                    }
                }
            }
            _ => {}
        }
    }

    fn ended(&mut self, id: InvocationId, outcome: &Outcome, at: Time) {
        let Some(run) = self.runs.get(&id) else { return };
        let (name, trouble) = match outcome {
            Outcome::Answered => ("answered", None),
            Outcome::Failed { kind, message } => ("failed", Some(format!("{kind}: {message}"))),
            Outcome::TimedOut => ("timed out", Some("it timed out".to_owned())),
            Outcome::Interrupted => ("interrupted", None),
        };
        for node in run.nodes.clone() {
            let twig = &mut self.twigs[node];
            if let What::Invocation { outcome, error, .. } = &mut twig.what {
                *outcome = name.to_owned();
                *error = trouble.clone();
            }
            let failed = twig.trouble.take().or_else(|| trouble.clone());
            let stand = match (failed, name) {
                (Some(why), _) => Stand::Failed(why),
                (None, "interrupted") => Stand::Failed("the engine ended before it did".into()),
                (None, _) => Stand::Done(None),
            };
            twig.settle(at, stand);
            let Some(parent) = twig.parent else { continue };
            let parent = &mut self.twigs[parent];
            match parent.what {
                What::HttpRequest { .. } | What::Request { .. } => {
                    parent.settle(at, trouble.clone().map_or(Stand::Done(None), Stand::Failed));
                }
                What::Async { .. } => {
                    parent.trouble = trouble.clone();
                    if name == "interrupted" {
                        parent.stand = Stand::Queued;
                    }
                }
                _ if trouble.is_some() => parent.trouble = trouble.clone(),
                _ => {}
            }
        }
    }

    /// An attempt that answered has still failed for what its answer named.
    fn kept(&mut self, id: InvocationId, kept: &[u64]) {
        let Some(run) = self.runs.get(&id) else { return };
        let kept: Vec<usize> =
            kept.iter().filter_map(|seq| self.node(&Key::Message(*seq))).collect();
        for node in run.nodes.clone() {
            if self.twigs[node].parent.is_some_and(|parent| kept.contains(&parent)) {
                self.twigs[node].trouble = Some("its answer named it as failed".into());
            }
        }
    }

    /// Received too often.
    fn dead(&mut self, at: Time, message: u64, to: &Name, seq: u64) {
        let Some(node) = self.node(&Key::Message(message)) else { return };
        let twig = &mut self.twigs[node];
        let mut what = twig.what.clone();
        let mut times = 0;
        if let What::Message { queue, rule, receives, .. } = &mut what {
            times = *receives;
            (*queue, *rule, *receives) = (to.to_string(), None, 0);
        }
        let why = twig.trouble.clone().unwrap_or_else(|| "nobody deleted it".into());
        let why = format!("received {times} times: {why}");
        twig.settle(at, Stand::Failed(format!("moved to {to}")));
        let hint = twig.hint.clone();
        let moved = Twig::new(Some(node), at, what, Stand::Visible(at, true));
        self.add(Some(Key::Message(seq)), Twig { hint, trouble: Some(why), ..moved });
    }

    fn gone(&mut self, name: &Name, at: Time, why: &str) {
        for twig in &mut self.twigs {
            if matches!(&twig.what, What::Message { queue, .. } if **queue == **name)
                && twig.is_open()
            {
                twig.settle(at, Stand::Failed(why.into()));
            }
        }
    }

    /// Changes those of the messages that are in a tree.
    fn of(&mut self, messages: &[u64], change: impl Fn(&mut Twig)) {
        for message in messages {
            if let Some(node) = self.node(&Key::Message(*message)) {
                change(&mut self.twigs[node]);
            }
        }
    }

    /// No receiver from outside holds them any more.
    fn let_go(&mut self, messages: &[u64]) {
        if !self.outside.is_empty() {
            for message in messages {
                if let Some(node) = self.node(&Key::Message(*message)) {
                    self.outside.remove(&node);
                }
            }
        }
    }

    fn asynchronous(&mut self, event: u64, change: impl FnOnce(&mut Twig)) {
        if let Some(node) = self.node(&Key::Async(event)) {
            change(&mut self.twigs[node]);
        }
    }

    /// Records that a mapping is through with and no other reads any more.
    fn settled(&mut self, mapping: &Name, range: impl RangeBounds<String>) -> Vec<usize> {
        let Some(reading) = self.reading.get_mut(mapping) else { return vec![] };
        let through: Vec<String> = reading.range(range).map(|(seq, _)| seq.clone()).collect();
        let nodes: Vec<usize> = through.iter().filter_map(|seq| reading.remove(seq)).collect();
        let others = |node: &usize| {
            self.reading.values().any(|reading| reading.values().any(|other| other == node))
        };
        nodes.into_iter().filter(|node| !others(node)).collect()
    }
}

fn count(twig: &mut Twig, change: impl FnOnce(u32) -> u32) {
    if let What::Message { receives, .. } = &mut twig.what {
        *receives = change(*receives);
    }
}
