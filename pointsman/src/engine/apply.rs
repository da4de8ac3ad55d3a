//! Folding facts into the state. Nothing here decides.

use super::context::Name;
use super::fact::{Delivered, Delivery, Entry, Fact, Kind, NewMessage, Owner};
use super::state::{Owned, State, Timer};
use crate::clock::Time;
use crate::services::bus::Bus;
use crate::services::function::{AsyncEvent, Function};
use crate::services::mapping::Mapping;
use crate::services::queue::{Message, Position, Queue};
use crate::topology::Spec;

impl State {
    /// Folds one fact in.
    pub fn apply(&mut self, entry: &Entry) {
        let at = entry.at;
        self.last = self.last.max(at);
        match &entry.fact {
            Fact::Started { epoch, region } => {
                self.epoch = *epoch;
                self.region = region.clone();
            }
            Fact::ClockMoved { offset_ms } => self.offset_ms = *offset_ms,
            Fact::ClockJumped { offset_ms, to } => {
                self.offset_ms = *offset_ms;
                self.last = self.last.max(*to);
            }
            Fact::StackApplied { stack, resources } => {
                self.touched.topology = true;
                self.stacks.insert(stack.clone(), resources.clone());
            }
            Fact::ResourceSet { owner, spec } => self.set_resource(at, owner, spec),
            Fact::ResourceGone { kind, name } => self.remove_resource(*kind, name),
            Fact::QueueRetained { queue } => {
                if let Some(queue) = self.queues.get_mut(queue) {
                    queue.retained = true;
                }
            }
            Fact::EventAccepted { bus, body, deliveries, .. } => {
                self.next.body = self.next.body.max(body.id + 1);
                if let Some(bus) = self.buses.get_mut(bus) {
                    bus.counts.accepted += 1;
                    bus.counts.unmatched += u64::from(deliveries.is_empty());
                }
                for delivery in deliveries {
                    self.deliver(at, delivery);
                }
            }
            Fact::EventDropped { .. } => {}
            Fact::MessageSent { queue, message } => self.enter(at, queue, message),
            Fact::Received { queue, messages, receipt, until, batch } => {
                for &seq in messages {
                    self.change(queue, seq, |q| q.hand_out(seq, at, *until, *receipt, *batch));
                }
            }
            Fact::Deleted { queue, messages } | Fact::Filtered { queue, messages, .. } => {
                self.delete(queue, messages);
            }
            Fact::VisibilitySet { queue, message, until } => {
                self.change(queue, *message, |q| q.hold(*message, Some(*until), false));
            }
            Fact::Visible { queue, messages, uncounted } => {
                for &seq in messages {
                    self.change(queue, seq, |q| q.appear(seq, *uncounted));
                }
                self.touch_queue(queue);
            }
            Fact::DeadLettered { from, message, to, seq } => {
                self.move_message(from, *message, to, *seq);
            }
            Fact::Expired { queue, messages } => {
                for &seq in messages {
                    self.drop_message(queue, seq, |counts| counts.dropped += 1);
                }
            }
            Fact::Purged { queue } => {
                let all: Vec<u64> =
                    self.queues.get(queue).map_or(vec![], |q| q.messages().map(|m| m.0).collect());
                for seq in all {
                    self.drop_message(queue, seq, |counts| counts.dropped += 1);
                }
            }
            fact => self.apply_invocation(entry, fact),
        }
    }

    pub(super) fn deliver(&mut self, at: Time, delivery: &Delivery) {
        match &delivery.outcome {
            Delivered::Queued { queue, message }
            | Delivered::DeadLettered { queue, message, .. } => self.enter(at, queue, message),
            Delivered::Invoked { function, event, body, request } => {
                self.accept_async(*event, AsyncEvent::new(function.clone(), *body, *request, at));
            }
            // An event has a fact of its own.
            Delivered::Lost { .. } | Delivered::Put { .. } => {}
        }
    }

    pub(super) fn delete(&mut self, queue: &Name, messages: &[u64]) {
        for &seq in messages {
            self.drop_message(queue, seq, |counts| counts.deleted += 1);
        }
    }

    fn enter(&mut self, at: Time, queue: &Name, message: &NewMessage) {
        self.next.message = self.next.message.max(message.seq + 1);
        self.hold_body(message.body);
        self.change(queue, message.seq, |q| q.enter(message, at));
        self.touch_queue(queue);
    }

