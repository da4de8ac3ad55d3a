//! The daily loop in a copy of the sources: a function's source is saved while `pointsman up` runs.

use crate::process::{Tally, command};
use crate::tree;
use std::io::{BufRead, BufReader, Lines};
use std::path::Path;
use std::process::{Child, ChildStdout, Stdio};

/// The function that is changed, and what is said by its new code alone.
const FUNCTION: &str = "order-view";
const SAYS: &str = "saved while it ran";

/// Saves the function with a line more, as an editor does, and waits until it is built, swapped and started; the
/// engine and the functions are built in `target`.
pub(crate) fn run(copy: &Path, target: &Path) -> Result<Tally, String> {
    let mut up = command(copy, target.join("debug/pointsman"));
    up.args(["up", "--port", "0", "--http-port", "0"]).env("CARGO_TARGET_DIR", target);
    let child = up.stdout(Stdio::piped()).spawn();
    let mut up = Up(child.map_err(|error| format!("pointsman up cannot be run: {error}"))?);
    let out = up.0.stdout.take().ok_or("pointsman up has no output")?;
    let mut lines = BufReader::new(out).lines();
    let ready = until(&mut lines, "ready in ")?;
    println!("{ready}");
    let file = format!("functions/src/bin/{FUNCTION}.rs");
    let text = tree::read(copy, &file)?;
    let head = "fn main() -> Result<(), Error> {\n";
    if text.matches(head).count() != 1 {
        return Err(format!("{file}: not there exactly once: {head:?}"));
    }
    let changed = text.replacen(head, &format!("{head}    eprintln!(\"{SAYS}\");\n"), 1);
    let draft = format!("{file}.tmp");
    tree::write(copy, &draft, changed.as_bytes())?;
    let renamed = std::fs::rename(copy.join(draft), copy.join(&file));
    renamed.map_err(|error| format!("{file}: {error}"))?;
    // The new process says so as it starts, which is told before the swap is.
    println!("{}", until(&mut lines, SAYS)?);
    println!("{}", until(&mut lines, "swapped ")?);
    Ok(Tally::success())
}

/// The next line that has this in it.
fn until(lines: &mut Lines<BufReader<ChildStdout>>, what: &str) -> Result<String, String> {
    let found = lines.map_while(Result::ok).find(|line| line.contains(what));
    found.ok_or_else(|| format!("pointsman up ended without having said: {what}"))
}

/// `pointsman up`, which ends with this.
struct Up(Child);

impl Drop for Up {
    fn drop(&mut self) {
        // Functions that it leaves behind end by themselves: their engine answers no more.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}
