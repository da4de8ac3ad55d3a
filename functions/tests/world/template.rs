//! What the template says of the ways between the functions, read from its text.

use std::{collections::HashMap, sync::LazyLock};

const TEMPLATE: &str = include_str!("../../../infra/template.yaml");

/// By their name, the lines of each resource; looked up in every world.
static RESOURCES: LazyLock<HashMap<&str, &str>> = LazyLock::new(|| {
    let (_, resources) = TEMPLATE.split_once("\nResources:\n").expect("its resources");
    let resource = |block: &'static str| {
        let first = block.lines().find(|line| !line.trim_start().starts_with('#'))?;
        let id = first.strip_prefix("  ")?.strip_suffix(':')?;
        Some((id, block))
    };
    resources.split("\n\n").filter_map(resource).collect()
});

/// The name of the queue that a command goes to.
pub(crate) fn queue_of(command: &str) -> &'static str {
    let queue = behind(TEMPLATE, &format!(" COMMAND_QUEUE_URL_{command}: !Ref "));
    behind(resource(queue), "QueueName: !Sub ${NamePrefix}")
}

/// Whether a rule takes events of this type.
pub(crate) fn takes(rule: &str, event: &str) -> bool {
    let pattern = resource(rule).split_once("detail-type:").expect("the types that it takes").1;
    let types = pattern.split_once("replay-name:").expect("what it says of replays").0;
    types.split(|c: char| !c.is_ascii_alphanumeric()).any(|name| name == event)
}

/// The lines of a resource.
fn resource(id: &str) -> &'static str {
    RESOURCES.get(id).expect(id)
}

/// The rest of the first line that has `start`.
fn behind(text: &'static str, start: &str) -> &'static str {
    text.split_once(start).expect(start).1.lines().next().expect("a line").trim()
}
