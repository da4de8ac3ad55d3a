//! EventBridge's event pattern language: JSON in, verdicts and reasons out.
//!
//! [`Pattern`] is one pattern, [`Rules`] a set of them under ids; [`Verdict`] says why a rule did
//! not match. The crate does no I/O, knows nothing of buses, and never panics on any input.
//!
//! ```
//! use pointsman_router::{Pattern, Rules};
//!
//! let rules = Rules::new();
//! rules.insert("eu", Pattern::parse(r#"{"detail": {"items": {"sku": [{"wildcard": "EU-*"}]}}}"#)?);
//! let event = br#"{"source": "shop", "detail": {"items": [{"sku": "US-1"}, {"sku": "EU-7"}]}}"#;
//! rules.matches(event, |id| println!("{id} takes it"))?;
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
#![forbid(unsafe_code)]

// What users see.
mod error; // where and why a pattern or an event was refused
mod explain; // a rule and an event → the first field that failed
mod limits; // how large a pattern may be
mod pattern; // text → one pattern, ready to match
mod rules; // many patterns, one walk of the event

// A pattern's way: text → tree → alternatives of fields → conditions.
mod compile;
mod condition;
mod operator;
mod tree;

// An event's way: bytes → leaves at the paths asked for → does it match.
mod event;
mod matcher;
mod trie;

// What values are made of.
mod fold; // text in any case
mod ip; // addresses and CIDR blocks
mod json; // strict tokens, borrowed
mod number; // exact decimals
mod wildcard;

pub use error::{EventError, PatternError};
pub use explain::{Failure, FailureKind, Verdict};
pub use limits::Limits;
pub use pattern::Pattern;
pub use rules::{Rules, Snapshot};

/// The README's example is run with the tests.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
