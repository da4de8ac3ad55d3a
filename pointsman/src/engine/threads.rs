//! Two threads: one decides, one commits. While a batch is written and synced, the next one gathers.

use super::core::{Batch, Core, Random};
use super::decision::{Effect, Fault};
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
use std::sync::mpsc::{
    Receiver, RecvTimeoutError, Sender, SyncSender, TrySendError, channel, sync_channel,
};
use std::thread;
use std::time::Duration;
use tokio::sync::mpsc::UnboundedSender;

/// The longest sleep of the deciding thread, so that a clock set by hand is noticed.
const LONGEST_SLEEP: Duration = Duration::from_millis(200);

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

/// Something the deciding thread is asked.
pub(super) enum Job {
    Run(Box<dyn FnOnce(&mut Core) + Send>),
    /// The committing thread is free.
    Committed,
    Stop,
}

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
    let feed = Feed::new(log.history());
    let (jobs, inbox) = channel();
    let shared = Arc::new(Shared::new(jobs.clone(), feed.clone(), log.reader(), clock.clone()));
    let engine = Engine::new(shared.clone());
    let (batches, to_commit) = sync_channel::<Batch>(1);
    let committing = {
        let (jobs, shared, faults) = (jobs.clone(), shared.clone(), faults.clone());
        thread::Builder::new().name("commit".into()).spawn(move || {
            for batch in to_commit {
                match commit(log.as_mut(), batch, &feed, &effects, &shared, &*faults) {
                    Ok(Committed::Told) => {}
                    Ok(Committed::Crashed) => break,
                    Err(error) => {
                        fatal(error);
                        break;
                    }
                }
                if jobs.send(Job::Committed).is_err() {
                    break;
                }
            }
            shared.end();
        })
    };
    shared.set_offset(state.offset_ms);
    shared.set_last(state.last);
    let mut core = Core::new(state, facts, clock, random, faults);
    let started = core.begin(&Started { region })?;
    shared.set_epoch(started);
    let deciding = thread::Builder::new()
        .name("engine".into())
        .spawn(move || decide(&mut core, &inbox, &batches));
    match (committing, deciding) {
        (Ok(committing), Ok(deciding)) => {
            shared.joins(vec![deciding, committing]);
            Ok(engine)
        }
        _ => Err(Fault::new("ServiceException", "The engine's threads could not be started.")),
    }
}

fn decide(core: &mut Core, inbox: &Receiver<Job>, batches: &SyncSender<Batch>) {
    let mut stopping = false;
    loop {
        // Nobody is asked anything before what is due has happened and the disk has caught up.
        if !catch_up(core, batches) || core.batch().is_full() && !send(core, batches) {
            return;
        }
        if !core.batch().is_empty() {
            match batches.try_send(core.take_batch()) {
                Ok(()) => {}
                Err(TrySendError::Full(batch)) => core.put_back(batch),
                Err(TrySendError::Disconnected(_)) => return,
            }
        }
        if stopping && core.batch().is_empty() {
            return;
        }
        // One commit for all that is waiting.
        let mut job = next(core, inbox);
        while let Some(this) = job {
            match this {
                Job::Run(run) => {
                    if !catch_up(core, batches) {
                        return;
                    }
                    run(core);
                }
                Job::Committed => {}
                Job::Stop => stopping = true,
            }
            job = if core.batch().is_full() { None } else { inbox.try_recv().ok() };
        }
    }
}

/// Does what is due, a batch at a time. `false`: nothing is committed any more.
fn catch_up(core: &mut Core, batches: &SyncSender<Batch>) -> bool {
    while !core.tick() {
        if !send(core, batches) {
            return false;
        }
    }
    true
}

fn send(core: &mut Core, batches: &SyncSender<Batch>) -> bool {
    batches.send(core.take_batch()).is_ok()
}

/// The next job, or `None` when a timer is due first.
fn next(core: &Core, inbox: &Receiver<Job>) -> Option<Job> {
    let wait = core.state().next_due().map_or(LONGEST_SLEEP, |due| due - core.now());
    match inbox.recv_timeout(wait.min(LONGEST_SLEEP)) {
        Ok(job) => Some(job),
        Err(RecvTimeoutError::Timeout) => None,
        Err(RecvTimeoutError::Disconnected) => Some(Job::Stop),
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
    let Batch { first, records, bodies, entries, effects: wanted, released, queues, .. } = batch;
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
    shared.wake(&queues, batch.mappings, batch.topology);
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

/// A sender of jobs that can be shared.
pub(super) type Jobs = Sender<Job>;
