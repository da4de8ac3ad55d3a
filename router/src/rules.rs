//! Many patterns under ids, matched by one walk of the event.

use std::collections::{BTreeMap, HashMap};
use std::fmt;
use std::hash::Hash;
use std::sync::{Arc, PoisonError, RwLock};

use crate::condition::Condition;
use crate::error::EventError;
use crate::event::{self, Leaves, Scalar};
use crate::explain::{Verdict, explain};
use crate::matcher::Judge;
use crate::pattern::Pattern;
use crate::trie::{NodeId, Trie};

/// A set of rules. It may be changed while other threads match: every event is judged by one
/// version of the set, the newest when its judging starts, and no judging holds up a change.
///
/// ```
/// use pointsman_router::{Pattern, Rules};
///
/// let rules = Rules::new();
/// rules.insert("orders", Pattern::parse(r#"{"source": ["shop.orders"]}"#)?);
/// rules.insert("all of the shop", Pattern::parse(r#"{"source": [{"prefix": "shop."}]}"#)?);
///
/// let mut matched = Vec::new();
/// rules.matches(br#"{"source": "shop.users"}"#, |id| matched.push(*id))?;
/// assert_eq!(matched, ["all of the shop"]);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct Rules<Id> {
    current: RwLock<Arc<Version<Id>>>,
}

impl<Id: Clone + Eq + Hash> Rules<Id> {
    /// A set without rules, which matches nothing.
    pub fn new() -> Self {
        Rules::default()
    }

    /// Adds a rule, or replaces the pattern of the rule with this id and returns the old one.
    pub fn insert(&self, id: Id, pattern: Pattern) -> Option<Pattern> {
        self.change(|version| version.insert(id, pattern))
    }

    /// Removes a rule and returns its pattern, if there was one.
    pub fn remove(&self, id: &Id) -> Option<Pattern> {
        self.change(|version| version.remove(id))
    }

    /// Calls `on_match` once for each rule that matches the event (JSON text of one object), in
    /// the order in which their ids were first inserted.
    ///
    /// # Errors
    /// If the event is not UTF-8, not JSON or not an object; see also
    /// [`EventError::is_too_complex`]. Then `on_match` was not called.
    pub fn matches(&self, event: &[u8], on_match: impl FnMut(&Id)) -> Result<(), EventError> {
        self.snapshot().matches(event, on_match)
    }

    /// For every rule, in the order of insertion, whether it matches and, if not, why.
    ///
    /// # Errors
    /// As [`Rules::matches`].
    pub fn explain(&self, event: &[u8]) -> Result<Vec<Verdict<Id>>, EventError> {
        self.snapshot().explain(event)
    }

    /// The set as it is now, for judging several events by one version. Cheap.
    pub fn snapshot(&self) -> Snapshot<Id> {
        // A panic in `insert` cannot leave a version half changed that readers could harm
        // themselves with, so a poisoned lock is read through.
        Snapshot(Arc::clone(&self.current.read().unwrap_or_else(PoisonError::into_inner)))
    }

    fn change<T>(&self, change: impl FnOnce(&mut Version<Id>) -> T) -> T {
        let mut current = self.current.write().unwrap_or_else(PoisonError::into_inner);
        // In place if nobody is reading, else on a copy that the next reader gets.
        change(Arc::make_mut(&mut current))
    }
}

impl<Id> Default for Rules<Id> {
    fn default() -> Self {
        Rules { current: RwLock::new(Arc::default()) }
    }
}

/// Both sets share what they hold until one is changed.
impl<Id: Clone + Eq + Hash> Clone for Rules<Id> {
    fn clone(&self) -> Self {
        Rules { current: RwLock::new(self.snapshot().0) }
    }
}

impl<Id: Clone + Eq + Hash> FromIterator<(Id, Pattern)> for Rules<Id> {
    fn from_iter<I: IntoIterator<Item = (Id, Pattern)>>(rules: I) -> Self {
        let mut version = Version::default();
        for (id, pattern) in rules {
            version.insert(id, pattern);
        }
        Rules { current: RwLock::new(Arc::new(version)) }
    }
}

