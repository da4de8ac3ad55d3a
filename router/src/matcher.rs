//! A compiled pattern and an event's leaves → does it match.
//!
//! Naively: choose one accepted leaf for every field so that no two choices lie in different
//! elements of one array. Most events need no choosing, as their leaves lie in no array; the rest
//! is a search in the order of the paths that remembers which elements earlier choices are bound
//! to, and jumps over the leaves of other elements.
//!
//! `exists: false` takes part in that order, as on AWS: the field must be missing from the
//! elements that fields of smaller paths have been bound to, not from those of later ones.

use std::collections::{HashMap, HashSet};

use crate::compile::{Compiled, Field};
use crate::error::EventError;
use crate::event::{Element, Leaf, Leaves, NO_ELEMENT};
use crate::trie::NodeId;

/// How many leaves one search may look at. Only arrays under repeated keys can use this up.
const MOST_STEPS: u32 = 2_000_000;

/// A pattern whose fields have been found in a trie.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Judge<'p, 'e> {
    pub(crate) compiled: &'p Compiled,
    /// For each field its node.
    pub(crate) nodes: &'p [NodeId],
    pub(crate) leaves: &'p Leaves<'e>,
}

/// How a field stands on its own, without regard to the others.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Alone {
    /// Met without binding the event to any element.
    Free,
    /// Met by one leaf or more, or by absence, depending on elements.
    Bound,
    Unmet,
}

