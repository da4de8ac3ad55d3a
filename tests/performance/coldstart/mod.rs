//! What a function's cold start costs: one of the shop's beside a bare one with the same client built lean.
//!
//! Each environment is a process with a Runtime API of its own. Two are started a run: one as on AWS, of which the time
//! to its first request for work is taken, and one that handles an event, for which it calls a table over TLS. The
//! table answers that there is nothing.

mod runtime;
mod table;

use crate::machine;
use crate::page::record::{ColdStarts, Run};
use crate::page::{BARE, SHOP};
use runtime::{Environment, Sample};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use table::Table;

/// A list of orders, as an HTTP API asks for it.
const EVENT: &str = include_str!("list-orders.json");

pub(crate) struct Options {
    pub(crate) root: PathBuf,
    pub(crate) work: PathBuf,
    /// Where the functions' binaries are.
    pub(crate) functions: PathBuf,
    /// How often each is started.
    pub(crate) starts: u32,
    pub(crate) note: String,
}

/// Measures.
pub(crate) fn run(options: &Options) -> Result<ColdStarts, String> {
    std::fs::create_dir_all(&options.work).map_err(|error| error.to_string())?;
    let machine = machine::look(&options.root, &options.work)?;
    let table = Table::serve(&options.work)?;
    let mut runs = vec![];
    for round in 1..=options.starts {
        for function in [SHOP, BARE] {
            let binary = options.functions.join(function);
            let figures = one(&binary, &table).map_err(|why| format!("{function}: {why}"))?;
            let (what, server) = ("coldstart".to_owned(), function.to_owned());
            runs.push(Run { round, what, server, figures, gave_up: None });
        }
    }
    Ok(ColdStarts { machine, note: options.note.clone(), runs })
}

fn one(binary: &Path, table: &Table) -> Result<BTreeMap<String, f64>, String> {
    let start = Environment::start(binary, &[])?.ready()?;
    let called = Environment::start(binary, &table.variables())?;
    let before = called.ready()?;
    table.watch(called.pid());
    let answered = called.invoke(EVENT)?;
    let first = table.first_call().ok_or("it called no table")?;
    let size = std::fs::metadata(binary).map_err(|error| error.to_string())?.len();
    let Sample { cpu_ms, resident_mb, init_ms } = start;
    let figures = [
        ("init_ms", init_ms),
        ("init_cpu_ms", cpu_ms),
        ("resident_mb", resident_mb),
        ("first_call_cpu_ms", first - before.cpu_ms),
        ("first_cpu_ms", answered.cpu_ms - before.cpu_ms),
        ("resident_after_mb", answered.resident_mb),
        ("binary_mb", size as f64 / 1e6),
    ];
    Ok(figures.into_iter().map(|(name, value)| (name.to_owned(), value)).collect())
}
