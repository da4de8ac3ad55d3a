use super::existing;
use crate::engine::{Command, Context, Decision, Draft, Fact, Fault, Kind, Owner, State};
use crate::topology::{BusSpec, Spec};

/// `CreateEventBus`
#[derive(Debug)]
pub struct CreateBus(pub BusSpec);

impl Command for CreateBus {
    type Reply = ();

    fn decide(&self, state: &State, context: &Context) -> Decision<()> {
        let name = &self.0.name;
        if state.buses.contains_key(name.as_str()) {
            return Decision::refuse(Fault::new(
                "ResourceAlreadyExistsException",
                format!("Event bus {name} already exists."),
            ));
        }
        let fits = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_');
        if name.is_empty() || name.len() > 256 || !name.chars().all(fits) {
            return Decision::refuse(Fault::new(
                "ValidationException",
                format!(
                    "{name:?} is no name of an event bus: letters, digits and . - _, at most 256."
                ),
            ));
        }
        let mut draft = Draft::new(state, context);
        draft.fact(Fact::ResourceSet { owner: Owner::Api, spec: Spec::Bus(self.0.clone()) });
        draft.reply(())
    }
}

/// `DeleteEventBus`: succeeds where there is none, refuses the default one and one with rules.
#[derive(Debug)]
pub struct DeleteBus(pub String);

impl Command for DeleteBus {
    type Reply = ();

    fn decide(&self, state: &State, context: &Context) -> Decision<()> {
        let refuse = |message: String| Decision::refuse(Fault::new("ValidationException", message));
        if self.0 == "default" {
            return refuse("Cannot delete event bus default.".into());
        }
        let mut draft = Draft::new(state, context);
        if let Ok(bus) = existing(state, &self.0) {
            if !bus.rules.is_empty() {
                return refuse(
                    "Cannot delete event bus because it has rules that must be removed first."
                        .into(),
                );
            }
            draft.fact(Fact::ResourceGone { kind: Kind::Bus, name: self.0.as_str().into() });
        }
        draft.reply(())
    }
}
