use super::{check_input, existing, existing_rule, put_schedule};
use crate::engine::{Command, Context, Decision, Draft, Fact, Fault, Kind, Owner, State};
use crate::services::deliver::function_name;
use crate::timetable::Expression;
use crate::topology::{RuleScheduleSpec, RuleSpec, Spec, TargetSpec};
use pointsman_router::Pattern;

/// `PutRule`: makes a rule, or changes pattern, state and description of one, leaving its targets. Beside the rule its
/// `ScheduleExpression`; without one, a schedule that it had is gone.
#[derive(Debug)]
pub struct PutRule(pub RuleSpec, pub Option<String>);

impl Command for PutRule {
    /// ARN of the rule.
    type Reply = String;

    fn decide(&self, state: &State, context: &Context) -> Decision<String> {
        let bus = match existing(state, &self.0.bus) {
            Ok(bus) => bus,
            Err(fault) => return Decision::refuse(fault),
        };
        if let Some(fault) = self.1.as_deref().and_then(|text| schedule_fault(&self.0.bus, text)) {
            return Decision::refuse(fault);
        }
        let has_pattern = !self.0.pattern.is_empty() || self.1.is_none();
        if let Some(error) = Pattern::parse(&self.0.pattern).err().filter(|_| has_pattern) {
            return Decision::refuse(Fault::new(
                "InvalidEventPatternException",
                format!("Event pattern is not valid. Reason: {error}"),
            ));
        }
        let mut spec = self.0.clone();
        let mut owner = Owner::Api;
        if let Some(rule) = bus.rules.get(spec.name.as_str()) {
            spec.targets = rule.spec.targets.clone();
            owner = rule.owner.clone();
        }
        let arn = state.region.rule(&spec.bus, &spec.name);
        let mut draft = Draft::new(state, context);
        let rule = spec.name.clone();
        draft.fact(Fact::ResourceSet { owner: owner.clone(), spec: Spec::Rule(spec) });
        match &self.1 {
            Some(expression) => {
                let spec = RuleScheduleSpec { rule, expression: expression.clone() };
                put_schedule(&mut draft, owner, spec);
            }
            None if self.0.bus == "default"
                && state.schedules.rules.contains_key(rule.as_str()) =>
            {
                let name = rule.as_str().into();
                draft.fact(Fact::ResourceGone { kind: Kind::RuleSchedule, name });
            }
            None => {}
        }
        draft.reply(arn)
    }
}

/// Why a rule of this bus may not have this schedule.
fn schedule_fault(bus: &str, expression: &str) -> Option<Fault> {
    let message = match Expression::parse_of_rule(expression) {
        _ if bus != "default" => "ScheduleExpression is supported only on the default event bus.",
        Err(_) => "Parameter ScheduleExpression is not valid.",
        Ok(_) => return None,
    };
    Some(Fault::new("ValidationException", message))
}

/// `DeleteRule`: succeeds where there is none, refuses one with targets.
#[derive(Debug)]
pub struct DeleteRule {
    /// The bus.
    pub bus: String,
    /// The rule.
    pub rule: String,
}

impl Command for DeleteRule {
    type Reply = ();

    fn decide(&self, state: &State, context: &Context) -> Decision<()> {
        if let Err(fault) = existing(state, &self.bus) {
            return Decision::refuse(fault);
        }
        let mut draft = Draft::new(state, context);
        if let Ok(rule) = existing_rule(state, &self.bus, &self.rule) {
            if !rule.spec.targets.is_empty() {
                return Decision::refuse(Fault::new(
                    "ValidationException",
                    "Rule can't be deleted since it has targets.",
                ));
            }
            let name = format!("{}/{}", self.bus, self.rule).as_str().into();
            draft.fact(Fact::ResourceGone { kind: Kind::Rule, name });
        }
        draft.reply(())
    }
}

/// `EnableRule` and `DisableRule`
#[derive(Debug)]
pub struct SwitchRule {
    /// The bus.
    pub bus: String,
    /// The rule.
    pub rule: String,
    /// Which of the two.
    pub enabled: bool,
}

impl Command for SwitchRule {
    type Reply = ();

