//! For tests of what stands on the engine: a small world to drive a core by hand, and specs.

use super::*;
use crate::clock::{ManualClock, Time};
use crate::faults::{Faults, NoFaults};
use crate::services::Started;
use crate::services::function::{Finish, Finished};
use crate::services::queue::{DeleteMessages, MessageToSend, Receipt, Receive, SendMessages};
use crate::services::stack::ApplyTemplate;
use crate::storage::Fold;
use crate::topology::*;
use bytes::Bytes;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

/// A core with a clock that stands still, and everything it has journaled.
pub(crate) struct World {
    pub(crate) core: Core,
    pub(crate) clock: Arc<ManualClock>,
    pub(crate) journal: Vec<Vec<u8>>,
    pub(crate) effects: Vec<Effect>,
    pub(crate) bodies: BTreeMap<u64, Bytes>,
    faults: Arc<dyn Faults>,
    seed: u64,
}

impl World {
    pub(crate) fn new() -> World {
        World::with(Arc::new(NoFaults))
    }

    pub(crate) fn with(faults: Arc<dyn Faults>) -> World {
        let clock = Arc::new(ManualClock::new(Time(1_700_000_000_000)));
        let random = Box::new(SeededRandom::new(1));
        let core = Core::new(State::default(), 0, clock.clone(), random, faults.clone());
        let mut world = World {
            core,
            clock,
            journal: vec![],
            effects: vec![],
            bodies: BTreeMap::new(),
            faults,
            seed: 1,
        };
        world.begin();
        world
    }

    /// Decides and commits.
    pub(crate) fn try_ask<C: Command>(&mut self, command: C) -> Result<C::Reply, Fault> {
        let reply = self.core.submit(&command, Cause::Request(Id(7)), Caller::Operator);
        self.commit();
        reply
    }

    /// As somebody else, for a reason of their own.
    #[track_caller]
    pub(crate) fn ask_as<C: Command>(
        &mut self,
        caller: Caller,
        cause: Cause,
        command: C,
    ) -> C::Reply {
        let reply = self.core.submit(&command, cause, caller);
        self.commit();
        reply.unwrap_or_else(|fault| panic!("{fault}"))
    }

    #[track_caller]
    pub(crate) fn ask<C: Command>(&mut self, command: C) -> C::Reply {
        self.try_ask(command).unwrap_or_else(|fault| panic!("{fault}"))
    }

    pub(crate) fn pass(&mut self, time: Duration) {
        self.clock.advance(time);
        self.core.tick();
        self.commit();
    }

    fn commit(&mut self) {
        let batch = self.core.take_batch();
        self.journal.extend(batch.records);
        self.effects.extend(batch.effects);
        self.bodies.extend(batch.bodies);
    }

    /// The process ends and starts again on its journal.
    pub(crate) fn restart(&mut self) {
        let mut state = State::default();
        for record in &self.journal {
            Fold::apply(&mut state, record).unwrap();
        }
        self.seed += 1;
        self.effects.clear();
        let facts = self.journal.len() as u64;
        let random = Box::new(SeededRandom::new(self.seed));
        let faults = self.faults.clone();
        self.core = Core::new(state, facts, self.clock.clone(), random, faults);
        self.begin();
    }

    fn begin(&mut self) {
        let begun = self.core.begin(&Started { region: Region::default() });
        begun.unwrap_or_else(|fault| panic!("{fault}"));
        self.core.tick();
        self.commit();
    }

    pub(crate) fn state(&self) -> &State {
        self.core.state()
    }

    #[track_caller]
    pub(crate) fn queue(&self, name: &str) -> &crate::services::queue::Queue {
        &self.state().queues[name]
    }

    pub(crate) fn send(&mut self, queue: &str, text: &str) -> u64 {
        let message = MessageToSend { body: Bytes::from(text.to_owned()), ..Default::default() };
        let sent = self.ask(SendMessages { queue: queue.into(), messages: vec![message] });
        sent[0].as_ref().unwrap().seq
    }

    pub(crate) fn receive(&mut self, queue: &str) -> Vec<Handed> {
        self.ask(Receive { queue: queue.into(), max: 10, visibility: None })
    }

    pub(crate) fn delete(&mut self, queue: &str, handed: &[Handed]) {
        let receipts = handed.iter().map(|h| Receipt { seq: h.seq, receipt: h.receipt }).collect();
        self.ask(DeleteMessages { queue: queue.into(), receipts });
    }

