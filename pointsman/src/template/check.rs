//! Before anything is resolved: every name that is referred to exists, and no resource waits for itself.

use super::document::{Document, Raw};
use super::node::{Node, Pos, Result, Value, fault};
use super::resolve::{Piece, pieces};
use super::scope::Scope;
use std::collections::BTreeMap;

/// Refuses an event whose own resource, which SAM names after function and event, has the id of another one: SAM's
/// translator does so, when the stack is deployed.
pub(crate) fn names(document: &Document) -> Result<()> {
    for raw in &document.resources {
        for (key, event) in raw.events() {
            let kind = event.get("Type").and_then(Node::as_str).unwrap_or_default();
            let id = format!("{}{}", raw.id, key.name);
            // These have their route or method instead of a resource.
            if !matches!(kind, "HttpApi" | "Api") && document.find(&id).is_some() {
                let message = format!(
                    "event {} of {} makes a resource {id}, and there is one already: name the event otherwise",
                    key.name, raw.id
                );
                return fault(key.pos, message);
            }
        }
    }
    Ok(())
}

/// Refuses a reference to nothing, with the nearest name, and a circle of references, naming it.
pub(crate) fn references(scope: &Scope<'_>) -> Result<()> {
    let mut edges: BTreeMap<&str, Vec<(String, Pos)>> = BTreeMap::new();
    for raw in &scope.document.resources {
        let mut found = Vec::new();
        walk(scope, &raw.properties, &mut found)?;
        for (id, pos) in &raw.depends_on {
            if scope.document.find(id).is_none() && !scope.implicit.contains_key(id) {
                let message = format!(
                    "DependsOn of {} names «{id}», which does not exist{}",
                    raw.id,
                    scope.like(id)
                );
                return fault(*pos, message);
            }
        }
        if let Some((name, pos)) = &raw.condition {
            scope.condition(name, *pos)?;
        }
        found.extend(raw.depends_on.iter().cloned());
        edges.insert(&raw.id, found);
    }
    for (_, node) in scope.document.entries("Outputs")? {
        walk(scope, node, &mut Vec::new())?;
    }
    circles(&scope.document.resources, &edges)
}

/// Collects the resources that `node` refers to.
fn walk(scope: &Scope<'_>, node: &Node, found: &mut Vec<(String, Pos)>) -> Result<()> {
    if let Some((name, pos, argument)) = node.intrinsic() {
        match name {
            "Ref" => {
                if let Some(target) = argument.as_str() {
                    target_of(scope, target, false, pos, found)?;
                }
                return Ok(());
            }
            "Fn::GetAtt" => {
                let id = argument.as_list().and_then(<[Node]>::first).unwrap_or(argument).as_str();
                if let Some(id) = id {
                    target_of(scope, id, true, pos, found)?;
                }
                return Ok(());
            }
            "Fn::Sub" => return sub(scope, pos, argument, found),
            "Fn::If" => {
                if let Some(condition) = argument.as_list().and_then(<[Node]>::first)
                    && let Some(name) = condition.as_str()
                {
                    scope.condition(name, condition.pos)?;
                }
            }
            _ => {}
        }
        return walk(scope, argument, found);
    }
    match &node.value {
        Value::Scalar { .. } => Ok(()),
        Value::List(items) => items.iter().try_for_each(|item| walk(scope, item, found)),
        Value::Map(entries) => entries.iter().try_for_each(|(_, item)| walk(scope, item, found)),
    }
}

fn sub(scope: &Scope<'_>, pos: Pos, argument: &Node, found: &mut Vec<(String, Pos)>) -> Result<()> {
    let (text, own) = match argument.as_list() {
        None => (argument, None),
        Some(items) => match items.first() {
            Some(text) => (text, items.get(1)),
            None => return fault(pos, "Sub takes a text"),
        },
    };
    let own: &[(super::node::Key, Node)] = own.and_then(Node::as_map).unwrap_or(&[]);
    for (_, node) in own {
        walk(scope, node, found)?;
    }
    for piece in pieces(text.as_str().unwrap_or_default()) {
        if let Piece::Name(name) = piece
            && !own.iter().any(|(key, _)| key.name == name)
        {
            target_of(scope, name, name.contains('.'), pos, found)?;
        }
    }
    Ok(())
}

fn target_of(
    scope: &Scope<'_>,
    name: &str,
    attribute: bool,
    pos: Pos,
    found: &mut Vec<(String, Pos)>,
) -> Result<()> {
    let id = match attribute && !scope.implicit.contains_key(name) {
        true => name.split('.').next().unwrap_or(name),
        false => name,
    };
    if scope.document.find(id).is_some() {
        found.push((id.to_owned(), pos));
        return Ok(());
    }
    let parameter =
        !attribute && (scope.parameters.contains_key(name) || name.starts_with("AWS::"));
    let made_by_sam = scope.implicit.keys().any(|made| {
        name == made || name.strip_prefix(made.as_str()).is_some_and(|rest| rest.starts_with('.'))
    });
    if parameter || made_by_sam {
        return Ok(());
    }
    fault(pos, format!("«{id}» does not exist{}", scope.like(id)))
}

fn circles(resources: &[Raw], edges: &BTreeMap<&str, Vec<(String, Pos)>>) -> Result<()> {
    let mut done: BTreeMap<&str, bool> = BTreeMap::new();
    for raw in resources {
        // A path on the heap: a template's longest chain says nothing about the stack.
        let mut path: Vec<(&str, usize)> = Vec::new();
        if !done.contains_key(raw.id.as_str()) {
            done.insert(&raw.id, false);
            path.push((&raw.id, 0));
        }
        while let Some((id, next)) = path.last_mut() {
            let Some((target, pos)) = edges.get(id).and_then(|targets| targets.get(*next)) else {
                done.insert(id, true);
                path.pop();
                continue;
            };
            *next += 1;
            match done.get(target.as_str()) {
                Some(true) => {}
                Some(false) => {
                    let from = path.iter().position(|(id, _)| id == target).unwrap_or(0);
                    let mut names: Vec<_> = path[from..].iter().map(|(id, _)| *id).collect();
                    names.push(target);
                    return fault(*pos, format!("circular reference: {}", names.join(" → ")));
                }
                None => {
                    if let Some((id, _)) = edges.get_key_value(target.as_str()) {
                        done.insert(id, false);
                        path.push((id, 0));
                    }
                }
            }
        }
    }
    Ok(())
}
