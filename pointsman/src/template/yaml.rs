//! Text → [`Node`]: YAML 1.1 as CloudFormation takes it, and JSON, which is YAML.
//!
//! Short intrinsics (`!Sub x`) become their long form here, so that every later step knows one form only.

use super::names::{nearest, one_of};
use super::node::{Fault, Key, Node, Pos, Result, Value, fault};
use granit_parser::{Event, Parser, ScalarStyle, Span, Tag};
use std::collections::HashMap;

/// Bytes of a template; CloudFormation takes 1 MB.
const LARGEST: usize = 4 << 20;
/// Lists and maps inside each other, aliases counted as what they stand for.
const DEEPEST: usize = 96;
/// Values, aliases counted as what they stand for: a bound on what a few lines of aliases can unfold to.
const MOST: usize = 400_000;
/// Keys of one map: each new one is compared with all before it.
const MOST_KEYS: usize = 4_000;

/// Functions that have a short form, beside `Ref` and `Condition`.
const FUNCTIONS: [&str; 20] = [
    "And",
    "Base64",
    "Cidr",
    "Equals",
    "FindInMap",
    "ForEach",
    "GetAZs",
    "GetAtt",
    "If",
    "ImportValue",
    "Join",
    "Length",
    "Not",
    "Or",
    "Select",
    "Split",
    "Sub",
    "ToJsonString",
    "Transform",
    "EachMemberIn",
];

/// Reads the single document in `text`.
pub(crate) fn parse(text: &str) -> Result<Node> {
    let start = Pos { line: 1, column: 1 };
    if text.len() > LARGEST {
        return fault(start, format!("has {} bytes: {LARGEST} at most are read", text.len()));
    }
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let mut builder = Builder::default();
    let mut documents = 0;
    for event in Parser::new_from_str(text) {
        let (event, span) = event.map_err(|error| Fault {
            pos: pos(error.marker()),
            message: format!("is not YAML: {}", error.info()),
        })?;
        let at = start_of(&span);
        match event {
            Event::DocumentStart(..) => {
                documents += 1;
                if documents > 1 {
                    return fault(at, "a second document begins here: a template is one document");
                }
            }
            Event::Scalar(text, style, anchor, tag) => {
                let core = tag.as_ref().is_some_and(|tag| tag.is_yaml_core_schema());
                let plain = style == ScalarStyle::Plain && !core;
                let value = Value::Scalar { text: text.into_owned(), plain };
                builder.leaf(Node { pos: at, value }, anchor, name_of(tag.as_deref(), at)?)?;
            }
            Event::SequenceStart(_, anchor, tag) => {
                builder.open(Open::List(Vec::new()), at, anchor, name_of(tag.as_deref(), at)?)?;
            }
            Event::MappingStart(_, anchor, tag) => {
                builder.open(
                    Open::Map(Vec::new(), None),
                    at,
                    anchor,
                    name_of(tag.as_deref(), at)?,
                )?;
            }
            Event::SequenceEnd | Event::MappingEnd => builder.close()?,
            Event::Alias(anchor) => builder.alias(anchor, at)?,
            _ => {}
        }
    }
    match builder.root {
        Some(root) if !root.is_null() => Ok(root),
        _ => fault(start, "is empty: a template with Resources is wanted"),
    }
}

#[derive(Default)]
struct Builder {
    open: Vec<(Open, Pos, usize, Option<String>)>,
    /// Anchored values with their size and height.
    anchors: HashMap<usize, (Node, usize, usize)>,
    values: usize,
    root: Option<Node>,
}

enum Open {
    List(Vec<Node>),
    Map(Vec<(Key, Node)>, Option<Key>),
}

impl Builder {
    fn leaf(&mut self, node: Node, anchor: usize, tag: Option<String>) -> Result<()> {
        self.count(1, 1, node.pos)?;
        let node = tagged(node, tag);
        if anchor > 0 {
            self.anchors.insert(anchor, (node.clone(), 1, 1));
        }
        self.put(node)
    }

    fn open(&mut self, open: Open, at: Pos, anchor: usize, tag: Option<String>) -> Result<()> {
        self.count(1, 1, at)?;
        self.open.push((open, at, anchor, tag));
        Ok(())
    }

    fn close(&mut self) -> Result<()> {
        let Some((open, at, anchor, tag)) = self.open.pop() else { return Ok(()) };
        let node = match open {
            Open::List(items) => Node::list(at, items),
            Open::Map(entries, _) => Node::map(at, merged(entries)?),
        };
        let node = tagged(node, tag);
        if anchor > 0 {
            let (size, height) = extent(&node);
            self.anchors.insert(anchor, (node.clone(), size, height));
        }
        self.put(node)
    }