    /// The invocations to be run since the last call.
    pub(crate) fn invocations(&mut self) -> Vec<Invoke> {
        let effects = std::mem::take(&mut self.effects);
        effects
            .into_iter()
            .filter_map(|e| match e {
                Effect::Invoke(invoke) => Some(invoke),
                Effect::Answer(..) => None,
            })
            .collect()
    }

    pub(crate) fn finish(&mut self, id: InvocationId, answer: &str) -> bool {
        let finished = Finished::Answered(Bytes::from(answer.to_owned()));
        self.ask(Finish { id, finished, payload: Bytes::new() })
    }

    pub(crate) fn fail(&mut self, id: InvocationId) -> bool {
        let finished = Finished::Failed {
            kind: "Runtime.ExitError".into(),
            message: "exit status 1".into(),
            body: Bytes::from_static(b"{}"),
        };
        self.ask(Finish { id, finished, payload: Bytes::from_static(b"{\"a\":1}") })
    }

    /// The facts from a place in the journal on.
    pub(crate) fn facts(&self, from: usize) -> Vec<Fact> {
        self.journal[from..]
            .iter()
            .map(|record| super::core::decode(record).unwrap().fact)
            .collect()
    }

    /// The text of a body that is still needed.
    #[track_caller]
    pub(crate) fn text(&self, body: Body) -> String {
        assert!(self.state().live_bodies().any(|id| id == body.id), "{body:?} was released");
        String::from_utf8(self.bodies[&body.id].to_vec()).unwrap()
    }

    /// The one invocation that has begun since the last call.
    #[track_caller]
    pub(crate) fn invocation(&mut self) -> Invoke {
        let mut begun = self.invocations();
        assert_eq!(begun.len(), 1, "{begun:?}");
        begun.remove(0)
    }

    /// A stack of queues, functions and so on.
    #[track_caller]
    pub(crate) fn apply(&mut self, specs: Vec<Spec>) -> crate::services::stack::ChangeSet {
        self.ask(ApplyTemplate {
            stack: "shop".into(),
            resources: resources(specs),
            ..Default::default()
        })
    }
}

pub(crate) fn resources(specs: Vec<Spec>) -> Vec<Resource> {
    let place = |line| Place { file: "template.yaml".into(), line, column: 3 };
    let with_place = specs.into_iter().zip(1..);
    with_place.map(|(spec, n)| Resource { id: format!("R{n}"), place: place(n), spec }).collect()
}

pub(crate) fn function(name: &str) -> FunctionSpec {
    FunctionSpec {
        name: name.into(),
        runtime: "provided.al2023".into(),
        handler: "bootstrap".into(),
        code: None,
        binary: Some(name.into()),
        environment: BTreeMap::new(),
        timeout: 3,
        memory: 128,
        reserved_concurrency: None,
        asynchronous: AsyncSpec::default(),
        statements: None,
        architecture: "x86_64".into(),
    }
}

pub(crate) fn queue_mapping(queue: &str, function: &str) -> MappingSpec {
    MappingSpec {
        uuid: format!("{queue}-to-{function}"),
        function: function.into(),
        source: MappingSource::Queue { queue: queue.into(), max_concurrency: Some(2) },
        enabled: true,
        batch_size: 10,
        window: 0,
        report_failures: true,
        filters: vec![],
    }
}

pub(crate) fn with_dead_letters(queue: &str, receives: u32) -> [Spec; 2] {
    let dlq = format!("{queue}-dlq");
    let redrive = Redrive { target: Region::default().queue(&dlq), max_receives: receives };
    let queue = QueueSpec { redrive: Some(redrive), ..QueueSpec::named(queue) };
    [Spec::Queue(QueueSpec::named(dlq)), Spec::Queue(queue)]
}

/// Texts of the messages that an invocation was given.
#[track_caller]
pub(crate) fn given(invoke: &Invoke) -> Vec<Handed> {
    let Payload::Messages { messages, .. } = &invoke.payload else { panic!("{invoke:?}") };
    messages.clone()
}

pub(crate) fn rule(name: &str, pattern: &str, targets: Vec<TargetSpec>) -> RuleSpec {
    RuleSpec {
        name: name.into(),
        bus: "default".into(),
        pattern: pattern.into(),
        enabled: true,
        description: String::new(),
        targets,
    }
}

/// A target that is sent the whole event.
pub(crate) fn target(arn: String) -> TargetSpec {
    TargetSpec {
        id: arn.rsplit(':').next().unwrap_or_default().into(),
        arn,
        input: InputSpec::Event,
        retry: RetryPolicy::default(),
        dead_letter: None,
        role: None,
        message_group: None,
    }
}
