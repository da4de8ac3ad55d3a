//! One pattern: parse it, test an event against it.

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use crate::compile::{Compiled, compile};
use crate::error::{EventError, Kind, PatternError};
use crate::event;
use crate::limits::Limits;
use crate::matcher::Judge;
use crate::tree;
use crate::trie::{NodeId, Trie};

/// A valid event pattern, ready to match. Cloning is cheap.
///
/// ```
/// use pointsman_router::Pattern;
///
/// let pattern = Pattern::parse(r#"{
///     "source": ["shop.orders"],
///     "detail": {"total": [{"numeric": [">", 100]}], "coupon": [{"exists": false}]}
/// }"#)?;
/// assert!(pattern.matches(br#"{"source": "shop.orders", "detail": {"total": 250.50}}"#)?);
/// assert!(!pattern.matches(br#"{"source": "shop.orders", "detail": {"total": 1e2}}"#)?);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone)]
pub struct Pattern {
    inner: Arc<Inner>,
}

struct Inner {
    text: Box<str>,
    compiled: Compiled,
    trie: Trie,
    nodes: Vec<NodeId>,
}

impl Pattern {
    /// Reads a pattern's JSON text within [`Limits::default`].
    ///
    /// # Errors
    /// If the text is no JSON, means nothing as a pattern, or exceeds a limit.
    pub fn parse(text: &str) -> Result<Pattern, PatternError> {
        Pattern::parse_within(text, &Limits::default())
    }

    /// Reads a pattern's JSON text within these limits; [`Limits::aws`] for EventBridge's.
    ///
    /// # Errors
    /// As [`Pattern::parse`].
    pub fn parse_within(text: &str, limits: &Limits) -> Result<Pattern, PatternError> {
        if let Some(most) = limits.characters {
            let count = text.chars().count();
            if count > most {
                let fault = format!("the pattern has {count} characters, more than {most}");
                let remedy = "leave out white space or split it into several rules";
                return Err(PatternError::new(Kind::Limit, text, 0, "$", fault, remedy));
            }
        }
        let root = tree::parse(text, limits.depth)?;
        let compiled = compile(text, &root, limits)?;
        let mut trie = Trie::new();
        let nodes = compiled.fields.iter().map(|field| trie.add(&field.path)).collect();
        Ok(Pattern { inner: Arc::new(Inner { text: text.into(), compiled, trie, nodes }) })
    }

    /// Whether the event (JSON text of one object) matches.
    ///
    /// # Errors
    /// If the event is not UTF-8, not JSON or not an object; see also
    /// [`EventError::is_too_complex`].
    pub fn matches(&self, event: &[u8]) -> Result<bool, EventError> {
        let leaves = event::read(&self.inner.trie, event)?;
        let Inner { compiled, nodes, .. } = &*self.inner;
        Judge { compiled, nodes, leaves: &leaves }.matches()
    }

    /// The text the pattern was read from, unchanged.
    pub fn as_str(&self) -> &str {
        &self.inner.text
    }

    pub(crate) fn compiled(&self) -> &Compiled {
        &self.inner.compiled
    }
}

impl FromStr for Pattern {
    type Err = PatternError;

    fn from_str(text: &str) -> Result<Pattern, PatternError> {
        Pattern::parse(text)
    }
}

impl fmt::Debug for Pattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Pattern({})", self.as_str())
    }
}

impl fmt::Display for Pattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// By text: two spellings of one pattern are different.
impl PartialEq for Pattern {
    fn eq(&self, other: &Pattern) -> bool {
        self.as_str() == other.as_str()
    }
}

impl Eq for Pattern {}
