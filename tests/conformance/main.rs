//! What the repository promises about itself: its habits, its arrows, its template, and that the kit's real adapters
//! keep to their ports.

mod facts;
mod kit;
mod performance;
mod repository;
mod rights;
mod safety;
#[path = "../ecosystem/sdk_config.rs"]
mod sdk_config;
mod tables;
mod template;
mod ways_out;
mod workspace;
