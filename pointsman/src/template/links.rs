//! What stacks know each other by: names that a template exports and imports.

use super::build::prepared;
use super::node::{Node, Pos, Result, Value};
use super::scope::Scope;
use super::{Link, Links, Options, outputs, parameters, place};
use std::collections::BTreeSet;

/// Reads them alone; values of parameters that the template does not have are passed over.
pub(crate) fn read(file: &str, text: &str, options: &Options) -> Result<Links> {
    let document = prepared(text)?;
    let own = document.entries("Parameters")?.iter().map(|(key, _)| key.name.clone());
    let own: BTreeSet<String> = own.collect();
    let mut options = options.clone();
    options.parameters.retain(|name, _| own.contains(name));
    let parameters = parameters::read(&document, &options)?;
    let scope = Scope::new(&document, &options, &parameters);
    let link = |(name, pos)| Link { name, place: place(file, pos) };
    let exports = outputs::names(&scope)?.into_iter().map(link).collect();
    Ok(Links { exports, imports: imports(&scope, file)?, parameters: own })
}

/// What `Fn::ImportValue` asks for in what is made, in the order of the file.
pub(crate) fn imports(scope: &Scope<'_>, file: &str) -> Result<Vec<Link>> {
    let mut found = Vec::new();
    for raw in &scope.document.resources {
        if scope.exists(raw)? {
            walk(scope, &raw.properties, &mut found)?;
        }
    }
    for (_, node) in scope.document.entries("Outputs")? {
        walk(scope, node, &mut found)?;
    }
    Ok(found.into_iter().map(|(name, pos)| Link { name, place: place(file, pos) }).collect())
}

fn walk(scope: &Scope<'_>, node: &Node, found: &mut Vec<(String, Pos)>) -> Result<()> {
    match (node.intrinsic(), &node.value) {
        (Some(("Fn::ImportValue", pos, argument)), _) => {
            // A name that cannot be resolved is told when it is needed.
            if let Ok(name) = scope.text(argument, "ImportValue's name") {
                found.push((name, pos));
            }
            Ok(())
        }
        (Some(("Fn::If", _, argument)), _) => match argument.as_list() {
            Some([condition, yes, no]) => {
                let name = condition.as_str().unwrap_or_default();
                walk(scope, if scope.condition(name, condition.pos)? { yes } else { no }, found)
            }
            _ => Ok(()),
        },
        (Some((_, _, argument)), _) => walk(scope, argument, found),
        (None, Value::List(items)) => items.iter().try_for_each(|item| walk(scope, item, found)),
        (None, Value::Map(entries)) => {
            entries.iter().try_for_each(|(_, item)| walk(scope, item, found))
        }
        (None, Value::Scalar { .. }) => Ok(()),
    }
}
