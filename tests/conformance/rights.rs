//! Who may do what: each function what it does, to what is its own. As in `safety`, each lint is shown to find its fault.

use crate::safety::{Template, finds};
use crate::template::{conditions, root};
use pointsman::template::Options;
use pointsman::topology::MappingSource;
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};
use std::fs;

/// What each function does to which table or index. A part of a transaction needs the right of its own action.
const DOES: [(&str, &[(&str, &str)]); 11] = [
    (
        "order-commands",
        &[("EventStore", "ConditionCheckItem PutItem Query"), ("Services", "GetItem PutItem")],
    ),
    (
        "payment-webhook",
        &[("EventStore", "PutItem Query"), ("Services", "GetItem PutItem UpdateItem")],
    ),
    ("readings", &[]),
    ("outbox-relay", &[]),
    ("fulfilment", &[("EventStore", "ConditionCheckItem PutItem Query"), ("Services", "PutItem")]),
    ("payment", &[("EventStore", "PutItem Query"), ("Services", "GetItem PutItem UpdateItem")]),
    ("inventory", &[("EventStore", "PutItem Query"), ("Services", "GetItem PutItem UpdateItem")]),
    ("shipping", &[("EventStore", "PutItem Query"), ("Services", "GetItem PutItem")]),
    ("order-view", &[("EventStore", "Query"), ("ReadModel", "GetItem PutItem")]),
    (
        "order-queries",
        &[("EventStore", "Query"), ("ReadModel", "GetItem"), ("index/by-customer", "Query")],
    ),
    (
        "maintenance",
        &[
            ("EventStore", "Query Scan"),
            ("ReadModel", "DeleteItem GetItem PutItem Scan"),
            ("Services", "PutItem UpdateItem"),
        ],
    ),
];

#[test]
fn rows_of_the_event_store_and_of_services_are_open_to_those_who_own_them_alone() {
    fn lint(template: &Template) -> Vec<String> {
        let mut faults = vec![];
        for (function, statement) in template.allowed() {
            let table = statement.resources.iter().find_map(|arn| {
                ["EventStore", "Services"].into_iter().find(|table| arn.ends_with(table))
            });
            let Some(table) = table else { continue };
            let mut fault =
                |what: &str| faults.push(format!("{} on {table}: {what}", function.name));
            // A scan has no leading keys, and repair and rebuild must see every stream.
            let reads = statement.actions == ["dynamodb:Query", "dynamodb:Scan"];
            if (function.name.as_str(), table) == ("maintenance", "EventStore") && reads {
                continue;
            }
            let conditions = conditions(statement);
            // ForAllValues alone is true of a request without keys.
            if conditions["Null"] != json!({ "dynamodb:LeadingKeys": "false" }) {
                fault("a request without keys would pass");
            }
            let keys = conditions["ForAllValues:StringLike"]["dynamodb:LeadingKeys"].as_array();
            let Some(keys) = keys.filter(|keys| !keys.is_empty()) else {
                fault("no leading keys");
                continue;
            };
            for key in keys.iter().filter_map(Value::as_str) {
                let own = match key.split('#').collect::<Vec<_>>()[..] {
                    ["marker", consumer, "*"] => consumer == function.name,
                    ["request", "*"] => function.name == "order-commands",
                    [kind, "*"] => !["", "marker"].contains(&kind) && !kind.contains('*'),
                    _ => false,
                };
                if !own {
                    fault(&format!("{key} is too much"));
                }
            }
        }
        faults
    }
    let keys = "{dynamodb:LeadingKeys: [\"customer#*\", \"order#*\"]}";
    finds(
        lint,
        &[
            ("\n                  \"Null\": {dynamodb:LeadingKeys: \"false\"}", ""),
            (
                "\"Null\": {dynamodb:LeadingKeys: \"false\"}",
                "\"Null\": {dynamodb:LeadingKeys: \"true\"}",
            ),
            (&format!("ForAllValues:StringLike: {keys}"), &format!("StringLike: {keys}")),
            ("[\"request#*\"]", "[\"*\"]"),
            ("[\"marker#fulfilment#*\"]", "[\"marker#*\"]"),
            ("[\"marker#payment-webhook#*\"]", "[\"marker#payment#*\"]"),
            ("\"marker#payment#*\"", "\"marker#inventory#*\""),
            ("\"stock#*\", \"reservation#*\"", "\"request#*\""),
        ],
    );
}

