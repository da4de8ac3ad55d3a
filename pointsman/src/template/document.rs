//! The sections of a template and its resources, before anything is resolved.

use super::names::{nearest, one_of};
use super::node::{Node, Pos, Result, Value, fault};
use std::collections::BTreeMap;

const SECTIONS: [&str; 12] = [
    "AWSTemplateFormatVersion",
    "Conditions",
    "Description",
    "Globals",
    "Hooks",
    "Mappings",
    "Metadata",
    "Outputs",
    "Parameters",
    "Resources",
    "Rules",
    "Transform",
];
const ATTRIBUTES: [&str; 11] = [
    "Condition",
    "Connectors",
    "CreationPolicy",
    "DeletionPolicy",
    "DependsOn",
    "IgnoreGlobals",
    "Metadata",
    "Properties",
    "Type",
    "UpdatePolicy",
    "UpdateReplacePolicy",
];
/// As CloudFormation has it.
const MOST_RESOURCES: usize = 500;

/// A template's sections; a missing one is an empty map.
pub(crate) struct Document {
    pub(crate) sections: BTreeMap<String, Node>,
    pub(crate) resources: Vec<Raw>,
    /// The template is SAM's: `Transform` names `AWS::Serverless-2016-10-31`.
    pub(crate) serverless: bool,
}

/// A resource as it stands.
pub(crate) struct Raw {
    pub(crate) id: String,
    pub(crate) pos: Pos,
    pub(crate) kind: String,
    pub(crate) kind_pos: Pos,
    pub(crate) properties: Node,
    pub(crate) depends_on: Vec<(String, Pos)>,
    pub(crate) condition: Option<(String, Pos)>,
    pub(crate) metadata: Option<Node>,
    pub(crate) connectors: Option<Node>,
    /// `IgnoreGlobals`: `*` or names of properties.
    pub(crate) ignore_globals: Option<Node>,
}

impl Document {
    pub(crate) fn read(root: Node) -> Result<Document> {
        let pos = root.pos;
        let Value::Map(entries) = root.value else {
            return fault(pos, "is not a template: a map with Resources is wanted");
        };
        let mut sections = BTreeMap::new();
        for (key, node) in entries {
            if !SECTIONS.contains(&key.name.as_str()) {
                let hint = one_of(nearest(&key.name, SECTIONS));
                return fault(key.pos, format!("«{}» is no section of a template{hint}", key.name));
            }
            sections.insert(key.name, node);
        }
        let Some(resources) = sections.remove("Resources") else {
            return fault(pos, "is not a template: it has no Resources");
        };
        let resources_pos = resources.pos;
        let Value::Map(entries) = resources.value else {
            return fault(resources_pos, "Resources is not a map of logical ids");
        };
        if entries.len() > MOST_RESOURCES {
            return fault(resources_pos, format!("has more than {MOST_RESOURCES} resources"));
        }
        let serverless = sections.get("Transform").is_some_and(names_sam);
        let resources = entries
            .into_iter()
            .map(|(key, node)| Raw::read(key.name, key.pos, node))
            .collect::<Result<Vec<_>>>()?;
        let document = Document { sections, resources, serverless };
        if !serverless && let Some(raw) = document.resources.iter().find(|raw| raw.is_sam()) {
            let message = format!(
                "{} of {} needs the line «Transform: AWS::Serverless-2016-10-31»",
                raw.kind, raw.id
            );
            return fault(raw.kind_pos, message);
        }
        Ok(document)
    }

    /// The entries of a section that maps names to values.
    pub(crate) fn entries(&self, section: &str) -> Result<&[(super::node::Key, Node)]> {
        match self.sections.get(section) {
            None => Ok(&[]),
            Some(node) if node.is_null() => Ok(&[]),
            Some(node) => match node.as_map() {
                Some(entries) => Ok(entries),
                None => fault(node.pos, format!("{section} is {}: a map is wanted", node.shown())),
            },
        }
    }

    pub(crate) fn find(&self, id: &str) -> Option<&Raw> {
        self.resources.iter().find(|raw| raw.id == id)
    }
}

impl Raw {
    fn read(id: String, pos: Pos, node: Node) -> Result<Raw> {
        if id.is_empty() || !id.chars().all(|character| character.is_ascii_alphanumeric()) {
            return fault(pos, format!("logical id «{id}» may hold letters and digits only"));
        }
        let Value::Map(entries) = node.value else {
            return fault(node.pos, format!("resource {id} is not a map with Type and Properties"));
        };
        let mut attributes = BTreeMap::new();
        for (key, node) in entries {
            if !ATTRIBUTES.contains(&key.name.as_str()) {
                let hint = one_of(nearest(&key.name, ATTRIBUTES));
                let message = format!("«{}» is no attribute of a resource ({id}){hint}", key.name);
                return fault(key.pos, message);
            }
            attributes.insert(key.name, (key.pos, node));
        }
        let mut take = |name: &str| attributes.remove(name).map(|(_, node)| node);
        let Some(kind_node) = take("Type") else {
            return fault(pos, format!("resource {id} has no Type"));
        };
        let Some(kind) = kind_node.as_str().map(str::to_owned) else {
            return fault(
                kind_node.pos,
                format!("Type of {id} is {}: text is wanted", kind_node.shown()),
            );
        };
        let properties = match take("Properties") {
            Some(node) if !node.is_null() => node,
            _ => Node::map(pos, Vec::new()),
        };
        if properties.as_map().is_none() {
            return fault(properties.pos, format!("Properties of {id} is not a map"));
        }
        let depends_on = match take("DependsOn") {
            None => Vec::new(),
            Some(node) => texts(&node, &format!("DependsOn of {id}"))?,
        };
        let condition = match take("Condition") {
            None => None,
            Some(node) => texts(&node, &format!("Condition of {id}"))?.into_iter().next(),
        };
        Ok(Raw {
            kind_pos: kind_node.pos,
            metadata: take("Metadata"),
            connectors: take("Connectors"),
            ignore_globals: take("IgnoreGlobals"),
            id,
            pos,
            kind,
            properties,
            depends_on,
            condition,
        })
    }

    pub(crate) fn is_sam(&self) -> bool {
        self.kind.starts_with("AWS::Serverless::")
    }

    /// `(logical id, event)` of a SAM function's events.
    pub(crate) fn events(&self) -> &[(super::node::Key, Node)] {
        match self.kind.as_str() {
            "AWS::Serverless::Function" => {
                self.properties.get("Events").and_then(Node::as_map).unwrap_or(&[])
            }
            _ => &[],
        }
    }
}

/// One text, or a list of them.
fn texts(node: &Node, what: &str) -> Result<Vec<(String, Pos)>> {
    let one = |node: &Node| match node.as_str() {
        Some(text) => Ok((text.to_owned(), node.pos)),
        None => fault(node.pos, format!("{what} is {}: a logical name is wanted", node.shown())),
    };
    match node.as_list() {
        Some(items) => items.iter().map(one).collect(),
        None => Ok(vec![one(node)?]),
    }
}

fn names_sam(node: &Node) -> bool {
    let is_sam = |node: &Node| node.as_str() == Some("AWS::Serverless-2016-10-31");
    is_sam(node) || node.as_list().is_some_and(|items| items.iter().any(is_sam))
}
