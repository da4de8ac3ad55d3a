//! Event bytes → the leaves that patterns ask for, in one walk, borrowed from the bytes.

use std::borrow::Cow;

use crate::error::EventError;
use crate::json::{Cursor, Fault};
use crate::number;
use crate::trie::{NodeId, ROOT, Trie};

/// A value that is neither object nor array.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Scalar<'e> {
    String(Cow<'e, str>),
    /// The spelling and, where nothing is lost, the value.
    Number(&'e str, Option<f64>),
    True,
    False,
    Null,
}

/// A scalar found at a path that is asked for.
#[derive(Debug)]
pub(crate) struct Leaf<'e> {
    pub(crate) node: NodeId,
    /// Its rank in the text.
    pub(crate) order: u32,
    pub(crate) value: Scalar<'e>,
    pub(crate) raw: &'e str,
    /// The innermost array element it lies inside of ([`NO_ELEMENT`]: in none). A scalar that is
    /// itself an element of an array is bound to no element of that array.
    pub(crate) element: u32,
}

pub(crate) const NO_ELEMENT: u32 = u32::MAX;

/// An object or array that is an element of an array.
#[derive(Debug)]
pub(crate) struct Element {
    /// The element around the array.
    pub(crate) outer: u32,
    pub(crate) array: u32,
    /// The order of the first leaf inside, and of the first one after it.
    pub(crate) leaves: (u32, u32),
}

/// What one event offers to a set of patterns.
#[derive(Debug, Default)]
pub(crate) struct Leaves<'e> {
    /// Sorted by node, then by order.
    leaves: Vec<Leaf<'e>>,
    pub(crate) elements: Vec<Element>,
    /// For every array, the order of the first leaf behind it.
    pub(crate) array_ends: Vec<u32>,
    /// Paths asked for at which an object or an empty array stands.
    pub(crate) containers: Vec<(NodeId, u8)>,
}

impl<'e> Leaves<'e> {
    /// The leaves at a path, in the order of the text.
    #[inline]
    pub(crate) fn at(&self, node: NodeId) -> &[Leaf<'e>] {
        let start = self.leaves.partition_point(|leaf| leaf.node < node);
        let count = self.leaves[start..].partition_point(|leaf| leaf.node == node);
        &self.leaves[start..start + count]
    }
}

/// Walks the whole event. Every byte is checked to be JSON, also where no pattern looks.
pub(crate) fn read<'e>(trie: &Trie, bytes: &'e [u8]) -> Result<Leaves<'e>, EventError> {
    if u32::try_from(bytes.len()).is_err() {
        return Err(EventError::TOO_LONG);
    }
    let text =
        std::str::from_utf8(bytes).map_err(|error| EventError::not_utf8(error.valid_up_to()))?;
    let mut walk = Walk {
        trie,
        cursor: Cursor::new(text),
        open: Vec::with_capacity(8),
        found: Leaves { leaves: Vec::with_capacity(16), ..Leaves::default() },
    };
    walk.run()?;
    let mut found = walk.found;
    found.leaves.sort_unstable_by_key(|leaf| (leaf.node, leaf.order));
    Ok(found)
}

struct Walk<'e, 't> {
    trie: &'t Trie,
    cursor: Cursor<'e>,
    open: Vec<Open>,
    found: Leaves<'e>,
}

/// A container that is still open. `node` is its path, `None` where no pattern looks.
#[derive(Clone, Copy)]
enum Open {
    Object { node: Option<NodeId>, element: u32, own: bool },
    Array { node: Option<NodeId>, element: u32, own: bool, array: u32 },
}

