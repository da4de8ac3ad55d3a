//! Tables in memory, deterministic, with DynamoDB's semantics and its failures on request.

mod evaluate;
mod faults;
mod scan;
mod validate;

pub use faults::Fault;

use super::{
    Action, Cursor, Error, Index, Item, Key, Op, PK, Page, Query, Reason, SK, Scan, Tables, Value,
    op,
};
use crate::testing::{Crash, Crashing};
use async_trait::async_trait;
use faults::Faults;
use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};
use validate::Place;

/// What DynamoDB puts into one page at most.
const PAGE_BYTES: usize = 1024 * 1024;
/// What DynamoDB takes in one transaction at most.
const TRANSACTION_BYTES: usize = 4 * 1024 * 1024;

/// An in-memory [`Tables`]. Clones share their content; tables come into being when written.
#[derive(Clone)]
pub struct Memory {
    state: Arc<Mutex<State>>,
    page_bytes: usize,
}

/// A change as a table's stream has it.
#[derive(Debug, Clone, PartialEq)]
pub struct Change {
    /// Rising over all tables of one [`Memory`], from 1.
    pub sequence: u64,
    /// The item.
    pub key: Key,
    /// Whether it came, changed or went.
    pub kind: ChangeKind,
    /// The item before.
    pub old: Option<Item>,
    /// The item after.
    pub new: Option<Item>,
}

/// What became of an item.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ChangeKind {
    /// It is new.
    Insert,
    /// It is another.
    Modify,
    /// It is gone.
    Remove,
}

#[derive(Default)]
struct State {
    tables: BTreeMap<Arc<str>, Table>,
    indexes: Vec<(Arc<str>, Index)>,
    changes: Vec<Change>,
    faults: Faults,
}

/// Items by partition key and sort key.
type Table = BTreeMap<String, BTreeMap<String, Item>>;

impl Memory {
    /// No table, no fault.
    pub fn new() -> Self {
        Self { state: Arc::default(), page_bytes: PAGE_BYTES }
    }

    /// The same tables with pages of at most `bytes`, so that a small test has several.
    #[must_use]
    pub fn with_page_bytes(mut self, bytes: usize) -> Self {
        self.page_bytes = bytes;
        self
    }

    /// The same tables, of which `table` has `index`: as in DynamoDB, a write that the index can't
    /// hold is then refused. (A query reads any index, declared or not.)
    #[must_use]
    pub fn with_index(self, table: impl Into<Arc<str>>, index: Index) -> Self {
        self.lock().indexes.push((table.into(), index));
        self
    }

    /// Lets the next write fail so; several are used up in order.
    pub fn fail_next(&self, fault: Fault) {
        self.lock().faults.push(fault);
    }

    /// From now on lets `percent` of all calls fail, drawn from `seed`; none of them crashes.
    pub fn flaky(&self, seed: u64, percent: u8) {
        self.lock().faults.flaky(seed, percent);
    }

    /// From now on `percent` of all writes are the last of `crash`'s process, drawn from `seed`; half
    /// of those still go in. It is this process, too, that [`Fault::CrashBefore`] and
    /// [`Fault::CrashAfter`] end.
    pub fn crashing(&self, crash: &Crash, seed: u64, percent: u8) {
        self.lock().faults.crashing(Crashing::new(crash, seed, percent));
    }

    /// Runs `rival` just before the next write, as another writer would come first.
    pub fn race(&self, rival: impl FnOnce(&Memory) + Send + 'static) {
        self.lock().faults.race(Box::new(rival));
    }

    /// Every change since `after` (0 for all), in order: the tables' streams.
    pub fn changes(&self, after: u64) -> Vec<Change> {
        // A change's sequence number is its place.
        let after = usize::try_from(after).unwrap_or(usize::MAX);
        self.lock().changes.iter().skip(after).cloned().collect()
    }

    /// All items of a table in the order of their keys.
    pub fn items(&self, table: &str) -> Vec<Item> {
        let state = self.lock();
        state.tables.get(table).into_iter().flat_map(items).cloned().collect()
    }

