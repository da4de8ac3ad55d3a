//! What a schedule may be, in the words of the Scheduler API.

use crate::engine::Fault;
use crate::services::constraint::{length, pattern, within};
use crate::timetable::{Expression, zone};
use crate::topology::{Invoked, Region, ScheduleSpec, ScheduleTarget};

/// The largest `Input`, in bytes.
const MAX_INPUT: usize = 262_144;

/// Refuses a schedule that the API would not take, or that is not run here.
///
/// # Errors
/// `ValidationException`
pub(crate) fn check(region: &Region, spec: &ScheduleSpec) -> Result<(), Fault> {
    check_name("name", &spec.name)?;
    check_name("groupName", &spec.group)?;
    length("description", &spec.description, 0, 512)?;
    length("scheduleExpression", &spec.expression, 1, 256)?;
    length("scheduleExpressionTimezone", &spec.timezone, 1, 50)?;
    if Expression::parse(&spec.expression).is_err() {
        return Err(invalid(format!("Invalid Schedule Expression {}.", spec.expression)));
    }
    if zone(&spec.timezone).is_none() {
        return Err(invalid(format!("Invalid Schedule Expression Timezone {}.", spec.timezone)));
    }
    if let Some(minutes) = spec.window_minutes {
        within("flexibleTimeWindow.maximumWindowInMinutes", minutes, 1, 1_440)?;
    }
    if let (Some(start), Some(end)) = (spec.start, spec.end)
        && end <= start
    {
        return Err(invalid("The EndDate you specify must be later than the StartDate."));
    }
    let target = &spec.target;
    length("target.arn", &target.arn, 1, 1_600)?;
    if !is_role(&target.role) {
        return Err(pattern(
            "target.roleArn",
            &target.role,
            r"^arn:aws(-[a-z]+)?:iam::\d{12}:role\/[\w+=,.@\/-]+$",
        ));
    }
    let retry = &target.retry;
    let age = retry.max_age_seconds;
    within("target.retryPolicy.maximumEventAgeInSeconds", age, 60, 86_400)?;
    within("target.retryPolicy.maximumRetryAttempts", retry.max_attempts, 0, 185)?;
    if target.input.as_ref().is_some_and(|input| input.len() > MAX_INPUT) {
        return Err(invalid(format!("Input has at most {MAX_INPUT} bytes.")));
    }
    if let Some(arn) = &target.dead_letter
        && region.local("sqs", arn).is_none_or(|queue| queue.ends_with(".fifo"))
    {
        let what = "is no standard queue of this account and region";
        return Err(invalid(format!("DeadLetterConfig.Arn {arn} {what}.")));
    }
    check_target(region, target).map_err(invalid)
}

/// Refuses what is no name of a schedule or group.
///
/// # Errors
/// `ValidationException`
pub(crate) fn check_name(what: &str, name: &str) -> Result<(), Fault> {
    length(what, name, 1, 64)?;
    let fits = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
    match name.chars().all(fits) {
        true => Ok(()),
        false => Err(pattern(what, name, "^[0-9a-zA-Z-_.]+$")),
    }
}

/// Refuses a target that is not run here, or that lacks what its kind wants.
fn check_target(region: &Region, target: &ScheduleTarget) -> Result<(), String> {
    let invoked = target.invokes(region)?;
    match (&invoked, &target.event) {
        (Invoked::Bus(_), None) => {
            return Err("EventBridgeParameters are wanted for a target that is a bus.".into());
        }
        (Invoked::Bus(_), Some((_, source))) if source.starts_with("aws.") => {
            return Err("EventBridgeParameters.Source must not begin with aws.".into());
        }
        (Invoked::Queue(_) | Invoked::Function, Some(_)) => {
            return Err("EventBridgeParameters are for a target that is a bus alone.".into());
        }
        _ => {}
    }
    let is_json = |text: &String| serde_json::from_str::<serde::de::IgnoredAny>(text).is_ok();
    match (invoked, &target.input) {
        (Invoked::Function | Invoked::Bus(_), Some(input)) if !is_json(input) => {
            Err("Input must be JSON for this kind of target.".into())
        }
        _ => Ok(()),
    }
}

fn is_role(arn: &str) -> bool {
    let parts: Vec<&str> = arn.splitn(6, ':').collect();
    let ["arn", "aws", "iam", "", account, role] = parts[..] else { return false };
    let is_account = account.len() == 12 && account.bytes().all(|byte| byte.is_ascii_digit());
    let fits = |c: char| c.is_alphanumeric() || "_+=,.@/-".contains(c);
    let name = role.strip_prefix("role/").unwrap_or_default();
    is_account && !name.is_empty() && name.chars().all(fits)
}

fn invalid(message: impl Into<String>) -> Fault {
    Fault::new("ValidationException", message)
}
