//! Reads tables' streams for the mappings that want them: table durable, record read, cursor journaled; so a record
//! may be given twice, and none is skipped.

use super::filter::Filter;
use super::logs::{Logs, Said};
use super::tasks::Tasks;
use crate::adapters::lineage;
use crate::adapters::tables::{StreamRecord, StreamSource, TablesError};
use crate::clock::{self, Time};
use crate::engine::{Asked, Caller, Cause, Engine, Fault, Name, ReadRecord, State};
use crate::services::mapping::{AwaitRecords, BeginReading, Mapping, TakeRecords};
use crate::topology::{MappingSource, StartingPosition};
use bytes::{Bytes, BytesMut};
use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::watch;

/// The cursor that stands before every record.
const BEFORE_ALL: &str = "100000000000000000000";

/// The most an event may hold: 6 MB, with room for what stands around the records.
const LARGEST_EVENT: usize = 6 * 1024 * 1024 - 1024;

/// Between two tries of a store that refused.
const PAUSE: Duration = Duration::from_secs(1);

/// Keeps a reader for every mapping of a stream. Looks at the engine once per change for all of them together.
pub(super) async fn read_all(
    engine: Engine,
    streams: Arc<dyn StreamSource>,
    logs: Logs,
    tasks: Arc<Tasks>,
) {
    let (mut mappings, mut topology) = (engine.mappings_changed(), engine.topology_changed());
    let mut readers: HashMap<Name, watch::Sender<Mapping>> = HashMap::new();
    while let Ok(found) = engine.read(|state, _| stream_mappings(state)).await {
        readers.retain(|name, _| found.iter().any(|(other, _)| other == name));
        for (name, mapping) in found {
            if let Some(reader) = readers.get(&name) {
                // Also where nothing seems to have changed: it may have changed and changed back.
                reader.send_replace(mapping);
            } else {
                let (sender, stand) = watch::channel(mapping);
                readers.insert(name.clone(), sender);
                let (engine, streams, logs) = (engine.clone(), streams.clone(), logs.clone());
                let reader = Reader { name, engine, streams, logs, stand, said: None };
                tasks.spawn(reader.run());
            }
        }
        tokio::select! {
            changed = mappings.changed() => if changed.is_err() { return },
            changed = topology.changed() => if changed.is_err() { return },
        }
    }
}

fn stream_mappings(state: &State) -> Vec<(Name, Mapping)> {
    let streams = state.mappings.iter().filter(|(_, mapping)| mapping.table().is_some());
    streams.map(|(name, mapping)| (name.clone(), mapping.clone())).collect()
}

/// Reads for one mapping.
struct Reader {
    name: Name,
    engine: Engine,
    streams: Arc<dyn StreamSource>,
    logs: Logs,
    stand: watch::Receiver<Mapping>,
    /// The last trouble, so that it is told once.
    said: Option<String>,
}

/// What a look at the stream ended with.
enum Looked {
    /// Nothing can change before the mapping does.
    Resting,
    /// Records may come.
    Waiting,
    /// Look again in a while.
    Troubled,
}

impl Reader {
    /// Until the mapping is gone, or the engine or the store is.
    async fn run(mut self) {
        let mut woken = self.streams.woken();
        loop {
            woken.mark_unchanged();
            let mapping = self.stand.borrow_and_update().clone();
            let Ok(looked) = self.look(&mapping).await else { return };
            let changed = tokio::select! {
                changed = self.stand.changed() => changed,
                changed = woken.changed(), if matches!(looked, Looked::Waiting) => changed,
                () = clock::sleep(PAUSE), if matches!(looked, Looked::Troubled) => Ok(()),
            };
            if changed.is_err() {
                return;
            }
        }
    }

