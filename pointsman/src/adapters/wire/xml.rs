//! The Query protocol's answers: the tree that the JSON protocol would have written, as XML.

use super::fault::Shape;
use super::route::Service;
use crate::engine::Id;
use serde_json::{Map, Value};
use std::fmt::Write as _;

const SQS: &str = "http://queue.amazonaws.com/doc/2012-11-05/";
const STS: &str = "https://sts.amazonaws.com/doc/2011-06-15/";

/// The answer of an action; `None` where it answers nothing but its request id.
pub(super) fn response(action: &str, result: Option<&Value>, id: Id) -> String {
    let space = if action == "GetCallerIdentity" { STS } else { SQS };
    let mut xml = format!("<?xml version=\"1.0\"?><{action}Response xmlns=\"{space}\">");
    if let Some(result) = result {
        element(&mut xml, &format!("{action}Result"), |xml| {
            if let Value::Object(members) = result {
                structure(xml, action, members);
            }
        });
    }
    element(&mut xml, "ResponseMetadata", |xml| {
        element(xml, "RequestId", |xml| text(xml, &id.to_string()));
    });
    let _ = write!(xml, "</{action}Response>");
    xml
}

/// An error.
pub(super) fn error(service: Service, shape: &Shape, message: &str, id: Id) -> String {
    let space = if service == Service::Sts { STS } else { SQS };
    let mut xml = format!("<?xml version=\"1.0\"?><ErrorResponse xmlns=\"{space}\">");
    element(&mut xml, "Error", |xml| {
        let blame = if shape.sender { "Sender" } else { "Receiver" };
        element(xml, "Type", |xml| text(xml, blame));
        element(xml, "Code", |xml| text(xml, shape.query));
        element(xml, "Message", |xml| text(xml, message));
    });
    element(&mut xml, "RequestId", |xml| text(xml, &id.to_string()));
    xml.push_str("</ErrorResponse>");
    xml
}

fn structure(xml: &mut String, action: &str, members: &Map<String, Value>) {
    for (name, value) in members {
        match (name.as_str(), value) {
            ("Attributes", Value::Object(entries)) => map(xml, action, "Attribute", entries),
            ("MessageAttributes", Value::Object(entries)) => {
                map(xml, action, "MessageAttribute", entries);
            }
            (_, Value::Array(items)) => {
                for item in items {
                    element(xml, &item_name(action, name), |xml| content(xml, action, item));
                }
            }
            _ => element(xml, name, |xml| content(xml, action, value)),
        }
    }
}

fn map(xml: &mut String, action: &str, name: &str, entries: &Map<String, Value>) {
    for (key, value) in entries {
        element(xml, name, |xml| {
            element(xml, "Name", |xml| text(xml, key));
            element(xml, "Value", |xml| content(xml, action, value));
        });
    }
}

fn content(xml: &mut String, action: &str, value: &Value) {
    match value {
        Value::Object(members) => structure(xml, action, members),
        Value::String(value) => text(xml, value),
        other => text(xml, &other.to_string()),
    }
}

/// What an item of a list is called; lists are flat in SQS.
fn item_name(action: &str, list: &str) -> String {
    match list {
        "Messages" => "Message".into(),
        "QueueUrls" | "queueUrls" => "QueueUrl".into(),
        "Successful" => format!("{action}ResultEntry"),
        "Failed" => "BatchResultErrorEntry".into(),
        other => other.into(),
    }
}

fn element(xml: &mut String, name: &str, inside: impl FnOnce(&mut String)) {
    // Writing to a String cannot fail.
    let _ = write!(xml, "<{name}>");
    inside(xml);
    let _ = write!(xml, "</{name}>");
}

fn text(xml: &mut String, text: &str) {
    for c in text.chars() {
        match c {
            '&' => xml.push_str("&amp;"),
            '<' => xml.push_str("&lt;"),
            '>' => xml.push_str("&gt;"),
            '"' => xml.push_str("&quot;"),
            // A parser would read it as a line feed.
            '\r' => xml.push_str("&#xD;"),
            c => xml.push(c),
        }
    }
}
