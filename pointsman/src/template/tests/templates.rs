//! Whole templates, each with everything it resolves to in a file of its own.
//!
//! `UPDATE_EXPECTED=1 cargo test -p pointsman template` writes these files anew.

use super::*;
use crate::topology::{InputSpec, MappingSource, Spec};
use std::fmt::Write;
use std::path::Path;

#[track_caller]
fn reads(name: &str, text: &str, expected: &str) {
    let text = text.replace("\r\n", "\n");
    let seen = match load_str(name, &text, &Options::default()) {
        Ok(loaded) => shown(&loaded),
        Err(error) => format!("{error}\n"),
    };
    // A checkout with Windows' line ends holds the same template.
    match load_str(name, &text.replace('\n', "\r\n"), &Options::default()) {
        Ok(windows) => assert_eq!(shown(&windows), seen, "{name} with CRLF"),
        Err(error) => panic!("with CRLF: {error}"),
    }
    if std::env::var_os("UPDATE_EXPECTED").is_some() {
        // `file!()` is relative to the workspace, the working directory of a test to its package.
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
        let this: &str = file!();
        let here = root.join(this);
        let file = here.with_file_name("../testdata").join(name).with_extension("expected");
        std::fs::write(file, &seen).unwrap();
        return;
    }
    let expected = expected.replace("\r\n", "\n");
    assert!(seen == expected, "{name} resolves to\n{seen}\nbut this is expected\n{expected}");
}

/// One line a resource, output and note; places without the file.
fn shown(loaded: &Loaded) -> String {
    let mut out = String::new();
    for resource in &loaded.resources {
        let place = &resource.place;
        let _ = writeln!(
            out,
            "{} {}:{} {}",
            resource.id,
            place.line,
            place.column,
            spec(&resource.spec)
        );
    }
    for output in &loaded.outputs {
        let _ = writeln!(out, "output {} = {}", output.name, output.value);
    }
    for (name, export) in &loaded.exports {
        let _ = writeln!(out, "export {name} = {}", export.value);
    }
    for line in report(&loaded.unsupported) {
        let _ = writeln!(out, "note {line}");
    }
    out
}

fn spec(spec: &Spec) -> String {
    let statements = |all: &[crate::topology::Statement]| {
        all.iter().fold(String::new(), |mut out, one| {
            let effect = if one.allow { "allow" } else { "deny" };
            let _ = write!(
                out,
                "\n    {effect} {} on {}",
                one.actions.join(" "),
                one.resources.join(" ")
            );
            if !one.principals.is_empty() {
                let _ = write!(out, " to {}", one.principals.join(" "));
            }
            if !one.conditions.is_empty() {
                let _ = write!(out, " if {}", one.conditions);
            }
            let _ = write!(out, " ({}:{})", one.place.line, one.place.column);
            out
        })
    };
    match spec {
        Spec::Bus(bus) => format!("bus {} {:?}", bus.name, bus.description),
        Spec::Rule(rule) => {
            let state = if rule.enabled { "" } else { " DISABLED" };
            let mut out = format!("rule {}/{}{state} {}", rule.bus, rule.name, rule.pattern);
            for target in &rule.targets {
                let _ = write!(out, "\n    target {} {} {:?}", target.id, target.arn, target.retry);
                for (what, value) in [
                    ("dead letters", &target.dead_letter),
                    ("role", &target.role),
                    ("group", &target.message_group),
                ] {
                    if let Some(value) = value {
                        let _ = write!(out, " {what} {value}");
                    }
                }
                if target.input != InputSpec::Event {
                    let _ = write!(out, " {:?}", target.input);
                }
            }
            out
        }
        Spec::Queue(queue) => format!("queue {queue:?}"),
        Spec::Topic(topic) => format!("topic {}", topic.name),
        Spec::Function(function) => {
            let mut plain = function.clone();
            let own = plain.statements.take();
            let own = own.map_or("\n    role unknown".to_owned(), |own| statements(&own));
            format!("function {plain:?}{own}")
        }
        Spec::Mapping(mapping) => {
            let source = match &mapping.source {
                MappingSource::Queue { queue, .. } => queue,
                MappingSource::Stream { table, .. } => table,
            };
            format!("mapping {source} → {} {mapping:?}", mapping.function)
        }
        Spec::Table(table) => format!("table {table:?}"),
        Spec::HttpApi(api) => {
            let mut out =
                format!("api {} {} {:?} cors {:?}", api.name, api.stage, api.authorizers, api.cors);
            for route in &api.routes {
                let _ = write!(
                    out,
                    "\n    {} {} → {} {:?} {:?}",
                    route.method, route.path, route.function, route.authorizer, route.scopes
                );
            }
            out
        }
        Spec::Schedule(schedule) => format!("schedule {schedule:?}"),
        Spec::ScheduleGroup(group) => format!("schedule group {}", group.name),
        Spec::RuleSchedule(timed) => {
            format!("schedule of rule {} {}", timed.rule, timed.expression)
        }
        Spec::Policy { on, statements: all } => {
            format!("policy on {}{}", on.join(" "), statements(all))
        }
    }
}

