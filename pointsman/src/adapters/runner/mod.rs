//! Runs functions: real binaries over the Lambda Runtime API, one environment per concurrent invocation.
//!
//! - [`Runner`]: takes the engine's invocations to environments and brings their ends back; reads tables' streams
//! - [`Config`], [`Executables`]: what it runs with, and how a function becomes a file
//! - [`Spawner`], [`Process`]: the seam to the system's processes; [`ProcessSpawner`] starts the engine's own,
//!   [`CargoLambda`] leaves them to `cargo lambda watch`
//! - [`Lease`]: what a function's process needs that was not started here
//! - [`Logs`], [`LogLine`]: what functions write, with the invocation it belongs to
//! - [`KeyOwner`]: whose an access key is
//!
//! Inside: `dispatch` makes events and finds a place for them in the `pool`; an `environment` is a process with what
//! it runs; the process talks to `api`. `stream` reads for the mappings of tables.

mod api;
mod ask;
mod cargo_lambda;
mod dispatch;
mod environment;
mod failure;
mod filter;
mod identity;
mod lease;
mod leftovers;
mod lines;
mod log_file;
mod logs;
mod pool;
mod registry;
mod settings;
mod spawner;
mod sqs_event;
mod stream;
mod tasks;
mod variables;

#[cfg(test)]
mod tests;

pub use cargo_lambda::CargoLambda;
pub use lease::{Lease, Over};
pub use logs::{LogLine, Logs, Said};
pub(crate) use pool::serves;
pub use registry::KeyOwner;
pub use spawner::{Exit, Limits, Output, Process, ProcessSpawner, Spawner, Start};

use self::pool::Pool;
use self::registry::Registry;
use self::tasks::Tasks;
use crate::adapters::tables::StreamSource;
use crate::engine::{Effect, Engine, InvocationId, Name};
use crate::faults::{Faults, NoFaults};
use crate::topology::FunctionSpec;
use std::io;
use std::path::PathBuf;
use std::sync::{Arc, Mutex};
use tokio::net::TcpListener;
use tokio::sync::mpsc::UnboundedReceiver;

/// How a function becomes a file that can be run. Asked at every start of an environment.
pub trait Executables: Send + Sync + 'static {
    /// The executable of a function.
    ///
    /// # Errors
    /// One line that says why there is none, and what to do.
    fn find(&self, function: &FunctionSpec) -> Result<PathBuf, String>;
}

impl<F: Fn(&FunctionSpec) -> Result<PathBuf, String> + Send + Sync + 'static> Executables for F {
    fn find(&self, function: &FunctionSpec) -> Result<PathBuf, String> {
        self(function)
    }
}

/// What a runner works with.
pub struct Config {
    /// Where it notes the processes it started, to end them after a crash: a folder of this engine alone.
    pub state_dir: PathBuf,
    /// Where what functions write is kept beyond the engine's end; nowhere, if there is none.
    pub log_dir: Option<PathBuf>,
    /// How a function becomes a file.
    pub executables: Arc<dyn Executables>,
    /// `AWS_ENDPOINT_URL` of the functions.
    pub endpoint: String,
    /// Starts processes.
    pub spawner: Arc<dyn Spawner>,
    /// What its processes bear.
    pub limits: Limits,
    /// What goes wrong on request.
    pub faults: Arc<dyn Faults>,
}

impl Config {
    /// Real processes, with their own limits.
    pub fn new(
        state_dir: PathBuf,
        executables: impl Executables,
        endpoint: impl Into<String>,
    ) -> Self {
        Config {
            state_dir,
            log_dir: None,
            executables: Arc::new(executables),
            endpoint: endpoint.into(),
            spawner: Arc::new(ProcessSpawner),
            limits: Limits::default(),
            faults: Arc::new(NoFaults),
        }
    }
}

/// Runs functions until it is stopped. Dropped without that, it leaves their processes behind, as a crash does.
pub struct Runner {
    pool: Arc<Pool>,
    tasks: Arc<Tasks>,
}

