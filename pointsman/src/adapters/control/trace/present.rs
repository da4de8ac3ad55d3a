//! What stands at this moment, for the reasons why something waits.

use crate::adapters::lineage;
use crate::adapters::tables::Tables;
use crate::clock::Time;
use crate::engine::{Engine, Fault, Name, ReadRecord, State};
use crate::topology::{MappingSource, StartingPosition};
use bytes::Bytes;
use std::collections::{BTreeMap, BTreeSet};

/// So many records that a mapping has not read are looked at.
const UNREAD: usize = 10_000;
const PAGE: usize = 500;

/// Who takes from where.
#[derive(Debug, Default)]
pub(super) struct Present {
    pub(super) now: Time,
    /// Of queues that are there, the mappings that read them.
    pub(super) queues: BTreeMap<Name, Vec<Reader>>,
    /// Queues that are the dead-letter queue of another.
    pub(super) dead_letter: BTreeSet<Name>,
    /// Mappings of streams.
    pub(super) streams: BTreeMap<Name, Stream>,
}

/// A mapping that takes.
#[derive(Clone, Debug)]
pub(super) struct Reader {
    pub(super) function: String,
    pub(super) enabled: bool,
    /// It waits until then: for a fuller batch, or for its next try.
    pub(super) due: Option<Time>,
}

/// A mapping that reads a stream.
#[derive(Clone, Debug)]
pub(super) struct Stream {
    pub(super) table: Name,
    pub(super) reader: Reader,
    cursor: Option<String>,
    latest: bool,
}

/// A record that a mapping has not settled yet.
#[derive(Clone, Debug)]
pub(super) struct Unread {
    pub(super) mapping: Name,
    pub(super) table: Name,
    pub(super) read: ReadRecord,
    pub(super) at: Time,
    pub(super) json: Bytes,
}

impl Unread {
    pub(super) fn holds(&self, text: &str) -> bool {
        std::str::from_utf8(&self.json).is_ok_and(|json| json.contains(text))
    }
}

impl Present {
    /// As of now; what was decided before is durable when this returns.
    ///
    /// # Errors
    /// The engine has ended.
    pub(super) async fn of(engine: &Engine) -> Result<Present, Fault> {
        engine.read(|state, now| Present { now, ..Present::look(state) }).await
    }

    pub(super) fn look(state: &State) -> Present {
        let mut present = Present::default();
        for (name, queue) in &state.queues {
            present.queues.entry(name.clone()).or_default();
            let target = queue.spec.redrive.as_ref().map(|redrive| redrive.target.as_str());
            let dead = target.and_then(|target| state.region.local("sqs", target));
            present.dead_letter.extend(dead.map(Name::from));
        }
        for (name, mapping) in &state.mappings {
            let reader = Reader {
                function: mapping.spec.function.clone(),
                enabled: mapping.spec.enabled,
                due: mapping.due(),
            };
            match &mapping.spec.source {
                MappingSource::Queue { queue, .. } => {
                    present.queues.entry(queue.as_str().into()).or_default().push(reader);
                }
                MappingSource::Stream { table, starting, .. } => {
                    let stream = Stream {
                        table: table.as_str().into(),
                        reader,
                        cursor: mapping.cursor.clone(),
                        latest: *starting == StartingPosition::Latest,
                    };
                    present.streams.insert(name.clone(), stream);
                }
            }
        }
        present
    }

    /// Records behind the mappings' cursors, and whether there are more than are looked at.
    pub(super) async fn unread(&self, tables: &dyn Tables) -> (Vec<Unread>, bool) {
        let (mut unread, mut more) = (vec![], false);
        for (mapping, stream) in &self.streams {
            let mut after = stream.cursor.clone();
            if after.is_none() && stream.latest {
                continue;
            }
            let mut seen = 0;
            // A table that is gone has none.
            while let Ok(page) = tables.read(&stream.table, after.as_deref(), PAGE).await {
                after = page.last().map(|record| record.sequence.clone());
                seen += page.len();
                let is_last = page.len() < PAGE;
                for record in page {
                    let writer = tables.writer(&stream.table, &record.sequence);
                    let writer = writer.and_then(|writer| writer.parse().ok());
                    unread.push(Unread {
                        mapping: mapping.clone(),
                        table: stream.table.clone(),
                        read: ReadRecord { writer, wanted: true, ..lineage::of_record(&record) },
                        at: Time(record.created_at),
                        json: record.json,
                    });
                }
                if is_last {
                    break;
                }
                if seen >= UNREAD {
                    more = true;
                    break;
                }
            }
        }
        (unread, more)
    }
}
