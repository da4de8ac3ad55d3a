//! All parts together: listeners, journal, engine, tables, functions, in the order in which they must start.
//!
//! - [`System::start`]: brings templates up; used by `pointsman up` and by [`testing`](crate::testing)
//! - [`Config`]: what it starts with; [`StartError`]: the one line it ends with where it can't
//! - [`Templates`]: several templates, each read after those whose exports it imports
//! - [`System::apply`], [`System::swap`]: templates and functions' binaries changed while it runs
//! - [`Crates`], [`Binaries`], [`Watch`]: functions built, what of them runs, and which files were saved

mod binaries;
mod build;
mod callers;
mod change;
mod error;
mod executables;
mod given;
mod start;
mod templates;
#[cfg(test)]
mod tests;
mod watch;

pub use binaries::Binaries;
pub use build::{Built, Crates};
pub use change::{Applied, functions};
pub use error::StartError;
pub use executables::Folders;
pub use start::{Config, Stack, System};
pub use templates::{Given, Templates};
pub use watch::{Places, Role, Watch};
