//! What names stand for while a template is resolved: parameters, mappings, conditions, resources.

use super::document::{Document, Raw};
use super::identity;
use super::names::{nearest, one_of};
use super::node::{Fault, Node, Pos, Result, fault, shown};
use super::parameters::Parameter;
use super::{Options, implicit, secrets};
use std::cell::{Cell, RefCell};
use std::collections::{BTreeMap, BTreeSet};

/// Bytes of text that resolving may make in all: a bound on names that double with each reference.
const MOST_TEXT: usize = 64 << 20;

/// A remark about something that is not run as on AWS.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Remark {
    pub(crate) pos: Pos,
    pub(crate) id: String,
    pub(crate) what: String,
    pub(crate) consequence: String,
}

/// Everything an intrinsic function may ask for.
pub(crate) struct Scope<'a> {
    pub(crate) document: &'a Document,
    pub(crate) options: &'a Options,
    pub(crate) parameters: &'a BTreeMap<String, Parameter>,
    /// Logical ids that SAM makes of the template's own resources.
    pub(crate) implicit: BTreeMap<String, implicit::Implicit>,
    conditions: RefCell<BTreeMap<String, Option<bool>>>,
    names: RefCell<BTreeMap<String, String>>,
    remarks: RefCell<Vec<Remark>>,
    said: RefCell<BTreeSet<String>>,
    text: Cell<usize>,
}

impl<'a> Scope<'a> {
    pub(crate) fn new(
        document: &'a Document,
        options: &'a Options,
        parameters: &'a BTreeMap<String, Parameter>,
    ) -> Self {
        Scope {
            document,
            options,
            parameters,
            implicit: implicit::of(document),
            conditions: RefCell::default(),
            names: RefCell::default(),
            remarks: RefCell::default(),
            said: RefCell::default(),
            text: Cell::default(),
        }
    }

    /// Notes what is not run as on AWS.
    pub(crate) fn remark(
        &self,
        pos: Pos,
        id: &str,
        what: impl Into<String>,
        consequence: impl Into<String>,
    ) {
        let (id, what, consequence) = (id.to_owned(), what.into(), consequence.into());
        let once = format!("{}:{} {id} {what}", pos.line, pos.column);
        if self.said.borrow_mut().insert(once) {
            self.remarks.borrow_mut().push(Remark { pos, id, what, consequence });
        }
    }

    /// Ends the reading: all remarks, in the order of the file.
    pub(crate) fn into_remarks(self) -> Vec<Remark> {
        let mut remarks = self.remarks.into_inner();
        remarks.sort_by_key(|remark| remark.pos);
        remarks
    }

    /// Takes account of text made, so that no template can ask for endless amounts of it, and puts values in the places
    /// of its dynamic references.
    pub(crate) fn made(&self, text: String, pos: Pos) -> Result<String> {
        self.text.set(self.text.get().saturating_add(text.len()));
        if self.text.get() > MOST_TEXT {
            return fault(pos, format!("resolves to more than {} MB of text", MOST_TEXT >> 20));
        }
        if !text.contains(secrets::START) {
            return Ok(text);
        }
        let before = self.document.resources.iter().filter(|raw| raw.pos <= pos);
        let id = before.max_by_key(|raw| raw.pos).map_or("", |raw| raw.id.as_str());
        let remark = |consequence: &str| {
            self.remark(pos, id, "dynamic reference {{resolve:…}}", consequence);
        };
        let put = secrets::put_in(&text, &self.options.secrets, remark);
        put.map_err(|message| Fault { pos, message })
    }

    /// Whether a named condition holds.
    pub(crate) fn condition(&self, name: &str, pos: Pos) -> Result<bool> {
        let known = self.conditions.borrow().get(name).copied();
        match known {
            Some(Some(value)) => return Ok(value),
            Some(None) => return fault(pos, format!("condition {name} refers to itself")),
            None => {}
        }
        let entries = self.document.entries("Conditions")?;
        let Some((_, node)) = entries.iter().find(|(key, _)| key.name == name) else {
            let hint = one_of(nearest(name, entries.iter().map(|(key, _)| key.name.as_str())));
            return fault(pos, format!("condition «{name}» does not exist{hint}"));
        };
        self.conditions.borrow_mut().insert(name.to_owned(), None);
        let value = self.holds(node)?;
        self.conditions.borrow_mut().insert(name.to_owned(), Some(value));
        Ok(value)
    }

    /// Whether a resource is made, by its `Condition`.
    pub(crate) fn exists(&self, raw: &Raw) -> Result<bool> {
        match &raw.condition {
            Some((name, pos)) => self.condition(name, *pos),
            None => Ok(true),
        }
    }