impl<Id: Clone + Eq + Hash + fmt::Debug> fmt::Debug for Rules<Id> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.snapshot().fmt(f)
    }
}

/// One version of a [`Rules`], untouched by later changes. Cloning is cheap.
pub struct Snapshot<Id>(Arc<Version<Id>>);

impl<Id: Clone + Eq + Hash> Snapshot<Id> {
    /// As [`Rules::matches`].
    ///
    /// # Errors
    /// As [`Rules::matches`].
    pub fn matches(&self, event: &[u8], mut on_match: impl FnMut(&Id)) -> Result<(), EventError> {
        let leaves = event::read(&self.0.trie, event)?;
        let mut matched = Vec::new();
        for number in self.0.candidates(&leaves) {
            if let Some(rule) = self.0.rules.get(&number)
                && rule.judge(&leaves).matches()?
            {
                matched.push(&rule.id);
            }
        }
        // Only now, so that an error means that no rule was told of.
        matched.into_iter().for_each(&mut on_match);
        Ok(())
    }

    /// As [`Rules::explain`].
    ///
    /// # Errors
    /// As [`Rules::matches`].
    pub fn explain(&self, event: &[u8]) -> Result<Vec<Verdict<Id>>, EventError> {
        let leaves = event::read(&self.0.trie, event)?;
        let judge = |rule: &Arc<Rule<Id>>| {
            let failure = explain(rule.judge(&leaves))?;
            Ok(Verdict { id: rule.id.clone(), matched: failure.is_none(), failure })
        };
        self.0.rules.values().map(judge).collect()
    }

    /// The rules in the order of insertion.
    pub fn iter(&self) -> impl Iterator<Item = (&Id, &Pattern)> {
        self.0.rules.values().map(|rule| (&rule.id, &rule.pattern))
    }

    /// How many rules there are.
    pub fn len(&self) -> usize {
        self.0.rules.len()
    }

    /// Whether there are no rules.
    pub fn is_empty(&self) -> bool {
        self.0.rules.is_empty()
    }
}

impl<Id> Clone for Snapshot<Id> {
    fn clone(&self) -> Self {
        Snapshot(Arc::clone(&self.0))
    }
}

impl<Id: Clone + Eq + Hash + fmt::Debug> fmt::Debug for Snapshot<Id> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_map().entries(self.iter()).finish()
    }
}

#[derive(Clone)]
struct Version<Id> {
    trie: Trie,
    /// By number, which rises with every new id.
    rules: BTreeMap<u64, Arc<Rule<Id>>>,
    numbers: HashMap<Id, u64>,
    next: u64,
    /// The rules that need one of these strings at this path.
    by_string: HashMap<NodeId, HashMap<Box<str>, Vec<u64>>>,
    /// The rules that no single string can rule out.
    others: Vec<u64>,
}

struct Rule<Id> {
    id: Id,
    pattern: Pattern,
    nodes: Vec<NodeId>,
    /// The field by which [`Version::by_string`] knows the rule.
    key: Option<usize>,
}

impl<Id> Rule<Id> {
    fn judge<'r, 'e>(&'r self, leaves: &'r Leaves<'e>) -> Judge<'r, 'e> {
        Judge { compiled: self.pattern.compiled(), nodes: &self.nodes, leaves }
    }

    /// The path and the strings the rule is known by.
    fn keys(&self) -> Option<(NodeId, impl Iterator<Item = &str>)> {
        let field = self.key?;
        let conditions = &self.pattern.compiled().fields[field].conditions;
        let texts = conditions.iter().filter_map(|condition| match condition {
            Condition::Text(text) => Some(text.as_str()),
            _ => None,
        });
        Some((self.nodes[field], texts))
    }
}

