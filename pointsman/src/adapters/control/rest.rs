//! Whether anything is under way, so that time can wait for it.

use super::Control;
use crate::adapters::tables::StreamSource;
use crate::clock;
use crate::engine::{Fault, State};
use crate::topology::{MappingSource, StartingPosition};
use std::time::Duration;

/// Wall time for which invocations are waited for.
const PATIENCE: Duration = Duration::from_secs(60);

/// Wall time for which records are waited for that nobody takes: their function or filter may be broken.
const READING: Duration = Duration::from_secs(2);

/// Between two looks.
const PAUSE: Duration = Duration::from_millis(3);

/// A stream, and the cursor behind which its mapping reads.
pub(crate) type Place = (String, Option<String>);

impl Control {
    /// Waits until all that was begun has ended: no invocation runs, and no stream's mapping has records to take.
    /// What waits for time to pass is not waited for.
    ///
    /// # Errors
    /// One sentence, if an invocation runs for more than a minute.
    pub(super) async fn rest(&self) -> Result<(), String> {
        let began = clock::Stopwatch::start();
        loop {
            let looked = self.engine.read(|state, _| (running(state), reading(state)));
            let (running, reading) = looked.await.map_err(sentence)?;
            let unread = match &running {
                Some(_) => None,
                None => unread(&*self.tables, &reading).await,
            };
            match running {
                Some(running) if began.elapsed() > PATIENCE => return Err(running),
                None if unread.is_none() || began.elapsed() > READING => return Ok(()),
                _ => clock::sleep(PAUSE).await,
            }
        }
    }
}

/// The first of these streams that has records behind its cursor.
pub(crate) async fn unread(streams: &dyn StreamSource, places: &[Place]) -> Option<String> {
    for (table, cursor) in places {
        let records = streams.read(table, cursor.as_deref(), 1).await;
        if records.is_ok_and(|records| !records.is_empty()) {
            return Some(table.clone());
        }
    }
    None
}

/// An invocation that is not over.
pub(super) fn running(state: &State) -> Option<String> {
    let (id, invocation) = state.pending().next()?;
    Some(format!("invocation {} of {} still runs", id.0, invocation.function))
}

/// Where mappings would take records now.
fn reading(state: &State) -> Vec<Place> {
    let ready = state.mappings.values().filter(|mapping| mapping.wants_records());
    let places = ready.filter_map(|mapping| match &mapping.spec.source {
        MappingSource::Queue { .. } => None,
        // It has not begun: what is there is not for it.
        MappingSource::Stream { starting: StartingPosition::Latest, .. }
            if mapping.cursor.is_none() =>
        {
            None
        }
        MappingSource::Stream { table, .. } => Some((table.clone(), mapping.cursor.clone())),
    });
    places.collect()
}

pub(super) fn sentence(fault: Fault) -> String {
    fault.message
}
