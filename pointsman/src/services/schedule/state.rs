use crate::clock::Time;
use crate::engine::{Coming, Delivered, Delivery, Id, Name, Owner};
use crate::timetable::{Expression, Times, zone};
use crate::topology::{RuleScheduleSpec, ScheduleGroupSpec, ScheduleSpec, ScheduleTarget};
use jiff::tz::TimeZone;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

/// So many client tokens are remembered, the newest.
const TOKENS: usize = 1_024;

/// All schedules.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Schedules {
    /// Groups by name.
    pub groups: BTreeMap<Name, Group>,
    /// Schedules by `group/name`.
    pub all: BTreeMap<Name, Schedule>,
    /// The schedules of rules, by the rule's name.
    pub rules: BTreeMap<Name, RuleSchedule>,
    /// What could not be invoked and is tried again, by the id of its first execution.
    pub firings: BTreeMap<Id, Firing>,
    tokens: VecDeque<(Arc<str>, u64)>,
}

/// A schedule group.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Group {
    /// What it is.
    pub spec: ScheduleGroupSpec,
    /// Who made it.
    pub owner: Owner,
    /// `CreationDate`
    pub created: Time,
}

/// A schedule.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Schedule {
    /// Its settings.
    pub spec: ScheduleSpec,
    /// Who made it.
    pub owner: Owner,
    /// `CreationDate`
    pub created: Time,
    /// `LastModificationDate`
    pub modified: Time,
    /// From here a rate counts.
    pub anchor: Time,
    /// When it comes next; `None` while it is disabled, and once it is complete.
    pub next: Option<Coming>,
    /// The time for which it fired last.
    pub last: Option<Time>,
    /// What has happened to it.
    pub counts: Counts,
}

/// What has happened to a schedule since it was made.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Counts {
    /// Times that came.
    pub fired: u64,
    /// Of these, those whose target was not invoked in the end.
    pub failed: u64,
}

/// What a schedule could not invoke, and is tried again.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Firing {
    /// The schedule's `group/name`.
    pub schedule: Name,
    /// The time for which it fired.
    pub scheduled: Time,
    /// The target as it was then.
    pub target: ScheduleTarget,
    /// When it was tried first.
    pub first: Time,
    /// How often it was tried.
    pub attempts: u32,
    /// When it is tried again.
    pub due: Time,
}

/// The schedule of a rule.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RuleSchedule {
    /// Rule and expression.
    pub spec: RuleScheduleSpec,
    /// Who made it.
    pub owner: Owner,
    /// From here a rate counts.
    pub anchor: Time,
    /// When it comes next.
    pub next: Option<Time>,
}

impl Schedules {
    pub(crate) fn set(&mut self, spec: ScheduleSpec, owner: Owner, at: Time) {
        let fresh = || Schedule {
            spec: spec.clone(),
            owner: owner.clone(),
            created: at,
            modified: at,
            anchor: at,
            next: None,
            last: None,
            counts: Counts::default(),
        };
        let schedule = self.all.entry(spec.key().as_str().into()).or_insert_with(fresh);
        schedule.spec = spec;
        schedule.owner = owner;
        schedule.modified = at;
    }

    pub(crate) fn set_group(&mut self, spec: ScheduleGroupSpec, owner: Owner, at: Time) {
        let created = self.groups.get(spec.name.as_str()).map_or(at, |group| group.created);
        let name = spec.name.as_str().into();
        self.groups.insert(name, Group { spec, owner, created });
    }

    pub(crate) fn set_rule(&mut self, spec: RuleScheduleSpec, owner: Owner, at: Time) {
        let name: Name = spec.rule.as_str().into();
        let (anchor, next) =
            self.rules.get(&name).map_or((at, None), |timed| (timed.anchor, timed.next));
        self.rules.insert(name, RuleSchedule { spec, owner, anchor, next });
    }

    /// The digest of the request that was carried out with a token.
    pub(crate) fn digest_of(&self, token: &str) -> Option<u64> {
        let used = self.tokens.iter().rev();
        used.into_iter().find(|(used, _)| **used == *token).map(|(_, digest)| *digest)
    }

    pub(crate) fn use_token(&mut self, token: &Arc<str>, digest: u64) {
        self.tokens.push_back((token.clone(), digest));
        if self.tokens.len() > TOKENS {
            self.tokens.pop_front();
        }
    }

    /// Something of this schedule is still tried again.
    pub(crate) fn is_firing(&self, schedule: &str, but: Option<Id>) -> bool {
        let mut firings = self.firings.iter();
        firings.any(|(id, firing)| *firing.schedule == *schedule && Some(*id) != but)
    }
}

impl Schedule {
    pub(crate) fn time(&mut self, anchor: Time, next: Option<Coming>) {
        (self.anchor, self.next) = (anchor, next);
    }

    pub(crate) fn fire(&mut self, scheduled: Time, next: Option<Coming>) {
        self.last = Some(scheduled);
        self.next = next;
        self.counts.fired += 1;
    }

    pub(crate) fn count(&mut self, deliveries: &[Delivery]) {
        let failed = deliveries.iter().any(|delivery| {
            matches!(delivery.outcome, Delivered::Lost { .. } | Delivered::DeadLettered { .. })
        });
        self.counts.failed += u64::from(failed);
    }

    /// Its times. Expression and zone were checked before they became a fact; what a later version no longer reads
    /// never comes.
    pub(crate) fn times(&self) -> Option<Times> {
        times(&self.spec, self.anchor)
    }
}

pub(super) fn times(spec: &ScheduleSpec, anchor: Time) -> Option<Times> {
    Some(Times {
        expression: Expression::parse(&spec.expression).ok()?,
        zone: zone(&spec.timezone)?,
        anchor,
        start: spec.start,
        end: spec.end,
    })
}

impl Firing {
    pub(crate) fn new(name: &Name, of: &Schedule, scheduled: Time, first: Time) -> Firing {
        Firing {
            schedule: name.clone(),
            scheduled,
            target: of.spec.target.clone(),
            first,
            attempts: 1,
            due: first,
        }
    }
}

impl RuleSchedule {
    /// Its times, in UTC.
    pub(crate) fn times(&self) -> Option<Times> {
        Some(Times {
            expression: Expression::parse_of_rule(&self.spec.expression).ok()?,
            zone: TimeZone::UTC,
            anchor: self.anchor,
            start: None,
            end: None,
        })
    }
}
