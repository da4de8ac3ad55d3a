//! Templates as wishes: what is wanted is compared with what is there and what was wanted last.

mod merge;

use self::merge::merge;
use crate::engine::{
    Command, Context, Decision, Draft, Fact, Fault, Kind, Name, Owner, State, policy_name,
};
use crate::services::bus::{self};
use crate::services::{queue, schedule};
use crate::topology::{Place, Resource, Spec};
use pointsman_router::Pattern;
use serde::Serialize;
use std::collections::BTreeMap;
use std::fmt;

/// Makes a stack's resources what its template says.
///
/// As in CloudFormation, only properties whose template value changed since the last time are set, so that a change
/// made by API stays, and is told as drift. A queue that left the template while it holds messages is retained.
#[derive(Debug, Default)]
pub struct ApplyTemplate {
    /// The stack.
    pub stack: String,
    /// What its template asks for.
    pub resources: Vec<Resource>,
    /// Take over resources that the API or another stack made.
    pub adopt: bool,
    /// Undo drift.
    pub reset: bool,
    /// Delete queues that left the template even if they hold messages.
    pub drop: bool,
}

/// What applying a template changed.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct ChangeSet {
    /// In the order in which they were made.
    pub changes: Vec<Change>,
    /// What of the template does nothing here, with its place.
    pub notes: Vec<String>,
}

/// One change.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Change {
    /// What was done.
    pub action: Action,
    /// What it was done to.
    pub kind: String,
    /// Its name.
    pub name: String,
    /// Names of the properties concerned.
    pub properties: Vec<String>,
}

/// What a change does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub enum Action {
    /// It was not there.
    Create,
    /// Properties changed.
    Update,
    /// It left the template.
    Delete,
    /// It left the template, but holds messages.
    Retain,
    /// Nothing was done: the API changed properties that the template still has as before.
    Drift,
}

impl fmt::Display for Change {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let sign = match self.action {
            Action::Create => '+',
            Action::Update => '~',
            Action::Delete => '-',
            Action::Retain => '!',
            Action::Drift => '≠',
        };
        write!(f, "{sign} {} {}", self.kind, self.name)?;
        match self.action {
            Action::Retain => write!(f, " (kept until its messages are gone)"),
            Action::Drift => write!(f, " (changed by API: {})", self.properties.join(", ")),
            _ if self.properties.is_empty() => Ok(()),
            _ => write!(f, " ({})", self.properties.join(", ")),
        }
    }
}

impl Command for ApplyTemplate {
    type Reply = ChangeSet;

    fn decide(&self, state: &State, context: &Context) -> Decision<ChangeSet> {
        let mut draft = Draft::new(state, context);
        match self.apply(&mut draft) {
            Ok(changes) => draft.reply(changes),
            Err(fault) => Decision::refuse(fault),
        }
    }
}