    fn alias(&mut self, anchor: usize, at: Pos) -> Result<()> {
        let Some((node, size, height)) = self.anchors.get(&anchor) else {
            return fault(at, "this alias stands inside what it names");
        };
        let (size, height) = (*size, *height);
        let node = node.clone();
        self.count(size, height, at)?;
        self.put(node)
    }

    fn count(&mut self, values: usize, height: usize, at: Pos) -> Result<()> {
        self.values += values;
        if self.values > MOST {
            return fault(at, format!("unfolds to more than {MOST} values"));
        }
        if self.open.len() + height > DEEPEST {
            return fault(at, format!("is nested deeper than {DEEPEST} levels"));
        }
        Ok(())
    }

    fn put(&mut self, node: Node) -> Result<()> {
        match self.open.last_mut() {
            None => self.root = Some(node),
            Some((Open::List(items), ..)) => items.push(node),
            Some((Open::Map(entries, waiting), ..)) => match waiting.take() {
                Some(key) => entries.push((key, node)),
                None => *waiting = Some(key(node, entries)?),
            },
        }
        Ok(())
    }
}

fn key(node: Node, entries: &[(Key, Node)]) -> Result<Key> {
    let Value::Scalar { text: name, .. } = node.value else {
        return fault(node.pos, "a key must be text");
    };
    if entries.len() >= MOST_KEYS {
        return fault(node.pos, format!("a map has more than {MOST_KEYS} keys"));
    }
    if let Some((first, _)) = entries.iter().find(|(key, _)| key.name == name) {
        let line = first.pos.line;
        return fault(node.pos, format!("key «{name}» stands twice: first on line {line}"));
    }
    Ok(Key { name, pos: node.pos })
}

/// `<<: *base` puts in the entries of another map that the map itself has not.
fn merged(entries: Vec<(Key, Node)>) -> Result<Vec<(Key, Node)>> {
    if !entries.iter().any(|(key, _)| key.name == "<<") {
        return Ok(entries);
    }
    let (merges, mut own): (Vec<_>, Vec<_>) =
        entries.into_iter().partition(|(key, _)| key.name == "<<");
    for (key, node) in merges {
        let maps = match node.value {
            Value::Map(map) => vec![map],
            Value::List(items) if items.iter().all(|item| item.as_map().is_some()) => items
                .into_iter()
                .filter_map(|item| match item.value {
                    Value::Map(map) => Some(map),
                    _ => None,
                })
                .collect(),
            _ => return fault(key.pos, "«<<» takes a map or a list of maps"),
        };
        for (key, node) in maps.into_iter().flatten() {
            if own.len() >= MOST_KEYS {
                return fault(key.pos, format!("a map has more than {MOST_KEYS} keys"));
            }
            if !own.iter().any(|(have, _)| have.name == key.name) {
                own.push((key, node));
            }
        }
    }
    Ok(own)
}

fn tagged(node: Node, tag: Option<String>) -> Node {
    match tag {
        Some(name) => Node::map(node.pos, vec![(Key { name, pos: node.pos }, node)]),
        None => node,
    }
}

/// The long form's key for a short form's tag; `None` without a tag of CloudFormation's.
fn name_of(tag: Option<&Tag>, at: Pos) -> Result<Option<String>> {
    let Some(tag) = tag.filter(|tag| !tag.is_yaml_core_schema()) else { return Ok(None) };
    match tag.suffix() {
        "" => Ok(None),
        suffix @ ("Ref" | "Condition") => Ok(Some(suffix.to_owned())),
        suffix if FUNCTIONS.contains(&suffix) => Ok(Some(format!("Fn::{suffix}"))),
        other => {
            let names = FUNCTIONS.into_iter().chain(["Ref", "Condition"]);
            let hint = nearest(other, names).map(|name| format!("!{name}"));
            fault(at, format!("!{other} is no function of CloudFormation's{}", one_of(hint)))
        }
    }
}

fn extent(node: &Node) -> (usize, usize) {
    let children: Vec<&Node> = match &node.value {
        Value::Scalar { .. } => return (1, 1),
        Value::List(items) => items.iter().collect(),
        Value::Map(entries) => entries.iter().map(|(_, node)| node).collect(),
    };
    let (mut size, mut height) = (1, 0);
    for child in children {
        let (child_size, child_height) = extent(child);
        size += child_size;
        height = height.max(child_height);
    }
    (size, height + 1)
}

fn start_of(span: &Span) -> Pos {
    pos(span.tag_start().as_ref().unwrap_or(&span.start))
}

fn pos(marker: &granit_parser::Marker) -> Pos {
    let number = |value: usize| u32::try_from(value).unwrap_or(u32::MAX);
    Pos { line: number(marker.line().max(1)), column: number(marker.col().saturating_add(1)) }
}
