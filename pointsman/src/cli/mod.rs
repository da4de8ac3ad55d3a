//! The command line: one file a verb.
//!
//! `up` runs a template; the others talk to one that runs: `publish` sends an event, `tail` follows what happens,
//! `trace` tells what followed from a request, `token` signs a caller's token, `clock` moves time, `queues` shows what
//! waits where, `redrive` sends dead letters back. `match` needs nothing but a pattern and an event.

mod client;
mod clock;
mod matches;
mod publish;
mod queues;
mod redrive;
mod screen;
mod sigv4;
mod sqs;
mod tail;
mod token;
mod trace;
mod up;

use clap::{Parser, Subcommand};
use std::process::ExitCode;

/// Runs an event-driven SAM template on this machine: no Docker, no AWS account.
#[derive(Parser)]
#[command(name = "pointsman", version, about, max_term_width = 100)]
struct Cli {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Subcommand)]
enum Verb {
    Up(up::Up),
    Publish(publish::Publish),
    Tail(tail::Tail),
    Match(matches::Match),
    Token(token::Token),
    Clock(clock::Clock),
    Queues(queues::Queues),
    Redrive(redrive::Redrive),
    Trace(trace::Trace),
}

/// Why a command failed: one line.
type Failure = String;

/// Runs the command that the process was started with.
pub fn main() -> ExitCode {
    let result = match Cli::parse().verb {
        Verb::Up(up) => up.run(),
        Verb::Publish(publish) => publish.run(),
        Verb::Tail(tail) => tail.run(),
        Verb::Match(matches) => matches.run(),
        Verb::Token(token) => token.run(),
        Verb::Clock(clock) => clock.run(),
        Verb::Queues(queues) => queues.run(),
        Verb::Redrive(redrive) => redrive.run(),
        Verb::Trace(trace) => trace.run(),
    };
    match result {
        Ok(code) => code,
        Err(why) => {
            eprintln!("pointsman: {why}");
            ExitCode::FAILURE
        }
    }
}