impl Runner {
    /// Ends processes that an earlier engine left behind, then begins to run what `effects` ask for.
    ///
    /// # Errors
    /// The state folder cannot be read or written, a leftover process does not end, or there is no free port.
    pub async fn start(
        engine: Engine,
        effects: UnboundedReceiver<Effect>,
        streams: Arc<dyn StreamSource>,
        config: Config,
    ) -> io::Result<Runner> {
        let leftovers = leftovers::Leftovers::end(&config.state_dir).await?;
        let listener = TcpListener::bind(("127.0.0.1", 0)).await?;
        let region =
            engine.read(|state, _| state.region.clone()).await.map_err(io::Error::other)?;
        if let Some(pid) = config.spawner.begin(&config.endpoint).await? {
            leftovers.note(pid)?;
        }
        let registry = Registry::new(engine.epoch());
        let pool = Arc::new(Pool {
            registry: registry.clone(),
            logs: Logs::new(engine.clock().clone(), config.log_dir.as_deref())?,
            leftovers,
            clock: engine.clock().clone(),
            region,
            limits: config.limits,
            spawner: config.spawner,
            executables: config.executables,
            endpoint: config.endpoint,
            api: listener.local_addr()?,
            faults: config.faults,
            environments: Tasks::default(),
            functions: Mutex::default(),
        });
        let tasks = Arc::new(Tasks::default());
        tasks.spawn(api::serve(listener, registry, tasks.clone()));
        tasks.spawn(stream::read_all(engine.clone(), streams, pool.logs.clone(), tasks.clone()));
        let dispatch = dispatch::Dispatch {
            known: settings::Known::new(engine.clone()),
            engine,
            pool: pool.clone(),
            tasks: tasks.clone(),
        };
        tasks.spawn(dispatch.run(effects));
        Ok(Runner { pool, tasks })
    }

    /// What functions write.
    pub fn logs(&self) -> &Logs {
        &self.pool.logs
    }

    /// Whose an access key is; `None` for one that never belonged to a function. Waits for nothing.
    pub fn caller_of_key(&self, access_key: &str) -> Option<KeyOwner> {
        self.pool.registry.caller_of_key(access_key)
    }

    /// The invocation that an `X-Amzn-Trace-Id` header names, and its function: one that runs, or ended lately.
    pub fn caller_of_trace(&self, header: &str) -> Option<(Name, InvocationId)> {
        self.pool.registry.caller_of_trace(header)
    }

    /// Kills the process of the environment that has this access key; when this returns, it sends nothing more.
    pub async fn kill(&self, access_key: &str) {
        self.pool.registry.kill(access_key).await;
    }

    /// Starts an environment of a function that waits for work.
    ///
    /// # Errors
    /// One line that says why the function does not start.
    pub async fn warm(&self, function: &FunctionSpec) -> Result<(), String> {
        self.pool.warm(&Arc::new(function.clone())).await
    }

    /// What a process needs that runs this function and was not started here. With [`CargoLambda`] it waits until there
    /// is work for the function, and the process is the one that does it; otherwise it is given no work by the engine.
    ///
    /// # Errors
    /// The engine ends.
    pub async fn lend(&self, function: &FunctionSpec) -> Result<Lease, String> {
        self.pool.lend(function).await.ok_or_else(|| "the engine ends".to_owned())
    }

    /// The variables of a process that somebody starts by hand, perhaps in a debugger. The engine knows its calls by
    /// their key, and gives it no work.
    ///
    /// # Errors
    /// The engine ends.
    pub fn borrow(&self, function: &FunctionSpec) -> Result<Vec<(String, String)>, String> {
        let guest = self.pool.guest(function).ok_or_else(|| "the engine ends".to_owned());
        let (variables, guest) = guest?;
        self.tasks.spawn(guest.stay());
        Ok(variables)
    }

    /// A function's executable has changed: idle environments end at once, the others after what they run.
    pub fn retire(&self, function: &str) {
        self.pool.retire(function);
    }

    /// Ends every environment, within a second, and everything the runner does. What was running is not finished:
    /// the engine's next start sees to it.
    pub async fn stop(&self) {
        self.pool.registry.stop();
        self.pool.environments.ended().await;
        self.pool.spawner.end().await;
        self.tasks.abort();
    }
}

impl Drop for Runner {
    fn drop(&mut self) {
        self.tasks.abort();
        self.pool.environments.abort();
    }
}

/// A secret key for one environment: 40 characters.
fn secret() -> String {
    let mut random = [0; 20];
    // Without the system's randomness keys are guessable, and still unlike each other's access keys.
    let _ = getrandom::fill(&mut random);
    random.iter().map(|byte| format!("{byte:02x}")).collect()
}
