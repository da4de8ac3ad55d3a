//! The values of a template's parameters: given, or by default, and checked against what the template allows.

use super::document::Document;
use super::names::{nearest, one_of};
use super::node::{Node, Pos, Result, fault, shown};
use super::scope::Scope;
use super::{Options, Origin};
use std::collections::BTreeMap;

/// A parameter's value.
pub(crate) struct Parameter {
    pub(crate) text: String,
    /// The type is a list: `Ref` gives one.
    pub(crate) list: bool,
    pub(crate) origin: Origin,
}

const FIELDS: [&str; 11] = [
    "AllowedPattern",
    "AllowedValues",
    "ConstraintDescription",
    "Default",
    "Description",
    "MaxLength",
    "MaxValue",
    "MinLength",
    "MinValue",
    "NoEcho",
    "Type",
];

/// Every parameter's value; what has none is named in one error.
pub(crate) fn read(document: &Document, options: &Options) -> Result<BTreeMap<String, Parameter>> {
    let entries = document.entries("Parameters")?;
    let names = || entries.iter().map(|(key, _)| key.name.as_str());
    if let Some(unknown) = options.parameters.keys().find(|name| !names().any(|have| have == *name))
    {
        let pos =
            document.sections.get("Parameters").map_or(Pos { line: 1, column: 1 }, |node| node.pos);
        let hint = one_of(nearest(unknown, names()));
        return fault(pos, format!("a value is given for {unknown}, which is no parameter{hint}"));
    }
    let mut values = BTreeMap::new();
    let mut missing: Vec<(&str, Pos, bool)> = Vec::new();
    for (key, node) in entries {
        let Some(fields) = node.as_map() else {
            return fault(node.pos, format!("parameter {} is not a map with a Type", key.name));
        };
        if let Some((field, _)) =
            fields.iter().find(|(field, _)| !FIELDS.contains(&field.name.as_str()))
        {
            let hint = one_of(nearest(&field.name, FIELDS));
            let message =
                format!("«{}» is no field of a parameter ({}){hint}", field.name, key.name);
            return fault(field.pos, message);
        }
        let Some(kind) = node.get("Type").and_then(Node::as_str) else {
            return fault(key.pos, format!("parameter {} has no Type", key.name));
        };
        let stored_elsewhere = kind.starts_with("AWS::SSM::Parameter::Value");
        let default = node.get("Default").filter(|_| !stored_elsewhere);
        let (text, origin) = match (options.parameters.get(&key.name), default) {
            (Some(given), _) => (given.clone(), Origin::Given),
            (None, Some(default)) => (scalar(default, &key.name)?, Origin::Default),
            (None, None) => {
                missing.push((&key.name, key.pos, stored_elsewhere));
                continue;
            }
        };
        let parameter = Parameter { list: is_list(kind), text, origin };
        allowed(&key.name, kind, node, &parameter)?;
        values.insert(key.name.clone(), parameter);
    }
    let Some((first, pos, stored_elsewhere)) = missing.first() else { return Ok(values) };
    let names: Vec<_> = missing.iter().map(|(name, ..)| *name).collect();
    let why = if *stored_elsewhere {
        "parameters stored in Systems Manager are not read here"
    } else {
        "no default stands in the template"
    };
    let (what, verb) =
        if names.len() == 1 { ("parameter", "needs") } else { ("parameters", "need") };
    let message =
        format!("{what} {} {verb} a value ({why}): --parameter {first}=…", names.join(", "));
    fault(*pos, message)
}

/// Checks values against `AllowedPattern`, which must match the whole of them.
pub(crate) fn patterns(scope: &Scope<'_>) -> Result<()> {
    for (key, node) in scope.document.entries("Parameters")? {
        let (Some(pattern), Some(parameter)) =
            (node.get("AllowedPattern"), scope.parameters.get(&key.name))
        else {
            continue;
        };
        let text = pattern.as_str().unwrap_or_default();
        let Ok(regex) = regex_lite::Regex::new(&format!("^(?:{text})$")) else {
            let consequence = "this expression is not understood here: values are not checked";
            scope.remark(pattern.pos, &key.name, "AllowedPattern", consequence);
            continue;
        };
        if !regex.is_match(&parameter.text) {
            let value = shown(&parameter.text);
            let message = format!(
                "the value of parameter {} is {value}: AllowedPattern {text} does not match",
                key.name
            );
            return fault(pattern.pos, message);
        }
    }
    Ok(())
}

fn is_list(kind: &str) -> bool {
    kind == "CommaDelimitedList"
        || kind.starts_with("List<")
        || kind.contains("Value<List<")
        || kind.ends_with("Value<CommaDelimitedList>")
}

fn scalar(node: &Node, name: &str) -> Result<String> {
    match (node.as_str(), node.as_list()) {
        (Some(text), _) => Ok(text.to_owned()),
        (None, Some(items)) if items.iter().all(|item| item.as_str().is_some()) => {
            Ok(items.iter().filter_map(Node::as_str).collect::<Vec<_>>().join(","))
        }
        _ if node.is_null() => Ok(String::new()),
        _ => fault(
            node.pos,
            format!("Default of parameter {name} is {}: text is wanted", node.shown()),
        ),
    }
}

fn allowed(name: &str, kind: &str, node: &Node, parameter: &Parameter) -> Result<()> {
    let source = match parameter.origin {
        Origin::Given => "the value given for",
        Origin::Default => "Default of",
    };
    let wrong = |pos: Pos, wanted: String| {
        fault(pos, format!("{source} parameter {name} is {}: {wanted}", shown(&parameter.text)))
    };
    let at = |field: &str| node.get(field).map_or(node.pos, |field| field.pos);
    let each: Vec<&str> = match parameter.list {
        true => parameter.text.split(',').map(str::trim).collect(),
        false => vec![&parameter.text],
    };
    if let Some(values) = node.get("AllowedValues").and_then(Node::as_list) {
        let values: Vec<&str> =
            values.iter().filter_map(|value| value.as_str().or(Some(""))).collect();
        if each.iter().any(|one| !values.contains(one)) {
            return wrong(at("AllowedValues"), format!("one of {} is wanted", values.join(", ")));
        }
    }
    if kind.contains("Number") && each.iter().any(|one| one.parse::<f64>().is_err()) {
        return wrong(at("Default"), "a number is wanted".into());
    }
    let bound = |field: &str| {
        node.get(field).and_then(Node::as_str).and_then(|text| text.parse::<f64>().ok())
    };
    let outside = |low: Option<f64>, high: Option<f64>, value: f64| {
        low.is_some_and(|low| value < low) || high.is_some_and(|high| value > high)
    };
    let numbers = each.iter().filter_map(|one| one.parse().ok());
    let (low, high) = (bound("MinValue"), bound("MaxValue"));
    if kind.contains("Number") && numbers.into_iter().any(|value| outside(low, high, value)) {
        return wrong(at(if low.is_some() { "MinValue" } else { "MaxValue" }), range(low, high));
    }
    let length = parameter.text.chars().count() as f64;
    let (low, high) = (bound("MinLength"), bound("MaxLength"));
    if outside(low, high, length) {
        let pos = at(if low.is_some() { "MinLength" } else { "MaxLength" });
        return wrong(pos, format!("its length must be {}", range(low, high)));
    }
    Ok(())
}

fn range(low: Option<f64>, high: Option<f64>) -> String {
    match (low, high) {
        (Some(low), Some(high)) => format!("from {low} to {high}"),
        (Some(low), None) => format!("at least {low}"),
        (None, Some(high)) => format!("at most {high}"),
        (None, None) => "any".into(),
    }
}
