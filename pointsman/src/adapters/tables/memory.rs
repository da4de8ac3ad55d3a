use super::causes::Causes;
use super::{Bounds, Now, STREAM_RETENTION_MS, StreamRecord, StreamSource, TablesError};
use crate::topology::Region;
use async_trait::async_trait;
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use tokio::sync::watch;

/// Sequence numbers have 21 digits here too.
const OFFSET: u128 = 100_000_000_000_000_000_000;

/// Tables in memory for simulations: deterministic, and as forgetful as a disk.
///
/// A write is there at once for the conditions of later writes, but is durable, and so is read, only after
/// [`sync`](Self::sync). [`crash`](Self::crash) forgets every write since. Sequence numbers that were forgotten are
/// given again, so a reader that went ahead of durability skips records.
pub struct MemoryTables {
    inner: Mutex<Inner>,
    region: Region,
    now: Now,
    woken: watch::Sender<u64>,
}

/// A write, to ask whether it is durable.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Ticket(u64);

#[derive(Default)]
struct Inner {
    tables: BTreeMap<String, Table>,
    /// What each write since the last sync replaced: table, key, item.
    undo: Vec<(String, String, Option<Value>)>,
    causes: Causes,
    last: u64,
    synced: u64,
    /// Writes that crashes forgot, each as the first and the last of a run.
    lost: Vec<(u64, u64)>,
}

#[derive(Default)]
struct Table {
    key: Vec<String>,
    items: BTreeMap<String, Value>,
    records: Vec<StreamRecord>,
    durable: usize,
}

impl MemoryTables {
    /// No tables yet.
    pub fn new(region: Region, now: Now) -> Self {
        let (woken, _) = watch::channel(0);
        MemoryTables { inner: Mutex::default(), region, now, woken }
    }

    /// Makes a table, at once durable, with a stream of new and old images. `key` names its key attributes.
    pub fn create(&self, table: &str, key: &[&str]) {
        let key = key.iter().map(|name| (*name).to_owned()).collect();
        self.inner().tables.insert(table.to_owned(), Table { key, ..Table::default() });
    }

    /// Writes an item, given in DynamoDB's JSON. With `if_absent`, `None` says that there is one under its key.
    ///
    /// # Errors
    /// [`TablesError::Failed`] if there is no such table or the item lacks a key attribute.
    pub fn put(
        &self,
        table: &str,
        item: Value,
        if_absent: bool,
        cause: Option<&str>,
    ) -> Result<Option<Ticket>, TablesError> {
        let mut inner = self.inner();
        let inner = &mut *inner;
        let there = inner.tables.get_mut(table).ok_or_else(|| no_table(table))?;
        let key = there.key_of(&item)?;
        let text = Value::Object(key.clone()).to_string();
        if if_absent && there.items.contains_key(&text) {
            return Ok(None);
        }
        inner.last += 1;
        let old = there.items.insert(text.clone(), item.clone());
        if old.as_ref() != Some(&item) {
            let record = self.record(table, there.records.len(), key, &item, old.as_ref());
            if let Some(cause) = cause {
                inner.causes.note(table, &record.sequence, cause);
            }
            there.records.push(record);
        }
        inner.undo.push((table.to_owned(), text, old));
        Ok(Some(Ticket(inner.last)))
    }

    /// The durable item under a key, an object of its key attributes.
    pub fn get(&self, table: &str, key: &Value) -> Option<Value> {
        let inner = self.inner();
        let there = inner.tables.get(table)?;
        let text = Value::Object(there.key_of(key).ok()?).to_string();
        let replaced = inner.undo.iter().find(|(name, key, _)| name == table && *key == text);
        match replaced {
            Some((.., old)) => old.clone(),
            None => there.items.get(&text).cloned(),
        }
    }

    /// Whether a write would survive a crash, so that it may be answered.
    pub fn durable(&self, write: Ticket) -> bool {
        let inner = self.inner();
        write.0 <= inner.synced && !inner.lost.iter().any(|(a, b)| (*a..=*b).contains(&write.0))
    }

    /// Makes every write so far durable.
    pub fn sync(&self) {
        let mut inner = self.inner();
        inner.undo.clear();
        inner.synced = inner.last;
        let mut appended = 0;
        for table in inner.tables.values_mut() {
            appended += table.records.len() - table.durable;
            table.durable = table.records.len();
        }
        drop(inner);
        if appended > 0 {
            self.woken.send_modify(|count| *count += appended as u64);
        }
    }

