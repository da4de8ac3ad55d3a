use super::put_events::{EventEntry, deliver_all, envelope};
use crate::clock::Time;
use crate::engine::{Cause, Coming, Command, Context, Decision, Draft, Fact, Name, Owner, State};
use crate::services::schedule::{RuleSchedule, due};
use crate::topology::{RuleScheduleSpec, Spec};

/// A rule's schedule came: its targets, and no other rule's, get a Scheduled Event.
#[derive(Debug)]
pub(crate) struct RuleDue(pub(crate) Name);

impl RuleDue {
    /// Why what follows is decided.
    pub(crate) fn cause(&self, state: &State, now: Time) -> Cause {
        let timed = state.schedules.rules.get(&self.0);
        let due = timed.and_then(|timed| Some(due(&timed.times()?, coming(timed)?, now)));
        let arn = state.region.rule("default", &self.0).as_str().into();
        due.map_or(Cause::Timer, |(scheduled, _)| Cause::Schedule { arn, scheduled })
    }
}

impl Command for RuleDue {
    type Reply = ();

    fn decide(&self, state: &State, context: &Context) -> Decision<()> {
        let mut draft = Draft::new(state, context);
        let timed = state.schedules.rules.get(&self.0);
        let Some((timed, expected, times)) =
            timed.and_then(|timed| Some((timed, coming(timed)?, timed.times()?)))
        else {
            return draft.reply(());
        };
        let (scheduled, _) = due(&times, expected, context.now);
        self.put_event(&mut draft, scheduled);
        draft.fact(Fact::RuleTimed {
            rule: self.0.clone(),
            anchor: timed.anchor,
            next: times.next(scheduled),
        });
        draft.reply(())
    }
}

impl RuleDue {
    fn put_event(&self, draft: &mut Draft<'_>, scheduled: Time) {
        let state = draft.state;
        let bus = state.buses.get("default");
        let Some(rule) = bus.and_then(|bus| bus.rules.get(&self.0)) else { return };
        if !rule.spec.enabled || rule.spec.targets.is_empty() {
            return;
        }
        let (source, detail_type) = ("aws.events", "Scheduled Event");
        let resources = vec![state.region.rule("default", &self.0)];
        let entry = EventEntry { resources, time: Some(scheduled), ..EventEntry::default() };
        let id = draft.choices.id();
        let event = envelope(draft, id, &entry, source, detail_type, "{}");
        let body = draft.body(event.clone());
        let deliveries = deliver_all(draft, &self.0, &rule.spec, (body, &event));
        draft.fact(Fact::EventAccepted {
            id,
            bus: "default".into(),
            source: source.into(),
            detail_type: detail_type.into(),
            body,
            deliveries,
        });
    }
}

fn coming(timed: &RuleSchedule) -> Option<Coming> {
    timed.next.map(|next| Coming { scheduled: next, due: next })
}

/// Makes or changes the schedule of a rule. A rate counts from now.
pub(crate) fn put_schedule(draft: &mut Draft<'_>, owner: Owner, spec: RuleScheduleSpec) {
    let (state, now) = (draft.state, draft.context.now);
    let rule: Name = spec.rule.as_str().into();
    draft.fact(Fact::ResourceSet { owner: owner.clone(), spec: Spec::RuleSchedule(spec.clone()) });
    if state.schedules.rules.get(&rule).is_some_and(|before| before.spec == spec) {
        return;
    }
    let timed = RuleSchedule { spec, owner, anchor: now, next: None };
    let next = timed.times().and_then(|times| times.next(now));
    draft.fact(Fact::RuleTimed { rule, anchor: now, next });
}
