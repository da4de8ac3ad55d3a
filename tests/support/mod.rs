//! What the system's tests share: requests as a customer or an operator makes them, and an engine as a process.
#![allow(dead_code, unused_imports, reason = "each of the test binaries uses a part of it")]

mod client;
mod process;

pub(crate) use client::{Answer, Client, Tail, order};
pub(crate) use process::{Pointsman, binary, functions_of, signal, template, up};
