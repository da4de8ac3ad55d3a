//! A whole system for a `#[tokio::test]`: the template, the real binaries, free ports, a folder of its own.
//!
//! ```no_run
//! # async fn test() -> Result<(), Box<dyn std::error::Error>> {
//! let shop = pointsman::testing::start("infra/template.yaml").await?;
//! let token = shop.token("anna", "orders:write").await;
//! // … requests to shop.http(), SDK calls to shop.endpoint() …
//! shop.wait_until_idle().await;
//! println!("{}", shop.ledger().await);
//! # Ok(()) }
//! ```

mod drain;
mod ledger;

pub use crate::adapters::control::trace::{Node, Stands, Trace, What};
pub use ledger::{Ledger, QueueLedger};

use crate::adapters::control::{Claims, MoveTime, Moved, unread};
use crate::adapters::runner::{Executables, ProcessSpawner, Spawner};
use crate::clock::SystemClock;
use crate::engine::{Asked, Caller, Cause, Engine, Id, Name, OsRandom};
use crate::faults::{Injector, Plan};
use crate::services::mapping::UpdateMapping;
use crate::system::{Config, Folders, Stack, StartError, System};
use crate::template;
use crate::topology::{FunctionSpec, Region, Spec};
use std::collections::BTreeMap;
use std::fmt;
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;
use tempfile::TempDir;

/// Longest that a test waits for a system to come to rest, in wall time.
const PATIENCE: Duration = Duration::from_secs(120);

/// How often a restart is tried, 10 ms apart, before it is said why it fails.
const LET_GO: u32 = 200;

/// Starts a template with its default parameters.
///
/// Functions are taken from Cargo's target folder, where a workspace's tests find them built, or from the folder that
/// `POINTSMAN_FUNCTIONS` names. Cargo is never run here.
///
/// # Errors
/// One line: the template is refused, or a function's binary is missing, with the command that builds it.
pub async fn start(template: impl AsRef<Path>) -> Result<Running, StartError> {
    Setup::new(template).start().await
}

/// What a system under test starts with.
#[derive(Clone, Debug)]
pub struct Setup {
    template: PathBuf,
    parameters: BTreeMap<String, String>,
    secrets: BTreeMap<String, String>,
    folder: Option<PathBuf>,
    faults: Arc<Injector>,
    processes: Option<Processes>,
}

/// What starts functions' processes instead.
#[derive(Clone)]
struct Processes(Arc<dyn Spawner>);

impl fmt::Debug for Processes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Processes")
    }
}

impl Setup {
    /// A template with its default parameters.
    pub fn new(template: impl AsRef<Path>) -> Self {
        let template = template.as_ref().to_owned();
        let faults = Injector::new(Plan::quiet(0));
        let (parameters, secrets) = (BTreeMap::new(), BTreeMap::new());
        Setup { template, parameters, secrets, folder: None, faults, processes: None }
    }

    /// Gives a parameter a value.
    #[must_use]
    pub fn parameter(mut self, name: &str, value: &str) -> Self {
        self.parameters.insert(name.to_owned(), value.to_owned());
        self
    }

    /// Gives a secret or stored parameter a value, where the template refers to it by `{{resolve:…}}`.
    #[must_use]
    pub fn secret(mut self, name: &str, value: &str) -> Self {
        self.secrets.insert(name.to_owned(), value.to_owned());
        self
    }

    /// Keeps all state in this folder, which may be one that another system has left; it stays when the test is over.
    #[must_use]
    pub fn folder(mut self, folder: impl AsRef<Path>) -> Self {
        self.folder = Some(folder.as_ref().to_owned());
        self
    }

    /// Lets things go wrong as a plan says: see [`Running::faults`].
    #[must_use]
    pub fn faults(mut self, plan: Plan) -> Self {
        self.faults = Injector::new(plan);
        self
    }