impl<'e> Walk<'e, '_> {
    fn run(&mut self) -> Result<(), Fault> {
        if self.cursor.peek() != Some(b'{') {
            return Err(self.cursor.fault("an event must be a JSON object"));
        }
        self.open_object(Some(ROOT), NO_ELEMENT, false)?;
        while let Some(&top) = self.open.last() {
            match top {
                Open::Object { node, element, .. } => {
                    let key = self.cursor.string()?;
                    if !self.cursor.eat(b':') {
                        return Err(self.cursor.fault("':' was expected after the field name"));
                    }
                    let node = node.and_then(|node| self.trie.step(node, &key.decode()));
                    self.value(node, element, None)?;
                }
                Open::Array { node, element, array, .. } => {
                    self.value(node, element, Some(array))?;
                }
            }
        }
        match self.cursor.peek() {
            None => Ok(()),
            Some(_) => Err(self.cursor.fault("text follows the end of the event")),
        }
    }

    /// Reads a value (as far as its opening bracket) and what follows it.
    fn value(
        &mut self,
        node: Option<NodeId>,
        element: u32,
        array: Option<u32>,
    ) -> Result<(), Fault> {
        let first = self.cursor.peek();
        let start = self.cursor.at;
        let asked = node.filter(|node| self.trie.is_asked(*node));
        let value = match first {
            Some(opening @ (b'{' | b'[')) => {
                // Elements matter only where patterns look.
                let own = array.is_some() && node.is_some();
                let element = match array {
                    Some(array) if own => self.open_element(element, array),
                    _ => element,
                };
                return match opening {
                    b'{' => {
                        if let Some(node) = asked {
                            self.found.containers.push((node, b'{'));
                        }
                        self.open_object(node, element, own)
                    }
                    _ => self.open_array(node, element, own),
                };
            }
            Some(b'"') => {
                let text = self.cursor.string()?;
                asked.map(|_| Scalar::String(text.decode()))
            }
            Some(b'-' | b'0'..=b'9') => {
                let text = self.cursor.number()?;
                asked.map(|_| Scalar::Number(text, number::exact(text)))
            }
            Some(b't') => self.cursor.word("true").map(|()| Some(Scalar::True))?,
            Some(b'f') => self.cursor.word("false").map(|()| Some(Scalar::False))?,
            Some(b'n') => self.cursor.word("null").map(|()| Some(Scalar::Null))?,
            Some(_) => return Err(self.cursor.fault("a JSON value was expected")),
            None => return Err(self.cursor.fault("the event ends too early")),
        };
        if let (Some(node), Some(value)) = (asked, value) {
            let raw = self.cursor.slice_from(start);
            let order = self.order();
            self.found.leaves.push(Leaf { node, order, value, raw, element });
        }
        self.after_value()
    }

    fn open_object(&mut self, node: Option<NodeId>, element: u32, own: bool) -> Result<(), Fault> {
        self.cursor.at += 1;
        self.open.push(Open::Object { node, element, own });
        if !self.cursor.eat(b'}') {
            return Ok(());
        }
        self.close();
        self.after_value()
    }

    fn open_array(&mut self, node: Option<NodeId>, element: u32, own: bool) -> Result<(), Fault> {
        self.cursor.at += 1;
        let array = match node {
            Some(_) => {
                self.found.array_ends.push(0);
                (self.found.array_ends.len() - 1) as u32
            }
            None => 0,
        };
        self.open.push(Open::Array { node, element, own, array });
        if !self.cursor.eat(b']') {
            return Ok(());
        }
        if let Some(node) = node.filter(|node| self.trie.is_asked(*node)) {
            self.found.containers.push((node, b'['));
        }
        self.close();
        self.after_value()
    }

    fn open_element(&mut self, outer: u32, array: u32) -> u32 {
        let first = self.order();
        self.found.elements.push(Element { outer, array, leaves: (first, first) });
        (self.found.elements.len() - 1) as u32
    }

    /// A value has ended: closes what ends with it and steps over the comma before the next.
    fn after_value(&mut self) -> Result<(), Fault> {
        while let Some(top) = self.open.last() {
            let (closing, expected) = match top {
                Open::Object { .. } => (b'}', "',' or '}' was expected"),
                Open::Array { .. } => (b']', "',' or ']' was expected"),
            };
            if self.cursor.eat(b',') {
                return Ok(());
            }
            if !self.cursor.eat(closing) {
                return Err(self.cursor.fault(expected));
            }
            self.close();
        }
        Ok(())
    }

    /// Notes the end of the innermost container, whose closing bracket was read.
    fn close(&mut self) {
        let order = self.order();
        let (element, own) = match self.open.pop() {
            Some(Open::Object { element, own, .. }) => (element, own),
            Some(Open::Array { element, own, node, array }) => {
                if node.is_some() {
                    self.found.array_ends[array as usize] = order;
                }
                (element, own)
            }
            None => return,
        };
        if own {
            self.found.elements[element as usize].leaves.1 = order;
        }
    }

    fn order(&self) -> u32 {
        self.found.leaves.len() as u32
    }
}
