//! What DynamoDB makes of a write or a query, on plain maps.

use super::super::{
    Action, Cursor, Error, Item, Key, Op, PK, Page, Query, SK, Update, Value, number,
};

/// What DynamoDB takes as one item at most.
const ITEM_BYTES: usize = 400 * 1024;

/// The item after `op`, or `None` if there is none then.
pub(super) fn apply(op: &Op, before: Option<&Item>) -> Result<Option<Item>, String> {
    let mut item = match &op.action {
        Action::Check => return Ok(before.cloned()),
        Action::Delete => return Ok(None),
        Action::Put(item) => item.clone(),
        Action::Update(updates) => updated(updates, before)?,
    };
    item.extend(op.key.attributes());
    item.iter().try_for_each(|(name, value)| validate_numbers(name, value))?;
    if size(&item) > ITEM_BYTES {
        return Err("Item size has exceeded the maximum allowed size".to_owned());
    }
    Ok(Some(item))
}

/// The size of an item as DynamoDB counts it.
pub(super) fn size(item: &Item) -> usize {
    item.iter().map(|(name, value)| name.len() + value.size()).sum()
}

pub(super) fn validate_key(key: &Key) -> Result<(), Error> {
    for (name, value, limit) in [(PK, &key.pk, 2048), (SK, &key.sk, 1024)] {
        if value.is_empty() || value.len() > limit {
            return Err(Error::validation(format!(
                "key attribute {name} must have 1 to {limit} bytes, not {}",
                value.len()
            )));
        }
    }
    Ok(())
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
        if start.get(pk).and_then(Value::as_s) != Some(&query.pk) {
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
    for (nth, update) in updates.iter().enumerate() {
        let name = update.attribute();
        if name == PK || name == SK {
            return Err(format!("cannot update {name}, it is part of the key"));
        }
        if updates[..nth].iter().any(|earlier| earlier.attribute() == name) {
            return Err(format!("two document paths overlap: {name}"));
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
                let sum = sum.ok_or_else(|| format!("{name} is no whole number to add to"))?;
                item.insert(name.clone(), Value::N(sum));
            }
        }
    }
    Ok(item)
}

fn validate_numbers(name: &str, value: &Value) -> Result<(), String> {
    match value {
        Value::N(digits) if !number::is_valid(digits) => {
            Err(format!("{name}: {digits} is no number of at most 38 digits"))
        }
        Value::M(fields) => {
            fields.iter().try_for_each(|(name, value)| validate_numbers(name, value))
        }
        Value::L(values) => values.iter().try_for_each(|value| validate_numbers(name, value)),
        _ => Ok(()),
    }
}
