use contract::{event::Origin, registry};
use pointsman::template::{self, Loaded, Options};
use pointsman::topology::{
    FunctionSpec, MappingSource, MappingSpec, QueueSpec, RuleSpec, Spec, Statement,
};
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

#[test]
fn nothing_in_the_template_goes_unheeded_but_what_is_aws_own() {
    let notes = template::report(&load().unsupported);
    assert!(notes.is_empty(), "{}", notes.join("\n"));
}

#[test]
fn every_rule_names_source_and_type_and_lets_no_replay_in_but_for_those_it_may_rebuild() {
    let shop = Shop::load();
    assert!(!shop.rules().is_empty());
    for rule in shop.rules() {
        let pattern: Value = serde_json::from_str(&rule.pattern).expect("a pattern of JSON");
        for field in ["source", "detail-type"] {
            let values =
                pattern[field].as_array().unwrap_or_else(|| panic!("{}: {field}", rule.name));
            assert!(
                !values.is_empty() && values.iter().all(Value::is_string),
                "{}: {values:?}",
                rule.name
            );
        }
        let live = json!([{ "exists": false }]);
        let rebuildable = json!([{ "exists": false }, { "prefix": format!("{}.", rule.name) }]);
        let replay = &pattern["replay-name"];
        assert!(*replay == live || *replay == rebuildable, "{}: {replay}", rule.name);
    }
}

#[test]
fn every_rule_has_one_queue_that_retries_for_a_day_and_then_keeps_the_event() {
    let shop = Shop::load();
    for rule in shop.rules() {
        let [target] = &rule.targets[..] else { panic!("{} has one target", rule.name) };
        let queue = shop.queue(&target.arn);
        assert!(queue.redrive.is_some(), "{} has a dead-letter queue", queue.name);
        assert_eq!((target.retry.max_age_seconds, target.retry.max_attempts), (86_400, 185));
        let dead =
            target.dead_letter.as_deref().unwrap_or_else(|| panic!("{} has none", rule.name));
        assert_eq!(
            shop.queue(dead).retention,
            1_209_600,
            "dead letters are kept as long as can be"
        );
    }
}

#[test]
fn every_queue_lets_in_only_the_rules_that_lead_to_it_and_only_encrypted() {
    let shop = Shop::load();
    for (arn, queue) in &shop.queues {
        let statements = shop.statements(arn);
        let plain = json!({ "Bool": { "aws:SecureTransport": "false" } });
        let refused = statements.iter().any(|s| {
            !s.allow && s.actions == ["sqs:*"] && s.principals == ["*"] && conditions(s) == plain
        });
        assert!(refused, "{} refuses what is not encrypted", queue.name);
        let mut sources = vec![];
        for statement in statements.iter().filter(|s| s.allow) {
            assert_eq!(statement.principals, ["service:events.amazonaws.com"], "{}", queue.name);
            assert_eq!(statement.actions, ["sqs:SendMessage"], "{}", queue.name);
            let conditions = conditions(statement);
            match &conditions["ArnEquals"]["aws:SourceArn"] {
                Value::Array(arns) => {
                    sources.extend(arns.iter().map(|arn| arn.as_str().expect("an ARN").to_owned()))
                }
                arn => sources.push(
                    arn.as_str()
                        .unwrap_or_else(|| panic!("{}: {conditions}", queue.name))
                        .to_owned(),
                ),
            }
        }
        let mut expected: Vec<String> = vec![];
        for rule in shop.rules() {
            for target in &rule.targets {
                if target.arn == *arn || target.dead_letter.as_ref() == Some(arn) {
                    expected.push(format!("rule/{}/{}", rule.bus, rule.name));
                }
            }
        }
        let mut sources: Vec<_> =
            sources.iter().map(|arn| arn.splitn(6, ':').last().unwrap_or("").to_owned()).collect();
        sources.sort();
        expected.sort();
        assert_eq!(sources, expected, "{}", queue.name);
    }
}

