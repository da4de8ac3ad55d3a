//! From what has grown to the document.

use super::follow::Follow;
use super::present::{Present, Reader};
use super::tree::{Candidate, Node, Repeat, Stands, Trace, What};
use super::twig::{Holder, Stand, Twig};
use crate::clock::Time;
use crate::engine::Name;
use std::collections::{BTreeMap, BTreeSet};

/// So many trees at most are shown or offered, the newest.
const TREES: usize = 100;

/// Puts trees, or the choice between them, into the document.
pub(super) fn build(trace: &mut Trace, follow: &Follow, present: &Present, all: bool) {
    let mut build = Build { follow, present, children: BTreeMap::new(), asked: &trace.id };
    let mut roots = vec![];
    for (node, twig) in follow.twigs.iter().enumerate() {
        match twig.parent {
            Some(parent) => build.children.entry(parent).or_default().push(node),
            None => roots.push(node),
        }
    }
    roots.sort_by_key(|root| follow.twigs[*root].at);
    if roots.len() > TREES {
        let note = format!("it is in {} trees: these are the newest {TREES}", roots.len());
        trace.notes.push(note);
        roots.drain(..roots.len() - TREES);
    }
    if roots.len() > 1 && !all {
        trace.candidates = roots.iter().map(|root| build.candidate(*root)).collect();
        return;
    }
    for root in roots {
        let mut waiting = vec![];
        let tree = build.node(root, follow.twigs[root].at, &mut waiting);
        trace.waiting.extend(waiting);
        let mut repeats = BTreeSet::new();
        repeated(&tree, &mut vec![], &mut repeats);
        trace.repeats.extend(repeats);
        trace.trees.push(tree);
    }
}

struct Build<'a> {
    follow: &'a Follow,
    present: &'a Present,
    children: BTreeMap<usize, Vec<usize>>,
    asked: &'a str,
}

