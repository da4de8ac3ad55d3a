//! Everything that touches the outside: protocols, processes, files of tables.

pub mod tables;
