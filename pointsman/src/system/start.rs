use super::callers::Environments;
use super::given::{api_names, function_names, others, tries};
use super::{StartError, change};
use crate::adapters::control::Control;
use crate::adapters::http::{Doors, Issuer};
use crate::adapters::runner::{self, Executables, Runner, Spawner};
use crate::adapters::tables::{Options as TableOptions, SqliteTables, Tables};
use crate::adapters::wire::{self, WireState};
use crate::clock::Clock;
use crate::engine::{self, Engine, Random, Setup};
use crate::faults::{Faults, Injector, NoFaults};
use crate::journal::{Journal, Keeping};
use crate::services::stack::ChangeSet;
use crate::storage::{Options as StoreOptions, RealDisk};
use crate::template::Loaded;
use crate::topology::Region;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::net::TcpListener;
use tokio::sync::{mpsc, watch};
use tokio::task::JoinHandle;

/// How often items past their time to live and old stream records are swept out.
const SWEEP: Duration = Duration::from_secs(10);

/// What a system starts with.
pub struct Config {
    /// Where all state lies.
    pub folder: PathBuf,
    /// Account and region of a new folder; an old one keeps its own.
    pub region: Region,
    /// Bytes of history kept.
    pub history: u64,
    /// Where AWS's protocols are served, already bound.
    pub aws: std::net::TcpListener,
    /// Where HTTP APIs are served, by their names, already bound.
    pub http: Vec<(String, std::net::TcpListener)>,
    /// The templates, read; each after those whose exports it imports.
    pub stacks: Vec<Stack>,
    /// Finds functions' binaries.
    pub executables: Arc<dyn Executables>,
    /// Starts their processes.
    pub spawner: Arc<dyn Spawner>,
    /// Wall time.
    pub clock: Arc<dyn Clock>,
    /// Seeds.
    pub random: Box<dyn Random>,
    /// Told when storage failed, and the process must end.
    pub fatal: Arc<dyn Fn(String) + Send + Sync>,
    /// Told what a person should know while it runs.
    pub complain: Arc<dyn Fn(String) + Send + Sync>,
    /// What goes wrong on request; `None` in production.
    pub faults: Option<Arc<Injector>>,
}

/// A template under its name.
#[derive(Clone, Debug)]
pub struct Stack {
    /// Name of the stack.
    pub name: String,
    /// What was read.
    pub loaded: Loaded,
    /// See [`ApplyTemplate::adopt`](crate::services::stack::ApplyTemplate::adopt).
    pub adopt: bool,
    /// See [`ApplyTemplate::reset`](crate::services::stack::ApplyTemplate::reset).
    pub reset: bool,
    /// See [`ApplyTemplate::drop`](crate::services::stack::ApplyTemplate::drop).
    pub drop: bool,
}

/// A system that runs.
pub struct System {
    pub(super) engine: Engine,
    pub(super) runner: Arc<Runner>,
    pub(super) control: Arc<Control>,
    pub(super) tables: Arc<SqliteTables>,
    pub(super) doors: Arc<Doors>,
    changes: Vec<(String, ChangeSet)>,
    dropped: Option<String>,
    shutdown: watch::Sender<bool>,
    server: JoinHandle<()>,
    sweeper: JoinHandle<()>,
    pub(super) executables: Arc<dyn Executables>,
    /// The templates as they run.
    pub(super) stacks: Mutex<Vec<Stack>>,
    pub(super) complain: Arc<dyn Fn(String) + Send + Sync>,
    keeping: Option<Keeping>,
}