impl<Id> Default for Version<Id> {
    fn default() -> Self {
        Version {
            trie: Trie::new(),
            rules: BTreeMap::new(),
            numbers: HashMap::new(),
            next: 0,
            by_string: HashMap::new(),
            others: Vec::new(),
        }
    }
}

impl<Id: Clone + Eq + Hash> Version<Id> {
    fn insert(&mut self, id: Id, pattern: Pattern) -> Option<Pattern> {
        let known = self.numbers.get(&id).copied();
        let old = known.and_then(|number| self.take(number));
        let number = known.unwrap_or(self.next);
        self.next = self.next.max(number + 1);
        self.numbers.insert(id.clone(), number);

        let fields = &pattern.compiled().fields;
        let nodes: Vec<NodeId> = fields.iter().map(|field| self.trie.add(&field.path)).collect();
        let key = self.choose_key(&pattern, &nodes);
        let rule = Arc::new(Rule { id, pattern, nodes, key });
        match rule.keys() {
            None => add(&mut self.others, number),
            Some((node, texts)) => {
                let strings = self.by_string.entry(node).or_default();
                for text in texts {
                    match strings.get_mut(text) {
                        Some(numbers) => add(numbers, number),
                        None => drop(strings.insert(text.into(), vec![number])),
                    }
                }
            }
        }
        self.rules.insert(number, rule);
        old
    }

    fn remove(&mut self, id: &Id) -> Option<Pattern> {
        let number = self.numbers.remove(id)?;
        self.take(number)
    }

    fn take(&mut self, number: u64) -> Option<Pattern> {
        let rule = self.rules.remove(&number)?;
        match rule.keys() {
            None => discard(&mut self.others, number),
            Some((node, texts)) => {
                let strings = self.by_string.entry(node).or_default();
                for text in texts {
                    if let Some(numbers) = strings.get_mut(text) {
                        discard(numbers, number);
                        if numbers.is_empty() {
                            strings.remove(text);
                        }
                    }
                }
                if strings.is_empty() {
                    self.by_string.remove(&node);
                }
            }
        }
        for field in &rule.pattern.compiled().fields {
            self.trie.remove(&field.path);
        }
        Some(rule.pattern.clone())
    }

    /// Of the fields that every alternative has and that list plain strings only, the one that
    /// fewest rules share.
    fn choose_key(&self, pattern: &Pattern, nodes: &[NodeId]) -> Option<usize> {
        let compiled = pattern.compiled();
        let (first, others) = compiled.alternatives.split_first()?;
        let crowd = |field: usize| {
            let strings = self.by_string.get(&nodes[field]);
            let sharing = |condition: &Condition| match condition {
                Condition::Text(text) => {
                    Some(strings.and_then(|s| s.get(text.as_str())).map_or(0, Vec::len))
                }
                _ => None,
            };
            compiled.fields[field].conditions.iter().map(sharing).sum::<Option<usize>>()
        };
        first
            .iter()
            .filter(|field| others.iter().all(|fields| fields.contains(field)))
            .filter_map(|&field| Some((crowd(field)?, field)))
            .min()
            .map(|(_, field)| field)
    }

    /// The rules worth judging, each once, in order.
    fn candidates(&self, leaves: &Leaves<'_>) -> Vec<u64> {
        let mut numbers = self.others.clone();
        for (node, strings) in &self.by_string {
            for leaf in leaves.at(*node) {
                if let Scalar::String(text) = &leaf.value
                    && let Some(found) = strings.get(&**text)
                {
                    numbers.extend_from_slice(found);
                }
            }
        }
        numbers.sort_unstable();
        numbers.dedup();
        numbers
    }
}

/// Puts a number into an ordered list, once.
fn add(numbers: &mut Vec<u64>, number: u64) {
    if let Err(place) = numbers.binary_search(&number) {
        numbers.insert(place, number);
    }
}

fn discard(numbers: &mut Vec<u64>, number: u64) {
    if let Ok(place) = numbers.binary_search(&number) {
        numbers.remove(place);
    }
}
