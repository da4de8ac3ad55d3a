//! `AWS::Scheduler::Schedule`, `AWS::Scheduler::ScheduleGroup`, and SAM's ScheduleV2 events.

use super::build::Build;
use super::document::Raw;
use super::names::physical;
use super::node::{Node, Result};
use super::props::Props;
use super::{identity, rule};
use crate::clock::Time;
use crate::timetable::{Expression, zone};
use crate::topology::{QueueSpec, ScheduleGroupSpec, ScheduleSpec, ScheduleTarget, Spec};

/// Parameters of targets that are not run here.
const OTHER_TARGETS: [&str; 3] =
    ["EcsParameters", "KinesisParameters", "SageMakerPipelineParameters"];

pub(crate) fn group(build: &mut Build<'_>, raw: &Raw) -> Result<()> {
    let name = identity::of(build.scope, raw)?.name;
    let mut props = build.props(raw)?;
    let node = props.take("Name");
    check_name(&props, "Name", &name, node)?;
    props.finish(build.scope, &["Tags"]);
    build.push(&raw.id, raw.pos, Spec::ScheduleGroup(ScheduleGroupSpec { name }));
    Ok(())
}

pub(crate) fn read(build: &mut Build<'_>, raw: &Raw) -> Result<()> {
    let name = identity::of(build.scope, raw)?.name;
    let mut props = build.props(raw)?;
    let node = props.take("Name");
    check_name(&props, "Name", &name, node)?;
    let Some(mut given) = props.map("Target")? else { return props.missing("Target") };
    let target = target(build, &mut given)?;
    let pos = given.pos;
    given.finish(build.scope, &[]);
    if props.position("FlexibleTimeWindow") == props.pos {
        return props.missing("FlexibleTimeWindow");
    }
    let spec = spec(build, &mut props, name, target)?;
    props.finish(build.scope, &[]);
    // What is not run is listed, and the rest of the template runs.
    if let Err(why) = spec.target.invokes(&build.scope.options.region) {
        let what = format!("target of schedule {}", spec.name);
        build.scope.remark(pos, &raw.id, what, format!("it never fires: {why}"));
        return Ok(());
    }
    build.push(&raw.id, raw.pos, Spec::Schedule(spec));
    Ok(())
}

/// `ScheduleV2`: a schedule that invokes the function, with a role of its own unless one is named.
pub(crate) fn event(
    build: &mut Build<'_>,
    function: &str,
    id: &str,
    own_queue: Option<String>,
    mut props: Props,
) -> Result<()> {
    let pos = props.pos;
    let (region, stack) = (build.scope.options.region.clone(), build.scope.options.stack.clone());
    let omit = props.flag("OmitName")?.unwrap_or(false);
    let node = props.take("Name");
    let name = match (&node, omit) {
        (Some(node), true) => {
            return props.wrong("Name", node, "with OmitName there is none");
        }
        (Some(node), false) => node.as_str().unwrap_or_default().to_owned(),
        (None, true) => physical(&stack, id, 64),
        (None, false) => id.to_owned(),
    };
    check_name(&props, "Name", &name, node)?;
    let role = match props.text("RoleArn")? {
        Some(role) => role,
        None => {
            let name = physical(&stack, &format!("{id}Role"), 64);
            format!("arn:aws:iam::{}:role/{name}", region.account)
        }
    };
    let mut target = ScheduleTarget {
        arn: region.function(function),
        role,
        input: input(&mut props),
        retry: rule::retry(build, &mut props)?,
        dead_letter: rule::dead_letter(build, &mut props)?,
        event: None,
    };
    if let Some(queue) = own_queue {
        let name = physical(&stack, &queue, 80);
        target.dead_letter = Some(region.queue(&name));
        build.push(queue, pos, Spec::Queue(QueueSpec::named(name)));
    }
    let spec = spec(build, &mut props, name, target)?;
    props.finish(build.scope, &["PermissionsBoundary"]);
    build.push(id, pos, Spec::Schedule(spec));
    Ok(())
}