impl ApplyTemplate {
    fn apply(&self, draft: &mut Draft<'_>) -> Result<ChangeSet, Fault> {
        let state = draft.state;
        let mut set = ChangeSet::default();
        let last = state.stacks.get(self.stack.as_str()).map_or(&[][..], Vec::as_slice);
        let last: BTreeMap<_, _> = last.iter().map(|r| (self.identity(r), r)).collect();
        let mut wanted: Vec<Resource> = self.resources.clone();
        wanted.sort_by_key(|r| rank(&r.spec));
        let mut seen: BTreeMap<(Kind, Name), Place> = BTreeMap::new();
        for resource in &mut wanted {
            let identity = self.identity(resource);
            if let Some(first) = seen.insert(identity.clone(), resource.place.clone()) {
                return Err(refuse(
                    &resource.place,
                    format!(
                        "{} has the name {} already, from {first}.",
                        label(identity.0),
                        identity.1
                    ),
                ));
            }
            check(state, resource, &mut set.notes)?;
            if let Spec::Rule(rule) = &resource.spec {
                let bus = Name::from(rule.bus.as_str());
                if !state.buses.contains_key(&bus) && !seen.contains_key(&(Kind::Bus, bus)) {
                    let message = format!("event bus {} does not exist.", rule.bus);
                    return Err(refuse(&resource.place, message));
                }
            }
            if let Spec::Schedule(schedule) = &resource.spec {
                let group = Name::from(schedule.group.as_str());
                let is_made = seen.contains_key(&(Kind::ScheduleGroup, group.clone()));
                if !is_made && !state.schedules.groups.contains_key(&group) {
                    let message = format!("schedule group {group} does not exist.");
                    return Err(refuse(&resource.place, message));
                }
            }
            self.settle(draft, &mut set, resource, &identity, last.get(&identity).copied())?;
        }
        let mut gone: Vec<_> = last.into_iter().filter(|(id, _)| !seen.contains_key(id)).collect();
        gone.sort_by_key(|(_, r)| std::cmp::Reverse(rank(&r.spec)));
        for ((kind, name), resource) in gone {
            self.keep_others_rules(state, &name, resource)?;
            self.retire(draft, &mut set, kind, name);
        }
        self.drop_retained(draft, &mut set, &seen);
        let applied = Fact::StackApplied { stack: self.stack.as_str().into(), resources: wanted };
        let is_news = match (&applied, state.stacks.get(self.stack.as_str())) {
            (Fact::StackApplied { resources, .. }, Some(before)) => resources != before,
            _ => true,
        };
        if is_news {
            draft.fact(applied);
        }
        Ok(set)
    }

    fn settle(
        &self,
        draft: &mut Draft<'_>,
        set: &mut ChangeSet,
        resource: &Resource,
        identity: &(Kind, Name),
        last: Option<&Resource>,
    ) -> Result<(), Fault> {
        let (kind, name) = identity;
        let owner = self.owner(resource);
        let change = |action, properties| Change {
            action,
            kind: label(*kind).to_owned(),
            name: name.to_string(),
            properties,
        };
        let Some((holder, current)) = current(draft.state, *kind, name) else {
            set.changes.push(change(Action::Create, vec![]));
            set_resource(draft, owner, resource.spec.clone());
            return Ok(());
        };
        let is_ours = matches!(&holder, Owner::Stack { stack, .. } if **stack == self.stack);
        let is_retained =
            *kind == Kind::Queue && draft.state.queues.get(name).is_some_and(|q| q.retained);
        if holder == Owner::Engine {
            return Ok(());
        }
        if !is_ours && !self.adopt {
            let by = match &holder {
                Owner::Stack { stack, .. } => format!("the stack {stack}"),
                _ => "an API call".to_owned(),
            };
            return Err(refuse(
                &resource.place,
                format!("{} {name} was made by {by}: --adopt takes it over.", label(*kind)),
            ));
        }
        let base = last.filter(|_| !self.reset).map(|r| &r.spec);
        let merge = merge(base, &resource.spec, &current);
        if !merge.drift.is_empty() {
            set.changes.push(change(Action::Drift, merge.drift));
        }
        if merge.spec != current || holder != owner || is_retained {
            if !merge.changed.is_empty() {
                set.changes.push(change(Action::Update, merge.changed));
            }
            set_resource(draft, owner, merge.spec);
        }
        Ok(())
    }

    fn retire(&self, draft: &mut Draft<'_>, set: &mut ChangeSet, kind: Kind, name: Name) {
        let Some((Owner::Stack { stack, .. }, _)) = current(draft.state, kind, &name) else {
            return;
        };
        if *stack != *self.stack {
            return;
        }
        let holds = kind == Kind::Queue
            && !self.drop
            && draft.state.queues.get(&name).is_some_and(|q| !q.is_empty());
        let action = if holds { Action::Retain } else { Action::Delete };
        set.changes.push(Change {
            action,
            kind: label(kind).to_owned(),
            name: name.to_string(),
            properties: vec![],
        });
        draft.fact(match action {
            Action::Retain => Fact::QueueRetained { queue: name },
            _ => Fact::ResourceGone { kind, name },
        });
    }