    /// Writes without conditions or faults, past the port: for a test's given state.
    ///
    /// # Panics
    /// If DynamoDB would refuse `op`, or its condition is false.
    pub fn force(&self, op: Op) {
        let mut state = self.lock();
        let result = validate::op(&op, Place::Alone).and_then(|()| state.commit(vec![op]));
        assert!(result.is_ok(), "{result:?}");
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Runs a rival who was told to come first, and draws what goes wrong with this write.
    fn before_write(&self) -> (Option<Fault>, Crash) {
        let rival = self.lock().faults.rival();
        if let Some(rival) = rival {
            rival(self);
        }
        let mut state = self.lock();
        (state.faults.draw(), state.faults.crash())
    }

    async fn write_all(&self, ops: Vec<Op>) -> Result<(), Error> {
        let (fault, crash) = self.before_write();
        let written = match fault {
            Some(Fault::CrashBefore) => match crash.strike().await {},
            Some(Fault::Unsent) => return Err(faults::lost()),
            Some(Fault::Conflict) => return Err(cancelled(Reason::Conflict, ops.len())),
            Some(Fault::Throttled) => return Err(cancelled(Reason::Throttled, ops.len())),
            Some(Fault::LostAnswer | Fault::CrashAfter) | None => self.lock().commit(ops),
        };
        match fault {
            Some(Fault::CrashAfter) => match crash.strike().await {},
            Some(Fault::LostAnswer) if written.is_ok() => Err(faults::lost()),
            _ => written,
        }
    }
}

/// A transaction of so many operations, cancelled for the sake of the first.
fn cancelled(reason: Reason, operations: usize) -> Error {
    let rest = std::iter::repeat_n(Reason::None, operations.saturating_sub(1));
    Error::Cancelled(std::iter::once(reason).chain(rest).collect())
}

fn items(table: &Table) -> impl Iterator<Item = &Item> {
    table.values().flat_map(BTreeMap::values)
}

impl Default for Memory {
    fn default() -> Self {
        Self::new()
    }
}

#[async_trait]
impl Tables for Memory {
    async fn get(&self, key: &Key) -> Result<Option<Item>, Error> {
        let mut state = self.lock();
        state.faults.read()?;
        validate::key(key)?;
        Ok(state.find(key).cloned())
    }

    async fn page(&self, query: &Query, after: Option<&Cursor>) -> Result<Page, Error> {
        let mut state = self.lock();
        state.faults.read()?;
        validate::query(query)?;
        let table = state.tables.get(&query.table);
        // An index is read by looking at everything; the table itself by its partition.
        let everything = table.filter(|_| query.index.is_some()).into_iter().flat_map(items);
        let partition = table.filter(|_| query.index.is_none());
        let partition = partition.and_then(|table| table.get(&query.pk)).into_iter();
        let partition = partition.flat_map(BTreeMap::values);
        evaluate::page(everything.chain(partition), query, after, self.page_bytes)
    }

    async fn scan(&self, scan: &Scan, after: Option<&Cursor>) -> Result<Page, Error> {
        let mut state = self.lock();
        state.faults.read()?;
        validate::scan(scan)?;
        let items = state.tables.get(&scan.table).into_iter().flat_map(items);
        scan::page(items, scan, after, self.page_bytes)
    }

    async fn write(&self, op: Op) -> Result<(), Error> {
        if op.action == Action::Check {
            return Err(Error::validation("a check alone is no write"));
        }
        validate::op(&op, Place::Alone)?;
        self.write_all(vec![op]).await.map_err(|error| match error {
            Error::Cancelled(mut reasons) if reasons.len() == 1 => match reasons.remove(0) {
                Reason::ConditionFailed { item } => Error::ConditionFailed { item },
                Reason::Refused { message, .. } => Error::validation(message),
                Reason::Conflict => Error::Busy { code: "TransactionConflictException".into() },
                other => Error::Busy { code: other.code().to_owned() },
            },
            other => other,
        })
    }