    /// Has functions' processes started by something else, such as a test that plays them. Binaries are not looked for
    /// then; which function a process is, its variable `AWS_LAMBDA_FUNCTION_NAME` says.
    #[must_use]
    pub fn processes(mut self, spawner: Arc<dyn Spawner>) -> Self {
        self.processes = Some(Processes(spawner));
        self
    }

    /// Brings it up.
    ///
    /// # Errors
    /// See [`start`].
    pub async fn start(mut self) -> Result<Running, StartError> {
        let (folder, temporary) = match self.folder.take() {
            Some(folder) => (folder, None),
            None => {
                let folder = tempfile::tempdir().map_err(|e| StartError::new(e.to_string()))?;
                (folder.path().to_owned(), Some(folder))
            }
        };
        let system = up(&self, &folder, [0, 0]).await?;
        let endpoint = system.control().endpoint.clone();
        let door = system.control().doors.urls().into_iter().next();
        let http = door.map(|(_, url)| url).unwrap_or_default();
        let system = Some(system);
        Ok(Running { setup: self, folder, _temporary: temporary, system, endpoint, http })
    }
}

/// A system that runs for a test. Dropping it ends its functions and deletes its folder, unless the test named one.
pub struct Running {
    setup: Setup,
    folder: PathBuf,
    _temporary: Option<TempDir>,
    system: Option<System>,
    endpoint: String,
    http: String,
}

impl Running {
    /// URL of AWS's protocols: `AWS_ENDPOINT_URL`.
    pub fn endpoint(&self) -> &str {
        &self.endpoint
    }

    /// URL of the template's first HTTP API.
    pub fn http(&self) -> &str {
        &self.http
    }

    /// A token for `sub` with these scopes, apart by spaces.
    pub async fn token(&self, sub: &str, scope: &str) -> String {
        let claims = Claims { sub: sub.into(), scope: scope.into(), ..Claims::default() };
        self.sign(claims).await
    }

    /// A token with these claims.
    ///
    /// # Panics
    /// If there is no key to sign with.
    pub async fn sign(&self, claims: Claims) -> String {
        self.system().control().sign(claims).await.expect("the local issuer signs")
    }

    /// The engine.
    pub fn engine(&self) -> &Engine {
        self.system().engine()
    }

    /// All parts.
    ///
    /// # Panics
    /// Between [`Running::kill`] and [`Running::restart`].
    pub fn system(&self) -> &System {
        self.system.as_ref().expect("the system runs")
    }

    /// Moves engine time on as if it passed: whatever comes due on the way happens at its own time, and the
    /// invocations it begins end before time goes on. Returns what happened.
    ///
    /// # Panics
    /// If an invocation runs for more than a minute: see [`Running::jump`].
    pub async fn advance(&self, by: Duration) -> Moved {
        self.move_time(by, false).await
    }

    /// Moves engine time on in one step: whatever comes due on the way happens at its end, and nothing is waited for,
    /// as if the machine had slept.
    ///
    /// # Panics
    /// If it is more than a hundred years.
    pub async fn jump(&self, by: Duration) -> Moved {
        self.move_time(by, true).await
    }

    async fn move_time(&self, by: Duration, jump: bool) -> Moved {
        let by_ms = Some(u64::try_from(by.as_millis()).unwrap_or(u64::MAX));
        let moved = self.system().control().move_time(MoveTime { by_ms, jump, to_ms: None });
        moved.await.expect("the clock moves on")
    }

    /// What goes wrong on request: the plan that [`Setup::faults`] gave, and single faults at chosen places.
    ///
    /// ```no_run
    /// # async fn test(shop: pointsman::testing::Running) {
    /// use pointsman::faults::{At, Injected};
    /// let mut kill = shop.faults().once(At::after_write().of("payment"), Injected::Kill);
    /// // … something that payment writes …
    /// kill.hit().await;
    /// # }
    /// ```
    pub fn faults(&self) -> &Injector {
        &self.setup.faults
    }

