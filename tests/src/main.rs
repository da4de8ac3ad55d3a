//! The one test command: `cargo verify`.
//!
//! Installs what it needs under `target/`, runs every check of the repository and ends in counts. The standard library
//! is all it uses, so it starts at once. [`steps`] has the checks, [`tools`] the Python tools, [`process`] runs things.

mod arm64;
mod daily;
mod judge;
mod mutations;
mod performance;
mod process;
mod sam;
mod steps;
mod tools;
mod tree;
mod walkthrough;

use process::Tally;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;
use steps::{STEPS, Step};
use tools::Tools;

fn main() -> ExitCode {
    let chosen = match chosen(std::env::args().skip(1)) {
        Ok(Some(steps)) => steps,
        Ok(None) => {
            print!("{}", usage());
            return ExitCode::SUCCESS;
        }
        Err(unknown) => {
            eprintln!("cargo verify: there is no step {unknown}\n\n{}", usage());
            return ExitCode::FAILURE;
        }
    };
    let root = root();
    // Beside the first steps: it is mostly downloads, they are mostly compilation.
    let tools = chosen.iter().any(|step| step.wants_tools).then(|| Tools::install(&root));
    let mut total = Tally::default();
    let mut rows = vec![];
    for step in chosen {
        println!("\n── {}: {}", step.name, step.what);
        let began = now();
        let tally = (step.run)(&root, tools.as_ref()).unwrap_or_else(|why| {
            eprintln!("cargo verify: {}: {why}", step.name);
            Tally::failure()
        });
        rows.push((step.name, tally, now() - began));
        total += tally;
    }
    summary(&rows, total);
    if total.failed == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// The steps that the arguments name; all without any, none for a plea for help. What stands behind `--` is a step's own.
fn chosen(arguments: impl Iterator<Item = String>) -> Result<Option<Vec<&'static Step>>, String> {
    let mut chosen = vec![];
    for argument in arguments.take_while(|argument| argument != "--") {
        if argument == "--help" || argument == "-h" {
            return Ok(None);
        }
        let step = STEPS.iter().find(|step| step.name == argument);
        chosen.push(step.ok_or(argument)?);
    }
    let unasked = || STEPS.iter().filter(|step| step.unasked).collect();
    Ok(Some(if chosen.is_empty() { unasked() } else { chosen }))
}

fn usage() -> String {
    let mut text =
        "Usage: cargo verify [STEP]... [-- OPTION...]\n\nWithout a step, all of them, in this order:\n".to_owned();
    for step in STEPS.iter().filter(|step| step.unasked) {
        text += &format!("  {:<11} {}\n", step.name, step.what);
    }
    text += "\nOnly when it is named:\n";
    for step in STEPS.iter().filter(|step| !step.unasked) {
        text += &format!("  {:<11} {}\n", step.name, step.what);
    }
    text
}

/// A line a step, then the counts, alone on the last line.
fn summary(rows: &[(&str, Tally, Duration)], total: Tally) {
    println!();
    for (name, tally, took) in rows {
        let verdict = if tally.failed == 0 { "ok" } else { "FAILED" };
        println!("{name:<11} {verdict:<6} {:>5.1} min  {tally}", took.as_secs_f64() / 60.0);
    }
    println!("\n{total}");
}

/// The workspace's folder.
fn root() -> PathBuf {
    let tests = PathBuf::from(env!("CARGO_MANIFEST_DIR"));
    tests.parent().map_or(tests.clone(), PathBuf::from)
}

#[expect(clippy::disallowed_methods, reason = "how long a step took is for a person to read")]
fn now() -> std::time::Instant {
    std::time::Instant::now()
}
