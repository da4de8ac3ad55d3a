//! Folding facts about schedules.

use super::context::{Id, Name};
use super::fact::{Fact, Tried};
use super::state::{State, Timer};
use crate::clock::Time;
use crate::services::schedule::{Firing, Schedule};

impl State {
    pub(super) fn apply_schedule(&mut self, at: Time, fact: &Fact) {
        match fact {
            Fact::ScheduleTimed { schedule, anchor, next } => {
                self.change_schedule(schedule, |s| s.time(*anchor, *next));
            }
            Fact::ScheduleFired { schedule, execution, scheduled, outcome, next, .. } => {
                let Some(fired) = self.schedules.all.get(schedule) else { return };
                if let Tried::Failed { due, .. } = outcome {
                    let firing = Firing::new(schedule, fired, *scheduled, at);
                    self.schedules.firings.insert(*execution, Firing { due: *due, ..firing });
                    self.retime(None, Some(*due), || Timer::Firing(*execution));
                }
                self.change_schedule(schedule, |s| s.fire(*scheduled, *next));
                self.settle_firing(at, schedule, outcome);
            }
            Fact::FiringTried { firing, attempt, outcome, .. } => {
                self.try_firing(at, *firing, *attempt, outcome);
            }
            Fact::RuleTimed { rule, anchor, next } => {
                let Some(timed) = self.schedules.rules.get_mut(rule) else { return };
                let old = timed.next;
                (timed.anchor, timed.next) = (*anchor, *next);
                self.retime(old, *next, || Timer::Rule(rule.clone()));
            }
            Fact::TokenUsed { token, digest } => self.schedules.use_token(token, *digest),
            _ => {}
        }
    }

    fn try_firing(&mut self, at: Time, id: Id, attempt: u32, outcome: &Tried) {
        let Some(firing) = self.schedules.firings.get_mut(&id) else { return };
        let (old, schedule) = (firing.due, firing.schedule.clone());
        firing.attempts = attempt;
        let next = match outcome {
            Tried::Failed { due, .. } => {
                firing.due = *due;
                Some(*due)
            }
            Tried::Settled { .. } => {
                self.schedules.firings.remove(&id);
                None
            }
        };
        self.retime(Some(old), next, || Timer::Firing(id));
        self.settle_firing(at, &schedule, outcome);
    }

    fn settle_firing(&mut self, at: Time, schedule: &Name, outcome: &Tried) {
        let Tried::Settled { deliveries } = outcome else { return };
        for delivery in deliveries {
            self.deliver(at, delivery);
        }
        if let Some(schedule) = self.schedules.all.get_mut(schedule) {
            schedule.count(deliveries);
        }
    }

    pub(super) fn remove_schedule(&mut self, name: &Name) {
        self.change_schedule(name, |s| s.time(s.anchor, None));
        self.schedules.all.remove(name);
    }

    /// With all that is in it.
    pub(super) fn remove_schedule_group(&mut self, name: &Name) {
        let of_group = |schedule: &&Schedule| *schedule.spec.group == **name;
        let all = self.schedules.all.values().filter(of_group);
        let all: Vec<Name> = all.map(|schedule| schedule.spec.key().as_str().into()).collect();
        for schedule in &all {
            self.remove_schedule(schedule);
        }
        self.schedules.groups.remove(name);
    }

    pub(super) fn remove_rule_schedule(&mut self, name: &str) {
        if let Some((name, timed)) = self.schedules.rules.remove_entry(name) {
            self.retime(timed.next, None, || Timer::Rule(name.clone()));
        }
    }

    fn change_schedule(&mut self, name: &Name, change: impl FnOnce(&mut Schedule)) {
        let Some(schedule) = self.schedules.all.get_mut(name) else { return };
        let old = schedule.next.map(|next| next.due);
        change(schedule);
        let new = schedule.next.map(|next| next.due);
        self.retime(old, new, || Timer::Schedule(name.clone()));
    }
}
