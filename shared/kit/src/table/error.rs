//! What may go wrong at a table, sorted by what the caller has to do about it.

use super::Item;
use std::fmt;

/// Why an operation on a table failed.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub enum Error {
    /// The condition of a single write was false; nothing was written.
    ConditionFailed {
        /// The item as it is, where the operation asked for it ([`super::Op::returning`]).
        item: Option<Item>,
    },
    /// A transaction was cancelled; nothing was written. One reason an operation, in their order.
    Cancelled(Vec<Reason>),
    /// Throttled, or in conflict with another write. Nothing was written; try again later.
    Busy {
        /// AWS's error code.
        code: String,
    },
    /// No usable answer came. A write may have gone in: look before writing again.
    Lost {
        /// What was seen instead of an answer.
        message: String,
    },
    /// The request can't succeed as it is: wrong, too large, no such table, not allowed.
    Refused {
        /// AWS's error code.
        code: String,
        /// AWS's text, which names the fault.
        message: String,
    },
}

/// What one operation had to do with its transaction's cancellation.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub enum Reason {
    /// Nothing.
    None,
    /// Its condition was false.
    ConditionFailed {
        /// The item as it is, where the operation asked for it ([`super::Op::returning`]).
        item: Option<Item>,
    },
    /// Another transaction or write holds the item.
    Conflict,
    /// The table or the account was throttled.
    Throttled,
    /// Anything else; trying again does not help.
    Refused {
        /// AWS's code of this reason.
        code: String,
        /// AWS's text.
        message: String,
    },
}

impl Error {
    /// Whether the same operation may succeed if tried again. After [`Error::Lost`] a write must
    /// be able to recognise itself.
    pub fn is_retryable(&self) -> bool {
        match self {
            Self::Busy { .. } | Self::Lost { .. } => true,
            Self::Cancelled(reasons) => {
                reasons.iter().any(|reason| matches!(reason, Reason::Conflict | Reason::Throttled))
                    && reasons.iter().all(|reason| {
                        matches!(reason, Reason::None | Reason::Conflict | Reason::Throttled)
                    })
            }
            Self::ConditionFailed { .. } | Self::Refused { .. } => false,
        }
    }

    pub(crate) fn validation(message: impl Into<String>) -> Self {
        Self::Refused { code: "ValidationException".to_owned(), message: message.into() }
    }
}

impl Reason {
    /// AWS's code for the reason.
    pub fn code(&self) -> &str {
        match self {
            Self::None => "None",
            Self::ConditionFailed { .. } => "ConditionalCheckFailed",
            Self::Conflict => "TransactionConflict",
            Self::Throttled => "ThrottlingError",
            Self::Refused { code, .. } => code,
        }
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::ConditionFailed { .. } => f.write_str("the write's condition is false"),
            Self::Cancelled(reasons) => {
                let codes: Vec<&str> = reasons.iter().map(Reason::code).collect();
                write!(f, "transaction cancelled [{}]", codes.join(", "))?;
                for reason in reasons {
                    if let Reason::Refused { message, .. } = reason {
                        write!(f, ": {message}")?;
                    }
                }
                Ok(())
            }
            Self::Busy { code } => write!(f, "busy ({code}), nothing was written"),
            Self::Lost { message } => write!(f, "no answer from the table: {message}"),
            Self::Refused { code, message } => write!(f, "{code}: {message}"),
        }
    }
}

impl std::error::Error for Error {}