impl System {
    /// Brings everything up; when it returns, all listeners serve.
    ///
    /// # Errors
    /// One line for each of: folder in use or damaged, a template the engine refuses, a store that does not open.
    pub async fn start(config: Config) -> Result<System, StartError> {
        let Config { folder, clock, fatal, complain, .. } = config;
        let io = |what: &'static str| {
            let folder = folder.clone();
            move |error: std::io::Error| {
                StartError::new(format!("{}: {what}: {error}", folder.display()))
            }
        };
        let disk =
            RealDisk::new(folder.join("journal")).map_err(io("no journal can be kept here"))?;
        let mut options = StoreOptions::default();
        options.history_bytes = config.history;
        let journal = Journal::open(Arc::new(disk), options)?;
        let dropped = journal.opened.dropped.as_ref().map(|torn| {
            format!("{}: {} torn bytes at {} were dropped", torn.file, torn.bytes, torn.offset)
        });
        let faults: Arc<dyn Faults> = match &config.faults {
            Some(injector) => injector.clone(),
            None => Arc::new(NoFaults),
        };
        let (effects, invocations) = mpsc::unbounded_channel();
        let lost = fatal.clone();
        let engine = engine::start(Setup {
            facts: journal.opened.last_seq,
            state: journal.state,
            region: config.region,
            clock,
            random: config.random,
            log: Box::new(journal.log),
            effects,
            fatal: Box::new(move |error| {
                lost(format!("the journal could not be written: {error}"))
            }),
            faults: faults.clone(),
        })
        .map_err(|fault| StartError::new(fault.message))?;
        let nudged = engine.clone();
        let told = complain.clone();
        let keeping = journal
            .keeper
            .start(move || nudged.nudge(), move |why| told(format!("compaction: {why}")))
            .map_err(io("no thread can be started"))?;
        let tries = Mutex::new(tries(&config.stacks));
        let mut changes = vec![];
        for stack in &config.stacks {
            let made = change::apply(&engine, stack).await.map_err(StartError::new)?;
            changes.push((stack.name.clone(), made));
        }
        let region = read(&engine, |state| state.region.clone()).await?;
        let tables = open_tables(&folder, &engine, region.clone(), &*complain).await?;
        let endpoint = format!("http://{}", address(&config.aws)?);
        let executables = config.executables;
        let runner_config = runner::Config {
            log_dir: Some(folder.join("logs")),
            executables: executables.clone(),
            faults: faults.clone(),
            limits: config.spawner.limits(),
            spawner: config.spawner,
            ..runner::Config::new(folder.join("processes"), nowhere, endpoint.clone())
        };
        let runner = Runner::start(engine.clone(), invocations, tables.clone(), runner_config);
        let runner = Arc::new(runner.await.map_err(io("functions cannot be run"))?);
        let issuer = make_issuer(folder.clone(), complain.clone());
        let doors = Arc::new(Doors::new(engine.clone(), issuer.clone()));
        for (api, listener) in config.http {
            doors.open(&api, listener).map_err(no_listener)?;
        }
        for (api, stack) in others(&engine, api_names(&config.stacks)).await? {
            complain(format!("HTTP API {api} is not served: its stack {stack} was not given"));
        }
        let control = Arc::new(Control {
            engine: engine.clone(),
            tables: tables.clone(),
            issuer,
            endpoint: endpoint.clone(),
            doors: doors.clone(),
            logs: runner.logs().clone(),
            runner: runner.clone(),
            tries,
            faults: config.faults,
        });
        let (shutdown, mut stopping) = watch::channel(false);
        let stopped = async move {
            // The sender lives as long as the system.
            let _ = stopping.wait_for(|stop| *stop).await;
        };
        let wire = WireState {
            engine: engine.clone(),
            region,
            endpoint,
            tables: tables.clone(),
            lost: Box::new(move |error| fatal(format!("the tables could not be written: {error}"))),
            callers: Arc::new(Environments(runner.clone())),
            faults,
            fallback: control.clone(),
        };
        let server = tokio::spawn(wire::serve(listener(config.aws)?, wire, stopped));
        let sweeper = tokio::spawn(sweep(tables.clone()));
        Ok(System {
            engine,
            runner,
            control,
            tables,
            doors,
            changes,
            dropped,
            shutdown,
            server,
            sweeper,
            executables,
            stacks: Mutex::new(config.stacks),
            complain,
            keeping: Some(keeping),
        })
    }

    /// Starts an environment of every `provided.*` function of the templates, all at once: the first invocation finds
    /// it, and a function that does not start is known now.
    ///
    /// # Errors
    /// One line for the first function that has no binary or does not start.
    pub async fn warm_functions(&self) -> Result<(), String> {
        let names = function_names(&self.running());
        let mut started = self.warm(names).await;
        match started.iter().position(|(_, outcome)| outcome.is_err()) {
            Some(failed) => started.swap_remove(failed).1,
            None => Ok(()),
        }
    }

    /// The engine.
    pub fn engine(&self) -> &Engine {
        &self.engine
    }

    /// What runs the functions.
    pub fn runner(&self) -> &Runner {
        &self.runner
    }

    /// The tables.
    pub fn tables(&self) -> &SqliteTables {
        &self.tables
    }

    /// What answers `pointsman`'s own commands.
    pub fn control(&self) -> &Control {
        &self.control
    }

    /// What each template changed, by stack.
    pub fn changes(&self) -> &[(String, ChangeSet)] {
        &self.changes
    }

    /// What was torn off the journal's end at the start: it had not been acknowledged.
    pub fn dropped(&self) -> Option<&str> {
        self.dropped.as_deref()
    }

    /// Ends it as a crash does: nobody is told anything, and functions are left behind for the next start to end. When
    /// it returns, its ports are free.
    pub async fn abandon(mut self) {
        self.server.abort();
        // It holds its listener until it has noticed.
        let _ = (&mut self.server).await;
        self.doors.abandon().await;
        self.sweeper.abort();
        self.keeping.take();
        self.engine.stop();
    }

    /// Ends it in order: no new requests, functions end, what was decided is committed.
    pub async fn stop(mut self) {
        self.shutdown.send_replace(true);
        self.runner.stop().await;
        self.doors.close_all_but(|_| false).await;
        // A server that panicked has said so already.
        let _ = (&mut self.server).await;
        self.sweeper.abort();
        self.keeping.take();
        let engine = self.engine.clone();
        // The threads end by themselves; waiting for them must not hold up the runtime.
        let _ = tokio::task::spawn_blocking(move || engine.stop()).await;
    }
}

