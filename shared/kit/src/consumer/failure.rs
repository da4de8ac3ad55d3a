//! How a record may end otherwise than well.

use crate::{store, table};
use pointsman_event::HopLimit;
use std::fmt;

/// Why a record was not handled, and what becomes of it.
///
/// What converts into one by itself is judged alike wherever it comes up. That something can't be
/// read is not: the record itself is then rejected, but a stored row is none of the record's fault,
/// so there is no such conversion.
///
/// ```compile_fail,E0277
/// # use pointsman_kit::{consumer::Failure, event::ReadError};
/// fn state(read: Result<u32, ReadError>) -> Result<u32, Failure> {
///     Ok(read?)
/// }
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failure {
    reason: String,
    reject: bool,
}

impl Failure {
    /// It may go better another time: the record comes again.
    pub fn retry(reason: impl fmt::Display) -> Self {
        Self { reason: reason.to_string(), reject: false }
    }

    /// It never will, because of the record itself: it goes to the DLQ with the reason.
    ///
    /// A fault of the surroundings, such as a missing right, is none of the record's.
    pub fn reject(reason: impl fmt::Display) -> Self {
        Self { reason: reason.to_string(), reject: true }
    }

    /// Whether the record is to blame.
    pub fn is_reject(&self) -> bool {
        self.reject
    }

    /// What went wrong.
    pub fn reason(&self) -> &str {
        &self.reason
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.reason)
    }
}

impl std::error::Error for Failure {}

impl From<table::Error> for Failure {
    fn from(error: table::Error) -> Self {
        Self::retry(error)
    }
}

impl From<store::Error> for Failure {
    fn from(error: store::Error) -> Self {
        Self::retry(error)
    }
}

impl From<store::NotAppendable> for Failure {
    /// The code's fault, not the record's: it waits for the code to be mended.
    fn from(error: store::NotAppendable) -> Self {
        Self::retry(error)
    }
}

impl From<HopLimit> for Failure {
    fn from(error: HopLimit) -> Self {
        Self::reject(error)
    }
}