    /// A resource by its logical id, refused if it does not exist or its condition is false.
    pub(crate) fn resource(&self, id: &str, pos: Pos) -> Result<&'a Raw> {
        let Some(raw) = self.document.find(id) else {
            return fault(pos, format!("«{id}» does not exist{}", self.like(id)));
        };
        if !self.exists(raw)? {
            let (name, _) = raw.condition.clone().unwrap_or_default();
            return fault(pos, format!("{id} is not made, since its condition {name} is false"));
        }
        Ok(raw)
    }

    /// ` (did you mean X?)` among everything that can be referred to.
    pub(crate) fn like(&self, id: &str) -> String {
        let names = self.document.resources.iter().map(|raw| raw.id.as_str());
        let names = names.chain(self.parameters.keys().map(String::as_str));
        one_of(nearest(id, names.chain(self.implicit.keys().map(String::as_str))))
    }

    /// What `Ref` gives.
    pub(crate) fn reference(&self, name: &str, pos: Pos) -> Result<Node> {
        if let Some(parameter) = self.parameters.get(name) {
            let value = self.made(parameter.text.clone(), pos)?;
            let text = |text: &str| Node::text(pos, text);
            return Ok(match parameter.list {
                true => {
                    let items = value.split(',').filter(|_| !value.is_empty());
                    Node::list(pos, items.map(|item| text(item.trim())).collect())
                }
                false => text(&value),
            });
        }
        if name.starts_with("AWS::") {
            return self.pseudo(name, pos);
        }
        let value = match self.implicit.get(name).filter(|_| self.document.find(name).is_none()) {
            Some(implicit) => identity::of_implicit(self, implicit, pos)?.reference,
            None => identity::of(self, self.resource(name, pos)?)?.reference,
        };
        Ok(Node::text(pos, self.made(value, pos)?))
    }

    /// What `Fn::GetAtt` gives; `path` is `Id.Attribute`, where ids made by SAM may hold a dot themselves.
    pub(crate) fn attribute(&self, path: &str, pos: Pos) -> Result<Node> {
        let made_by_sam = self
            .implicit
            .iter()
            .filter(|(id, _)| self.document.find(id).is_none())
            .filter_map(|(id, implicit)| {
                Some((path.strip_prefix(id.as_str())?.strip_prefix('.')?, implicit))
            })
            .min_by_key(|(attribute, _)| attribute.len());
        let (identity, id, attribute) = match (made_by_sam, path.split_once('.')) {
            (Some((attribute, implicit)), _) => {
                (identity::of_implicit(self, implicit, pos)?, path, attribute)
            }
            (None, Some((id, attribute))) => {
                (identity::of(self, self.resource(id, pos)?)?, id, attribute)
            }
            (None, None) => {
                return fault(
                    pos,
                    format!("GetAtt «{path}» names no attribute: Id.Attribute is wanted"),
                );
            }
        };
        if let Some(value) = identity.attributes.get(attribute) {
            return Ok(Node::text(pos, self.made(value.clone(), pos)?));
        }
        if identity.known {
            let hint = one_of(nearest(attribute, identity.attributes.keys().copied()));
            return fault(pos, format!("{id} has no attribute {}{hint}", shown(attribute)));
        }
        let value = identity::stand_in(self, &identity, id, attribute);
        self.remark(
            pos,
            id,
            format!("{attribute} of {id}"),
            format!("the resource is not run here; «{value}» stands in for the value"),
        );
        Ok(Node::text(pos, self.made(value, pos)?))
    }

    /// A physical name, made once.
    pub(crate) fn name(&self, raw: &Raw, make: impl FnOnce() -> Result<String>) -> Result<String> {
        if let Some(name) = self.names.borrow().get(&raw.id) {
            return Ok(name.clone());
        }
        let name = make()?;
        self.names.borrow_mut().insert(raw.id.clone(), name.clone());
        Ok(name)
    }

    fn pseudo(&self, name: &str, pos: Pos) -> Result<Node> {
        const NAMES: [&str; 8] = [
            "AWS::AccountId",
            "AWS::NoValue",
            "AWS::NotificationARNs",
            "AWS::Partition",
            "AWS::Region",
            "AWS::StackId",
            "AWS::StackName",
            "AWS::URLSuffix",
        ];
        let Options { stack, region, .. } = self.options;
        let text = match name {
            "AWS::AccountId" => region.account.clone(),
            "AWS::Partition" => "aws".into(),
            "AWS::Region" => region.name.clone(),
            "AWS::StackName" => stack.clone(),
            "AWS::URLSuffix" => "amazonaws.com".into(),
            "AWS::StackId" => {
                let uuid = super::names::uuid(stack, "");
                format!(
                    "arn:aws:cloudformation:{}:{}:stack/{stack}/{uuid}",
                    region.name, region.account
                )
            }
            "AWS::NotificationARNs" => return Ok(Node::list(pos, Vec::new())),
            _ => {
                let hint = one_of(nearest(name, NAMES));
                return fault(pos, format!("«{name}» is no pseudo parameter{hint}"));
            }
        };
        Ok(Node::text(pos, text))
    }
}
