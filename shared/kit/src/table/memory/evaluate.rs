//! What DynamoDB makes of a write or a query, on plain maps.

use super::super::{
    Action, Cursor, Error, Index, Item, Op, PK, Page, Query, SK, Update, Value, number,
};
use super::validate;
use std::collections::BTreeSet;

/// What DynamoDB takes as one item at most.
pub(super) const ITEM_BYTES: usize = 400 * 1024;

/// What it says of a larger one.
pub(super) const TOO_LARGE: &str = "Item size has exceeded the maximum allowed size";

/// The item after `op`, or `None` if there is none then.
pub(super) fn apply(op: &Op, before: Option<&Item>) -> Result<Option<Item>, String> {
    let mut item = match &op.action {
        Action::Check => return Ok(before.cloned()),
        Action::Delete => return Ok(None),
        Action::Put(item) => item.clone(),
        Action::Update(updates) => updated(updates, before)?,
    };
    item.extend(op.key.attributes());
    item.values_mut().for_each(normalize);
    validate::item(&item).map_err(|error| error.to_string())?;
    if size(&item) > ITEM_BYTES {
        return Err(TOO_LARGE.to_owned());
    }
    Ok(Some(item))
}

/// Whether `index` can hold the item: one of its keys that is there is a text of a key's length.
pub(super) fn fits(index: &Index, item: &Item) -> Result<(), String> {
    for (nth, name) in [index.pk, index.sk].into_iter().enumerate() {
        match item.get(name) {
            None => {}
            // Of an empty one the whole request is told.
            Some(Value::S(text)) if text.is_empty() => {}
            Some(Value::S(text)) => validate::key_text(text, nth)?,
            Some(_) => return Err(format!("{name} is a key of {}, and no text", index.name)),
        }
    }
    Ok(())
}

/// Whether `item` has an empty text for a key of `index`.
pub(super) fn is_empty_in(index: &Index, item: &Item) -> bool {
    let text = |name| item.get(name).and_then(Value::as_s);
    [index.pk, index.sk].into_iter().any(|name| text(name) == Some(""))
}

/// The size of an item as DynamoDB counts it.
pub(super) fn size(item: &Item) -> usize {
    item.iter().map(|(name, value)| name.len() + value.size()).sum()
}

/// The items of one page: in range, in order, behind the cursor, up to limit and size.
pub(super) fn page<'a>(
    items: impl Iterator<Item = &'a Item>,
    query: &Query,
    after: Option<&Cursor>,
    page_bytes: usize,
) -> Result<Page, Error> {
    let (pk, sk) = query.index.map_or((PK, SK), |index| (index.pk, index.sk));
    fn text<'a>(item: &'a Item, name: &str) -> &'a str {
        item.get(name).and_then(Value::as_s).unwrap_or_default()
    }
    let mut found: Vec<([&str; 3], &Item)> = items
        .filter(|item| item.get(pk).and_then(Value::as_s) == Some(&query.pk))
        .filter(|item| {
            item.get(sk).and_then(Value::as_s).is_some_and(|value| query.range.contains(value))
        })
        .map(|item| ([sk, PK, SK].map(|name| text(item, name)), item))
        .collect();
    found.sort_unstable_by_key(|(at, _)| *at);
    if query.descending {
        found.reverse();
    }
    if let Some(Cursor(start)) = after {
        let keys = BTreeSet::from([PK, SK, pk, sk]);
        let within = keys.iter().copied().eq(start.keys())
            && text(start, pk) == query.pk
            && query.range.contains(text(start, sk));
        if !within {
            return Err(Error::validation("the starting key lies outside the query"));
        }
        let start = [sk, PK, SK].map(|name| text(start, name));
        found.retain(|(at, _)| if query.descending { *at < start } else { *at > start });
    }
    let (mut items, mut bytes) = (Vec::new(), 0);
    for (_, item) in found {
        items.push(item.clone());
        bytes += size(item);
        if bytes >= page_bytes || query.limit == Some(items.len()) {
            let keys = [PK, SK, pk, sk];
            let next = item.iter().filter(|(name, _)| keys.contains(&name.as_str()));
            let next = next.map(|(name, value)| (name.clone(), value.clone())).collect();
            return Ok(Page { items, next: Some(Cursor(next)) });
        }
    }
    Ok(Page { items, next: None })
}

fn updated(updates: &[Update], before: Option<&Item>) -> Result<Item, String> {
    let mut item = before.cloned().unwrap_or_default();
    for update in updates {
        let name = update.attribute();
        if name == PK || name == SK {
            return Err(format!("cannot update {name}, it is part of the key"));
        }
        match update {
            Update::Set(name, value) => {
                item.insert(name.clone(), value.clone());
            }
            Update::Remove(name) => {
                item.remove(name);
            }
            Update::Add(name, n) => {
                let sum = match item.get(name) {
                    None => Some(n.to_string()),
                    Some(Value::N(digits)) => number::add(digits, *n),
                    Some(_) => None,
                };
                let sum = sum.ok_or_else(|| format!("{n} cannot be added to {name}"))?;
                item.insert(name.clone(), Value::N(sum));
            }
        }
    }
    Ok(item)
}

/// Spells every number as DynamoDB does.
fn normalize(value: &mut Value) {
    match value {
        Value::N(digits) => {
            if let Some(plain) = number::plain(digits) {
                *digits = plain;
            }
        }
        Value::M(fields) => fields.values_mut().for_each(normalize),
        Value::L(values) => values.iter_mut().for_each(normalize),
        _ => {}
    }
}