/// What both kinds have in common, around a target.
fn spec(
    build: &Build<'_>,
    props: &mut Props,
    name: String,
    target: ScheduleTarget,
) -> Result<ScheduleSpec> {
    let group = props.text("GroupName")?.unwrap_or_else(|| "default".into());
    let Some(node) = props.take("ScheduleExpression") else {
        return props.missing("ScheduleExpression");
    };
    let expression = node.as_str().unwrap_or_default().to_owned();
    if let Err(why) = Expression::parse(&expression) {
        return props.wrong("ScheduleExpression", &node, &why);
    }
    let node = props.take("ScheduleExpressionTimezone");
    let timezone = match &node {
        Some(node) => {
            let name = node.as_str().unwrap_or_default();
            if zone(name).is_none() {
                let wanted = "the name of an IANA time zone is wanted, such as Europe/Berlin";
                return props.wrong("ScheduleExpressionTimezone", node, wanted);
            }
            name.to_owned()
        }
        None => "UTC".into(),
    };
    let window_minutes = match props.map("FlexibleTimeWindow")? {
        Some(mut window) => {
            let mode = window.word("Mode", &["OFF", "FLEXIBLE"])?;
            let minutes = window.whole("MaximumWindowInMinutes", 1..=1_440)?;
            match (mode, minutes) {
                (None, _) => return window.missing("Mode"),
                (Some("FLEXIBLE"), None) => return window.missing("MaximumWindowInMinutes"),
                (Some("FLEXIBLE"), minutes) => minutes,
                _ => None,
            }
        }
        None => None,
    };
    let (start, end) = (date(props, "StartDate")?, date(props, "EndDate")?);
    let after = props.word("ActionAfterCompletion", &["NONE", "DELETE"])?;
    if let Some(key) = props.take("KmsKeyArn") {
        let consequence = "nothing is encrypted here";
        build.scope.remark(key.pos, props.owner(), "KmsKeyArn", consequence);
    }
    Ok(ScheduleSpec {
        name,
        group,
        description: props.text("Description")?.unwrap_or_default(),
        expression,
        timezone,
        start,
        end,
        window_minutes,
        enabled: props.word("State", &["ENABLED", "DISABLED"])? != Some("DISABLED"),
        delete_after: after == Some("DELETE"),
        target,
        kms_key: None,
    })
}

/// `Target` of a schedule.
fn target(build: &Build<'_>, props: &mut Props) -> Result<ScheduleTarget> {
    let (arn, role) = (props.required("Arn")?, props.required("RoleArn")?);
    let event = match props.map("EventBridgeParameters")? {
        Some(mut given) => Some((given.required("DetailType")?, given.required("Source")?)),
        None => None,
    };
    // Of a FIFO queue alone, which is listed as such.
    props.take("SqsParameters");
    // Of targets that are listed as not run.
    OTHER_TARGETS.iter().for_each(|name| drop(props.take(name)));
    Ok(ScheduleTarget {
        arn,
        role,
        input: input(props),
        retry: rule::retry(build, props)?,
        dead_letter: rule::dead_letter(build, props)?,
        event,
    })
}

/// `Input`: text, also where it is written as a tree.
fn input(props: &mut Props) -> Option<String> {
    let node = props.take("Input")?;
    Some(node.as_str().map_or_else(|| node.json(), str::to_owned))
}

/// The schedule expression of a rule.
pub(crate) fn expression_of_rule(props: &mut Props, name: &str) -> Result<Option<String>> {
    let Some(node) = props.take(name) else { return Ok(None) };
    let text = node.as_str().unwrap_or_default();
    match Expression::parse_of_rule(text) {
        Ok(_) => Ok(Some(text.to_owned())),
        Err(why) => props.wrong(name, &node, &why),
    }
}

/// A date and time in RFC 3339.
fn date(props: &mut Props, name: &str) -> Result<Option<Time>> {
    let Some(node) = props.take(name) else { return Ok(None) };
    let parsed = node.as_str().and_then(|text| text.parse::<jiff::Timestamp>().ok());
    match parsed {
        Some(at) => Ok(Some(Time(at.as_millisecond()))),
        None => {
            let wanted = "a date and time is wanted, such as 2026-11-21T20:00:00Z";
            props.wrong(name, &node, wanted)
        }
    }
}

fn check_name(props: &Props, property: &str, name: &str, node: Option<Node>) -> Result<()> {
    let fits = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
    if !name.is_empty() && name.len() <= 64 && name.chars().all(fits) {
        return Ok(());
    }
    let node = node.unwrap_or(Node::text(props.pos, name));
    props.wrong(property, &node, "1 to 64 letters, digits and -_. are wanted")
}
