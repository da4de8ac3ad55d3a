use super::admin::coming;
use super::invoke::{Shot, invoke};
use crate::clock::Time;
use crate::engine::{
    Cause, Coming, Command, Context, Decision, Draft, Fact, Id, Kind, Name, State, Tried,
};
use crate::timetable::Times;
use std::time::Duration;

/// AWS fires within the minute. What is later than that was missed.
const PRECISION: Duration = Duration::from_secs(60);

/// Which time fires now, and the first of those that passed before it while nobody looked: of all that passed the last
/// one alone still counts.
pub(crate) fn due(times: &Times, coming: Coming, now: Time) -> (Time, Option<Time>) {
    if now - coming.due < PRECISION {
        return (coming.scheduled, None);
    }
    let last = times.last(coming.scheduled, now);
    (last, (last != coming.scheduled).then_some(coming.scheduled))
}

/// A schedule whose time came.
#[derive(Debug)]
pub(crate) struct ScheduleDue(pub(crate) Name);

impl ScheduleDue {
    /// Why what follows is decided.
    pub(crate) fn cause(&self, state: &State, now: Time) -> Cause {
        let schedule = state.schedules.all.get(&self.0);
        let due = schedule.and_then(|s| Some(due(&s.times()?, s.next?, now)));
        let arn = state.region.schedule(&self.0).as_str().into();
        due.map_or(Cause::Timer, |(scheduled, _)| Cause::Schedule { arn, scheduled })
    }
}

impl Command for ScheduleDue {
    type Reply = ();

    fn decide(&self, state: &State, context: &Context) -> Decision<()> {
        let mut draft = Draft::new(state, context);
        let schedule = state.schedules.all.get(&self.0);
        let Some((schedule, expected, times)) =
            schedule.and_then(|s| Some((s, s.next?, s.times()?)))
        else {
            return draft.reply(());
        };
        let (scheduled, missed) = due(&times, expected, context.now);
        let execution = draft.choices.id();
        let next = times.next(scheduled).map(|next| coming(&mut draft, &schedule.spec, next));
        let place = draft.place();
        let shot = Shot {
            schedule: &self.0,
            target: &schedule.spec.target,
            scheduled,
            execution,
            attempt: 1,
            first: context.now,
        };
        let outcome = invoke(&mut draft, &shot);
        let is_settled = matches!(outcome, Tried::Settled { .. });
        draft.fact_at(
            place,
            Fact::ScheduleFired {
                schedule: self.0.clone(),
                execution,
                scheduled,
                missed,
                outcome,
                next,
            },
        );
        let is_complete = next.is_none() && is_settled;
        if is_complete && schedule.spec.delete_after && !state.schedules.is_firing(&self.0, None) {
            draft.fact(Fact::ResourceGone { kind: Kind::Schedule, name: self.0.clone() });
        }
        draft.reply(())
    }
}

/// What a schedule could not invoke, and which is tried again.
#[derive(Debug)]
pub(crate) struct FiringDue(pub(crate) Id);

impl FiringDue {
    /// Why what follows is decided.
    pub(crate) fn cause(&self, state: &State) -> Cause {
        let Some(firing) = state.schedules.firings.get(&self.0) else { return Cause::Timer };
        let arn = state.region.schedule(&firing.schedule).as_str().into();
        Cause::Schedule { arn, scheduled: firing.scheduled }
    }
}

impl Command for FiringDue {
    type Reply = ();

    fn decide(&self, state: &State, context: &Context) -> Decision<()> {
        let mut draft = Draft::new(state, context);
        let Some(firing) = state.schedules.firings.get(&self.0) else { return draft.reply(()) };
        let (execution, attempt) = (draft.choices.id(), firing.attempts + 1);
        let place = draft.place();
        let shot = Shot {
            schedule: &firing.schedule,
            target: &firing.target,
            scheduled: firing.scheduled,
            execution,
            attempt,
            first: firing.first,
        };
        let outcome = invoke(&mut draft, &shot);
        let is_settled = matches!(outcome, Tried::Settled { .. });
        let fact = Fact::FiringTried { firing: self.0, execution, attempt, outcome };
        draft.fact_at(place, fact);
        let schedules = &state.schedules;
        let is_last = is_settled && !schedules.is_firing(&firing.schedule, Some(self.0));
        let of = schedules.all.get(&firing.schedule).filter(|_| is_last);
        if of.is_some_and(|s| s.spec.delete_after && s.spec.enabled && s.next.is_none()) {
            let name = firing.schedule.clone();
            draft.fact(Fact::ResourceGone { kind: Kind::Schedule, name });
        }
        draft.reply(())
    }
}
