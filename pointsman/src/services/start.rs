use crate::engine::{Command, Context, Decision, Draft, Fact, Outcome, Owner, State, Why};
use crate::services::schedule::DEFAULT_GROUP;
use crate::topology::{BusSpec, Region, ScheduleGroupSpec, Spec};
use std::time::Duration;

/// A new start of the engine: everything that the epoch before had running is over.
///
/// What the engine's own mappings held is given back at once, and that receive is not counted; what receivers from
/// outside hold stays hidden until its time is up.
#[derive(Debug)]
pub struct Started {
    /// Account and region. A journal keeps those it began with.
    pub region: Region,
}

impl Command for Started {
    /// The epoch.
    type Reply = u64;

    fn decide(&self, state: &State, context: &Context) -> Decision<u64> {
        let mut draft = Draft::new(state, context);
        let epoch = state.epoch + 1;
        let region = if state.epoch == 0 { &self.region } else { &state.region };
        draft.fact(Fact::Started { epoch, region: region.clone() });
        if !state.buses.contains_key("default") {
            let spec = BusSpec { name: "default".into(), description: String::new() };
            draft.fact(Fact::ResourceSet { owner: Owner::Engine, spec: Spec::Bus(spec) });
        }
        if !state.schedules.groups.contains_key(DEFAULT_GROUP) {
            let spec = Spec::ScheduleGroup(ScheduleGroupSpec { name: DEFAULT_GROUP.into() });
            draft.fact(Fact::ResourceSet { owner: Owner::Engine, spec });
        }
        for (id, invocation) in state.pending() {
            if let Why::Messages { queue, messages, .. } = &invocation.why {
                let held = |seq: &u64| {
                    let message = state.queues.get(queue).and_then(|q| q.message(*seq));
                    message.is_some_and(|m| m.is_held_by(id))
                };
                let messages: Vec<u64> = messages.iter().copied().filter(held).collect();
                draft.fact(Fact::Visible { queue: queue.clone(), messages, uncounted: true });
            }
            draft.fact(Fact::InvocationEnded { id, outcome: Outcome::Interrupted });
        }
        draft.reply(epoch)
    }
}

/// Moves engine time on; it never goes back. Timers that come due on the way fire in order, each at its own instant.
#[derive(Debug)]
pub struct MoveClock {
    /// By how many milliseconds.
    pub by_ms: u64,
}

impl Command for MoveClock {
    type Reply = ();

    fn decide(&self, state: &State, context: &Context) -> Decision<()> {
        let mut draft = Draft::new(state, context);
        let by = i64::try_from(self.by_ms).unwrap_or(i64::MAX);
        draft.fact(Fact::ClockMoved { offset_ms: state.offset_ms.saturating_add(by) });
        draft.reply(())
    }
}

/// Moves engine time on in one step: whatever comes due on the way fires at the end of it.
#[derive(Debug)]
pub struct JumpClock {
    /// By how many milliseconds.
    pub by_ms: u64,
}

impl Command for JumpClock {
    type Reply = ();

    fn decide(&self, state: &State, context: &Context) -> Decision<()> {
        let mut draft = Draft::new(state, context);
        let by = i64::try_from(self.by_ms).unwrap_or(i64::MAX);
        draft.fact(Fact::ClockJumped {
            offset_ms: state.offset_ms.saturating_add(by),
            to: context.now + Duration::from_millis(self.by_ms),
        });
        draft.reply(())
    }
}
