//! A runner on a real engine, with functions that are tasks of the test and speak the Runtime API over its socket.

mod crashes;
mod failures;
mod fake;
mod faults;
mod lifecycle;
mod queues;
mod real;
mod streams;

use self::fake::{FakeSpawner, Script};
use super::*;
use crate::adapters::tables::MemoryTables;
use crate::clock::SystemClock;
use crate::engine::testing::{function, resources};
use crate::engine::{
    Answer, Asked, Caller, Cause, Id, MemoryLog, SeededRandom, Setup, State, start,
};
use crate::services::function::Invoke;
use crate::services::stack::ApplyTemplate;
use crate::topology::{Region, Spec};
use bytes::Bytes;
use serde_json::Value;
use std::future::Future;
use std::time::Duration;
use tokio::sync::mpsc::unbounded_channel;
use tokio::sync::oneshot;

/// No test waits longer for anything that must happen.
const LONG: Duration = Duration::from_secs(20);

struct World {
    engine: Engine,
    runner: Runner,
    spawner: FakeSpawner,
    tables: Arc<MemoryTables>,
    state_dir: tempfile::TempDir,
}

impl World {
    /// Every function is `script`.
    async fn new(specs: Vec<Spec>, script: Script) -> World {
        let spawner = FakeSpawner::new(script);
        World::with(specs, spawner, |_| {}).await
    }

    async fn with(
        specs: Vec<Spec>,
        spawner: FakeSpawner,
        change: impl FnOnce(&mut Config),
    ) -> World {
        let state_dir = tempfile::tempdir().unwrap();
        let executables = |spec: &FunctionSpec| {
            Ok::<_, String>(PathBuf::from(format!("/functions/{}", spec.name)))
        };
        let mut config =
            Config::new(state_dir.path().to_owned(), executables, "http://127.0.0.1:4566");
        config.spawner = Arc::new(spawner.clone());
        change(&mut config);
        let (sender, effects) = unbounded_channel();
        let engine = start(Setup {
            state: State::default(),
            facts: 0,
            region: Region::default(),
            clock: Arc::new(SystemClock),
            random: Box::new(SeededRandom::new(1)),
            log: Box::new(MemoryLog::default()),
            effects: sender,
            fatal: Box::new(|error| panic!("{error}")),
            faults: Arc::new(crate::faults::NoFaults),
        })
        .unwrap();
        let tables = Arc::new(MemoryTables::new(Region::default(), Arc::new(|| 1_700_000_000_000)));
        tables.create("store", &["id"]);
        let runner = Runner::start(engine.clone(), effects, tables.clone(), config).await.unwrap();
        let world = World { engine, runner, spawner, tables, state_dir };
        world.apply(specs).await;
        world
    }

    async fn apply(&self, specs: Vec<Spec>) {
        let resources = resources(specs);
        let template = ApplyTemplate { stack: "shop".into(), resources, ..Default::default() };
        self.engine.submit(template, asked()).await.unwrap();
    }

    /// Begins an invocation of `echo`.
    async fn begin(&self, payload: &str) -> (InvocationId, Id, oneshot::Receiver<Answer>) {
        let payload = Bytes::from(payload.to_owned());
        let invoke = Invoke { function: "echo".into(), payload, http: None };
        self.engine.invoke(invoke, asked()).await.unwrap()
    }

    /// Invokes `echo`: the answer, or the error's JSON, and the request id.
    async fn invoke(&self, payload: &str) -> (Result<String, Value>, Id) {
        let (_, request, answer) = self.begin(payload).await;
        (read(soon(answer).await.unwrap()), request)
    }

    /// What the log of a request says, without its reports' figures.
    fn log(&self, request: Id) -> Vec<String> {
        let lines = self.runner.logs().recent();
        let of_request = lines.iter().filter(|line| line.request == Some(request));
        of_request.map(|line| line.to_string()).collect()
    }

    async fn read<R: Send + 'static>(&self, look: impl FnOnce(&State) -> R + Send + 'static) -> R {
        self.engine.read(|state, _| look(state)).await.unwrap()
    }

    /// Waits until the state is as wanted.
    async fn until(&self, wanted: impl Fn(&State) -> bool + Send + Clone + 'static) {
        let check = async {
            while !self.read(wanted.clone()).await {
                tokio::time::sleep(Duration::from_millis(2)).await;
            }
        };
        soon(check).await;
    }
}

impl Drop for World {
    fn drop(&mut self) {
        self.engine.stop();
    }
}

fn read(answer: Answer) -> Result<String, Value> {
    match answer {
        Answer::Payload(bytes) => Ok(String::from_utf8(bytes.to_vec()).unwrap()),
        Answer::Error(bytes) => Err(serde_json::from_slice(&bytes).unwrap()),
    }
}

fn asked() -> Asked {
    Asked { caller: Caller::Operator, cause: Cause::Request(Id(1)) }
}

fn echo() -> Spec {
    Spec::Function(function("echo"))
}

async fn soon<F: Future>(future: F) -> F::Output {
    tokio::time::timeout(LONG, future).await.expect("this was to happen soon")
}