    async fn transact(&self, ops: Vec<Op>) -> Result<(), Error> {
        op::validate(&ops)?;
        ops.iter().try_for_each(|op| validate::op(op, Place::Transaction))?;
        self.write_all(ops).await
    }
}

impl State {
    /// Judges every operation against the state before, then applies all or none.
    fn commit(&mut self, ops: Vec<Op>) -> Result<(), Error> {
        let mut reasons = Vec::with_capacity(ops.len());
        let mut after = Vec::with_capacity(ops.len());
        let mut bytes = 0;
        for op in &ops {
            if let Action::Put(item) = &op.action {
                self.no_empty_key(&op.key.table, item)?;
            }
        }
        for op in &ops {
            let before = self.find(&op.key);
            // What a put brings is looked at first, what an update makes of an item last.
            let fits = validate::key_length(&op.key).and_then(|()| match &op.action {
                Action::Put(item) => self.fits(&op.key.table, item),
                _ => Ok(()),
            });
            if fits.is_ok() && op.condition.as_ref().is_some_and(|one| !one.holds(before)) {
                let item = before.filter(|_| op.returning).cloned();
                reasons.push(Reason::ConditionFailed { item });
                continue;
            }
            let made = fits.and_then(|()| evaluate::apply(op, before)).and_then(|item| {
                item.as_ref().map_or(Ok(()), |item| self.fits(&op.key.table, item)).map(|()| item)
            });
            match made {
                Ok(item) => {
                    if let Some(item) = &item {
                        self.no_empty_key(&op.key.table, item)?;
                    }
                    bytes += item.as_ref().map_or(0, evaluate::size);
                    after.push(item);
                    reasons.push(Reason::None);
                }
                Err(message) => {
                    reasons.push(Reason::Refused { code: "ValidationError".to_owned(), message })
                }
            }
        }
        if reasons.iter().any(|reason| *reason != Reason::None) {
            return Err(Error::Cancelled(reasons));
        }
        if bytes > TRANSACTION_BYTES {
            return Err(Error::validation("the transaction is larger than 4 MB"));
        }
        for (op, item) in ops.into_iter().zip(after) {
            self.replace(op, item);
        }
        Ok(())
    }

    /// Whether every index of the table can hold the item.
    fn fits(&self, table: &str, item: &Item) -> Result<(), String> {
        self.indexes_of(table).try_for_each(|index| evaluate::fits(index, item))
    }

    /// Refuses an item with an empty key of an index, and the whole request with it.
    fn no_empty_key(&self, table: &str, item: &Item) -> Result<(), Error> {
        match self.indexes_of(table).find(|index| evaluate::is_empty_in(index, item)) {
            Some(index) => Err(Error::validation(format!("a key of {} is empty", index.name))),
            None => Ok(()),
        }
    }

    fn indexes_of(&self, table: &str) -> impl Iterator<Item = &Index> {
        self.indexes.iter().filter(move |(of, _)| **of == *table).map(|(_, index)| index)
    }

    fn find(&self, key: &Key) -> Option<&Item> {
        self.tables.get(&key.table)?.get(&key.pk)?.get(&key.sk)
    }

    /// Stores the item and notes the change; one that changes nothing leaves no record.
    fn replace(&mut self, op: Op, new: Option<Item>) {
        if op.action == Action::Check {
            return;
        }
        let table = self.tables.entry(op.key.table.clone()).or_default();
        let partition = table.entry(op.key.pk.clone()).or_default();
        let old = match &new {
            Some(item) => partition.insert(op.key.sk.clone(), item.clone()),
            None => partition.remove(&op.key.sk),
        };
        let kind = match (&old, &new) {
            (None, Some(_)) => ChangeKind::Insert,
            (Some(_), None) => ChangeKind::Remove,
            (Some(old), Some(new)) if old != new => ChangeKind::Modify,
            _ => return,
        };
        let sequence = self.changes.len() as u64 + 1;
        self.changes.push(Change { sequence, key: op.key, kind, old, new });
    }
}

impl Change {
    /// The change as Lambda hands it over in a stream batch.
    ///
    /// `at` is when it happened, in seconds since the epoch (the stream has no finer time).
    pub fn to_record(&self, at: i64) -> serde_json::Value {
        let kind = match self.kind {
            ChangeKind::Insert => "INSERT",
            ChangeKind::Modify => "MODIFY",
            ChangeKind::Remove => "REMOVE",
        };
        let mut body = serde_json::json!({
            "ApproximateCreationDateTime": at,
            "Keys": {
                PK: Value::S(self.key.pk.clone()),
                SK: Value::S(self.key.sk.clone()),
            },
            "SequenceNumber": format!("{:021}", self.sequence),
            "SizeBytes": self.new.as_ref().map_or(0, evaluate::size),
            "StreamViewType": "NEW_AND_OLD_IMAGES",
        });
        for (name, image) in [("OldImage", &self.old), ("NewImage", &self.new)] {
            if let Some(image) = image {
                body[name] = serde_json::json!(image);
            }
        }
        let table = &self.key.table;
        serde_json::json!({
            "eventID": format!("{:032x}", self.sequence),
            "eventName": kind,
            "eventVersion": "1.1",
            "eventSource": "aws:dynamodb",
            "awsRegion": "us-east-1",
            "eventSourceARN":
                format!("arn:aws:dynamodb:us-east-1:000000000000:table/{table}/stream/1"),
            "dynamodb": body,
        })
    }
}