    /// Switches the mappings of a function on or off.
    pub async fn switch(&self, function: &str, enabled: bool) {
        let wanted = function.to_owned();
        let mappings = self.engine().read(move |state, _| {
            let of_it = state.mappings.iter().filter(|(_, m)| m.spec.function == wanted);
            of_it.map(|(name, _)| name.clone()).collect::<Vec<Name>>()
        });
        for mapping in mappings.await.expect("the engine runs") {
            let change = Box::new(move |spec: &mut crate::topology::MappingSpec| {
                spec.enabled = enabled;
                Ok(())
            });
            let update = UpdateMapping { mapping, change };
            self.engine().submit(update, operator()).await.expect("the mapping exists");
        }
    }

    /// What followed from the request that `id` belongs to, as `pointsman trace --all` tells it: every tree that has it.
    ///
    /// # Panics
    /// If history cannot be read.
    pub async fn trace(&self, id: &str) -> Trace {
        self.system().control().trace(id, true).await.expect("history is read")
    }

    /// What went in, what came out, what is still there.
    pub async fn ledger(&self) -> Ledger {
        self.engine().read(|state, _| Ledger::of(state)).await.expect("the engine runs")
    }

    /// Ends the system as a crash does: nothing is told to anybody, functions are left behind.
    pub async fn kill(&mut self) {
        if let Some(system) = self.system.take() {
            system.abandon().await;
        }
        self.setup.faults.begin_again();
    }

    /// Starts it again on its folder, on the same ports.
    ///
    /// # Errors
    /// See [`start`].
    pub async fn restart(&mut self) -> Result<(), StartError> {
        if let Some(system) = self.system.take() {
            system.stop().await;
        }
        let ports = [port(&self.endpoint), port(&self.http)];
        // Tasks of a system that was killed are still on their way out in this process, and hold its folder.
        for _ in 0..LET_GO {
            if let Ok(system) = up(&self.setup, &self.folder, ports).await {
                self.system = Some(system);
                return Ok(());
            }
            crate::clock::sleep(Duration::from_millis(10)).await;
        }
        self.system = Some(up(&self.setup, &self.folder, ports).await?);
        Ok(())
    }

    /// Ends it in order.
    pub async fn stop(mut self) {
        if let Some(system) = self.system.take() {
            system.stop().await;
        }
    }

    /// Waits until nothing moves any more: no invocation runs, no queue with an enabled mapping holds a message that
    /// is visible or in flight, no asynchronous invocation waits, no stream has a record its mapping has not seen.
    ///
    /// # Panics
    /// If that takes more than two minutes, with what still moves.
    pub async fn wait_until_idle(&self) {
        self.wait(false).await;
    }

    /// Waits until nothing moves any more unless time does: as [`Running::wait_until_idle`], but messages that a
    /// failed batch has kept may wait for the end of their visibility timeout, for [`Running::advance`] to bring it.
    ///
    /// # Panics
    /// If that takes more than two minutes, with what still moves.
    pub async fn wait_until_time_must_pass(&self) {
        self.wait(true).await;
    }

    async fn wait(&self, may_be_hidden: bool) {
        let waited = tokio::time::timeout(PATIENCE, async {
            let mut calm = 0;
            // Twice in a row: a record may be on its way from a table to its reader.
            while calm < 2 {
                calm = if self.moves(may_be_hidden).await.is_none() { calm + 1 } else { 0 };
                crate::clock::sleep(Duration::from_millis(5)).await;
            }
        });
        if waited.await.is_err() {
            let moving = self.moves(may_be_hidden).await.unwrap_or_default();
            panic!("the system does not come to rest: {moving}");
        }
    }

