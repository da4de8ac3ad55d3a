use super::context::{Choices, Context, Id, InvocationId, Name};
use super::fact::{Body, Fact, NewMessage};
use super::state::State;
use crate::faults::Mishap;
use bytes::Bytes;
use std::fmt;
use std::sync::Arc;

/// Something the engine is asked to do.
///
/// `decide` is deterministic: the same state, command and context give the same decision.
pub trait Command: Send + 'static {
    /// What the asker is told.
    type Reply: Send + 'static;

    /// Works out what follows, changing nothing.
    fn decide(&self, state: &State, context: &Context) -> Decision<Self::Reply>;
}

/// What follows from a command.
#[derive(Debug)]
pub struct Decision<R> {
    /// For the asker; told once the facts are durable.
    pub reply: Result<R, Fault>,
    /// To be journaled and folded, in this order.
    pub facts: Vec<Fact>,
    /// Bytes that facts refer to.
    pub bodies: Vec<(u64, Bytes)>,
    /// To be done once the facts are durable.
    pub effects: Vec<Effect>,
    /// What befell messages, as the context's mishaps had it.
    pub mishaps: Vec<Mishap>,
}

impl<R> Decision<R> {
    /// Nothing happens; the asker is told this.
    pub fn reply(reply: R) -> Self {
        Decision {
            reply: Ok(reply),
            facts: vec![],
            bodies: vec![],
            effects: vec![],
            mishaps: vec![],
        }
    }

    /// Nothing happens; the asker is refused.
    pub fn refuse(fault: Fault) -> Self {
        Decision {
            reply: Err(fault),
            facts: vec![],
            bodies: vec![],
            effects: vec![],
            mishaps: vec![],
        }
    }
}

/// Something outside that follows from facts. Each is also to be seen in the state until it is answered.
#[derive(Clone, Debug)]
pub enum Effect {
    /// Run a function.
    Invoke(Invoke),
    /// Somebody waits for this invocation's end.
    Answer(InvocationId, Answer),
}

/// An invocation to be run.
#[derive(Clone, Debug)]
pub struct Invoke {
    /// Its number.
    pub id: InvocationId,
    /// Its request id.
    pub request: Id,
    /// The function.
    pub function: Name,
    /// What the function gets.
    pub payload: Payload,
    /// The how manieth try of this work it is, from 1: of messages, that of the one received most often.
    pub attempt: u32,
}

/// What a function gets.
#[derive(Clone, Debug)]
pub enum Payload {
    /// These bytes.
    Bytes(Bytes),
    /// A stored body.
    Stored(Body),
    /// Messages of a queue, to be written as an SQS event.
    Messages {
        /// The mapping that took them.
        mapping: Name,
        /// The queue they are from.
        queue: Name,
        /// The messages.
        messages: Vec<Handed>,
    },
}

/// A message as it is handed to a receiver.
#[derive(Clone, Debug)]
pub struct Handed {
    /// Number in the engine.
    pub seq: u64,
    /// `MessageId`
    pub id: Id,
    /// With `seq`, the receipt handle.
    pub receipt: u64,
    /// Its text.
    pub body: Body,
    /// `SentTimestamp`
    pub sent: crate::clock::Time,
    /// `ApproximateFirstReceiveTimestamp`
    pub first_received: crate::clock::Time,
    /// `ApproximateReceiveCount`
    pub receives: u32,
    /// Attributes, trace header, group.
    pub extra: Option<Arc<super::fact::Extra>>,
    /// `DeadLetterQueueSourceArn`, as the queue's name.
    pub dead_letter_source: Option<Name>,
}

/// The end of an invocation, for whoever waits for it.
#[derive(Clone, Debug)]
pub enum Answer {
    /// The function's answer.
    Payload(Bytes),
    /// The function's error: the JSON with errorType and errorMessage that Lambda shows.
    Error(Bytes),
}

