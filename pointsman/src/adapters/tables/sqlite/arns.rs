//! The library writes one fixed account and region into its ARNs; outside there are only the configured ones.

use crate::topology::Region;
use dynoxide::DynoxideError;
use dynoxide::streams::{LOCAL_ACCOUNT, LOCAL_REGION};
use serde_json::Value;

/// Members of a request that may hold an ARN of ours.
const ASKED: [&str; 4] = ["TableName", "ResourceArn", "StreamArn", "ExclusiveStartStreamArn"];

/// A body with its ARNs as the library knows them, and table names where an ARN stood for one; `None` where there
/// is nothing to rewrite.
///
/// # Errors
/// `ValidationException` for an ARN of another account, region or service.
pub(super) fn inward(region: &Region, body: &[u8]) -> Result<Option<Vec<u8>>, DynoxideError> {
    if !contains(body, b"\"arn:") {
        return Ok(None);
    }
    let Ok(mut request) = serde_json::from_slice::<Value>(body) else {
        return Ok(None);
    };
    let mut changed = false;
    if let Value::Object(members) = &mut request {
        for name in ASKED {
            changed |= one_in(region, name, members.get_mut(name))?;
        }
        if let Some(Value::Array(actions)) = members.get_mut("TransactItems") {
            for action in actions.iter_mut().filter_map(Value::as_object_mut) {
                for write in action.values_mut() {
                    changed |= one_in(region, "TableName", write.get_mut("TableName"))?;
                }
            }
        }
        if let Some(Value::Object(tables)) = members.get_mut("RequestItems") {
            for (mut name, requests) in std::mem::take(tables) {
                if name.starts_with("arn:") {
                    name = table_of(region, &name)?.to_owned();
                    changed = true;
                }
                tables.insert(name, requests);
            }
        }
    }
    Ok(changed.then(|| request.to_string().into_bytes()))
}

/// Puts account and region into every member of an answer that holds an ARN or a region.
pub(super) fn outward(region: &Region, value: &mut Value) {
    match value {
        Value::Object(members) => {
            for (name, member) in members {
                match member {
                    Value::String(text) if name.ends_with("Arn") => {
                        if let Some(rest) = text.strip_prefix(&library_prefix()) {
                            *text = prefix(region) + rest;
                        }
                    }
                    _ => outward(region, member),
                }
            }
        }
        Value::Array(items) => items.iter_mut().for_each(|item| outward(region, item)),
        _ => {}
    }
}

/// The same for an error, whose text may repeat an ARN that came in.
pub(super) fn error_outward(region: &Region, error: DynoxideError) -> DynoxideError {
    let local = |text: String| text.replace(&library_prefix(), &prefix(region));
    match error {
        DynoxideError::ResourceNotFoundException(text) => {
            DynoxideError::ResourceNotFoundException(local(text))
        }
        DynoxideError::ValidationException(text) => DynoxideError::ValidationException(local(text)),
        DynoxideError::AccessDeniedException(text) => {
            DynoxideError::AccessDeniedException(local(text))
        }
        other => other,
    }
}

/// The ARN of a table's stream.
pub(super) fn stream(region: &Region, table: &str, label: &str) -> String {
    format!("{}/stream/{label}", region.table(table))
}

fn one_in(region: &Region, name: &str, value: Option<&mut Value>) -> Result<bool, DynoxideError> {
    let Some(Value::String(text)) = value else { return Ok(false) };
    if !text.starts_with("arn:") {
        return Ok(false);
    }
    let rest = rest_of(region, text)?;
    *text = match name {
        "TableName" => table_of(region, text)?.to_owned(),
        _ => library_prefix() + rest,
    };
    Ok(true)
}

fn table_of<'a>(region: &Region, arn: &'a str) -> Result<&'a str, DynoxideError> {
    let rest = rest_of(region, arn)?;
    rest.strip_prefix("table/")
        .map(|rest| rest.split('/').next().unwrap_or(rest))
        .ok_or_else(|| DynoxideError::ValidationException(format!("{arn} is not a table's ARN")))
}

fn rest_of<'a>(region: &Region, arn: &'a str) -> Result<&'a str, DynoxideError> {
    region.local("dynamodb", arn).ok_or_else(|| {
        DynoxideError::ValidationException(format!(
            "{arn} is not of account {} and region {}, the only ones here",
            region.account, region.name
        ))
    })
}

fn prefix(region: &Region) -> String {
    format!("arn:aws:dynamodb:{}:{}:", region.name, region.account)
}

fn library_prefix() -> String {
    format!("arn:aws:dynamodb:{LOCAL_REGION}:{LOCAL_ACCOUNT}:")
}

fn contains(body: &[u8], part: &[u8]) -> bool {
    body.windows(part.len()).any(|window| window == part)
}
