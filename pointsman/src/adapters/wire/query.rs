//! The Query protocol's inputs: flat parameters in, the tree that AWS JSON would have been out.

use bytes::Bytes;
use hyper::Method;
use hyper::header::CONTENT_TYPE;
use hyper::http::request::Parts;
use serde_json::{Map, Value};
use std::collections::BTreeMap;

/// The parameters of a request.
#[derive(Debug, Default)]
pub(super) struct Form(Node);

/// Parameters by the parts of their names: `Attribute.1.Name`.
#[derive(Debug)]
enum Node {
    Text(String),
    Members(BTreeMap<String, Node>),
}

impl Default for Node {
    fn default() -> Self {
        Node::Members(BTreeMap::new())
    }
}

/// The action and the other parameters, if this is a Query request: to `/`, or to a queue's URL, which then is the
/// queue where the parameters name none.
pub(super) fn parse(parts: &Parts, body: &Bytes) -> Option<(String, Form)> {
    let path = parts.uri.path();
    if path != "/" && !is_queue_path(path) {
        return None;
    }
    let is_form = parts
        .headers
        .get(CONTENT_TYPE)
        .and_then(|v| v.to_str().ok())
        .is_some_and(|v| v.starts_with("application/x-www-form-urlencoded"));
    let pairs = if parts.method == Method::POST && is_form {
        form_urlencoded::parse(body)
    } else if parts.method == Method::GET {
        form_urlencoded::parse(parts.uri.query().unwrap_or_default().as_bytes())
    } else {
        return None;
    };
    let mut form = Form::default();
    for (name, value) in pairs {
        form.0.put(&name, value.into_owned());
    }
    let action = form.text("Action")?.to_owned();
    if form.text("QueueUrl").is_none() && path != "/" {
        form.0.put("QueueUrl", path.to_owned());
    }
    Some((action, form))
}

/// `/000000000000/orders`: where Query requests of SQS may be sent to.
pub(super) fn is_queue_path(path: &str) -> bool {
    let mut parts = path.trim_start_matches('/').split('/');
    let account = parts.next().unwrap_or_default();
    let is_account = account.len() == 12 && account.bytes().all(|b| b.is_ascii_digit());
    is_account && parts.next().is_some_and(|name| !name.is_empty()) && parts.next().is_none()
}

impl Form {
    /// `Version`: the API version, by which a service is known where nothing is signed.
    pub(super) fn version(&self) -> Option<&str> {
        self.text("Version")
    }

    fn text(&self, name: &str) -> Option<&str> {
        match &self.0 {
            Node::Members(members) => match members.get(name)? {
                Node::Text(text) => Some(text),
                Node::Members(_) => None,
            },
            Node::Text(_) => None,
        }
    }

    /// The tree as the JSON protocol has it; numbers and truths stay texts.
    pub(super) fn into_value(self) -> Value {
        self.0.into_structure()
    }
}

impl Node {
    fn put(&mut self, name: &str, value: String) {
        match (name.split_once('.'), &mut *self) {
            (Some((first, rest)), Node::Members(members)) => {
                members.entry(first.to_owned()).or_default().put(rest, value);
            }
            (None, Node::Members(members)) => {
                members.insert(name.to_owned(), Node::Text(value));
            }
            // A name that is the beginning of another: the first one stays.
            (_, Node::Text(_)) => {}
        }
    }

    fn into_structure(self) -> Value {
        match self {
            Node::Text(text) => Value::String(text),
            Node::Members(members) => {
                let mut object = Map::new();
                for (name, node) in members {
                    let (name, value) = member(name, node);
                    object.insert(name, value);
                }
                Value::Object(object)
            }
        }
    }

    /// Numbered members in the order of their numbers.
    fn into_items(self) -> Vec<Node> {
        match self {
            Node::Text(_) => vec![self],
            Node::Members(members) if members.keys().all(|k| k.parse::<u32>().is_ok()) => {
                let mut items: Vec<(u32, Node)> =
                    members.into_iter().filter_map(|(k, n)| Some((k.parse().ok()?, n))).collect();
                items.sort_by_key(|(number, _)| *number);
                items.into_iter().map(|(_, node)| node).collect()
            }
            Node::Members(_) => vec![self],
        }
    }

    fn into_list(self) -> Value {
        self.into_items().into_iter().map(Node::into_structure).collect()
    }

    /// `N.Name` and `N.Value` (a tag's `N.Key`) as one object.
    fn into_map(self) -> Value {
        let entry = |node: Node| {
            let Node::Members(mut members) = node else { return None };
            let name = members.remove("Name").or_else(|| members.remove("Key"))?;
            let Node::Text(name) = name else { return None };
            Some((name, members.remove("Value").unwrap_or_default().into_structure()))
        };
        Value::Object(self.into_items().into_iter().filter_map(entry).collect())
    }
}

/// A member under its name in the JSON protocol. Only SQS has lists and maps in its forms.
fn member(name: String, node: Node) -> (String, Value) {
    match name.as_str() {
        "AttributeName" => ("AttributeNames".into(), node.into_list()),
        "MessageAttributeName" => ("MessageAttributeNames".into(), node.into_list()),
        "MessageSystemAttributeName" => ("MessageSystemAttributeNames".into(), node.into_list()),
        "SendMessageBatchRequestEntry"
        | "DeleteMessageBatchRequestEntry"
        | "ChangeMessageVisibilityBatchRequestEntry" => ("Entries".into(), node.into_list()),
        "Attribute" => ("Attributes".into(), node.into_map()),
        "MessageAttribute" => ("MessageAttributes".into(), node.into_map()),
        "MessageSystemAttribute" => ("MessageSystemAttributes".into(), node.into_map()),
        "Tag" => ("tags".into(), node.into_map()),
        _ => (name, node.into_structure()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[track_caller]
    fn case(form: &str, wanted: Value) {
        let mut read = Form::default();
        for (name, value) in form_urlencoded::parse(form.as_bytes()) {
            read.0.put(&name, value.into_owned());
        }
        assert_eq!(read.into_value(), wanted, "{form}");
    }

    #[test]
    fn flat_parameters_become_the_tree_of_the_json_protocol() {
        case(
            "MessageBody=a%20b&DelaySeconds=3",
            json!({"MessageBody": "a b", "DelaySeconds": "3"}),
        );
        case(
            "Attribute.1.Name=DelaySeconds&Attribute.1.Value=5&Attribute.2.Name=Policy&Attribute.2.Value=",
            json!({"Attributes": {"DelaySeconds": "5", "Policy": ""}}),
        );
        case(
            "AttributeName.10=c&AttributeName.2=b&AttributeName.1=a",
            json!({"AttributeNames": ["a", "b", "c"]}),
        );
        case("AttributeName=All", json!({"AttributeNames": ["All"]}));
        case(
            "SendMessageBatchRequestEntry.1.Id=x&SendMessageBatchRequestEntry.1.MessageAttribute.1.Name=n\
             &SendMessageBatchRequestEntry.1.MessageAttribute.1.Value.DataType=String\
             &SendMessageBatchRequestEntry.1.MessageAttribute.1.Value.StringValue=v",
            json!({"Entries": [{"Id": "x", "MessageAttributes": {"n": {"DataType": "String", "StringValue": "v"}}}]}),
        );
        case("Attribute.Name=a&Attribute.Value=b", json!({"Attributes": {"a": "b"}}));
    }
}