    /// A bus does not go with rules on it that are not of this stack.
    fn keep_others_rules(
        &self,
        state: &State,
        name: &Name,
        resource: &Resource,
    ) -> Result<(), Fault> {
        let (Spec::Bus(_), Some(bus)) = (&resource.spec, state.buses.get(name)) else {
            return Ok(());
        };
        let is_ours = |o: &Owner| matches!(o, Owner::Stack { stack, .. } if **stack == self.stack);
        match bus.rules.iter().find(|(_, rule)| !is_ours(&rule.owner)) {
            Some((rule, _)) if is_ours(&bus.owner) && !self.drop => Err(refuse(
                &resource.place,
                format!(
                    "bus {name} left the template, but rule {rule} on it was made elsewhere: delete that first, or --drop both."
                ),
            )),
            _ => Ok(()),
        }
    }

    /// With `drop` also those go that an earlier template left behind with messages in them.
    fn drop_retained(
        &self,
        draft: &mut Draft<'_>,
        set: &mut ChangeSet,
        wanted: &BTreeMap<(Kind, Name), Place>,
    ) {
        if !self.drop {
            return;
        }
        let state = draft.state;
        for (name, queue) in state.queues.iter().filter(|(_, queue)| queue.retained) {
            let is_ours =
                matches!(&queue.owner, Owner::Stack { stack, .. } if **stack == self.stack);
            if is_ours && !wanted.contains_key(&(Kind::Queue, name.clone())) {
                set.changes.push(Change {
                    action: Action::Delete,
                    kind: label(Kind::Queue).to_owned(),
                    name: name.to_string(),
                    properties: vec![],
                });
                draft.fact(Fact::ResourceGone { kind: Kind::Queue, name: name.clone() });
            }
        }
    }

    fn owner(&self, resource: &Resource) -> Owner {
        Owner::Stack { stack: self.stack.as_str().into(), id: resource.id.as_str().into() }
    }

    fn identity(&self, resource: &Resource) -> (Kind, Name) {
        let of = |kind, name: &str| (kind, Name::from(name));
        match &resource.spec {
            Spec::Bus(s) => of(Kind::Bus, &s.name),
            Spec::Rule(s) => of(Kind::Rule, &format!("{}/{}", s.bus, s.name)),
            Spec::Queue(s) => of(Kind::Queue, &s.name),
            Spec::Topic(s) => of(Kind::Topic, &s.name),
            Spec::Function(s) => of(Kind::Function, &s.name),
            Spec::Mapping(s) => of(Kind::Mapping, &s.uuid),
            Spec::Table(s) => of(Kind::Table, &s.name),
            Spec::HttpApi(s) => of(Kind::HttpApi, &s.name),
            Spec::Policy { .. } => of(Kind::Policy, &policy_name(&self.owner(resource))),
            Spec::Schedule(s) => of(Kind::Schedule, &s.key()),
            Spec::ScheduleGroup(s) => of(Kind::ScheduleGroup, &s.name),
            Spec::RuleSchedule(s) => of(Kind::RuleSchedule, &s.rule),
        }
    }
}

/// Resources are made in this order, so that each finds what it stands on.
fn rank(spec: &Spec) -> u8 {
    match spec {
        Spec::Bus(_) | Spec::ScheduleGroup(_) => 0,
        Spec::Queue(_) | Spec::Topic(_) | Spec::Table(_) => 1,
        Spec::Function(_) => 2,
        Spec::Policy { .. } => 3,
        Spec::Rule(_) | Spec::Mapping(_) | Spec::HttpApi(_) | Spec::Schedule(_) => 4,
        Spec::RuleSchedule(_) => 5,
    }
}

fn label(kind: Kind) -> &'static str {
    match kind {
        Kind::Bus => "bus",
        Kind::Rule => "rule",
        Kind::Queue => "queue",
        Kind::Topic => "topic",
        Kind::Function => "function",
        Kind::Mapping => "mapping",
        Kind::Table => "table",
        Kind::HttpApi => "HTTP API",
        Kind::Policy => "policy",
        Kind::Schedule => "schedule",
        Kind::ScheduleGroup => "schedule group",
        Kind::RuleSchedule => "schedule of rule",
    }
}

