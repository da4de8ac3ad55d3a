//! Kills at any moment, and what must survive them: every order that was acknowledged, once.
//!
//! The engine is a process of its own, `pointsman up` on the real template with the real binaries. Which moment is hit
//! depends on the machine; the seed says how long each life is and who is killed.

mod crowd;
mod engine;
mod functions;
mod outlived;
#[path = "../support/mod.rs"]
mod support;
