//! Runs commands as a shell at the workspace's root would, and counts what their tests say.

use std::fmt;
use std::io::{BufRead, BufReader};
use std::ops::AddAssign;
use std::path::Path;
use std::process::{Command, Stdio};

/// Checks by their result.
#[derive(Clone, Copy, Default)]
pub(crate) struct Tally {
    pub(crate) passed: u64,
    pub(crate) failed: u64,
    pub(crate) skipped: u64,
}

impl Tally {
    /// One check that passed.
    pub(crate) fn success() -> Self {
        Tally { passed: 1, ..Tally::default() }
    }

    /// One check that failed.
    pub(crate) fn failure() -> Self {
        Tally { failed: 1, ..Tally::default() }
    }

    /// One check that could not be made here.
    pub(crate) fn skip() -> Self {
        Tally { skipped: 1, ..Tally::default() }
    }

    /// Counts a line that a test binary printed.
    fn read(&mut self, line: &str) {
        let Some(result) = line.strip_prefix("test result: ") else { return };
        let counts = result.split_once(". ").map_or(result, |(_, counts)| counts);
        for count in counts.split("; ") {
            let Some((number, what)) = count.split_once(' ') else { continue };
            let number = number.parse().unwrap_or(0);
            match what {
                "passed" => self.passed += number,
                "failed" => self.failed += number,
                "ignored" => self.skipped += number,
                _ => {}
            }
        }
    }
}

/// What stands behind `--` on the command line: a step's own.
pub(crate) fn given() -> impl Iterator<Item = String> {
    std::env::args().skip_while(|argument| argument != "--").skip(1)
}

impl AddAssign for Tally {
    fn add_assign(&mut self, other: Self) {
        self.passed += other.passed;
        self.failed += other.failed;
        self.skipped += other.skipped;
    }
}

impl fmt::Display for Tally {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} passed, {} failed, {} skipped", self.passed, self.failed, self.skipped)
    }
}

/// Cargo at the workspace's root.
pub(crate) fn cargo(root: &Path) -> Command {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    command(root, cargo)
}

/// A program at the workspace's root, without the variables that Cargo gave this process: some build scripts would
/// take them for a change and build again.
pub(crate) fn command(root: &Path, program: impl AsRef<std::ffi::OsStr>) -> Command {
    let mut command = Command::new(program);
    command.current_dir(root).stdin(Stdio::null());
    for (name, _) in std::env::vars_os() {
        let name = name.to_string_lossy().into_owned();
        if name.starts_with("CARGO_PKG_") || name.starts_with("CARGO_MANIFEST_") {
            command.env_remove(name);
        }
    }
    command
}

/// Runs a command that is one check.
pub(crate) fn check(command: &mut Command) -> Result<Tally, String> {
    let status = command.status().map_err(|error| cannot_run(command, &error))?;
    Ok(if status.success() { Tally::success() } else { Tally::failure() })
}

/// Runs `cargo test`, passes on what it prints and counts its tests. A failure that no test accounts for, such as of
/// the compiler, counts as one.
pub(crate) fn test(command: &mut Command) -> Result<Tally, String> {
    let child = command.stdout(Stdio::piped()).spawn();
    let mut child = child.map_err(|error| cannot_run(command, &error))?;
    let mut tally = Tally::default();
    // Such a test says so and passes.
    let mut skipped = 0;
    if let Some(output) = child.stdout.take() {
        for line in BufReader::new(output).split(b'\n').map_while(Result::ok) {
            let line = String::from_utf8_lossy(&line);
            println!("{line}");
            tally.read(&line);
            skipped += u64::from(line.contains("skipped: "));
        }
    }
    tally.passed = tally.passed.saturating_sub(skipped);
    tally.skipped += skipped;
    let status = child.wait().map_err(|error| cannot_run(command, &error))?;
    if !status.success() && tally.failed == 0 {
        tally.failed = 1;
    }
    Ok(tally)
}

fn cannot_run(command: &Command, error: &std::io::Error) -> String {
    format!("{} cannot be run: {error}", command.get_program().display())
}
