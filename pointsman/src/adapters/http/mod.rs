//! HTTP APIs as API Gateway has them: routes, JWT authorizers, payload 2.0 to a function, its answer back.
//!
//! - [`Doors`]: all that are served, each on a listener; [`serve`]: one of them
//! - [`Issuer`]: the local issuer of tokens, which stands in for the template's

mod answer;
mod authorize;
mod cors;
mod doors;
mod event;
mod issuer;
mod route;
mod serve;

#[cfg(test)]
mod tests;

pub use doors::Doors;
pub use issuer::{Issuer, IssuerError};
pub use serve::{Gateway, serve};
