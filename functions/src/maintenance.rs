//! What is done by hand: each action can be called again, and goes on where it stopped.
//!
//! | module | action |
//! |---|---|
//! | [`delivery`] | `loadStock`: adds what was delivered to the stock, once |
//! | [`repair`] | `repair`: publishes again what the relay may have lost |
//! | [`rebuild`] | `rebuild`: folds every order into a generation of its own |
//! | [`compare`] | `compare`: whether a generation says the same as the live one |
//! | [`generations`] | `switch`: makes a generation the live one; `drop`: removes one |
//! | [`sweep`] | a whole table read in parts, page by page, until the deadline |
//!
//! An action that reads a whole table stops before its invocation's end and answers with the
//! [`Places`](sweep::Places) it came to. What it does to an item is harmless when done again, so
//! being killed costs nothing but the work since the last answer.

pub mod compare;
pub mod delivery;
pub mod generations;
pub mod rebuild;
pub mod repair;
pub mod sweep;

use pointsman_kit::{consumer::Failure, store, table};
use serde::{Deserialize, Serialize};

/// How many examples an answer names at most.
const EXAMPLES: usize = 10;

/// A few of many, for a person to look at.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Examples(Vec<String>);

impl Examples {
    /// Keeps the first ten.
    pub fn add(&mut self, example: String) {
        if self.0.len() < EXAMPLES {
            self.0.push(example);
        }
    }

    /// Adds what another has.
    pub fn extend(&mut self, more: Self) {
        more.0.into_iter().for_each(|example| self.add(example));
    }

    /// They themselves.
    pub fn as_slice(&self) -> &[String] {
        &self.0
    }
}

/// Only what may pass is tried again: without a right, or on a row that can't be read, it is told.
fn of_table(error: table::Error) -> Failure {
    if error.is_retryable() { Failure::retry(error) } else { Failure::reject(error) }
}

fn of_store(error: store::Error) -> Failure {
    if error.is_retryable() { Failure::retry(error) } else { Failure::reject(error) }
}