    fn move_message(&mut self, from: &Name, seq: u64, to: &Name, new: u64) {
        self.next.message = self.next.message.max(new + 1);
        let Some(mut message) = self.change(from, seq, |q| q.remove(seq)).flatten() else {
            return;
        };
        if let Some(queue) = self.queues.get_mut(from) {
            queue.counts.dead_lettered += 1;
        }
        self.note_drained(from);
        // Behind the dead letters there may be messages that somebody waits for.
        self.touch_queue(from);
        if let Some(batch) = message.last_batch() {
            self.troubles.bury(new, batch);
        }
        message.place = Position::Visible;
        message.dead_letter_source = Some(from.clone());
        self.change(to, new, |q| q.insert(new, message));
        self.touch_queue(to);
    }

    fn drop_message(
        &mut self,
        queue: &Name,
        seq: u64,
        count: impl FnOnce(&mut crate::services::queue::Counts),
    ) {
        let Some(message) = self.change(queue, seq, |q| q.remove(seq)).flatten() else { return };
        if let Some(queue) = self.queues.get_mut(queue) {
            count(&mut queue.counts);
        }
        self.note_drained(queue);
        self.release_body(message.body);
    }

    fn note_drained(&mut self, queue: &Name) {
        if self.queues.get(queue).is_some_and(|q| q.retained && q.is_empty()) {
            self.touched.drained.insert(queue.clone());
        }
    }

    /// Changes a message of a queue, keeping the timers of both in step.
    pub(super) fn change<R>(
        &mut self,
        name: &Name,
        seq: u64,
        change: impl FnOnce(&mut Queue) -> R,
    ) -> Option<R> {
        let queue = self.queues.get_mut(name)?;
        let (due, expiry) = (queue.message(seq).and_then(Message::due), queue.expiry());
        let result = change(queue);
        let (new_due, new_expiry) = (queue.message(seq).and_then(Message::due), queue.expiry());
        if due != new_due {
            self.retime(due, new_due, || Timer::Message(name.clone(), seq));
        }
        if expiry != new_expiry {
            self.retime(expiry, new_expiry, || Timer::Retention(name.clone()));
        }
        Some(result)
    }

    pub(super) fn retime(
        &mut self,
        old: Option<Time>,
        new: Option<Time>,
        timer: impl Fn() -> Timer,
    ) {
        if let Some(old) = old {
            self.timers.remove(&(old, timer()));
        }
        if let Some(new) = new {
            self.timers.insert((new, timer()));
        }
    }

    pub(super) fn touch_queue(&mut self, queue: &Name) {
        // Of a batch of messages the first has touched it; queues are looked at no later than its mappings.
        if self.touched.queues.contains(queue) {
            return;
        }
        let readers: Vec<Name> = self.mappings_of_queue(queue).cloned().collect();
        self.touched.mappings.extend(readers);
        self.touched.queues.insert(queue.clone());
    }

