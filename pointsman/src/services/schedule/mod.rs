//! Schedules as EventBridge Scheduler has them: pure state and decisions.
//!
//! - [`Schedules`]: the state; [`Schedule`], [`Group`], what is tried again ([`Firing`]), and the schedules of rules
//! - [`CreateSchedule`], [`UpdateSchedule`], [`DeleteSchedule`], [`CreateGroup`], [`DeleteGroup`]
//! - `ScheduleDue`, `FiringDue`: a schedule's time came; what it could not invoke is tried again
//! - `check`: what a schedule may be; `invoke`: a try of its target. When it comes is the `timetable`'s

mod admin;
mod check;
mod fire;
mod group;
mod invoke;
mod state;
mod token;

#[cfg(test)]
mod tests;

pub use admin::{CreateSchedule, DeleteSchedule, UpdateSchedule};
pub use group::{CreateGroup, DeleteGroup};
pub use state::{Counts, Firing, Group, RuleSchedule, Schedule, Schedules};

pub(crate) use admin::put;
pub(crate) use check::check;
pub(crate) use fire::{FiringDue, ScheduleDue, due};

use crate::engine::{Fault, State};

/// The group that is always there, and that a schedule is in if it names none.
pub const DEFAULT_GROUP: &str = "default";

/// The schedule of this group and name.
///
/// # Errors
/// `ResourceNotFoundException`
pub fn existing<'a>(state: &'a State, group: &str, name: &str) -> Result<&'a Schedule, Fault> {
    existing_group(state, group)?;
    let key = format!("{group}/{name}");
    state.schedules.all.get(key.as_str()).ok_or_else(|| {
        Fault::new("ResourceNotFoundException", format!("Schedule {name} does not exist."))
    })
}

/// The group of this name.
///
/// # Errors
/// `ResourceNotFoundException`
pub fn existing_group<'a>(state: &'a State, name: &str) -> Result<&'a Group, Fault> {
    state.schedules.groups.get(name).ok_or_else(|| {
        Fault::new("ResourceNotFoundException", format!("Schedule group {name} does not exist."))
    })
}
