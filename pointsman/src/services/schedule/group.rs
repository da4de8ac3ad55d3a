use super::admin::decided;
use super::check::check_name;
use super::token::Token;
use super::{DEFAULT_GROUP, existing_group};
use crate::engine::{Command, Context, Decision, Draft, Fact, Fault, Kind, Owner, State};
use crate::topology::{ScheduleGroupSpec, Spec};

/// `CreateScheduleGroup`
#[derive(Debug)]
pub struct CreateGroup {
    /// Its name.
    pub name: String,
    /// `ClientToken`
    pub token: Option<String>,
}

impl Command for CreateGroup {
    /// ARN of the group.
    type Reply = String;

    fn decide(&self, state: &State, context: &Context) -> Decision<String> {
        let create = |draft: &mut Draft<'_>| {
            let name = &self.name;
            let arn = state.region.schedule_group(name);
            let token = Token::of(self.token.as_deref(), &format!("create group {name}"));
            if token.is_used(state)? {
                return Ok(arn);
            }
            check_name("name", name)?;
            if state.schedules.groups.contains_key(name.as_str()) {
                let message = format!("Schedule group {name} already exists.");
                return Err(Fault::new("ConflictException", message));
            }
            let spec = Spec::ScheduleGroup(ScheduleGroupSpec { name: name.clone() });
            draft.fact(Fact::ResourceSet { owner: Owner::Api, spec });
            token.note(draft);
            Ok(arn)
        };
        decided(state, context, create)
    }
}

/// `DeleteScheduleGroup`: with all schedules in it, at once.
#[derive(Debug)]
pub struct DeleteGroup {
    /// Its name.
    pub name: String,
    /// `ClientToken`
    pub token: Option<String>,
}

impl Command for DeleteGroup {
    type Reply = ();

    fn decide(&self, state: &State, context: &Context) -> Decision<()> {
        let delete = |draft: &mut Draft<'_>| {
            let token = Token::of(self.token.as_deref(), &format!("delete group {}", self.name));
            if token.is_used(state)? {
                return Ok(());
            }
            if self.name == DEFAULT_GROUP {
                let message = "The default schedule group cannot be deleted.";
                return Err(Fault::new("ValidationException", message));
            }
            existing_group(state, &self.name)?;
            let name = self.name.as_str().into();
            draft.fact(Fact::ResourceGone { kind: Kind::ScheduleGroup, name });
            token.note(draft);
            Ok(())
        };
        decided(state, context, delete)
    }
}
