//! What the engine does by itself: timers that came due, schedules, batches for mappings, asynchronous invocations.

use super::context::{Caller, Cause, Context, Name};
use super::core::Core;
use super::decision::{Command, Decision, Draft};
use super::fact::Fact;
use super::state::{State, Timer};
use crate::clock::Time;
use crate::services::bus::RuleDue;
use crate::services::function::StartAsync;
use crate::services::mapping::{MappingDue, Poll};
use crate::services::queue::RemoveDrained;
use crate::services::schedule::{FiringDue, ScheduleDue};

/// So many messages at most appear or expire in one fact, so that none is out of proportion.
const AT_ONCE: usize = 1_000;

/// How far a batch may grow by what the engine does by itself.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Size {
    /// As far as it takes.
    Any,
    /// Until it is full.
    Bounded,
}

impl Core {
    /// Does all that has come due, and what follows from it. `false`: there is more, but the batch is full.
    pub(super) fn catch_up(&mut self, now: Time, size: Size) -> bool {
        self.fire_due(now, size) && self.work(now, size)
    }

    /// Fires timers in order of their due times. Where the clock was moved by hand, each has its own due as `now`. What
    /// is late because nobody looked, on a machine that slept or an engine that was down, happens now: a batch begun
    /// at its due would be over before its function had it.
    fn fire_due(&mut self, now: Time, size: Size) -> bool {
        while let Some((due, timer)) = self.state().timers.first().cloned()
            && due <= now
        {
            if self.is_full(size) {
                return false;
            }
            let is_moved = due <= self.moved_to;
            let at = if is_moved { due } else { now }.max(self.state().last);
            let before = self.batch().records.len();
            match timer {
                Timer::Message(queue, _) => self.internal(&Appear { queue, due }, at),
                Timer::Retention(queue) => self.internal(&Expire { queue, due }, at),
                Timer::Mapping(mapping) => self.internal(&MappingDue(mapping), at),
                Timer::Async(event) => self.internal(&AsyncDue(event), at),
                Timer::Schedule(name) => {
                    let due = ScheduleDue(name);
                    self.because(&due, at, due.cause(self.state(), at));
                }
                Timer::Rule(name) => {
                    let due = RuleDue(name);
                    self.because(&due, at, due.cause(self.state(), at));
                }
                Timer::Firing(id) => {
                    let due = FiringDue(id);
                    self.because(&due, at, due.cause(self.state()));
                }
            }
            if self.batch().records.len() == before {
                // A timer of something that is gone: without a fact it would come due for ever.
                self.state_mut().timers.pop_first();
            }
            if is_moved && !self.work(at, size) {
                return false;
            }
        }
        true
    }

    /// Gives mappings and asynchronous invocations what they can take.
    fn work(&mut self, now: Time, size: Size) -> bool {
        while let Some(mapping) = self.state_mut().touched.mappings.pop_first() {
            let cause = Cause::Messages { mapping: mapping.clone() };
            if !self.repeat(&Poll(mapping.clone()), now, cause, size) {
                self.state_mut().touched.mappings.insert(mapping);
                return false;
            }
        }
        while let Some(function) = self.state_mut().touched.functions.pop_first() {
            if !self.repeat(&StartAsync(function.clone()), now, Cause::Timer, size) {
                self.state_mut().touched.functions.insert(function);
                return false;
            }
        }
        while let Some(queue) = self.state_mut().touched.drained.pop_first() {
            self.internal(&RemoveDrained(queue), now);
        }
        true
    }

    fn is_full(&self, size: Size) -> bool {
        size == Size::Bounded && self.batch().is_full()
    }

    /// Decides a command again until it has nothing more to say; `false` when the batch was full before.
    fn repeat<C: Command<Reply = ()>>(
        &mut self,
        command: &C,
        now: Time,
        cause: Cause,
        size: Size,
    ) -> bool {
        while !self.is_full(size) {
            let before = self.batch().records.len();
            // Internal commands refuse nothing.
            let _ = self.decide(command, now, cause.clone(), Caller::Engine);
            if self.batch().records.len() == before {
                return true;
            }
        }
        false
    }

    fn internal<C: Command<Reply = ()>>(&mut self, command: &C, now: Time) {
        self.because(command, now, Cause::Timer);
    }

    fn because<C: Command<Reply = ()>>(&mut self, command: &C, now: Time, cause: Cause) {
        // Internal commands refuse nothing.
        let _ = self.decide(command, now, cause, Caller::Engine);
    }
}

/// Messages of a queue whose delay or visibility timeout ends at `due`.
struct Appear {
    queue: Name,
    due: Time,
}

impl Command for Appear {
    type Reply = ();

    fn decide(&self, state: &State, context: &Context) -> Decision<()> {
        let mut draft = Draft::new(state, context);
        let same = state.timers.iter().take(AT_ONCE).map_while(|(due, timer)| match timer {
            Timer::Message(queue, seq) if *due == self.due && *queue == self.queue => Some(*seq),
            _ => None,
        });
        let messages: Vec<u64> = same.collect();
        if !messages.is_empty() && state.queues.contains_key(&self.queue) {
            let queue = self.queue.clone();
            draft.fact(Fact::Visible { queue, messages, uncounted: false });
        }
        draft.reply(())
    }
}

/// Messages of a queue that are older than it keeps them.
struct Expire {
    queue: Name,
    due: Time,
}

impl Command for Expire {
    type Reply = ();

    fn decide(&self, state: &State, context: &Context) -> Decision<()> {
        let mut draft = Draft::new(state, context);
        if let Some(queue) = state.queues.get(&self.queue) {
            let born = Time(self.due.0 - i64::from(queue.spec.retention) * 1000);
            let messages: Vec<u64> = queue.older_than(born).take(AT_ONCE).collect();
            if !messages.is_empty() {
                draft.fact(Fact::Expired { queue: self.queue.clone(), messages });
            }
        }
        draft.reply(())
    }
}

/// An asynchronous invocation whose pause is over.
struct AsyncDue(u64);

impl Command for AsyncDue {
    type Reply = ();

    fn decide(&self, state: &State, context: &Context) -> Decision<()> {
        let mut draft = Draft::new(state, context);
        if state.async_events.contains_key(&self.0) {
            draft.fact(Fact::AsyncDue { event: self.0 });
        }
        draft.reply(())
    }
}
