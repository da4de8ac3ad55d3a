//! What can be wrong with a pattern or an event, and where.

use std::fmt;

use crate::json::{Fault, position};

/// Why a pattern was refused: the place, the fault and what to do about it.
///
/// ```
/// let error = pointsman_router::Pattern::parse(r#"{"a": [{"prefix": 5}]}"#).unwrap_err();
/// assert_eq!((error.line(), error.column(), error.path()), (1, 19, "$.a[0].prefix"));
/// assert_eq!(error.fault(), "prefix match pattern must be a string");
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PatternError {
    kind: Kind,
    line: usize,
    column: usize,
    path: String,
    fault: String,
    remedy: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Syntax,
    Meaning,
    Limit,
}

impl PatternError {
    pub(crate) fn new(
        kind: Kind,
        text: &str,
        at: usize,
        path: &str,
        fault: impl Into<String>,
        remedy: impl Into<String>,
    ) -> Self {
        let (line, column) = position(text, at);
        let (fault, remedy) = (fault.into(), remedy.into());
        PatternError { kind, line, column, path: path.to_owned(), fault, remedy }
    }

    /// The line of the offending text, from 1.
    pub fn line(&self) -> usize {
        self.line
    }

    /// The column of the offending text in its line, from 1, in characters.
    pub fn column(&self) -> usize {
        self.column
    }

    /// The JSON path of the offending value, as in `$.detail.total[0].numeric`.
    pub fn path(&self) -> &str {
        &self.path
    }

    /// What is wrong; in AWS's words where AWS has fixed ones.
    pub fn fault(&self) -> &str {
        &self.fault
    }

    /// What to write instead.
    pub fn remedy(&self) -> &str {
        &self.remedy
    }

    /// Whether the text is no JSON at all.
    pub fn is_syntax(&self) -> bool {
        self.kind == Kind::Syntax
    }

    /// Whether the pattern means something, but exceeds one of the [`Limits`](crate::Limits).
    pub fn is_limit(&self) -> bool {
        self.kind == Kind::Limit
    }
}

impl fmt::Display for PatternError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let PatternError { line, column, path, fault, remedy, .. } = self;
        write!(f, "line {line}, column {column}, at {path}: {fault}; {remedy}")
    }
}

impl std::error::Error for PatternError {}

/// Why an event could not be judged.
///
/// ```
/// # use pointsman_router::Pattern;
/// let pattern = Pattern::parse(r#"{"source": ["shop"]}"#)?;
/// let error = pattern.matches(b"{\"source\": shop}").unwrap_err();
/// assert_eq!(error.to_string(), "event, byte 11: a JSON value was expected");
/// # Ok::<(), pointsman_router::PatternError>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EventError {
    at: usize,
    fault: &'static str,
    too_complex: bool,
}

impl EventError {
    pub(crate) const TOO_COMPLEX: EventError = EventError {
        at: 0,
        fault: "repeated keys over arrays leave too many combinations to try",
        too_complex: true,
    };

    pub(crate) const TOO_LONG: EventError =
        EventError { at: 0, fault: "the event is longer than 4 GiB", too_complex: false };

    pub(crate) fn not_utf8(at: usize) -> Self {
        EventError { at, fault: "the text is not UTF-8", too_complex: false }
    }

    /// The byte at which the fault was seen, from 0.
    pub fn offset(&self) -> usize {
        self.at
    }

    /// What is wrong.
    pub fn fault(&self) -> &str {
        self.fault
    }

    /// Whether the event is valid JSON, but holds so many arrays under repeated keys that
    /// judging it was given up. Events without repeated keys never end here.
    pub fn is_too_complex(&self) -> bool {
        self.too_complex
    }
}

impl From<Fault> for EventError {
    fn from(fault: Fault) -> Self {
        EventError { at: fault.at, fault: fault.what, too_complex: false }
    }
}

impl fmt::Display for EventError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "event, byte {}: {}", self.at, self.fault)
    }
}

impl std::error::Error for EventError {}