#[test]
fn no_function_may_do_to_a_table_what_it_never_does() {
    fn lint(template: &Template) -> Vec<String> {
        let mut allowed: BTreeMap<(&str, &str), BTreeSet<&str>> = BTreeMap::new();
        for (function, statement) in template.allowed() {
            let tables = statement
                .resources
                .iter()
                .filter(|arn| arn.contains(":table/") && !arn.contains("/stream/"));
            for arn in tables {
                let known = ["EventStore", "ReadModel", "Services", "index/by-customer"];
                let table = known.into_iter().find(|table| arn.ends_with(table)).unwrap_or(arn);
                let actions = statement.actions.iter();
                let actions = actions.map(|action| action.trim_start_matches("dynamodb:"));
                allowed.entry((&function.name, table)).or_default().extend(actions);
            }
        }
        let mut wanted: BTreeMap<(&str, &str), BTreeSet<&str>> = BTreeMap::new();
        for (function, tables) in DOES {
            for (table, actions) in tables {
                wanted.insert((function, table), actions.split(' ').collect());
            }
        }
        let differs = allowed.iter().filter(|(key, actions)| wanted.get(*key) != Some(actions));
        let missing = wanted.keys().filter(|key| !allowed.contains_key(*key));
        let missing = missing.map(|key| format!("{key:?} has no rights"));
        differs.map(|differs| format!("{differs:?}")).chain(missing).collect()
    }
    finds(
        lint,
        &[
            (
                "[dynamodb:GetItem, dynamodb:PutItem]\n",
                "[dynamodb:GetItem, dynamodb:PutItem, dynamodb:DeleteItem]\n",
            ),
            ("Action: dynamodb:ConditionCheckItem\n", "Action: dynamodb:GetItem\n"),
            ("${ReadModel.Arn}/index/by-customer", "${ReadModel.Arn}/index/*"),
        ],
    );
}

#[test]
fn a_queues_reader_may_receive_delete_and_ask_for_attributes_and_no_more() {
    fn lint(template: &Template) -> Vec<String> {
        let needed = ["sqs:ReceiveMessage", "sqs:DeleteMessage", "sqs:GetQueueAttributes"];
        let mut faults = vec![];
        for mapping in template.shop.mappings() {
            let MappingSource::Queue { queue, .. } = &mapping.source else { continue };
            let arn = Options::default().region.queue(queue);
            let of_queue = template.allowed().filter(|(function, statement)| {
                function.name == mapping.function && statement.resources.contains(&arn)
            });
            let actions: Vec<&str> =
                of_queue.flat_map(|(_, one)| one.actions.iter().map(String::as_str)).collect();
            if actions != needed {
                faults.push(format!("{}: {actions:?}", mapping.function));
            }
        }
        faults
    }
    let actions = "sqs:DeleteMessage, sqs:GetQueueAttributes]";
    finds(
        lint,
        &[
            (actions, "sqs:DeleteMessage, sqs:GetQueueAttributes, sqs:ChangeMessageVisibility]"),
            (actions, "sqs:DeleteMessage]"),
        ],
    );
}

#[test]
fn whoever_publishes_is_bound_to_the_sources_it_speaks_for() {
    fn lint(template: &Template) -> Vec<String> {
        let of_bus = template.allowed().filter(|(_, statement)| {
            statement.actions.iter().any(|action| action.starts_with("events:"))
        });
        let unbound = of_bus.filter(|(_, statement)| {
            let sources = &conditions(statement)["StringEquals"]["events:source"];
            let bound = sources.as_array().is_some_and(|sources| !sources.is_empty());
            statement.actions != ["events:PutEvents"] || !bound
        });
        unbound.map(|(function, statement)| format!("{}: {statement:?}", function.name)).collect()
    }
    finds(
        lint,
        &[
            ("events:source:", "events:detail-type:"),
            ("{events:source: [shop.readings]}", "{events:source: []}"),
            ("Action: events:PutEvents", "Action: [events:PutEvents, events:PutRule]"),
        ],
    );
}

#[test]
fn every_function_is_given_what_it_reads_and_no_more() {
    fn lint(template: &Template) -> Vec<String> {
        let source = |path: &str| {
            fs::read_to_string(root().join("functions/src").join(path)).expect("a source file")
        };
        let mut faults = vec![];
        for function in template.shop.functions() {
            let mut text = source(&format!("bin/{}.rs", function.name));
            if text.contains("service::") {
                text += &source("service.rs");
            }
            // Those of commands have a lint of their own.
            let given = function.environment.keys().map(String::as_str);
            let given: BTreeSet<&str> =
                given.filter(|name| !name.starts_with("COMMAND_QUEUE_URL_")).collect();
            let reads = text.split("variable(\"").skip(1);
            let reads = reads.filter_map(|rest| rest.split('"').next());
            let missing = reads.filter(|name| !given.contains(name));
            faults.extend(missing.map(|name| format!("{} lacks {name}", function.name)));
            let idle = given.iter().filter(|name| !text.contains(&format!("\"{name}\"")));
            faults.extend(idle.map(|name| format!("{} never reads {name}", function.name)));
        }
        faults
    }
    let bus = "          BUS_NAME: !Ref Bus\n";
    finds(
        lint,
        &[
            (bus, &format!("{bus}          SERVICES_TABLE: !Ref Services\n")),
            ("          READ_MODEL_TABLE: !Ref ReadModel\n", ""),
        ],
    );
}