    fn set_resource(&mut self, at: Time, owner: &Owner, spec: &Spec) {
        self.touched.topology = true;
        let owned = || owner.clone();
        match spec {
            Spec::Bus(spec) => {
                let name: Name = spec.name.as_str().into();
                self.buses
                    .entry(name)
                    .and_modify(|bus| bus.set(spec.clone(), owned()))
                    .or_insert_with(|| Bus::new(spec.clone(), owned(), at));
            }
            Spec::Rule(spec) => {
                if let Some(bus) = self.buses.get_mut(spec.bus.as_str()) {
                    bus.put_rule(spec.clone(), owned());
                }
            }
            Spec::Queue(spec) => {
                let name: Name = spec.name.as_str().into();
                let before = self.queues.get(&name).and_then(Queue::expiry);
                let queue = self
                    .queues
                    .entry(name.clone())
                    .or_insert_with(|| Queue::new(spec.clone(), owned(), at));
                queue.spec = spec.clone();
                queue.owner = owned();
                queue.retained = false;
                queue.modified = at;
                let after = queue.expiry();
                self.retime(before, after, || Timer::Retention(name.clone()));
                self.touch_queue(&name);
            }
            Spec::Function(spec) => {
                let name: Name = spec.name.as_str().into();
                match self.functions.get_mut(&name) {
                    Some(function) => function.set(spec.clone(), owned()),
                    None => {
                        let mut function = Function::new(spec.clone(), owned(), at);
                        // It may have been there before: what began or waited then is still its own.
                        let mine = self.invocations.values().filter(|i| i.function == name);
                        function.running = mine.count();
                        let mine = self.async_events.iter().filter(|(_, e)| e.waits_for(&name));
                        function.waiting = mine.map(|(event, _)| *event).collect();
                        self.functions.insert(name.clone(), function);
                    }
                }
                let mappings: Vec<Name> = self.mappings_of_function(&name).cloned().collect();
                self.touched.mappings.extend(mappings);
                self.touched.functions.insert(name);
            }
            Spec::Mapping(spec) => {
                let name: Name = spec.uuid.as_str().into();
                let before = self.mappings.get(&name).and_then(Mapping::due);
                let mapping = self
                    .mappings
                    .entry(name.clone())
                    .and_modify(|m| m.set(spec.clone(), owned(), at))
                    .or_insert_with(|| Mapping::new(spec.clone(), owned(), at));
                let after = mapping.due();
                self.retime(before, after, || Timer::Mapping(name.clone()));
                self.touched.mappings.insert(name);
            }
            Spec::Topic(spec) => keep(&mut self.topics, &spec.name, owned(), spec.clone()),
            Spec::Table(spec) => keep(&mut self.tables, &spec.name, owned(), spec.clone()),
            Spec::HttpApi(spec) => keep(&mut self.apis, &spec.name, owned(), spec.clone()),
            Spec::Policy { on, statements } => {
                let name = policy_name(owner);
                keep(&mut self.policies, &name, owned(), (on.clone(), statements.clone()));
            }
            Spec::Schedule(spec) => self.schedules.set(spec.clone(), owned(), at),
            Spec::ScheduleGroup(spec) => self.schedules.set_group(spec.clone(), owned(), at),
            Spec::RuleSchedule(spec) => self.schedules.set_rule(spec.clone(), owned(), at),
        }
    }

    fn remove_resource(&mut self, kind: Kind, name: &Name) {
        self.touched.topology = true;
        match kind {
            Kind::Bus => {
                self.buses.remove(name);
            }
            Kind::Rule => {
                let Some((bus, rule)) = name.split_once('/') else { return };
                if let Some(bus) = self.buses.get_mut(bus) {
                    bus.delete_rule(rule);
                }
                if bus == "default" {
                    self.remove_rule_schedule(rule);
                }
            }
            Kind::Queue => {
                if let Some(queue) = self.queues.remove(name) {
                    let expiry = queue.expiry();
                    self.retime(expiry, None, || Timer::Retention(name.clone()));
                    for (seq, message) in queue.messages() {
                        self.retime(message.due(), None, || Timer::Message(name.clone(), seq));
                        self.release_body(message.body);
                    }
                }
            }
            Kind::Function => {
                self.functions.remove(name);
            }
            Kind::Mapping => {
                if let Some(mapping) = self.mappings.remove(name) {
                    self.retime(mapping.due(), None, || Timer::Mapping(name.clone()));
                }
            }
            Kind::Topic => {
                self.topics.remove(name);
            }
            Kind::Table => {
                self.tables.remove(name);
            }
            Kind::HttpApi => {
                self.apis.remove(name);
            }
            Kind::Policy => {
                self.policies.remove(name);
            }
            Kind::Schedule => self.remove_schedule(name),
            Kind::ScheduleGroup => self.remove_schedule_group(name),
            Kind::RuleSchedule => self.remove_rule_schedule(name),
        }
    }
}

fn keep<T>(
    map: &mut std::collections::BTreeMap<Name, Owned<T>>,
    name: &str,
    owner: Owner,
    spec: T,
) {
    map.insert(name.into(), Owned { owner, spec });
}

/// Policies have no name of their own: they go by their owner's.
pub(crate) fn policy_name(owner: &Owner) -> String {
    match owner {
        Owner::Stack { stack, id } => format!("{stack}/{id}"),
        Owner::Api => "api".into(),
        Owner::Engine => "engine".into(),
    }
}
