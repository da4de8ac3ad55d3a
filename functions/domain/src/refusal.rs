use contract::{
    order::MAX_LINES,
    values::{Currency, Quantity, Sku},
};
use std::fmt;

/// Why the shop says no, in its own words. The request was understood; asking again won't help.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Refusal {
    /// There is no such order, or it is another's: who asks is not told which.
    OrderNotFound,
    /// The order exists already.
    AlreadyPlaced,
    /// The order is being paid for: what is paid for is not changed.
    PaymentRequested,
    /// The customer has asked for the order to be cancelled: it is not changed any more.
    CancellationRequested,
    /// The order would have no line.
    NoLines,
    /// The order would have more than [`MAX_LINES`] lines.
    TooManyLines(usize),
    /// The shop does not sell it.
    UnknownSku(Sku),
    /// There would be none, or more than 999 of it in the order.
    QuantityOutOfRange {
        /// Of what.
        sku: Sku,
        /// How many there would be.
        quantity: u64,
    },
    /// An order has one currency, and this is sold in another.
    MixedCurrencies {
        /// The order's.
        order: Currency,
        /// What is sold in the other.
        sku: Sku,
        /// The other.
        other: Currency,
    },
    /// The sum is greater than an amount can be.
    TotalTooLarge,
    /// The customer has registered already, with another name or address.
    AlreadyRegistered,
    /// A server's clock is ahead: what it read lies in the future.
    ReadingInFuture,
    /// The same batch has another value for the same host and instant.
    ReadingContradicted,
}

/// The kind of a refusal, as far as who asked should act on it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// It is not there (404).
    NotFound,
    /// It is in another state than is asked for (409).
    Conflict,
    /// The rules forbid what is asked for (422).
    Unprocessable,
}

impl Refusal {
    /// Its name, for programs: stable, in PascalCase.
    pub fn code(&self) -> &'static str {
        match self {
            Self::OrderNotFound => "OrderNotFound",
            Self::AlreadyPlaced => "AlreadyPlaced",
            Self::PaymentRequested => "PaymentRequested",
            Self::CancellationRequested => "CancellationRequested",
            Self::NoLines => "NoLines",
            Self::TooManyLines(_) => "TooManyLines",
            Self::UnknownSku(_) => "UnknownSku",
            Self::QuantityOutOfRange { .. } => "QuantityOutOfRange",
            Self::MixedCurrencies { .. } => "MixedCurrencies",
            Self::TotalTooLarge => "TotalTooLarge",
            Self::AlreadyRegistered => "AlreadyRegistered",
            Self::ReadingInFuture => "ReadingInFuture",
            Self::ReadingContradicted => "ReadingContradicted",
        }
    }

    /// Its kind.
    pub fn kind(&self) -> Kind {
        match self {
            Self::OrderNotFound => Kind::NotFound,
            Self::AlreadyPlaced
            | Self::PaymentRequested
            | Self::CancellationRequested
            | Self::AlreadyRegistered => Kind::Conflict,
            Self::NoLines
            | Self::TooManyLines(_)
            | Self::UnknownSku(_)
            | Self::QuantityOutOfRange { .. }
            | Self::MixedCurrencies { .. }
            | Self::TotalTooLarge
            | Self::ReadingInFuture
            | Self::ReadingContradicted => Kind::Unprocessable,
        }
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::OrderNotFound => write!(f, "no such order"),
            Self::AlreadyPlaced => write!(f, "the order exists already"),
            Self::PaymentRequested => write!(f, "the order is being paid for, so it is closed"),
            Self::CancellationRequested => write!(f, "the order is being cancelled"),
            Self::NoLines => write!(f, "an order needs at least one item"),
            Self::TooManyLines(lines) => {
                write!(f, "an order has at most {MAX_LINES} lines, not {lines}")
            }
            Self::UnknownSku(sku) => write!(f, "the shop does not sell {sku}"),
            Self::QuantityOutOfRange { sku, quantity } => {
                write!(f, "an order takes 1 to {} of {sku}, not {quantity}", Quantity::MAX)
            }
            Self::MixedCurrencies { order, sku, other } => {
                write!(f, "{sku} is sold in {other}, but the order is in {order}")
            }
            Self::TotalTooLarge => write!(f, "the order's total is too large"),
            Self::AlreadyRegistered => {
                write!(f, "the customer has registered already, with other details")
            }
            Self::ReadingInFuture => {
                write!(f, "it lies in the future: is the host's clock ahead?")
            }
            Self::ReadingContradicted => {
                write!(f, "the batch has another value for the same host and instant")
            }
        }
    }
}

impl std::error::Error for Refusal {}