    fn decide(&self, state: &State, context: &Context) -> Decision<()> {
        change(state, context, &self.bus, &self.rule, |spec| spec.enabled = self.enabled)
    }
}

/// `PutTargets`: each target succeeds or fails for itself.
#[derive(Debug)]
pub struct PutTargets {
    /// The bus.
    pub bus: String,
    /// The rule.
    pub rule: String,
    /// Targets; one with the id of an existing one takes its place.
    pub targets: Vec<TargetSpec>,
}

/// Why a target was not put.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TargetError {
    /// `TargetId`
    pub id: String,
    /// `ErrorCode`
    pub code: &'static str,
    /// `ErrorMessage`
    pub message: String,
}

impl Command for PutTargets {
    type Reply = Vec<TargetError>;

    fn decide(&self, state: &State, context: &Context) -> Decision<Self::Reply> {
        let rule = match existing_rule(state, &self.bus, &self.rule) {
            Ok(rule) => rule,
            Err(fault) => return Decision::refuse(fault),
        };
        let mut spec = rule.spec.clone();
        let mut errors = vec![];
        for target in &self.targets {
            match check_target(state, target) {
                Ok(()) => {
                    spec.targets.retain(|t| t.id != target.id);
                    spec.targets.push(target.clone());
                }
                Err(message) => errors.push(TargetError {
                    id: target.id.clone(),
                    code: "ValidationException",
                    message,
                }),
            }
        }
        if spec.targets.len() > 5 {
            return Decision::refuse(Fault::new(
                "LimitExceededException",
                "The requested resource exceeds the maximum number allowed.",
            ));
        }
        let mut draft = Draft::new(state, context);
        if spec != rule.spec {
            draft.fact(Fact::ResourceSet { owner: rule.owner.clone(), spec: Spec::Rule(spec) });
        }
        draft.reply(errors)
    }
}

/// `RemoveTargets`: succeeds for ids that the rule does not have.
#[derive(Debug)]
pub struct RemoveTargets {
    /// The bus.
    pub bus: String,
    /// The rule.
    pub rule: String,
    /// Ids.
    pub ids: Vec<String>,
}

impl Command for RemoveTargets {
    type Reply = ();

    fn decide(&self, state: &State, context: &Context) -> Decision<()> {
        change(state, context, &self.bus, &self.rule, |spec| {
            spec.targets.retain(|t| !self.ids.contains(&t.id));
        })
    }
}

/// Whether a target is one that this engine can deliver to; it need not exist.
pub(crate) fn check_target(state: &State, target: &TargetSpec) -> Result<(), String> {
    let region = &state.region;
    let is_queue = region.local("sqs", &target.arn);
    let is_function =
        region.local("lambda", &target.arn).filter(|rest| !function_name(rest).is_empty());
    if is_queue.is_some_and(|queue| queue.ends_with(".fifo")) {
        return Err(format!("{} is a FIFO queue: these are not supported yet.", target.arn));
    }
    if is_queue.is_none() && is_function.is_none() {
        return Err(format!(
            "{} cannot be a target here: it is neither a queue nor a function in {} of account {}.",
            target.arn, region.name, region.account
        ));
    }
    if let Some(queue) = &target.dead_letter
        && region.local("sqs", queue).is_none_or(|name| name.ends_with(".fifo"))
    {
        return Err(format!(
            "The dead-letter queue {queue} of target {} is no standard queue in {} of account {}.",
            target.id, region.name, region.account
        ));
    }
    check_input(&target.id, &target.input)
}

fn change(
    state: &State,
    context: &Context,
    bus: &str,
    rule: &str,
    change: impl FnOnce(&mut RuleSpec),
) -> Decision<()> {
    let rule = match existing_rule(state, bus, rule) {
        Ok(rule) => rule,
        Err(fault) => return Decision::refuse(fault),
    };
    let mut spec = rule.spec.clone();
    change(&mut spec);
    let mut draft = Draft::new(state, context);
    if spec != rule.spec {
        draft.fact(Fact::ResourceSet { owner: rule.owner.clone(), spec: Spec::Rule(spec) });
    }
    draft.reply(())
}
