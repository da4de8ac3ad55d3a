//! The router's tests, in one binary.

mod arrays; // array consistency against a naive oracle
mod explained; // verdicts and their words
mod hostile; // deep, wide, broken and ambiguous input
mod quirks; // our choice where AWS's verdict is odd
mod recorded; // AWS's verdicts
mod refused; // errors on patterns: place, fault, remedy
mod sets; // a set of rules ≡ each rule alone, in any order of change
