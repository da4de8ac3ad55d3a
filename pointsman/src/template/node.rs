//! The tree every later step works on: scalars, lists and maps, each with its place in the file.

use std::fmt::Write;

/// Line and column, both from 1.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Pos {
    pub(crate) line: u32,
    pub(crate) column: u32,
}

/// What makes reading impossible, without the file's name, which only the outermost step knows.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Fault {
    pub(crate) pos: Pos,
    pub(crate) message: String,
}

pub(crate) type Result<T> = std::result::Result<T, Fault>;

/// A fault at `pos`.
pub(crate) fn fault<T>(pos: Pos, message: impl Into<String>) -> Result<T> {
    Err(Fault { pos, message: message.into() })
}

/// A value and where it stands.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Node {
    pub(crate) pos: Pos,
    pub(crate) value: Value,
}

#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Value {
    /// `plain` is true of text without quotes, which may therefore mean a number, a boolean or null.
    Scalar {
        text: String,
        plain: bool,
    },
    List(Vec<Node>),
    Map(Vec<(Key, Node)>),
}

/// A key of a map. Keys are text and stand once.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Key {
    pub(crate) name: String,
    pub(crate) pos: Pos,
}

impl Node {
    /// Text that means nothing but itself.
    pub(crate) fn text(pos: Pos, text: impl Into<String>) -> Self {
        Node { pos, value: Value::Scalar { text: text.into(), plain: false } }
    }

    pub(crate) fn list(pos: Pos, items: Vec<Node>) -> Self {
        Node { pos, value: Value::List(items) }
    }

    pub(crate) fn map(pos: Pos, entries: Vec<(Key, Node)>) -> Self {
        Node { pos, value: Value::Map(entries) }
    }

    pub(crate) fn is_null(&self) -> bool {
        matches!(&self.value, Value::Scalar { text, plain: true }
            if matches!(text.as_str(), "" | "~" | "null" | "Null" | "NULL"))
    }

    pub(crate) fn as_str(&self) -> Option<&str> {
        match &self.value {
            Value::Scalar { text, .. } if !self.is_null() => Some(text),
            _ => None,
        }
    }

    pub(crate) fn as_list(&self) -> Option<&[Node]> {
        match &self.value {
            Value::List(items) => Some(items),
            _ => None,
        }
    }

    pub(crate) fn as_map(&self) -> Option<&[(Key, Node)]> {
        match &self.value {
            Value::Map(entries) => Some(entries),
            _ => None,
        }
    }

    pub(crate) fn get(&self, name: &str) -> Option<&Node> {
        self.as_map()?.iter().find(|(key, _)| key.name == name).map(|(_, node)| node)
    }

    /// `(name, key's place, argument)` of an intrinsic function in its long form.
    pub(crate) fn intrinsic(&self) -> Option<(&str, Pos, &Node)> {
        match self.as_map()? {
            [(key, argument)] if key.name == "Ref" || key.name.starts_with("Fn::") => {
                Some((&key.name, key.pos, argument))
            }
            _ => None,
        }
    }

    /// The same tree with every place set to `pos`, for what was parsed out of a text.
    pub(crate) fn moved_to(self, pos: Pos) -> Node {
        let value = match self.value {
            Value::List(items) => {
                Value::List(items.into_iter().map(|item| item.moved_to(pos)).collect())
            }
            Value::Map(entries) => Value::Map(
                entries
                    .into_iter()
                    .map(|(key, item)| (Key { pos, ..key }, item.moved_to(pos)))
                    .collect(),
            ),
            scalar => scalar,
        };
        Node { pos, value }
    }

    /// How an error message shows the value: `«abc»`, `a list`, `a map`, `empty`.
    pub(crate) fn shown(&self) -> String {
        match &self.value {
            _ if self.is_null() => "empty".into(),
            Value::Scalar { text, .. } => shown(text),
            Value::List(_) => "a list".into(),
            Value::Map(_) => "a map".into(),
        }
    }

    /// The value as JSON text, keys in the order of the file. Unquoted numbers, booleans and null keep their type.
    pub(crate) fn json(&self) -> String {
        let mut out = String::new();
        self.write_json(&mut out);
        out
    }

    fn write_json(&self, out: &mut String) {
        match &self.value {
            _ if self.is_null() => out.push_str("null"),
            Value::Scalar { text, plain: true } if truth(text).is_some() => {
                out.push_str(if truth(text) == Some(true) { "true" } else { "false" });
            }
            Value::Scalar { text, plain: true } if is_number(text) => out.push_str(text),
            Value::Scalar { text, .. } => quote(text, out),
            Value::List(items) => {
                out.push('[');
                for (index, item) in items.iter().enumerate() {
                    if index > 0 {
                        out.push(',');
                    }
                    item.write_json(out);
                }
                out.push(']');
            }
            Value::Map(entries) => {
                out.push('{');
                for (index, (key, item)) in entries.iter().enumerate() {
                    if index > 0 {
                        out.push(',');
                    }
                    quote(&key.name, out);
                    out.push(':');
                    item.write_json(out);
                }
                out.push('}');
            }
        }
    }
}

/// The boolean that CloudFormation's YAML 1.1 sees in a word, if any.
pub(crate) fn truth(text: &str) -> Option<bool> {
    match text {
        "true" | "True" | "TRUE" | "yes" | "Yes" | "YES" | "on" | "On" | "ON" => Some(true),
        "false" | "False" | "FALSE" | "no" | "No" | "NO" | "off" | "Off" | "OFF" => Some(false),
        _ => None,
    }
}

/// `«text»`, cut where it is long, on one line.
pub(crate) fn shown(text: &str) -> String {
    const LONGEST: usize = 60;
    let line: String = text
        .chars()
        .take(LONGEST)
        .map(|character| if character.is_control() { ' ' } else { character })
        .collect();
    let more = if text.chars().nth(LONGEST).is_some() { "…" } else { "" };
    format!("«{line}{more}»")
}

fn is_number(text: &str) -> bool {
    serde_json::from_str::<serde_json::Number>(text).is_ok()
}

fn quote(text: &str, out: &mut String) {
    out.push('"');
    for character in text.chars() {
        match character {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            control if control < ' ' => {
                // Writing to a String cannot fail.
                let _ = write!(out, "\\u{:04x}", control as u32);
            }
            other => out.push(other),
        }
    }
    out.push('"');
}
