//! Event buses as EventBridge has them: pure state and decisions.
//!
//! - [`Bus`], [`Rule`]: the state
//! - [`PutEvents`]: events in, deliveries out
//! - `RuleDue`: the time of a rule with a schedule came
//! - [`CreateBus`], [`DeleteBus`], [`PutRule`], [`DeleteRule`], [`SwitchRule`], [`PutTargets`], [`RemoveTargets`]

mod admin;
mod detail;
mod input;
mod put_events;
mod rules;
mod scheduled;
mod state;

#[cfg(test)]
mod tests;

pub use admin::{CreateBus, DeleteBus};
pub use put_events::{EntryError, EventEntry, PutEvents};
pub use rules::{DeleteRule, PutRule, PutTargets, RemoveTargets, SwitchRule, TargetError};
pub use state::{Bus, Counts, Rule};

pub(crate) use input::check as check_input;
pub(crate) use put_events::accept;
pub(crate) use rules::check_target;
pub(crate) use scheduled::{RuleDue, put_schedule};

use crate::engine::{Fault, State};

/// The bus of this name, or of this ARN's name.
///
/// # Errors
/// `ResourceNotFoundException`
pub fn existing<'a>(state: &'a State, name: &str) -> Result<&'a Bus, Fault> {
    state.buses.get(name).ok_or_else(|| {
        Fault::new("ResourceNotFoundException", format!("Event bus {name} does not exist."))
    })
}

/// The rule of this name on this bus.
///
/// # Errors
/// `ResourceNotFoundException`
pub fn existing_rule<'a>(state: &'a State, bus: &str, rule: &str) -> Result<&'a Rule, Fault> {
    existing(state, bus)?.rules.get(rule).ok_or_else(|| {
        Fault::new(
            "ResourceNotFoundException",
            format!("Rule {rule} does not exist on EventBus {bus}."),
        )
    })
}

/// The name of a bus that a request gives by name, by ARN, or not at all.
pub fn bus_name<'a>(state: &State, given: Option<&'a str>) -> &'a str {
    match given {
        None | Some("") => "default",
        Some(given) => state
            .region
            .local("events", given)
            .and_then(|rest| rest.strip_prefix("event-bus/"))
            .unwrap_or(given),
    }
}
