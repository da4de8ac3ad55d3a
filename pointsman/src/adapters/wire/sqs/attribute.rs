use crate::adapters::digest;
use crate::engine::{Attribute, AttributeValue, Fault};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::collections::BTreeMap;

/// A message attribute as requests and answers have it.
#[derive(Deserialize, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Wired {
    data_type: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    string_value: Option<String>,
    /// Base64.
    #[serde(skip_serializing_if = "Option::is_none")]
    binary_value: Option<String>,
    #[serde(skip_serializing)]
    string_list_values: Option<Value>,
    #[serde(skip_serializing)]
    binary_list_values: Option<Value>,
}

impl Wired {
    pub(super) fn of(attribute: Attribute) -> Wired {
        let (string_value, binary_value) = match attribute.value {
            AttributeValue::Text(text) => (Some(text), None),
            AttributeValue::Bytes(bytes) => (None, Some(STANDARD.encode(bytes))),
        };
        Wired {
            data_type: Some(attribute.data_type),
            string_value,
            binary_value,
            string_list_values: None,
            binary_list_values: None,
        }
    }

    /// Bytes of type and value; of a binary value those that its base64 stands for.
    pub(super) fn size(&self) -> usize {
        let text = |t: &Option<String>| t.as_ref().map_or(0, String::len);
        let binary = self.binary_value.as_ref().map_or(0, |value| {
            let padding = value.bytes().rev().take_while(|b| *b == b'=').count();
            (value.len() / 4 * 3).saturating_sub(padding)
        });
        text(&self.data_type) + text(&self.string_value) + binary
    }

    fn read(self, name: &str) -> Result<Attribute, Fault> {
        let list =
            |v: &Option<Value>| v.as_ref().and_then(Value::as_array).is_some_and(|v| !v.is_empty());
        if list(&self.string_list_values) || list(&self.binary_list_values) {
            return Err(super::unsupported(
                "Message attribute list values in SendMessage operation are not supported.".into(),
            ));
        }
        let data_type = self.data_type.filter(|t| !t.is_empty()).ok_or_else(|| {
            invalid(format!(
                "The message attribute '{name}' must contain non-empty message attribute type."
            ))
        })?;
        let kind = data_type.split('.').next().unwrap_or_default();
        let empty = || {
            invalid(format!(
                "The message attribute '{name}' must contain non-empty message attribute value for message attribute type '{data_type}'."
            ))
        };
        let value = match kind {
            "String" | "Number" => {
                let text = self.string_value.filter(|v| !v.is_empty()).ok_or_else(empty)?;
                if kind == "Number" && text.trim().parse::<f64>().is_err() {
                    return Err(invalid(format!(
                        "Can't cast the value of message (user) attribute '{name}' to a number."
                    )));
                }
                AttributeValue::Text(text)
            }
            "Binary" => {
                let text = self.binary_value.filter(|v| !v.is_empty()).ok_or_else(empty)?;
                let bytes = STANDARD.decode(text).map_err(|_| {
                    invalid(format!("The value of message attribute '{name}' is not base64."))
                })?;
                AttributeValue::Bytes(bytes)
            }
            _ => {
                return Err(invalid(format!(
                    "The type of message (user) attribute '{name}' is invalid. You must use only the following supported type prefixes: Binary, Number, String."
                )));
            }
        };
        Ok(Attribute { data_type, value })
    }
}

/// The attributes of a message that is sent.
///
/// # Errors
/// `InvalidParameterValue`
pub(super) fn read(
    given: Option<BTreeMap<String, Wired>>,
) -> Result<BTreeMap<String, Attribute>, Fault> {
    let given = given.unwrap_or_default();
    if given.len() > 10 {
        return Err(invalid(format!(
            "Number of message attributes [{}] exceeds the allowed maximum [10].",
            given.len()
        )));
    }
    let read = |(name, wired): (String, Wired)| {
        check_name(&name)?;
        let attribute = wired.read(&name)?;
        Ok((name, attribute))
    };
    given.into_iter().map(read).collect()
}

/// The text of the one system attribute that can be sent, `AWSTraceHeader`, and its digest.
pub(super) fn read_system(
    given: Option<BTreeMap<String, Wired>>,
) -> Result<(Option<String>, Option<String>), Fault> {
    let mut trace = (None, None);
    for (name, wired) in given.unwrap_or_default() {
        if name != "AWSTraceHeader" {
            return Err(invalid(format!("Message system attribute name '{name}' is invalid.")));
        }
        let attribute = wired.read(&name)?;
        match attribute.value.clone() {
            AttributeValue::Text(text) if attribute.data_type == "String" => {
                trace = (Some(text), digest::of_attributes(&BTreeMap::from([(name, attribute)])));
            }
            _ => {
                return Err(invalid(
                    "The message system attribute 'AWSTraceHeader' is of type String.".into(),
                ));
            }
        }
    }
    Ok(trace)
}

/// Whether `MessageAttributeNames` of a receive wants this attribute: by name, by `prefix.*`, or all of them.
pub(super) fn is_wanted(wanted: &[String], name: &str) -> bool {
    wanted.iter().any(|wanted| match wanted.as_str() {
        "All" | ".*" => true,
        wanted => match wanted.strip_suffix(".*") {
            Some(prefix) => name.starts_with(prefix),
            None => wanted == name,
        },
    })
}

fn check_name(name: &str) -> Result<(), Fault> {
    let fits = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.');
    let lower = name.to_ascii_lowercase();
    let is_reserved = lower.starts_with("aws.") || lower.starts_with("amazon.");
    let has_dots = name.starts_with('.') || name.ends_with('.') || name.contains("..");
    if name.is_empty() || name.len() > 256 || !name.chars().all(fits) || is_reserved || has_dots {
        return Err(invalid(format!(
            "Message (user) attribute name '{name}' is invalid: 1 to 256 of letters, digits, _ - and single periods inside, not beginning with AWS. or Amazon."
        )));
    }
    Ok(())
}

fn invalid(message: String) -> Fault {
    Fault::new("InvalidParameterValue", message)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn case(wanted: &[&str], name: &str, expected: bool) {
        let wanted: Vec<String> = wanted.iter().map(|w| (*w).to_owned()).collect();
        assert_eq!(is_wanted(&wanted, name), expected, "{wanted:?} {name}");
    }

    #[test]
    fn attributes_are_asked_for_by_name_by_prefix_or_all_together() {
        case(&["All"], "a", true);
        case(&[".*"], "a", true);
        case(&["trace.*"], "trace.id", true);
        case(&["trace.*"], "other", false);
        case(&["a", "b"], "b", true);
        case(&["a"], "ab", false);
        case(&[], "a", false);
    }
}
