//! What was measured, as it is kept: every run, nothing averaged.

use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// One call of `cargo verify performance`.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Record {
    pub(crate) machine: Machine,
    pub(crate) settings: Settings,
    pub(crate) servers: Vec<Server>,
    pub(crate) runs: Vec<Run>,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Machine {
    /// UTC.
    pub(crate) date: String,
    pub(crate) commit: String,
    /// Whether what was measured is just that commit.
    pub(crate) changed: bool,
    pub(crate) processor: String,
    pub(crate) cores: usize,
    pub(crate) memory_gb: f64,
    pub(crate) kernel: String,
    /// Of the state folders.
    pub(crate) filesystem: String,
    /// What fdatasync of 4,096 new bytes takes there, in the median.
    pub(crate) sync_us: f64,
    /// How many processes wanted to run, in the mean of the minute before.
    pub(crate) load: f64,
    pub(crate) rustc: String,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Settings {
    pub(crate) rounds: u32,
    /// Events of a stream or burst.
    pub(crate) events: u64,
    /// Events of a paced load, and of one to a function.
    pub(crate) paced: u64,
    pub(crate) handled: u64,
    pub(crate) rate: u64,
    pub(crate) backlogs: Vec<u64>,
    /// Seconds after which a load is given up.
    pub(crate) limit: u64,
    /// What else must be said of these figures.
    pub(crate) note: String,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Server {
    pub(crate) name: String,
    pub(crate) version: String,
    pub(crate) settings: String,
    /// Why it could not be measured.
    pub(crate) absent: Option<String>,
}

/// One run of one server.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Run {
    pub(crate) round: u32,
    /// `stream/256`, `backlog/20000`, …
    pub(crate) what: String,
    pub(crate) server: String,
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub(crate) figures: BTreeMap<String, f64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) gave_up: Option<String>,
}

/// One call of `cargo verify coldstart`.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct ColdStarts {
    pub(crate) machine: Machine,
    pub(crate) note: String,
    /// A run is one environment from its start to the end of its first invocation; the server is the function.
    pub(crate) runs: Vec<Run>,
}

/// A figure of several runs.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Figure {
    pub(crate) median: f64,
    pub(crate) least: f64,
    pub(crate) most: f64,
}

/// A figure of all runs of a server, or `None` if none has it.
pub(crate) fn figure(runs: &[Run], what: &str, server: &str, name: &str) -> Option<Figure> {
    let of = runs.iter().filter(|run| run.what == what && run.server == server);
    let mut all: Vec<f64> = of.filter_map(|run| run.figures.get(name).copied()).collect();
    all.sort_by(f64::total_cmp);
    let (least, most) = (*all.first()?, *all.last()?);
    let middle = all.len() / 2;
    let median =
        if all.len() % 2 == 1 { all[middle] } else { (all[middle - 1] + all[middle]) / 2.0 };
    Some(Figure { median, least, most })
}

/// Why a server gave a measurement up.
pub(crate) fn gave_up<'a>(runs: &'a [Run], what: &str, server: &str) -> Option<&'a str> {
    let of = runs.iter().filter(|run| run.what == what && run.server == server);
    of.filter_map(|run| run.gave_up.as_deref()).next()
}