macro_rules! templates {
    ($($test:ident $stem:literal $end:literal,)*) => {
        $(#[test]
        fn $test() {
            let text = include_str!(concat!("../testdata/", $stem, $end));
            let expected = include_str!(concat!("../testdata/", $stem, ".expected"));
            reads(concat!($stem, $end), text, expected);
        })*
    };
}

templates! {
    plain_cloudformation_is_read "classic" ".yaml",
    globals_merge_and_the_implicit_api_gets_its_routes "globals" ".yaml",
    json_is_read_as_yaml_is "document" ".json",
    rules_of_events_get_names_permissions_and_queues "rules" ".yaml",
    conditions_and_mappings_decide_what_is_made "conditions" ".yaml",
    schedules_of_every_kind_are_read "schedules" ".yaml",
    tables_and_their_streams_are_read "streams" ".yaml",
    policies_of_every_form_become_statements "rights" ".yaml",
    connectors_grant_what_they_connect "connectors" ".yaml",
    destinations_that_are_not_named_are_made "destinations" ".yaml",
    what_is_out_of_scope_is_listed_with_its_place "beyond" ".yaml",
    queues_topics_and_what_is_not_run_yet "queues" ".yaml",
    spellings_found_in_real_templates_are_read "quirks" ".yaml",
}

#[test]
fn our_own_template_holds_nothing_that_is_not_run() {
    let loaded = ours();
    assert_eq!(report(&loaded.unsupported), Vec::<String>::new());
    let queue = |name: &str| {
        loaded.resources.iter().find_map(|resource| match &resource.spec {
            Spec::Queue(queue) if queue.name == name => Some(queue),
            _ => None,
        })
    };
    let mut functions = Vec::new();
    for resource in &loaded.resources {
        let Spec::Function(function) = &resource.spec else { continue };
        assert_eq!(
            function.binary.as_deref(),
            Some(function.name.as_str()),
            "one word for {}",
            resource.id
        );
        assert!(function.statements.as_ref().is_some_and(|all| !all.is_empty()));
        functions.push(function.name.as_str());
        for other in &loaded.resources {
            let Spec::Mapping(mapping) = &other.spec else { continue };
            let MappingSource::Queue { queue: name, .. } = &mapping.source else { continue };
            if mapping.function == function.name {
                let queue = queue(name).unwrap();
                assert!(
                    queue.visibility >= 6 * function.timeout + mapping.window,
                    "visibility of {name}"
                );
                let redrive = queue.redrive.as_ref().unwrap();
                assert!(redrive.max_receives >= 5, "receives of {name}");
                assert!(mapping.report_failures);
            }
        }
    }
    assert!(!functions.is_empty());
}

/// The shop's template, with what lies beside it.
fn ours() -> Loaded {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../infra/template.yaml");
    crate::template::load(&path, &Options::default()).unwrap()
}

#[test]
fn our_own_rules_let_no_replay_in_that_is_not_meant_for_them() {
    let loaded = ours();
    for resource in &loaded.resources {
        let Spec::Rule(rule) = &resource.spec else { continue };
        let pattern: serde_json::Value = serde_json::from_str(&rule.pattern).unwrap();
        assert_eq!(pattern["replay-name"][0]["exists"], false, "{}", resource.id);
        assert!(
            pattern["source"].is_array() && pattern["detail-type"].is_array(),
            "{}",
            resource.id
        );
        let [target] = rule.targets.as_slice() else { panic!("{} has one target", resource.id) };
        assert!(target.dead_letter.is_some(), "{}", resource.id);
    }
}