#[test]
fn every_queue_is_read_or_keeps_what_was_given_up() {
    let shop = Shop::load();
    let mut ends: BTreeSet<String> = BTreeSet::new();
    for resource in &shop.loaded.resources {
        match &resource.spec {
            Spec::Mapping(mapping) => match &mapping.source {
                MappingSource::Queue { queue, .. } => {
                    ends.insert(queue.clone());
                }
                MappingSource::Stream { on_failure, .. } => {
                    ends.extend(on_failure.iter().map(|arn| shop.queue(arn).name.clone()));
                }
            },
            Spec::Queue(queue) => {
                let target = queue.redrive.iter().map(|redrive| shop.queue(&redrive.target));
                ends.extend(target.map(|queue| queue.name.clone()));
            }
            Spec::Rule(rule) => {
                let dead = rule.targets.iter().filter_map(|target| target.dead_letter.as_ref());
                ends.extend(dead.map(|arn| shop.queue(arn).name.clone()));
            }
            _ => {}
        }
    }
    let quarantine = &shop.function("outbox-relay").environment["QUARANTINE_QUEUE_URL"];
    ends.insert(name_of(quarantine));
    let queues: BTreeSet<String> = shop.queues.values().map(|queue| queue.name.clone()).collect();
    assert_eq!(queues, ends);
}

#[test]
fn every_command_that_a_stream_sends_has_a_queue_that_is_read() {
    let shop = Shop::load();
    let declared = registry::commands().iter().map(|command| command.declaration);
    let sent = declared.filter(|command| matches!(command.origin, Origin::Stream { .. }));
    let names: BTreeSet<String> = sent.map(|c| format!("COMMAND_QUEUE_URL_{}", c.name)).collect();
    let read: BTreeSet<&str> = shop
        .mappings()
        .filter_map(|mapping| match &mapping.source {
            MappingSource::Queue { queue, .. } => Some(queue.as_str()),
            MappingSource::Stream { .. } => None,
        })
        .collect();
    for sender in ["outbox-relay", "maintenance"] {
        let function = shop.function(sender);
        let set = function.environment.iter().filter(|(name, _)| name.starts_with("COMMAND_"));
        let set: BTreeMap<&String, String> = set.map(|(name, url)| (name, name_of(url))).collect();
        assert_eq!(set.keys().copied().cloned().collect::<BTreeSet<_>>(), names, "{sender}");
        let statements = function.statements.as_ref().expect("a role of this template");
        for (name, queue) in set {
            assert!(read.contains(queue.as_str()), "{name}: nobody reads {queue}");
            let arn = Options::default().region.queue(&queue);
            let allowed = statements.iter().any(|statement| {
                statement.allow
                    && statement.actions == ["sqs:SendMessage"]
                    && statement.resources.contains(&arn)
            });
            assert!(allowed, "{sender} may not send to {queue}");
        }
    }
}

#[test]
fn rules_name_events_that_exist_and_publishers_may_speak_as_every_source() {
    let shop = Shop::load();
    let events: BTreeSet<(&str, &str)> = registry::all()
        .iter()
        .map(|event| (event.declaration.source, event.declaration.name))
        .collect();
    for rule in shop.rules() {
        let pattern: Value = serde_json::from_str(&rule.pattern).expect("a pattern of JSON");
        let texts = |field: &str| -> Vec<String> {
            let values = pattern[field].as_array().expect("a list").iter();
            values.map(|value| value.as_str().expect("a name").to_owned()).collect()
        };
        let (sources, names) = (texts("source"), texts("detail-type"));
        let wanted: Vec<_> = events
            .iter()
            .filter(|(source, name)| {
                sources.iter().any(|one| one == source) && names.iter().any(|one| one == name)
            })
            .collect();
        for name in &names {
            assert!(wanted.iter().any(|(_, one)| one == name), "{}: no {name}", rule.name);
        }
        for source in &sources {
            assert!(wanted.iter().any(|(one, _)| one == source), "{}: no {source}", rule.name);
        }
    }
    // What is in no stream is published by who tells it, and by nobody else.
    let unstored = registry::unstored().iter().map(|declaration| declaration.source);
    let unstored: BTreeSet<&str> = unstored.collect();
    let sources = events.iter().map(|(source, _)| *source);
    let stored: BTreeSet<&str> = sources.filter(|source| !unstored.contains(source)).collect();
    for (publisher, sources) in
        [("outbox-relay", &stored), ("maintenance", &stored), ("readings", &unstored)]
    {
        let statements = shop.function(publisher).statements.as_ref().expect("a role");
        let publish = statements.iter().find(|s| s.actions == ["events:PutEvents"]);
        let conditions = conditions(publish.expect("a right to publish"));
        let allowed = conditions["StringEquals"]["events:source"].as_array().expect("sources");
        let allowed: BTreeSet<&str> = allowed.iter().filter_map(Value::as_str).collect();
        assert_eq!(&allowed, sources, "{publisher}");
    }
}

