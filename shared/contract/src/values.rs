//! What events and commands are made of. Each value is parsed once: who holds it need not check.

mod address;
mod number;
mod pick;
mod text;

pub use address::{Address, StrictAddress};
pub use number::{Amount, Percent, Quantity};
pub use pick::Pick;
pub use text::{
    City, Country, Currency, CustomerId, Email, Host, Name, OrderId, PostalCode, Region,
    ShipmentId, Sku, Street, TransactionId,
};

use std::fmt;

/// A value that is not what its type demands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Invalid {
    /// What was to be read, in a word.
    pub what: &'static str,
    /// What it must be.
    pub must: &'static str,
}

impl fmt::Display for Invalid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} must be {}", self.what, self.must)
    }
}

impl std::error::Error for Invalid {}

#[cfg(test)]
mod tests;