    /// Forgets every write since the last sync, and who wrote what.
    pub fn crash(&self) {
        let mut inner = self.inner();
        for (table, key, old) in std::mem::take(&mut inner.undo).into_iter().rev() {
            let Some(table) = inner.tables.get_mut(&table) else { continue };
            match old {
                Some(item) => table.items.insert(key, item),
                None => table.items.remove(&key),
            };
        }
        for table in inner.tables.values_mut() {
            table.records.truncate(table.durable);
        }
        inner.causes = Causes::default();
        let run = (inner.synced + 1, inner.last);
        inner.lost.push(run);
    }

    /// What a store would show that did not wait for its sync; there to prove that tests notice.
    #[cfg(test)]
    pub(super) fn read_ahead(
        &self,
        table: &str,
        after: Option<&str>,
        limit: usize,
    ) -> Vec<StreamRecord> {
        let inner = self.inner();
        let all = inner.tables.get(table).into_iter().flat_map(|table| &table.records);
        let after = after.unwrap_or_default();
        all.filter(|record| record.sequence.as_str() > after).take(limit).cloned().collect()
    }

    fn record(
        &self,
        table: &str,
        before: usize,
        key: Map<String, Value>,
        new: &Value,
        old: Option<&Value>,
    ) -> StreamRecord {
        let sequence = (OFFSET + before as u128 + 1).to_string();
        let event_name = if old.is_some() { "MODIFY" } else { "INSERT" };
        let created_at = (self.now)().div_euclid(1000);
        let mut json = json!({
            "eventID": format!("{:032x}", before + 1),
            "eventName": event_name,
            "eventVersion": "1.1",
            "eventSource": "aws:dynamodb",
            "awsRegion": self.region.name,
            "dynamodb": {
                "ApproximateCreationDateTime": created_at,
                "Keys": key,
                "NewImage": new,
                "SequenceNumber": sequence,
                "SizeBytes": new.to_string().len(),
                "StreamViewType": "NEW_AND_OLD_IMAGES",
            },
            "eventSourceARN": self.stream_arn(table),
        });
        if let Some(old) = old {
            json["dynamodb"]["OldImage"] = old.clone();
        }
        StreamRecord {
            sequence,
            created_at: created_at * 1000,
            event_name: event_name.to_owned(),
            json: json.to_string().into(),
        }
    }

    fn stream_arn(&self, table: &str) -> String {
        format!("{}/stream/memory", self.region.table(table))
    }

    fn inner(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Table {
    fn key_of(&self, item: &Value) -> Result<Map<String, Value>, TablesError> {
        self.key
            .iter()
            .map(|name| match item.get(name) {
                Some(value) => Ok((name.clone(), value.clone())),
                None => Err(TablesError::Failed(format!("the key attribute {name} is missing"))),
            })
            .collect()
    }
}

#[async_trait]
impl StreamSource for MemoryTables {
    async fn read(
        &self,
        table: &str,
        after: Option<&str>,
        limit: usize,
    ) -> Result<Vec<StreamRecord>, TablesError> {
        let kept = (self.now)() - STREAM_RETENTION_MS;
        let inner = self.inner();
        let table = inner.tables.get(table).ok_or_else(|| no_table(table))?;
        let after = after.unwrap_or_default();
        Ok(table.records[..table.durable]
            .iter()
            .filter(|record| record.sequence.as_str() > after && record.created_at >= kept)
            .take(limit)
            .cloned()
            .collect())
    }

    async fn bounds(&self, table: &str) -> Result<Bounds, TablesError> {
        let horizon = self.read(table, None, 1).await?.into_iter().next().map(|r| r.sequence);
        let arn = self.stream_arn(table);
        let inner = self.inner();
        let table = inner.tables.get(table).ok_or_else(|| no_table(table))?;
        let latest = table.records[..table.durable].last().map(|record| record.sequence.clone());
        Ok(Bounds { arn, shard: "shardId-00000001-memory".into(), horizon, latest })
    }

    fn woken(&self) -> watch::Receiver<u64> {
        self.woken.subscribe()
    }

    fn writer(&self, table: &str, sequence: &str) -> Option<String> {
        self.inner().causes.writer(table, sequence)
    }
}

fn no_table(table: &str) -> TablesError {
    TablesError::NoStream(table.to_owned())
}
