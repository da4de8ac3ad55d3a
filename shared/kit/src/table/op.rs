//! A write: what is done to one item, and under which condition.

use super::{Condition, Error, Item, Key, Value};

/// One write of one item, alone or as part of a transaction.
#[derive(Debug, Clone, PartialEq)]
pub struct Op {
    /// The item it concerns.
    pub key: Key,
    /// What it does.
    pub action: Action,
    /// What must hold of the item as it is, else nothing happens.
    pub condition: Option<Condition>,
    /// Whether a false condition comes back with the item that failed it.
    pub returning: bool,
}

/// What an [`Op`] does to its item.
#[derive(Debug, Clone, PartialEq)]
pub enum Action {
    /// Replaces the whole item; the key attributes are added.
    Put(Item),
    /// Changes single attributes, creating the item if there is none.
    Update(Vec<Update>),
    /// Removes the item, if there.
    Delete,
    /// Only checks the condition. Transactions only.
    Check,
}

/// One change of one top-level attribute.
#[derive(Debug, Clone, PartialEq)]
pub enum Update {
    /// Sets the attribute.
    Set(String, Value),
    /// Adds to a whole number; a missing attribute counts as 0.
    Add(String, i64),
    /// Removes the attribute.
    Remove(String),
}

impl Op {
    /// Puts `item` under `key`.
    pub fn put(key: Key, item: Item) -> Self {
        Self::new(key, Action::Put(item))
    }

    /// Changes the item under `key`: follow with [`Op::set`], [`Op::add`], [`Op::remove`].
    pub fn update(key: Key) -> Self {
        Self::new(key, Action::Update(Vec::new()))
    }

    /// Deletes the item under `key`.
    pub fn delete(key: Key) -> Self {
        Self::new(key, Action::Delete)
    }

    /// Requires `condition` of the item under `key`, in a transaction with other operations.
    pub fn check(key: Key, condition: Condition) -> Self {
        Self::new(key, Action::Check).when(condition)
    }

    /// Adds a condition; of several, all must hold.
    #[must_use]
    pub fn when(mut self, condition: Condition) -> Self {
        self.condition = Some(match self.condition.take() {
            None => condition,
            Some(Condition::All(mut all)) => {
                all.push(condition);
                Condition::All(all)
            }
            Some(one) => Condition::All(vec![one, condition]),
        });
        self
    }

    /// Asks for the item back if the condition is false.
    #[must_use]
    pub fn returning(mut self) -> Self {
        self.returning = true;
        self
    }

    /// Sets an attribute.
    ///
    /// # Panics
    /// If the operation is no update.
    #[must_use]
    pub fn set(self, attribute: impl Into<String>, value: impl Into<Value>) -> Self {
        self.change(Update::Set(attribute.into(), value.into()))
    }

    /// Adds `n` to a whole number.
    ///
    /// # Panics
    /// If the operation is no update.
    #[must_use]
    pub fn add(self, attribute: impl Into<String>, n: i64) -> Self {
        self.change(Update::Add(attribute.into(), n))
    }

    /// Removes an attribute.
    ///
    /// # Panics
    /// If the operation is no update.
    #[must_use]
    pub fn remove(self, attribute: impl Into<String>) -> Self {
        self.change(Update::Remove(attribute.into()))
    }

    fn new(key: Key, action: Action) -> Self {
        Self { key, action, condition: None, returning: false }
    }

    fn change(mut self, update: Update) -> Self {
        match &mut self.action {
            Action::Update(updates) => updates.push(update),
            other => panic!("`{update:?}` belongs to an update, not to {other:?}"),
        }
        self
    }
}

impl Update {
    /// The attribute it changes.
    pub fn attribute(&self) -> &str {
        match self {
            Self::Set(name, _) | Self::Add(name, _) | Self::Remove(name) => name,
        }
    }
}

/// Refuses what DynamoDB refuses before it looks at any item.
pub(super) fn validate(ops: &[Op]) -> Result<(), Error> {
    if ops.is_empty() || ops.len() > super::MAX_TRANSACTION {
        return Err(Error::validation(format!(
            "a transaction holds 1 to {} operations, not {}",
            super::MAX_TRANSACTION,
            ops.len()
        )));
    }
    for op in ops {
        let nothing = match (&op.action, &op.condition) {
            (Action::Update(updates), _) => updates.is_empty(),
            (Action::Check, condition) => condition.is_none(),
            _ => false,
        };
        if nothing {
            return Err(Error::validation(format!("an operation does nothing to {}", op.key)));
        }
    }
    let mut keys: Vec<&Key> = ops.iter().map(|op| &op.key).collect();
    keys.sort_unstable();
    if let Some(pair) = keys.windows(2).find(|pair| pair[0] == pair[1]) {
        return Err(Error::validation(format!(
            "Transaction request cannot include multiple operations on one item ({})",
            pair[0]
        )));
    }
    Ok(())
}
