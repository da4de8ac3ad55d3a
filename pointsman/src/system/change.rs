//! What changes while a system runs: templates, and functions' binaries.

use super::given::{api_names, tries};
use super::start::{Stack, System};
use crate::adapters::runner::serves;
use crate::adapters::tables::{Outcome, SqliteTables, Tables};
use crate::engine::{Asked, Caller, Cause, Engine, Id};
use crate::services::stack::{ApplyTemplate, ChangeSet};
use crate::topology::{FunctionSpec, Spec, TableSpec};
use std::collections::BTreeMap;
use std::net::TcpListener;
use std::sync::{MutexGuard, PoisonError};

/// What a change of the templates came to.
#[derive(Debug, Default)]
pub struct Applied {
    /// What changed, by stack; one whose template asks for the same as before is left out.
    pub changes: Vec<(String, ChangeSet)>,
    /// Functions that came, or whose settings changed, and why one of them does not start.
    pub functions: Vec<(String, Result<(), String>)>,
    /// HTTP APIs that are served from now on, with their URLs.
    pub opened: Vec<(String, String)>,
    /// HTTP APIs that are served no longer.
    pub closed: Vec<String>,
    /// Why a stack was refused: it and those behind it stay as they were.
    pub refused: Option<String>,
}

impl System {
    /// Makes the templates what runs, each as a change set: what was begun under the old ones ends under them. `http`
    /// holds a listener for each HTTP API that is new.
    pub async fn apply(&self, stacks: Vec<Stack>, http: Vec<(String, TcpListener)>) -> Applied {
        let before = self.running().clone();
        let mut applied = Applied::default();
        let mut running = before.clone();
        self.make_tables(&before, &stacks).await;
        for stack in stacks {
            let last = running.iter().position(|last| last.name == stack.name);
            let asks_the_same =
                last.is_some_and(|at| running[at].loaded.resources == stack.loaded.resources);
            if !asks_the_same {
                match apply(&self.engine, &stack).await {
                    Ok(changes) => applied.changes.push((stack.name.clone(), changes)),
                    Err(why) => {
                        applied.refused = Some(why);
                        break;
                    }
                }
            }
            match last {
                Some(at) => running[at] = stack,
                None => running.push(stack),
            }
        }
        if let Err(why) = fit_tables(&self.engine, &self.tables, &*self.complain).await {
            (self.complain)(why);
        }
        // A panic elsewhere leaves the lines whole.
        *self.control.tries.lock().unwrap_or_else(PoisonError::into_inner) = tries(&running);
        *self.running() = running.clone();
        self.serve(&running, http, &mut applied).await;
        let (old, new) = (by_name(&before), by_name(&running));
        for gone in old.keys().filter(|name| !new.contains_key(*name)) {
            self.runner.retire(gone);
        }
        let changed =
            new.iter().filter(|(name, spec)| old.get(*name).is_none_or(|last| !serves(last, spec)));
        applied.functions = self.warm(changed.map(|(name, _)| (*name).to_owned()).collect()).await;
        applied
    }

    /// Functions' executables have changed: what runs ends where it is, and invocations from now on begin in new
    /// processes, of which one of each function is started at once. Why one of them does not start, if so.
    pub async fn swap(&self, functions: Vec<String>) -> Vec<(String, Result<(), String>)> {
        functions.iter().for_each(|function| self.runner.retire(function));
        self.warm(functions).await
    }

    /// Starts an environment of each of these, all at once; functions of other runtimes are passed over.
    pub(super) async fn warm(&self, names: Vec<String>) -> Vec<(String, Result<(), String>)> {
        let wanted = names.clone();
        let specs = self.engine.read(move |state, _| {
            let found = wanted.iter().filter_map(|name| state.functions.get(name.as_str()));
            found.map(|function| function.spec.clone()).collect::<Vec<_>>()
        });
        let specs = match specs.await {
            Ok(specs) => specs,
            Err(fault) => {
                return names.into_iter().map(|name| (name, Err(fault.message.clone()))).collect();
            }
        };
        let mut starts = vec![];
        for spec in specs.into_iter().filter(|spec| spec.runtime.starts_with("provided")) {
            let name = spec.name.clone();
            let found = self.executables.find(&spec).map_err(|why| format!("{name}: {why}"));
            let runner = self.runner.clone();
            let start = found.map(|_| tokio::spawn(async move { runner.warm(&spec).await }));
            starts.push((name, start));
        }
        let mut started = vec![];
        for (name, start) in starts {
            let outcome = match start {
                Ok(start) => start.await.unwrap_or_else(|error| Err(error.to_string())),
                Err(why) => Err(why),
            };
            started.push((name, outcome));
        }
        started
    }

