//! What a step leads to, before it has its place.

use crate::{
    consumer::{Failure, Record},
    live::Live,
    store::{New, NotAppendable, Position, Row, Store},
    table::Op,
    transaction::Transaction,
};
use pointsman_event::{Cause, CommandSet, Due, EventSet};
use serde::Serialize;
use serde_json::Value;

/// What follows from a record: rows of the stream in the order they are added, effects elsewhere,
/// and conditions. All of it happens, or nothing.
///
/// A pure decision's `(Vec<Event>, Vec<Due<Command>>)` is one.
#[derive(Debug, Clone, Default)]
#[must_use = "a decision is carried out by the process it is returned to"]
pub struct Decision {
    rows: Vec<(Follows, Result<New, NotAppendable>)>,
    effects: Vec<(&'static str, Op)>,
    guards: Vec<(&'static str, Op)>,
    snapshot: Option<(u32, Result<Value, String>)>,
}

/// How a row follows from the record.
#[derive(Debug, Clone, Copy)]
enum Follows {
    /// One hop further.
    Further,
    /// As the same thing once more.
    Again,
}

impl Decision {
    /// Nothing follows.
    pub fn nothing() -> Self {
        Self::default()
    }

    /// This event follows.
    pub fn event<E: EventSet>(mut self, event: E) -> Self {
        self.rows.push((Follows::Further, New::event(&event)));
        self
    }

    /// These events follow.
    pub fn events<E: EventSet>(self, events: impl IntoIterator<Item = E>) -> Self {
        events.into_iter().fold(self, Self::event)
    }

    /// These commands are sent.
    pub fn commands<C: CommandSet>(mut self, commands: impl IntoIterator<Item = Due<C>>) -> Self {
        for due in commands {
            let follows = if due.again { Follows::Again } else { Follows::Further };
            let new = New::command_of(&due.command).map(|new| match due.at {
                Some(at) => new.due(at),
                None => new,
            });
            self.rows.push((follows, new));
        }
        self
    }

    /// Only while `op`'s condition holds of something that was looked at and is not written, such
    /// as [`Store::unchanged`] of another stream. It is checked with what is written; a decision
    /// that writes nothing checks nothing.
    pub fn guard(mut self, name: &'static str, op: Op) -> Self {
        self.guards.push((name, op));
        self
    }

    /// `op` happens, too, if its condition holds.
    pub fn effect(mut self, name: &'static str, op: Op) -> Self {
        self.effects.push((name, op));
        self
    }

    /// The rows' stream keeps `state`, as it is behind them, as its snapshot of `shape`; see
    /// [`Store::load`]. It is for what others read there and no event carries.
    pub fn snapshot<T: Serialize>(mut self, shape: u32, state: &T) -> Self {
        self.snapshot =
            Some((shape, serde_json::to_value(state).map_err(|error| error.to_string())));
        self
    }

    /// Whether there is nothing to write.
    pub(super) fn is_empty(&self) -> bool {
        self.rows.is_empty() && self.effects.is_empty() && self.snapshot.is_none()
    }

    /// Gives the rows their places behind `position`: the rows, and a transaction of all there is.
    pub(super) fn place<S>(
        self,
        store: &Store,
        live: &Live,
        position: &Position,
        record: &Record<S>,
    ) -> Result<(Vec<Row>, Transaction), Failure> {
        let mut transaction = Transaction::new();
        let (mut rows, mut end) = (Vec::with_capacity(self.rows.len()), position.clone());
        for (follows, new) in self.rows {
            let cause = match follows {
                Follows::Further => record.cause()?,
                Follows::Again => Cause::again(&record.event.metadata),
            };
            let appended = store.append(live, &end, &cause, record.now, [new?])?;
            transaction = appended.add_to(transaction);
            rows.extend(appended.rows);
            end = appended.position;
        }
        if let Some((shape, state)) = self.snapshot {
            let state = state.map_err(Failure::retry)?;
            transaction = transaction.effect("Snapshot", store.keep(&end, shape, &state)?);
        }
        for (name, op) in self.effects {
            transaction = transaction.effect(name, op);
        }
        for (name, op) in self.guards {
            transaction = transaction.guard(name, op);
        }
        Ok((rows, transaction))
    }
}

impl<E: EventSet, C: CommandSet> From<(Vec<E>, Vec<Due<C>>)> for Decision {
    fn from((events, commands): (Vec<E>, Vec<Due<C>>)) -> Self {
        Self::nothing().events(events).commands(commands)
    }
}
