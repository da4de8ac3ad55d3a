use super::filter::Filter;
use crate::engine::{Engine, Fault, Name};
use crate::topology::FunctionSpec;
use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use tokio::sync::watch;

/// What the runner needs of the topology, read again when that has changed.
pub(super) struct Settings {
    pub(super) functions: HashMap<Name, Arc<FunctionSpec>>,
    /// Filters of the mappings that read queues, or what is wrong with them.
    pub(super) filters: HashMap<Name, Result<Filter, String>>,
}

/// The last settings, with the version of the topology they are at least as new as.
pub(super) struct Known {
    engine: Engine,
    changed: watch::Receiver<u64>,
    last: Mutex<Option<(u64, Arc<Settings>)>>,
}

impl Known {
    pub(super) fn new(engine: Engine) -> Self {
        let changed = engine.topology_changed();
        Known { engine, changed, last: Mutex::default() }
    }

    /// The settings. An invocation may be told of before the change that made it possible is, so what the caller
    /// misses in them is looked for once more.
    pub(super) async fn get(
        &self,
        suits: impl Fn(&Settings) -> bool,
    ) -> Result<Arc<Settings>, Fault> {
        let version = *self.changed.borrow();
        let last = self.last().clone();
        if let Some((of, settings)) = last
            && of == version
            && suits(&settings)
        {
            return Ok(settings);
        }
        let settings = self.engine.read(|state, _| {
            let functions = state.functions.iter();
            let functions = functions.map(|(name, f)| (name.clone(), Arc::new(f.spec.clone())));
            let mappings = state.mappings.iter().filter(|(_, m)| m.queue().is_some());
            let filters =
                mappings.map(|(name, m)| (name.clone(), Filter::of_messages(&m.spec.filters)));
            Settings { functions: functions.collect(), filters: filters.collect() }
        });
        let settings = Arc::new(settings.await?);
        let mut last = self.last();
        if last.as_ref().is_none_or(|(of, _)| *of <= version) {
            *last = Some((version, settings.clone()));
        }
        Ok(settings)
    }

    fn last(&self) -> std::sync::MutexGuard<'_, Option<(u64, Arc<Settings>)>> {
        self.last.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
