use super::StartError;
use super::callers::Environments;
use super::given::{api_names, apis, function_names, others};
use crate::adapters::control::Control;
use crate::adapters::http::{self, Gateway, Issuer};
use crate::adapters::runner::{self, Executables, Runner};
use crate::adapters::tables::{Options as TableOptions, Outcome, SqliteTables, Tables};
use crate::adapters::wire::{self, WireState};
use crate::clock::Clock;
use crate::engine::{self, Asked, Caller, Cause, Engine, Id, Random, Setup};
use crate::faults::{Faults, Injector, NoFaults};
use crate::journal::{Journal, Keeping};
use crate::services::stack::{ApplyTemplate, ChangeSet};
use crate::storage::{Options as StoreOptions, RealDisk};
use crate::template::Loaded;
use crate::topology::{Region, TableSpec};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
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
    /// Where HTTP APIs are served, already bound: one for each, in the order of the templates.
    pub http: Vec<std::net::TcpListener>,
    /// The templates, read.
    pub stacks: Vec<Stack>,
    /// Finds functions' binaries.
    pub executables: Arc<dyn Executables>,
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
#[derive(Debug)]
pub struct Stack {
    /// Name of the stack.
    pub name: String,
    /// What was read.
    pub loaded: Loaded,
    /// See [`ApplyTemplate::adopt`].
    pub adopt: bool,
    /// See [`ApplyTemplate::reset`].
    pub reset: bool,
    /// See [`ApplyTemplate::drop`].
    pub drop: bool,
}

/// A system that runs.
pub struct System {
    engine: Engine,
    runner: Arc<Runner>,
    control: Arc<Control>,
    tables: Arc<SqliteTables>,
    changes: Vec<(String, ChangeSet)>,
    dropped: Option<String>,
    shutdown: watch::Sender<bool>,
    servers: Vec<JoinHandle<()>>,
    sweeper: JoinHandle<()>,
    executables: Arc<dyn Executables>,
    /// Names of the templates' functions.
    functions: Vec<String>,
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
        let tries = config.stacks.iter().flat_map(|s| s.loaded.tries.clone()).collect();
        let (served, functions) = (api_names(&config.stacks), function_names(&config.stacks));
        let changes = apply(&engine, config.stacks).await?;
        let region = read(&engine, |state| state.region.clone()).await?;
        let tables = open_tables(&folder, &engine, region.clone(), &*complain).await?;
        let endpoint = format!("http://{}", address(&config.aws)?);
        let executables = config.executables;
        let runner_config = runner::Config {
            executables: executables.clone(),
            faults: faults.clone(),
            ..runner::Config::new(folder.join("processes"), nowhere, endpoint.clone())
        };
        let runner = Runner::start(engine.clone(), invocations, tables.clone(), runner_config);
        let runner = Arc::new(runner.await.map_err(io("functions cannot be run"))?);
        let issuer = make_issuer(folder.clone(), complain.clone());
        let apis = apis(&served, &config.http)?;
        for (api, stack) in others(&engine, served).await? {
            complain(format!("HTTP API {api} is not served: its stack {stack} was not given"));
        }
        let control = Arc::new(Control {
            engine: engine.clone(),
            tables: tables.clone(),
            issuer: issuer.clone(),
            endpoint: endpoint.clone(),
            apis: apis.clone(),
            tries,
            faults: config.faults,
        });
        let (shutdown, stopping) = watch::channel(false);
        let stopped = || {
            let mut stopping = stopping.clone();
            async move {
                // The sender lives as long as the system.
                let _ = stopping.wait_for(|stop| *stop).await;
            }
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
        let mut servers = vec![tokio::spawn(wire::serve(listener(config.aws)?, wire, stopped()))];
        for (api, socket) in apis.into_iter().zip(config.http) {
            let gateway = Arc::new(Gateway::new(engine.clone(), api.name, issuer.clone()));
            servers.push(tokio::spawn(http::serve(listener(socket)?, gateway, stopped())));
        }
        let sweeper = tokio::spawn(sweep(tables.clone()));
        Ok(System {
            engine,
            runner,
            control,
            tables,
            changes,
            dropped,
            shutdown,
            servers,
            sweeper,
            executables,
            functions,
            keeping: Some(keeping),
        })
    }

    /// Starts an environment of every `provided.*` function of the templates, all at once: the first invocation finds
    /// it, and a function that does not start is known now.
    ///
    /// # Errors
    /// One line for the first function that has no binary or does not start.
    pub async fn warm_functions(&self) -> Result<(), String> {
        let names = self.functions.clone();
        let specs = self.engine.read(move |state, _| {
            let found = names.iter().filter_map(|name| state.functions.get(name.as_str()));
            found.map(|function| function.spec.clone()).collect::<Vec<_>>()
        });
        let mut starts = tokio::task::JoinSet::new();
        for spec in specs.await.map_err(|fault| fault.message)? {
            if spec.runtime.starts_with("provided") {
                self.executables.find(&spec).map_err(|why| format!("{}: {why}", spec.name))?;
                let runner = self.runner.clone();
                starts.spawn(async move { runner.warm(&spec).await });
            }
        }
        while let Some(started) = starts.join_next().await {
            started.map_err(|error| error.to_string())??;
        }
        Ok(())
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
        for server in self.servers.drain(..) {
            server.abort();
            // It holds its listener until it has noticed.
            let _ = server.await;
        }
        self.sweeper.abort();
        self.keeping.take();
        self.engine.stop();
    }

    /// Ends it in order: no new requests, functions end, what was decided is committed.
    pub async fn stop(mut self) {
        self.shutdown.send_replace(true);
        self.runner.stop().await;
        for server in self.servers.drain(..) {
            // A server that panicked has said so already.
            let _ = server.await;
        }
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

async fn apply(
    engine: &Engine,
    stacks: Vec<Stack>,
) -> Result<Vec<(String, ChangeSet)>, StartError> {
    let mut all = vec![];
    for stack in stacks {
        let Stack { name, loaded, adopt, reset, drop } = stack;
        let command =
            ApplyTemplate { stack: name.clone(), resources: loaded.resources, adopt, reset, drop };
        let asked = Asked { caller: Caller::Operator, cause: Cause::Request(Id(0)) };
        let changes = engine.submit(command, asked).await;
        all.push((name, changes.map_err(|fault| StartError::new(fault.message))?));
    }
    Ok(all)
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
    let specs: Vec<TableSpec> =
        read(engine, |state| state.tables.values().map(|t| t.spec.clone()).collect()).await?;
    for table in tables.reconcile(&specs).await.map_err(|e| failed(&e))? {
        if let Outcome::Changed { refused, .. } = table.outcome {
            for why in refused {
                complain(format!("table {}: {why}", table.table));
            }
        }
    }
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

pub(super) fn address(listener: &std::net::TcpListener) -> Result<SocketAddr, StartError> {
    listener.local_addr().map_err(|error| StartError::new(format!("a listener is lost: {error}")))
}

fn listener(listener: std::net::TcpListener) -> Result<TcpListener, StartError> {
    let lost = |error| StartError::new(format!("a listener is lost: {error}"));
    listener.set_nonblocking(true).map_err(lost)?;
    TcpListener::from_std(listener).map_err(lost)
}

async fn sweep(tables: Arc<SqliteTables>) {
    loop {
        crate::clock::sleep(SWEEP).await;
        // A store that is lost has ended the process already.
        let _ = tables.sweep().await;
    }
}
