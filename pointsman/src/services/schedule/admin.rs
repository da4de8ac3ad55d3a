use super::check::check;
use super::state::{Schedule, times};
use super::token::Token;
use super::{existing, existing_group};
use crate::clock::Time;
use crate::engine::{
    Coming, Command, Context, Decision, Draft, Fact, Fault, Kind, Name, Owner, State,
};
use crate::timetable::Expression;
use crate::topology::{ScheduleSpec, Spec};

/// So far a new start may lie in the past.
const EARLY_MS: i64 = 300_000;

/// `CreateSchedule`
#[derive(Debug)]
pub struct CreateSchedule {
    /// What it is to be.
    pub spec: ScheduleSpec,
    /// `ClientToken`
    pub token: Option<String>,
}

impl Command for CreateSchedule {
    /// ARN of the schedule.
    type Reply = String;

    fn decide(&self, state: &State, context: &Context) -> Decision<String> {
        let create = |draft: &mut Draft<'_>| {
            let (spec, key) = (&self.spec, self.spec.key());
            let arn = state.region.schedule(&key);
            let token = Token::of(self.token.as_deref(), &format!("create {spec:?}"));
            if token.is_used(state)? {
                return Ok(arn);
            }
            checked(state, spec, context.now)?;
            if state.schedules.all.contains_key(key.as_str()) {
                let message = format!("Schedule {} already exists.", spec.name);
                return Err(Fault::new("ConflictException", message));
            }
            put(draft, Owner::Api, spec.clone());
            token.note(draft);
            Ok(arn)
        };
        decided(state, context, create)
    }
}

/// `UpdateSchedule`: sets everything; what the request leaves out has its default again.
#[derive(Debug)]
pub struct UpdateSchedule {
    /// What it is to be.
    pub spec: ScheduleSpec,
    /// `ClientToken`
    pub token: Option<String>,
}

impl Command for UpdateSchedule {
    /// ARN of the schedule.
    type Reply = String;

    fn decide(&self, state: &State, context: &Context) -> Decision<String> {
        let update = |draft: &mut Draft<'_>| {
            let spec = &self.spec;
            let arn = state.region.schedule(&spec.key());
            let token = Token::of(self.token.as_deref(), &format!("update {spec:?}"));
            if token.is_used(state)? {
                return Ok(arn);
            }
            let before = existing(state, &spec.group, &spec.name)?;
            let earliest =
                if before.spec.start == spec.start { Time(i64::MIN) } else { context.now };
            checked(state, spec, earliest)?;
            put(draft, before.owner.clone(), spec.clone());
            token.note(draft);
            Ok(arn)
        };
        decided(state, context, update)
    }
}

/// `DeleteSchedule`. What it has begun to try again goes on.
#[derive(Debug)]
pub struct DeleteSchedule {
    /// Its group.
    pub group: String,
    /// Its name.
    pub name: String,
    /// `ClientToken`
    pub token: Option<String>,
}

impl Command for DeleteSchedule {
    type Reply = ();

    fn decide(&self, state: &State, context: &Context) -> Decision<()> {
        let delete = |draft: &mut Draft<'_>| {
            let key = format!("{}/{}", self.group, self.name);
            let token = Token::of(self.token.as_deref(), &format!("delete {key}"));
            if token.is_used(state)? {
                return Ok(());
            }
            existing(state, &self.group, &self.name)?;
            draft.fact(Fact::ResourceGone { kind: Kind::Schedule, name: key.as_str().into() });
            token.note(draft);
            Ok(())
        };
        decided(state, context, delete)
    }
}

/// Makes or changes a schedule that was checked. Its times are worked out anew if what they depend on has changed.
pub(crate) fn put(draft: &mut Draft<'_>, owner: Owner, spec: ScheduleSpec) {
    let (state, now) = (draft.state, draft.context.now);
    let name: Name = spec.key().as_str().into();
    draft.fact(Fact::ResourceSet { owner, spec: Spec::Schedule(spec.clone()) });
    let before = state.schedules.all.get(&name);
    if before.is_some_and(|before| comes_alike(&before.spec, &spec)) {
        return;
    }
    let anchor = match before {
        Some(before) if counts_alike(before, &spec) => before.anchor,
        _ => spec.start.unwrap_or(now),
    };
    // What comes this very moment is not too late, unless it has been.
    let just_before = Time(now.0.saturating_sub(1));
    let after = before.and_then(|before| before.last).map_or(just_before, |l| l.max(just_before));
    let times = times(&spec, anchor).filter(|_| spec.enabled);
    let next = times.and_then(|times| times.next(after));
    let next = next.map(|scheduled| coming(draft, &spec, scheduled));
    draft.fact(Fact::ScheduleTimed { schedule: name, anchor, next });
}

/// When a time comes within the schedule's flexible window.
pub(super) fn coming(draft: &mut Draft<'_>, spec: &ScheduleSpec, scheduled: Time) -> Coming {
    let window = u64::from(spec.window_minutes.unwrap_or(0)) * 60_000;
    let later = draft.choices.below(window + 1);
    Coming { scheduled, due: Time(scheduled.0.saturating_add_unsigned(later)) }
}

fn comes_alike(before: &ScheduleSpec, after: &ScheduleSpec) -> bool {
    let times = |s: &ScheduleSpec| {
        let rest = (s.start, s.end, s.window_minutes, s.enabled);
        (s.expression.clone(), s.timezone.clone(), rest)
    };
    times(before) == times(after)
}

fn counts_alike(before: &Schedule, after: &ScheduleSpec) -> bool {
    before.spec.expression == after.expression && before.spec.start == after.start
}

fn checked(state: &State, spec: &ScheduleSpec, now: Time) -> Result<(), Fault> {
    check(&state.region, spec)?;
    existing_group(state, &spec.group)?;
    let is_once = Expression::parse(&spec.expression).is_ok_and(|e| e.is_once());
    if !is_once && spec.start.is_some_and(|start| start.0 < now.0.saturating_sub(EARLY_MS)) {
        return Err(Fault::new(
            "ValidationException",
            "The StartDate you specify cannot be earlier than 5 minutes ago.",
        ));
    }
    Ok(())
}

/// A decision that is refused as a whole or not at all.
pub(super) fn decided<R>(
    state: &State,
    context: &Context,
    decide: impl FnOnce(&mut Draft<'_>) -> Result<R, Fault>,
) -> Decision<R> {
    let mut draft = Draft::new(state, context);
    match decide(&mut draft) {
        Ok(reply) => draft.reply(reply),
        Err(fault) => Decision::refuse(fault),
    }
}
