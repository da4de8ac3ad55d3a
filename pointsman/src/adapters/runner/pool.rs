use super::ask::{Ask, Ran, Work};
use super::environment::Environment;
use super::failure;
use super::identity::EnvironmentId;
use super::lease::{Guest, Lease, RUNTIME_API};
use super::leftovers::Leftovers;
use super::lines::Lines;
use super::logs::Logs;
use super::registry::Registry;
use super::spawner::{Limits, Spawner, Start};
use super::tasks::Tasks;
use super::variables::Variables;
use super::{Executables, secret};
use crate::clock::{self, Clock};
use crate::engine::{Id, InvocationId, Name};
use crate::faults::Faults;
use crate::services::function::Finished;
use crate::topology::{FunctionSpec, Region};
use bytes::Bytes;
use std::collections::HashMap;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::sync::mpsc::{UnboundedSender, unbounded_channel};
use tokio::sync::{Semaphore, oneshot};

/// The longest pause before a function that does not start is started again.
const LONGEST_PAUSE: Duration = Duration::from_secs(2);

/// The environments of all functions: hands an invocation to an idle one, the one used last first, or starts one.
pub(super) struct Pool {
    pub(super) registry: Arc<Registry>,
    pub(super) logs: Logs,
    pub(super) leftovers: Leftovers,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) region: Region,
    pub(super) limits: Limits,
    pub(super) spawner: Arc<dyn Spawner>,
    pub(super) executables: Arc<dyn Executables>,
    pub(super) endpoint: String,
    /// Where the Runtime API listens.
    pub(super) api: SocketAddr,
    pub(super) faults: Arc<dyn Faults>,
    pub(super) environments: Tasks,
    pub(super) functions: Mutex<HashMap<Name, Function>>,
}

/// What the pool knows of a function.
pub(super) struct Function {
    spec: Arc<FunctionSpec>,
    /// Rises with every change; environments of an older one are used no more.
    generation: u64,
    /// The one used last is the last.
    idle: Vec<Member>,
    /// Starts that failed since the last that did not.
    failures: u32,
    limit: Arc<Semaphore>,
    /// Starts go one by one while they fail.
    turn: Arc<tokio::sync::Mutex<()>>,
}

/// An environment, as the pool knows it.
#[derive(Clone)]
pub(super) struct Member {
    pub(super) id: EnvironmentId,
    pub(super) function: Name,
    generation: u64,
    ask: UnboundedSender<Ask>,
}

impl Pool {
    /// Runs an invocation; `None` where the engine ends first.
    pub(super) async fn run(
        self: &Arc<Self>,
        spec: &Arc<FunctionSpec>,
        id: InvocationId,
        request: Id,
        payload: &Bytes,
        attempt: u32,
    ) -> Option<Finished> {
        let limit = self.prepare(spec);
        let _place = limit.acquire_owned().await.ok()?;
        loop {
            let (tell, told) = oneshot::channel();
            let work = Work { id, request, payload: payload.clone(), attempt, tell };
            match self.take_idle(&spec.name) {
                Some(member) => {
                    if member.ask.send(Ask::Run(work)).is_err() {
                        continue;
                    }
                }
                None => match self.begin(spec, Some(work), None).await {
                    Ok(true) => {}
                    Ok(false) => return None,
                    Err(reason) => return Some(failure::not_started(request, &reason)),
                },
            }
            match told.await {
                Ok(Ran::Finished(finished)) => return Some(finished),
                Ok(Ran::NotTaken) => {}
                Ok(Ran::Stopped) => return None,
                Err(_) => {
                    let text = format!("RequestId: {request} Error: the environment was lost");
                    return Some(failure::failed("Runtime.Unknown", text));
                }
            }
        }
    }

    /// Starts an environment that waits for work, so that the first invocation need not wait for it.
    ///
    /// # Errors
    /// One line that says why it does not start.
    pub(super) async fn warm(self: &Arc<Self>, spec: &Arc<FunctionSpec>) -> Result<(), String> {
        self.prepare(spec);
        let (ready, told) = oneshot::channel();
        self.begin(spec, None, Some(ready)).await?;
        // Without an answer the engine is ending.
        told.await.unwrap_or(Ok(()))
    }

