//! `Globals`: properties that every SAM resource of a type starts from.
//!
//! Maps are merged, lists are joined with the global items first, anything else is replaced by the resource's own;
//! an intrinsic function counts as a single value.

use super::document::{Document, Raw};
use super::names::{nearest, one_of};
use super::node::{Key, Node, Result, Value, fault};

const SECTIONS: [&str; 9] = [
    "Api",
    "CapacityProvider",
    "Function",
    "HttpApi",
    "LayerVersion",
    "SimpleTable",
    "StateMachine",
    "WebSocketApi",
    "NetworkConnector",
];
/// Properties of a function that may not be global.
const OWN: [&str; 5] = ["Events", "FunctionName", "Policies", "Role", "Name"];

/// The document with Globals merged into its resources.
pub(crate) fn merge(mut document: Document) -> Result<Document> {
    let sections = document.entries("Globals")?.to_vec();
    for (key, node) in &sections {
        if !SECTIONS.contains(&key.name.as_str()) {
            let hint = one_of(nearest(&key.name, SECTIONS));
            return fault(key.pos, format!("«{}» is no section of Globals{hint}", key.name));
        }
        let Some(properties) = node.as_map() else {
            return fault(node.pos, format!("Globals.{} is not a map of properties", key.name));
        };
        let own = properties.iter().find(|(property, _)| OWN.contains(&property.name.as_str()));
        if let Some((property, _)) =
            own.filter(|_| matches!(key.name.as_str(), "Function" | "HttpApi"))
        {
            let message = format!("{} may not stand in Globals.{}", property.name, key.name);
            return fault(property.pos, message);
        }
    }
    for raw in &mut document.resources {
        let Some(kind) = raw.kind.strip_prefix("AWS::Serverless::") else { continue };
        let Some((_, global)) = sections.iter().find(|(key, _)| key.name == kind) else { continue };
        let global = without_ignored(global, raw);
        raw.properties = merged(&global, raw.properties.clone());
    }
    Ok(document)
}

/// `own` on top of `global`.
pub(crate) fn merged(global: &Node, own: Node) -> Node {
    let single = |node: &Node| node.intrinsic().is_some();
    let pos = own.pos;
    match (&global.value, own.value) {
        (Value::Map(base), Value::Map(entries)) if !single(global) && !single_entries(&entries) => {
            let mut result: Vec<(Key, Node)> = Vec::with_capacity(base.len() + entries.len());
            let mut entries = entries;
            for (key, node) in base {
                match entries.iter().position(|(own, _)| own.name == key.name) {
                    Some(index) => {
                        let (own_key, own_node) = entries.remove(index);
                        result.push((own_key, merged(node, own_node)));
                    }
                    None => result.push((key.clone(), node.clone())),
                }
            }
            result.extend(entries);
            Node::map(pos, result)
        }
        (Value::List(base), Value::List(items)) => {
            Node::list(pos, base.iter().cloned().chain(items).collect())
        }
        (_, value) => Node { pos, value },
    }
}

fn single_entries(entries: &[(Key, Node)]) -> bool {
    matches!(entries, [(key, _)] if key.name == "Ref" || key.name.starts_with("Fn::"))
}

fn without_ignored(global: &Node, raw: &Raw) -> Node {
    let Some(ignored) = &raw.ignore_globals else { return global.clone() };
    let entries = global.as_map().unwrap_or(&[]).iter();
    let kept = entries.filter(|(key, _)| match ignored.as_list() {
        Some(names) => !names.iter().any(|name| name.as_str() == Some(&key.name)),
        None => ignored.as_str() != Some("*"),
    });
    Node::map(global.pos, kept.cloned().collect())
}
