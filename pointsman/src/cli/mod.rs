//! The command line: one file a verb.
//!
//! `up` runs a template; the others talk to one that runs: `publish` sends an event, `tail` follows what happens,
//! `logs` shows what functions wrote, `trace` tells what followed from a request, `token` signs a caller's token,
//! `env` has a function's variables, `clock` moves time, `queues` shows what waits where, `redrive` sends dead letters
//! back. `match` needs nothing but a pattern and an event; `completions` and `man` tell a shell and a reader about all
//! of them.

mod client;
mod clock;
mod env;
mod logs;
mod matches;
mod pages;
mod publish;
mod queues;
mod redrive;
mod screen;
mod secrets;
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
#[command(name = "pointsman", version, about, max_term_width = 100, after_help = EXAMPLES)]
struct Cli {
    #[command(subcommand)]
    verb: Verb,
}

const EXAMPLES: &str = "\
Examples:
  pointsman up                      run infra/template.yaml; edit, save, and see it run
  pointsman tail                    in a second terminal: what happens
  pointsman logs --follow           in a third one: what functions write
Each verb has examples of its own: pointsman up --help";

#[derive(Subcommand)]
enum Verb {
    Up(up::Up),
    Publish(publish::Publish),
    Tail(tail::Tail),
    Logs(logs::Logs),
    Match(matches::Match),
    Token(token::Token),
    Env(env::Env),
    Clock(clock::Clock),
    Queues(queues::Queues),
    Redrive(redrive::Redrive),
    Trace(trace::Trace),
    Completions(pages::Completions),
    Man(pages::Man),
}

/// Why a command failed: one line.
type Failure = String;

/// Runs the command that the process was started with.
pub fn main() -> ExitCode {
    let result = match Cli::parse().verb {
        Verb::Up(up) => up.run(),
        Verb::Publish(publish) => publish.run(),
        Verb::Tail(tail) => tail.run(),
        Verb::Logs(logs) => logs.run(),
        Verb::Match(matches) => matches.run(),
        Verb::Token(token) => token.run(),
        Verb::Env(env) => env.run(),
        Verb::Clock(clock) => clock.run(),
        Verb::Queues(queues) => queues.run(),
        Verb::Redrive(redrive) => redrive.run(),
        Verb::Trace(trace) => trace.run(),
        Verb::Completions(completions) => completions.run(),
        Verb::Man(man) => man.run(),
    };
    match result {
        Ok(code) => code,
        Err(why) => {
            eprintln!("pointsman: {why}");
            ExitCode::FAILURE
        }
    }
}
