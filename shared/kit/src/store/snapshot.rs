//! States kept beside their stream, so that a long one need not be read from its beginning.

use super::{Error, History, Kind, Position, Store, row};
use crate::{
    clock,
    table::{self, Compare, Condition, Item, Op, Value},
};
use pointsman_event::StreamName;
use serde::{Serialize, de::DeserializeOwned};

/// The sort key of a stream's snapshot.
const SNAPSHOT: &str = "snapshot";
const VERSION: &str = "version";
const EVENT: &str = "event";
const SHAPE: &str = "shape";
const STATE: &str = "state";

/// A stream's state as far as a snapshot has it, and the rows since.
#[derive(Debug, Clone)]
pub struct Loaded<T> {
    /// The state; `None` where there is no snapshot of today's shape.
    pub state: Option<T>,
    /// What is to be folded onto it: the rows since the snapshot, or all.
    pub history: History,
}

impl Store {
    /// A stream from its snapshot on.
    ///
    /// `shape` names how the state is folded and kept: a snapshot of another shape, or one that
    /// can't be read, is as good as none.
    ///
    /// # Errors
    /// As [`Store::read`].
    pub async fn load<T: DeserializeOwned>(
        &self,
        stream: &StreamName,
        shape: u32,
    ) -> Result<Loaded<T>, Error> {
        let item = self.tables.get(&self.key(stream, SNAPSHOT)).await?;
        let found = item.as_ref().and_then(|item| read(item, stream, shape));
        let (state, position) = match found {
            Some((state, position)) => (Some(state), position),
            None => (None, Position::start(stream.clone())),
        };
        Ok(Loaded { state, history: self.read_after(position).await? })
    }

    /// Keeps `state`, folded up to `position`, unless one of a later version is kept already.
    ///
    /// A snapshot is a convenience: a failure to write it is nobody's failure but its own.
    ///
    /// # Errors
    /// The table's.
    pub async fn save<T: Serialize>(
        &self,
        position: &Position,
        shape: u32,
        state: &T,
    ) -> Result<(), table::Error> {
        let op = self.keep(position, shape, state)?;
        match self.tables.write(op).await {
            Err(table::Error::ConditionFailed { .. }) => Ok(()),
            result => result,
        }
    }

    /// The write of a snapshot as [`Store::save`] does it, for a transaction that makes the state.
    ///
    /// # Errors
    /// If `state` has no JSON form.
    pub fn keep<T: Serialize>(
        &self,
        position: &Position,
        shape: u32,
        state: &T,
    ) -> Result<Op, table::Error> {
        let state = serde_json::to_string(state)
            .map_err(|error| table::Error::validation(error.to_string()))?;
        let item = Item::from([
            (row::KIND.to_owned(), Kind::Snapshot.name().into()),
            (VERSION.to_owned(), position.version.into()),
            (EVENT.to_owned(), position.event.into()),
            (SHAPE.to_owned(), shape.into()),
            (STATE.to_owned(), state.into()),
            (row::RECORDED_AT.to_owned(), clock::wall().to_string().into()),
        ]);
        let newer = Condition::Any(vec![
            Condition::Absent,
            Condition::Attribute(VERSION.to_owned(), Compare::AtMost, position.version.into()),
            Condition::Attribute(SHAPE.to_owned(), Compare::NotEqual, shape.into()),
        ]);
        Ok(Op::put(self.key(&position.stream, SNAPSHOT), item).when(newer))
    }
}

fn read<T: DeserializeOwned>(
    item: &Item,
    stream: &StreamName,
    shape: u32,
) -> Option<(T, Position)> {
    let number = |name: &str| item.get(name)?.as_n::<u64>();
    if number(SHAPE)? != u64::from(shape) {
        return None;
    }
    let state = serde_json::from_str(item.get(STATE).and_then(Value::as_s)?).ok()?;
    let (version, event) = (number(VERSION)?, number(EVENT)?);
    Some((state, Position { stream: stream.clone(), version, event }))
}