    async fn look(&mut self, mapping: &Mapping) -> Result<Looked, Gone> {
        let MappingSource::Stream { table, starting, .. } = &mapping.spec.source else {
            return Ok(Looked::Resting);
        };
        if !mapping.may_take_records() {
            return Ok(Looked::Resting);
        }
        let filter = match Filter::of_records(&mapping.spec.filters) {
            Ok(filter) => filter,
            Err(reason) => return Ok(self.trouble(mapping, reason)),
        };
        if mapping.cursor.is_none() && *starting == StartingPosition::Latest {
            return self.begin(mapping, table).await;
        }
        let limit = mapping.limit.unwrap_or(mapping.spec.batch_size).max(1) as usize;
        let read = self.streams.read(table, mapping.cursor.as_deref(), limit).await;
        let mut records = match read {
            Ok(records) => records,
            Err(error) => return self.refused(mapping, &error),
        };
        self.said = None;
        let cut = fitting(&records);
        let is_full = records.len() >= limit || cut < records.len();
        records.truncate(cut);
        let [first, ..] = records.as_slice() else { return Ok(Looked::Waiting) };
        if !is_full && mapping.waits_for_more() {
            if mapping.due().is_none() {
                let opens = AwaitRecords { mapping: self.name.clone() };
                self.engine.submit(opens, self.asked(&first.sequence)).await?;
            }
            return Ok(Looked::Waiting);
        }
        let take = TakeRecords {
            mapping: self.name.clone(),
            after: mapping.cursor.clone(),
            sequences: records.iter().map(|record| record.sequence.clone()).collect(),
            read: records.iter().map(|record| self.read(table, record, &filter)).collect(),
            written: records.iter().map(|record| Time(record.created_at)).collect(),
            payload: event(&records, &filter),
        };
        // Taken or not: the mapping has changed since, or will when it may take again.
        self.engine.submit(take, self.asked(&first.sequence)).await?;
        Ok(Looked::Resting)
    }

    /// A mapping that wants only what comes from now on is given its place once, in the journal, so that a later
    /// start goes on from there.
    async fn begin(&mut self, mapping: &Mapping, table: &str) -> Result<Looked, Gone> {
        let bounds = match self.streams.bounds(table).await {
            Ok(bounds) => bounds,
            Err(error) => return self.refused(mapping, &error),
        };
        let cursor = bounds.latest.unwrap_or_else(|| BEFORE_ALL.to_owned());
        let begin = BeginReading { mapping: self.name.clone(), cursor: cursor.clone() };
        self.engine.submit(begin, self.asked(&cursor)).await?;
        Ok(Looked::Resting)
    }

    fn refused(&mut self, mapping: &Mapping, error: &TablesError) -> Result<Looked, Gone> {
        if error.is_fatal() {
            return Err(Gone);
        }
        Ok(self.trouble(mapping, error.to_string()))
    }

    fn trouble(&mut self, mapping: &Mapping, reason: String) -> Looked {
        if self.said.as_ref() != Some(&reason) {
            let text = format!("mapping {} reads nothing: {reason}", self.name);
            self.logs.say(&mapping.function(), 0, None, Said::Trouble(text));
            self.said = Some(reason);
        }
        Looked::Troubled
    }

    /// What the journal keeps of a record, with who wrote it.
    fn read(&self, table: &str, record: &StreamRecord, filter: &Filter) -> ReadRecord {
        let writer = self.streams.writer(table, &record.sequence);
        ReadRecord {
            writer: writer.and_then(|writer| writer.parse().ok()),
            wanted: filter.wants_record(&record.json),
            ..lineage::of_record(record)
        }
    }

    fn asked(&self, first: &str) -> Asked {
        let cause = Cause::Records { mapping: self.name.clone(), first: first.to_owned() };
        Asked { caller: Caller::Engine, cause }
    }
}

/// Engine or store have ended.
struct Gone;

impl From<Fault> for Gone {
    fn from(_: Fault) -> Self {
        Gone
    }
}

/// How many of the records an event may hold; at least one.
fn fitting(records: &[StreamRecord]) -> usize {
    let mut size = 0;
    let fits = records.iter().take_while(|record| {
        size += record.json.len() + 1;
        size <= LARGEST_EVENT
    });
    fits.count().max(1).min(records.len())
}

/// The event of the records that the filter wants, if it wants any.
fn event(records: &[StreamRecord], filter: &Filter) -> Option<Bytes> {
    let mut event = BytesMut::from(&b"{\"Records\":["[..]);
    let before = event.len();
    for record in records.iter().filter(|record| filter.wants_record(&record.json)) {
        if event.len() > before {
            event.extend_from_slice(b",");
        }
        event.extend_from_slice(&record.json);
    }
    let any = event.len() > before;
    event.extend_from_slice(b"]}");
    any.then(|| event.freeze())
}
