//! `Outputs` and what they export.

use super::node::{Key, Node, Pos, Result, fault};
use super::scope::Scope;
use super::{Export, Output, place};
use std::collections::BTreeMap;

pub(crate) fn read(
    scope: &Scope<'_>,
    file: &str,
) -> Result<(Vec<Output>, BTreeMap<String, Export>)> {
    let (mut outputs, mut exports) = (Vec::new(), BTreeMap::new());
    for (key, node) in made(scope)? {
        let Some(value) = node.get("Value") else {
            return fault(key.pos, format!("output {} has no Value", key.name));
        };
        let value = match scope.resolve(value)? {
            Some(node) => node.as_str().map_or_else(|| node.json(), str::to_owned),
            None => continue,
        };
        if let Some((name, pos)) = export(scope, node)? {
            let export = Export { value: value.clone(), place: place(file, pos) };
            if let Some(first) = exports.insert(name.clone(), export) {
                let first = first.place.line;
                return fault(pos, format!("export «{name}» stands twice: first on line {first}"));
            }
        }
        outputs.push(Output { name: key.name.clone(), value, place: place(file, key.pos) });
    }
    Ok((outputs, exports))
}

/// Names of exports, with their places; on AWS, too, they may depend on parameters alone.
pub(crate) fn names(scope: &Scope<'_>) -> Result<Vec<(String, Pos)>> {
    let all = made(scope)?.into_iter().map(|(_, node)| export(scope, node).transpose());
    all.flatten().collect()
}

/// Outputs whose condition holds.
fn made<'a>(scope: &Scope<'a>) -> Result<Vec<(&'a Key, &'a Node)>> {
    let mut made = Vec::new();
    for (key, node) in scope.document.entries("Outputs")? {
        let holds = match node.get("Condition") {
            Some(condition) => {
                scope.condition(condition.as_str().unwrap_or_default(), condition.pos)?
            }
            None => true,
        };
        if holds {
            made.push((key, node));
        }
    }
    Ok(made)
}

fn export(scope: &Scope<'_>, output: &Node) -> Result<Option<(String, Pos)>> {
    let Some(name) = output.get("Export").and_then(|export| export.get("Name")) else {
        return Ok(None);
    };
    Ok(Some((scope.text(name, "Export.Name")?, name.pos)))
}