#[test]
fn the_owners_of_a_stream_alone_may_append_to_it() {
    let shop = Shop::load();
    let owners: [(&str, &[&str]); 6] = [
        ("customer", &["order-commands"]),
        ("order", &["order-commands"]),
        ("fulfilment", &["fulfilment"]),
        ("payment", &["payment", "payment-webhook"]),
        ("inventory", &["inventory"]),
        ("shipment", &["shipping"]),
    ];
    let mut writers: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for function in shop.functions() {
        for statement in function.statements.iter().flatten().filter(|s| s.allow) {
            let stores = statement.resources.iter().any(|arn| arn.ends_with("EventStore"));
            let writes = |action: &String| {
                ["dynamodb:PutItem", "dynamodb:UpdateItem", "dynamodb:DeleteItem"]
                    .contains(&action.as_str())
            };
            if !stores || !statement.actions.iter().any(writes) {
                continue;
            }
            let keys = &conditions(statement)["ForAllValues:StringLike"]["dynamodb:LeadingKeys"];
            for key in keys.as_array().unwrap_or_else(|| panic!("{}: any key", function.name)) {
                let kind = key.as_str().and_then(|key| key.strip_suffix("#*")).expect("a type");
                writers.entry(kind.to_owned()).or_default().insert(function.name.clone());
            }
        }
    }
    let names = |owners: &[&str]| owners.iter().map(|&owner| owner.to_owned()).collect();
    let owners = owners.map(|(kind, owners)| (kind.to_owned(), names(owners)));
    assert_eq!(writers, BTreeMap::from(owners));
}

#[test]
fn every_mapping_reports_single_failures_and_none_goes_on_for_ever() {
    let shop = Shop::load();
    let mut mappings = 0;
    for resource in &shop.loaded.resources {
        let Spec::Mapping(mapping) = &resource.spec else { continue };
        mappings += 1;
        assert!(mapping.report_failures, "{}: ReportBatchItemFailures", resource.id);
        match &mapping.source {
            MappingSource::Queue { queue, .. } => {
                let queue =
                    shop.queues.values().find(|one| one.name == *queue).expect("a queue of ours");
                let needed = 6 * shop.function(&mapping.function).timeout + mapping.window;
                assert!(
                    queue.visibility >= needed,
                    "{}: {} < {needed} s",
                    queue.name,
                    queue.visibility
                );
            }
            MappingSource::Stream { max_attempts, max_age_seconds, bisect, on_failure, .. } => {
                assert!(
                    max_attempts.is_some() && max_age_seconds.is_some() && *bisect,
                    "{}",
                    resource.id
                );
                shop.queue(on_failure.as_deref().expect("a destination of what is given up"));
            }
        }
    }
    assert!(mappings > 0);
}

#[test]
fn every_schedule_says_when_it_was_due_and_gives_up_before_it_comes_again() {
    let shop = Shop::load();
    let mut schedules = 0;
    for resource in &shop.loaded.resources {
        let Spec::Schedule(schedule) = &resource.spec else { continue };
        schedules += 1;
        // Handlers know no other time, and it stays the same over retries.
        let input = schedule.target.input.as_deref().unwrap_or_default();
        assert!(input.contains("<aws.scheduler.scheduled-time>"), "{}: {input}", resource.id);
        let minutes = schedule.expression.strip_prefix("rate(").and_then(|rest| {
            let (number, unit) = rest.strip_suffix(')')?.split_once(' ')?;
            unit.starts_with("minute").then(|| number.parse::<u32>().ok()).flatten()
        });
        let Some(minutes) = minutes else { continue };
        let retry = &schedule.target.retry;
        assert!(retry.max_age_seconds <= 60 * minutes, "{}: {retry:?}", resource.id);
    }
    assert!(schedules > 0);
}

