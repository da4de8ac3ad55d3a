use crate::adapters::control::{Line, Target, What};
use clap::Args;

/// Which lines are wanted: those that concern any of these, and all where none is named.
#[derive(Args, Default)]
pub(super) struct Choice {
    /// Only what concerns this rule; may be given several times, and with the others
    #[arg(long = "rule", value_name = "NAME")]
    rules: Vec<String>,
    /// Only what concerns this queue
    #[arg(long = "queue", value_name = "NAME")]
    queues: Vec<String>,
    /// Only what concerns this function
    #[arg(long = "function", value_name = "NAME")]
    functions: Vec<String>,
    /// Only events of this detail-type
    #[arg(long = "detail-type", value_name = "NAME")]
    detail_types: Vec<String>,
}

impl Choice {
    /// Whether a line of JSON is wanted.
    pub(super) fn wants(&self, line: &str) -> bool {
        let is_open = self.rules.is_empty()
            && self.queues.is_empty()
            && self.functions.is_empty()
            && self.detail_types.is_empty();
        // One that an older command does not understand is shown rather than lost.
        is_open || serde_json::from_str(line).map_or(true, |line: Line| self.names(&line.what))
    }

    fn names(&self, what: &What) -> bool {
        let queue = |name: &String| self.queues.contains(name);
        let function = |name: &String| self.functions.contains(name);
        let reached = |target: &Target| {
            self.rules.contains(&target.rule) || queue(&target.to) || function(&target.to)
        };
        match what {
            What::Event { detail_type, targets, .. } => {
                self.detail_types.contains(detail_type) || targets.iter().any(reached)
            }
            What::EventDropped { detail_type, .. } => self.detail_types.contains(detail_type),
            What::Fired { targets, .. } => targets.iter().any(reached),
            What::Sent { queue: name, .. }
            | What::Batch { queue: name, .. }
            | What::Returned { queue: name, .. }
            | What::Gone { queue: name, .. } => queue(name),
            What::DeadLettered { queue: from, to } => queue(from) || queue(to),
            What::Invoked { function: name, by, .. } => function(name) || queue(by),
            What::Ended { function: name, .. } => function(name),
            What::Started { .. }
            | What::Discarded { .. }
            | What::Applied { .. }
            | What::Clock { .. }
            | What::Fault { .. }
            | What::Missed { .. } => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const EVENT: &str = r#"{"seq":1,"at":"","kind":"event","id":"","bus":"shop","source":"s","detailType":"OrderPlaced",
        "targets":[{"rule":"to-view","to":"order-view"}]}"#;
    const INVOKED: &str = r#"{"seq":2,"at":"","kind":"invoked","invocation":1,"request":"","function":"view",
        "by":"order-view","count":1}"#;
    const CLOCK: &str = r#"{"seq":3,"at":"","kind":"clock","offsetMs":1}"#;

    #[track_caller]
    fn wants(choice: Choice, wanted: [bool; 3]) {
        assert_eq!([EVENT, INVOKED, CLOCK].map(|line| choice.wants(line)), wanted);
    }

    #[test]
    fn a_line_is_wanted_if_it_concerns_any_of_what_is_named() {
        let names = |name: &str| vec![name.to_owned()];
        wants(Choice::default(), [true, true, true]);
        wants(
            Choice { detail_types: names("OrderPlaced"), ..Choice::default() },
            [true, false, false],
        );
        wants(Choice { rules: names("to-view"), ..Choice::default() }, [true, false, false]);
        wants(Choice { queues: names("order-view"), ..Choice::default() }, [true, true, false]);
        wants(Choice { functions: names("view"), ..Choice::default() }, [false, true, false]);
        let two = Choice { functions: names("view"), rules: names("to-view"), ..Choice::default() };
        wants(two, [true, true, false]);
        wants(Choice { functions: names("other"), ..Choice::default() }, [false, false, false]);
    }

    #[test]
    fn what_is_not_understood_is_shown() {
        let choice = Choice { functions: vec!["view".into()], ..Choice::default() };
        assert!(choice.wants(r#"{"kind":"from-the-future"}"#));
    }
}
