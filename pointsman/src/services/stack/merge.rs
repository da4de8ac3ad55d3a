//! What a resource becomes of what was wanted, what is wanted, and what is there.

use crate::topology::Spec;
use serde_json::Value;

/// What a resource becomes.
pub(super) struct Merge {
    pub(super) spec: Spec,
    /// Properties that the template changes.
    pub(super) changed: Vec<String>,
    /// Properties that the API changed and the template did not.
    pub(super) drift: Vec<String>,
}

/// Three ways, property by property: `wanted` where the template changed since `base`, else `current`.
pub(super) fn merge(base: Option<&Spec>, wanted: &Spec, current: &Spec) -> Merge {
    let properties = |spec: &Spec| match serde_json::to_value(spec) {
        Ok(Value::Object(kind)) => kind.into_values().next(),
        _ => None,
    };
    let (Some(Value::Object(new)), Some(Value::Object(mut now))) =
        (properties(wanted), properties(current))
    else {
        return Merge { spec: wanted.clone(), changed: vec![], drift: vec![] };
    };
    let base = base.and_then(properties);
    let (mut changed, mut drift) = (vec![], vec![]);
    for (name, value) in new {
        let wanted = without_places(&value);
        let there = now.get(&name).map(without_places).as_ref() == Some(&wanted);
        let before = base.as_ref().and_then(|b| b.get(&name)).map(without_places);
        if !there && before == Some(wanted) {
            drift.push(name);
        } else {
            if !there {
                changed.push(name.clone());
            }
            now.insert(name, value);
        }
    }
    let kind = serde_json::to_value(wanted).ok().and_then(|v| {
        let Value::Object(kind) = v else { return None };
        kind.into_iter().next().map(|(name, _)| name)
    });
    let merged = serde_json::json!({ kind.unwrap_or_default(): now });
    let spec = serde_json::from_value(merged).unwrap_or_else(|_| wanted.clone());
    Merge { spec, changed, drift }
}

/// A line that was inserted above changes places, and nothing else.
fn without_places(value: &Value) -> Value {
    match value {
        Value::Object(fields) => {
            let kept = fields.iter().filter(|(key, value)| *key != "place" || !value.is_object());
            Value::Object(kept.map(|(key, v)| (key.clone(), without_places(v))).collect())
        }
        Value::Array(items) => Value::Array(items.iter().map(without_places).collect()),
        other => other.clone(),
    }
}
