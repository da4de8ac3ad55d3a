//! All parts together: listeners, journal, engine, tables, functions, in the order in which they must start.
//!
//! - [`System::start`]: brings templates up; used by `pointsman up` and by [`testing`](crate::testing)
//! - [`Config`]: what it starts with; [`StartError`]: the one line it ends with where it can't

mod build;
mod callers;
mod error;
mod executables;
mod given;
mod start;
#[cfg(test)]
mod tests;

pub use build::{Built, build};
pub use error::StartError;
pub use executables::Folders;
pub use start::{Config, Stack, System};

pub(crate) use given::api_count;