impl Build<'_> {
    fn candidate(&self, root: usize) -> Candidate {
        let mut waiting = vec![];
        let tree = self.node(root, self.follow.twigs[root].at, &mut waiting);
        // What has no id of its own goes by that of the first thing behind it which has one.
        let own = |node: &&Node| !matches!(node.what, What::Invocation { .. });
        let id = tree.nodes().into_iter().filter(own).find_map(|node| node.id().map(str::to_owned));
        let first = tree.children.iter().flat_map(|child| child.nodes());
        let mut events = first.filter(|node| matches!(node.what, What::Event { .. }));
        let mut what = tree.title();
        if let Some(event) = events.next() {
            what = format!("{what} → {}", event.title());
        }
        Candidate { id: id.unwrap_or_default(), at: tree.at, what, waiting: waiting.len() }
    }

    fn node(&self, at: usize, root: Time, waiting: &mut Vec<String>) -> Node {
        let twig = &self.follow.twigs[at];
        let (stands, because) = self.stands(twig);
        let mut node = Node {
            at: twig.at.rfc3339_millis(),
            after_ms: twig.at.0.saturating_sub(root.0),
            took_ms: twig.end.map(|end| end.0.saturating_sub(twig.at.0)),
            stands,
            because,
            asked: false,
            joint: twig.joint,
            what: twig.what.clone(),
            children: vec![],
        };
        node.asked = node.id() == Some(self.asked);
        if let Some(sentence) = self.waits(twig, &node) {
            waiting.push(sentence);
        }
        let children = self.children.get(&at).into_iter().flatten();
        node.children = children.map(|child| self.node(*child, root, waiting)).collect();
        node
    }

    /// The sentence of what waits, or lies in a dead-letter queue. What only waits for what follows from it says nothing.
    fn waits(&self, twig: &Twig, node: &Node) -> Option<String> {
        let is_dead = matches!(twig.stand, Stand::Visible(..)) && node.stands == Stands::Failed;
        let speaks = match twig.stand {
            Stand::Done(_) | Stand::Failed(_) => false,
            // Its attempt speaks for it.
            Stand::InFlight(_, Holder::Invocation(_)) | Stand::Reading(_) => false,
            Stand::Running => matches!(node.what, What::Invocation { .. }),
            _ => true,
        };
        let because = node.because.as_deref().unwrap_or_default();
        (speaks || is_dead).then(|| format!("{}: {because}", node.title()))
    }

    fn stands(&self, twig: &Twig) -> (Stands, Option<String>) {
        let waiting = |because: String| (Stands::Waiting, Some(because));
        match &twig.stand {
            Stand::Done(how) => (Stands::Done, how.clone()),
            Stand::Failed(why) => (Stands::Failed, Some(why.clone())),
            Stand::Running => waiting(format!("running since {}", clock(twig.at))),
            Stand::Visible(since, dead) => self.visible(twig, *since, *dead),
            Stand::Delayed(until) => waiting(format!("delayed until {}", clock(*until))),
            Stand::InFlight(until, holder) => waiting(match holder {
                Holder::Invocation(id) => {
                    format!("in flight in invocation #{} until {}", id.0, clock(*until))
                }
                Holder::Nobody => {
                    let why = twig.trouble.as_deref().unwrap_or("not deleted");
                    format!("to be received again at {}: {why}", clock(*until))
                }
                Holder::Receiver(name) => format!("in flight with {name} until {}", clock(*until)),
            }),
            Stand::Unread(mapping) => {
                let why = self.reader(mapping).map(|reader| reason(reader, self.present.now));
                let why = why.unwrap_or_else(|| "its mapping is gone".into());
                waiting(format!("not read from the stream yet: {why}"))
            }
            Stand::Reading(mapping) => {
                let name = self.reader(mapping).map_or("its mapping", |r| r.function.as_str());
                waiting(format!("with {name}"))
            }
            Stand::Retry(mapping, due) => {
                let why = twig.trouble.as_deref().unwrap_or("named as failed");
                let off = self.reader(mapping).filter(|reader| !reader.enabled);
                let off = off.map(|reader| format!(", but {}", reason(reader, self.present.now)));
                waiting(format!("retry due at {}{}: {why}", clock(*due), off.unwrap_or_default()))
            }
            Stand::Queued => waiting("waits for its turn".into()),
            Stand::Again(due) => {
                let why = twig.trouble.as_deref().unwrap_or("failed");
                waiting(format!("retry due at {}: {why}", clock(*due)))
            }
        }
    }

    fn visible(&self, twig: &Twig, since: Time, dead: bool) -> (Stands, Option<String>) {
        let What::Message { queue, attributes, .. } = &twig.what else {
            return (Stands::Waiting, None);
        };
        if dead || self.present.dead_letter.contains(queue.as_str()) {
            // As the kit, EventBridge and Lambda name them.
            let named = ["reason", "ERROR_MESSAGE", "ErrorMessage"];
            let told = || named.iter().find_map(|name| attributes.get(*name));
            let why = twig.trouble.as_ref().or_else(told).map(|why| format!(": {why}"));
            let text = format!("dead since {}{}", clock(since), why.unwrap_or_default());
            return (Stands::Failed, Some(text));
        }
        let readers = self.present.queues.get(queue.as_str());
        let why = match readers.map(Vec::as_slice) {
            None => "the queue is gone".to_owned(),
            Some([]) => "no mapping reads this queue".to_owned(),
            Some([reader, ..]) => reason(reader, self.present.now),
        };
        let text = format!("waiting in queue {queue} since {}: {why}", clock(since));
        (Stands::Waiting, Some(text))
    }

    fn reader(&self, mapping: &Name) -> Option<&Reader> {
        self.present.streams.get(mapping).map(|stream| &stream.reader)
    }
}

/// Why a mapping has not taken something yet.
fn reason(reader: &Reader, now: Time) -> String {
    let name = &reader.function;
    match reader.due {
        _ if !reader.enabled => format!("the mapping to {name} is disabled"),
        Some(due) if due > now => format!("the mapping to {name} waits until {}", clock(due)),
        _ => format!("{name} has not got to it"),
    }
}

/// Date and time to the millisecond, for people.
fn clock(time: Time) -> String {
    time.format("%Y-%m-%d %H:%M:%S%.3f")
}

/// Events with a type and subject that one before them in their line has.
fn repeated<'a>(
    node: &'a Node,
    line: &mut Vec<(&'a str, &'a str, &'a str)>,
    repeats: &mut BTreeSet<Repeat>,
) {
    let mut is_in_line = false;
    if let What::Event { id, detail_type, subject: Some(subject), .. } = &node.what {
        let same =
            line.iter().find(|(t, s, _)| (t, s) == (&detail_type.as_str(), &subject.as_str()));
        if let Some((.., first)) = same {
            repeats.insert(Repeat {
                detail_type: detail_type.clone(),
                subject: subject.clone(),
                first: (*first).to_owned(),
                second: id.clone(),
            });
        }
        line.push((detail_type, subject, id));
        is_in_line = true;
    }
    for child in &node.children {
        repeated(child, line, repeats);
    }
    if is_in_line {
        line.pop();
    }
}