    /// A function's code has changed: idle environments end now, the others after what they run.
    pub(super) fn retire(&self, function: &str) {
        if let Some(function) = self.functions().get_mut(function) {
            function.renew();
        }
    }

    /// An environment is free again. False if it should end instead.
    pub(super) fn put_back(&self, member: &Member) -> bool {
        let mut functions = self.functions();
        let Some(function) = functions.get_mut(&member.function) else { return false };
        let is_current = function.generation == member.generation;
        if is_current {
            function.idle.push(member.clone());
        }
        is_current
    }

    /// Takes an idle environment out; false if it is in the list no longer.
    pub(super) fn take_out(&self, member: &Member) -> bool {
        let mut functions = self.functions();
        let Some(function) = functions.get_mut(&member.function) else { return true };
        let before = function.idle.len();
        function.idle.retain(|idle| idle.id != member.id);
        function.idle.len() < before
    }

    pub(super) fn has_started(&self, member: &Member) {
        if let Some(function) = self.functions().get_mut(&member.function) {
            function.failures = 0;
        }
    }

    pub(super) fn has_not_started(&self, member: &Member) {
        if let Some(function) = self.functions().get_mut(&member.function)
            && function.generation == member.generation
        {
            function.failures = function.failures.saturating_add(1);
        }
    }

    /// Takes note of the function's settings, ending idle environments that have others.
    fn prepare(&self, spec: &Arc<FunctionSpec>) -> Arc<Semaphore> {
        let mut functions = self.functions();
        if let Some(function) = functions.get_mut(spec.name.as_str()) {
            if !Arc::ptr_eq(&function.spec, spec) {
                if !serves(&function.spec, spec) {
                    function.renew();
                }
                function.spec = spec.clone();
            }
            return function.limit.clone();
        }
        let limit = Arc::new(Semaphore::new(self.limits.environments.max(1)));
        let function = Function {
            spec: spec.clone(),
            generation: 0,
            idle: vec![],
            failures: 0,
            limit: limit.clone(),
            turn: Arc::default(),
        };
        functions.insert(spec.name.as_str().into(), function);
        limit
    }

    fn take_idle(&self, name: &str) -> Option<Member> {
        self.functions().get_mut(name)?.idle.pop()
    }

    /// Starts an environment, which runs `work` first if it is given some, and else says when it is `ready` for it.
    /// False if the engine ends; an error says why there is none.
    async fn begin(
        self: &Arc<Self>,
        spec: &Arc<FunctionSpec>,
        work: Option<Work>,
        ready: Option<oneshot::Sender<Result<(), String>>>,
    ) -> Result<bool, String> {
        let name: Name = spec.name.as_str().into();
        let (turn, pause) = self.pause(&name);
        if !pause.is_zero() {
            let _turn = turn.lock().await;
            // Whoever had the turn before may have shown that it starts again.
            clock::sleep(self.pause(&name).1).await;
        }
        // It is run from its own folder, where a relative path would lead elsewhere.
        let program = std::path::absolute(self.executables.find(spec)?)
            .map_err(|error| format!("its path cannot be made absolute: {error}"))?;
        let generation = self.functions().get(&name).map_or(0, |function| function.generation);
        let (ask, inbox) = unbounded_channel();
        let Some(id) = self.registry.add(&name, ask.clone()) else { return Ok(false) };
        let member = Member { id, function: name, generation, ask };
        let environment = self.variables(spec, &program, id, |name| std::env::var(name).ok());
        let directory = program.parent().unwrap_or(&program).to_owned();
        let start = Start { program: program.clone(), directory, environment };
        let mut process = self.spawner.spawn(start).map_err(|error| {
            self.registry.remove(id);
            self.has_not_started(&member);
            format!("{} could not be started: {error}", program.display())
        })?;
        if let Some(pid) = process.pid()
            && let Err(error) = self.leftovers.note(pid)
        {
            // Unnoted, it could outlive a crash of the engine unseen.
            process.kill();
            self.registry.remove(id);
            return Err(format!("its process could not be noted in the state folder: {error}"));
        }
        let (out, err) = process.output();
        let environment = Environment {
            member,
            pool: self.clone(),
            spec: spec.clone(),
            inbox,
            process,
            out: Lines::new(out),
            err: Lines::new(err),
            next: None,
            work,
            ready,
            request: None,
            init: None,
        };
        self.environments.spawn(environment.live());
        Ok(true)
    }

