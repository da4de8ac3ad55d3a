//! What runs.

use super::Control;
use crate::engine::State;
use crate::topology::MappingSource;
use serde::{Deserialize, Serialize};
use std::sync::PoisonError;

/// What runs: for the map that `up` prints, and for anybody who asks.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Map {
    /// HTTP APIs.
    pub apis: Vec<MapApi>,
    /// Rules with their targets.
    pub rules: Vec<MapRule>,
    /// Schedules with their targets.
    #[serde(default)]
    pub schedules: Vec<MapSchedule>,
    /// Functions, and what invokes them.
    pub functions: Vec<MapFunction>,
    /// Lines to try, as the template's metadata has them: `{http}`, `{endpoint}`, `{pointsman}` and `{at}` stand for
    /// what runs.
    pub tries: Vec<String>,
}

/// An HTTP API.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct MapApi {
    /// Its name.
    pub name: String,
    /// Its URL.
    pub url: String,
    /// `POST /orders → order-commands`
    pub routes: Vec<(String, String)>,
}

/// A rule.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct MapRule {
    /// The bus.
    pub bus: String,
    /// The rule.
    pub rule: String,
    /// The pattern.
    pub pattern: String,
    /// Names of target queues or functions.
    pub targets: Vec<String>,
    /// The function behind the first target queue, if a mapping leads there.
    pub function: Option<String>,
}

/// A schedule, or a rule with one.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct MapSchedule {
    /// Its name; outside the default group with the group before it.
    pub schedule: String,
    /// `rate(5 minutes)`, with the time zone if it is another than UTC.
    pub when: String,
    /// Names of its targets.
    pub targets: Vec<String>,
    /// It fires.
    pub enabled: bool,
}

/// A function.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct MapFunction {
    /// Its name.
    pub name: String,
    /// `stream of event-store`, `queue x`, `HTTP`.
    pub by: Vec<String>,
}

impl Control {
    /// What runs.
    pub async fn map(&self) -> Option<Map> {
        let apis = self.doors.urls().into_iter();
        let apis = apis.map(|(name, url)| MapApi { name, url, routes: vec![] }).collect();
        // A panic elsewhere leaves the lines whole.
        let tries = self.tries.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let map = self.engine.read(move |state, _| {
            let by_queue = |queue: &str| {
                let mapping = state.mappings.values().find(|m| m.queue() == Some(queue))?;
                Some(mapping.spec.function.clone())
            };
            let mut map = Map { apis, tries, ..Map::default() };
            for api in &mut map.apis {
                let routes = state.apis.get(api.name.as_str()).map(|a| &a.spec.routes);
                api.routes = routes
                    .into_iter()
                    .flatten()
                    .map(|r| (format!("{} {}", r.method, r.path), r.function.clone()))
                    .collect();
            }
            for bus in state.buses.values() {
                for rule in bus.rules.values().filter(|rule| !rule.spec.pattern.is_empty()) {
                    let targets: Vec<String> =
                        rule.spec.targets.iter().map(|t| last(&t.arn)).collect();
                    map.rules.push(MapRule {
                        bus: bus.spec.name.clone(),
                        rule: rule.spec.name.clone(),
                        pattern: rule.spec.pattern.clone(),
                        function: targets.first().and_then(|queue| by_queue(queue)),
                        targets,
                    });
                }
            }
            map.schedules = schedules(state);
            for function in state.functions.values() {
                let name = &function.spec.name;
                let mut by: Vec<String> = vec![];
                for mapping in state.mappings.values().filter(|m| m.spec.function == *name) {
                    by.push(match &mapping.spec.source {
                        MappingSource::Queue { queue, .. } => format!("queue {queue}"),
                        MappingSource::Stream { table, .. } => format!("stream of {table}"),
                    });
                }
                let routes = state.apis.values().flat_map(|a| &a.spec.routes);
                if routes.into_iter().any(|r| r.function == *name) {
                    by.push("HTTP".into());
                }
                map.functions.push(MapFunction { name: name.clone(), by });
            }
            map
        });
        map.await.ok()
    }
}

fn schedules(state: &State) -> Vec<MapSchedule> {
    let own = state.schedules.all.iter().map(|(key, schedule)| {
        let spec = &schedule.spec;
        let zone =
            if spec.timezone == "UTC" { String::new() } else { format!(" {}", spec.timezone) };
        MapSchedule {
            schedule: key.strip_prefix("default/").unwrap_or(key).to_owned(),
            when: format!("{}{zone}", spec.expression),
            targets: vec![last(&spec.target.arn)],
            enabled: spec.enabled,
        }
    });
    let rules = state.schedules.rules.values().filter_map(|timed| {
        let rule = state.buses.get("default")?.rules.get(timed.spec.rule.as_str())?;
        Some(MapSchedule {
            schedule: format!("rule {}", timed.spec.rule),
            when: timed.spec.expression.clone(),
            targets: rule.spec.targets.iter().map(|target| last(&target.arn)).collect(),
            enabled: rule.spec.enabled,
        })
    });
    own.chain(rules).collect()
}

/// The name in an ARN.
fn last(arn: &str) -> String {
    arn.rsplit([':', '/']).next().unwrap_or(arn).to_owned()
}
