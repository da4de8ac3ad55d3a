//! Who commits: what is decided while a batch is written and synced gathers for the next one.

use super::core::{Batch, Core, Random};
use super::decision::{Effect, Fault};
use super::desk::Desk;
use super::feed::{Feed, History};
use super::handle::{Engine, Shared};
use super::state::State;
use crate::clock::Clock;
use crate::faults::{Faults, Injected, Point};
use crate::services::Started;
use crate::topology::Region;
use bytes::Bytes;
use std::io;
use std::sync::Arc;
use std::thread;
use tokio::sync::mpsc::UnboundedSender;

/// Where batches become durable.
pub trait Log: Send + 'static {
    /// Writes and syncs; when this returns, everything in it survives a power cut.
    ///
    /// # Errors
    /// Any: nothing is tried again, and the engine ends.
    fn commit(&mut self, records: Vec<Vec<u8>>, bodies: Vec<(u64, Bytes)>) -> io::Result<()>;

    /// The bytes of a body.
    ///
    /// # Errors
    /// The disk's, or that there is no such body.
    fn reader(&self) -> Arc<dyn Fn(u64) -> io::Result<Bytes> + Send + Sync>;

    /// Reads what was committed.
    fn history(&self) -> Arc<dyn History>;

    /// Nothing needs these bodies any more.
    fn release(&mut self, bodies: &[u64]);
}

/// Told when the journal cannot be written: nothing that was not acknowledged yet will be.
pub type Fatal = Box<dyn FnOnce(io::Error) + Send>;

/// What an engine starts from.
pub struct Setup {
    /// What the journal's facts made.
    pub state: State,
    /// How many facts these were.
    pub facts: u64,
    /// Account and region of a new journal.
    pub region: Region,
    /// Wall time.
    pub clock: Arc<dyn Clock>,
    /// Seeds.
    pub random: Box<dyn Random>,
    /// Where batches become durable.
    pub log: Box<dyn Log>,
    /// Gets the invocations to be run.
    pub effects: UnboundedSender<Effect>,
    /// Told when the journal cannot be written.
    pub fatal: Fatal,
    /// What goes wrong on request.
    pub faults: Arc<dyn Faults>,
}

/// Begins a new epoch on what the journal holds.
///
/// # Errors
/// A refusal of the start.
pub fn start(setup: Setup) -> Result<Engine, Fault> {
    let Setup { state, facts, region, clock, random, mut log, effects, fatal, faults } = setup;
    let mut core = Core::new(state, facts, clock.clone(), random, faults.clone());
    let epoch = core.begin(&Started { region })?;
    let (offset_ms, last) = (core.state().offset_ms, core.state().last);
    let desk = Arc::new(Desk::new(core));
    let feed = Feed::new(log.history());
    let shared = Arc::new(Shared::new(desk.clone(), feed.clone(), log.reader(), clock));
    shared.set_epoch(epoch);
    shared.set_offset(offset_ms);
    shared.set_last(last);
    let engine = Engine::new(shared.clone());
    let committing = {
        let desk = desk.clone();
        thread::Builder::new().name("commit".into()).spawn(move || {
            while let Some(batch) = desk.next_batch() {
                match commit(log.as_mut(), batch, &feed, &effects, &shared, &*faults) {
                    Ok(Committed::Told) => {}
                    Ok(Committed::Crashed) => break,
                    Err(error) => {
                        fatal(error);
                        break;
                    }
                }
            }
            desk.end();
            shared.end();
        })
    };
    let timing = {
        let desk = desk.clone();
        thread::Builder::new().name("time".into()).spawn(move || desk.watch())
    };
    match (committing, timing) {
        (Ok(committing), Ok(timing)) => {
            engine.joins(vec![committing, timing]);
            Ok(engine)
        }
        _ => {
            desk.end();
            Err(Fault::new("ServiceException", "The engine's threads could not be started."))
        }
    }
}

fn commit(
    log: &mut dyn Log,
    batch: Batch,
    feed: &Feed,
    effects: &UnboundedSender<Effect>,
    shared: &Shared,
    faults: &dyn Faults,
) -> io::Result<Committed> {
    if faults.strike(Point::Commit(&batch.entries)) == Some(Injected::Crash) {
        return Ok(Committed::Crashed);
    }
    let Batch { first, records, bodies, entries, effects: wanted, released, .. } = batch;
    let copies = bodies.clone();
    // Also without facts: the log may have bodies of its own to move.
    log.commit(records, bodies)?;
    if faults.strike(Point::Committed(&entries)) == Some(Injected::Crash) {
        return Ok(Committed::Crashed);
    }
    let last = entries.last().map(|entry| entry.at);
    feed.publish(first, entries, &copies);
    if let Some(last) = last {
        shared.set_last(last);
    }
    if let Some(offset_ms) = batch.offset_ms {
        shared.set_offset(offset_ms);
    }
    for tell in batch.after {
        tell();
    }
    // Before what is to be run: whoever runs it should know its newest settings.
    shared.wake(batch.mappings, batch.topology);
    for effect in wanted {
        match effect {
            Effect::Answer(invocation, answer) => shared.answer(invocation, answer),
            // Without a runner nobody invokes; a new start would.
            effect => drop(effects.send(effect)),
        }
    }
    log.release(&released);
    Ok(Committed::Told)
}

/// What became of a batch.
enum Committed {
    /// It is durable, and everybody was told.
    Told,
    /// A fault ends the engine here, and nobody is told.
    Crashed,
}
