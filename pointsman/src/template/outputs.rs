//! `Outputs` and what they export.

use super::node::{Result, fault};
use super::scope::Scope;
use super::{Output, place};
use std::collections::BTreeMap;

pub(crate) fn read(
    scope: &Scope<'_>,
    file: &str,
) -> Result<(Vec<Output>, BTreeMap<String, String>)> {
    let (mut outputs, mut exports) = (Vec::new(), BTreeMap::new());
    for (key, node) in scope.document.entries("Outputs")? {
        if let Some(condition) = node.get("Condition") {
            let name = condition.as_str().unwrap_or_default();
            if !scope.condition(name, condition.pos)? {
                continue;
            }
        }
        let Some(value) = node.get("Value") else {
            return fault(key.pos, format!("output {} has no Value", key.name));
        };
        let value = match scope.resolve(value)? {
            Some(node) => node.as_str().map_or_else(|| node.json(), str::to_owned),
            None => continue,
        };
        if let Some(name) = node.get("Export").and_then(|export| export.get("Name")) {
            exports.insert(scope.text(name, "Export.Name")?, value.clone());
        }
        outputs.push(Output { name: key.name.clone(), value, place: place(file, key.pos) });
    }
    Ok((outputs, exports))
}
