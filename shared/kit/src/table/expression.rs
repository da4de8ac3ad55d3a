//! Conditions and updates as DynamoDB expressions, with every name and value a placeholder.

use super::{Condition, Op, PK, Query, Range, SK, Scan, Update, Value};
use std::collections::HashMap;

/// The placeholders that one request's expressions use.
#[derive(Debug, Default, PartialEq)]
pub(super) struct Placeholders {
    pub(super) names: HashMap<String, String>,
    pub(super) values: HashMap<String, Value>,
}

impl Placeholders {
    /// The condition expression of an operation, if it has one.
    pub(super) fn condition(&mut self, op: &Op) -> Option<String> {
        op.condition.as_ref().map(|condition| self.render(condition))
    }

    /// The filter expression of a scan, if it has one.
    pub(super) fn filter(&mut self, scan: &Scan) -> Option<String> {
        scan.filter.as_ref().map(|condition| self.render(condition))
    }

    /// An update expression: one clause each of SET, ADD and REMOVE, as far as there are any.
    pub(super) fn update(&mut self, updates: &[Update]) -> String {
        let (mut set, mut add, mut remove) = (Vec::new(), Vec::new(), Vec::new());
        for update in updates {
            match update {
                Update::Set(name, value) => {
                    set.push(format!("{} = {}", self.name(name), self.value(value)));
                }
                Update::Add(name, n) => {
                    add.push(format!("{} {}", self.name(name), self.value(&(*n).into())));
                }
                Update::Remove(name) => remove.push(self.name(name)),
            }
        }
        [("SET", set), ("ADD", add), ("REMOVE", remove)]
            .into_iter()
            .filter(|(_, parts)| !parts.is_empty())
            .map(|(clause, parts)| format!("{clause} {}", parts.join(", ")))
            .collect::<Vec<_>>()
            .join(" ")
    }

    /// The key condition of a query.
    pub(super) fn key(&mut self, query: &Query) -> String {
        let (pk, sk) = query.index.map_or((PK, SK), |index| (index.pk, index.sk));
        let partition = format!("{} = {}", self.name(pk), self.text(&query.pk));
        let range = match &query.range {
            Range::All => return partition,
            Range::Below(end) => format!("{} < {}", self.name(sk), self.text(end)),
            Range::From(start) => format!("{} >= {}", self.name(sk), self.text(start)),
            Range::Between(start, end) => {
                format!("{} BETWEEN {} AND {}", self.name(sk), self.text(start), self.text(end))
            }
            Range::Prefix(prefix) => {
                format!("begins_with({}, {})", self.name(sk), self.text(prefix))
            }
        };
        format!("{partition} AND {range}")
    }

    fn render(&mut self, condition: &Condition) -> String {
        match condition {
            Condition::Absent => format!("attribute_not_exists({})", self.name(PK)),
            Condition::Exists => format!("attribute_exists({})", self.name(PK)),
            Condition::Without(name) => format!("attribute_not_exists({})", self.name(name)),
            Condition::Attribute(name, compare, value) => {
                format!("{} {} {}", self.name(name), compare.operator(), self.value(value))
            }
            Condition::All(all) => self.join(all, " AND "),
            Condition::Any(any) => self.join(any, " OR "),
        }
    }

    /// One condition alone stays as it is: DynamoDB refuses redundant parentheses.
    fn join(&mut self, conditions: &[Condition], with: &str) -> String {
        if let [one] = conditions {
            return self.render(one);
        }
        let parts: Vec<String> = conditions.iter().map(|one| self.render(one)).collect();
        format!("({})", parts.join(with))
    }

    fn name(&mut self, name: &str) -> String {
        if let Some((placeholder, _)) = self.names.iter().find(|(_, known)| *known == name) {
            return placeholder.clone();
        }
        let placeholder = format!("#{}", self.names.len());
        self.names.insert(placeholder.clone(), name.to_owned());
        placeholder
    }

    fn text(&mut self, text: &str) -> String {
        self.value(&text.into())
    }

    fn value(&mut self, value: &Value) -> String {
        let placeholder = format!(":{}", self.values.len());
        self.values.insert(placeholder.clone(), value.clone());
        placeholder
    }
}