impl<'e> Judge<'_, 'e> {
    pub(crate) fn matches(&self) -> Result<bool, EventError> {
        for alternative in &self.compiled.alternatives {
            if self.alternative_matches(alternative)? {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// Whether all of these fields (ordered by path) are met together.
    pub(crate) fn alternative_matches(&self, fields: &[usize]) -> Result<bool, EventError> {
        let mut bound = Vec::new();
        for &field in fields {
            match self.alone(field) {
                Alone::Free => {}
                Alone::Bound => bound.push(field),
                Alone::Unmet => return Ok(false),
            }
        }
        let absence = bound.iter().any(|field| self.field(*field).takes_absence());
        match bound[..] {
            [] => Ok(true),
            // Binding a field that could stay free may be what makes another one absent.
            _ if absence => Search::new(*self, fields).run(),
            [_] => Ok(true),
            _ => Search::new(*self, &bound).run(),
        }
    }

    /// Whether the field could be met if it were the only one.
    pub(crate) fn is_met_alone(&self, field: usize) -> bool {
        self.alone(field) != Alone::Unmet
    }

    /// The arrays that leaves of this field lie inside of.
    pub(crate) fn arrays_of(&self, field: usize) -> HashSet<u32> {
        let leaves = self.leaves_of(field).iter();
        leaves
            .flat_map(|leaf| chain(self.leaves, leaf.element))
            .map(|(_, element)| element.array)
            .collect()
    }

    pub(crate) fn field(&self, field: usize) -> &Field {
        &self.compiled.fields[field]
    }

    pub(crate) fn leaves_of(&self, field: usize) -> &[Leaf<'e>] {
        self.leaves.at(self.nodes[field])
    }

    fn accepts(&self, field: usize, leaf: &Leaf<'e>) -> bool {
        self.field(field).conditions.iter().any(|condition| condition.accepts(&leaf.value))
    }

    fn alone(&self, field: usize) -> Alone {
        let leaves = self.leaves_of(field);
        let mut alone = Alone::Unmet;
        for leaf in leaves {
            if self.accepts(field, leaf) {
                if leaf.element == NO_ELEMENT {
                    return Alone::Free;
                }
                alone = Alone::Bound;
            }
        }
        if alone == Alone::Unmet && self.field(field).takes_absence() {
            if leaves.is_empty() {
                return Alone::Free;
            }
            // A leaf bound to no element is present whatever else is chosen.
            if leaves.iter().all(|leaf| leaf.element != NO_ELEMENT) {
                return Alone::Bound;
            }
        }
        alone
    }
}

struct Search<'p, 'e> {
    judge: Judge<'p, 'e>,
    fields: &'p [usize],
    /// The elements chosen so far, one for an array at most.
    chosen: Vec<u32>,
    /// For every array, the last field (by its place in `fields`) with leaves inside.
    last_use: HashMap<u32, usize>,
    /// Places that failed, with the choices that matter from there on.
    failed: HashSet<(usize, Vec<u32>)>,
    steps: u32,
}

impl<'p, 'e> Search<'p, 'e> {
    fn new(judge: Judge<'p, 'e>, fields: &'p [usize]) -> Self {
        let mut last_use = HashMap::new();
        for (place, &field) in fields.iter().enumerate() {
            for leaf in judge.leaves_of(field) {
                for (_, element) in chain(judge.leaves, leaf.element) {
                    last_use.insert(element.array, place);
                }
            }
        }
        Search { judge, fields, chosen: vec![], last_use, failed: HashSet::new(), steps: 0 }
    }

    fn run(&mut self) -> Result<bool, EventError> {
        self.from(0)
    }

    /// Whether the fields from `place` on can be met beside what is chosen.
    fn from(&mut self, place: usize) -> Result<bool, EventError> {
        let Some(&field) = self.fields.get(place) else { return Ok(true) };
        let key = (place, self.relevant(place));
        if self.failed.contains(&key) {
            return Ok(false);
        }
        let judge = self.judge;
        let leaves = judge.leaves_of(field);
        let mut absent = judge.field(field).takes_absence();
        let mut next = 0;
        while let Some(leaf) = leaves.get(next) {
            self.steps += 1;
            if self.steps > MOST_STEPS {
                return Err(EventError::TOO_COMPLEX);
            }
            if let Some(order) = self.conflict(leaf) {
                next += leaves[next..].partition_point(|leaf| leaf.order < order);
                continue;
            }
            absent = false;
            next += 1;
            if judge.accepts(field, leaf) {
                let before = self.chosen.len();
                self.choose(leaf);
                if self.from(place + 1)? {
                    return Ok(true);
                }
                self.chosen.truncate(before);
            }
        }
        if absent && self.from(place + 1)? {
            return Ok(true);
        }
        self.failed.insert(key);
        Ok(false)
    }

    /// If the leaf lies in another element than the one chosen of the same array: the order of
    /// the next leaf worth a look.
    fn conflict(&self, leaf: &Leaf<'e>) -> Option<u32> {
        let leaves = self.judge.leaves;
        let mut skip_to = None;
        for (index, element) in chain(leaves, leaf.element) {
            let rival = self.chosen.iter().find(|&&other| {
                other != index && leaves.elements[other as usize].array == element.array
            });
            if let Some(&rival) = rival {
                // The outermost conflict comes last and skips the most.
                skip_to = Some(if rival > index {
                    leaves.elements[rival as usize].leaves.0
                } else {
                    leaves.array_ends[element.array as usize]
                });
            }
        }
        skip_to
    }

    fn choose(&mut self, leaf: &Leaf<'e>) {
        for (index, _) in chain(self.judge.leaves, leaf.element) {
            if !self.chosen.contains(&index) {
                self.chosen.push(index);
            }
        }
    }

    fn relevant(&self, place: usize) -> Vec<u32> {
        let elements = &self.judge.leaves.elements;
        let matters = |element: &&u32| {
            let array = elements[**element as usize].array;
            self.last_use.get(&array).is_some_and(|last| *last >= place)
        };
        let mut relevant: Vec<u32> = self.chosen.iter().filter(matters).copied().collect();
        relevant.sort_unstable();
        relevant
    }
}

/// An element and those around it, from the innermost.
fn chain<'l>(
    leaves: &'l Leaves<'_>,
    innermost: u32,
) -> impl Iterator<Item = (u32, &'l Element)> + 'l {
    let mut next = innermost;
    std::iter::from_fn(move || {
        let element = leaves.elements.get(next as usize)?;
        let index = std::mem::replace(&mut next, element.outer);
        Some((index, element))
    })
}