/// A refusal, in AWS's terms: the error code of the service's model and a text for people.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    /// For example `ResourceNotFoundException`.
    pub code: &'static str,
    /// One sentence.
    pub message: String,
}

impl Fault {
    /// A refusal.
    pub fn new(code: &'static str, message: impl Into<String>) -> Self {
        Fault { code, message: message.into() }
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.code, self.message)
    }
}

impl std::error::Error for Fault {}

/// A decision in the making: hands out numbers and ids, gathers facts, bodies and effects.
pub(crate) struct Draft<'a> {
    pub(crate) state: &'a State,
    pub(crate) context: &'a Context,
    pub(crate) choices: Choices,
    next: super::state::Counters,
    facts: Vec<Fact>,
    bodies: Vec<(u64, Bytes)>,
    effects: Vec<Effect>,
    mishaps: Vec<Mishap>,
}

impl<'a> Draft<'a> {
    pub(crate) fn new(state: &'a State, context: &'a Context) -> Self {
        Draft {
            state,
            context,
            choices: context.choices(),
            next: state.next,
            facts: vec![],
            bodies: vec![],
            effects: vec![],
            mishaps: vec![],
        }
    }

    pub(crate) fn fact(&mut self, fact: Fact) {
        self.facts.push(fact);
    }

    /// How many facts there are: where [`Draft::fact_at`] puts one before those that follow from it.
    pub(crate) fn place(&self) -> usize {
        self.facts.len()
    }

    /// A fact before others.
    pub(crate) fn fact_at(&mut self, place: usize, fact: Fact) {
        self.facts.insert(place, fact);
    }

    pub(crate) fn effect(&mut self, effect: Effect) {
        self.effects.push(effect);
    }

    /// Stores bytes under the next number.
    pub(crate) fn body(&mut self, bytes: Bytes) -> Body {
        let id = self.next.body;
        self.next.body += 1;
        let size = u32::try_from(bytes.len()).unwrap_or(u32::MAX);
        self.bodies.push((id, bytes));
        Body { id, size }
    }

    /// A message with the next number and a new id.
    pub(crate) fn message(&mut self, body: Body) -> NewMessage {
        NewMessage { seq: self.seq(), id: self.choices.id(), body, delayed: None, extra: None }
    }

    /// What befalls a message on its way into a queue, as the faults on request have it: it comes later, or a copy of
    /// it does, or both. The copy has the next number and the same id.
    pub(crate) fn befall(&mut self, queue: &Name, message: &mut NewMessage) -> Option<NewMessage> {
        let mishaps = self.context.mishaps.as_ref()?;
        let entered = self.state.queues.get(queue).map_or(0, |q| q.counts.entered);
        let here = self.next.message - self.state.next.message;
        let mishap = mishaps.of(queue, entered + here, &self.mishaps)?;
        let what = mishap.what;
        self.mishaps.push(mishap);
        let due = message.delayed.unwrap_or(self.context.now);
        let later = |by: std::time::Duration| (!by.is_zero()).then(|| due + by);
        let copy = what.copy.map(|by| NewMessage {
            seq: self.seq(),
            delayed: later(by).or(message.delayed),
            ..message.clone()
        });
        if let Some(by) = what.delay {
            message.delayed = later(by).or(message.delayed);
        }
        copy
    }

    pub(crate) fn seq(&mut self) -> u64 {
        self.next.message += 1;
        self.next.message - 1
    }

    pub(crate) fn async_event(&mut self) -> u64 {
        self.next.async_event += 1;
        self.next.async_event - 1
    }

    pub(crate) fn invocation(&mut self) -> InvocationId {
        self.next.invocation += 1;
        InvocationId(self.next.invocation - 1)
    }

    pub(crate) fn reply<R>(self, reply: R) -> Decision<R> {
        let Draft { facts, bodies, effects, mishaps, .. } = self;
        Decision { reply: Ok(reply), facts, bodies, effects, mishaps }
    }
}
