//! Measures the engine and its peers side by side, and a function's cold start; `cargo verify performance` and
//! `cargo verify coldstart` build what this needs and start it. What is measured is kept as JSON in docs, from which the
//! page's tables and its plot are written.
//!
//! | module | yields |
//! |---|---|
//! | [`measure`] | every measurement of every server, in rounds |
//! | [`load`] | events put, received and deleted, signed, in four modes |
//! | [`handler`] | the same to a function |
//! | [`server`] | a server as a process with fresh state |
//! | [`coldstart`] | a function from its start to the end of its first invocation |
//! | [`page`] | the figures as kept, and the page they make |

mod clock;
mod coldstart;
mod handler;
mod http;
mod load;
mod machine;
mod measure;
mod options;
mod page;
mod proc;
mod server;

use options::Arguments;
use std::path::Path;
use std::process::ExitCode;

const USAGE: &str = "\
Usage: performance measure NAME VALUE...   the servers, to docs/performance.json and the page
       performance coldstart NAME VALUE... functions, to docs/coldstart.json and the page
       performance page NAME VALUE...      the page anew from what is kept
       performance load NAME VALUE...      one load on a server that runs, printed";

fn main() -> ExitCode {
    // Cargo adds this to every bench that it runs itself.
    let mut arguments = std::env::args().skip(1).filter(|argument| argument != "--bench");
    let done = match arguments.next().as_deref() {
        Some("measure") => Arguments::read(arguments).and_then(|given| servers(&given)),
        Some("coldstart") => Arguments::read(arguments).and_then(|given| functions(&given)),
        Some("page") => Arguments::read(arguments).and_then(|given| write(&given)),
        Some("load") => Arguments::read(arguments).and_then(|given| given.load()),
        _ => Err(USAGE.to_owned()),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(why) => {
            eprintln!("performance: {why}");
            ExitCode::FAILURE
        }
    }
}

fn servers(given: &Arguments) -> Result<(), String> {
    let record = measure::run(&given.servers()?)?;
    keep(&given.docs()?.join("performance.json"), &record)?;
    write(given)
}

fn functions(given: &Arguments) -> Result<(), String> {
    let record = coldstart::run(&given.functions()?)?;
    keep(&given.docs()?.join("coldstart.json"), &record)?;
    write(given)
}

fn keep(path: &Path, record: &impl serde::Serialize) -> Result<(), String> {
    let text = serde_json::to_string_pretty(record).map_err(|error| error.to_string())?;
    std::fs::write(path, text + "\n").map_err(|error| format!("{}: {error}", path.display()))
}

/// Writes the page and its plot from what is kept beside it.
fn write(given: &Arguments) -> Result<(), String> {
    let docs = given.docs()?;
    for (name, text) in page::made(&docs)? {
        let path = docs.join(name);
        std::fs::write(&path, text).map_err(|error| format!("{}: {error}", path.display()))?;
        println!("{}", path.display());
    }
    Ok(())
}
