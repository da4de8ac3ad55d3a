//! Logical ids that SAM makes of a template's own resources, and that a template may refer to.

use super::document::Document;
use super::node::{Node, truth};
use std::collections::BTreeMap;

/// The HTTP API of events that name none.
pub(crate) const HTTP_API: &str = "ServerlessHttpApi";

/// What an id made by SAM stands for.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Implicit {
    /// `FunctionRole`
    Role(String),
    /// `Function.Alias` and `Function.Version`
    Qualified(String, String),
    /// A rule of function and event, by its id.
    Rule(String, String),
    /// A schedule of function and event: its id, its name and group if they are given, and whether it has a name made
    /// of stack and id.
    Schedule { id: String, name: Option<Node>, group: Option<Node>, omitted: bool },
    /// A queue made for dead letters or a destination, by its id.
    Queue(String),
    /// A topic made for a destination, by its id.
    Topic(String),
    /// The HTTP API of events that name none.
    HttpApi,
    /// Known to exist on AWS, nothing here: permissions, stages, the implicit REST API.
    Other,
}

/// All of them, by id.
pub(crate) fn of(document: &Document) -> BTreeMap<String, Implicit> {
    let mut ids = BTreeMap::new();
    if !document.serverless {
        return ids;
    }
    let globals = document.sections.get("Globals").and_then(|globals| globals.get("Function"));
    for raw in &document.resources {
        let id = &raw.id;
        match raw.kind.as_str() {
            "AWS::Serverless::HttpApi" => {
                ids.insert(format!("{id}ApiGatewayDefaultStage"), Implicit::Other);
            }
            "AWS::Serverless::Api" => {
                for part in ["Deployment", "Stage", "ProdStage", "Prod"] {
                    ids.insert(format!("{id}{part}"), Implicit::Other);
                    ids.insert(format!("{id}.{part}"), Implicit::Other);
                }
            }
            "AWS::Serverless::Function" => {
                let property = |name: &str| {
                    raw.properties
                        .get(name)
                        .or_else(|| globals.and_then(|globals| globals.get(name)))
                };
                ids.insert(format!("{id}Role"), Implicit::Role(id.clone()));
                if let Some(alias) = property("AutoPublishAlias") {
                    let alias = alias.as_str().unwrap_or("live");
                    for part in [".Alias", ".Version", &format!("Alias{alias}")] {
                        let qualifier = if part == ".Version" { "1" } else { alias };
                        ids.insert(
                            format!("{id}{part}"),
                            Implicit::Qualified(id.clone(), qualifier.to_owned()),
                        );
                    }
                }
                ids.insert(format!("{id}Url"), Implicit::Other);
                ids.insert(format!("{id}EventInvokeConfig"), Implicit::Other);
                destinations(id, property("EventInvokeConfig"), &mut ids);
                for (key, event) in raw.events() {
                    of_event(id, &key.name, event, &mut ids);
                }
            }
            _ => {}
        }
    }
    ids
}

/// The id of what `OnSuccess` or `OnFailure` makes when it names no destination.
pub(crate) fn destination(function: &str, side: &str, kind: &str) -> String {
    let what = if kind == "SNS" { "Topic" } else { "Queue" };
    format!("{function}EventInvokeConfig{side}{what}")
}

fn destinations(id: &str, config: Option<&Node>, ids: &mut BTreeMap<String, Implicit>) {
    let Some(config) = config.and_then(|config| config.get("DestinationConfig")) else { return };
    for side in ["OnSuccess", "OnFailure"] {
        let Some(side_node) = config.get(side).filter(|node| node.get("Destination").is_none())
        else {
            continue;
        };
        let kind = side_node.get("Type").and_then(Node::as_str).unwrap_or_default();
        let made = destination(id, side, kind);
        let (short, implicit) = match kind {
            "SQS" => ("DestinationQueue", Implicit::Queue(made.clone())),
            "SNS" => ("DestinationTopic", Implicit::Topic(made.clone())),
            _ => continue,
        };
        ids.insert(format!("{id}.{short}"), implicit.clone());
        ids.insert(made, implicit);
    }
}

fn of_event(function: &str, name: &str, event: &Node, ids: &mut BTreeMap<String, Implicit>) {
    let id = format!("{function}{name}");
    let kind = event.get("Type").and_then(Node::as_str).unwrap_or_default();
    let properties = event.get("Properties");
    let property = |name: &str| properties.and_then(|properties| properties.get(name));
    ids.insert(format!("{id}Permission"), Implicit::Other);
    match kind {
        "EventBridgeRule" | "CloudWatchEvent" => {
            let bus = match property("EventBusName").and_then(Node::as_str) {
                Some(bus) => bus.to_owned(),
                None => "default".to_owned(),
            };
            ids.insert(id.clone(), Implicit::Rule(id.clone(), bus));
            if let Some(queue) = dead_letter_queue(&id, property("DeadLetterConfig")) {
                ids.insert(queue.clone(), Implicit::Queue(queue));
            }
        }
        "Schedule" => {
            ids.insert(id.clone(), Implicit::Rule(id.clone(), "default".into()));
            if let Some(queue) = dead_letter_queue(&id, property("DeadLetterConfig")) {
                ids.insert(queue.clone(), Implicit::Queue(queue));
            }
        }
        "ScheduleV2" => {
            ids.remove(&format!("{id}Permission"));
            let omitted = property("OmitName").and_then(Node::as_str).and_then(truth);
            let made = Implicit::Schedule {
                id: id.clone(),
                name: property("Name").cloned(),
                group: property("GroupName").cloned(),
                omitted: omitted == Some(true),
            };
            ids.insert(id.clone(), made);
            if property("RoleArn").is_none() {
                ids.insert(format!("{id}Role"), Implicit::Role(id.clone()));
            }
            if let Some(queue) = dead_letter_queue(&id, property("DeadLetterConfig")) {
                ids.insert(queue.clone(), Implicit::Queue(queue));
            }
        }
        "HttpApi" if property("ApiId").is_none() => {
            ids.insert(HTTP_API.to_owned(), Implicit::HttpApi);
            ids.insert(format!("{HTTP_API}ApiGatewayDefaultStage"), Implicit::Other);
        }
        "Api" if property("RestApiId").is_none() => {
            for part in ["", "Deployment", "ProdStage", ".Deployment", ".Stage"] {
                ids.insert(format!("ServerlessRestApi{part}"), Implicit::Other);
            }
        }
        _ => {
            ids.insert(id, Implicit::Other);
        }
    }
}

/// The id of the queue that an event's `DeadLetterConfig` of `Type: SQS` makes.
pub(crate) fn dead_letter_queue(event: &str, config: Option<&Node>) -> Option<String> {
    let config =
        config.filter(|config| config.get("Type").and_then(Node::as_str) == Some("SQS"))?;
    let named = config.get("QueueLogicalId").and_then(Node::as_str);
    Some(named.map_or_else(|| format!("{event}Queue"), str::to_owned))
}