#[test]
fn every_function_has_statements_of_its_own_and_none_allows_everything() {
    let shop = Shop::load();
    let mut functions = 0;
    for resource in &shop.loaded.resources {
        let Spec::Function(function) = &resource.spec else { continue };
        functions += 1;
        let statements = function.statements.as_ref().expect("a role of this template");
        for statement in statements.iter().filter(|s| s.allow) {
            for action in &statement.actions {
                assert!(!action.contains('*'), "{} may do {action}", function.name);
            }
            // ListStreams knows no resource.
            let everywhere = statement.resources.iter().any(|resource| resource == "*");
            assert!(
                !everywhere || statement.actions == ["dynamodb:ListStreams"],
                "{}: {statement:?}",
                function.name
            );
        }
    }
    assert_eq!(functions, functions_in_the_workspace());
}

/// The template with what is asked of it most.
pub(crate) struct Shop {
    pub(crate) loaded: Loaded,
    queues: BTreeMap<String, QueueSpec>,
}

impl Shop {
    fn load() -> Shop {
        Shop::of(load())
    }

    pub(crate) fn of(loaded: Loaded) -> Shop {
        let region = &Options::default().region;
        let queues = loaded.resources.iter().filter_map(|resource| match &resource.spec {
            Spec::Queue(queue) => Some((region.queue(&queue.name), queue.clone())),
            _ => None,
        });
        Shop { queues: queues.collect(), loaded }
    }

    fn rules(&self) -> Vec<&RuleSpec> {
        let rules = self.loaded.resources.iter().filter_map(|resource| match &resource.spec {
            Spec::Rule(rule) => Some(rule),
            _ => None,
        });
        rules.collect()
    }

    pub(crate) fn functions(&self) -> impl Iterator<Item = &FunctionSpec> {
        self.loaded.resources.iter().filter_map(|resource| match &resource.spec {
            Spec::Function(function) => Some(function),
            _ => None,
        })
    }

    pub(crate) fn mappings(&self) -> impl Iterator<Item = &MappingSpec> {
        self.loaded.resources.iter().filter_map(|resource| match &resource.spec {
            Spec::Mapping(mapping) => Some(mapping),
            _ => None,
        })
    }

    #[track_caller]
    pub(crate) fn queue(&self, arn: &str) -> &QueueSpec {
        self.queues.get(arn).unwrap_or_else(|| panic!("{arn} is no queue of the template"))
    }

    #[track_caller]
    fn function(&self, name: &str) -> &FunctionSpec {
        let found = self.loaded.resources.iter().find_map(|resource| match &resource.spec {
            Spec::Function(function) if function.name == name => Some(function),
            _ => None,
        });
        found.unwrap_or_else(|| panic!("{name} is no function of the template"))
    }

    /// Statements of the resource policies on this resource that are about it.
    fn statements(&self, arn: &str) -> Vec<&Statement> {
        let policies = self.loaded.resources.iter().filter_map(|resource| match &resource.spec {
            Spec::Policy { on, statements } if on.iter().any(|one| one == arn) => Some(statements),
            _ => None,
        });
        policies.flatten().filter(|s| s.resources.iter().any(|resource| resource == arn)).collect()
    }
}

/// The name of the queue that a URL leads to.
fn name_of(url: &str) -> String {
    url.rsplit('/').next().unwrap_or_default().to_owned()
}

pub(crate) fn conditions(statement: &Statement) -> Value {
    serde_json::from_str(&statement.conditions).unwrap_or(Value::Null)
}

fn load() -> Loaded {
    let template = root().join("infra/template.yaml");
    template::load(&template, &Options::default()).unwrap_or_else(|error| panic!("{error}"))
}

fn functions_in_the_workspace() -> usize {
    std::fs::read_dir(root().join("functions/src/bin")).expect("the functions").count()
}

pub(crate) fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("tests is a member")
}
