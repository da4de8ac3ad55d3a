//! Folding facts about invocations and mappings.

use super::context::InvocationId;
use super::fact::{Entry, Fact, Outcome, Why};
use super::state::{State, Timer};
use crate::services::function::{AsyncEvent, AsyncPlace, Invocation};

impl State {
    pub(super) fn apply_invocation(&mut self, entry: &Entry, fact: &Fact) {
        match fact {
            Fact::InvocationStarted { id, request, function, why } => {
                self.next.invocation = self.next.invocation.max(id.0 + 1);
                if let Some(function) = self.functions.get_mut(function) {
                    function.running += 1;
                    function.counts.started += 1;
                }
                match why {
                    Why::Async { event, attempt } => {
                        if let Some(waiting) = self.async_events.get_mut(event) {
                            waiting.attempts = *attempt;
                        }
                        self.place_async(*event, AsyncPlace::Running(*id));
                    }
                    Why::Messages { mapping, .. } | Why::Records { mapping, .. } => {
                        self.change_mapping(mapping, |m| m.begin(*id));
                    }
                    Why::Request => {}
                }
                let mapping = match why {
                    Why::Messages { mapping, .. } | Why::Records { mapping, .. } => {
                        self.mappings.get(mapping)
                    }
                    Why::Async { .. } | Why::Request => None,
                };
                let invocation = Invocation {
                    request: *request,
                    function: function.clone(),
                    why: why.clone(),
                    started: entry.at,
                    reports_failures: mapping.is_some_and(|m| m.spec.report_failures),
                };
                self.invocations.insert(*id, invocation);
            }
            Fact::InvocationEnded { id, outcome } => self.end_invocation(*id, outcome),
            Fact::AsyncAccepted { event, function, body, request } => {
                let waiting = AsyncEvent::new(function.clone(), *body, *request, entry.at);
                self.accept_async(*event, waiting);
            }
            Fact::AsyncRetried { event, due } => {
                self.place_async(*event, AsyncPlace::RetryAt(*due));
            }
            Fact::AsyncDue { event } => self.place_async(*event, AsyncPlace::Waiting),
            Fact::AsyncEnded { event, delivery } => {
                if let Some(delivery) = delivery {
                    self.deliver(entry.at, delivery);
                }
                self.place_async(*event, AsyncPlace::Waiting);
                if let Some(ended) = self.async_events.remove(event) {
                    if let Some(function) = self.functions.get_mut(&ended.function) {
                        function.waiting.remove(event);
                    }
                    self.release_body(ended.body);
                }
            }
            Fact::WindowOpened { mapping, until } => {
                self.change_mapping(mapping, |m| m.wait(*until));
            }
            Fact::MappingDue { mapping } => {
                self.change_mapping(mapping, |m| m.ripen());
            }
            Fact::BatchEnded { mapping, queue, invocation, deleted, kept } => {
                self.delete(queue, deleted);
                for &seq in kept {
                    self.change(queue, seq, |q| q.hold(seq, None, true));
                }
                if !kept.is_empty() {
                    self.troubles.note(*invocation, "its answer named it as failed");
                }
                self.change_mapping(mapping, |m| {
                    m.running.remove(invocation);
                });
            }
            Fact::StreamAdvanced { mapping, cursor } => {
                self.change_mapping(mapping, |m| m.advance(cursor.clone(), entry.at));
            }
            Fact::StreamRetried { mapping, attempts, due, limit } => {
                self.change_mapping(mapping, |m| m.retry(*attempts, *due, *limit));
            }
            Fact::StreamDiscarded { mapping, last, delivery, .. } => {
                if let Some(delivery) = delivery {
                    self.deliver(entry.at, delivery);
                }
                self.change_mapping(mapping, |m| m.advance(last.clone(), entry.at));
            }
            fact => self.apply_schedule(entry.at, fact),
        }
    }

    pub(super) fn accept_async(&mut self, event: u64, waiting: AsyncEvent) {
        self.next.async_event = self.next.async_event.max(event + 1);
        self.hold_body(waiting.body);
        let function = waiting.function.clone();
        if let Some(function) = self.functions.get_mut(&function) {
            function.waiting.insert(event);
        }
        self.touched.functions.insert(function);
        self.async_events.insert(event, waiting);
    }

    fn end_invocation(&mut self, id: InvocationId, outcome: &Outcome) {
        let Some(invocation) = self.invocations.remove(&id) else { return };
        match outcome {
            Outcome::Failed { kind, message } => {
                self.troubles.note(id, &format!("{kind}: {message}"));
            }
            Outcome::TimedOut => self.troubles.note(id, "timed out"),
            Outcome::Answered | Outcome::Interrupted => {}
        }
        if let Some(function) = self.functions.get_mut(&invocation.function) {
            function.running = function.running.saturating_sub(1);
            function.counts.failed += u64::from(*outcome != Outcome::Answered);
        }
        match &invocation.why {
            Why::Async { event, .. } => {
                let running = AsyncPlace::Running(id);
                if let Some(waiting) = self.async_events.get_mut(event)
                    && waiting.place == running
                {
                    // A try that the engine itself cut short is not the function's.
                    waiting.attempts -= u32::from(*outcome == Outcome::Interrupted);
                    self.place_async(*event, AsyncPlace::Waiting);
                }
            }
            Why::Messages { mapping, .. } | Why::Records { mapping, .. } => {
                self.change_mapping(mapping, |m| {
                    m.running.remove(&id);
                });
            }
            Why::Request => {}
        }
        // Whoever shares the function's concurrency may go on.
        let sharing: Vec<_> = self.mappings_of_function(&invocation.function).cloned().collect();
        self.touched.mappings.extend(sharing);
        self.touched.functions.insert(invocation.function);
    }

    fn place_async(&mut self, event: u64, place: AsyncPlace) {
        let Some(waiting) = self.async_events.get_mut(&event) else { return };
        let old = std::mem::replace(&mut waiting.place, place.clone());
        let function = waiting.function.clone();
        if let Some(function) = self.functions.get_mut(&function) {
            match place {
                AsyncPlace::Waiting => function.waiting.insert(event),
                _ => function.waiting.remove(&event),
            };
        }
        self.retime(old.due(), place.due(), || Timer::Async(event));
        self.touched.functions.insert(function);
    }

    fn change_mapping(
        &mut self,
        name: &super::context::Name,
        change: impl FnOnce(&mut crate::services::mapping::Mapping),
    ) {
        let Some(mapping) = self.mappings.get_mut(name) else { return };
        let old = mapping.due();
        change(mapping);
        let new = mapping.due();
        self.retime(old, new, || Timer::Mapping(name.clone()));
        self.touched.mappings.insert(name.clone());
    }
}
