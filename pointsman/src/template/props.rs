//! The properties of one resource: typed access, and an account of what nobody asked for.

use super::node::{Key, Node, Pos, Result, Value, fault, truth};
use super::scope::Scope;
use std::ops::RangeInclusive;

/// Resolved properties. What is taken is used; [`Props::finish`] lists the rest.
pub(crate) struct Props {
    owner: String,
    path: String,
    pub(crate) pos: Pos,
    entries: Vec<(Key, Node)>,
}

impl Props {
    pub(crate) fn of(owner: &str, path: &str, node: Node) -> Result<Props> {
        let (owner, path, pos) = (owner.to_owned(), path.to_owned(), node.pos);
        match node.value {
            Value::Map(entries) => Ok(Props { owner, path, pos, entries }),
            _ => fault(pos, format!("{path} of {owner} is {}: a map is wanted", node.shown())),
        }
    }

    pub(crate) fn owner(&self) -> &str {
        &self.owner
    }

    /// Where a property's value stands, else the whole map.
    pub(crate) fn position(&self, name: &str) -> Pos {
        let entry = self.entries.iter().find(|(key, _)| key.name == name);
        entry.map_or(self.pos, |(_, node)| node.pos)
    }

    pub(crate) fn take(&mut self, name: &str) -> Option<Node> {
        let index = self.entries.iter().position(|(key, _)| key.name == name)?;
        Some(self.entries.remove(index).1)
    }

    pub(crate) fn text(&mut self, name: &str) -> Result<Option<String>> {
        let Some(node) = self.take(name) else { return Ok(None) };
        match &node.value {
            Value::Scalar { text, plain } if !(*plain && text.is_empty()) => Ok(Some(text.clone())),
            _ => self.wrong(name, &node, "text is wanted"),
        }
    }

    pub(crate) fn required(&mut self, name: &str) -> Result<String> {
        match self.text(name)? {
            Some(text) => Ok(text),
            None => self.missing(name),
        }
    }

    pub(crate) fn missing<T>(&self, name: &str) -> Result<T> {
        fault(self.pos, format!("{} of {} is missing", self.full(name), self.owner))
    }

    /// A whole number in `range`; the range is part of the message.
    pub(crate) fn whole(&mut self, name: &str, range: RangeInclusive<u32>) -> Result<Option<u32>> {
        let Some(node) = self.take(name) else { return Ok(None) };
        match node
            .as_str()
            .and_then(|text| text.parse::<u32>().ok())
            .filter(|value| range.contains(value))
        {
            Some(value) => Ok(Some(value)),
            None => {
                let wanted =
                    format!("a whole number from {} to {} is wanted", range.start(), range.end());
                self.wrong(name, &node, &wanted)
            }
        }
    }

    /// As [`Props::whole`], where -1 stands for no limit.
    pub(crate) fn whole_or_endless(
        &mut self,
        name: &str,
        range: RangeInclusive<u32>,
    ) -> Result<Option<u32>> {
        match self.entries.iter().find(|(key, _)| key.name == name) {
            Some((_, node)) if node.as_str() == Some("-1") => {
                self.take(name);
                Ok(None)
            }
            _ => self.whole(name, range),
        }
    }

    pub(crate) fn flag(&mut self, name: &str) -> Result<Option<bool>> {
        let Some(node) = self.take(name) else { return Ok(None) };
        match node.as_str().and_then(truth) {
            Some(value) => Ok(Some(value)),
            None => self.wrong(name, &node, "true or false is wanted"),
        }
    }

    /// One of `allowed`.
    pub(crate) fn word(
        &mut self,
        name: &str,
        allowed: &[&'static str],
    ) -> Result<Option<&'static str>> {
        let Some(node) = self.take(name) else { return Ok(None) };
        match allowed.iter().find(|word| node.as_str() == Some(word)) {
            Some(word) => Ok(Some(word)),
            None => self.wrong(name, &node, &format!("one of {} is wanted", allowed.join(", "))),
        }
    }

    pub(crate) fn map(&mut self, name: &str) -> Result<Option<Props>> {
        match self.take(name) {
            Some(node) => Props::of(&self.owner, &self.full(name), node).map(Some),
            None => Ok(None),
        }
    }

    pub(crate) fn list(&mut self, name: &str) -> Result<Vec<Node>> {
        let Some(node) = self.take(name) else { return Ok(Vec::new()) };
        match node.value {
            Value::List(items) => Ok(items),
            _ => self.wrong(name, &node, "a list is wanted"),
        }
    }

    /// A list of maps.
    pub(crate) fn maps(&mut self, name: &str) -> Result<Vec<Props>> {
        let path = self.full(name);
        let items = self.list(name)?.into_iter().enumerate();
        items
            .map(|(index, item)| Props::of(&self.owner, &format!("{path}[{index}]"), item))
            .collect()
    }

    /// A list of texts; a single text counts as a list of one.
    pub(crate) fn texts(&mut self, name: &str) -> Result<Vec<String>> {
        let Some(node) = self.take(name) else { return Ok(Vec::new()) };
        let items = match &node.value {
            Value::List(items) => items.as_slice(),
            _ => std::slice::from_ref(&node),
        };
        items
            .iter()
            .map(|item| match item.as_str() {
                Some(text) => Ok(text.to_owned()),
                None => self.wrong(name, item, "text is wanted"),
            })
            .collect()
    }

    /// The rest, as names and values.
    pub(crate) fn drain(&mut self) -> Vec<(Key, Node)> {
        std::mem::take(&mut self.entries)
    }

    pub(crate) fn wrong<T>(&self, name: &str, node: &Node, wanted: &str) -> Result<T> {
        let message =
            format!("{} of {} is {}: {wanted}", self.full(name), self.owner, node.shown());
        fault(node.pos, message)
    }

    /// Lists every property that was not taken and is not known to be without effect on one machine.
    pub(crate) fn finish(self, scope: &Scope<'_>, without_effect: &[&str]) {
        for (key, _) in &self.entries {
            if !without_effect.contains(&key.name.as_str()) {
                scope.remark(
                    key.pos,
                    &self.owner,
                    self.full(&key.name),
                    "is not supported: it has no effect here",
                );
            }
        }
    }

    fn full(&self, name: &str) -> String {
        match self.path.is_empty() {
            true => name.to_owned(),
            false => format!("{}.{name}", self.path),
        }
    }
}