fn nowhere(_: &crate::topology::FunctionSpec) -> Result<PathBuf, String> {
    Err("no functions can be run".into())
}

async fn open_tables(
    folder: &Path,
    engine: &Engine,
    region: Region,
    complain: &(dyn Fn(String) + Send + Sync),
) -> Result<Arc<SqliteTables>, StartError> {
    let time = engine.clone();
    let options = TableOptions::new(region, Arc::new(move || time.now().0));
    let path = folder.join("tables");
    let failed = |error: &dyn std::fmt::Display| StartError::new(error.to_string());
    std::fs::create_dir_all(&path).map_err(|e| failed(&e))?;
    let opened = tokio::task::spawn_blocking(move || SqliteTables::open(&path, options)).await;
    let tables = opened.map_err(|e| failed(&e))?.map_err(|e| failed(&e))?;
    change::fit_tables(engine, &tables, complain).await.map_err(StartError::new)?;
    Ok(Arc::new(tables))
}

/// Makes or reads the issuer's key beside everything else, as the very first key takes a moment.
fn make_issuer(
    folder: PathBuf,
    complain: Arc<dyn Fn(String) + Send + Sync>,
) -> watch::Receiver<Option<Arc<Issuer>>> {
    let (sender, receiver) = watch::channel(None);
    tokio::task::spawn_blocking(move || match Issuer::open(&folder) {
        Ok(issuer) => drop(sender.send(Some(Arc::new(issuer)))),
        Err(error) => complain(format!("no token can be checked: {error}")),
    });
    receiver
}

pub(super) async fn read<R: Send + 'static>(
    engine: &Engine,
    look: impl FnOnce(&engine::State) -> R + Send + 'static,
) -> Result<R, StartError> {
    engine.read(|state, _| look(state)).await.map_err(|fault| StartError::new(fault.message))
}

fn address(listener: &std::net::TcpListener) -> Result<SocketAddr, StartError> {
    listener.local_addr().map_err(no_listener)
}

fn no_listener(error: std::io::Error) -> StartError {
    StartError::new(format!("a listener is lost: {error}"))
}

fn listener(listener: std::net::TcpListener) -> Result<TcpListener, StartError> {
    listener.set_nonblocking(true).map_err(no_listener)?;
    TcpListener::from_std(listener).map_err(no_listener)
}

async fn sweep(tables: Arc<SqliteTables>) {
    loop {
        crate::clock::sleep(SWEEP).await;
        // A store that is lost has ended the process already.
        let _ = tables.sweep().await;
    }
}
