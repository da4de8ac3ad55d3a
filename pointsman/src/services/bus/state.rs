use crate::clock::Time;
use crate::engine::{Name, Owner};
use crate::topology::{BusSpec, RuleSpec};
use pointsman_router::{Pattern, Rules};
use serde::{Deserialize, Serialize, Serializer};
use std::collections::BTreeMap;

/// A bus with its rules.
#[derive(Debug, Deserialize)]
#[serde(from = "Saved")]
pub struct Bus {
    /// Its settings.
    pub spec: BusSpec,
    /// Who made it.
    pub owner: Owner,
    /// `CreationTime`
    pub created: Time,
    /// What has come to it.
    pub counts: Counts,
    /// Rules by name.
    pub rules: BTreeMap<Name, Rule>,
    /// Patterns of the enabled rules.
    matcher: Rules<Name>,
}

/// What has come to a bus since it was made.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Counts {
    /// Events accepted.
    pub accepted: u64,
    /// Of these, events that no rule took.
    pub unmatched: u64,
}

/// A rule.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Rule {
    /// Pattern, targets, state.
    pub spec: RuleSpec,
    /// Who made it.
    pub owner: Owner,
}

impl Bus {
    pub(crate) fn new(spec: BusSpec, owner: Owner, created: Time) -> Self {
        Bus {
            spec,
            owner,
            created,
            counts: Counts::default(),
            rules: BTreeMap::new(),
            matcher: Rules::default(),
        }
    }

    /// The patterns of the enabled rules.
    pub fn matcher(&self) -> &Rules<Name> {
        &self.matcher
    }

    pub(crate) fn set(&mut self, spec: BusSpec, owner: Owner) {
        self.spec = spec;
        self.owner = owner;
    }

    pub(crate) fn put_rule(&mut self, spec: RuleSpec, owner: Owner) {
        let name: Name = spec.name.as_str().into();
        self.watch(&name, &spec);
        self.rules.insert(name, Rule { spec, owner });
    }

    pub(crate) fn delete_rule(&mut self, name: &str) {
        if let Some((name, _)) = self.rules.remove_entry(name) {
            self.matcher.remove(&name);
        }
    }

    /// A pattern was checked before it became a fact; one that a later version no longer reads matches nothing.
    fn watch(&mut self, name: &Name, spec: &RuleSpec) {
        self.matcher.remove(name);
        if spec.enabled
            && let Ok(pattern) = Pattern::parse(&spec.pattern)
        {
            self.matcher.insert(name.clone(), pattern);
        }
    }
}

/// A bus as snapshots have it: patterns as text.
#[derive(Clone, Serialize, Deserialize)]
struct Saved {
    spec: BusSpec,
    owner: Owner,
    created: Time,
    counts: Counts,
    rules: BTreeMap<Name, Rule>,
}

impl Bus {
    fn saved(&self) -> Saved {
        Saved {
            spec: self.spec.clone(),
            owner: self.owner.clone(),
            created: self.created,
            counts: self.counts,
            rules: self.rules.clone(),
        }
    }
}

impl Serialize for Bus {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.saved().serialize(serializer)
    }
}

/// A clone's patterns are its own: [`Rules`] are shared by reference otherwise.
impl Clone for Bus {
    fn clone(&self) -> Self {
        Bus::from(self.saved())
    }
}

impl From<Saved> for Bus {
    fn from(saved: Saved) -> Self {
        let mut bus = Bus::new(saved.spec, saved.owner, saved.created);
        bus.counts = saved.counts;
        for rule in saved.rules.into_values() {
            bus.put_rule(rule.spec, rule.owner);
        }
        bus
    }
}