    /// What a process of this function needs that somebody else starts; `None` if the engine ends.
    pub(super) async fn lend(&self, spec: &FunctionSpec) -> Option<Lease> {
        let binary = spec.binary.as_deref().unwrap_or(&spec.name);
        if let Some(waits) = self.spawner.lend(binary) {
            return Some(waits.await);
        }
        let (variables, guest) = self.guest(spec)?;
        Some(Lease { variables, over: Box::pin(guest.stay()) })
    }

    /// A process that the engine gives no work to; `None` if the engine ends.
    pub(super) fn guest(&self, spec: &FunctionSpec) -> Option<(Vec<(String, String)>, Guest)> {
        let (ask, inbox) = unbounded_channel();
        let id = self.registry.add(&spec.name.as_str().into(), ask)?;
        let guest = Guest { registry: self.registry.clone(), id, inbox };
        // Where it runs from is its own affair.
        let program = self.executables.find(spec).unwrap_or_default();
        let mut variables = self.variables(spec, &program, id, |_| None);
        variables.retain(|(name, _)| name != RUNTIME_API);
        Some((variables, guest))
    }

    fn variables(
        &self,
        spec: &FunctionSpec,
        program: &Path,
        id: EnvironmentId,
        own: impl Fn(&str) -> Option<String>,
    ) -> Vec<(String, String)> {
        let variables = Variables {
            spec,
            region: &self.region,
            program,
            endpoint: &self.endpoint,
            runtime_api: &format!("http://{}/{}", self.api, id.path()),
            access_key: &id.access_key(),
            secret_key: &secret(),
            log_stream: &format!(
                "{}/[$LATEST]{:016x}{:016x}",
                self.clock.wall().format("%Y/%m/%d"),
                id.epoch,
                id.number
            ),
        };
        variables.list(own)
    }

    /// How long the next start of a function waits: longer with every start that failed.
    fn pause(&self, name: &str) -> (Arc<tokio::sync::Mutex<()>>, Duration) {
        let functions = self.functions();
        let Some(function) = functions.get(name) else { return Default::default() };
        let pause = match function.failures {
            0 => Duration::ZERO,
            failures => Duration::from_millis(100 << (failures - 1).min(5)).min(LONGEST_PAUSE),
        };
        (function.turn.clone(), pause)
    }

    /// A panic elsewhere leaves the map whole: each change is one call.
    fn functions(&self) -> MutexGuard<'_, HashMap<Name, Function>> {
        self.functions.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Whether a process that was started for `had` serves `wanted` as well: rights, retries and places in the template
/// may differ, nothing that a process sees.
pub(crate) fn serves(had: &FunctionSpec, wanted: &FunctionSpec) -> bool {
    had.name == wanted.name
        && had.runtime == wanted.runtime
        && had.handler == wanted.handler
        && had.code == wanted.code
        && had.binary == wanted.binary
        && had.environment == wanted.environment
        && had.architecture == wanted.architecture
        && had.timeout == wanted.timeout
        && had.memory == wanted.memory
}

impl Function {
    fn renew(&mut self) {
        self.generation += 1;
        self.failures = 0;
        for member in self.idle.drain(..) {
            // One that has ended already needs no telling.
            let _ = member.ask.send(Ask::Stop);
        }
    }
}
