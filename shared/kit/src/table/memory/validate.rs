//! What DynamoDB refuses for the request's sake alone, before it looks at any item.

use super::super::{
    Action, Compare, Condition, Error, Item, Key, Op, PK, Query, Range, SK, Scan, Update, Value,
    number,
};
use super::evaluate;

/// How many lists and maps may lie in one another.
const MAX_DEPTH: usize = 31;
/// The longest partition key and the longest sort key, in bytes.
const KEY_BYTES: [usize; 2] = [2048, 1024];

/// A key that is to be read, or written alone.
pub(super) fn key(key: &Key) -> Result<(), Error> {
    empty_key(key)?;
    key_length(key).map_err(Error::validation)
}

/// Where an operation stands. In a transaction, a value of an expression may be one level deeper.
#[derive(Clone, Copy)]
pub(super) enum Place {
    Alone,
    Transaction,
}

/// A write, but for the length of its key.
pub(super) fn op(op: &Op, place: Place) -> Result<(), Error> {
    let depth = match place {
        Place::Alone => MAX_DEPTH,
        Place::Transaction => MAX_DEPTH + 1,
    };
    empty_key(&op.key)?;
    match &op.action {
        Action::Put(item) => {
            item.values().try_for_each(|value| self::value(value, MAX_DEPTH))?;
            let attributes = item.iter().filter(|(name, _)| *name != PK && *name != SK);
            let attributes = attributes.map(|(name, value)| name.len() + value.size());
            let size = evaluate::size(&op.key.attributes()) + attributes.sum::<usize>();
            if size > evaluate::ITEM_BYTES {
                return Err(Error::validation(evaluate::TOO_LARGE));
            }
        }
        Action::Update(updates) => self::updates(updates, depth)?,
        Action::Delete | Action::Check => {}
    }
    op.condition.as_ref().map_or(Ok(()), |one| condition(one, depth))
}

/// An item that a write made.
pub(super) fn item(item: &Item) -> Result<(), Error> {
    item.values().try_for_each(|value| self::value(value, MAX_DEPTH))
}

pub(super) fn query(query: &Query) -> Result<(), Error> {
    if query.limit == Some(0) {
        return Err(Error::validation("a page of nothing"));
    }
    key_text(&query.pk, 0).map_err(Error::validation)?;
    match &query.range {
        Range::Between(from, to) if from > to => {
            Err(Error::validation(format!("{from} is greater than {to}")))
        }
        _ => Ok(()),
    }
}

pub(super) fn scan(scan: &Scan) -> Result<(), Error> {
    if scan.limit == Some(0) {
        return Err(Error::validation("a page of nothing"));
    }
    scan.filter.as_ref().map_or(Ok(()), |one| condition(one, MAX_DEPTH))
}

/// A partition key (0) or a sort key (1) within DynamoDB's limits.
pub(super) fn key_text(text: &str, nth: usize) -> Result<(), String> {
    let (name, limit) = ([PK, SK][nth], KEY_BYTES[nth]);
    match text.len() {
        0 => Err(format!("{name} is a key, and empty")),
        length if length > limit => {
            Err(format!("{name} is a key of {length} bytes, of at most {limit}"))
        }
        _ => Ok(()),
    }
}

pub(super) fn key_length(key: &Key) -> Result<(), String> {
    key_text(&key.pk, 0).and_then(|()| key_text(&key.sk, 1))
}

fn empty_key(key: &Key) -> Result<(), Error> {
    match [&key.pk, &key.sk].into_iter().position(String::is_empty) {
        Some(nth) => key_text("", nth).map_err(Error::validation),
        None => Ok(()),
    }
}

fn updates(updates: &[Update], depth: usize) -> Result<(), Error> {
    for (nth, update) in updates.iter().enumerate() {
        let name = update.attribute();
        if updates[..nth].iter().any(|earlier| earlier.attribute() == name) {
            return Err(Error::validation(format!("two document paths overlap: {name}")));
        }
        if let Update::Set(_, value) = update {
            self::value(value, depth)?;
        }
    }
    Ok(())
}

fn condition(condition: &Condition, depth: usize) -> Result<(), Error> {
    match condition {
        Condition::Absent | Condition::Exists | Condition::Without(_) => Ok(()),
        Condition::Attribute(name, compare, value) => {
            self::value(value, depth)?;
            let ordered = matches!(value, Value::S(_) | Value::N(_) | Value::B(_));
            if ordered || matches!(compare, Compare::Equal | Compare::NotEqual) {
                return Ok(());
            }
            Err(Error::validation(format!("{name} is compared with what has no order")))
        }
        Condition::All(all) | Condition::Any(all) if all.is_empty() => {
            Err(Error::validation("a condition of no conditions"))
        }
        Condition::All(all) | Condition::Any(all) => {
            all.iter().try_for_each(|one| self::condition(one, depth))
        }
    }
}

fn value(value: &Value, depth: usize) -> Result<(), Error> {
    let deeper =
        || depth.checked_sub(1).ok_or_else(|| Error::validation("nested deeper than 32 levels"));
    match value {
        Value::N(digits) if !number::is_valid(digits) => {
            Err(Error::validation(format!("{digits} is no number of at most 38 digits")))
        }
        Value::M(fields) => {
            let depth = deeper()?;
            fields.values().try_for_each(|value| self::value(value, depth))
        }
        Value::L(values) => {
            let depth = deeper()?;
            values.iter().try_for_each(|value| self::value(value, depth))
        }
        _ => Ok(()),
    }
}