/// What has times of its own gets them as well.
fn set_resource(draft: &mut Draft<'_>, owner: Owner, spec: Spec) {
    match spec {
        Spec::Schedule(spec) => schedule::put(draft, owner, spec),
        Spec::RuleSchedule(spec) => bus::put_schedule(draft, owner, spec),
        spec => draft.fact(Fact::ResourceSet { owner, spec }),
    }
}

fn refuse(place: &Place, message: String) -> Fault {
    Fault::new("ValidationError", format!("{place}: {message}"))
}

/// What AWS would refuse is refused; what only this engine cannot deliver is noted and left out.
fn check(state: &State, resource: &mut Resource, notes: &mut Vec<String>) -> Result<(), Fault> {
    let place = resource.place.clone();
    match &mut resource.spec {
        Spec::Queue(spec) => queue::check(spec).map_err(|fault| refuse(&place, fault.message)),
        Spec::Rule(rule) => {
            // A rule without one has a schedule.
            if !rule.pattern.is_empty() {
                Pattern::parse(&rule.pattern).map_err(|error| {
                    refuse(
                        &place,
                        format!("the event pattern of rule {} is not valid: {error}", rule.name),
                    )
                })?;
            }
            rule.targets.retain(|target| match bus::check_target(state, target) {
                Ok(()) => true,
                Err(why) => {
                    notes.push(format!("{place}: rule {}, target {}: {why}", rule.name, target.id));
                    false
                }
            });
            match rule.targets.len() {
                0..=5 => Ok(()),
                n => Err(refuse(
                    &place,
                    format!("rule {} has {n} targets: at most 5 are allowed.", rule.name),
                )),
            }
        }
        Spec::Schedule(spec) => {
            schedule::check(&state.region, spec).map_err(|fault| refuse(&place, fault.message))
        }
        _ => Ok(()),
    }
}

fn current(state: &State, kind: Kind, name: &Name) -> Option<(Owner, Spec)> {
    match kind {
        Kind::Bus => state.buses.get(name).map(|b| (b.owner.clone(), Spec::Bus(b.spec.clone()))),
        Kind::Rule => {
            let (bus, rule) = name.split_once('/')?;
            let rule = state.buses.get(bus)?.rules.get(rule)?;
            Some((rule.owner.clone(), Spec::Rule(rule.spec.clone())))
        }
        Kind::Queue => {
            state.queues.get(name).map(|q| (q.owner.clone(), Spec::Queue(q.spec.clone())))
        }
        Kind::Topic => {
            state.topics.get(name).map(|t| (t.owner.clone(), Spec::Topic(t.spec.clone())))
        }
        Kind::Function => {
            state.functions.get(name).map(|f| (f.owner.clone(), Spec::Function(f.spec.clone())))
        }
        Kind::Mapping => {
            state.mappings.get(name).map(|m| (m.owner.clone(), Spec::Mapping(m.spec.clone())))
        }
        Kind::Table => {
            state.tables.get(name).map(|t| (t.owner.clone(), Spec::Table(t.spec.clone())))
        }
        Kind::HttpApi => {
            state.apis.get(name).map(|a| (a.owner.clone(), Spec::HttpApi(a.spec.clone())))
        }
        Kind::Policy => state.policies.get(name).map(|p| {
            let (on, statements) = p.spec.clone();
            (p.owner.clone(), Spec::Policy { on, statements })
        }),
        Kind::Schedule => {
            let schedule = state.schedules.all.get(name);
            schedule.map(|s| (s.owner.clone(), Spec::Schedule(s.spec.clone())))
        }
        Kind::ScheduleGroup => {
            let group = state.schedules.groups.get(name);
            group.map(|g| (g.owner.clone(), Spec::ScheduleGroup(g.spec.clone())))
        }
        Kind::RuleSchedule => {
            let timed = state.schedules.rules.get(name);
            timed.map(|t| (t.owner.clone(), Spec::RuleSchedule(t.spec.clone())))
        }
    }
}

#[cfg(test)]
mod tests;