    /// What still moves.
    async fn moves(&self, may_be_hidden: bool) -> Option<String> {
        let system = self.system();
        let looked = system.engine().read(move |state, _| {
            if let Some((id, invocation)) = state.pending().next() {
                return Err(format!("invocation {} of {} runs", id.0, invocation.function));
            }
            if let Some(event) = state.async_events.values().next() {
                return Err(format!("an asynchronous invocation of {} waits", event.function));
            }
            let mut streams = vec![];
            for mapping in state.mappings.values().filter(|m| m.spec.enabled) {
                let queue = mapping.queue().and_then(|name| state.queues.get(name));
                if let Some(queue) = queue
                    && (queue.visible() > 0 || queue.in_flight() > 0 && !may_be_hidden)
                {
                    return Err(format!(
                        "queue {} has {} visible and {} in flight",
                        queue.spec.name,
                        queue.visible(),
                        queue.in_flight()
                    ));
                }
                if let Some(table) = mapping.table() {
                    streams.push((table.to_owned(), mapping.cursor.clone()));
                }
            }
            Ok(streams)
        });
        match looked.await.expect("the engine runs") {
            Err(moving) => Some(moving),
            Ok(streams) => {
                let table = unread(system.tables(), &streams).await?;
                Some(format!("the stream of {table} has unread records"))
            }
        }
    }
}

fn operator() -> Asked {
    Asked { caller: Caller::Operator, cause: Cause::Request(Id(0)) }
}

fn port(url: &str) -> u16 {
    url.rsplit(':').next().and_then(|port| port.parse().ok()).unwrap_or(0)
}

async fn up(setup: &Setup, folder: &Path, [aws, http]: [u16; 2]) -> Result<System, StartError> {
    let bind =
        |port| TcpListener::bind(("127.0.0.1", port)).map_err(|e| StartError::new(e.to_string()));
    let (aws, http) = (bind(aws)?, bind(http)?);
    let address = |listener: &TcpListener| {
        let address = listener.local_addr().map_err(|e| StartError::new(e.to_string()));
        address.map(|address| format!("http://{address}"))
    };
    let options = template::Options {
        parameters: setup.parameters.clone(),
        secrets: setup.secrets.clone(),
        endpoint: address(&aws)?,
        http_base: address(&http)?,
        ..template::Options::default()
    };
    let loaded = template::load(&setup.template, &options);
    let loaded = loaded.map_err(|error| StartError::new(error.to_string()))?;
    let stack = Stack { name: "local".into(), loaded, adopt: false, reset: false, drop: false };
    let first_api = stack.loaded.resources.iter().find_map(|resource| match &resource.spec {
        Spec::HttpApi(api) => Some(api.name.clone()),
        _ => None,
    });
    let (executables, spawner): (Arc<dyn Executables>, Arc<dyn Spawner>) = match &setup.processes {
        Some(Processes(spawner)) => {
            (Arc::new(|of: &FunctionSpec| Ok(of.name.as_str().into())), spawner.clone())
        }
        None => (Arc::new(functions()), Arc::new(ProcessSpawner)),
    };
    let system = System::start(Config {
        folder: folder.to_owned(),
        region: Region::default(),
        history: 64 << 20,
        aws,
        http: first_api.map(|api| (api, http)).into_iter().collect(),
        stacks: vec![stack],
        executables,
        spawner,
        clock: Arc::new(SystemClock),
        random: Box::new(OsRandom::default()),
        fatal: Arc::new(|why| panic!("{why}")),
        complain: Arc::new(|why| eprintln!("{why}")),
        faults: Some(setup.faults.clone()),
    })
    .await?;
    if let Err(why) = system.warm_functions().await {
        system.stop().await;
        return Err(StartError::new(why));
    }
    Ok(system)
}

/// Where the functions' binaries are: beside the test's own, which lies in `target/PROFILE/deps`.
fn functions() -> Folders {
    let given = std::env::var_os("POINTSMAN_FUNCTIONS").map(PathBuf::from);
    let beside = std::env::current_exe().ok();
    let beside = beside.and_then(|exe| Some(exe.parent()?.parent()?.to_owned()));
    Folders {
        folders: given.or(beside).into_iter().collect(),
        remedy: "build it with `cargo build --bins`".into(),
    }
}