    /// The templates as they run. A panic elsewhere leaves the list whole.
    pub(super) fn running(&self) -> MutexGuard<'_, Vec<Stack>> {
        self.stacks.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The templates as they run, each after those whose exports it imports.
    pub fn stacks(&self) -> Vec<Stack> {
        self.running().clone()
    }

    /// The templates' functions.
    pub fn functions(&self) -> Vec<FunctionSpec> {
        functions(&self.running())
    }

    /// New tables are there before a mapping looks for their streams. One whose template is then refused stays, empty.
    async fn make_tables(&self, before: &[Stack], stacks: &[Stack]) {
        let there = tables(before);
        let new = tables(stacks).into_iter().filter(|table| !there.contains(table));
        let new: Vec<TableSpec> = new.cloned().collect();
        // One that is there already is fitted when its template is applied, and whatever is wrong is told then.
        let _ = self.tables.reconcile(&new).await;
    }

    async fn serve(
        &self,
        running: &[Stack],
        http: Vec<(String, TcpListener)>,
        applied: &mut Applied,
    ) {
        let names = api_names(running);
        applied.closed = self.doors.close_all_but(|api| names.iter().any(|name| name == api)).await;
        let before = self.doors.urls();
        for (api, listener) in http {
            if names.contains(&api)
                && let Err(error) = self.doors.open(&api, listener)
            {
                (self.complain)(format!("HTTP API {api} is not served: {error}"));
            }
        }
        applied.opened =
            self.doors.urls().into_iter().filter(|door| !before.contains(door)).collect();
    }
}

/// Makes a stack what its template says.
///
/// # Errors
/// One line that says what is refused, with its place.
pub(super) async fn apply(engine: &Engine, stack: &Stack) -> Result<ChangeSet, String> {
    let Stack { name, loaded, adopt, reset, drop } = stack.clone();
    let command = ApplyTemplate { stack: name, resources: loaded.resources, adopt, reset, drop };
    let asked = Asked { caller: Caller::Operator, cause: Cause::Request(Id(0)) };
    engine.submit(command, asked).await.map_err(|fault| fault.message)
}

/// Makes the tables what the topology asks for; what cannot be done is complained of.
///
/// # Errors
/// One line, where the store fails.
pub(super) async fn fit_tables(
    engine: &Engine,
    tables: &SqliteTables,
    complain: &(dyn Fn(String) + Send + Sync),
) -> Result<(), String> {
    let specs = engine
        .read(|state, _| state.tables.values().map(|table| table.spec.clone()).collect::<Vec<_>>());
    let specs = specs.await.map_err(|fault| fault.message)?;
    for table in tables.reconcile(&specs).await.map_err(|error| error.to_string())? {
        if let Outcome::Changed { refused, .. } = table.outcome {
            refused.iter().for_each(|why| complain(format!("table {}: {why}", table.table)));
        }
    }
    Ok(())
}

/// The stacks' functions.
pub fn functions(stacks: &[Stack]) -> Vec<FunctionSpec> {
    by_name(stacks).into_values().cloned().collect()
}

fn by_name(stacks: &[Stack]) -> BTreeMap<&str, &FunctionSpec> {
    let all = stacks.iter().flat_map(|stack| &stack.loaded.resources);
    let functions = all.filter_map(|resource| match &resource.spec {
        Spec::Function(function) => Some((function.name.as_str(), function)),
        _ => None,
    });
    functions.collect()
}

fn tables(stacks: &[Stack]) -> Vec<&TableSpec> {
    let all = stacks.iter().flat_map(|stack| &stack.loaded.resources);
    let tables = all.filter_map(|resource| match &resource.spec {
        Spec::Table(table) => Some(table),
        _ => None,
    });
    tables.collect()
}
