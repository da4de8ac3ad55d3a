//! From what was decided to the rows that say so.

use super::{Kind, Position, Row, Store, sk};
use crate::{
    clock,
    table::{Condition, Op},
    transaction::Transaction,
};
use pointsman_event::{
    Cause, Command, CommandDeclaration, CommandSet, Envelope, EventSet, Metadata, Origin, Place,
    SchemaVersion, Timestamp,
};
use serde_json::Value;
use std::fmt;

/// Something that a decision wants in a stream.
#[derive(Debug, Clone, PartialEq)]
pub struct New {
    kind: Kind,
    name: &'static str,
    version: SchemaVersion,
    source: &'static str,
    stream: &'static str,
    data: Value,
    subject: Option<String>,
    due: Option<Timestamp>,
}

/// Rows that have got their places, and are not written yet.
#[derive(Debug, Clone)]
#[must_use = "rows are written by the transaction they are added to"]
pub struct Appended {
    /// The rows in order.
    pub rows: Vec<Row>,
    /// The end of the stream once they are in.
    pub position: Position,
    ops: Vec<(String, Op)>,
}

/// Something that can't be appended to the stream it was meant for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NotAppendable(String);

impl New {
    /// An event.
    ///
    /// # Errors
    /// If its data has no JSON form.
    pub fn event<S: EventSet>(event: &S) -> Result<Self, NotAppendable> {
        let declaration = event.declaration();
        Ok(Self {
            kind: Kind::Event,
            name: declaration.name,
            version: declaration.version,
            source: declaration.source,
            stream: declaration.stream,
            data: event.to_data().map_err(|error| no_json(declaration.name, &error))?,
            subject: None,
            due: None,
        })
    }

    /// A command to another stream's owner.
    ///
    /// # Errors
    /// If it comes from the door: no stream sends it. If its data has no JSON form.
    pub fn command<C: Command>(command: &C) -> Result<Self, NotAppendable> {
        Self::declared(&CommandDeclaration::of::<C>(), serde_json::to_value(command))
    }

    /// One of a set of commands.
    ///
    /// # Errors
    /// As [`New::command`].
    pub fn command_of<S: CommandSet>(command: &S) -> Result<Self, NotAppendable> {
        Self::declared(command.declaration(), command.to_data())
    }

    fn declared(
        command: &CommandDeclaration,
        data: Result<Value, serde_json::Error>,
    ) -> Result<Self, NotAppendable> {
        let CommandDeclaration { name, version, origin, .. } = *command;
        let Origin::Stream { stream, source } = origin else {
            return Err(NotAppendable(format!("{name} is asked for by clients alone")));
        };
        Ok(Self {
            kind: Kind::Command,
            name,
            version,
            source,
            stream,
            data: data.map_err(|error| no_json(name, &error))?,
            subject: None,
            due: None,
        })
    }

    /// About something else than the stream's id.
    #[must_use]
    pub fn about(mut self, subject: impl Into<String>) -> Self {
        self.subject = Some(subject.into());
        self
    }

    /// To be delivered not before `due`.
    #[must_use]
    pub fn due(mut self, due: Timestamp) -> Self {
        self.due = Some(due);
        self
    }
}

pub(super) fn append(
    store: &Store,
    position: &Position,
    cause: &Cause,
    now: Timestamp,
    new: impl IntoIterator<Item = New>,
) -> Result<Appended, NotAppendable> {
    let recorded_at = clock::wall();
    let mut appended = Appended { rows: Vec::new(), position: position.clone(), ops: Vec::new() };
    let end = &mut appended.position;
    for new in new {
        if new.stream != end.stream.kind() {
            let (name, stream) = (new.name, &end.stream);
            let text =
                format!("{name} belongs to a stream of type {}, not to {stream}", new.stream);
            return Err(NotAppendable(text));
        }
        let previous = end.event;
        end.step(new.kind);
        let mut place = Place::new(end.stream.clone(), end.version, previous);
        if let Some(subject) = new.subject {
            place = place.about(subject);
        }
        let id = store.ids.mint(now);
        let declared = (new.name, new.version, new.source);
        let metadata = Metadata::new(id, declared, place, cause, now);
        let envelope = Envelope { metadata, data: new.data };
        let detail = serde_json::to_string(&envelope).map_err(|error| no_json(new.name, &error))?;
        let row = Row { kind: new.kind, envelope, detail, due: new.due, recorded_at };
        let key = store.key(&end.stream, sk(end.version));
        let op = Op::put(key, row.to_item()).when(Condition::Absent);
        appended.ops.push((id.to_string(), op));
        appended.rows.push(row);
    }
    Ok(appended)
}

impl Appended {
    /// Puts the rows into a transaction, each under the condition that its place is free.
    pub fn add_to(&self, transaction: Transaction) -> Transaction {
        let ops = self.ops.iter().cloned();
        ops.fold(transaction, |transaction, (id, op)| transaction.version(id, op))
    }
}

fn no_json(name: &str, error: &serde_json::Error) -> NotAppendable {
    NotAppendable(format!("{name} has no JSON form: {error}"))
}

impl fmt::Display for NotAppendable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for NotAppendable {}
