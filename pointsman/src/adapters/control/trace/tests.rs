//! Hand-made histories, told as trees.

mod batches;
mod waits;

use super::present::{Present, Unread};
use super::tree::{Node, Trace};
use super::{build, read};
use crate::engine::testing::{World, function, queue_mapping, rule, target, with_dead_letters};
use crate::engine::{
    Caller, Cause, History, Id, InvocationId, Past, PastBatch, ReadRecord, Writer,
};
use crate::services::bus::{EventEntry, PutEvents};
use crate::services::function::{HttpCall, Invoke};
use crate::services::mapping::TakeRecords;
use crate::services::queue::{MessageToSend, SendMessages};
use crate::topology::*;
use bytes::Bytes;
use std::io;
use std::sync::Arc;

/// A world whose functions hang together as a shop's do: `door` writes to the table `events`, `relay` carries its
/// stream to the bus, `view` reads the queue `view`.
fn shop() -> World {
    let mut world = World::new();
    let arn = Region::default().queue("view");
    let mut specs = vec![
        Spec::Function(function("door")),
        Spec::Function(function("relay")),
        Spec::Function(function("view")),
        Spec::Queue(QueueSpec::named("jobs")),
        Spec::Rule(rule("view", r#"{"source":["shop"]}"#, vec![target(arn)])),
        Spec::Mapping(queue_mapping("view", "view")),
        Spec::Mapping(stream()),
    ];
    specs.extend(with_dead_letters("view", 2));
    world.apply(specs);
    world
}

fn stream() -> MappingSpec {
    MappingSpec {
        uuid: "m".into(),
        source: MappingSource::Stream {
            table: "events".into(),
            starting: StartingPosition::TrimHorizon,
            max_attempts: Some(1),
            max_age_seconds: None,
            bisect: false,
            parallelization: 1,
            on_failure: None,
        },
        ..queue_mapping("view", "relay")
    }
}

/// A request to the HTTP API; its invocation is left running.
fn post(world: &mut World, request: u128) -> InvocationId {
    let http = HttpCall { api: "api".into(), method: "POST".into(), path: "/orders".into() };
    let invoke = Invoke { function: "door".into(), payload: Bytes::new(), http: Some(http) };
    world.ask_as(Caller::Operator, Cause::Request(Id(request)), invoke).0
}

/// A row with an envelope.
fn row(sequence: &str, writer: Option<InvocationId>, id: &str, causation: &str) -> ReadRecord {
    ReadRecord {
        sequence: sequence.into(),
        event_name: "INSERT".into(),
        keys: format!("pk={id}"),
        writer: writer.map(Writer::Invocation),
        wanted: true,
        id: Some(id.into()),
        causation: Some(causation.into()),
        marks: vec![],
    }
}

/// The stream's reader has these; the relay's invocation.
fn relay(world: &mut World, rows: Vec<ReadRecord>) -> InvocationId {
    let after = world.state().mappings["m"].cursor.clone();
    let taken = world.ask(TakeRecords {
        mapping: "m".into(),
        after,
        sequences: rows.iter().map(|row| row.sequence.clone()).collect(),
        written: vec![world.core.now(); rows.len()],
        read: rows,
        payload: Some(Bytes::from_static(b"{}")),
    });
    assert!(taken);
    world.invocations().last().expect("an invocation").id
}

fn detail(id: &str, causation: &str) -> String {
    format!(r#"{{"metadata":{{"id":"{id}","causationId":"{causation}","subject":"one"}}}}"#)
}

/// A function publishes an event with this detail.
fn publish(world: &mut World, by: InvocationId, name: &str, detail: &str) {
    let entry = EventEntry {
        source: Some("shop".into()),
        detail_type: Some(name.into()),
        detail: Some(detail.into()),
        ..EventEntry::default()
    };
    let caller = Caller::Function("relay".into());
    world.ask_as(caller, Cause::Invocation(by), PutEvents { entries: vec![entry] });
}

/// A function sends a message.
fn send(world: &mut World, by: InvocationId, body: &str, delay: Option<u32>) {
    let message =
        MessageToSend { body: Bytes::from(body.to_owned()), delay, ..MessageToSend::default() };
    let send = SendMessages { queue: "jobs".into(), messages: vec![message] };
    world.ask_as(Caller::Function("view".into()), Cause::Invocation(by), send);
}

/// The journal of a world; its bodies are all there.
struct Journal(Vec<(u64, Bytes)>, std::collections::BTreeMap<u64, Bytes>);

impl History for Journal {
    fn oldest(&self) -> u64 {
        self.0.first().map_or(1, |(seq, _)| *seq)
    }

    fn read(&self, from: u64, most: usize) -> io::Result<Vec<(u64, Bytes)>> {
        Ok(self.0.iter().filter(|(seq, _)| *seq >= from).take(most).cloned().collect())
    }

    fn body(&self, id: u64) -> Option<Bytes> {
        self.1.get(&id).cloned()
    }

    fn batches_from(&self, from: u64) -> io::Result<Past> {
        let bodies = self.1.clone();
        let body = Box::new(move |id| bodies.get(&id).cloned());
        let batch = PastBatch { records: self.read(from, usize::MAX)?, body };
        Ok(Box::new(std::iter::once(Ok(batch))))
    }

    fn batches_back(&self) -> Past {
        self.batches_from(0).expect("it is in memory")
    }
}

fn ask(world: &World, id: &str, all: bool, forgotten: usize, unread: &[Unread]) -> Trace {
    let numbered = (1..).zip(world.journal.iter().cloned().map(Bytes::from));
    let records = numbered.skip(forgotten).collect();
    let history: Arc<dyn History> = Arc::new(Journal(records, world.bodies.clone()));
    let (mut trace, follow) = read(&history, id, unread).expect("it is in memory");
    let present = Present { now: world.core.now(), ..Present::look(world.state()) };
    build::build(&mut trace, &follow, &present, all);
    trace
}

fn traced(world: &World, id: &str) -> Trace {
    ask(world, id, false, 0, &[])
}

fn by_number(world: &World, request: u128) -> Trace {
    traced(world, &Id(request).to_string())
}

/// The only tree, a line a node, two blanks a level.
#[track_caller]
fn tree(trace: &Trace) -> Vec<String> {
    fn lines(node: &Node, depth: usize, out: &mut Vec<String>) {
        let joint = if node.joint { " (joint)" } else { "" };
        out.push(format!("{}{}{joint}", "  ".repeat(depth), node.title()));
        node.children.iter().for_each(|child| lines(child, depth + 1, out));
    }
    assert_eq!(trace.trees.len(), 1, "{trace:#?}");
    let mut out = vec![];
    lines(&trace.trees[0], 0, &mut out);
    out
}

#[track_caller]
fn node<'a>(trace: &'a Trace, title: &str) -> &'a Node {
    let found = trace.nodes().into_iter().find(|node| node.title() == title);
    found.unwrap_or_else(|| panic!("no {title}: {trace:#?}"))
}
